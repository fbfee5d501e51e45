//! A commit's zip: the API's redirect, and the download from the host that it names.

use std::time::Duration;

use http::{Response, StatusCode, header};

use super::{Deadline, GitHub, Repository};
use crate::archive::Refusal;
use crate::config::GitHubUrls;
use crate::error::{Error, NotFound};
use crate::github::classify::Meaning;
use crate::host::Host;
use crate::module::ObjectId;

impl<H: Host> GitHub<'_, H> {
    /// Begins to download the archive of `commit`, and returns its body.
    ///
    /// The credential goes to the API alone: the address that GitHub redirects to carries a token of its own, which is
    /// good for five minutes. An archive that says to be larger than `max_archive_bytes` is refused here.
    ///
    /// # Errors
    /// Whatever is not a 200 from a known host.
    pub async fn archive(
        &self,
        repository: &Repository,
        commit: &ObjectId,
        deadline: Deadline,
    ) -> Result<H::Source, Error> {
        let path = repository.path(&format!("/zipball/{commit}"));
        let response = self
            .ask(
                &repository.owner,
                &path,
                GitHubUrls::is_archive,
                deadline,
                IDLE_LIMIT,
            )
            .await?;
        self.check(response, &path, deadline).await
    }

    /// Takes the body of a response that is an archive.
    async fn check(
        &self,
        response: Response<H::Source>,
        path: &str,
        deadline: Deadline,
    ) -> Result<H::Source, Error> {
        if response.status() != StatusCode::OK {
            let answer = self.collect(response, deadline).await?;
            return Err(
                match Meaning::of(answer.status, &answer.headers, &answer.body) {
                    Meaning::NotFound => Error::NotFound(NotFound::Archive),
                    Meaning::Success => Error::Malformed(format!("{path}: {}", answer.status)),
                    meaning => meaning.into_error(path, &answer.body),
                },
            );
        }
        let length = response.headers().get(header::CONTENT_LENGTH);
        let length: Option<u64> = length.and_then(|length| length.to_str().ok()?.parse().ok());
        if length.is_some_and(|length| length > self.config.max_archive_bytes) {
            return Err(Refusal::TooLarge.into());
        }
        Ok(response.into_body())
    }
}

/// A large archive may come slowly, but it comes.
const IDLE_LIMIT: Duration = Duration::from_secs(30);
