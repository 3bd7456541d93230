//! Recording: operations, constants, guards, snapshots.

use super::{CONSTANT, Level, LogEntry, Mode, Traced, Tracer, Word};
use crate::counters::Abort;
use crate::jit::Assumption;
use crate::language::Language;
use heap::Value;
use ir::{
    Arg, Attr, ConstRef, FrameState, LogKind, OpCode, Position, PositionId, Resume, Snapshot, SnapshotId, Ty, ValueId,
};
use std::sync::Arc;

impl<L: Language> Tracer<L> {
    /// Whether operations are recorded.
    #[inline(always)]
    pub(crate) fn records(&self) -> bool {
        self.recording && self.mode != Mode::Off
    }

    /// Appends an operation; the id of its value.
    #[inline]
    pub(crate) fn push(&mut self, code: OpCode, ty: Ty, args: &[Arg], attr: Attr) -> u32 {
        self.trace.push(code, ty, args, attr).0
    }

    /// What is recorded from here on belongs to the innermost frame's instruction in progress, or, if it waits, its call.
    pub(crate) fn locate(&mut self) {
        if !self.recording {
            return;
        }
        let caller = self.levels.iter().nth_back(1).map_or(PositionId::NONE, |level| level.position);
        let level = self.levels.last_mut().expect("a frame is there");
        let code = std::ptr::from_ref(level.code).addr() as u64;
        let pc = level.pc - u32::from(level.waiting);
        level.position = self.trace.locate(Position { code, pc, caller });
    }

    /// A value as an operand.
    #[inline]
    pub(crate) fn arg<T: Word>(&mut self, x: Traced<T>) -> Arg {
        self.arg_of(T::TY, x.id, x.value.bits())
    }

    #[inline]
    pub(crate) fn arg_of(&mut self, ty: Ty, id: u32, bits: u64) -> Arg {
        if id != CONSTANT {
            return Arg::Value(ValueId(id));
        }
        match ty {
            Ty::Int => Arg::Int(bits as i64),
            Ty::Flt => Arg::Flt(bits),
            Ty::Bool => Arg::Bool(bits != 0),
            Ty::Ref if Value(bits).is_object() => Arg::Ref(self.const_ref(Value(bits))),
            Ty::Ref => Arg::Imm(bits),
            Ty::Void => unreachable!("an operand without a value"),
        }
    }

    /// The place of an object in the trace's constant table. The table is searched, not hashed: objects move.
    fn const_ref(&mut self, object: Value) -> ConstRef {
        let at = self.constants.iter().position(|&known| known == object).unwrap_or_else(|| {
            self.constants.push(object);
            self.constants.len() - 1
        });
        ConstRef(at as u32)
    }

    /// Remembers that the trace relies on an assumption.
    pub(crate) fn rely_on(&mut self, assumption: Assumption) {
        if !self.assumptions.iter().any(|&(known, _)| known == assumption) {
            let version = self.thread().jit.version(assumption);
            self.assumptions.push((assumption, version));
        }
    }

    /// Gives the recording up; execution goes on.
    #[cold]
    pub(crate) fn abort(&mut self, why: Abort) {
        if self.mode == Mode::Recording && self.recording {
            self.aborted = Some(why);
            let at = self.trace.positions.last();
            self.aborted_at = at.map_or((0, 0), |at| (at.code, at.pc));
            self.mode = Mode::Off;
        }
    }

    /// The innermost handler did something that must not be done twice.
    #[inline]
    pub(crate) fn side_effect(&mut self) {
        if self.mode != Mode::Off {
            assert!(self.mode == Mode::Recording, "a side effect in a handler that simply runs again");
            let level = self.levels.last_mut().expect("a handler is in progress");
            level.side = true;
        }
    }

    #[inline]
    pub(crate) fn log(&mut self, kind: LogKind, ty: Ty, id: u32, bits: u64) {
        if self.records() {
            let level = self.levels.last_mut().expect("a handler is in progress");
            level.log.push(LogEntry { kind, ty, id, bits });
        }
    }

    #[inline]
    pub(crate) fn log_value<T: Word>(&mut self, x: Traced<T>) {
        self.log(LogKind::Value, T::TY, x.id, x.value.bits());
    }

    /// Appends an operation that can leave the trace here.
    pub(crate) fn push_exit(&mut self, code: OpCode, ty: Ty, args: &[Arg], attr: Attr, snapshot: SnapshotId) -> u32 {
        let id = self.push(code, ty, args, attr);
        self.trace.ops[id as usize].snapshot = Some(snapshot);
        id
    }

    pub(crate) fn guard(&mut self, code: OpCode, args: &[Arg]) {
        let snapshot = self.snapshot();
        self.push_exit(code, Ty::Void, args, Attr::None, snapshot);
    }

    /// The state of all frames.
    pub(crate) fn snapshot(&mut self) -> SnapshotId {
        let mut frames = Vec::with_capacity(self.levels.len());
        for at in 0..self.levels.len() {
            let state = self.level_state(at);
            self.snapshot_values += state.slots.len() + state.log.len();
            frames.push(state);
        }
        self.trace.snapshots.push(Snapshot { frames });
        SnapshotId(self.trace.snapshots.len() as u32 - 1)
    }

    fn level_state(&mut self, at: usize) -> Arc<FrameState<Arg>> {
        let innermost = at + 1 == self.levels.len();
        if let Some(state) = &self.levels[at].state
            && !innermost
        {
            return state.clone();
        }
        let resume = match &self.levels[at] {
            level if level.waiting => Resume::AfterCall,
            level if innermost && !level.side => Resume::Rerun,
            _ => Resume::Replay,
        };
        let state = Arc::new(self.frame_state(at, resume));
        self.levels[at].state = (!innermost).then(|| state.clone());
        state
    }

    pub(crate) fn frame_state(&mut self, at: usize, resume: Resume) -> FrameState<Arg> {
        // The level is taken out so that constants can be interned while it is read.
        let level = std::mem::take(&mut self.levels[at].slots);
        let slots = level.iter().map(|slot| self.arg(*slot)).collect();
        self.levels[at].slots = level;
        let mut log = Vec::new();
        if resume == Resume::Replay {
            let entries = std::mem::take(&mut self.levels[at].log);
            log = entries.iter().map(|e| (e.kind, e.ty, self.arg_of(e.ty, e.id, e.bits))).collect();
            self.levels[at].log = entries;
        }
        let level: &Level<L> = &self.levels[at];
        let code = std::ptr::from_ref(level.code).addr() as u64;
        FrameState { code, pc: level.pc, slots, log, events: level.events, resume }
    }
}
