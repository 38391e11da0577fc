//! Time for a library that counts ticks instead of reading a clock, and chance for one that draws by itself.
//!
//! Holds: an election timeout has at least ten ticks to differ by, so that draws of different nodes differ.
//! Not here: the timer itself, which is the adapter's own.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::protocol::{BadSetting, Settings, Within};

/// How long a tick is, and how many of them a scenario's times are.
///
/// An adapter sets a timer of its own to [`Ticks::first`] when it boots, and to [`Ticks::next`] whenever it fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticks {
    /// One tick, in virtual nanoseconds.
    pub span: u64,
    /// Ticks from one heartbeat to the next.
    pub heartbeat: u64,
    /// The shortest election timeout, in ticks.
    pub election_min: u64,
    /// What is longer than the longest election timeout, in ticks.
    pub election_before: u64,
}

impl Ticks {
    /// The times of a scenario in ticks: parts of a heartbeat, and at most a tenth of the range of the election timeout.
    ///
    /// # Errors
    /// An election timeout that may be over before a heartbeat is due.
    pub fn of(settings: &Settings) -> Result<Ticks, BadSetting> {
        let (min, max) = (settings.election.min, settings.election.max);
        let wanted = (max.saturating_sub(min) / 10).clamp(1, settings.heartbeat.max(1));
        let heartbeat = settings.heartbeat.div_ceil(wanted).clamp(1, 100);
        let span = (settings.heartbeat / heartbeat).max(1);
        let election_min = min.div_ceil(span);
        if election_min <= heartbeat {
            return Err(BadSetting::new("election", "a range that begins after the heartbeat"));
        }
        Ok(Ticks { span, heartbeat, election_min, election_before: (max / span).max(election_min) + 1 })
    }

    /// When the first tick comes: nodes that start together do not tick together.
    #[must_use]
    pub fn first(&self) -> Within {
        Within { min: 1, max: self.span }
    }

    /// When the next tick comes.
    #[must_use]
    pub fn next(&self) -> Within {
        Within { min: self.span, max: self.span }
    }

    /// An election timeout in ticks, as [`draw`] draws it.
    #[must_use]
    pub fn election(&self, entropy: u64, of: &[u64]) -> u64 {
        self.election_min + draw(entropy, of, self.election_before - self.election_min)
    }
}

/// For how many numbers a draw needs no memory.
const FEW: usize = 7;

/// A number below `before` that depends on nothing but a node's entropy and what it is drawn for: a term, a role, a
/// count. Equal on every machine.
///
/// # Panics
/// When `before` is 0.
#[must_use]
pub fn draw(entropy: u64, of: &[u64], before: u64) -> u64 {
    // It is asked for after every input: what a library draws is replaced before anything can depend on it.
    let mut room = [0; 8 * (1 + FEW)];
    if of.len() > FEW {
        let bytes: Vec<u8> = [entropy].iter().chain(of).flat_map(|number| number.to_le_bytes()).collect();
        return xxh3_64_with_seed(&bytes, 1) % before;
    }
    let (words, _) = room.as_chunks_mut::<8>();
    for (word, number) in words.iter_mut().zip([entropy].iter().chain(of)) {
        *word = number.to_le_bytes();
    }
    xxh3_64_with_seed(&room[..8 * (1 + of.len())], 1) % before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_honour_election_and_heartbeat() {
        let ticks = Ticks::of(&Settings::usual(&[])).expect("usual settings");
        assert_eq!(ticks.heartbeat * ticks.span, 50_000_000);
        assert!(ticks.election_min * ticks.span >= 150_000_000);
        assert!((ticks.election_before - 1) * ticks.span <= 300_000_000);
        assert!(ticks.election_before - ticks.election_min > 10);
    }

    #[test]
    fn an_election_within_a_heartbeat_is_refused() {
        let mut settings = Settings::usual(&[]);
        settings.heartbeat = settings.election.min;
        assert_eq!(Ticks::of(&settings).unwrap_err().name, "election");
    }

    #[test]
    fn draws_differ_by_what_they_are_for_and_by_nothing_else() {
        let draws: std::collections::BTreeSet<u64> = (0..100).map(|term| draw(7, &[term], 1 << 40)).collect();
        assert_eq!(draws.len(), 100);
        assert_eq!(draw(7, &[3, 4], 100), draw(7, &[3, 4], 100));
        for count in [1, FEW, FEW + 1] {
            let bytes: Vec<u8> = (7..=7 + count as u64).flat_map(u64::to_le_bytes).collect();
            let of: Vec<u64> = (8..8 + count as u64).collect();
            assert_eq!(draw(7, &of, u64::MAX), xxh3_64_with_seed(&bytes, 1) % u64::MAX, "of {count}");
        }
        assert!((0..100).all(|term| draw(7, &[term], 5) < 5));
    }
}
