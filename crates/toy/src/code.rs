//! Bytecode.

use heap::Value;
use metatrace::{Handle, HotCell, Site};

/// An interned name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub(crate) struct Symbol(pub(crate) u32);

/// An operator between two operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
}

/// One instruction. Stack effects in the comments, the top on the right.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    /// → constant
    Const(u32),
    /// → an object that the code names: a string, a function, a class
    Object(u32),
    /// → value
    Local(u32),
    /// value →
    SetLocal(u32),
    /// value →
    Pop,
    /// a b → result
    Binary(Binary),
    /// value → truth
    Not,
    /// value → value negated
    Neg,
    Jump(u32),
    /// To the header of a loop.
    JumpBack(u32),
    /// value →
    JumpIfFalse(u32),
    /// callee arguments → result
    Call(u32),
    /// object arguments → result
    CallMethod(Symbol, u32),
    /// object → value
    Attr(Symbol),
    /// object value →
    SetAttr(Symbol),
    /// object value →: adds to the attribute, in one instruction
    AddAttr(Symbol),
    /// list index → item
    Index,
    /// list index value →
    SetIndex,
    /// items → list
    List(u32),
    /// list value → nil
    Push,
    /// list index index → nil: stores before its second check
    Swap,
    /// list → length
    Len,
    /// value → nil
    Print,
    /// class function → nil: the class's method of that name from here on
    SetMethod(Symbol),
    /// list function → list: of the results on its first two items
    Map,
    /// → how many frames the guest's stack has
    Depth,
    /// value → (leaves the frame)
    Return,
    /// value → (raises)
    Raise,
}

/// A range of instructions whose exceptions go to `target`, with `sp` slots left.
pub(crate) struct Handler {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) target: u32,
    pub(crate) sp: u32,
}

/// A function.
pub struct Code {
    pub(crate) name: String,
    pub(crate) ops: Vec<Op>,
    pub(crate) consts: Vec<Value>,
    pub(crate) objects: Vec<Handle>,
    pub(crate) params: u32,
    pub(crate) locals: u32,
    /// Locals and the deepest stack.
    pub(crate) slots: u32,
    pub(crate) handlers: Vec<Handler>,
    pub(crate) entry: HotCell,
    /// One for each instruction.
    pub(crate) loops: Vec<HotCell>,
    pub(crate) sites: Vec<Site>,
}

impl Code {
    /// Where an exception of the instruction at `pc` goes to.
    pub(crate) fn handler(&self, pc: u32) -> Option<&Handler> {
        self.handlers.iter().find(|handler| handler.from <= pc && pc < handler.to)
    }
}
