//! What a module takes and gives, read from its files: what the public registry shows of one. Nothing is evaluated, and what is
//! wrong in a file is said beside what is right in it.
//!
//! What counts, and what it means, is as terraform-config-inspect has it, which the public registry itself reads modules with.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

mod declared;
mod expression;
mod json;
mod literal;
mod one_line;
mod part;
mod place;
mod problems;
mod scan;
mod syntax;

#[cfg(test)]
mod tests;

use self::place::{Kind, Place};
use self::problems::Problems;

/// A configuration file with more bytes is not read.
const MAX_FILE: usize = 1024 * 1024;
/// Configuration files with more bytes together are not read: it takes a part of a second.
const MAX_CONFIGURATION: usize = 2 * 1024 * 1024;
/// The module's README is cut behind so many bytes.
const MAX_README: usize = 256 * 1024;
/// So is one of a submodule or an example.
const MAX_README_OF_PART: usize = 64 * 1024;
/// So many bytes of READMEs of all parts together.
const MAX_READMES: usize = 1024 * 1024;
/// What is said of a file that is too large to be taken out of its archive.
const TOO_LARGE: &str = "is not read: it is too large, or all files together are";
/// So many submodules and examples, together.
const MAX_PARTS: usize = 500;
/// So many inputs of all parts together; as many outputs, and so on.
const MAX_ENTRIES: usize = 5_000;

/// A file of the module's package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Relative to the folder that is served, with `/`; what is no text in it is replaced.
    pub path: String,
    /// Its bytes, inflated; `None` where they are too many.
    pub content: Option<Vec<u8>>,
}

/// A module, with what is in its `modules/` and `examples/`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// The module itself.
    pub root: Part,
    /// What is in `modules/`, by path.
    pub submodules: Vec<Part>,
    /// What is in `examples/`, by path.
    pub examples: Vec<Part>,
    /// What could not be read and why, a line each; not many.
    pub problems: Vec<String>,
}

/// One folder, as the public registry's API writes it. Every list is sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Relative to the module: empty for itself, e.g. `modules/subnet`.
    pub path: String,
    /// The folder's name. Empty for the module itself, whose name is its address's.
    pub name: String,
    /// The text of its README; empty without one.
    pub readme: String,
    /// Whether there is no configuration file at all.
    pub empty: bool,
    /// Its variables.
    pub inputs: Vec<Input>,
    /// Its outputs.
    pub outputs: Vec<Output>,
    /// The modules that it calls.
    pub dependencies: Vec<Dependency>,
    /// The providers that it needs, declared or not.
    pub provider_dependencies: Vec<ProviderDependency>,
    /// The resources that it manages; what it only looks up is not listed.
    pub resources: Vec<Resource>,
}

/// A variable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its type as it is written, on one line; empty where any goes.
    #[serde(rename = "type")]
    pub type_: String,
    /// What its author says of it.
    pub description: String,
    /// Its default's JSON, or its source where that is no plain value; empty where the variable is required.
    pub default: String,
    /// Whether it has no default.
    pub required: bool,
    /// Whether Terraform hides its value.
    pub sensitive: bool,
}

/// A value that the module gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// What its author says of it.
    pub description: String,
    /// Whether Terraform hides its value.
    pub sensitive: bool,
}

/// A module that is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The call's name.
    pub name: String,
    /// Where the module comes from, as it is written.
    pub source: String,
    /// Which versions, as it is written; empty for any.
    pub version: String,
}

/// A provider that is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderDependency {
    /// What the module calls it.
    pub name: String,
    /// Whose it is.
    pub namespace: String,
    /// Its address, e.g. `hashicorp/aws`; with the host where that is not the public registry.
    pub source: String,
    /// Which versions; empty for any.
    pub version: String,
}

/// A resource that is managed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Its name.
    pub name: String,
    /// Its type, e.g. `aws_vpc`.
    #[serde(rename = "type")]
    pub type_: String,
}

/// Whether a file tells something of the module in the folder `base` (empty for the folder that is served itself): it is
/// configuration, or a README, of the module, or of a folder in its `modules/` or `examples/`. Paths are as [`File::path`] before
/// it is made a text: Terraform reads files of any name.
#[must_use]
pub fn is_wanted(base: &str, path: &[u8]) -> bool {
    Place::of(base, &String::from_utf8_lossy(path)).is_some()
}

/// Reads a module. Files that are not wanted are skipped, and what is wrong becomes a problem.
#[must_use]
pub fn read(base: &str, files: &[File]) -> Details {
    let mut folders: BTreeMap<&str, Vec<Placed<'_>>> = BTreeMap::new();
    folders.insert("", Vec::new());
    for file in files {
        if let Some(place) = Place::of(base, &file.path) {
            let folder = folders.entry(place.part).or_default();
            folder.push((place, file.content.as_deref()));
        }
    }
    let mut problems = Problems::default();
    let mut details = Details::default();
    let mut left = MAX_PARTS;
    let mut bytes = Bytes {
        configuration: MAX_CONFIGURATION,
        readmes: MAX_READMES,
    };
    // `modules/` before `examples/`: what there are too many of is left out at the end.
    for is_example in [false, true] {
        let of_kind = |part: &str| part.starts_with("examples/") == is_example;
        for (part, files) in folders.iter_mut().filter(|it| of_kind(it.0)) {
            if part.is_empty() {
                details.root = read_part(base, part, files, &mut bytes, &mut problems);
                continue;
            }
            if left == 0 {
                problems.say(format!("only {MAX_PARTS} submodules and examples are read"));
                break;
            }
            left -= 1;
            let read = read_part(base, part, files, &mut bytes, &mut problems);
            if is_example {
                details.examples.push(read);
            } else {
                details.submodules.push(read);
            }
        }
    }
    shorten(&mut details, &mut problems);
    details.problems = problems.into_lines();
    details
}

/// A file's content, if it is there, and its place.
type Placed<'f> = (Place<'f>, Option<&'f [u8]>);

/// How many may still be read, of all parts.
struct Bytes {
    configuration: usize,
    readmes: usize,
}

fn read_part(
    base: &str,
    path: &str,
    files: &mut [Placed<'_>],
    bytes: &mut Bytes,
    problems: &mut Problems,
) -> Part {
    // Overrides come last, and of each kind the names decide; so do they of READMEs.
    files.sort_by(|(a, _), (b, _)| a.order().cmp(&b.order()));
    let mut part = Part {
        path: path.to_owned(),
        name: path.rsplit('/').next().unwrap_or_default().to_owned(),
        empty: true,
        ..Part::default()
    };
    let mut readme = None;
    let mut collector = part::Collector::new(base, path);
    for (place, content) in files {
        match place.kind {
            Kind::Readme => {
                readme.get_or_insert((place.file, *content));
            }
            Kind::Configuration { is_json, .. } => {
                part.empty = false;
                problems.of(place.file);
                let Some(content) = content else {
                    problems.add(TOO_LARGE);
                    continue;
                };
                let Some(text) = text_of(content, &mut bytes.configuration, problems) else {
                    continue;
                };
                if is_json {
                    json::read(&text, problems, |block, problems| {
                        collector.take(place, block, problems);
                    });
                } else {
                    syntax::read(&printable(text), problems, |block, problems| {
                        collector.take(place, block, problems);
                    });
                }
            }
        }
    }
    if let Some((file, content)) = readme {
        problems.of(file);
        match content {
            Some(content) => {
                let max = if path.is_empty() {
                    MAX_README
                } else {
                    MAX_README_OF_PART
                };
                part.readme = readme_of(content, max, &mut bytes.readmes, problems);
            }
            None => problems.add(TOO_LARGE),
        }
    }
    collector.finish(&mut part);
    part
}

/// A configuration file's text, where it is one of a size that is read. Terraform takes any bytes in comments.
fn text_of<'f>(
    content: &'f [u8],
    left: &mut usize,
    problems: &mut Problems,
) -> Option<Cow<'f, str>> {
    if content.len() > MAX_FILE {
        problems.add(format_args!(
            "has more than {MAX_FILE} bytes and is not read"
        ));
        return None;
    }
    let Some(rest) = left.checked_sub(content.len()) else {
        problems.add(format_args!(
            "is not read: all files together have more than {MAX_CONFIGURATION} bytes"
        ));
        return None;
    };
    *left = rest;
    let content = unmarked(content);
    if let Err(error) = std::str::from_utf8(content) {
        let line = problems::line_of(content, error.valid_up_to());
        problems.add_at(Some(line), "is not UTF-8");
    }
    Some(String::from_utf8_lossy(content))
}

/// Without the mark that Windows puts before text.
fn unmarked(content: &[u8]) -> &[u8] {
    content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content)
}

/// Without characters that neither people nor Terraform mean. In JSON each is six bytes, and in JSON in JSON seven.
fn printable(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_strange = |it: char| it.is_ascii_control() && !matches!(it, '\n' | '\r' | '\t');
    if text.contains(is_strange) {
        text.replace(is_strange, "\u{fffd}").into()
    } else {
        text
    }
}

fn readme_of(content: &[u8], max: usize, left: &mut usize, problems: &mut Problems) -> String {
    let content = unmarked(content);
    // One character more than is kept, so that cutting never leaves half of one.
    let start = content.get(..max + 4).unwrap_or(content);
    let mut text = printable(String::from_utf8_lossy(start)).into_owned();
    // What is no text in it has become longer.
    if content.len().max(text.len()) > max {
        problems.add(format_args!("is cut behind {max} bytes"));
        text.truncate(text.floor_char_boundary(max));
    }
    let Some(rest) = left.checked_sub(text.len()) else {
        problems.add(format_args!(
            "is left out: all READMEs together have more than {MAX_READMES} bytes"
        ));
        return String::new();
    };
    *left = rest;
    text
}

/// Leaves out what there are too many of.
fn shorten(details: &mut Details, problems: &mut Problems) {
    let mut left = [MAX_ENTRIES; 5];
    let submodules = details.submodules.iter_mut();
    let parts = submodules.chain(&mut details.examples);
    for part in std::iter::once(&mut details.root).chain(parts) {
        let [inputs, outputs, calls, providers, resources] = &mut left;
        let is_cut = [
            (cut(&mut part.inputs, inputs), "inputs"),
            (cut(&mut part.outputs, outputs), "outputs"),
            (cut(&mut part.dependencies, calls), "module calls"),
            (cut(&mut part.provider_dependencies, providers), "providers"),
            (cut(&mut part.resources, resources), "resources"),
        ];
        for (_, what) in is_cut.into_iter().filter(|it| it.0) {
            problems.say(format!(
                "only {MAX_ENTRIES} {what} of all folders are listed"
            ));
        }
    }
}

fn cut<T>(entries: &mut Vec<T>, left: &mut usize) -> bool {
    let is_cut = entries.len() > *left;
    entries.truncate(*left);
    *left -= entries.len();
    is_cut
}
