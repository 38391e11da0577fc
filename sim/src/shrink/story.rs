//! A failure of safety as a story, move by move.
//!
//! Holds: a story has no loss, delay, partition, nemesis or clock: what it does not deliver does not arrive.
//! Not here: failures that need time (`hardship`).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ddmin::From;
use super::{Effort, Fingerprint, LIMIT, Shrunk, Words, ddmin, nodes, verified};
use crate::choices::Choices;
use crate::machine::Request;
use crate::panics;
use crate::protocol::{NodeId, Operation, Protocol};
use crate::runner::{self, RunOptions};
use crate::scenario::{
    Budget, ClientCall, Cluster, CrashLeaves, Disk, Network, OperationOutcome, Property, Scenario, Schedule,
    Sessions, Step, Target, Timers, Value, Whom,
};
use crate::world::World;
use crate::world::act::{self, Act};
use crate::world::agenda::Agenda;
use crate::world::deal::deal;

/// The scenario in which acts are dealt, and how.
#[derive(Clone)]
struct Table<'a> {
    scenario: Scenario,
    /// Whether writes finish as soon as they are issued.
    instant_disks: bool,
    /// How long after the last act the cluster must agree, if that is what it does not do.
    agreement: Option<u64>,
    options: &'a RunOptions,
    goal: &'a Fingerprint,
}

type Acts<P> = Vec<Act<<P as Protocol>::Timer>>;

/// Which messages are meant when acts are dealt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dealt {
    /// Those that were sent as the so-manieth: the acts are all that there were.
    Exactly,
    /// Those that say the same, or are likely.
    Likely,
}

/// Makes a story of a run's acts and leaves out what it does not need. `None` when the failure is gone with time.
pub(super) fn shrink<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    goal: &Fingerprint,
    mut acts: Acts<P>,
    effort: &mut Effort<'_>,
) -> Option<Shrunk> {
    let scenario = &match goal.property == Property::Linearizability.name() {
        true => without_clocks::<P>(scenario)?,
        false => scenario.clone(),
    };
    let owes = goal.property == Property::Convergence.name();
    match acts.iter().rposition(|act| *act == Act::Heal) {
        Some(healed) if owes => acts.truncate(healed),
        None if owes => return None,
        Some(_) | None => {}
    }
    acts.retain(|act| *act != Act::Heal);
    act::mark_first_calls(&mut acts);
    act::mark_duplicates(&mut acts);
    effort.size = acts.len();
    let agreement = owes.then(|| scenario.cluster.election.max.saturating_mul(ELECTIONS));
    let mut table =
        Table { scenario: frozen(scenario, owes), instant_disks: false, agreement, options, goal };
    let acts = first::<P>(&mut table, acts, effort)?;
    let mut best: Option<(Table<'_>, Acts<P>)> = None;
    for from in [From::Front, From::Back] {
        let mut table = table.clone();
        let acts = smallest::<P>(&mut table, acts.clone(), from, effort);
        if best.as_ref().is_none_or(|(other, others)| table.order(&acts) < other.order(others)) {
            best = Some((table, acts));
        }
    }
    let (table, acts) = best?;
    table.finish::<P>(&acts, effort)
}

/// The story of acts, move by move, with what it breaks. `None` when it breaks nothing.
pub(super) fn tell<P: Protocol>(
    scenario: &Scenario,
    options: &RunOptions,
    acts: &[Act<P::Timer>],
    instant_disks: bool,
    owes_agreement: bool,
) -> Option<Scenario> {
    let mut stop = |_: &super::Progress| false;
    let mut effort = Effort::new(u64::MAX, &mut stop);
    let goal = &Fingerprint { property: String::new(), shape: String::new() };
    let agreement = owes_agreement.then(|| scenario.cluster.election.max.saturating_mul(ELECTIONS));
    let mut table =
        Table { scenario: frozen(scenario, owes_agreement), instant_disks, agreement, options, goal };
    let mut world = table.world::<P>()?;
    let ended = panics::catch(|| {
        world.freeze(instant_disks);
        let lose = owes_agreement.then_some(Act::Lose);
        acts.iter().chain(&lose).for_each(|act| {
            if world.violations().is_empty() {
                deal(&mut world, act, false);
            }
        });
        if let Some(within) = agreement {
            world.heal();
            runner::converge(&mut world, within);
        }
    });
    let mut used = world.ledger.acts.take().unwrap_or_default();
    if owes_agreement {
        used.truncate(used.iter().position(|act| *act == Act::Heal)?);
    }
    if instant_disks {
        used.retain(|act| !matches!(act, Act::Finish { .. }));
    }
    let report = runner::conclude(&table.scenario, options, &mut world, ended.err());
    let goal = &Fingerprint::of(&report, &table.scenario)?;
    table.goal = goal;
    let mut told = table.finish::<P>(&used, &mut effort)?.scenario;
    told.title = format!("Explored: {}", goal.property);
    told.source = String::from("a shortest run that breaks it, found by exploring every order");
    Some(told)
}

/// The scenario with no promise that rests on clocks: a frozen world would break it however right the protocol is.
fn without_clocks<P: Protocol>(scenario: &Scenario) -> Option<Scenario> {
    let relies = |scenario: &Scenario| {
        runner::protocol_settings::<P>(scenario).map(|settings| P::relies_on_clocks(&settings))
    };
    if !relies(scenario).ok()? {
        return Some(scenario.clone());
    }
    scenario.cluster.options.keys().find_map(|name| {
        let mut without = scenario.clone();
        without.cluster.options.remove(name);
        (relies(&without) == Ok(false)).then_some(without)
    })
}

/// The acts, as they are possible in a frozen world.
fn first<P: Protocol>(table: &mut Table<'_>, mut acts: Acts<P>, effort: &mut Effort<'_>) -> Option<Acts<P>> {
    if table.agreement.is_some() {
        // What a frozen world did not deliver was lost in the run, or still under way.
        let lose: Acts<P> = acts.iter().cloned().chain([Act::Lose]).collect();
        if let Some(acts) = table.deal::<P>(&lose, Dealt::Exactly, effort) {
            return Some(acts);
        }
    }
    acts = table
        .deal::<P>(&acts, Dealt::Exactly, effort)
        .or_else(|| with_instant_disks::<P>(table, &acts, effort))
        .or_else(|| table.deal::<P>(&acts, Dealt::Likely, effort))?;
    Some(acts)
}

/// Leaves out what the failure does not need, and tells the rest as shortly as possible.
fn smallest<P: Protocol>(
    table: &mut Table<'_>,
    mut acts: Acts<P>,
    from: From,
    effort: &mut Effort<'_>,
) -> Acts<P> {
    acts = with_separate_calls::<P>(table, acts, effort);
    acts = with_instant_disks::<P>(table, &acts, effort).unwrap_or(acts);
    acts = without_kinds::<P>(table, acts, effort);
    acts = minimal::<P>(table, acts, from, effort);
    loop {
        let before = table.order(&acts);
        acts = with_instant_disks::<P>(table, &acts, effort).unwrap_or(acts);
        acts = without_nodes::<P>(table, acts, effort);
        acts = with_plain_settings::<P>(table, acts, effort);
        acts = with_commands::<P>(table, acts, effort);
        acts = simpler::<P>(table, acts, effort);
        acts = minimal::<P>(table, acts, from, effort);
        acts = without_pairs::<P>(table, acts, effort);
        acts = with_separate_calls::<P>(table, acts, effort);
        if before == table.order(&acts) || effort.is_over() {
            break;
        }
    }
    acts = with_exchanges::<P>(table, acts, effort);
    minimal::<P>(table, acts, from, effort)
}

/// Gives every call a client of its own, numbered as a story numbers them.
fn with_separate_calls<P: Protocol>(table: &Table<'_>, acts: Acts<P>, effort: &mut Effort<'_>) -> Acts<P> {
    let mut separate = acts.clone();
    act::separate_calls(&mut separate);
    if separate == acts {
        return acts;
    }
    let used = table.deal::<P>(&separate, Dealt::Likely, effort);
    used.filter(|used| used.len() <= acts.len()).unwrap_or(acts)
}

/// A millisecond, in virtual nanoseconds.
const MS: u64 = 1_000_000;

/// How many of the longest election timeouts a healed cluster is given in a story: a correct one needs a few.
const ELECTIONS: u64 = 100;

/// The scenario with everything left out that happens by itself.
fn frozen(scenario: &Scenario, owes_agreement: bool) -> Scenario {
    let mut frozen = scenario.clone();
    frozen.cluster.timers = if owes_agreement { Timers::Running } else { Timers::Scripted };
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
    frozen.meanwhile = Vec::new();
    frozen
}

impl Table<'_> {
    /// Deals acts, and gives those that were possible, through the failure; `None` when it does not come.
    fn deal<P: Protocol>(&self, acts: &Acts<P>, dealt: Dealt, effort: &mut Effort<'_>) -> Option<Acts<P>> {
        let mut world = self.world::<P>()?;
        let ended = panics::catch(|| {
            world.freeze(self.instant_disks);
            for act in acts {
                deal(&mut world, act, dealt == Dealt::Exactly);
                if !world.violations().is_empty() || world.is_exhausted() {
                    return;
                }
            }
            if let Some(within) = self.agreement {
                world.heal();
                runner::converge(&mut world, within);
            }
        });
        effort.spend(world.counts().events + 1);
        let mut used = world.ledger.acts.take().unwrap_or_default();
        if self.agreement.is_some() {
            used.truncate(used.iter().position(|act| *act == Act::Heal)?);
        }
        let report = runner::conclude(&self.scenario, self.options, &mut world, ended.err());
        if Fingerprint::of(&report, &self.scenario).as_ref() != Some(self.goal) {
            return None;
        }
        if self.instant_disks {
            used.retain(|act| !matches!(act, Act::Finish { .. }));
        }
        effort.size = effort.size.min(used.len());
        Some(used)
    }

    /// How much a reader has to go through: the story first, then what has to be known before it begins.
    fn order<T>(&self, acts: &[Act<T>]) -> (usize, usize, usize) {
        let cluster = &self.scenario.cluster;
        let settings = cluster.nodes.len() + cluster.options.len() + cluster.priority.len();
        (acts.len(), faults(acts), settings)
    }

    fn world<P: Protocol>(&self) -> Option<World<P>> {
        let settings = runner::protocol_settings::<P>(&self.scenario).ok()?;
        let choices = Choices::seeded(self.options.seed);
        let scenario = Arc::new(self.scenario.clone());
        let mut world = World::new(scenario, settings, choices, Agenda::timed(), false);
        world.bounds.limit = LIMIT;
        world.ledger.acts = Some(Vec::new());
        Some(world)
    }

    fn finish<P: Protocol>(&self, acts: &Acts<P>, effort: &mut Effort<'_>) -> Option<Shrunk> {
        let mut scenario = self.scenario.clone();
        scenario.title = format!("Shrunk: {}", self.goal.property);
        scenario.source = format!("a failure of seed {}, made small", self.options.seed);
        scenario.seeds = crate::scenario::Seeds { first: self.options.seed, last: self.options.seed };
        scenario.systems = vec![self.options.system.clone()];
        scenario.steps = steps::<P>(acts, &scenario, self.instant_disks);
        if let Some(within) = self.agreement {
            scenario.steps.extend([Step::Heal, Step::Converge { within }]);
        }
        let (scenario, report) = verified::<P>(scenario, self.options, self.goal, effort)?;
        Some(Shrunk {
            scenario,
            fingerprint: self.goal.clone(),
            report,
            words: Words::default(),
            faults: faults(acts),
            operations: operations(acts),
            acts: acts.len(),
            tries: effort.tries,
            is_story: true,
        })
    }
}

fn minimal<P: Protocol>(table: &Table<'_>, acts: Acts<P>, from: From, effort: &mut Effort<'_>) -> Acts<P> {
    let effort = core::cell::RefCell::new(effort);
    let mut keeps = |rest: Acts<P>| table.deal::<P>(&rest, Dealt::Likely, &mut effort.borrow_mut());
    let mut over = || effort.borrow_mut().is_over();
    ddmin(acts, from, &mut keeps, &mut over)
}

/// Tries to leave out everything that happens to a node, and every act of a kind, at once: cheap for long runs.
fn without_kinds<P: Protocol>(table: &Table<'_>, mut acts: Acts<P>, effort: &mut Effort<'_>) -> Acts<P> {
    let kind = |act: &Act<P::Timer>| match act {
        Act::Call { .. } => 0,
        Act::Crash { .. } | Act::Boot { .. } => 1,
        Act::Snapshot { .. } => 2,
        Act::Operate { .. } => 3,
        Act::Deliver { .. }
        | Act::Fire { .. }
        | Act::Finish { .. }
        | Act::Wipe { .. }
        | Act::Bind { .. }
        | Act::Exchange { .. }
        | Act::Lose
        | Act::Heal => 4,
    };
    for gone in 0..4 {
        let rest: Acts<P> = acts.iter().filter(|act| kind(act) != gone).cloned().collect();
        if rest.len() < acts.len() {
            acts = table.deal::<P>(&rest, Dealt::Likely, effort).unwrap_or(acts);
        }
    }
    for node in table.scenario.cluster.ids() {
        let rest: Acts<P> = acts.iter().filter(|act| !act.names(node)).cloned().collect();
        if rest.len() < acts.len() && !effort.is_over() {
            acts = table.deal::<P>(&rest, Dealt::Likely, effort).unwrap_or(acts);
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
    let dealt = table.deal::<P>(&rest, Dealt::Likely, effort);
    table.instant_disks = dealt.is_some();
    dealt
}

fn without_nodes<P: Protocol>(table: &mut Table<'_>, mut acts: Acts<P>, effort: &mut Effort<'_>) -> Acts<P> {
    for number in (0..table.scenario.cluster.nodes.len() as u32).rev() {
        let node = NodeId(number);
        let Some(less) = nodes::without(&table.scenario, node) else { continue };
        let before = core::mem::replace(&mut table.scenario, less);
        match table.deal::<P>(&nodes::acts_without(&acts, node), Dealt::Likely, effort) {
            Some(used) => acts = used,
            None => table.scenario = before,
        }
    }
    acts
}

/// Leaves out settings that do not matter.
fn with_plain_settings<P: Protocol>(
    table: &mut Table<'_>,
    acts: Acts<P>,
    effort: &mut Effort<'_>,
) -> Acts<P> {
    for plain in plainer(&table.scenario) {
        let before = core::mem::replace(&mut table.scenario, plain);
        match table.deal::<P>(&acts, Dealt::Likely, effort) {
            Some(used) if used.len() <= acts.len() => return with_plain_settings::<P>(table, used, effort),
            Some(_) | None => table.scenario = before,
        }
        if effort.is_over() {
            break;
        }
    }
    acts
}

/// Tells nodes to stand for election and to send heartbeats, instead of letting the timers of a library that keeps its own
/// time fire one by one until it does: from the back, so that nothing later depends on the time that passed.
fn with_commands<P: Protocol>(table: &Table<'_>, mut acts: Acts<P>, effort: &mut Effort<'_>) -> Acts<P> {
    let told = World::<P>::commands();
    let waits = |act: &Act<P::Timer>| matches!(act, Act::Fire { timer, .. } if !told.contains(&Some(*timer)));
    if !P::keeps_own_time() {
        return acts;
    }
    let mut end = acts.len();
    while end > 0 && !effort.is_over() {
        let run = acts[..end].iter().rev().take_while(|act| waits(act)).count();
        let start = end - run;
        let nodes: BTreeSet<NodeId> = acts[start..end].iter().filter_map(Act::node).collect();
        let told = nodes.iter().flat_map(|&node| told.map(|timer| (node, timer)));
        let commands = told.filter_map(|(node, timer)| Some(Act::Fire { node, timer: timer? }));
        for (command, wakes) in commands.flat_map(|command| [(command.clone(), 0), (command, 1)]) {
            let (own, others): (Acts<P>, Acts<P>) =
                acts[start..end].iter().cloned().partition(|act| act.node() == command.node());
            let kept = own.into_iter().take(wakes).chain([command]);
            let mut shorter: Acts<P> = acts[..start].to_vec();
            shorter.extend(others.into_iter().chain(kept).chain(acts[end..].iter().cloned()));
            let used = table.deal::<P>(&shorter, Dealt::Likely, effort);
            if let Some(used) = used.filter(|used| used.len() <= acts.len()) {
                acts = used;
                break;
            }
        }
        end = start.saturating_sub(1).min(acts.len());
    }
    acts
}

/// Scenarios with one setting less. Each differs from the given one.
fn plainer(scenario: &Scenario) -> Vec<Scenario> {
    let mut plainer = Vec::new();
    let mut add = |change: &dyn Fn(&mut Cluster)| {
        let mut plain = scenario.clone();
        change(&mut plain.cluster);
        if plain != *scenario {
            plainer.push(plain);
        }
    };
    scenario.cluster.options.keys().for_each(|name| {
        add(&|cluster| {
            cluster.options.remove(name);
        });
    });
    add(&|cluster| cluster.priority.clear());
    add(&|cluster| cluster.sessions = Sessions::Kept);
    add(&|cluster| {
        if cluster.heartbeat > MS {
            cluster.heartbeat -= cluster.heartbeat % MS;
        }
    });
    add(&|cluster| cluster.addresses.truncate(cluster.nodes.len()));
    plainer
}

/// Makes acts simpler, one at a time: a crash that keeps nothing, a message that comes once, one that comes in order.
fn simpler<P: Protocol>(table: &Table<'_>, mut acts: Acts<P>, effort: &mut Effort<'_>) -> Acts<P> {
    let mut at = 0;
    while at < acts.len() && !effort.is_over() {
        let simpler = simpler_acts(&acts[at]);
        let better = simpler.into_iter().find_map(|simpler| {
            let mut other = acts.clone();
            other[at] = simpler;
            let used = table.deal::<P>(&other, Dealt::Likely, effort)?;
            (used.len() <= acts.len() && faults(&used) < faults(&acts)).then_some(used)
        });
        acts = better.unwrap_or(acts);
        at += 1;
    }
    acts
}

fn simpler_acts<T: Copy>(act: &Act<T>) -> Vec<Act<T>> {
    let change = |change: &dyn Fn(&mut Act<T>)| {
        let mut simpler = act.clone();
        change(&mut simpler);
        simpler
    };
    match act {
        Act::Crash { kept: 1.., .. } => vec![change(&|act| {
            if let Act::Crash { kept, .. } = act {
                *kept = 0;
            }
        })],
        Act::Deliver { kept: true, .. } => vec![change(&|act| {
            if let Act::Deliver { kept, .. } = act {
                *kept = false;
            }
        })],
        // The oldest instead, whatever it says.
        Act::Deliver { older: 1.., .. } => vec![change(&|act| {
            if let Act::Deliver { digest, older, younger, .. } = act {
                (*digest, *older, *younger) = (0, 0, 1);
            }
        })],
        _ => Vec::new(),
    }
}

/// Crashes, emptied disks, moves, duplicates, and messages that overtook others. What was lost is what never arrives.
fn faults<T>(acts: &[Act<T>]) -> usize {
    let is_fault = |act: &&Act<T>| match act {
        Act::Deliver { overtakes, kept, .. } => *kept || *overtakes,
        Act::Crash { .. } | Act::Wipe { .. } | Act::Bind { .. } | Act::Lose => true,
        Act::Fire { .. }
        | Act::Finish { .. }
        | Act::Boot { .. }
        | Act::Snapshot { .. }
        | Act::Call { .. }
        | Act::Operate { .. }
        | Act::Exchange { .. }
        | Act::Heal => false,
    };
    acts.iter().filter(is_fault).count()
}

/// What timers, clients and operators do.
fn operations<T>(acts: &[Act<T>]) -> usize {
    let is_operation = |act: &&Act<T>| {
        matches!(act, Act::Fire { .. } | Act::Call { .. } | Act::Operate { .. } | Act::Snapshot { .. })
    };
    acts.iter().filter(is_operation).count()
}

/// Tells deliveries that follow each other as one exchange between their nodes, where nothing else must wait there; in a
/// library that keeps its own time, with the time that passed between them.
fn with_exchanges<P: Protocol>(table: &Table<'_>, mut acts: Acts<P>, effort: &mut Effort<'_>) -> Acts<P> {
    let arrives = |act: &&Act<P::Timer>| match act {
        Act::Deliver { .. } => true,
        Act::Fire { .. } => P::keeps_own_time(),
        _ => false,
    };
    let mut at = 0;
    while at < acts.len() && !effort.is_over() {
        let run = acts[at..].iter().take_while(arrives).count();
        // The longest that can be told so.
        let shorter = (2..=run).rev().find_map(|length| {
            let nodes = between(&acts[at..at + length]);
            if nodes.is_empty() {
                return None;
            }
            let mut other = acts.clone();
            other.splice(at..at + length, [Act::Exchange { nodes }]);
            table.deal::<P>(&other, Dealt::Likely, effort).filter(|used| used.len() < acts.len())
        });
        acts = shorter.unwrap_or(acts);
        at += 1;
    }
    acts
}

/// The nodes between which messages arrive.
fn between<T>(acts: &[Act<T>]) -> BTreeSet<NodeId> {
    let ends = |act: &Act<T>| match act {
        Act::Deliver { from, to, .. } => vec![*from, *to],
        _ => Vec::new(),
    };
    acts.iter().flat_map(ends).collect()
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
            match table.deal::<P>(&rest, Dealt::Likely, effort) {
                Some(used) => acts = used,
                None => second += 1,
            }
        }
        first += 1;
    }
    acts
}

/// The steps that deal these acts.
fn steps<P: Protocol>(acts: &Acts<P>, scenario: &Scenario, instant_disks: bool) -> Vec<Step> {
    let asks_again = |client: u32| {
        acts.iter().any(|act| matches!(act, Act::Call { client: other, again: true, .. } if *other == client))
    };
    let mut steps = vec![Step::Freeze { instant_disks }];
    for act in acts {
        let step = match act {
            Act::Call { client, node, again: true, .. } => Step::Retry {
                client: format!("c{client}"),
                via: Target::Node(*node),
                outcome: None,
                wait: false,
            },
            Act::Call { client, node, request, again: false } => Step::Call {
                call: call(*request),
                client: asks_again(*client).then(|| format!("c{client}")),
                name: None,
                via: Target::Node(*node),
                outcome: None,
                wait: false,
            },
            Act::Exchange { nodes } if nodes.len() == scenario.cluster.nodes.len() => {
                Step::Exchange { nodes: Whom::All }
            }
            Act::Exchange { nodes } => Step::Exchange { nodes: Whom::Nodes(nodes.clone()) },
            _ => match step::<P>(act) {
                Some(step) => step,
                None => continue,
            },
        };
        match (steps.last_mut(), &step) {
            (Some(Step::Finish { node: last, writes }), Step::Finish { node, .. }) if last == node => {
                *writes += 1;
            }
            _ => steps.push(step),
        }
    }
    steps
}

fn step<P: Protocol>(act: &Act<P::Timer>) -> Option<Step> {
    let one = |node: NodeId| Whom::Nodes([node].into());
    Some(match act {
        Act::Deliver { from, to, what, older, kept, .. } => {
            Step::Deliver { from: *from, to: *to, what: Some(what.clone()), skip: *older as u64, keep: *kept }
        }
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
        Act::Wipe { node } => Step::Wipe { nodes: one(*node), group: None },
        Act::Snapshot { node } => Step::Snapshot { node: Target::Node(*node) },
        Act::Operate { node, operation } => {
            let (via, outcome) = (Target::Node(*node), OperationOutcome::Pending);
            match operation {
                Operation::Change(change) => {
                    Step::Change { change: change.clone(), name: None, via, outcome }
                }
                Operation::Transfer { to } => Step::Transfer { to: *to, name: None, via, outcome },
            }
        }
        Act::Bind { node, address } => Step::Address { node: *node, at: *address },
        Act::Lose => Step::DropAll,
        // Told where they stand among the others, or not part of a story.
        Act::Call { .. } | Act::Exchange { .. } | Act::Heal => return None,
    })
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
