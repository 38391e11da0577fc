//! The engine `wasmtime`, a compiler: with the feature `guests-compiled`.
//!
//! Holds: what a module was compiled to is kept by its hash, so that only the first process pays for it. Numbers that are not
//! a number have one form, and fuel bounds a call: what a guest does is the same on every machine.
//! Not here: the engine that builds in seconds (`interpreter`), and what is done with either (`engine`).

use std::path::PathBuf;

use wasmtime::{Cache, CacheConfig, Config};
pub(crate) use wasmtime::{
    Caller, Engine, Error, ExternType, Global, Instance, Linker, Memory, Module, Mutability, Store,
    StoreLimits, StoreLimitsBuilder, TypedFunc, Val,
};

/// The variable that names the folder of what was compiled.
const FOLDER: &str = "SPLITBRAIN_COMPILED";

/// An error of the engine's own kind.
pub(crate) fn trap(why: &str) -> Error {
    Error::msg(why.to_owned())
}

pub(crate) fn engine() -> Result<Engine, Error> {
    let mut config = Config::new();
    config.consume_fuel(true).cranelift_nan_canonicalization(true);
    let mut kept = CacheConfig::new();
    if let Some(folder) = std::env::var_os(FOLDER) {
        kept.with_directory(PathBuf::from(folder));
    }
    // Where nothing can be kept, each process compiles.
    config.cache(Cache::new(kept).ok());
    Engine::new(&config)
}

pub(crate) fn instantiate<T>(
    linker: &Linker<T>,
    store: &mut Store<T>,
    module: &Module,
) -> Result<Instance, Error> {
    linker.instantiate(store, module)
}
