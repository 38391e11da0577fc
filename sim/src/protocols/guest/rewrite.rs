//! Two changes of a module that leave what it does as it is: its globals can be read and set, and it begins with a memory
//! that an instance of it had.
//!
//! With both, a module that booted once is booted by copying, and an instance at rest is copied.
//! Not here: what runs modules (`engine`).

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{ConstExpr, DataSection, ExportKind, ExportSection, Module};
use wasmparser::{DataSectionReader, ExportSectionReader, GlobalSectionReader, MemoryType, Parser};

/// A stretch of zeros this long is left out of the memory that a module begins with.
const GAP: usize = 1 << 12;
/// WebAssembly's page of memory, in bytes.
const PAGE: u64 = 1 << 16;

/// The name by which a global is exported.
pub(super) fn global_name(number: usize) -> String {
    format!("splitbrain_global_{number}")
}

/// The module, with every global exported.
///
/// # Errors
/// One sentence: why that cannot be.
pub(super) fn export_globals(module: &[u8]) -> Result<Vec<u8>, String> {
    encode(&mut OpenGlobals { count: 0 }, module)
}

/// The module, with a memory that begins as given.
///
/// # Errors
/// One sentence: why that cannot be.
pub(super) fn with_memory(module: &[u8], memory: &[u8]) -> Result<Vec<u8>, String> {
    encode(&mut BeginWith { memory, segments: segments(memory) }, module)
}

fn encode<R: Reencode<Error = Refused>>(how: &mut R, module: &[u8]) -> Result<Vec<u8>, String> {
    let mut encoded = Module::new();
    match how.parse_core_module(&mut encoded, Parser::new(0), module) {
        Ok(()) => Ok(encoded.finish()),
        Err(error) => Err(format!("the module cannot be read: {error}")),
    }
}

/// What this rewriter refuses.
#[derive(Debug)]
struct Refused(&'static str);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Refused {}

struct OpenGlobals {
    count: u32,
}

impl Reencode for OpenGlobals {
    type Error = Refused;

    fn parse_global_section(
        &mut self,
        globals: &mut wasm_encoder::GlobalSection,
        section: GlobalSectionReader<'_>,
    ) -> Result<(), Error<Refused>> {
        self.count = section.count();
        for global in section.clone() {
            let kind = global?.ty.content_type;
            if kind != wasmparser::ValType::I32 && kind != wasmparser::ValType::I64 {
                return Err(Error::UserError(Refused("a global that is no whole number")));
            }
        }
        utils::parse_global_section(self, globals, section)
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Result<(), Error<Refused>> {
        utils::parse_export_section(self, exports, section)?;
        for number in 0..self.count {
            exports.export(&global_name(number as usize), ExportKind::Global, number);
        }
        Ok(())
    }
}

struct BeginWith<'a> {
    memory: &'a [u8],
    segments: Vec<(usize, usize)>,
}

impl Reencode for BeginWith<'_> {
    type Error = Refused;

    fn memory_type(&mut self, memory: MemoryType) -> wasm_encoder::MemoryType {
        let initial = self.memory.len() as u64 / PAGE;
        utils::memory_type(self, MemoryType { initial, ..memory })
    }

    fn data_count(&mut self, _: u32) -> u32 {
        self.segments.len() as u32
    }

    fn parse_data_section(
        &mut self,
        data: &mut DataSection,
        section: DataSectionReader<'_>,
    ) -> Result<(), Error<Refused>> {
        for segment in section {
            if matches!(segment?.kind, wasmparser::DataKind::Passive) {
                return Err(Error::UserError(Refused(
                    "a data segment that is not in its place when it begins",
                )));
            }
        }
        for &(from, before) in &self.segments {
            let place = ConstExpr::i32_const(from as u32 as i32);
            data.active(0, &place, self.memory[from..before].iter().copied());
        }
        Ok(())
    }
}

/// Where a memory is not zero, in stretches.
fn segments(memory: &[u8]) -> Vec<(usize, usize)> {
    let mut segments: Vec<(usize, usize)> = Vec::new();
    for (number, page) in memory.chunks(GAP).enumerate() {
        if page.iter().all(|&byte| byte == 0) {
            continue;
        }
        let (from, before) = (number * GAP, number * GAP + page.len());
        match segments.last_mut() {
            Some((_, end)) if *end == from => *end = before,
            _ => segments.push((from, before)),
        }
    }
    segments
}
