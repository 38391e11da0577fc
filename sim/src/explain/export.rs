//! A run in the forms of other tools: JSON lines, a Mermaid sequence diagram, ShiViz.
//!
//! Holds: what is exported is what the records say; the diagram has the causal slice only, for it is to be read.
//! Not here: the data itself (`data`), and what clients saw (`history`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Explained;
use super::data::Entry;
use crate::trace::RecordId;

impl Explained {
    /// Every record as a line of JSON, under the names of this crate's schema `splitbrain/explain/1`.
    #[must_use]
    pub fn json_lines(&self) -> String {
        let line = |entry: &Entry| serde_json::to_string(entry).unwrap_or_default() + "\n";
        self.records.iter().map(line).collect()
    }

    /// The causal slice as a Mermaid sequence diagram; the whole run where nothing is broken.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut text = String::from("sequenceDiagram\n");
        let lanes: Vec<&String> = self.nodes.iter().chain(&self.clients).collect();
        for (number, name) in lanes.iter().enumerate() {
            let _ = writeln!(text, "    participant l{number} as {}", plain(name));
        }
        let sent: BTreeMap<RecordId, &Entry> = self.records.iter().map(|entry| (entry.id, entry)).collect();
        for entry in self.told() {
            let Some(lane) = entry.lane else {
                let last = lanes.len().saturating_sub(1);
                let _ = writeln!(text, "    Note over l0,l{last}: {}", plain(&entry.text));
                continue;
            };
            let from = entry.cause.and_then(|cause| sent.get(&cause)).and_then(|sent| sent.lane);
            let _ = match (entry.kind, from) {
                ("sends", _) => Ok(()),
                ("receives", Some(from)) => writeln!(text, "    l{from}->>l{lane}: {}", plain(&entry.text)),
                ("loses", Some(from)) => writeln!(text, "    l{from}-xl{lane}: {}", plain(&entry.text)),
                _ => writeln!(text, "    Note over l{lane}: {}", plain(&entry.text)),
            };
        }
        text
    }

    /// The log that ShiViz reads, with vector clocks; the first two lines are the expression that parses it.
    #[must_use]
    pub fn shiviz(&self) -> String {
        let mut text = String::from("(?<host>\\S+) (?<clock>{.*})\\n(?<event>.*)\n\n");
        let lanes: Vec<String> = self
            .nodes
            .iter()
            .chain(&self.clients)
            .map(|name| name.replace(char::is_whitespace, "-"))
            .collect();
        let mut clocks: Vec<BTreeMap<usize, u64>> = vec![BTreeMap::new(); lanes.len()];
        let mut at_record: BTreeMap<RecordId, BTreeMap<usize, u64>> = BTreeMap::new();
        for entry in &self.records {
            let Some(lane) = entry.lane.map(|lane| lane as usize) else { continue };
            if let Some(before) = entry.cause.and_then(|cause| at_record.get(&cause)) {
                for (&other, &count) in before {
                    let known = clocks[lane].entry(other).or_insert(0);
                    *known = (*known).max(count);
                }
            }
            *clocks[lane].entry(lane).or_insert(0) += 1;
            let named: BTreeMap<&str, u64> =
                clocks[lane].iter().map(|(&other, &count)| (lanes[other].as_str(), count)).collect();
            let clock = serde_json::to_string(&named).unwrap_or_default();
            let _ = writeln!(text, "{} {clock}\n{}", lanes[lane], entry.text);
            at_record.insert(entry.id, clocks[lane].clone());
        }
        text
    }

    /// What is told of a run: its slice, or everything when there is none.
    fn told(&self) -> impl Iterator<Item = &Entry> {
        let all = self.slice.is_empty();
        self.records.iter().filter(move |entry| all || self.slice.contains(&entry.id))
    }
}

/// A text without the characters that mean something in a diagram.
fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            ';' | '#' | '<' | '>' => ' ',
            letter if letter.is_control() => ' ',
            letter => letter,
        })
        .collect()
}
