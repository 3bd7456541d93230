//! The native modules of the standard library, one file or folder a module.

mod support;
mod vm_ext;
pub mod abc_;
pub mod atexit;
pub mod collections_;
pub mod contextvars_;
pub mod errno;
pub mod functools_;
pub mod io;
pub mod itertools;
pub mod math;
pub mod operator_;
pub mod signal_;
pub mod stat_;
pub mod string_;
pub mod struct_sequence;
pub mod sys;
pub mod thread_;
pub mod time;
pub mod weakref_;

use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::vm::Vm;

/// Every native module, sorted by file.
pub static MODULES: &[&ModuleDef] = &[
    &abc_::MODULE,
    &atexit::MODULE,
    &collections_::MODULE,
    &contextvars_::MODULE,
    &errno::MODULE,
    &functools_::MODULE,
    &io::MODULE,
    &itertools::MODULE,
    &math::MODULE,
    &operator_::MODULE,
    &signal_::MODULE,
    &stat_::MODULE,
    &string_::MODULE,
    &sys::MODULE,
    &thread_::MODULE,
    &time::MODULE,
    &weakref_::MODULE,
];

/// Makes the modules importable.
pub fn register(vm: &mut Vm) {
    for module in MODULES {
        vm.register_native(module);
    }
}

/// What a program finds when it starts: the standard streams.
pub fn start(vm: &mut Vm) -> PyResult<()> {
    io::open_standard_streams(vm)
}

/// What happens when a program ends: `atexit` functions.
pub fn shut_down(vm: &mut Vm) -> PyResult<()> {
    atexit::run(vm)
}
