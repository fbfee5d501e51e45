//! What an archive holds, as git itself calls it.

use std::io::Cursor;
use std::path::Path;

use tempfile::TempDir;
use zip::ZipArchive;

use crate::programs::Program;
use crate::world::git;

/// What git calls a tree of a repository.
pub fn committed_tree(git_dir: &Path, revision: &str) -> String {
    let name = git(git_dir, &["rev-parse", "--verify", revision]);
    String::from_utf8(name).unwrap().trim().to_owned()
}

/// What git calls the tree of the files in an archive.
#[track_caller]
pub fn tree_of(archive: &[u8]) -> String {
    let directory = TempDir::new().unwrap();
    let (files, git_dir) = (directory.path().join("files"), directory.path().join("git"));
    let mut archive = ZipArchive::new(Cursor::new(archive)).unwrap();
    archive.extract(&files).unwrap();
    let run = |arguments: &[&str]| {
        let output = Program::Git
            .command(directory.path())
            .arg("--git-dir")
            .arg(&git_dir)
            .arg("--work-tree")
            .arg(&files)
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    run(&["init", "--quiet"]);
    run(&["add", "--all", "--force", "."]);
    run(&["write-tree"])
}
