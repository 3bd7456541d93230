//! `traceback`: where an exception passed.

use crate::args::{CallArgs, GetSetDef, MethodDef, Signature};
use crate::builtin_layouts::Traceback;
use crate::error::PyResult;
use crate::layout::{cast, value_of};
use crate::shape::Kind;
use crate::slots::Slots;
use crate::ty::{TypeRef, TypeSpec};
use crate::vm::Vm;
use heap::Value;

impl Vm {
    /// An entry in front of `next` (NULL or a traceback): the frame, the decoded index of the instruction, its line.
    pub fn new_traceback(&mut self, next: Value, frame: Value, instruction: u32, line: i64) -> Value {
        let shape = self.types.traceback.data().shape.get().expect("tracebacks have a shape");
        let traceback = self.alloc::<Traceback>(shape);
        traceback.next.set(next);
        traceback.frame.set(frame);
        traceback.instruction.set(instruction as i64);
        traceback.line.set(line);
        value_of(traceback)
    }
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.traceback = vm.new_builtin_type(
        TypeSpec {
            slots: Slots { new: Some(new), ..Slots::default() },
            methods: const {
                &[MethodDef::method("__dir__", 1, 1, |vm, _| {
                    let names = ["tb_frame", "tb_next", "tb_lasti", "tb_lineno"].map(|name| vm.intern(name));
                    Ok(vm.new_list(&names))
                })
                .with_doc("__dir__($self, /)\n--\n\n")]
            },
            getset: const {
                &[
                    GetSetDef::new("tb_next", |vm, tb| Ok(or_none(vm, cast::<Traceback>(tb).next.get())), set_next),
                    GetSetDef::read_only("tb_frame", |vm, tb| Ok(or_none(vm, cast::<Traceback>(tb).frame.get()))),
                    GetSetDef::read_only("tb_lasti", get_lasti),
                    GetSetDef::read_only("tb_lineno", |vm, tb| Ok(vm.int(cast::<Traceback>(tb).line.get()))),
                ]
            },
            doc: "traceback(tb_next, tb_frame, tb_lasti, tb_lineno)\n--\n\nCreate a new traceback object.",
            ..TypeSpec::of::<Traceback>("traceback", Kind::Other)
        },
        object,
    );
}

fn or_none(vm: &Vm, value: Value) -> Value {
    if value.is_null() { vm.none } else { value }
}

/// The byte offset that CPython shows, from the code of the frame.
fn get_lasti(vm: &mut Vm, traceback: Value) -> PyResult {
    let object = cast::<Traceback>(traceback);
    let instruction = object.instruction.get();
    let frame = object.frame.get();
    if frame.is_null() {
        return Ok(vm.int(instruction));
    }
    if let Some(code) = vm.getattr_str_opt(frame, "f_code")?
        && vm.kind(code) == Kind::Code
    {
        let offsets = &crate::code_object::data_of(code).source.raw_offsets;
        if let Some(&offset) = offsets.get(instruction as usize) {
            return Ok(vm.int(offset as i64));
        }
    }
    Ok(vm.int(instruction))
}

fn set_next(vm: &mut Vm, traceback: Value, next: Value) -> PyResult<()> {
    if next.is_null() {
        return Err(vm.type_error("can't delete tb_next attribute"));
    }
    let next = if next == vm.none { Value::NULL } else { next };
    if !next.is_null() && vm.type_of(next) != vm.types.traceback {
        let given = vm.type_name(next);
        return Err(vm.type_error(format!("expected traceback object or None, got '{given}'")));
    }
    let mut at = next;
    while !at.is_null() {
        if at == traceback {
            return Err(vm.value_error("traceback loop detected"));
        }
        at = cast::<Traceback>(at).next.get();
    }
    vm.write(traceback, &cast::<Traceback>(traceback).next, next);
    Ok(())
}

fn new(vm: &mut Vm, _: TypeRef, args: &CallArgs) -> PyResult {
    let [next, frame, lasti, line] = args.bind(
        vm,
        "traceback",
        &Signature {
            parameters: ["tb_next", "tb_frame", "tb_lasti", "tb_lineno"],
            skip: 0,
            positional_only: 0,
            max_positional: 4,
            required: 4,
        },
    )?;
    if next != vm.none && vm.type_of(next) != vm.types.traceback {
        let given = vm.type_name(next);
        return Err(vm.type_error(format!("expected traceback object or None, got '{given}'")));
    }
    if vm.type_name(frame) != "frame" {
        let given = vm.type_name(frame);
        return Err(vm.type_error(format!("traceback() argument 'tb_frame' must be frame, not {given}")));
    }
    let (lasti, line) = (vm.index(lasti)?, vm.index(line)?);
    let mut instruction = lasti.max(0) as u32;
    if let Some(code) = vm.getattr_str_opt(frame, "f_code")?
        && vm.kind(code) == Kind::Code
    {
        instruction = crate::code_object::data_of(code).source.index_of_offset(instruction) as u32;
    }
    let next = if next == vm.none { Value::NULL } else { next };
    Ok(vm.new_traceback(next, frame, instruction, line))
}
