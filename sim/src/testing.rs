//! Seeds in a protocol's own tests: many runs, every failure grouped and made small, and the line that repeats each.
//!
//! Holds: works in every test runner that runs `#[test]` functions; the seed in `SPLITBRAIN_SEED` is run instead of
//! all others, with its trace; a run that cannot be repeated is a failure; threads leave no mark on what is said.
//! Not here: what a run is (`runner`), and bringing a protocol at all (`guide`).

mod failures;
mod guarded;
mod repeat;
mod twin;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::env;
use std::marker::PhantomData;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::built_in::taste_of;
use crate::choices::Choices;
use crate::clock::Clock;
use crate::files;
use crate::protocol::Protocol;
use crate::report::Report;
use crate::runner::{self, Drive, Played, RunOptions};
use crate::scenario::{self, Scenario, ScenarioFile, Seeds, Subject};
use crate::shrink::LIMIT;
use crate::system::{Capability, drawn};
use crate::twice::{first_difference, is_drawn_for_twice};

use failures::Failure;
use guarded::{Diary, Patience};
use repeat::Repeat;

/// The environment variable that names the one seed to run.
pub const SEED_VARIABLE: &str = "SPLITBRAIN_SEED";

/// The environment variable that names the seeds to run, such as `0..9999`.
pub const SEEDS_VARIABLE: &str = "SPLITBRAIN_SEEDS";

/// The environment variable that names a folder where small failures are written as scenarios.
pub const REGRESSIONS_VARIABLE: &str = "SPLITBRAIN_REGRESSIONS";

/// The seeds of the swarm, if nothing is said.
const SWARM_SEEDS: Seeds = Seeds { first: 0, last: 99 };

/// What many runs have seen together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many runs there were, not counting second ones.
    pub runs: u64,
    /// How many runs were made twice, and did not differ.
    pub twice: u64,
    /// How often each fact was noted, over all runs: a hardship that never came tested nothing.
    pub seen: BTreeMap<String, u64>,
}

/// Runs a scenario once with each seed and judges every run against the scenario's expectations.
///
/// One seed in twenty runs twice, and the first one always: if the digests differ, something outside the seed reaches the
/// protocol. More can be asked of [`Check`].
///
/// ```
/// # use splitbrain::protocols::raft::Raft;
/// let checked = splitbrain::testing::check::<Raft>(1..=5, "
///     title = 'A leader alone'
///     source = 'Raft paper, section 8'
///     [cluster]
///     members = ['a', 'b', 'c']
///     [[nemesis]]
///     kind = 'partition'
///     shape = 'leader-alone'
///     every = '1s..2s'
///     lasting = '500ms..1s'
///     [story]
///     steps = [{ run = '5s' }, { heal = true }, { converge = '10s' }]
///     [expect]
///     violations = 'none'
/// ");
/// assert!(checked.seen["leader-changed"] > 0);
/// ```
///
/// # Panics
/// As [`Check::run`].
#[track_caller]
pub fn check<P: Protocol>(seeds: impl IntoIterator<Item = u64>, scenario: &str) -> Checked {
    Check::<P>::new().seeds(seeds).scenario(scenario).run()
}

/// Many runs of a protocol: with which seeds, of which scenarios, and how.
///
/// ```no_run
/// # use splitbrain::protocols::raft::Raft as MyRaft;
/// use splitbrain::testing::Check;
///
/// #[test]
/// fn it_keeps_its_promises() {
///     Check::<MyRaft>::new().swarm().seeds(0..2_000).threads(2).run();
///     Check::<MyRaft>::new().folder("scenarios").regressions("scenarios/regressions").run();
/// }
/// ```
#[derive(Debug)]
pub struct Check<P> {
    seeds: Option<Vec<u64>>,
    sources: Vec<Source>,
    threads: usize,
    time: Option<Duration>,
    can: &'static [Capability],
    twice: u64,
    two_processes: bool,
    shrink: u64,
    guard: Option<Patience>,
    diary: Option<Diary>,
    regressions: Option<PathBuf>,
    place: Place,
    protocol: PhantomData<fn() -> P>,
}

/// Where in a test a check is made: another process that does the same finds it again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place(String);

thread_local! {
    /// How many checks this thread made at each place of the source: a loop makes several.
    static MADE: RefCell<BTreeMap<String, u64>> = const { RefCell::new(BTreeMap::new()) };
}

impl Place {
    fn of(caller: &Location<'_>) -> Place {
        let caller = caller.to_string();
        let nth = MADE.with_borrow_mut(|made| {
            let made = made.entry(caller.clone()).or_insert(0);
            *made += 1;
            *made
        });
        Place(format!("{caller}#{nth}"))
    }
}

/// Where a run's scenario comes from.
#[derive(Debug)]
enum Source {
    File(Box<ScenarioFile>),
    Swarm,
}

/// One run to make.
#[derive(Clone, Copy, Debug)]
struct Job {
    source: usize,
    seed: u64,
}

/// What came of one run.
enum Came {
    /// It went as expected: what it noted, and whether it ran twice.
    Well(Vec<(String, u64)>, bool),
    Failed(Box<Failure>),
    /// A random story came to a step that was impossible then: no verdict.
    Impossible,
    /// The scenario is not for this protocol, and why.
    Refused(String),
}

impl<P: Protocol> Check<P> {
    /// Nothing yet: say at least which scenarios.
    #[must_use]
    #[track_caller]
    pub fn new() -> Check<P> {
        Check {
            seeds: None,
            sources: Vec::new(),
            threads: 1,
            time: None,
            can: &Capability::ALL,
            twice: 20,
            two_processes: false,
            shrink: 5_000_000,
            guard: None,
            diary: None,
            regressions: None,
            place: Place::of(Location::caller()),
            protocol: PhantomData,
        }
    }

    /// These seeds. Without, each scenario runs with its own, and the swarm with 0..=99.
    #[must_use]
    pub fn seeds(mut self, seeds: impl IntoIterator<Item = u64>) -> Check<P> {
        self.seeds = Some(seeds.into_iter().collect());
        self
    }

    /// A scenario as text.
    ///
    /// # Panics
    /// When it is not one.
    #[must_use]
    pub fn scenario(self, text: &str) -> Check<P> {
        self.with(scenario::parse("scenario", text).unwrap_or_else(|error| panic!("{error}")))
    }

    /// A scenario file; relative to the package, as tests run there.
    ///
    /// # Panics
    /// When it is not one.
    #[must_use]
    pub fn file(self, path: impl AsRef<Path>) -> Check<P> {
        self.with(scenario::load(path.as_ref()).unwrap_or_else(|error| panic!("{error}")))
    }

    /// Every scenario file below a folder that is meant for this protocol: that names it, or names none.
    ///
    /// # Panics
    /// When one is none, or there is none.
    #[must_use]
    pub fn folder(self, path: impl AsRef<Path>) -> Check<P> {
        let paths =
            files::scenario_files(&[path.as_ref().to_owned()]).unwrap_or_else(|error| panic!("{error}"));
        let files = paths.iter().map(|path| scenario::load(path).unwrap_or_else(|error| panic!("{error}")));
        let meant = |file: &ScenarioFile| {
            let systems = &file.scenario.systems;
            systems.is_empty() || systems.iter().any(|name| name == P::NAME)
        };
        files.filter(meant).fold(self, Check::with)
    }

    /// A random world for each seed: what `splitbrain sweep` runs.
    #[must_use]
    pub fn swarm(mut self) -> Check<P> {
        self.sources.push(Source::Swarm);
        self
    }

    /// What the protocol has; the swarm asks for nothing else. Everything, if nothing is said.
    #[must_use]
    pub fn can(mut self, can: &'static [Capability]) -> Check<P> {
        self.can = can;
        self
    }

    /// On so many threads. What is said does not depend on it.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Check<P> {
        self.threads = threads.max(1);
        self
    }

    /// No new run begins after so long; those that were made are judged.
    #[must_use]
    pub fn time(mut self, budget: Duration) -> Check<P> {
        self.time = Some(budget);
        self
    }

    /// One seed in so many runs twice, and the two must not differ: 1 for all, 0 for none. 20 if nothing is said.
    #[must_use]
    pub fn twice(mut self, one_in: u64) -> Check<P> {
        self.twice = one_in;
        self
    }

    /// The runs that are made twice are made in another process as well, which has other addresses, another random state
    /// and another environment, and must not differ there either.
    #[must_use]
    pub fn two_processes(mut self) -> Check<P> {
        self.two_processes = true;
        self
    }

    /// The runs are made in another process, which is watched. Whatever a protocol does to it (an abort, an exit, an endless
    /// loop, all memory, a stack that overflows) is a failure with the name of its seed, where otherwise it would end the test
    /// program, or let it pass without a word. A run may take a minute and 4 GiB ([`Check::limits`]).
    #[must_use]
    pub fn guarded(self) -> Check<P> {
        self.limits(60, 4_096)
    }

    /// As [`Check::guarded`], with limits of one's own for a run: seconds of real time, and mebibytes.
    #[must_use]
    pub fn limits(mut self, seconds: u64, mebibytes: u64) -> Check<P> {
        self.guard = Some(Patience { seconds, mebibytes });
        self
    }

    /// How many events may be played again to make one failure small; 0 leaves it as it is. 5 million if nothing is said.
    #[must_use]
    pub fn shrink(mut self, events: u64) -> Check<P> {
        self.shrink = events;
        self
    }

    /// Writes the smallest failure of each kind into this folder, as a scenario that breaks the same promise. The variable
    /// `SPLITBRAIN_REGRESSIONS` asks for it as well.
    #[must_use]
    pub fn regressions(mut self, folder: impl Into<PathBuf>) -> Check<P> {
        self.regressions = Some(folder.into());
        self
    }

    fn with(mut self, file: ScenarioFile) -> Check<P> {
        self.sources.push(Source::File(Box::new(file)));
        self
    }

    /// Makes the runs and judges them.
    ///
    /// # Panics
    /// When a run does not go as expected: with all failures by kind, the smallest of each in full, and the line that
    /// repeats it alone. Also when there is nothing to run, when a scenario is not for this protocol, when a run cannot be
    /// repeated, and when `SPLITBRAIN_SEED` or `SPLITBRAIN_SEEDS` is none.
    pub fn run(mut self) -> Checked {
        assert!(!self.sources.is_empty(), "nothing to run: name a scenario, a file, a folder or the swarm");
        self.regressions = self.regressions.or_else(|| env::var_os(REGRESSIONS_VARIABLE).map(PathBuf::from));
        let repeat = Repeat::of_this_test();
        if let Some(twin) = twin::asked(&self.place) {
            return twin.serve(&self);
        }
        if let Some(patience) = self.guard {
            if let Some(diary) = guarded::asked(&self.place) {
                self.diary = Some(diary);
                let diary = self.diary.as_ref().expect("it was just put there");
                guarded::serve(diary, || self.run_here(&repeat));
            }
            if !twin::is_other() {
                return guarded::watch(&self, patience, &repeat);
            }
        }
        self.run_here(&repeat)
    }

    /// In this process.
    fn run_here(&self, repeat: &Repeat) -> Checked {
        let asked = asked_seeds();
        let one = matches!(&asked, Some(Seeds { first, last }) if first == last);
        let mut jobs = self.jobs(asked);
        if let Some(only) = self.diary.as_ref().and_then(|_| guarded::only()) {
            jobs = vec![only];
        }
        let came = self.run_all(&jobs, one);
        let mut checked = Checked::default();
        let mut failures = Vec::new();
        for came in came {
            match came {
                Came::Well(seen, twice) => {
                    checked.runs += 1;
                    checked.twice += u64::from(twice);
                    seen.into_iter().for_each(|(fact, count)| {
                        *checked.seen.entry(fact).or_insert(0) += count;
                    });
                }
                Came::Failed(failure) => failures.push(*failure),
                Came::Impossible => {}
                Came::Refused(why) => panic!("{why}"),
            }
        }
        if !failures.is_empty() {
            let made = checked.runs + failures.len() as u64;
            panic!(
                "{}",
                failures::tell::<P>(failures, made, self.shrink, self.regressions.as_deref(), repeat)
            );
        }
        if self.two_processes && !one && !twin::is_other() {
            let jobs: Vec<Job> = jobs.into_iter().filter(|job| self.is_twice(*job)).collect();
            twin::compare(self, &jobs);
        }
        checked
    }

    fn jobs(&self, asked: Option<Seeds>) -> Vec<Job> {
        let mut jobs = Vec::new();
        for (source, what) in self.sources.iter().enumerate() {
            let own = match what {
                Source::File(file) => file.scenario.seeds,
                Source::Swarm => SWARM_SEEDS,
            };
            let seeds: Vec<u64> = match (asked, &self.seeds) {
                (Some(asked), _) => asked.iter().collect(),
                (None, Some(seeds)) => seeds.clone(),
                (None, None) => own.iter().collect(),
            };
            jobs.extend(seeds.into_iter().map(|seed| Job { source, seed }));
        }
        jobs
    }

    /// What came of each job, in order; those that no time was left for are missing.
    fn run_all(&self, jobs: &[Job], trace: bool) -> Vec<Came> {
        let budget = self.time.map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        let clock = Clock::start(budget);
        let next = AtomicUsize::new(0);
        let all = Mutex::new(BTreeMap::new());
        let work = || {
            while let Some(&job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                if clock.is_over() {
                    break;
                }
                self.diary.iter().for_each(|diary| diary.begin(job));
                let came = self.run_one(job, trace);
                self.diary.iter().for_each(|diary| diary.end(job));
                all.lock()
                    .expect("no thread panics while it holds this")
                    .insert((job.source, job.seed), came);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.threads.min(jobs.len()) {
                scope.spawn(work);
            }
            work();
        });
        all.into_inner().expect("every thread has ended").into_values().collect()
    }

    fn is_twice(&self, job: Job) -> bool {
        self.twice > 0 && (self.is_first(job) || is_drawn_for_twice(job.seed, self.twice))
    }

    fn is_first(&self, job: Job) -> bool {
        match (&self.seeds, &self.sources[job.source]) {
            (Some(seeds), _) => seeds.first() == Some(&job.seed),
            (None, Source::File(file)) => file.scenario.seeds.first == job.seed,
            (None, Source::Swarm) => job.seed == SWARM_SEEDS.first,
        }
    }

    fn run_one(&self, job: Job, trace: bool) -> Came {
        let scenario = self.scenario_of(job);
        let report = match self.drive(job, &scenario, trace) {
            Ok(report) => report,
            Err(objection) => match &self.sources[job.source] {
                Source::File(file) => return Came::Refused(file.error(objection).to_string()),
                Source::Swarm if matches!(objection.subject, Subject::Step(_)) => return Came::Impossible,
                Source::Swarm => return Came::Refused(format!("seed {}: {}", job.seed, objection.message)),
            },
        };
        let twice = self.is_twice(job);
        if twice && self.drive(job, &scenario, trace).is_ok_and(|again| again.digest != report.digest) {
            return Came::Failed(Box::new(self.nondeterminism(job, scenario, report)));
        }
        if report.passed() {
            return Came::Well(report.seen.into_iter().collect(), twice);
        }
        Came::Failed(Box::new(Failure::new(scenario, report)))
    }

    fn nondeterminism(&self, job: Job, scenario: Scenario, report: Report) -> Failure {
        let traced =
            || self.drive(job, &scenario, true).map_or_else(|_| Vec::new(), |report| report.trace_lines());
        let difference = first_difference(&traced(), &traced());
        let how = difference.map_or_else(
            || String::from("two further runs did not differ"),
            |difference| difference.to_string(),
        );
        Failure::of_nondeterminism(P::NAME, scenario, report, &how)
    }

    fn scenario_of(&self, job: Job) -> Scenario {
        match &self.sources[job.source] {
            Source::File(file) => file.scenario.clone(),
            Source::Swarm => drawn(job.seed, &taste_of(P::NAME), self.can),
        }
    }

    /// Makes a run.
    fn drive(&self, job: Job, scenario: &Scenario, trace: bool) -> Result<Report, scenario::Objection> {
        let file = match &self.sources[job.source] {
            Source::File(file) => file.path.clone(),
            Source::Swarm => String::new(),
        };
        let options = RunOptions { file, system: P::NAME.to_owned(), seed: job.seed, trace };
        let drive = match self.sources[job.source] {
            Source::File(_) => Drive::seeded(job.seed),
            Source::Swarm => {
                let choices = Choices::seeded(job.seed);
                Drive::within(choices, LIMIT)
            }
        };
        runner::play::<P>(scenario, &options, drive).map(Played::let_go)
    }
}

impl<P: Protocol> Default for Check<P> {
    #[track_caller]
    fn default() -> Check<P> {
        Check::new()
    }
}

/// The seeds that the environment asks for.
fn asked_seeds() -> Option<Seeds> {
    let one = env::var(SEED_VARIABLE).ok().map(|text| {
        let seed = text.trim().parse::<u64>();
        let seed =
            seed.unwrap_or_else(|_| panic!("{SEED_VARIABLE}: expected a seed such as 17, found {text:?}"));
        Seeds { first: seed, last: seed }
    });
    let many =
        || {
            let text = env::var(SEEDS_VARIABLE).ok()?;
            let seeds = Seeds::parse(text.trim());
            Some(seeds.unwrap_or_else(|| {
                panic!("{SEEDS_VARIABLE}: expected seeds such as 0..9999, found {text:?}")
            }))
        };
    one.or_else(many)
}
