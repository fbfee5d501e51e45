//! What is to come of a shape: `shapes/NAME.json`.
//!
//! | key | meaning |
//! |---|---|
//! | `module` | its address |
//! | `versions` | what is listed, in order; none is a 404 |
//! | `version` | the one that is installed; without it the first that is listed |
//! | `given` | the inputs that a root gives it |
//! | `init` | what `terraform init` fails with; without it, it succeeds |
//! | `inner` | the folder of what is installed that is the module |
//! | `installed` | all files that are installed: with `{000..299}` in it three hundred, and with `/` at the end an empty folder |
//! | `executable`, `contents` | of these, those that may be executed, and the text of some |
//! | `tag` | the tag that the version is |
//! | `details` | what the registry tells. Parts that are empty or false are left out, here and there. A `readme` is all of its text, or `{"bytes", "begins"}`; a submodule is its path, or all of it |
//! | `judge` | `true` where Terraform is asked what is in the configuration, and otherwise why not |
//! | `sources` | the inputs whose default is no plain value: what is told of it is its source, and Terraform evaluates it |

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value};

/// See the file's table.
pub(super) struct Expectation {
    pub(super) module: String,
    pub(super) versions: Vec<String>,
    pub(super) version: String,
    pub(super) given: Map<String, Value>,
    pub(super) init: Option<String>,
    pub(super) inner: String,
    pub(super) installed: Vec<String>,
    pub(super) executable: Vec<String>,
    pub(super) contents: BTreeMap<String, String>,
    pub(super) tag: String,
    pub(super) details: Map<String, Value>,
    /// Why Terraform is not asked.
    pub(super) judge: Option<String>,
    pub(super) sources: Vec<String>,
}

/// All that there are.
pub(super) fn names() -> Vec<String> {
    let files = fs::read_dir(directory()).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files
        .filter_map(|file| file.strip_suffix(".json").map(str::to_owned))
        .filter(|name| name != LISTS)
        .collect();
    names.sort();
    assert!(
        names.len() > 20,
        "the shapes are not in {}",
        directory().display()
    );
    names
}

/// A file of `shapes/`.
pub(super) fn file(name: &str) -> Map<String, Value> {
    let path = directory().join(format!("{name}.json"));
    let text = fs::read_to_string(&path).unwrap();
    let value: Result<Map<_, _>, _> = serde_json::from_str(&text);
    value.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Expectation {
    /// Reads one. What it does not know, it does not take.
    pub(super) fn read(name: &str) -> Self {
        let mut file = file(name);
        let mut take = |key: &str| file.remove(key);
        let versions = texts(take("versions"));
        let version = take("version").map(text).or(versions.first().cloned());
        let expectation = Self {
            module: text(take("module").expect("`module`")),
            version: version.unwrap_or_else(|| "1.0.0".to_owned()),
            versions,
            given: object(take("given")),
            init: take("init").map(text),
            inner: take("inner").map(text).unwrap_or_default(),
            installed: texts(take("installed"))
                .iter()
                .flat_map(|it| counted(it))
                .collect(),
            executable: texts(take("executable")),
            contents: object(take("contents"))
                .into_iter()
                .map(|(path, value)| (path, text(value)))
                .collect(),
            tag: take("tag").map(text).unwrap_or_default(),
            details: object(take("details")),
            judge: match take("judge") {
                Some(Value::Bool(true)) => None,
                Some(Value::String(why)) if !why.is_empty() => Some(why),
                other => panic!("{name}: `judge` is {other:?}, neither true nor a reason"),
            },
            sources: texts(take("sources")),
        };
        let unknown: Vec<&String> = file.keys().filter(|key| *key != "//").collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?} means nothing");
        expectation
    }
}

/// `a{08..10}` is `a08`, `a09` and `a10`.
fn counted(path: &str) -> Vec<String> {
    let range = path.split_once('{').and_then(|(before, rest)| {
        let (range, after) = rest.split_once('}')?;
        let (first, last) = range.split_once("..")?;
        Some((before, first, last, after))
    });
    let Some((before, first, last, after)) = range else {
        return vec![path.to_owned()];
    };
    let numbers = first.parse().unwrap()..=last.parse::<usize>().unwrap();
    numbers
        .map(|number| format!("{before}{number:0width$}{after}", width = first.len()))
        .collect()
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("shapes")
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => panic!("{other} is no text"),
    }
}

fn texts(value: Option<Value>) -> Vec<String> {
    match value {
        None => Vec::new(),
        Some(Value::Array(values)) => values.into_iter().map(text).collect(),
        Some(other) => panic!("{other} is no list"),
    }
}

fn object(value: Option<Value>) -> Map<String, Value> {
    match value {
        None => Map::new(),
        Some(Value::Object(object)) => object,
        Some(other) => panic!("{other} is no object"),
    }
}

/// The file that is about all of them.
pub(super) const LISTS: &str = "lists";
