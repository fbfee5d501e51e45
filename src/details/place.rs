//! Which files are read, and of which folder they tell.

/// Longer names of files and folders are nothing that Terraform could have on a disk.
const MAX_NAME: usize = 255;

/// Where a file is, and what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'f> {
    /// The folder, relative to the module: empty, `modules/NAME` or `examples/NAME`.
    pub(super) part: &'f str,
    /// The path relative to the module.
    pub(super) file: &'f str,
    /// What it is for.
    pub(super) kind: Kind,
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Terraform reads it.
    Configuration {
        /// Whether it changes what others declare, instead of declaring.
        is_override: bool,
        /// Whether it is JSON.
        is_json: bool,
    },
    /// People read it.
    Readme,
}

impl<'f> Place<'f> {
    /// The place of a wanted file.
    pub(super) fn of(base: &str, path: &'f str) -> Option<Self> {
        let file = if base.is_empty() {
            path
        } else {
            path.strip_prefix(base)?.strip_prefix('/')?
        };
        let (part, name) = match file.rsplit_once('/') {
            Some(("", _)) => return None,
            Some((part, name)) => (part, name),
            None => ("", file),
        };
        let is_part = part.is_empty()
            || part.split_once('/').is_some_and(|(parent, folder)| {
                matches!(parent, "modules" | "examples")
                    && !matches!(folder, "" | "." | "..")
                    && folder.len() <= MAX_NAME
                    && !folder.contains('/')
            });
        let kind = Kind::of(name)?;
        is_part.then_some(Self { part, file, kind })
    }

    /// Files of a folder are read in this order.
    pub(super) fn order(&self) -> impl Ord + use<'f> {
        let name = self.file.rsplit('/').next().unwrap_or_default();
        let (is_late, rank) = match self.kind {
            Kind::Configuration { is_override, .. } => (is_override, 0),
            Kind::Readme if name == "README.md" => (false, 0),
            Kind::Readme if name.eq_ignore_ascii_case("README.md") => (false, 1),
            Kind::Readme => (false, 2),
        };
        (matches!(self.kind, Kind::Readme), is_late, rank, name)
    }
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        if name.len() > MAX_NAME {
            return None;
        }
        let (stem, is_json) = match (name.strip_suffix(".tf.json"), name.strip_suffix(".tf")) {
            (Some(stem), _) => (Some(stem), true),
            (None, stem) => (stem, false),
        };
        if let Some(stem) = stem {
            // Editors leave `.x.tf` and `#x.tf#` behind; what ends in `~` or `#` is no `.tf` anyway.
            let is_override = stem == "override" || stem.ends_with("_override");
            return (!name.starts_with('.')).then_some(Self::Configuration {
                is_override,
                is_json,
            });
        }
        let start = name.get(..6)?;
        start.eq_ignore_ascii_case("readme").then_some(Self::Readme)
    }
}
