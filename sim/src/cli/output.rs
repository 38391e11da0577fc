//! Where text goes, and whether it is coloured.
//!
//! Holds: colour only on a terminal, and never when `NO_COLOR` is set; a closed output is no error.
//! Not here: what the text says.

use std::fmt::Display;
use std::io::{self, ErrorKind, Stdout, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use crate::report::Palette;

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

    /// Writes at once, so that long runs show what they have.
    ///
    /// # Errors
    /// What the system says, unless it is that nobody reads any more.
    pub(super) fn write(&mut self, text: &str) -> io::Result<()> {
        if !self.open {
            return Ok(());
        }
        match self.stdout.write_all(text.as_bytes()).and_then(|()| self.stdout.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.open = false;
                Ok(())
            }
            result => result,
        }
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
    let _ = writeln!(io::stderr(), "{style}error:{style:#} {error}");
}
