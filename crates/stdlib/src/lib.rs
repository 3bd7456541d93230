//! The native modules of the standard library, one file or folder a module.

pub mod abc_;
pub mod array;
pub mod ast_;
pub mod atexit;
pub mod binascii;
pub mod buffer;
pub mod bz2_;
pub mod cmath;
mod code_replace;
pub mod codecs_;
pub mod collections_;
pub mod contextvars_;
pub mod csv_;
pub mod errno;
pub mod functools_;
pub mod gc;
pub mod hashes;
pub mod heap_report;
pub mod imp;
pub mod io;
pub mod itertools;
pub mod json_;
pub mod locale_;
pub mod marshal;
pub mod math;
pub mod opcode_;
pub mod operator_;
mod origins;
pub mod posix;
pub mod posixsubprocess;
pub mod pwd;
pub mod random_;
pub mod resource;
pub mod select;
pub mod signal_;
pub mod socket_;
pub mod sre;
pub mod stat_;
mod streams;
pub mod string_;
pub mod struct_;
pub mod struct_sequence;
pub mod suggestions_;
mod support;
pub mod sys;
pub mod templatelib;
pub mod thread_;
pub mod time;
pub mod tokenize_;
pub mod tracemalloc_;
pub mod typing_;
pub mod unicodedata;
mod vm_ext;
pub mod warnings_;
pub mod weakref_;
pub mod zlib;

use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::vm::Vm;

/// Every native module, sorted by file.
pub static MODULES: &[&ModuleDef] = &[
    &abc_::MODULE,
    &array::MODULE,
    &ast_::MODULE,
    &atexit::MODULE,
    &binascii::MODULE,
    &buffer::MODULE,
    &bz2_::MODULE,
    &cmath::MODULE,
    &codecs_::MODULE,
    &collections_::MODULE,
    &contextvars_::MODULE,
    &csv_::MODULE,
    &errno::MODULE,
    &functools_::MODULE,
    &gc::MODULE,
    &hashes::BLAKE2,
    &hashes::MD5,
    &hashes::SHA1,
    &hashes::SHA2,
    &hashes::SHA3,
    &imp::MODULE,
    &io::MODULE,
    &itertools::MODULE,
    &json_::MODULE,
    &locale_::MODULE,
    &marshal::MODULE,
    &math::MODULE,
    &opcode_::MODULE,
    &operator_::MODULE,
    &posix::MODULE,
    &posixsubprocess::MODULE,
    &pwd::GROUPS,
    &pwd::MODULE,
    &random_::MODULE,
    &resource::MODULE,
    &select::MODULE,
    &signal_::MODULE,
    &socket_::MODULE,
    &sre::MODULE,
    &stat_::MODULE,
    &string_::MODULE,
    &struct_::MODULE,
    &suggestions_::MODULE,
    &sys::MODULE,
    &templatelib::MODULE,
    &thread_::MODULE,
    &time::MODULE,
    &tokenize_::MODULE,
    &tracemalloc_::MODULE,
    &typing_::MODULE,
    &unicodedata::MODULE,
    &warnings_::MODULE,
    &weakref_::MODULE,
    &zlib::MODULE,
];

/// Makes the modules importable.
pub fn register(vm: &mut Vm) {
    for module in MODULES {
        vm.register_native(module);
    }
}

/// What a program finds when it starts: signal handlers and the standard streams.
pub fn start(vm: &mut Vm) -> PyResult<()> {
    code_replace::install(vm);
    if interp::state::state(vm).config.heap_report.is_some() {
        heap_report::start(vm);
    }
    if let Some(frames) = interp::state::state(vm).config.trace_allocations {
        tracemalloc_::start(vm, frames)?;
    }
    interp::boot::order_finalizers(vm, io::order_queue);
    signal_::start(vm)?;
    io::open_standard_streams(vm)
}

/// What happens when a program ends: `atexit` functions, then finalizers.
pub fn shut_down(vm: &mut Vm) -> PyResult<()> {
    let result = atexit::run(vm);
    let reported = match interp::state::state(vm).config.heap_report.clone() {
        Some(file) => heap_report::write(vm, &file),
        None => Ok(()),
    };
    io::finalize_all(vm)?;
    result.and(reported)
}
