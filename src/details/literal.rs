//! Values in Terraform's own language, as the `hcl-edit` crate parses them.

use std::borrow::Cow;

use hcl_edit::expr::{Expression as Parsed, ObjectKey, ObjectValue, UnaryOperator};
use hcl_edit::parser::parse_expr;
use hcl_edit::template::{Element, Strip, Template};
use hcl_edit::{Number, Span};
use serde_json::{Map, Value};

use super::declared::Argument;
use super::expression::Expression;
use super::scan;

/// Deeper values are not parsed: the parser calls itself, and WebAssembly's stack is small.
const MAX_DEPTH: usize = 30;
/// Longer values are not parsed: what the parser makes of each byte is up to a hundred times larger.
const MAX_SOURCE: usize = 64 * 1024;
/// The parser compares each key of an object with those before it.
const MAX_KEYS: usize = 500;

/// The value, where nothing of it has to be evaluated.
pub(super) fn value(source: &str) -> Option<Value> {
    plain(&parse(source)?, source)
}

/// The source of each member of an object.
pub(super) fn members(source: &str) -> Option<Vec<Argument<'_>>> {
    let Parsed::Object(object) = parse(source)? else {
        return None;
    };
    let member = |(key, value): (&ObjectKey, &ObjectValue)| {
        Some(Argument {
            name: Cow::Owned(name(key, source)?),
            value: Expression::Source(source.get(value.expr().span()?)?),
            line: None,
        })
    };
    object.iter().map(member).collect()
}

fn parse(source: &str) -> Option<Parsed> {
    let keys = || source.bytes().filter(|byte| matches!(byte, b'=' | b':'));
    let is_small = source.len() <= MAX_SOURCE
        && keys().count() <= MAX_KEYS
        && scan::depth(source) <= MAX_DEPTH;
    is_small.then(|| parse_expr(source).ok()).flatten()
}

fn plain(parsed: &Parsed, source: &str) -> Option<Value> {
    match parsed {
        Parsed::Null(_) => Some(Value::Null),
        Parsed::Bool(is_true) => Some(Value::Bool(*is_true.value())),
        Parsed::Number(number) => self::number(*number.value()),
        Parsed::String(text) => Some(Value::String(text.value().clone())),
        Parsed::StringTemplate(template) => text(template.iter(), source),
        Parsed::HeredocTemplate(heredoc) => {
            let written = parsed.span().and_then(|at| source.get(at))?;
            match written.strip_prefix("<<-") {
                // The parser takes away other indentation than Terraform, and carriage returns.
                Some(rest) => match parse(&format!("<<{rest}"))? {
                    Parsed::HeredocTemplate(heredoc) => indented_text(&heredoc.template),
                    _ => None,
                },
                None => text(heredoc.template.iter(), source),
            }
        }
        Parsed::Array(array) => array.iter().map(|it| plain(it, source)).collect(),
        Parsed::Object(object) => {
            let members = object.iter();
            let members = members
                .map(|(key, value)| Some((name(key, source)?, plain(value.expr(), source)?)));
            members.collect::<Option<Map<_, _>>>().map(Value::Object)
        }
        Parsed::Parenthesis(parenthesis) => plain(parenthesis.inner(), source),
        Parsed::UnaryOp(operation) if *operation.operator.value() == UnaryOperator::Neg => {
            match &operation.expr {
                Parsed::Number(of) => number(-*of.value()),
                _ => None,
            }
        }
        Parsed::UnaryOp(_)
        | Parsed::Variable(_)
        | Parsed::Conditional(_)
        | Parsed::FuncCall(_)
        | Parsed::Traversal(_)
        | Parsed::BinaryOp(_)
        | Parsed::ForExpr(_) => None,
    }
}

fn name(key: &ObjectKey, source: &str) -> Option<String> {
    match key {
        ObjectKey::Ident(name) => Some(name.as_str().to_owned()),
        // Words that mean something elsewhere are names here.
        ObjectKey::Expression(Parsed::Null(_)) => Some("null".to_owned()),
        ObjectKey::Expression(key) => as_text(plain(key, source)?),
    }
}

/// What Terraform makes of a value where it wants a text.
fn as_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whole numbers have no point, as Terraform writes them.
fn number(number: Number) -> Option<Value> {
    if let Some(whole) = number.as_i64() {
        return Some(whole.into());
    }
    if let Some(whole) = number.as_u64() {
        return Some(whole.into());
    }
    let float = number.as_f64()?;
    // Every whole number up to here is one of these.
    let is_exact = float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is whole and small enough"
    )]
    Some(if is_exact {
        Value::from(float as i64)
    } else {
        Value::from(float)
    })
}

/// What elements of a template make together; one that is interpolated alone stays what it is.
fn text<'a>(mut elements: impl Iterator<Item = &'a Element>, source: &str) -> Option<Value> {
    let mut value = |element: &Element| match element {
        Element::Literal(text) => Some(Value::String(text.value().clone())),
        Element::Interpolation(inner) if inner.strip == Strip::None => plain(&inner.expr, source),
        // `${~` and `~}` take blanks off what is beside them.
        Element::Interpolation(_) | Element::Directive(_) => None,
    };
    let first = elements.next().map_or(Some(Value::from("")), &mut value)?;
    let Some(second) = elements.next() else {
        return Some(first);
    };
    let mut all = as_text(first)?;
    for element in std::iter::once(second).chain(elements) {
        all.push_str(&as_text(value(element)?)?);
    }
    Some(Value::String(all))
}

/// A heredoc's text without the indentation that all its lines share. Blank ones don't count, and keep theirs.
fn indented_text(template: &Template) -> Option<Value> {
    let elements = template.iter();
    let text: String = elements
        .map(|it| it.as_literal().map(|text| text.value().as_str()))
        .collect::<Option<_>>()?;
    let indent = |line: &str| line.chars().take_while(|it| it.is_whitespace()).count();
    let is_blank = |line: &str| line.trim().is_empty();
    let lines = || text.split_inclusive('\n');
    let shared = lines().filter(|it| !is_blank(it)).map(indent).min();
    let cut = |line: &str| {
        let shared = shared.filter(|_| !is_blank(line)).unwrap_or_default();
        line.chars().skip(shared).collect::<String>()
    };
    Some(Value::String(lines().map(cut).collect()))
}
