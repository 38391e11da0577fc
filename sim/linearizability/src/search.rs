//! The general search: just-in-time linearization (`frontier`) in three forms that take turns.
//!
//! The exact frontier is quick where little overlaps. A narrow one finds an order of a correct history without looking
//! at all others; a loose one finds most contradictions without counting which unknown operations were used up. Each
//! gets a few steps, then all get eight times as many, so that the quickest decides within a constant factor of what
//! it would need alone. What intervals alone contradict is found first (`bounds`).
//!
//! Holds: equal arguments take equal steps, on every machine.
//! Not here: reading the verdict for people (`explain`).

use std::sync::Arc;

use crate::bounds;
use crate::budget::{GaveUp, Limits, Progress};
use crate::compile::Compiled;
use crate::frontier::{Form, Frontier, Sight};
use crate::machine::Machine;

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Linearizable,
    /// The number of the operation whose return no configuration survives, though all before were survived.
    Contradiction(u32),
    /// The history through the return of this operation contradicts; perhaps it does before already.
    Impossible(u32),
    GaveUp(GaveUp),
}

/// Steps of the first turn beyond two for each operation; how many times more the next turn gets, and how many times
/// wider its narrow frontier is. A narrow one needs no bound but its width, so it gets more.
const FIRST_TURN: u64 = 256;
const GROWTH: u64 = 4;
const NARROW_SHARE: u64 = 32;
const WIDTH_MAX: usize = 4096;

/// Searches the whole history of one key, which may begin in any of some states. Tells how far it came.
pub(crate) fn check(
    compiled: &Compiled,
    initial: &[u32],
    limits: &Limits<'_>,
    machine: &mut impl Machine,
) -> (Found, Progress) {
    if !compiled.appends
        && !compiled.opaque
        && let Some(number) = bounds::contradiction(&compiled.ops, initial)
    {
        return (Found::Impossible(number), Progress::default());
    }
    let mut turns = Turns::new(compiled, initial);
    let found = turns.take(limits, machine);
    (found, turns.progress())
}

/// The forms of the frontier, which take turns.
struct Turns<'a> {
    compiled: &'a Compiled,
    initial: &'a [u32],
    /// Times and numbers of those that return, in order.
    returns: Vec<(u64, u32)>,
    sight: Arc<Sight>,
    /// Where each pending operation stands in a frontier; the same in all of them.
    slots: Vec<u8>,
    steps: u64,
    /// How many returns some order explains.
    explained: usize,
    /// Whether the exact frontier outgrew the memory.
    outgrown: bool,
    /// Whether the loose frontier has nothing more to say.
    loose_is_done: bool,
}

impl<'a> Turns<'a> {
    fn new(compiled: &'a Compiled, initial: &'a [u32]) -> Self {
        let ops = &compiled.ops;
        let known = (0..ops.len() as u32).filter(|number| ops[*number as usize].known());
        let mut returns: Vec<(u64, u32)> = known.map(|number| (ops[number as usize].ret, number)).collect();
        returns.sort_unstable();
        // An unknown operation that may be used again and again leads a state of one's own ever farther.
        let loose_is_done = compiled.opaque || returns.len() == ops.len();
        let sight = Arc::new(Sight::of(compiled));
        let slots = vec![0; ops.len()];
        Turns {
            compiled,
            initial,
            returns,
            sight,
            slots,
            steps: 0,
            explained: 0,
            outgrown: false,
            loose_is_done,
        }
    }

    fn progress(&self) -> Progress {
        let last = self.explained.checked_sub(1).map(|place| self.returns[place]);
        // Compiled times are the history's plus one.
        let through = last.map(|(time, _)| time - 1);
        let (explained, answers) = (self.explained as u32, self.returns.len() as u32);
        Progress { key: 0, steps: self.steps, explained, answers, through }
    }

    fn take(&mut self, limits: &Limits<'_>, machine: &mut impl Machine) -> Found {
        let mut share = FIRST_TURN + 2 * self.compiled.ops.len() as u64;
        let mut width = 1;
        loop {
            for form in [Form::Narrow(width), Form::Exact, Form::Loose] {
                let skipped = match form {
                    Form::Exact => self.outgrown,
                    Form::Narrow(width) => width > WIDTH_MAX,
                    Form::Loose => self.loose_is_done,
                };
                if skipped {
                    continue;
                }
                let left = limits.steps.saturating_sub(self.steps);
                let times = if matches!(form, Form::Narrow(_)) { NARROW_SHARE } else { 1 };
                let turn = Limits { steps: share.saturating_mul(times).min(left), ..*limits };
                match self.turn(form, &turn, machine) {
                    Ok(Some(found)) => return found,
                    Ok(None) => {}
                    Err(why) => return Found::GaveUp(why),
                }
            }
            if self.steps >= limits.steps {
                return Found::GaveUp(GaveUp::Steps);
            }
            if self.outgrown && width > WIDTH_MAX {
                return Found::GaveUp(GaveUp::Memory);
            }
            share = share.saturating_mul(GROWTH);
            width = width.saturating_mul(GROWTH as usize);
        }
    }

    /// Lets one form go as far as it may; `None` when it cannot tell.
    fn turn(
        &mut self,
        form: Form,
        limits: &Limits<'_>,
        machine: &mut impl Machine,
    ) -> Result<Option<Found>, GaveUp> {
        let frontier = Frontier::new(self.initial, Some(Arc::clone(&self.sight)), form);
        let mut walk = Walk { frontier, returned: 0, called: 0 };
        let result = match form {
            Form::Narrow(width) => self.walk_narrow(&mut walk, width, limits, machine),
            Form::Exact | Form::Loose => self.walk(&mut walk, limits, machine),
        };
        self.steps += walk.frontier.steps;
        if form != Form::Loose {
            self.explained = self.explained.max(walk.returned);
        }
        match (result, form) {
            (Ok(Found::Linearizable), Form::Loose) => {
                self.loose_is_done = true;
                Ok(None)
            }
            (Ok(Found::Contradiction(number)), Form::Loose) => Ok(Some(Found::Impossible(number))),
            (Ok(Found::Contradiction(_)), _) if walk.frontier.narrowed => Ok(None),
            (Ok(found), _) => Ok(Some(found)),
            (Err(GaveUp::Memory), Form::Exact) => {
                self.outgrown = true;
                Ok(None)
            }
            (Err(GaveUp::Memory), Form::Loose) => {
                self.loose_is_done = true;
                Ok(None)
            }
            (Err(GaveUp::Steps | GaveUp::Memory), _) => Ok(None),
            (Err(why @ (GaveUp::Stopped | GaveUp::TooConcurrent)), _) => Err(why),
        }
    }

    fn walk(
        &mut self,
        walk: &mut Walk,
        limits: &Limits<'_>,
        machine: &mut impl Machine,
    ) -> Result<Found, GaveUp> {
        while walk.returned < self.returns.len() {
            if let Some(number) = self.next_return(walk, limits, machine)? {
                return Ok(Found::Contradiction(number));
            }
        }
        Ok(Found::Linearizable)
    }

    /// As `walk`; where a narrow frontier ends, it goes back and passes the place with a wider one.
    fn walk_narrow(
        &mut self,
        walk: &mut Walk,
        width: usize,
        limits: &Limits<'_>,
        machine: &mut impl Machine,
    ) -> Result<Found, GaveUp> {
        let mut saved = vec![walk.clone()];
        let (mut wider, mut wide_until) = (width, 0);
        while walk.returned < self.returns.len() {
            if walk.returned.is_multiple_of(SAVED_EVERY) && walk.returned > 0 {
                if walk.returned > wide_until {
                    wider = width;
                    walk.frontier.form = Form::Narrow(width);
                }
                walk.frontier.forget_spent();
                saved.push(walk.clone());
                if saved.len() > 2 * SAVED_MAX {
                    saved.drain(..SAVED_MAX);
                }
            }
            let Some(number) = self.next_return(walk, limits, machine)? else { continue };
            if !walk.frontier.narrowed || wider >= WIDTH_MAX {
                return Ok(Found::Contradiction(number));
            }
            // The wider it already was, the farther back the mistake.
            wider *= GROWTH as usize;
            wide_until = wide_until.max(walk.returned);
            let back = (wider / width).ilog2() as usize / 2;
            saved.truncate(saved.len().saturating_sub(back).max(1));
            let steps = walk.frontier.steps;
            *walk = saved.last().expect("the first is never dropped").clone();
            walk.frontier.steps = steps;
            walk.frontier.form = Form::Narrow(wider);
        }
        Ok(Found::Linearizable)
    }

    /// Goes through the next return; gives the number of the operation when nothing survives it.
    fn next_return(
        &mut self,
        walk: &mut Walk,
        limits: &Limits<'_>,
        machine: &mut impl Machine,
    ) -> Result<Option<u32>, GaveUp> {
        let ops = &self.compiled.ops;
        let (now, number) = self.returns[walk.returned];
        while let Some(op) = ops.get(walk.called).filter(|op| op.call <= now) {
            if op.known() {
                let slot = walk.frontier.call(op.step, op.ret, machine)?;
                if !op.must {
                    walk.frontier.make_optional(slot);
                }
                self.slots[walk.called] = slot as u8;
            } else {
                walk.frontier.call_unknown(op.step);
            }
            walk.called += 1;
        }
        let slot = u32::from(self.slots[number as usize]);
        if !walk.frontier.ret(slot, now, limits, machine)? {
            return Ok(Some(number));
        }
        walk.returned += 1;
        if walk.frontier.steps > limits.steps { Err(GaveUp::Steps) } else { Ok(None) }
    }
}

/// A frontier on its way through the history.
#[derive(Clone)]
struct Walk {
    frontier: Frontier,
    /// Returns and calls behind it.
    returned: usize,
    called: usize,
}

/// After how many returns a narrow walk is kept to go back to, and how many of them at least.
const SAVED_EVERY: usize = 32;
const SAVED_MAX: usize = 8;
