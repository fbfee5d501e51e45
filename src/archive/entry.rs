//! What is remembered of an archive: its entries, and the tree that their names make.

use std::collections::HashMap;
use std::rc::Rc;

use super::Refusal;
use super::zip::Facts;

/// One entry of the input.
#[derive(Debug)]
pub(super) struct Entry {
    /// Without the top folder; of a directory with its slash; of the top folder itself empty.
    pub(super) name: Rc<[u8]>,
    pub(super) facts: Facts,
    /// Where its header is in the input.
    pub(super) offset: u64,
    pub(super) place: Place,
    /// What the central directory says; `None` until it has been read.
    pub(super) mode: Option<u16>,
}

/// Where an entry is in the output.
#[derive(Debug)]
pub(super) enum Place {
    /// Its header is here.
    Written(u64),
    /// Nowhere yet: it may be a link. This is its data.
    Held(Box<[u8]>),
    /// Nowhere: the top folder, or outside of the folder that is wanted.
    Omitted,
}

impl Entry {
    pub(super) fn is_directory(&self) -> bool {
        self.name.is_empty() || self.name.ends_with(b"/")
    }

    pub(super) fn is_link(&self) -> bool {
        !self.is_directory() && self.mode.is_some_and(|mode| mode & TYPE == LINK)
    }

    /// 0755 or 0644: Terraform's unzip takes a mode as it is, and makes a file of mode 0 unreadable.
    pub(super) fn output_mode(&self) -> u16 {
        let is_executable = self.mode.is_some_and(|mode| mode & 0o111 != 0);
        match (self.is_directory(), is_executable) {
            (true, _) => DIRECTORY | 0o755,
            (false, true) => FILE | 0o755,
            (false, false) => FILE | 0o644,
        }
    }

    /// The data of an entry that was held back.
    pub(super) fn held(&self) -> Option<&[u8]> {
        match &self.place {
            Place::Held(data) => Some(data),
            Place::Written(_) | Place::Omitted => None,
        }
    }
}

/// All paths of an archive, without slashes at their ends.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: HashMap<Rc<[u8]>, Node>,
    bytes: usize,
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// An entry of the archive, by its index.
    File(usize),
    /// A directory with an entry of its own.
    Directory(usize),
    /// A directory that is only known from what is in it.
    Implied,
}

impl Tree {
    /// Adds an entry's name, of which the empty one is the root. Refuses what could leave the module, what would be two
    /// things at once, and more than memory is meant for.
    pub(super) fn insert(&mut self, name: &Rc<[u8]>, entry: usize) -> Result<(), Refusal> {
        let path = path(name);
        if !name.is_empty() {
            check_path(path)?;
        }
        let is_file = path.len() == name.len() && !name.is_empty();
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        for parent in slashes.filter_map(|(at, _)| path.get(..at)) {
            match self.nodes.get(parent) {
                None => self.add(parent.into(), Node::Implied)?,
                Some(Node::Directory(_) | Node::Implied) => {}
                Some(Node::File(_)) => return Err(Refusal::Collision),
            }
        }
        match self.nodes.get(path) {
            None if is_file => self.add(Rc::clone(name), Node::File(entry)),
            None => self.add(path.into(), Node::Directory(entry)),
            Some(Node::Implied) if !is_file => self.add(path.into(), Node::Directory(entry)),
            Some(_) => Err(Refusal::Collision),
        }
    }

    /// What is at a path.
    pub(super) fn node(&self, path: &[u8]) -> Option<Node> {
        self.nodes.get(path).copied()
    }

    /// The entry with this name.
    pub(super) fn entry(&self, name: &[u8]) -> Option<usize> {
        match self.node(path(name))? {
            Node::File(entry) | Node::Directory(entry) => Some(entry),
            Node::Implied => None,
        }
    }

    fn add(&mut self, path: Rc<[u8]>, node: Node) -> Result<(), Refusal> {
        self.bytes += path.len();
        self.nodes.insert(path, node);
        let is_too_much = self.nodes.len() > MAX_NODES || self.bytes > MAX_PATH_BYTES;
        if is_too_much {
            Err(Refusal::TooMany)
        } else {
            Ok(())
        }
    }
}

/// Refuses a path that is not plainly one below where it is unpacked.
pub(super) fn check_path(path: &[u8]) -> Result<(), Refusal> {
    let is_part = |part: &[u8]| {
        // A backslash is a character like others here, and separates folders on Windows.
        let climbs = part.split(|byte| *byte == b'\\').any(|it| it == b"..");
        !part.is_empty() && part != b"." && !climbs && !part.contains(&0)
    };
    let parts = path.split(|byte| *byte == b'/');
    let is_sound = parts.clone().all(is_part) && parts.count() <= MAX_DEPTH;
    if is_sound { Ok(()) } else { Err(Refusal::Name) }
}

fn path(name: &[u8]) -> &[u8] {
    name.strip_suffix(b"/").unwrap_or(name)
}

const TYPE: u16 = 0o170_000;
const LINK: u16 = 0o120_000;
const FILE: u16 = 0o100_000;
const DIRECTORY: u16 = 0o040_000;

/// As many files and directories as GitHub lists of a tree. Each costs about 200 bytes of memory.
const MAX_NODES: usize = 100_000;
const MAX_PATH_BYTES: usize = 16 << 20;
const MAX_DEPTH: usize = 100;
