//! What may be changed of a repository while the stand-in runs.

use std::path::PathBuf;

use crate::control;
use crate::refusal::Block;
use crate::repository::Visibility;
use crate::stand_in::StandIn;

impl StandIn {
    /// Adds a bare repository and gives its id. A name that another repository had before a rename is taken over.
    pub fn add_repository(
        &self,
        owner: &str,
        name: &str,
        visibility: Visibility,
        git_dir: impl Into<PathBuf>,
    ) -> u64 {
        self.github
            .world()
            .add_repository(owner, name, visibility, git_dir.into())
    }

    /// Makes a repository public or private; `false` when there is none of the name.
    #[must_use]
    pub fn set_visibility(&self, owner: &str, name: &str, visibility: Visibility) -> bool {
        self.github.scan();
        let mut world = self.github.world();
        let found = world.repository_named_mut(owner, name);
        found.map(|found| found.visibility = visibility).is_some()
    }

    /// Renames or transfers a repository, both `OWNER/NAME`: the old name redirects. `false` when there is none of the name.
    #[must_use]
    pub fn rename_repository(&self, from: &str, to: &str) -> bool {
        self.github.scan();
        control::renamed(&mut self.github.world(), from, to).is_some()
    }

    /// Marks a repository as archived, or not; `false` when there is none of the name. Its tags and archives are served on.
    #[must_use]
    pub fn set_archived(&self, owner: &str, name: &str, archived: bool) -> bool {
        self.github.scan();
        let mut world = self.github.world();
        let found = world.repository_named_mut(owner, name);
        found.map(|found| found.archived = archived).is_some()
    }

    /// Blocks a repository for everyone, or lifts the block; `false` when there is none of the name.
    #[must_use]
    pub fn set_block(&self, owner: &str, name: &str, block: Option<Block>) -> bool {
        self.github.scan();
        let mut world = self.github.world();
        let found = world.repository_named_mut(owner, name);
        found.map(|found| found.block = block).is_some()
    }

    /// Deletes a repository on GitHub; its git directory stays.
    #[must_use]
    pub fn remove_repository(&self, owner: &str, name: &str) -> bool {
        self.github.scan();
        let mut world = self.github.world();
        let id = world.repository_named(owner, name).map(|found| found.id);
        id.and_then(|id| world.repositories.remove(&id)).is_some()
    }
}
