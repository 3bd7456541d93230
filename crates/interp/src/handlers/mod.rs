//! The semantics of the instructions, generic over the machine: run directly they are the interpreter, run by the tracer
//! they record traces of themselves.

pub mod arith;
pub mod attribute;
pub mod build;
pub mod call;
pub mod complex;
pub mod construct;
pub mod exception;
pub mod flow;
pub mod intrinsic;
pub mod iterate;
pub mod names;
pub mod operator_method;
pub mod plain;
pub mod structs;
pub mod subscript;
