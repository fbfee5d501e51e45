//! When GitHub is asked what a repository's tags are, and by whom: one request at a time for each repository, within
//! GitHub's limits, and not again at once where it failed.

use std::time::Duration;

use super::find::Found;
use super::{API_LIMIT, Freshness, Registry};
use crate::cache::entry::{Entry, Kind, Lookup, milliseconds};
use crate::cache::history::History;
use crate::cache::lease::Lease;
use crate::cache::names::{LONGEST_RETRY, Names, Why};
use crate::cache::{Key, is_running};
use crate::catalogue::Source;
use crate::error::{Error, Integrity, NotFound};
use crate::github::limits::Purpose;
use crate::host::{Deadline, Host};
use crate::module::Namespace;
use crate::pins::MovedTags;

impl<H: Host> Registry<'_, H> {
    /// Asks GitHub about a repository, of which `before` is known. Whoever asks at the same time waits for the answer, for
    /// a second at most.
    pub(super) async fn refresh(
        &self,
        owner: &Namespace,
        source: &Source,
        before: Option<Entry>,
        purpose: Purpose,
        deadline: Deadline,
    ) -> Result<Found, Error> {
        let host = self.host();
        let deadline = match purpose {
            Purpose::Again => deadline.sooner(host.now(), PATIENCE),
            Purpose::First | Purpose::Free => deadline,
        };
        self.permit(owner, before.as_ref(), purpose)?;
        self.freshness.set(Some(Freshness::Asked));
        let Some(lease) = self.lease(owner, source, deadline).await else {
            while self.github.wait_for_another().await {
                if let Some(answer) = self.answer_of_another(owner, source, before.as_ref()) {
                    return answer;
                }
            }
            if purpose == Purpose::Again {
                return Err(Error::Unavailable("someone else waits for it".to_owned()));
            }
            return self.ask(owner, source, before, purpose, deadline).await;
        };
        self.ask_once(lease, owner, source, before, purpose, deadline)
            .await
    }

    /// The same, when the client has its answer: nobody waits, so nobody is waited for.
    pub(super) async fn refresh_behind(&self, owner: &Namespace, source: &Source, before: Entry) {
        let deadline = Deadline::after(self.host().now(), API_LIMIT);
        let purpose = self.purpose(&before);
        if self.permit(owner, Some(&before), purpose).is_err() {
            return;
        }
        let Some(lease) = self.lease(owner, source, deadline).await else {
            return;
        };
        let event = self.github.event("refresh", "tags", owner.as_str());
        let asked = self.ask_once(lease, owner, source, Some(before), purpose, deadline);
        let failure = asked.await.err();
        let failure = failure.map(|error| format!("{owner}/{source}: not refreshed: {error}"));
        event.refreshed(self.host(), failure.as_deref());
    }

    async fn lease(&self, owner: &Namespace, source: &Source, deadline: Deadline) -> Option<Lease> {
        let about = Key::entry(owner.as_str(), source.as_str());
        let left = deadline.left(self.host().now());
        Lease::take(self.host(), about.as_str(), left).await
    }

    /// Asks GitHub under a lease, unless someone has just done so.
    async fn ask_once(
        &self,
        lease: Lease,
        owner: &Namespace,
        source: &Source,
        before: Option<Entry>,
        purpose: Purpose,
        deadline: Deadline,
    ) -> Result<Found, Error> {
        let result = match self.answer_of_another(owner, source, before.as_ref()) {
            Some(answer) => answer,
            None => self.ask(owner, source, before, purpose, deadline).await,
        };
        lease.release(self.host());
        result
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
        let is_waiting =
            before.is_some_and(|it| is_running(it.retry_at, now, self.retry_after_ms()));
        if purpose == Purpose::Again && is_waiting {
            return Err(Error::Unavailable("it failed a moment ago".to_owned()));
        }
        self.github.permit(owner.as_str(), purpose)
    }

    /// What another request has found out since `before` was read.
    fn answer_of_another(
        &self,
        owner: &Namespace,
        source: &Source,
        before: Option<&Entry>,
    ) -> Option<Result<Found, Error>> {
        let (host, lifetimes) = (self.host(), &self.config.lifetimes);
        if let Some(entry) = Entry::load(host, self.api(), owner.as_str(), source.as_str()) {
            let is_news = before.is_none_or(|before| before.confirmed_at < entry.confirmed_at);
            let is_fresh = Entry::lookup(Some(&entry), host.now(), lifetimes) == Lookup::Fresh;
            if is_news && is_fresh {
                return Some(Ok(Found {
                    source: source.clone(),
                    entry,
                    history: None,
                }));
            }
        }
        let why = self
            .names(owner)
            .why(source.as_str(), host.now(), lifetimes)?;
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
        source: &Source,
        before: Option<Entry>,
        purpose: Purpose,
        deadline: Deadline,
    ) -> Result<Found, Error> {
        let host = self.host();
        let started = milliseconds(host.now());
        let known = History::load(host, self.api(), owner.as_str(), source.as_str());
        let is_known = before.is_some() || known.is_some();
        let known = known.unwrap_or_else(|| History::new(self.api()));
        let asked = self.confirm(owner, source, &known, purpose, deadline).await;
        // Others may have written meanwhile: from here to the end, nothing is waited for.
        let kept = Entry::load(host, self.api(), owner.as_str(), source.as_str());
        let history = History::load(host, self.api(), owner.as_str(), source.as_str());
        let mut history = history.unwrap_or_else(|| known.clone());
        let mut entry = kept
            .or(before)
            .unwrap_or_else(|| Entry::new(self.api(), Kind::Empty, 0));
        if (started + 1..=milliseconds(host.now())).contains(&entry.confirmed_at) {
            // Someone asked later, and was answered sooner.
            return Ok(Found {
                source: source.clone(),
                entry,
                history: Some(history),
            });
        }
        match asked {
            // Anyone can make up a name that one entry of the catalogue is for; only so many are remembered.
            Ok(confirmed) if !is_known && !source.prefix().is_empty() && confirmed.is_empty() => {
                self.remember_absent(owner, source, Why::Repository);
                return Err(Error::NotFound(NotFound::Repository));
            }
            Ok(confirmed) => {
                self.take_in(owner, source, &mut history, confirmed, started);
                self.render(owner, source, &history, &mut entry);
                entry.confirmed_at = started;
                entry.listed_at = history.listed_at;
                entry.retry_at = 0;
            }
            Err(error) => {
                let Some(kind) = self.kind_of(&error, &entry) else {
                    self.fail(owner, source, entry, &error);
                    return Err(error);
                };
                if !is_known {
                    if let Some(why) = Why::of(&error) {
                        self.remember_absent(owner, source, why);
                    }
                    return Err(error);
                }
                host.log(&format!("{owner}/{source}: {error}"));
                entry = Entry {
                    absent_before: std::mem::take(&mut entry.absent_before),
                    first_before: std::mem::take(&mut entry.first_before),
                    marked_at: entry.marked_at,
                    ..Entry::new(self.api(), kind, started)
                };
                if history.is_renamed && kind == Kind::Gone {
                    // What had the number is gone: the name may be another repository's.
                    history.is_renamed = false;
                    history.save(host, owner.as_str(), source.as_str());
                }
            }
        }
        // A webhook that came while GitHub was asked still counts.
        if !(started..=milliseconds(host.now())).contains(&entry.marked_at) {
            entry.marked_at = 0;
        }
        entry.save(host, owner.as_str(), source.as_str());
        let mut names = self.names(owner);
        if names.learn(source.as_str()) {
            names.save(host, owner.as_str());
        }
        Ok(Found {
            source: source.clone(),
            entry,
            history: Some(history),
        })
    }

    /// What a failure makes of a repository, if it is one that counts at once.
    fn kind_of(&self, error: &Error, entry: &Entry) -> Option<Kind> {
        match error {
            Error::NotFound(_) => Some(Kind::Gone),
            Error::Rejected(_) => Some(Kind::Refused),
            Error::Integrity(_) if !self.outlives(entry, error) => Some(Kind::Replaced),
            _ => None,
        }
    }

    /// GitHub fails: it is given a moment.
    fn fail(&self, owner: &Namespace, source: &Source, mut entry: Entry, error: &Error) {
        if let Error::Unreachable(_) = error {
            self.github.note_failure(owner.as_str(), source.as_str());
        }
        let is_replaced = matches!(error, Error::Integrity(_));
        if entry.confirmed_at > 0 && (error.is_passing() || is_replaced) {
            entry.retry_at = milliseconds(self.host().now()) + self.retry_after_ms();
            if is_replaced {
                entry.warning = Some(self.replaced_warning());
            }
            entry.save(self.host(), owner.as_str(), source.as_str());
        }
    }

    /// Remembers why there is nothing of a name.
    pub(super) fn remember_absent(&self, owner: &Namespace, source: &Source, why: Why) {
        let mut names = self.names(owner);
        names.insert(
            source.as_str(),
            why,
            self.host().now(),
            &self.config.lifetimes,
        );
        names.save(self.host(), owner.as_str());
    }

    /// What is known of an owner's names.
    pub(super) fn names(&self, owner: &Namespace) -> Names {
        Names::load(self.host(), &self.config, owner.as_str())
    }
}

/// How long a client waits for GitHub where there is an answer already.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
