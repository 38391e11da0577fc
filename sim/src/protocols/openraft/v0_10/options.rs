//! The settings that only openraft 0.10 has.
//!
//! Not here: those of every version (`settings`).

use openraft::StepDownPolicy;

use super::types::{Config, ReadPolicy};
use crate::protocol::{BadSetting, OptionValue};

/// Reads a setting: a field of openraft's `Config`, or `read-policy = "read-index"` (the default) or `"lease-read"`.
pub(super) fn read(
    config: &mut Config,
    read_policy: &mut ReadPolicy,
    name: &str,
    value: &OptionValue,
) -> Result<(), BadSetting> {
    match name {
        "reads" => {
            let words = [("read-index", ReadPolicy::ReadIndex), ("lease", ReadPolicy::LeaseRead)];
            *read_policy = value.word(name, &words, "\"read-index\" or \"lease\"")?;
        }
        "pre-vote" | "enable-pre-vote" => config.enable_pre_vote = Some(value.switch(name)?),
        "enable-leader-restore" => config.enable_leader_restore = Some(value.switch(name)?),
        "allow-log-reversion" => config.allow_log_reversion = Some(value.switch(name)?),
        "removed-leader-step-down" => config.removed_leader_step_down = step_down(name, value)?,
        "read-policy" => {
            let words = [("read-index", ReadPolicy::ReadIndex), ("lease-read", ReadPolicy::LeaseRead)];
            *read_policy = value.word(name, &words, "\"read-index\" or \"lease-read\"")?;
        }
        _ => {
            let expected =
                "a field of openraft's Config, such as enable-pre-vote, read-policy or save-committed";
            return Err(BadSetting::new(name, expected));
        }
    }
    Ok(())
}

fn step_down(name: &str, value: &OptionValue) -> Result<StepDownPolicy, BadSetting> {
    match value {
        OptionValue::Word(word) if word == "never" => Ok(StepDownPolicy::Never),
        OptionValue::Time(_) => Ok(StepDownPolicy::After((value.time(name)? / 1_000_000).max(1))),
        OptionValue::Switch(_) | OptionValue::Number(_) | OptionValue::Word(_) => {
            Err(BadSetting::new(name, "a duration such as 150ms, or \"never\""))
        }
    }
}

/// Whether reads rest on how fast clocks run.
pub(super) fn relies_on_clocks(read_policy: &ReadPolicy) -> bool {
    *read_policy == ReadPolicy::LeaseRead
}
