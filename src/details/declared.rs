//! What configuration declares, in either of its syntaxes.

use std::borrow::Cow;

use super::expression::Expression;

/// A block: `KIND "LABEL" { NAME = VALUE }`.
#[derive(Debug)]
pub(super) struct Block<'f> {
    pub(super) kind: &'f str,
    pub(super) labels: Vec<&'f str>,
    pub(super) arguments: Vec<Argument<'f>>,
    /// The blocks in it that matter.
    pub(super) blocks: Vec<Block<'f>>,
    /// Where it begins, if that is known.
    pub(super) line: Option<usize>,
}

/// An argument of a block.
#[derive(Debug)]
pub(super) struct Argument<'f> {
    pub(super) name: Cow<'f, str>,
    pub(super) value: Expression<'f>,
    pub(super) line: Option<usize>,
}

impl<'f> Block<'f> {
    /// The argument of this name.
    pub(super) fn argument(&self, name: &str) -> Option<&Argument<'f>> {
        self.arguments.iter().find(|it| it.name == name)
    }
}

/// How many labels a block has that says something; `None` for others.
pub(super) fn labels(kind: &str) -> Option<usize> {
    match kind {
        "terraform" => Some(0),
        "variable" | "output" | "module" | "provider" => Some(1),
        "resource" | "data" => Some(2),
        _ => None,
    }
}
