//! Is this history linearizable? Fast, bounded, explained.
//!
//! A history is linearizable when every operation can have taken effect at one moment between its call and its
//! return (Herlihy and Wing 1990). [`check()`] decides a whole history, and an operation whose outcome is unknown may
//! take effect at any time after its call, or never.
//!
//! ```
//! use splitbrain_linearizability::{Action, History, Input, Options, Output, Standard, Value, Verdict, check};
//!
//! let one = Value::number(1).unwrap();
//! let mut history = History::new();
//! history.returned(0, 10, 20, Input { key: 0, action: Action::Write(one) }, Output::Done)?;
//! history.returned(1, 30, 40, Input { key: 0, action: Action::Read }, Output::Read(Value::NIL))?;
//!
//! let verdict = check(&history, &Standard::register(), &Options::default());
//! assert!(matches!(verdict, Verdict::NotLinearizable(_)));
//! # Ok::<(), splitbrain_linearizability::Malformed>(())
//! ```
//!
//! The map: `history` what clients saw, `value` what they saw in it; `model` and `standard` what a correct system
//! does; `compile` both, as plain numbers; `witness`, `zones`, `search` the algorithms; `check` who calls them;
//! `exhaustive` the dumb twin that judges them all. Beside linearizability: `sequential` consistency, `txn`
//! transactions by their dependencies, `bank` sums that must stay.
//!
//! This crate knows nothing of simulation. It has no clock, no chance, no thread.

pub mod bank;
mod bounds;
mod budget;
mod check;
#[cfg(feature = "cli")]
pub mod command;
mod compile;
pub mod exhaustive;
mod explain;
mod frontier;
pub mod generate;
mod history;
mod machine;
mod model;
mod online;
// What every form of text shares is idle where a form is left out.
#[cfg_attr(not(all(feature = "edn", feature = "json")), allow(dead_code, unused_imports))]
pub mod read;
mod recorded;
mod reduce;
mod sample;
mod search;
mod sequential;
mod standard;
mod text;
mod timeline;
pub mod txn;
mod value;
mod witness;
mod zones;

pub use budget::{Budget, Progress};
pub use check::{Evidence, Method, Options, Reason, Verdict, check};
pub use explain::{Explanation, Stuck, explain};
pub use history::{History, Malformed, Operation, Recorder, UNKNOWN};
pub use model::{Effect, Model, Survey};
pub use online::{Online, Status, Violation};
pub use sequential::{Sequential, Stuck as SequentialStuck, check_sequential};
pub use standard::{Action, Change, Input, Kind, Lock, Output, Standard, State, changes};
pub use text::{Text, visible};
pub use timeline::html;
pub use value::{Content, Value, Values};
