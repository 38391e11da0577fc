//! The public face of the library, as a list: what is added to it, taken from it or changed in it is seen in review.
//!
//! Holds: every item that a user of the crate can name stands in the snapshot, by its file and the first line of its
//! declaration. Fields and variants are left out.

use std::fs;
use std::path::Path;

/// The names of a source's modules: those that are public, or whose items the source makes public.
fn open_modules(text: &str) -> Vec<String> {
    let declared = |line: &str| {
        let (public, name) = match line.strip_prefix("pub mod ") {
            Some(name) => (true, name),
            None => (false, line.strip_prefix("mod ")?),
        };
        let name = name.strip_suffix(';')?;
        (public || text.contains(&format!("\npub use {name}::"))).then(|| name.to_owned())
    };
    text.lines().filter_map(declared).collect()
}

/// The first lines of the public items and methods of a source.
fn items(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut items = Vec::new();
    let mut of = String::new();
    for line in code.lines() {
        if let Some(rest) = line.strip_prefix("impl") {
            let target = rest.rsplit(" for ").next().unwrap_or(rest);
            let target = target.trim_end_matches(" {").trim_start_matches(|letter| letter != ' ').trim();
            of = if rest.contains(" for ") { String::new() } else { target.to_owned() };
        }
        let declares = ["pub struct", "pub enum", "pub fn", "pub const", "pub trait", "pub type", "pub use"];
        if declares.iter().any(|word| line.starts_with(word)) {
            items.push(line.trim_end_matches([' ', '{', ';', '(']).to_owned());
        } else if let (false, Some(method)) = (of.is_empty(), line.strip_prefix("    pub "))
            && (method.starts_with("fn ") || method.starts_with("const "))
        {
            let name = method.split(['(', ':', '<']).next().unwrap_or_default();
            items.push(format!("    {of}: {name}"));
        }
    }
    items
}

/// The list of a module and of those below it.
fn list(file: &Path, name: &str, into: &mut String) {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let items = items(&text);
    if !items.is_empty() {
        into.push_str(&format!("{name}\n"));
        items.iter().for_each(|item| into.push_str(&format!("  {item}\n")));
    }
    let stem = file.file_stem().expect("a name").to_string_lossy();
    let folder = file.parent().expect("a folder");
    let below = if ["lib", "mod"].contains(&&*stem) { folder.to_owned() } else { folder.join(&*stem) };
    for module in open_modules(&text) {
        let flat = below.join(format!("{module}.rs"));
        let file = if flat.exists() { flat } else { below.join(&module).join("mod.rs") };
        list(&file, &format!("{name}::{module}"), into);
    }
}

#[test]
fn the_public_face_is_as_it_was_reviewed() {
    let mut text = String::new();
    list(&crate::root().join("sim/src/lib.rs"), "splitbrain", &mut text);
    insta::assert_snapshot!("public-face", text);
}

#[test]
fn a_private_item_is_not_listed_and_a_public_method_is() {
    let text = "pub struct A {\n    pub x: u8,\n}\nstruct B;\nimpl A {\n    pub fn go(&self) {}\n    fn stay(&self) {}\n}\n\
                pub(crate) fn hidden() {}\nmod c;\nmod d;\npub mod e;\npub use d::D;\n";
    assert_eq!(items(text), ["pub struct A", "    A: fn go", "pub use d::D"]);
    assert_eq!(open_modules(text), ["d", "e"]);
}
