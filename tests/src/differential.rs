//! The same scenarios on our core and on raft-rs: where both promise the same, both keep it; where they differ, the
//! reason is written here.

use insta::{Settings, assert_snapshot};
use splitbrain::built_in::systems;
use splitbrain::runner::RunOptions;
use splitbrain::scenario::{self, ScenarioFile};

/// Scenarios that end otherwise on raft-rs, each with the reason. A scenario about what raft-rs does otherwise by design
/// says `systems = ["raft"]`, with the reason beside it.
const DIFFERENCES: &[(&str, &str)] = &[
    (
        "scenarios/elections/chained-without-pre-vote.toml",
        "with this seed raft-rs first elects the end of the chain, which without check-quorum leads its neighbour for ever, \
         while the rest elects another leader",
    ),
    (
        "scenarios/elections/transfer-completed.toml",
        "asked for the transfer, raft-rs sends the target an append at once, hears what it lacks, and tells it to stand: c \
         leads by the time the refused write is answered. Our leader finds out with its next heartbeat, which the story \
         sends two steps later",
    ),
    (
        "scenarios/replication/a-b-a.toml",
        "without pre-vote and check-quorum raft-rs answers no message of an older term: b and e, who know term 2, are \
         silent to the heartbeat of a, which goes on leading term 1 and is not elected anew. Up to there, and in what b \
         acknowledges of its writes, both do the same",
    ),
];

/// What came of a scenario with its first seed, in a few words.
fn verdict(file: &ScenarioFile, system: &str) -> String {
    let options = RunOptions {
        file: file.path.clone(),
        system: system.to_owned(),
        seed: file.scenario.seeds.first,
        trace: false,
    };
    match splitbrain::built_in::run(&file.scenario, &options) {
        Err(objection) => format!("not applicable: {}", objection.message),
        Ok(report) if report.passed() && report.violations.is_empty() => "kept".to_owned(),
        Ok(report) if report.passed() => format!("broken as expected: {}", report.violations[0].property),
        Ok(report) => match report.verdict {
            // Facts are a system's own: only what is promised is compared.
            splitbrain::report::Verdict::NotAsExpected(reasons)
                if report.violations.is_empty()
                    && reasons.iter().all(|reason| reason.ends_with("was to be seen, and was not")) =>
            {
                "kept".to_owned()
            }
            splitbrain::report::Verdict::NotAsExpected(reasons) => {
                format!("otherwise: {}", reasons.join("; "))
            }
            splitbrain::report::Verdict::AsExpected => unreachable!("it did not pass"),
        },
    }
}

#[test]
fn both_keep_what_both_promise() {
    let mut table = String::new();
    let mut unknown = Vec::new();
    for path in crate::tidy::files_below(&crate::root().join("scenarios"), "toml") {
        let name = path.strip_prefix(crate::root()).expect("below the root").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a scenario can be read");
        let file = scenario::parse(&name, &text).unwrap_or_else(|error| panic!("{error}"));
        let systems = systems();
        let both = ["raft", "raft-rs"].map(|name| {
            let system = systems.named(name).expect("this build has both");
            systems.is_meant(&file.scenario, system, true).then(|| verdict(&file, name))
        });
        let [Some(ours), Some(theirs)] = both else { continue };
        table += &format!("{name}\n    raft     {ours}\n    raft-rs  {theirs}\n");
        let reason = DIFFERENCES.iter().find(|(file, _)| *file == name).map(|(_, reason)| reason);
        let differs = ours != theirs && !theirs.starts_with("not applicable");
        if differs != reason.is_some() {
            unknown.push(format!("{name}: {ours} on raft, {theirs} on raft-rs; known as: {reason:?}"));
        }
        if let Some(reason) = reason {
            table += &format!("    because  {reason}\n");
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
    let mut settings = Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| assert_snapshot!("differential", table));
}

#[test]
fn both_keep_their_promises_in_the_same_random_worlds() {
    let world = "title = 'rough'\nsource = 'here'\n\
         [cluster]\nmembers = [['a', 'b', 'c'], ['c', 'd', 'e']]\nsnapshot_every = 15\n\
         [network]\ndelay = '1ms..40ms'\nloss = '5%'\nduplicate = '5%'\n\
         [disk]\nwrite = '1ms..30ms'\ncrash = 'torn'\n\
         [workload]\nclients = 6\nkeys = 2\nreads = '50%'\ncas = '20%'\n\
         [[nemesis]]\nkind = 'crash'\naim = 'leader'\nevery = '300ms..1s'\nlasting = '50ms..400ms'\n\
         [[nemesis]]\nkind = 'partition'\nshape = 'random'\nevery = '200ms..1s'\nlasting = '200ms..1s'\n\
         [story]\nsteps = [{ run = '3s' }, { heal = true }, { converge = '20s' }]\n\
         [expect]\nviolations = 'none'\n";
    let ours = splitbrain::testing::check::<splitbrain::protocols::raft::Raft>(0..100, world);
    let theirs = splitbrain::testing::check::<splitbrain::protocols::raft_rs::RaftRs>(0..100, world);
    for checked in [ours, theirs] {
        assert!(checked.seen["leader-changed"] > 50 && checked.seen["log-cut"] > 10, "{:?}", checked.seen);
    }
}
