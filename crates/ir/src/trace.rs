//! Traces: a straight line of operations with exits.
//!
//! Invariant: a value is defined before it is used, so ids grow down the trace. A trace holds no heap pointer: a
//! constant reference is an index into the constant table that travels beside it.

use crate::ops::{OpCode, Ty};
use smallvec::SmallVec;
use std::sync::Arc;

/// The operation of that index in its trace, and the value it makes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct ValueId(pub u32);

/// The index of a constant reference in the table registered with the collector.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct ConstRef(pub u32);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct SnapshotId(pub u32);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct ExitId(pub u32);

/// An element of [`Trace::positions`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PositionId(pub u32);

impl PositionId {
    /// Of operations that belong to no instruction, and the caller of an outermost frame.
    pub const NONE: PositionId = PositionId(u32::MAX);
}

/// An instruction of the program that operations were recorded from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Position {
    /// The language's token for the code, as in [`FrameState`].
    pub code: u64,
    pub pc: u32,
    /// Of an inlined frame: the call.
    pub caller: PositionId,
}

/// A compiled trace, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct TraceId(pub u32);

/// An operand: a value of the trace or a constant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Arg {
    Value(ValueId),
    Int(i64),
    /// The bits of a float, so that operands can be compared and hashed.
    Flt(u64),
    Bool(bool),
    /// A guest value that is no pointer: a tagged integer, an immediate float, or NULL.
    Imm(u64),
    /// A guest object.
    Ref(ConstRef),
}

impl Arg {
    pub const NULL: Arg = Arg::Imm(0);

    pub fn value(self) -> Option<ValueId> {
        match self {
            Arg::Value(id) => Some(id),
            _ => None,
        }
    }

    pub fn is_const(self) -> bool {
        !matches!(self, Arg::Value(_))
    }
}

/// How a field or an element lies in memory, and the type its loads have.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Repr {
    Ref,
    I64,
    F64,
    F32,
    I32,
    U32,
    I16,
    U16,
    I8,
    U8,
}

impl Repr {
    #[inline]
    pub fn ty(self) -> Ty {
        match self {
            Repr::Ref => Ty::Ref,
            Repr::F64 | Repr::F32 => Ty::Flt,
            _ => Ty::Int,
        }
    }

    #[inline]
    pub fn bytes(self) -> u32 {
        match self {
            Repr::Ref | Repr::I64 | Repr::F64 => 8,
            Repr::F32 | Repr::I32 | Repr::U32 => 4,
            Repr::I16 | Repr::U16 => 2,
            Repr::I8 | Repr::U8 => 1,
        }
    }
}

/// A field of a heap object. Fields of different offsets never overlap; fields of the same offset may be the same memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Field {
    pub name: &'static str,
    /// Bytes from the object's address; the header is at 0.
    pub offset: u32,
    pub repr: Repr,
    /// Never written after the object was initialised.
    pub immutable: bool,
}

/// The elements of a heap object with a tail: element `i` lies at `offset + i * repr.bytes()`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Items {
    pub name: &'static str,
    pub offset: u32,
    pub repr: Repr,
    pub immutable: bool,
}

/// What a call may do, declared by the callee.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum CallEffect {
    /// Depends on its operands alone.
    Pure,
    /// Makes a fresh object from its operands, or reads what never changes.
    Allocates,
    Reads,
    /// Writes the heap, but runs no guest code.
    Writes,
    /// Anything: guest code, frames inspected, versions changed. A `still_valid` follows.
    RunsGuest,
}

/// An ordinary Rust function that traces call. All words: Int as is, Flt as bits, Ref as its word, Bool as 0 or 1. The
/// first argument is always the guest context.
#[derive(Clone, Copy, Debug)]
pub enum Function {
    F0(extern "C" fn(*mut u8) -> u64),
    F1(extern "C" fn(*mut u8, u64) -> u64),
    F2(extern "C" fn(*mut u8, u64, u64) -> u64),
    F3(extern "C" fn(*mut u8, u64, u64, u64) -> u64),
    F4(extern "C" fn(*mut u8, u64, u64, u64, u64) -> u64),
    F5(extern "C" fn(*mut u8, u64, u64, u64, u64, u64) -> u64),
    /// The first operand, then the others as a slice: address and count.
    Slice(extern "C" fn(*mut u8, u64, *const u64, u64) -> u64),
    /// The first two operands, then how many others there are: those come in the buffer through which values enter compiled code,
    /// so they are where code that is called for them expects them.
    Buffered(extern "C" fn(*mut u8, u64, u64, u64) -> u64),
}

/// A callee's row: declared once, as a `static`.
#[derive(Clone, Copy, Debug)]
pub struct Callee {
    pub name: &'static str,
    pub function: Function,
    /// Operand types ([`Function::Slice`], [`Function::Buffered`]: all Ref).
    pub operands: &'static [Ty],
    pub result: Ty,
    pub effect: CallEffect,
}

impl Function {
    /// Whether calls differ in how many operands they have.
    pub fn is_variadic(&self) -> bool {
        matches!(self, Function::Slice(_) | Function::Buffered(_))
    }
}

impl PartialEq for &'static Callee {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(*self, *other)
    }
}

/// What an operation carries besides its operands.
#[derive(Clone, Copy, Debug)]
pub enum Attr {
    None,
    Field(Field),
    Items(Items),
    Raw(Repr),
    /// The shape of a fresh object and its size in bytes; with items, the size of the fixed part and of one item.
    New {
        shape: u32,
        bytes: u32,
        item_bytes: u32,
    },
    Callee(&'static Callee),
    Target(TraceId),
}

/// One operation.
#[derive(Clone, Debug)]
pub struct Op {
    pub code: OpCode,
    pub ty: Ty,
    pub args: SmallVec<[Arg; 3]>,
    pub attr: Attr,
    /// Of a guard or a call that runs guest code, before optimisation.
    pub snapshot: Option<SnapshotId>,
    /// The same after optimisation.
    pub exit: Option<ExitId>,
    /// The instruction it belongs to.
    pub at: PositionId,
}

impl Op {
    /// Whether it calls a [`Function::Buffered`].
    pub fn is_buffered(&self) -> bool {
        matches!(self.attr, Attr::Callee(Callee { function: Function::Buffered(_), .. }))
    }
}

/// How an interrupted frame goes on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Resume {
    /// The handler of the instruction at `pc` runs from its start: it has had no side effect.
    Rerun,
    /// The handler runs again and takes the results of its impure operations from the log, up to event `events`.
    Replay,
    /// `pc` is the instruction after a call; the frame waits for the result of the frame above it.
    AfterCall,
}

/// What a log entry of a handler recorded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LogKind {
    /// The result of an impure operation.
    Value,
    /// The result of a read of mutable Rust state; always a constant.
    Green,
    /// A nested call returned this, or raised it.
    Return,
    Raise,
}

/// The state of one interpreter frame at a guard. `A` is [`Arg`] before optimisation and [`ExitArg`] after.
#[derive(Clone, Debug)]
pub struct FrameState<A> {
    /// The language's token for the code; opaque here.
    pub code: u64,
    /// The instruction in progress, or with [`Resume::AfterCall`] the one after it.
    pub pc: u32,
    /// The slots, locals first, as they were when the instruction began.
    pub slots: Vec<A>,
    pub log: Vec<(LogKind, Ty, A)>,
    /// `decide` and `promote` events of the handler so far.
    pub events: u32,
    pub resume: Resume,
}

/// The interpreter frames that a guard leaves to, outermost first.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub frames: Vec<Arc<FrameState<Arg>>>,
}

/// A value at an exit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ExitArg {
    /// Element of [`Exit::live`].
    Live(u32),
    /// Element of [`Exit::recipe`].
    Made(u32),
    Int(i64),
    Flt(u64),
    Bool(bool),
    Imm(u64),
    Ref(ConstRef),
}

/// One step that makes what compiled code never made: boxes and virtual objects. The steps use the operation codes of the
/// trace: `IntBox`, `FltBox`, `BoolBox`, `New`, `NewItems`, `InitField`, `InitItem` and operations that compute. A
/// bridge emits them again, so that virtuals stay virtual.
#[derive(Clone, Debug)]
pub struct RecipeStep {
    pub code: OpCode,
    pub ty: Ty,
    pub args: SmallVec<[ExitArg; 3]>,
    pub attr: Attr,
}

/// Where a guard of an optimised trace leaves to.
#[derive(Clone, Debug, Default)]
pub struct Exit {
    /// Outermost first. Exits of one trace share those that are alike.
    pub frames: Vec<Arc<FrameState<ExitArg>>>,
    /// The values that compiled code hands over, with their types.
    pub live: Vec<(ValueId, Ty)>,
    /// What to make from them, in order.
    pub recipe: Vec<RecipeStep>,
    /// What a bridge from here needs to jump into the body of this trace's loop: one value for each of the label's phis
    /// that is loop-invariant, and behind them what is in the memory cells that go round in phis (a Bool where that is not
    /// known); empty if the guard lies before the label. See `opt`.
    pub invariants: Vec<ExitArg>,
    /// Whether the guard lies behind a label, in its own trace or, in a bridge, in the loop that the bridge hangs on: only
    /// then do `invariants` let a bridge from here jump into the body.
    pub in_body: bool,
    pub strength: Strength,
}

/// Whether the optimiser made a guard stronger than the one that was recorded: it may fail where that would have held. Then a bridge
/// must test again.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Strength {
    #[default]
    Recorded,
    /// It asks for a smaller integer. A bridge that asked so again would be left again, so its guards are to be as recorded.
    Smaller,
    /// It asks for an object of the shape that a later guard asks for.
    Shape,
}

/// See [`Trace::object_guard`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ObjectGuard {
    /// How many operations it takes.
    pub count: usize,
    pub shape: u32,
    pub exit: ExitId,
}

/// What kind of place a trace starts at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TraceKind {
    /// A loop header.
    Loop,
    /// A function's entry.
    Function,
    /// A guard's exit of another trace.
    Bridge,
}

/// A trace, recorded or optimised.
#[derive(Clone, Debug)]
pub struct Trace {
    pub kind: TraceKind,
    /// What the logs call it.
    pub name: String,
    pub ops: Vec<Op>,
    /// Recorded traces: what guards leave to.
    pub snapshots: Vec<Snapshot>,
    /// Optimised traces: the same, lowered. They are large: who keeps some keeps these.
    pub exits: Vec<Arc<Exit>>,
    /// The instructions that operations belong to. The text of a trace leaves them out.
    pub positions: Vec<Position>,
}

impl Trace {
    pub fn new(kind: TraceKind, name: String) -> Trace {
        Trace { kind, name, ops: Vec::new(), snapshots: Vec::new(), exits: Vec::new(), positions: Vec::new() }
    }

    /// What is appended from here on belongs to this instruction.
    pub fn locate(&mut self, position: Position) -> PositionId {
        self.positions.push(position);
        PositionId(self.positions.len() as u32 - 1)
    }

    /// The instruction and those that called its frame, innermost first.
    pub fn stack_at(&self, at: PositionId) -> impl Iterator<Item = &Position> {
        let get = |at: PositionId| self.positions.get(at.0 as usize);
        std::iter::successors(get(at), move |position| get(position.caller))
    }

    /// Appends an operation; the id of its value.
    pub fn push(&mut self, code: OpCode, ty: Ty, args: &[Arg], attr: Attr) -> ValueId {
        let id = ValueId(self.ops.len() as u32);
        let at = PositionId((self.positions.len() as u32).wrapping_sub(1));
        self.ops.push(Op { code, ty, args: SmallVec::from_slice(args), attr, snapshot: None, exit: None, at });
        id
    }

    /// The type of an operand.
    pub fn ty(&self, arg: Arg) -> Ty {
        match arg {
            Arg::Value(id) => self.ops[id.0 as usize].ty,
            Arg::Int(_) => Ty::Int,
            Arg::Flt(_) => Ty::Flt,
            Arg::Bool(_) => Ty::Bool,
            Arg::Imm(_) | Arg::Ref(_) => Ty::Ref,
        }
    }

    /// The guards from this operation on that a guest value is neither an integer nor a float (or only the latter) but an object of a
    /// shape, if they leave in the same way. If nobody else reads their tests, they are one test: the word may be looked
    /// into as soon as its tag is that of a pointer, because at the last guard it is looked into in any case.
    pub fn object_guard(&self, at: usize) -> Option<ObjectGuard> {
        let op = |at: usize| self.ops.get(at);
        let mut next = at;
        let (object, exit) = (*op(at)?.args.first()?, op(at + 1)?.exit?);
        let asks = |at: usize, code: OpCode| {
            let (Some(test), Some(guard)) = (op(at), op(at + 1)) else { return false };
            let reads = guard.args.first() == Some(&Arg::Value(ValueId(at as u32)));
            test.code == code && test.args[0] == object && reads && guard.exit == Some(exit)
        };
        let asks_tag = |at, code| asks(at, code) && op(at + 1).is_some_and(|guard| guard.code == OpCode::GuardFalse);
        if asks_tag(next, OpCode::IsInt) {
            next += 2;
        }
        if !asks_tag(next, OpCode::IsFlt) || !asks(next + 2, OpCode::Shape) {
            return None;
        }
        let guard = op(next + 3)?;
        match (guard.code, guard.args.get(1)) {
            (OpCode::GuardValue, Some(&Arg::Int(shape @ 0..0x4000_0000))) => {
                Some(ObjectGuard { count: next + 4 - at, shape: shape as u32, exit })
            }
            _ => None,
        }
    }

    /// How many values the trace starts with.
    pub fn input_count(&self) -> usize {
        self.ops.iter().take_while(|op| op.code == OpCode::Input).count()
    }
}
