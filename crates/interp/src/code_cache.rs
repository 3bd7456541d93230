//! The code of modules kept beside their source: `__pycache__/NAME.adder-314.pyc`, or under `sys.pycache_prefix`.
//!
//! Such a file is what `importlib` takes it for: sixteen bytes of header (the magic number, flags, time and size of the source),
//! then the code as `marshal` writes it. One that is missing, of another source, of another version of the format or damaged is
//! no error: the source is compiled again. Nor is one that cannot be written.

use heap::Value;
use objects::builtin_layouts::Module;
use objects::layout::cast;
use objects::vm::Vm;
use std::fs::{self, Metadata, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// `sys.implementation.cache_tag`.
pub const TAG: &str = "adder-314";

/// The magic number of CPython 3.14's code files, whose instructions are the same. Their names have another tag.
pub const MAGIC: u32 = 168_627_755;

/// How `marshal` marks a code.
const MARSHAL_CODE: u8 = b'c';
const HEADER_BYTES: usize = 16;
/// Behind the header: the mark and the count of bytes.
const CODE_START: usize = HEADER_BYTES + 5;

/// The file for the code of one source file as it is now.
pub struct CodeFile {
    path: PathBuf,
    header: [u8; HEADER_BYTES],
    /// Who may read and write it: those who may read and write the source, and its owner.
    mode: u32,
}

impl CodeFile {
    /// `None`: the interpreter runs with options for which no code is kept.
    pub fn of(vm: &mut Vm, source: &Path, metadata: &Metadata) -> Option<CodeFile> {
        let config = &crate::state::state(vm).config;
        if config.no_debug_ranges {
            return None;
        }
        let mut name = source.file_stem()?.to_os_string();
        name.push(format!(".{TAG}"));
        if config.optimize > 0 {
            name.push(format!(".opt-{}", config.optimize));
        }
        name.push(".pyc");
        let directory = source.parent()?;
        let directory = match sys_attribute(vm, "pycache_prefix") {
            Some(prefix) if vm.is_str(prefix) => {
                Path::new(vm.str(prefix).ok()?).join(directory.strip_prefix("/").unwrap_or(directory))
            }
            _ => directory.join("__pycache__"),
        };
        let mut header = [0; HEADER_BYTES];
        // Times and sizes are kept modulo 2**32, and no flag is set.
        let fields = [MAGIC, 0, metadata.mtime() as u32, metadata.size() as u32];
        for (bytes, field) in header.as_chunks_mut::<4>().0.iter_mut().zip(fields) {
            *bytes = field.to_le_bytes();
        }
        Some(CodeFile { path: directory.join(name), header, mode: metadata.mode() & 0o666 | 0o200 })
    }

    /// The code, if the file holds that of this source.
    pub fn read(&self, filename: &str) -> Option<syntax::Code> {
        let bytes = fs::read(&self.path).ok()?;
        let (head, code) = bytes.split_at_checked(CODE_START)?;
        let (header, [MARSHAL_CODE, count @ ..]) = head.split_at(HEADER_BYTES) else { return None };
        if header != self.header || u32::from_le_bytes(count.try_into().ok()?) as usize != code.len() {
            return None;
        }
        let code = syntax::read_code_as(code, filename).ok()?;
        syntax::verify(&code).is_ok().then_some(code)
    }

    /// Keeps the code, unless the program does not want that.
    pub fn write(&self, vm: &mut Vm, code: &syntax::Code) {
        let unwanted = sys_attribute(vm, "dont_write_bytecode").is_some_and(|value| value != vm.false_);
        if unwanted {
            return;
        }
        let code = syntax::write_code(code);
        let Ok(count) = u32::try_from(code.len()) else { return };
        let mut bytes = self.header.to_vec();
        bytes.push(MARSHAL_CODE);
        bytes.extend(count.to_le_bytes());
        bytes.extend(code);
        // Whoever reads sees a whole file or none.
        let mut unfinished = self.path.clone().into_os_string();
        unfinished.push(format!(".{}", std::process::id()));
        let unfinished = Path::new(&unfinished);
        let written = self.path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(self.mode).open(unfinished)?;
            file.write_all(&bytes)?;
            fs::rename(unfinished, &self.path)
        });
        if written.is_err() {
            // There may be nothing to take away.
            let _ = fs::remove_file(unfinished);
        }
    }
}

fn sys_attribute(vm: &mut Vm, name: &str) -> Option<Value> {
    let sys = crate::state::state(vm).sys?;
    let sys = vm.handle(sys);
    vm.dict_get_str(cast::<Module>(sys).dict.get(), name)
}
