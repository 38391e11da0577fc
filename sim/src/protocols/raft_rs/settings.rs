//! A scenario's settings as those of raft-rs.
//!
//! Holds: an option that raft-rs shares with others has their name; unknown ones are refused with those there are.
//! Not here: what the settings mean (`raft::Config`).

use std::fmt;

use raft::eraftpb::ConfChangeTransition;
use raft::{Config, NO_LIMIT, ReadOnlyOption};

use crate::adapter::Ticks;
use crate::protocol::{BadSetting, OptionValue, Settings};

/// Every option.
const OPTIONS: [&str; 14] = [
    "pre-vote",
    "check-quorum",
    "stickiness",
    "reads",
    "batch-entries-max",
    "message-bytes-max",
    "inflight-messages-max",
    "lease-reads",
    "batch-append",
    "skip-commit-broadcast",
    "transition",
    "removed-leader-stays",
    "ticks-while-restoring",
    "leak-rng",
];

/// How much one append message holds, as in TiKV.
const MESSAGE_BYTES: u64 = 1 << 20;

/// The settings of a raft-rs node. Times are counted in ticks.
#[derive(Clone)]
pub struct RaftRsSettings {
    pub(super) ticks: Ticks,
    pub(super) config: Config,
    /// How a membership change is carried out.
    pub(super) transition: ConfChangeTransition,
    /// Whether a leader that is no voter any more goes on leading, as the library leaves it.
    pub(super) removed_leader_stays: bool,
    /// Whether the library's clock goes on while a snapshot is written and applied.
    pub(super) ticks_while_restoring: bool,
    /// Whether the library's own draws of election timeouts stay in force: then no run can be repeated.
    pub(super) leak_rng: bool,
}

impl RaftRsSettings {
    /// Whether reads rest on a lease.
    pub(super) fn reads_by_lease(&self) -> bool {
        self.config.read_only_option == ReadOnlyOption::LeaseBased
    }
}

impl fmt::Debug for RaftRsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = &self.config;
        let (from, before) = (config.min_election_tick(), config.max_election_tick());
        write!(
            f,
            "tick {} ns, heartbeat {} ticks, election {from}..{before} ticks",
            self.ticks.span, config.heartbeat_tick
        )
    }
}

pub(super) fn read(common: &Settings) -> Result<RaftRsSettings, BadSetting> {
    let mut settings = timing(common)?;
    let mut stickiness = None;
    for (name, value) in &common.options {
        if name == "stickiness" {
            stickiness = Some(value.switch(name)?);
        } else {
            read_option(&mut settings, name, value)?;
        }
    }
    if stickiness.is_some_and(|sticky| sticky != settings.config.check_quorum) {
        return Err(BadSetting::new("stickiness", "the same as check-quorum: in raft-rs the two are one"));
    }
    settings.config.id = 1;
    settings
        .config
        .validate()
        .map_err(|error| BadSetting::new("raft-rs", &format!("a valid configuration: {error}")))?;
    Ok(settings)
}

fn no_priority(common: &Settings) -> Result<(), BadSetting> {
    if common.priority.is_empty() {
        Ok(())
    } else {
        Err(BadSetting::new("priority", "no priority, for raft-rs"))
    }
}

fn timing(common: &Settings) -> Result<RaftRsSettings, BadSetting> {
    no_priority(common)?;
    let ticks = Ticks::of(common)?;
    let config = Config {
        heartbeat_tick: ticks.heartbeat as usize,
        election_tick: ticks.election_min as usize,
        min_election_tick: ticks.election_min as usize,
        max_election_tick: ticks.election_before as usize,
        pre_vote: true,
        check_quorum: true,
        max_size_per_msg: MESSAGE_BYTES,
        max_uncommitted_size: NO_LIMIT,
        ..Config::default()
    };
    Ok(RaftRsSettings {
        ticks,
        config,
        transition: ConfChangeTransition::Auto,
        removed_leader_stays: false,
        ticks_while_restoring: false,
        leak_rng: false,
    })
}

fn read_option(settings: &mut RaftRsSettings, name: &str, value: &OptionValue) -> Result<(), BadSetting> {
    let config = &mut settings.config;
    match name {
        "pre-vote" => config.pre_vote = value.switch(name)?,
        "check-quorum" => config.check_quorum = value.switch(name)?,
        "reads" => {
            let words = [("read-index", ReadOnlyOption::Safe), ("lease", ReadOnlyOption::LeaseBased)];
            config.read_only_option = value.word(name, &words, "read-index or lease")?;
        }
        "batch-append" => config.batch_append = value.switch(name)?,
        "skip-commit-broadcast" => config.skip_bcast_commit = value.switch(name)?,
        "lease-reads" if value.switch(name)? => config.read_only_option = ReadOnlyOption::LeaseBased,
        "lease-reads" => config.read_only_option = ReadOnlyOption::Safe,
        "removed-leader-stays" => settings.removed_leader_stays = value.switch(name)?,
        "ticks-while-restoring" => settings.ticks_while_restoring = value.switch(name)?,
        "leak-rng" => settings.leak_rng = value.switch(name)?,
        "message-bytes-max" => config.max_size_per_msg = value.count(name)?,
        "inflight-messages-max" => config.max_inflight_msgs = value.count(name)? as usize,
        // 0 bytes is the library's way to say: one entry.
        "batch-entries-max" if *value == OptionValue::Number(1) => config.max_size_per_msg = 0,
        "batch-entries-max" => {
            return Err(BadSetting::new(name, "1, or message-bytes-max: raft-rs counts bytes"));
        }
        "transition" => {
            let words = [
                ("auto", ConfChangeTransition::Auto),
                ("implicit", ConfChangeTransition::Implicit),
                ("explicit", ConfChangeTransition::Explicit),
            ];
            settings.transition = value.word(name, &words, "auto, implicit or explicit")?;
        }
        _ => return Err(BadSetting::unknown(name, &OPTIONS)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(options: &[(&str, OptionValue)]) -> Result<RaftRsSettings, BadSetting> {
        read(&Settings::usual(options))
    }

    #[test]
    fn options_are_read_and_nonsense_is_refused() {
        let one = settings(&[("batch-entries-max", OptionValue::Number(1))]).unwrap();
        assert_eq!(one.config.max_size_per_msg, 0);
        let error = settings(&[("stickiness", OptionValue::Switch(false))]).unwrap_err();
        assert!(error.expected.contains("check-quorum"));
        let error = settings(&[("no-such", OptionValue::Switch(false))]).unwrap_err();
        assert!(error.expected.contains("pre-vote"));
        let off = [("check-quorum", OptionValue::Switch(false)), ("lease-reads", OptionValue::Switch(true))];
        assert!(settings(&off).unwrap_err().expected.contains("check_quorum"));
    }
}
