//! The only source of chance: every draw names its site, and each site has a stream of its own.
//!
//! Holds: one draw more at one site does not move any other site; a draw is integer arithmetic of our own, so that a
//! seed in a bug report outlives an update of the random number crates; a recorded tape replays without the seed.
//! Not here: what is drawn for (`world`).

pub(crate) mod ratio;
pub mod tape;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::protocol::Within;
pub use ratio::Ratio;

/// Where in the simulator a draw is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Site {
    /// The fate of a message: lost, duplicated, delayed by how much.
    Network,
    /// How long a write takes, and what a crash leaves of it.
    Disk,
    /// When a timer fires inside the range that was asked for.
    Timer,
    /// What the nemesis does next.
    Nemesis,
    /// What clients do next.
    Workload,
    /// Entropy handed to a protocol at boot.
    Boot,
    /// Which enabled event comes next in an untimed world.
    Schedule,
}

impl Site {
    /// Every site, in the order of their streams. A new one goes to the end, or old seeds change their meaning.
    pub const ALL: [Site; 7] =
        [Site::Network, Site::Disk, Site::Timer, Site::Nemesis, Site::Workload, Site::Boot, Site::Schedule];

    /// The word that tapes use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Site::Network => "network",
            Site::Disk => "disk",
            Site::Timer => "timer",
            Site::Nemesis => "nemesis",
            Site::Workload => "workload",
            Site::Boot => "boot",
            Site::Schedule => "schedule",
        }
    }

    /// The site of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Site> {
        Site::ALL.into_iter().find(|site| site.name() == name)
    }
}

/// One draw, as it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Choice {
    /// Where it was made.
    pub site: Site,
    /// The draw is below this.
    pub bound: u64,
    /// What was drawn.
    pub value: u64,
}

/// One draw that is not as usual, by its place among the draws of its site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unusual {
    /// Where it is made.
    pub site: Site,
    /// How many draws of the site come before it.
    pub nth: u64,
    /// The draw is below this.
    pub bound: u64,
    /// What is drawn.
    pub value: u64,
}

/// Where a run first asked for another draw than the tape holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parting {
    /// The draw's number in the run, counted from 1.
    pub draw: u64,
    /// What the run asked for; its value is what it was given.
    pub asked: Choice,
    /// What the tape holds there; `None` when it is used up.
    pub found: Option<Choice>,
}

impl core::fmt::Display for Parting {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Parting { draw, asked, found } = self;
        write!(f, "draw {draw}: the run asks at {} below {}, ", asked.site.name(), asked.bound)?;
        match found {
            Some(found) => write!(f, "the tape holds {} below {}", found.site.name(), found.bound),
            None => write!(f, "and the tape is used up"),
        }
    }
}

/// Where draws come from.
#[derive(Clone, Debug)]
enum Source {
    /// One stream for each site.
    Seeded(Box<[ChaCha8Rng; Site::ALL.len()]>),
    /// A fuzzer's input: eight bytes a draw, or fewer for a small bound; zero when it is used up.
    Bytes { bytes: Arc<[u8]>, at: usize },
    /// Draws written down, in order. From the first that does not fit on, all draws are zero.
    Strict { tape: Arc<[Choice]>, at: usize },
    /// Draws written down, each site by itself: what does not fit is taken modulo the bound, what is missing is zero.
    Tolerant { tapes: Arc<[Vec<Choice>; Site::ALL.len()]>, at: [usize; Site::ALL.len()] },
    /// Only the draws that are not as usual, by site and place.
    Usual { unusual: Arc<BTreeMap<(Site, u64), Choice>>, at: [u64; Site::ALL.len()] },
}

/// Draws written down as they are made.
#[derive(Clone, Debug, Default)]
struct Record {
    draws: Vec<Choice>,
    unusual: Vec<Unusual>,
    at: [u64; Site::ALL.len()],
}

/// All chance of one run.
#[derive(Clone, Debug)]
pub struct Choices {
    source: Source,
    record: Option<Record>,
    made: u64,
    parted: Option<Parting>,
}

impl Choices {
    /// Draws that are a pure function of the seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Choices {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let streams = core::array::from_fn(|stream| {
            let mut rng = ChaCha8Rng::from_seed(key);
            rng.set_stream(stream as u64);
            rng
        });
        Choices::from(Source::Seeded(Box::new(streams)))
    }

    /// Draws read from bytes, such as a fuzzer's.
    #[must_use]
    pub fn bytes(bytes: &[u8]) -> Choices {
        Choices::from(Source::Bytes { bytes: bytes.into(), at: 0 })
    }

    /// Draws as they were once recorded, for a run that asks for exactly these. See [`Choices::parted`].
    #[must_use]
    pub fn tape(tape: &[Choice]) -> Choices {
        Choices::from(Source::Strict { tape: tape.into(), at: 0 })
    }

    /// Draws as they were once recorded, for a run that may ask for others: each site has its own place on the tape, so
    /// that one draw more or less at one site does not move the others.
    #[must_use]
    pub fn tolerant(tape: &[Choice]) -> Choices {
        let of = |site: Site| tape.iter().filter(|choice| choice.site == site).copied().collect();
        let source = Source::Tolerant { tapes: Arc::new(Site::ALL.map(of)), at: [0; Site::ALL.len()] };
        Choices::from(source)
    }

    /// Draws that are as usual but for these: the usual draw is the smallest, so that nothing takes longer than it must and
    /// what was there first comes first; and whatever happens by chance (a loss, a duplicate) does not. A draw that the run
    /// asks for with another bound is as usual. See [`Choices::parted`].
    #[must_use]
    pub fn usual_but(unusual: &[Unusual]) -> Choices {
        let entry = |draw: &Unusual| {
            let Unusual { site, nth, bound, value } = *draw;
            ((site, nth), Choice { site, bound, value })
        };
        let unusual = Arc::new(unusual.iter().map(entry).collect());
        Choices::from(Source::Usual { unusual, at: [0; Site::ALL.len()] })
    }

    /// Whether draws come from a seed.
    #[must_use]
    pub fn is_seeded(&self) -> bool {
        matches!(self.source, Source::Seeded(_))
    }

    fn from(source: Source) -> Choices {
        Choices { source, record: None, made: 0, parted: None }
    }

    /// Where the run first asked for another draw than the tape holds, if it did.
    #[must_use]
    pub fn parted(&self) -> Option<&Parting> {
        self.parted.as_ref()
    }

    /// Writes down every draw from now on.
    pub fn record(&mut self) {
        self.record = Some(Record::default());
    }

    /// The draws made since `record`.
    #[must_use]
    pub fn recorded(&self) -> &[Choice] {
        self.record.as_ref().map_or(&[], |record| &record.draws)
    }

    /// Those of them that were not as usual.
    #[must_use]
    pub fn recorded_unusual(&self) -> &[Unusual] {
        self.record.as_ref().map_or(&[], |record| &record.unusual)
    }

    /// Draws a number below `bound`; 0 for a bound of 0 or 1, without a draw.
    pub fn below(&mut self, site: Site, bound: u64) -> u64 {
        self.draw(site, bound, 0)
    }

    /// Draws a number below `bound`, of which one is usual.
    fn draw(&mut self, site: Site, bound: u64, usual: u64) -> u64 {
        if bound <= 1 {
            return 0;
        }
        let value = match &mut self.source {
            Source::Seeded(streams) => scale(streams[site as usize].next_u64(), bound),
            Source::Bytes { bytes, at } => take_bytes(bytes, at, bound),
            Source::Strict { .. } if self.parted.is_some() => 0,
            Source::Strict { tape, at } => {
                let found = tape.get(*at).copied();
                *at += 1;
                let fits = found
                    .is_some_and(|found| found.site == site && found.bound == bound && found.value < bound);
                let value = if fits { found.map_or(0, |found| found.value) } else { 0 };
                let asked = Choice { site, bound, value };
                self.parted = (!fits).then_some(Parting { draw: self.made + 1, asked, found });
                value
            }
            Source::Tolerant { tapes, at } => {
                let place = &mut at[site as usize];
                let found = tapes[site as usize].get(*place).copied();
                *place += 1;
                let value = found.map_or(0, |found| found.value % bound);
                if self.parted.is_none() && found.is_none_or(|found| found.bound != bound) {
                    let asked = Choice { site, bound, value };
                    self.parted = Some(Parting { draw: self.made + 1, asked, found });
                }
                value
            }
            Source::Usual { unusual, at } => {
                let place = &mut at[site as usize];
                let found = unusual.get(&(site, *place)).copied();
                *place += 1;
                let fits = found.filter(|found| found.bound == bound && found.value < bound);
                let value = fits.map_or(usual, |found| found.value);
                if self.parted.is_none() && found.is_some() && fits.is_none() {
                    let asked = Choice { site, bound, value };
                    self.parted = Some(Parting { draw: self.made + 1, asked, found });
                }
                value
            }
        };
        self.made += 1;
        if let Some(record) = &mut self.record {
            record.draws.push(Choice { site, bound, value });
            let nth = &mut record.at[site as usize];
            if value != usual {
                record.unusual.push(Unusual { site, nth: *nth, bound, value });
            }
            *nth += 1;
        }
        value
    }

    /// Draws a number of virtual nanoseconds inside a range, both ends included.
    pub fn within(&mut self, site: Site, range: Within) -> u64 {
        let width = range.max.saturating_sub(range.min);
        range.min + self.below(site, width.saturating_add(1))
    }

    /// Draws whether something of this probability happens. Never and always cost no draw.
    pub fn chance(&mut self, site: Site, ratio: Ratio) -> bool {
        if ratio.num == 0 {
            return false;
        }
        let den = u64::from(ratio.den);
        ratio.num >= ratio.den || self.draw(site, den, den - 1) < u64::from(ratio.num)
    }
}

/// A stream of numbers for a protocol that draws for itself.
pub type Dice = ChaCha8Rng;

/// The stream that belongs to the entropy of a boot.
pub(crate) fn dice(entropy: u64) -> Dice {
    ChaCha8Rng::seed_from_u64(entropy)
}

/// The next number of a stream.
pub(crate) fn draw(dice: &mut Dice) -> u64 {
    dice.next_u64()
}

/// Maps a full-range number onto `0..bound` by the upper half of the product (Lemire 2019, without rejection: the bias
/// is below `bound / 2^64`).
fn scale(raw: u64, bound: u64) -> u64 {
    ((u128::from(raw) * u128::from(bound)) >> 64) as u64
}

/// Reads as many bytes as the bound needs and maps them onto `0..bound`, so that a fuzzer's flipped bit matters.
fn take_bytes(bytes: &[u8], at: &mut usize, bound: u64) -> u64 {
    let wanted = (64 - (bound - 1).leading_zeros()).div_ceil(8) as usize;
    let mut raw = 0;
    for &byte in bytes.iter().skip(*at).take(wanted) {
        raw = raw << 8 | u64::from(byte);
    }
    *at += wanted;
    raw % bound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_does_not_move_another() {
        let mut one = Choices::seeded(7);
        let mut two = Choices::seeded(7);
        for _ in 0..100 {
            two.below(Site::Network, 10);
        }
        let draw = |choices: &mut Choices| choices.below(Site::Workload, 1_000_000);
        assert_eq!(draw(&mut one), draw(&mut two));
    }

    #[test]
    fn a_tape_repeats_what_was_recorded() {
        let mut first = Choices::seeded(1);
        first.record();
        let draws = |choices: &mut Choices| -> Vec<u64> {
            Site::ALL.iter().map(|&site| choices.below(site, 1_000)).collect()
        };
        let drawn = draws(&mut first);
        let mut again = Choices::tape(first.recorded());
        assert_eq!(drawn, draws(&mut again));
    }

    #[test]
    fn a_tape_names_the_first_draw_that_does_not_fit() {
        let mut first = Choices::seeded(1);
        first.record();
        for bound in [10, 20, 30] {
            first.below(Site::Network, bound);
        }
        let mut again = Choices::tape(first.recorded());
        again.below(Site::Network, 10);
        assert_eq!(again.parted(), None);
        assert_eq!(again.below(Site::Disk, 20), 0);
        assert_eq!(again.below(Site::Network, 30), 0, "nothing fits after that");
        let parting = again.parted().expect("another site was asked for");
        assert_eq!((parting.draw, parting.found), (2, Some(first.recorded()[1])));
        assert_eq!(
            parting.to_string(),
            "draw 2: the run asks at disk below 20, the tape holds network below 20"
        );
    }

    #[test]
    fn a_tolerant_tape_survives_another_draw_at_another_site() {
        let mut first = Choices::seeded(1);
        first.record();
        let drawn: Vec<u64> = (0..5).map(|_| first.below(Site::Network, 1_000)).collect();
        let mut again = Choices::tolerant(first.recorded());
        again.below(Site::Disk, 7);
        assert_eq!(drawn, (0..5).map(|_| again.below(Site::Network, 1_000)).collect::<Vec<_>>());
        assert!(again.parted().is_some_and(|parting| parting.draw == 1 && parting.found.is_none()));
    }

    #[test]
    fn what_was_not_as_usual_makes_the_same_run() {
        let half = Ratio { num: 1, den: 2 };
        let draws = |choices: &mut Choices| -> Vec<u64> {
            let drawn = (0..40).map(|round| match round % 2 {
                0 => u64::from(choices.chance(Site::Network, half)),
                _ => choices.below(Site::Disk, 3),
            });
            drawn.collect()
        };
        let mut first = Choices::seeded(1);
        first.record();
        let drawn = draws(&mut first);
        let unusual = first.recorded_unusual().to_vec();
        assert!(!unusual.is_empty() && unusual.len() < 40);
        let mut again = Choices::usual_but(&unusual);
        assert_eq!(drawn, draws(&mut again));
        assert_eq!(again.parted(), None);
        assert_eq!(
            draws(&mut Choices::usual_but(&[])),
            [0; 40],
            "nothing happens by chance, nothing takes long"
        );
        let mut other = Choices::usual_but(&[Unusual { bound: 9, ..unusual[0] }]);
        draws(&mut other);
        assert!(other.parted().is_some_and(|parting| parting.found.is_some_and(|found| found.bound == 9)));
    }

    #[test]
    fn ranges_reach_both_ends_and_nothing_else() {
        let mut choices = Choices::seeded(3);
        let range = Within { min: 5, max: 7 };
        let mut seen = [0; 3];
        for _ in 0..200 {
            let drawn = choices.within(Site::Timer, range);
            seen[usize::try_from(drawn - 5).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&count| count > 20), "{seen:?}");
    }

    /// A seed in a bug report must mean the same for ever: these numbers may not change.
    #[test]
    fn the_streams_are_fixed_for_ever() {
        let mut choices = Choices::seeded(42);
        let drawn: Vec<u64> = Site::ALL.iter().map(|&site| choices.below(site, 1 << 32)).collect();
        assert_eq!(
            drawn,
            [1495741553, 3336604777, 975755521, 1961778404, 3298924406, 1935898961, 3681138845]
        );
    }

    #[test]
    fn bytes_that_are_used_up_read_as_zero() {
        let mut choices = Choices::bytes(&[9, 1, 2]);
        assert_eq!(choices.below(Site::Network, 10), 9);
        assert_eq!(choices.below(Site::Network, 1_000), (1 << 8 | 2));
        assert_eq!(choices.below(Site::Network, 1_000), 0);
    }
}
