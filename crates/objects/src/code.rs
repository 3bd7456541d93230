//! Code objects as the interpreter runs them: the compiler's code plus constants, caches and counters.

use heap::Value;
use metatrace::{HotCell, Site};
use std::cell::{Cell, OnceCell};
use syntax::Instruction;

/// One code object. Immortal: the framework and traces hold `&'static Code`.
pub struct Code {
    pub source: std::sync::Arc<syntax::Code>,
    /// The Python object. Immortal.
    pub object: Cell<Value>,
    /// What the direct interpreter runs: those of `source`, or INSTRUMENTED_LINE in the place of each while a debugger or
    /// profiler watches the code. What the code means is in `source`.
    pub instructions: Box<[Cell<Instruction>]>,
    /// Which instructions a debugger is told of as the start of a line; computed when one first asks.
    pub line_starts: OnceCell<Box<[bool]>>,
    /// Immortal values.
    pub consts: Box<[Value]>, // immortal
    /// Interned.
    pub names: Box<[Value]>, // immortal
    /// Interned names of the fast locals.
    pub local_names: Box<[Value]>, // immortal
    pub name: Value,
    pub qualname: Value,
    pub filename: Value,
    /// Frame slots before the fast locals (see `frame.rs` of `interp`).
    pub first_local: u32,
    pub local_count: u32,
    /// All slots of a frame: fixed ones, locals, evaluation stack.
    pub slot_count: u32,
    /// As in `source`, for what happens at every call.
    pub flags: syntax::CodeFlags,
    /// Of code that has positional parameters and no others: how many.
    pub plain_parameters: Option<u32>,
    /// One inline cache for each instruction.
    pub sites: Box<[Site]>,
    /// One counter for each instruction that is the target of a backward jump: `hot[loop_index[pc]]`.
    pub loop_index: Box<[u16]>,
    pub hot: Box<[HotCell]>,
    pub entry: HotCell,
    /// Cleared for code that tracing has given up on for good.
    pub traceable: Cell<bool>,
    /// Its frames stand for a native function's loop: tracebacks, frame objects and tracers do not show them.
    pub is_hidden: Cell<bool>,
}

impl Code {
    /// The code behind the token that functions and code objects keep.
    #[inline(always)]
    pub fn from_token(token: i64) -> &'static Code {
        // SAFETY: tokens are made by `token` from codes, which are never freed.
        unsafe { &*(token as usize as *const Code) }
    }

    #[inline(always)]
    pub fn token(&'static self) -> i64 {
        std::ptr::from_ref(self).addr() as i64
    }

    /// The inline cache of instruction `pc`, which the code has.
    #[inline(always)]
    pub fn site(&'static self, pc: usize) -> &'static Site {
        &self.sites[pc]
    }

    #[inline]
    pub fn flags(&self) -> syntax::CodeFlags {
        self.flags
    }
}
