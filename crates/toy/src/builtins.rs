//! Functions that traces call and do not look into.

use crate::code::Symbol;
use crate::errors::GuestError;
use crate::object::{Class, LIST_ITEMS, LIST_LEN, Method};
use crate::vm::{Vm, word};
use heap::Value;
use metatrace::{CallEffect, Callee, Function, Language, Ty};

pub(crate) static PRINT: Callee = Callee {
    name: "print",
    function: Function::F1(print),
    operands: &[Ty::Ref],
    result: Ty::Ref,
    effect: CallEffect::Writes,
};
pub(crate) static CONCAT: Callee = Callee {
    name: "concat",
    function: Function::F2(concat),
    operands: &[Ty::Ref, Ty::Ref],
    result: Ty::Ref,
    effect: CallEffect::Allocates,
};
pub(crate) static STR_EQ: Callee = Callee {
    name: "str_eq",
    function: Function::F2(str_eq),
    operands: &[Ty::Ref, Ty::Ref],
    result: Ty::Bool,
    effect: CallEffect::Pure,
};
pub(crate) static STR_CMP: Callee = Callee {
    name: "str_cmp",
    function: Function::F2(str_cmp),
    operands: &[Ty::Ref, Ty::Ref],
    result: Ty::Int,
    effect: CallEffect::Pure,
};
pub(crate) static GROW: Callee = Callee {
    name: "grow",
    function: Function::F1(grow),
    operands: &[Ty::Ref],
    result: Ty::Ref,
    effect: CallEffect::Writes,
};
/// May raise, and changes what lookups find.
pub(crate) static SET_METHOD: Callee = Callee {
    name: "set_method",
    function: Function::F3(set_method),
    operands: &[Ty::Ref, Ty::Int, Ty::Ref],
    result: Ty::Ref,
    effect: CallEffect::RunsGuest,
};
/// Looks at the guest's frames.
pub(crate) static DEPTH: Callee = Callee {
    name: "depth",
    function: Function::F0(depth),
    operands: &[],
    result: Ty::Int,
    effect: CallEffect::RunsGuest,
};

/// Strings beyond this many bytes are an error of the program.
const STRING_LIMIT: usize = 1000;

fn vm(context: *mut u8) -> &'static mut Vm {
    // SAFETY: traces pass the context that they were entered with.
    unsafe { &mut *context.cast::<Vm>() }
}

extern "C" fn print(context: *mut u8, value: u64) -> u64 {
    let vm = vm(context);
    let text = vm.show(Value(value));
    vm.output.push(text);
    vm.nil.0
}

extern "C" fn concat(context: *mut u8, a: u64, b: u64) -> u64 {
    let vm = vm(context);
    let len = [a, b].iter().map(|&word| vm.str_of(Value(word)).expect("a string").len()).sum::<usize>();
    if len > STRING_LIMIT {
        return Value::NULL.0;
    }
    let text = [a, b].map(|word| vm.str_of(Value(word)).expect("a string").to_vec()).concat();
    vm.new_str(&text).0
}

extern "C" fn str_eq(context: *mut u8, a: u64, b: u64) -> u64 {
    let vm = vm(context);
    (vm.str_of(Value(a)) == vm.str_of(Value(b))) as u64
}

extern "C" fn str_cmp(context: *mut u8, a: u64, b: u64) -> u64 {
    let vm = vm(context);
    vm.str_of(Value(a)).cmp(&vm.str_of(Value(b))) as i64 as u64
}

/// Gives a full list an array of twice the size; the array.
extern "C" fn grow(context: *mut u8, list: u64) -> u64 {
    let vm = vm(context);
    let list = Value(list);
    let len = word(list, LIST_LEN.offset) as usize;
    let array = vm.thread.heap.alloc_tail(vm.array.id, 16, (len * 2).max(4));
    vm.thread.heap.write_barrier(array);
    let old = word(list, LIST_ITEMS.offset);
    // SAFETY: both arrays have room for `len` items behind two words.
    unsafe { std::ptr::copy_nonoverlapping((old + 16) as *const u64, (array.0 + 16) as *mut u64, len) };
    vm.thread.heap.write_barrier(list);
    // SAFETY: a list has this word.
    unsafe { *((list.0 + LIST_ITEMS.offset as u64) as *mut Value) = array };
    array.0
}

extern "C" fn set_method(context: *mut u8, class: u64, name: u64, function: u64) -> u64 {
    let vm = vm(context);
    let raise = |vm: &mut Vm, error: GuestError| {
        let exception = vm.thread.handle(vm.errors[error as usize]);
        crate::toy::Toy::set_exception(vm, exception);
        Value::NULL.0
    };
    let Some(class): Option<&'static Class> = vm.class_of(Value(class)) else {
        return raise(vm, GuestError::NotAClass);
    };
    let Some(code) = vm.code_of(Value(function)) else { return raise(vm, GuestError::NotAFunction) };
    let name = Symbol(name as u32);
    let method: &'static Method = Box::leak(Box::new(Method { code: Some(code) }));
    let mut methods = class.methods.borrow_mut();
    methods.retain(|(known, _)| *known != name);
    methods.push((name, method));
    drop(methods);
    vm.thread.jit.invalidate(class.assumption);
    vm.nil.0
}

/// A checksum of the guest's frames: their number and the integers in their locals.
extern "C" fn depth(context: *mut u8) -> u64 {
    let vm = vm(context);
    // Reading must see what forcing makes.
    let read: Vec<_> = vm.thread.frames().map(|view| (view.code as *const _, view.pc, view.slot(0))).collect();
    let records: Vec<_> = vm.thread.records().collect();
    assert_eq!(read.len(), records.len());
    let mut sum = 0i64;
    for ((code, pc, first), record) in read.into_iter().zip(records) {
        // SAFETY: the record is of a frame that is still there.
        let record = unsafe { *record };
        assert!(std::ptr::eq(code, record.code) && pc == record.pc);
        // SAFETY: every frame has a slot.
        assert!(record.code.locals == 0 || first.is_none_or(|first| first == unsafe { *record.slots }));
        sum += 1_000_000;
        for at in 0..record.code.locals as usize {
            // SAFETY: the frame has a slot for each local.
            let slot = unsafe { *record.slots.add(at) };
            if slot.is_int() {
                sum += slot.as_int() % 1000;
            }
        }
    }
    sum as u64
}

/// Somebody asked for attention: there is nothing to do but to note it.
pub(crate) fn attend(vm: &mut Vm) {
    vm.thread.take_poll();
}
