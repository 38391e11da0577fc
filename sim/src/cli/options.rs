//! Arguments that several commands share.

use std::path::Path;

use super::output::complain;
use super::program::Program;
use crate::protocol::OptionValue;
use crate::scenario::{self, Scenario, parse_duration};
use crate::system::System;

/// A scenario, the file it came from (empty for a seed), the seed to run it with, and the protocol.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) file: String,
    pub(super) scenario: Scenario,
    pub(super) seed: u64,
    pub(super) system: System,
}

/// The scenario of a seed or of a file. The user is told what is wrong.
pub(super) fn target(
    text: &str,
    seed: Option<u64>,
    system: Option<&str>,
    program: &Program,
) -> Option<Target> {
    if let Ok(drawn) = text.parse::<u64>() {
        let system = program.system(system, None)?;
        let scenario = system.swarm(drawn);
        return Some(Target { file: String::new(), scenario, seed: seed.unwrap_or(drawn), system });
    }
    match scenario::load_within(Path::new(text), program.bounds) {
        Ok(file) => {
            let seed = seed.unwrap_or(file.scenario.seeds.first);
            let system = program.system(system, Some(&file.scenario))?;
            Some(Target { file: file.path, scenario: file.scenario, seed, system })
        }
        Err(error) => {
            complain(&error);
            None
        }
    }
}

pub(super) fn parse_time(text: &str) -> Result<u64, String> {
    parse_duration(text).ok_or_else(|| String::from("expected a duration such as 60s or 5m"))
}

/// Reads `name=value` as a scenario would.
pub(super) fn parse_option(text: &str) -> Result<(String, OptionValue), String> {
    let (name, value) = text.split_once('=').ok_or("expected an option such as pre-vote=false")?;
    let value = match value {
        "true" => OptionValue::Switch(true),
        "false" => OptionValue::Switch(false),
        _ => match (value.parse(), parse_duration(value)) {
            (Ok(number), _) => OptionValue::Number(number),
            (Err(_), Some(time)) => OptionValue::Time(time),
            (Err(_), None) => OptionValue::Word(value.to_owned()),
        },
    };
    Ok((name.to_owned(), value))
}
