//! The command `check` on its own.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use splitbrain_linearizability::command::{CheckArgs, run};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: CheckArgs,
}

fn main() -> ExitCode {
    let code = run(&Command::parse().args, &mut io::stdout().lock(), &mut io::stderr().lock());
    ExitCode::from(code)
}
