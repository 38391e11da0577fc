//! The project's own rules, as tests: what must be absent, and what every file must have.

use std::fs;
use std::path::{Path, PathBuf};

/// Every file below a folder with this ending, in order of their paths.
pub(crate) fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry of a folder").path();
            if path.is_dir()
                && path
                    .file_name()
                    .is_none_or(|name| !["target", ".git", "node_modules"].iter().any(|other| name == *other))
            {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let files = files_below(&crate::root().join(folder), "rs");
    assert!(!files.is_empty(), "{folder} has sources");
    files
        .into_iter()
        .map(|path| (path.clone(), fs::read_to_string(path).expect("a source is text")))
        .collect()
}

/// What is left of a source without comments and string literals on one line.
pub(crate) fn code(text: &str) -> String {
    let without_comment = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    let without_strings = |line: String| {
        let parts: Vec<&str> = line.split('"').collect();
        parts.iter().step_by(2).copied().collect::<Vec<_>>().join("\"\"")
    };
    text.lines().map(|line| without_strings(without_comment(line)) + "\n").collect()
}

#[test]
fn every_file_opens_with_what_lives_there() {
    for folder in ["core", "sim", "tests"] {
        for (path, text) in sources(folder) {
            assert!(text.starts_with("//! "), "{} does not say what lives there", path.display());
        }
    }
}

#[test]
fn checkers_and_the_protocol_trait_never_mention_a_protocol() {
    let mut files = sources("sim/src/check");
    let protocol = crate::root().join("sim/src/protocol.rs");
    files.push((protocol.clone(), fs::read_to_string(protocol).expect("the trait")));
    for (path, text) in files {
        let code = code(&text).to_lowercase();
        for word in ["raft", "splitbrain_core", "protocols::"] {
            assert!(!code.contains(word), "{} mentions {word}", path.display());
        }
    }
}

#[test]
fn scenarios_are_data_and_do_not_know_the_world() {
    for (path, text) in sources("sim/src/scenario") {
        for word in ["crate::world", "crate::runner", "crate::protocols"] {
            assert!(!code(&text).contains(word), "{} mentions {word}", path.display());
        }
    }
}

#[test]
fn only_choices_draws() {
    for (path, text) in sources("sim/src") {
        let draws = code(&text).contains("rand_chacha") || code(&text).contains("rand::");
        assert!(!draws || path.ends_with("choices/mod.rs"), "{} draws", path.display());
    }
}

/// A path may lead to a device, a FIFO, or more than memory holds: `bounded_file` knows.
#[test]
fn files_that_somebody_names_are_read_with_a_bound() {
    // What these open, they made themselves.
    let own = ["bounded_file.rs", "testing/guarded.rs", "testing/twin.rs", "sweep/worker.rs"];
    for (path, text) in sources("sim/src") {
        let program = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in ["fs::read(", "fs::read_to_string(", "File::open("] {
            let may = own.iter().any(|own| path.ends_with(own));
            assert!(may || !code(program).contains(word), "{} reads with {word}…)", path.display());
        }
    }
}

#[test]
fn the_core_depends_on_nothing_but_optional_serde() {
    let manifest = fs::read_to_string(crate::root().join("core/Cargo.toml")).expect("a manifest");
    let after = manifest.split("[dependencies]").nth(1).expect("a table of dependencies");
    let table = after.split("\n[").next().unwrap_or_default();
    let lines: Vec<&str> = table.lines().filter(|line| !line.trim().is_empty()).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("serde = ") && lines[0].contains("optional = true"), "{lines:?}");
}

#[test]
fn every_scenario_opens_with_a_sentence() {
    for path in files_below(&crate::root().join("scenarios"), "toml") {
        let text = fs::read_to_string(&path).expect("a scenario is text");
        assert!(text.starts_with("# "), "{} does not open with a sentence", path.display());
    }
}

#[test]
fn every_scenario_says_where_it_comes_from_and_what_must_come_of_it() {
    for path in files_below(&crate::root().join("scenarios"), "toml") {
        let text = fs::read_to_string(&path).expect("a scenario is text");
        for word in ["\nsource", "\n[expect]"] {
            assert!(text.contains(word), "{} lacks {}", path.display(), word.trim());
        }
    }
}

/// The names of the dependencies in the tables of a manifest, whatever target or feature they belong to.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(table) = line.strip_prefix('[') {
            inside = table.trim_end_matches(']').ends_with("dependencies") && !table.starts_with("workspace");
        } else if let (true, Some((name, _))) = (inside && !line.starts_with('#'), line.split_once('=')) {
            names.push(name.trim().trim_end_matches(".workspace").to_owned());
        }
    }
    names
}

#[test]
fn every_dependency_is_imported() {
    for manifest in files_below(&crate::root(), "toml") {
        // What runs a library's past versions names them so that the adapter is built with these.
        let past = manifest.components().any(|part| part.as_os_str() == "past");
        if past || manifest.file_name().is_none_or(|name| name != "Cargo.toml") {
            continue;
        }
        let folder = manifest.parent().expect("a manifest is in a folder");
        let text = fs::read_to_string(&manifest).expect("a manifest is text");
        // Packages inside a package have manifests of their own.
        let inner = |path: &Path| {
            path.ancestors()
                .skip(1)
                .take_while(|above| *above != folder)
                .any(|above| above.join("Cargo.toml").exists())
        };
        let sources: Vec<String> = files_below(folder, "rs")
            .into_iter()
            .filter(|path| !inner(path))
            .map(|path| fs::read_to_string(path).expect("a source is text"))
            .collect();
        for name in dependencies(&text) {
            let word = name.replace('-', "_");
            let imported = sources.iter().any(|source| {
                source.contains(&format!("{word}::")) || source.contains(&format!("use {word} "))
            });
            assert!(imported, "{} declares {name}, and nothing imports it", manifest.display());
        }
    }
}

#[test]
fn a_dependency_is_read_from_every_table_but_the_workspaces() {
    let manifest = "[workspace.dependencies]\na = '1'\n[dependencies]\nb.workspace = true\n\
                    c = { version = '1' }\n[features]\nd = []\n[target.x.dev-dependencies]\ne = '1'";
    assert_eq!(dependencies(manifest), ["b", "c", "e"]);
}
