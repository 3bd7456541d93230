//! How native functions are declared and called.

use crate::error::PyResult;
use crate::vm::Vm;
use heap::Value;

/// The arguments of one call, as they lie on the value stack or in a Rust array: positional ones, then the values of the
/// keyword ones, whose names are the last element.
#[derive(Clone, Copy)]
pub struct CallArgs<'a> {
    /// All values: positional, then keyword.
    pub values: &'a [Value],
    /// A tuple of interned strings, or NULL if there are no keyword arguments.
    pub names: Value,
}

/// A native function. With a receiver (methods, bound functions), it is the first positional value.
pub type NativeFn = fn(&mut Vm, &CallArgs) -> PyResult;

/// How a native method is reached from its type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MethodKind {
    /// A function of a module.
    Function,
    Method,
    ClassMethod,
    StaticMethod,
}

/// A row of a method table.
pub struct MethodDef {
    pub name: &'static str,
    pub function: NativeFn,
    /// Positional values, receiver included: at least, at most.
    pub min: u32,
    pub max: u32,
    /// Whether keyword arguments are allowed; the function then parses them.
    pub keywords: bool,
    pub kind: MethodKind,
    /// The first lines of `__doc__`: `name(signature)\n--\n\ntext`, as CPython's; may be empty.
    pub doc: &'static str,
    /// Whether it can run Python code, raise tracing events or look at frames. A false `false` is a bug; when in doubt: true.
    pub runs_guest: bool,
    /// Whether it runs no Python code and writes nothing if all arguments are numbers, str, bytes or None, of these very types.
    pub plain: bool,
    /// What traces see in place of the call.
    pub intrinsic: Option<Intrinsic>,
}

/// A native function whose common cases handlers trace through.
#[derive(Clone, Copy, Debug)]
pub enum Intrinsic {
    Len,
    Abs,
    Sqrt,
    /// A pure function from float to float; results that are not finite go the general way.
    Float(&'static metatrace::Callee),
    ListAppend,
    ListPop,
    DictGet,
    Struct(&'static crate::struct_plan::StructIntrinsic),
    GetAttr,
    IsInstance,
    Min,
    Max,
    Floor,
    Ceil,
    Trunc,
    Ord,
    /// `functools.reduce` of a list: a loop of the guest.
    Reduce,
    /// Takes all values of its first argument, or of its second that of a method: of a generator in a loop of the guest.
    Consumer(Consumer),
}

/// Native functions and classes that take all values of an iterable.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Consumer {
    Sum,
    Any,
    All,
    Min,
    Max,
    List,
    Tuple,
    Set,
    Sorted,
    Join,
}

/// A native function takes so many values of a generator before it leaves the others to a loop of the guest.
pub const PATIENCE: usize = 64;

impl Consumer {
    pub const ALL: [Consumer; 10] = {
        use Consumer::*;
        [Sum, Any, All, Min, Max, List, Tuple, Set, Sorted, Join]
    };

    pub const fn name(self) -> &'static str {
        match self {
            Consumer::Sum => "sum",
            Consumer::Any => "any",
            Consumer::All => "all",
            Consumer::Min => "min",
            Consumer::Max => "max",
            Consumer::List => "list",
            Consumer::Tuple => "tuple",
            Consumer::Set => "set",
            Consumer::Sorted => "sorted",
            Consumer::Join => "join",
        }
    }
}

pub const MANY: u32 = u32::MAX;

impl MethodDef {
    /// A method: `min` and `max` count the receiver.
    pub const fn method(name: &'static str, min: u32, max: u32, function: NativeFn) -> MethodDef {
        MethodDef {
            name,
            function,
            min,
            max,
            keywords: false,
            kind: MethodKind::Method,
            doc: "",
            runs_guest: true,
            plain: false,
            intrinsic: None,
        }
    }

    /// A module's function.
    pub const fn function(name: &'static str, min: u32, max: u32, function: NativeFn) -> MethodDef {
        MethodDef {
            name,
            function,
            min,
            max,
            keywords: false,
            kind: MethodKind::Function,
            doc: "",
            runs_guest: true,
            plain: false,
            intrinsic: None,
        }
    }

    /// The class is the first value.
    pub const fn class_method(name: &'static str, min: u32, max: u32, function: NativeFn) -> MethodDef {
        MethodDef {
            name,
            function,
            min,
            max,
            keywords: false,
            kind: MethodKind::ClassMethod,
            doc: "",
            runs_guest: true,
            plain: false,
            intrinsic: None,
        }
    }

    pub const fn static_method(name: &'static str, min: u32, max: u32, function: NativeFn) -> MethodDef {
        MethodDef {
            name,
            function,
            min,
            max,
            keywords: false,
            kind: MethodKind::StaticMethod,
            doc: "",
            runs_guest: true,
            plain: false,
            intrinsic: None,
        }
    }

    /// The function takes keyword arguments and parses them.
    pub const fn with_keywords(mut self) -> MethodDef {
        self.keywords = true;
        self
    }

    /// The function runs no Python code, whatever its arguments.
    pub const fn leaf(mut self) -> MethodDef {
        self.runs_guest = false;
        self
    }

    /// See [`MethodDef::plain`].
    pub const fn plain(mut self) -> MethodDef {
        self.plain = true;
        self
    }

    pub const fn with_intrinsic(mut self, intrinsic: Intrinsic) -> MethodDef {
        self.intrinsic = Some(intrinsic);
        self
    }

    pub const fn with_doc(mut self, doc: &'static str) -> MethodDef {
        self.doc = doc;
        self
    }
}

/// An attribute computed by Rust functions.
pub struct GetSetDef {
    pub name: &'static str,
    pub get: fn(&mut Vm, Value) -> PyResult,
    /// The value is NULL to delete. `None`: read-only.
    pub set: Option<fn(&mut Vm, Value, Value) -> PyResult<()>>,
    pub doc: &'static str,
}

impl GetSetDef {
    pub const fn read_only(name: &'static str, get: fn(&mut Vm, Value) -> PyResult) -> GetSetDef {
        GetSetDef { name, get, set: None, doc: "" }
    }

    pub const fn new(
        name: &'static str,
        get: fn(&mut Vm, Value) -> PyResult,
        set: fn(&mut Vm, Value, Value) -> PyResult<()>,
    ) -> GetSetDef {
        GetSetDef { name, get, set: Some(set), doc: "" }
    }
}

impl<'a> CallArgs<'a> {
    pub const fn positional(values: &'a [Value]) -> CallArgs<'a> {
        CallArgs { values, names: Value::NULL }
    }

    /// The names of the keyword arguments.
    pub fn keyword_names(&self) -> &'static [Value] {
        if self.names.is_null() { &[] } else { crate::tuple::items(self.names) }
    }

    /// The positional values.
    pub fn args(&self) -> &'a [Value] {
        &self.values[..self.values.len() - self.keyword_names().len()]
    }

    /// The keyword arguments.
    pub fn keywords(&self) -> impl Iterator<Item = (Value, Value)> + 'a {
        let names = self.keyword_names();
        names.iter().copied().zip(self.values[self.values.len() - names.len()..].iter().copied())
    }

    /// Positional value `i`, if given.
    pub fn get(&self, i: usize) -> Option<Value> {
        self.args().get(i).copied()
    }

    /// Sorts the arguments into the parameters of `function`, as CPython's Argument Clinic does; errors read as CPython's.
    ///
    /// `parameters` are in order; the first `positional_only` of them can not be given by name (their names are not shown),
    /// those after `max_positional` only by name; the first `required` must be given. Values start at positional index
    /// `skip` (1 behind a receiver). Absent ones are NULL.
    pub fn bind<const N: usize>(&self, vm: &mut Vm, function: &str, signature: &Signature<N>) -> PyResult<[Value; N]> {
        crate::args_bind::bind(vm, function, self, signature)
    }
}

/// The parameters of a native function; see [`CallArgs::bind`].
pub struct Signature<const N: usize> {
    pub parameters: [&'static str; N],
    pub skip: usize,
    pub positional_only: usize,
    pub max_positional: usize,
    pub required: usize,
}
