//! Calls, returns, instruction boundaries and loops, as the tracer sees them.

use super::{End, Level, Mode, Traced, Tracer};
use crate::cache::NO_LOOP;
use crate::counters::Abort;
use crate::coverage::Path;
use crate::driver::{self, Goal};
use crate::frame::{Entered, Finished, Frame, Leave};
use crate::language::Language;
use heap::Value;
use ir::{Arg, Attr, CallEffect, LogKind, OpCode, Resume, TraceId, TraceKind, Ty};
use smallvec::SmallVec;

type Ref = Traced<Value>;

/// A loop without code that goes round more often than this is not unrolled: it is about to get code of its own, and what leads to it
/// is recorded then.
const OTHER_ROUNDS: u32 = 8;

/// Of a callee with at most so many slots the missing ones are passed, too.
const FEW_SLOTS: usize = 64;

/// A trace of at most one part in so many of the longest is short.
const SHORT: usize = 20;

impl<L: Language> Tracer<L> {
    /// A window without a check of the recursion limit.
    pub(crate) fn push_window(&mut self, code: &'static L::Code) -> *mut Ref {
        let window = self.top;
        let count = L::slot_count(code);
        let top = window.wrapping_add(count);
        assert!(top.addr() - self.stack.addr() <= self.stack_bytes, "the tracer's stack is full");
        for at in 0..count {
            // SAFETY: the window lies within the reserved stack.
            unsafe { *window.add(at) = Traced::constant(Value::NULL) };
        }
        self.top = top;
        window
    }

    pub(crate) fn try_window(&mut self, code: &'static L::Code) -> Option<*mut Ref> {
        let inlined = self.active as u32;
        if self.mode != Mode::Replaying && !self.thread().has_room(inlined) {
            self.abort(Abort::RecursionLimit);
            return None;
        }
        Some(self.push_window(code))
    }

    pub(crate) fn give_back(&mut self, window: *mut Ref) {
        self.top = window;
    }

    /// Forgets levels that the handler in progress finished.
    pub(crate) fn drop_finished(&mut self) {
        while self.levels.len() > self.active {
            let level = self.levels.pop().expect("more levels than active ones");
            self.spare.push(level);
        }
    }

    /// Whether a call of `code` becomes part of the trace.
    fn inlines(&self, code: &'static L::Code) -> bool {
        if !L::is_traceable(code) || L::entry_cell(code).no_inline.get() || self.levels.len() > self.inline_depth_left()
        {
            return false;
        }
        // Into itself a function is inlined where it is short, so that calling is much of what it does: each branch of a long one
        // has as many ways through it as the whole function.
        let is_short = self.trace.kind != TraceKind::Bridge && self.size() <= self.trace_limit / SHORT;
        let recursion = if is_short { self.recursion } else { 0 };
        self.levels.iter().filter(|level| std::ptr::eq(level.code, code)).count() <= recursion
    }

    fn push_level(&mut self, code: &'static L::Code, window: *mut Ref, pc: u32, sp: u32) -> Frame<L, Ref> {
        let mut level = self.spare_level(code);
        level.window = window;
        level.pc = pc;
        // SAFETY: the slots below `sp` have been written.
        level.slots.extend_from_slice(unsafe { std::slice::from_raw_parts(window, sp as usize) });
        let frame = level.frame();
        self.levels.push(level);
        self.active = self.levels.len();
        self.deepest = self.deepest.max(self.active);
        frame
    }

    /// See [`crate::Machine::enter`].
    pub(crate) fn enter_traced(
        &mut self,
        frame: &mut Frame<L, Ref>,
        code: &'static L::Code,
        window: *mut Ref,
        pc: u32,
        sp: u32,
    ) -> Entered<Ref> {
        if self.mode == Mode::Replaying || (self.mode == Mode::Recording && !self.inlines(code)) {
            return Entered::Done(self.call_residual(Some(frame), code, window, pc, sp));
        }
        self.drop_finished();
        let caller = self.innermost();
        caller.pc = frame.pc;
        caller.slots.truncate(0);
        // SAFETY: the slots below `sp` have been written.
        caller.slots.extend_from_slice(unsafe { std::slice::from_raw_parts(frame.slots, frame.sp as usize) });
        caller.waiting = true;
        caller.log.clear();
        caller.events = 0;
        caller.side = false;
        caller.state = None;
        *frame = self.push_level(code, window, pc, sp);
        Entered::Frame
    }

    /// See [`crate::Machine::finish`].
    pub(crate) fn finish_traced(&mut self, frame: &mut Frame<L, Ref>, result: Result<Ref, Ref>) -> Finished<Ref> {
        let at = self.active - 1;
        if at == 0 {
            self.finish_owner(result);
            return Finished::Base(leave_of(result));
        }
        self.active = at;
        self.resumed = self.resumed.min(at);
        self.top = self.levels[at].window;
        if self.bases.last() == Some(&at) {
            return Finished::Base(leave_of(result));
        }
        if self.mode == Mode::Recording {
            self.reach(if result.is_ok() { Path::InlinedReturn } else { Path::InlinedRaise });
        }
        *frame = self.levels[at - 1].frame();
        Finished::Caller(result)
    }

    /// The frame at level 0 is left: the trace ends. The driver finishes the frame's direct owner.
    fn finish_owner(&mut self, result: Result<Ref, Ref>) {
        assert!(self.mode != Mode::Replaying, "a replayed handler left its frame before its event");
        if self.mode == Mode::Recording {
            let (code, value) = match result {
                Ok(value) => (OpCode::FinishReturn, value),
                Err(exception) => (OpCode::FinishRaise, exception),
            };
            let arg = self.arg(value);
            self.push(code, Ty::Void, &[arg], Attr::None);
            self.end = Some(End::Finish);
            self.mode = Mode::Off;
        }
    }

    /// See [`crate::Machine::call_code`].
    pub(crate) fn call_traced(
        &mut self,
        code: &'static L::Code,
        window: *mut Ref,
        pc: u32,
        sp: u32,
    ) -> Result<Ref, Ref> {
        let (count, active) = (self.levels.len(), self.active);
        let frame = match self.mode {
            Mode::Off => return self.call_native(code, window, pc, sp),
            Mode::Recording if self.inlines(code) => {
                self.reach(Path::NestedInlined);
                let frame = self.push_level(code, window, pc, sp);
                self.bases.push(count);
                frame
            }
            Mode::Recording => return self.call_residual(None, code, window, pc, sp),
            Mode::Replaying => {
                let level = self.innermost();
                if level.log_at < level.log.len() {
                    match level.log[level.log_at].kind {
                        LogKind::Value => return self.call_residual(None, code, window, pc, sp),
                        _ => {
                            let entry = self.next_entry();
                            self.give_back(window);
                            let returned = entry.kind == LogKind::Return;
                            self.reach(if returned { Path::ReplayReturned } else { Path::ReplayRaised });
                            let value = Traced { value: Value(entry.bits), id: entry.id };
                            return if returned { Ok(value) } else { Err(value) };
                        }
                    }
                }
                assert!(level.events == level.until, "a nested call was left at another event than it was entered");
                self.give_back(window);
                self.reach(Path::ReplayNested);
                self.restore_group()
            }
        };
        let leave = L::run_traced(self, frame);
        self.bases.pop();
        self.active = count;
        self.drop_finished();
        self.active = active;
        self.top = window;
        let (kind, value, result) = match leave {
            Leave::Return(value) => (LogKind::Return, value, Ok(value)),
            Leave::Raise(exception) => (LogKind::Raise, exception, Err(exception)),
            Leave::Continue => unreachable!("a native activation returns to its handler"),
        };
        assert!(self.mode != Mode::Replaying, "a replay did not reach its event");
        if self.mode == Mode::Recording {
            self.reach(if result.is_ok() { Path::NestedReturns } else { Path::NestedRaises });
        }
        self.log(kind, Ty::Ref, value.id, value.value.0);
        self.side_effect();
        self.innermost().state = None;
        self.locate();
        result
    }

    /// Mode Off: the direct interpreter runs the callee.
    fn call_native(&mut self, code: &'static L::Code, window: *mut Ref, pc: u32, sp: u32) -> Result<Ref, Ref> {
        let published = self.publish(self.active, None);
        let direct = self.thread().window_unlimited(L::slot_count(code));
        for at in 0..sp as usize {
            // SAFETY: both windows have room for all slots of the code.
            unsafe { *direct.add(at) = (*window.add(at)).value };
        }
        let result = crate::Direct::<L>::call(self.context, code, direct, pc, sp);
        self.retract(published);
        self.give_back(window);
        match result {
            Ok(value) => Ok(Traced::constant(value)),
            Err(exception) => Err(Traced::constant(exception)),
        }
    }

    /// A call of guest code that does not become part of the trace. `frame`: the caller's, if the call ends its handler.
    fn call_residual(
        &mut self,
        frame: Option<&Frame<L, Ref>>,
        code: &'static L::Code,
        window: *mut Ref,
        pc: u32,
        sp: u32,
    ) -> Result<Ref, Ref> {
        let result = if self.from_log() {
            self.give_back(window);
            self.next_logged::<Value>()
        } else {
            assert!(self.mode == Mode::Recording, "a residual call in a handler that simply runs again");
            self.reach(Path::ResidualCall);
            let callees = driver::callees(self.thread());
            let code_word = Value(std::ptr::from_ref(code).addr() as u64 | 1);
            // SAFETY: the slots below `sp` have been written.
            let slots = unsafe { std::slice::from_raw_parts(window, sp as usize) };
            let mut words: SmallVec<[u64; 16]> = SmallVec::new();
            let mut args: SmallVec<[Arg; 16]> = SmallVec::new();
            args.push(Arg::Imm(code_word.0));
            // The frames inlined in the trace count for the recursion limit, although they have no records there.
            args.push(Arg::Imm(driver::GuestCall { pc, sp, inlined: self.active as u32 - 1 }.word()));
            // What is missing is NULL; a few are soon written.
            let is_unset = |slot: &&Traced<Value>| slot.id == super::CONSTANT && slot.value.is_null();
            let unset = if slots.len() <= FEW_SLOTS { 0 } else { slots.iter().rev().take_while(is_unset).count() };
            for slot in &slots[..slots.len() - unset] {
                words.push(slot.value.0);
                args.push(self.arg(*slot));
            }
            let snapshot = self.call_snapshot(frame);
            let published = self.publish(self.active, frame.map(|frame| frame.pc));
            let paused = self.thread().jit.economy.pause();
            let call = driver::GuestCall { pc, sp, inlined: 0 };
            let word = driver::call_guest_with::<L>(self.context, code_word.0, call, &words);
            self.thread().jit.economy.resume(paused);
            self.give_back(window);
            let attr = Attr::Callee(callees.call_guest);
            let id = self.push_exit(OpCode::CallSlice, Ty::Ref, &args, attr, snapshot);
            let result = Traced { value: Value(word), id };
            self.side_effect();
            self.log_value(result);
            self.retract(published);
            result
        };
        self.still_valid();
        let null = crate::Machine::is_null(self, result);
        if crate::Machine::decide(self, null) {
            return Err(crate::Machine::take_exception(self));
        }
        Ok(result)
    }

    /// What an inspector finds during a call. `frame`: the caller's, if the call ends its handler.
    pub(crate) fn call_snapshot(&mut self, frame: Option<&Frame<L, Ref>>) -> ir::SnapshotId {
        let snapshot = self.snapshot();
        if let Some(frame) = frame {
            let at = self.levels.len() - 1;
            let mut state = self.frame_state(at, Resume::AfterCall);
            state.pc = frame.pc;
            state.slots.truncate(frame.sp as usize);
            let frames = &mut self.trace.snapshots[snapshot.0 as usize].frames;
            *frames.last_mut().expect("a handler is in progress") = std::sync::Arc::new(state);
        }
        snapshot
    }

    /// See [`crate::Machine::boundary`].
    #[inline]
    pub(crate) fn boundary_traced(&mut self, frame: &mut Frame<L, Ref>) -> Option<Leave<Ref>> {
        match self.mode {
            Mode::Recording if self.size() < self.trace_limit => {
                self.drop_finished();
                let level: &mut Level<L> = self.levels.last_mut().expect("the dispatch loop runs a frame");
                level.pc = frame.pc;
                for at in frame.sp as usize..level.slots.len() {
                    // What the last instruction popped is dead, and the collector reads the whole window.
                    // SAFETY: the window has room for all slots of the code.
                    unsafe { *frame.slots.add(at) = Traced::constant(Value::NULL) };
                }
                level.slots.clear();
                // SAFETY: the slots below `sp` have been written.
                level.slots.extend_from_slice(unsafe { std::slice::from_raw_parts(frame.slots, frame.sp as usize) });
                level.waiting = false;
                level.log.clear();
                level.events = 0;
                level.side = false;
                level.state = None;
                self.locate();
                if self.thread().jit.coverage.on {
                    self.thread().jit.coverage.recorded(L::instruction(frame.code, frame.pc));
                }
                None
            }
            Mode::Recording => {
                self.abort(Abort::TooLong);
                Some(self.hand_over(frame))
            }
            Mode::Replaying => {
                let level = self.innermost();
                assert!(!level.entered, "a replay reached the next instruction: {}", L::describe(frame.code, frame.pc));
                level.entered = true;
                None
            }
            Mode::Off => Some(self.hand_over(frame)),
        }
    }

    /// See [`crate::Machine::back_edge`].
    pub(crate) fn back_edge_traced(&mut self, frame: &mut Frame<L, Ref>) {
        if self.mode != Mode::Recording {
            return;
        }
        if self.active > 1 {
            // A generator goes round its loop once before it yields, and a loop of two or three rounds is unrolled.
            let level = &mut self.levels[self.active - 1];
            level.rounds += 1;
            if level.rounds > self.unroll {
                L::entry_cell(frame.code).no_inline.set(true);
                // What a trace above has inlined is inlined in all that hangs on it.
                let is_above = self.active <= self.resumed;
                self.abort(if is_above { Abort::LoopInInlined } else { Abort::LoopInCallee });
            }
            return;
        }
        if self.start == Some((std::ptr::from_ref(frame.code), frame.pc)) {
            self.jump(frame, OpCode::JumpLabel, Attr::None);
            self.end = Some(End::OwnLoop);
            return;
        }
        if self.home_pc(frame.code).is_some_and(|header| frame.pc < header) {
            self.goes_outward = true;
            if self.is_left_early(frame.code) {
                self.abort(Abort::LeftAtOnce);
                return;
            }
        }
        let entry = L::loop_cell(frame.code, frame.pc).entry.get();
        if entry != 0 {
            match driver::choose(self, frame, TraceId(entry as u32 - 1)) {
                Goal::Loop(target) => {
                    self.jump(frame, OpCode::JumpLoop, Attr::Target(target));
                    self.end = Some(End::OtherLoop(target));
                }
                Goal::Onward(outer) => self.passed.push(outer),
                Goal::NewVersion => self.abort(Abort::OtherVersion),
                Goal::InnerRound => self.abort(Abort::InnerRound),
            }
        } else if self.root_kind == TraceKind::Function {
            L::entry_cell(frame.code).no_inline.set(true);
            self.abort(Abort::LoopInFunction);
        } else if self.rounds_of_other(frame.pc) > OTHER_ROUNDS {
            self.abort(Abort::OtherLoop);
        }
    }

    /// How often the recording has gone round a loop that is not its own and has no code, this time included.
    fn rounds_of_other(&mut self, header: u32) -> u32 {
        let at = self.others.iter().position(|other| other.0 == header).unwrap_or_else(|| {
            self.others.push((header, 0));
            self.others.len() - 1
        });
        self.others[at].1 += 1;
        self.others[at].1
    }

    /// The header of the loop that the recording began in, or that the bridge hangs on, if that is a loop of this code.
    pub(crate) fn home_pc(&mut self, code: &L::Code) -> Option<u32> {
        let code = std::ptr::from_ref(code);
        let (own, header) = match (self.start, self.root) {
            (Some((own, header)), _) => (own.addr() as u64, header),
            (None, Some((root, _))) => self.thread().jit.cache.trace(root).start,
            (None, None) => return None,
        };
        (own == code.addr() as u64 && header != NO_LOOP).then_some(header)
    }

    /// Whether what has come to the header of an outer loop is the recording of a loop that may go round the next time. What it would
    /// record is the outer loop, with but one of the many ways through its own. Not if that never goes round.
    fn is_left_early(&self, code: &'static L::Code) -> bool {
        self.start.is_some_and(|(_, header)| L::loop_cell(code, header).aborts.get() < self.retries / 2)
    }

    fn jump(&mut self, frame: &Frame<L, Ref>, code: OpCode, attr: Attr) {
        let args: Vec<Arg> = (0..frame.sp as usize).map(|at| self.arg(frame.slot(at))).collect();
        self.push(code, Ty::Void, &args, attr);
        self.mode = Mode::Off;
    }

    /// Whether a callee's effect is one that a second run would show.
    pub(crate) fn is_side_effect(effect: CallEffect) -> bool {
        effect >= CallEffect::Writes
    }
}

fn leave_of(result: Result<Ref, Ref>) -> Leave<Ref> {
    match result {
        Ok(value) => Leave::Return(value),
        Err(exception) => Leave::Raise(exception),
    }
}
