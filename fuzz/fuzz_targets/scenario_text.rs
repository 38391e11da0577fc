//! Any text: it becomes a scenario or an error with a place that exists; a scenario survives being printed.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use splitbrain::scenario::parse;

fuzz_target!(|text: &str| -> Corpus {
    match parse("fuzz.toml", text) {
        Err(error) => {
            assert!(!error.message.is_empty());
            if let Some(place) = error.place {
                assert!((1..=text.lines().count() + 1).contains(&place.line), "{error}");
            }
            Corpus::Keep
        }
        Ok(file) => {
            let printed = file.scenario.to_toml();
            let again = parse("printed.toml", &printed).unwrap_or_else(|error| panic!("{error}\n{printed}"));
            assert_eq!(again.scenario, file.scenario, "{printed}");
            Corpus::Keep
        }
    }
});
