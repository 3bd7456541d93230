//! Showing the tracer's frames to whoever looks at the guest's stack from below.
//!
//! Before guest code runs that the tracer does not execute itself, each level gets a record and a window as the direct
//! interpreter would have made; afterwards they are taken back, with whatever an inspector changed.

use super::{Traced, Tracer};
use crate::counters::Abort;
use crate::coverage::Path;
use crate::frame::{Frame, Leave};
use crate::language::Language;
use crate::thread::Record;
use heap::Value;

/// The thread's stacks before frames were published.
pub(crate) struct Published<L: Language> {
    record: *mut Record<L>,
    top: *mut Value,
    depth: u32,
    /// How many levels have a record.
    levels: usize,
    /// Somebody looked before, which a tracer further out must learn.
    inspected: bool,
}

impl<L: Language> Tracer<L> {
    /// Publishes the outermost `count` levels. `pc`: the topmost one's record says this instead of its instruction.
    pub(crate) fn publish(&mut self, count: usize, pc: Option<u32>) -> Published<L> {
        let thread = self.thread();
        let inspected = std::mem::take(&mut thread.inspected);
        let published =
            Published { record: thread.record, top: thread.top, depth: thread.depth, levels: count, inspected };
        for at in 0..count {
            let level = &self.levels[at];
            let after = pc.filter(|_| at + 1 == count).map(|pc| pc | Record::<L>::WAITS);
            let pc = after.unwrap_or(level.record_pc());
            let (code, slots): (_, *const [Traced<Value>]) = (level.code, &*level.slots);
            // SAFETY: the level is not touched while its slots are copied.
            self.push_direct(at, code, pc, unsafe { &*slots });
        }
        published
    }

    /// Gives level `at` its direct record and fills the window. Level 0 has both.
    fn push_direct(&mut self, at: usize, code: &'static L::Code, pc: u32, slots: &[Traced<Value>]) {
        let owner = self.owner;
        let thread = self.thread();
        if at > 0 {
            let window = thread.window_unlimited(L::slot_count(code));
            thread.push_record(code, pc, slots.len() as u32, window);
        }
        let record = if at == 0 { owner } else { thread.record };
        // SAFETY: the record is the level's, and its window has room for all slots of the code.
        unsafe {
            (*record).pc = pc;
            (*record).sp = slots.len() as u32;
            for (at, slot) in slots.iter().enumerate() {
                *(*record).slots.add(at) = slot.value;
            }
        }
    }

    /// Takes published levels back.
    pub(crate) fn retract(&mut self, published: Published<L>) {
        let owner = self.owner;
        let mut changed = self.thread().inspected;
        let base = published.record;
        for at in 0..published.levels {
            let record = if at == 0 { owner } else { base.wrapping_add(at) };
            // SAFETY: published levels have records, one after the other above the owner's.
            let slots = unsafe { (*record).slots };
            let level = &mut self.levels[at];
            for (index, slot) in level.slots.iter_mut().enumerate() {
                // SAFETY: the window has room for all slots of the code.
                let now = unsafe { *slots.add(index) };
                if now != slot.value {
                    changed = true;
                    *slot = Traced::constant(now);
                    // SAFETY: as above, of the tracer's window.
                    unsafe { *level.window.add(index) = Traced::constant(now) };
                    level.state = None;
                }
            }
        }
        let thread = self.thread();
        thread.inspected |= published.inspected;
        thread.record = published.record;
        thread.top = published.top;
        thread.depth = published.depth;
        if changed {
            self.reach(Path::Published);
            self.abort(Abort::Inspected);
        }
    }

    /// The mode is Off and an instruction begins: the frames become the direct interpreter's. In a native activation in
    /// the middle of a handler the direct interpreter runs them here and now, and the handler goes on with the result.
    pub(crate) fn hand_over(&mut self, frame: &Frame<L, Traced<Value>>) -> Leave<Traced<Value>> {
        self.drop_finished();
        let base = *self.bases.last().expect("the dispatch loop runs");
        let native = self.bases.len() > 1;
        let active = self.active;
        let published = native.then(|| self.publish(base, None));
        for at in base..active - 1 {
            let level = &self.levels[at];
            let (code, pc, slots): (_, _, *const [Traced<Value>]) = (level.code, level.record_pc(), &*level.slots);
            // SAFETY: the level is not touched while its slots are copied.
            self.push_direct(at, code, pc, unsafe { &*slots });
        }
        // SAFETY: the slots below `sp` have been written.
        let slots = unsafe { std::slice::from_raw_parts(frame.slots, frame.sp as usize) };
        self.push_direct(active - 1, frame.code, frame.pc, slots);
        if !self.recording {
            self.reach(if native { Path::ReplayNative } else { Path::ReplayHandsOver });
        }
        let Some(published) = published else { return Leave::Continue };
        let thread = self.thread();
        let record = thread.record.wrapping_sub(active - 1 - base);
        let mut direct = crate::direct::based(self.context, record);
        let frame = self.thread().current_frame();
        let leave = crate::direct::run_loop(&mut direct, frame);
        self.retract(published);
        match leave {
            Leave::Return(value) => Leave::Return(Traced::constant(value)),
            Leave::Raise(exception) => Leave::Raise(Traced::constant(exception)),
            Leave::Continue => unreachable!("the loop has gone on"),
        }
    }
}
