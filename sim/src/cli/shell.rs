//! `splitbrain completions` and `splitbrain man`: what a shell and a manual need to know of the command line.
//!
//! Holds: both are made from the arguments themselves, under the name of the program that runs.

use std::io;
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;

use super::output::{Output, complain};
use super::{AS_EXPECTED, BAD_INPUT};
use crate::files;

/// What `completions` may be told.
#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// What `man` may be told.
#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// Write the page of every command into this folder, instead of the first to the standard output
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints the completions of a shell.
pub(super) fn completions(arguments: &CompletionsArguments, mut command: Command) -> u8 {
    let name = command.get_name().to_owned();
    let mut bytes = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, name, &mut bytes);
    told(Output::new().write(&String::from_utf8_lossy(&bytes)))
}

/// Prints or writes the manual.
pub(super) fn man(arguments: &ManArguments, command: Command) -> u8 {
    told(match &arguments.out {
        None => page(command).and_then(|page| Output::new().write(&page)),
        Some(folder) => write_all(command, folder),
    })
}

fn write_all(mut command: Command, folder: &std::path::Path) -> io::Result<()> {
    command.build();
    let name = command.get_name().to_owned();
    files::write(&folder.join(files::file_name(&name, "1")), &page(command.clone())?)?;
    for one in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        let name = format!("{name}-{}", one.get_name());
        let one = one.clone().name(name.clone());
        files::write(&folder.join(files::file_name(&name, "1")), &page(one)?)?;
    }
    Ok(())
}

fn page(command: Command) -> io::Result<String> {
    let mut bytes = Vec::new();
    clap_mangen::Man::new(command).render(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn told(written: io::Result<()>) -> u8 {
    match written {
        Ok(()) => AS_EXPECTED,
        Err(error) => {
            complain(&error);
            BAD_INPUT
        }
    }
}
