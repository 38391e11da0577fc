//! The words that all systems share for the options that they share: each system translates them, or says by the option's
//! name that it has no such thing.

use splitbrain::built_in::systems;
use splitbrain::scenario;
use splitbrain::system::Capability;

/// A word, and what one may set it to.
const WORDS: &[(&str, &[&str])] = &[
    ("pre-vote", &["true", "false"]),
    ("check-quorum", &["true", "false"]),
    ("stickiness", &["true", "false"]),
    ("reads", &["\"read-index\"", "\"lease\""]),
];

/// What a system says to one option, alone: nothing when it takes it.
fn objection(system: &splitbrain::system::System, word: &str, value: &str) -> Option<String> {
    let text = format!(
        "title = \"t\"\n[cluster]\nmembers = [\"a\", \"b\", \"c\"]\nelection = \"150ms..300ms\"\n\
         heartbeat = \"50ms\"\n[cluster.options]\n{word} = {value}\n\
         [story]\nsteps = [{{ elect = \"a\" }}]\n"
    );
    let file = scenario::parse("words.toml", &text).expect("a scenario knows the word");
    system.begin(&file.scenario).err().map(|objection| objection.message)
}

#[test]
fn every_system_takes_a_common_word_or_says_what_it_has_instead() {
    let mut taken = 0;
    for system in systems().iter().filter(|system| system.can(Capability::Logs)) {
        for (word, values) in WORDS {
            let said: Vec<Option<String>> =
                values.iter().map(|value| objection(&system, word, value)).collect();
            taken += said.iter().filter(|said| said.is_none()).count();
            // Each has it one way at least, or only together with another: of the two ways, one is refused by what there is.
            for said in said.iter().flatten() {
                assert!(
                    said.starts_with(&format!("{word}: ")) || said.contains("check-quorum"),
                    "{}: {said}",
                    system.name()
                );
                assert!(
                    !said.contains("one of the options"),
                    "{} does not know {word}: {said}",
                    system.name()
                );
                assert!(!said.contains("a field of"), "{} does not know {word}: {said}", system.name());
            }
            assert!(said.iter().any(Option::is_none), "{} takes {word} in no way: {said:?}", system.name());
        }
    }
    assert!(taken >= 2 * WORDS.len(), "our own Raft takes them all");
}
