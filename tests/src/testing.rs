//! `testing` seen from outside: what it says when seeds fail, and how one is run again.

use std::panic::catch_unwind;
use std::process::Command;

use crate::unruly::Unruly;
use splitbrain::protocols::echo::Echo;
use splitbrain::protocols::raft::Raft;
use splitbrain::runner::RunOptions;
use splitbrain::scenario;
use splitbrain::testing::{Check, Checked, SEED_VARIABLE, SEEDS_VARIABLE, check};

/// A rule is off, so that some seed fails.
const BROKEN: &str = include_str!("../../sim/tests/broken.toml");

fn panic_of(run: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let payload = catch_unwind(run).expect_err("some seed fails");
    payload.downcast_ref::<String>().cloned().expect("a panic with a text")
}

fn repeat_line(text: &str) -> &str {
    text.lines().find(|line| line.starts_with(SEED_VARIABLE)).expect("a line to copy")
}

#[test]
fn failures_come_by_kind_small_and_with_the_line_that_repeats_each() {
    let text = panic_of(|| {
        check::<Raft>(0..50, BROKEN);
    });
    assert!(text.contains("election-safety is broken"), "{text}");
    assert!(text.contains(" of 50 runs of raft fail, in "), "{text}");
    assert!(text.contains("Made small:\n\n    # election-safety: "), "{text}");
    assert!(text.contains("\n     why      "), "{text}");
    let line = repeat_line(&text);
    assert!(line.contains("cargo test --package splitbrain-tests"), "{line}");
    let test = "testing::failures_come_by_kind_small_and_with_the_line_that_repeats_each -- --exact";
    assert!(line.ends_with(test), "{line}");
    assert!(
        !text.contains("repeat    splitbrain run"),
        "no line that the command line does not know: {text}"
    );
}

#[test]
fn threads_leave_no_mark_and_small_failures_are_kept_as_scenarios() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_owned();
    let said = |threads: usize| {
        let path = path.clone();
        panic_of(move || {
            let check = Check::<Raft>::new().scenario(BROKEN).seeds(0..50).threads(threads);
            check.regressions(path).run();
        })
    };
    assert_eq!(said(1), said(3));
    let kept: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").collect();
    assert!(!kept.is_empty());
    for entry in kept {
        let file = scenario::load(&entry.expect("an entry").path()).expect("a scenario");
        let seed = file.scenario.seeds.first;
        let options = RunOptions { file: String::new(), system: String::from("raft"), seed, trace: false };
        let report = splitbrain::built_in::run(&file.scenario, &options).expect("it runs");
        assert!(report.passed() && !report.violations.is_empty(), "{}", file.path);
    }
}

#[test]
fn the_swarm_is_as_near_as_one_scenario() {
    let checked = Check::<Raft>::new().swarm().seeds(0..40).threads(2).twice(4).run();
    assert!(checked.runs > 30 && checked.twice > 3, "{checked:?}");
    let folder = crate::root().join("scenarios/elections");
    let checked = Check::<Raft>::new().folder(folder).twice(1).run();
    assert_eq!(checked.runs, checked.twice);
}

#[test]
fn a_run_is_the_same_in_two_processes() {
    let calm = "title = 't'\nsource = 's'\n[cluster]\nmembers = ['a', 'b']\n[story]\nsteps = [{ run = '2s' }]\n\
                [expect]\nviolations = 'none'\n";
    Check::<Echo>::new().scenario(calm).seeds(0..9).twice(1).two_processes().run();
}

#[test]
fn a_protocol_that_differs_from_process_to_process_is_found_out() {
    let calm = "title = 't'\nsource = 's'\n[cluster]\nmembers = ['a']\n[cluster.options]\ndeed = 'process'\n[story]\n\
                steps = [{ run = '2s' }]\n[expect]\nviolations = 'none'\n";
    let text = panic_of(|| {
        Check::<Unruly>::new().scenario(calm).seeds(0..3).twice(1).two_processes().run();
    });
    assert!(text.starts_with("seed 0: two processes differ"), "{text}");
    assert!(text.contains("the two runs differ from record "), "{text}");
}

#[test]
fn a_bad_scenario_is_told_with_its_place() {
    let text = panic_of(|| {
        check::<Raft>(0..1, "title = 'x'\nsource = 3\n");
    });
    assert!(text.starts_with("scenario:2:"), "{text}");
}

/// Runs one test of this program alone, as `cargo test -- --exact` and `cargo nextest run` do.
fn alone(test: &str, variable: &str, value: &str) -> String {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env_remove(SEED_VARIABLE)
        .env(variable, value)
        .output()
        .expect("another process");
    assert!(!output.status.success(), "the seed fails again");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn the_variables_run_one_seed_alone_with_its_trace_or_others() {
    let test = "testing::fails_with_some_seed";
    let first = panic_of(|| {
        check::<Raft>(0..50, BROKEN);
    });
    let line = repeat_line(&first);
    let seed =
        line.trim_start_matches(SEED_VARIABLE).trim_start_matches('=').split(' ').next().expect("a seed");
    let text = alone(test, SEED_VARIABLE, seed);
    assert!(text.contains(&format!("seed {seed}")), "the same seed");
    assert!(text.contains(" boots\n"), "with its trace");
    assert!(text.contains(&format!("{SEED_VARIABLE}={seed} cargo test")), "{text}");
    assert!(text.contains(test), "the test is named though it runs on the main thread");
    assert!(
        alone(test, SEED_VARIABLE, "seventeen").contains("expected a seed such as 17, found \"seventeen\"")
    );
    assert!(alone(test, SEEDS_VARIABLE, "0..99").contains(" of 100 runs of raft fail"));
    assert!(alone(test, SEEDS_VARIABLE, "9").contains("expected seeds such as 0..9999, found \"9\""));
}

/// Run by the test above in a process of its own.
#[test]
#[ignore = "fails by intent"]
fn fails_with_some_seed() {
    check::<Raft>(0..50, BROKEN);
}

/// Four runs of a protocol that does what none may, in a process that is watched.
fn guarded(deed: &str, seconds: u64) -> Checked {
    let text = format!(
        "title = 't'\nsource = 's'\n[cluster]\nmembers = ['a']\nelection = '50ms..150ms'\n[cluster.options]\n\
         deed = '{deed}'\n[story]\nsteps = [{{ run = '1s' }}]\n[expect]\nviolations = 'none'\n"
    );
    Check::<Unruly>::new().scenario(&text).seeds(0..4).twice(0).limits(seconds, 256).run()
}

/// A deed is told by its name, with its seed.
fn is_told(deed: &'static str, seconds: u64, found: &str) {
    let told = panic_of(move || drop(guarded(deed, seconds)));
    assert!(told.contains(found) && told.contains("SPLITBRAIN_SEED="), "{told}");
}

#[test]
fn a_guarded_check_tells_who_hangs() {
    is_told("hangs", 2, "termination is broken: the run took longer than 2 s");
}

#[test]
fn a_guarded_check_tells_who_sleeps() {
    is_told("sleeps", 2, "termination is broken: the run took longer than 2 s");
}

#[test]
fn a_guarded_check_tells_who_stops() {
    is_told("stops", 2, "hangs is broken: ");
}

#[test]
fn a_guarded_check_tells_who_grows() {
    is_told("grows", 60, "memory is broken: ");
}

#[test]
fn a_guarded_check_tells_who_floods() {
    is_told("floods", 60, "output is broken: ");
}

#[test]
fn a_guarded_check_tells_who_aborts() {
    is_told("aborts", 60, "process is broken: ");
}

#[test]
fn a_guarded_check_tells_who_exits() {
    is_told("exits", 60, "process is broken: ");
}

#[test]
fn a_guarded_check_tells_who_overflows() {
    is_told("overflows", 60, "process is broken: ");
}

#[test]
fn a_guarded_check_tells_who_closes() {
    is_told("closes", 60, "process is broken: ");
}

#[test]
fn a_guarded_check_tells_who_panics() {
    is_told("panics", 60, "invariant is broken: ");
}

#[test]
fn a_guarded_check_tells_who_drops() {
    is_told("drops", 60, "a process panics when it is dropped");
}

#[test]
fn a_guarded_check_tells_who_prints() {
    is_told("prints", 60, "invariant is broken: ");
}

#[test]
fn a_guarded_check_bears_what_does_no_harm() {
    assert_eq!(guarded("threads", 60).runs, 4);
    assert_eq!(guarded("moves", 60).runs, 4);
}

#[test]
fn a_guarded_check_counts_and_fails_as_any_other() {
    let checked = Check::<Raft>::new().swarm().seeds(0..12).threads(2).guarded().run();
    assert_eq!(checked, Check::<Raft>::new().swarm().seeds(0..12).run());
    let told = panic_of(|| drop(Check::<Raft>::new().scenario(BROKEN).seeds(0..50).guarded().run()));
    assert!(told.contains("election-safety is broken") && told.contains("Made small:"), "{told}");
}
