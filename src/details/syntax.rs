//! Configuration in Terraform's own language: which blocks there are, and what their arguments' source is. Behind what is wrong
//! it goes on: in a block with the next line, and in the file with the next block that begins a line.

use std::borrow::Cow;
use std::ops::Range;

use super::declared::{self, Argument, Block};
use super::expression::Expression;
use super::problems::{Problems, line_of};
use super::scan::{self, Fault, byte, is_comment, is_word, line_end, word_end};

/// Behind so many faults nothing more is read of a file.
const MAX_FAULTS: usize = 10;
/// Behind so many arguments nothing more is read of a block: each takes many times as much memory as its text.
pub(super) const MAX_ARGUMENTS: usize = 10_000;

/// Reads a file, and gives each block that says something.
pub(super) fn read<'f>(
    text: &'f str,
    problems: &mut Problems,
    mut take: impl FnMut(Block<'f>, &mut Problems),
) {
    let mut lines = Lines::new(text);
    let mut items = Items::new(text, 0, true);
    while let Some(item) = items.next() {
        items.say(&mut lines, problems);
        let Item::Block {
            kind,
            labels,
            body,
            at,
            is_whole,
        } = item
        else {
            continue;
        };
        if declared::labels(kind).is_none() {
            continue;
        }
        let mut block = Block {
            kind,
            labels,
            arguments: Vec::new(),
            blocks: Vec::new(),
            line: Some(lines.of(at)),
        };
        fill(&mut block, text, body, is_whole, &mut lines, problems);
        take(block, problems);
    }
    items.say(&mut lines, problems);
}

/// Lines of places near each other, without counting from the start each time.
struct Lines<'f> {
    text: &'f str,
    at: usize,
    line: usize,
}

impl<'f> Lines<'f> {
    fn new(text: &'f str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
        }
    }

    fn of(&mut self, at: usize) -> usize {
        let text = self.text.as_bytes();
        let ends = |range| text.get(range).map_or(0, |it| line_of(it, it.len()) - 1);
        // Faults are told behind what was read after them.
        self.line = (self.line + ends(self.at..at)).saturating_sub(ends(at..self.at));
        self.at = at;
        self.line
    }
}

fn fill<'f>(
    block: &mut Block<'f>,
    text: &'f str,
    body: Range<usize>,
    is_whole: bool,
    lines: &mut Lines<'f>,
    problems: &mut Problems,
) {
    let mut items = Items::new(text.get(..body.end).unwrap_or(text), body.start, false);
    while let Some(item) = items.next() {
        if block.arguments.len() + block.blocks.len() >= MAX_ARGUMENTS {
            problems.add(format_args!(
                "of a `{}` only {MAX_ARGUMENTS} arguments are read",
                block.kind
            ));
            break;
        }
        match item {
            Item::Argument { name, value, at } => block.arguments.push(Argument {
                name: Cow::Borrowed(name),
                value: Expression::Source(value),
                line: Some(lines.of(at)),
            }),
            // The only block in a block that says something, and there is none in it.
            Item::Block {
                kind: kind @ "required_providers",
                body,
                at,
                ..
            } if block.kind == "terraform" => {
                let mut inner = Block {
                    kind,
                    labels: Vec::new(),
                    arguments: Vec::new(),
                    blocks: Vec::new(),
                    line: Some(lines.of(at)),
                };
                fill(&mut inner, text, body, is_whole, lines, problems);
                block.blocks.push(inner);
            }
            Item::Block { .. } => {}
        }
    }
    // What is wrong in a block without an end has been said.
    if is_whole {
        items.say(lines, problems);
    }
}

#[derive(Debug)]
enum Item<'f> {
    Argument {
        name: &'f str,
        value: &'f str,
        at: usize,
    },
    Block {
        kind: &'f str,
        labels: Vec<&'f str>,
        body: Range<usize>,
        at: usize,
        /// Whether its end was found.
        is_whole: bool,
    },
}

/// What is in a file, or in a block.
struct Items<'f> {
    text: &'f str,
    at: usize,
    is_file: bool,
    faults: Vec<Fault>,
    /// How many faults have been said.
    said: usize,
}

impl<'f> Items<'f> {
    fn new(text: &'f str, at: usize, is_file: bool) -> Self {
        Self {
            text,
            at,
            is_file,
            faults: Vec::new(),
            said: 0,
        }
    }

    fn say(&mut self, lines: &mut Lines<'_>, problems: &mut Problems) {
        for fault in self.faults.iter().skip(self.said) {
            problems.add_at(Some(lines.of(fault.at)), fault.what);
        }
        if self.said < MAX_FAULTS && self.faults.len() >= MAX_FAULTS {
            problems.add("the rest is not read");
        }
        self.said = self.faults.len();
    }

    fn next(&mut self) -> Option<Item<'f>> {
        while self.faults.len() < MAX_FAULTS {
            if let Err(fault) = self.blank(true) {
                self.faults.push(fault);
                self.at = self.resume();
                continue;
            }
            byte(self.text, self.at)?;
            match self.item() {
                Ok(item) => return Some(item),
                Err((fault, item)) => {
                    self.faults.push(fault);
                    self.at = self.resume();
                    let Some(mut item) = item else { continue };
                    if let Item::Block {
                        body,
                        is_whole: false,
                        ..
                    } = &mut item
                    {
                        body.end = self.at.max(body.start);
                    }
                    return Some(item);
                }
            }
        }
        None
    }

    /// What begins here, which is not blank. With what is wrong may come what is known of a block all the same.
    fn item(&mut self) -> Result<Item<'f>, (Fault, Option<Item<'f>>)> {
        let at = self.at;
        let bare = |fault| (fault, None);
        let name = self.word().ok_or_else(|| {
            let what = "neither an argument nor a block begins here";
            bare(Fault { at, what })
        })?;
        self.blank(false).map_err(bare)?;
        let item = if byte(self.text, self.at) == Some(b'=') {
            self.at += 1;
            let value = self.value().map_err(bare)?;
            Item::Argument { name, value, at }
        } else {
            let labels = self.labels().map_err(bare)?;
            let body = self.at + 1..self.at + 1;
            let block = |body, is_whole| Item::Block {
                kind: name,
                labels,
                body,
                at,
                is_whole,
            };
            match scan::skip(self.text, self.at) {
                Ok(end) => {
                    self.at = end;
                    block(body.start..end - 1, true)
                }
                Err(fault) => return Err((fault, Some(block(body, false)))),
            }
        };
        match self.blank(false) {
            Err(fault) => Err((fault, Some(item))),
            Ok(()) if matches!(byte(self.text, self.at), None | Some(b'\n')) => Ok(item),
            Ok(()) => {
                let (at, what) = (self.at, "the line should end here");
                Err((Fault { at, what }, Some(item)))
            }
        }
    }

    /// The source of a value, up to the end of the line that is not in brackets.
    fn value(&mut self) -> Result<&'f str, Fault> {
        self.blank(false)?;
        let start = self.at;
        let mut end = start;
        while byte(self.text, self.at).is_some_and(|byte| byte != b'\n') {
            self.at = scan::skip(self.text, self.at)?;
            end = self.at;
            self.blank(false)?;
        }
        let value = self.text.get(start..end).unwrap_or_default();
        if value.is_empty() {
            let what = "the value is missing";
            return Err(Fault { at: start, what });
        }
        Ok(value)
    }

    /// Goes to the `{` of a block.
    fn labels(&mut self) -> Result<Vec<&'f str>, Fault> {
        let mut labels = Vec::new();
        loop {
            let start = self.at;
            match byte(self.text, start) {
                Some(b'{') => return Ok(labels),
                Some(b'"') => {
                    self.at = scan::skip(self.text, start)?;
                    labels.extend(self.text.get(start + 1..self.at - 1));
                }
                Some(byte) if is_word(byte) => labels.extend(self.word()),
                _ => {
                    let what = "neither `=` nor `{` is here";
                    return Err(Fault { at: start, what });
                }
            }
            self.blank(false)?;
        }
    }

    fn word(&mut self) -> Option<&'f str> {
        let start = self.at;
        self.at = word_end(self.text, start);
        self.text.get(start..self.at).filter(|it| !it.is_empty())
    }

    /// Goes over spaces and comments, and over ends of lines where they mean nothing.
    fn blank(&mut self, lines: bool) -> Result<(), Fault> {
        loop {
            match byte(self.text, self.at) {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\n') if lines => self.at += 1,
                Some(_) if is_comment(self.text, self.at) => {
                    self.at = scan::skip(self.text, self.at)?;
                }
                _ => return Ok(()),
            }
        }
    }

    /// Where it goes on behind what is wrong.
    fn resume(&self) -> usize {
        let mut at = line_end(self.text, self.at);
        while at < self.text.len() {
            at += 1;
            let rest = self.text.get(at..).unwrap_or_default();
            if !self.is_file || begins_block(rest) {
                return at;
            }
            at = line_end(self.text, at);
        }
        at
    }
}

/// Whether a line begins as blocks of a file do.
fn begins_block(line: &str) -> bool {
    let (word, rest) = line.split_at(word_end(line, 0));
    let is_kind = declared::labels(word).is_some()
        || matches!(
            word,
            "locals" | "moved" | "import" | "removed" | "check" | "ephemeral"
        );
    is_kind && rest.trim_start_matches([' ', '\t']).starts_with(['"', '{'])
}
