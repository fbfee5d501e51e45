//! Configuration in JSON: `{"variable": {"x": {...}}}`. Wherever there is an object there may be a list of them, a key may be
//! there twice, and what is under `//` is a comment.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::declared::{self, Argument, Block};
use super::expression::Expression;
use super::problems::Problems;

/// A file with more values is not read: each takes up to fifty times as much memory as its text.
pub(super) const MAX_VALUES: usize = 50_000;

/// JSON that keeps every key, in order.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// A list.
    List(Vec<Node>),
    /// An object.
    Object(Vec<(String, Node)>),
    /// Everything else.
    Plain(Value),
}

/// Reads a file, and gives each block that says something.
pub(super) fn read(
    text: &str,
    problems: &mut Problems,
    mut take: impl FnMut(Block<'_>, &mut Problems),
) {
    let file = match parse(text) {
        Ok(file) => file,
        Err(error) => {
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default();
            problems.add_at(
                Some(error.line()),
                format_args!("{what}; the file is not read"),
            );
            return;
        }
    };
    let mut found = Found {
        blocks: Vec::new(),
        wrong: Vec::new(),
    };
    match file.entries() {
        Ok(entries) => {
            for (kind, node) in entries {
                if let Some(labels) = declared::labels(kind) {
                    found.blocks(kind, node, labels, &[]);
                }
            }
        }
        Err(()) => found.wrong.push("the file"),
    }
    for kind in found.wrong {
        problems.add(format_args!(
            "`{kind}` is neither an object nor a list of objects"
        ));
    }
    for block in found.blocks {
        take(block, problems);
    }
}

fn parse(text: &str) -> Result<Node, serde_json::Error> {
    let left = Cell::new(MAX_VALUES);
    let mut text = serde_json::Deserializer::from_str(text);
    let node = Reader { left: &left }.deserialize(&mut text)?;
    text.end()?;
    Ok(node)
}

struct Found<'f> {
    blocks: Vec<Block<'f>>,
    /// Kinds of blocks that are none.
    wrong: Vec<&'f str>,
}

impl<'f> Found<'f> {
    fn blocks(&mut self, kind: &'f str, node: &'f Node, labels_left: usize, labels: &[&'f str]) {
        if labels_left > 0 {
            match node.entries() {
                Ok(entries) => {
                    for (label, node) in entries {
                        self.blocks(kind, node, labels_left - 1, &[labels, &[label]].concat());
                    }
                }
                Err(()) => self.wrong.push(kind),
            }
            return;
        }
        let bodies = match node {
            Node::List(bodies) => bodies.as_slice(),
            body => std::slice::from_ref(body),
        };
        for body in bodies {
            let (Node::Object(_), Ok(entries)) = (body, body.entries()) else {
                if !matches!(body, Node::Plain(Value::Null)) {
                    self.wrong.push(kind);
                }
                continue;
            };
            let mut block = Block {
                kind,
                labels: labels.to_vec(),
                arguments: Vec::new(),
                blocks: Vec::new(),
                line: None,
            };
            for (name, node) in entries {
                if kind == "terraform" && name == "required_providers" {
                    let mut inner = Self {
                        blocks: Vec::new(),
                        wrong: Vec::new(),
                    };
                    inner.blocks(name, node, 0, &[]);
                    block.blocks.append(&mut inner.blocks);
                    self.wrong.append(&mut inner.wrong);
                } else {
                    block.arguments.push(argument(name, node));
                }
            }
            self.blocks.push(block);
        }
    }
}

impl Node {
    /// What is in an object, or in each object of a list. Nothing is in `null`.
    fn entries(&self) -> Result<Vec<(&str, &Self)>, ()> {
        let objects = match self {
            Self::Plain(Value::Null) => return Ok(Vec::new()),
            Self::List(objects) => objects.as_slice(),
            object => std::slice::from_ref(object),
        };
        let mut entries = Vec::new();
        for object in objects {
            let Self::Object(object) = object else {
                return Err(());
            };
            let object = object.iter().filter(|it| it.0 != "//");
            entries.extend(object.map(|(key, node)| (key.as_str(), node)));
        }
        Ok(entries)
    }

    /// What is in an object.
    pub(super) fn members(&self) -> Option<Vec<Argument<'_>>> {
        let entries = match self {
            Self::Object(_) => self.entries().ok()?,
            Self::List(_) | Self::Plain(_) => return None,
        };
        let member = |(name, node)| argument(name, node);
        Some(entries.into_iter().map(member).collect())
    }

    /// As a plain value, in which the last of equal keys counts.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Plain(value) => value.clone(),
            Self::List(list) => list.iter().map(Self::value).collect(),
            Self::Object(object) => {
                let members = object.iter();
                let members = members.map(|(key, node)| (key.clone(), node.value()));
                Value::Object(members.collect())
            }
        }
    }
}

fn argument<'f>(name: &'f str, node: &'f Node) -> Argument<'f> {
    Argument {
        name: Cow::Borrowed(name),
        value: Expression::Json(node),
        line: None,
    }
}

/// Reads a value, and counts it.
#[derive(Clone, Copy)]
struct Reader<'c> {
    left: &'c Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        let Some(left) = self.left.get().checked_sub(1) else {
            let what = format_args!("it has more than {MAX_VALUES} values");
            return Err(D::Error::custom(what));
        };
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Plain(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Plain(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Plain(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Plain(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Plain(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Plain(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element_seed(self)? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(key) = object.next_key()? {
            nodes.push((key, object.next_value_seed(self)?));
        }
        Ok(Node::Object(nodes))
    }
}
