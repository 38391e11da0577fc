//! What an explanation says of a danger whose reason is known.

use super::*;
use crate::protocols::raft::Raft;
use crate::scenario;

fn explained(path: &str) -> Explained {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(path);
    let scenario = scenario::load(&path).expect("a scenario").scenario;
    let options =
        RunOptions { file: String::from("x.toml"), system: String::from("raft"), seed: 1, trace: false };
    explain::<Raft>(&scenario, &options).expect("it runs")
}

#[test]
fn a_split_brain_is_explained_by_both_elections() {
    let explained = explained("why/one-vote-per-term.toml");
    assert!(explained.is_broken());
    let words = explained.words().join("\n");
    assert_eq!(words.matches("leads term").count(), 2, "{words}");
    assert!(words.contains("election-safety is broken"), "{words}");
    assert!(explained.words().len() <= 12 && explained.lines().len() <= 11);
}

/// Which step a reader of the paper would name, and from when on nothing helped. Whoever changes how they are found sees
/// here what it does to every rule's story.
#[test]
fn the_mistake_and_the_deciding_event_of_each_rules_story() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/why");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .expect("the stories")
        .map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    files.sort();
    let mut text = String::new();
    for file in files {
        let explained = explained(&format!("why/{file}"));
        let promise = explained.promises.first().map_or("nothing", |promise| promise.name.as_str());
        text += &format!("{file}: {promise}\n");
        let mistake = explained.mistake().map_or("no mistake", |mistake| mistake.words.as_str());
        text += &format!("  {mistake}\n");
        let Some(deciding) = explained.deciding() else {
            text += "  nothing decides\n";
            continue;
        };
        text += &format!("  {}\n", deciding.words);
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_page_is_the_same_twice_and_small() {
    let pages = [0, 1].map(|_| explained("address/split-brain-by-address-change.toml").page());
    assert_eq!(pages[0], pages[1]);
    assert!(pages[0].len() < 1_000_000);
}
