//! Finds where a thing of Terraform's language ends, without understanding it: brackets, strings with what is interpolated
//! into them, heredocs and comments. It keeps no call on the stack for what is nested.

/// So deep may brackets and strings be nested, blocks included.
const MAX_DEPTH: usize = 60;

/// What is wrong, and at which byte of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) what: &'static str,
}

/// What is open.
#[derive(Clone, Copy)]
enum Frame<'t> {
    /// Brackets, or what is interpolated, with what closes them.
    Code(u8),
    /// A string.
    Quoted,
    /// A heredoc, with its marker.
    Heredoc(&'t str),
}

/// The end of what begins at `at`: brackets with what is in them, a string, a heredoc (up to the end of its last line), a
/// comment, or a character.
///
/// # Errors
/// It has no end, or brackets close that are not open, or it is nested too deeply.
pub(super) fn skip(text: &str, at: usize) -> Result<usize, Fault> {
    let mut frames = Vec::new();
    let mut at = at;
    loop {
        at = step(text, at, &mut frames)?;
        if frames.is_empty() {
            return Ok(at);
        }
        if frames.len() > MAX_DEPTH {
            let what = "it is nested too deeply";
            return Err(Fault { at, what });
        }
    }
}

/// How deep a parser that calls itself would go in a text, at most: for brackets and strings in each other, prefixes in a row,
/// conditions and directives of templates. `usize::MAX` where something has no end.
pub(super) fn depth(text: &str) -> usize {
    let mut frames = Vec::new();
    let (mut at, mut nested, mut prefixes, mut others) = (0, 0, 0, 0);
    while at < text.len() {
        let is_code = matches!(frames.last(), None | Some((Frame::Code(_), _)));
        let found = byte(text, at);
        let Ok(end) = step(text, at, &mut frames) else {
            return usize::MAX;
        };
        match found {
            Some(b'!' | b'-') if is_code => prefixes += 1,
            Some(b' ' | b'\t' | b'\r' | b'\n') if is_code => {}
            Some(b'?') if is_code => others += 1,
            Some(b'%') if !is_code && end == at + 2 => others += 1,
            _ => prefixes = 0,
        }
        nested = nested.max(frames.len() + prefixes);
        at = end;
    }
    nested + others
}

/// The byte at a place, if the text goes on.
pub(super) fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

/// Whether a comment begins there.
pub(super) fn is_comment(text: &str, at: usize) -> bool {
    match byte(text, at) {
        Some(b'#') => true,
        Some(b'/') => matches!(byte(text, at + 1), Some(b'/' | b'*')),
        _ => false,
    }
}

/// The end of the line, which is before its `\n`.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.find('\n').unwrap_or(rest.len())
}

/// Whether a byte may be in a name. Letters that are not ASCII may.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') || !byte.is_ascii()
}

/// The end of the name that begins there.
pub(super) fn word_end(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| is_word(**byte)).count()
}

fn step<'t>(
    text: &'t str,
    at: usize,
    frames: &mut Vec<(Frame<'t>, usize)>,
) -> Result<usize, Fault> {
    match frames.last() {
        None => code(text, at, None, frames),
        Some(&(Frame::Code(closer), _)) => code(text, at, Some(closer), frames),
        Some((Frame::Quoted, _)) => quoted(text, at, frames),
        Some(&(Frame::Heredoc(marker), _)) => heredoc(text, at, marker, frames),
    }
}

fn code<'t>(
    text: &'t str,
    at: usize,
    closer: Option<u8>,
    frames: &mut Vec<(Frame<'t>, usize)>,
) -> Result<usize, Fault> {
    let Some(found) = byte(text, at) else {
        return Err(unclosed(at, frames));
    };
    let frame = match found {
        b'(' => Frame::Code(b')'),
        b'[' => Frame::Code(b']'),
        b'{' => Frame::Code(b'}'),
        b'"' => Frame::Quoted,
        b')' | b']' | b'}' if closer == Some(found) => {
            frames.pop();
            return Ok(at + 1);
        }
        b')' | b']' | b'}' => {
            let what = "a bracket closes that is not open";
            return Err(Fault { at, what });
        }
        b'#' | b'/' if is_comment(text, at) => return comment(text, at),
        b'<' => match heredoc_marker(text, at) {
            Some((marker, start)) => {
                frames.push((Frame::Heredoc(marker), at));
                return Ok(start);
            }
            None => return Ok(at + 1),
        },
        _ if is_word(found) && found != b'-' => return Ok(word_end(text, at)),
        _ => return Ok(at + 1),
    };
    frames.push((frame, at));
    Ok(at + 1)
}

fn comment(text: &str, at: usize) -> Result<usize, Fault> {
    let rest = text.get(at..).unwrap_or_default();
    match rest.strip_prefix("/*") {
        None => Ok(line_end(text, at)),
        Some(inner) => inner.find("*/").map(|end| at + end + 4).ok_or(Fault {
            at,
            what: "the comment has no end",
        }),
    }
}

/// The marker of the heredoc that begins there, and where its text begins.
fn heredoc_marker(text: &str, at: usize) -> Option<(&str, usize)> {
    let rest = text.get(at..)?.strip_prefix("<<")?;
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    // Only the word is looked at, not the line, which may have many `<`.
    let (marker, rest) = rest.split_at_checked(word_end(rest, 0))?;
    let rest = rest.strip_prefix('\r').unwrap_or(rest);
    let rest = rest.strip_prefix('\n')?;
    (!marker.is_empty()).then(|| (marker, text.len() - rest.len()))
}

fn quoted<'t>(
    text: &'t str,
    at: usize,
    frames: &mut Vec<(Frame<'t>, usize)>,
) -> Result<usize, Fault> {
    match byte(text, at) {
        None | Some(b'\n') => Err(unclosed(at, frames)),
        Some(b'"') => {
            frames.pop();
            Ok(at + 1)
        }
        // What is escaped may be of several bytes: the others are plain text.
        Some(b'\\') if byte(text, at + 1).is_some_and(|byte| byte != b'\n') => Ok(at + 2),
        Some(b'$' | b'%') => Ok(interpolated(text, at, frames)),
        Some(_) => Ok(at + 1),
    }
}

fn heredoc<'t>(
    text: &'t str,
    at: usize,
    marker: &str,
    frames: &mut Vec<(Frame<'t>, usize)>,
) -> Result<usize, Fault> {
    let mut at = at;
    if byte(text, at.wrapping_sub(1)) == Some(b'\n') {
        let line = text.get(at..line_end(text, at)).unwrap_or_default();
        if line.trim() == marker {
            frames.pop();
            return Ok(at + line.trim_end().len());
        }
    }
    loop {
        match byte(text, at) {
            None => return Err(unclosed(at, frames)),
            Some(b'\n') => return Ok(at + 1),
            Some(b'$' | b'%') => return Ok(interpolated(text, at, frames)),
            Some(_) => at += 1,
        }
    }
}

/// Behind a `$` or `%`, which begins code before a `{`, unless it is there twice.
fn interpolated<'t>(text: &'t str, at: usize, frames: &mut Vec<(Frame<'t>, usize)>) -> usize {
    let (this, next) = (byte(text, at), byte(text, at + 1));
    if next == Some(b'{') {
        frames.push((Frame::Code(b'}'), at));
        at + 2
    } else if next == this && byte(text, at + 2) == Some(b'{') {
        at + 3
    } else {
        at + 1
    }
}

fn unclosed(at: usize, frames: &[(Frame<'_>, usize)]) -> Fault {
    let Some((frame, at)) = frames.last() else {
        let what = "the file ends too early";
        return Fault { at, what };
    };
    let what = match frame {
        Frame::Code(b')') => "the `(` is not closed",
        Frame::Code(b']') => "the `[` is not closed",
        Frame::Code(_) => "the `{` is not closed",
        Frame::Quoted => "the string has no end on its line",
        Frame::Heredoc(_) => "the heredoc has no end",
    };
    Fault { at: *at, what }
}
