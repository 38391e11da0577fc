//! Every scenario file: judged with all its seeds, and the report of the first one as a snapshot.

use insta::{Settings, assert_snapshot};
use splitbrain::built_in::systems;
use splitbrain::report::Palette;
use splitbrain::runner::RunOptions;
use splitbrain::scenario;

#[test]
fn every_scenario_goes_as_it_expects() {
    let folder = crate::root().join("scenarios");
    let files = crate::tidy::files_below(&folder, "toml");
    assert!(files.len() > 8, "the scenarios are there");
    let systems = systems();
    let mut failed = Vec::new();
    for path in files {
        let name = path.strip_prefix(crate::root()).expect("below the root").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a scenario can be read");
        let file = scenario::parse(&name, &text).unwrap_or_else(|error| panic!("{error}"));
        let meant = systems.iter().filter(|system| systems.is_meant(&file.scenario, *system, false));
        for system in meant.map(|system| system.name()).filter(|system| crate::is_there(system)) {
            for seed in file.scenario.seeds.iter() {
                let options =
                    RunOptions { file: name.clone(), system: system.to_owned(), seed, trace: false };
                let report = splitbrain::built_in::run(&file.scenario, &options)
                    .unwrap_or_else(|objection| panic!("{}", file.error(objection)));
                if !report.passed() {
                    failed.push(report.text(&Palette::default()));
                }
                // What a guest prints depends on the toolchain that built it: it is judged only.
                if seed == file.scenario.seeds.first && !crate::is_guest(system) {
                    snapshot(&name, system, &report.text(&Palette::default()));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn snapshot(name: &str, system: &str, text: &str) {
    let mut settings = Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        let name = name.trim_start_matches("scenarios/").trim_end_matches(".toml").replace('/', "__");
        let suffix = if system == systems().first().name() { String::new() } else { format!("@{system}") };
        assert_snapshot!(format!("{name}{suffix}"), text);
    });
}
