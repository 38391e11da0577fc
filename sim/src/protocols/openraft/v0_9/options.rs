//! The settings that openraft 0.9 has otherwise than 0.10: pre-votes and leases, which it has not.
//!
//! Not here: those of every version (`settings`).

use super::types::{Config, ReadPolicy};
use crate::protocol::{BadSetting, OptionValue};

/// Refuses a setting, unless it asks for what is so anyway.
pub(super) fn read(
    _: &mut Config,
    _: &mut ReadPolicy,
    name: &str,
    value: &OptionValue,
) -> Result<(), BadSetting> {
    match name {
        "pre-vote" if !value.switch(name)? => Ok(()),
        "pre-vote" => Err(BadSetting::new(name, "false, for openraft 0.9 has no pre-vote")),
        "reads" => value.word(name, &[("read-index", ())], "\"read-index\", for openraft 0.9 has no leases"),
        _ => unknown(name),
    }
}

fn unknown(name: &str) -> Result<(), BadSetting> {
    Err(BadSetting::new(name, "a field of openraft 0.9's Config, such as enable-elect, or save-committed"))
}

/// Whether reads rest on how fast clocks run.
pub(super) fn relies_on_clocks(read_policy: &ReadPolicy) -> bool {
    match read_policy {
        ReadPolicy::ReadIndex => false,
    }
}
