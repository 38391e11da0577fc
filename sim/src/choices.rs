//! The only source of chance: every draw names its site, and each site has a stream of its own.
//!
//! Holds: one draw more at one site does not move any other site; a draw is integer arithmetic of our own, so that a
//! seed in a bug report outlives an update of the random number crates; a recorded tape replays without the seed.
//! Not here: what is drawn for (`network`, `disk`, `world`, `workload`).

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::sync::Arc;

use crate::protocol::Within;
use crate::scenario::Ratio;

/// Where in the simulator a draw is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    pub const ALL: [Site; 7] = [
        Site::Network,
        Site::Disk,
        Site::Timer,
        Site::Nemesis,
        Site::Workload,
        Site::Boot,
        Site::Schedule,
    ];
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

/// Where draws come from.
#[derive(Clone, Debug)]
enum Source {
    /// One stream for each site.
    Seeded(Box<[ChaCha8Rng; Site::ALL.len()]>),
    /// A fuzzer's input: eight bytes a draw, or fewer for a small bound; zero when it is used up.
    Bytes { bytes: Arc<[u8]>, at: usize },
    /// Draws written down; zero when they are used up. A value above its bound is taken modulo the bound.
    Tape { tape: Arc<[Choice]>, at: usize },
}

/// All chance of one run.
#[derive(Clone, Debug)]
pub struct Choices {
    source: Source,
    record: Option<Vec<Choice>>,
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
        Choices { source: Source::Seeded(Box::new(streams)), record: None }
    }

    /// Draws read from bytes, such as a fuzzer's.
    #[must_use]
    pub fn bytes(bytes: &[u8]) -> Choices {
        Choices { source: Source::Bytes { bytes: bytes.into(), at: 0 }, record: None }
    }

    /// Draws as they were once recorded.
    #[must_use]
    pub fn tape(tape: &[Choice]) -> Choices {
        Choices { source: Source::Tape { tape: tape.into(), at: 0 }, record: None }
    }

    /// Writes down every draw from now on.
    pub fn record(&mut self) {
        self.record = Some(Vec::new());
    }

    /// The draws made since `record`.
    #[must_use]
    pub fn recorded(&self) -> &[Choice] {
        self.record.as_deref().unwrap_or_default()
    }

    /// Draws a number below `bound`; 0 for a bound of 0 or 1, without a draw.
    pub fn below(&mut self, site: Site, bound: u64) -> u64 {
        if bound <= 1 {
            return 0;
        }
        let value = match &mut self.source {
            Source::Seeded(streams) => scale(streams[site as usize].next_u64(), bound),
            Source::Bytes { bytes, at } => take_bytes(bytes, at, bound),
            Source::Tape { tape, at } => {
                let value = tape.get(*at).map_or(0, |choice| choice.value % bound);
                *at += 1;
                value
            }
        };
        if let Some(record) = &mut self.record {
            record.push(Choice { site, bound, value });
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
        ratio.num >= ratio.den || self.below(site, u64::from(ratio.den)) < u64::from(ratio.num)
    }
}

/// A stream of numbers for a protocol that draws for itself.
#[cfg(feature = "openraft")]
pub type Dice = ChaCha8Rng;

/// The stream that belongs to the entropy of a boot.
#[cfg(feature = "openraft")]
pub(crate) fn dice(entropy: u64) -> Dice {
    ChaCha8Rng::seed_from_u64(entropy)
}

/// The next number of a stream.
#[cfg(feature = "openraft")]
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
        assert_eq!(drawn, [1495741553, 3336604777, 975755521, 1961778404, 3298924406, 1935898961, 3681138845]);
    }

    #[test]
    fn bytes_that_are_used_up_read_as_zero() {
        let mut choices = Choices::bytes(&[9, 1, 2]);
        assert_eq!(choices.below(Site::Network, 10), 9);
        assert_eq!(choices.below(Site::Network, 1_000), (1 << 8 | 2) % 1_000);
        assert_eq!(choices.below(Site::Network, 1_000), 0);
    }
}
