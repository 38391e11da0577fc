//! What differs from system to system: its own settings, and worlds made for what it is known to do.
//!
//! Holds: a setting that rests on clocks is drawn for timed worlds only; which of the tastes below a system has stands beside
//! it (`built_in`), and nothing here asks for its name.
//! Not here: the worlds that all systems share.

use std::collections::{BTreeMap, BTreeSet};

use super::brief::Theme;
use super::correlated::Correlated;
use super::{Draw, MS, SECOND, addresses, around, ids, ms, nodes, percent};
use crate::protocol::{NodeId, OptionValue};
use crate::scenario::{
    Aim, Cluster, Cue, Nemesis, NemesisKind, Network, NodeFault, Operator, ReadsAt, Scenario, Schedule,
    Shape, Step, When, Workload,
};

/// What the worlds of a system have beside what all systems share.
#[derive(Clone, Copy)]
pub(crate) struct Taste {
    /// Gives a world the system's own settings and hardships.
    suit: fn(&mut Draw, &mut Scenario, Option<Theme>),
    /// The same for a hardship of several parts, where that differs.
    suit_correlated: Option<fn(&mut Draw, &mut Scenario, &Correlated)>,
    /// Whether the system keeps its own time, and so needs more events for as much to happen.
    keeps_time: bool,
}

impl Taste {
    /// Nothing of its own.
    pub(crate) const SHARED: Taste = Taste { suit: |_, _, _| {}, suit_correlated: None, keeps_time: true };
    /// The Raft of this project.
    pub(crate) const RAFT: Taste =
        Taste { suit: Draw::suit_raft, suit_correlated: Some(Draw::suit_raft_correlated), keeps_time: false };
    /// raft-rs.
    #[cfg_attr(not(feature = "raft-rs"), allow(dead_code, reason = "only that feature has the system"))]
    pub(crate) const RAFT_RS: Taste =
        Taste { suit: |draw, scenario, _| draw.suit_raft_rs(scenario), ..Taste::SHARED };
    /// The Raft of etcd.
    #[cfg_attr(not(feature = "guests"), allow(dead_code, reason = "only that feature has the system"))]
    pub(crate) const ETCD_RAFT: Taste =
        Taste { suit: |draw, scenario, _| draw.suit_etcd_raft(scenario), ..Taste::SHARED };
    /// The Raft of HashiCorp.
    #[cfg_attr(not(feature = "guests"), allow(dead_code, reason = "only that feature has the system"))]
    pub(crate) const HASHICORP_RAFT: Taste = Taste {
        suit: |draw, scenario, _| {
            scenario.cluster.options = draw.hashicorp_raft_options();
            simplify(scenario);
        },
        ..Taste::SHARED
    };
    /// Raft as its paper has it: nobody learns, and nobody comes or goes.
    #[cfg_attr(not(feature = "guests"), allow(dead_code, reason = "only that feature has the system"))]
    pub(crate) const PLAIN_RAFT: Taste = Taste {
        suit: |_, scenario, _| {
            simplify(scenario);
            let learners = std::mem::take(&mut scenario.cluster.learners);
            scenario.cluster.spare.extend(learners);
            scenario.cluster.snapshot_every = None;
        },
        ..Taste::SHARED
    };
    /// openraft 0.10.
    #[cfg_attr(not(feature = "openraft"), allow(dead_code, reason = "only that feature has the system"))]
    pub(crate) const OPENRAFT: Taste = Taste {
        suit: |draw, scenario, _| {
            scenario.cluster.options = draw.openraft_options();
            draw.suit_openraft(scenario);
        },
        ..Taste::SHARED
    };
    /// openraft 0.9, which knows none of those settings.
    #[cfg_attr(not(feature = "openraft-0-9"), allow(dead_code, reason = "only that feature has the system"))]
    pub(crate) const OPENRAFT_0_9: Taste =
        Taste { suit: |draw, scenario, _| draw.suit_openraft(scenario), ..Taste::SHARED };
}

fn owes_agreement(scenario: &Scenario) -> bool {
    scenario.steps.iter().any(|step| matches!(step, Step::Converge { .. }))
}

fn changes_members(scenario: &Scenario) -> bool {
    let changes = |operator| match operator {
        Operator::Membership | Operator::SingleServer | Operator::LeaveJoint | Operator::Removal => true,
        Operator::Transfer | Operator::Snapshot | Operator::Address | Operator::ForeignAddress => false,
    };
    scenario
        .nemeses
        .iter()
        .any(|nemesis| matches!(nemesis.kind, NemesisKind::Operate { operator } if changes(operator)))
}

/// A removed server that nobody told disturbs for ever where nothing keeps it from doing so (thesis 4.2.3).
fn free_of_the_removed(scenario: &mut Scenario) {
    for name in ["stickiness", "pre-vote"] {
        scenario.cluster.options.remove(name);
    }
}

/// Leaves the first set of a joint config: some have no other.
fn simplify(scenario: &mut Scenario) {
    let cluster = &mut scenario.cluster;
    for set in cluster.members.split_off(1) {
        cluster.spare.extend(set.difference(&cluster.members[0]));
    }
}

/// A library that keeps its own time spends many events on its clock.
fn lengthen(scenario: &mut Scenario) {
    let timed = scenario.schedule == Schedule::Timed;
    for step in &mut scenario.steps {
        if let Step::Events { count } = step {
            *count = if timed { (*count).max(4_000) } else { *count * 3 };
        }
    }
}

/// Lets time order a world, which heals and agrees after its hardship.
fn timed_and_healed(scenario: &mut Scenario) {
    let within = 60 * scenario.cluster.election.max + 600 * SECOND;
    scenario.schedule = Schedule::Timed;
    scenario.steps = vec![Step::Events { count: 4_000 }, Step::Heal, Step::Converge { within }];
}

impl Draw {
    /// Gives a world what a system needs.
    pub(super) fn suit(&mut self, scenario: &mut Scenario, taste: &Taste, theme: Option<Theme>) {
        (taste.suit)(self, scenario, theme);
        if theme.is_some() && taste.keeps_time {
            lengthen(scenario);
        }
    }

    /// Gives a world of a correlated hardship what a system needs.
    pub(super) fn suit_correlated(&mut self, scenario: &mut Scenario, taste: &Taste, theme: &Correlated) {
        if let Some(suit) = taste.suit_correlated {
            return suit(self, scenario, theme);
        }
        self.suit(scenario, taste, None);
        lengthen(scenario);
    }

    fn suit_raft_correlated(&mut self, scenario: &mut Scenario, theme: &Correlated) {
        theme.suit_raft(self, scenario);
        if owes_agreement(scenario) && changes_members(scenario) {
            free_of_the_removed(scenario);
        }
    }

    fn suit_raft(&mut self, scenario: &mut Scenario, theme: Option<Theme>) {
        scenario.cluster.options = self.raft_options(theme);
        let changes = owes_agreement(scenario) && changes_members(scenario);
        let tells = match theme {
            Some(Theme::Removals) => !self.one_in(4),
            // Whoever takes a peer back that was shut down has to start it: nobody does here.
            _ => self.one_in(4) && !changes,
        };
        if tells {
            let name = String::from("shutdown-on-remove");
            scenario.cluster.options.insert(name, OptionValue::Switch(true));
        }
        if changes && !tells {
            free_of_the_removed(scenario);
        }
        let timed = scenario.schedule == Schedule::Timed;
        if timed {
            scenario.cluster.priority = self.priority(&scenario.cluster);
        }
        if theme == Some(Theme::Leases) || timed && self.one_in(2) {
            self.leases(scenario);
        }
        if theme.is_none() && self.one_in(4) {
            let kind = NemesisKind::Operate { operator: Operator::ForeignAddress };
            let nemesis = self.nemesis(kind, scenario.cluster.election.max);
            scenario.nemeses.push(nemesis);
        }
    }

    fn suit_raft_rs(&mut self, scenario: &mut Scenario) {
        scenario.cluster.options = self.raft_rs_options();
        // Its leases need the check of the quorum; whatever rests on clocks needs time.
        if scenario.schedule == Schedule::Timed && self.one_in(2) {
            self.raft_rs_leases(scenario);
        }
    }

    fn suit_etcd_raft(&mut self, scenario: &mut Scenario) {
        let simple = scenario.cluster.members.len() == 1;
        scenario.cluster.options = self.etcd_raft_options(simple);
        if scenario.schedule == Schedule::Timed && self.one_in(2) {
            self.raft_rs_leases(scenario);
        }
    }

    fn suit_openraft(&mut self, scenario: &mut Scenario) {
        if self.one_in(4) {
            self.abandoned_joint(scenario);
        } else if self.one_in(6) {
            self.moving_nodes(scenario);
        } else if self.one_in(8) {
            self.mistaken_address(scenario);
        }
        // What rests on clocks needs time.
        if scenario.schedule != Schedule::Timed {
            scenario.cluster.options.remove("read-policy");
        }
    }

    /// In some seeds, one voter should rather lead, or two.
    fn priority(&mut self, cluster: &Cluster) -> Vec<NodeId> {
        let voters: Vec<NodeId> = cluster.members[0].iter().copied().collect();
        let wanted = self.pick(&[0, 0, 0, 1, 2]);
        let first = self.below(voters.len() as u64) as usize;
        voters.iter().cycle().skip(first).take(wanted.min(voters.len())).copied().collect()
    }

    pub(super) fn raft_options(&mut self, theme: Option<Theme>) -> BTreeMap<String, OptionValue> {
        let mut options = BTreeMap::new();
        let mut set = |name: &str, value| options.insert(name.to_owned(), value);
        // What keeps elections rare hides what goes wrong in them: most brief worlds are as plain as the paper's.
        let plain = match theme {
            Some(Theme::Healing) => self.one_in(4),
            None => self.one_in(2),
            Some(_) => !self.one_in(8),
        };
        for name in ["pre-vote", "check-quorum", "stickiness"] {
            if plain || self.one_in(4) {
                set(name, OptionValue::Switch(false));
            }
        }
        if self.one_in(2) {
            set("follower-reads", OptionValue::Switch(true));
        }
        set("inflight-entries-max", OptionValue::Number(self.pick(&[8, 64, 256])));
        let batches: &[u64] = if theme.is_some() { &[1, 1, 1, 64, 2] } else { &[64, 2, 1] };
        set("batch-entries-max", OptionValue::Number(self.pick(batches)));
        // A command of the workload has 33 bytes.
        let one_byte_in = if theme.is_some() { 6 } else { 2 };
        for name in ["inflight-bytes-max", "batch-bytes-max"] {
            let most = if self.one_in(one_byte_in) { self.pick(&[20, 100]) } else { 1 << 20 };
            set(name, OptionValue::Number(most));
        }
        set("snapshot-chunk-bytes-max", OptionValue::Number(self.pick(&[1 << 20, 16, 64])));
        let trailing: &[u64] = if theme.is_some() { &[0, 0, 0, 2] } else { &[0, 0, 2, 20] };
        set("trailing-entries", OptionValue::Number(self.pick(trailing)));
        // A backlog that a slow network can carry before agreement is judged.
        set("uncommitted-bytes-max", OptionValue::Number(self.pick(&[4_096, 16_384, 16_384, 100])));
        let words = [("joint-finish", ["leave", "finish"]), ("intersect", ["shared", "exact"])];
        for (name, values) in words {
            set(name, OptionValue::Word(self.pick(&values).to_owned()));
        }
        options
    }

    /// Settings that etcd's raft and its port to Rust share. Of the switches, each is on one time in so many.
    fn options_of_etcd_and_its_port(&mut self, switches: &[(&str, u64)]) -> BTreeMap<String, OptionValue> {
        let mut options = BTreeMap::new();
        let mut set = |name: &str, value| options.insert(name.to_owned(), value);
        let plain = !self.one_in(3);
        if plain {
            set("check-quorum", OptionValue::Switch(false));
        }
        if plain || self.one_in(2) {
            set("pre-vote", OptionValue::Switch(false));
        }
        for &(name, one_in) in switches {
            if self.one_in(one_in) {
                set(name, OptionValue::Switch(true));
            }
        }
        if self.one_in(2) {
            set("batch-entries-max", OptionValue::Number(1));
        }
        options
    }

    /// Settings of raft-rs' own.
    fn raft_rs_options(&mut self) -> BTreeMap<String, OptionValue> {
        let mut options = self.options_of_etcd_and_its_port(&[
            ("batch-append", 2),
            ("skip-commit-broadcast", 4),
            ("removed-leader-stays", 16),
        ]);
        let mut set = |name: &str, value| options.insert(name.to_owned(), value);
        set("inflight-messages-max", OptionValue::Number(self.pick(&[256, 1, 4])));
        set("transition", OptionValue::Word(self.pick(&["auto", "implicit", "explicit"]).to_owned()));
        options
    }

    /// Settings of etcd's raft. The first form of its changes cannot leave a joint config, so `simple` worlds have it.
    fn etcd_raft_options(&mut self, simple: bool) -> BTreeMap<String, OptionValue> {
        let mut options = self.options_of_etcd_and_its_port(&[
            ("async-storage-writes", 2),
            ("follower-reads", 2),
            ("removed-leader-stays", 16),
        ]);
        let mut set = |name: &str, value| options.insert(name.to_owned(), value);
        if self.one_in(4) {
            set("uncommitted-bytes-max", OptionValue::Number(self.pick(&[4_096, 100])));
        }
        set("inflight-messages-max", OptionValue::Number(self.pick(&[256, 1, 4])));
        if simple && self.one_in(4) {
            set("conf-change", OptionValue::Word(String::from("v1")));
        } else {
            set("transition", OptionValue::Word(self.pick(&["auto", "implicit", "explicit"]).to_owned()));
        }
        options
    }

    /// Settings of HashiCorp's raft.
    fn hashicorp_raft_options(&mut self) -> BTreeMap<String, OptionValue> {
        let mut options = BTreeMap::new();
        let mut set = |name: &str, value| options.insert(name.to_owned(), value);
        if self.one_in(2) {
            set("pre-vote", OptionValue::Switch(false));
        }
        set("batch-entries-max", OptionValue::Number(self.pick(&[64, 1, 2])));
        set("trailing-entries", OptionValue::Number(self.pick(&[0, 2, 20])));
        options
    }

    /// Reads by lease at leaders that are cut off for longer than a lease, by clients who soon ask elsewhere.
    fn raft_rs_leases(&mut self, scenario: &mut Scenario) {
        let options = &mut scenario.cluster.options;
        options.remove("check-quorum");
        options.insert(String::from("lease-reads"), OptionValue::Switch(true));
        let election = scenario.cluster.election.max;
        let kind = NemesisKind::Partition { shape: Shape::LeaderAlone };
        let lasting = around(4 * election);
        scenario.nemeses = vec![Nemesis { kind, when: When::Every(around(4 * election)), lasting }];
        let reader = Workload { clients: 8, keys: 1, reads: percent(80), ..Workload::default() };
        scenario.workload = Some(Workload { timeout: 40 * MS, think: ms(5, 20), retries: 10, ..reader });
    }

    /// Settings of openraft's own. With its own default, most seeds would end in one and the same finding.
    fn openraft_options(&mut self) -> BTreeMap<String, OptionValue> {
        let mut options = BTreeMap::new();
        let mut set = |name: &str, value| options.insert(name.to_owned(), value);
        if !self.one_in(8) {
            set("enable-leader-restore", OptionValue::Switch(false));
        }
        if self.one_in(3) {
            set("enable-pre-vote", OptionValue::Switch(true));
        }
        if self.one_in(4) {
            set("read-policy", OptionValue::Word(String::from("lease-read")));
        }
        options
    }

    /// Nodes move and nothing else happens, so that a leader stays who has to follow them.
    fn moving_nodes(&mut self, scenario: &mut Scenario) {
        let cluster = &mut scenario.cluster;
        cluster.addresses = addresses(cluster.nodes.len() as u32, 3);
        let election = cluster.election.max;
        let kind = NemesisKind::Operate { operator: Operator::Address };
        let lasting = around(self.pick(&[1, 2]) * election);
        scenario.nemeses = vec![Nemesis { kind, when: When::Every(around(4 * election)), lasting }];
        timed_and_healed(scenario);
    }

    /// The operator who asked for a change went away between its two entries: the cluster is joint until somebody asks
    /// again, and several may. openraft leaves that to operators; so the swarm has to ask.
    fn abandoned_joint(&mut self, scenario: &mut Scenario) {
        // The old set can elect without any one of its nodes; the new one may be as small as one.
        let (voters, shared) = (self.pick(&[4, 4, 5, 6]), self.pick(&[0, 0, 1]));
        let cluster = &mut scenario.cluster;
        let vacant = cluster.addresses.len() - cluster.nodes.len();
        cluster.nodes = nodes(voters);
        cluster.addresses = addresses(voters, vacant as u32);
        cluster.members = vec![ids(0, 3), ids(3 - shared, voters)];
        (cluster.learners, cluster.spare) = (BTreeSet::new(), BTreeSet::new());
        scenario.network.loss = percent(self.pick(&[30, 10, 50]));
        let election = cluster.election.max;
        let kind = NemesisKind::Operate { operator: Operator::LeaveJoint };
        let lasting = around(self.pick(&[2, 3, 5]) * election);
        let operator = Nemesis { kind, when: When::Every(around(election / 20)), lasting };
        scenario.nemeses = vec![operator; 2];
        // Once the cluster is joint no longer, nothing more is to be found here.
        timed_and_healed(scenario);
    }

    /// An operator mistakes one address for another. Some do not hear of it, and whoever restarts connects anew.
    fn mistaken_address(&mut self, scenario: &mut Scenario) {
        let voters = self.pick(&[3, 3, 4, 5]);
        let cluster = &mut scenario.cluster;
        cluster.nodes = nodes(voters + 1);
        cluster.addresses = addresses(voters + 1, 0);
        cluster.members = vec![ids(0, voters)];
        (cluster.learners, cluster.spare) = (BTreeSet::new(), ids(voters, voters + 1));
        let election = cluster.election.max;
        let nemesis = |kind, when| Nemesis { kind, when, lasting: around(10 * election) };
        let mistake = NemesisKind::Operate { operator: Operator::ForeignAddress };
        let reboot = NemesisKind::Hit { fault: NodeFault::Reboot, aim: Aim::Any };
        let told = When::On(Cue::MembershipAppended);
        scenario.nemeses = vec![
            nemesis(mistake, When::Every(around(election))),
            nemesis(NemesisKind::Partition { shape: Shape::Random }, told),
            nemesis(reboot, told),
        ];
        scenario.network = Network { delay: ms(1, 10), ..Network::default() };
        scenario.workload = Some(self.brief_workload(Theme::Elections));
        scenario.schedule = Schedule::Timed;
        scenario.steps = vec![Step::Events { count: 4_000 }];
    }

    /// Reads by lease. They rely on stickiness and on a bound of the clocks' errors, so what breaks the bound goes.
    fn leases(&mut self, scenario: &mut Scenario) {
        let options = &mut scenario.cluster.options;
        options.remove("stickiness");
        options.insert(String::from("reads"), OptionValue::Word(String::from("lease")));
        // A leader that was cut off does not give up before its lease must be over, and is asked.
        if self.one_in(2) {
            options.insert(String::from("check-quorum"), OptionValue::Switch(false));
        }
        if let Some(workload) = &mut scenario.workload {
            workload.reads_at = ReadsAt::Any;
        }
        let bound = u64::from(scenario.clock.drift_ppm).max(1);
        options.insert(String::from("drift-max-ppm"), OptionValue::Number(self.pick(&[bound, 2 * bound])));
        scenario.nemeses.retain(|nemesis| match nemesis.kind {
            NemesisKind::Hit { fault, .. } => !matches!(
                fault,
                NodeFault::ClockDrift { .. } | NodeFault::ClockJump { .. } | NodeFault::ClockFreeze
            ),
            NemesisKind::Partition { .. } | NemesisKind::SwizzleClog | NemesisKind::Operate { .. } => true,
        });
    }
}
