//! The front end: Python source to CPython 3.14 code objects, as plain data that knows no object model.
//!
//! `compile` parses and compiles; its result is a `Code` with decoded instructions beside CPython's raw tables.
//! Parser and code generator are RustPython's crates, whose bytecode equals CPython's; this crate decodes it, gives
//! errors CPython's wording and columns, reads source files (PEP 263), tells the prompt whether a statement is
//! complete, and stores code objects in a compact form of its own.

mod ast;
mod code;
mod comments;
mod compile;
mod decode;
mod diagnose;
mod divisions;
mod error;
mod incomplete;
mod literals;
mod locations;
mod nested_classes;
mod opcode;
mod scope_order;
mod source;
mod store;
mod transform;
mod verify;

pub use ast::{
    AstClass, AstField, Field, FieldType, Node, Quantity, Span, TreeError, ast_classes, compile_ast, parse_ast,
};
pub use code::{Code, CodeFlags, Const, ExceptionEntry, Instruction, LocalKind};
pub use compile::{Mode, Options, compile, compile_with_warnings};
pub use error::{ErrorKind, SyntaxError, SyntaxWarning};
pub use incomplete::{Completeness, completeness, is_incomplete};
pub use locations::{Entries as LineTableEntries, Position};
pub use opcode::{ArgKind, BINARY_OPERATORS, COMMON_CONSTANTS, INTRINSICS_1, INTRINSICS_2, Op, SPECIAL_METHODS};
pub use source::{DecodeError, decode_source};
pub use store::{StoreError, read_code, read_code_as, write_code};
pub use verify::verify;
