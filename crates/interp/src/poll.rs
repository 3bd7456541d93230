//! What happens when somebody asks for the interpreter's attention.

use objects::error::PyResult;
use objects::vm::Vm;

/// Work that waits for a safe point, in the order of registration; signal handlers run here.
#[derive(Default)]
pub struct Attention {
    handlers: Vec<fn(&mut Vm) -> PyResult<()>>,
}

/// Registers work to do at safe points after `poll` was set.
pub fn register(vm: &mut Vm, handler: fn(&mut Vm) -> PyResult<()>) {
    vm.extension::<Attention>().handlers.push(handler);
}

/// Does what waits: finalizers, weak reference callbacks, signals.
pub fn attend(vm: &mut Vm) -> PyResult<()> {
    vm.thread.take_poll();
    for i in 0.. {
        let Some(handler) = vm.extension::<Attention>().handlers.get(i).copied() else { break };
        handler(vm)?;
    }
    Ok(())
}
