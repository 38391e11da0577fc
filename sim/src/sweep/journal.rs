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

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::kept::Added;
use super::{Block, Header, Kept};
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

/// What came of the blocks, with their file open for more.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Held as long as the journal is open.
    _lock: File,
    /// What was there when it was opened.
    pub kept: Kept,
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
    /// The journal and another one differ in a block: the file, the block's number.
    Contradiction(PathBuf, u64),
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
            JournalError::Contradiction(path, block) => {
                write!(
                    f,
                    "{}: it and another shard differ in block {block}: one of them is wrong",
                    path.display()
                )
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
        let mut kept = Kept::default();
        let found = match bounded_file::open(&path, bounds.raised(LEN_MAX)) {
            Ok(file) => parse(&path, file, &mut kept)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Found::default(),
            Err(error) => return Err(failed(error)),
        };
        if !found.damaged.is_empty() {
            set_aside(folder, &found, bounds).map_err(failed)?;
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
        Ok(Journal { path, file, _lock: lock, kept, damaged: found.damaged })
    }

    /// Adds a block: it is in the file, whole, when this returns.
    ///
    /// # Errors
    /// What the system says, with the file.
    pub(crate) fn add(&mut self, block: &Block) -> io::Result<()> {
        write_line(&mut self.file, block).map_err(|error| files::of_file(&self.path, &error))
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
    /// Lines that are not believed.
    pub damaged: Vec<Damage>,
    /// How many bytes the whole lines have.
    whole: u64,
}

/// Which sweep the journal of a folder is of.
///
/// # Errors
/// When it cannot be read or is not a journal.
pub(crate) fn header_of(folder: &Path) -> Result<Header, JournalError> {
    let path = folder.join(NAME);
    let file =
        bounded_file::open(&path, u64::MAX - 1).map_err(|error| JournalError::Io(path.clone(), error))?;
    // No header is longer.
    let mut first = Vec::new();
    let read = BufReader::new(file.take(1 << 16)).read_until(b'\n', &mut first);
    read.map_err(|error| JournalError::Io(path.clone(), error))?;
    let nothing = || String::from("expected a header, found nothing");
    let whole = if first.ends_with(b"\n") { header(&first) } else { Err(nothing()) };
    whole.map_err(|what| JournalError::Header(path, what))
}

/// Adds what the journal of a folder has to what is kept; somebody else may write on. Gives the lines that are not believed.
///
/// # Errors
/// When it cannot be read or is not a journal, or contradicts what is kept already.
pub(crate) fn read(folder: &Path, bounds: Bounds, kept: &mut Kept) -> Result<Vec<Damage>, JournalError> {
    let path = folder.join(NAME);
    let file = bounded_file::open(&path, bounds.raised(LEN_MAX))
        .map_err(|error| JournalError::Io(path.clone(), error))?;
    Ok(parse(&path, file, kept)?.damaged)
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
fn set_aside(folder: &Path, found: &Found, bounds: Bounds) -> io::Result<()> {
    let path = folder.join(DAMAGED);
    let mut aside = match bounded_file::read(&path, LEN_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(files::of_file(&path, &error)),
    };
    found.damaged.iter().for_each(|damage| aside.extend(&damage.text));
    files::write_bytes(&path, &aside)?;
    let damaged: BTreeSet<usize> = found.damaged.iter().map(|damage| damage.line).collect();
    let path = folder.join(NAME);
    let all = bounded_file::read(&path, bounds.raised(LEN_MAX))?;
    let lines = (1..).zip(all.split_inclusive(|&byte| byte == b'\n'));
    let rest = lines.filter(|(number, line)| line.ends_with(b"\n") && !damaged.contains(number));
    files::write_bytes(&path, &rest.flat_map(|(_, line)| line).copied().collect::<Vec<u8>>())
}

/// Adds what a journal says to what is kept. What differs from an earlier line is damaged; what differs from what was kept
/// before contradicts it.
fn parse(path: &Path, file: impl io::Read, kept: &mut Kept) -> Result<Found, JournalError> {
    let (mut found, mut own) = (Found::default(), BTreeSet::new());
    let mut lines = BufReader::new(file);
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        lines.read_until(b'\n', &mut text).map_err(|error| JournalError::Io(path.to_owned(), error))?;
        // The end, perhaps torn.
        if !text.ends_with(b"\n") {
            break;
        }
        found.whole += text.len() as u64;
        if number == 1 {
            found.header = Some(header(&text).map_err(|what| JournalError::Header(path.to_owned(), what))?);
            continue;
        }
        let added = found.believe(&text).map(|block| (block.number, kept.add(block)));
        let what = match added {
            Ok((block, Added::New)) => {
                own.insert(block);
                continue;
            }
            Ok((_, Added::Known)) => continue,
            Ok((block, Added::Differs)) if own.contains(&block) => {
                format!("block {block} is there already, and differs")
            }
            Ok((block, Added::Differs)) => return Err(JournalError::Contradiction(path.to_owned(), block)),
            Err(what) => what,
        };
        found.damaged.push(Damage { path: path.to_owned(), line: number, what, text: text.clone() });
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
    /// The block of a line, or why it is not believed.
    fn believe(&self, line: &[u8]) -> Result<Block, String> {
        let block: Block =
            serde_json::from_str(checked(line)?).map_err(|error| format!("expected a block: {error}"))?;
        if let Some(header) = &self.header {
            header.fits(&block)?;
        }
        Ok(block)
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

    /// What a journal has, and what of it is not believed.
    fn whole(folder: &Path) -> Result<(Kept, Vec<Damage>), JournalError> {
        let mut kept = Kept::default();
        let damaged = read(folder, Bounds::default(), &mut kept)?;
        Ok((kept, damaged))
    }

    fn begun(folder: &Path) -> Vec<u8> {
        let mut journal = Journal::open(folder, &header(99), Bounds::default()).expect("a journal");
        journal.add(&block(0)).expect("room");
        journal.add(&block(2)).expect("room");
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
            journal.add(&block(5)).expect("room");
            drop(journal);
            let (kept, damaged) = whole(folder.path()).expect("whole lines");
            assert!(kept.holds(&block(5)) && damaged.is_empty());
        }
        std::fs::write(&path, &all).expect("a file");
        assert_eq!(whole(folder.path()).expect("a journal").0.len(), 2);
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
                match whole(folder.path()) {
                    Err(JournalError::Header(..)) => assert!(place <= first, "byte {place}"),
                    Err(error) => panic!("byte {place}: {error}"),
                    Ok((kept, _)) => {
                        let believed = [block(0), block(2)].iter().filter(|block| kept.holds(block)).count();
                        assert_eq!(kept.len(), believed as u64, "byte {place}");
                        assert!(kept.len() < 2, "byte {place}");
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
        assert_eq!(journal.kept.numbers().collect::<Vec<_>>(), [2]);
        journal.add(&block(0)).expect("room");
        drop(journal);
        assert_eq!(whole(folder.path()).expect("a journal").0.len(), 2);
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
            journal.add(&block).expect("room");
        }
        drop(journal);
        let (kept, damaged) = whole(folder.path()).expect("a journal");
        let damage: Vec<String> = damaged.iter().map(|damage| damage.what.clone()).collect();
        assert_eq!(damage.len(), 3, "{damage:?}");
        assert!(damage[0].starts_with("block 9223372036854775807 is outside of the sweep"), "{damage:?}");
        assert!(damage[1].starts_with("block 1 has 17 runs"), "{damage:?}");
        assert!(damage[2].starts_with("block 2 is there already, and differs"), "{damage:?}");
        assert!(kept.holds(&block(2)));
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
