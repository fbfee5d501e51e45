//! What is wrong, in not too many lines of not too many characters.

/// So many problems are told; the others are counted.
const MAX_LINES: usize = 20;
/// A line has so many bytes at most: names in it come from strangers.
const MAX_LINE: usize = 300;

/// The problems found so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    lines: Vec<String>,
    more: usize,
    /// The file that is read now.
    file: String,
}

impl Problems {
    /// From now on problems are of this file.
    pub(super) fn of(&mut self, file: &str) {
        file.clone_into(&mut self.file);
    }

    /// A problem of the file.
    pub(super) fn add(&mut self, what: impl std::fmt::Display) {
        // There may be as many as there are lines: those that are only counted are not written.
        if self.is_full() {
            self.more += 1;
            return;
        }
        let line = format!("{}: {what}", self.file);
        self.push(line);
    }

    /// A problem at a place of the file, if that is known.
    pub(super) fn add_at(&mut self, line: Option<usize>, what: impl std::fmt::Display) {
        match line {
            Some(line) => self.add(format_args!("line {line}: {what}")),
            None => self.add(what),
        }
    }

    /// A problem of no file, once.
    pub(super) fn say(&mut self, line: String) {
        if !self.lines.contains(&line) {
            self.push(line);
        }
    }

    /// Every line, and how many more there were.
    pub(super) fn into_lines(mut self) -> Vec<String> {
        if self.more > 0 {
            self.lines.push(format!("and {} more", self.more));
        }
        self.lines
    }

    fn is_full(&self) -> bool {
        self.lines.len() >= MAX_LINES
    }

    fn push(&mut self, mut line: String) {
        if self.is_full() {
            self.more += 1;
            return;
        }
        if line.contains(char::is_control) {
            line = line.replace(char::is_control, "?");
        }
        if line.len() > MAX_LINE {
            line.truncate(line.floor_char_boundary(MAX_LINE));
            line.push('…');
        }
        self.lines.push(line);
    }
}

/// Which line of a text a byte is on; the first is 1.
pub(super) fn line_of(text: &[u8], at: usize) -> usize {
    let before = text.get(..at).unwrap_or(text);
    before.split(|byte| *byte == b'\n').count()
}
