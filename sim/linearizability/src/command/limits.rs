//! The budget in words: steps and memory.

use crate::budget::Budget;

/// Reads limits such as `50M,512MiB`: steps and memory, which end at the same place on every machine.
pub(super) fn parse_budget(text: &str) -> Result<Limits, String> {
    let mut limits = Limits { steps: None, memory: Budget::default().memory };
    for part in text.split(',').map(str::trim) {
        let split = part.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(part.len());
        let (number, unit) = part.split_at(split);
        let wrong = || {
            format!(
                "expected a number of steps such as 50M, or memory such as 512MiB, found {part:?} (a time would \
                 end elsewhere on another machine)"
            )
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let times = |unit: u64| number.checked_mul(unit).ok_or_else(wrong);
        let bytes = |unit: u64| usize::try_from(times(unit)?).map_err(|_| wrong());
        match unit.trim() {
            "" | "steps" => limits.steps = Some(number),
            "k" => limits.steps = Some(times(1_000)?),
            "M" => limits.steps = Some(times(1_000_000)?),
            "G" => limits.steps = Some(times(1_000_000_000)?),
            "KiB" => limits.memory = bytes(1 << 10)?,
            "MiB" => limits.memory = bytes(1 << 20)?,
            "GiB" => limits.memory = bytes(1 << 30)?,
            _ => return Err(wrong()),
        }
    }
    Ok(limits)
}

/// Where the command gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps; `None` for ten million and a hundred for each operation.
    pub steps: Option<u64>,
    /// Bytes of the search.
    pub memory: usize,
}

impl Limits {
    pub(super) fn budget(self, operations: usize) -> Budget {
        let steps = self.steps.unwrap_or(10_000_000 + 100 * operations as u64);
        Budget { steps, memory: self.memory }
    }
}
