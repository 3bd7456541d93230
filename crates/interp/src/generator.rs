//! Generators, coroutines and async generators: a frame's slots kept on the heap while it is suspended.

use crate::callees::calls::RECURSION_ERROR;
use crate::machine::*;
use crate::slots;
use heap::Value;
use metatrace::{Items, Repr};
use objects::code::Code;
use objects::layout;
use objects::layout::Object;

layout! {
    /// The slots of the suspended frame follow.
    GeneratorObject {
        slot_count SLOT_COUNT: i64, immutable;
        /// `&'static Code`.
        code CODE: i64, immutable;
        /// One of [`state`].
        state STATE: i64;
        /// Where the frame goes on.
        pc PC: i64;
        /// The height of its stack; the slots beyond hold nothing.
        sp SP: i64;
        name NAME: Value;
        qualname QUALNAME: Value;
        /// Async generators: whether `aclose` or `athrow` runs, and the hooks' state.
        closed CLOSED: i64;
        /// The frame object, once somebody asked for it; NULL.
        frame FRAME: Value;
        /// `cr_origin`, or NULL.
        origin ORIGIN: Value;
    }
}

/// The slots behind a [`GeneratorObject`].
pub static GENERATOR_SLOTS: Items =
    Items { name: "generator.slots", offset: GeneratorObject::BYTES as u32, repr: Repr::Ref, immutable: false };

/// What a generator is doing.
pub mod state {
    /// Made, not started. Can be resumed.
    pub const CREATED: i64 = 0;
    /// At a `yield`. Can be resumed.
    pub const SUSPENDED: i64 = 1;
    pub const RUNNING: i64 = 2;
    pub const FINISHED: i64 = 3;
}

/// Goes on with a suspended generator, which gets `sent` as the value of its `yield`.
pub fn resume<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>, generator: M::Ref, sent: M::Ref) -> Result<Flow<M>, M::Ref> {
    let code = m.get_int(generator, GeneratorObject::CODE);
    let code = Code::from_token(m.promote_int(code));
    let pc = m.get_int(generator, GeneratorObject::PC);
    let pc = m.promote_int(pc) as u32;
    let sp = m.get_int(generator, GeneratorObject::SP);
    let sp = m.promote_int(sp) as u32;
    let Some(window) = m.window(code) else {
        return Err(raise(m, &RECURSION_ERROR, &[]));
    };
    for i in 0..sp as usize {
        let index = m.int(i as i64);
        let value = m.item_ref(generator, index, &GENERATOR_SLOTS);
        // SAFETY: the window has the code's slots, and `sp` is below their number.
        unsafe { *window.add(i) = value };
    }
    // SAFETY: the stack had room for the value that the resumed instruction pushes.
    unsafe { *window.add(sp as usize) = sent };
    let running = m.int(state::RUNNING);
    m.set_int(generator, GeneratorObject::STATE, running);
    Ok(enter(m, f, code, window, pc, sp + 1))
}

/// YIELD_VALUE: puts the frame away and gives the value to whoever resumed it.
pub fn suspend<M: PyMachine>(m: &mut M, f: &mut PyFrame<M>) -> M::Ref {
    let value = f.pop();
    let generator = f.slot(slots::GENERATOR);
    save(m, f, generator, state::SUSPENDED);
    value
}

/// Copies the frame's slots into the generator.
pub fn save<M: PyMachine>(m: &mut M, f: &PyFrame<M>, generator: M::Ref, state: i64) {
    for i in 0..f.sp as usize {
        let index = m.int(i as i64);
        m.set_item_ref(generator, index, &GENERATOR_SLOTS, f.slot(i));
    }
    let pc = m.int(f.pc as i64);
    m.set_int(generator, GeneratorObject::PC, pc);
    let sp = m.int(f.sp as i64);
    m.set_int(generator, GeneratorObject::SP, sp);
    let state = m.int(state);
    m.set_int(generator, GeneratorObject::STATE, state);
}

/// The generator is over: its frame returned or raised.
pub fn finish<M: PyMachine>(m: &mut M, generator: M::Ref) {
    let finished = m.int(state::FINISHED);
    m.set_int(generator, GeneratorObject::STATE, finished);
    let zero = m.int(0);
    m.set_int(generator, GeneratorObject::SP, zero);
}
