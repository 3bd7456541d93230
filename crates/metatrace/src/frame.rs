//! Frames and the ways control leaves them.

use crate::language::Language;

/// One interpreter frame: code, pc and slots, nothing else.
///
/// Slots are locals (and whatever the language keeps beside them) from 0, then the evaluation stack up to `sp`. All
/// slots up to [`Language::slot_count`] hold valid values at any time, stale ones included: the collector scans them all.
pub struct Frame<L: Language, R> {
    pub code: &'static L::Code,
    /// The instruction to run next; within a handler, the one after the instruction in progress.
    pub pc: u32,
    pub sp: u32,
    pub slots: *mut R,
}

impl<L: Language, R: Copy> Clone for Frame<L, R> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<L: Language, R: Copy> Copy for Frame<L, R> {}

impl<L: Language, R: Copy> Frame<L, R> {
    #[inline(always)]
    pub fn push(&mut self, value: R) {
        debug_assert!((self.sp as usize) < L::slot_count(self.code));
        // SAFETY: `sp` stays below the slot count, which the code's stack depth guarantees.
        unsafe { *self.slots.add(self.sp as usize) = value };
        self.sp += 1;
    }

    #[inline(always)]
    pub fn pop(&mut self) -> R {
        debug_assert!(self.sp > 0);
        self.sp -= 1;
        // SAFETY: as in `push`; the slot was written before.
        unsafe { *self.slots.add(self.sp as usize) }
    }

    /// The value `depth` below the top; 0 is the top.
    #[inline(always)]
    pub fn peek(&self, depth: usize) -> R {
        debug_assert!((self.sp as usize) > depth);
        // SAFETY: as in `pop`.
        unsafe { *self.slots.add(self.sp as usize - 1 - depth) }
    }

    /// Replaces the value `depth` below the top.
    #[inline(always)]
    pub fn poke(&mut self, depth: usize, value: R) {
        debug_assert!((self.sp as usize) > depth);
        // SAFETY: as in `pop`.
        unsafe { *self.slots.add(self.sp as usize - 1 - depth) = value }
    }

    #[inline(always)]
    pub fn slot(&self, index: usize) -> R {
        debug_assert!(index < L::slot_count(self.code));
        // SAFETY: the index comes from the code, whose slots the frame has.
        unsafe { *self.slots.add(index) }
    }

    #[inline(always)]
    pub fn set_slot(&mut self, index: usize, value: R) {
        debug_assert!(index < L::slot_count(self.code));
        // SAFETY: as in `slot`.
        unsafe { *self.slots.add(index) = value }
    }

    /// The `count` topmost values, deepest first; valid until the next push.
    #[inline(always)]
    pub fn top(&self, count: usize) -> &[R] {
        debug_assert!((self.sp as usize) >= count);
        // SAFETY: these slots lie below `sp` and have been written.
        unsafe { std::slice::from_raw_parts(self.slots.add(self.sp as usize - count), count) }
    }
}

impl<L: Language, R: Copy> Frame<L, R> {
    /// Lends a copy of the frame to a function that is not inlined, and takes over what it made of it. A frame whose address
    /// no function gets is kept in registers: the dispatch loops lend theirs.
    #[inline(always)]
    pub fn lend<T>(&mut self, function: impl FnOnce(&mut Self) -> T) -> T {
        let mut copy = *self;
        let result = function(&mut copy);
        *self = copy;
        result
    }
}

/// How a dispatch loop ended.
#[derive(Clone, Copy, Debug)]
pub enum Leave<R> {
    /// The base frame returned.
    Return(R),
    /// An exception left the base frame.
    Raise(R),
    /// Go on with the topmost frame: after the tracer's loop because the frames are the direct interpreter's again, after the direct
    /// one's in a fresh native frame, since words it left in the old one would keep objects.
    Continue,
}

/// What [`crate::Machine::enter`] did.
pub enum Entered<R> {
    /// `frame` is the callee's.
    Frame,
    /// The callee has already run (it was called, not inlined); the caller's frame is unchanged.
    Done(Result<R, R>),
}

/// What [`crate::Machine::finish`] did.
pub enum Finished<R> {
    /// `frame` is the caller's; push the result or raise the exception there.
    Caller(Result<R, R>),
    /// That was the base frame: return this from the dispatch loop.
    Base(Leave<R>),
}
