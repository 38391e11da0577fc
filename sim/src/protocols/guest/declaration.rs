//! What a guest says of itself, once: its timers, kinds of messages, roles and notes by name.
//!
//! A declaration is text in lines, each a word and what follows it; the interface's page tells them. Places count from 0
//! in the order of the lines, each kind of line for itself.
//! Not here: what the names are used for (`guest`).

/// A kind of message.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    /// In kebab case, such as `append`.
    pub(super) name: String,
    /// What the numbers beside a message are.
    pub(super) numbers: Vec<String>,
}

/// What a guest declared. It lives as long as the process.
#[derive(Debug, Default)]
pub(super) struct Declaration {
    pub(super) name: String,
    pub(super) timers: Vec<&'static str>,
    /// The timer whose firing makes a node stand for election.
    pub(super) elects: Option<u8>,
    /// The timer whose firing makes a leader speak.
    pub(super) beats: Option<u8>,
    pub(super) keeps_own_time: bool,
    pub(super) kinds: Vec<Kind>,
    pub(super) roles: Vec<&'static str>,
    pub(super) notes: Vec<&'static str>,
    /// Switches that make a promise rest on clocks.
    pub(super) clock_options: Vec<String>,
}

/// A name that lives as long as the process.
pub(super) fn keep(name: &str) -> &'static str {
    Box::leak(name.to_owned().into_boxed_str())
}

impl Declaration {
    /// Reads one.
    ///
    /// # Errors
    /// The first line that is not as it must be.
    pub(super) fn read(text: &str) -> Result<Declaration, String> {
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        if first != "splitbrain 1" {
            return Err(format!("the declaration begins with {first:?}, expected \"splitbrain 1\""));
        }
        let mut declared = Declaration::default();
        for line in lines {
            declared
                .line(line)
                .ok_or_else(|| format!("the declaration has a line {line:?} that says nothing"))?;
        }
        if declared.name.is_empty() || declared.roles.is_empty() {
            return Err(String::from("the declaration has no name, or no role"));
        }
        Ok(declared)
    }

    fn line(&mut self, line: &str) -> Option<()> {
        let mut words = line.split_whitespace();
        let kind = words.next()?;
        if kind == "keeps-own-time" {
            self.keeps_own_time = true;
            return Some(());
        }
        let name = words.next()?;
        match kind {
            "name" => self.name = name.to_owned(),
            "timer" => {
                let place = u8::try_from(self.timers.len()).ok()?;
                self.timers.push(keep(name));
                match words.next() {
                    None => {}
                    Some("elects") => self.elects = Some(place),
                    Some("beats") => self.beats = Some(place),
                    Some(_) => return None,
                }
            }
            "role" => self.roles.push(keep(name)),
            "note" => self.notes.push(keep(name)),
            "message" => {
                let numbers = words.map(str::to_owned).collect();
                self.kinds.push(Kind { name: name.to_owned(), numbers });
            }
            "clock-option" => self.clock_options.push(name.to_owned()),
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_is_read_by_its_lines() {
        let text = "splitbrain 1\nname x\ntimer tick\ntimer election elects\nrole follower\nmessage vote term index\n";
        let declared = Declaration::read(text).unwrap();
        assert_eq!((declared.elects, declared.timers), (Some(1), vec!["tick", "election"]));
        assert_eq!(declared.kinds[0].numbers, ["term", "index"]);
        for wrong in
            ["splitbrain 2\nname x\nrole r", "splitbrain 1\nname x", "splitbrain 1\nname x\nrole r\nfoo bar"]
        {
            assert!(Declaration::read(wrong).is_err(), "{wrong}");
        }
    }
}
