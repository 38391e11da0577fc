//! The process: hands the command line to `cli` and exits with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    splitbrain::cli::main(std::env::args_os())
}
