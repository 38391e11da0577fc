//! An explanation as text for a terminal: the operations, a picture of when they were under way, and where every
//! order of them ends.
//!
//! Holds: what clients chose (keys, values) cannot command a terminal (`visible`).
//! Not here: which operations are blamed (`explain`), and the page (`timeline`).

use std::collections::BTreeMap;
use std::fmt;

use crate::explain::Explanation;
use crate::history::{History, UNKNOWN};

/// An explanation as text; made by [`Explanation::text`].
#[derive(Debug)]
pub struct Text<'a, I, O> {
    explanation: &'a Explanation,
    history: &'a History<I, O>,
    lines: Option<&'a [u32]>,
}

impl Explanation {
    /// The explanation as text of a few lines.
    #[must_use]
    pub fn text<'a, I, O>(&'a self, history: &'a History<I, O>) -> Text<'a, I, O> {
        Text { explanation: self, history, lines: None }
    }

    /// The blamed operations and their helpers, in the order of their calls.
    #[must_use]
    pub fn shown(&self) -> Vec<u32> {
        let mut all = [self.operations.as_slice(), &self.helpers].concat();
        all.sort_unstable();
        all
    }
}

/// Most operations in a picture, and most letters in a line of it.
const PICTURE_MAX: usize = 16;
const WIDTH_MAX: usize = 120;

/// Most operations that are listed; more are no explanation, but where nothing shorter is found the last of them help.
const LISTED_MAX: usize = 40;

/// Longest beginning of an order that is told in full.
const PREFIX_MAX: usize = 12;

impl<'a, I, O> Text<'a, I, O> {
    /// Tells places by lines of a file: `lines` has the line of each event, whose times are numbers from 1.
    #[must_use]
    pub fn with_lines(self, lines: &'a [u32]) -> Self {
        Text { lines: Some(lines), ..self }
    }

    fn what(&self, place: u32) -> String {
        let operation = &self.history.operations()[place as usize];
        let what = self.explanation.what.get(&place).map_or("", String::as_str);
        visible(&shorten(&format!("process {} {what}", operation.process), 160))
    }

    /// The line of an event; without lines its time.
    fn at(&self, time: u64) -> u64 {
        let line = |lines: &[u32]| lines.get(usize::try_from(time).ok()?.checked_sub(1)?).copied();
        self.lines.and_then(line).map_or(time, u64::from)
    }

    fn span(&self, place: u32) -> String {
        let operation = &self.history.operations()[place as usize];
        let call = self.at(operation.call);
        let ret = (operation.ret != UNKNOWN).then(|| self.at(operation.ret));
        match (ret, self.lines) {
            (None, None) => format!("{call}.."),
            (Some(ret), None) => format!("{call}..{ret}"),
            (Some(ret), Some(_)) if ret != call => format!("lines {call}-{ret}"),
            (Some(_) | None, Some(_)) => format!("line {call}"),
        }
    }

    fn head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explanation { key, operations, failed, .. } = self.explanation;
        if let (Some(failed), Some(_)) = (failed, self.lines) {
            let line = self.at(self.history.operations()[*failed as usize].ret);
            writeln!(f, "The file is linearizable before line {line}, and is not from there on.")?;
        }
        let many = if operations.len() == 1 { "This operation" } else { "These operations" };
        let verb = if operations.len() == 1 { "cannot have happened" } else { "contradict each other" };
        writeln!(f, "{many} on key {} {verb}, whatever the others did:", visible(key))
    }

    fn order(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explanation { prefix, state, stuck, operations, .. } = self.explanation;
        let state = visible(&shorten(state, 160));
        if prefix.is_empty() {
            writeln!(f, "None of them can be first; the value is {state}:")?;
        } else {
            writeln!(f, "The longest order that can be made of them:")?;
            let skipped = prefix.len().saturating_sub(PREFIX_MAX);
            if skipped > 0 {
                writeln!(f, "  ({skipped} others first)")?;
            }
            for (number, place) in prefix.iter().enumerate().skip(skipped) {
                let helps = if operations.contains(place) { "" } else { " (may have happened)" };
                writeln!(f, "  {}. {}{helps}", number + 1, self.what(*place))?;
            }
            writeln!(f, "Then the value is {state}, and none of the others can be next:")?;
        }
        for entry in stuck.iter().take(LISTED_MAX) {
            writeln!(f, "  {}: {}", self.what(entry.place), visible(&shorten(&entry.why, 200)))?;
        }
        if stuck.len() > LISTED_MAX {
            writeln!(f, "  ({} more)", stuck.len() - LISTED_MAX)?;
        }
        Ok(())
    }

    /// A lane for each process, a bar for each operation, the blamed ones double.
    fn picture(&self, places: &[u32]) -> Option<String> {
        let label = |place: u32, named: bool| match named {
            true => visible(self.explanation.what.get(&place).map_or("", String::as_str)),
            false => String::new(),
        };
        let named = Lanes::new(self.history, places, |place| label(place, true));
        let lanes = [named, Lanes::new(self.history, places, |place| label(place, false))];
        let lanes = lanes.into_iter().find(|lanes| lanes.width <= WIDTH_MAX)?;
        Some(lanes.draw(|place| self.explanation.operations.contains(&place)))
    }
}

impl<I, O> fmt::Display for Text<'_, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        let shown = self.explanation.shown();
        let few = shown.len() <= PICTURE_MAX;
        let listed = if few { &shown } else { &self.explanation.operations };
        let skipped = listed.len().saturating_sub(LISTED_MAX);
        if skipped > 0 {
            writeln!(f, "  ({skipped} before these)")?;
        }
        for place in &listed[skipped..] {
            let helps = if self.explanation.operations.contains(place) { "" } else { " (may have happened)" };
            writeln!(f, "  {:>16}  {}{helps}", self.span(*place), self.what(*place))?;
        }
        if listed.len() <= PICTURE_MAX
            && let Some(picture) = self.picture(listed)
        {
            f.write_str(&picture)?;
        }
        self.order(f)
    }
}

/// An operation in a picture, measured in letters.
struct Bar {
    place: u32,
    letters: String,
    start: usize,
    /// `None`: never answered.
    end: Option<usize>,
}

/// A picture: where each bar begins and ends.
struct Lanes {
    /// By process.
    bars: BTreeMap<u32, Vec<Bar>>,
    width: usize,
}

impl Lanes {
    fn new<I, O>(history: &History<I, O>, places: &[u32], label: impl Fn(u32) -> String) -> Lanes {
        let operation = |place: &u32| &history.operations()[*place as usize];
        let mut times: Vec<u64> = Vec::new();
        for place in places {
            times.extend([operation(place).call, operation(place).ret]);
        }
        times.retain(|time| *time != UNKNOWN);
        times.sort_unstable();
        times.dedup();
        // A column stands where the bars that end there have room for their letters.
        let column = |time: u64| times.partition_point(|other| *other < time);
        let mut starts = vec![0usize; times.len()];
        for now in 0..times.len() {
            let least = if now == 0 { 0 } else { starts[now - 1] + 3 };
            let ending = places.iter().filter(|place| operation(place).ret == times[now]);
            let room = ending.map(|place| starts[column(operation(place).call)] + length(&label(*place)) + 3);
            starts[now] = room.max().unwrap_or(0).max(least);
        }
        let mut lanes = Lanes { bars: BTreeMap::new(), width: 0 };
        for place in places {
            let (call, ret) = (operation(place).call, operation(place).ret);
            let start = starts[column(call)];
            let end = (ret != UNKNOWN).then(|| starts[column(ret)]);
            let letters = label(*place);
            lanes.width = lanes.width.max(end.unwrap_or(start + length(&letters) + 6) + 16);
            lanes.bars.entry(operation(place).process).or_default().push(Bar {
                place: *place,
                letters,
                start,
                end,
            });
        }
        lanes
    }

    fn draw(&self, is_blamed: impl Fn(u32) -> bool) -> String {
        let mut picture = String::new();
        for (process, bars) in &self.bars {
            let mut lane = format!("  process {process:<4} ");
            let left = length(&lane);
            for Bar { place, letters, start, end } in bars {
                let (open, line, close) =
                    if is_blamed(*place) { ('╞', '═', '╡') } else { ('├', '─', '┤') };
                // Two bars of one process never overlap, but an unanswered one has no end.
                lane.extend(std::iter::repeat_n(' ', (left + start).saturating_sub(length(&lane))));
                lane.push(open);
                lane.push_str(letters);
                match end {
                    Some(end) => {
                        let fill = (left + end).saturating_sub(length(&lane));
                        lane.extend(std::iter::repeat_n(line, fill));
                        lane.push(close);
                    }
                    None => lane.push_str(" ┄┄┄"),
                }
            }
            picture.push_str(&lane);
            picture.push('\n');
        }
        picture
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// The beginning and the end of a text that is too long.
fn shorten(text: &str, most: usize) -> String {
    let letters = length(text);
    if letters <= most {
        return text.to_owned();
    }
    let head: String = text.chars().take(most / 2).collect();
    let tail: String = text.chars().skip(letters - most / 2 + 3).collect();
    format!("{head} … {tail}")
}

/// A text that can only be looked at: control characters and those that change the direction of writing or hide are
/// shown as their number.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        let hidden = matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{61c}' | '\u{feff}');
        if letter.is_control() || hidden {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    shown
}
