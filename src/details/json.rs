//! Configuration in JSON: `{"variable": {"x": {...}}}`. Wherever there is an object there may be a list of them, a key may be
//! there twice, and what is under `//` is a comment.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::declared::{self, Argument, Block};
use super::expression::Expression;
use super::problems::Problems;

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
    let file: Node = match serde_json::from_str(text) {
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

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
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
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(member) = object.next_entry()? {
            nodes.push(member);
        }
        Ok(Node::Object(nodes))
    }
}
