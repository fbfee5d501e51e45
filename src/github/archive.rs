//! The zip of a commit, or of what a tag object leads to: the API's redirect, and the download from the host that it names.

use http::{StatusCode, header};

use super::call::{Asked, Call};
use super::limits::Purpose;
use super::{GitHub, Repository};
use crate::archive::Refusal;
use crate::archive::stream::IDLE_LIMIT;
use crate::config::GitHubUrls;
use crate::error::{Error, NotFound};
use crate::event::Upstream;
use crate::github::classify::Meaning;
use crate::host::{Deadline, Host};
use crate::module::ObjectId;

impl<H: Host> GitHub<'_, H> {
    /// Begins to download the archive of a commit, or of a tag object, and returns its body.
    ///
    /// The credential goes to the API alone: the address that GitHub redirects to carries a token of its own, which is
    /// good for five minutes. An archive that says to be larger than `max_archive_bytes` is refused here.
    ///
    /// # Errors
    /// Whatever is not a 200 from a known host.
    pub async fn archive(
        &self,
        repository: &Repository,
        object: &ObjectId,
        deadline: Deadline,
    ) -> Result<H::Source, Error> {
        let path = repository.path(&format!("/zipball/{object}"));
        let call = Call {
            may_lead_to: GitHubUrls::is_archive,
            idle: IDLE_LIMIT,
            ..Call::new("archive", &repository.owner, &path, Purpose::Free, deadline)
        };
        let (asked, sent) = self.ask(&call).await?;
        self.check(asked, sent, &call).await
    }

    /// Takes the body of a response that is an archive.
    async fn check(
        &self,
        asked: Asked<H::Source>,
        sent: Upstream<'_, H>,
        call: &Call<'_>,
    ) -> Result<H::Source, Error> {
        let (path, response) = (call.path, asked.response);
        if response.status() != StatusCode::OK {
            let answer = self.collect(response, sent, call.deadline).await?;
            // The archives' host has limits of its own.
            let meaning = if asked.is_api {
                self.meaning(call.owner, &answer)
            } else {
                Meaning::of(answer.status, &answer.headers, &answer.body)
            };
            return Err(match meaning {
                Meaning::NotFound => Error::NotFound(NotFound::Archive),
                Meaning::Success => Error::Malformed(format!("{path}: {}", answer.status)),
                meaning => meaning.into_error(path, &answer.body),
            });
        }
        let length = response.headers().get(header::CONTENT_LENGTH);
        let length: Option<u64> = length.and_then(|length| length.to_str().ok()?.parse().ok());
        if length.is_some_and(|length| length > self.config.max_archive_bytes) {
            return Err(Refusal::TooLarge.into());
        }
        Ok(response.into_body())
    }
}
