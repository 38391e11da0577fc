//! A contradiction as a picture: one self-contained HTML page with an SVG, a lane for each process, a bar for each
//! operation, the contradicting ones marked.
//!
//! Holds: all text is escaped; the page loads nothing and runs nothing.
//! Not here: which operations contradict each other (`explain`).

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::explain::Explanation;
use crate::history::{History, Operation, UNKNOWN};
use crate::model::Model;

/// Most operations around the contradiction that are drawn for context.
const CONTEXT_MAX: usize = 120;

const LANE: usize = 34;
const LEFT: usize = 110;
const TOP: usize = 30;
const STEP: usize = 46;

/// The page. `title` is usually the name of the file.
#[must_use]
pub fn html<M: Model>(
    title: &str,
    history: &History<M::Input, M::Output>,
    model: &M,
    explanation: &Explanation,
) -> String {
    let drawn = drawn(history, model, explanation);
    let picture = Picture::new(history, &drawn);
    let mut page = String::new();
    let title = escape(title);
    let text = escape(&explanation.text(history).to_string());
    // Writing to a String does not fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}: not linearizable</title>\n\
         <style>{STYLE}</style></head>\n<body><h1>{title}: not linearizable</h1>\n<pre>{text}</pre>\n\
         <p>Time runs to the right, one column for each call or return. Red operations contradict each other; \
         the number on a bar is its place in the longest order that can be made of them; an open end is an \
         outcome that nobody knows. Point at a bar to read it.</p>\n"
    );
    picture.draw(&mut page, model, explanation);
    page.push_str("</body></html>\n");
    page
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2em;color:#222;background:#fff}\
pre{background:#f4f4f4;padding:1em;overflow:auto}svg{font:12px system-ui,sans-serif}\
.lane{stroke:#ddd}.bar{fill:#cfd8e3;stroke:#8a99ad}.bad .bar{fill:#f6b5ae;stroke:#c0392b;stroke-width:2}\
.open{fill-opacity:.45;stroke-dasharray:4 3}text{fill:#222}.who{fill:#666}\
@media(prefers-color-scheme:dark){body{background:#181a1d;color:#ddd}pre{background:#24272b}text{fill:#eee}\
.who{fill:#aaa}.lane{stroke:#444}.bar{fill:#3b4654;stroke:#7688a0}.bad .bar{fill:#7a2a22;stroke:#ff7b6b}}";

/// The contradicting operations and those of the same key around them.
fn drawn<M: Model>(history: &History<M::Input, M::Output>, model: &M, explanation: &Explanation) -> Vec<u32> {
    let operations = history.operations();
    let mut drawn = explanation.shown();
    let Some(first) = drawn.first() else { return drawn };
    let key = model.key(&operations[*first as usize].input);
    let start = drawn.iter().map(|place| operations[*place as usize].call).min().unwrap_or(0);
    let ends = drawn.iter().map(|place| &operations[*place as usize]).map(|operation| match operation.ret {
        UNKNOWN => operation.call,
        ret => ret,
    });
    let end = ends.max().unwrap_or(0);
    let around = operations.iter().enumerate().filter(|(place, operation)| {
        let near = operation.call <= end && operation.ret >= start;
        near && model.key(&operation.input) == key && !explanation.what.contains_key(&(*place as u32))
    });
    drawn.extend(around.take(CONTEXT_MAX).map(|(place, _)| place as u32));
    drawn.sort_unstable();
    drawn
}

struct Picture<'a, I, O> {
    history: &'a History<I, O>,
    drawn: &'a [u32],
    columns: BTreeMap<u64, usize>,
    lanes: BTreeMap<u32, usize>,
}

impl<'a, I, O> Picture<'a, I, O> {
    fn new(history: &'a History<I, O>, drawn: &'a [u32]) -> Self {
        let mut picture = Picture { history, drawn, columns: BTreeMap::new(), lanes: BTreeMap::new() };
        for place in drawn {
            let operation = &history.operations()[*place as usize];
            picture.columns.insert(operation.call, 0);
            if operation.ret != UNKNOWN {
                picture.columns.insert(operation.ret, 0);
            }
            picture.lanes.insert(operation.process, 0);
        }
        for (number, column) in picture.columns.values_mut().enumerate() {
            *column = number;
        }
        for (number, lane) in picture.lanes.values_mut().enumerate() {
            *lane = number;
        }
        picture
    }

    fn draw<M: Model<Input = I, Output = O>>(&self, page: &mut String, model: &M, explanation: &Explanation) {
        let width = LEFT + (self.columns.len() + 2) * STEP;
        let height = TOP + self.lanes.len() * LANE + 10;
        let _ = writeln!(
            page,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\">"
        );
        for (process, lane) in &self.lanes {
            let y = TOP + lane * LANE + LANE / 2;
            let _ = writeln!(
                page,
                "<line class=\"lane\" x1=\"{LEFT}\" x2=\"{width}\" y1=\"{y}\" y2=\"{y}\"/>\
                 <text class=\"who\" x=\"8\" y=\"{}\">process {process}</text>",
                y + 4
            );
        }
        for place in self.drawn {
            self.bar(page, model, explanation, *place);
        }
        page.push_str("</svg>\n");
    }

    fn bar<M: Model<Input = I, Output = O>>(
        &self,
        page: &mut String,
        model: &M,
        explanation: &Explanation,
        place: u32,
    ) {
        let operation: &Operation<I, O> = &self.history.operations()[place as usize];
        let own = || model.describe(&operation.input, operation.output.as_ref());
        let what = escape(&explanation.what.get(&place).cloned().unwrap_or_else(own));
        let left = LEFT + self.columns[&operation.call] * STEP;
        let open = operation.ret == UNKNOWN;
        let right = match open {
            true => LEFT + (self.columns.len() + 1) * STEP,
            false => LEFT + self.columns[&operation.ret] * STEP,
        };
        let y = TOP + self.lanes[&operation.process] * LANE + 5;
        let bad = explanation.operations.contains(&place);
        let order = explanation.prefix.iter().position(|other| *other == place);
        let number = order.map_or(String::new(), |order| format!("{}. ", order + 1));
        let until = if open { "never answered".to_owned() } else { operation.ret.to_string() };
        let _ = writeln!(
            page,
            "<g{}><title>process {}: {what} ({} to {until})</title><rect class=\"bar{}\" x=\"{left}\" y=\"{y}\" \
             width=\"{}\" height=\"{}\" rx=\"4\"/><text x=\"{}\" y=\"{}\">{number}{}</text></g>",
            if bad { " class=\"bad\"" } else { "" },
            operation.process,
            operation.call,
            if open { " open" } else { "" },
            (right - left).max(8),
            LANE - 10,
            left + 5,
            y + 16,
            if bad || right - left > 3 * STEP { what.as_str() } else { "" },
        );
    }
}

/// Text that is only text in HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
