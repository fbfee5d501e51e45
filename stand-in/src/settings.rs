//! What may be changed of a repository while the stand-in runs.

use std::io;
use std::path::{Path, PathBuf};

use crate::control;
use crate::fixture;
use crate::git;
use crate::refusal::Block;
use crate::repository::{About, Repository, Visibility};
use crate::stand_in::StandIn;
use crate::world::GitHub;

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

    /// Renames or transfers a repository, both `OWNER/NAME`: the old name redirects. `false` when there is none of the name.
    #[must_use]
    pub fn rename_repository(&self, from: &str, to: &str) -> bool {
        self.github.scan();
        control::renamed(&mut self.github.world(), from, to).is_some()
    }

    /// Deletes a repository on GitHub; its git directory stays.
    #[must_use]
    pub fn remove_repository(&self, owner: &str, name: &str) -> bool {
        self.github.scan();
        let mut world = self.github.world();
        let id = world.repository_named(owner, name).map(|found| found.id);
        id.and_then(|id| world.repositories.remove(&id)).is_some()
    }

    /// Makes a repository public or private; `false` when there is none of the name.
    #[must_use]
    pub fn set_visibility(&self, owner: &str, name: &str, visibility: Visibility) -> bool {
        self.set(owner, name, |found| found.visibility = visibility)
    }

    /// Marks a repository as archived, or not; `false` when there is none of the name. Its tags and archives are served on.
    #[must_use]
    pub fn set_archived(&self, owner: &str, name: &str, archived: bool) -> bool {
        self.set(owner, name, |found| found.archived = archived)
    }

    /// Blocks a repository for everyone, or lifts the block; `false` when there is none of the name.
    #[must_use]
    pub fn set_block(&self, owner: &str, name: &str, block: Option<Block>) -> bool {
        self.set(owner, name, |found| found.block = block)
    }

    /// Says what a repository is for, or nothing, as at first; `false` when there is none of the name.
    #[must_use]
    pub fn set_description(&self, owner: &str, name: &str, description: Option<&str>) -> bool {
        let description = description.map(str::to_owned);
        self.set_about(owner, name, |about| about.description = description)
    }

    /// Gives a repository these topics, none at first; `false` when there is none of the name.
    #[must_use]
    pub fn set_topics(&self, owner: &str, name: &str, topics: &[&str]) -> bool {
        let topics = topics.iter().map(|&topic| topic.to_owned()).collect();
        self.set_about(owner, name, |about| about.topics = topics)
    }

    /// Says when a repository was last pushed to, in seconds since 1970, whatever is pushed later; `None` is, as at first, the
    /// date of its newest ref. `false` when there is none of the name.
    #[must_use]
    pub fn set_pushed_at(&self, owner: &str, name: &str, pushed_at: Option<i64>) -> bool {
        self.set_about(owner, name, |about| about.pushed_at = pushed_at)
    }

    /// Says where a repository's page is; `None` is, as at first, the one on github.com. `false` when there is none of the name.
    #[must_use]
    pub fn set_html_url(&self, owner: &str, name: &str, html_url: Option<&str>) -> bool {
        let html_url = html_url.map(str::to_owned);
        self.set_about(owner, name, |about| about.html_url = html_url)
    }

    /// Makes a branch the default one, be there a commit on it or not: `HEAD` of the git directory names it from now on.
    /// Fails when there is no repository of the name, and on what `git` refuses.
    pub fn set_default_branch(&self, owner: &str, name: &str, branch: &str) -> io::Result<()> {
        set_default_branch(&git_dir(&self.github, owner, name)?, branch)
    }

    /// Writes a file in a commit of its own on the default branch, which is there afterwards if it was not before, and gives
    /// the commit's SHA. Fails when there is no repository of the name.
    pub fn commit_file(
        &self,
        owner: &str,
        name: &str,
        path: &str,
        bytes: impl AsRef<[u8]>,
    ) -> io::Result<String> {
        commit_file(&self.github, owner, name, path, bytes.as_ref())
    }

    /// Carries a repository on from its default branch by what the builder is told: commits, branches, tags. Fails when there
    /// is no repository of the name, and where [`build`](fixture::Repository::build) does.
    pub fn push(
        &self,
        owner: &str,
        name: &str,
        changes: impl FnOnce(fixture::Repository) -> fixture::Repository,
    ) -> io::Result<()> {
        push(&self.github, owner, name, changes)?;
        Ok(())
    }

    fn set(&self, owner: &str, name: &str, change: impl FnOnce(&mut Repository)) -> bool {
        self.github.scan();
        let mut world = self.github.world();
        world
            .repository_named_mut(owner, name)
            .map(change)
            .is_some()
    }

    fn set_about(&self, owner: &str, name: &str, change: impl FnOnce(&mut About)) -> bool {
        self.set(owner, name, |found| change(&mut found.about))
    }
}

pub(crate) fn set_default_branch(git_dir: &Path, branch: &str) -> io::Result<()> {
    let full = format!("refs/heads/{branch}");
    git::run(git::command(git_dir).args(["check-ref-format", &full]), &[])?;
    git::run(
        git::command(git_dir).args(["symbolic-ref", "HEAD", &full]),
        &[],
    )?;
    Ok(())
}

/// The SHA of the new commit.
pub(crate) fn commit_file(
    github: &GitHub,
    owner: &str,
    name: &str,
    path: &str,
    bytes: &[u8],
) -> io::Result<String> {
    let message = format!("Write {path}");
    let git_dir = push(github, owner, name, |repository| {
        repository.file(path, bytes).commit(&message)
    })?;
    let sha = git::run(git::command(&git_dir).args(["rev-parse", "HEAD"]), &[])?;
    Ok(String::from_utf8_lossy(&sha).trim().to_owned())
}

/// The git directory, which was pushed to.
fn push(
    github: &GitHub,
    owner: &str,
    name: &str,
    changes: impl FnOnce(fixture::Repository) -> fixture::Repository,
) -> io::Result<PathBuf> {
    let git_dir = git_dir(github, owner, name)?;
    changes(fixture::Repository::at(git_dir)?).build()
}

pub(crate) fn git_dir(github: &GitHub, owner: &str, name: &str) -> io::Result<PathBuf> {
    github.scan();
    let world = github.world();
    let found = world.repository_named(owner, name);
    found.map(|found| found.git_dir.clone()).ok_or_else(|| {
        let problem = format!("there is no repository {owner}/{name}");
        io::Error::new(io::ErrorKind::NotFound, problem)
    })
}
