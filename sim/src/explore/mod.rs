//! Every order of a small world: which message arrives, which timer fires, which write finishes, which node crashes, what is
//! asked of whom, in every order that the bounds of a scenario allow.
//!
//! A world here is untimed and lean: nodes with their disks, messages under way, and what was used up of the bounds. What a
//! node does in one of its states when something happens to it is found out once, by the protocol itself, and remembered;
//! after that a state is a few numbers and a move a few additions.
//!
//! Holds: a message that is lost is one that never arrives, so every number of losses is covered. Counts and findings do not
//! depend on threads.
//! Not here: time, reads, lost disks, nodes that move; and running a finding (`runner`).

mod breadth;
mod cast;
mod expand;
mod heal;
mod judge;
mod layer;
mod moves;
mod shard;
mod sleep;
mod stage;
mod state;
mod symmetry;
mod table;
mod trail;
mod turn;
mod what;

use crate::protocol::{Disk, NodeId, Protocol};
use crate::runner::{self, RunOptions};
use crate::scenario::{Answers, Explore, Objection, Property, Scenario, Writes};
use crate::shrink;
use crate::world::act::Act;
use breadth::{End, Search};
use cast::Cast;
use judge::{Broken, Memory};
use stage::Stage;
use state::State;
use turn::Node;

/// A protocol whose values can be copied and shared by threads, so that all orders can be explored.
pub trait Explorable:
    Protocol<
        Message: Send + Sync,
        Timer: Send + Sync,
        Disk: Disk<Write: Send + Sync> + Send + Sync,
        Settings: Send + Sync,
    > + Clone
    + Send
    + Sync
{
}

impl<P> Explorable for P where
    P: Protocol<
            Message: Send + Sync,
            Timer: Send + Sync,
            Disk: Disk<Write: Send + Sync> + Send + Sync,
            Settings: Send + Sync,
        > + Clone
        + Send
        + Sync
{
}

/// How much may be done, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most states.
    pub states: u64,
    /// The most memory, in bytes, as far as it is reckoned.
    pub bytes: u64,
    /// How many threads work.
    pub threads: usize,
    /// Whether nodes that the scenario treats alike are taken for one another.
    pub symmetry: bool,
    /// Whether what cannot matter is left out: moves that change nothing, messages that can do nothing any more, and one of
    /// two orders that lead to the same state.
    pub reduction: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { states: u64::MAX, bytes: u64::MAX, threads: 1, symmetry: true, reduction: true }
    }
}

/// How far the search is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// States seen.
    pub states: u64,
    /// States that wait.
    pub waiting: u64,
    /// Moves to the states that are looked at.
    pub layer: u32,
}

/// What came of exploring a scenario.
#[derive(Clone, Debug)]
pub struct Explored {
    /// How it ended.
    pub ended: Ended,
    /// States seen.
    pub states: u64,
    /// Moves followed.
    pub moves: u64,
    /// Moves that led beyond a bound and were not followed.
    pub beyond: u64,
    /// The longest of the shortest ways to a state, in moves.
    pub depth: u32,
    /// States that were not looked at when it ended.
    pub waiting: u64,
    /// Ways to call nodes by each other's names; 1 when each is itself.
    pub symmetries: usize,
    /// Different states of single nodes.
    pub players: usize,
    /// What is kept of all states, in bytes.
    pub kept_bytes: usize,
    /// The most memory that was taken, in bytes, as far as it is reckoned.
    pub bytes_max: usize,
}

/// How exploring ended.
#[derive(Clone, Debug)]
pub enum Ended {
    /// Every run within the bounds keeps every promise.
    Kept,
    /// A shortest run breaks one.
    Broken(Box<Counterexample>),
    /// A limit was met: this one.
    GaveUp(String),
}

/// A shortest run that breaks a promise.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// Which promise.
    pub property: Property,
    /// How.
    pub summary: String,
    /// How many moves it takes.
    pub moves: usize,
    /// The scenario that repeats it; `None` when a run judges it otherwise, which is a mistake of this program.
    pub scenario: Option<Scenario>,
}

/// The bounds of an exploration in words: `at most 2 crashes`.
#[must_use]
pub fn bounds_in_words(bounds: &Explore, changes: bool) -> Vec<String> {
    let many = |count: u32, one: &str| match count {
        0 => format!("no {one}"),
        1 => format!("at most 1 {one}"),
        _ => format!("at most {count} {one}s"),
    };
    let mut words = vec![
        many(bounds.terms, "term"),
        many(bounds.timeouts, "timeout"),
        many(bounds.silences, "silence"),
        many(bounds.heartbeats, "heartbeat"),
        many(bounds.crashes, "crash").replace("crashs", "crashes"),
        many(bounds.duplications, "duplicate"),
        many(bounds.proposals, "command"),
    ];
    if changes {
        words.push(many(bounds.changes, "change"));
    }
    words.push(String::from("any number of lost or late messages"));
    words.push(match bounds.writes {
        Writes::AtOnce => String::from("writes durable at once"),
        Writes::Later => String::from("writes durable at any time"),
    });
    if bounds.answers == Answers::AtOnce {
        words.push(String::from("answers arriving with what they answer"));
    }
    words.push(format!("at most {} moves", bounds.depth));
    if bounds.healing > 0 {
        words.push(format!("agreement within {} moves of healing from every state", bounds.healing));
    }
    words
}

/// Explores every order of a scenario with one protocol, until `stop` says so.
///
/// # Errors
/// What of the scenario cannot be run or explored.
pub fn explore<P: Explorable>(
    scenario: &Scenario,
    options: &RunOptions,
    limits: Limits,
    stop: &mut dyn FnMut(&Progress) -> bool,
) -> Result<Explored, Objection> {
    runner::world::<P>(scenario, options.seed, false)?;
    let stage = Stage::<P>::new(scenario)?;
    let mut cast = Cast::new(symmetry::names(&stage, limits.symmetry));
    let begun = begin(&stage, &mut cast);
    let mut search = Search::new(&stage, cast, limits);
    let ended = match begun {
        Err(broken) => told(&search, scenario, options, (broken, 0), &[]),
        Ok(first) => match search.run(first.clone(), stop) {
            End::Whole => Ended::Kept,
            End::GaveUp(limit) => Ended::GaveUp(limit),
            End::Broken(parent, place, broken) => {
                let mut way = search.way_to(parent);
                way.extend(place);
                let acts = trail::acts(&search, first, &way, limits.reduction);
                told(&search, scenario, options, (broken, way.len()), &acts)
            }
        },
    };
    Ok(Explored {
        ended,
        states: search.states(),
        moves: search.followed,
        beyond: search.beyond,
        depth: search.layers,
        waiting: search.waiting,
        symmetries: search.cast.names.len(),
        players: search.cast.players.len(),
        kept_bytes: search.kept_bytes(),
        bytes_max: search.bytes_max,
    })
}

/// The state in which every node has booted for the first time.
fn begin<P: Explorable>(stage: &Stage<P>, cast: &mut Cast<P>) -> Result<State, Broken> {
    let booted: Vec<_> = stage
        .scenario
        .cluster
        .ids()
        .map(|id| turn::first_boot(stage, Node::new(id, P::format(id, &stage.scenario.initial(id)))))
        .collect();
    let mut memory = Memory::default();
    let all = |id: NodeId| -> &Node<P> { &booted[id.0 as usize].node };
    for (id, turn) in (0..).map(NodeId).zip(&booted) {
        if let Some(panic) = &turn.panic {
            return Err(Broken { property: Property::Invariant, summary: panic.clone() });
        }
        for seen in &turn.sightings {
            judge::look(&mut memory, &judge::Look { stage, node: id, all: &all, seen })?;
        }
    }
    let memory = cast.add_memory(memory);
    let (mut players, mut posts) = (Vec::new(), Vec::new());
    for turn in booted {
        let outcome = cast.add_turn(stage, turn);
        let outcome = &cast.outcomes[outcome as usize];
        players.push(outcome.player);
        posts.extend_from_slice(&outcome.sent);
    }
    Ok(State::new(cast, &players, posts, memory))
}

/// A broken promise with the story that repeats it.
fn told<P: Explorable>(
    search: &Search<'_, P>,
    scenario: &Scenario,
    options: &RunOptions,
    (broken, moves): (Broken, usize),
    acts: &[Act<P::Timer>],
) -> Ended {
    let Broken { property, summary } = broken;
    let owes_agreement = property == Property::Convergence;
    let told = shrink::tell::<P>(scenario, options, acts, search.stage.instant_disks, owes_agreement);
    let scenario = told.filter(|told| told.expect.violations.contains(&property));
    Ended::Broken(Box::new(Counterexample { property, summary, moves, scenario }))
}
