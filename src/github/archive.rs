//! A commit's zip: the API's redirect, and the download from the host that it names.

use std::time::Duration;

use http::{Method, Response, StatusCode, header};
use url::Url;

use super::app::Authorization;
use super::{Deadline, GitHub, Redirect, Repository, request};
use crate::archive::Refusal;
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
        let mut attempt = 0;
        loop {
            let authorization = self.authorization(&repository.owner, deadline).await?;
            let response = self
                .open(&self.config.github.api(&path), &authorization, deadline)
                .await?;
            if response.status() == StatusCode::UNAUTHORIZED
                && self
                    .renew(&repository.owner, &authorization, attempt, deadline)
                    .await
            {
                attempt += 1;
                continue;
            }
            return self.check(response, &path, deadline).await;
        }
    }

    /// Follows GitHub's redirects to the archive, checking each.
    async fn open(
        &self,
        url: &str,
        authorization: &Authorization,
        deadline: Deadline,
    ) -> Result<Response<H::Source>, Error> {
        let mut url = url.to_owned();
        for _ in 0..=MAX_HOPS {
            let is_api = Url::parse(&url).is_ok_and(|url| self.config.github.is_api(&url));
            let request = request(
                Method::GET,
                &url,
                is_api.then_some(authorization),
                Vec::new(),
            )?;
            let response = self.send(request, deadline, IDLE_LIMIT).await?;
            match Redirect::of(&url, &response) {
                Redirect::No => return Ok(response),
                Redirect::To(target) if self.config.github.is_archive(&target) => {
                    url = target.into();
                }
                Redirect::To(target) => {
                    return Err(Error::Malformed(format!(
                        "the archive's redirect leads to `{}`, which is not an https address on a known host: add \
                         the host to `github_archive_hosts` if it is yours",
                        target.origin().ascii_serialization()
                    )));
                }
                Redirect::Nowhere => {
                    return Err(Error::Malformed(
                        "the archive's redirect leads nowhere".to_owned(),
                    ));
                }
            }
        }
        Err(Error::Malformed(format!(
            "more than {MAX_HOPS} redirects to an archive"
        )))
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

const MAX_HOPS: usize = 3;
/// A large archive may come slowly, but it comes.
const IDLE_LIMIT: Duration = Duration::from_secs(30);
