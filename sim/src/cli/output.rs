//! Where text goes, and whether it is coloured.
//!
//! Holds: colour only on a terminal, and never when `NO_COLOR` is set; a closed output is no error.
//! Not here: what the text says.

use std::fmt::Display;
use std::io::{self, ErrorKind, Stdout, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;

use crate::escape;
use crate::report::Palette;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// The standard output. After its reader has gone, writing does nothing.
#[derive(Debug)]
pub(super) struct Output {
    stdout: Stdout,
    open: bool,
}

impl Output {
    pub(super) fn new() -> Output {
        Output { stdout: io::stdout(), open: true }
    }

    /// The styles that suit where the text goes.
    pub(super) fn palette(&self) -> Palette {
        match AutoStream::choice(&self.stdout) {
            ColorChoice::Never => Palette::default(),
            ColorChoice::Auto | ColorChoice::AlwaysAnsi | ColorChoice::Always => Palette::coloured(),
        }
    }

    /// Writes at once, so that long runs show what they have. What a terminal would obey is the text's own: styles.
    ///
    /// # Errors
    /// What the system says, unless it is that nobody reads any more.
    pub(super) fn write(&mut self, text: &str) -> io::Result<()> {
        if !self.open {
            return Ok(());
        }
        self.open = write_while_open(&mut self.stdout, text)?;
        Ok(())
    }
}

/// Writes at once; says whether there is still a reader.
fn write_while_open(sink: &mut impl Write, text: &str) -> io::Result<bool> {
    match sink.write_all(text.as_bytes()).and_then(|()| sink.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether diagnostics may be coloured.
pub(super) fn stderr_is_coloured() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

/// Tells the user what is wrong.
pub(super) fn complain(error: &dyn Display) {
    let style = if stderr_is_coloured() { AnsiColor::Red.on_default().bold() } else { Style::new() };
    // There is nowhere left to say that this failed.
    let _ = writeln!(io::stderr(), "{style}error:{style:#} {}", escape::terminal_lines(&error.to_string()));
}

/// Tells the user how things go.
pub(super) fn inform(message: &str) {
    // There is nowhere left to say that this failed.
    let _ = writeln!(io::stderr(), "{}", escape::terminal_lines(message));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails as it is told.
    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_error_but_a_full_disk_is() {
        assert!(write_while_open(&mut Vec::new(), "report").expect("a vector takes it"));
        assert!(!write_while_open(&mut Broken(ErrorKind::BrokenPipe), "report").expect("no error"));
        assert!(write_while_open(&mut Broken(ErrorKind::StorageFull), "report").is_err());
    }
}
