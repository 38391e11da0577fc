//! Nothing answers itself: whatever is said is said because something was gained, or because a timer ran out.
//!
//! Holds: timers fire when a test says so, so each message counted here was caused by the last thing that a test did.
//! Not here: what is said (`replication`, `follower_reads`), and clusters in time.

use proptest::prelude::*;
use splitbrain_core::{Body, Config, Durable, Fact, NodeId, Timer};

use crate::cluster::{Cluster, Outcome, plain};
use crate::random::{config, doing, heal, run, world};

/// Most messages that a heartbeat may cause between a leader and one peer: itself and its answer, one append or chunk
/// and its answer, and as many for what the peer gains by it.
const MESSAGES_PER_HEARTBEAT_MAX: usize = 8;

/// Lets everything settle, and counts the messages between any two nodes.
fn messages(c: &mut Cluster) -> usize {
    let mut count = std::collections::BTreeMap::<(u32, u32), usize>::new();
    for _ in 0..10_000 {
        if let Some(letter) = c.letters.first().filter(|_| c.writer().is_none()) {
            let (a, b) = (letter.from.0, letter.to.0);
            *count.entry((a.min(b), a.max(b))).or_default() += 1;
        }
        if !c.advance() {
            break;
        }
    }
    count.into_values().max().unwrap_or_default()
}

fn heartbeat(c: &mut Cluster, leader: u32) -> usize {
    c.fire(leader, Timer::Heartbeat);
    messages(c)
}

/// A leader, and a follower that acknowledged everything and comes back on an empty disk.
fn wiped() -> Cluster {
    let mut c = Cluster::new(&[&[1, 2, 3]], &[], plain);
    c.elect(1);
    c.write(1);
    c.wipe(3, Durable::initialised(c.raft(1).membership().as_ref().clone()));
    c
}

#[test]
fn who_denies_what_it_acknowledged_is_asked_once_for_each_heartbeat() {
    let mut c = wiped();
    c.propose(1);
    assert!(messages(&mut c) <= 4, "an append ahead and its rejection, or an empty one after it");
    // The first finds out: an append ahead and an empty one are rejected, and the probe after them.
    assert_eq!(heartbeat(&mut c, 1), 6);
    for _ in 0..3 {
        c.seen.clear();
        assert_eq!(heartbeat(&mut c, 1), 4, "heartbeat, probe, and their answers");
        assert!(c.seen.contains(&Fact::AcknowledgementDenied));
    }
    assert_eq!(c.raft(3).log().last().index.0, 0, "it is not served");
    assert_eq!(c.raft(1).commit(), c.raft(2).commit(), "and the others go on");
}

#[test]
fn who_denies_is_served_by_the_next_leader() {
    let mut c = wiped();
    c.write(1);
    c.elect(2);
    heartbeat(&mut c, 2);
    assert_eq!(c.raft(3).log().last(), c.raft(2).log().last());
    c.assert_kept();
}

/// A read has a round of heartbeats of its own, each of which is answered; what is answered asks for nothing more.
#[test]
fn reads_cost_a_round_each_and_nothing_else() {
    for (at, most) in [(1, 2), (2, 4)] {
        let mut c = Cluster::new(&[&[1, 2, 3]], &[], |id| Config { follower_reads: true, ..plain(id) });
        c.elect(1);
        heartbeat(&mut c, 1);
        let read = c.read(at);
        assert_eq!(messages(&mut c), most, "asked, answered, and a heartbeat and its answer");
        assert_eq!(c.outcomes[&read], Outcome::Served);
    }
}

/// A peer from which a probe was lost, while clients read: it is asked again for the heartbeat that is due, not for those
/// of the reads.
#[test]
fn many_reads_do_not_nudge_a_peer_more_often() {
    let mut c = wiped();
    c.write(1);
    heartbeat(&mut c, 1);
    let mut appends = 0;
    for _ in 0..20 {
        c.read(1);
        appends += c
            .letters
            .iter()
            .filter(|letter| matches!(letter.message.body, Body::AppendRequest { .. }))
            .count();
        messages(&mut c);
    }
    assert_eq!(appends, 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// Whatever happened before: once everyone agrees, a heartbeat is answered, and that is all.
    #[test]
    fn an_idle_cluster_is_quiet(config in config(), steps in proptest::collection::vec(doing(), 0..300)) {
        let mut c = world(config);
        steps.iter().for_each(|step| run(&mut c, step));
        let Some(leader) = heal(&mut c) else { return Ok(()) };
        heartbeat(&mut c, leader);
        prop_assert!(heartbeat(&mut c, leader) <= 2, "a heartbeat and its answer");
    }

    /// The same with disks that forget: who denies what it acknowledged may make nobody talk for ever.
    #[test]
    fn a_wiped_node_makes_nobody_talk_for_ever(
        config in config(), before in proptest::collection::vec(doing(), 0..200), wiped in 1u32..=6,
        after in proptest::collection::vec(doing(), 0..60),
    ) {
        let mut c = world(Config { shutdown_on_remove: false, ..config });
        before.iter().for_each(|step| run(&mut c, step));
        messages(&mut c);
        let first = Durable::initialised(world(config).raft(1).membership().as_ref().clone());
        c.wipe(wiped, if wiped <= 3 { first } else { Durable::default() });
        after.iter().for_each(|step| run(&mut c, step));
        for id in (1..=6).map(NodeId) {
            c.settle();
            if c.raft(id.0).leads() {
                messages(&mut c);
                heartbeat(&mut c, id.0);
                heartbeat(&mut c, id.0);
                let count = heartbeat(&mut c, id.0);
                prop_assert!(count <= MESSAGES_PER_HEARTBEAT_MAX, "{count} messages");
            }
        }
    }
}
