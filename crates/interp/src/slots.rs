//! What the slots of a Python frame hold.
//!
//! A frame is code, pc and slots, nothing else: everything that CPython keeps in fields of its frame is a slot here, so
//! that a snapshot of the slots is a snapshot of the frame. The fast locals start at [`FIRST_LOCAL`], the evaluation
//! stack behind them.

/// The function object whose code runs; module and class bodies have one too.
pub const FUNCTION: usize = 0;
/// The globals, a dict.
pub const GLOBALS: usize = 1;
/// The namespace that LOAD_NAME and STORE_NAME use; NULL in functions.
pub const LOCALS: usize = 2;
/// The frame object, once somebody asked for it.
pub const FRAME_OBJECT: usize = 3;
/// The exception that this frame is handling; NULL: whatever the caller is handling.
pub const HANDLED: usize = 4;
/// What the caller gets in place of the returned None: the new instance, if this frame runs `__init__` for a class call.
pub const INSTEAD: usize = 5;
/// The generator, coroutine or async generator whose body this frame runs; else NULL.
pub const GENERATOR: usize = 6;
pub const FIRST_LOCAL: usize = 7;
