//! Calling anything.

use crate::args::CallArgs;
use crate::builtin_layouts::Method;
use crate::error::PyResult;
use crate::layout::cast;
use crate::shape::Kind;
use crate::vm::Vm;
use heap::Value;

/// Argument lists up to this length are copied on the native stack.
const SMALL: usize = 8;

impl Vm {
    /// `callable(*args)`.
    #[inline]
    pub fn call(&mut self, callable: Value, args: &[Value]) -> PyResult {
        self.call_kw(callable, &CallArgs::positional(args))
    }

    /// The same with keyword arguments.
    pub fn call_kw(&mut self, callable: Value, args: &CallArgs) -> PyResult {
        debug_assert!(self.thread.sees(args.values), "arguments where the collector does not see them");
        if callable.is_object() {
            match self.shape_of(callable).kind {
                Kind::Function => return (self.hooks.call_function)(self, callable, args),
                Kind::Builtin => return crate::builtin::call(self, callable, args),
                Kind::Method => {
                    let method = cast::<Method>(callable);
                    return self.call_prepended(method.function.get(), method.receiver.get(), args);
                }
                _ => {}
            }
        }
        let call = self.type_of(callable).slots().call;
        match call {
            Some(call) => call(self, callable, args),
            None => Err(self.not_callable(callable)),
        }
    }

    /// `callable(first, *args)`, without a list on the heap.
    pub fn call_prepended(&mut self, callable: Value, first: Value, args: &CallArgs) -> PyResult {
        self.with_prepended(first, args, |vm, args| vm.call_kw(callable, args))
    }

    /// Runs `body` with `first` in front of the arguments.
    #[inline]
    pub fn with_prepended<R>(
        &mut self,
        first: Value,
        args: &CallArgs,
        body: impl FnOnce(&mut Vm, &CallArgs) -> R,
    ) -> R {
        let count = args.values.len() + 1;
        if count <= SMALL {
            let mut values = [Value::NULL; SMALL];
            values[0] = first;
            values[1..count].copy_from_slice(args.values);
            return body(self, &CallArgs { values: &values[..count], names: args.names });
        }
        let mut scratch = self.scratch(count);
        let values = scratch.values(self);
        values[0] = first;
        values[1..].copy_from_slice(args.values);
        let result = body(self, &CallArgs { values, names: args.names });
        scratch.end(self);
        result
    }

    /// Room for `count` values on top of the value stack, where the collector sees them.
    pub fn scratch(&mut self, count: usize) -> Scratch {
        let Some(base) = self.thread.values(count) else { heap::refuse() };
        Scratch { base, count }
    }
}

/// Values on top of the value stack; ended in the opposite order of beginning.
pub struct Scratch {
    base: *mut Value,
    count: usize,
}

impl Scratch {
    pub fn values<'a>(&mut self, _vm: &Vm) -> &'a mut [Value] {
        // SAFETY: the stack from `base` is ours until `end`.
        unsafe { std::slice::from_raw_parts_mut(self.base, self.count) }
    }

    pub fn end(self, vm: &mut Vm) {
        debug_assert_eq!(vm.thread.top, self.base.wrapping_add(self.count), "scratch areas nest");
        vm.thread.top = self.base;
    }
}
