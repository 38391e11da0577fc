//! A scenario's settings as openraft's own `Config`: its fields by their names, in kebab case.
//!
//! Holds: a setting that openraft does not have, or refuses, is named.
//! Not here: what only one version has (`options`), and what openraft does with them.

use std::sync::Arc;
use std::time::Duration;

use super::options;
use super::types::{Config, ReadPolicy, SnapshotPolicy};
use crate::protocol::{self, BadSetting, OptionValue};

/// openraft's configuration, and how this adapter uses it.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) config: Arc<Config>,
    /// How reads are made linearizable.
    pub(super) read_policy: ReadPolicy,
    /// Whether the log store keeps how far the log is committed, as openraft's documentation recommends:
    /// `save-committed`, by default `true`; `"durably"` if openraft has to wait until it is on the disk.
    pub(super) save_committed: SaveCommitted,
    /// How long the transport waits for an answer, where that is not what openraft tells it to: `rpc-timeout`.
    pub(super) rpc_timeout: Option<Duration>,
}

/// Whether the log store keeps how far the log is known to be committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SaveCommitted {
    /// It does not.
    Never,
    /// It does, and nobody waits: the last of it may be lost in a crash.
    #[default]
    Soon,
    /// It does, and is on the disk before its call returns.
    Durably,
}

impl SaveCommitted {
    fn read(name: &str, value: &OptionValue) -> Result<SaveCommitted, BadSetting> {
        match value {
            OptionValue::Switch(false) => Ok(SaveCommitted::Never),
            OptionValue::Switch(true) => Ok(SaveCommitted::Soon),
            OptionValue::Word(word) if word == "durably" => Ok(SaveCommitted::Durably),
            OptionValue::Number(_) | OptionValue::Time(_) | OptionValue::Word(_) => {
                Err(BadSetting::new(name, "true, false or \"durably\""))
            }
        }
    }
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
            // Words that all systems share; `options` knows the others.
            "check-quorum" | "stickiness" => unchangeable(name, value)?,
            "batch-entries-max" => config.max_payload_entries = value.count(name)?,
            "trailing-entries" => config.max_in_snapshot_log_to_keep = value.number(name)?,
            // openraft's own.
            "enable-tick" => config.enable_tick = value.switch(name)?,
            "enable-heartbeat" => config.enable_heartbeat = value.switch(name)?,
            "enable-elect" => config.enable_elect = value.switch(name)?,
            "max-payload-entries" => config.max_payload_entries = value.number(name)?,
            "max-in-snapshot-log-to-keep" => config.max_in_snapshot_log_to_keep = value.number(name)?,
            "purge-batch-size" => config.purge_batch_size = value.number(name)?,
            "install-snapshot-timeout" => {
                config.install_snapshot_timeout = (value.time(name)? / NANOS_PER_MILLI).max(1);
            }
            "save-committed" => save_committed = SaveCommitted::read(name, value)?,
            "rpc-timeout" => rpc_timeout = Some(Duration::from_nanos(value.time(name)?)),
            _ => options::read(&mut config, &mut read_policy, name, value)?,
        }
    }
    let config = config
        .validate()
        .map_err(|error| BadSetting::new("cluster", &format!("what openraft accepts: {error}")))?;
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
