//! The prompt of `splitbrain replay`: commands from a terminal, a file or a pipe, and their answers.
//!
//! Holds: a script's commands stand before their answers, so that what is written reads as a session; one that could not be
//! done does not end it, but the exit code says so.
//! Not here: what commands do (`travel`).

use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::Path;

use rustyline::config::Configurer as _;
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;

use super::output::{Output, complain};
use super::{AS_EXPECTED, BAD_INPUT};
use crate::bounded_file;
use crate::files;
use crate::travel::{Answer, Travel};

/// The longest script, in bytes.
const SCRIPT_MAX: u64 = 1 << 20;

/// How many lines the arrow keys remember.
const REMEMBERED: usize = 1_000;

/// Whether somebody sits there and is answered.
pub(super) fn is_at_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Obeys a terminal.
pub(super) fn converse(journey: &mut dyn Travel) -> u8 {
    let mut output = Output::new();
    let config = rustyline::Config::default();
    let Ok(mut editor) = rustyline::Editor::<(), MemHistory>::with_history(config, MemHistory::new()) else {
        complain(&"the terminal cannot be read from");
        return BAD_INPUT;
    };
    editor.set_auto_add_history(true);
    // The default is enough when it cannot be set.
    let _ = editor.set_max_history_size(REMEMBERED);
    if output.write(&journey.greeting()).is_err() {
        return BAD_INPUT;
    }
    loop {
        let line = match editor.readline(&journey.prompt()) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            // The end of the input, or of the terminal.
            Err(_) => return AS_EXPECTED,
        };
        let answer = obey(journey, &line);
        if output.write(&answer.text).is_err() {
            return BAD_INPUT;
        }
        if answer.ends {
            return AS_EXPECTED;
        }
    }
}

/// Obeys a script: a file, or the standard input for `-`.
pub(super) fn recite(journey: &mut dyn Travel, script: &Path) -> u8 {
    let lines = match script == Path::new("-") {
        true => io::stdin().lock().lines().collect::<io::Result<Vec<String>>>(),
        false => bounded_file::read(script, SCRIPT_MAX)
            .map(|bytes| String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()),
    };
    let lines = match lines {
        Ok(lines) => lines,
        Err(error) => {
            complain(&format!("{}: cannot be read: {error}", script.display()));
            return BAD_INPUT;
        }
    };
    let mut output = Output::new();
    let mut code = AS_EXPECTED;
    let mut said = journey.greeting();
    for line in lines.iter().filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#')) {
        said += &format!("{}{}\n", journey.prompt(), line.trim());
        let answer = obey(journey, line);
        if answer.failed {
            code = BAD_INPUT;
        }
        if let Err(error) = output.write(&(said + &answer.text)) {
            complain(&format!("the answers cannot be written: {error}"));
            return BAD_INPUT;
        }
        said = String::new();
        if answer.ends {
            return code;
        }
    }
    // A script without a command has been greeted.
    if output.write(&said).is_err() { BAD_INPUT } else { code }
}

/// Obeys a line, and writes the file that comes of it.
fn obey(journey: &mut dyn Travel, line: &str) -> Answer {
    let mut answer = journey.obey(line);
    if let Some((path, text)) = answer.save.take()
        && let Err(error) = files::write(&path, &text)
    {
        answer.failed = true;
        answer.text = format!("{}: cannot be written: {error}\n", path.display());
    }
    if answer.failed {
        answer.text.insert_str(0, "error: ");
    }
    answer
}
