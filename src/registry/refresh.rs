//! Asks GitHub what a repository's tags are, and takes in what it says: one request at a time for each repository, free
//! of charge where nothing has changed, and never believing at once that most of what there was is gone.

use std::time::Duration;

use super::find::{Found, repository};
use super::{Freshness, Registry};
use crate::cache::absent::{Absent, Why};
use crate::cache::entry::{Entry, Kind, Lookup, milliseconds};
use crate::cache::history::History;
use crate::cache::lease::Lease;
use crate::error::{Error, Integrity, NotFound};
use crate::github::etag::Validator;
use crate::github::limits::Purpose;
use crate::github::refs::{Listed, Tags};
use crate::github::{Deadline, Repository};
use crate::host::Host;
use crate::module::Namespace;
use crate::pins::MovedTags;
use crate::wire;

impl<H: Host> Registry<'_, H> {
    /// Asks GitHub about a repository, of which `before` is known. Whoever asks at the same time waits for the answer, for
    /// a second at most.
    pub(super) async fn refresh(
        &self,
        owner: &Namespace,
        name: &str,
        before: Option<Entry>,
        purpose: Purpose,
        deadline: Deadline,
    ) -> Result<Found, Error> {
        let host = self.host();
        let deadline = match purpose {
            Purpose::Again => deadline.sooner(host.now(), PATIENCE),
            Purpose::Guess | Purpose::First | Purpose::Free => deadline,
        };
        self.permit(owner, before.as_ref(), purpose)?;
        self.freshness.set(Some(Freshness::Asked));
        let about = about(owner, name);
        let Some(lease) = Lease::take(host, &about, deadline.left(host.now())).await else {
            while self.github.wait_for_another().await {
                if let Some(answer) = self.answer_of_another(owner, name, before.as_ref()) {
                    return answer;
                }
            }
            if purpose == Purpose::Again {
                return Err(Error::Unavailable("someone else waits for it".to_owned()));
            }
            return self.ask(owner, name, before, purpose, deadline).await;
        };
        let result = match self.answer_of_another(owner, name, before.as_ref()) {
            Some(answer) => answer,
            None => self.ask(owner, name, before, purpose, deadline).await,
        };
        lease.release(host);
        result
    }

    /// The same, when the client has its answer: nobody waits, so nobody is waited for.
    pub(super) async fn refresh_behind(&self, owner: &Namespace, name: &str, before: Entry) {
        let host = self.host();
        let deadline = self.deadline();
        let purpose = self.purpose(&before);
        if self.permit(owner, Some(&before), purpose).is_err() {
            return;
        }
        let left = deadline.left(host.now());
        let Some(lease) = Lease::take(host, &about(owner, name), left).await else {
            return;
        };
        if self.answer_of_another(owner, name, Some(&before)).is_none() {
            let asked = self.ask(owner, name, Some(before), purpose, deadline).await;
            if let Err(error) = asked {
                host.log(&format!("{owner}/{name}: not refreshed: {error}"));
            }
        }
        lease.release(host);
    }

    /// Whether what is known is served although GitHub does not confirm it.
    pub(super) fn outlives(&self, entry: &Entry, error: &Error) -> bool {
        let replaced = Error::Integrity(Integrity::Replaced);
        let is_pinned = *error == replaced && self.config.moved_tags == MovedTags::ServePinned;
        (error.is_passing() || is_pinned)
            && entry.survives_failure(self.host().now(), &self.config.lifetimes)
    }

    /// What it is good for to ask about a repository again.
    pub(super) fn purpose(&self, entry: &Entry) -> Purpose {
        if entry.survives_failure(self.host().now(), &self.config.lifetimes) {
            Purpose::Again
        } else {
            Purpose::First
        }
    }

    /// Whether GitHub may be asked now: within its limits, and not again at once where it failed.
    fn permit(
        &self,
        owner: &Namespace,
        before: Option<&Entry>,
        purpose: Purpose,
    ) -> Result<(), Error> {
        let now = milliseconds(self.host().now());
        let longest = now + self.retry_after_ms();
        let is_waiting = before.is_some_and(|it| (now + 1..=longest).contains(&it.retry_at));
        if purpose == Purpose::Again && is_waiting {
            return Err(Error::Unavailable("it failed a moment ago".to_owned()));
        }
        self.github.permit(owner.as_str(), purpose)
    }

    /// What another request has found out since `before` was read.
    fn answer_of_another(
        &self,
        owner: &Namespace,
        name: &str,
        before: Option<&Entry>,
    ) -> Option<Result<Found, Error>> {
        let (host, lifetimes) = (self.host(), &self.config.lifetimes);
        if let Some(entry) = Entry::load(host, self.api(), owner.as_str(), name) {
            let is_news = before.is_none_or(|before| before.confirmed_at < entry.confirmed_at);
            let is_fresh = Entry::lookup(Some(&entry), host.now(), lifetimes) == Lookup::Fresh;
            if is_news && is_fresh {
                return Some(Ok(Found {
                    name: name.to_owned(),
                    entry,
                    history: None,
                }));
            }
        }
        let absent = Absent::load(host, &self.config, owner.as_str());
        let why = absent.why(name, host.now(), lifetimes)?;
        Some(Err(why.error()))
    }

    /// How long GitHub is not asked about a repository again that it failed for.
    fn retry_after_ms(&self) -> u64 {
        self.config.lifetimes.negative.min(LONGEST_RETRY) * 1000
    }

    /// Asks GitHub, and remembers what comes of it.
    async fn ask(
        &self,
        owner: &Namespace,
        name: &str,
        before: Option<Entry>,
        purpose: Purpose,
        deadline: Deadline,
    ) -> Result<Found, Error> {
        let host = self.host();
        let started = milliseconds(host.now());
        let known = History::load(host, self.api(), owner.as_str(), name);
        let is_known = before.is_some() || known.is_some();
        let known = known.unwrap_or_else(|| History::new(self.api()));
        let asked = self.confirm(owner, name, &known, purpose, deadline).await;
        // Others may have written meanwhile: from here to the end, nothing is waited for.
        let kept = Entry::load(host, self.api(), owner.as_str(), name);
        let history = History::load(host, self.api(), owner.as_str(), name);
        let mut history = history.unwrap_or_else(|| known.clone());
        let mut entry = kept
            .or(before)
            .unwrap_or_else(|| Entry::new(self.api(), Kind::Empty, 0));
        match asked {
            // Someone asked later, and was answered sooner.
            Ok(_) if (started + 1..=milliseconds(host.now())).contains(&entry.confirmed_at) => {
                return Ok(Found {
                    name: name.to_owned(),
                    entry,
                    history: Some(history),
                });
            }
            Ok(confirmed) => {
                self.take_in(owner, name, &mut history, confirmed, started);
                self.render(owner, name, &history, &mut entry);
                entry.confirmed_at = started;
                entry.listed_at = history.listed_at;
                entry.retry_at = 0;
            }
            Err(error) => {
                let Some(kind) = self.kind_of(&error) else {
                    self.fail(owner, name, entry, &error);
                    return Err(error);
                };
                if !is_known {
                    self.remember_absent(owner, name, &error);
                    return Err(error);
                }
                host.log(&format!("{owner}/{name}: {error}"));
                entry = Entry {
                    absent_before: std::mem::take(&mut entry.absent_before),
                    marked_at: entry.marked_at,
                    is_newcomer: entry.is_newcomer,
                    ..Entry::new(self.api(), kind, started)
                };
                if history.is_renamed && kind == Kind::Gone {
                    // What had the number is gone: the name may be another repository's.
                    history.is_renamed = false;
                    history.save(host, owner.as_str(), name);
                }
            }
        }
        // A webhook that came while GitHub was asked still counts.
        if !(started..=milliseconds(host.now())).contains(&entry.marked_at) {
            entry.marked_at = 0;
        }
        entry.save(host, owner.as_str(), name);
        Ok(Found {
            name: name.to_owned(),
            entry,
            history: Some(history),
        })
    }

    /// What a failure makes of a repository, if it is one that counts at once.
    fn kind_of(&self, error: &Error) -> Option<Kind> {
        match error {
            Error::NotFound(_) => Some(Kind::Gone),
            Error::Rejected(_) => Some(Kind::Refused),
            Error::Integrity(_) if self.config.moved_tags == MovedTags::Refuse => {
                Some(Kind::Replaced)
            }
            _ => None,
        }
    }

    /// GitHub fails: it is given a moment.
    fn fail(&self, owner: &Namespace, name: &str, mut entry: Entry, error: &Error) {
        if let Error::Unreachable(_) = error {
            self.github.note_failure(owner.as_str(), name);
        }
        let is_replaced = matches!(error, Error::Integrity(_));
        if entry.confirmed_at > 0 && (error.is_passing() || is_replaced) {
            entry.retry_at = milliseconds(self.host().now()) + self.retry_after_ms();
            if is_replaced {
                entry.warning = Some(self.replaced_warning());
            }
            entry.save(self.host(), owner.as_str(), name);
        }
    }

    fn remember_absent(&self, owner: &Namespace, name: &str, error: &Error) {
        let host = self.host();
        if let Some(why) = Why::of(error) {
            let mut absent = Absent::load(host, &self.config, owner.as_str());
            absent.insert(name, why, host.now(), &self.config.lifetimes);
            absent.save(host, owner.as_str());
        }
    }

    /// Asks GitHub for a repository's tags, and whether it is still the same repository.
    async fn confirm(
        &self,
        owner: &Namespace,
        name: &str,
        known: &History,
        purpose: Purpose,
        deadline: Deadline,
    ) -> Result<Confirmed, Error> {
        let kept = known.kept();
        let asked = repository(owner, name, Some(known));
        let tags = self.github.tags(&asked, kept.as_ref(), purpose, deadline);
        let mut listed = match tags.await? {
            Tags::Unchanged => return Ok(Confirmed::Unchanged),
            Tags::Listed(listed) => listed,
        };
        let is_same = kept.is_some_and(|it| it.body == listed.kept.body);
        if is_same && !listed.is_redirected {
            return Ok(Confirmed::Same(listed.kept.validator));
        }
        // Something has changed. Is it still the same repository, and whose is it?
        let is_new = known.id.is_none() && known.pins.releases.is_empty();
        let tells = listed.id.is_some() || asked.id.is_some() || is_new;
        let is_elsewhere = listed.is_redirected || asked.id.is_some();
        if !tells || (is_elsewhere && listed.full_name.is_none()) {
            match self.github.identity(&asked, deadline).await {
                Ok(identity) => {
                    listed.id = Some(identity.id);
                    listed.full_name = Some(identity.full_name);
                }
                Err(error) if error.is_passing() => return Err(error),
                // Then nobody can tell.
                Err(_) => {}
            }
        }
        let mut is_replaced = false;
        if let (Some(was), Some(is)) = (known.id, listed.id)
            && was != is
        {
            self.host().log(&format!(
                "integrity: {owner}/{name} is another repository now: number {is}, not {was}"
            ));
            is_replaced = true;
            match self.config.moved_tags {
                MovedTags::Refuse => return Err(Error::Integrity(Integrity::Replaced)),
                MovedTags::Follow => {}
                MovedTags::ServePinned => {
                    let first = Repository {
                        id: Some(was),
                        ..asked.clone()
                    };
                    let tags = self.github.tags(&first, None, purpose, deadline).await;
                    let Ok(Tags::Listed(tags)) = tags else {
                        return Err(Error::Integrity(Integrity::Replaced));
                    };
                    listed = tags;
                    listed.id = Some(was);
                    listed.is_redirected = true;
                }
            }
        }
        let is_elsewhere = listed.is_redirected || asked.id.is_some();
        if is_elsewhere && !self.is_served(&listed) {
            self.host().log(&format!(
                "{owner}/{name} belongs to an owner now that is not in `allowed_owners`"
            ));
            return Err(Error::NotFound(NotFound::Repository));
        }
        Ok(Confirmed::Listed {
            listed,
            is_replaced,
        })
    }

    /// Takes in what GitHub said. A list that lacks more than half of the known versions is not believed until GitHub has
    /// listed no more for ten minutes: what someone deletes is gone a little later, and what GitHub loses in an incident
    /// is not.
    fn take_in(
        &self,
        owner: &Namespace,
        name: &str,
        history: &mut History,
        confirmed: Confirmed,
        started: u64,
    ) {
        let host = self.host();
        let (listed, is_replaced) = match confirmed {
            Confirmed::Unchanged if history.shrunk_at.is_none() => return,
            Confirmed::Unchanged => {
                history.shrunk_at = None;
                history.save(host, owner.as_str(), name);
                return;
            }
            Confirmed::Same(validator) => {
                history.shrunk_at = None;
                history.revalidate_by(validator);
                history.save(host, owner.as_str(), name);
                return;
            }
            Confirmed::Listed {
                listed,
                is_replaced,
            } => (*listed, is_replaced),
        };
        history.is_renamed |= listed.is_redirected && listed.id.is_some();
        history.is_replaced |= is_replaced;
        history.id = listed.id.or(history.id);
        history.full_name = listed.full_name.or(history.full_name.take());
        // What another repository has is no part of what the first one had.
        if !is_replaced && history.pins.would_shrink(&listed.tags) {
            let since = history.shrunk_at.filter(|since| *since <= started);
            let since = *history.shrunk_at.insert(since.unwrap_or(started));
            let is_believed = started - since >= BELIEVED_AFTER_MS;
            let verdict = if is_believed {
                "that is believed now"
            } else {
                "the versions before are served until that lasts"
            };
            host.log(&format!(
                "integrity: {owner}/{name} lists {} tags, and less than half of the versions that it had: {verdict}",
                listed.tags.len()
            ));
            if !is_believed {
                history.save(host, owner.as_str(), name);
                return;
            }
        }
        history.shrunk_at = None;
        history.listed_at = started;
        let moved = history.pins.see(listed.tags);
        for version in moved.iter().take(MAX_LOGGED) {
            host.log(&format!(
                "integrity: {owner}/{name}: the tag of {version} points elsewhere than when it was first seen"
            ));
        }
        history.keep(&listed.kept);
        history.save(host, owner.as_str(), name);
    }

    /// Whether a repository that was found under another name belongs to an owner that is served.
    fn is_served(&self, listed: &Listed) -> bool {
        let owner = listed
            .full_name
            .as_deref()
            .and_then(|it| it.split('/').next());
        let owner = owner.and_then(Namespace::parse);
        match owner {
            Some(owner) => self.config.owner(&owner).is_some(),
            // Nothing of it can be served either.
            None => listed.tags.is_empty(),
        }
    }

    pub(super) fn replaced_warning(&self) -> String {
        let which = match self.config.moved_tags {
            MovedTags::ServePinned | MovedTags::Refuse => "the first",
            MovedTags::Follow => "the new",
        };
        format!("another repository has taken the name of this module's: {which} one is served")
    }

    /// Writes an entry's part that is made of the history.
    fn render(&self, owner: &Namespace, name: &str, history: &History, entry: &mut Entry) {
        let releases = &history.pins.releases;
        let full_name = history
            .full_name
            .as_deref()
            .and_then(|it| it.split_once('/'));
        let (owner, name) = full_name.unwrap_or((owner.as_str(), name));
        let source = self.config.github.repository_page(owner, name);
        let versions = releases.listed().map(|release| &release.version);
        entry.kind = if releases.is_empty() {
            Kind::Empty
        } else {
            Kind::Versions
        };
        entry.document = wire::versions_document(&source, versions);
        let replaced = history.is_replaced.then(|| self.replaced_warning());
        entry.warning = replaced.or_else(|| history.shrunk_at.map(|_| SHRUNK.to_owned()));
        entry.moved = self.moved_warning(history.pins.moved());
    }
}

/// What GitHub said about a repository's tags.
enum Confirmed {
    /// They are as they were.
    Unchanged,
    /// They are as they were, but that is found out in another way from now on.
    Same(Validator),
    /// All of them.
    Listed {
        listed: Box<Listed>,
        /// Whether another repository has the name now.
        is_replaced: bool,
    },
}

fn about(owner: &Namespace, name: &str) -> String {
    format!("{owner}/{name}").to_ascii_lowercase()
}

const SHRUNK: &str = "GitHub lists less than half of the versions that it did: the list before is served until that lasts";
/// How long a client waits for GitHub where there is an answer already.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// In seconds, however long other failures are believed.
const LONGEST_RETRY: u64 = 30;
const BELIEVED_AFTER_MS: u64 = 10 * 60 * 1000;
const MAX_LOGGED: usize = 20;
