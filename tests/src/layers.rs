//! The layers hold: a room knows only rooms that stand before it in its row of the table in `docs/design.md`.
//!
//! A room is a file or a folder below the folder of a row; the folder's own `mod.rs` is the room `mod`. Rooms between two `<`
//! do not know each other. So there is no circle, and the table is what the imports say. Tests may look anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::tidy::{code, files_below};

/// The rooms of one folder, lowest layer first.
struct Row {
    folder: String,
    layers: Vec<Vec<String>>,
}

/// The rows of the table: `| sim/src | time < machine choices < ... |`.
fn rows(text: &str) -> Vec<Row> {
    let section = text.split("\n## Layers\n").nth(1).expect("docs/design.md has a section on layers");
    let section = section.split("\n## ").next().unwrap_or_default();
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [folder, order] = cells.as_slice() else { return None };
        let layers = order.split('<').map(|layer| layer.split_whitespace().map(str::to_owned).collect());
        order
            .contains('<')
            .then(|| Row { folder: folder.trim_matches('`').to_owned(), layers: layers.collect() })
    };
    section.lines().filter(|line| line.starts_with("| `")).filter_map(row).collect()
}

/// A source without its tests, comments and strings.
fn without_tests(text: &str) -> String {
    code(text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default())
}

/// The names that follow a path in a source: `crate::x`, `crate::{x, y::Z}`.
fn named_after(code: &str, path: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(path) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':') {
            continue;
        }
        let rest = &code[at + path.len()..];
        let list = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default(),
            None => rest
                .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
                .next()
                .unwrap_or_default(),
        };
        let name = |part: &str| part.split("::").next().unwrap_or_default().trim().to_owned();
        names.extend(list.split(',').map(name).filter(|name| !name.is_empty()));
    }
    names
}

/// The room of a file below a folder.
fn room(folder: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(folder).expect("a file of the folder");
    let first = inside.iter().next().expect("a name").to_string_lossy();
    first.strip_suffix(".rs").unwrap_or(&first).to_owned()
}

/// Which rooms each room of a folder knows.
fn known(folder: &Path, path: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files_below(folder, "rs") {
        let name = file.file_name().expect("a name").to_string_lossy();
        if name.ends_with("tests.rs") {
            continue;
        }
        let code = without_tests(&fs::read_to_string(&file).expect("a source is text"));
        let mut names = named_after(&code, &format!("{path}::"));
        if path != "crate" && file.parent() == Some(folder) {
            let above = if name == "mod.rs" { "self::" } else { "super::" };
            names.extend(named_after(&code, above));
            if name == "mod.rs" {
                names.extend(named_after(&code, "use "));
            }
        }
        known.entry(room(folder, &file)).or_default().extend(names);
    }
    let rooms: BTreeSet<String> = known.keys().cloned().collect();
    for names in known.values_mut() {
        // What a folder's own file defines is taken from it without naming a room.
        let of_mod = path != "crate" && names.iter().any(|name| name.starts_with(char::is_uppercase));
        names.retain(|name| rooms.contains(name));
        if of_mod {
            names.insert(String::from("mod"));
        }
    }
    known
}

#[test]
fn a_room_knows_only_rooms_of_lower_layers() {
    let text = fs::read_to_string(crate::root().join("docs/design.md")).expect("the design is written down");
    let rows = rows(&text);
    assert!(!rows.is_empty(), "the table of layers has rows");
    let mut wrong = Vec::new();
    for Row { folder, layers } in &rows {
        let inside = folder.split("/src").nth(1).unwrap_or_default();
        let path = format!("crate{}", inside.replace('/', "::"));
        let floor: BTreeMap<&String, usize> = (0..)
            .zip(layers)
            .flat_map(|(floor, rooms)| rooms.iter().map(move |room| (room, floor)))
            .collect();
        let known = known(&crate::root().join(folder), &path);
        for missing in known.keys().filter(|room| !floor.contains_key(room)) {
            wrong.push(format!("{folder}: {missing} stands in no layer"));
        }
        for gone in floor.keys().filter(|room| !known.contains_key(**room)) {
            wrong.push(format!("{folder}: there is no room {gone}"));
        }
        for (room, names) in &known {
            for name in names.iter().filter(|name| *name != room) {
                let (Some(here), Some(there)) = (floor.get(room), floor.get(name)) else { continue };
                if there >= here {
                    wrong.push(format!("{folder}: {room} knows {name}, which is not below it"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A circle of names that know each other, if there is one.
fn circle(known: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let mut left = known.clone();
    // Whoever knows nobody that is left is in no circle; what remains in the end is circles and what knows them.
    loop {
        let outside: Vec<String> = left
            .iter()
            .filter(|(name, names)| !names.iter().any(|other| other != *name && left.contains_key(other)))
            .map(|(name, _)| name.clone())
            .collect();
        if outside.is_empty() {
            break;
        }
        outside.iter().for_each(|name| drop(left.remove(name)));
    }
    (!left.is_empty()).then(|| left.into_keys().collect())
}

/// Every folder below one, and itself.
fn folders(folder: &Path) -> BTreeSet<PathBuf> {
    files_below(folder, "rs").iter().filter_map(|file| file.parent().map(Path::to_owned)).collect()
}

#[test]
fn files_of_a_folder_know_each_other_in_no_circle() {
    let mut wrong = Vec::new();
    for source in ["core/src", "sim/src", "sim/linearizability/src"] {
        let source = crate::root().join(source);
        for folder in folders(&source).into_iter().filter(|folder| *folder != source) {
            let inside = folder.strip_prefix(&source).expect("a folder below").to_string_lossy().into_owned();
            let mut known = known(&folder, &format!("crate::{}", inside.replace('/', "::")));
            // A folder's own file tells the way to all the others.
            known.remove("mod");
            wrong.extend(circle(&known).map(|names| format!("{inside}: {}", names.join(" "))));
        }
    }
    assert!(
        wrong.is_empty(),
        "files that know each other in a circle, and what knows them:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn a_circle_is_seen() {
    let known = |edges: &[(&str, &[&str])]| {
        edges.iter().map(|(a, b)| ((*a).to_owned(), b.iter().map(|b| (*b).to_owned()).collect())).collect()
    };
    assert_eq!(circle(&known(&[("a", &["b"]), ("b", &["c"]), ("c", &[]), ("d", &["d"])])), None);
    let found = circle(&known(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]));
    assert_eq!(found, Some(["a", "b", "c"].map(str::to_owned).to_vec()));
}

#[test]
fn an_import_upwards_is_seen() {
    let code = "use crate::world::World;\nuse crate::{time, trace::Record};\nlet x = my_crate::cli::x;";
    assert_eq!(named_after(code, "crate::"), BTreeSet::from(["world", "time", "trace"].map(str::to_owned)));
    let table = "x\n## Layers\n\n| rooms of | order |\n|---|---|\n| `sim/src` | a b < c |\n\n## Next\n| `y` | z < z |";
    let rows = rows(table);
    assert_eq!((rows.len(), rows[0].layers.len(), rows[0].folder.as_str()), (1, 2, "sim/src"));
}
