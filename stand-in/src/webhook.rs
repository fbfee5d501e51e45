//! Webhook deliveries as GitHub builds, signs and sends them
//! (<https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers>). Nothing here needs a running stand-in.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::etag::hex;
use crate::token::random;
use crate::webhook_event::{Event, RefType, Subject};

/// A push of more tags than this is not told to anyone, says the description of `create`, `delete` and `push`.
const MOST_TAGS: usize = 3;
/// GitHub gives up on a receiver after so long.
const PATIENCE: Duration = Duration::from_secs(10);

const SIGNATURE: &str = "X-Hub-Signature-256";
const GUID: &str = "X-GitHub-Delivery";

/// An App's webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The hook's id.
    pub id: u64,
    /// The App's id.
    pub app_id: u64,
    /// What deliveries are signed with.
    pub secret: String,
    /// Whether the payload is sent as a form's field, not as JSON.
    pub form: bool,
}

/// One delivery, ready to be sent. The same delivery sent again is a redelivery: GitHub keeps the GUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The headers that GitHub sets, in its spelling, without `Host` and `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// The raw body, which is what is signed.
    pub body: Vec<u8>,
}

/// What a push does to one tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// The short name.
    pub name: String,
    /// The SHA that it was on; a new tag has none.
    #[serde(default)]
    pub before: Option<String>,
    /// The SHA that it is on; a deleted tag has none.
    #[serde(default)]
    pub after: Option<String>,
}

impl Webhook {
    /// A JSON hook of the App 1001.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self {
            id: 292_430_182,
            app_id: 1001,
            secret: secret.to_owned(),
            form: false,
        }
    }

    /// The same hook of another App.
    #[must_use]
    pub fn app(self, app_id: u64) -> Self {
        Self { app_id, ..self }
    }

    /// The same hook with the content type `application/x-www-form-urlencoded`.
    #[must_use]
    pub fn form(self) -> Self {
        Self { form: true, ..self }
    }

    /// A delivery of an event, with a GUID of its own.
    #[must_use]
    pub fn delivery(&self, event: &Event, subject: &Subject) -> Delivery {
        self.delivery_of(event.name(), &self.payload(event, subject))
    }

    /// As [`delivery`](Self::delivery), with a body of at least so many bytes. GitHub sends none above 25 MB; others may.
    #[must_use]
    pub fn padded(&self, event: &Event, subject: &Subject, bytes: usize) -> Delivery {
        let mut payload = self.payload(event, subject);
        if let Some(fields) = payload.as_object_mut() {
            fields.insert("padding".to_owned(), "x".repeat(bytes).into());
        }
        self.delivery_of(event.name(), &payload)
    }

    /// A delivery of any payload under any event's name, signed.
    #[must_use]
    pub fn delivery_of(&self, event: &str, payload: &Value) -> Delivery {
        let json = payload.to_string();
        let (content_type, body) = if self.form {
            let field = utf8_percent_encode(&json, NON_ALPHANUMERIC);
            (
                "application/x-www-form-urlencoded",
                format!("payload={field}"),
            )
        } else {
            ("application/json", json)
        };
        let body = body.into_bytes();
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes());
        let signature = format!("sha256={}", hex(hmac::sign(&key, &body).as_ref()));
        let headers = [
            ("Accept", "*/*"),
            ("Content-Type", content_type),
            ("User-Agent", "GitHub-Hookshot/044aadd"),
            (GUID, &guid()),
            ("X-GitHub-Event", event),
            ("X-GitHub-Hook-ID", &self.id.to_string()),
            (
                "X-GitHub-Hook-Installation-Target-ID",
                &self.app_id.to_string(),
            ),
            ("X-GitHub-Hook-Installation-Target-Type", "integration"),
            (SIGNATURE, &signature),
        ];
        Delivery {
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            body,
        }
    }

    /// The deliveries of one push of tags, in no order that may be relied on: `create` and `push` for a new tag, `push` for a
    /// moved one, `delete` and `push` for a deleted one. None at all for more than three tags.
    #[must_use]
    pub fn push_tags(&self, subject: &Subject, tags: &[Tag]) -> Vec<Delivery> {
        if tags.len() > MOST_TAGS {
            return Vec::new();
        }
        tags.iter()
            .flat_map(|tag| {
                let name = tag.name.clone();
                let ref_type = RefType::Tag;
                let other = match (&tag.before, &tag.after) {
                    (None, _) => Some(Event::Create { ref_type, name }),
                    (Some(_), None) => Some(Event::Delete { ref_type, name }),
                    (Some(_), Some(_)) => None,
                };
                let push = Event::Push {
                    reference: format!("refs/tags/{}", tag.name),
                    before: tag.before.clone(),
                    after: tag.after.clone(),
                    forced: other.is_none(),
                };
                other.into_iter().chain([push])
            })
            .map(|event| self.delivery(&event, subject))
            .collect()
    }

    fn payload(&self, event: &Event, subject: &Subject) -> Value {
        let mut payload = event.payload(subject);
        if let (Event::Ping, Some(fields)) = (event, payload.as_object_mut()) {
            fields.insert("hook_id".to_owned(), self.id.into());
            let hook = json!({
                "type": "App",
                "id": self.id,
                "name": "web",
                "active": true,
                "app_id": self.app_id,
                "config": { "content_type": if self.form { "form" } else { "json" } },
            });
            fields.insert("hook".to_owned(), hook);
        }
        payload
    }
}

impl Tag {
    /// A new tag on this SHA.
    #[must_use]
    pub fn new(name: &str, after: &str) -> Self {
        Self::of(name, None, Some(after))
    }

    /// A tag that was moved by force.
    #[must_use]
    pub fn moved(name: &str, before: &str, after: &str) -> Self {
        Self::of(name, Some(before), Some(after))
    }

    /// A tag that was deleted from this SHA.
    #[must_use]
    pub fn deleted(name: &str, before: &str) -> Self {
        Self::of(name, Some(before), None)
    }

    fn of(name: &str, before: Option<&str>, after: Option<&str>) -> Self {
        Self {
            name: name.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        }
    }
}

impl Delivery {
    /// The value of a header, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The delivery's GUID.
    #[must_use]
    pub fn guid(&self) -> &str {
        self.header(GUID).unwrap_or_default()
    }

    /// The same delivery with a header set, or taken away.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: Option<&str>) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers
            .extend(value.map(|value| (name.to_owned(), value.to_owned())));
        self
    }

    /// The same delivery under another GUID.
    #[must_use]
    pub fn with_guid(self, guid: &str) -> Self {
        self.with_header(GUID, Some(guid))
    }

    /// The same delivery without a signature.
    #[must_use]
    pub fn unsigned(self) -> Self {
        self.with_header(SIGNATURE, None)
    }

    /// The same delivery with a signature of the right form that another secret made.
    #[must_use]
    pub fn wrongly_signed(self) -> Self {
        let signature = format!("sha256={}", hex(&random(32)));
        self.with_header(SIGNATURE, Some(&signature))
    }

    /// Posts the delivery to an `http://` address and gives the status. Blocks, up to ten seconds for each step.
    pub fn send(&self, url: &str) -> io::Result<u16> {
        let invalid = || io::Error::new(io::ErrorKind::InvalidInput, format!("`{url}`"));
        let rest = url.strip_prefix("http://").ok_or_else(invalid)?;
        let at = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        let path = if path.is_empty() { "/" } else { path };
        let mut socket = if authority.contains(':') {
            TcpStream::connect(authority)?
        } else {
            TcpStream::connect((authority, 80))?
        };
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"));
        let head: Vec<String> = [
            format!("POST {path} HTTP/1.1"),
            format!("Host: {authority}"),
            "Connection: close".to_owned(),
        ]
        .into_iter()
        .chain(headers)
        .chain([format!("Content-Length: {}\r\n\r\n", self.body.len())])
        .collect();
        // A receiver that refuses a large body may close before it has all of it; its answer counts.
        let sent = socket
            .write_all(head.join("\r\n").as_bytes())
            .and_then(|()| socket.write_all(&self.body));
        status(&mut socket).or_else(|error| sent.and(Err(error)))
    }
}

/// The status in the first line of a response.
fn status(socket: &mut TcpStream) -> io::Result<u16> {
    let mut line = [0; 12];
    socket.read_exact(&mut line)?;
    std::str::from_utf8(&line)
        .ok()
        .and_then(|line| line.strip_prefix("HTTP/1."))
        .and_then(|line| line.get(2..)?.parse().ok())
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn guid() -> String {
    uuid(&random(16))
}

/// The first 16 bytes in the form of a UUID.
pub(crate) fn uuid(bytes: &[u8]) -> String {
    let digits = hex(bytes);
    [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)]
        .map(|(from, to)| digits.get(from..to).unwrap_or_default())
        .join("-")
}
