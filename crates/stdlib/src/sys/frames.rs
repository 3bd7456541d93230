//! Frames, exceptions in progress, tracing.

use heap::Value;
use interp::{frame_type, observe, raising};
use objects::args::{CallArgs, MethodDef};
use objects::builtin_layouts::Exception;
use objects::error::PyResult;
use objects::layout::cast;
use objects::vm::Vm;

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("_getframe", 0, 1, get_frame)
    .with_doc("_getframe($module, depth=0, /)\n--\n\nReturn a frame object from the call stack.\n\nIf optional integer depth is given, return the frame object that many\ncalls below the top of the stack.  If that is deeper than the call\nstack, ValueError is raised.  The default for depth is zero, returning\nthe frame at the top of the call stack.\n\nThis function should be used for internal and specialized purposes\nonly."),
    MethodDef::function("_getframemodulename", 0, 1, get_frame_module).with_keywords()
    .with_doc("_getframemodulename($module, /, depth=0)\n--\n\nReturn the name of the module for a calling frame.\n\nThe default depth returns the module containing the call to this API.\nA more typical use in a library will pass a depth of 1 to get the user's\nmodule rather than the library module.\n\nIf no frame, module, or name can be found, returns None."),
    MethodDef::function("settrace", 1, 1, |vm, args| {
        observe::set_tracer(vm, args.values[0]);
        Ok(vm.none)
    })
    .with_doc("settrace($module, function, /)\n--\n\nSet the global debug tracing function.\n\nIt will be called on each function call.  See the debugger chapter\nin the library manual."),
    MethodDef::function("gettrace", 0, 0, |vm, _| Ok(observe::tracer(vm))).leaf()
    .with_doc("gettrace($module, /)\n--\n\nReturn the global debug tracing function set with sys.settrace.\n\nSee the debugger chapter in the library manual."),
    MethodDef::function("setprofile", 1, 1, |vm, args| {
        observe::set_profiler(vm, args.values[0]);
        Ok(vm.none)
    })
    .with_doc("setprofile($module, function, /)\n--\n\nSet the profiling function.\n\nIt will be called on each function call and return.  See the profiler\nchapter in the library manual."),
    MethodDef::function("getprofile", 0, 0, |vm, _| Ok(observe::profiler(vm))).leaf()
    .with_doc("getprofile($module, /)\n--\n\nReturn the profiling function set with sys.setprofile.\n\nSee the profiler chapter in the library manual."),
    MethodDef::function("call_tracing", 2, 2, |vm, args| {
        let arguments = args.values[1];
        if !objects::tuple::is_tuple(vm, arguments) {
            let given = vm.type_name(arguments);
            return Err(vm.type_error(format!("call_tracing() argument 2 must be tuple, not {given}")));
        }
        observe::call_watched(vm, args.values[0], objects::tuple::items(arguments))
    })
    .with_doc("call_tracing($module, func, args, /)\n--\n\nCall func(*args), while tracing is enabled.\n\nThe tracing state is saved, and restored afterwards.  This is intended\nto be called from a debugger from a checkpoint, to recursively debug\nsome other code."),
    MethodDef::function("exc_info", 0, 0, exc_info)
    .with_doc("exc_info($module, /)\n--\n\nReturn current exception information: (type, value, traceback).\n\nReturn information about the most recent exception caught by an except\nclause in the current stack frame or in an older stack frame."),
    MethodDef::function("exception", 0, 0, |vm, _| {
        let handled = raising::handled_exception(vm, Value::NULL);
        Ok(if handled.is_null() { vm.none } else { handled })
    })
    .with_doc("exception($module, /)\n--\n\nReturn the current exception.\n\nReturn the most recent exception caught by an except clause\nin the current stack frame or in an older stack frame, or None\nif no such exception exists."),
    MethodDef::function("_current_frames", 0, 0, |vm, _| {
        let dict = vm.new_dict();
        if let Some(frame) = frame_type::frame_at(vm, 0) {
            let id = vm.int(1);
            vm.dict_set(dict, id, frame)?;
        }
        Ok(dict)
    })
    .with_doc("_current_frames($module, /)\n--\n\nReturn a dict mapping each thread's thread id to its current stack frame.\n\nThis function should be used for specialized purposes only."),
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
