//! Syntax trees to bytecode.

use crate::code::{Code, Handler, Op};
use crate::object::{ATTRIBUTES, Class, Method};
use crate::parse::{Expr, Func, Program, Stmt};
use crate::vm::Vm;
use heap::Value;
use metatrace::{Handle, HotCell, Site};
use std::cell::RefCell;
use std::collections::HashMap;

type Compiled<T> = Result<T, String>;

/// Defines all functions and classes of the program.
pub(crate) fn compile(vm: &mut Vm, program: &Program) -> Compiled<()> {
    // Codes refer to each other through function objects, so all of those come first.
    let mut codes: Vec<(*mut Code, &Func)> = Vec::new();
    for func in &program.funcs {
        let (code, value) = empty_code(vm, func);
        codes.push((code, func));
        let handle = vm.thread.new_handle(value);
        vm.globals.insert(func.name.clone(), handle);
    }
    for class in &program.classes {
        if class.fields.len() > ATTRIBUTES {
            return Err(format!("class {}: too many fields", class.name));
        }
        let mut methods = Vec::new();
        for func in &class.methods {
            let (code, _) = empty_code(vm, func);
            codes.push((code, func));
            // SAFETY: codes are leaked.
            let method: &'static Method = Box::leak(Box::new(Method { code: Some(unsafe { &*code }) }));
            methods.push((vm.symbol(&func.name), method));
        }
        let fields: Vec<_> = class.fields.iter().map(|name| vm.symbol(name)).collect();
        let assumption = vm.thread.jit.new_assumption();
        let made: &'static Class = Box::leak(Box::new(Class {
            name: class.name.clone(),
            fields: fields.clone(),
            first_shape: RefCell::new(None),
            methods: RefCell::new(methods),
            missing: vm.missing,
            assumption,
        }));
        *made.first_shape.borrow_mut() = Some(vm.new_instance_shape(made, fields));
        let value = vm.new_holder(vm.class.id, std::ptr::from_ref(made).addr());
        let handle = vm.thread.new_handle(value);
        vm.globals.insert(class.name.clone(), handle);
    }
    for (place, func) in codes {
        let mut compiler = Compiler::new(vm, func);
        compiler.block(&func.body)?;
        let code = compiler.done();
        // SAFETY: the leaked code is not used before the program runs.
        unsafe { *place = code };
    }
    Ok(())
}

fn empty_code(vm: &mut Vm, func: &Func) -> (*mut Code, Value) {
    let code: *mut Code = Box::leak(Box::new(Code {
        name: func.name.clone(),
        ops: Vec::new(),
        consts: Vec::new(),
        objects: Vec::new(),
        params: 0,
        locals: 0,
        slots: 0,
        handlers: Vec::new(),
        entry: HotCell::default(),
        loops: Vec::new(),
        sites: Vec::new(),
    }));
    (code, vm.new_holder(vm.func.id, code.addr()))
}

struct Compiler<'a> {
    vm: &'a mut Vm,
    func: &'a Func,
    ops: Vec<Op>,
    consts: Vec<Value>,
    objects: Vec<Handle>,
    handlers: Vec<Handler>,
    locals: HashMap<String, u32>,
    depth: i32,
    deepest: i32,
}

impl<'a> Compiler<'a> {
    fn new(vm: &'a mut Vm, func: &'a Func) -> Compiler<'a> {
        let mut compiler = Compiler {
            vm,
            func,
            ops: Vec::new(),
            consts: Vec::new(),
            objects: Vec::new(),
            handlers: Vec::new(),
            locals: HashMap::new(),
            depth: 0,
            deepest: 0,
        };
        for name in &func.params {
            compiler.local(name);
        }
        compiler.find_locals(&func.body);
        compiler
    }

    fn local(&mut self, name: &str) -> u32 {
        let next = self.locals.len() as u32;
        *self.locals.entry(name.to_string()).or_insert(next)
    }

    fn find_locals(&mut self, body: &[Stmt]) {
        for stmt in body {
            match stmt {
                Stmt::Set(name, _) => {
                    self.local(name);
                }
                Stmt::While(_, body) => self.find_locals(body),
                Stmt::If(_, yes, no) => {
                    self.find_locals(yes);
                    self.find_locals(no);
                }
                Stmt::Try(body, name, catch) => {
                    self.local(name);
                    self.find_locals(body);
                    self.find_locals(catch);
                }
                _ => {}
            }
        }
    }

    fn done(mut self) -> Code {
        self.constant(self.vm.nil);
        self.emit(Op::Return, -1);
        let count = self.ops.len();
        Code {
            name: self.func.name.clone(),
            ops: self.ops,
            consts: self.consts,
            objects: self.objects,
            params: self.func.params.len() as u32,
            locals: self.locals.len() as u32,
            slots: self.locals.len() as u32 + self.deepest as u32 + 1,
            handlers: self.handlers,
            entry: HotCell::default(),
            loops: (0..count).map(|_| HotCell::default()).collect(),
            sites: (0..count).map(|_| Site::default()).collect(),
        }
    }

    fn emit(&mut self, op: Op, effect: i32) -> usize {
        self.ops.push(op);
        self.depth += effect;
        self.deepest = self.deepest.max(self.depth);
        self.ops.len() - 1
    }

    fn here(&self) -> u32 {
        self.ops.len() as u32
    }

    fn constant(&mut self, value: Value) {
        self.consts.push(value);
        self.emit(Op::Const(self.consts.len() as u32 - 1), 1);
    }

    fn object(&mut self, handle: Handle) {
        self.objects.push(handle);
        self.emit(Op::Object(self.objects.len() as u32 - 1), 1);
    }

    fn patch(&mut self, at: usize) {
        let here = self.here();
        match &mut self.ops[at] {
            Op::Jump(target) | Op::JumpIfFalse(target) => *target = here,
            op => unreachable!("{op:?} is no jump"),
        }
    }

    fn block(&mut self, body: &[Stmt]) -> Compiled<()> {
        body.iter().try_for_each(|stmt| self.stmt(stmt))
    }

    fn stmt(&mut self, stmt: &Stmt) -> Compiled<()> {
        match stmt {
            Stmt::Set(name, value) => {
                self.expr(value)?;
                let local = self.local(name);
                self.emit(Op::SetLocal(local), -1);
            }
            Stmt::SetAttr(object, name, value) => {
                self.expr(object)?;
                self.expr(value)?;
                let name = self.vm.symbol(name);
                self.emit(Op::SetAttr(name), -2);
            }
            Stmt::AddAttr(object, name, value) => {
                self.expr(object)?;
                self.expr(value)?;
                let name = self.vm.symbol(name);
                self.emit(Op::AddAttr(name), -2);
            }
            Stmt::SetIndex(list, index, value) => {
                self.expr(list)?;
                self.expr(index)?;
                self.expr(value)?;
                self.emit(Op::SetIndex, -3);
            }
            Stmt::Expr(expr) => {
                self.expr(expr)?;
                self.emit(Op::Pop, -1);
            }
            Stmt::Return(value) => {
                self.expr(value)?;
                self.emit(Op::Return, -1);
            }
            Stmt::Raise(value) => {
                self.expr(value)?;
                self.emit(Op::Raise, -1);
            }
            Stmt::While(condition, body) => {
                let header = self.here();
                self.expr(condition)?;
                let out = self.emit(Op::JumpIfFalse(0), -1);
                self.block(body)?;
                self.emit(Op::JumpBack(header), 0);
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
            Stmt::Try(body, name, catch) => {
                let from = self.here();
                self.block(body)?;
                let to = self.here();
                let out = self.emit(Op::Jump(0), 0);
                let target = self.here();
                let sp = self.locals.len() as u32 + self.depth as u32;
                if from < to {
                    self.handlers.push(Handler { from, to, target, sp });
                }
                self.depth += 1;
                self.deepest = self.deepest.max(self.depth);
                let local = self.local(name);
                self.emit(Op::SetLocal(local), -1);
                self.block(catch)?;
                self.patch(out);
            }
        }
        Ok(())
    }

    fn expr(&mut self, expr: &Expr) -> Compiled<()> {
        match expr {
            Expr::Int(x) => self.constant(Value::from_int(*x)),
            Expr::Float(x) => match Value::from_flonum(*x) {
                Some(value) => self.constant(value),
                None => {
                    let value = self.vm.new_holder(self.vm.float, x.to_bits() as usize);
                    self.constant(value);
                }
            },
            Expr::Str(text) => {
                let value = self.vm.new_str(text.as_bytes());
                let handle = self.vm.thread.new_handle(value);
                self.object(handle);
            }
            Expr::Nil => self.constant(self.vm.nil),
            Expr::Bool(truth) => self.constant(self.vm.bools[*truth as usize]),
            Expr::Name(name) => {
                if let Some(&local) = self.locals.get(name) {
                    self.emit(Op::Local(local), 1);
                } else if let Some(&handle) = self.vm.globals.get(name) {
                    self.object(handle);
                } else {
                    return Err(format!("{}: unknown name {name}", self.func.name));
                }
            }
            Expr::List(items) => {
                self.exprs(items)?;
                self.emit(Op::List(items.len() as u32), 1 - items.len() as i32);
            }
            Expr::Binary(op, a, b) => {
                self.expr(a)?;
                self.expr(b)?;
                self.emit(Op::Binary(*op), -1);
            }
            Expr::And(a, b) => self.short(a, b, true)?,
            Expr::Or(a, b) => self.short(a, b, false)?,
            Expr::Not(a) => {
                self.expr(a)?;
                self.emit(Op::Not, 0);
            }
            Expr::Neg(a) => {
                self.expr(a)?;
                self.emit(Op::Neg, 0);
            }
            Expr::Call(callee, args) => self.call(callee, args)?,
            Expr::Method(object, name, args) => {
                self.expr(object)?;
                self.exprs(args)?;
                let name = self.vm.symbol(name);
                self.emit(Op::CallMethod(name, args.len() as u32), -(args.len() as i32));
            }
            Expr::Attr(object, name) => {
                self.expr(object)?;
                let name = self.vm.symbol(name);
                self.emit(Op::Attr(name), 0);
            }
            Expr::Index(list, index) => {
                self.expr(list)?;
                self.expr(index)?;
                self.emit(Op::Index, -1);
            }
        }
        Ok(())
    }

    fn exprs(&mut self, exprs: &[Expr]) -> Compiled<()> {
        exprs.iter().try_for_each(|expr| self.expr(expr))
    }

    /// `a and b` is true or false; `b` is computed only if it matters.
    fn short(&mut self, a: &Expr, b: &Expr, and: bool) -> Compiled<()> {
        self.expr(a)?;
        if !and {
            self.emit(Op::Not, 0);
        }
        let decided = self.emit(Op::JumpIfFalse(0), -1);
        self.expr(b)?;
        self.emit(Op::Not, 0);
        self.emit(Op::Not, 0);
        let out = self.emit(Op::Jump(0), -1);
        self.patch(decided);
        self.constant(self.vm.bools[!and as usize]);
        self.patch(out);
        Ok(())
    }

    fn call(&mut self, callee: &Expr, args: &[Expr]) -> Compiled<()> {
        if let Expr::Name(name) = callee
            && !self.locals.contains_key(name)
            && !self.vm.globals.contains_key(name)
        {
            if let ("set_method", [class, Expr::Str(method), function]) = (name.as_str(), args) {
                self.expr(class)?;
                self.expr(function)?;
                let method = self.vm.symbol(method);
                self.emit(Op::SetMethod(method), -1);
                return Ok(());
            }
            let builtins: [(&str, usize, Op); 6] = [
                ("push", 2, Op::Push),
                ("swap", 3, Op::Swap),
                ("len", 1, Op::Len),
                ("print", 1, Op::Print),
                ("map2", 2, Op::Map),
                ("depth", 0, Op::Depth),
            ];
            let Some(&(_, count, op)) = builtins.iter().find(|builtin| builtin.0 == name) else {
                return Err(format!("{}: unknown function {name}", self.func.name));
            };
            if args.len() != count {
                return Err(format!("{}: {name} takes {count} arguments", self.func.name));
            }
            self.exprs(args)?;
            self.emit(op, 1 - count as i32);
            return Ok(());
        }
        self.expr(callee)?;
        self.exprs(args)?;
        self.emit(Op::Call(args.len() as u32), -(args.len() as i32));
        Ok(())
    }
}
