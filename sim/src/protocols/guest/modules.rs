//! The modules that there are, by name: where each is found, and what it declared.
//!
//! Holds: a module is read and booted once in a process. One that was not built is told with the command that builds it.
//! Not here: how a guest runs (`guest`).

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::declaration::Declaration;
use super::engine::Module;
use super::wire::{Ask, Frame};
use crate::bounded_file;

/// The variable of the environment that names the folder of the modules that were built.
const FOLDER: &str = "SPLITBRAIN_GUESTS";
/// The variable that names the file of the system `guest`.
const FILE: &str = "SPLITBRAIN_GUEST";

/// The most that a module may have, in bytes.
const MODULE_LEN_MAX: u64 = 64 << 20;

/// A module and what it declared.
pub struct Kept {
    pub(super) module: Module,
    pub(super) declaration: Declaration,
}

/// A guest that is known by name.
pub trait Known: 'static {
    /// The name of the system.
    const NAME: &'static str;
    /// The version of the library in it.
    const VERSION: Option<&'static str>;

    /// The module, or why it cannot be used.
    fn kept() -> &'static Result<Kept, String>;
}

/// go.etcd.io/raft: the Raft of etcd.
#[derive(Debug)]
pub enum EtcdRaft {}

impl Known for EtcdRaft {
    const NAME: &'static str = "etcd-raft";
    const VERSION: Option<&'static str> = Some("3.6.0");

    fn kept() -> &'static Result<Kept, String> {
        static KEPT: OnceLock<Result<Kept, String>> = OnceLock::new();
        KEPT.get_or_init(|| load(Self::NAME))
    }
}

/// github.com/hashicorp/raft: the Raft of Consul, Nomad and Vault, with its goroutines.
#[derive(Debug)]
pub enum HashicorpRaft {}

impl Known for HashicorpRaft {
    const NAME: &'static str = "hashicorp-raft";
    const VERSION: Option<&'static str> = Some("1.8.0");

    fn kept() -> &'static Result<Kept, String> {
        static KEPT: OnceLock<Result<Kept, String>> = OnceLock::new();
        KEPT.get_or_init(|| load(Self::NAME))
    }
}

/// A Raft in C, as the paper has it: `guests/plain-raft`.
#[derive(Debug)]
pub enum PlainRaft {}

impl Known for PlainRaft {
    const NAME: &'static str = "plain-raft";
    const VERSION: Option<&'static str> = None;

    fn kept() -> &'static Result<Kept, String> {
        static KEPT: OnceLock<Result<Kept, String>> = OnceLock::new();
        KEPT.get_or_init(|| load(Self::NAME))
    }
}

/// A module of the user's own.
#[derive(Debug)]
pub enum Custom {}

impl Known for Custom {
    const NAME: &'static str = "guest";
    const VERSION: Option<&'static str> = None;

    fn kept() -> &'static Result<Kept, String> {
        static KEPT: OnceLock<Result<Kept, String>> = OnceLock::new();
        KEPT.get_or_init(|| match std::env::var_os(FILE) {
            Some(file) => read(&PathBuf::from(file)),
            None => Err(format!("the file of a module in the variable {FILE}")),
        })
    }
}

/// Where the modules are that `guests/build` makes.
fn folder() -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../guests/built");
    std::env::var_os(FOLDER).map_or_else(beside, PathBuf::from)
}

fn load(name: &str) -> Result<Kept, String> {
    let file = folder().join(format!("{name}.wasm"));
    if !file.is_file() {
        return Err(format!("the module {name}.wasm: build it with guests/build {name}"));
    }
    read(&file)
}

fn read(file: &Path) -> Result<Kept, String> {
    let bytes = bounded_file::read(file, MODULE_LEN_MAX)
        .map_err(|error| format!("a module in {}: {error}", file.display()))?;
    let module = Module::new(&bytes)?;
    let mut frame = Frame::default();
    frame.begin(Ask::Declare);
    let text =
        module.instance(0, 0).call(0, frame.bytes(), |text| String::from_utf8_lossy(text).into_owned())?;
    Ok(Kept { module, declaration: Declaration::read(&text)? })
}
