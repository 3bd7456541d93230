//! `functools.reduce` as a loop of the guest: the native function's loop no trace sees, and each call from it enters and leaves
//! compiled code. The call goes on in a frame of a Python function, which nobody is shown.

use crate::{execute, load};
use heap::Value;
use metatrace::Handle;
use objects::builtin_layouts::Function;
use objects::code::Code;
use objects::error::PyResult;
use objects::layout::cast;
use objects::vm::Vm;

/// The functions that stand for `reduce` without and with an initial value, once they are made. Immortal.
pub fn functions(vm: &mut Vm) -> PyResult<&'static [Handle; 2]> {
    if let Some(functions) = crate::state::state(vm).reducing {
        return Ok(functions);
    }
    let code = load::compile(vm, include_str!("reducing.py"), "<frozen functools>", syntax::Mode::Exec)?;
    let namespace = vm.new_dict();
    execute::run_module_code(vm, code, namespace)?;
    let mut function = |name: &str| -> PyResult<Handle> {
        let name = vm.intern(name);
        let function = vm.getitem(namespace, name)?;
        hide(function);
        Ok(vm.thread.new_handle(function))
    };
    let functions: &'static [Handle; 2] = Box::leak(Box::new([function("reduce")?, function("reduce_from")?]));
    crate::state::state(vm).reducing = Some(functions);
    Ok(functions)
}

fn hide(function: Value) {
    Code::from_token(cast::<Function>(function).code.get()).is_hidden.set(true);
}
