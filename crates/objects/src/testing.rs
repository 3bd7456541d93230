//! What the unit tests of containers share.

use crate::vm::Vm;
use heap::{Config, Heap, Value};
use metatrace::Jit;

/// Runs a test twice: as usual, and with a collection at every allocation.
pub fn with_vms(test: fn(&mut Vm)) {
    for stress in [0, 7] {
        let config = Config { stress, poison: true, ..Config::default() };
        let mut vm = Vm::new(Heap::new(config), Jit::new(u32::MAX));
        test(&mut vm);
    }
}

/// The ints of a list.
pub fn ints(values: &[Value]) -> Vec<i64> {
    values.iter().map(|value| value.as_int()).collect()
}

/// A list of ints.
pub fn int_list(vm: &mut Vm, ints: &[i64]) -> Value {
    let list = vm.new_list(&[]);
    for &i in ints {
        vm.list_append(list, Value::from_int(i));
    }
    list
}

/// The repr of a value as text.
pub fn repr(vm: &mut Vm, value: Value) -> String {
    match vm.repr(value) {
        Ok(text) => vm.text_of(text),
        Err(raised) => format!("raised {}", error(vm, raised)),
    }
}

/// Type and message of an exception.
pub fn error(vm: &mut Vm, raised: crate::error::Raised) -> String {
    let name = vm.type_name(raised.0);
    match vm.str_of(raised.0) {
        Ok(text) => format!("{name}: {}", vm.text_of(text)),
        Err(_) => name,
    }
}

/// A deterministic sequence of numbers below `bound`.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % bound
    }
}
