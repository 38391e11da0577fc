//! `splitbrain init` and `splitbrain new`: first files for a project of one's own.
//!
//! Holds: nothing that is there already is changed; what is written is told.
//! Not here: what scenarios mean (`scenario`).

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::output::{complain, inform};
use super::{AS_EXPECTED, BAD_INPUT};

const SCENARIO: &str = include_str!("begin/scenario.toml");
const TEST: &str = include_str!("begin/test.rs.txt");
const WORKFLOW: &str = include_str!("begin/workflow.yml");

/// What `init` may be told.
#[derive(Debug, Args)]
pub(super) struct InitArguments {
    /// The project's folder
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

/// What `new` may be told.
#[derive(Debug, Args)]
pub(super) struct NewArguments {
    #[command(subcommand)]
    what: New,
}

#[derive(Debug, Subcommand)]
enum New {
    /// A scenario that runs as it is
    Scenario {
        /// Where
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// What it is about
        #[arg(long, default_value = "A leader is cut off and comes back")]
        title: String,
    },
}

/// Writes a scenario, a test and a workflow.
pub(super) fn init(arguments: &InitArguments) -> u8 {
    let files = [
        ("scenarios/leader-alone.toml", SCENARIO),
        ("tests/splitbrain.rs", TEST),
        (".github/workflows/splitbrain.yml", WORKFLOW),
    ];
    for (name, text) in files {
        let path = arguments.folder.join(name);
        match write_new(&path, text) {
            Ok(()) => inform(&format!("written: {}", path.display())),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                inform(&format!("there already, left as it is: {}", path.display()));
            }
            Err(error) => {
                complain(&format!("{}: {error}", path.display()));
                return BAD_INPUT;
            }
        }
    }
    inform(
        "next: `cargo add --dev splitbrain`, then `cargo test`; put your own protocol into tests/splitbrain.rs",
    );
    AS_EXPECTED
}

/// Writes one file.
pub(super) fn new(arguments: &NewArguments) -> u8 {
    let New::Scenario { file, title } = &arguments.what;
    let title = toml_edit::Value::from(title.as_str()).to_string();
    let text = SCENARIO.replace("\"A leader is cut off and comes back\"", title.trim());
    match write_new(file, &text) {
        Ok(()) => {
            inform(&format!("written: {}", file.display()));
            AS_EXPECTED
        }
        Err(error) => {
            complain(&format!("{}: {error}", file.display()));
            BAD_INPUT
        }
    }
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}
