//! What a traveller may ask for: from a line to a command.
//!
//! Holds: a line that is no command is told what was expected.
//! Not here: what comes of it (`session`, `what_if`).

use std::path::PathBuf;

use crate::scenario::nearest;

/// Something to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sought {
    Violation,
    Election,
    Crash,
    Restart,
    Partition,
    Heal,
    Fault,
    Change,
    Snapshot,
}

/// Something to look for, and its word.
const SOUGHT: [(&str, Sought); 9] = [
    ("violation", Sought::Violation),
    ("election", Sought::Election),
    ("crash", Sought::Crash),
    ("restart", Sought::Restart),
    ("partition", Sought::Partition),
    ("heal", Sought::Heal),
    ("fault", Sought::Fault),
    ("change", Sought::Change),
    ("snapshot", Sought::Snapshot),
];

impl Sought {
    pub(super) fn name(self) -> &'static str {
        SOUGHT.iter().find(|(_, sought)| *sought == self).map_or("", |(name, _)| name)
    }
}

/// One message: by its number on the wire, or by its link, its name and how many older ones there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Number(usize),
    Link { from: String, to: String, what: Option<String>, skip: u64 },
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Help,
    Quit,
    Look,
    At(u64),
    Forward(u64),
    Back(u64),
    Next(Sought),
    Previous(Sought),
    Start,
    End,
    Show(Option<String>),
    Log(String),
    Wire,
    Diff(String, String),
    Why(Option<u64>),
    Records(u64),
    Verdict,
    Fork,
    Leave,
    Drop(Which),
    Deliver(Which),
    /// A step as scenarios write it.
    Step(String),
    RunOn,
    Changes,
    Save(PathBuf),
}

/// Every command, for those who ask.
pub(super) const HELP: &str = "\
at N                 after event N (a number, or +N and -N from here)
next [N], back [N]   N events on or back; without N, one
next WHAT, back WHAT to an election, violation, crash, restart, partition, heal, fault, change or snapshot
start, end           before the first event; after the last
look                 what happened in this event
show [NODE]          every node in a line; one in detail
log NODE             its log: terms, commands, what is durable, committed, applied
wire                 messages under way, and writes that are not finished
diff NODE NODE       where two nodes differ
why [N]              what led to this event, or to event N
records [N]          what happened in the last N events (10)
verdict              what came of the run
fork                 from here on this is another run, to be changed; leave goes back to the first
drop M, deliver M    a message never arrives, or arrives now; M is its number on the wire, or `a>b [NAME [SKIP]]`
crash, restart, timeout, heartbeat, snapshot, stall, unstall, isolate NODE · finish NODE [N] · heal
step { … }           any step of a story, as scenarios write it; one that takes time follows the step that goes on
run on               to the end of the changed run, or to the promise it breaks
changes              what was changed
save FILE.toml       the changed run as a scenario
quit
";

/// Words that a step of one node begins with, as at the prompt so in a scenario.
const OF_A_NODE: [&str; 8] =
    ["crash", "restart", "timeout", "heartbeat", "snapshot", "stall", "unstall", "isolate"];

/// Every first word.
const WORDS: [&str; 31] = [
    "help", "quit", "look", "at", "next", "back", "start", "end", "show", "log", "wire", "diff", "why",
    "records", "verdict", "fork", "leave", "drop", "deliver", "finish", "heal", "step", "run", "changes",
    "save", "crash", "restart", "timeout", "isolate", "stall", "unstall",
];

/// Reads a line; `here` is the event that numbers with a sign count from.
///
/// # Errors
/// What was expected.
pub(super) fn parse(line: &str, here: u64) -> Result<Command, String> {
    let line = line.trim();
    if line.starts_with('{') {
        return Ok(Command::Step(line.to_owned()));
    }
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let words: Vec<&str> = rest.split_whitespace().collect();
    Ok(match (word, words.as_slice()) {
        ("help" | "?", _) => Command::Help,
        ("quit" | "exit" | "q", []) => Command::Quit,
        ("look" | "", []) => Command::Look,
        ("at", [number]) => Command::At(place(number, here)?),
        ("next", [what]) => {
            sought(what)?.map_or_else(|| count(what).map(Command::Forward), |what| Ok(Command::Next(what)))?
        }
        ("back", [what]) => sought(what)?
            .map_or_else(|| count(what).map(Command::Back), |what| Ok(Command::Previous(what)))?,
        ("next" | "n", []) => Command::Forward(1),
        ("back" | "b", []) => Command::Back(1),
        ("start", []) => Command::Start,
        ("end", []) => Command::End,
        ("show", []) => Command::Show(None),
        ("show", [node]) => Command::Show(Some((*node).to_owned())),
        ("log", [node]) => Command::Log((*node).to_owned()),
        ("wire", []) => Command::Wire,
        ("diff", [one, other]) => Command::Diff((*one).to_owned(), (*other).to_owned()),
        ("why", []) => Command::Why(None),
        ("why", [number]) => Command::Why(Some(place(number, here)?)),
        ("records", []) => Command::Records(10),
        ("records", [number]) => Command::Records(count(number)?),
        ("verdict", []) => Command::Verdict,
        ("fork", []) => Command::Fork,
        ("leave", []) => Command::Leave,
        ("drop", which) => Command::Drop(message(which)?),
        ("deliver", which) => Command::Deliver(message(which)?),
        ("finish", [node]) => Command::Step(format!("{{ finish = {node:?} }}")),
        ("finish", [node, writes]) => {
            Command::Step(format!("{{ finish = {node:?}, writes = {} }}", count(writes)?))
        }
        ("heal", []) => Command::Step(String::from("{ heal = true }")),
        (verb, [node]) if OF_A_NODE.contains(&verb) => Command::Step(format!("{{ {verb} = {node:?} }}")),
        ("step", [_, ..]) => Command::Step(rest.to_owned()),
        ("run", ["on"]) => Command::RunOn,
        ("changes", []) => Command::Changes,
        ("save", [_, ..]) => Command::Save(PathBuf::from(rest)),
        _ => return Err(unknown(word)),
    })
}

fn unknown(word: &str) -> String {
    match nearest(word, WORDS) {
        Some(near) if near == word => format!("expected {word} as `help` shows it"),
        Some(near) => format!("expected a command, found {word:?}; did you mean {near}?"),
        None => format!("expected a command, found {word:?}; `help` lists them"),
    }
}

fn place(text: &str, here: u64) -> Result<u64, String> {
    let number = |text: &str| count(text);
    match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(more), _) => Ok(here.saturating_add(number(more)?)),
        (_, Some(less)) => Ok(here.saturating_sub(number(less)?)),
        (None, None) => number(text),
    }
}

fn count(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("expected a number such as 12, found {text:?}"))
}

/// What is looked for; `None` for a number.
fn sought(text: &str) -> Result<Option<Sought>, String> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let words = SOUGHT.map(|(name, _)| name);
    let found = SOUGHT.iter().find(|(name, _)| *name == text).map(|(_, sought)| *sought);
    found
        .map(Some)
        .ok_or_else(|| format!("expected a number, or one of {}, found {text:?}", words.join(", ")))
}

fn message(words: &[&str]) -> Result<Which, String> {
    let expected =
        || String::from("expected a message: its number on the wire, or a link such as a>b and a name");
    match words {
        [number] if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(Which::Number(count(number)? as usize))
        }
        [link, rest @ ..] => {
            let (from, to) = link.split_once('>').ok_or_else(expected)?;
            let (what, skip) = match rest {
                [] => (None, 0),
                [what] => (Some((*what).to_owned()), 0),
                [what, skip] => (Some((*what).to_owned()), count(skip)?),
                _ => return Err(expected()),
            };
            Ok(Which::Link { from: from.to_owned(), to: to.to_owned(), what, skip })
        }
        [] => Err(expected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_commands() {
        let link = Which::Link { from: "a".into(), to: "b".into(), what: Some("append".into()), skip: 1 };
        for (line, command) in [
            ("at 12", Command::At(12)),
            ("at +2", Command::At(9)),
            ("at -9", Command::At(0)),
            ("next", Command::Forward(1)),
            ("next 3", Command::Forward(3)),
            ("back election", Command::Previous(Sought::Election)),
            ("drop 4", Command::Drop(Which::Number(4))),
            ("drop a>b append 1", Command::Drop(link)),
            ("crash a", Command::Step("{ crash = \"a\" }".into())),
            ("step { run = \"1s\" }", Command::Step("{ run = \"1s\" }".into())),
            ("{ heal = true }", Command::Step("{ heal = true }".into())),
        ] {
            assert_eq!(parse(line, 7), Ok(command), "{line}");
        }
    }

    #[test]
    fn what_is_no_command_is_told_what_was_expected() {
        let told = |line| parse(line, 0).expect_err("no command");
        assert_eq!(told("shw"), "expected a command, found \"shw\"; did you mean show?");
        assert_eq!(told("at"), "expected at as `help` shows it");
        assert!(told("next electoin").starts_with("expected a number, or one of violation, election"));
        assert!(told("drop").starts_with("expected a message"));
    }
}
