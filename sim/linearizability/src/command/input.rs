//! Files, pipes and standard input as text, packed by gzip or not, up to a bound.
//!
//! Holds: no more than the bound is read, and nothing that may never end or never begin.
//! Not here: what the text means (`read`).

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Most bytes of text that are read, packed ones counted unpacked.
const TEXT_MAX: u64 = 1 << 30;

pub(super) fn text_of(file: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        io::stdin().lock().take(TEXT_MAX + 1).read_to_end(&mut bytes)?;
    } else {
        refuse_endless(file)?;
        fs::File::open(file)?.take(TEXT_MAX + 1).read_to_end(&mut bytes)?;
    }
    if bytes.starts_with(&[0x1F, 0x8B]) {
        let mut unpacked = Vec::new();
        let packed = flate2::read::MultiGzDecoder::new(&bytes[..]);
        let damaged =
            |wrong| io::Error::new(io::ErrorKind::InvalidData, format!("as gzip it is damaged: {wrong}"));
        packed.take(TEXT_MAX + 1).read_to_end(&mut unpacked).map_err(damaged)?;
        bytes = unpacked;
    }
    if bytes.len() as u64 > TEXT_MAX {
        let wrong =
            format!("more than {} MiB of text; expected a shorter history, or --stream", TEXT_MAX >> 20);
        return Err(io::Error::new(io::ErrorKind::InvalidData, wrong));
    }
    String::from_utf8(bytes).map_err(|wrong| {
        let before = &wrong.as_bytes()[..wrong.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let wrong = format!("expected UTF-8 text, which ends in line {line}");
        io::Error::new(io::ErrorKind::InvalidData, wrong)
    })
}

/// The same, to be read line by line, however long.
pub(super) fn lines_of(file: &Path) -> io::Result<Box<dyn BufRead>> {
    let mut bytes: Box<dyn BufRead> = if file.as_os_str() == "-" {
        Box::new(BufReader::new(io::stdin()))
    } else {
        refuse_endless(file)?;
        Box::new(BufReader::with_capacity(1 << 16, fs::File::open(file)?))
    };
    let packed = bytes.fill_buf()?.starts_with(&[0x1F, 0x8B]);
    Ok(if packed { Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(bytes))) } else { bytes })
}

/// Opening a FIFO waits for somebody who writes into it; a pipe that the shell made has its writer already.
#[cfg(unix)]
fn refuse_endless(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;
    let kind = fs::metadata(file)?.file_type();
    let is_device = kind.is_char_device() || kind.is_block_device();
    let is_pipe = !is_device && ["/dev/", "/proc/"].iter().any(|folder| file.starts_with(folder));
    let found = match (kind.is_dir(), kind.is_fifo(), is_device) {
        _ if kind.is_file() || is_pipe => return Ok(()),
        (true, ..) => "a folder",
        (_, true, _) => "a FIFO that nobody may ever write into",
        (.., true) => "a device",
        (false, false, false) => "a socket",
    };
    let message = format!("expected a regular file or a pipe, found {found}");
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

#[cfg(not(unix))]
fn refuse_endless(_: &Path) -> io::Result<()> {
    Ok(())
}
