//! The guest's state and the way in.

use crate::code::{Code, Symbol};
use crate::errors::{GuestError, ToyError};
use crate::object::{CLASS_DATA, Class, FUNC_CODE, Kind, Method, STR_BYTES, Shape, layout};
use crate::toy::Toy;
use crate::{compile, parse};
use heap::{Heap, ShapeId, Value};
use metatrace::{Direct, Handle, Jit, Options, Thread};
use std::cell::RefCell;
use std::collections::HashMap;

/// How to run a program.
#[derive(Clone, Debug)]
pub struct RunOptions {
    pub jit: Options,
    pub heap: heap::Config,
    /// Guest frames at once.
    pub depth_limit: u32,
}

impl Default for RunOptions {
    fn default() -> RunOptions {
        RunOptions { jit: Options::default(), heap: heap::Config::default(), depth_limit: 500 }
    }
}

/// A virtual machine with one program.
#[repr(C)]
pub struct Vm {
    pub(crate) thread: Thread<Toy>,
    /// By shape id.
    pub(crate) shapes: Vec<Option<&'static Shape>>,
    pub(crate) float: ShapeId,
    pub(crate) str: &'static Shape,
    pub(crate) list: &'static Shape,
    pub(crate) array: &'static Shape,
    pub(crate) func: &'static Shape,
    pub(crate) class: &'static Shape,
    pub(crate) nil: Value,
    pub(crate) bools: [Value; 2],
    pub(crate) errors: Vec<Handle>,
    pub(crate) symbols: HashMap<String, Symbol>,
    pub(crate) missing: &'static Method,
    pub(crate) names: Names,
    /// What the program printed.
    pub output: Vec<String>,
    pub(crate) globals: HashMap<String, Handle>,
}

/// Methods that operators look for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Names {
    pub(crate) binary: [Option<Symbol>; 11],
    pub(crate) radd: Option<Symbol>,
    pub(crate) init: Option<Symbol>,
}

impl Vm {
    /// Compiles a program.
    pub fn new(program: &str, options: &RunOptions) -> Result<Box<Vm>, ToyError> {
        let heap = Heap::new(options.heap.clone());
        let mut thread = Thread::new(heap, Jit::with_options(options.jit.clone()));
        thread.depth_limit = options.depth_limit;
        let mut shapes = Vec::new();
        let mut shape = |thread: &mut Thread<Toy>, kind| new_shape(thread, &mut shapes, kind, None, Vec::new());
        let (nil_shape, bool_shape) = (shape(&mut thread, Kind::Nil), shape(&mut thread, Kind::Bool));
        let nil = thread.heap.alloc_immortal(nil_shape.id, 16);
        let bools = [(); 2].map(|()| thread.heap.alloc_immortal(bool_shape.id, 16));
        let (float, str, list) =
            (shape(&mut thread, Kind::Float), shape(&mut thread, Kind::Str), shape(&mut thread, Kind::List));
        let (array, func, class) =
            (shape(&mut thread, Kind::Array), shape(&mut thread, Kind::Func), shape(&mut thread, Kind::Class));
        let mut vm = Box::new(Vm {
            thread,
            shapes,
            float: float.id,
            str,
            list,
            array,
            func,
            class,
            nil,
            bools,
            errors: Vec::new(),
            symbols: HashMap::new(),
            missing: Box::leak(Box::new(Method { code: None })),
            names: Names::default(),
            output: Vec::new(),
            globals: HashMap::new(),
        });
        let roots: *mut Vm = &mut *vm;
        // SAFETY: the heap belongs to the machine, which does not move.
        vm.thread.heap.set_roots(Box::new(move |visitor| unsafe { (*roots).thread.visit_roots(visitor) }));
        let binary = ["add", "sub", "mul", "div", "mod", "lt", "le", "gt", "ge", "eq", "ne"];
        vm.names.binary = binary.map(|name| Some(vm.symbol(name)));
        vm.names.radd = Some(vm.symbol("radd"));
        vm.names.init = Some(vm.symbol("init"));
        for text in GuestError::TEXTS {
            let value = vm.new_str(text.as_bytes());
            let handle = vm.thread.new_handle(value);
            vm.errors.push(handle);
        }
        let program = parse::parse(program).map_err(ToyError::Syntax)?;
        compile::compile(&mut vm, &program).map_err(ToyError::Syntax)?;
        Ok(vm)
    }

    /// Calls `main`; the text of its result.
    pub fn run(&mut self) -> Result<String, ToyError> {
        let here = 0u8;
        // The native stack may grow by 6 MiB from here; tests run on threads with 8.
        self.thread.native_limit = std::ptr::from_ref(&here).addr().saturating_sub(6 << 20);
        self.thread.heap.set_stack_base(std::ptr::from_ref(&here).addr() + 4096);
        let main = *self.globals.get("main").ok_or_else(|| ToyError::Syntax("there is no main".into()))?;
        let main = self.thread.handle(main);
        let code = self.code_of(main).ok_or_else(|| ToyError::Syntax("main is no function".into()))?;
        let window = self.thread.window(code.slots as usize).expect("an empty stack has room");
        let result = Direct::<Toy>::call(self, code, window, 0, code.locals);
        match result {
            Ok(value) => Ok(self.show(value)),
            Err(exception) => Err(ToyError::Uncaught(self.show(exception))),
        }
    }

    /// Counters of the JIT.
    pub fn counters(&self) -> &metatrace::Counters {
        &self.thread.jit.counters
    }

    pub(crate) fn symbol(&mut self, name: &str) -> Symbol {
        let next = Symbol(self.symbols.len() as u32);
        *self.symbols.entry(name.to_string()).or_insert(next)
    }

    pub(crate) fn shape(&self, id: ShapeId) -> &'static Shape {
        self.shapes[id.0 as usize].expect("a shape of this language")
    }

    pub(crate) fn kind(&self, value: Value) -> Option<&'static Shape> {
        // SAFETY: a heap pointer.
        value.is_object().then(|| self.shape(unsafe { heap::shape_of(value) }))
    }

    pub(crate) fn new_instance_shape(&mut self, class: &'static Class, names: Vec<Symbol>) -> &'static Shape {
        new_shape(&mut self.thread, &mut self.shapes, Kind::Instance, Some(class), names)
    }

    /// The shape that an instance has after it got a new attribute.
    pub(crate) fn transition(&mut self, from: &'static Shape, name: Symbol) -> &'static Shape {
        if let Some(&(_, to)) = from.transitions.borrow().iter().find(|(known, _)| *known == name) {
            return to;
        }
        let mut names = from.names.clone();
        names.push(name);
        let to = self.new_instance_shape(from.class.expect("an instance has a class"), names);
        from.transitions.borrow_mut().push((name, to));
        to
    }

    pub(crate) fn new_str(&mut self, text: &[u8]) -> Value {
        let value = self.thread.heap.alloc_tail(self.str.id, 16, text.len());
        // SAFETY: the tail has room for the text.
        unsafe {
            std::ptr::copy_nonoverlapping(
                text.as_ptr(),
                (value.0 as usize + STR_BYTES.offset as usize) as *mut u8,
                text.len(),
            )
        };
        value
    }

    /// An immortal object with one raw word.
    pub(crate) fn new_holder(&mut self, shape: ShapeId, word: usize) -> Value {
        let value = self.thread.heap.alloc_immortal(shape, 16);
        // SAFETY: the object has two words.
        unsafe { *((value.0 as usize + 8) as *mut usize) = word };
        value
    }

    pub(crate) fn code_of(&self, value: Value) -> Option<&'static Code> {
        let is_func = self.kind(value).is_some_and(|shape| shape.kind == Kind::Func);
        // SAFETY: the word of a function is its code, which lives as long as the process.
        is_func.then(|| unsafe { &*(word(value, FUNC_CODE.offset) as *const Code) })
    }

    pub(crate) fn class_of(&self, value: Value) -> Option<&'static Class> {
        let is_class = self.kind(value).is_some_and(|shape| shape.kind == Kind::Class);
        // SAFETY: the word of a class object is its class, which lives as long as the process.
        is_class.then(|| unsafe { &*(word(value, CLASS_DATA.offset) as *const Class) })
    }

    pub(crate) fn str_of(&self, value: Value) -> Option<&[u8]> {
        let is_str = self.kind(value).is_some_and(|shape| shape.kind == Kind::Str);
        // SAFETY: word 1 of a string is its length, its bytes follow.
        is_str.then(|| unsafe {
            std::slice::from_raw_parts(
                (value.0 as usize + STR_BYTES.offset as usize) as *const u8,
                word(value, 8) as usize,
            )
        })
    }

    /// The text of a value, as `print` writes it.
    pub(crate) fn show(&self, value: Value) -> String {
        self.show_nested(value, 0)
    }

    fn show_nested(&self, value: Value, depth: usize) -> String {
        if value.is_int() {
            return value.as_int().to_string();
        }
        if value.is_flonum() {
            return format!("{:?}", value.as_flonum());
        }
        let Some(shape) = self.kind(value) else { return "null".into() };
        if depth > 4 {
            return "…".into();
        }
        match shape.kind {
            Kind::Nil => "nil".into(),
            Kind::Bool => (value == self.bools[1]).to_string(),
            Kind::Float => format!("{:?}", f64::from_bits(word(value, 8))),
            Kind::Str => String::from_utf8_lossy(self.str_of(value).expect("a string")).into_owned(),
            Kind::List => {
                let (len, array) = (word(value, 8), word(value, 16));
                // Lists may hold themselves, many times.
                let shown = len.min(if depth == 0 { 100 } else { 5 });
                let items =
                    (0..shown).map(|at| self.show_nested(Value(word(Value(array), 16 + 8 * at as u32)), depth + 1));
                format!("[{}]", items.collect::<Vec<_>>().join(", "))
            }
            Kind::Array => "array".into(),
            Kind::Func => format!("fn {}", self.code_of(value).expect("a function").name),
            Kind::Class => format!("class {}", self.class_of(value).expect("a class").name),
            Kind::Instance => {
                let items = (0..shape.names.len())
                    .map(|at| self.show_nested(Value(word(value, 8 + 8 * at as u32)), depth + 1))
                    .collect::<Vec<_>>();
                format!("{}({})", shape.class.map_or("", |class| &class.name), items.join(", "))
            }
        }
    }
}

pub(crate) fn word(object: Value, offset: u32) -> u64 {
    // SAFETY: the caller knows the object's layout.
    unsafe { *((object.0 as usize + offset as usize) as *const u64) }
}

fn new_shape(
    thread: &mut Thread<Toy>,
    shapes: &mut Vec<Option<&'static Shape>>,
    kind: Kind,
    class: Option<&'static Class>,
    names: Vec<Symbol>,
) -> &'static Shape {
    let id = thread.heap.register_shape(layout(kind));
    let shape: &'static Shape =
        Box::leak(Box::new(Shape { id, kind, class, names, transitions: RefCell::new(Vec::new()) }));
    if shapes.len() <= id.0 as usize {
        shapes.resize(id.0 as usize + 1, None);
    }
    shapes[id.0 as usize] = Some(shape);
    shape
}
