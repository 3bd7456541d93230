//! Replaying: handlers run again up to the event at which a trace was left.

use super::{Level, LogEntry, Mode, Traced, Tracer, Word};
use crate::coverage::Path;
use crate::frame::Frame;
use crate::language::Language;
use heap::Value;
use ir::{LogKind, OpCode, Ty};

/// What an event means for the handler in progress.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// Record a guard.
    Guard,
    /// Record that it is known to hold.
    Assume,
    /// This is where the trace was left: the replay ends here.
    Failing,
    /// Nothing to record.
    Pass,
}

impl<L: Language> Tracer<L> {
    /// Whether impure results come from the log.
    #[inline(always)]
    #[allow(clippy::wrong_self_convention)]
    pub(crate) fn from_log(&self) -> bool {
        self.mode == Mode::Replaying && self.levels.last().is_some_and(|level| level.side)
    }

    /// The next log entry of the handler in progress.
    pub(crate) fn next_entry(&mut self) -> LogEntry {
        let level = self.levels.last_mut().expect("a handler is in progress");
        let Some(&entry) = level.log.get(level.log_at) else {
            panic!("replay wants more than was logged: {}", L::describe(level.code, level.pc));
        };
        level.log_at += 1;
        entry
    }

    pub(crate) fn next_logged<T: Word>(&mut self) -> Traced<T> {
        let entry = self.next_entry();
        if entry.kind != LogKind::Value || entry.ty != T::TY {
            let level = self.levels.last().expect("a handler is in progress");
            panic!("replay found {entry:?} instead of a {:?}: {}", T::TY, L::describe(level.code, level.pc));
        }
        self.reach(Path::ReplayValue);
        Traced { value: T::from_bits(entry.bits), id: entry.id }
    }

    /// Counts an event of the handler in progress. Constant conditions count, too.
    #[inline]
    pub(crate) fn event(&mut self) -> Event {
        match self.mode {
            Mode::Off => Event::Pass,
            Mode::Recording => {
                self.levels.last_mut().expect("a handler is in progress").events += 1;
                Event::Guard
            }
            Mode::Replaying => {
                let innermost = self.pending.is_empty();
                let recording = self.recording;
                let level = self.levels.last_mut().expect("a handler is in progress");
                assert!(level.events <= level.until, "replay overran: {}", L::describe(level.code, level.pc));
                level.events += 1;
                if innermost && level.events > level.until {
                    return Event::Failing;
                }
                if recording { Event::Assume } else { Event::Pass }
            }
        }
    }

    /// The failing event has been reached.
    pub(crate) fn end_replay(&mut self) {
        let level = self.levels.last().expect("a handler is in progress");
        assert!(
            !level.side || level.log_at == level.log.len(),
            "replay left log entries: {}",
            L::describe(level.code, level.pc)
        );
        self.mode = if self.recording { Mode::Recording } else { Mode::Off };
    }

    /// An event whose guard was taken out of the count by [`Tracer::event`] before its snapshot: a guard's snapshot counts
    /// the events before it.
    pub(crate) fn guard_at_event(&mut self, code: OpCode, args: &[ir::Arg]) {
        self.levels.last_mut().expect("a handler is in progress").events -= 1;
        self.guard(code, args);
        self.levels.last_mut().expect("a handler is in progress").events += 1;
    }

    pub(crate) fn decide_traced(&mut self, condition: Traced<bool>) -> bool {
        let event = self.event();
        if event == Event::Failing {
            self.reach(Path::ReplayDecided);
            self.end_replay();
        }
        if condition.id != super::CONSTANT {
            let arg = self.arg(condition);
            match event {
                Event::Failing if self.recording && self.exits_at_will => {
                    self.guard_at_event(if condition.value { OpCode::GuardTrue } else { OpCode::GuardFalse }, &[arg]);
                }
                Event::Guard => {
                    self.guard_at_event(if condition.value { OpCode::GuardTrue } else { OpCode::GuardFalse }, &[arg]);
                }
                // The optimiser promises to leave guards as they are or to drop them, so the exact negation of the one that
                // failed is known.
                Event::Failing | Event::Assume if self.recording => {
                    let code = if condition.value { OpCode::AssumeTrue } else { OpCode::AssumeFalse };
                    self.push(code, Ty::Void, &[arg], ir::Attr::None);
                }
                _ => {}
            }
        }
        self.checked(event, condition.value as u64);
        condition.value
    }

    pub(crate) fn promote<T: Word>(&mut self, x: Traced<T>) -> T {
        let event = self.event();
        if event == Event::Failing {
            self.reach(Path::ReplayPromoted);
            self.end_replay();
        }
        if x.id != super::CONSTANT {
            match event {
                Event::Pass => {}
                Event::Failing if !self.recording => {}
                _ => {
                    let args = [self.arg(x), self.arg(Traced::constant(x.value))];
                    if event == Event::Assume {
                        self.push(OpCode::AssumeValue, Ty::Void, &args, ir::Attr::None);
                    } else {
                        self.guard_at_event(OpCode::GuardValue, &args);
                    }
                }
            }
        }
        self.checked(event, x.value.bits());
        x.value
    }

    /// The event after an operation that may have run guest code.
    pub(crate) fn still_valid(&mut self) {
        let event = self.event();
        match event {
            Event::Guard => self.guard_at_event(OpCode::StillValid, &[]),
            Event::Failing => {
                self.reach(Path::ReplayAfterCall);
                self.end_replay();
            }
            _ => {}
        }
        self.checked(event, 0);
    }

    /// Restores the outermost pending levels up to and including the one whose handler runs again; the frame to run.
    pub(crate) fn restore_group(&mut self) -> Frame<L, Traced<Value>> {
        self.bases.push(self.levels.len());
        loop {
            let mut level = self.pending.pop().expect("a replay of frames that are all waiting");
            level.window = self.push_window(level.code);
            for (at, slot) in level.slots.iter().enumerate() {
                // SAFETY: the window has room for all slots of the code.
                unsafe { *level.window.add(at) = *slot };
            }
            level.entered = false;
            level.log_at = 0;
            level.events = 0;
            let waiting = level.waiting;
            if waiting {
                self.reach(Path::ReplayWaiting);
            } else if self.check.is_none() && self.thread().jit.coverage.on {
                self.thread().jit.coverage.replayed(L::instruction(level.code, level.pc));
            }
            let frame = level.frame();
            self.levels.push(level);
            self.locate();
            if !waiting {
                self.active = self.levels.len();
                self.deepest = self.deepest.max(self.levels.len());
                return frame;
            }
        }
    }

    /// The level whose handler is in progress.
    pub(crate) fn innermost(&mut self) -> &mut Level<L> {
        self.levels.last_mut().expect("a handler is in progress")
    }
}
