//! The catalogue, where it stands in a repository: `landfall.toml` on the default branch of the `catalogue_repository`.

use super::{API_LIMIT, Owed, Registry};
use crate::cache::Key;
use crate::cache::catalogue::KeptCatalogue;
use crate::cache::entry::{Lookup, milliseconds};
use crate::cache::lease::Lease;
use crate::cache::names::LONGEST_RETRY;
use crate::catalogue::Catalogue;
use crate::config::CatalogueRepository;
use crate::error::{Error, NotFound};
use crate::github::Repository;
use crate::github::contents::Contents;
use crate::github::limits::Purpose;
use crate::host::{Deadline, Host};

impl<H: Host> Registry<'_, H> {
    /// Reads the catalogue, if it stands in a repository: what is known of it, or what GitHub says. One that is wrong, or gone, is no
    /// catalogue; the last sound one goes on.
    ///
    /// # Errors
    /// [`Error::Misconfigured`] where there never was a sound one, and what GitHub fails with where nothing is known.
    pub async fn open(&mut self) -> Result<(), Error> {
        let config = std::rc::Rc::clone(&self.config);
        let Some(repository) = &config.catalogue_repository else {
            return Ok(());
        };
        let (host, now) = (self.host(), self.host().now());
        let known = KeptCatalogue::load(host, self.api(), &repository.full_name());
        let lookup = known.as_ref().map(|it| it.lookup(now, &config.lifetimes));
        let kept = match (known, lookup) {
            (Some(known), Some(Lookup::Fresh)) => known,
            (Some(known), Some(Lookup::Stale)) => {
                self.owe(Owed::Catalogue);
                known
            }
            (known, _) => self.read_catalogue(repository, known).await?,
        };
        let Some(catalogue) = kept.catalogue else {
            return Err(Error::Misconfigured(kept.problems));
        };
        self.catalogue = Some(catalogue);
        self.catalogue_problems = kept.problems;
        Ok(())
    }

    /// Asks GitHub for it first; what is known will do where GitHub fails.
    async fn read_catalogue(
        &self,
        repository: &CatalogueRepository,
        known: Option<KeptCatalogue>,
    ) -> Result<KeptCatalogue, Error> {
        let (host, config) = (self.host(), &self.config);
        let known = known.filter(|it| {
            let is_kept = it.survives_failure(host.now(), &config.lifetimes);
            is_kept || it.catalogue.is_none()
        });
        let longest = config.lifetimes.negative.min(LONGEST_RETRY) * 1000;
        let survives = known.as_ref().is_some_and(|it| it.catalogue.is_some());
        let is_waiting = |it: &KeptCatalogue| it.is_waiting(host.now(), longest);
        if let Some(known) = known.clone().filter(is_waiting) {
            let failed = Error::Unavailable("it failed a moment ago".to_owned());
            return if survives { Ok(known) } else { Err(failed) };
        }
        let deadline = match known {
            Some(_) => self.deadline().sooner(host.now(), super::refresh::PATIENCE),
            None => self.deadline(),
        };
        match self
            .ask_for_catalogue(repository, known.clone(), deadline)
            .await
        {
            Ok(kept) => Ok(kept),
            Err(error) => match known.filter(|_| survives) {
                Some(known) => {
                    host.log(&format!(
                        "{repository}: {error}: the catalogue before goes on"
                    ));
                    Ok(known)
                }
                None => Err(error),
            },
        }
    }

    /// Asks GitHub, one request at a time, and keeps what it says.
    async fn ask_for_catalogue(
        &self,
        repository: &CatalogueRepository,
        known: Option<KeptCatalogue>,
        deadline: Deadline,
    ) -> Result<KeptCatalogue, Error> {
        let host = self.host();
        let full_name = repository.full_name();
        let before = known.as_ref().map_or(0, |it| it.confirmed_at);
        let news = || {
            KeptCatalogue::load(host, self.api(), &full_name).filter(|it| it.confirmed_at > before)
        };
        let left = deadline.left(host.now());
        let lease = Lease::take(host, Key::catalogue().as_str(), left).await;
        if lease.is_none() {
            while self.github.wait_for_another().await {
                if let Some(kept) = news() {
                    return Ok(kept);
                }
            }
        }
        let kept = match news() {
            Some(kept) => Ok(kept),
            None => self.fetch_catalogue(repository, known, deadline).await,
        };
        if let Some(lease) = lease {
            lease.release(host);
        }
        kept
    }

    async fn fetch_catalogue(
        &self,
        repository: &CatalogueRepository,
        known: Option<KeptCatalogue>,
        deadline: Deadline,
    ) -> Result<KeptCatalogue, Error> {
        let host = self.host();
        let started = milliseconds(host.now());
        let purpose = match known.as_ref().and_then(|it| it.catalogue.as_ref()) {
            Some(_) => Purpose::Again,
            None => Purpose::First,
        };
        let asked = Repository {
            owner: repository.owner.as_str().to_owned(),
            name: repository.name.clone(),
            id: None,
        };
        let body = known.as_ref().and_then(KeptCatalogue::kept);
        let file = self
            .github
            .file(&asked, FILE, body.as_ref(), purpose, deadline);
        let file = file.await;
        let mut kept =
            known.unwrap_or_else(|| KeptCatalogue::new(self.api(), &repository.full_name()));
        let before = kept.problems.clone();
        match file {
            Ok(Contents::Unchanged) => {}
            Ok(Contents::Missing) => {
                kept.keep(None);
                kept.problems = vec![format!(
                    "`catalogue_repository`: there is no `{FILE}` on the default branch of {repository}, Landfall may not see it, or the repository has another name now"
                )];
            }
            Ok(Contents::File { bytes, kept: body }) => {
                kept.keep(Some(&body));
                match self.check_catalogue(&bytes) {
                    Ok(catalogue) => {
                        kept.catalogue = Some(catalogue);
                        kept.problems.clear();
                    }
                    Err(problems) => {
                        let named = |it: String| format!("`{FILE}` of {repository} {it}");
                        kept.problems = problems.into_iter().map(named).collect();
                    }
                }
            }
            Err(error) => {
                let negative = self.config.lifetimes.negative.min(LONGEST_RETRY);
                kept.retry_at = milliseconds(host.now()) + negative * 1000;
                kept.save(host);
                return Err(match error {
                    Error::NotFound(NotFound::Installation) => Error::Misconfigured(vec![format!(
                        "`catalogue_repository`: the GitHub App is not installed for {}",
                        repository.owner
                    )]),
                    error => error,
                });
            }
        }
        // Once, and without any catalogue it is what the request fails with.
        let is_news = kept.problems != before;
        for problem in kept
            .problems
            .iter()
            .filter(|_| is_news && kept.catalogue.is_some())
        {
            let event = self
                .github
                .event("catalogue", "wrong", repository.owner.as_str());
            event.say(host, problem);
        }
        kept.confirmed_at = started;
        kept.retry_at = 0;
        // A webhook that came meanwhile still counts.
        let marked = KeptCatalogue::load(host, self.api(), &repository.full_name());
        let marked_at = marked.map_or(0, |it| it.marked_at);
        let is_after = (started..=milliseconds(host.now())).contains(&marked_at);
        kept.marked_at = if is_after { marked_at } else { 0 };
        kept.save(host);
        Ok(kept)
    }

    fn check_catalogue(&self, bytes: &[u8]) -> Result<Catalogue, Vec<String>> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| vec!["is no catalogue: it is not UTF-8".to_owned()])?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Catalogue::parse(text)?.served_by(&self.config.allowed_owners)
    }

    /// Asks for it again, when the client has its answer.
    pub(super) async fn refresh_catalogue(&self) {
        let Some(repository) = &self.config.catalogue_repository else {
            return;
        };
        let host = self.host();
        let known = KeptCatalogue::load(host, self.api(), &repository.full_name());
        let deadline = Deadline::after(host.now(), API_LIMIT);
        let event = self
            .github
            .event("refresh", "catalogue", repository.owner.as_str());
        let asked = self.ask_for_catalogue(repository, known, deadline);
        let failure = asked.await.err();
        let failure = failure.map(|error| format!("{repository}: not refreshed: {error}"));
        event.refreshed(host, failure.as_deref());
    }

    /// A webhook says that the catalogue's repository has changed.
    pub(super) fn mark_catalogue(&self, owner: &str, name: &str) {
        let Some(repository) = &self.config.catalogue_repository else {
            return;
        };
        let is_it = repository
            .full_name()
            .eq_ignore_ascii_case(&format!("{owner}/{name}"));
        if !is_it {
            return;
        }
        let known = KeptCatalogue::load(self.host(), self.api(), &repository.full_name());
        if let Some(mut known) = known {
            known.marked_at = milliseconds(self.host().now());
            known.retry_at = 0;
            known.save(self.host());
        }
    }
}

const FILE: &str = "landfall.toml";
