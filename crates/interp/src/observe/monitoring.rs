//! `sys.monitoring` (PEP 669): up to six tools that are told of the events they asked for.
//!
//! A tool asks for events everywhere or in single codes. While one does, everything is instrumented as for a tracer (see
//! the module above), so what costs nothing in CPython costs something here: watching one code slows all down.

use super::{observation, settle_watching};
use heap::Value;
use metatrace::Handle;
use objects::code::Code;
use objects::error::PyResult;
use objects::vm::Vm;
use std::collections::{HashMap, HashSet};

/// How many tools there can be.
pub const TOOLS: usize = 6;

/// The events, by the number of their bit; the order in which `_all_events` and `events` list them.
pub const EVENTS: [&str; 19] = [
    "PY_START",
    "PY_RESUME",
    "PY_RETURN",
    "PY_YIELD",
    "CALL",
    "LINE",
    "INSTRUCTION",
    "JUMP",
    "BRANCH_LEFT",
    "BRANCH_RIGHT",
    "STOP_ITERATION",
    "RAISE",
    "EXCEPTION_HANDLED",
    "PY_UNWIND",
    "PY_THROW",
    "RERAISE",
    "C_RETURN",
    "C_RAISE",
    "BRANCH",
];

/// Sets of events: bits.
pub mod event {
    pub const PY_START: u32 = 1 << 0;
    pub const PY_RESUME: u32 = 1 << 1;
    pub const PY_RETURN: u32 = 1 << 2;
    pub const PY_YIELD: u32 = 1 << 3;
    pub const CALL: u32 = 1 << 4;
    pub const LINE: u32 = 1 << 5;
    pub const INSTRUCTION: u32 = 1 << 6;
    pub const JUMP: u32 = 1 << 7;
    pub const BRANCH_LEFT: u32 = 1 << 8;
    pub const BRANCH_RIGHT: u32 = 1 << 9;
    pub const STOP_ITERATION: u32 = 1 << 10;
    pub const RAISE: u32 = 1 << 11;
    pub const EXCEPTION_HANDLED: u32 = 1 << 12;
    pub const PY_UNWIND: u32 = 1 << 13;
    pub const PY_THROW: u32 = 1 << 14;
    pub const RERAISE: u32 = 1 << 15;
    pub const C_RETURN: u32 = 1 << 16;
    pub const C_RAISE: u32 = 1 << 17;
    pub const BRANCH: u32 = 1 << 18;
    pub const ALL: u32 = (1 << 19) - 1;
    /// Those that a tool can ask for in single codes, and switch off at single places.
    pub const LOCAL: u32 = ((1 << 11) - 1) | C_RETURN | C_RAISE | BRANCH;
}

/// What the tools asked for; one in each VM.
#[derive(Default)]
pub struct Monitoring {
    tools: [Tool; TOOLS],
    /// By the address of the code.
    local: HashMap<usize, [u32; TOOLS]>,
    /// Where a tool does not want to be told of an event any more: code, instruction, tool, event.
    disabled: HashSet<(usize, u32, usize, u32)>,
    /// `DISABLE` and `MISSING`.
    marks: Option<[Handle; 2]>,
}

#[derive(Default)]
struct Tool {
    name: Option<Handle>,
    events: u32,
    callbacks: [Option<Handle>; EVENTS.len()],
}

fn monitoring(vm: &mut Vm) -> &mut Monitoring {
    &mut observation(vm).monitoring
}

impl Monitoring {
    /// Whether any tool waits for any event.
    pub fn is_active(&self) -> bool {
        self.tools.iter().any(|tool| tool.events != 0) || self.local.values().any(|events| *events != [0; TOOLS])
    }

    /// The events that some tool wants to be told of in `code`.
    pub fn wanted(&self, code: &'static Code) -> u32 {
        let everywhere = self.tools.iter().fold(0, |all, tool| all | tool.events);
        let here = self.local.get(&address(code)).map_or(0, |events| events.iter().fold(0, |all, one| all | one));
        everywhere | here
    }

    fn wants(&self, tool: usize, code: &'static Code, event: u32) -> bool {
        // The bits of what native functions do come with that of their calls.
        let asked = if event & (event::C_RETURN | event::C_RAISE) != 0 { event::CALL } else { event };
        let here = self.local.get(&address(code)).map_or(0, |events| events[tool]);
        (self.tools[tool].events | here) & asked != 0
    }
}

fn address(code: &'static Code) -> usize {
    std::ptr::from_ref(code).addr()
}

/// The marks that callbacks return (`DISABLE`) and get (`MISSING`); made by the module.
pub fn set_marks(vm: &mut Vm, disable: Value, missing: Value) {
    let marks = [vm.keep(disable), vm.keep(missing)];
    monitoring(vm).marks = Some(marks);
}

/// What a callback gets for the first argument of a call without arguments.
pub fn missing(vm: &mut Vm) -> Value {
    match monitoring(vm).marks {
        Some([_, missing]) => vm.thread.handle(missing),
        None => vm.none,
    }
}

/// Tells the tools that want to know of `event`, one bit, at instruction `at`. The callbacks get the code and `arguments`.
pub fn tell(vm: &mut Vm, code: &'static Code, at: u32, event: u32, arguments: &[Value]) -> PyResult<()> {
    if monitoring(vm).wanted(code) & (event | event::CALL | event::BRANCH) == 0 {
        return Ok(());
    }
    let number = event.trailing_zeros() as usize;
    let values = vec_of(vm, code, arguments);
    for tool in 0..TOOLS {
        let state = monitoring(vm);
        if !state.wants(tool, code, event) || state.disabled.contains(&(address(code), at, tool, event)) {
            continue;
        }
        let Some(callback) = state.tools[tool].callbacks[number] else { continue };
        let callback = vm.thread.handle(callback);
        let outer = super::begin_telling(vm, event_for_jumps(event));
        let result = vm.call(callback, values.as_slice());
        super::end_telling(vm, outer);
        let answer = result?;
        let disables = monitoring(vm).marks.is_some_and(|[disable, _]| vm.thread.handle(disable) == answer);
        if disables && event & event::LOCAL != 0 {
            monitoring(vm).disabled.insert((address(code), at, tool, event));
        } else if disables {
            register(vm, tool, number, Value::NULL);
            let name = EVENTS[number];
            return Err(vm.value_error(format!("Cannot disable {name} events. Callback removed.")));
        }
    }
    Ok(())
}

/// The arguments of a callback, where the collector sees them.
fn vec_of(vm: &mut Vm, code: &'static Code, arguments: &[Value]) -> objects::value_vec::ValueVec {
    let mut values = objects::value_vec::ValueVec::new();
    values.push(vm, code.object.get());
    for &argument in arguments {
        values.push(vm, argument);
    }
    values
}

/// A tool may assign to `f_lineno` where a tracer may.
fn event_for_jumps(event: u32) -> super::Event {
    match event {
        event::LINE | event::JUMP => super::Event::Line,
        event::PY_START => super::Event::Call,
        event::PY_RESUME => super::Event::Resume,
        event::PY_YIELD => super::Event::Yield,
        _ => super::Event::Return,
    }
}

/// The offset of an instruction in the raw bytecode.
pub fn offset(code: &'static Code, at: u32) -> Value {
    Value::from_int(code.source.raw_offsets.get(at as usize).map_or(0, |&offset| offset as i64))
}

// What the module's functions do. Tools are numbers below `TOOLS`, events sets of bits in `event::ALL`.

/// False if the tool is in use.
pub fn use_tool(vm: &mut Vm, tool: usize, name: Value) -> bool {
    if monitoring(vm).tools[tool].name.is_some() {
        return false;
    }
    let name = vm.thread.new_handle(name);
    monitoring(vm).tools[tool].name = Some(name);
    true
}

/// The tool's name, or NULL.
pub fn tool_name(vm: &mut Vm, tool: usize) -> Value {
    match monitoring(vm).tools[tool].name {
        Some(name) => vm.thread.handle(name),
        None => Value::NULL,
    }
}

/// Forgets all that the tool asked for.
pub fn clear_tool(vm: &mut Vm, tool: usize) {
    for event in 0..EVENTS.len() {
        register(vm, tool, event, Value::NULL);
    }
    let state = monitoring(vm);
    state.tools[tool].events = 0;
    for events in state.local.values_mut() {
        events[tool] = 0;
    }
    state.disabled.retain(|&(_, _, whose, _)| whose != tool);
    settle_watching(vm);
}

pub fn free_tool(vm: &mut Vm, tool: usize) {
    clear_tool(vm, tool);
    if let Some(name) = monitoring(vm).tools[tool].name.take() {
        vm.thread.drop_handle(name);
    }
}

/// Sets the callback for the event with that number; gives the one before. NULL: none.
pub fn register(vm: &mut Vm, tool: usize, event: usize, callback: Value) -> Value {
    let place = &mut monitoring(vm).tools[tool].callbacks[event];
    let old = place.take();
    if !callback.is_null() {
        let handle = vm.thread.new_handle(callback);
        monitoring(vm).tools[tool].callbacks[event] = Some(handle);
    }
    let Some(old) = old else { return Value::NULL };
    let value = vm.thread.handle(old);
    vm.thread.drop_handle(old);
    value
}

pub fn events(vm: &mut Vm, tool: usize) -> u32 {
    monitoring(vm).tools[tool].events
}

pub fn set_events(vm: &mut Vm, tool: usize, events: u32) {
    monitoring(vm).tools[tool].events = events;
    settle_watching(vm);
}

pub fn local_events(vm: &mut Vm, tool: usize, code: &'static Code) -> u32 {
    monitoring(vm).local.get(&address(code)).map_or(0, |events| events[tool])
}

pub fn set_local_events(vm: &mut Vm, tool: usize, code: &'static Code, events: u32) {
    let here = monitoring(vm).local.entry(address(code)).or_default();
    if here[tool] == events {
        return;
    }
    here[tool] = events;
    if *here == [0; TOOLS] {
        monitoring(vm).local.remove(&address(code));
    }
    settle_watching(vm);
}

/// Tells of everything again that callbacks switched off.
pub fn restart(vm: &mut Vm) {
    monitoring(vm).disabled.clear();
}
