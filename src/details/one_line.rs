//! Source on one line, without comments and alignment.

use super::scan::{self, byte, is_comment};

/// An expression's source as one would write it on one line. Only heredocs keep their lines.
pub(super) fn one_line(source: &str) -> String {
    let mut line = Line::default();
    let mut at = 0;
    while let Some(found) = byte(source, at) {
        let end = match found {
            // One by one, so that what is in brackets is looked at as well.
            b'(' | b'[' | b'{' | b')' | b']' | b'}' => at + 1,
            _ => scan::skip(source, at).unwrap_or(source.len()),
        };
        let text = source.get(at..end).unwrap_or_default();
        match found {
            b'(' | b'[' | b'{' => line.open(found),
            b')' | b']' | b'}' => line.close(found),
            b',' => line.gap = Gap::Comma,
            b'\n' => line.end_line(),
            b' ' | b'\t' | b'\r' => line.space(),
            _ if is_comment(source, at) => line.space(),
            // `==`, `=>`, `!=` and so on stay as they are.
            b'=' if !line.is_in_operator() && !matches!(byte(source, end), Some(b'=' | b'>')) => {
                line.space();
                line.push("=");
                line.space();
            }
            b'"' if text.contains('\n') => line.push(&text.replace(['\r', '\n'], " ")),
            _ => line.push(text),
        }
        at = end;
    }
    line.text
}

/// What is between the last that was written and the next.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Gap {
    #[default]
    None,
    Space,
    Comma,
    /// An end of a line that separates what is in braces.
    Line,
}

#[derive(Default)]
struct Line {
    text: String,
    gap: Gap,
    open: Vec<u8>,
    /// Whether the last was an opening bracket.
    is_opened: bool,
}

impl Line {
    fn push(&mut self, text: &str) {
        let is_in_braces = self.open.last() == Some(&b'{');
        let gap = match self.gap {
            _ if self.is_opened && !is_in_braces => "",
            Gap::None if !self.is_opened => "",
            Gap::Comma if !self.is_opened => ", ",
            Gap::Line if is_in_braces && !self.is_opened => ", ",
            _ => " ",
        };
        self.text.push_str(gap);
        self.text.push_str(text);
        if self.is_opened && is_in_braces && text == "for" {
            // In `{ for k, v in x : k => v }` the ends of lines separate nothing.
            self.open.pop();
            self.open.push(b'(');
        }
        self.gap = Gap::None;
        self.is_opened = false;
    }

    fn open(&mut self, bracket: u8) {
        self.push(match bracket {
            b'(' => "(",
            b'[' => "[",
            _ => "{",
        });
        self.open.push(bracket);
        self.is_opened = true;
    }

    fn close(&mut self, bracket: u8) {
        if bracket == b'}' && !self.is_opened {
            self.text.push(' ');
        }
        self.open.pop();
        self.gap = Gap::None;
        self.is_opened = false;
        self.text.push(char::from(bracket));
    }

    /// Whether what was written last may be the start of an operator of two characters.
    fn is_in_operator(&self) -> bool {
        self.gap == Gap::None && self.text.ends_with(['=', '!', '<', '>'])
    }

    fn space(&mut self) {
        if self.gap == Gap::None {
            self.gap = Gap::Space;
        }
    }

    fn end_line(&mut self) {
        if self.gap != Gap::Comma {
            self.gap = Gap::Line;
        }
    }
}
