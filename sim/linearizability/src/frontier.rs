//! The frontier of the just-in-time search.
//!
//! Wing and Gong, "Testing and verifying concurrent objects", JPDC 17, 1993; Lowe, "Testing for linearizability",
//! Concurrency and Computation 29(4), 2017, section 5 (just-in-time). One pass over calls and returns with a
//! *frontier* of configurations: a state, and which of the pending operations took effect already. Nothing takes
//! effect before some return forces it. Memory is the frontier, not the history; time is O(n) times the frontier,
//! which in the worst case is exponential in the number of operations that overlap. A budget ends that.
//!
//! What keeps the frontier small, each sound because outcomes are known when an operation enters:
//!
//! 1. A pending read that fits the state takes effect at once: it changes nothing and is rid of.
//! 2. When a blind write takes effect, every other pending write or append may have taken effect just before it,
//!    seen by nobody. It becomes *free*: it may return without effect, and may still take effect until it returns.
//!    So no write is tried whose value would be overwritten before anybody sees it.
//! 3. Of pending operations that do the same, only the one that returns first is tried. Which one took effect is
//!    remembered: only counting them would be wrong, because they return at different times.
//! 4. A configuration is dropped when another one with its state has the same choices and fewer duties: more reads
//!    done, a write free where the other's is spent or still due, fewer unknown operations used up.
//! 5. Unknown operations that do the same are interchangeable (none ever returns), so those are counted. They are
//!    tried only while somebody may still see what they did.
//!
//! Where all that is still too much, a frontier can be kept *narrow*: it forgets all but the most promising
//! configurations, so that its survival proves an order and its end proves nothing. Or it can be made *loose*: unknown
//! operations are never used up, so that its end proves a contradiction and its survival proves nothing.
//!
//! Not here: who drives it (`search`), splitting by key (`compile`).

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;

use crate::budget::{GaveUp, Limits};
use crate::compile::{Compiled, SINK, Step};
use crate::history::UNKNOWN;
use crate::machine::Machine;

/// Most operations that may be pending on one key at a time.
pub(crate) const PENDING_MAX: usize = 128;

/// How much of a frontier is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Everything: survival proves an order, its end a contradiction.
    Exact,
    /// At most this many configurations: survival proves an order.
    Narrow(usize),
    /// Unknown operations are never used up: its end proves a contradiction.
    Loose,
}

/// One way in which things may have gone so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Config {
    state: u32,
    /// A row of `Frontier::spent`: unknown operations that took effect.
    spent: u32,
    /// Pending operations that took effect.
    done: u128,
    /// Pending writes and appends that may return without effect.
    free: u128,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    step: Step,
    /// When it returns.
    ret: u64,
}

/// Unknown operations that do the same.
#[derive(Clone, Copy, Debug)]
struct Class {
    step: Step,
    called: u32,
    /// The last time at which somebody may see what they did.
    useful_until: u64,
}

/// Which values somebody will still see, and until when; known only when the whole history is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sight {
    last_seen: HashMap<u32, u64, FxBuildHasher>,
    /// The last time at which any other value than a given one, or a text that begins with a given one, matters.
    any_until: u64,
    /// Whether any operation tells only what it did not see.
    differs: bool,
}

impl Sight {
    pub(crate) fn of(compiled: &Compiled) -> Sight {
        let mut sight = Sight::default();
        for op in &compiled.ops {
            match op.step {
                Step::Read(value) | Step::Swap(value, _) => {
                    let last = sight.last_seen.entry(value).or_insert(0);
                    *last = (*last).max(op.ret);
                    if compiled.appends {
                        sight.any_until = sight.any_until.max(op.ret);
                    }
                }
                Step::Differs(_) | Step::Opaque(_) | Step::OpaqueRead(_) => {
                    sight.any_until = sight.any_until.max(op.ret);
                    sight.differs |= matches!(op.step, Step::Differs(_));
                }
                Step::Write(_) | Step::Append(_) => {}
            }
        }
        sight
    }

    fn until(&self, step: Step) -> u64 {
        match step {
            Step::Write(value) | Step::Swap(_, value) => {
                self.last_seen.get(&value).copied().unwrap_or(0).max(self.any_until)
            }
            Step::Read(_) | Step::Differs(_) | Step::Append(_) | Step::Opaque(_) | Step::OpaqueRead(_) => {
                self.any_until
            }
        }
    }
}

/// Unknown operations used up, pending reads and compare-and-sets left to do, and the configuration itself.
type Rank = (u32, u32, Config);

/// All ways in which things may have gone so far, without those that others make needless.
#[derive(Clone, Debug)]
pub(crate) struct Frontier {
    configs: Vec<Config>,
    slots: Vec<Slot>,
    /// Slots in use, and of those: reads, and writes and appends.
    live: u128,
    reads: u128,
    blind: u128,
    /// Slots whose operation need not take effect at all.
    optional: u128,
    classes: Vec<Class>,
    class_of: BTreeMap<Step, u32>,
    /// Classes that may still be useful.
    useful: Vec<u32>,
    /// Sorted lists of (class, how many), the empty one first.
    spent: Vec<Arc<[(u32, u32)]>>,
    spent_of: HashMap<Arc<[(u32, u32)]>, u32, FxBuildHasher>,
    spent_bytes: usize,
    sight: Option<Arc<Sight>>,
    pub(crate) form: Form,
    /// Whether the form made it forget something.
    pub(crate) narrowed: bool,
    /// Whether any operation, a later one included, may tell only what it did not see.
    differs: bool,
    pub(crate) steps: u64,
    /// Steps of the search alone, for asking now and then whether to stop.
    looks: u64,
    scratch: Scratch,
}

#[derive(Clone, Debug, Default)]
struct Scratch {
    next: Vec<Config>,
    stack: Vec<(Config, bool)>,
    visited: HashSet<(Config, bool), FxBuildHasher>,
    row: Vec<(u32, u32)>,
}

impl Frontier {
    /// Starts with any of some states. With a sight, what nobody will see any more is not tried.
    pub(crate) fn new(states: &[u32], sight: Option<Arc<Sight>>, form: Form) -> Frontier {
        let config = |state: &u32| Config { state: *state, spent: 0, done: 0, free: 0 };
        Frontier {
            configs: states.iter().map(config).collect(),
            slots: Vec::new(),
            live: 0,
            reads: 0,
            blind: 0,
            optional: 0,
            classes: Vec::new(),
            class_of: BTreeMap::new(),
            useful: Vec::new(),
            spent: vec![Arc::default()],
            spent_of: HashMap::default(),
            spent_bytes: 0,
            differs: sight.as_ref().is_none_or(|sight| sight.differs),
            sight,
            form,
            narrowed: false,
            steps: 0,
            looks: 0,
            scratch: Scratch::default(),
        }
    }

    /// Gives every state another number.
    pub(crate) fn rename_states(&mut self, mut name: impl FnMut(u32) -> u32) {
        for config in &mut self.configs {
            config.state = name(config.state);
        }
    }

    /// How many bytes the frontier holds, roughly.
    pub(crate) fn memory(&self) -> usize {
        self.configs.capacity() * size_of::<Config>() + self.spent_bytes + self.classes.len() * 64
    }

    /// An operation with a known outcome is called. Gives the slot to name when it returns.
    pub(crate) fn call(&mut self, step: Step, ret: u64, machine: &mut impl Machine) -> Result<u32, GaveUp> {
        let slot = (!self.live).trailing_zeros();
        if slot as usize >= PENDING_MAX {
            return Err(GaveUp::TooConcurrent);
        }
        let bit = 1u128 << slot;
        let entry = Slot { step, ret };
        match self.slots.get_mut(slot as usize) {
            Some(place) => *place = entry,
            None => self.slots.push(entry),
        }
        self.live |= bit;
        match step {
            Step::Read(_) | Step::Differs(_) | Step::OpaqueRead(_) => {
                self.reads |= bit;
                let mut configs = std::mem::take(&mut self.configs);
                for config in &mut configs {
                    if fits(config.state, step, machine) {
                        config.done |= bit;
                    }
                }
                self.configs = configs;
            }
            Step::Write(_) | Step::Append(_) => self.blind |= bit,
            Step::Swap(..) | Step::Opaque(_) => {}
        }
        Ok(slot)
    }

    /// The operation in a slot, just called, may return without having taken effect.
    pub(crate) fn make_optional(&mut self, slot: u32) {
        let bit = 1u128 << slot;
        self.optional |= bit;
        for config in &mut self.configs {
            config.free |= bit & !config.done;
        }
    }

    /// An operation is called whose outcome will never be known.
    pub(crate) fn call_unknown(&mut self, step: Step) {
        if matches!(step, Step::Read(_) | Step::Differs(_) | Step::OpaqueRead(_)) {
            return;
        }
        let useful_until = self.sight.as_ref().map_or(UNKNOWN, |sight| sight.until(step));
        let class = *self.class_of.entry(step).or_insert_with(|| {
            self.classes.push(Class { step, called: 0, useful_until });
            (self.classes.len() - 1) as u32
        });
        let entry = &mut self.classes[class as usize];
        entry.called += 1;
        if entry.called == 1 {
            self.useful.push(class);
        }
    }

    /// The operation in a slot returns: it must have taken effect by now. False when it cannot have.
    pub(crate) fn ret(
        &mut self,
        slot: u32,
        now: u64,
        limits: &Limits<'_>,
        machine: &mut impl Machine,
    ) -> Result<bool, GaveUp> {
        let bit = 1u128 << slot;
        self.steps += 1;
        let may_skip = (self.blind | self.optional) & bit != 0;
        let matters = may_skip && self.matters(self.slots[slot as usize].step, now);
        let settled = |config: &Config| config.done & bit != 0 || (config.free & bit != 0 && !matters);
        if !self.configs.iter().all(settled) {
            self.forget_useless(now);
            self.advance(slot, matters, limits, machine)?;
        }
        for config in &mut self.configs {
            config.done &= !bit;
            config.free &= !bit;
        }
        self.live &= !bit;
        self.reads &= !bit;
        self.blind &= !bit;
        self.optional &= !bit;
        self.prune();
        if self.spent.len() > 1024 + 4 * self.configs.len() {
            self.forget_spent();
        }
        if self.memory() + machine.memory() > limits.memory {
            return Err(GaveUp::Memory);
        }
        Ok(!self.configs.is_empty())
    }

    /// Whether somebody may see later what an operation that returns now did.
    fn matters(&self, step: Step, now: u64) -> bool {
        // Who returns later may see it; the operation itself does not count.
        self.sight.as_ref().is_none_or(|sight| sight.until(step) >= now)
    }

    fn forget_useless(&mut self, now: u64) {
        if self.sight.is_none() {
            return;
        }
        let classes = &self.classes;
        let before = self.useful.len();
        self.useful.retain(|class| classes[*class as usize].useful_until >= now);
        if self.useful.len() == before || self.spent.len() == 1 {
            return;
        }
        // What is of no use any more needs no counting.
        for place in 0..self.configs.len() {
            let row = &self.spent[self.configs[place].spent as usize];
            let kept: Vec<(u32, u32)> =
                row.iter().filter(|(class, _)| self.useful.contains(class)).copied().collect();
            self.configs[place].spent = self.spent_row(&kept);
        }
    }

    /// Keeps only the rows that some configuration uses.
    pub(crate) fn forget_spent(&mut self) {
        let rows = std::mem::replace(&mut self.spent, vec![Arc::default()]);
        self.spent_of.clear();
        self.spent_bytes = 0;
        for place in 0..self.configs.len() {
            let row = &rows[self.configs[place].spent as usize];
            self.configs[place].spent = self.spent_row(row);
        }
    }

    fn spent_row(&mut self, row: &[(u32, u32)]) -> u32 {
        if row.is_empty() {
            return 0;
        }
        if let Some(number) = self.spent_of.get(row) {
            return *number;
        }
        let number = self.spent.len() as u32;
        // With what allocations and a table cost.
        self.spent_bytes += 16 * row.len() + 96;
        let row: Arc<[(u32, u32)]> = row.into();
        self.spent.push(Arc::clone(&row));
        self.spent_of.insert(row, number);
        number
    }

    /// Lets the operation in `slot` take effect in every configuration where it has not.
    fn advance(
        &mut self,
        slot: u32,
        matters: bool,
        limits: &Limits<'_>,
        machine: &mut impl Machine,
    ) -> Result<(), GaveUp> {
        let bit = 1u128 << slot;
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.next.clear();
        scratch.stack.clear();
        scratch.visited.clear();
        for config in &self.configs {
            let may_skip = config.free & bit != 0;
            if config.done & bit != 0 || may_skip {
                scratch.next.push(*config);
            }
            if config.done & bit == 0 && (!may_skip || matters) {
                scratch.stack.push((*config, false));
            }
        }
        let result = match self.form {
            Form::Exact | Form::Loose => self.reach(slot, limits, machine, &mut scratch),
            Form::Narrow(width) => self.reach_near(slot, width, limits, machine, &mut scratch),
        };
        std::mem::swap(&mut self.configs, &mut scratch.next);
        self.scratch = scratch;
        result
    }

    fn reach(
        &mut self,
        target: u32,
        limits: &Limits<'_>,
        machine: &mut impl Machine,
        scratch: &mut Scratch,
    ) -> Result<(), GaveUp> {
        let bit = 1u128 << target;
        while let Some((config, unseen)) = scratch.stack.pop() {
            if config.done & bit != 0 {
                scratch.next.push(config);
                continue;
            }
            if !scratch.visited.insert((config, unseen)) {
                continue;
            }
            self.spend(limits, scratch, machine)?;
            self.try_pending(config, unseen, target, machine, scratch);
            self.try_unknown(config, unseen, target, machine, scratch);
        }
        Ok(())
    }

    /// As `reach`, by fewest operations first, until enough configurations are there.
    fn reach_near(
        &mut self,
        target: u32,
        width: usize,
        limits: &Limits<'_>,
        machine: &mut impl Machine,
        scratch: &mut Scratch,
    ) -> Result<(), GaveUp> {
        let bit = 1u128 << target;
        let mut level = std::mem::take(&mut scratch.stack);
        while !level.is_empty() && scratch.next.len() < 2 * width {
            if level.len() > 4 * width {
                self.narrowed = true;
                level.sort_unstable_by_key(|(config, unseen)| (self.rank(config), *unseen));
                level.truncate(4 * width);
            }
            for (config, unseen) in level.drain(..) {
                if !scratch.visited.insert((config, unseen)) {
                    continue;
                }
                self.spend(limits, scratch, machine)?;
                self.try_pending(config, unseen, target, machine, scratch);
                self.try_unknown(config, unseen, target, machine, scratch);
            }
            for (config, unseen) in scratch.stack.drain(..) {
                if config.done & bit != 0 {
                    scratch.next.push(config);
                } else {
                    level.push((config, unseen));
                }
            }
        }
        self.narrowed |= !level.is_empty();
        level.clear();
        scratch.stack = level;
        self.keep_best(width, &mut scratch.next);
        Ok(())
    }

    /// Keeps the most promising configurations, of each state about as many.
    fn keep_best(&mut self, width: usize, configs: &mut Vec<Config>) {
        configs.sort_unstable();
        configs.dedup();
        if configs.len() <= width {
            return;
        }
        self.narrowed = true;
        let mut ranked: Vec<(u32, Rank)> = configs.iter().map(|config| (0, self.rank(config))).collect();
        ranked.sort_unstable_by_key(|(_, rank)| (rank.2.state, *rank));
        for place in 1..ranked.len() {
            let same = ranked[place].1.2.state == ranked[place - 1].1.2.state;
            ranked[place].0 = if same { ranked[place - 1].0 + 1 } else { 0 };
        }
        ranked.sort_unstable();
        configs.clear();
        configs.extend(ranked.into_iter().take(width).map(|(_, (_, _, config))| config));
    }

    /// The smaller, the more promising: few unknown operations used up, little left to be done.
    fn rank(&self, config: &Config) -> Rank {
        let row = &self.spent[config.spent as usize];
        let spent = row.iter().map(|(_, count)| *count).sum();
        let left = self.live & !config.done & !self.blind;
        (spent, left.count_ones(), *config)
    }

    fn spend(
        &mut self,
        limits: &Limits<'_>,
        scratch: &Scratch,
        machine: &impl Machine,
    ) -> Result<(), GaveUp> {
        self.steps += 1;
        self.looks += 1;
        if self.steps > limits.steps {
            return Err(GaveUp::Steps);
        }
        if !self.looks.is_multiple_of(256) {
            return Ok(());
        }
        if self.looks.is_multiple_of(4096) && limits.stop.is_some_and(|stop| stop()) {
            return Err(GaveUp::Stopped);
        }
        let node = size_of::<(Config, bool)>();
        let held = scratch.visited.capacity() * (node + 1)
            + scratch.stack.capacity() * node
            + scratch.next.capacity() * size_of::<Config>();
        if held + self.memory() + machine.memory() > limits.memory { Err(GaveUp::Memory) } else { Ok(()) }
    }

    fn try_pending(
        &self,
        config: Config,
        unseen: bool,
        target: u32,
        machine: &mut impl Machine,
        scratch: &mut Scratch,
    ) {
        let mut left = self.live & !config.done & !self.reads;
        while left != 0 {
            let slot = left.trailing_zeros();
            left &= left - 1;
            let step = self.slots[slot as usize].step;
            // A write that nobody saw needs no write right behind it: rule 2 made it free.
            if unseen && matches!(step, Step::Write(_)) {
                continue;
            }
            if slot != target && self.has_earlier_twin(config, slot) {
                continue;
            }
            let Some(state) = after(config.state, step, machine) else { continue };
            // Nobody sees the sink, so a write or append that need not return now has no reason to go there.
            let always_fits = self.blind >> slot & 1 == 1;
            let may_wait = slot != target || config.free >> slot & 1 == 1;
            if state == SINK && may_wait && always_fits && !self.differs {
                continue;
            }
            let bit = 1u128 << slot;
            let mut next = Config { state, done: config.done | bit, free: config.free & !bit, ..config };
            if matches!(step, Step::Write(_)) {
                next.free |= self.blind & self.live & !next.done;
            }
            let saw = self.settle(&mut next, machine);
            let blind = matches!(step, Step::Write(_) | Step::Append(_));
            scratch.stack.push((next, blind && !saw));
        }
    }

    /// Whether a pending operation does the same and returns earlier (rule 3).
    fn has_earlier_twin(&self, config: Config, slot: u32) -> bool {
        let Slot { step, ret } = self.slots[slot as usize];
        let group = match step {
            Step::Write(_) => self.live & !config.done,
            // One that need not take effect is no substitute for one that must.
            Step::Swap(..) | Step::Opaque(_) if self.optional >> slot & 1 == 1 => {
                self.live & !config.done & self.optional
            }
            Step::Swap(..) | Step::Opaque(_) => self.live & !config.done & !self.optional,
            // Appends do not free each other: one that is due and one that is free are not interchangeable.
            Step::Append(_) if config.free >> slot & 1 == 1 => config.free & !config.done,
            Step::Append(_) => self.live & !config.done & !config.free,
            Step::Read(_) | Step::Differs(_) | Step::OpaqueRead(_) => return false,
        };
        let mut left = group & !(1u128 << slot);
        while left != 0 {
            let other = left.trailing_zeros();
            left &= left - 1;
            let twin = self.slots[other as usize];
            if twin.step == step && (twin.ret, other) < (ret, slot) {
                return true;
            }
        }
        false
    }

    fn try_unknown(
        &mut self,
        config: Config,
        unseen: bool,
        target: u32,
        machine: &mut impl Machine,
        scratch: &mut Scratch,
    ) {
        for place in 0..self.useful.len() {
            let class = self.useful[place];
            let Class { step, called, .. } = self.classes[class as usize];
            // Most compare with another value; to see that first is much cheaper.
            if matches!(step, Step::Swap(expected, _) if expected != config.state) {
                continue;
            }
            let used = self.used(config.spent, class);
            if used == called || unseen && matches!(step, Step::Write(_)) {
                continue;
            }
            let Some(state) = after(config.state, step, machine) else { continue };
            let mut next = Config { state, ..config };
            if matches!(step, Step::Write(_)) {
                next.free |= self.blind & self.live & !next.done;
            }
            // Even a write of what is there already may be of use: what is pending may have come just before it.
            let useless = state == config.state && next.free == config.free || state == SINK && !self.differs;
            if useless || matches!(step, Step::Write(_)) && !self.wanted(config, state, target) {
                continue;
            }
            next.spent = self.spend_one(config.spent, class);
            let saw = self.settle(&mut next, machine);
            let blind = matches!(step, Step::Write(_) | Step::Append(_));
            scratch.stack.push((next, blind && !saw));
        }
    }

    /// Whether anybody may look at a value before the target returns.
    fn wanted(&self, config: Config, value: u32, target: u32) -> bool {
        let wants = |step: Step| match step {
            Step::Read(seen) => seen == value,
            Step::Swap(seen, _) => seen == value,
            Step::Differs(seen) => seen != value,
            Step::Append(_) | Step::Opaque(_) | Step::OpaqueRead(_) => true,
            Step::Write(_) => false,
        };
        let mut left = self.live & !config.done | 1u128 << target;
        while left != 0 {
            let slot = left.trailing_zeros();
            left &= left - 1;
            if wants(self.slots[slot as usize].step) {
                return true;
            }
        }
        self.useful.iter().any(|class| wants(self.classes[*class as usize].step))
    }

    fn used(&self, spent: u32, class: u32) -> u32 {
        let row = &self.spent[spent as usize];
        row.binary_search_by_key(&class, |(class, _)| *class).map_or(0, |place| row[place].1)
    }

    fn spend_one(&mut self, spent: u32, class: u32) -> u32 {
        if self.form == Form::Loose {
            return spent;
        }
        let mut row = std::mem::take(&mut self.scratch.row);
        row.clear();
        row.extend_from_slice(&self.spent[spent as usize]);
        match row.binary_search_by_key(&class, |(class, _)| *class) {
            Ok(place) => row[place].1 += 1,
            Err(place) => row.insert(place, (class, 1)),
        }
        let number = self.spent_row(&row);
        self.scratch.row = row;
        number
    }

    /// Lets every pending read that fits take effect (rule 1). Whether any did.
    fn settle(&self, config: &mut Config, machine: &mut impl Machine) -> bool {
        let before = config.done;
        let mut left = self.reads & self.live & !config.done;
        while left != 0 {
            let slot = left.trailing_zeros();
            left &= left - 1;
            if fits(config.state, self.slots[slot as usize].step, machine) {
                config.done |= 1u128 << slot;
            }
        }
        config.done != before
    }

    fn prune(&mut self) {
        if self.configs.len() < 2 {
            return;
        }
        self.configs.sort_unstable();
        self.configs.dedup();
        // The comparison of all pairs pays only while there are few.
        let most = if matches!(self.form, Form::Narrow(_)) { 64 } else { 512 };
        if self.configs.len() > most {
            return;
        }
        let mut kept = 0;
        for place in 0..self.configs.len() {
            let config = self.configs[place];
            let beaten = |other: &Config| self.beats(other, &config);
            if self.configs[..kept].iter().any(beaten) || self.configs[place + 1..].iter().any(beaten) {
                continue;
            }
            self.configs[kept] = config;
            kept += 1;
        }
        self.configs.truncate(kept);
    }

    /// Whether whatever can follow `b` can follow `a` (rule 4). Never both ways for two that differ.
    fn beats(&self, a: &Config, b: &Config) -> bool {
        if a.state != b.state {
            return false;
        }
        let others = self.live & !self.reads & !self.blind;
        let differ = a.done ^ b.done;
        let reads_lag = b.done & !a.done & self.reads != 0;
        let bound = self.blind & !a.free;
        let writes_lag = bound & (differ | b.free) != 0;
        differ & others == 0 && !reads_lag && !writes_lag && self.spends_no_more(a.spent, b.spent)
    }

    fn spends_no_more(&self, a: u32, b: u32) -> bool {
        a == b || self.spent[a as usize].iter().all(|(class, count)| *count <= self.used(b, *class))
    }
}

/// Whether an operation that never changes the state may return what it did there.
fn fits(state: u32, step: Step, machine: &mut impl Machine) -> bool {
    match step {
        Step::Read(seen) => state == seen,
        Step::Differs(seen) => state != seen,
        Step::OpaqueRead(place) => machine.step(state, place).is_some(),
        Step::Write(_) | Step::Swap(..) | Step::Append(_) | Step::Opaque(_) => false,
    }
}

fn after(state: u32, step: Step, machine: &mut impl Machine) -> Option<u32> {
    match step {
        Step::Write(value) => Some(value),
        Step::Swap(expected, new) => (state == expected).then_some(new),
        Step::Append(row) => Some(machine.append(state, row)),
        Step::Opaque(place) => machine.step(state, place),
        Step::Read(_) | Step::Differs(_) | Step::OpaqueRead(_) => None,
    }
}
