//! Frames seen from below.
//!
//! Compiled code has no records for the frames inlined in it, and the record of the frame it runs for is stale. An inspector
//! that runs in a call made by compiled code first forces all such activations: their frames are made from the exits of the
//! calls they stand in, as if each call left its trace. After the call `still_valid` leaves the trace for good, with the
//! forced frames, because the inspector may hold on to them or have changed them.

use crate::coverage::Path;
use crate::driver::Made;
use crate::language::Language;
use crate::thread::{Record, Thread};
use codegen::Activation;
use heap::Value;
use ir::{Attr, Exit, ExitArg, OpCode, Resume};
use std::sync::Arc;

/// Compiled code on the native stack.
pub(crate) struct Entry<L: Language> {
    /// The record of the frame that it runs for.
    pub(crate) owner: *mut Record<L>,
    /// The newest activation when it was entered.
    pub(crate) below: *mut Activation,
}

/// The frames of an activation that was inspected.
pub(crate) struct Forced<L: Language> {
    owner: *mut Record<L>,
    /// The exit of the call that the activation stands in.
    exit: Arc<Exit>,
    /// What that exit's recipe made.
    made: Vec<u64>,
    /// The frame of the owner and those inlined above it.
    frames: Vec<Record<L>>,
    /// The slots of the inlined frames.
    windows: Vec<Box<[Value]>>,
}

impl<L: Language> Thread<L> {
    /// Gives every frame of compiled code that stands in a call a record, so that [`Thread::records`] shows it. Whoever looks
    /// at frames that are not the current one calls this first.
    pub fn force_activations(&mut self) {
        self.assert_published();
        self.inspected = true;
        let mut activation = self.activation;
        for at in (0..self.entries.len()).rev() {
            let (owner, below) = (self.entries[at].owner, self.entries[at].below);
            if activation == below {
                // It left its trace, and runs no guest code as compiled code.
                continue;
            }
            // SAFETY: linked activations stand in calls that are in progress.
            let record = unsafe { &mut *activation };
            if record.inspected == 0 {
                record.inspected = 1;
                self.force(owner, activation);
            }
            activation = record.previous;
        }
    }

    fn force(&mut self, owner: *mut Record<L>, activation: *mut Activation) {
        self.jit.counters.forced += 1;
        // SAFETY: as in `force_activations`.
        let number = unsafe { (*activation).exit } as u32;
        let (id, at) = self.jit.cache.exit_of(number);
        let exit = self.jit.cache.trace(id).exits[at.0 as usize].exit.clone();
        self.jit.coverage.reach(if exit.frames.len() > 1 { Path::ForcedInlined } else { Path::Forced });
        // SAFETY: the activation holds the live values of this exit.
        let live = unsafe { Activation::live(activation, exit.live.len()) };
        let context: *mut L::Context = std::ptr::from_mut(self).cast();
        let values = Made::<L>::make(context, id, &exit, live, None);
        let (mut frames, mut windows) = (Vec::new(), Vec::new());
        for (at, state) in exit.frames.iter().enumerate() {
            // SAFETY: codes come from this language and live as long as the process.
            let code: &'static L::Code = unsafe { &*(state.code as *const L::Code) };
            let (pc, sp) = (record_pc(state), state.slots.len() as u32);
            let slots = match at {
                // SAFETY: the owner's frame is still there.
                0 => unsafe { (*owner).slots },
                _ => {
                    windows.push(vec![Value::NULL; L::slot_count(code)].into_boxed_slice());
                    windows.last_mut().expect("just pushed").as_mut_ptr()
                }
            };
            for (index, &arg) in state.slots.iter().enumerate() {
                // SAFETY: the window has room for all slots of the code.
                unsafe { *slots.add(index) = Value(values.word(context, id, arg)) };
            }
            frames.push(Record { code, pc, sp, slots });
        }
        // SAFETY: the owner's frame is still there.
        unsafe {
            (*owner).pc = frames[0].pc;
            (*owner).sp = frames[0].sp;
        }
        let made = values.made().to_vec();
        self.jit.cache.forget_values();
        self.forced.push(Box::new(Forced { owner, exit, made, frames, windows }));
    }

    /// The records of all frames, innermost first. Compiled code that stands in a call is forced, and left when the call
    /// returns: to read a few slots, [`Thread::frames`] is better.
    ///
    /// Whoever calls this from a [`ir::Callee`] declares that as `RunsGuest`.
    pub fn records(&mut self) -> impl Iterator<Item = *mut Record<L>> + use<L> {
        self.force_activations();
        let mut records = Vec::with_capacity(self.depth as usize);
        let (mut at, base) = (self.record, self.record_base());
        while at != base {
            if let Some(forced) = self.forced.iter_mut().find(|forced| forced.owner == at) {
                records.extend(forced.frames[1..].iter_mut().rev().map(|record| &raw mut *record));
            }
            records.push(at);
            at = at.wrapping_sub(1);
        }
        records.into_iter()
    }

    /// All frames, innermost first, to be read and not kept. Nothing is forced.
    ///
    /// Called from a [`ir::Callee`] that is not declared as `RunsGuest`, it does not see the frames of the compiled code that
    /// made the call as they are, but as they were when that was entered.
    pub fn frames(&mut self) -> impl Iterator<Item = FrameView<L>> + use<L> {
        let (mut at, base) = (self.record, self.record_base());
        let mut entries = self.entries.len();
        let mut activation = self.activation;
        if !activation.is_null() {
            self.jit.coverage.reach(Path::Viewed);
        }
        let this: *const Self = self;
        // The frames of the activation that is being walked, innermost first, without the owner's.
        let mut inlined: Vec<FrameView<L>> = Vec::new();
        let mut owner: Option<FrameView<L>> = None;
        std::iter::from_fn(move || {
            // SAFETY: the frames are walked while the thread stands in the call that asked.
            let this = unsafe { &*this };
            if let Some(view) = inlined.pop() {
                return Some(view);
            }
            if let Some(view) = owner.take() {
                at = at.wrapping_sub(1);
                return Some(view);
            }
            if at == base {
                return None;
            }
            while entries > 0 && activation == this.entries[entries - 1].below {
                entries -= 1;
            }
            if entries > 0 && this.entries[entries - 1].owner == at {
                entries -= 1;
                // SAFETY: linked activations stand in calls that are in progress.
                let record = unsafe { &*activation };
                let mut views = match this.forced.iter().find(|forced| forced.owner == at) {
                    Some(forced) => forced.frames.iter().map(FrameView::of_record).collect::<Vec<_>>(),
                    None => this.views(activation),
                };
                activation = record.previous;
                owner = Some(views.remove(0));
                inlined = views;
                if let Some(view) = inlined.pop() {
                    return Some(view);
                }
                at = at.wrapping_sub(1);
                return owner.take();
            }
            // SAFETY: records below the current one are of frames that are still there.
            let view = FrameView::of_record(unsafe { &*at });
            at = at.wrapping_sub(1);
            Some(view)
        })
    }

    /// A slot of the innermost frame, as [`Thread::frames`] shows it; the outer `None`: there is no frame.
    pub fn innermost_slot(&self, slot: usize) -> Option<Option<Value>> {
        if self.record == self.record_base() {
            return None;
        }
        let mut entries = self.entries.iter().rev().skip_while(|entry| entry.below == self.activation);
        if entries.next().is_some_and(|entry| entry.owner == self.record) {
            if let Some(forced) = self.forced.iter().find(|forced| forced.owner == self.record) {
                return forced.frames.last().map(|record| FrameView::of_record(record).slot(slot));
            }
            // SAFETY: linked activations stand in calls that are in progress.
            let (id, at) = self.jit.cache.exit_of(unsafe { (*self.activation).exit } as u32);
            let trace = self.jit.cache.trace(id);
            let exit = &trace.exits[at.0 as usize].exit;
            // SAFETY: the activation holds the live values of this exit.
            let live = unsafe { Activation::live(self.activation, exit.live.len()) };
            let arg = exit.frames.last()?.slots.get(slot);
            return Some(arg.map_or(Some(Value::NULL), |&arg| known(exit, live, &trace.constants, arg)));
        }
        // SAFETY: there is a current frame.
        Some(FrameView::of_record(unsafe { &*self.record }).slot(slot))
    }

    /// The frames of an activation that was not forced, outermost first.
    fn views(&self, activation: *const Activation) -> Vec<FrameView<L>> {
        // SAFETY: linked activations stand in calls that are in progress.
        let (id, at) = self.jit.cache.exit_of(unsafe { (*activation).exit } as u32);
        let trace = self.jit.cache.trace(id);
        let exit = &trace.exits[at.0 as usize].exit;
        // SAFETY: the activation holds the live values of this exit.
        let live = unsafe { Activation::live(activation, exit.live.len()) };
        let slot = |arg: ExitArg| known(exit, live, &trace.constants, arg);
        let view = |state: &ir::FrameState<ExitArg>| FrameView {
            // SAFETY: codes come from this language and live as long as the process.
            code: unsafe { &*(state.code as *const L::Code) },
            pc: record_pc(state),
            slots: Slots::Known(state.slots.iter().map(|&arg| slot(arg)).collect()),
        };
        exit.frames.iter().map(|state| view(state)).collect()
    }

    /// Compiled code publishes its frames only for calls that may run guest code.
    fn assert_published(&self) {
        let hidden =
            self.entries.last().is_some_and(|entry| entry.below == self.activation && entry.owner == self.record);
        debug_assert!(!hidden, "a callee that is not declared RunsGuest looks at the guest's frames");
    }
}

/// The guest value of an exit's argument, if that is there.
fn known(exit: &Exit, live: &[u64], constants: &[Value], arg: ExitArg) -> Option<Value> {
    let word = |arg| match arg {
        ExitArg::Live(at) => Some(live[at as usize]),
        ExitArg::Imm(bits) => Some(bits),
        ExitArg::Ref(at) => Some(constants[at.0 as usize].0),
        _ => None,
    };
    match arg {
        ExitArg::Made(at) => match &exit.recipe[at as usize] {
            step if step.code == OpCode::IntBox => word(step.args[0]).map(|int| Value::from_int(int as i64)),
            _ => None,
        },
        arg => word(arg).map(Value),
    }
}

/// What [`Record::pc`] says of a frame in a trace.
pub(crate) fn record_pc(state: &ir::FrameState<ExitArg>) -> u32 {
    if state.resume == Resume::AfterCall { state.pc | 1 << 31 } else { state.pc }
}

/// A frame to be read.
pub struct FrameView<L: Language> {
    pub code: &'static L::Code,
    /// As in [`Record`].
    pub pc: u32,
    slots: Slots,
}

enum Slots {
    Window(*const Value),
    Known(Vec<Option<Value>>),
}

impl<L: Language> FrameView<L> {
    fn of_record(record: &Record<L>) -> FrameView<L> {
        FrameView { code: record.code, pc: record.pc, slots: Slots::Window(record.slots) }
    }

    /// The instruction that the frame is executing.
    pub fn instruction(&self) -> u32 {
        crate::thread::instruction_of(self.pc)
    }

    /// The value of a slot; `None` if it is an object that compiled code has not made: [`Thread::records`] makes it.
    pub fn slot(&self, index: usize) -> Option<Value> {
        match &self.slots {
            // SAFETY: the frame has all slots of its code.
            Slots::Window(slots) => Some(unsafe { *slots.add(index) }),
            Slots::Known(slots) => slots.get(index).copied().unwrap_or(Some(Value::NULL)),
        }
    }
}

/// What an inspector made of the compiled code that has just been left; its owner is the current frame. The collector
/// sees it as long as it stays in the thread's table.
pub(crate) fn find_forced<L: Language>(thread: &Thread<L>) -> Option<*const Forced<L>> {
    thread.forced.iter().find(|forced| forced.owner == thread.record).map(|forced| &raw const **forced)
}

pub(crate) fn take_forced<L: Language>(thread: &mut Thread<L>, which: *const Forced<L>) -> Box<Forced<L>> {
    let at = thread.forced.iter().position(|forced| std::ptr::eq(&**forced, which));
    thread.forced.swap_remove(at.expect("it was found there"))
}

impl<L: Language> Forced<L> {
    /// What the inspector left in a slot.
    pub(crate) fn slot(&self, frame: usize, slot: usize) -> Option<Value> {
        let record = self.frames.get(frame)?;
        // SAFETY: the window is the owner's, which is still there, or this activation's own.
        (slot < record.sp as usize).then(|| unsafe { *record.slots.add(slot) })
    }

    /// The objects that the recipe of `exit`, right behind the call, would make again: `(step, object)`.
    pub(crate) fn same_objects(&self, exit: &Exit) -> Vec<(u32, u64)> {
        let mut same = Vec::new();
        for (now, then) in exit.frames.iter().zip(&self.exit.frames) {
            for (&now, &then) in now.slots.iter().zip(&then.slots) {
                self.unify(exit, now, then, &mut same);
            }
            for (now, then) in now.log.iter().zip(&then.log) {
                self.unify(exit, now.2, then.2, &mut same);
            }
        }
        same
    }

    fn unify(&self, exit: &Exit, now: ExitArg, then: ExitArg, same: &mut Vec<(u32, u64)>) {
        let (ExitArg::Made(now), ExitArg::Made(then)) = (now, then) else { return };
        let is_new = |code| matches!(code, OpCode::New | OpCode::NewItems);
        let (step_now, step_then) = (&exit.recipe[now as usize], &self.exit.recipe[then as usize]);
        if !is_new(step_now.code) || !is_new(step_then.code) || same.iter().any(|&(known, _)| known == now) {
            return;
        }
        same.push((now, self.made[then as usize]));
        // The same fields hold the same values, whose objects may be the recipe's, too.
        let fields_of = |exit: &Exit, object: u32| -> Vec<(u32, Option<ExitArg>, ExitArg)> {
            let steps = exit.recipe.iter().filter(|step| step.args.first() == Some(&ExitArg::Made(object)));
            steps
                .filter_map(|step| match (step.attr, &step.args[..]) {
                    (Attr::Field(field), &[_, value]) => Some((field.offset, None, value)),
                    (Attr::Items(items), &[_, index, value]) => Some((items.offset, Some(index), value)),
                    _ => None,
                })
                .collect()
        };
        let fields_then = fields_of(&self.exit, then);
        for (offset, index, value) in fields_of(exit, now) {
            if let Some(&(_, _, then)) = fields_then.iter().find(|field| (field.0, field.1) == (offset, index)) {
                self.unify(exit, value, then, same);
            }
        }
    }

    pub(crate) fn visit_roots(&mut self, visitor: &mut heap::RootVisitor) {
        // SAFETY: windows are slices of values, made words a slice of words.
        unsafe {
            for window in &mut self.windows {
                visitor.precise_slice(window.as_mut_ptr(), window.len());
            }
            visitor.ambiguous_range(self.made.as_ptr(), self.made.len());
        }
    }
}
