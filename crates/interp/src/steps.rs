//! The instructions: what each does, on any machine. The semantics are in `handlers/`.

use crate::callees::exceptions::*;
use crate::callees::names::*;
use crate::callees::structures::*;
use crate::callees::{attributes, imports, matching, subscripts};
use crate::dispatch::fetch;
use crate::generator;
use crate::handlers::arith::op;
use crate::handlers::attribute::Loaded;
use crate::handlers::iterate::Iterated;
use crate::handlers::{arith, attribute, build, call, exception, flow, iterate, names, plain, subscript};
use crate::machine::*;
use crate::shortcuts::{self, add_up, binary_of, compare_shortly, give, pair, pass_not_taken, push_truth, small_int};
use crate::slots::{self, FIRST_LOCAL};
use heap::Value;
use metatrace::{Lookup, Operand};
use objects::builtin_layouts::CellObject;
use objects::builtin_layouts::Function;
use objects::layout::Object;
use objects::shape::Kind;
use syntax::{CodeFlags, Instruction, Op};

/// How an exception leaves a handler.
pub(crate) enum Raise<R> {
    /// Raised by this instruction.
    Here(R),
    /// Raised again: the traceback has this frame already.
    Again(R),
    /// Straight out of the frame: the end of a generator.
    Out(R),
}

impl<R> From<R> for Raise<R> {
    #[inline(always)]
    fn from(exception: R) -> Raise<R> {
        Raise::Here(exception)
    }
}

/// Runs instructions, that one first, until one leads elsewhere than to the next: out of the frame, say. With `ONE` no more than that one.
///
/// The loop is here, around the handlers, so that those which just go on need not say so: where each of them leads would go through
/// memory.
#[inline(always)]
pub(crate) fn steps<M: PyMachine, const ONE: bool>(
    m: &mut M,
    f: &mut PyFrame<M>,
    mut instruction: Instruction,
) -> Result<Flow<M>, Raise<M::Ref>> {
    loop {
        let code = f.code;
        let pc = f.pc as usize;
        let arg = instruction.arg;
        let local = FIRST_LOCAL + arg as usize;
        f.pc += 1;
        match instruction.op {
            Op::Nop | Op::NotTaken | Op::Cache | Op::ExtendedArg | Op::Reserved => {}

            // Locals and constants.
            Op::LoadFast | Op::LoadFastBorrow => f.push(f.slot(local)),
            Op::LoadFastCheck => {
                let value = f.slot(local);
                let unbound = m.is_null(value);
                if m.decide(unbound) {
                    return Err(f.lend(|f| names::unbound_error(m, f, arg)).into());
                }
                f.push(value);
            }
            Op::LoadFastAndClear => {
                f.push(f.slot(local));
                let null = null(m);
                f.set_slot(local, null);
            }
            Op::LoadFastLoadFast | Op::LoadFastBorrowLoadFastBorrow => {
                let (first, second) = pair::<M>(f, arg);
                f.push(first);
                f.push(second);
            }
            Op::StoreFast => {
                let value = f.pop();
                f.set_slot(local, value);
            }
            Op::StoreFastLoadFast => {
                let value = f.pop();
                f.set_slot(FIRST_LOCAL + (arg >> 4) as usize, value);
                f.push(f.slot(FIRST_LOCAL + (arg & 15) as usize));
            }
            Op::StoreFastStoreFast => {
                let value = f.pop();
                f.set_slot(FIRST_LOCAL + (arg >> 4) as usize, value);
                let value = f.pop();
                f.set_slot(FIRST_LOCAL + (arg & 15) as usize, value);
            }
            Op::DeleteFast => {
                let value = f.slot(local);
                let unbound = m.is_null(value);
                if m.decide(unbound) {
                    return Err(f.lend(|f| names::unbound_error(m, f, arg)).into());
                }
                let null = null(m);
                f.set_slot(local, null);
            }
            Op::LoadConst => {
                let value = m.constant(code.consts[arg as usize]);
                f.push(value);
            }
            Op::LoadSmallInt => {
                let value = m.constant(Value::from_int(arg as i64));
                f.push(value);
            }
            Op::LoadCommonConstant => {
                let value = crate::special::common_constant(m.context(), arg);
                let value = m.constant(value);
                f.push(value);
            }

            // The stack.
            Op::PopTop | Op::EndFor | Op::PopIter => {
                f.pop();
            }
            Op::PushNull => {
                let null = null(m);
                f.push(null);
            }
            Op::Copy => f.push(f.peek(arg as usize - 1)),
            Op::Swap => {
                let top = f.peek(0);
                let other = f.peek(arg as usize - 1);
                f.poke(0, other);
                f.poke(arg as usize - 1, top);
            }
            Op::EndSend => {
                let value = f.pop();
                f.poke(0, value);
            }

            // Operators.
            Op::BinaryOp => {
                let b = f.pop();
                let a = f.pop();
                let value = if arg == op::SUBSCRIPT {
                    subscript::load(m, a, b)?
                } else {
                    arith::binary(m, code.site(pc), arg, a, b)?
                };
                f.push(value);
            }
            Op::CompareOp => {
                let b = f.pop();
                let a = f.pop();
                match arith::compare_op(m, arg, a, b)? {
                    arith::Compared::Truth(truth) => push_truth(m, f, truth),
                    arith::Compared::Value(value) => f.push(value),
                }
            }
            Op::IsOp => {
                let b = f.pop();
                let a = f.pop();
                let same = flow::is(m, a, b);
                let truth = m.bool(same != (arg == 1));
                push_truth(m, f, truth);
            }
            Op::ContainsOp => {
                let container = f.pop();
                let item = f.pop();
                let found = flow::contains(m, container, item)?;
                let truth = m.bool(found != (arg == 1));
                push_truth(m, f, truth);
            }
            Op::UnaryNegative => {
                let value = f.pop();
                let value = arith::negative(m, value)?;
                f.push(value);
            }
            Op::UnaryInvert => {
                let value = f.pop();
                let value = arith::invert(m, value)?;
                f.push(value);
            }
            Op::UnaryNot => {
                // The operand is a bool.
                let value = f.pop();
                let true_ = m.context().true_;
                let true_ = m.constant(true_);
                let is_true = m.ref_eq(value, true_);
                let is_false = m.bool_not(is_true);
                let value = m.bool_box(is_false);
                f.push(value);
            }
            Op::ToBool => {
                let value = f.pop();
                let truth = flow::truth(m, value)?;
                let truth = m.bool(truth);
                push_truth(m, f, truth);
            }

            // Jumps.
            Op::JumpForward => f.pc = arg,
            Op::JumpBackwardNoInterrupt => f.pc = arg,
            Op::JumpBackward => {
                if m.poll() {
                    let result = m.call_ref(&POLL, &[]);
                    check(m, result)?;
                }
                f.pc = arg;
                if let Some(leave) = m.back_edge(f) {
                    return Ok(Flow::Leave(leave));
                }
            }
            Op::PopJumpIfTrue | Op::PopJumpIfFalse => {
                // The operand is a bool.
                let value = f.pop();
                let true_ = m.context().true_;
                let true_ = m.constant(true_);
                let is_true = m.ref_eq(value, true_);
                if m.decide(is_true) == (instruction.op == Op::PopJumpIfTrue) {
                    f.pc = arg;
                } else {
                    pass_not_taken::<M>(f);
                }
            }
            Op::PopJumpIfNone | Op::PopJumpIfNotNone => {
                let value = f.pop();
                let none = none(m);
                let is_none = m.ref_eq(value, none);
                if m.decide(is_none) == (instruction.op == Op::PopJumpIfNone) {
                    f.pc = arg;
                } else {
                    pass_not_taken::<M>(f);
                }
            }

            // Names.
            Op::LoadGlobal => {
                let value = names::load_global(m, f, pc, code.names[(arg >> 1) as usize])?;
                f.push(value);
                if arg & 1 != 0 {
                    let null = null(m);
                    f.push(null);
                }
            }
            Op::StoreGlobal => {
                let value = f.pop();
                names::store_global(m, f, code.names[arg as usize], value)?;
            }
            Op::DeleteGlobal => {
                let name = m.constant(code.names[arg as usize]);
                call2(m, &DELETE_GLOBAL, f.slot(slots::GLOBALS), name)?;
            }
            Op::LoadName => {
                let value = f.lend(|f| names::load_name(m, f, pc, code.names[arg as usize]))?;
                f.push(value);
            }
            Op::StoreName => {
                let value = f.pop();
                f.lend(|f| names::store_name(m, f, code.names[arg as usize], value))?;
            }
            Op::DeleteName => {
                let name = m.constant(code.names[arg as usize]);
                call2(m, &DELETE_NAME, f.slot(slots::LOCALS), name)?;
            }
            Op::LoadLocals => {
                f.push(f.slot(slots::LOCALS));
            }
            Op::LoadFromDictOrGlobals => {
                let mapping = f.pop();
                let name = code.names[arg as usize];
                let key = m.constant(name);
                let found = call2(m, &LOAD_LOCAL_NAME, mapping, key)?;
                let absent = m.context().not_implemented;
                let absent = m.constant(absent);
                let is_absent = m.ref_eq(found, absent);
                let value = if m.decide(is_absent) { names::load_global(m, f, pc, name)? } else { found };
                f.push(value);
            }
            Op::LoadFromDictOrDeref => {
                let mapping = f.pop();
                let key = m.constant(code.local_names[arg as usize]);
                let found = call2(m, &LOAD_LOCAL_NAME, mapping, key)?;
                let absent = m.context().not_implemented;
                let absent = m.constant(absent);
                let is_absent = m.ref_eq(found, absent);
                let value = if m.decide(is_absent) { names::load_cell(m, f, arg)? } else { found };
                f.push(value);
            }

            // Cells.
            Op::MakeCell => {
                let shape = m.context().shape_for_kind(Kind::Cell);
                let cell = m.new(shape.id, CellObject::BYTES as u32);
                m.init_ref(cell, CellObject::CONTENT, f.slot(local));
                f.set_slot(local, cell);
            }
            Op::CopyFreeVars => {
                let closure = m.get_ref(f.slot(slots::FUNCTION), Function::CLOSURE);
                let first = code.local_count as usize - arg as usize;
                for i in 0..arg as usize {
                    let index = m.int(i as i64);
                    let cell = m.item_ref(closure, index, objects::tuple::TUPLE_ITEMS);
                    f.set_slot(FIRST_LOCAL + first + i, cell);
                }
            }
            Op::LoadDeref => {
                let value = names::load_cell(m, f, arg)?;
                f.push(value);
            }
            Op::StoreDeref => {
                let value = f.pop();
                m.set_ref(f.slot(local), CellObject::CONTENT, value);
            }
            Op::DeleteDeref => {
                names::load_cell(m, f, arg)?;
                let null = null(m);
                m.set_ref(f.slot(local), CellObject::CONTENT, null);
            }

            // Attributes and items.
            Op::LoadAttr => {
                let method = arg & 1 != 0;
                let object = f.pop();
                match attribute::load(m, f, pc, object, code.names[(arg >> 1) as usize], method)? {
                    Loaded::Value(value) => {
                        f.push(value);
                        if method {
                            let null = null(m);
                            f.push(null);
                        }
                    }
                    Loaded::Method { function, receiver } => {
                        f.push(function);
                        f.push(receiver);
                    }
                    Loaded::Call { function, arguments, count } if method => {
                        let value = call::call_within(m, function, &arguments[..count])?;
                        f.push(value);
                        let null = null(m);
                        f.push(null);
                    }
                    Loaded::Call { function, arguments, count } => {
                        let (code, window) = call::frame_for(m, function, &arguments[..count])?;
                        match call::enter_fresh(m, f, code, window) {
                            Flow::Next => {}
                            flow => return Ok(flow),
                        }
                    }
                }
            }
            Op::StoreAttr => {
                let object = f.pop();
                let value = f.pop();
                attribute::store(m, f, pc, object, code.names[arg as usize], value)?;
            }
            Op::DeleteAttr => {
                let object = f.pop();
                let name = m.constant(code.names[arg as usize]);
                call2(m, &attributes::DELETE_ATTRIBUTE, object, name)?;
            }
            Op::LoadSuperAttr => {
                let method = arg & 1 != 0;
                let receiver = f.pop();
                let class = f.pop();
                let super_ = f.pop();
                let name = code.names[(arg >> 2) as usize];
                match attribute::load_super(m, code.site(pc), [super_, class, receiver], name, method) {
                    Some((function, receiver)) => {
                        f.push(function);
                        f.push(receiver);
                    }
                    None => {
                        let name = m.constant(name);
                        let operands = [super_, class, receiver, name].map(Operand::Ref);
                        let value = m.call_ref(&attributes::GET_SUPER_ATTRIBUTE, &operands);
                        let value = check(m, value)?;
                        f.push(value);
                        if method {
                            let null = null(m);
                            f.push(null);
                        }
                    }
                }
            }
            Op::LoadSpecial => {
                let object = f.pop();
                if let Some(function) = attribute::load_special(m, code.site(pc), object, arg) {
                    f.push(function);
                    f.push(object);
                } else {
                    let which = int_operand(m, arg as i64);
                    let value = m.call_ref(&attributes::LOAD_SPECIAL, &[Operand::Ref(object), which]);
                    let value = check(m, value)?;
                    f.push(value);
                    let null = null(m);
                    f.push(null);
                }
            }
            Op::StoreSubscr => {
                let key = f.pop();
                let container = f.pop();
                let value = f.pop();
                subscript::store(m, container, key, value)?;
            }
            Op::DeleteSubscr => {
                let key = f.pop();
                let container = f.pop();
                call2(m, &subscripts::DELETE_ITEM, container, key)?;
            }
            Op::BinarySlice => {
                let stop = f.pop();
                let start = f.pop();
                let container = f.pop();
                let value = match plain::slice(m, container, start, stop) {
                    Some(value) => value,
                    None => call3(m, &subscripts::GET_SLICE, container, start, stop)?,
                };
                f.push(value);
            }
            Op::StoreSlice => {
                let stop = f.pop();
                let start = f.pop();
                let container = f.pop();
                let value = f.pop();
                let result = m.call_ref(
                    &subscripts::SET_SLICE,
                    &[Operand::Ref(container), Operand::Ref(start), Operand::Ref(stop), Operand::Ref(value)],
                );
                check(m, result)?;
            }

            // Calls.
            Op::Call => match call::call(m, f, pc, arg as usize)? {
                Flow::Next => {}
                flow => return Ok(flow),
            },
            Op::CallKw => return Ok(f.lend(|f| call::call_keywords(m, f, pc, arg as usize))?),
            Op::CallFunctionEx => return Ok(f.lend(|f| call::call_unpacked(m, f))?),
            Op::ReturnValue => return return_value(m, f),
            Op::Resume => {
                if arg & 3 != 0 {
                    resume_after_yield(m, f)?;
                }
                if m.poll() {
                    let result = m.call_ref(&POLL_AT_RESUME, &[]);
                    check(m, result)?;
                }
            }
            // What the plain interpreter has in the place of others: see `shortcuts`.
            Op::BinaryAdd => binary_of(m, f, pc, arg, op::ADD)?,
            Op::BinarySubtract => binary_of(m, f, pc, arg, op::SUB)?,
            Op::BinaryMultiply => binary_of(m, f, pc, arg, op::MUL)?,
            Op::BinarySubscript => {
                let (b, a) = (f.pop(), f.pop());
                let value = subscript::load(m, a, b)?;
                give(m, f, value);
            }
            Op::LocalsAdd => {
                let (a, b) = pair::<M>(f, arg);
                add_up(m, f, op::ADD, 1, a, b);
            }
            Op::LocalsSubtract => {
                let (a, b) = pair::<M>(f, arg);
                add_up(m, f, op::SUB, 1, a, b);
            }
            Op::LocalsMultiply => {
                let (a, b) = pair::<M>(f, arg);
                add_up(m, f, op::MUL, 1, a, b);
            }
            Op::LocalAddSmall => {
                let (a, b) = (f.slot(local), small_int(m, f));
                add_up(m, f, op::ADD, 2, a, b);
            }
            Op::LocalSubtractSmall => {
                let (a, b) = (f.slot(local), small_int(m, f));
                add_up(m, f, op::SUB, 2, a, b);
            }
            Op::LocalsCompare => {
                let (a, b) = pair::<M>(f, arg);
                compare_shortly(m, f, 1, a, b);
            }
            Op::LocalCompareSmall => {
                let (a, b) = (f.slot(local), small_int(m, f));
                compare_shortly(m, f, 2, a, b);
            }
            Op::LocalsSubscript => shortcuts::locals_subscript(m, f, arg),
            Op::LocalStoreSubscript => shortcuts::local_store_subscript(m, f, local),
            Op::LocalLoadAttr => shortcuts::local_load_attr(m, f, local, pc),
            Op::InstrumentedLine => {
                f.pc -= 1;
                return Ok(Flow::Observe);
            }
            Op::ExitInitCheck | Op::InterpreterExit => {
                // A copy: what is printed has an address, and the instruction in progress is to stay in registers.
                let op = instruction.op;
                unreachable!("{op:?} is in no code object")
            }

            // Literals.
            Op::BuildTuple => {
                let value = build::tuple(m, f, arg as usize)?;
                f.push(value);
            }
            Op::BuildList => {
                let value = build::list(m, f, arg as usize)?;
                f.push(value);
            }
            Op::BuildSet => {
                let value = f.lend(|f| build::from_stack(m, f, &BUILD_SET, arg as usize))?;
                f.push(value);
            }
            Op::BuildMap => {
                let value = f.lend(|f| build::map(m, f, arg as usize))?;
                f.push(value);
            }
            Op::BuildString => {
                let value = f.lend(|f| build::from_stack(m, f, &BUILD_STRING, arg as usize))?;
                f.push(value);
            }
            Op::BuildSlice => {
                let value = build::slice(m, f, arg as usize);
                f.push(value);
            }
            Op::BuildTemplate => {
                let interpolations = f.pop();
                let strings = f.pop();
                let value = call2(m, &BUILD_TEMPLATE, strings, interpolations)?;
                f.push(value);
            }
            Op::BuildInterpolation => {
                let spec = if arg & 1 == 1 { f.pop() } else { null(m) };
                let text = f.pop();
                let value = f.pop();
                let conversion = int_operand(m, (arg >> 2) as i64);
                let result = m.call_ref(
                    &BUILD_INTERPOLATION,
                    &[Operand::Ref(value), Operand::Ref(text), conversion, Operand::Ref(spec)],
                );
                let result = check(m, result)?;
                f.push(result);
            }
            Op::ListAppend => {
                let value = f.pop();
                build::list_append(m, f.peek(arg as usize - 1), value)?;
            }
            Op::ListExtend => {
                let value = f.pop();
                call2(m, &LIST_EXTEND, f.peek(arg as usize - 1), value)?;
            }
            Op::SetAdd => {
                let value = f.pop();
                call2(m, &SET_ADD, f.peek(arg as usize - 1), value)?;
            }
            Op::SetUpdate => {
                let value = f.pop();
                call2(m, &SET_UPDATE, f.peek(arg as usize - 1), value)?;
            }
            Op::MapAdd => {
                let value = f.pop();
                let key = f.pop();
                call3(m, &MAP_ADD, f.peek(arg as usize - 1), key, value)?;
            }
            Op::DictUpdate => {
                let mapping = f.pop();
                call2(m, &DICT_UPDATE, f.peek(arg as usize - 1), mapping)?;
            }
            Op::DictMerge => {
                let mapping = f.pop();
                let dict = f.peek(arg as usize - 1);
                let function = f.peek(arg as usize + 2);
                call3(m, &DICT_MERGE, function, dict, mapping)?;
            }
            Op::FormatSimple => {
                let value = f.pop();
                let value = match plain::format(m, value) {
                    Some(text) => text,
                    None => call1(m, &FORMAT, value)?,
                };
                f.push(value);
            }
            Op::FormatWithSpec => {
                let spec = f.pop();
                let value = f.pop();
                let value = call2(m, &FORMAT_WITH_SPEC, value, spec)?;
                f.push(value);
            }
            Op::ConvertValue => {
                let value = f.pop();
                let which = int_operand(m, arg as i64);
                let value = m.call_ref(&CONVERT, &[Operand::Ref(value), which]);
                let value = check(m, value)?;
                f.push(value);
            }
            Op::MakeFunction => {
                let object = f.pop();
                let value = call3(m, &MAKE_FUNCTION, object, f.slot(slots::GLOBALS), f.slot(slots::FUNCTION))?;
                f.push(value);
            }
            Op::SetFunctionAttribute => {
                let function = f.pop();
                let value = f.pop();
                let which = int_operand(m, arg as i64);
                let result = m.call_ref(&SET_FUNCTION_ATTRIBUTE, &[Operand::Ref(function), Operand::Ref(value), which]);
                let function = check(m, result)?;
                f.push(function);
            }

            // Iteration.
            Op::GetIter => {
                let iterable = f.pop();
                let iterator = iterate::get_iter(m, iterable)?;
                f.push(iterator);
            }
            Op::ForIter => match iterate::for_iter(m, f)? {
                Iterated::Value(value) => {
                    // The plain interpreter stores the value at once, unless somebody watches each instruction.
                    let next = if M::DIRECT { fetch::<M>(f) } else { instruction };
                    if next.op == Op::StoreFast {
                        f.pc += 1;
                        f.set_slot(FIRST_LOCAL + next.arg as usize, value);
                    } else {
                        f.push(value);
                    }
                }
                // Over END_FOR.
                Iterated::Exhausted => f.pc = arg + 1,
                Iterated::Enter(flow) => return Ok(flow),
            },
            Op::UnpackSequence => iterate::unpack(m, f, arg as usize)?,
            Op::UnpackEx => f.lend(|f| iterate::unpack_extended(m, f, arg))?,
            Op::GetLen => {
                let value = call1(m, &matching::GET_LEN, f.peek(0))?;
                f.push(value);
            }

            // Generators and coroutines.
            Op::ReturnGenerator => {
                let function = f.slot(slots::FUNCTION);
                let object = call1(m, &crate::callees::generators::NEW_GENERATOR, function)?;
                f.set_slot(slots::GENERATOR, object);
                f.lend(|f| generator::save(m, f, object, generator::state::CREATED));
                return Ok(Flow::Return(object));
            }
            Op::YieldValue => {
                let value = f.lend(|f| generator::suspend(m, f));
                return Ok(Flow::Return(value));
            }
            Op::Send => return f.lend(|f| send(m, f, arg)),
            Op::GetYieldFromIter => {
                let iterable = f.pop();
                let is_coroutine_code = flow::bool_value(m, code.flags().has_any(CodeFlags::COROUTINE_LIKE));
                let value = call2(m, &crate::callees::generators::GET_YIELD_FROM_ITER, iterable, is_coroutine_code)?;
                f.push(value);
            }
            Op::GetAwaitable => {
                let object = f.pop();
                let how = int_operand(m, arg as i64);
                let value = m.call_ref(&crate::callees::generators::GET_AWAITABLE, &[Operand::Ref(object), how]);
                let value = check(m, value)?;
                f.push(value);
            }
            Op::GetAiter => {
                let object = f.pop();
                let value = call1(m, &crate::callees::generators::GET_AITER, object)?;
                f.push(value);
            }
            Op::GetAnext => {
                let value = call1(m, &crate::callees::generators::GET_ANEXT, f.peek(0))?;
                f.push(value);
            }
            Op::EndAsyncFor => {
                let exception = f.pop();
                f.pop();
                let ends = m.call_int(&IS_STOP_ASYNC, &[Operand::Ref(exception)]);
                if !check_truth(m, ends)? {
                    return Err(Raise::Again(exception));
                }
            }

            // Exceptions.
            Op::RaiseVarargs => {
                if arg == 0 {
                    // What is raised again has this frame in its traceback.
                    let handled = f.slot(slots::HANDLED);
                    let result = m.call_ref(&RERAISE_HANDLED, &[Operand::Ref(handled)]);
                    return Err(check(m, result).map_or_else(Raise::Here, Raise::Again));
                }
                let exception = f.lend(|f| exception::raise_varargs(m, f, arg));
                return Err(Raise::Here(exception));
            }
            Op::Reraise => {
                let exception = f.pop();
                if arg > 0 {
                    let at = f.peek(arg as usize - 1);
                    let is_int = m.is_int(at);
                    if m.decide(is_int) {
                        f.lend(|f| exception::reraised_at(m, f, at));
                    }
                }
                return Err(Raise::Again(exception));
            }
            Op::PushExcInfo => {
                let exception = f.pop();
                f.push(f.slot(slots::HANDLED));
                f.set_slot(slots::HANDLED, exception);
                f.push(exception);
            }
            Op::PopExcept => {
                let handled = f.pop();
                f.set_slot(slots::HANDLED, handled);
            }
            Op::CheckExcMatch => {
                let class = f.pop();
                let matches = m.call_int(&EXCEPTION_MATCHES, &[Operand::Ref(f.peek(0)), Operand::Ref(class)]);
                let matches = check_truth(m, matches)?;
                let value = flow::bool_value(m, matches);
                f.push(value);
            }
            Op::CheckEgMatch => {
                let class = f.pop();
                let exception = f.pop();
                let parts = call2(m, &GROUP_MATCHES, exception, class)?;
                for i in 0..2 {
                    let index = m.int(i);
                    let part = m.item_ref(parts, index, objects::tuple::TUPLE_ITEMS);
                    f.push(part);
                }
                // What the clause took is the exception being handled in it.
                let matched = f.peek(0);
                let none = none(m);
                let nothing = m.ref_eq(matched, none);
                if !m.decide(nothing) {
                    f.set_slot(slots::HANDLED, matched);
                }
            }
            Op::WithExceptStart => f.lend(|f| exception::with_except_start(m, f))?,
            Op::CleanupThrow => {
                let exception = f.pop();
                f.pop();
                f.pop();
                let none = none(m);
                let value = call1(m, &CLEANUP_THROW, exception).map_err(Raise::Again)?;
                f.push(none);
                f.push(value);
            }

            // Imports, classes, intrinsics.
            Op::ImportName => {
                let from_list = f.pop();
                let level = f.pop();
                let name = m.constant(code.names[arg as usize]);
                let value = m.call_ref(
                    &imports::IMPORT_NAME,
                    &[
                        Operand::Ref(name),
                        Operand::Ref(f.slot(slots::GLOBALS)),
                        Operand::Ref(f.slot(slots::FUNCTION)),
                        Operand::Ref(from_list),
                        Operand::Ref(level),
                    ],
                );
                let value = check(m, value)?;
                f.push(value);
            }
            Op::ImportFrom => {
                let name = m.constant(code.names[arg as usize]);
                let value = call2(m, &imports::IMPORT_FROM, f.peek(0), name)?;
                f.push(value);
            }
            Op::LoadBuildClass => {
                let value = call1(m, &imports::LOAD_BUILD_CLASS, f.slot(slots::FUNCTION))?;
                f.push(value);
            }
            Op::SetupAnnotations => {
                call1(m, &imports::SETUP_ANNOTATIONS, f.slot(slots::LOCALS))?;
            }
            Op::CallIntrinsic1 => {
                let value = f.pop();
                let which = int_operand(m, arg as i64);
                let locals = f.slot(slots::LOCALS);
                let value = m.call_ref(&imports::INTRINSIC_1, &[which, Operand::Ref(value), Operand::Ref(locals)]);
                let value = check(m, value)?;
                f.push(value);
            }
            Op::CallIntrinsic2 => {
                let b = f.pop();
                let a = f.pop();
                let which = int_operand(m, arg as i64);
                let value = m.call_ref(&imports::INTRINSIC_2, &[which, Operand::Ref(a), Operand::Ref(b)]);
                let value = check(m, value)?;
                f.push(value);
            }

            // Pattern matching.
            Op::MatchMapping | Op::MatchSequence => {
                let flag = if instruction.op == Op::MatchMapping {
                    objects::ty::flags::MAPPING
                } else {
                    objects::ty::flags::SEQUENCE
                };
                let subject = f.peek(0);
                let matches = match object_shape(m, subject) {
                    // `Sequence.register` and the like change what a class is.
                    Some(shape) => *m.lookup(f.code.site(pc), shape.id.0 as i64, |_| {
                        let has_flag = if shape.ty.has(flag) { &true } else { &false };
                        Lookup::lasting(shape.ty.data().version, has_flag)
                    }),
                    None => false,
                };
                let value = flow::bool_value(m, matches);
                f.push(value);
            }
            Op::MatchKeys => {
                let value = call2(m, &matching::MATCH_KEYS, f.peek(1), f.peek(0))?;
                f.push(value);
            }
            Op::MatchClass => {
                let names = f.pop();
                let class = f.pop();
                let subject = f.pop();
                let count = int_operand(m, arg as i64);
                let value = m.call_ref(
                    &matching::MATCH_CLASS,
                    &[Operand::Ref(subject), Operand::Ref(class), count, Operand::Ref(names)],
                );
                let value = check(m, value)?;
                f.push(value);
            }
        }
        if ONE {
            return Ok(Flow::Next);
        }
        if let Some(leave) = m.boundary(f) {
            return Ok(Flow::Leave(leave));
        }
        instruction = fetch::<M>(f);
    }
}

/// RETURN_VALUE.
#[inline(always)]
fn return_value<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>) -> Result<Flow<M>, Raise<M::Ref>> {
    let value = f.pop();
    if f.code.flags().has_any(CodeFlags::GENERATOR_LIKE) {
        let generator = f.slot(slots::GENERATOR);
        let none = m.is_null(generator);
        if !m.decide(none) {
            generator::finish(m, generator);
            let end =
                m.call_ref(&crate::callees::generators::GENERATOR_END, &[Operand::Ref(generator), Operand::Ref(value)]);
            return Err(Raise::Out(end));
        }
    }
    let instead = f.slot(slots::INSTEAD);
    let none_instead = m.is_null(instead);
    if m.decide(none_instead) {
        return Ok(Flow::Return(value));
    }
    let none = none(m);
    let is_none = m.ref_eq(value, none);
    if m.decide(is_none) {
        return Ok(Flow::Return(instead));
    }
    Err(raise(m, &imports::INIT_RETURNED, &[Operand::Ref(value)]).into())
}

/// The value that a resumed generator was sent; NULL: it was thrown the exception that the context holds.
#[inline(always)]
fn resume_after_yield<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>) -> Result<(), Raise<M::Ref>> {
    let sent = f.peek(0);
    let thrown = m.is_null(sent);
    if !m.decide(thrown) {
        return Ok(());
    }
    // It is raised by the YIELD_VALUE in front.
    f.pc -= 1;
    f.pop();
    let exception = m.call_ref(&crate::callees::generators::TAKE_THROWN, &[]);
    let exception = exception::tell(m, &THROWN_INTO, exception);
    Err(Raise::Here(exception))
}

/// SEND: receiver, value; jumps to `target` with the result when the receiver is exhausted.
fn send<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, target: u32) -> Result<Flow<M>, Raise<M::Ref>> {
    let value = f.pop();
    let receiver = f.peek(0);
    if let Some(Kind::Generator) = object_kind(m, receiver) {
        let state = m.get_int(receiver, generator::GeneratorObject::STATE);
        if m.promote_int(state) < generator::state::RUNNING {
            return Ok(generator::resume(m, f, receiver, value)?);
        }
    }
    // NULL with a StopIteration pending: exhausted.
    let result = m.call_ref(&crate::callees::generators::SEND, &[Operand::Ref(receiver), Operand::Ref(value)]);
    let absent = m.is_null(result);
    if !m.decide(absent) {
        f.push(result);
        return Ok(Flow::Next);
    }
    let exception = m.take_exception();
    if !exception::is_stop_iteration(m, exception) {
        return Err(exception.into());
    }
    if m.observed() {
        call2(m, &DELEGATION_ENDS, receiver, exception)?;
    }
    let value = m.call_ref(&crate::callees::iteration::STOP_VALUE, &[Operand::Ref(exception)]);
    f.push(value);
    f.pc = target;
    Ok(Flow::Next)
}
