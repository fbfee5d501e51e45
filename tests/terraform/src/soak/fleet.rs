//! Many modules, and what git says of them.

use std::collections::HashSet;
use std::sync::Mutex;

use landfall_terraform_tests::judge::{committed_tree, tree_of};
use landfall_terraform_tests::modules::{conventional, module};
use landfall_terraform_tests::world::World;
use sha2::{Digest as _, Sha256};

/// One module, of which every version is known.
pub(crate) struct Module {
    pub(crate) name: String,
    /// Newest first.
    pub(crate) versions: Vec<String>,
    /// What git calls the tree of each version.
    trees: Vec<String>,
    /// Archives that were found to be right, by their digests.
    judged: Mutex<HashSet<(usize, [u8; 32])>>,
}

/// Builds them: most are small, one in ten has an archive that is not kept, and one in forty a large one.
pub(crate) fn build<R>(world: &World<R>, modules: usize) -> Vec<Module> {
    let modules = (0..modules).map(|number| {
        let name = format!("m{number:03}");
        let repository = conventional(&name);
        let bytes = match number {
            _ if number % 40 == 7 => LARGE,
            _ if number % 10 == 3 => NOT_KEPT,
            _ => 2000 + number * 10,
        };
        let mut commits = world
            .repository(&repository)
            .file("README.md", format!("# {name}\n"))
            .file("data.bin", noise(number as u64 + 1, bytes));
        let mut versions = Vec::new();
        for minor in 0..=number % 30 {
            let version = format!("1.{minor}.0");
            let says = format!("{name} {version}");
            commits = commits
                .file("main.tf", module(&says))
                .commit(&version)
                .tag(&format!("v{version}"));
            versions.insert(0, version);
        }
        commits.build().unwrap();
        let git_dir = world.git_dir(&repository);
        // What is asked for is the newest and the oldest.
        let trees = [0, versions.len() - 1]
            .map(|at| committed_tree(&git_dir, &format!("v{}^{{tree}}", versions[at])));
        Module {
            name,
            versions,
            trees: trees.to_vec(),
            judged: Mutex::default(),
        }
    });
    modules.collect()
}

impl Module {
    /// One of the two versions whose archives are asked for.
    pub(crate) fn version(&self, which: usize) -> &str {
        let at = if which == 0 {
            0
        } else {
            self.versions.len() - 1
        };
        &self.versions[at]
    }

    /// Whether these are the bytes of an archive of that version. Git judges each one that was not seen before.
    pub(crate) fn has(&self, which: usize, archive: &[u8]) -> bool {
        let seen = (which, Sha256::digest(archive).into());
        // One at a time: git is slow where it has to judge many.
        let mut judged = self.judged.lock().unwrap();
        if judged.contains(&seen) {
            return true;
        }
        let tree = std::panic::catch_unwind(|| tree_of(archive));
        let is_right = tree.is_ok_and(|tree| tree == self.trees[which]);
        if is_right {
            judged.insert(seen);
        }
        is_right
    }

    /// How many different archives were right.
    pub(crate) fn judged(&self) -> usize {
        self.judged.lock().unwrap().len()
    }
}

/// Bytes that do not deflate.
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    fastrand::Rng::with_seed(seed).fill(&mut noise);
    noise
}

/// More than `archive_cache_bytes`.
const NOT_KEPT: usize = 700 << 10;
const LARGE: usize = 4 << 20;
