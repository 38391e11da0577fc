//! A failure of safety as a story, move by move.
//!
//! Holds: a story has no loss, delay, partition, nemesis or clock: what it does not deliver does not arrive.
//! Not here: failures that need time (`hardship`).

use std::sync::Arc;

use super::{Effort, Fingerprint, LIMIT, Shrunk, ddmin, nodes, verified};
use crate::act::{self, Act};
use crate::agenda::Agenda;
use crate::choices::Choices;
use crate::machine::Request;
use crate::panics;
use crate::protocol::{NodeId, Operation, Protocol};
use crate::runner::{self, RunOptions};
use crate::scenario::{
    Budget, ClientCall, CrashLeaves, Disk, Network, OperationOutcome, Scenario, Schedule, Step, Target,
    Timers, Value, Whom,
};
use crate::world::World;

/// The scenario in which acts are dealt, and whether its disks are instant.
struct Table<'a> {
    scenario: Scenario,
    instant_disks: bool,
    options: &'a RunOptions,
    goal: &'a Fingerprint,
}

type Acts<P> = Vec<Act<<P as Protocol>::Timer>>;

/// Makes a story of a run's acts and leaves out what it does not need. `None` when the failure is gone with time.
pub(super) fn shrink<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    goal: &Fingerprint,
    mut acts: Acts<P>,
    effort: &mut Effort<'_>,
) -> Option<Shrunk> {
    act::mark_duplicates(&mut acts);
    effort.size = acts.len();
    let mut table = Table { scenario: frozen(scenario), instant_disks: false, options, goal };
    let mut acts =
        with_instant_disks::<P>(&mut table, &acts, effort).or_else(|| table.deal::<P>(&acts, effort))?;
    acts = without_kinds::<P>(&table, acts, effort);
    acts = minimal::<P>(&table, acts, effort);
    loop {
        let before = (acts.len(), table.scenario.cluster.nodes.len(), table.scenario.cluster.options.len());
        acts = with_instant_disks::<P>(&mut table, &acts, effort).unwrap_or(acts);
        acts = without_nodes::<P>(&mut table, acts, effort);
        acts = without_options::<P>(&mut table, acts, effort);
        acts = simpler::<P>(&table, acts, effort);
        acts = minimal::<P>(&table, acts, effort);
        acts = without_pairs::<P>(&table, acts, effort);
        let now = (acts.len(), table.scenario.cluster.nodes.len(), table.scenario.cluster.options.len());
        if before == now || effort.is_over() {
            break;
        }
    }
    table.finish::<P>(&acts, effort)
}

/// The scenario with everything left out that happens by itself.
fn frozen(scenario: &Scenario) -> Scenario {
    let mut frozen = scenario.clone();
    frozen.cluster.timers = Timers::Scripted;
    frozen.cluster.snapshot_every = None;
    frozen.network = Network::default();
    frozen.disk = Disk { crash: CrashLeaves::Lost, ..Disk::default() };
    frozen.clock = crate::scenario::Clock::default();
    frozen.schedule = Schedule::Timed;
    frozen.budget = Budget::default();
    frozen.workload = None;
    frozen.nemeses = Vec::new();
    frozen.expect = crate::scenario::Expectations::default();
    frozen.steps = Vec::new();
    frozen
}

impl Table<'_> {
    /// Deals acts, and gives those that were possible, through the failure; `None` when it does not come.
    fn deal<P: Protocol>(&self, acts: &Acts<P>, effort: &mut Effort<'_>) -> Option<Acts<P>> {
        let mut world = self.world::<P>()?;
        let dealt = panics::catch(|| {
            world.freeze(self.instant_disks);
            for act in acts {
                act::deal(&mut world, act);
                if !world.violations().is_empty() || world.is_exhausted() {
                    break;
                }
            }
        });
        effort.spend(world.counts().events + 1);
        let report = runner::conclude(&self.scenario, self.options, &mut world, dealt.err());
        if Fingerprint::of(&report, &self.scenario).as_ref() != Some(self.goal) {
            return None;
        }
        let mut used = world.acts.take().unwrap_or_default();
        if self.instant_disks {
            used.retain(|act| !matches!(act, Act::Finish { .. }));
        }
        effort.size = effort.size.min(used.len());
        Some(used)
    }

    fn world<P: Protocol>(&self) -> Option<World<P>> {
        let settings = runner::protocol_settings::<P>(&self.scenario).ok()?;
        let choices = Choices::seeded(self.options.seed);
        let scenario = Arc::new(self.scenario.clone());
        let mut world = World::new(scenario, settings, choices, Agenda::timed(), false);
        world.limit = LIMIT;
        world.acts = Some(Vec::new());
        Some(world)
    }

    fn finish<P: Protocol>(&self, acts: &Acts<P>, effort: &mut Effort<'_>) -> Option<Shrunk> {
        let mut scenario = self.scenario.clone();
        scenario.title = format!("Shrunk: {}", self.goal.property);
        scenario.source = format!("a failure of seed {}, made small", self.options.seed);
        scenario.seeds = crate::scenario::Seeds { first: self.options.seed, last: self.options.seed };
        scenario.systems = vec![self.options.system.clone()];
        scenario.steps = steps::<P>(acts, self.instant_disks);
        let (scenario, report) = verified(scenario, self.options, self.goal, effort)?;
        let count = |wanted: fn(&Act<P::Timer>) -> bool| acts.iter().filter(|act| wanted(act)).count();
        Some(Shrunk {
            scenario,
            fingerprint: self.goal.clone(),
            report,
            faults: count(|act| match act {
                Act::Deliver { skipped, kept, .. } => *kept || *skipped > 0,
                Act::Crash { .. } | Act::Wipe { .. } | Act::Bind { .. } => true,
                Act::Fire { .. }
                | Act::Finish { .. }
                | Act::Boot { .. }
                | Act::Snapshot { .. }
                | Act::Call { .. }
                | Act::Operate { .. } => false,
            }),
            operations: count(|act| {
                matches!(
                    act,
                    Act::Fire { .. } | Act::Call { .. } | Act::Operate { .. } | Act::Snapshot { .. }
                )
            }),
            acts: acts.len(),
            tries: effort.tries,
            is_story: true,
        })
    }
}

fn minimal<P: Protocol>(table: &Table<'_>, acts: Acts<P>, effort: &mut Effort<'_>) -> Acts<P> {
    let effort = core::cell::RefCell::new(effort);
    let mut keeps = |rest: Acts<P>| table.deal::<P>(&rest, &mut effort.borrow_mut());
    let mut over = || effort.borrow_mut().is_over();
    ddmin(acts, &mut keeps, &mut over)
}

/// Tries to leave out everything that happens to a node, and every act of a kind, at once: cheap for long runs.
fn without_kinds<P: Protocol>(table: &Table<'_>, mut acts: Acts<P>, effort: &mut Effort<'_>) -> Acts<P> {
    let kind = |act: &Act<P::Timer>| match act {
        Act::Call { .. } => 0,
        Act::Crash { .. } | Act::Boot { .. } => 1,
        Act::Snapshot { .. } => 2,
        Act::Operate { .. } => 3,
        Act::Deliver { .. } | Act::Fire { .. } | Act::Finish { .. } | Act::Wipe { .. } | Act::Bind { .. } => {
            4
        }
    };
    for gone in 0..4 {
        let rest: Acts<P> = acts.iter().filter(|act| kind(act) != gone).cloned().collect();
        if rest.len() < acts.len() {
            acts = table.deal::<P>(&rest, effort).unwrap_or(acts);
        }
    }
    for node in table.scenario.cluster.ids() {
        let rest: Acts<P> = acts.iter().filter(|act| !act.names(node)).cloned().collect();
        if rest.len() < acts.len() && !effort.is_over() {
            acts = table.deal::<P>(&rest, effort).unwrap_or(acts);
        }
    }
    acts
}

/// Lets every write finish at once, if the failure survives that.
fn with_instant_disks<P: Protocol>(
    table: &mut Table<'_>,
    acts: &Acts<P>,
    effort: &mut Effort<'_>,
) -> Option<Acts<P>> {
    if table.instant_disks {
        return None;
    }
    table.instant_disks = true;
    let rest: Acts<P> = acts.iter().filter(|act| !matches!(act, Act::Finish { .. })).cloned().collect();
    let dealt = table.deal::<P>(&rest, effort);
    table.instant_disks = dealt.is_some();
    dealt
}

fn without_nodes<P: Protocol>(table: &mut Table<'_>, mut acts: Acts<P>, effort: &mut Effort<'_>) -> Acts<P> {
    for number in (0..table.scenario.cluster.nodes.len() as u32).rev() {
        let node = NodeId(number);
        let Some(less) = nodes::without(&table.scenario, node) else { continue };
        let before = core::mem::replace(&mut table.scenario, less);
        match table.deal::<P>(&nodes::acts_without(&acts, node), effort) {
            Some(used) => acts = used,
            None => table.scenario = before,
        }
    }
    acts
}

fn without_options<P: Protocol>(
    table: &mut Table<'_>,
    mut acts: Acts<P>,
    effort: &mut Effort<'_>,
) -> Acts<P> {
    let names: Vec<String> = table.scenario.cluster.options.keys().cloned().collect();
    for name in names {
        let Some(value) = table.scenario.cluster.options.remove(&name) else { continue };
        match table.deal::<P>(&acts, effort) {
            Some(used) => acts = used,
            None => {
                table.scenario.cluster.options.insert(name, value);
            }
        }
    }
    acts
}

/// Makes acts simpler, one at a time: a crash that keeps nothing, a message that comes once.
fn simpler<P: Protocol>(table: &Table<'_>, mut acts: Acts<P>, effort: &mut Effort<'_>) -> Acts<P> {
    let mut at = 0;
    while at < acts.len() && !effort.is_over() {
        let mut other = acts.clone();
        let changed = match &mut other[at] {
            Act::Crash { kept, .. } if *kept > 0 => core::mem::take(kept) > 0,
            Act::Deliver { kept, .. } if *kept => core::mem::take(kept),
            _ => false,
        };
        if changed && let Some(used) = table.deal::<P>(&other, effort).filter(|used| used.len() <= acts.len())
        {
            acts = used;
        }
        at += 1;
    }
    acts
}

/// Leaves out two acts at once: what comes in pairs (a crash and a boot, two elections) survives one at a time.
fn without_pairs<P: Protocol>(table: &Table<'_>, mut acts: Acts<P>, effort: &mut Effort<'_>) -> Acts<P> {
    const FEW: usize = 80;
    if acts.len() > FEW {
        return acts;
    }
    let mut first = 0;
    while first < acts.len() {
        let mut second = first + 1;
        while second < acts.len() {
            if effort.is_over() {
                return acts;
            }
            let mut rest = acts.clone();
            rest.remove(second);
            rest.remove(first);
            match table.deal::<P>(&rest, effort) {
                Some(used) => acts = used,
                None => second += 1,
            }
        }
        first += 1;
    }
    acts
}

/// The steps that deal these acts.
fn steps<P: Protocol>(acts: &Acts<P>, instant_disks: bool) -> Vec<Step> {
    let mut steps = vec![Step::Freeze { instant_disks }];
    for act in acts {
        let step = step::<P>(act);
        match (steps.last_mut(), &step) {
            (Some(Step::Finish { node: last, writes }), Step::Finish { node, .. }) if last == node => {
                *writes += 1;
            }
            _ => steps.push(step),
        }
    }
    steps
}

fn step<P: Protocol>(act: &Act<P::Timer>) -> Step {
    let one = |node: NodeId| Whom::Nodes([node].into());
    match act {
        Act::Deliver { from, to, what, skipped, kept, .. } => Step::Deliver {
            from: *from,
            to: *to,
            what: Some(what.clone()),
            skip: *skipped as u64,
            keep: *kept,
        },
        Act::Fire { node, timer } if Some(*timer) == P::election_timer() => Step::Timeout { node: *node },
        Act::Fire { node, timer } if Some(*timer) == P::heartbeat_timer() => {
            Step::Heartbeat { node: Target::Node(*node) }
        }
        Act::Fire { node, timer } => {
            Step::Fire { node: Target::Node(*node), timer: runner::timer_name(timer) }
        }
        Act::Finish { node } => Step::Finish { node: Target::Node(*node), writes: 1 },
        Act::Crash { node, kept: 0, .. } => Step::Crash { nodes: one(*node) },
        Act::Crash { node, kept, .. } => Step::Tear { node: Target::Node(*node), kept: *kept as u64 },
        Act::Boot { node } => Step::Restart { nodes: one(*node) },
        Act::Wipe { node } => Step::Wipe { nodes: one(*node) },
        Act::Snapshot { node } => Step::Snapshot { node: Target::Node(*node) },
        Act::Call { node, request } => {
            let (call, via) = (call(*request), Target::Node(*node));
            Step::Call { call, client: None, via, outcome: None, wait: false }
        }
        Act::Operate { node, operation } => {
            let (via, outcome) = (Target::Node(*node), OperationOutcome::Pending);
            match operation {
                Operation::Change(change) => Step::Change { change: change.clone(), via, outcome },
                Operation::Transfer { to } => Step::Transfer { to: *to, via, outcome },
            }
        }
        Act::Bind { node, address } => Step::Address { node: *node, at: *address },
    }
}

fn call(request: Request) -> ClientCall {
    let name = |key: u32| format!("k{key}");
    match request {
        Request::Put { key, value } => ClientCall::Write { key: name(key), value },
        Request::Get { key } => ClientCall::Read { key: name(key), value: None },
        Request::Cas { key, expected, value } => {
            ClientCall::Cas { key: name(key), from: expected.map_or(Value::Absent, Value::Of), to: value }
        }
    }
}
