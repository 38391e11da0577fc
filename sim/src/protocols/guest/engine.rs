//! A WebAssembly engine as guests need one: modules, and instances that are called with bytes and answer with bytes.
//!
//! Holds: an instance rests between calls, so that its memory and its globals are all there is of it, and can be copied.
//! A call has a bound in instructions, an instance one in memory; going beyond, a trap and an exit are told in words.
//! Not here: what is asked and answered (`wire`), the guest's operating system (`wasi`), and which engine it is
//! (`webassembly`).

use super::rewrite;
use super::wasi::{self, Bounded, Host};
use super::webassembly::{
    self, Caller, Engine, Error, ExternType, Global, Instance as Exports, Linker, Memory, Module as Compiled,
    Mutability, Store, TypedFunc, Val, trap,
};

/// How many instructions a call may take: a second or so of a compiler's code.
const FUEL: u64 = 4_000_000_000;
/// The chance that a module is booted with, once for all of its instances.
const BOOT: u64 = 0x5b00_7ed0;
/// WebAssembly's page of memory, in bytes.
const PAGE: usize = 1 << 16;

/// A module that booted once, and may be called as often as there are processes.
pub(super) struct Module {
    linker: Linker<Bounded>,
    compiled: Compiled,
    /// The globals of the booted instance.
    globals: Vec<Number>,
}

/// The value of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    Word(i32),
    Long(i64),
}

/// A running instance.
pub(super) struct Instance {
    store: Store<Bounded>,
    exports: Exports,
    memory: Memory,
    globals: Vec<Global>,
    input: TypedFunc<u32, u32>,
    call: TypedFunc<u32, u64>,
    /// Where the last frame was put, and for how long a frame that place is good.
    place: (u32, u32),
}

impl Module {
    /// Reads a module, boots it once, and keeps it as it is then.
    ///
    /// # Errors
    /// One sentence: what is wrong with the module.
    pub(super) fn new(bytes: &[u8]) -> Result<Module, String> {
        let open = rewrite::export_globals(bytes)?;
        let told = |error: Error| format!("the module cannot be used: {}", first_line(&error));
        let engine = webassembly::engine().map_err(told)?;
        let compiled = Compiled::new(&engine, &open).map_err(told)?;
        let linker = linked(&engine, &compiled)?;
        let fresh = Module { linker, compiled, globals: Vec::new() };
        let mut booted = fresh.start(Host::new(BOOT, 0)).map_err(told)?;
        booted.initialise()?;
        let globals = booted.read_globals();
        let image = rewrite::with_memory(&open, booted.memory.data(&booted.store))?;
        let compiled = Compiled::new(&engine, &image).map_err(told)?;
        Ok(Module { linker: fresh.linker, compiled, globals })
    }

    /// An instance, as the module was when it had booted.
    pub(super) fn instance(&self, entropy: u64, now: u64) -> Instance {
        let mut instance = self.start(Host::new(entropy, now)).expect("it was started before");
        instance.write_globals(&self.globals);
        instance
    }

    fn start(&self, host: Host) -> Result<Instance, Error> {
        let mut store = Store::new(self.compiled.engine(), Bounded::new(host));
        store.limiter(|bounded| &mut bounded.limits);
        store.set_fuel(FUEL)?;
        let exports = webassembly::instantiate(&self.linker, &mut store, &self.compiled)?;
        let memory = exports.get_memory(&mut store, "memory").ok_or_else(|| trap("it exports no memory"))?;
        store.data_mut().host.memory = Some(memory);
        let named = |name: &str, store: &mut Store<Bounded>| exports.get_global(store, name);
        let mut globals = Vec::new();
        while let Some(global) = named(&rewrite::global_name(globals.len()), &mut store) {
            globals.push(global);
        }
        let input = exports.get_typed_func(&mut store, "splitbrain_input")?;
        let call = exports.get_typed_func(&mut store, "splitbrain_call")?;
        Ok(Instance { store, exports, memory, globals, input, call, place: (0, 0) })
    }
}

/// What a module may import: what `wasi` answers, and what it denies.
fn linked(engine: &Engine, module: &Compiled) -> Result<Linker<Bounded>, String> {
    let mut linker = Linker::new(engine);
    wasi::link(&mut linker).map_err(|error| first_line(&error))?;
    for import in module.imports() {
        let (from, name) = (import.module(), import.name());
        let ExternType::Func(kind) = import.ty().clone() else {
            return Err(format!("the module asks for {from}.{name}, which is no function"));
        };
        if from == wasi::NAME && wasi::is_denied(name) {
            let answer = wasi::denied(name);
            let deny = move |_: Caller<'_, Bounded>, _: &[Val], results: &mut [Val]| {
                results.fill(Val::I32(answer));
                Ok(())
            };
            // A module may import one function twice.
            let _ = linker.func_new(from, name, kind, deny);
        } else if from != wasi::NAME || !wasi::is_answered(name) {
            return Err(format!(
                "the module asks for {from}.{name}: a guest has the functions of {} only",
                wasi::NAME
            ));
        }
    }
    Ok(linker)
}

impl Instance {
    /// Lets a language's runtime begin, where it wants to.
    fn initialise(&mut self) -> Result<(), String> {
        let Ok(initialise) = self.exports.get_typed_func::<(), ()>(&mut self.store, "_initialize") else {
            return Ok(());
        };
        let begun = initialise.call(&mut self.store, ());
        begun.map_err(|error| format!("the guest does not begin: {}", self.last_words(&error)))
    }

    /// Gives a frame to the guest at a time of its node's clock, and its answer to `take`.
    ///
    /// # Errors
    /// How the guest ended. It must not be called again.
    pub(super) fn call<T>(
        &mut self,
        now: u64,
        frame: &[u8],
        take: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, String> {
        self.store.data_mut().host.begin(now);
        let answer = self.store.set_fuel(FUEL).and_then(|()| self.exchange(frame));
        let answer = answer.map_err(|error| self.last_words(&error))?;
        let (at, length) = ((answer >> 32) as usize, (answer & 0xffff_ffff) as usize);
        let bytes = self.memory.data(&self.store).get(at..at + length);
        bytes.map(take).ok_or_else(|| String::from("the guest's answer is outside of its memory"))
    }

    fn exchange(&mut self, frame: &[u8]) -> Result<u64, Error> {
        let length = u32::try_from(frame.len()).map_err(|_| trap("a frame of more than 4 GiB"))?;
        if self.place.1 < length || self.place.1 == 0 {
            let at = self.input.call(&mut self.store, length)?;
            self.place = (at, length.max(1));
        }
        let at = self.place.0 as usize;
        let memory = self.memory.data_mut(&mut self.store);
        let room = memory.get_mut(at..at + frame.len());
        room.ok_or_else(|| trap("the place for a frame is outside of the memory"))?.copy_from_slice(frame);
        self.call.call(&mut self.store, length)
    }

    /// When the guest wants to be called again by itself, in nanoseconds from now.
    pub(super) fn wakes_in(&self) -> Option<u64> {
        let host = &self.store.data().host;
        host.wake.map(|wake| wake.saturating_sub(host.monotonic()))
    }

    /// The same as a time of the guest's monotonic clock.
    pub(super) fn wakes_at(&self) -> Option<u64> {
        self.store.data().host.wake
    }

    fn last_words(&self, error: &Error) -> String {
        let host = &self.store.data().host;
        match (host.ended, wasi::last_words(&host.said)) {
            (_, said) if !said.is_empty() => said,
            (Some(status), _) => format!("the guest ended itself with status {status}"),
            (None, _) => first_line(error),
        }
    }

    /// How many bytes of memory it has.
    pub(super) fn size(&self) -> usize {
        self.memory.data(&self.store).len()
    }

    fn read_globals(&mut self) -> Vec<Number> {
        let value = |global: &Global, store: &mut Store<Bounded>| match global.get(&mut *store) {
            Val::I32(word) => Number::Word(word),
            Val::I64(long) => Number::Long(long),
            _ => unreachable!("the rewriter refuses others"),
        };
        self.globals.iter().map(|global| value(global, &mut self.store)).collect()
    }

    fn write_globals(&mut self, values: &[Number]) {
        for (global, value) in self.globals.iter().zip(values) {
            let value = match *value {
                Number::Word(word) => Val::I32(word),
                Number::Long(long) => Val::I64(long),
            };
            if global.ty(&self.store).mutability() != Mutability::Var {
                continue;
            }
            global.set(&mut self.store, value).expect("a value that was read from it");
        }
    }

    /// Another instance in the same state.
    pub(super) fn copy(&mut self, module: &Module) -> Instance {
        let mut copy = module.start(self.store.data().host.clone()).expect("it was started before");
        copy.write_globals(&self.read_globals());
        let bytes = self.memory.data(&self.store);
        let more = bytes.len().saturating_sub(copy.size()) / PAGE;
        copy.memory.grow(&mut copy.store, more as u64).expect("as much as the original has");
        let mine = copy.memory.data_mut(&mut copy.store);
        for (mine, theirs) in mine.chunks_mut(PAGE / 16).zip(bytes.chunks(PAGE / 16)) {
            // A page that is as it was when the module had booted stays shared with all that are.
            if mine != theirs {
                mine.copy_from_slice(theirs);
            }
        }
        copy.place = self.place;
        copy
    }
}

fn first_line(error: &Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
