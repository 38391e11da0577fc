//! A scenario's settings as openraft's own `Config`: its fields by their names, in kebab case.
//!
//! Holds: a setting that openraft does not have, or refuses, is named.
//! Not here: what openraft does with them.

use std::sync::Arc;

use openraft::{Config, ReadPolicy, SnapshotPolicy, StepDownPolicy};

use crate::protocol::{self, BadSetting, OptionValue};

/// openraft's configuration, and how this adapter uses it.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) config: Arc<Config>,
    /// How reads are made linearizable: `read-policy = "read-index"` (the default) or `"lease-read"`.
    pub(super) read_policy: ReadPolicy,
    /// Whether the log store keeps how far the log is committed, as openraft's documentation recommends:
    /// `save-committed`, by default `true`.
    pub(super) save_committed: bool,
}

const NANOS_PER_MILLI: u64 = 1_000_000;

/// Reads the settings of a scenario.
pub(super) fn read(common: &protocol::Settings) -> Result<Settings, BadSetting> {
    if !common.priority.is_empty() {
        return bad("priority", "no priority, for openraft");
    }
    let election_timeout_min = common.election.min / NANOS_PER_MILLI;
    let mut config = Config {
        cluster_name: String::from("simulated"),
        election_timeout_min,
        election_timeout_max: (common.election.max / NANOS_PER_MILLI).max(election_timeout_min + 1),
        heartbeat_interval: (common.heartbeat / NANOS_PER_MILLI).max(1),
        // The world takes snapshots, and a purged log is what makes them matter.
        snapshot_policy: SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: 0,
        ..Config::default()
    };
    let mut read_policy = ReadPolicy::ReadIndex;
    let mut save_committed = true;
    for (name, value) in &common.options {
        match name.as_str() {
            "enable-tick" => config.enable_tick = switch(name, value)?,
            "enable-heartbeat" => config.enable_heartbeat = switch(name, value)?,
            "enable-elect" => config.enable_elect = switch(name, value)?,
            "enable-pre-vote" => config.enable_pre_vote = Some(switch(name, value)?),
            "enable-leader-restore" => config.enable_leader_restore = Some(switch(name, value)?),
            "allow-log-reversion" => config.allow_log_reversion = Some(switch(name, value)?),
            "max-payload-entries" => config.max_payload_entries = number(name, value)?,
            "max-in-snapshot-log-to-keep" => config.max_in_snapshot_log_to_keep = number(name, value)?,
            "purge-batch-size" => config.purge_batch_size = number(name, value)?,
            "install-snapshot-timeout" => config.install_snapshot_timeout = millis(name, value)?,
            "removed-leader-step-down" => config.removed_leader_step_down = step_down(name, value)?,
            "read-policy" => read_policy = policy(name, value)?,
            "save-committed" => save_committed = switch(name, value)?,
            _ => {
                return bad(
                    name,
                    "a field of openraft's Config, such as enable-pre-vote, read-policy or save-committed",
                );
            }
        }
    }
    let config = config.validate().map_err(|error| BadSetting {
        name: String::from("cluster"),
        expected: format!("what openraft accepts: {error}"),
    })?;
    Ok(Settings { config: Arc::new(config), read_policy, save_committed })
}

fn bad<T>(name: &str, expected: &str) -> Result<T, BadSetting> {
    Err(BadSetting { name: name.to_owned(), expected: expected.to_owned() })
}

fn switch(name: &str, value: &OptionValue) -> Result<bool, BadSetting> {
    match value {
        OptionValue::Switch(on) => Ok(*on),
        OptionValue::Number(_) | OptionValue::Time(_) | OptionValue::Word(_) => bad(name, "true or false"),
    }
}

fn number(name: &str, value: &OptionValue) -> Result<u64, BadSetting> {
    match value {
        OptionValue::Number(number) => Ok(*number),
        OptionValue::Switch(_) | OptionValue::Time(_) | OptionValue::Word(_) => bad(name, "a whole number"),
    }
}

fn millis(name: &str, value: &OptionValue) -> Result<u64, BadSetting> {
    match value {
        OptionValue::Time(nanos) => Ok((nanos / NANOS_PER_MILLI).max(1)),
        OptionValue::Switch(_) | OptionValue::Number(_) | OptionValue::Word(_) => {
            bad(name, "a duration such as 150ms")
        }
    }
}

fn step_down(name: &str, value: &OptionValue) -> Result<StepDownPolicy, BadSetting> {
    match value {
        OptionValue::Word(word) if word == "never" => Ok(StepDownPolicy::Never),
        OptionValue::Time(_) => Ok(StepDownPolicy::After(millis(name, value)?)),
        OptionValue::Switch(_) | OptionValue::Number(_) | OptionValue::Word(_) => {
            bad(name, "a duration such as 150ms, or \"never\"")
        }
    }
}

fn policy(name: &str, value: &OptionValue) -> Result<ReadPolicy, BadSetting> {
    match value {
        OptionValue::Word(word) if word == "read-index" => Ok(ReadPolicy::ReadIndex),
        OptionValue::Word(word) if word == "lease-read" => Ok(ReadPolicy::LeaseRead),
        OptionValue::Switch(_) | OptionValue::Number(_) | OptionValue::Time(_) | OptionValue::Word(_) => {
            bad(name, "\"read-index\" or \"lease-read\"")
        }
    }
}
