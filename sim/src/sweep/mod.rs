//! Many seeds, on all cores, in blocks that may be lost and done again.
//!
//! Seeds run in processes of their own, so that nothing that a protocol does ends the sweep.
//!
//! Holds: what comes of a seed is a pure function of plan and seed; a block is a pure function of its seeds; the report is
//! one of the set of blocks. So processes, shards, resumption and order leave no mark on it.
//! Not here: how blocks are kept (`journal`), what is made of them (`summary`), what is asked on the command line.

mod journal;
mod kept;
mod process;
mod summary;
#[cfg(test)]
mod tests;
mod worker;
mod workers;

pub(crate) use journal::{Journal, header_of, read as read_journal};
pub(crate) use kept::Kept;
pub(crate) use summary::{Small, SweepReport, small, summarise};
pub(crate) use worker::{Patience, serve};
pub(crate) use workers::{Ended, Means, Tick, run, small_elsewhere};

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use worker::Part;

use crate::choices::Choices;
use crate::protocol::OptionValue;
use crate::report::{Report, Verdict};
use crate::runner::{Drive, RunOptions};
use crate::scenario::{Objection, Property, Scenario};
use crate::shrink::{Fingerprint, LIMIT};
use crate::system::System;
use crate::twice::{first_difference, is_drawn_for_twice};

/// How many seeds make a block. Small, so that little is lost by a kill; large, so that a line is not much for it.
pub(crate) const BLOCK: u64 = 16;

/// What the two runs of a seed must agree in, as a property of reports beside those of scenarios.
pub(crate) const DETERMINISM: &str = "determinism";

/// A step of a protocol must end, as a property of reports beside those of scenarios.
pub(crate) const TERMINATION: &str = "termination";

/// A protocol may not keep more and more, as a property of reports beside those of scenarios.
pub(crate) const MEMORY: &str = "memory";

/// A protocol may not kill the process that it runs in, as a property of reports beside those of scenarios.
pub(crate) const PROCESS: &str = "process";

/// What a story of a file is accused of that did not go as the file says, though no promise is broken.
pub(crate) const STORY: &str = "story";

/// A protocol may not stop the process that it runs in, as a property of reports beside those of scenarios.
pub(crate) const HANGS: &str = "hangs";

/// A protocol may not print without end, as a property of reports beside those of scenarios.
pub(crate) const OUTPUT: &str = "output";

/// The properties that stand beside those of scenarios: a run of its own in this process shows none of them safely.
pub(crate) const BESIDE_SCENARIOS: [&str; 7] =
    [DETERMINISM, TERMINATION, MEMORY, PROCESS, HANGS, OUTPUT, STORY];

/// What is swept. Everything that a verdict depends on is here.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The protocol.
    pub system: System,
    /// The first seed.
    pub first: u64,
    /// The last seed, included.
    pub last: u64,
    /// This part of so many, counted from 1.
    pub shard: (u64, u64),
    /// One seed in so many runs twice; 0 for none.
    pub twice: u64,
    /// A scenario that runs with every seed, and its file; without one, the swarm draws a scenario for each seed.
    pub scenario: Option<(String, Scenario)>,
    /// Settings that every scenario gets.
    pub options: BTreeMap<String, OptionValue>,
    /// Rules that every scenario switches off.
    pub rules_off: BTreeSet<String>,
}

/// What a journal says about itself, so that two different sweeps do not mix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The version of the format.
    pub splitbrain_journal: u32,
    /// The version of the program.
    pub version: String,
    /// The protocol.
    pub system: String,
    /// The first seed.
    pub first: u64,
    /// The last seed, included.
    pub last: u64,
    /// Seeds in a block.
    pub block: u64,
    /// One seed in so many runs twice.
    pub twice: u64,
    /// The digest of the scenario, its options and rules: what else a verdict depends on.
    pub plan: String,
    /// This part of so many.
    pub shard: (u64, u64),
}

/// A seed that broke a promise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// Which promise, and how.
    pub fingerprint: Fingerprint,
    /// How long the run was.
    pub events: u64,
    /// The seed.
    pub seed: u64,
    /// What happened, in lines.
    pub summary: String,
    /// What the protocol printed meanwhile, from its beginning.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub printed: String,
}

/// What came of some seeds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Block {
    /// Its number: seeds `first + number * BLOCK` and those after it.
    pub number: u64,
    /// How many runs there were, not counting second ones.
    pub runs: u64,
    /// How many seeds ran twice.
    pub twice: u64,
    /// Events of all runs.
    pub events: u64,
    /// Virtual time of all runs, in nanoseconds.
    pub virtual_time: u64,
    /// How many runs noted each fact.
    pub seen: BTreeMap<String, u64>,
    /// How many scenarios had each knob otherwise than by default (`scenario::turnable`).
    #[serde(default)]
    pub turned: BTreeMap<String, u64>,
    /// The sum of the runs' digests, wrapping: the identity of what ran.
    pub digest: String,
    /// Seeds that broke a promise.
    pub failures: Vec<Failure>,
}

impl Plan {
    /// The scenario of a seed.
    #[must_use]
    pub(crate) fn scenario(&self, seed: u64) -> Scenario {
        let mut scenario = match &self.scenario {
            Some((_, scenario)) => scenario.clone(),
            None => self.system.swarm(seed),
        };
        scenario.cluster.options.extend(self.options.clone());
        scenario.rules_off.extend(self.rules_off.iter().cloned());
        scenario
    }

    /// How many blocks all shards have.
    #[must_use]
    pub(crate) fn blocks(&self) -> u64 {
        (self.last - self.first) / BLOCK + 1
    }

    /// How many blocks this shard has.
    #[must_use]
    pub(crate) fn blocks_of_shard(&self) -> u64 {
        let (part, parts) = self.shard;
        self.blocks().saturating_sub(part - 1).div_ceil(parts)
    }

    /// The seeds of a block.
    #[must_use]
    pub(crate) fn seeds(&self, block: u64) -> core::ops::RangeInclusive<u64> {
        let first = self.first + block * BLOCK;
        first..=self.last.min(first.saturating_add(BLOCK - 1))
    }

    /// What the journal says about itself.
    #[must_use]
    pub(crate) fn header(&self) -> Header {
        let text = format!(
            "{:?} {:?} {:?}",
            self.scenario.as_ref().map(|(_, scenario)| scenario.to_toml()),
            self.options,
            self.rules_off
        );
        Header {
            splitbrain_journal: journal::VERSION,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            system: self.system.name().to_owned(),
            first: self.first,
            last: self.last,
            block: BLOCK,
            twice: self.twice,
            plan: format!("{:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes())),
            shard: self.shard,
        }
    }

    fn options(&self, seed: u64) -> RunOptions {
        let file = self.scenario.as_ref().map_or_else(String::new, |(file, _)| file.clone());
        RunOptions { file, system: self.system.name().to_owned(), seed, trace: false }
    }

    fn runs_twice(&self, seed: u64) -> bool {
        is_drawn_for_twice(seed, self.twice)
    }

    fn run_once(&self, scenario: &Scenario, seed: u64) -> Result<Report, Objection> {
        let choices = Choices::seeded(seed);
        let drive = Drive::within(choices, LIMIT);
        self.system.drive(scenario, &self.options(seed), drive)
    }

    /// Runs all seeds of a block.
    ///
    /// # Errors
    /// The seed whose scenario cannot be run at all, with the objection.
    #[cfg(test)]
    pub(crate) fn block(&self, number: u64) -> Result<Block, (u64, Objection)> {
        let part = Part { number, only: Vec::new(), without: Vec::new() };
        self.part(&part, &mut |_| {}, &String::new)
    }

    /// Runs the seeds of a block that are wanted, and says each before it runs. `printed` tells what was printed since.
    fn part(
        &self,
        part: &Part,
        on_seed: &mut dyn FnMut(u64),
        printed: &dyn Fn() -> String,
    ) -> Result<Block, (u64, Objection)> {
        let mut block = Block { number: part.number, ..Block::default() };
        for seed in self.seeds(part.number).filter(|seed| part.wants(*seed)) {
            on_seed(seed);
            let before = block.failures.len();
            self.judge(seed, &mut block).map_err(|objection| (seed, objection))?;
            block.failures[before..].iter_mut().for_each(|failure| failure.printed = printed());
        }
        Ok(block)
    }

    /// Runs a seed and adds what came of it to its block.
    ///
    /// # Errors
    /// An objection when the scenario cannot be run at all.
    pub(crate) fn judge(&self, seed: u64, block: &mut Block) -> Result<(), Objection> {
        let scenario = self.scenario(seed);
        for knob in scenario.turned() {
            *block.turned.entry(knob).or_insert(0) += 1;
        }
        let report = match self.run_once(&scenario, seed) {
            Ok(report) => report,
            // A step of a random world may be impossible when its turn comes; that is no verdict on the protocol.
            Err(Objection { subject: crate::scenario::Subject::Step(_), .. }) if self.scenario.is_none() => {
                block.runs += 1;
                *block.seen.entry(String::from("story-impossible")).or_insert(0) += 1;
                return Ok(());
            }
            Err(objection) => return Err(objection),
        };
        block.add(&report);
        let untold = self.scenario.is_some().then(|| story_failed(&report)).flatten();
        if let Some(failure) = failure(&report, &scenario).or(untold) {
            block.failures.push(failure);
        }
        if self.runs_twice(seed) {
            block.twice += 1;
            let again = self.run_once(&scenario, seed)?;
            if again.digest != report.digest || again.violations != report.violations {
                block.failures.push(self.nondeterminism(&scenario, seed, &report));
            }
        }
        Ok(())
    }

    fn nondeterminism(&self, scenario: &Scenario, seed: u64, report: &Report) -> Failure {
        let options = RunOptions { trace: true, ..self.options(seed) };
        let traced = || {
            let report = self.system.drive(scenario, &options, Drive::seeded(seed));
            report.map_or_else(|_| Vec::new(), |report| report.trace_lines())
        };
        let difference = first_difference(&traced(), &traced());
        let fingerprint = Fingerprint {
            property: String::from(DETERMINISM),
            shape: String::from("two runs of one seed differ"),
        };
        let summary = difference.map_or_else(
            || String::from("two runs of one seed differ in their digest; two further ones did not differ"),
            |difference| difference.to_string(),
        );
        Failure { fingerprint, events: report.counts.events, seed, summary, printed: String::new() }
    }
}

fn failure(report: &Report, scenario: &Scenario) -> Option<Failure> {
    let unexpected = |violation: &&crate::report::FoundViolation| {
        let expected = &scenario.expect.violations;
        Property::named(&violation.property).is_none_or(|property| !expected.contains(&property))
    };
    let first = report.violations.iter().find(unexpected)?;
    let fingerprint = Fingerprint::of(report, scenario)?;
    let (events, seed) = (report.counts.events, report.seed);
    Some(Failure { fingerprint, events, seed, summary: first.summary.clone(), printed: String::new() })
}

impl Header {
    /// Whether there can be a sweep of such seeds, blocks and shards.
    fn is_possible(&self) -> bool {
        let (part, parts) = self.shard;
        self.first <= self.last && self.block > 0 && 1 <= part && part <= parts
    }

    /// Whether a block can be one of this sweep.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn fits(&self, block: &Block) -> Result<(), String> {
        let number = block.number;
        let blocks = (self.last - self.first) / self.block + 1;
        if number >= blocks {
            return Err(format!("block {number} is outside of the sweep, which has {blocks}"));
        }
        if number % self.shard.1 != self.shard.0 - 1 {
            return Err(format!("block {number} is of another shard than {}/{}", self.shard.0, self.shard.1));
        }
        let seeds = self.block.min((self.last - self.first - number * self.block).saturating_add(1));
        if block.runs != seeds || block.twice > seeds {
            let Block { runs, twice, .. } = block;
            return Err(format!("block {number} has {runs} runs, {twice} of them twice, of {seeds} seeds"));
        }
        Ok(())
    }
}

/// A story of a file that did not go as it says, though no promise is broken.
fn story_failed(report: &Report) -> Option<Failure> {
    let Verdict::NotAsExpected(reasons) = &report.verdict else { return None };
    let summary = reasons.first().cloned().unwrap_or_default();
    let shape = String::from("a run did not go as the file says");
    let fingerprint = Fingerprint { property: String::from(STORY), shape };
    let (events, seed) = (report.counts.events, report.seed);
    Some(Failure { fingerprint, events, seed, summary, printed: String::new() })
}

impl Block {
    /// Adds what came of other seeds.
    fn merge(&mut self, other: Block) {
        self.runs = self.runs.saturating_add(other.runs);
        self.twice = self.twice.saturating_add(other.twice);
        self.events = self.events.saturating_add(other.events);
        self.virtual_time = self.virtual_time.saturating_add(other.virtual_time);
        for (sums, more) in [(&mut self.seen, other.seen), (&mut self.turned, other.turned)] {
            for (name, runs) in more {
                let sum = sums.entry(name).or_insert(0);
                *sum = sum.saturating_add(runs);
            }
        }
        self.add_digest(&other.digest);
        self.failures.extend(other.failures);
    }

    fn add_digest(&mut self, digest: &str) {
        let of = |digest: &str| u128::from_str_radix(digest, 16).unwrap_or(0);
        self.digest = format!("{:032x}", of(&self.digest).wrapping_add(of(digest)));
    }

    fn add(&mut self, report: &Report) {
        self.runs += 1;
        self.events = self.events.saturating_add(report.counts.events);
        self.virtual_time = self.virtual_time.saturating_add(report.counts.virtual_time);
        for fact in report.seen.keys() {
            *self.seen.entry(fact.clone()).or_insert(0) += 1;
        }
        self.add_digest(&report.digest);
    }
}
