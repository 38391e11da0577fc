//! Transcripts: a command above, its whole visible consequence below, for elections, log repair, snapshots, reads,
//! transfers and every membership change. Snapshots are read in review like code.
//!
//! Holds: whatever any node is told, asks for, and comes to, is a line.

use splitbrain_core::{Change, ChangeMembers, Config, Precondition, SetMode, Timer};

use crate::cluster::{Cluster, append, at_home, ids, n, plain, set, voters};

/// A cluster that writes down what happens.
struct Script(Cluster);

impl Script {
    fn new(sets: &[&[u32]], spare: &[u32], config: impl Fn(splitbrain_core::NodeId) -> Config) -> Script {
        let mut cluster = Cluster::new(sets, spare, config);
        cluster.transcript = Some(String::new());
        Script(cluster)
    }

    /// A cluster of three that node 1 leads, with its election left out of the transcript.
    fn led(spare: &[u32]) -> Script {
        let mut script = Script::new(&[&[1, 2, 3]], spare, plain);
        script.0.elect(1);
        script.0.transcript = Some(String::new());
        script
    }

    /// A command, and everything that follows from it.
    fn then(mut self, command: &str, what: impl FnOnce(&mut Cluster)) -> Script {
        self.0.transcript.as_mut().expect("begun").push_str(&format!("\n> {command}\n"));
        what(&mut self.0);
        self.0.settle();
        self
    }

    fn ask(self, command: &str, change: Change) -> Script {
        self.then(command, |c| {
            let _ = c.change(1, change);
        })
    }

    fn end(mut self, name: &str) {
        self.0.assert_kept();
        let text = self.0.transcript.take().expect("begun");
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, text.trim_start());
        });
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
    script.0.transcript = Some(String::new());
    script
        .then("2's heartbeat reaches 1, which holds two entries of term 1 that nobody else has", |c| {
            c.fire(2, Timer::Heartbeat);
        })
        .end("log-repair");
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
fn read_index() {
    Script::led(&[])
        .then("read at 1", |c| {
            let _ = c.read(1);
        })
        .then("read at 2", |c| {
            let _ = c.read(2);
        })
        .end("read-index");
}

#[test]
fn transfer() {
    Script::led(&[])
        .then("transfer to 3", |c| {
            let _ = c.transfer(1, 3);
        })
        .end("transfer");
}

#[test]
fn change_add_learner() {
    let learner = Change::AddLearner { node: n(4), address: splitbrain_core::Address(4), blocking: false };
    Script::led(&[4]).ask("add learner 4", learner).end("change-add-learner");
}

#[test]
fn change_voters_through_a_joint_config() {
    Script::led(&[4])
        .ask(
            "learner 4",
            Change::AddLearner { node: n(4), address: splitbrain_core::Address(4), blocking: false },
        )
        .ask("voters {1 2 4}", voters(&[1, 2, 4]))
        .end("change-replace-all-voters");
}

#[test]
fn change_by_every_member_of_openrafts_change_members() {
    let change = |members| Change::Members { members, retain: true };
    let mut script = Script::led(&[4, 5]);
    let list = [
        ("add nodes 4", ChangeMembers::AddNodes(at_home(&[4]))),
        ("add voter ids 4", ChangeMembers::AddVoterIds(ids(&[4]))),
        ("add voters 5", ChangeMembers::AddVoters(at_home(&[5]))),
        ("remove voters 2", ChangeMembers::RemoveVoters(ids(&[2]))),
        ("set nodes 4", ChangeMembers::SetNodes(at_home(&[4]))),
        ("remove nodes 2", ChangeMembers::RemoveNodes(ids(&[2]))),
        ("replace all nodes 1 3 4 5", ChangeMembers::ReplaceAllNodes(at_home(&[1, 3, 4, 5]))),
        ("replace all voters 1 3 4", ChangeMembers::ReplaceAllVoters(ids(&[1, 3, 4]))),
    ];
    for (command, members) in list {
        script = script.ask(command, change(members));
    }
    script.end("change-members");
}

#[test]
fn change_append() {
    Script::led(&[4])
        .ask("append {1 2 3}{1 2 4}", append(&[&[1, 2, 3], &[1, 2, 4]]))
        .ask("append {1 2 4}", append(&[&[1, 2, 4]]))
        .ask("append {2 3}, which shares no set", append(&[&[2, 3]]))
        .end("change-append");
}

#[test]
fn change_to() {
    let to = Change::To {
        sets: vec![set(&[1, 2, 4]), set(&[1, 3, 4])],
        nodes: at_home(&[1, 2, 3, 4]),
        retain: false,
    };
    Script::led(&[4]).ask("to {1 2 4}{1 3 4}", to).end("change-to");
}

#[test]
fn change_of_single_servers() {
    Script::led(&[4])
        .ask("add server 4", Change::AddServer { node: n(4), address: splitbrain_core::Address(4) })
        .ask("remove server 3", Change::RemoveServer { node: n(3) })
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
    Script::led(&[4, 5])
        .ask("set {1 2 4} and listener 5", change(SetMode::Set, &[1, 2, 4], &[5]))
        .ask("add 3", change(SetMode::Add, &[3], &[]))
        .ask("compare {1 2} and set {1 2 3}", change(swap(&[1, 2]), &[1, 2, 3], &[]))
        .end("change-set-configuration");
}

#[test]
fn change_if() {
    let if_at = |index| Change::If {
        precondition: Precondition::LastMembership(splitbrain_core::LogIndex(index)),
        change: Box::new(voters(&[1, 2])),
    };
    Script::led(&[])
        .ask("voters {1 2} if the last membership is at 7", if_at(7))
        .ask("voters {1 2} if the last membership is at 0", if_at(0))
        .end("change-if");
}

#[test]
fn change_that_removes_the_leader() {
    let mut script = Script::new(&[&[1, 2, 3]], &[], |id| Config { learner_may_lead: false, ..plain(id) });
    script.0.elect(1);
    script.0.transcript = Some(String::new());
    script.ask("voters {2 3}", voters(&[2, 3])).end("change-removes-leader");
}
