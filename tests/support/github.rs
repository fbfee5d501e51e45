//! A GitHub that follows a script. It plays the API and the archive host, and writes down what it was asked.

use std::collections::VecDeque;
use std::sync::Mutex;

use sha2::{Digest as _, Sha256};

/// What GitHub answers.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub fault: Fault,
    pub etag: ETag,
}

/// How an answer may be revalidated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ETag {
    /// Not at all.
    None,
    /// As GitHub does it today.
    Rule,
    /// By another rule, that also depends on the token.
    Opaque,
    /// It is another one each time.
    Random,
}

/// What goes wrong beneath HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// The connection breaks after so many bytes of the body.
    Break(usize),
    /// The body ends after so many bytes, as if that were all.
    End(usize),
    /// No answer in time.
    Timeout,
    /// No connection.
    Refused,
}

impl Answer {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let date = ("date", "Thu, 01 Jan 2026 00:00:00 GMT".to_owned());
        Self {
            status,
            headers: vec![date],
            body: body.into(),
            fault: Fault::None,
            etag: ETag::None,
        }
    }

    pub fn json(body: &impl ToString) -> Self {
        Self::new(200, body.to_string()).header("content-type", "application/json")
    }

    pub fn message(status: u16, message: &str) -> Self {
        Self::new(
            status,
            serde_json::json!({ "message": message }).to_string(),
        )
    }

    pub fn redirect(status: u16, location: &str) -> Self {
        Self::new(status, "").header("location", location)
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: &(impl ToString + ?Sized)) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.to_string()));
        self
    }

    #[must_use]
    pub fn etag(mut self, etag: ETag) -> Self {
        self.etag = etag;
        self
    }

    /// What a conditional request is answered.
    fn revalidated(mut self, asked: &Asked, number: usize) -> Self {
        const VARY: &str = "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding";
        let mut sum = Sha256::new();
        for value in [&asked.accept, &asked.authorization].into_iter().flatten() {
            sum.update(value);
            sum.update(":");
        }
        sum.update(&self.body);
        match self.etag {
            ETag::None => return self,
            ETag::Rule => {}
            ETag::Opaque => sum.update("salt"),
            ETag::Random => sum.update(number.to_string()),
        }
        let etag = format!("\"{}\"", hex::encode(sum.finalize()));
        if asked.if_none_match.as_ref() == Some(&etag) {
            self.status = 304;
            self.body.clear();
        }
        self.header("etag", &etag).header("vary", VARY)
    }

    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }
}

/// One request, as far as a script cares.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub url: String,
    pub authorization: Option<String>,
    pub accept: Option<String>,
    pub if_none_match: Option<String>,
    pub body: Vec<u8>,
}

/// What is wrong with GitHub as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    None,
    Down,
    Fails,
    Unauthorized,
    Forbidden,
    Limited,
    Secondary,
    Slow,
    HalfBody,
    Html,
    EmptyList,
    NotFound,
    /// A proxy in between refuses.
    Blocked,
}

impl Trouble {
    /// What becomes of an answer. The App's own calls go wrong only where everything does.
    fn spoil(self, answer: Answer, asked: &Asked) -> Answer {
        let is_app = asked.url.contains("/app/") || asked.url.ends_with("/installation");
        let is_list = asked.url.contains("/matching-refs/");
        let is_archive = asked.url.contains("codeload");
        let limit = "API rate limit exceeded for installation ID 7.";
        let secondary = "You have exceeded a secondary rate limit.";
        match self {
            Self::None => answer,
            Self::Down => answer.fault(Fault::Refused),
            Self::Fails => Answer::new(502, "<html>Unicorn!</html>"),
            Self::Slow => answer.fault(Fault::Timeout),
            _ if is_app => answer,
            Self::HalfBody if is_list || is_archive => {
                let half = answer.body.len() / 2;
                answer.fault(Fault::Break(half))
            }
            Self::Html if is_list || is_archive => Answer::new(200, "<html>Sign in</html>"),
            Self::EmptyList if is_list => Answer::json(&"[]").etag(ETag::Rule),
            Self::HalfBody | Self::Html | Self::EmptyList => answer,
            // The archive host has no accounts and no limits.
            _ if is_archive => answer,
            Self::Unauthorized => Answer::message(401, "Bad credentials"),
            Self::Forbidden => Answer::message(403, "Resource not accessible by integration"),
            Self::NotFound => Answer::message(404, "Not Found"),
            Self::Blocked => Answer::new(403, "<html>Blocked by policy</html>"),
            Self::Limited => Answer::message(403, limit)
                .header("x-ratelimit-remaining", &0)
                .header("x-ratelimit-reset", &1_767_227_400),
            Self::Secondary => Answer::message(429, secondary).header("retry-after", &120),
        }
    }
}

/// The script: the first rule whose pattern is `METHOD URL`, in any case as on GitHub, answers, its last answer again and again.
#[derive(Debug, Default)]
pub struct GitHub {
    rules: Mutex<Vec<(String, VecDeque<Answer>)>>,
    calls: Mutex<Vec<String>>,
    answers: Mutex<Vec<Answered>>,
    trouble: Mutex<Option<Trouble>>,
}

/// A request, and what it was answered.
#[derive(Debug)]
pub struct Answered {
    pub method: String,
    pub url: String,
    pub answer: Answer,
}

impl GitHub {
    /// Puts a rule before those that there are.
    pub fn on(&self, pattern: &str, answers: impl IntoIterator<Item = Answer>) {
        let rule = (pattern.to_owned(), answers.into_iter().collect());
        self.rules.lock().unwrap().insert(0, rule);
    }

    /// From now on, everything goes wrong in this way.
    pub fn trouble(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap() = Some(trouble);
    }

    /// Answers, and writes down who asked.
    pub fn answer(&self, asked: &Asked) -> Answer {
        let Asked {
            method,
            url,
            authorization,
            body,
            ..
        } = asked;
        let who = match authorization
            .as_deref()
            .map(|it| it.strip_prefix("Bearer ").unwrap_or(it))
        {
            None => "nobody".to_owned(),
            Some(jwt) if jwt.starts_with("eyJ") => "the App".to_owned(),
            Some(token) => format!("token {}", &token[..token.len().min(12)]),
        };
        let sent = if body.is_empty() {
            String::new()
        } else {
            format!(" {}", String::from_utf8_lossy(body))
        };
        let trouble = self.trouble.lock().unwrap().unwrap_or(Trouble::None);
        let answer = trouble.spoil(self.scripted(&format!("{method} {url}")), asked);
        let mut calls = self.calls.lock().unwrap();
        let answer = answer.revalidated(asked, calls.len());
        let condition = match (&asked.if_none_match, answer.status) {
            (Some(_), 304) if answer.fault == Fault::None => ": not changed",
            (Some(_), 200) if answer.fault == Fault::None => ": changed",
            _ => "",
        };
        calls.push(format!("{method} {url}{sent} by {who}{condition}"));
        self.answers.lock().unwrap().push(Answered {
            method: method.clone(),
            url: url.clone(),
            answer: answer.clone(),
        });
        answer
    }

    fn scripted(&self, asked: &str) -> Answer {
        let mut rules = self.rules.lock().unwrap();
        match rules
            .iter_mut()
            .find(|(pattern, _)| pattern.eq_ignore_ascii_case(asked))
        {
            Some((_, answers)) if answers.len() > 1 => answers.pop_front().unwrap(),
            Some((_, answers)) => answers.front().cloned().unwrap(),
            None => Answer::message(404, "Not Found"),
        }
    }

    /// What was answered since the last time.
    pub fn take_answers(&self) -> Vec<Answered> {
        std::mem::take(&mut self.answers.lock().unwrap())
    }

    /// What was asked since the last time.
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}
