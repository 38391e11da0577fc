//! A scenario's settings as openraft's own `Config`: its fields by their names, in kebab case.
//!
//! Holds: a setting that openraft does not have, or refuses, is named.
//! Not here: what openraft does with them.

use std::sync::Arc;
use std::time::Duration;

use openraft::{Config, ReadPolicy, SnapshotPolicy, StepDownPolicy};

use super::process::SaveCommitted;
use crate::protocol::{self, BadSetting, OptionValue};

/// openraft's configuration, and how this adapter uses it.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) config: Arc<Config>,
    /// How reads are made linearizable: `read-policy = "read-index"` (the default) or `"lease-read"`.
    pub(super) read_policy: ReadPolicy,
    /// Whether the log store keeps how far the log is committed, as openraft's documentation recommends:
    /// `save-committed`, by default `true`; `"durably"` if openraft has to wait until it is on the disk.
    pub(super) save_committed: SaveCommitted,
    /// How long the transport waits for an answer, where that is not what openraft tells it to: `rpc-timeout`.
    pub(super) rpc_timeout: Option<Duration>,
}

const NANOS_PER_MILLI: u64 = 1_000_000;

/// Reads the settings of a scenario.
pub(super) fn read(common: &protocol::Settings) -> Result<Settings, BadSetting> {
    if !common.priority.is_empty() {
        return Err(BadSetting::new("priority", "no priority, for openraft"));
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
    let mut save_committed = SaveCommitted::default();
    let mut rpc_timeout = None;
    for (name, value) in &common.options {
        match name.as_str() {
            // Words that all systems share.
            "pre-vote" => config.enable_pre_vote = Some(value.switch(name)?),
            "check-quorum" | "stickiness" => unchangeable(name, value)?,
            "reads" => {
                let words = [("read-index", ReadPolicy::ReadIndex), ("lease", ReadPolicy::LeaseRead)];
                read_policy = value.word(name, &words, "\"read-index\" or \"lease\"")?;
            }
            "batch-entries-max" => config.max_payload_entries = value.count(name)?,
            "trailing-entries" => config.max_in_snapshot_log_to_keep = value.number(name)?,
            // openraft's own.
            "enable-tick" => config.enable_tick = value.switch(name)?,
            "enable-heartbeat" => config.enable_heartbeat = value.switch(name)?,
            "enable-elect" => config.enable_elect = value.switch(name)?,
            "enable-pre-vote" => config.enable_pre_vote = Some(value.switch(name)?),
            "enable-leader-restore" => config.enable_leader_restore = Some(value.switch(name)?),
            "allow-log-reversion" => config.allow_log_reversion = Some(value.switch(name)?),
            "max-payload-entries" => config.max_payload_entries = value.number(name)?,
            "max-in-snapshot-log-to-keep" => config.max_in_snapshot_log_to_keep = value.number(name)?,
            "purge-batch-size" => config.purge_batch_size = value.number(name)?,
            "install-snapshot-timeout" => config.install_snapshot_timeout = millis(name, value)?,
            "removed-leader-step-down" => config.removed_leader_step_down = step_down(name, value)?,
            "read-policy" => {
                let words = [("read-index", ReadPolicy::ReadIndex), ("lease-read", ReadPolicy::LeaseRead)];
                read_policy = value.word(name, &words, "\"read-index\" or \"lease-read\"")?;
            }
            "save-committed" => save_committed = SaveCommitted::read(name, value)?,
            "rpc-timeout" => rpc_timeout = Some(Duration::from_nanos(value.time(name)?)),
            _ => {
                let expected =
                    "a field of openraft's Config, such as enable-pre-vote, read-policy or save-committed";
                return Err(BadSetting::new(name, expected));
            }
        }
    }
    let config = config.validate().map_err(|error| BadSetting {
        name: String::from("cluster"),
        expected: format!("what openraft accepts: {error}"),
    })?;
    Ok(Settings { config: Arc::new(config), read_policy, save_committed, rpc_timeout })
}

/// What all systems have a word for, and openraft has in one way only: a leader does not step down when it hears of no quorum,
/// and who heard from a leader lately grants no vote.
fn unchangeable(name: &str, value: &OptionValue) -> Result<(), BadSetting> {
    let always = name == "stickiness";
    match value.switch(name)? == always {
        true => Ok(()),
        false => Err(BadSetting::new(name, &format!("{always}, for openraft knows nothing else"))),
    }
}

fn millis(name: &str, value: &OptionValue) -> Result<u64, BadSetting> {
    Ok((value.time(name)? / NANOS_PER_MILLI).max(1))
}

fn step_down(name: &str, value: &OptionValue) -> Result<StepDownPolicy, BadSetting> {
    match value {
        OptionValue::Word(word) if word == "never" => Ok(StepDownPolicy::Never),
        OptionValue::Time(_) => Ok(StepDownPolicy::After(millis(name, value)?)),
        OptionValue::Switch(_) | OptionValue::Number(_) | OptionValue::Word(_) => {
            Err(BadSetting::new(name, "a duration such as 150ms, or \"never\""))
        }
    }
}
