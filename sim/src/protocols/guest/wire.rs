//! Frames: bytes that a guest is called with, and the items that it answers with. `guests/README.md` is their page.
//!
//! Holds: whole numbers have their least significant byte first, and whatever has a length says it before.
//! Not here: what an item leads to (`guest`).

use std::collections::BTreeMap;

use super::disk::{Entry, GuestDisk, Part, Write};
use crate::adapter::change::{Members, Plan};
use crate::protocol::{Address, Initial, NodeId, OptionValue, Refusal, RequestId, Settings, Within};

/// What a frame asks.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(super) enum Ask {
    Declare = 0,
    Settings = 1,
    Format = 2,
    Boot = 3,
    Received = 4,
    Fired = 5,
    Persisted = 6,
    Proposed = 7,
    Read = 8,
    Change = 9,
    Transfer = 10,
    SnapshotTaken = 11,
}

/// A frame that is being written.
#[derive(Default)]
pub(super) struct Frame(Vec<u8>);

impl Frame {
    /// Begins anew.
    pub(super) fn begin(&mut self, ask: Ask) -> &mut Frame {
        self.0.clear();
        self.byte(ask as u8)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn byte(&mut self, value: u8) -> &mut Frame {
        self.0.push(value);
        self
    }

    pub(super) fn word(&mut self, value: u32) -> &mut Frame {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(super) fn long(&mut self, value: u64) -> &mut Frame {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(super) fn data(&mut self, value: &[u8]) -> &mut Frame {
        self.word(value.len() as u32);
        self.0.extend_from_slice(value);
        self
    }

    fn list(&mut self, words: impl ExactSizeIterator<Item = u32>) -> &mut Frame {
        self.word(words.len() as u32);
        words.for_each(|word| {
            self.word(word);
        });
        self
    }

    pub(super) fn initial(&mut self, id: NodeId, initial: &Initial) -> &mut Frame {
        self.word(id.0).byte(u8::from(initial.membership.is_some()));
        let first = initial.membership.clone().unwrap_or_default();
        self.word(first.sets.len() as u32);
        for set in &first.sets {
            self.list(set.iter().map(|id| id.0));
        }
        self.list(first.nodes.keys().map(|id| id.0)).list(first.nodes.values().map(|address| address.0));
        self.word(initial.log.len() as u32);
        for &term in &initial.log {
            self.long(term);
        }
        self.long(initial.term)
    }

    pub(super) fn disk(&mut self, disk: &GuestDisk) -> &mut Frame {
        self.word(disk.cells.len() as u32);
        for (&number, value) in &disk.cells {
            self.word(number).data(value);
        }
        let (snapshot, base) = (&disk.snapshot, disk.base);
        self.long(snapshot.through).long(snapshot.epoch).data(&snapshot.data);
        self.long(base.0).long(base.1).word(disk.entries.len() as u32);
        for entry in &disk.entries {
            self.long(entry.mark.epoch.0).data(&entry.data);
        }
        self
    }

    pub(super) fn plan(&mut self, plan: &Plan) -> &mut Frame {
        self.byte(plan.how as u8).word(plan.steps.len() as u32);
        for &(part, node, address) in &plan.steps {
            self.byte(part as u8).word(node.0).word(address.0);
        }
        self
    }
}

/// A scenario's settings as a guest reads them: a line for each.
pub(super) fn settings(common: &Settings) -> String {
    let (min, max) = (common.election.min, common.election.max);
    let mut text = format!("election-min={min}\nelection-max={max}\nheartbeat={}\n", common.heartbeat);
    for node in &common.priority {
        text.push_str(&format!("priority={}\n", node.0));
    }
    for (name, value) in &common.options {
        let value = match value {
            OptionValue::Switch(on) => format!("s{}", u8::from(*on)),
            OptionValue::Number(number) => format!("n{number}"),
            OptionValue::Time(nanoseconds) => format!("t{nanoseconds}"),
            OptionValue::Word(word) => format!("w{word}"),
        };
        text.push_str(&format!("option {name}={value}\n"));
    }
    text
}

/// What a guest asks for or tells.
#[derive(Debug)]
pub(super) enum Item<'a> {
    Persist { id: u64, write: Write },
    Send { to: NodeId, address: Address, kind: u8, numbers: Vec<u64>, data: &'a [u8] },
    SetTimer { timer: u8, within: Within },
    CancelTimer { timer: u8 },
    Apply { index: u64, command: &'a [u8] },
    Restore { through: u64, state: &'a [u8] },
    Serve { request: RequestId },
    Refuse { request: RequestId, why: Why<'a> },
    Done { request: RequestId },
    ShutDown,
    Note { note: u8 },
    Members(Members),
    Status(Status),
}

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum Why<'a> {
    Plain(Refusal),
    Rule(&'a str),
}

/// What a guest shows of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) epoch: u64,
    pub(super) leads: bool,
    pub(super) role: u8,
    pub(super) commit: u64,
    pub(super) applied: u64,
    pub(super) last: u64,
    pub(super) vote: Option<NodeId>,
    pub(super) leader: Option<NodeId>,
}

/// An answer that is being read. Whatever gives nothing is not as the interface says.
pub(super) struct Answer<'a>(pub(super) &'a [u8]);

impl<'a> Answer<'a> {
    pub(super) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn word(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn long(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn data(&mut self) -> Option<&'a [u8]> {
        let length = self.word()? as usize;
        let (data, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(data)
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.data()?).ok()
    }

    fn node(&mut self) -> Option<Option<NodeId>> {
        self.word().map(|id| (id != u32::MAX).then_some(NodeId(id)))
    }

    fn request(&mut self) -> Option<RequestId> {
        self.long().map(RequestId)
    }

    fn nodes(&mut self) -> Option<Vec<u32>> {
        (0..self.word()?).map(|_| self.word()).collect()
    }

    fn part(&mut self) -> Option<Part> {
        Some(match self.byte()? {
            1 => {
                let (index, epoch) = (self.long()?, self.long()?);
                Part::Entry { index, entry: Entry::new(epoch, self.data()?) }
            }
            2 => Part::Cut { from: self.long()? },
            3 => Part::Compact { through: self.long()?, epoch: self.long()? },
            4 => {
                let (through, epoch) = (self.long()?, self.long()?);
                Part::Snapshot { through, epoch, data: self.data()?.into() }
            }
            5 => Part::Cell { number: self.word()?, value: self.data()?.into() },
            _ => return None,
        })
    }

    fn write(&mut self) -> Option<Item<'a>> {
        let id = self.long()?;
        let parts: Option<Vec<Part>> = (0..self.word()?).map(|_| self.part()).collect();
        Some(Item::Persist { id, write: Write(parts?) })
    }

    fn send(&mut self) -> Option<Item<'a>> {
        let (to, address, kind) = (NodeId(self.word()?), Address(self.word()?), self.byte()?);
        let numbers: Option<Vec<u64>> = (0..self.byte()?).map(|_| self.long()).collect();
        Some(Item::Send { to, address, kind, numbers: numbers?, data: self.data()? })
    }

    fn refuse(&mut self) -> Option<Item<'a>> {
        let request = self.request()?;
        let why = match self.byte()? {
            1 => Why::Plain(Refusal::NotLeader { hint: self.node()? }),
            2 => Why::Plain(Refusal::LeadershipLost),
            3 => Why::Plain(Refusal::Busy),
            4 => Why::Plain(Refusal::Unsupported),
            5 => Why::Rule(self.text()?),
            _ => return None,
        };
        Some(Item::Refuse { request, why })
    }

    fn members(&mut self) -> Option<Item<'a>> {
        let set = |answer: &mut Answer<'a>| Some(answer.nodes()?.into_iter().map(NodeId).collect());
        let sets: Option<Vec<_>> = (0..self.word()?).map(|_| set(self)).collect();
        let learners = set(self)?;
        let (nodes, addresses) = (self.nodes()?, self.nodes()?);
        if nodes.len() != addresses.len() {
            return None;
        }
        let addresses: BTreeMap<NodeId, Address> =
            nodes.into_iter().map(NodeId).zip(addresses.into_iter().map(Address)).collect();
        Some(Item::Members(Members { sets: sets?, learners, addresses }))
    }

    fn status(&mut self) -> Option<Item<'a>> {
        Some(Item::Status(Status {
            epoch: self.long()?,
            leads: self.byte()? != 0,
            role: self.byte()?,
            commit: self.long()?,
            applied: self.long()?,
            last: self.long()?,
            vote: self.node()?,
            leader: self.node()?,
        }))
    }

    /// The next item.
    pub(super) fn item(&mut self) -> Option<Item<'a>> {
        Some(match self.byte()? {
            1 => self.write()?,
            2 => self.send()?,
            3 => {
                let timer = self.byte()?;
                Item::SetTimer { timer, within: Within { min: self.long()?, max: self.long()? } }
            }
            4 => Item::CancelTimer { timer: self.byte()? },
            5 => Item::Apply { index: self.long()?, command: self.data()? },
            6 => Item::Restore { through: self.long()?, state: self.data()? },
            7 => Item::Serve { request: self.request()? },
            8 => self.refuse()?,
            9 => Item::Done { request: self.request()? },
            10 => Item::ShutDown,
            11 => Item::Note { note: self.byte()? },
            12 => self.members()?,
            13 => self.status()?,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What guests in C are compiled with.
    const HEADER: &str = include_str!("../../../../guests/splitbrain_guest.h");

    /// The names and numbers of one of its enumerations, without their common beginning.
    fn header(of: &str) -> Vec<(String, u8)> {
        let (_, body) = HEADER.split_once(&format!("enum {of} {{")).expect("an enumeration of the header");
        let (body, _) = body.split_once('}').expect("its end");
        let named = |line: &str| {
            let (name, number) = line.trim().trim_end_matches(',').split_once(" = ")?;
            Some((name.strip_prefix("SPLITBRAIN_")?.to_owned(), number.parse().ok()?))
        };
        body.lines().filter_map(named).collect()
    }

    /// `SNAPSHOT_TAKEN` of `SnapshotTaken { .. }`.
    fn shouted(value: &impl std::fmt::Debug) -> String {
        let told = format!("{value:?}");
        let name = told.split([' ', '(']).next().unwrap_or_default();
        let mut words = String::new();
        for letter in name.chars() {
            if letter.is_uppercase() && !words.is_empty() {
                words.push('_');
            }
            words.extend(letter.to_uppercase());
        }
        words
    }

    #[test]
    fn the_header_in_c_has_the_numbers_of_every_question() {
        use Ask::{
            Boot, Change, Declare, Fired, Format, Persisted, Proposed, Read, Received, SnapshotTaken,
            Transfer,
        };
        let asks = [
            Declare,
            Ask::Settings,
            Format,
            Boot,
            Received,
            Fired,
            Persisted,
            Proposed,
            Read,
            Change,
            Transfer,
            SnapshotTaken,
        ];
        let ours: Vec<(String, u8)> = asks.iter().map(|ask| (shouted(ask), *ask as u8)).collect();
        assert_eq!(header("splitbrain_ask"), ours);
    }

    #[test]
    fn the_header_in_c_has_the_numbers_of_every_item() {
        let items = header("splitbrain_item");
        assert_eq!(items.len(), 13);
        for (name, number) in items.iter().filter(|(name, _)| name != "REFUSE") {
            let answer = [&[*number][..], &[0; 64]].concat();
            assert_eq!(shouted(&Answer(&answer).item().unwrap()), *name);
        }
        let refuse = items.iter().find(|(name, _)| name == "REFUSE").unwrap().1;
        let refusals = header("splitbrain_refusal");
        assert_eq!(refusals.len(), 5);
        for (name, number) in refusals {
            let answer = [&[refuse][..], &[0; 8], &[number], &[0; 4]].concat();
            let Some(Item::Refuse { why, .. }) = Answer(&answer).item() else { panic!("{name}") };
            match why {
                Why::Plain(refusal) => assert_eq!(shouted(&refusal), name),
                Why::Rule(_) => assert_eq!(name, "RULE"),
            }
        }
    }

    #[test]
    fn the_header_in_c_has_the_numbers_of_every_part() {
        let parts = header("splitbrain_part");
        assert_eq!(parts.len(), 5);
        for (name, number) in parts {
            let part = Answer(&[&[number][..], &[0; 64]].concat()).part().unwrap();
            let told = match part {
                Part::Entry { .. } => "ENTRY",
                Part::Cut { .. } => "CUT",
                Part::Compact { .. } => "COMPACT",
                Part::Snapshot { .. } => "SNAPSHOT",
                Part::Cell { .. } => "CELL",
            };
            assert_eq!(told, name);
        }
    }

    #[test]
    fn what_is_cut_short_is_no_item() {
        let mut frame = Frame::default();
        frame.begin(Ask::Received).word(3).long(7);
        assert_eq!(frame.bytes()[..5], [4, 3, 0, 0, 0]);
        assert!(matches!(Answer(&[10]).item(), Some(Item::ShutDown)));
        for wrong in [&[7, 1, 2][..], &[5, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1], &[99]] {
            assert!(Answer(wrong).item().is_none(), "{wrong:?}");
        }
    }
}
