//! The time machine at a terminal: somebody types, edits a line, and leaves.
//!
//! Not here: what its commands do (`travel`).

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// How long an answer may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program at a terminal of its own.
struct Session {
    child: Child,
    keyboard: File,
    screen: Receiver<String>,
    shown: String,
}

impl Session {
    fn begin(arguments: &[&str]) -> Session {
        let terminal = nix::pty::openpty(None, None).expect("a terminal");
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let mut command = Command::new(env!("CARGO_BIN_EXE_splitbrain"));
        command.current_dir(folder).args(arguments).env("TERM", "xterm").env("NO_COLOR", "1");
        let copy = || terminal.slave.try_clone().expect("a descriptor");
        let child = command.stdin(copy()).stdout(copy()).stderr(copy()).spawn().expect("it starts");
        let keyboard = File::from(terminal.master);
        let mut eyes = keyboard.try_clone().expect("a descriptor");
        let (sender, screen) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // A terminal whose program has ended cannot be read.
            while let Ok(length @ 1..) = eyes.read(&mut buffer) {
                let _ = sender.send(String::from_utf8_lossy(&buffer[..length]).into_owned());
            }
        });
        Session { child, keyboard, screen, shown: String::new() }
    }

    /// Types, after it has waited for what must stand on the screen since the last time.
    fn after(&mut self, awaited: &str, typed: &str) {
        let mut since = String::new();
        while !since.contains(awaited) {
            match self.screen.recv_timeout(PATIENCE) {
                Ok(text) => since += &text,
                Err(error) => panic!("{error} before {awaited:?}; shown: {}{since}", self.shown),
            }
        }
        self.shown += &since;
        self.keyboard.write_all(typed.as_bytes()).expect("somebody listens");
    }
}

#[test]
fn somebody_types_corrects_a_line_and_leaves() {
    let mut session = Session::begin(&["replay", "scenarios/why/one-vote-per-term.toml"]);
    session.after("> ", "next election\r");
    session.after("leads", "shwo a\x7f\x7f\x7f\x7fow a\r");
    session.after("leader in term 1", "\x03");
    session.after("> ", "no such thing\r");
    session.after("error: ", "quit\r");
    let status = session.child.wait().expect("it ends");
    assert_eq!(status.code(), Some(0), "{}", session.shown);
}
