//! The pure-Python standard library, compiled at build time and embedded: code and source of each module as LZ4 blocks,
//! decoded when asked for.

use syntax::{Code, read_code_as};

/// A module of the embedded library. Nothing of it is decoded yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbeddedModule {
    /// The full dotted name.
    pub name: &'static str,
    /// The file the module would have, relative to the library's root: `json/decoder.py`.
    pub path: &'static str,
    pub is_package: bool,
    /// Offsets in `BLOB`: code from `start`, source from `middle`, up to `end`.
    start: usize,
    middle: usize,
    end: usize,
}

/// The module with a dotted name, if the library has it.
pub fn embedded(name: &str) -> Option<EmbeddedModule> {
    let index = MODULES.binary_search_by(|module| module.name.cmp(name));
    Some(MODULES[index.ok()?])
}

/// All modules, sorted by name.
pub fn modules() -> &'static [EmbeddedModule] {
    MODULES
}

/// The modules directly in a package, or at the top level for `""`, in order of name.
pub fn children(package: &str) -> impl Iterator<Item = &'static EmbeddedModule> {
    MODULES.iter().filter(move |module| {
        let parent = module.name.rsplit_once('.').map_or("", |(parent, _)| parent);
        parent == package
    })
}

impl EmbeddedModule {
    /// The module's code, with `filename` as the file name of it and of all code in it.
    pub fn code(&self, filename: &str) -> Code {
        let bytes = unpack(&BLOB[self.start..self.middle]);
        // Invariant: the build script wrote it with the same version of `syntax`.
        read_code_as(&bytes, filename).expect("embedded code is well formed")
    }

    /// The module's source text.
    pub fn source(&self) -> String {
        let bytes = unpack(&BLOB[self.middle..self.end]);
        String::from_utf8(bytes).expect("embedded source is UTF-8")
    }
}

fn unpack(block: &[u8]) -> Vec<u8> {
    lz4_flex::decompress_size_prepended(block).expect("embedded block is well formed")
}

const fn row(
    name: &'static str,
    path: &'static str,
    is_package: bool,
    start: usize,
    middle: usize,
    end: usize,
) -> EmbeddedModule {
    EmbeddedModule { name, path, is_package, start, middle, end }
}

static MODULES: &[EmbeddedModule] = include!(concat!(env!("OUT_DIR"), "/index.rs"));

static BLOB: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/modules.bin"));
