//! `splitbrain fmt` and `splitbrain lint`: scenario files in one form, and whether they can be run at all.
//!
//! Holds: formatting changes neither comments nor meaning: what was a scenario is the same one afterwards, or the file stays
//! as it is. Linting runs nothing.
//! Not here: what may stand in a file (`scenario`).

use std::path::{Path, PathBuf};

use clap::Args;
use toml_edit::{Array, DocumentMut, Item, Value};

use super::output::{Output, complain, inform};
use super::program::Program;
use super::run::check_systems;
use super::{AS_EXPECTED, BAD_INPUT, NOT_AS_EXPECTED};
use crate::files;
use crate::scenario::{self, Objection, ScenarioError, ScenarioFile, Subject};
use crate::system::System;

/// What `fmt` may be told.
#[derive(Debug, Args)]
pub(super) struct FmtArguments {
    /// Scenario files, or folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Change nothing; exit with 1 when a file is not in form
    #[arg(long)]
    check: bool,
}

/// What `lint` may be told.
#[derive(Debug, Args)]
pub(super) struct LintArguments {
    /// Scenario files, or folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Puts files into form.
pub(super) fn fmt(arguments: &FmtArguments, program: &Program) -> u8 {
    let paths = match files::scenario_files(&arguments.paths) {
        Ok(paths) => paths,
        Err(error) => {
            complain(&error);
            return BAD_INPUT;
        }
    };
    let mut code = AS_EXPECTED;
    for path in paths {
        match fmt_file(&path, arguments.check, program) {
            Ok(false) => {}
            Ok(true) if arguments.check => {
                inform(&format!("{}: not in form", path.display()));
                code = code.max(NOT_AS_EXPECTED);
            }
            Ok(true) => inform(&format!("{}: put into form", path.display())),
            Err(error) => {
                complain(&error);
                code = BAD_INPUT;
            }
        }
    }
    code
}

/// Whether the file was not in form.
fn fmt_file(path: &Path, check: bool, program: &Program) -> Result<bool, String> {
    let text = scenario::read_text(path, program.bounds).map_err(|error| error.to_string())?;
    let before = scenario::parse_within(&path.display().to_string(), &text, program.bounds)
        .map_err(|error| error.to_string())?;
    let formed = form(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    if formed == text {
        return Ok(false);
    }
    let after =
        scenario::parse_within(&before.path, &formed, program.bounds).map_err(|error| error.to_string())?;
    if comments(&formed) != comments(&text) {
        return Err(format!("{}: a comment would be lost; left as it is", path.display()));
    }
    if after.scenario != before.scenario {
        return Err(format!("{}: the form would change what it means; left as it is", path.display()));
    }
    if !check {
        files::write(path, &formed).map_err(|error| error.to_string())?;
    }
    Ok(true)
}

/// Every comment of a text, in order, without the space around it. A `#` within a string counts as well: it is kept too.
fn comments(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.split_once('#')).map(|(_, comment)| comment.trim()).collect()
}

/// A text in form: one space around `=` unless columns are aligned, steps and nemeses one on a line, no space at the ends of
/// lines, one line break at the end.
fn form(text: &str) -> Result<String, toml_edit::TomlError> {
    let mut document: DocumentMut = text.parse()?;
    if let Some(story) = document.get_mut("story").and_then(Item::as_table_like_mut) {
        for (_, steps) in story.iter_mut() {
            if let Some(steps) = steps.as_array_mut() {
                one_on_a_line(steps);
            }
        }
    }
    let text = document.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    Ok(lines.join("\n").trim_end().to_owned() + "\n")
}

/// Each table of a list on a line of its own, with its comments where they were.
fn one_on_a_line(steps: &mut Array) {
    let is_table = |step: &Value| matches!(step, Value::InlineTable(_));
    if steps.is_empty() || !steps.iter().all(is_table) {
        return;
    }
    let mut last = String::new();
    for step in steps.iter_mut() {
        let before = step.decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default().to_owned();
        if let Some(table) = step.as_inline_table_mut() {
            table.fmt();
        }
        let comments: Vec<String> = before
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            // The first line is the end of the step before.
            .map(
                |(nth, line)| {
                    if nth == 0 { format!(" {}", line.trim()) } else { format!("\n  {}", line.trim()) }
                },
            )
            .collect();
        let after = step.decor().suffix().and_then(|suffix| suffix.as_str()).unwrap_or_default();
        if after.contains('#') {
            // A comment behind the last step, which has no comma yet.
            last = format!(" {}\n", after.trim());
        }
        let decor = step.decor_mut();
        decor.set_prefix(format!("{}\n  ", comments.concat()));
        decor.set_suffix("");
    }
    if !last.is_empty() {
        steps.set_trailing(last + steps.trailing().as_str().unwrap_or_default().trim_start());
    }
    let end = steps.trailing().as_str().unwrap_or_default().to_owned();
    if !end.contains('#') {
        steps.set_trailing("\n");
    }
    steps.set_trailing_comma(true);
}

/// Says what is wrong with files, and runs nothing.
pub(super) fn lint(arguments: &LintArguments, program: &Program) -> u8 {
    let paths = match files::scenario_files(&arguments.paths) {
        Ok(paths) => paths,
        Err(error) => {
            complain(&error);
            return BAD_INPUT;
        }
    };
    let (mut wrong, mut all_are_read) = (0, true);
    for path in &paths {
        let errors = match scenario::read_text(path, program.bounds) {
            Ok(text) => match scenario::parse_all(&path.display().to_string(), &text, program.bounds) {
                Ok(file) => lint_file(file, program),
                Err(errors) => errors,
            },
            Err(error) => {
                all_are_read = false;
                vec![error]
            }
        };
        errors.iter().for_each(|error| complain(error));
        wrong += usize::from(!errors.is_empty());
    }
    let files = paths.len();
    let noun = if files == 1 { "file" } else { "files" };
    if let Err(error) = Output::new().write(&format!("{files} {noun}: {wrong} cannot be run\n")) {
        complain(&error);
        return BAD_INPUT;
    }
    match wrong {
        0 => AS_EXPECTED,
        _ if all_are_read => NOT_AS_EXPECTED,
        _ => BAD_INPUT,
    }
}

fn lint_file(file: ScenarioFile, program: &Program) -> Vec<ScenarioError> {
    if let Err(error) = check_systems(&file, &program.systems) {
        return vec![error];
    }
    let systems = program.systems.iter();
    let meant = systems
        .filter(|system| program.systems.is_meant(&file.scenario, *system, false))
        .filter(|system| !file.scenario.except.contains_key(system.name()))
        .filter(|system| system.lacks(&file.scenario).is_empty());
    meant.flat_map(|system| objections(system, file.clone())).collect()
}

/// Everything that a system has against a file: settings and rules that it does not know are taken out, one after the other.
fn objections(system: System, mut file: ScenarioFile) -> Vec<ScenarioError> {
    let mut errors = Vec::new();
    let mut rules_gone = 0;
    while let Err(objection) = system.begin(&file.scenario) {
        let (subject, scenario) = (objection.subject.clone(), &mut file.scenario);
        let gone = match &subject {
            Subject::Option(name) => scenario.cluster.options.remove(name).is_some(),
            Subject::Rule(nth) if *nth < scenario.rules_off.len() => {
                scenario.rules_off.remove(*nth);
                true
            }
            _ => false,
        };
        // Places are those of the whole file.
        let subject = match subject {
            Subject::Rule(nth) => Subject::Rule(nth + rules_gone),
            other => other,
        };
        rules_gone += usize::from(matches!(subject, Subject::Rule(_)));
        errors.push(file.error(Objection { subject, ..objection }));
        if !gone {
            break;
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_stand_one_on_a_line_and_no_comment_is_lost() {
        let text = "# Head.\ntitle = 't'   \n[story]\nsteps = [{run='1s'}, # why\n # before\n{ heal = true } # last\n]\n";
        let formed = form(text).expect("TOML");
        for comment in ["# Head.", "# why", "# before", "# last"] {
            assert!(formed.contains(comment), "no {comment} in\n{formed}");
        }
        assert!(formed.contains("\n  { run = '1s' },"), "{formed}");
        assert!(!formed.lines().any(|line| line.ends_with(' ')), "{formed}");
        assert_eq!(form(&formed).expect("TOML"), formed, "a text in form stays as it is");
    }
}
