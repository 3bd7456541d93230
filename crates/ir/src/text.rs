//! Traces as text, both ways: what a log prints, a test can parse.
//!
//! ```text
//! loop [p0, i1]                                  # inputs; the first letter of a name is its type: p i f b
//! i2 = int_add(i1, 3)
//! p3 = getfield(p0, next@16:ref)                 # field: name @ offset : representation, `!` if immutable
//! f4 = getitem(p0, i2, data@16:f64)
//! p5 = new(shape=7, bytes=24)
//! p6 = new_items(i2, shape=8, bytes=16, item=8)
//! p7 = call(p3, callee=hash:reads)               # pure, allocates, reads, writes, guest
//! guard_true(b8) [p0, p3]                        # one frame that runs its instruction again
//! guard_true(b8) {12:34 replay 2 [p0, p3] value(i2) return(p7)}{12:50 rerun 0 []}
//! guard_true(b8) -> [p0, int_box(i2), v0] with v0 = new(shape=7, bytes=24); initfield(v0, i2, x@8:i64)
//! jump_loop(p0, p3, target=2)
//! ```
//!
//! Constants: `7` and `-1` integers, `0.5`, `nan`, `f:7ff8000000000001` floats, `true` and `false`; guest values `null`, `#7`,
//! `#0.5` immediates, `@3` the constant of that index. In a log `&2` stands for an address, the third that came up. A comment runs from `#` and a blank to the end of the line.

mod parse;
mod print;

pub use parse::{Parsed, parse, parse_with_comments, synthetic_callee};
pub use print::{op_text, print};
