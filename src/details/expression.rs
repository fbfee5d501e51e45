//! A value as it is written, and what of it can be known without evaluating anything.

use std::borrow::Cow;

use serde_json::Value;

use super::declared::Argument;
use super::json::Node;
use super::literal;
use super::one_line::one_line;
use super::scan::word_end;

/// A value, in either syntax.
#[derive(Clone, Debug)]
pub(super) enum Expression<'f> {
    /// Terraform's own language.
    Source(&'f str),
    /// JSON.
    Json(&'f Node),
}

impl<'f> Expression<'f> {
    /// The value itself, where nothing of it has to be evaluated.
    pub(super) fn literal(&self) -> Option<Value> {
        match self {
            Self::Source(source) => literal::value(source),
            Self::Json(node) => Some(node.value()),
        }
    }

    /// The text, where it is one. Numbers and truths become texts, as Terraform makes them.
    pub(super) fn text(&self) -> Option<String> {
        match self.literal()? {
            Value::String(text) => Some(text),
            value @ (Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
            Value::Null => Some(String::new()),
            Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// Whether it is true, where that can be known.
    pub(super) fn is_true(&self) -> Option<bool> {
        match self.literal()? {
            Value::Bool(is_true) => Some(is_true),
            Value::String(text) => text.parse().ok(),
            Value::Null => Some(false),
            _ => None,
        }
    }

    /// A type. Before Terraform 0.12 they were in quotes, and in JSON they always are.
    pub(super) fn type_text(&self) -> String {
        match self {
            Self::Source(source) if !source.starts_with('"') => one_line(source),
            _ => self
                .text()
                .map_or_else(|| self.source(), |it| one_line(&it)),
        }
    }

    /// A default: its JSON, or its source.
    pub(super) fn default_text(&self) -> String {
        let json = self.literal().map(|value| value.to_string());
        json.unwrap_or_else(|| self.source())
    }

    /// The provider that a reference as `aws.west` means; old ones are in quotes.
    pub(super) fn provider(&self) -> Option<String> {
        let text = match self {
            Self::Source(source) if !source.starts_with('"') => Cow::Borrowed(*source),
            _ => Cow::Owned(self.text()?),
        };
        let (name, rest) = text.split_at_checked(word_end(&text, 0))?;
        let is_reference = !name.is_empty()
            && (rest.is_empty() || rest.trim_start().starts_with(['.', '[', '/', '#']));
        is_reference.then(|| name.to_owned())
    }

    /// What is in an object, each by itself.
    pub(super) fn members(&self) -> Option<Vec<Argument<'f>>> {
        match self {
            Self::Source(source) => literal::members(source),
            Self::Json(node) => node.members(),
        }
    }

    fn source(&self) -> String {
        match self {
            Self::Source(source) => one_line(source),
            Self::Json(node) => node.value().to_string(),
        }
    }
}
