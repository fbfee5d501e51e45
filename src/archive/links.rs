//! What symbolic links stand for: the paths of an archive, and a link's way through them.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::rc::Rc;

use super::{Entry, Refusal, zip};

/// All paths of an archive, without slashes at their ends.
#[derive(Debug, Default)]
pub(super) struct Tree(HashMap<Rc<[u8]>, Node>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    /// An entry of the archive, by its index.
    File(usize),
    /// A directory with an entry of its own.
    Directory(usize),
    /// A directory that is only known from what is in it.
    Implied,
}

/// What links stand for.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The names that are to be added, and the entry that each is a copy of.
    pub(super) copies: Vec<(Rc<[u8]>, usize)>,
    /// The links that stand for nothing.
    pub(super) dropped: Vec<Dropped>,
}

/// A link that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Its name, as far as it is text.
    pub name: String,
    /// Why.
    pub reason: Reason,
}

/// Why a link stands for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is absolute or leads out of the repository.
    LeadsOut,
    /// Nothing is where it leads to.
    Dangling,
    /// It leads to itself, or to a directory that it is in.
    Loop,
    /// Its target is not a path that git would store.
    Unreadable,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LeadsOut => "it leads out of the repository",
            Self::Dangling => "nothing is where it leads to",
            Self::Loop => "it leads to itself or to a directory that it is in",
            Self::Unreadable => "its target is not readable",
        })
    }
}

/// Whether a small stored entry could be a link. What is taken for a link is held back, so this rules out what
/// links never are in practice, and most small files are: text with a line's end, and binary data.
pub(super) fn could_be_target(text: &[u8]) -> bool {
    !text.contains(&0) && !text.contains(&b'\n')
}

impl Tree {
    /// Adds an entry's name.
    pub(super) fn insert(&mut self, name: &Rc<[u8]>, entry: usize) -> Result<(), Refusal> {
        let path = path(name);
        let node = if path.len() == name.len() && !name.is_empty() {
            Node::File(entry)
        } else {
            Node::Directory(entry)
        };
        for slash in path
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .map(|(at, _)| at)
        {
            let parent = path.get(..slash).unwrap_or_default();
            match self.0.get(parent) {
                None => {
                    self.0.insert(parent.into(), Node::Implied);
                }
                Some(Node::Directory(_) | Node::Implied) => {}
                Some(Node::File(_)) => return Err(Refusal::Collision),
            }
        }
        match (self.0.get(path), node) {
            (None, _) | (Some(Node::Implied), Node::Directory(_)) => {
                self.0.insert(path.into(), node);
                Ok(())
            }
            _ => Err(Refusal::Collision),
        }
    }

    /// The entry with this name.
    pub(super) fn entry(&self, name: &[u8]) -> Option<usize> {
        match self.0.get(path(name))? {
            Node::File(entry) | Node::Directory(entry) => Some(*entry),
            Node::Implied => None,
        }
    }

    /// Follows all links.
    pub(super) fn resolve(&self, entries: &[Entry]) -> Result<Plan, Refusal> {
        let mut links = Links {
            tree: self,
            entries,
            sorted: Vec::new(),
            plan: Plan::default(),
        };
        if entries.iter().any(Entry::is_link) {
            links.sorted = entries
                .iter()
                .enumerate()
                .map(|(index, entry)| (&*entry.name, index))
                .collect();
            links.sorted.sort_unstable();
            for link in entries.iter().filter(|entry| entry.is_link()) {
                links.add(link, &link.name, &mut Vec::new())?;
            }
        }
        Ok(links.plan)
    }
}

struct Links<'a> {
    tree: &'a Tree,
    entries: &'a [Entry],
    /// All names, so that what is in a directory is one run of them.
    sorted: Vec<(&'a [u8], usize)>,
    plan: Plan,
}

impl<'a> Links<'a> {
    /// Adds what `link` stands for under `name`, which is the link's own or one below another link's. `inside` are the
    /// directories that are being copied.
    fn add(
        &mut self,
        link: &'a Entry,
        name: &[u8],
        inside: &mut Vec<Vec<u8>>,
    ) -> Result<(), Refusal> {
        let target = match self.follow(link) {
            Ok(target) => target,
            Err(reason) => return self.drop(name, reason),
        };
        let directory = match self.tree.0.get(&*target) {
            Some(Node::File(entry)) => return self.copy(name.into(), *entry),
            Some(Node::Directory(_) | Node::Implied) | None => target,
        };
        let is_around =
            |path: &[u8]| directory.is_empty() || is_below(path, &directory) || path == directory;
        if is_around(&link.name)
            || inside.iter().any(|path| is_around(path))
            || inside.len() >= MAX_DEPTH
        {
            return self.drop(name, Reason::Loop);
        }
        if let Some(Node::Directory(entry)) = self.tree.0.get(&*directory) {
            self.copy([name, b"/"].concat().into(), *entry)?;
        }
        let prefix = [&*directory, b"/"].concat();
        let first = self.sorted.partition_point(|(name, _)| *name <= &*prefix);
        inside.push(directory);
        for at in first.. {
            let Some((below, entry)) = self.sorted.get(at) else {
                break;
            };
            let Some(rest) = below.strip_prefix(&*prefix) else {
                break;
            };
            let name = [name, b"/", rest].concat();
            match self.entries.get(*entry) {
                Some(link) if link.is_link() => self.add(link, &name, inside)?,
                _ => self.copy(name.into(), *entry)?,
            }
        }
        inside.pop();
        Ok(())
    }

    /// The path that a link leads to, with no link left in it; empty for the module's root.
    fn follow(&self, link: &'a Entry) -> Result<Vec<u8>, Reason> {
        let mut at: Vec<&'a [u8]> = link.name.split(|byte| *byte == b'/').collect();
        let mut rest: VecDeque<&'a [u8]> = VecDeque::new();
        let mut link = Some(link);
        for _ in 0..=MAX_HOPS {
            if let Some(link) = link.take() {
                let target = link.target().ok_or(Reason::Unreadable)?;
                if target.starts_with(b"/") {
                    return Err(Reason::LeadsOut);
                }
                at.pop();
                for part in target.split(|byte| *byte == b'/').rev() {
                    rest.push_front(part);
                }
            }
            loop {
                match rest.pop_front() {
                    None => return Ok(at.join(&b'/')),
                    Some(b"" | b".") => continue,
                    Some(b"..") => {
                        at.pop().ok_or(Reason::LeadsOut)?;
                        continue;
                    }
                    Some(part) => at.push(part),
                }
                let is_last = rest.iter().all(|part| matches!(*part, b"" | b"."));
                match self.tree.0.get(&*at.join(&b'/')) {
                    Some(Node::Directory(_) | Node::Implied) => {}
                    Some(Node::File(entry)) => match self.entries.get(*entry) {
                        Some(entry) if entry.is_link() => {
                            link = Some(entry);
                            break;
                        }
                        _ if is_last => {}
                        _ => return Err(Reason::Dangling),
                    },
                    None => return Err(Reason::Dangling),
                }
            }
        }
        Err(Reason::Loop)
    }

    fn copy(&mut self, name: Rc<[u8]>, entry: usize) -> Result<(), Refusal> {
        if self.plan.copies.len() >= MAX_COPIES || name.len() > zip::MAX_NAME {
            return Err(Refusal::Links);
        }
        self.plan.copies.push((name, entry));
        Ok(())
    }

    fn drop(&mut self, name: &[u8], reason: Reason) -> Result<(), Refusal> {
        if self.plan.dropped.len() >= MAX_COPIES {
            return Err(Refusal::Links);
        }
        self.plan.dropped.push(Dropped {
            name: String::from_utf8_lossy(name).into_owned(),
            reason,
        });
        Ok(())
    }
}

fn path(name: &[u8]) -> &[u8] {
    name.strip_suffix(b"/").unwrap_or(name)
}

fn is_below(path: &[u8], directory: &[u8]) -> bool {
    path.strip_prefix(directory)
        .is_some_and(|rest| rest.starts_with(b"/"))
}

/// As Linux has it.
const MAX_HOPS: usize = 40;
/// Directories within directories that are copied for links.
const MAX_DEPTH: usize = 8;
/// Files and directories that links may stand for in all.
const MAX_COPIES: usize = 10_000;
