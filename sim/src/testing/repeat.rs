//! The line that runs one seed of the running test again.
//!
//! Holds: it works as printed, in a terminal, in CI, and when the test ran under `cargo nextest`. Cargo and its test runners
//! say in the environment and in the arguments which package and test that is; what they do not say is left out.

use std::env;

use super::SEED_VARIABLE;

/// Which test runs.
#[derive(Clone, Debug)]
pub(super) struct Repeat {
    package: Option<String>,
    /// The test's whole name.
    pub(super) test: Option<String>,
    nextest: bool,
}

impl Repeat {
    /// Asked on the thread of the test.
    pub(super) fn of_this_test() -> Repeat {
        let arguments: Vec<String> = env::args().skip(1).collect();
        Repeat {
            package: env::var("CARGO_PKG_NAME").ok(),
            test: test_name(std::thread::current().name(), &arguments),
            nextest: env::var_os("NEXTEST").is_some(),
        }
    }

    pub(super) fn line(&self, seed: u64) -> String {
        let package = self.package.as_ref().map_or(String::new(), |name| format!(" --package {name}"));
        let runner = if self.nextest { "nextest run" } else { "test" };
        let test = match (&self.test, self.nextest) {
            (Some(name), true) => format!(" -E 'test(={name})'"),
            (Some(name), false) => format!(" {name} -- --exact"),
            (None, _) => String::new(),
        };
        format!("{SEED_VARIABLE}={seed} cargo {runner}{package}{test}")
    }
}

/// The harness names a test's thread after the test, unless it runs one alone: then the test is an argument.
fn test_name(thread: Option<&str>, arguments: &[String]) -> Option<String> {
    match thread {
        Some(name) if name != "main" => Some(name.to_owned()),
        Some(_) | None if arguments.iter().any(|argument| argument == "--exact") => {
            arguments.iter().find(|argument| !argument.starts_with('-')).cloned()
        }
        Some(_) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_named_by_its_thread_or_by_its_argument() {
        let arguments = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        assert_eq!(test_name(Some("raft::elects"), &[]), Some("raft::elects".to_owned()));
        let alone = arguments(&["--exact", "raft::elects", "--nocapture"]);
        assert_eq!(test_name(Some("main"), &alone), Some("raft::elects".to_owned()));
        assert_eq!(test_name(Some("main"), &arguments(&["raft"])), None);
    }

    #[test]
    fn each_runner_has_its_own_line() {
        let test = Some(String::from("raft::elects"));
        let mut repeat = Repeat { package: Some(String::from("mine")), test, nextest: false };
        assert_eq!(repeat.line(7), "SPLITBRAIN_SEED=7 cargo test --package mine raft::elects -- --exact");
        repeat.nextest = true;
        let nextest = "SPLITBRAIN_SEED=7 cargo nextest run --package mine -E 'test(=raft::elects)'";
        assert_eq!(repeat.line(7), nextest);
    }
}
