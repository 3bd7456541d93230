//! Module `sys.monitoring`.

use crate::vm_ext::VmExt;
use heap::Value;
use interp::observe::monitoring::{self, EVENTS, TOOLS, event};
use objects::args::{CallArgs, MethodDef};
use objects::builtin_layouts;
use objects::code::Code;
use objects::error::PyResult;
use objects::layout::cast;
use objects::shape::Kind;
use objects::vm::Vm;

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("use_tool_id", 2, 2, |vm, args| {
        let tool = tool(vm, args.values[0])?;
        let name = args.values[1];
        if !vm.is_str(name) {
            return Err(vm.value_error("tool name must be a str"));
        }
        if !monitoring::use_tool(vm, tool, name) {
            return Err(vm.value_error(format!("tool {tool} is already in use")));
        }
        Ok(vm.none)
    })
    .with_doc("use_tool_id($module, tool_id, name, /)\n--\n\n"),
    MethodDef::function("clear_tool_id", 1, 1, |vm, args| {
        let tool = tool(vm, args.values[0])?;
        monitoring::clear_tool(vm, tool);
        Ok(vm.none)
    })
    .with_doc("clear_tool_id($module, tool_id, /)\n--\n\n"),
    MethodDef::function("free_tool_id", 1, 1, |vm, args| {
        let tool = tool(vm, args.values[0])?;
        monitoring::free_tool(vm, tool);
        Ok(vm.none)
    })
    .with_doc("free_tool_id($module, tool_id, /)\n--\n\n"),
    MethodDef::function("get_tool", 1, 1, |vm, args| {
        let tool = tool(vm, args.values[0])?;
        let name = monitoring::tool_name(vm, tool);
        Ok(if name.is_null() { vm.none } else { name })
    })
    .with_doc("get_tool($module, tool_id, /)\n--\n\n"),
    MethodDef::function("register_callback", 3, 3, register_callback)
        .with_doc("register_callback($module, tool_id, event, func, /)\n--\n\n"),
    MethodDef::function("get_events", 1, 1, |vm, args| {
        let tool = tool(vm, args.values[0])?;
        let events = monitoring::events(vm, tool);
        Ok(Value::from_int(events.into()))
    })
    .with_doc("get_events($module, tool_id, /)\n--\n\n"),
    MethodDef::function("set_events", 2, 2, |vm, args| {
        let tool = tool_in_use(vm, args.values[0])?;
        let events = event_set(vm, args.values[1], event::ALL, "event")?;
        monitoring::set_events(vm, tool, events);
        Ok(vm.none)
    })
    .with_doc("set_events($module, tool_id, event_set, /)\n--\n\n"),
    MethodDef::function("get_local_events", 2, 2, |vm, args| {
        let tool = tool(vm, args.values[0])?;
        let code = code(vm, args.values[1])?;
        let events = monitoring::local_events(vm, tool, code);
        Ok(Value::from_int(events.into()))
    })
    .with_doc("get_local_events($module, tool_id, code, /)\n--\n\n"),
    MethodDef::function("set_local_events", 3, 3, |vm, args| {
        let tool = tool_in_use(vm, args.values[0])?;
        let code = code(vm, args.values[1])?;
        let events = event_set(vm, args.values[2], event::LOCAL, "local event")?;
        monitoring::set_local_events(vm, tool, code, events);
        Ok(vm.none)
    })
    .with_doc("set_local_events($module, tool_id, code, event_set, /)\n--\n\n"),
    MethodDef::function("restart_events", 0, 0, |vm, _| {
        monitoring::restart(vm);
        Ok(vm.none)
    })
    .with_doc("restart_events($module, /)\n--\n\n"),
    MethodDef::function("_all_events", 0, 0, all_events).with_doc("_all_events($module, /)\n--\n\n"),
];

/// Makes the module.
pub fn make(vm: &mut Vm) -> PyResult {
    let module = vm.new_module("sys.monitoring");
    vm.add_functions(module, FUNCTIONS);
    let events = vm.new_namespace_object();
    for (bit, name) in EVENTS.iter().enumerate() {
        let name = vm.intern(name);
        vm.setattr(events, name, Value::from_int(1 << bit))?;
    }
    let name = vm.intern("NO_EVENTS");
    vm.setattr(events, name, Value::from_int(0))?;
    super::set(vm, module, "events", events)?;
    for (name, number) in [("DEBUGGER_ID", 0), ("COVERAGE_ID", 1), ("PROFILER_ID", 2), ("OPTIMIZER_ID", 5)] {
        super::set(vm, module, name, Value::from_int(number))?;
    }
    let object = vm.types.object.value();
    let (disable, missing) = (vm.call(object, &[])?, vm.call(object, &[])?);
    monitoring::set_marks(vm, disable, missing);
    super::set(vm, module, "DISABLE", disable)?;
    super::set(vm, module, "MISSING", missing)?;
    Ok(module)
}

fn tool(vm: &mut Vm, value: Value) -> PyResult<usize> {
    let tool = vm.index(value)?;
    if (0..TOOLS as i64).contains(&tool) {
        return Ok(tool as usize);
    }
    Err(vm.value_error(format!("invalid tool {tool} (must be between 0 and {})", TOOLS - 1)))
}

fn tool_in_use(vm: &mut Vm, value: Value) -> PyResult<usize> {
    let tool = tool(vm, value)?;
    if monitoring::tool_name(vm, tool).is_null() {
        return Err(vm.value_error(format!("tool {tool} is not in use")));
    }
    Ok(tool)
}

fn code(vm: &mut Vm, value: Value) -> PyResult<&'static Code> {
    if value.is_object() && vm.kind(value) == Kind::Code {
        return Ok(Code::from_token(cast::<builtin_layouts::Code>(value).data.get()));
    }
    Err(vm.type_error("code must be a code object"))
}

/// A set of events within `allowed`. What native functions do is told along with their calls.
fn event_set(vm: &mut Vm, value: Value, allowed: u32, what: &str) -> PyResult<u32> {
    let events = vm.index(value)?;
    let native = event::C_RETURN | event::C_RAISE;
    let Some(events) = u32::try_from(events).ok().filter(|events| events & !event::ALL == 0) else {
        return Err(vm.value_error(format!("invalid {what} set 0x{events:x}")));
    };
    if events & native != 0 && events & (native | event::CALL) != native | event::CALL {
        return Err(vm.value_error("cannot set C_RETURN or C_RAISE events independently"));
    }
    let events = events & !native;
    if events & !allowed != 0 {
        return Err(vm.value_error(format!("invalid {what} set 0x{events:x}")));
    }
    Ok(events)
}

fn register_callback(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let tool = tool(vm, args.values[0])?;
    let events = vm.index(args.values[1])?;
    if events.count_ones() != 1 {
        return Err(vm.value_error("The callback can only be set for one event at a time"));
    }
    let number = events.trailing_zeros() as usize;
    if number >= EVENTS.len() {
        return Err(vm.value_error(format!("invalid event {events}")));
    }
    let callback = if args.values[2] == vm.none { Value::NULL } else { args.values[2] };
    let old = monitoring::register(vm, tool, number, callback);
    Ok(if old.is_null() { vm.none } else { old })
}

/// For each event that tools wait for everywhere, the set of these tools.
fn all_events(vm: &mut Vm, _args: &CallArgs) -> PyResult {
    let all = vm.new_dict();
    for (bit, name) in EVENTS.iter().enumerate() {
        let tools = (0..TOOLS).filter(|&tool| monitoring::events(vm, tool) & 1 << bit != 0);
        let set = tools.fold(0, |set, tool| set | 1 << tool);
        if set != 0 {
            vm.dict_set_str(all, name, Value::from_int(set));
        }
    }
    Ok(all)
}
