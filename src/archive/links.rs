//! What symbolic links stand for: the paths of an archive, and a link's way through them.

use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

use super::entry::{Entry, Node, Tree};
use super::{Refusal, zip};

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
    /// Its target is not stored as git stores one: compressed, over 4 KiB, with a line break, or one of very many.
    Unreadable,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LeadsOut => "it leads out of the repository",
            Self::Dangling => "nothing is where it leads to",
            Self::Loop => "it leads to itself or to a directory that it is in",
            Self::Unreadable => "its target is not stored as git does it",
        })
    }
}

/// Whether a small stored entry could be a link. What is taken for a link is held back, so this rules out what
/// links never are in practice, and most small files are: text with a line's end, and binary data.
pub(super) fn could_be_target(text: &[u8]) -> bool {
    !text.contains(&0) && !text.contains(&b'\n')
}

/// Follows all links whose names are wanted.
pub(super) fn resolve(
    tree: &Tree,
    entries: &[Entry],
    is_wanted: impl Fn(&[u8]) -> bool,
) -> Result<Plan, Refusal> {
    let is_wanted = |entry: &&Entry| entry.is_link() && is_wanted(&entry.name);
    let mut links = Links {
        tree,
        entries,
        sorted: Vec::new(),
        plan: Plan::default(),
        looked_up: 0,
    };
    if entries.iter().any(|entry| is_wanted(&entry)) {
        let names = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| (&*entry.name, index));
        links.sorted = names.collect();
        links.sorted.sort_unstable();
        for link in entries.iter().filter(is_wanted) {
            links.add(link, &link.name, &mut Vec::new())?;
        }
    }
    Ok(links.plan)
}

struct Links<'a> {
    tree: &'a Tree,
    entries: &'a [Entry],
    /// All names, so that what is in a directory is one run of them.
    sorted: Vec<(&'a [u8], usize)>,
    plan: Plan,
    /// Bytes of paths that were looked up, so that a maze of links comes to an end.
    looked_up: usize,
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
        let target = match self.follow(link)? {
            Ok(target) => target,
            Err(reason) => return self.drop(name, reason),
        };
        let directory = match self.tree.node(&target) {
            Some(Node::File(entry)) => return self.copy(name.into(), entry),
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
        if let Some(Node::Directory(entry)) = self.tree.node(&directory) {
            self.copy([name, b"/"].concat().into(), entry)?;
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
    fn follow(&mut self, link: &'a Entry) -> Result<Result<Vec<u8>, Reason>, Refusal> {
        let mut at: Vec<&'a [u8]> = link.name.split(|byte| *byte == b'/').collect();
        let mut rest: VecDeque<&'a [u8]> = VecDeque::new();
        let mut link = link;
        for _ in 0..=MAX_HOPS {
            let Some(target) = link.held() else {
                return Ok(Err(Reason::Unreadable));
            };
            if target.starts_with(b"/") {
                return Ok(Err(Reason::LeadsOut));
            }
            at.pop();
            for part in target.split(|byte| *byte == b'/').rev() {
                rest.push_front(part);
            }
            match self.walk(&mut at, &mut rest)? {
                Walk::Arrived => return Ok(Ok(at.join(&b'/'))),
                Walk::Stuck(reason) => return Ok(Err(reason)),
                Walk::Link(next) => link = next,
            }
        }
        Ok(Err(Reason::Loop))
    }

    /// Goes on from `at` by the parts of a path, up to the next link.
    fn walk(
        &mut self,
        at: &mut Vec<&'a [u8]>,
        rest: &mut VecDeque<&'a [u8]>,
    ) -> Result<Walk<'a>, Refusal> {
        while let Some(part) = rest.pop_front() {
            match part {
                b"" | b"." => continue,
                b".." => {
                    if at.pop().is_none() {
                        return Ok(Walk::Stuck(Reason::LeadsOut));
                    }
                    continue;
                }
                part => at.push(part),
            }
            let path = at.join(&b'/');
            self.looked_up += path.len();
            if self.looked_up > MAX_LOOKED_UP {
                return Err(Refusal::Links);
            }
            let file = match self.tree.node(&path) {
                Some(Node::Directory(_) | Node::Implied) => continue,
                Some(Node::File(entry)) => self.entries.get(entry),
                None => None,
            };
            let is_last = rest.iter().all(|part| matches!(*part, b"" | b"."));
            match file {
                Some(link) if link.is_link() => return Ok(Walk::Link(link)),
                Some(_) if is_last => return Ok(Walk::Arrived),
                Some(_) | None => return Ok(Walk::Stuck(Reason::Dangling)),
            }
        }
        Ok(Walk::Arrived)
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

/// How far a path leads.
enum Walk<'a> {
    /// To its end.
    Arrived,
    /// To a link, which is to be followed.
    Link(&'a Entry),
    /// Nowhere.
    Stuck(Reason),
}

fn is_below(path: &[u8], directory: &[u8]) -> bool {
    path.strip_prefix(directory)
        .is_some_and(|rest| rest.starts_with(b"/"))
}

/// All links of a sane archive together look up far less.
const MAX_LOOKED_UP: usize = 32 << 20;
/// As Linux has it.
const MAX_HOPS: usize = 40;
/// Directories within directories that are copied for links.
const MAX_DEPTH: usize = 8;
/// Files and directories that links may stand for in all.
const MAX_COPIES: usize = 10_000;
