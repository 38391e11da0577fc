//! For continuous integration: JUnit's XML, a suite for each folder and a case for each run.
//!
//! Holds: what XML cannot carry is shown as `\u{…}`. Not here: escaping markup (the crate `quick-xml`).

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use quick_xml::Writer as Xml;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::super::output::Output;
use super::{Ran, Sums, Unsuited, Writer, folder, reasons};
use crate::escape;
use crate::report::Palette;

/// Writes one document at the end.
#[derive(Default)]
pub(super) struct JUnit {
    /// Cases by folder.
    suites: BTreeMap<String, Vec<Case>>,
}

/// One run, or a scenario that is not applicable.
struct Case {
    name: String,
    title: String,
    took: Duration,
    came: Came,
}

enum Came {
    Passed,
    /// Why, and the report.
    Failed(String, String),
    Skipped(String),
}

impl JUnit {
    fn add(&mut self, file: &str, case: Case) {
        self.suites.entry(folder(file).to_owned()).or_default().push(case);
    }
}

impl Writer for JUnit {
    fn ran(&mut self, ran: &Ran) -> io::Result<()> {
        let report = &ran.report;
        let came = match reasons(report) {
            [] => Came::Passed,
            reasons => Came::Failed(reasons.join("; "), report.text(&Palette::default())),
        };
        let name = format!("{} · {} · seed {}", report.file, report.system, report.seed);
        self.add(&report.file, Case { name, title: report.title.clone(), took: ran.took, came });
        Ok(())
    }

    fn unsuited(&mut self, unsuited: &Unsuited) -> io::Result<()> {
        let Unsuited { file, title, system, why } = unsuited;
        let (name, title) = (format!("{file} · {system}"), title.clone());
        self.add(file, Case { name, title, took: Duration::ZERO, came: Came::Skipped(why.clone()) });
        Ok(())
    }

    fn finish(&mut self, _: &Sums) -> io::Result<()> {
        let mut xml = Xml::new_with_indent(Vec::new(), b' ', 2);
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let sums = sums(self.suites.values().flatten());
        let all = xml.create_element("testsuites").with_attribute(("name", "splitbrain"));
        all.with_attributes(attributes(&sums)).write_inner_content(|xml| {
            self.suites.iter().try_for_each(|(folder, cases)| suite(xml, folder, cases))
        })?;
        let text = String::from_utf8(xml.into_inner()).map_err(io::Error::other)?;
        Output::new().write(&(text + "\n"))
    }
}

/// Tests, failures, errors and skipped ones, as XML tells them.
fn sums<'a>(cases: impl Iterator<Item = &'a Case> + Clone) -> [(&'static str, String); 4] {
    let with =
        |wanted: fn(&Came) -> bool| cases.clone().filter(|case| wanted(&case.came)).count().to_string();
    [
        ("tests", with(|_| true)),
        ("failures", with(|came| matches!(came, Came::Failed(..)))),
        ("errors", String::from("0")),
        ("skipped", with(|came| matches!(came, Came::Skipped(_)))),
    ]
}

fn attributes<'a>(sums: &'a [(&'static str, String)]) -> impl Iterator<Item = (&'a str, &'a str)> {
    sums.iter().map(|(name, value)| (*name, value.as_str()))
}

fn suite(xml: &mut Xml<Vec<u8>>, folder: &str, cases: &[Case]) -> io::Result<()> {
    let suite = xml.create_element("testsuite").with_attribute(("name", escape::xml(folder).as_str()));
    suite
        .with_attributes(attributes(&sums(cases.iter())))
        .write_inner_content(|xml| cases.iter().try_for_each(|one| case(xml, one)))?;
    Ok(())
}

fn case(xml: &mut Xml<Vec<u8>>, case: &Case) -> io::Result<()> {
    let Case { name, title, took, came } = case;
    let seconds = format!("{}.{:03}", took.as_secs(), took.subsec_millis());
    let element = xml
        .create_element("testcase")
        .with_attribute(("name", escape::xml(name).as_str()))
        .with_attribute(("classname", escape::xml(title).as_str()))
        .with_attribute(("time", seconds.as_str()));
    match came {
        Came::Passed => element.write_empty()?,
        Came::Failed(why, report) => element.write_inner_content(|xml| {
            let failure = xml.create_element("failure").with_attribute(("type", "expectation"));
            failure
                .with_attribute(("message", escape::xml(why).as_str()))
                .write_text_content(BytesText::new(&escape::xml(report)))?;
            Ok(())
        })?,
        Came::Skipped(why) => element.write_inner_content(|xml| {
            xml.create_element("skipped")
                .with_attribute(("message", escape::xml(why).as_str()))
                .write_empty()?;
            Ok(())
        })?,
    };
    Ok(())
}
