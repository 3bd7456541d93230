//! `reversed`: `__reversed__`, or the sequence by subscripts from its end.

use crate::args::{CallArgs, MethodDef};
use crate::arity;
use crate::builtin_layouts::SequenceIterator;
use crate::error::PyResult;
use crate::iterators::{ends_subscripts, state_position};
use crate::layout::cast;
use crate::shape::Kind;
use crate::slots::Slots;
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

pub(super) fn init(vm: &mut Vm) {
    let spec = TypeSpec {
        flags: flags::BASETYPE,
        slots: Slots { new: Some(new), iter: Some(|_, iterator| Ok(iterator)), next: Some(next), ..Slots::default() },
        methods: METHODS,
        doc: "Return a reverse iterator over the values of the given sequence.",
        ..TypeSpec::of::<SequenceIterator>("reversed", Kind::Other)
    };
    vm.types.reversed = vm.new_builtin_type(spec, vm.types.object);
}

fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    arity::no_keywords_unless_derived(vm, vm.types.reversed, ty, args)?;
    arity::positional_count(vm, "reversed", args.args(), 1, 1)?;
    let sequence = args.values[0];
    let name = vm.names.__reversed__;
    let class = vm.type_of(sequence);
    if vm.lookup_type(class, name) == Some(vm.none) {
        return not_reversible(vm, sequence);
    }
    if let Some(result) = vm.call_special_opt(sequence, name, &[]) {
        return result;
    }
    let is_sequence = {
        let slots = class.slots();
        slots.getitem.is_some() && slots.len.is_some() && !class.has(flags::MAPPING)
    };
    if !is_sequence {
        return not_reversible(vm, sequence);
    }
    let len = vm.len(sequence)?;
    let value = vm.new_instance(ty);
    let iterator = cast::<SequenceIterator>(value);
    iterator.index.set(len - 1);
    vm.write(value, &iterator.sequence, sequence);
    Ok(value)
}

fn not_reversible(vm: &mut Vm, value: Value) -> PyResult {
    let name = vm.type_name(value);
    Err(vm.type_error(format!("'{name}' object is not reversible")))
}

fn next(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let iterator = cast::<SequenceIterator>(value);
    let sequence = iterator.sequence.get();
    let index = iterator.index.get();
    if sequence.is_null() || index < 0 {
        iterator.sequence.set(Value::NULL);
        return Ok(None);
    }
    match vm.getitem(sequence, Value::from_int(index)) {
        Ok(item) => {
            iterator.index.set(index - 1);
            Ok(Some(item))
        }
        Err(raised) => {
            iterator.index.set(-1);
            iterator.sequence.set(Value::NULL);
            if ends_subscripts(vm, raised.0) { Ok(None) } else { Err(raised) }
        }
    }
}

static METHODS: &[MethodDef] = &[
    MethodDef::method("__length_hint__", 1, 1, |vm, args| {
        let iterator = cast::<SequenceIterator>(args.values[0]);
        if iterator.sequence.get().is_null() {
            return Ok(Value::from_int(0));
        }
        let len = vm.len(iterator.sequence.get())?;
        let position = iterator.index.get() + 1;
        Ok(Value::from_int(if len < position { 0 } else { position }))
    })
    .with_doc("Private method returning an estimate of len(list(it))."),
    MethodDef::method("__reduce__", 1, 1, |vm, args| {
        let iterator = cast::<SequenceIterator>(args.values[0]);
        let class = vm.type_of(args.values[0]).value();
        let sequence = iterator.sequence.get();
        if sequence.is_null() {
            let arguments = vm.new_tuple(&[vm.empty_tuple]);
            return Ok(vm.new_tuple(&[class, arguments]));
        }
        let arguments = vm.new_tuple(&[sequence]);
        Ok(vm.new_tuple(&[class, arguments, Value::from_int(iterator.index.get())]))
    })
    .leaf()
    .with_doc("Return state information for pickling."),
    MethodDef::method("__setstate__", 2, 2, |vm, args| {
        let position = state_position(vm, args.values[1])?;
        let iterator = cast::<SequenceIterator>(args.values[0]);
        if !iterator.sequence.get().is_null() {
            let len = vm.len(iterator.sequence.get())?;
            iterator.index.set(position.clamp(-1, len - 1));
        }
        Ok(vm.none)
    })
    .with_doc("Set state information for unpickling."),
];
