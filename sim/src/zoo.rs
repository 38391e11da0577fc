//! The zoo: deliberate mistakes, and how soon the default search finds each.
//!
//! Three kinds: mutations of the core, which repeat published bugs; safety rules that are switched off; mutations of the
//! replicated machine and its sessions.
//! Holds: a mistake counts as found when a run breaks one of the promises that it is expected to break; equal starts give
//! equal numbers of seeds and events. Not here: the mistakes (`splitbrain_core::mutation`, `rules`, `machine_mutation`).

use splitbrain_core::{Mutation, Rules};

use crate::choices::Choices;
use crate::machine::mutation::MachineMutation;
use crate::protocol::OptionValue;
use crate::runner::{Drive, RunOptions};
use crate::scenario::Scenario;
use crate::shrink::LIMIT;
use crate::swarm;

mod guided;

/// Seeds of one start are this far from those of the next.
const STRIDE: u64 = 1_000_000;

/// Which scenarios are searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Whatever the swarm draws: the default search.
    #[default]
    Swarm,
    /// Nothing but one theme of the swarm, by its name.
    Theme(&'static str),
    /// Nothing but long worlds, in which every knob is drawn by itself.
    Plain,
    /// What the swarm draws, and what led to new situations, changed a little.
    Guided,
}

/// How far a search may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Seeds.
    pub seeds: u64,
    /// Events over all of them.
    pub events: u64,
}

/// What came of one search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The seed that broke a promise, and which; `None` when none did within the budget.
    pub found: Option<(u64, String)>,
    /// How many seeds ran.
    pub seeds: u64,
    /// How many events ran.
    pub events: u64,
    /// The first promise that was broken although the mutation is not expected to break it.
    pub unexpected: Option<(u64, String)>,
}

/// A deliberate mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Its name, in kebab case.
    pub name: &'static str,
    /// The published bug it repeats, or where the rule comes from.
    pub source: &'static str,
    /// The promises of which it must break one, by name, most telling first; empty where any will do.
    pub promises: &'static [&'static str],
    /// What it does.
    pub breaks: &'static str,
    /// How it is made.
    pub made: Made,
}

/// How a mistake is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// A mutation, of the core or of the machine.
    Mutation,
    /// A safety rule is switched off.
    RuleOff,
}

impl Mistake {
    /// Whether breaking a promise shows it.
    #[must_use]
    pub fn breaks_promise(&self, property: &str) -> bool {
        self.promises.is_empty() || self.promises.contains(&property)
    }

    /// Makes it in a scenario.
    pub fn make(&self, scenario: &mut Scenario) {
        match self.made {
            Made::Mutation => {
                let mutation = OptionValue::Word(self.name.to_owned());
                scenario.cluster.options.insert(String::from("mutation"), mutation);
            }
            Made::RuleOff => scenario.rules_off.push(self.name.to_owned()),
        }
    }
}

/// Every mistake: mutations of the core, rules, mutations of the machine.
#[must_use]
pub fn all() -> Vec<Mistake> {
    let core = Mutation::ALL.iter().map(|info| Mistake {
        name: info.name,
        source: info.source,
        promises: info.promises,
        breaks: info.breaks,
        made: Made::Mutation,
    });
    let rules = Rules::ALL.iter().map(|info| Mistake {
        name: info.name,
        source: info.source,
        promises: &[],
        breaks: info.breaks,
        made: Made::RuleOff,
    });
    let machine = MachineMutation::ALL.iter().map(|info| Mistake {
        name: info.name,
        source: "thesis 6.3",
        promises: info.promises,
        breaks: info.breaks,
        made: Made::Mutation,
    });
    core.chain(rules).chain(machine).collect()
}

/// The mistake of a name.
#[must_use]
pub fn named(name: &str) -> Option<Mistake> {
    all().into_iter().find(|mistake| mistake.name == name)
}

/// The scenario of a seed with a mistake made.
#[must_use]
pub fn scenario(mistake: &Mistake, seed: u64) -> Scenario {
    scenario_in(mistake, Mode::Swarm, seed)
}

fn scenario_in(mistake: &Mistake, mode: Mode, seed: u64) -> Scenario {
    let mut scenario = match mode {
        Mode::Swarm | Mode::Guided => swarm::scenario(seed),
        Mode::Theme(name) => swarm::themed(seed, name).expect("a theme that there is"),
        Mode::Plain => swarm::plain(seed),
    };
    mistake.make(&mut scenario);
    scenario
}

/// Searches for a mistake from the `start`-th place on.
#[must_use]
pub fn search(info: &Mistake, start: u64, budget: Budget) -> Search {
    search_in(info, Mode::Swarm, start, budget)
}

/// Searches for a mistake in some scenarios only.
#[must_use]
pub fn search_in(info: &Mistake, mode: Mode, start: u64, budget: Budget) -> Search {
    let mut search = Search { found: None, seeds: 0, events: 0, unexpected: None };
    let mut corpus = (mode == Mode::Guided).then(|| guided::Corpus::new(start));
    for seed in (start * STRIDE..).take(budget.seeds as usize) {
        if search.events >= budget.events {
            break;
        }
        let scenario = match &mut corpus {
            None => scenario_in(info, mode, seed),
            Some(corpus) => {
                let mut scenario = corpus.next(seed);
                info.make(&mut scenario);
                scenario
            }
        };
        let options = RunOptions { file: String::new(), system: String::from("raft"), seed, trace: false };
        let choices = Choices::seeded(seed);
        let drive = Drive::within(choices, LIMIT);
        let Ok(report) = crate::built_in::drive(&scenario, &options, drive) else { continue };
        search.seeds += 1;
        search.events += report.counts.events;
        if let Some(corpus) = &mut corpus {
            corpus.learn(&scenario, &report);
            if !report.violations.is_empty() && !is_fair(&scenario) {
                continue;
            }
        }
        let broken = report.violations.iter().map(|violation| violation.property.as_str());
        match broken.clone().find(|property| info.breaks_promise(property)) {
            Some(property) => {
                search.found = Some((seed, property.to_owned()));
                break;
            }
            None => {
                let first = broken.clone().next();
                search.unexpected = search.unexpected.or(first.map(|property| (seed, property.to_owned())));
            }
        }
    }
    search
}

/// Whether the core without any mistake keeps every promise in a scenario that a mistake was found with. A scenario that
/// cannot be told on it, because a message is never sent, breaks nothing.
#[must_use]
pub fn is_fair(scenario: &Scenario) -> bool {
    let mut correct = scenario.clone();
    correct.cluster.options.remove("mutation");
    correct.rules_off.clear();
    let seed = scenario.seeds.first;
    let options = RunOptions { file: String::new(), system: String::from("raft"), seed, trace: false };
    let drive = Drive::within(Choices::seeded(seed), LIMIT);
    crate::built_in::drive(&correct, &options, drive).map_or(true, |report| report.violations.is_empty())
}
