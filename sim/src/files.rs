//! Files: from paths to scenario files, names made from data, and writing.
//!
//! Holds: files come in the order of the paths given, those of a folder by name, each once; a name that is made from data
//! leads nowhere but into its folder; a file is written whole or not at all.
//! Not here: what the files say (`scenario`), and reading them (`bounded_file`).

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::scenario::ScenarioError;

/// The scenario files that paths lead to: a file is itself, a folder is every `*.toml` in it and below.
///
/// # Errors
/// A path that cannot be read, or a folder without scenarios.
pub(crate) fn scenario_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, ScenarioError> {
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

/// The longest name that is made from data, in bytes, without its ending.
const NAME_LEN_MAX: usize = 100;

/// Names that some systems keep for devices, whatever their ending.
const RESERVED: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// A name for a file, made from any text: letters, digits, dashes and dots within, never a path, never hidden, never empty,
/// never a device. Texts that differ may share a name.
#[must_use]
pub(crate) fn file_name(text: &str, ending: &str) -> String {
    let plain = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' => letter,
        _ => '-',
    };
    let name: String = text.chars().map(plain).take(NAME_LEN_MAX).collect();
    let mut name = name.trim_matches(['.', '-']).to_owned();
    while name.contains("..") {
        name = name.replace("..", ".");
    }
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    if RESERVED.contains(&stem.trim_end_matches(|letter: char| letter.is_ascii_digit())) || name.is_empty() {
        name.insert_str(0, "file-");
    }
    format!("{}.{ending}", name.trim_end_matches('-'))
}

/// An error of the system with the file that it is about.
pub(crate) fn of_file(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Writes a file whole or not at all: beside its place first, then into it.
///
/// # Errors
/// What the system says, with the file.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    write_bytes(path, text.as_bytes())
}

/// As [`write`], for what is no text.
///
/// # Errors
/// As [`write`].
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_beside(path, bytes).map_err(|error| of_file(path, &error))
}

fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        // A device would be gone, and its name would be a file's.
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is there and is no regular file"));
    }
    // As any new file: whoever may read the folder may read it, as far as the umask lets them.
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder)?;
    io::Write::write_all(&mut file, bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
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

    #[test]
    fn a_name_made_from_data_stays_in_its_folder() {
        let names = [
            "../../../../escape",
            "/etc/passwd",
            "..",
            "",
            "a\u{1b}[31m\0b",
            "\u{202e}x",
            "NUL",
            "com1.x",
            "a/b\\c",
        ];
        let made = names.map(|name| file_name(name, "toml"));
        let expected =
            ["escape", "etc-passwd", "file", "file", "a--31m-b", "x", "file-NUL", "file-com1.x", "a-b-c"];
        assert_eq!(made, expected.map(|name| format!("{name}.toml")));
    }

    #[test]
    fn what_is_no_regular_file_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("socket");
        let _listens = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
        let error = write(&socket, "text").expect_err("refused");
        assert!(error.to_string().contains("is no regular file"), "{error}");
        assert!(!fs::metadata(&socket).expect("it is there").is_file());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_a_name_that_leads_elsewhere(text in ".*") {
            let name = file_name(&text, "toml");
            let path = Path::new(&name);
            assert_eq!(path.components().count(), 1, "{name}");
            assert!(matches!(path.components().next(), Some(std::path::Component::Normal(_))));
            assert!(name.is_ascii() && name.len() <= NAME_LEN_MAX + 10 && !name.starts_with('.'));
        }
    }
}
