//! Each checker accepts an innocent story and objects to one that breaks its promise, with evidence.

use std::collections::BTreeSet;

use super::quiescence::{Exchange, Rest, Sent};
use super::{Checkers, Disks, Glance, Seen, Step, Violation};
use crate::names::Names;
use crate::protocol::{EntryMark, Epoch, Inspect, NodeId, QuorumSets, Shown};
use crate::scenario::Property;
use crate::time::Moment;

/// A node that shows whatever a test wants it to show.
#[derive(Clone, Default)]
struct Puppet {
    epoch: u64,
    leads: bool,
    commit: u64,
    applied: u64,
    /// Epoch and payload of each entry from index 1 on.
    log: Vec<(u64, u64)>,
}

impl Inspect for Puppet {
    fn epoch(&self) -> Epoch {
        Epoch(self.epoch)
    }
    fn leads(&self) -> bool {
        self.leads
    }
    fn role(&self) -> &'static str {
        "puppet"
    }
    fn commit(&self) -> u64 {
        self.commit
    }
    fn applied(&self) -> u64 {
        self.applied
    }
    fn last(&self) -> u64 {
        self.log.len() as u64
    }
    fn mark(&self, index: u64) -> Option<EntryMark> {
        let &(epoch, digest) = self.log.get(usize::try_from(index.checked_sub(1)?).ok()?)?;
        Some(EntryMark { epoch: Epoch(epoch), digest })
    }
    fn quorums(&self) -> QuorumSets {
        vec![BTreeSet::from([0, 1, 2].map(NodeId))]
    }
    fn learners(&self) -> BTreeSet<NodeId> {
        BTreeSet::new()
    }
    fn describe(&self) -> String {
        String::new()
    }
}

/// Three puppets, their disks, and what the checkers said.
struct Stage {
    checkers: Checkers,
    shown: [Glance; 3],
    disks: [Puppet; 3],
    event: u64,
    found: Vec<Violation>,
}

impl Disks for [Puppet; 3] {
    fn mark(&self, node: NodeId, index: u64) -> Option<EntryMark> {
        Inspect::mark(&self[node.0 as usize], index)
    }
    fn covers(&self, _: NodeId, _: u64) -> bool {
        false
    }
}

impl Stage {
    fn new() -> Stage {
        let disks = [0, 1, 2].map(|_| Puppet::default());
        Stage {
            checkers: Checkers::default(),
            shown: [Glance::default(); 3],
            disks,
            event: 0,
            found: Vec::new(),
        }
    }

    /// Shows a node to the checkers; what it shows is on its disk as well, unless `durable` is false.
    fn show_as(&mut self, node: u32, puppet: &Puppet, changed: Option<u64>, durable: bool) {
        self.event += 1;
        if durable {
            self.disks[node as usize] = puppet.clone();
        }
        let now = Glance::of(puppet);
        let step = Step {
            node: NodeId(node),
            seen: Seen { event: self.event, at: Moment(self.event), record: None },
            before: self.shown[node as usize],
            now,
            log_changed_from: changed,
            state: puppet,
            disks: &self.disks,
        };
        let names = Names::new(["a", "b", "c"].map(str::to_owned).to_vec(), 0);
        self.checkers.on_step(&step, &names, &mut self.found);
        self.shown[node as usize] = now;
    }

    fn show(&mut self, node: u32, puppet: &Puppet, changed: Option<u64>) {
        self.show_as(node, puppet, changed, true);
    }

    #[track_caller]
    fn holds(&self) {
        assert_eq!(self.found, []);
    }

    /// Exactly this promise is broken, and the evidence names the nodes.
    #[track_caller]
    fn breaks(&self, property: Property, names: &[&str]) {
        let found: Vec<Property> = self.found.iter().map(|violation| violation.property).collect();
        assert_eq!(found, [property], "{:?}", self.found);
        let violation = &self.found[0];
        assert_eq!(violation.evidence.len(), 2);
        for name in names {
            let told = violation.evidence.iter().any(|(_, line)| line.split(' ').any(|word| word == *name));
            assert!(told, "{name} is not in {violation:?}");
        }
    }
}

fn leader(epoch: u64, log: &[(u64, u64)]) -> Puppet {
    Puppet { epoch, leads: true, log: log.to_vec(), ..Puppet::default() }
}

fn follower(epoch: u64, log: &[(u64, u64)]) -> Puppet {
    Puppet { leads: false, ..leader(epoch, log) }
}

const LOG: [(u64, u64); 3] = [(1, 10), (1, 11), (2, 12)];

/// What three nodes show in an ordinary run: two reigns, an overwritten tail, commits.
fn innocent() -> Stage {
    let mut stage = Stage::new();
    stage.show(0, &leader(1, &LOG[..2]), Some(1));
    stage.show(1, &follower(1, &LOG[..1]), Some(1));
    stage.show(2, &follower(1, &LOG[..1]), Some(1));
    stage.show(0, &Puppet { commit: 1, applied: 1, ..leader(1, &LOG[..2]) }, None);
    stage.show(0, &Puppet { commit: 1, applied: 1, ..follower(2, &LOG[..2]) }, None);
    stage.show(1, &leader(2, &[(1, 10), (2, 20)]), Some(2));
    stage.show(0, &Puppet { commit: 1, applied: 1, ..follower(2, &[(1, 10), (2, 20)]) }, Some(2));
    stage.show(1, &Puppet { commit: 2, ..leader(2, &[(1, 10), (2, 20)]) }, None);
    stage
}

#[test]
fn an_innocent_story_is_accepted() {
    innocent().holds();
}

#[test]
fn what_is_not_shown_is_not_judged_and_said_to_be() {
    let told = |shown: &[Shown]| -> Vec<(Property, Shown)> {
        Checkers::not_judged(shown).iter().map(|promise| (promise.property, promise.lacks)).collect()
    };
    assert_eq!(told(&Shown::ALL), []);
    let no_epochs = [Shown::Leaders, Shown::Reigns, Shown::Log, Shown::Disk, Shown::Quorums];
    assert_eq!(told(&no_epochs), [(Property::LogMatching, Shown::EntryEpochs)]);
    assert!(told(&[]).iter().all(|&(property, _)| property != Property::StateMachineSafety));
    // Two lead in one epoch, and epochs fall: nobody was told that either is forbidden.
    let mut stage = Stage::new();
    stage.checkers = Checkers::of(&[Shown::Log]);
    stage.show(0, &leader(2, &LOG[..1]), Some(1));
    stage.show(1, &leader(2, &LOG[..1]), Some(1));
    stage.show(1, &leader(1, &LOG[..1]), None);
    stage.holds();
    // What is committed is judged all the same.
    stage.show(0, &Puppet { commit: 1, applied: 1, ..leader(2, &[(1, 10)]) }, None);
    stage.show(1, &Puppet { commit: 1, applied: 1, ..leader(2, &[(1, 99)]) }, Some(1));
    stage.breaks(Property::StateMachineSafety, &["a", "b"]);
}

#[test]
fn election_safety_objects_to_a_second_leader_of_an_epoch() {
    let mut stage = innocent();
    stage.show(2, &leader(2, &[(1, 10), (2, 20)]), Some(2));
    stage.breaks(Property::ElectionSafety, &["b", "c"]);
}

#[test]
fn leader_append_only_objects_to_a_leader_that_cuts_its_log() {
    let mut stage = Stage::new();
    stage.show(0, &leader(1, &LOG[..2]), Some(1));
    stage.show(0, &leader(1, &LOG[..1]), Some(2));
    stage.breaks(Property::LeaderAppendOnly, &["a"]);
}

#[test]
fn log_matching_objects_to_different_payloads_of_one_index_and_epoch() {
    let mut stage = innocent();
    stage.show(2, &follower(2, &[(1, 10), (2, 99)]), Some(2));
    stage.breaks(Property::LogMatching, &["b", "c"]);
}

#[test]
fn log_matching_objects_to_different_entries_before_an_equal_one() {
    let mut stage = Stage::new();
    stage.show(0, &follower(3, &[(1, 10), (3, 30)]), Some(1));
    stage.show(1, &follower(3, &[(2, 20), (3, 30)]), Some(1));
    stage.breaks(Property::LogMatching, &["a", "b"]);
}

#[test]
fn leader_completeness_objects_to_a_leader_without_a_committed_entry() {
    let mut stage = innocent();
    stage.show(2, &leader(3, &[(1, 10), (1, 11)]), Some(2));
    stage.breaks(Property::LeaderCompleteness, &["b", "c"]);
}

#[test]
fn leader_completeness_goes_by_the_epoch_of_the_entry_where_a_node_does_not_know_it_yet() {
    let mut stage = Stage::new();
    stage.show(0, &leader(5, &[(5, 50)]), Some(1));
    stage.show(1, &follower(1, &[(5, 50)]), Some(1));
    stage.show(1, &Puppet { commit: 1, ..follower(1, &[(5, 50)]) }, None);
    stage.show(2, &leader(4, &[]), None);
    stage.holds();
}

#[test]
fn leader_completeness_owes_nothing_to_later_epochs() {
    let mut stage = Stage::new();
    stage.show(0, &leader(5, &[(5, 50)]), Some(1));
    stage.show(1, &follower(5, &[(5, 50)]), Some(1));
    stage.show(0, &Puppet { commit: 1, ..leader(5, &[(5, 50)]) }, None);
    stage.show(2, &leader(4, &[]), None);
    stage.holds();
}

#[test]
fn state_machine_safety_objects_to_two_entries_committed_at_one_index() {
    let mut stage = innocent();
    stage.show(2, &Puppet { commit: 2, ..follower(2, &[(1, 10), (1, 11)]) }, Some(1));
    stage.breaks(Property::StateMachineSafety, &["b", "c"]);
}

#[test]
fn state_machine_safety_objects_to_two_states_at_one_index() {
    let mut stage = innocent();
    let names = Names::new(["a", "b", "c"].map(str::to_owned).to_vec(), 0);
    let mut show = |node: u32, through: u64, digest: u64| {
        let who = (NodeId(node), Seen { event: 9, at: Moment(9), record: None });
        stage.checkers.on_state(who, through, digest, &names, &mut stage.found);
    };
    show(0, 1, 7);
    show(1, 2, 8);
    show(1, 1, 7);
    assert_eq!(stage.found, []);
    let who = (NodeId(2), Seen { event: 9, at: Moment(9), record: None });
    stage.checkers.on_state(who, 2, 9, &names, &mut stage.found);
    stage.breaks(Property::StateMachineSafety, &["b", "c"]);
}

#[test]
fn commit_durability_lets_a_leader_know_again_what_it_knew_before_it_restarted() {
    let mut stage = Stage::new();
    stage.show(0, &leader(1, &LOG[..1]), Some(1));
    stage.show(1, &follower(1, &LOG[..1]), Some(1));
    stage.show(0, &Puppet { commit: 1, ..leader(1, &LOG[..1]) }, None);
    stage.show(1, &Puppet { commit: 1, ..follower(1, &LOG[..1]) }, None);
    stage.checkers.on_crash(NodeId(1));
    stage.shown[1] = Glance::default();
    // Other voters might be in force by then; here one of them has lost its disk.
    stage.disks[0] = Puppet::default();
    stage.show(1, &leader(2, &LOG[..1]), None);
    stage.show(1, &Puppet { commit: 1, ..leader(2, &LOG[..1]) }, None);
    stage.holds();
}

#[test]
fn commit_durability_objects_to_a_commit_that_a_minority_has_on_disk() {
    let mut stage = Stage::new();
    stage.show(0, &leader(1, &LOG[..1]), Some(1));
    stage.show_as(1, &follower(1, &LOG[..1]), Some(1), false);
    stage.show(0, &Puppet { commit: 1, ..leader(1, &LOG[..1]) }, None);
    stage.breaks(Property::CommitDurability, &["a"]);
}

#[test]
fn monotonicity_objects_to_an_epoch_or_commit_that_falls_and_to_early_application() {
    let bad = [
        Puppet { commit: 1, applied: 1, ..follower(1, &LOG) },
        Puppet { commit: 0, applied: 0, ..follower(2, &LOG) },
        Puppet { commit: 1, applied: 2, ..follower(2, &LOG) },
    ];
    for puppet in bad {
        let mut stage = Stage::new();
        stage.show(0, &Puppet { commit: 1, applied: 1, ..follower(2, &LOG) }, Some(1));
        stage.show(0, &puppet, None);
        stage.breaks(Property::Monotonicity, &[]);
    }
}

/// A message of `a` to `b` that so many led to.
fn say(stage: &mut Stage, before: u64, log: u64) {
    let names = Names::new(["a", "b", "c"].map(str::to_owned).to_vec(), 0);
    let seen = Seen { event: 100 + before, at: Moment(100 + before), record: None };
    let exchange = Exchange { before, since: Seen { event: 1, at: Moment(1), record: None } };
    let sent = Sent { from: NodeId(0), to: NodeId(1), seen, exchange, log, message: "no" };
    stage.checkers.on_send(&sent, &names, &mut stage.found);
}

#[test]
fn quiescence_objects_once_to_talk_by_which_nobody_gains_anything() {
    let mut stage = innocent();
    say(&mut stage, 64, 0);
    say(&mut stage, 164, 50);
    stage.holds();
    say(&mut stage, 165, 50);
    stage.breaks(Property::Quiescence, &["a", "b"]);
    say(&mut stage, 166, 50);
    stage.breaks(Property::Quiescence, &["a", "b"]);
}

/// Two intervals in which a cluster had nothing to do.
fn at_rest(sent: &[Vec<u64>], talkative: Option<(NodeId, u64)>) -> Rest<'_> {
    let seen = |event| Seen { event, at: Moment(event), record: None };
    Rest { since: seen(5), seen: seen(9), intervals: 2, interval: 50, allowed: 8, sent, talkative }
}

#[test]
fn quiescence_objects_to_a_node_that_is_not_silent_when_there_is_nothing_to_do() {
    let names = Names::new(["a", "b", "c"].map(str::to_owned).to_vec(), 0);
    let mut stage = innocent();
    let mut rest = |count: u64, talkative| {
        let sent = vec![vec![0, 1, 1], vec![1, 0, 0], vec![1, count, 0]];
        let rest = at_rest(&sent, talkative);
        stage.checkers.on_rest(&rest, &names, &mut stage.found);
    };
    rest(16, None);
    rest(17, None);
    stage.breaks(Property::Quiescence, &["b", "c"]);
}

#[test]
fn quiescence_objects_to_a_node_that_takes_part_no_longer_and_speaks() {
    let names = Names::new(["a", "b"].map(str::to_owned).to_vec(), 0);
    let mut stage = innocent();
    for talkative in [None, Some((NodeId(1), 3))] {
        let sent = vec![vec![0, 1], vec![1, 0]];
        let rest = at_rest(&sent, talkative);
        stage.checkers.on_rest(&rest, &names, &mut stage.found);
    }
    stage.breaks(Property::Quiescence, &["b"]);
}
