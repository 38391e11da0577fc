//! Transcripts: a command above, its whole visible consequence below, for elections, log repair, snapshots, reads,
//! transfers and every membership change. Snapshots are read in review like code.
//!
//! Holds: whatever any node is told, asks for, and comes to, is a line; what a step leaves as it is is not repeated.

use std::collections::BTreeMap;

use splitbrain_core::{
    Address, Change, ChangeMembers, Config, JointFinish, LogIndex, NodeId, Precondition, ReadsBy, SetMode,
    Timer,
};

use crate::cluster::{Cluster, append, at_home, disk_with, ids, n, plain, set, voters};
use crate::render;

/// A cluster that writes down what happens.
struct Script(Cluster);

impl Script {
    fn new(sets: &[&[u32]], spare: &[u32], config: impl Fn(NodeId) -> Config) -> Script {
        Script(Cluster::new(sets, spare, config)).begin()
    }

    /// A cluster of three that node 1 leads, with its election left out of the transcript.
    fn led(spare: &[u32]) -> Script {
        Script::led_by_1(&[&[1, 2, 3]], spare, plain)
    }

    fn led_by_1(sets: &[&[u32]], spare: &[u32], config: impl Fn(NodeId) -> Config) -> Script {
        let mut script = Script(Cluster::new(sets, spare, config));
        script.0.elect(1);
        script.begin()
    }

    /// The transcript begins here, with where everyone stands.
    fn begin(mut self) -> Script {
        let running = self.0.nodes.iter().filter_map(|(id, node)| Some((id, node.raft.as_ref()?)));
        let lines = running.map(|(id, raft)| format!("{}: {}\n", id.0, render::standing(raft)));
        self.0.transcript = Some(lines.collect());
        self
    }

    /// A command, and everything that follows from it.
    fn then(mut self, command: &str, what: impl FnOnce(&mut Cluster)) -> Script {
        self.0.transcript.as_mut().expect("begun").push_str(&format!("\n> {command}\n"));
        what(&mut self.0);
        self.0.settle();
        self
    }

    /// A change of members at node 1.
    fn ask(self, change: Change) -> Script {
        let command = render::change(&change);
        self.then(&command, |c| {
            c.ask(1, change);
        })
    }

    /// Snapshots the transcript so far and begins the next.
    fn tell(&mut self, name: &str) {
        self.0.assert_kept();
        let text = self.0.transcript.replace(String::new()).expect("begun");
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, text.trim_start());
        });
    }

    fn end(mut self, name: &str) {
        self.tell(name);
    }
}

#[test]
fn election() {
    Script::new(&[&[1, 2, 3]], &[], Config::new)
        .then("1's election timeout", |c| c.fire(1, Timer::Election))
        .then("3's election timeout, too early", |c| c.fire(3, Timer::Election))
        .end("election");
}

#[test]
fn election_that_is_split_and_repeated() {
    Script::new(&[&[1, 2, 3, 4]], &[], plain)
        .then("1's and 3's election timeouts, {1 2} parted from {3 4}", |c| {
            c.part(&[1, 2], &[3, 4]);
            c.fire(1, Timer::Election);
            c.fire(3, Timer::Election);
        })
        .then("heal; 1's election timeout", |c| {
            c.heal();
            c.fire(1, Timer::Election);
        })
        .end("election-split");
}

#[test]
fn log_repair() {
    let mut script = Script::led(&[]);
    script.0.part(&[1], &[2, 3]);
    script.0.write(1);
    script.0.write(1);
    script.0.elect(2);
    script.0.write(2);
    script.0.heal();
    script
        .begin()
        .then("2's heartbeat reaches 1, which holds two entries of term 1 that nobody else has", |c| {
            c.fire(2, Timer::Heartbeat);
        })
        .end("log-repair");
}

/// Figure 7 of the paper: the leader at the top, its follower (e) with two entries of term 4 too many, and its follower
/// (f), whose terms 2 and 3 are nowhere else. One rejection goes back over a whole term.
#[test]
fn log_repair_skips_whole_terms() {
    let logs: [&[u64]; 3] =
        [&[1, 1, 1, 4, 4, 5, 5, 6, 6, 6], &[1, 1, 1, 4, 4, 4, 4], &[1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]];
    let disks = (1..).zip(logs).map(|(id, terms)| (n(id), disk_with(&[1, 2, 3], terms)));
    Script(Cluster::on_disks(disks, plain))
        .begin()
        .then("1's election timeout", |c| c.fire(1, Timer::Election))
        .end("log-repair-skips-terms");
}

#[test]
fn a_crash_keeps_a_prefix_of_what_was_written() {
    Script::led(&[])
        .then("a write at 1; 2 crashes with its entry unwritten, and boots", |c| {
            c.propose(1);
            let to_2 = c.letters.iter().position(|letter| letter.to == n(2)).expect("an append");
            c.deliver(to_2);
            c.crash(2, 0);
            c.restart(2);
        })
        .then("1's heartbeat finds what 2 lost", |c| c.fire(1, Timer::Heartbeat))
        .end("crash");
}

#[test]
fn snapshot() {
    Script::led(&[])
        .then("part 3; write", |c| {
            c.part(&[3], &[1, 2]);
            c.propose(1);
        })
        .then("1 takes a snapshot", |c| c.snapshot(1))
        .then("heal; 1's heartbeat", |c| {
            c.heal();
            c.fire(1, Timer::Heartbeat);
        })
        .end("snapshot");
}

#[test]
fn snapshot_in_chunks() {
    let small = |id| Config { snapshot_chunk_bytes_max: 3, ..plain(id) };
    let mut script = Script::led_by_1(&[&[1, 2, 3]], &[], small);
    script.0.part(&[3], &[1, 2]);
    script.0.write(1);
    script.0.snapshot(1);
    script.0.settle();
    script.0.heal();
    script
        .begin()
        .then("1's heartbeat; the second of three chunks is lost", |c| {
            c.fire(1, Timer::Heartbeat);
            let is_second = |text: String| text.contains("bytes 3..6");
            while !c.letters.iter().any(|letter| is_second(render::message(&letter.message))) {
                c.advance();
            }
            c.part(&[3], &[1]);
        })
        .then("heal; 1's heartbeat, answered without the chunk", |c| {
            c.heal();
            c.fire(1, Timer::Heartbeat);
        })
        .then("1's next heartbeat", |c| c.fire(1, Timer::Heartbeat))
        .end("snapshot-chunks");
}

#[test]
fn read_index() {
    Script::led(&[])
        .then("read at 1", |c| {
            c.read(1);
        })
        .then("read at 2", |c| {
            c.read(2);
        })
        .end("read-index");
}

#[test]
fn read_at_a_follower() {
    let asking = |id| Config { follower_reads: true, ..plain(id) };
    Script::led_by_1(&[&[1, 2, 3]], &[], asking)
        .then("two reads at 2, one after the other", |c| {
            c.read(2);
            c.read(2);
        })
        .then("read at 3, and its leader is gone before it answers", |c| {
            c.part(&[1], &[2, 3]);
            c.read(3);
        })
        .then("2's election timeout", |c| c.fire(2, Timer::Election))
        .end("read-at-follower");
}

#[test]
fn read_under_a_lease() {
    let leased = |id| Config { reads: ReadsBy::Lease, ..Config::new(id) };
    Script::led_by_1(&[&[1, 2, 3]], &[], leased)
        .then("1's heartbeat begins a lease", |c| c.fire(1, Timer::Heartbeat))
        .then("read at 1", |c| {
            c.read(1);
        })
        .then("the lease ends; read at 1", |c| {
            c.fire(1, Timer::OddLease);
            c.read(1);
        })
        .end("read-lease");
}

#[test]
fn transfer() {
    Script::led(&[])
        .then("transfer to 3", |c| {
            c.transfer(1, 3);
        })
        .end("transfer");
}

#[test]
fn transfer_to_a_voter_that_must_catch_up() {
    let mut script = Script::led(&[]);
    script.0.part(&[3], &[1, 2]);
    script.0.write(1);
    script.0.heal();
    script
        .begin()
        .then("transfer to 3, which lacks an entry; a command meanwhile", |c| {
            c.transfer(1, 3);
            c.propose(1);
        })
        .then("1's heartbeat finds what 3 lacks", |c| c.fire(1, Timer::Heartbeat))
        .end("transfer-catches-up");
}

#[test]
fn transfer_that_times_out() {
    Script::led(&[])
        .then("transfer to 3, which hears nothing", |c| {
            c.part(&[3], &[1, 2]);
            c.transfer(1, 3);
        })
        .then("1's transfer timeout; a command", |c| {
            c.fire(1, Timer::Transfer);
            c.propose(1);
        })
        .end("transfer-timed-out");
}

#[test]
fn change_add_learner() {
    let learner = |blocking| Change::AddLearner { node: n(4), address: Address(4), blocking };
    let patient = |id| Config { replication_lag_threshold: 0, ..plain(id) };
    Script::led_by_1(&[&[1, 2]], &[4], patient)
        .ask(learner(true))
        .ask(Change::Members { members: ChangeMembers::AddVoterIds(ids(&[4])), retain: true })
        .end("change-learner-promoted");
}

#[test]
fn change_voters_through_a_joint_config() {
    let change = |wanted: &[u32]| Change::Members {
        members: ChangeMembers::ReplaceAllVoters(ids(wanted)),
        retain: false,
    };
    Script::led(&[4])
        .ask(change(&[1, 2, 4]))
        .ask(Change::AddLearner { node: n(4), address: Address(4), blocking: false })
        .ask(change(&[1, 2, 4]))
        .end("change-replace-all-voters");
}

#[test]
fn change_by_every_member_of_openrafts_change_members() {
    let change = |members, retain| Change::Members { members, retain };
    let moved = |to| ChangeMembers::SetNodes(BTreeMap::from([(n(3), Address(to))]));
    let both = vec![ChangeMembers::RemoveVoters(ids(&[4])), ChangeMembers::RemoveNodes(ids(&[3]))];
    let list = [
        ("add-nodes", change(ChangeMembers::AddNodes(at_home(&[3])), true)),
        ("set-nodes-elsewhere", change(moved(33), true)),
        ("set-nodes", change(moved(3), true)),
        ("add-voter-ids", change(ChangeMembers::AddVoterIds(ids(&[3])), true)),
        ("add-voters", change(ChangeMembers::AddVoters(at_home(&[4])), true)),
        ("remove-voters", change(ChangeMembers::RemoveVoters(ids(&[3])), true)),
        ("batch", change(ChangeMembers::Batch(both), true)),
        ("remove-nodes", change(ChangeMembers::RemoveNodes(ids(&[4])), true)),
        ("replace-all-nodes", change(ChangeMembers::ReplaceAllNodes(at_home(&[1, 2, 5])), true)),
        ("replace-all-voters", change(ChangeMembers::ReplaceAllVoters(ids(&[1])), false)),
    ];
    let mut script = Script::led_by_1(&[&[1, 2]], &[3, 4, 5], plain);
    for (name, change) in list {
        script = script.ask(change);
        script.tell(&format!("change-members-{name}"));
    }
}

#[test]
fn change_append() {
    Script::led(&[4])
        .ask(append(&[&[1, 2, 3], &[1, 2, 4]]))
        .ask(append(&[&[1, 2, 4]]))
        .ask(append(&[&[2, 3]]))
        .end("change-append");
}

/// From c1 to a joint config of both and back to c1: A-B-A over memberships.
#[test]
fn change_that_is_reverted() {
    Script::led(&[4]).ask(append(&[&[1, 2, 3], &[1, 4]])).ask(append(&[&[1, 2, 3]])).end("change-reverted");
}

/// The joint config is rolled back with its entry, because it was never committed, and asked for again.
#[test]
fn change_that_is_rolled_back() {
    Script::led(&[])
        .then("{1} parted from {2 3}; voters {1 2} at 1", |c| {
            c.part(&[1], &[2, 3]);
            c.ask(1, voters(&[1, 2]));
        })
        .then("2's election timeout; heal; 2's heartbeat", |c| {
            c.fire(2, Timer::Election);
            c.settle();
            c.heal();
            c.fire(2, Timer::Heartbeat);
        })
        .end("change-rolled-back");
}

/// The leader that went joint is gone; the next one finishes the change.
#[test]
fn change_that_the_next_leader_finishes() {
    let finishing = |id| Config { joint_finish: JointFinish::Finish, ..plain(id) };
    Script::led_by_1(&[&[1, 2, 3]], &[], finishing)
        .then("voters {2 3} at 1, which crashes once 2 and 3 hold the joint config", |c| {
            c.ask(1, voters(&[2, 3]));
            for _ in 0..2 {
                c.deliver(0);
            }
            c.crash(1, 0);
        })
        .then("2's election timeout", |c| c.fire(2, Timer::Election))
        .end("change-finished-by-the-next-leader");
}

#[test]
fn change_to() {
    let to = Change::To {
        sets: vec![set(&[1, 2, 4]), set(&[1, 3, 4])],
        nodes: at_home(&[1, 2, 3, 4]),
        retain: false,
    };
    Script::led(&[4]).ask(to).end("change-to");
}

#[test]
fn change_of_single_servers() {
    let add = |id| Change::AddServer { node: n(id), address: Address(id) };
    Script::led(&[4])
        .ask(add(4))
        .ask(add(4))
        .ask(Change::RemoveServer { node: n(3) })
        .ask(Change::RemoveServer { node: n(3) })
        .ask(add(3))
        .end("change-single-server");
}

#[test]
fn change_by_set_configuration() {
    let change = |mode, servers: &[u32], listeners: &[u32]| Change::SetConfiguration {
        mode,
        servers: at_home(servers),
        listeners: at_home(listeners),
    };
    let swap = |servers: &[u32]| SetMode::CompareAndSet { servers: ids(servers), listeners: ids(&[]) };
    let strict = |id| Config { staging_gap: 1, ..plain(id) };
    Script::led_by_1(&[&[1, 2]], &[3, 4], strict)
        .ask(change(SetMode::Set, &[1, 2, 3], &[]))
        .ask(change(swap(&[1, 2]), &[1, 2], &[]))
        .ask(change(swap(&[1, 2, 3]), &[1, 2], &[]))
        .ask(change(SetMode::Add, &[3], &[]))
        .ask(change(SetMode::Add, &[4, 5], &[]))
        .then("4 hears nothing; add 4 as a listener", |c| {
            c.part(&[4], &[1]);
            c.ask(1, change(SetMode::Add, &[], &[4]));
        })
        .then("1's staging timeout", |c| c.fire(1, Timer::Staging))
        .end("change-set-configuration");
}

#[test]
fn change_if() {
    let only = |precondition| Change::If { precondition, change: Box::new(voters(&[1])) };
    let at = |index| only(Precondition::LastMembership(LogIndex(index)));
    Script::led_by_1(&[&[1, 2]], &[], plain)
        .ask(at(7))
        .ask(only(Precondition::LastEntry(LogIndex(7))))
        .ask(only(Precondition::LeaderTerm(splitbrain_core::Term(7))))
        .ask(at(0))
        .end("change-if");
}

#[test]
fn change_that_removes_the_leader() {
    let giving_up = |id| Config { learner_may_lead: false, ..plain(id) };
    Script::led_by_1(&[&[1, 2, 3]], &[], giving_up).ask(voters(&[2, 3])).end("change-removes-leader");
}
