//! The blocks of a sweep on the disk, a line each, so that a kill at any moment loses no verdict and repeats none.
//!
//! Holds: a line is written whole or counts for nothing; every line bears a checksum, and what is damaged or says what cannot
//! be is named, set aside and done again, never half believed; one process at a time has a folder.
//! Not here: what is in a block (`sweep`).
//!
//! ```text
//! 5f9c0d3e8a7b1c24 {"splitbrain_journal":2,"version":"0.1.0",…}
//! 1b2c3d4e5f607182 {"number":0,"runs":16,…}
//! ```

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::{Block, Header};
use crate::bounded_file;
use crate::files;
use crate::scenario::Bounds;

/// The version of the format.
pub(super) const VERSION: u32 = 2;

/// The most that a journal may hold, in bytes: about fifty million seeds.
const LEN_MAX: u64 = 4 << 30;

/// The file in a folder that is written while the sweep runs, and the one that tells who does.
const NAME: &str = "journal.jsonl";
const LOCK: &str = "lock";

/// Where damaged lines are set aside.
const DAMAGED: &str = "journal.damaged";

/// Blocks by number, with their file open for more.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Held as long as the journal is open.
    _lock: File,
    /// What is there.
    pub blocks: BTreeMap<u64, Block>,
    /// Lines that were set aside.
    pub damaged: Vec<Damage>,
}

/// A line that is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
    text: Vec<u8>,
}

impl core::fmt::Display for Damage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}:{}: {}", self.path.display(), self.line, self.what)
    }
}

/// Why a journal cannot be used.
#[derive(Debug)]
pub(crate) enum JournalError {
    /// What the system says of a file.
    Io(PathBuf, io::Error),
    /// A first line that is not one of a journal: the file, what is wrong.
    Header(PathBuf, String),
    /// The journal is of another sweep: the file, its header, the one that was expected.
    Other(PathBuf, Box<(Header, Header)>),
    /// Another process has the folder: the lock, and who that is.
    Busy(PathBuf, String),
}

impl core::fmt::Display for JournalError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            JournalError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            JournalError::Header(path, what) => write!(
                f,
                "{}:1: {what}\nhelp: without its first line nobody knows which sweep it is of; choose another --out",
                path.display()
            ),
            JournalError::Other(path, headers) => {
                let (found, expected) = headers.as_ref();
                let show = |header: &Header| serde_json::to_string(header).unwrap_or_default();
                writeln!(f, "{}: the journal of another sweep", path.display())?;
                write!(f, "  found    {}\n  expected {}\n", show(found), show(expected))?;
                write!(f, "help: choose another --out, or the arguments of that sweep")
            }
            JournalError::Busy(path, who) => {
                write!(f, "{}: another sweep is writing there, process {who}", path.display())
            }
        }
    }
}

impl core::error::Error for JournalError {}

impl Journal {
    /// Opens the journal of a folder, or begins one. Damaged lines are set aside.
    ///
    /// # Errors
    /// When it cannot be read or written, is not a journal, or belongs to another sweep.
    pub(crate) fn open(folder: &Path, header: &Header, bounds: Bounds) -> Result<Journal, JournalError> {
        let path = folder.join(NAME);
        let failed = |error| JournalError::Io(path.clone(), error);
        std::fs::create_dir_all(folder).map_err(|error| JournalError::Io(folder.to_owned(), error))?;
        let lock = lock(folder)?;
        let found = match bounded_file::read(&path, bounds.raised(LEN_MAX)) {
            Ok(bytes) => parse(&path, &bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Found::default(),
            Err(error) => return Err(failed(error)),
        };
        if !found.damaged.is_empty() {
            set_aside(folder, &found).map_err(failed)?;
        }
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        let whole =
            if found.damaged.is_empty() { found.whole } else { file.metadata().map_err(failed)?.len() };
        file.set_len(whole).and_then(|()| file.seek(io::SeekFrom::Start(whole))).map_err(failed)?;
        match found.header {
            None => write_line(&mut file, header).map_err(failed)?,
            Some(found) if found == *header => {}
            Some(found) => return Err(JournalError::Other(path, Box::new((found, header.clone())))),
        }
        Ok(Journal { path, file, _lock: lock, blocks: found.blocks, damaged: found.damaged })
    }

    /// Adds a block: it is in the file, whole, when this returns.
    ///
    /// # Errors
    /// What the system says, with the file.
    pub(crate) fn add(&mut self, block: Block) -> io::Result<()> {
        write_line(&mut self.file, &block).map_err(|error| files::of_file(&self.path, &error))?;
        self.blocks.insert(block.number, block);
        Ok(())
    }

    /// Waits for the disk.
    ///
    /// # Errors
    /// What the system says, with the file.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data().map_err(|error| files::of_file(&self.path, &error))
    }
}

/// What a journal holds.
#[derive(Debug, Default)]
pub(crate) struct Found {
    header: Option<Header>,
    /// Blocks by number.
    pub blocks: BTreeMap<u64, Block>,
    /// Lines that are not believed.
    pub damaged: Vec<Damage>,
    /// How many bytes the whole lines have.
    whole: u64,
}

/// Reads the journal of a folder, of which somebody else may write on.
///
/// # Errors
/// When it cannot be read or is not a journal.
pub(crate) fn read(folder: &Path, bounds: Bounds) -> Result<(Header, Found), JournalError> {
    let path = folder.join(NAME);
    let bytes = bounded_file::read(&path, bounds.raised(LEN_MAX))
        .map_err(|error| JournalError::Io(path.clone(), error))?;
    let mut found = parse(&path, &bytes)?;
    match found.header.take() {
        Some(header) => Ok((header, found)),
        None => Err(JournalError::Header(path, String::from("expected a header, found nothing"))),
    }
}

/// Takes the folder for this process, as long as the file is open.
fn lock(folder: &Path) -> Result<File, JournalError> {
    let path = folder.join(LOCK);
    let failed = |error| JournalError::Io(path.clone(), error);
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    if file.try_lock().is_err() {
        let mut who = String::new();
        // Whoever has it may not have said so yet.
        let _ = (&file).take(32).read_to_string(&mut who);
        let who = if who.trim().is_empty() { "unknown" } else { who.trim() };
        return Err(JournalError::Busy(path, who.to_owned()));
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
    Ok(file)
}

/// One call of the system for one line: what is torn by a kill is the end of the file.
fn write_line(file: &mut File, value: &impl serde::Serialize) -> io::Result<()> {
    file.write_all(line(&serde_json::to_string(value)?).as_bytes())
}

/// A text with its checksum, as a line.
fn line(text: &str) -> String {
    format!("{:016x} {text}\n", xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
}

/// Keeps damaged lines beside the journal, which goes on without them.
fn set_aside(folder: &Path, found: &Found) -> io::Result<()> {
    let path = folder.join(DAMAGED);
    let mut aside = match bounded_file::read(&path, LEN_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(files::of_file(&path, &error)),
    };
    found.damaged.iter().for_each(|damage| aside.extend(&damage.text));
    files::write_bytes(&path, &aside)?;
    let mut text = found.header.as_ref().map_or_else(
        || Ok(String::new()),
        |header| serde_json::to_string(header).map(|header| line(&header)),
    )?;
    for block in found.blocks.values() {
        text.push_str(&line(&serde_json::to_string(block)?));
    }
    files::write(&folder.join(NAME), &text)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Found, JournalError> {
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |place| place + 1);
    let mut found = Found { whole: whole as u64, ..Found::default() };
    for (number, text) in (1..).zip(bytes[..whole].split_inclusive(|&byte| byte == b'\n')) {
        if number == 1 {
            found.header = Some(header(text).map_err(|what| JournalError::Header(path.to_owned(), what))?);
        } else if let Err(what) = found.add(text) {
            found.damaged.push(Damage { path: path.to_owned(), line: number, what, text: text.to_vec() });
        }
    }
    Ok(found)
}

fn header(line: &[u8]) -> Result<Header, String> {
    if line.starts_with(b"{") {
        return Err(format!("expected a journal of version {VERSION}, found one of version 1"));
    }
    let header: Header =
        serde_json::from_str(checked(line)?).map_err(|error| format!("expected a header: {error}"))?;
    match header.splitbrain_journal {
        VERSION if header.is_possible() => Ok(header),
        VERSION => {
            Err(String::from("expected a header of a sweep, found seeds, blocks or a shard that cannot be"))
        }
        other => Err(format!("expected a journal of version {VERSION}, found one of version {other}")),
    }
}

/// The text of a line whose checksum is right.
fn checked(line: &[u8]) -> Result<&str, String> {
    let damaged = || String::from("damaged: the checksum is not that of the line");
    let text = str::from_utf8(line).map_err(|_| damaged())?.trim_end_matches('\n');
    let (sum, text) = text.split_once(' ').ok_or_else(damaged)?;
    let is_right = sum == format!("{:016x}", xxhash_rust::xxh3::xxh3_64(text.as_bytes()));
    if is_right { Ok(text) } else { Err(damaged()) }
}

impl Found {
    /// Believes a line, or says why not.
    fn add(&mut self, line: &[u8]) -> Result<(), String> {
        let block: Block =
            serde_json::from_str(checked(line)?).map_err(|error| format!("expected a block: {error}"))?;
        if let Some(header) = &self.header {
            header.fits(&block)?;
        }
        match self.blocks.get(&block.number) {
            Some(known) if *known != block => {
                Err(format!("block {} is there already, and differs", block.number))
            }
            Some(_) => Ok(()),
            None => {
                self.blocks.insert(block.number, block);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(last: u64) -> Header {
        Header {
            splitbrain_journal: VERSION,
            version: String::from("0"),
            system: String::from("raft"),
            first: 0,
            last,
            block: 16,
            twice: 50,
            plan: String::new(),
            shard: (1, 1),
        }
    }

    fn block(number: u64) -> Block {
        Block { number, runs: 16, ..Block::default() }
    }

    fn begun(folder: &Path) -> Vec<u8> {
        let mut journal = Journal::open(folder, &header(99), Bounds::default()).expect("a journal");
        journal.add(block(0)).expect("room");
        journal.add(block(2)).expect("room");
        drop(journal);
        std::fs::read(folder.join(NAME)).expect("a file")
    }

    #[test]
    fn a_torn_line_counts_for_nothing_and_the_rest_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(NAME);
        let all = begun(folder.path());
        for cut in 0..all.len() {
            std::fs::write(&path, &all[..cut]).expect("a file");
            let mut journal =
                Journal::open(folder.path(), &header(99), Bounds::default()).expect("whatever a kill leaves");
            journal.add(block(5)).expect("room");
            drop(journal);
            let (_, found) = read(folder.path(), Bounds::default()).expect("whole lines");
            assert_eq!(found.blocks.get(&5), Some(&block(5)));
            assert!(found.damaged.is_empty());
        }
        std::fs::write(&path, &all).expect("a file");
        assert_eq!(read(folder.path(), Bounds::default()).expect("a journal").1.blocks.len(), 2);
    }

    #[test]
    fn no_changed_byte_is_believed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(NAME);
        let all = begun(folder.path());
        let first = all.iter().position(|&byte| byte == b'\n').expect("a header");
        for place in 0..all.len() {
            for flip in [1, 0x20, 0x80] {
                let mut changed = all.clone();
                changed[place] ^= flip;
                std::fs::write(&path, &changed).expect("a file");
                match read(folder.path(), Bounds::default()) {
                    Err(JournalError::Header(..)) => assert!(place <= first, "byte {place}"),
                    Err(error) => panic!("byte {place}: {error}"),
                    Ok((_, found)) => {
                        let believed = [block(0), block(2)];
                        assert!(found.blocks.values().all(|block| believed.contains(block)), "byte {place}");
                        assert!(found.blocks.len() < 2, "byte {place}");
                    }
                }
            }
        }
        // What is damaged is set aside, named, and the rest goes on.
        let mut changed = all.clone();
        changed[first + 30] ^= 1;
        std::fs::write(&path, &changed).expect("a file");
        let mut journal = Journal::open(folder.path(), &header(99), Bounds::default()).expect("the rest");
        let damage = journal.damaged.iter().map(Damage::to_string).collect::<String>();
        assert!(
            damage.ends_with("journal.jsonl:2: damaged: the checksum is not that of the line"),
            "{damage}"
        );
        assert_eq!(journal.blocks.keys().copied().collect::<Vec<_>>(), [2]);
        journal.add(block(0)).expect("room");
        drop(journal);
        assert_eq!(read(folder.path(), Bounds::default()).expect("a journal").1.blocks.len(), 2);
        assert!(folder.path().join(DAMAGED).exists());
    }

    #[test]
    fn a_block_that_cannot_be_is_not_believed() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut journal = Journal::open(folder.path(), &header(99), Bounds::default()).expect("a journal");
        let huge = Block { number: u64::MAX / 2, runs: 16, ..Block::default() };
        let many = Block { number: 1, runs: 17, ..Block::default() };
        let other = Block { number: 2, runs: 16, events: 5, ..Block::default() };
        for block in [huge, many, block(2), other] {
            journal.add(block).expect("room");
        }
        drop(journal);
        let (_, found) = read(folder.path(), Bounds::default()).expect("a journal");
        let damage: Vec<String> = found.damaged.iter().map(|damage| damage.what.clone()).collect();
        assert_eq!(damage.len(), 3, "{damage:?}");
        assert!(damage[0].starts_with("block 9223372036854775807 is outside of the sweep"), "{damage:?}");
        assert!(damage[1].starts_with("block 1 has 17 runs"), "{damage:?}");
        assert!(damage[2].starts_with("block 2 is there already, and differs"), "{damage:?}");
        assert_eq!(found.blocks.get(&2), Some(&block(2)));
    }

    #[test]
    fn the_journal_of_another_sweep_and_of_another_process_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(folder.path(), &header(99), Bounds::default()).expect("a journal");
        let Err(JournalError::Busy(_, who)) = Journal::open(folder.path(), &header(99), Bounds::default())
        else {
            panic!("somebody has it")
        };
        assert_eq!(who, std::process::id().to_string());
        drop(journal);
        assert!(matches!(
            Journal::open(folder.path(), &header(98), Bounds::default()),
            Err(JournalError::Other(..))
        ));
    }
}
