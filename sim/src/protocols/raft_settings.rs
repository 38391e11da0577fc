//! A scenario's settings as the core's.
//!
//! Holds: every option has the name of the core's field, in kebab case; unknown ones are refused with those there are.
//! Not here: what the settings mean (`splitbrain_core::Config`).

use splitbrain_core::{Config, Intersect, JointFinish, NodeId, ReadsBy, Rules, Within};

use crate::protocol::{BadSetting, OptionValue, Settings};

/// Every option.
const OPTIONS: [&str; 21] = [
    "pre-vote",
    "check-quorum",
    "stickiness",
    "reads",
    "drift-max-ppm",
    "follower-reads",
    "batch-entries-max",
    "batch-bytes-max",
    "inflight-entries-max",
    "inflight-bytes-max",
    "uncommitted-bytes-max",
    "snapshot-chunk-bytes-max",
    "trailing-entries",
    "joint-finish",
    "intersect",
    "learner-may-lead",
    "majority-add",
    "shutdown-on-remove",
    "replication-lag-threshold",
    "staging-timeout",
    "staging-gap",
];

/// The settings of a cluster of Rafts: of every node, but for who it is and its priority.
#[derive(Clone, Debug)]
pub struct RaftSettings {
    config: Config,
    /// Most wanted first.
    priority: Vec<NodeId>,
}

impl RaftSettings {
    /// The settings of a node.
    #[must_use]
    pub fn of(&self, id: NodeId) -> Config {
        let place = self.priority.iter().position(|other| *other == id);
        let priority = place.map_or(0, |place| (self.priority.len() - place) as u32);
        Config { id, priority, ..self.config }
    }
}

pub(super) fn read(common: &Settings) -> Result<RaftSettings, BadSetting> {
    let priority = common.priority.iter().map(|id| NodeId(id.0)).collect();
    Ok(RaftSettings { config: read_config(common)?, priority })
}

fn read_config(common: &Settings) -> Result<Config, BadSetting> {
    let mut config = Config::new(NodeId(0));
    config.election = Within { min: common.election.min, max: common.election.max };
    config.heartbeat = common.heartbeat;
    for name in &common.rules_off {
        config.rules = config.rules.without_named(name).map_err(|_| BadSetting::new(name, &known_rules()))?;
    }
    for (name, value) in &common.options {
        read_option(&mut config, name, value)?;
    }
    if config.reads == ReadsBy::Lease && !config.stickiness {
        return Err(BadSetting::new("stickiness", "true, because `reads = \"lease\"` relies on it"));
    }
    Ok(config)
}

fn known_rules() -> String {
    let names: Vec<&str> = Rules::ALL.iter().map(|info| info.name).collect();
    format!("one of the rules {}", names.join(", "))
}

fn read_option(config: &mut Config, name: &str, value: &OptionValue) -> Result<(), BadSetting> {
    match name {
        "pre-vote" => config.pre_vote = value.switch(name)?,
        "check-quorum" => config.check_quorum = value.switch(name)?,
        "stickiness" => config.stickiness = value.switch(name)?,
        "learner-may-lead" => config.learner_may_lead = value.switch(name)?,
        "majority-add" => config.majority_add = value.switch(name)?,
        "shutdown-on-remove" => config.shutdown_on_remove = value.switch(name)?,
        "follower-reads" => config.follower_reads = value.switch(name)?,
        "drift-max-ppm" => config.drift_max_ppm = value.count(name)?,
        "reads" => {
            let words = [("read-index", ReadsBy::ReadIndex), ("lease", ReadsBy::Lease)];
            config.reads = value.word(name, &words, "read-index or lease")?;
        }
        "batch-entries-max" => config.batch_entries_max = value.count(name)?,
        "inflight-entries-max" => config.inflight_entries_max = value.count(name)?,
        "batch-bytes-max" => config.batch_bytes_max = value.count(name)?,
        "inflight-bytes-max" => config.inflight_bytes_max = value.count(name)?,
        "snapshot-chunk-bytes-max" => config.snapshot_chunk_bytes_max = value.count(name)?,
        "trailing-entries" => config.trailing_entries = value.number(name)?,
        "uncommitted-bytes-max" => config.uncommitted_bytes_max = value.count(name)?,
        "replication-lag-threshold" => config.replication_lag_threshold = value.count(name)?,
        "staging-gap" => config.staging_gap = value.count(name)?,
        "staging-timeout" => config.staging_timeout = value.time(name)?,
        "joint-finish" => {
            let words = [("leave", JointFinish::Leave), ("finish", JointFinish::Finish)];
            config.joint_finish = value.word(name, &words, "leave or finish")?;
        }
        "intersect" => {
            let words = [("shared", Intersect::Shared), ("exact", Intersect::Exact)];
            config.intersect = value.word(name, &words, "shared or exact")?;
        }
        #[cfg(feature = "mutations")]
        "mutation" if is_of_the_machine(value) => {}
        #[cfg(feature = "mutations")]
        "mutation" => {
            let given = match value {
                OptionValue::Word(given) => splitbrain_core::Mutation::named(given),
                OptionValue::Switch(_) | OptionValue::Number(_) | OptionValue::Time(_) => None,
            };
            config.mutation = Some(given.ok_or_else(|| BadSetting::new(name, "the name of a mutation"))?);
        }
        _ => return Err(BadSetting::unknown(name, &OPTIONS)),
    }
    Ok(())
}

/// Whether a mutation is one of the state machine, which the world makes.
#[cfg(feature = "mutations")]
fn is_of_the_machine(value: &OptionValue) -> bool {
    match value {
        OptionValue::Word(name) => crate::machine::mutation::MachineMutation::named(name).is_some(),
        OptionValue::Switch(_) | OptionValue::Number(_) | OptionValue::Time(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Within;

    fn settings(rule: Option<&str>, option: Option<(&str, OptionValue)>) -> Settings {
        Settings {
            election: Within { min: 10, max: 20 },
            heartbeat: 3,
            priority: vec![crate::protocol::NodeId(2), crate::protocol::NodeId(0)],
            rules_off: rule.map(str::to_owned).into_iter().collect(),
            ..Settings::usual(option.as_slice())
        }
    }

    #[test]
    fn times_rules_and_options_are_read() {
        let option = ("joint-finish", OptionValue::Word("finish".to_owned()));
        let settings = read(&settings(Some("initial-log"), Some(option))).unwrap();
        let config = settings.of(NodeId(2));
        assert_eq!([0, 1, 2].map(|id| settings.of(NodeId(id)).priority), [1, 0, 2]);
        assert_eq!((config.election.min, config.election.max, config.heartbeat), (10, 20, 3));
        assert_eq!(config.joint_finish, JointFinish::Finish);
        assert!(!config.rules.keep(splitbrain_core::Rule::InitialLog));
    }

    #[test]
    fn what_is_not_known_is_refused_with_what_is() {
        let error = read(&settings(Some("final-log"), None)).unwrap_err();
        assert_eq!(error.name, "final-log");
        assert!(error.expected.contains("initial-log"));
        let error = read(&settings(None, Some(("prevote", OptionValue::Switch(true))))).unwrap_err();
        assert!(error.expected.contains("pre-vote"));
        let error = read(&settings(None, Some(("pre-vote", OptionValue::Number(1))))).unwrap_err();
        assert_eq!(error.expected, "true or false");
        let error = read(&settings(None, Some(("batch-entries-max", OptionValue::Number(0))))).unwrap_err();
        assert_eq!(error.expected, "a whole number of at least 1");
    }

    #[test]
    fn leases_need_stickiness() {
        let mut settings = settings(None, Some(("reads", OptionValue::Word("lease".to_owned()))));
        assert_eq!(read(&settings).unwrap().config.reads, ReadsBy::Lease);
        settings.options.insert("stickiness".to_owned(), OptionValue::Switch(false));
        assert_eq!(read(&settings).unwrap_err().name, "stickiness");
    }
}
