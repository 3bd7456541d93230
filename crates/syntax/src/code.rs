//! Code objects: what compiling a piece of source gives, as plain data without an object model.

use crate::locations::Position;
use crate::opcode::Op;
use num_bigint::BigInt;
use std::sync::{Arc, OnceLock};

/// One code object, complete: what CPython's `types.CodeType` shows can be read off it.
#[derive(Debug)]
pub struct Code {
    pub name: Box<str>,
    pub qualname: Box<str>,
    pub filename: Arc<str>,
    /// 1-based, `co_firstlineno`; 0 or above (a module's is 1, and 0 occurs in generated code).
    pub first_line: u32,
    pub flags: CodeFlags,
    /// Positional parameters, the positional-only ones included, as `co_argcount`.
    pub arg_count: u32,
    pub posonly_count: u32,
    pub kwonly_count: u32,
    pub names: Box<[Box<str>]>,
    pub cellvars: Box<[Box<str>]>,
    /// The fast locals as instructions index them: `varnames()`, then the cell variables that are not among them, then
    /// `freevars()`. A cell variable that is also in `varnames()` (a parameter) has one slot, its kind has both bits.
    pub local_names: Box<[Box<str>]>,
    pub local_kinds: Box<[LocalKind]>,
    pub(crate) var_count: u32,
    pub(crate) free_count: u32,
    pub consts: Box<[Const]>,
    /// The deepest the value stack gets, `co_stacksize`.
    pub stack_size: u32,
    /// Fixed width, `EXTENDED_ARG` folded, caches dropped; jump arguments are indices into this.
    pub instructions: Box<[Instruction]>,
    /// By decoded index, in CPython's order; the first entry that holds an index is its handler.
    pub exceptions: Box<[ExceptionEntry]>,
    /// For each instruction the offset of its opcode in `code_bytes`: `f_lasti`.
    pub raw_offsets: Box<[u32]>,
    /// CPython's `co_code`, caches zeroed.
    pub code_bytes: Box<[u8]>,
    /// CPython's `co_linetable`.
    pub line_table: Box<[u8]>,
    /// CPython's `co_exceptiontable`.
    pub exception_table: Box<[u8]>,
    pub(crate) positions: OnceLock<Box<[Position]>>,
}

/// One decoded instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    pub op: Op,
    pub arg: u32,
}

/// Instructions `from..to` are guarded by the handler at `target`: cut the stack to `depth`, push the index of the raising
/// instruction if `push_lasti`, push the exception, go on at `target`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExceptionEntry {
    pub from: u32,
    pub to: u32,
    pub target: u32,
    pub depth: u32,
    pub push_lasti: bool,
}

/// A constant of a code object.
#[derive(Debug, Clone)]
pub enum Const {
    None,
    True,
    False,
    Ellipsis,
    Int(i64),
    /// An int outside the range of `Int`.
    BigInt(Box<BigInt>),
    Float(f64),
    Complex(f64, f64),
    Str(Box<str>),
    /// A string with lone surrogates, in WTF-8.
    Wtf8(Box<[u8]>),
    Bytes(Box<[u8]>),
    Tuple(Box<[Const]>),
    FrozenSet(Box<[Const]>),
    Slice(Box<[Const; 3]>),
    Code(Arc<Code>),
}

/// CPython's `CO_*` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CodeFlags(pub u32);

impl CodeFlags {
    pub const OPTIMIZED: CodeFlags = CodeFlags(0x1);
    pub const NEWLOCALS: CodeFlags = CodeFlags(0x2);
    pub const VARARGS: CodeFlags = CodeFlags(0x4);
    pub const VARKEYWORDS: CodeFlags = CodeFlags(0x8);
    pub const NESTED: CodeFlags = CodeFlags(0x10);
    pub const GENERATOR: CodeFlags = CodeFlags(0x20);
    pub const COROUTINE: CodeFlags = CodeFlags(0x80);
    pub const ITERABLE_COROUTINE: CodeFlags = CodeFlags(0x100);
    pub const ASYNC_GENERATOR: CodeFlags = CodeFlags(0x200);
    pub const FUTURE_BARRY_AS_BDFL: CodeFlags = CodeFlags(0x40_0000);
    pub const FUTURE_GENERATOR_STOP: CodeFlags = CodeFlags(0x80_0000);
    pub const FUTURE_ANNOTATIONS: CodeFlags = CodeFlags(0x100_0000);
    /// `consts[0]` is the docstring.
    pub const HAS_DOCSTRING: CodeFlags = CodeFlags(0x400_0000);
    /// The code of a function defined directly in a class body.
    pub const METHOD: CodeFlags = CodeFlags(0x800_0000);
    /// The bits that `compile()` passes on from the code that calls it.
    pub const FUTURE_MASK: CodeFlags = CodeFlags(0x1fe_0000);

    /// Calls make a generator, a coroutine or an async generator.
    pub const GENERATOR_LIKE: CodeFlags = CodeFlags(0x20 | 0x80 | 0x200);
    /// The body may `await`, or counts as if it could.
    pub const COROUTINE_LIKE: CodeFlags = CodeFlags(0x80 | 0x100);
    /// There is `*args` or `**kwargs`.
    pub const VARIADIC: CodeFlags = CodeFlags(0x4 | 0x8);

    /// Whether a bit of `other` is set.
    #[inline]
    pub const fn has_any(self, other: CodeFlags) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether all bits of `other` are set.
    #[inline]
    pub const fn has(self, other: CodeFlags) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What a fast local is: CPython's `CO_FAST_*` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalKind(pub u8);

impl LocalKind {
    pub const ARG_POSITIONAL: u8 = 0x02;
    pub const ARG_KEYWORD: u8 = 0x04;
    pub const ARG_VARIADIC: u8 = 0x08;
    /// Of an inlined comprehension: not shown by `locals()` of the frame.
    pub const HIDDEN: u8 = 0x10;
    pub const LOCAL: u8 = 0x20;
    pub const CELL: u8 = 0x40;
    pub const FREE: u8 = 0x80;

    pub const fn is_local(self) -> bool {
        self.0 & Self::LOCAL != 0
    }

    pub const fn is_cell(self) -> bool {
        self.0 & Self::CELL != 0
    }

    pub const fn is_free(self) -> bool {
        self.0 & Self::FREE != 0
    }

    pub const fn is_hidden(self) -> bool {
        self.0 & Self::HIDDEN != 0
    }
}

impl Code {
    /// Parameters (positional, keyword-only, `*args`, `**kwargs`), then the other locals.
    pub fn varnames(&self) -> &[Box<str>] {
        &self.local_names[..self.var_count as usize]
    }

    /// The names of the closure's cells.
    pub fn freevars(&self) -> &[Box<str>] {
        &self.local_names[self.local_names.len() - self.free_count as usize..]
    }

    /// The docstring of a function, if it has one. Module and class bodies store theirs as `__doc__`.
    pub fn docstring(&self) -> Option<&Const> {
        if self.flags.has(CodeFlags::HAS_DOCSTRING) { self.consts.first() } else { None }
    }

    /// Where an instruction (by decoded index) stands in the source. The table is decoded at the first call.
    pub fn position(&self, index: usize) -> Position {
        self.positions().get(index).copied().unwrap_or_default()
    }

    /// The positions of all instructions.
    pub fn positions(&self) -> &[Position] {
        self.positions.get_or_init(|| crate::locations::decode(self))
    }

    /// The decoded index of the instruction at, or the next after, an offset in `code_bytes`.
    pub fn index_of_offset(&self, offset: u32) -> usize {
        self.raw_offsets.partition_point(|&start| start < offset)
    }

    /// All parameters, `*args` and `**kwargs` included.
    #[inline]
    pub fn parameter_count(&self) -> usize {
        (self.arg_count + self.kwonly_count) as usize
            + usize::from(self.flags.has(CodeFlags::VARARGS))
            + usize::from(self.flags.has(CodeFlags::VARKEYWORDS))
    }

    /// This code object and all nested in it, outermost first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Code)) {
        visit(self);
        for constant in &self.consts {
            if let Const::Code(inner) = constant {
                inner.walk(visit);
            }
        }
    }
}

/// Constants are equal if they have one type and one value, floats by bits: the equality under which one constant may
/// stand for the other.
impl PartialEq for Const {
    fn eq(&self, other: &Const) -> bool {
        use Const::*;
        match (self, other) {
            (None, None) | (True, True) | (False, False) | (Ellipsis, Ellipsis) => true,
            (Int(a), Int(b)) => a == b,
            (BigInt(a), BigInt(b)) => a == b,
            (Float(a), Float(b)) => a.to_bits() == b.to_bits(),
            (Complex(a, b), Complex(c, d)) => a.to_bits() == c.to_bits() && b.to_bits() == d.to_bits(),
            (Str(a), Str(b)) => a == b,
            (Wtf8(a), Wtf8(b)) | (Bytes(a), Bytes(b)) => a == b,
            (Tuple(a), Tuple(b)) | (FrozenSet(a), FrozenSet(b)) => a == b,
            (Slice(a), Slice(b)) => a == b,
            (Code(a), Code(b)) => a == b,
            _ => false,
        }
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Code) -> bool {
        self.name == other.name
            && self.qualname == other.qualname
            && self.filename == other.filename
            && self.first_line == other.first_line
            && self.flags == other.flags
            && self.arg_count == other.arg_count
            && self.posonly_count == other.posonly_count
            && self.kwonly_count == other.kwonly_count
            && self.names == other.names
            && self.local_names == other.local_names
            && self.local_kinds == other.local_kinds
            && self.consts == other.consts
            && self.stack_size == other.stack_size
            && self.code_bytes == other.code_bytes
            && self.line_table == other.line_table
            && self.exception_table == other.exception_table
    }
}
