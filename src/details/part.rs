//! What a folder's blocks say together.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::declared::{Argument, Block, labels};
use super::place::{Kind, Place};
use super::problems::Problems;
use super::{Dependency, Input, MAX_ENTRIES, Output, Part, ProviderDependency, Resource};

/// A folder, while its files are read.
pub(super) struct Collector {
    /// How many folders there are above this one, up to the one that is served.
    depth: usize,
    inputs: BTreeMap<String, Input>,
    outputs: BTreeMap<String, Output>,
    calls: BTreeMap<String, Dependency>,
    providers: BTreeMap<String, Provider>,
    /// With the providers that they imply.
    resources: BTreeMap<(String, String), Resource>,
    implied: BTreeSet<String>,
}

#[derive(Default)]
struct Provider {
    source: String,
    versions: Vec<String>,
}

impl Collector {
    /// The folder `part` of the module in `base`.
    pub(super) fn new(base: &str, part: &str) -> Self {
        let folders = [base, part].into_iter().flat_map(|path| path.split('/'));
        Self {
            depth: folders.filter(|folder| !folder.is_empty()).count(),
            inputs: BTreeMap::new(),
            outputs: BTreeMap::new(),
            calls: BTreeMap::new(),
            providers: BTreeMap::new(),
            resources: BTreeMap::new(),
            implied: BTreeSet::new(),
        }
    }

    /// Takes in a block of a file. Primary files come before overrides.
    pub(super) fn take(&mut self, place: &Place<'_>, block: Block<'_>, problems: &mut Problems) {
        let is_override = matches!(
            place.kind,
            Kind::Configuration {
                is_override: true,
                ..
            }
        );
        if labels(block.kind) != Some(block.labels.len()) {
            let what = format_args!("a `{}` has another number of labels", block.kind);
            problems.add_at(block.line, what);
            return;
        }
        // No more of them are listed, of all folders.
        let known = match block.kind {
            "variable" => self.inputs.len(),
            "output" => self.outputs.len(),
            "module" => self.calls.len(),
            "resource" => self.resources.len(),
            "data" => self.implied.len(),
            _ => self.providers.len(),
        };
        if known > MAX_ENTRIES {
            return;
        }
        let block = Declared {
            block,
            is_override,
            problems,
        };
        match block.block.kind {
            "terraform" => self.terraform(block),
            "variable" => self.variable(block),
            "output" => self.output(block),
            "module" => self.module(block),
            "provider" => self.provider(block),
            _ => self.resource(block),
        }
    }

    /// Writes down what was found.
    pub(super) fn finish(mut self, part: &mut Part) {
        for name in self.implied {
            self.providers.entry(name).or_default();
        }
        part.inputs = self.inputs.into_values().collect();
        part.outputs = self.outputs.into_values().collect();
        part.dependencies = self.calls.into_values().collect();
        part.resources = self.resources.into_values().collect();
        let providers = self.providers.into_iter();
        part.provider_dependencies = providers.filter_map(|(name, it)| it.finish(name)).collect();
    }

    fn variable(&mut self, mut block: Declared<'_, '_>) {
        let name = block.label(0);
        let Some(input) = block.entry(self.inputs.entry(name.clone()), "variable", &name) else {
            return;
        };
        if input.name.is_empty() {
            input.name = name;
            input.required = true;
        }
        if let Some(type_) = block.block.argument("type") {
            input.type_ = type_.value.type_text();
        }
        if let Some(default) = block.block.argument("default") {
            input.default = default.value.default_text();
            // Of a broken one nothing may be left.
            input.required = input.default.is_empty();
        }
        block.set_text("description", &mut input.description);
        block.set_truth("sensitive", &mut input.sensitive);
    }

    fn output(&mut self, mut block: Declared<'_, '_>) {
        let name = block.label(0);
        let Some(output) = block.entry(self.outputs.entry(name.clone()), "output", &name) else {
            return;
        };
        output.name = name;
        block.set_text("description", &mut output.description);
        block.set_truth("sensitive", &mut output.sensitive);
    }

    fn module(&mut self, mut block: Declared<'_, '_>) {
        let name = block.label(0);
        let Some(call) = block.entry(self.calls.entry(name.clone()), "module", &name) else {
            return;
        };
        call.name = name;
        let is_new = block.set_text("source", &mut call.source);
        block.set_text("version", &mut call.version);
        if is_new && leads_out(self.depth, &call.source) {
            block.problems.add(format_args!(
                "`source = \"{}\"` leads out of the module's folder",
                call.source
            ));
        }
    }

    fn provider(&mut self, mut block: Declared<'_, '_>) {
        let provider = self.providers.entry(block.label(0)).or_default();
        let mut version = String::new();
        block.set_text("version", &mut version);
        provider.add(version);
    }

    fn terraform(&mut self, mut block: Declared<'_, '_>) {
        let inner = std::mem::take(&mut block.block.blocks);
        for required in inner.into_iter().flat_map(|it| it.arguments) {
            if self.providers.len() > MAX_ENTRIES {
                return;
            }
            self.required_provider(&required, &mut block);
        }
    }

    fn required_provider(&mut self, required: &Argument<'_>, block: &mut Declared<'_, '_>) {
        let mut found = Provider::default();
        if let Some(members) = required.value.members() {
            for member in members {
                let text = || member.value.text();
                match &*member.name {
                    "source" => found.source = text().unwrap_or_default(),
                    "version" => found.add(text().unwrap_or_default()),
                    _ => {}
                }
            }
        } else if let Some(version) = required.value.text() {
            found.add(version);
        } else {
            let what = format_args!("the provider `{}` is not understood", required.name);
            block.problems.add_at(required.line, what);
        }
        let known = self.providers.entry(required.name.clone().into_owned());
        let known = known.or_default();
        if block.is_override {
            *known = found;
            return;
        }
        if known.source.is_empty() {
            known.source = found.source;
        } else if !found.source.is_empty() && known.source != found.source {
            let what = format_args!("the provider `{}` has two sources", required.name);
            block.problems.add_at(required.line, what);
        }
        known.versions.append(&mut found.versions);
    }

    fn resource(&mut self, mut block: Declared<'_, '_>) {
        let (type_, name) = (block.label(0), block.label(1));
        if block.block.kind == "resource" {
            let entry = self.resources.entry((type_.clone(), name.clone()));
            let what = format!("{type_}.{name}");
            let Some(resource) = block.entry(entry, "resource", &what) else {
                return;
            };
            resource.name = name;
            resource.type_.clone_from(&type_);
        }
        match block.block.argument("provider") {
            Some(reference) => match reference.value.provider() {
                Some(name) => {
                    self.implied.insert(name);
                }
                None => block.not_plain("provider"),
            },
            // An override says nothing of the provider by leaving it out.
            None if block.is_override => {}
            None => {
                let name = type_.split('_').next().unwrap_or_default();
                self.implied.insert(name.to_owned());
            }
        }
    }
}

impl Provider {
    fn add(&mut self, version: String) {
        if !version.is_empty() {
            self.versions.push(version);
        }
    }

    /// As the registry writes it; `None` for what is part of Terraform itself.
    fn finish(self, name: String) -> Option<ProviderDependency> {
        let source = match self.source.strip_prefix("registry.terraform.io/") {
            _ if self.source.is_empty() && name == "terraform" => return None,
            _ if self.source.starts_with("terraform.io/builtin/") => return None,
            _ if self.source.is_empty() => format!("hashicorp/{name}"),
            Some(source) => source.to_owned(),
            None if !self.source.contains('/') => format!("hashicorp/{}", self.source),
            None => self.source,
        };
        let namespace = source.rsplit('/').nth(1).unwrap_or_default().to_owned();
        Some(ProviderDependency {
            name,
            namespace,
            source,
            version: self.versions.join(", "),
        })
    }
}

/// A block, and what is to be known of it.
struct Declared<'f, 'p> {
    block: Block<'f>,
    is_override: bool,
    problems: &'p mut Problems,
}

impl Declared<'_, '_> {
    fn label(&self, index: usize) -> String {
        let label = self.block.labels.get(index).copied();
        label.unwrap_or_default().to_owned()
    }

    /// What the block declares, new or to be overridden; `None` if there is one already.
    fn entry<'e, T: Default>(
        &mut self,
        entry: Entry<'e, impl Ord, T>,
        kind: &str,
        name: &str,
    ) -> Option<&'e mut T> {
        match entry {
            Entry::Occupied(known) if self.is_override => Some(known.into_mut()),
            Entry::Occupied(_) => {
                let what = format_args!("{kind} `{name}` is declared before; that one stays");
                self.problems.add_at(self.block.line, what);
                None
            }
            Entry::Vacant(free) => {
                if self.is_override {
                    let what = format_args!("{kind} `{name}` overrides none");
                    self.problems.add_at(self.block.line, what);
                }
                Some(free.insert(T::default()))
            }
        }
    }

    /// Whether there is one.
    fn set_text(&mut self, name: &str, text: &mut String) -> bool {
        let Some(argument) = self.block.argument(name) else {
            return false;
        };
        let Some(value) = argument.value.text() else {
            self.not_plain(name);
            return false;
        };
        *text = value;
        true
    }

    fn set_truth(&mut self, name: &str, truth: &mut bool) {
        if let Some(argument) = self.block.argument(name) {
            match argument.value.is_true() {
                Some(value) => *truth = value,
                None => self.not_plain(name),
            }
        }
    }

    fn not_plain(&mut self, name: &str) {
        let line = self.block.argument(name).and_then(|it| it.line);
        let what = format_args!("`{name}` is not understood");
        self.problems.add_at(line, what);
    }
}

/// Whether a local source goes further up than `depth` folders.
fn leads_out(depth: usize, source: &str) -> bool {
    if !source.starts_with("./") && !source.starts_with("../") && source != ".." {
        return false;
    }
    let mut depth = Some(depth);
    for folder in source.split('/') {
        match folder {
            "" | "." => {}
            ".." => depth = depth.and_then(|it| it.checked_sub(1)),
            _ => depth = depth.map(|it| it + 1),
        }
    }
    depth.is_none()
}
