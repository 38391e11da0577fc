//! Correlated hardships of clients: reads at nodes that lag behind or lead no more, leases and sessions at the edge of their
//! time.
//!
//! Holds: as `correlated`, which lists them. Not here: hardships of the nodes alone (`correlated`).

use super::parts::{BRIEF, CUT, cluster, every, hit, on, operate, steps, untimed};
use super::{Draw, MS, SECOND, calm, ms, percent, us};
use crate::protocol::Within;
use crate::scenario::{
    Aim, Budget, Clock, Cluster, Cue, Disk, NemesisKind, Network, NodeFault, Operator, Ratio, ReadsAt,
    Scenario, Sessions, Shape, Weights, Workload,
};

/// The clocks' error where leases are drawn, and the bound that they rely on, in parts per million.
pub(super) const DRIFT: u64 = 50_000;

/// A leader that nobody hears any more, while what was said to it before still arrives.
const FADE: NemesisKind = NemesisKind::Partition { shape: Shape::LeaderFades };

/// Reads everywhere, one key, and a leader whose disk is slow: what it has applied lags behind what is committed.
pub(super) fn follower_reads(draw: &mut Draw) -> Scenario {
    let workload = Workload {
        clients: draw.pick(&[3, 6, 4]),
        keys: 1,
        reads: percent(draw.pick(&[60, 60, 80])),
        reads_at: ReadsAt::Any,
        think: draw.pick(&[us(10, 500), us(100, 5_000)]),
        ..Workload::default()
    };
    let slow = hit(NodeFault::SlowDisk { factor: draw.pick(&[20, 20, 100]) }, Aim::Leader);
    let mut nemeses = vec![on(Cue::LeaderElected, slow, 20 * SECOND), every(100 * MS, slow, 2 * SECOND)];
    if draw.one_in(4) {
        nemeses.push(every(2 * SECOND, CUT, 500 * MS));
    }
    let network = Network { delay: draw.pick(&[ms(1, 10), us(100, 2_000)]), ..Network::default() };
    let steps = steps(draw.pick(&[600, 1_200]), false);
    let world = calm(cluster(draw.pick(&[3, 3, 5]), 0, None), workload, steps);
    Scenario { network, nemeses, ..world }
}

/// Reads by lease over links so slow and lossy that a follower's promise may be nearly over when its answer arrives, short
/// elections, leaders that are cut off, and clocks that err as much as they may.
pub(super) fn clock_edges(draw: &mut Draw) -> Scenario {
    let workload = Workload {
        clients: draw.pick(&[4, 8]),
        keys: 1,
        reads: percent(70),
        reads_at: ReadsAt::Any,
        timeout: draw.pick(&[100 * MS, SECOND]),
        think: ms(1, 10),
        retries: 10,
        ..Workload::default()
    };
    let cut = every(600 * MS, CUT, 500 * MS);
    let slow = hit(NodeFault::SlowLinks { factor: draw.pick(&[3, 10]) }, Aim::Leader);
    let nemeses = draw.pick(&[vec![cut], vec![], vec![on(Cue::LeaderElected, slow, SECOND), cut]]);
    let network = Network {
        delay: draw.pick(&[ms(1, 100), ms(1, 50), ms(1, 100)]),
        loss: draw.pick(&[percent(30), percent(10), Ratio::ZERO]),
        ..Network::default()
    };
    let disk = Disk { write: us(1, 100), ..Disk::default() };
    let clock = Clock { skew: draw.pick(&[0, SECOND]), drift_ppm: DRIFT as u32 };
    let mut cluster = cluster(3, 0, None);
    cluster.election =
        draw.pick(&[Within { min: 150 * MS, max: 160 * MS }, Within { min: 150 * MS, max: 200 * MS }]);
    cluster.heartbeat = draw.pick(&[50 * MS, 100 * MS]);
    if draw.one_in(3) {
        cluster.sessions = Sessions::Expiring(20 * MS);
    }
    let world = calm(cluster, workload, steps(draw.pick(&[800, 1_500]), false));
    Scenario { network, disk, nemeses, clock, ..world }
}

/// Reads by lease at a leader that is cut off while the others elect another one: either its links are slow, so that a
/// promise is old when it arrives, or clocks differ much. Whoever stands too early must not spoil the election of who
/// stands in time: pre-votes see to that.
pub(super) fn lease_edges(draw: &mut Draw) -> Scenario {
    let slow_answers = draw.one_in(2);
    let workload = Workload {
        clients: draw.pick(&[3, 4, 6]),
        keys: 1,
        reads: percent(70),
        reads_at: ReadsAt::Any,
        timeout: 100 * MS,
        think: if slow_answers { ms(5, 20) } else { ms(10, 40) },
        retries: 10,
        ..Workload::default()
    };
    let slow = every(200 * MS, hit(NodeFault::SlowLinks { factor: 10 }, Aim::Leader), 600 * MS);
    let (nemeses, election, heartbeat, drift_ppm) = match slow_answers {
        true => {
            let max = draw.pick(&[152, 160]);
            (vec![slow, every(400 * MS, FADE, 400 * MS)], ms(150, max), 50 * MS, 10_000)
        }
        false => (vec![every(600 * MS, CUT, 1_500 * MS)], ms(600, 620), 100 * MS, 200_000),
    };
    let network = Network { delay: ms(1, 10), ..Network::default() };
    let disk = Disk { write: us(1, 100), ..Disk::default() };
    let clock = Clock { skew: 0, drift_ppm };
    let cluster = Cluster { election, heartbeat, ..cluster(3, 0, None) };
    let world = calm(cluster, workload, steps(draw.pick(&[800, 1_500]), false));
    Scenario { network, disk, nemeses, clock, ..world }
}

/// Elections that are quick beside a leader's slow links: its followers' answers are under way when it fades, and reach it
/// when another one leads.
pub(super) fn late_answers(draw: &mut Draw) -> Scenario {
    let workload = Workload {
        clients: draw.pick(&[3, 4]),
        keys: 1,
        reads: percent(70),
        reads_at: ReadsAt::Any,
        timeout: 100 * MS,
        think: draw.pick(&[ms(5, 20), ms(1, 10)]),
        retries: 10,
        ..Workload::default()
    };
    let slow = hit(NodeFault::SlowLinks { factor: 20 }, Aim::Leader);
    let nemeses = vec![every(200 * MS, slow, 600 * MS), every(200 * MS, FADE, 400 * MS)];
    let disk = Disk { write: us(1, 100), ..Disk::default() };
    let cluster = Cluster { election: ms(50, 60), heartbeat: 10 * MS, ..cluster(3, 0, None) };
    let world = calm(cluster, workload, steps(draw.pick(&[600, 1_200]), false));
    Scenario { disk, nemeses, ..world }
}

/// Reads at leaders who are cut off with learners, or with those to whom they just gave a vote.
pub(super) fn reads_among_changes(draw: &mut Draw) -> Scenario {
    let workload = Workload {
        clients: 2,
        keys: 1,
        reads: percent(50),
        reads_at: ReadsAt::Any,
        retries: 3,
        ..Workload::default()
    };
    let mut cluster = cluster(draw.pick(&[3, 3, 4]), 2, None);
    std::mem::swap(&mut cluster.spare, &mut cluster.learners);
    let shapes = [Shape::LeaderWithOthers, Shape::LeaderWithOthers, Shape::Halves, Shape::Random];
    let parts = NemesisKind::Partition { shape: draw.pick(&shapes) };
    let operator = draw.pick(&[Operator::Membership, Operator::Membership, Operator::SingleServer]);
    let nemeses = draw.pick(&[
        vec![every(50 * MS, operate(operator), 10 * MS), on(Cue::MembershipAppended, parts, 500 * MS)],
        vec![every(50 * MS, operate(operator), 10 * MS), every(100 * MS, parts, 500 * MS)],
        vec![every(100 * MS, parts, 500 * MS)],
    ]);
    let weights = Weights { client: draw.pick(&[10, 30]), relief: draw.pick(&[1, 3]), ..BRIEF };
    let world = calm(cluster, workload, steps(draw.pick(&[150, 300]), false));
    Scenario { nemeses, budget: Budget::Within, schedule: untimed(weights), ..world }
}

/// Short sessions, clients who soon ask again, clocks that differ by more than a session lasts, and snapshots of every few
/// entries, which whoever was away takes.
pub(super) fn session_edges(draw: &mut Draw) -> Scenario {
    let workload = Workload {
        clients: draw.pick(&[4, 6]),
        keys: 1,
        reads: percent(40),
        cas: percent(draw.pick(&[0, 30])),
        timeout: draw.pick(&[30 * MS, 100 * MS]),
        think: draw.pick(&[ms(0, 5), ms(5, 40)]),
        retries: 10,
        ..Workload::default()
    };
    let slow = hit(NodeFault::SlowLinks { factor: 10 }, draw.pick(&[Aim::Leader, Aim::Any]));
    let nemeses = vec![
        every(200 * MS, draw.pick(&[CUT, FADE, slow]), 300 * MS),
        every(300 * MS, hit(NodeFault::Reboot, Aim::Any), 10 * MS),
    ];
    let network = Network {
        delay: draw.pick(&[ms(1, 10), ms(1, 40)]),
        loss: draw.pick(&[Ratio::ZERO, percent(10)]),
        ..Network::default()
    };
    let clock = Clock { skew: draw.pick(&[SECOND, 20 * MS]), drift_ppm: draw.pick(&[0, DRIFT as u32]) };
    let mut cluster = cluster(3, 0, draw.pick(&[Some(2), Some(3), None]));
    cluster.sessions = Sessions::Expiring(draw.pick(&[20 * MS, 100 * MS]));
    let world = calm(cluster, workload, steps(draw.pick(&[800, 1_500]), false));
    Scenario { network, nemeses, clock, ..world }
}
