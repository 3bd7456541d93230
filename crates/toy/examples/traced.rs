//! An interpreter for a part of toy's language: integers, floats, truth values, loops, functions.
//!
//! `plain.rs` has no JIT. `traced.rs` is the same interpreter with one; docs/tutorial.md goes through their difference.

use heap::{Config, Heap, Layout, ShapeId, Value};
use metatrace::{Ask, Direct, Entered, Finished, Frame, HotCell, Jit, Language, Leave, Machine, Options, Thread};
use std::collections::HashMap;
use toy::Binary;
use toy::parse::{Expr, Func, Stmt};

/// One instruction. Stack effects in the comments, the top on the right.
#[derive(Clone, Copy, Debug)]
enum Op {
    /// → constant
    Const(u32),
    /// → value
    Local(u32),
    /// value →
    SetLocal(u32),
    /// value →
    Pop,
    /// a b → b a
    Swap,
    /// a b → result
    Binary(Binary),
    /// truth → its contrary
    Not,
    Jump(u32),
    /// truth →
    JumpIfFalse(u32),
    /// arguments → result, of the function with this number
    Call(u32),
    /// value → (leaves the frame)
    Return,
}

/// A function. Lives as long as the process.
pub struct Code {
    name: String,
    ops: Vec<Op>,
    consts: Vec<Value>,
    params: u32,
    locals: u32,
    /// Locals and the deepest stack.
    slots: u32,
    entry: HotCell,
    loops: Vec<HotCell>,
}

/// The language as the framework sees it.
pub enum Tiny {}

impl Language for Tiny {
    type Code = Code;
    type Context = Vm;
    metatrace::dispatch!(run, arrive);
    fn slot_count(code: &'static Code) -> usize {
        code.slots as usize
    }
    fn loop_cell(code: &'static Code, pc: u32) -> &'static HotCell {
        &code.loops[pc as usize]
    }
    fn entry_cell(code: &'static Code) -> &'static HotCell {
        &code.entry
    }
    fn describe(code: &'static Code, pc: u32) -> String {
        format!("{}:{pc} {:?}", code.name, code.ops[pc as usize])
    }
    fn bools(vm: &mut Vm) -> [Value; 2] {
        vm.bools
    }
    fn float_shape(vm: &mut Vm) -> ShapeId {
        vm.float
    }
    fn recursion_error(_: &mut Vm) -> Value {
        Error::Recursion.value()
    }
}

/// A handler's result: a value, or the error as a value.
type Res<M> = Result<<M as Machine>::Ref, <M as Machine>::Ref>;

/// What may go wrong; the guest's value for it is its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    Operands,
    ZeroDivision,
    NotATruth,
    Recursion,
}

impl Error {
    const ALL: [Error; 4] = [Error::Operands, Error::ZeroDivision, Error::NotATruth, Error::Recursion];

    fn value(self) -> Value {
        Value::from_int(self as i64)
    }
}

/// A program and its state.
#[repr(C)]
pub struct Vm {
    pub thread: Thread<Tiny>,
    codes: Vec<&'static Code>,
    float: ShapeId,
    nil: Value,
    bools: [Value; 2],
}

impl Vm {
    /// Compiles a program.
    pub fn new(program: &str, options: Options) -> Result<Box<Vm>, String> {
        let mut heap = Heap::new(Config::default());
        let float = heap.register_shape(Layout::raw(2));
        let constant = heap.register_shape(Layout::raw(2));
        let [nil, no, yes] = [(); 3].map(|()| heap.alloc_immortal(constant, 16));
        let (codes, bools) = (Vec::new(), [no, yes]);
        let mut vm = Box::new(Vm { thread: Thread::new(heap, Jit::with_options(options)), codes, float, nil, bools });
        let roots: *mut Vm = &mut *vm;
        vm.thread.heap.set_roots(Box::new(move |visitor| {
            // SAFETY: the heap belongs to the machine, which does not move.
            unsafe { (*roots).thread.visit_roots(visitor) }
        }));
        let funcs = toy::parse::parse(program)?.funcs;
        for func in &funcs {
            let code = Compiler::new(&mut vm, &funcs, func).compile()?;
            vm.codes.push(Box::leak(Box::new(code)));
        }
        Ok(vm)
    }

    /// Calls `main`; the text of its result.
    pub fn run(&mut self) -> Result<String, Error> {
        let here = 0u8;
        self.thread.heap.set_stack_base(std::ptr::from_ref(&here).addr() + 4096);
        let main = *self.codes.iter().find(|code| code.name == "main").expect("there is a main");
        let window = self.thread.window(main.slots as usize).expect("an empty stack has room");
        let result = Direct::<Tiny>::call(self, main, window, 0, main.locals);
        match result {
            Ok(value) => Ok(self.show(value)),
            Err(error) => Err(Error::ALL[error.as_int() as usize]),
        }
    }

    fn show(&self, value: Value) -> String {
        if value.is_int() {
            value.as_int().to_string()
        } else if let Some(x) = self.float(value) {
            format!("{x:?}")
        } else if value == self.nil {
            "nil".to_string()
        } else {
            (value == self.bools[1]).to_string()
        }
    }

    /// The float that a value is, immediate or boxed on the heap.
    fn float(&self, value: Value) -> Option<f64> {
        if value.is_flonum() {
            return Some(value.as_flonum());
        }
        // SAFETY: an object has a shape; the second word of a boxed float is its bits.
        unsafe {
            let boxed = value.is_object() && heap::shape_of(value) == self.float;
            boxed.then(|| *((value.0 + 8) as *const f64))
        }
    }
}

/// The dispatch loop: runs a frame and what it calls until it is left.
fn run<M: Machine<L = Tiny>>(m: &mut M, mut frame: Frame<Tiny, M::Ref>) -> Leave<M::Ref> {
    loop {
        if let Some(left) = m.boundary(&mut frame).or_else(|| step(m, &mut frame)) {
            return left;
        }
    }
}

/// One instruction. `Some`: the outermost frame was left.
fn step<M: Machine<L = Tiny>>(m: &mut M, frame: &mut Frame<Tiny, M::Ref>) -> Option<Leave<M::Ref>> {
    let code = frame.code;
    let op = code.ops[frame.pc as usize];
    frame.pc += 1;
    let result = match op {
        Op::Const(at) => Ok(m.constant(code.consts[at as usize])),
        Op::Local(at) => Ok(frame.slot(at as usize)),
        Op::SetLocal(at) => {
            let value = frame.pop();
            frame.set_slot(at as usize, value);
            return None;
        }
        Op::Pop => {
            frame.pop();
            return None;
        }
        Op::Swap => {
            let (b, a) = (frame.pop(), frame.pop());
            frame.push(b);
            Ok(a)
        }
        Op::Binary(op) => {
            let (b, a) = (frame.pop(), frame.pop());
            binary(m, op, a, b)
        }
        Op::Not => match condition(m, frame.pop()) {
            Ok(yes) => truth(m, |m| m.bool(!yes)),
            Err(error) => Err(error),
        },
        Op::Jump(target) => {
            let backward = target < frame.pc;
            frame.pc = target;
            return if backward { m.back_edge(frame) } else { None };
        }
        Op::JumpIfFalse(target) => match condition(m, frame.pop()) {
            Ok(yes) => {
                frame.pc = if yes { frame.pc } else { target };
                return None;
            }
            Err(error) => Err(error),
        },
        Op::Call(at) => return call(m, frame, at),
        Op::Return => {
            let value = frame.pop();
            return finish(m, frame, Ok(value));
        }
    };
    arrive(m, frame, result)
}

/// An instruction or a callee is done: a value goes on the stack, an error leaves the frame.
fn arrive<M: Machine<L = Tiny>>(m: &mut M, frame: &mut Frame<Tiny, M::Ref>, result: Res<M>) -> Option<Leave<M::Ref>> {
    match result {
        Ok(value) => {
            frame.push(value);
            None
        }
        error => finish(m, frame, error),
    }
}

/// Leaves the frame: `frame` is its caller's afterwards.
fn finish<M: Machine<L = Tiny>>(m: &mut M, frame: &mut Frame<Tiny, M::Ref>, result: Res<M>) -> Option<Leave<M::Ref>> {
    match m.finish(frame, result) {
        Finished::Caller(result) => arrive(m, frame, result),
        Finished::Base(leave) => Some(leave),
    }
}

/// Calls a function with the arguments on the stack: `frame` is the callee's afterwards.
fn call<M: Machine<L = Tiny>>(m: &mut M, frame: &mut Frame<Tiny, M::Ref>, at: u32) -> Option<Leave<M::Ref>> {
    let code = m.context().codes[at as usize];
    let Some(window) = m.window(code) else {
        let error = raise(m, Error::Recursion);
        return arrive(m, frame, error);
    };
    for (at, &argument) in frame.top(code.params as usize).iter().enumerate() {
        // SAFETY: the window has a slot for each parameter.
        unsafe { *window.add(at) = argument };
    }
    frame.sp -= code.params;
    match m.enter(frame, code, window, 0, code.locals) {
        Entered::Frame => None,
        Entered::Done(result) => arrive(m, frame, result),
    }
}

fn raise<M: Machine<L = Tiny>, T>(m: &mut M, error: Error) -> Result<T, M::Ref> {
    Err(m.constant(error.value()))
}

/// What a branch takes: a truth value, nothing else.
fn condition<M: Machine<L = Tiny>>(m: &mut M, value: M::Ref) -> Result<bool, M::Ref> {
    let [no, yes] = m.context().bools;
    if m.is(value, yes) {
        return Ok(true);
    }
    if m.is(value, no) { Ok(false) } else { raise(m, Error::NotATruth) }
}

/// `a op b`, on integers as long as the result is one that fits, otherwise on floats.
fn binary<M: Machine<L = Tiny>>(m: &mut M, op: Binary, a: M::Ref, b: M::Ref) -> Res<M> {
    if let (Some(x), Some(y)) = (m.as_int(a), m.as_int(b))
        && let Some(result) = on_ints(m, op, x, y)
    {
        return result;
    }
    match (number(m, a), number(m, b)) {
        (Some(x), Some(y)) => on_floats(m, op, x, y),
        _ => raise(m, Error::Operands),
    }
}

/// `None`: the result is a float.
fn on_ints<M: Machine<L = Tiny>>(m: &mut M, op: Binary, x: M::Int, y: M::Int) -> Option<Res<M>> {
    let zero = m.int(0);
    let result = match op {
        Binary::Add => m.int_add(x, y),
        Binary::Sub => m.int_sub(x, y),
        Binary::Mul if m.test(|m| m.int_mul_overflows(x, y)) => return None,
        Binary::Mul => m.int_mul(x, y),
        Binary::Mod if m.test(|m| m.int_eq(y, zero)) => return Some(raise(m, Error::ZeroDivision)),
        Binary::Mod => m.int_mod(x, y),
        Binary::Lt => return Some(truth(m, |m| m.int_lt(x, y))),
        Binary::Le => return Some(truth(m, |m| m.int_le(x, y))),
        Binary::Eq => return Some(truth(m, |m| m.int_eq(x, y))),
        _ => return None,
    };
    m.test(|m| m.int_fits(result)).then(|| Ok(m.int_box(result)))
}

fn on_floats<M: Machine<L = Tiny>>(m: &mut M, op: Binary, x: M::Flt, y: M::Flt) -> Res<M> {
    let zero = m.flt(0.0);
    let result = match op {
        Binary::Add => m.flt_add(x, y),
        Binary::Sub => m.flt_sub(x, y),
        Binary::Mul => m.flt_mul(x, y),
        Binary::Div if m.test(|m| m.flt_eq(y, zero)) => return raise(m, Error::ZeroDivision),
        Binary::Div => m.flt_div(x, y),
        Binary::Lt => return truth(m, |m| m.flt_lt(x, y)),
        Binary::Le => return truth(m, |m| m.flt_le(x, y)),
        Binary::Eq => return truth(m, |m| m.flt_eq(x, y)),
        _ => return raise(m, Error::Operands),
    };
    Ok(m.flt_box(result))
}

/// A number as a float; `None` for everything else.
fn number<M: Machine<L = Tiny>>(m: &mut M, value: M::Ref) -> Option<M::Flt> {
    if let Some(x) = m.as_int(value) {
        return Some(m.int_to_flt(x));
    }
    m.as_flt(value)
}

fn truth<M: Machine<L = Tiny>>(m: &mut M, truth: impl FnOnce(&mut M) -> M::Bool) -> Res<M> {
    let truth = truth(m);
    Ok(m.bool_box(truth))
}

/// Makes the code of a function out of its syntax tree.
struct Compiler<'a> {
    vm: &'a mut Vm,
    funcs: &'a [Func],
    func: &'a Func,
    ops: Vec<Op>,
    consts: Vec<Value>,
    locals: HashMap<String, u32>,
    depth: i32,
    deepest: i32,
}

impl<'a> Compiler<'a> {
    fn new(vm: &'a mut Vm, funcs: &'a [Func], func: &'a Func) -> Compiler<'a> {
        let locals = func.params.iter().cloned().zip(0..).collect();
        Compiler { vm, funcs, func, ops: Vec::new(), consts: Vec::new(), locals, depth: 0, deepest: 0 }
    }

    fn compile(mut self) -> Result<Code, String> {
        let params = self.locals.len() as u32;
        self.declare(&self.func.body);
        for local in params..self.locals.len() as u32 {
            self.constant(self.vm.nil);
            self.emit(Op::SetLocal(local), -1);
        }
        self.block(&self.func.body)?;
        self.constant(self.vm.nil);
        self.emit(Op::Return, -1);
        let locals = self.locals.len() as u32;
        Ok(Code {
            name: self.func.name.clone(),
            consts: self.consts,
            params,
            locals,
            slots: locals + self.deepest as u32,
            entry: HotCell::default(),
            loops: self.ops.iter().map(|_| HotCell::default()).collect(),
            ops: self.ops,
        })
    }

    fn declare(&mut self, body: &[Stmt]) {
        for stmt in body {
            match stmt {
                Stmt::Set(name, _) => {
                    let next = self.locals.len() as u32;
                    self.locals.entry(name.clone()).or_insert(next);
                }
                Stmt::While(_, body) => self.declare(body),
                Stmt::If(_, yes, no) => [yes, no].into_iter().for_each(|body| self.declare(body)),
                _ => {}
            }
        }
    }

    fn emit(&mut self, op: Op, effect: i32) -> usize {
        self.ops.push(op);
        self.depth += effect;
        self.deepest = self.deepest.max(self.depth);
        self.ops.len() - 1
    }

    fn constant(&mut self, value: Value) {
        self.consts.push(value);
        self.emit(Op::Const(self.consts.len() as u32 - 1), 1);
    }

    /// Makes the jump at `at` lead here.
    fn patch(&mut self, at: usize) {
        let here = self.ops.len() as u32;
        if let Op::Jump(target) | Op::JumpIfFalse(target) = &mut self.ops[at] {
            *target = here;
        }
    }

    fn block(&mut self, body: &[Stmt]) -> Result<(), String> {
        body.iter().try_for_each(|stmt| self.stmt(stmt))
    }

    fn stmt(&mut self, stmt: &Stmt) -> Result<(), String> {
        match stmt {
            Stmt::Set(name, value) => {
                self.expr(value)?;
                self.emit(Op::SetLocal(self.locals[name]), -1);
            }
            Stmt::Expr(expr) => {
                self.expr(expr)?;
                self.emit(Op::Pop, -1);
            }
            Stmt::Return(value) => {
                self.expr(value)?;
                self.emit(Op::Return, -1);
            }
            Stmt::While(condition, body) => {
                let header = self.ops.len() as u32;
                self.expr(condition)?;
                let out = self.emit(Op::JumpIfFalse(0), -1);
                self.block(body)?;
                self.emit(Op::Jump(header), 0);
                self.patch(out);
            }
            Stmt::If(condition, yes, no) => {
                self.expr(condition)?;
                let to_no = self.emit(Op::JumpIfFalse(0), -1);
                self.block(yes)?;
                let out = self.emit(Op::Jump(0), 0);
                self.patch(to_no);
                self.block(no)?;
                self.patch(out);
            }
            stmt => return Err(format!("not in this part of the language: {stmt:?}")),
        }
        Ok(())
    }

    fn expr(&mut self, expr: &Expr) -> Result<(), String> {
        match expr {
            Expr::Int(x) => self.constant(Value::from_int(*x)),
            Expr::Float(x) => {
                let value = Value::from_flonum(*x).ok_or(format!("{x}: too far from 1 for a constant"))?;
                self.constant(value);
            }
            Expr::Nil => self.constant(self.vm.nil),
            Expr::Bool(truth) => self.constant(self.vm.bools[*truth as usize]),
            Expr::Name(name) => {
                let local = *self.locals.get(name).ok_or(format!("unknown name {name}"))?;
                self.emit(Op::Local(local), 1);
            }
            Expr::Binary(op, a, b) => {
                self.expr(a)?;
                self.expr(b)?;
                let (swap, op, not) = match op {
                    Binary::Gt => (true, Binary::Lt, false),
                    Binary::Ge => (true, Binary::Le, false),
                    Binary::Ne => (false, Binary::Eq, true),
                    op => (false, *op, false),
                };
                if swap {
                    self.emit(Op::Swap, 0);
                }
                self.emit(Op::Binary(op), -1);
                if not {
                    self.emit(Op::Not, 0);
                }
            }
            Expr::Not(a) => {
                self.expr(a)?;
                self.emit(Op::Not, 0);
            }
            Expr::Neg(a) => {
                self.constant(Value::from_int(-1));
                self.expr(a)?;
                self.emit(Op::Binary(Binary::Mul), -1);
            }
            Expr::Call(callee, arguments) => {
                let Expr::Name(name) = &**callee else { return Err("only functions are called".to_string()) };
                let at = self.funcs.iter().position(|func| func.name == *name);
                let at = at.ok_or(format!("unknown function {name}"))?;
                if self.funcs[at].params.len() != arguments.len() {
                    return Err(format!("{name}: wrong number of arguments"));
                }
                arguments.iter().try_for_each(|argument| self.expr(argument))?;
                self.emit(Op::Call(at as u32), 1 - arguments.len() as i32);
            }
            expr => return Err(format!("not in this part of the language: {expr:?}")),
        }
        Ok(())
    }
}

#[allow(dead_code)] // The test includes this file as a module.
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let program = std::fs::read_to_string(&arguments[1]).expect("the file can be read");
    let options = Options::parse(&arguments[2..].join(",")).unwrap_or_else(|error| panic!("{error}"));
    let mut vm = Vm::new(&program, options).unwrap_or_else(|error| panic!("{error}"));
    let started = std::time::Instant::now();
    println!("{:?} in {:.3} s", vm.run(), started.elapsed().as_secs_f64());
}
