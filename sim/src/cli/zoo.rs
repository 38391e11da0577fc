//! `splitbrain zoo`: how soon the search finds each deliberate mistake, as a Markdown table.
//!
//! Holds: events and seeds of a row do not depend on the machine; seconds are of the processor, not of the wall.

use std::path::PathBuf;

use clap::Args;
use cpu_time::ThreadTime;

use super::output::{Output, complain, inform};
use super::{AS_EXPECTED, BAD_INPUT, NOT_AS_EXPECTED, zoo_shrink};
use crate::files;
use crate::shrink::Shrunk;
use crate::swarm;
use crate::zoo::{self, Budget, Mistake, Mode, Search};

/// What `zoo` may be told.
#[derive(Debug, Args)]
pub(super) struct ZooArguments {
    /// How many times each search is started anew
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    starts: u64,
    /// The most seeds of one search
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    seeds: u64,
    /// The most million events of one search
    #[arg(long, value_name = "MILLIONS", default_value_t = 50)]
    events: u64,
    /// Only mutations whose name contains this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Search only the worlds of one theme of the swarm (`--themes` names them), or only those that draw every knob by
    /// itself: `plain`
    #[arg(long, value_name = "NAME", value_parser = read_mode)]
    theme: Option<Mode>,
    /// How scenarios are chosen: what the swarm draws, or also what led to new situations, changed a little
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Strategy::Random, conflicts_with = "theme")]
    strategy: Strategy,
    /// The number of the first start: others have other seeds
    #[arg(long, value_name = "K", default_value_t = 0)]
    first: u64,
    /// For each theme: the mistake that shows it, and how soon it and the plain draw find that
    #[arg(long, conflicts_with_all = ["shrink", "theme"])]
    themes: bool,
    /// Make the first witness of each small instead, and tell how small
    #[arg(long)]
    shrink: bool,
    /// Write each small witness into this folder
    #[arg(long, value_name = "DIR", requires = "shrink")]
    witnesses: Option<PathBuf>,
    /// Write the table here as well
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How scenarios are chosen.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Strategy {
    /// Each by itself
    Random,
    /// By what earlier ones led to
    Guided,
}

/// The searches of one mutation.
struct Row {
    info: Mistake,
    searches: Vec<(Search, f64)>,
}

pub(super) fn main(arguments: &ZooArguments) -> u8 {
    let budget = Budget { seeds: arguments.seeds, events: arguments.events.saturating_mul(1_000_000) };
    let is_wanted =
        |info: &Mistake| arguments.filter.as_ref().is_none_or(|text| info.name.contains(text.as_str()));
    let wanted: Vec<Mistake> = zoo::all().into_iter().filter(is_wanted).collect();
    let (text, all_found) = if arguments.themes {
        themes(arguments, budget)
    } else if arguments.shrink {
        sizes(arguments, &wanted, budget)
    } else {
        searches(arguments, &wanted, budget)
    };
    if let Some(path) = &arguments.out
        && let Err(error) = files::write(path, &text)
    {
        complain(&error);
        return BAD_INPUT;
    }
    if let Err(error) = Output::new().write(&text) {
        complain(&format!("the table cannot be written: {error}"));
        return BAD_INPUT;
    }
    if all_found { AS_EXPECTED } else { NOT_AS_EXPECTED }
}

/// How small the first witness of each becomes.
fn sizes(arguments: &ZooArguments, wanted: &[Mistake], budget: Budget) -> (String, bool) {
    let mut keep = |name: &str, shrunk: &Shrunk| {
        let Some(folder) = &arguments.witnesses else { return };
        let path = folder.join(format!("{name}.toml"));
        if let Err(error) = files::write(&path, &shrunk.to_toml()) {
            complain(&format!("{}: {error}", path.display()));
        }
    };
    zoo_shrink::table(wanted, budget, &mut keep)
}

/// How soon each is found.
#[allow(clippy::float_arithmetic)]
fn searches(arguments: &ZooArguments, wanted: &[Mistake], budget: Budget) -> (String, bool) {
    let mode = match arguments.strategy {
        Strategy::Random => arguments.theme.unwrap_or_default(),
        Strategy::Guided => Mode::Guided,
    };
    let mut rows = Vec::new();
    for &info in wanted {
        let searches = (arguments.first..).take(arguments.starts as usize).map(|start| {
            let clock = ThreadTime::now();
            let search = zoo::search_in(&info, mode, start, budget);
            (search, clock.elapsed().as_secs_f64())
        });
        let row = Row { info, searches: searches.collect() };
        inform(row.line().trim_end());
        rows.push(row);
    }
    let missed = rows.iter().filter(|row| !row.is_found()).count();
    (table(&rows, arguments), missed == 0)
}

fn read_mode(text: &str) -> Result<Mode, String> {
    if text == "plain" {
        return Ok(Mode::Plain);
    }
    let theme = swarm::themes().into_iter().find(|theme| theme.name == text);
    let known = || swarm::themes().iter().map(|theme| theme.name).collect::<Vec<_>>().join(", ");
    theme.map(|theme| Mode::Theme(theme.name)).ok_or_else(|| format!("expected plain or one of {}", known()))
}

/// What each theme is for, and how much sooner it finds the mistake that shows it than the plain draw does.
fn themes(arguments: &ZooArguments, budget: Budget) -> (String, bool) {
    let mut text = String::from(
        "| theme | for | shown by | starts that find it | events, median | the plain draw within ten times as many |\n\
         |---|---|---|---|---|---|\n",
    );
    let mut all_shown = true;
    for theme in swarm::themes() {
        let Some(info) = zoo::named(theme.shows) else { continue };
        let searches: Vec<Search> = (0..arguments.starts)
            .map(|start| zoo::search_in(&info, Mode::Theme(theme.name), start, budget))
            .collect();
        let plain = searches.iter().zip(0..).map(|(search, start)| {
            let events = search.events.saturating_mul(10);
            let plain = zoo::search_in(&info, Mode::Plain, start, Budget { seeds: u64::MAX, events });
            plain.found.is_some() && plain.events <= events
        });
        let by_plain = plain.filter(|found| *found).count();
        let by_theme = searches.iter().filter(|search| search.found.is_some()).count();
        let mut events: Vec<u64> = searches.iter().map(|search| search.events).collect();
        events.sort_unstable();
        all_shown &= 2 * by_theme > searches.len() && by_plain < by_theme;
        let line = format!(
            "| {} | {} | {} | {by_theme} of {} | {} | {by_plain} of {} |\n",
            theme.name,
            theme.finds,
            theme.shows,
            searches.len(),
            events[events.len() / 2],
            searches.len(),
        );
        inform(line.trim_end());
        text.push_str(&line);
    }
    (text, all_shown)
}

fn table(rows: &[Row], arguments: &ZooArguments) -> String {
    let mut text = String::from(
        "| mutation | source | found | breaks | seeds | events | CPU s, median | CPU s, worst |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    rows.iter().for_each(|row| text.push_str(&row.line()));
    let found = rows.iter().filter(|row| row.is_found()).count();
    text + &format!(
        "\n{found} of {} found in the median of {} starts, each of at most {} seeds and {} million events.\n",
        rows.len(),
        arguments.starts,
        arguments.seeds,
        arguments.events
    )
}

impl Row {
    /// Whether more than half of the searches found it.
    fn is_found(&self) -> bool {
        2 * self.found() > self.searches.len()
    }

    fn found(&self) -> usize {
        self.searches.iter().filter(|(search, _)| search.found.is_some()).count()
    }

    fn line(&self) -> String {
        let mut seconds: Vec<f64> = self.searches.iter().map(|(_, seconds)| *seconds).collect();
        seconds.sort_by(f64::total_cmp);
        let median = |of: fn(&Search) -> u64| {
            let mut all: Vec<u64> = self.searches.iter().map(|(search, _)| of(search)).collect();
            all.sort_unstable();
            all[all.len() / 2]
        };
        let promise = self.searches.iter().find_map(|(search, _)| search.found.clone());
        let unexpected = self.searches.iter().find_map(|(search, _)| search.unexpected.clone());
        let breaks = match (promise, unexpected) {
            (Some((_, promise)), _) => promise,
            (None, Some((_, other))) => format!("not found; other: {other}"),
            (None, None) => String::from("not found"),
        };
        format!(
            "| {} | {} | {} of {} | {breaks} | {} | {} | {:.3} | {:.3} |\n",
            self.info.name,
            self.info.source,
            self.found(),
            self.searches.len(),
            median(|search| search.seeds),
            median(|search| search.events),
            seconds[seconds.len() / 2],
            seconds[seconds.len() - 1],
        )
    }
}
