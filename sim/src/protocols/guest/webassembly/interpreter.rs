//! The engine `wasmi`, an interpreter: it builds in seconds, and is deterministic by nature.
//!
//! Not here: the engine that is fast (`compiler`), and what is done with either (`engine`).

pub(crate) use wasmi::{
    Caller, Engine, Error, ExternType, Global, Instance, Linker, Memory, Module, Mutability, Store,
    StoreLimits, StoreLimitsBuilder, TypedFunc, Val,
};
use wasmi::{CompilationMode, Config};

/// An error of the engine's own kind.
pub(crate) fn trap(why: &str) -> Error {
    Error::new(why)
}

pub(crate) fn engine() -> Result<Engine, Error> {
    let mut config = Config::default();
    config.consume_fuel(true).compilation_mode(CompilationMode::LazyTranslation);
    Ok(Engine::new(&config))
}

pub(crate) fn instantiate<T>(
    linker: &Linker<T>,
    store: &mut Store<T>,
    module: &Module,
) -> Result<Instance, Error> {
    linker.instantiate_and_start(store, module)
}
