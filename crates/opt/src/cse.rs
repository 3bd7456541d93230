//! Common subexpressions.
//!
//! A pure operation on the same operands has the same result, and so has a call without effects. The table lives through
//! a loop's label, so what the first iteration computed from invariants is not computed in the body.

use ir::{Arg, OpCode};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A table of short keys.
pub(crate) type Words<K, V> = HashMap<K, V, BuildHasherDefault<WordHasher>>;

/// Results of pure operations.
#[derive(Default)]
pub(crate) struct Table {
    simple: Words<(OpCode, Arg, Arg), Arg>,
    calls: Words<(usize, SmallVec<[Arg; 3]>), Arg>,
}

impl Table {
    pub fn clear(&mut self) {
        self.simple.clear();
        self.calls.clear();
    }

    pub fn get(&self, code: OpCode, args: &[Arg]) -> Option<Arg> {
        self.simple.get(&key(code, args)).copied()
    }

    pub fn set(&mut self, code: OpCode, args: &[Arg], result: Arg) {
        self.simple.insert(key(code, args), result);
    }

    /// The result of a pure call; the callee is named by its row's address.
    pub fn get_call(&self, callee: usize, args: &SmallVec<[Arg; 3]>) -> Option<Arg> {
        self.calls.get(&(callee, args.clone())).copied()
    }

    pub fn set_call(&mut self, callee: usize, args: SmallVec<[Arg; 3]>, result: Arg) {
        self.calls.insert((callee, args), result);
    }
}

/// Pure operations have one or two operands.
fn key(code: OpCode, args: &[Arg]) -> (OpCode, Arg, Arg) {
    (code, args[0], args.get(1).copied().unwrap_or(Arg::NULL))
}

/// A hash for short keys of whole words: multiply and rotate.
#[derive(Default)]
pub(crate) struct WordHasher(u64);

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let word = chunk.iter().rev().fold(0, |word, &byte| word << 8 | byte as u64);
            self.write_u64(word);
        }
    }
    fn write_u8(&mut self, x: u8) {
        self.write_u64(x as u64);
    }
    fn write_u32(&mut self, x: u32) {
        self.write_u64(x as u64);
    }
    fn write_u64(&mut self, x: u64) {
        self.0 = (self.0.rotate_left(5) ^ x).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    fn write_i64(&mut self, x: i64) {
        self.write_u64(x as u64);
    }
    fn write_usize(&mut self, x: usize) {
        self.write_u64(x as u64);
    }
    fn write_isize(&mut self, x: isize) {
        self.write_u64(x as u64);
    }
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}
