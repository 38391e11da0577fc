//! A scenario's settings as openraft 0.9's own `Config`: its fields by their names, in kebab case.
//!
//! Holds: a setting that this openraft does not have, or refuses, is named.
//! Not here: what openraft does with them.

use std::sync::Arc;
use std::time::Duration;

use openraft_0_9::{Config, SnapshotPolicy};

use super::process::SaveCommitted;
use crate::protocol::{self, BadSetting, OptionValue};

/// What all systems have a word for, and openraft has in one way only: a leader does not step down when it hears of no quorum,
/// and who heard from a leader lately grants no vote.
fn unchangeable(name: &str, value: &OptionValue) -> Result<(), BadSetting> {
    let always = name == "stickiness";
    match value.switch(name)? == always {
        true => Ok(()),
        false => Err(BadSetting::new(name, &format!("{always}, for openraft knows nothing else"))),
    }
}

/// openraft's configuration, and how this adapter uses it.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) config: Arc<Config>,
    /// Whether the log store keeps how far the log is committed: `save-committed`, by default `true`; `"durably"` if
    /// openraft has to wait until it is on the disk.
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
    let mut save_committed = SaveCommitted::default();
    let mut rpc_timeout = None;
    for (name, value) in &common.options {
        match name.as_str() {
            // Words that all systems share.
            "pre-vote" if !value.switch(name)? => {}
            "pre-vote" => return Err(BadSetting::new(name, "false, for openraft 0.9 has no pre-vote")),
            "check-quorum" | "stickiness" => unchangeable(name, value)?,
            "reads" => {
                value.word(name, &[("read-index", ())], "\"read-index\", for openraft 0.9 has no leases")?
            }
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
            _ => {
                let expected = "a field of openraft 0.9's Config, such as enable-elect, or save-committed";
                return Err(BadSetting::new(name, expected));
            }
        }
    }
    let config = config.validate().map_err(|error| BadSetting {
        name: String::from("cluster"),
        expected: format!("what openraft accepts: {error}"),
    })?;
    Ok(Settings { config: Arc::new(config), save_committed, rpc_timeout })
}
