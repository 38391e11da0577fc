//! The schema and the reference of scenario files: current, and true of every file of the project.

use std::fs;
use std::path::Path;

use boon::{Compiler, Schemas};
use serde_json::Value;

use crate::tidy::files_below;

/// Sees that a file holds what the project makes today; with `UPDATE_DOCS=1` it is written instead.
fn check_current(path: &str, made: &str) {
    let file = crate::root().join(path);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, made).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == made, "{path} is not current: run the tests of `schema` with UPDATE_DOCS=1");
}

#[test]
fn the_chapter_of_knobs_is_current() {
    check_current("docs/knobs.md", &splitbrain::scenario::knobs_chapter());
}

#[test]
fn the_schema_is_current() {
    check_current("scenarios/scenario.schema.json", &splitbrain::scenario::schema());
}

/// What a scenario file says against the schema.
fn objection(schemas: &Schemas, schema: boon::SchemaIndex, path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).expect("a scenario is text");
    let value: Value = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    schemas.validate(&value, schema).err().map(|error| format!("{}: {error}", path.display()))
}

#[test]
fn every_scenario_is_valid_by_the_schema_and_a_misspelt_one_is_not() {
    let schema: Value = serde_json::from_str(&splitbrain::scenario::schema()).expect("the schema is JSON");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("schema.json", schema).expect("a resource");
    let schema = compiler.compile("schema.json", &mut schemas).expect("the schema is one");
    let files = files_below(&crate::root().join("scenarios"), "toml");
    assert!(files.len() > 100, "{} scenarios", files.len());
    let objections: Vec<String> = files.iter().filter_map(|path| objection(&schemas, schema, path)).collect();
    assert!(objections.is_empty(), "{}", objections.join("\n"));
    let valid: Value = toml::from_str(&fs::read_to_string(&files[0]).expect("text")).expect("TOML");
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut changed = valid.clone();
        change(&mut changed);
        schemas.validate(&changed, schema).is_err()
    };
    assert!(wrong(&|it| it["titel"] = Value::from("a slip")));
    assert!(wrong(&|it| it["story"]["steps"][0] = serde_json::json!({ "elekt": "a" })));
    assert!(wrong(&|it| it["network"] = serde_json::json!({ "delay": "5" })));
    assert!(wrong(&|it| it["workload"] = serde_json::json!({ "clients": 0 })));
}
