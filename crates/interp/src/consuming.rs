//! Native functions that take all values of a generator, as loops of the guest: `sum(x * y for x, y in pairs)`. The native function's loop
//! no trace sees, and each value that it asks for enters and leaves compiled code.
//!
//! Where the generator's code has been called often, the handler of the call goes on in a Python function that does the same, in a frame
//! which nobody is shown. Where a native function has taken many values already, it leaves the others to that function. The function is
//! one of its own for each code of a generator, so that its loop's traces are about one generator each.

use crate::{execute, load};
use heap::Value;
use metatrace::Handle;
use objects::args::{Consumer, PATIENCE};
use objects::builtin_layouts::Function;
use objects::code::Code;
use objects::error::PyResult;
use objects::layout::cast;
use objects::shape::Kind;
use objects::vm::Vm;
use std::collections::HashMap;
use std::sync::Arc;

/// A generator's code that was called so often is worth a function of its own.
pub const OFTEN: u32 = 32;

/// More functions are not made: each is some memory, and programs that make ever more code have ever more generators.
const MOST: usize = 4096;

#[derive(Default)]
struct Consumers {
    /// The functions that are the models of all others, by name, and their globals.
    models: Option<(&'static HashMap<&'static str, Arc<syntax::Code>>, Handle)>,
    functions: HashMap<(Consumer, usize), &'static Plan>,
}

/// Who takes the values.
#[derive(Clone, Copy)]
pub enum Plan {
    Function(Handle),
    /// The native function: there are too many others, or there was no memory.
    Native,
}

/// Who takes the values of generators of this code.
pub fn plan(vm: &mut Vm, consumer: Consumer, code: &'static Code) -> &'static Plan {
    let key = (consumer, std::ptr::from_ref(code).addr());
    let known = &vm.extension::<Consumers>().functions;
    if let Some(plan) = known.get(&key) {
        return plan;
    }
    if known.len() >= MOST {
        return &Plan::Native;
    }
    let Ok(function) = make(vm, consumer) else { return &Plan::Native };
    let plan: &'static Plan = Box::leak(Box::new(Plan::Function(vm.thread.new_handle(function))));
    vm.extension::<Consumers>().functions.insert(key, plan);
    plan
}

fn make(vm: &mut Vm, consumer: Consumer) -> PyResult {
    let (models, globals) = match vm.extension::<Consumers>().models {
        Some(models) => models,
        None => {
            let models = make_models(vm)?;
            vm.extension::<Consumers>().models = Some(models);
            models
        }
    };
    let code = load::load(vm, models[consumer.name()].clone());
    code.is_hidden.set(true);
    let globals = vm.thread.handle(globals);
    vm.new_function(code, globals)
}

fn make_models(vm: &mut Vm) -> PyResult<(&'static HashMap<&'static str, Arc<syntax::Code>>, Handle)> {
    let code = load::compile(vm, include_str!("consuming.py"), "<frozen builtins>", syntax::Mode::Exec)?;
    let made = vm.new_dict();
    execute::run_module_code(vm, code, made)?;
    let mut models = HashMap::new();
    for consumer in Consumer::ALL {
        let name = vm.intern(consumer.name());
        let function = vm.getitem(made, name)?;
        let code = Code::from_token(cast::<Function>(function).code.get());
        models.insert(consumer.name(), code.source.clone());
    }
    let globals = vm.new_namespace();
    let types = [vm.types.bool_, vm.types.complex, vm.types.float, vm.types.int, vm.types.type_, vm.exc.value_error];
    for ty in types {
        let name = vm.intern(&ty.name());
        vm.dict_set(globals, name, ty.value())?;
    }
    let to_float = vm.getattr_str(vm.types.int.value(), "__float__")?;
    let is_long = vm.intern("is_long");
    let is_long = vm.getitem(made, is_long)?;
    cast::<Function>(is_long).globals.set(globals);
    let (native_sum, is_instance) = (crate::builtins::function(vm, "sum"), crate::builtins::function(vm, "isinstance"));
    let functions =
        [("native_sum", native_sum), ("isinstance", is_instance), ("to_float", to_float), ("is_long", is_long)];
    for (name, value) in functions {
        let name = vm.intern(name);
        vm.dict_set(globals, name, value)?;
    }
    Ok((Box::leak(Box::new(models)), vm.thread.new_handle(globals)))
}

/// How many values a native function takes before it leaves the rest to a loop of the guest.
pub struct Patience(u32);

impl Default for Patience {
    fn default() -> Patience {
        Patience(PATIENCE as u32)
    }
}

impl Patience {
    /// Counts a value. Whether it is time to [`go_on`] with the rest: it is a generator's, and nobody watches calls.
    #[inline(always)]
    pub fn is_over(&mut self, vm: &Vm, iterator: Value) -> bool {
        self.0 = self.0.wrapping_sub(1);
        self.0 == 0 && vm.kind(iterator) == Kind::Generator && !vm.thread.observed && !is_deep(vm)
    }
}

/// Whether so many frames stand that recursion may be under way: a frame that nobody sees would count among those that are allowed.
#[inline(always)]
pub fn is_deep(vm: &Vm) -> bool {
    vm.thread.depth > vm.thread.depth_limit / 8
}

/// The values that a generator still has, as a list; `None`: the native function is to go on itself.
pub fn rest_of(vm: &mut Vm, generator: Value) -> Option<PyResult> {
    let none = vm.none;
    if is_deep(vm) { None } else { go_on(vm, Consumer::List, &[generator, none]) }
}

/// What the native function gives that has come so far; `None`: it is to go on itself. The first of `arguments` is the generator.
pub fn go_on(vm: &mut Vm, consumer: Consumer, arguments: &[Value]) -> Option<PyResult> {
    let code = crate::generator_object::code_of(arguments[0]);
    let Plan::Function(function) = *plan(vm, consumer, code) else { return None };
    let function = vm.thread.handle(function);
    Some(vm.call(function, arguments))
}
