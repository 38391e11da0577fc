//! Reading of files that somebody names: regular files and pipes, up to a bound.
//!
//! Holds: no more than the bound is read, and nothing that may never end. Not here: what the bytes mean.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// The bytes of a regular file or of a pipe.
///
/// # Errors
/// What the system says; a file that is neither, or that holds more than `most` bytes.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path, most)?.read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_large(most)) } else { Ok(bytes) }
}

/// As [`read`], for whoever reads in parts: a file that is too large is refused at once, of a pipe one byte too many can be
/// read.
///
/// # Errors
/// As [`read`].
pub(crate) fn open(path: &Path, most: u64) -> io::Result<io::Take<File>> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // Opening a FIFO waits for somebody who writes into it; a pipe that the shell made has its writer already.
    let is_pipe = ["/dev/", "/proc/"].iter().any(|folder| path.starts_with(folder)) && !is_device(kind);
    if !kind.is_file() && !is_pipe {
        let message = format!("expected a regular file or a pipe, found {}", name(kind));
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let file = File::open(path)?;
    if kind.is_file() && file.metadata()?.len() > most {
        return Err(too_large(most));
    }
    Ok(file.take(most.saturating_add(1)))
}

fn too_large(most: u64) -> io::Error {
    let message =
        format!("expected at most {most} bytes, found more; `--raise-bounds 10` allows ten times as many");
    io::Error::new(io::ErrorKind::FileTooLarge, message)
}

#[cfg(unix)]
fn is_device(kind: fs::FileType) -> bool {
    use std::os::unix::fs::FileTypeExt;
    kind.is_char_device() || kind.is_block_device()
}

#[cfg(not(unix))]
fn is_device(_: fs::FileType) -> bool {
    false
}

#[cfg(unix)]
fn name(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        "a FIFO that nobody may ever write into"
    } else if is_device(kind) {
        "a device"
    } else {
        "a socket"
    }
}

#[cfg(not(unix))]
fn name(_: fs::FileType) -> &'static str {
    "something else"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_bound_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("some");
        fs::write(&path, "12345").expect("it can be written");
        assert_eq!(read(&path, 5).expect("as many as allowed"), b"12345");
        let refused = read(&path, 4).expect_err("one too many").to_string();
        assert!(refused.starts_with("expected at most 4 bytes"), "{refused}");
    }

    #[cfg(unix)]
    #[test]
    fn devices_fifos_and_folders_are_refused_at_once() {
        let refused = |path: &Path| read(path, 1 << 20).expect_err("no file").to_string();
        assert!(refused(Path::new("/dev/zero")).ends_with("found a device"));
        let folder = tempfile::tempdir().expect("a folder");
        assert!(refused(folder.path()).contains("directory"));
        let fifo = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo is there");
        assert!(made.success());
        assert!(refused(&fifo).contains("a FIFO"));
    }
}
