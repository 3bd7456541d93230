//! The type of frame objects, and the mapping that their `f_locals` is.

use crate::frame_object::{self, FrameObject, code_of};
use crate::slots::{self, FIRST_LOCAL};
use heap::Value;
use metatrace::Record;
use objects::args::{CallArgs, GetSetDef, MethodDef};
use objects::builtin_layouts::{CellObject, Function};
use objects::error::PyResult;
use objects::layout;
use objects::layout::{cast, value_of};
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::value_vec::ValueVec;
use objects::vm::{Python, Vm};

layout! {
    /// `f_locals` of a function's frame: reads and writes the frame's variables.
    LocalsProxy {
        frame FRAME: Value, immutable;
    }
}

/// The innermost Python frame, or the one `depth` below it; `None` if there are not so many.
pub fn frame_at(vm: &mut Vm, depth: usize) -> Option<Value> {
    let record = vm.thread.records().filter(is_shown).nth(depth)?;
    // SAFETY: the record of a live frame.
    Some(unsafe { frame_object::of_record(vm, record) })
}

/// Whether the record is of a frame that is no native function's.
fn is_shown(record: &*mut Record<Python>) -> bool {
    // SAFETY: the record of a live frame.
    unsafe { !(**record).code.is_hidden.get() }
}

/// The frame object of a suspended or running generator.
pub fn of_generator(vm: &mut Vm, generator: Value) -> Value {
    use crate::generator::{GeneratorObject, state};
    let object = cast::<GeneratorObject>(generator);
    if object.state.get() == state::RUNNING {
        let running = vm.thread.records().find(|record| {
            // SAFETY: records of live frames; their slots are valid.
            unsafe { *(**record).slots.add(slots::GENERATOR) == generator }
        });
        if let Some(record) = running {
            // SAFETY: the record of a live frame.
            return unsafe { frame_object::of_record(vm, record) };
        }
    }
    let slot = |index: usize| {
        let base = generator.0 as usize + size_of::<GeneratorObject>();
        // SAFETY: the generator has all slots of its code.
        unsafe { *((base + index * 8) as *const Value) }
    };
    if !slot(slots::FRAME_OBJECT).is_null() {
        return slot(slots::FRAME_OBJECT);
    }
    let function = slot(slots::FUNCTION);
    let pc = object.pc.get().max(1) - 1;
    let frame = frame_object::new(vm, function, pc);
    let count = (code_of(frame).first_local + code_of(frame).local_count) as usize;
    let mut values = ValueVec::new();
    for index in 0..count {
        values.push(vm, slot(index));
    }
    frame_object::keep(vm, frame, values.as_slice());
    frame
}

/// The mapping that holds the variables of a frame; NULL if the frame does: of a function, or of a module or class inside a
/// comprehension, whose variables are none of the mapping's (PEP 709).
fn namespace(vm: &mut Vm, frame: Value) -> Value {
    let namespace = frame_object::slot(vm, frame, slots::LOCALS);
    let kinds = &code_of(frame).source.local_kinds;
    let in_comprehension =
        |vm: &mut Vm| (0..kinds.len()).any(|i| kinds[i].is_hidden() && !variable(vm, frame, i).is_null());
    if !namespace.is_null() && in_comprehension(vm) { Value::NULL } else { namespace }
}

/// The variables of a frame: a namespace's mapping, or a dict of a function's variables that have values.
pub fn locals_snapshot(vm: &mut Vm, frame: Value) -> PyResult {
    let namespace = namespace(vm, frame);
    if !namespace.is_null() {
        return Ok(namespace);
    }
    let dict = vm.new_dict();
    for (name, value) in variables(vm, frame).pairs() {
        vm.dict_set(dict, name, value)?;
    }
    Ok(dict)
}

/// `locals()` of the calling frame.
pub fn current_locals(vm: &mut Vm) -> PyResult {
    match frame_at(vm, 0) {
        Some(frame) => locals_snapshot(vm, frame),
        None => Err(vm.runtime_error("no current frame")),
    }
}

/// Names and values of a frame's variables, in order.
struct Variables {
    flat: ValueVec,
}

impl Variables {
    fn pairs(&self) -> impl Iterator<Item = (Value, Value)> + use<> {
        self.flat.as_slice().chunks_exact(2).map(|pair| (pair[0], pair[1]))
    }
}

fn variables(vm: &mut Vm, frame: Value) -> Variables {
    let code = code_of(frame);
    let mut flat = ValueVec::new();
    for i in 0..code.local_count as usize {
        let value = variable(vm, frame, i);
        if !value.is_null() {
            flat.push(vm, code.local_names[i]);
            flat.push(vm, value);
        }
    }
    let extra = cast::<FrameObject>(frame).extra.get();
    if !extra.is_null() {
        let mut at = 0;
        while let Some((name, value)) = vm.dict_next(extra, &mut at) {
            flat.push(vm, name);
            flat.push(vm, value);
        }
    }
    Variables { flat }
}

/// The value of local `i`, through its cell if it has one; NULL if unset.
fn variable(vm: &mut Vm, frame: Value, i: usize) -> Value {
    let value = frame_object::slot(vm, frame, FIRST_LOCAL + i);
    match cell_of(vm, frame, i, value) {
        Some(cell) => cast::<CellObject>(cell).content.get(),
        None => value,
    }
}

/// The cell of local `i`, if the frame has made it already.
fn cell_of(vm: &Vm, frame: Value, i: usize, value: Value) -> Option<Value> {
    let kind = code_of(frame).source.local_kinds[i];
    let may_be_cell = kind.is_cell() || kind.is_free();
    (may_be_cell && value.is_object() && vm.kind(value) == Kind::Cell).then_some(value)
}

fn set_variable(vm: &mut Vm, frame: Value, i: usize, value: Value) {
    let current = frame_object::slot(vm, frame, FIRST_LOCAL + i);
    match cell_of(vm, frame, i, current) {
        Some(cell) => vm.write(cell, &cast::<CellObject>(cell).content, value),
        None => frame_object::set_slot(vm, frame, FIRST_LOCAL + i, value),
    }
}

fn index_of(vm: &mut Vm, frame: Value, name: Value) -> Option<usize> {
    let code = code_of(frame);
    if !vm.is_str(name) {
        return None;
    }
    let bytes = vm.str_bytes(name);
    // A name that a comprehension hides may be there twice: the one that has a value is meant.
    let named = |vm: &Vm, i: &usize| vm.str_bytes(code.local_names[*i]) == bytes;
    let set = |vm: &mut Vm, i: usize| !code.source.local_kinds[i].is_hidden() || !variable(vm, frame, i).is_null();
    (0..code.local_count as usize).find(|&i| named(vm, &i) && set(vm, i))
}

fn f_back(vm: &mut Vm, frame: Value) -> PyResult {
    if let Some(record) = frame_object::record_of(vm, frame) {
        let caller = vm.thread.records().skip_while(|other| *other != record).skip(1).find(is_shown);
        return Ok(match caller {
            // SAFETY: the record of a live frame.
            Some(caller) => unsafe { frame_object::of_record(vm, caller) },
            None => vm.none,
        });
    }
    let back = cast::<FrameObject>(frame).back.get();
    Ok(if back.is_null() { vm.none } else { back })
}

fn f_locals(vm: &mut Vm, frame: Value) -> PyResult {
    let namespace = namespace(vm, frame);
    if !namespace.is_null() {
        return Ok(namespace);
    }
    let shape = crate::state::shapes(vm).locals_proxy;
    let proxy = vm.alloc::<LocalsProxy>(shape);
    proxy.frame.set(frame);
    Ok(value_of(proxy))
}

fn f_lineno(vm: &mut Vm, frame: Value) -> PyResult {
    let pc = frame_object::instruction(vm, frame);
    Ok(match code_of(frame).source.position(pc.max(0) as usize).line {
        Some(line) => vm.int(line as i64),
        None => vm.none,
    })
}

fn f_lasti(vm: &mut Vm, frame: Value) -> PyResult {
    let pc = frame_object::instruction(vm, frame);
    let offset = code_of(frame).source.raw_offsets.get(pc.max(0) as usize).copied().unwrap_or(0);
    Ok(vm.int(offset as i64))
}

fn f_builtins(_vm: &mut Vm, frame: Value) -> PyResult {
    Ok(cast::<Function>(cast::<FrameObject>(frame).function.get()).builtins.get())
}

fn f_globals(_vm: &mut Vm, frame: Value) -> PyResult {
    Ok(cast::<Function>(cast::<FrameObject>(frame).function.get()).globals.get())
}

fn f_generator(vm: &mut Vm, frame: Value) -> PyResult {
    let generator = frame_object::slot(vm, frame, slots::GENERATOR);
    Ok(if generator.is_null() { vm.none } else { generator })
}

fn get_trace(vm: &mut Vm, frame: Value) -> PyResult {
    let trace = cast::<FrameObject>(frame).trace.get();
    Ok(if trace.is_null() { vm.none } else { trace })
}

fn set_trace(vm: &mut Vm, frame: Value, value: Value) -> PyResult<()> {
    let value = if value == vm.none { Value::NULL } else { value };
    vm.write(frame, &cast::<FrameObject>(frame).trace, value);
    Ok(())
}

/// A setter for a flag, which takes a bool and nothing else.
fn flag(vm: &mut Vm, value: Value) -> PyResult<i64> {
    match value {
        value if value == vm.true_ => Ok(1),
        value if value == vm.false_ => Ok(0),
        value if value.is_null() => Err(vm.type_error("can't delete numeric/char attribute")),
        _ => Err(vm.type_error("attribute value type must be bool")),
    }
}

static GETTERS: [GetSetDef; 11] = [
    GetSetDef::read_only("f_back", f_back),
    GetSetDef::read_only("f_code", |_, frame| Ok(code_of(frame).object.get())),
    GetSetDef::read_only("f_globals", f_globals),
    GetSetDef::read_only("f_builtins", f_builtins),
    GetSetDef::read_only("f_locals", f_locals),
    GetSetDef::new("f_lineno", f_lineno, crate::observe::set_line),
    GetSetDef::read_only("f_lasti", f_lasti),
    GetSetDef::read_only("f_generator", f_generator),
    GetSetDef::new("f_trace", get_trace, set_trace),
    GetSetDef::new(
        "f_trace_lines",
        |vm, frame| Ok(vm.bool(cast::<FrameObject>(frame).trace_lines.get() != 0)),
        |vm, frame, value| {
            let on = flag(vm, value)?;
            cast::<FrameObject>(frame).trace_lines.set(on);
            Ok(())
        },
    ),
    GetSetDef::new(
        "f_trace_opcodes",
        |vm, frame| Ok(vm.bool(cast::<FrameObject>(frame).trace_opcodes.get() != 0)),
        |vm, frame, value| {
            let on = flag(vm, value)?;
            cast::<FrameObject>(frame).trace_opcodes.set(on);
            Ok(())
        },
    ),
];

fn clear(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let frame = args.values[0];
    if frame_object::record_of(vm, frame).is_some() {
        return Err(vm.runtime_error("cannot clear an executing frame"));
    }
    frame_object::keep(vm, frame, &[]);
    let object = cast::<FrameObject>(frame);
    object.kept.set(Value::NULL);
    Ok(vm.none)
}

static METHODS: [MethodDef; 1] =
    [MethodDef::method("clear", 1, 1, clear)
        .with_doc("clear($self, /)\n--\n\nClear all references held by the frame.")];

fn repr(vm: &mut Vm, frame: Value) -> PyResult {
    let code = code_of(frame);
    let pc = frame_object::instruction(vm, frame);
    let (id, line) = (vm.thread.heap.id(frame), frame_object::line_of(frame, pc));
    let (file, name) = (vm.text_of(code.filename), vm.text_of(code.name));
    Ok(vm.new_str(&format!("<frame at {id:#x}, file '{file}', line {line}, code {name}>")))
}

pub fn make_type(vm: &mut Vm) -> TypeRef {
    let object = vm.types.object;
    vm.new_builtin_type(
        TypeSpec {
            flags: flags::NO_NEW,
            slots: Slots { repr: Some(repr), ..Slots::default() },
            methods: &METHODS,
            getset: &GETTERS,
            ..TypeSpec::of::<FrameObject>("frame", Kind::Other)
        },
        object,
    )
}

// The mapping.

fn frame_of(proxy: Value) -> Value {
    cast::<LocalsProxy>(proxy).frame.get()
}

fn proxy_get(vm: &mut Vm, proxy: Value, key: Value) -> PyResult<Option<Value>> {
    let frame = frame_of(proxy);
    if let Some(i) = index_of(vm, frame, key) {
        let value = variable(vm, frame, i);
        return Ok(if value.is_null() { None } else { Some(value) });
    }
    let extra = cast::<FrameObject>(frame).extra.get();
    if extra.is_null() { Ok(None) } else { vm.dict_get(extra, key) }
}

fn proxy_getitem(vm: &mut Vm, proxy: Value, key: Value) -> PyResult {
    match proxy_get(vm, proxy, key)? {
        Some(value) => Ok(value),
        None => {
            let text = vm.repr(key)?;
            let text = vm.text_of(text);
            let message = vm.new_str(&format!("local variable '{text}' is not defined"));
            Err(vm.key_error(message))
        }
    }
}

fn proxy_setitem(vm: &mut Vm, proxy: Value, key: Value, value: Value) -> PyResult<()> {
    let frame = frame_of(proxy);
    if value.is_null() {
        return Err(vm.value_error("cannot remove local variables from FrameLocalsProxy"));
    }
    if let Some(i) = index_of(vm, frame, key) {
        set_variable(vm, frame, i, value);
        return Ok(());
    }
    let object = cast::<FrameObject>(frame);
    if object.extra.get().is_null() {
        let dict = vm.new_dict();
        vm.write(frame, &object.extra, dict);
    }
    let extra = cast::<FrameObject>(frame).extra.get();
    vm.dict_set(extra, key, value)
}

fn as_dict(vm: &mut Vm, proxy: Value) -> PyResult {
    let dict = vm.new_dict();
    for (name, value) in variables(vm, frame_of(proxy)).pairs() {
        vm.dict_set(dict, name, value)?;
    }
    Ok(dict)
}

macro_rules! through_dict {
    ($($name:literal, $min:literal, $max:literal;)*) => {
        [$(MethodDef::method($name, $min, $max, |vm, args| {
            let dict = as_dict(vm, args.values[0])?;
            vm.call_method(dict, $name, &args.values[1..])
        }),)*
        MethodDef::method("get", 2, 3, |vm, args| {
            let default = args.get(2).unwrap_or(vm.none);
            Ok(proxy_get(vm, args.values[0], args.values[1])?.unwrap_or(default))
        }),
        MethodDef::method("update", 2, 2, |vm, args| {
            let items = vm.new_dict();
            crate::unpack::update_dict(vm, items, args.values[1])?;
            let mut at = 0;
            while let Some((name, value)) = vm.dict_next(items, &mut at) {
                proxy_setitem(vm, args.values[0], name, value)?;
            }
            Ok(vm.none)
        })]
    };
}

static PROXY_METHODS: [MethodDef; 7] = through_dict! {
    "keys", 1, 1;
    "values", 1, 1;
    "items", 1, 1;
    "copy", 1, 1;
    "__reversed__", 1, 1;
};

pub fn make_locals_type(vm: &mut Vm) -> TypeRef {
    let object = vm.types.object;
    vm.new_builtin_type(
        TypeSpec {
            flags: flags::NO_NEW | flags::MAPPING,
            slots: Slots {
                getitem: Some(proxy_getitem),
                setitem: Some(proxy_setitem),
                contains: Some(|vm, proxy, key| Ok(proxy_get(vm, proxy, key)?.is_some())),
                len: Some(|vm, proxy| {
                    let frame = frame_of(proxy);
                    Ok(variables(vm, frame).pairs().count() as i64)
                }),
                iter: Some(|vm, proxy| {
                    let dict = as_dict(vm, proxy)?;
                    vm.iter(dict)
                }),
                repr: Some(|vm, proxy| {
                    let dict = as_dict(vm, proxy)?;
                    vm.repr(dict)
                }),
                compare: Some(|vm, a, b, op| {
                    let a = as_dict(vm, a)?;
                    let shape = crate::state::shapes(vm).locals_proxy;
                    let b = if vm.type_of(b) == shape.ty { as_dict(vm, b)? } else { b };
                    vm.compare(a, b, op)
                }),
                ..Slots::default()
            },
            methods: &PROXY_METHODS,
            ..TypeSpec::of::<LocalsProxy>("FrameLocalsProxy", Kind::Other)
        },
        object,
    )
}
