//! Every mistake of a scenario file at once: what is wrong is taken out, and the rest is read again.
//!
//! Holds: a mistake that is told is one whatever becomes of the others; what may only follow from another one is left for
//! the next time. Not here: what a mistake is (`load`, `load_step`).

use toml::de::{DeArray, DeTable, DeValue};

use super::load::{not_toml, read_table, refuse_long};
use super::read::Bounds;
use super::{ScenarioError, ScenarioFile};

/// The most mistakes that are told of a file.
const MISTAKES_MAX: usize = 50;

/// Reads a scenario from text.
///
/// # Errors
/// Everything that is wrong with the text, in the order of its places.
pub(crate) fn parse_all(file: &str, text: &str, bounds: Bounds) -> Result<ScenarioFile, Vec<ScenarioError>> {
    refuse_long(file, text, bounds).map_err(|error| vec![error])?;
    let (mut table, not) = DeTable::parse_recoverable(text);
    if !not.is_empty() {
        return Err(not.iter().take(MISTAKES_MAX).map(|cause| not_toml(file, text, cause)).collect());
    }
    let mut errors = Vec::new();
    let mut taken: Vec<Path> = Vec::new();
    while errors.len() < MISTAKES_MAX {
        let fault = match read_table(file, text, table.get_ref(), bounds) {
            Ok(read) if errors.is_empty() => return Ok(read),
            Ok(_) => break,
            Err(fault) => fault,
        };
        let place = find(table.get_ref(), fault.at).unwrap_or_default();
        if may_follow(&place, fault.is_of_other_steps, &taken) {
            break;
        }
        let error = fault.place(file, text);
        if errors.last() == Some(&error) {
            break;
        }
        errors.push(error);
        let part = part_of(place);
        let goes_on = take_out(table.get_mut(), &part) | add_title(table.get_mut());
        if !goes_on {
            break;
        }
        taken.push(part);
    }
    errors.sort_by_key(|error| error.place.map(|place| (place.line, place.column)));
    Err(errors)
}

/// Gives a title to a text that has none any more, for everything else can be read without one. Whether that was needed.
fn add_title(table: &mut DeTable<'_>) -> bool {
    let needed = !table.contains_key("title");
    if needed {
        let title = DeValue::String("without".into());
        table.insert(toml::Spanned::new(0..0, "title".into()), toml::Spanned::new(0..0, title));
    }
    needed
}

/// The way from the whole text to something in it; empty for the text itself.
type Path = Vec<Hop>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hop {
    Key(String),
    Nth(usize),
}

/// The smallest thing that a byte belongs to.
fn find(table: &DeTable<'_>, at: usize) -> Option<Path> {
    let below = |(key, value): (&toml::Spanned<toml::de::DeString<'_>>, &toml::Spanned<DeValue<'_>>)| {
        let hop = Hop::Key(key.get_ref().to_string());
        if key.span().start == at { Some(vec![hop]) } else { find_in(value, hop, at) }
    };
    table.iter().filter_map(below).max_by_key(Vec::len)
}

fn find_in(value: &toml::Spanned<DeValue<'_>>, hop: Hop, at: usize) -> Option<Path> {
    let deeper = match value.get_ref() {
        DeValue::Table(table) => find(table, at),
        DeValue::Array(list) => (0..)
            .zip(list.iter())
            .filter_map(|(nth, item)| find_in(item, Hop::Nth(nth), at))
            .max_by_key(Vec::len),
        _ => None,
    };
    match deeper {
        Some(path) => Some([vec![hop], path].concat()),
        None => value.span().contains(&at).then(|| vec![hop]),
    }
}

/// What has to go for a mistake to go: a step or a nemesis goes as a whole.
fn part_of(mut place: Path) -> Path {
    let keys: Vec<&str> = place
        .iter()
        .filter_map(|hop| if let Hop::Key(key) = hop { Some(key.as_str()) } else { None })
        .collect();
    let whole = match keys.as_slice() {
        ["story", "steps", ..] => 3,
        ["nemesis", ..] => 2,
        _ => place.len(),
    };
    place.truncate(whole);
    place
}

/// Whether something would not be wrong if something else had not been taken out.
fn may_follow(place: &Path, is_of_other_steps: bool, taken: &[Path]) -> bool {
    let begins = |key: &str| taken.iter().any(|path| path.first() == Some(&Hop::Key(key.to_owned())));
    // The names of nodes and groups are used everywhere, those of calls in other steps.
    begins("cluster") || begins("groups") || is_of_other_steps && begins("story")
        // What lacks something lacks it perhaps because it was taken out.
        || taken.iter().any(|path| path.len() == place.len() + 1 && path.starts_with(place))
}

fn take_out(table: &mut DeTable<'_>, path: &[Hop]) -> bool {
    match path {
        [Hop::Key(key)] => table.remove(key.as_str()).is_some(),
        [Hop::Key(key), rest @ ..] => {
            table.get_mut(key.as_str()).is_some_and(|value| take_from(value.get_mut(), rest))
        }
        _ => false,
    }
}

fn take_from(value: &mut DeValue<'_>, path: &[Hop]) -> bool {
    match (value, path) {
        (DeValue::Table(table), path) => take_out(table, path),
        (DeValue::Array(list), [Hop::Nth(nth)]) => {
            let all = core::mem::replace(list, DeArray::new());
            *list = (0..).zip(all).filter(|(number, _)| number != nth).map(|(_, item)| item).collect();
            true
        }
        (DeValue::Array(list), [Hop::Nth(nth), rest @ ..]) => {
            list.get_mut(*nth).is_some_and(|item| take_from(item.get_mut(), rest))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        let errors = parse_all("x.toml", text, Bounds::default()).expect_err("something is wrong");
        errors.iter().map(|error| error.to_string().lines().next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn all_mistakes_are_told_in_order_and_none_that_follows_from_another() {
        let text = "title = 't'\nsource = 's'\nsedes = 3\n[cluster]\nmembers = ['a', 'b']\n[network]\ndelay = 5\nlos = '1%'\n\
                    [story]\nsteps = [\n{ elect = 'x' },\n{ run = '1s' },\n{ write = 'k', as = 3 },\n{ crsh = 'a' },\n]\n\
                    [expect]\nviolations = ['election-savety', 'log-matching', 'lagg']\n";
        let told = mistakes(text);
        let lines: Vec<&str> = told.iter().map(|line| line.split(':').nth(1).expect("a line")).collect();
        assert_eq!(lines, ["3", "7", "8", "11", "13", "14", "17", "17"], "{told:#?}");
        // Each of them is told alone as well, when it is the only one.
        assert!(told[3].contains("unknown node \"x\""), "{told:#?}");
    }

    #[test]
    fn names_that_a_mistake_hides_are_no_mistakes() {
        let text = "title = 't'\n[cluster]\nmembers = ['a', 'a']\nspare = ['b']\n[story]\nsteps = [{ elect = 'b' }]\n[expect]\n\
                    violations = 'none'\n";
        assert_eq!(mistakes(text).len(), 1, "{:#?}", mistakes(text));
        let answers = "title = 't'\n[cluster]\nmembers = ['a']\n[story]\nsteps = [{ change = 3, as = 'x' }, { answer = 'x' }]\n\
                       [expect]\nviolations = 'none'\n";
        assert_eq!(mistakes(answers).len(), 1, "{:#?}", mistakes(answers));
        assert_eq!(mistakes("title = 't'\n[story]\nsteps = []\n[expect]\nviolations = 'none'\n").len(), 1);
        assert_eq!(mistakes("titel = 't'\nseeds = 3.5\n[cluster]\nmembers = 'a'\n").len(), 3);
    }

    #[test]
    fn what_is_no_toml_is_told_as_well() {
        let told = mistakes("title = \n[cluster\nmembers = ['a'\n");
        assert!(told.len() > 1 && told.iter().all(|line| line.contains("not TOML")), "{told:#?}");
    }
}
