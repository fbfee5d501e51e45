//! The catalogue that stands in a repository, read and checked: what the last sound one said, and what is wrong with the file now.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Kind, Lookup, milliseconds};
use super::{Key, Lifetimes, load, save};
use crate::catalogue::Catalogue;
use crate::github::Kept;
use crate::github::etag::Validator;
use crate::host::Host;

/// What is known of the `catalogue_repository`. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptCatalogue {
    /// The API that was asked, and the repository.
    of: (String, String),
    /// When GitHub was asked for what it last confirmed, and when something said that it has changed since.
    pub(crate) confirmed_at: u64,
    pub(crate) marked_at: u64,
    /// Until when GitHub is not asked again, because it failed; 0 for never.
    pub(crate) retry_at: u64,
    /// What the file said when it was last sound; `None` before it ever was.
    pub(crate) catalogue: Option<Catalogue>,
    /// What is wrong with it now.
    pub(crate) problems: Vec<String>,
    validator: Option<Validator>,
    /// GitHub's last body, deflated.
    #[serde(skip)]
    deflated: Vec<u8>,
}

impl KeptCatalogue {
    pub(crate) fn new(api: &str, repository: &str) -> Self {
        Self {
            of: (api.to_owned(), repository.to_owned()),
            confirmed_at: 0,
            marked_at: 0,
            retry_at: 0,
            catalogue: None,
            problems: Vec::new(),
            validator: None,
            deflated: Vec::new(),
        }
    }

    pub(crate) fn load(host: &impl Host, api: &str, repository: &str) -> Option<Self> {
        let (mut kept, deflated) = load::<Self>(host, &Key::catalogue())?;
        kept.deflated = deflated;
        let (of, name) = &kept.of;
        (of == api && name.eq_ignore_ascii_case(repository)).then_some(kept)
    }

    pub(crate) fn save(&self, host: &impl Host) {
        save(host, &Key::catalogue(), self, &self.deflated);
    }

    /// What it is good for, by the rules that go for a repository's versions.
    pub(crate) fn lookup(&self, now: SystemTime, lifetimes: &Lifetimes) -> Lookup {
        Entry::lookup(Some(&self.as_entry()), now, lifetimes)
    }

    /// Whether it goes on while GitHub fails.
    pub(crate) fn survives_failure(&self, now: SystemTime, lifetimes: &Lifetimes) -> bool {
        self.as_entry().survives_failure(now, lifetimes)
    }

    fn as_entry(&self) -> Entry {
        let kind = match self.catalogue {
            Some(_) => Kind::Versions,
            None => Kind::Refused,
        };
        Entry {
            marked_at: self.marked_at,
            ..Entry::new("", kind, self.confirmed_at)
        }
    }

    /// GitHub's last body.
    pub(crate) fn kept(&self) -> Option<Kept> {
        let validator = self.validator.clone()?;
        let body = miniz_oxide::inflate::decompress_to_vec_with_limit(&self.deflated, MAX_INFLATED);
        Some(Kept {
            validator,
            body: body.ok()?,
        })
    }

    pub(crate) fn keep(&mut self, kept: Option<&Kept>) {
        self.validator = kept.map(|kept| kept.validator.clone());
        let deflated = kept.map(|it| miniz_oxide::deflate::compress_to_vec(&it.body, LEVEL));
        self.deflated = deflated.unwrap_or_default();
        if self.deflated.len() > MAX_DEFLATED {
            self.validator = None;
            self.deflated.clear();
        }
    }

    /// Whether GitHub is left alone for now.
    pub(crate) fn is_waiting(&self, now: SystemTime, longest: u64) -> bool {
        super::is_running(self.retry_at, milliseconds(now), longest)
    }
}

const LEVEL: u8 = 6;
/// Of the 1 MB that a value may have, the entries take about half.
const MAX_DEFLATED: usize = 400_000;
/// GitHub gives files of up to 1 MB, in base64.
const MAX_INFLATED: usize = 2 << 20;
