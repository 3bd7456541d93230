//! The trace language: the operation table, traces, their text form, the verifier and the reference evaluator.

pub mod arith;
pub mod eval;
pub mod imm;
mod ops;
pub mod text;
mod trace;
mod verify;

pub use ops::{AttrKind, Effect, OpCode, OperandTy, ROWS, Row, Ty, compute};
pub use trace::{
    Arg, Attr, CallEffect, Callee, ConstRef, Exit, ExitArg, ExitId, Field, FrameState, Function, Items, LogKind,
    ObjectGuard, Op, Position, PositionId, RecipeStep, Repr, Resume, Snapshot, SnapshotId, Strength, Trace, TraceId,
    TraceKind, ValueId,
};
pub use verify::verify;
