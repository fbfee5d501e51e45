//! What a webhook's hint marks: GitHub is asked about it before the next answer.

use super::Registry;
use crate::cache::entry::{Entry, milliseconds};
use crate::host::Host;
use crate::webhook::Hint;

impl<H: Host> Registry<'_, H> {
    /// Takes note of what a webhook says: GitHub is asked about these repositories before the next answer. Nothing is
    /// written for what is not known yet.
    pub fn note(&self, hint: &Hint) {
        let host = self.host();
        let now = milliseconds(host.now());
        for (owner, name) in &hint.repositories {
            self.mark_catalogue(owner, name);
        }
        for owner in &self.config.allowed_owners {
            let is_its = |name: &str| name.eq_ignore_ascii_case(owner.as_str());
            let is_whole = hint.owner.as_deref().is_some_and(is_its);
            let mut marked: Vec<&str> = hint
                .repositories
                .iter()
                .filter(|(of, _)| is_its(of))
                .map(|(_, name)| name.as_str())
                .collect();
            if marked.is_empty() && !is_whole {
                continue;
            }
            self.mark_index(owner, &marked, is_whole || hint.is_about_lists);
            let before = self.names(owner);
            let mut names = before.clone();
            if is_whole {
                names.forget_absent();
                marked.extend(before.known().iter().map(String::as_str));
            }
            // A repository's modules may be in folders of it, with tags of their own.
            let is_part_of = |source: &str, name: &str| {
                let (repository, _) = source.split_once(':').unwrap_or_default();
                repository.eq_ignore_ascii_case(name)
            };
            let parts: Vec<&str> = before
                .known()
                .iter()
                .map(String::as_str)
                .filter(|source| marked.iter().any(|name| is_part_of(source, name)))
                .collect();
            marked.extend(parts);
            for name in marked {
                names.remove(name);
                if let Some(mut entry) = Entry::load(host, self.api(), owner.as_str(), name) {
                    entry.marked_at = now;
                    entry.retry_at = 0;
                    entry.save(host, owner.as_str(), name);
                }
            }
            if names != before {
                names.save(host, owner.as_str());
            }
        }
    }
}
