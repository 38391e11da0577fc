//! The blocks of a sweep on the disk, a line each, so that a kill at any moment loses no verdict and repeats none.
//!
//! Holds: a line is written whole or counts for nothing; a torn last line is cut off before anything is added.
//! Not here: what is in a block (`sweep`).

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::{Block, Header};

/// Blocks by number, with their file open for more.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    /// What is there.
    pub blocks: BTreeMap<u64, Block>,
}

/// Why a journal cannot be used.
#[derive(Debug)]
pub(crate) enum JournalError {
    /// What the system says of a file.
    Io(PathBuf, io::Error),
    /// A line that is not one of a journal: the file, the line's number, what is wrong.
    Line(PathBuf, usize, String),
    /// The journal is of another sweep: the file, its header, the one that was expected.
    Other(PathBuf, Box<(Header, Header)>),
    /// Another process writes it.
    Busy(PathBuf),
}

impl core::fmt::Display for JournalError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            JournalError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            JournalError::Line(path, line, what) => write!(f, "{}:{line}: {what}", path.display()),
            JournalError::Other(path, headers) => {
                let (found, expected) = headers.as_ref();
                let show = |header: &Header| serde_json::to_string(header).unwrap_or_default();
                writeln!(f, "{}: the journal of another sweep", path.display())?;
                write!(f, "  found    {}\n  expected {}\n", show(found), show(expected))?;
                write!(f, "help: choose another --out, or the arguments of that sweep")
            }
            JournalError::Busy(path) => write!(f, "{}: another sweep is writing it", path.display()),
        }
    }
}

impl core::error::Error for JournalError {}

impl Journal {
    /// Opens the journal of a folder, or begins one.
    ///
    /// # Errors
    /// When it cannot be read or written, is not a journal, or belongs to another sweep.
    pub(crate) fn open(folder: &Path, header: &Header) -> Result<Journal, JournalError> {
        let path = folder.join("journal.jsonl");
        let failed = |error| JournalError::Io(path.clone(), error);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        if file.try_lock().is_err() {
            return Err(JournalError::Busy(path));
        }
        let (found, blocks, whole) = parse(&path, &std::fs::read(&path).map_err(failed)?)?;
        file.set_len(whole).and_then(|()| file.seek(io::SeekFrom::Start(whole))).map_err(failed)?;
        match found {
            None => write_line(&mut file, header).map_err(failed)?,
            Some(found) if found == *header => {}
            Some(found) => return Err(JournalError::Other(path, Box::new((found, header.clone())))),
        }
        Ok(Journal { file, blocks })
    }

    /// Adds a block: it is in the file, whole, when this returns.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn add(&mut self, block: Block) -> io::Result<()> {
        write_line(&mut self.file, &block)?;
        self.blocks.insert(block.number, block);
        Ok(())
    }

    /// Waits for the disk.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Reads the journal of a folder.
///
/// # Errors
/// When it cannot be read or is not a journal.
pub(crate) fn read(folder: &Path) -> Result<(Header, BTreeMap<u64, Block>), JournalError> {
    let path = folder.join("journal.jsonl");
    let bytes = std::fs::read(&path).map_err(|error| JournalError::Io(path.clone(), error))?;
    match parse(&path, &bytes)? {
        (Some(header), blocks, _) => Ok((header, blocks)),
        (None, ..) => Err(JournalError::Line(path, 1, String::from("expected a header, found nothing"))),
    }
}

/// One call of the system for one line: what is torn by a kill is the end of the file.
fn write_line(file: &mut File, value: &impl serde::Serialize) -> io::Result<()> {
    let mut line = serde_json::to_string(value)?;
    line.push('\n');
    file.write_all(line.as_bytes())
}

type Parsed = (Option<Header>, BTreeMap<u64, Block>, u64);

/// Header, blocks, and how many bytes the whole lines have.
fn parse(path: &Path, bytes: &[u8]) -> Result<Parsed, JournalError> {
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |place| place + 1);
    let mut header = None;
    let mut blocks = BTreeMap::new();
    for (number, line) in (1..).zip(bytes[..whole].split_inclusive(|&byte| byte == b'\n')) {
        let wrong = |error: serde_json::Error| {
            let what = if number == 1 { "the header of a journal" } else { "a block" };
            JournalError::Line(path.to_owned(), number, format!("expected {what}: {error}"))
        };
        if number == 1 {
            header = Some(serde_json::from_slice(line).map_err(wrong)?);
        } else {
            let block: Block = serde_json::from_slice(line).map_err(wrong)?;
            blocks.insert(block.number, block);
        }
    }
    Ok((header, blocks, whole as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(last: u64) -> Header {
        Header {
            splitbrain_journal: 1,
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

    #[test]
    fn a_torn_line_counts_for_nothing_and_the_rest_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.jsonl");
        let block = |number| Block { number, runs: 16, ..Block::default() };
        let mut journal = Journal::open(folder.path(), &header(99)).expect("a journal");
        journal.add(block(0)).expect("room");
        journal.add(block(2)).expect("room");
        drop(journal);
        let all = std::fs::read(&path).expect("a file");
        for cut in 0..all.len() {
            std::fs::write(&path, &all[..cut]).expect("a file");
            let mut journal = Journal::open(folder.path(), &header(99)).expect("whatever a kill leaves");
            journal.add(block(5)).expect("room");
            drop(journal);
            let (_, blocks) = read(folder.path()).expect("whole lines");
            assert_eq!(blocks.get(&5), Some(&block(5)));
        }
        std::fs::write(&path, &all).expect("a file");
        assert_eq!(read(folder.path()).expect("a journal").1.len(), 2);
    }

    #[test]
    fn the_journal_of_another_sweep_and_of_another_process_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(folder.path(), &header(99)).expect("a journal");
        assert!(matches!(Journal::open(folder.path(), &header(99)), Err(JournalError::Busy(_))));
        drop(journal);
        assert!(matches!(Journal::open(folder.path(), &header(98)), Err(JournalError::Other(..))));
    }
}
