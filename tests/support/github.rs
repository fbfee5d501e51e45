//! A GitHub that follows a script. It plays the API and the archive host, and writes down what it was asked.

use std::collections::VecDeque;
use std::sync::Mutex;

/// What GitHub answers.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub fault: Fault,
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
    pub body: Vec<u8>,
}

/// The script: the first rule whose pattern is `METHOD URL`, in any case as on GitHub, answers, its last answer again and again.
#[derive(Debug, Default)]
pub struct GitHub {
    rules: Mutex<Vec<(String, VecDeque<Answer>)>>,
    calls: Mutex<Vec<String>>,
}

impl GitHub {
    /// Puts a rule before those that there are.
    #[must_use]
    pub fn on(self, pattern: &str, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.rules
            .lock()
            .unwrap()
            .insert(0, (pattern.to_owned(), answers.into_iter().collect()));
        self
    }

    /// Answers, and writes down who asked.
    pub fn answer(&self, asked: &Asked) -> Answer {
        let Asked {
            method,
            url,
            authorization,
            body,
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
        self.calls
            .lock()
            .unwrap()
            .push(format!("{method} {url}{sent} by {who}"));
        let asked = format!("{method} {url}");
        let mut rules = self.rules.lock().unwrap();
        match rules
            .iter_mut()
            .find(|(pattern, _)| pattern.eq_ignore_ascii_case(&asked))
        {
            Some((_, answers)) if answers.len() > 1 => answers.pop_front().unwrap(),
            Some((_, answers)) => answers.front().cloned().unwrap(),
            None => Answer::message(404, "Not Found"),
        }
    }

    /// What was asked since the last time.
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}
