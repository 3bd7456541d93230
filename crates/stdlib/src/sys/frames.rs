//! Frames, exceptions in progress, tracing.

use heap::Value;
use interp::{frame_type, observe, raising};
use objects::args::{CallArgs, MethodDef};
use objects::builtin_layouts::Exception;
use objects::error::PyResult;
use objects::layout::cast;
use objects::vm::Vm;

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("_getframe", 0, 1, get_frame),
    MethodDef::function("_getframemodulename", 0, 1, get_frame_module).with_keywords(),
    MethodDef::function("settrace", 1, 1, |vm, args| {
        observe::set_tracer(vm, args.values[0]);
        Ok(vm.none)
    }),
    MethodDef::function("gettrace", 0, 0, |vm, _| Ok(observe::tracer(vm))).leaf(),
    MethodDef::function("setprofile", 1, 1, |vm, args| {
        observe::set_profiler(vm, args.values[0]);
        Ok(vm.none)
    }),
    MethodDef::function("getprofile", 0, 0, |vm, _| Ok(observe::profiler(vm))).leaf(),
    MethodDef::function("call_tracing", 2, 2, |vm, args| {
        let arguments = args.values[1];
        if !objects::tuple::is_tuple(vm, arguments) {
            let given = vm.type_name(arguments);
            return Err(vm.type_error(format!("call_tracing() argument 2 must be tuple, not {given}")));
        }
        observe::call_watched(vm, args.values[0], objects::tuple::items(arguments))
    }),
    MethodDef::function("exc_info", 0, 0, exc_info),
    MethodDef::function("exception", 0, 0, |vm, _| {
        let handled = raising::handled_exception(vm, Value::NULL);
        Ok(if handled.is_null() { vm.none } else { handled })
    }),
    MethodDef::function("_current_frames", 0, 0, |vm, _| {
        let dict = vm.new_dict();
        if let Some(frame) = frame_type::frame_at(vm, 0) {
            let id = vm.int(1);
            vm.dict_set(dict, id, frame)?;
        }
        Ok(dict)
    }),
];

fn frame(vm: &mut Vm, args: &CallArgs) -> PyResult<Option<Value>> {
    let depth = match args.get(0) {
        Some(depth) => vm.index(depth)?.max(0) as usize,
        None => 0,
    };
    Ok(frame_type::frame_at(vm, depth))
}

fn get_frame(vm: &mut Vm, args: &CallArgs) -> PyResult {
    match frame(vm, args)? {
        Some(frame) => Ok(frame),
        None => Err(vm.value_error("call stack is not deep enough")),
    }
}

/// `__name__` of the module whose code runs `depth` frames up; None if there is none.
fn get_frame_module(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let depth = match args.get(0).or_else(|| args.keywords().next().map(|(_, value)| value)) {
        Some(depth) => vm.index(depth)?.max(0) as usize,
        None => 0,
    };
    let Some(frame) = frame_type::frame_at(vm, depth) else { return Ok(vm.none) };
    let globals = vm.getattr_str(frame, "f_globals")?;
    Ok(vm.dict_get_str(globals, "__name__").unwrap_or(vm.none))
}

fn exc_info(vm: &mut Vm, _args: &CallArgs) -> PyResult {
    let handled = raising::handled_exception(vm, Value::NULL);
    let none = vm.none;
    if handled.is_null() {
        return Ok(vm.new_tuple(&[none, none, none]));
    }
    let traceback = cast::<Exception>(handled).traceback.get();
    let traceback = if traceback.is_null() { none } else { traceback };
    let class = vm.type_of(handled).value();
    Ok(vm.new_tuple(&[class, handled, traceback]))
}
