//! From paths to scenario files.
//!
//! Holds: files come in the order of the paths given, those of a folder by name; each file once.
//! Not here: what the files say (`scenario`).

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::scenario::ScenarioError;

/// The scenario files that paths lead to: a file is itself, a folder is every `*.toml` in it and below.
///
/// # Errors
/// A path that cannot be read, or a folder without scenarios.
pub(super) fn scenario_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, ScenarioError> {
    let mut files = Vec::new();
    let mut known = BTreeSet::new();
    for path in paths {
        for file in files_below(path)? {
            if known.insert(file.clone()) {
                files.push(file);
            }
        }
    }
    Ok(files)
}

fn files_below(path: &Path) -> Result<Vec<PathBuf>, ScenarioError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    collect(path, &mut files)?;
    files.sort();
    if files.is_empty() {
        let hint = Some("scenarios are files whose names end in .toml".to_owned());
        return Err(problem(path, "expected a folder with scenarios, found none".to_owned(), hint));
    }
    Ok(files)
}

/// Links to folders are not followed, so that a circle of them ends.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), ScenarioError> {
    let unreadable = |cause: io::Error| problem(folder, format!("cannot be read: {cause}"), None);
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        if entry.file_type().map_err(unreadable)?.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    Ok(())
}

fn problem(path: &Path, message: String, hint: Option<String>) -> ScenarioError {
    ScenarioError { file: path.display().to_string(), place: None, message, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_its_toml_files_by_name_and_each_file_comes_once() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("why")).expect("a folder");
        for name in ["b.toml", "a.toml", "why/c.toml", "notes.md"] {
            fs::write(folder.path().join(name), "").expect("a file");
        }
        let paths = [folder.path().join("b.toml"), folder.path().to_owned()];
        let files = scenario_files(&paths).expect("files");
        let names: Vec<_> =
            files.iter().map(|file| file.strip_prefix(folder.path()).expect("below")).collect();
        assert_eq!(names, [Path::new("b.toml"), Path::new("a.toml"), Path::new("why/c.toml")]);
    }

    #[test]
    fn a_folder_without_scenarios_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = scenario_files(&[folder.path().to_owned()]).expect_err("nothing is there");
        assert!(error.message.contains("expected a folder with scenarios"), "{error}");
    }
}
