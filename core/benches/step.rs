//! How long a step takes: a write through five nodes, counted in steps.

use std::collections::VecDeque;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use splitbrain_core::{
    Address, Config, Durable, Effect, Effects, Input, LogIndex, Membership, NodeId, Raft, RequestId, Timer,
    VoterSet,
};

/// Nodes with a perfect network and disk, that only step.
struct Five {
    nodes: Vec<Raft>,
    agenda: VecDeque<(usize, Input)>,
    effects: Effects,
    steps: u64,
}

impl Five {
    fn new() -> Five {
        let ids = (0..5).map(NodeId);
        let voters: VoterSet = ids.clone().collect();
        let homes = ids.clone().map(|id| (id, Address(id.0))).collect();
        let disk = Durable::initialised(Membership::new(vec![voters], homes).expect("voters with addresses"));
        let nodes = ids.map(|id| Raft::boot(Config::new(id), &disk).0).collect();
        let mut five = Five { nodes, agenda: VecDeque::new(), effects: Effects::default(), steps: 0 };
        five.happen(0, Input::TimerFired(Timer::Election));
        five
    }

    fn happen(&mut self, node: usize, input: Input) {
        self.agenda.push_back((node, input));
        while let Some((node, input)) = self.agenda.pop_front() {
            self.nodes[node].step_into(input, &mut self.effects);
            self.steps += 1;
            for effect in self.effects.list.drain(..) {
                match effect {
                    Effect::Persist { id, .. } => {
                        self.agenda.push_back((node, Input::Persisted { through: id }));
                    }
                    Effect::Send { from, to, address, message } => {
                        let source = Address(node as u32);
                        self.agenda
                            .push_back((address.0 as usize, Input::Received { from, source, to, message }));
                    }
                    _ => {}
                }
            }
            self.effects.clear();
        }
    }

    fn write(&mut self, command: &Arc<[u8]>) {
        self.happen(0, Input::Proposed { request: RequestId(1), command: Arc::clone(command) });
        if self.nodes[0].log().last().index.0.is_multiple_of(1000) {
            for node in 0..5 {
                let through = LogIndex(self.nodes[node].applied().0 - 10);
                self.happen(node, Input::SnapshotTaken { through, state: Arc::from([]) });
            }
        }
    }
}

fn write_through_five(criterion: &mut Criterion) {
    let mut five = Five::new();
    let command: Arc<[u8]> = Arc::from([7; 32]);
    let before = five.steps;
    five.write(&command);
    let mut group = criterion.benchmark_group("step");
    group.throughput(Throughput::Elements(five.steps - before));
    group.bench_function("write-through-five", |bencher| bencher.iter(|| five.write(&command)));
    group.finish();
}

fn clone_of_a_long_log(criterion: &mut Criterion) {
    let mut five = Five::new();
    let command: Arc<[u8]> = Arc::from([7; 32]);
    while five.nodes[0].log().last().index < LogIndex(10_000) {
        five.happen(0, Input::Proposed { request: RequestId(1), command: Arc::clone(&command) });
    }
    criterion.bench_function("clone/10,000-entries", |bencher| bencher.iter(|| five.nodes[0].clone()));
}

criterion_group!(benches, write_through_five, clone_of_a_long_log);
criterion_main!(benches);
