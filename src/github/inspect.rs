//! What GitHub says as it says it, for `landfall doctor`: a person who looks into a configuration wants the status and the words, and not
//! only what they come to. Neither component calls any of it.

use http::{HeaderMap, Method, StatusCode};

use super::call::{Answer, Call};
use super::classify::{Meaning, message};
use super::limits::Purpose;
use super::{GitHub, jwt};
use crate::error::Error;
use crate::host::Host;

pub use super::jwt::key_bits;
pub use crate::host::Deadline;

/// An answer of the API's, whatever it says.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// The status.
    pub status: StatusCode,
    /// All headers.
    pub headers: HeaderMap,
    /// All of the body.
    pub body: Vec<u8>,
}

impl Inspected {
    /// What it comes to.
    #[must_use]
    pub fn meaning(&self) -> Meaning {
        Meaning::of(self.status, &self.headers, &self.body)
    }

    /// GitHub's own words, if they are fit for one line.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        message(&self.body)
    }

    /// When GitHub answered, by its own clock.
    #[must_use]
    pub fn date(&self) -> Option<std::time::SystemTime> {
        jwt::date(&self.headers)
    }
}

impl From<Answer> for Inspected {
    fn from(answer: Answer) -> Self {
        Self {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
        }
    }
}

impl<H: Host> GitHub<'_, H> {
    /// GETs a path of the API with the owner's credential.
    ///
    /// # Errors
    /// Where there is no answer, and where there is no credential to be had.
    pub async fn inspect(
        &self,
        owner: &str,
        path: &str,
        deadline: Deadline,
    ) -> Result<Inspected, Error> {
        let call = Call::new(KIND, owner, path, Purpose::Free, deadline);
        let (asked, sent) = self.ask(&call).await?;
        Ok(self.collect(asked.response, sent, deadline).await?.into())
    }

    /// GETs a path of the API as the App itself.
    ///
    /// # Errors
    /// Where there is no answer, and where there is no key to sign with.
    pub async fn inspect_as_app(&self, path: &str, deadline: Deadline) -> Result<Inspected, Error> {
        let call = Call::new(KIND, "", path, Purpose::Free, deadline);
        Ok(self.as_app(Method::GET, &call, "").await?.into())
    }
}

/// What such a call is called in the log.
const KIND: &str = "inspect";
