//! Any text: each reader gives a history or an error with a line that exists, and a history gets a verdict.

#![no_main]

use libfuzzer_sys::fuzz_target;
use splitbrain_linearizability::read::{Format, read};
use splitbrain_linearizability::{Budget, Options, Verdict, check, explain, html};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let format = [None, Some(Format::Edn), Some(Format::Log), Some(Format::Json)][usize::from(first % 4)];
    match read("fuzz", text, format) {
        Err(wrong) => {
            assert!(!wrong.message.is_empty());
            assert!((1..=text.lines().count().max(1) + 1).contains(&wrong.line), "{wrong}");
        }
        Ok(recorded) => {
            let model = recorded.model(None);
            let budget = Budget { steps: 10_000, memory: 16 << 20 };
            let options = Options { budget, ..Options::default() };
            if let Verdict::NotLinearizable(evidence) = check(&recorded.history, &model, &options) {
                let explanation = explain(&recorded.history, &model, &evidence);
                let _ = html("fuzz", &recorded.history, &model, &explanation);
            }
        }
    }
});
