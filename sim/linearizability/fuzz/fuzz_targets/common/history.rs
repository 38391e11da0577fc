//! What holds of any text in any form: a history or an error with a line that exists; and a history gets a verdict.

use std::io::Cursor;

use splitbrain_linearizability::read::stream::{Follow, follow};
use splitbrain_linearizability::read::{Format, Recorded, read};
use splitbrain_linearizability::txn::{Level, check_transactions, transactions};
use splitbrain_linearizability::{Budget, Options, Verdict, check, check_sequential, explain, html};

const BUDGET: Budget = Budget { steps: 10_000, memory: 16 << 20 };

pub fn holds(bytes: &[u8], format: Option<Format>) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match read("fuzz", text, format) {
        Err(wrong) => {
            assert!(!wrong.message.is_empty());
            assert!((1..=text.lines().count().max(1) + 1).contains(&wrong.line), "{wrong}");
        }
        Ok(recorded) => judged(&recorded),
    }
    // In passing: no panic; lines are the unit there, so the verdicts may differ from those of the whole.
    let with = Follow { format, budget: BUDGET, ..Follow::default() };
    if let Err(wrong) = follow("fuzz", &mut Cursor::new(text), &with) {
        assert!(!wrong.message.is_empty() && wrong.line > 0, "{wrong}");
    }
}

fn judged(recorded: &Recorded) {
    if let Some(objects) = recorded.objects() {
        if let Ok(all) = transactions(recorded, objects) {
            for level in [Level::SnapshotIsolation, Level::Serializable, Level::StrictSerializable] {
                let _ = check_transactions(&all, objects, level, &recorded.values);
            }
        }
    }
    let model = recorded.model(None);
    let _ = check_sequential(&recorded.history, &model, &BUDGET);
    let options = Options { budget: BUDGET, ..Options::default() };
    if let Verdict::NotLinearizable(evidence) = check(&recorded.history, &model, &options) {
        let explanation = explain(&recorded.history, &model, &evidence);
        let _ = explanation.text(&recorded.history).with_lines(&recorded.lines).to_string();
        let _ = html("fuzz", &recorded.history, &model, &explanation);
    }
}
