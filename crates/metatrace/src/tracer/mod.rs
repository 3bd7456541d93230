//! The machine that executes and records.
//!
//! Three modes: Recording; Replaying, which re-executes a handler up to the event at which a trace was left, with the
//! results of its impure operations taken from a log; Off, which only executes until the next instruction, where the
//! frames become the direct interpreter's. See `docs/replay.md`.

mod check;
mod frames;
mod machine;
mod memory;
mod publish;
mod record;
mod replay;

pub(crate) use memory::fresh;

use crate::counters::Abort;
use crate::coverage::Path;
use crate::driver::Signature;
use crate::frame::{Frame, Leave};
use crate::jit::Assumption;
use crate::language::{Language, thread_of};
use crate::thread::{Record, Thread};
use crate::{Direct, direct};
use heap::Value;
use ir::{Arg, FrameState, LogKind, PositionId, Trace, TraceId, TraceKind, Ty};
use smallvec::SmallVec;
use std::sync::Arc;

/// A concrete value and the trace operation that made it.
#[derive(Clone, Copy, Debug)]
pub struct Traced<T> {
    pub value: T,
    pub(crate) id: u32,
}

/// The id of a value that no operation made: a constant of the trace, or nothing is being recorded.
pub(crate) const CONSTANT: u32 = u32::MAX;

impl<T> Traced<T> {
    #[inline(always)]
    pub(crate) fn constant(value: T) -> Traced<T> {
        Traced { value, id: CONSTANT }
    }
}

/// A traced type as one word.
pub(crate) trait Word: Copy {
    const TY: Ty;
    fn bits(self) -> u64;
    fn from_bits(bits: u64) -> Self;
}

impl Word for i64 {
    const TY: Ty = Ty::Int;
    fn bits(self) -> u64 {
        self as u64
    }
    fn from_bits(bits: u64) -> i64 {
        bits as i64
    }
}

impl Word for f64 {
    const TY: Ty = Ty::Flt;
    fn bits(self) -> u64 {
        self.to_bits()
    }
    fn from_bits(bits: u64) -> f64 {
        f64::from_bits(bits)
    }
}

impl Word for bool {
    const TY: Ty = Ty::Bool;
    fn bits(self) -> u64 {
        self as u64
    }
    fn from_bits(bits: u64) -> bool {
        bits != 0
    }
}

impl Word for Value {
    const TY: Ty = Ty::Ref;
    fn bits(self) -> u64 {
        self.0
    }
    fn from_bits(bits: u64) -> Value {
        Value(bits)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    Recording,
    Replaying,
    Off,
}

/// The result of an impure operation of the handler in progress.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogEntry {
    pub(crate) kind: LogKind,
    pub(crate) ty: Ty,
    pub(crate) id: u32,
    pub(crate) bits: u64,
}

/// One interpreter frame that the tracer runs.
pub(crate) struct Level<L: Language> {
    pub(crate) code: &'static L::Code,
    /// Its slots on the tracer's stack.
    pub(crate) window: *mut Traced<Value>,
    /// The instruction in progress; of a waiting frame the one after the call.
    pub(crate) pc: u32,
    /// The slots when the instruction began; of a waiting frame those it goes on with.
    pub(crate) slots: Vec<Traced<Value>>,
    /// It called in a way that ended its handler, and waits for the result.
    pub(crate) waiting: bool,
    /// The handler's impure results so far; replaying, all of them up to the failing event.
    pub(crate) log: Vec<LogEntry>,
    /// Replaying: entries consumed.
    pub(crate) log_at: usize,
    /// Events of the handler so far.
    pub(crate) events: u32,
    /// Replaying: events before the failing one.
    pub(crate) until: u32,
    /// Whether the handler has had a side effect: then it cannot simply run again.
    pub(crate) side: bool,
    /// Where the instruction in progress stands in the recording.
    pub(crate) position: PositionId,
    /// Back edges since it was entered.
    pub(crate) rounds: u32,
    /// Replaying: whether the handler has begun.
    pub(crate) entered: bool,
    /// The state that guards share while this is not the innermost level.
    pub(crate) state: Option<Arc<FrameState<Arg>>>,
}

impl<L: Language> Level<L> {
    pub(crate) fn new(code: &'static L::Code) -> Level<L> {
        Level {
            code,
            window: std::ptr::null_mut(),
            pc: 0,
            slots: Vec::new(),
            waiting: false,
            log: Vec::new(),
            log_at: 0,
            events: 0,
            until: 0,
            side: false,
            position: PositionId::NONE,
            rounds: 0,
            entered: false,
            state: None,
        }
    }

    /// What [`Record::pc`] says of the frame.
    pub(crate) fn record_pc(&self) -> u32 {
        if self.waiting { self.pc | Record::<L>::WAITS } else { self.pc }
    }

    /// The frame as the dispatch loop sees it.
    pub(crate) fn frame(&self) -> Frame<L, Traced<Value>> {
        Frame { code: self.code, pc: self.pc, sp: self.slots.len() as u32, slots: self.window }
    }
}

/// How a recording ended well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// Back at its own header.
    OwnLoop,
    /// At the header of another trace.
    OtherLoop(TraceId),
    /// The frame at level 0 returned or raised.
    Finish,
}

/// Executes handlers and records what they do.
pub struct Tracer<L: Language> {
    pub context: *mut L::Context,
    pub(crate) mode: Mode,
    /// Whether there is a recording: from the start, or of a bridge while its handlers are replayed.
    pub(crate) recording: bool,
    pub(crate) trace: Trace,
    pub(crate) constants: Vec<Value>,
    /// Outermost first; the last one's handler is in progress.
    pub(crate) levels: Vec<Level<L>>,
    /// The frames that are still there: the handler in progress may have finished the topmost levels.
    pub(crate) active: usize,
    /// Of a bridge: how many of those stand there since it began. The outermost is the root's, the others were inlined above the bridge.
    pub(crate) resumed: usize,
    /// For each native activation of the dispatch loop, its base level.
    pub(crate) bases: Vec<usize>,
    /// Replaying: levels to be restored, outermost last.
    pub(crate) pending: Vec<Level<L>>,
    spare: Vec<Level<L>>,
    stack: *mut Traced<Value>,
    stack_bytes: usize,
    /// The first free slot of the stack.
    top: *mut Traced<Value>,
    /// The direct interpreter's record of level 0.
    pub(crate) owner: *mut Record<L>,
    /// The thread's, which has none while the tracer works.
    loop_base: usize,
    /// Where the native stack of the tracer's first dispatch loop begins; 0: it does not run.
    run_base: usize,
    /// How much compiled code stood on the native stack when the tracer began.
    entries: usize,
    /// Where a loop's recording ends.
    pub(crate) start: Option<(*const L::Code, u32)>,
    /// The function whose entry is recorded.
    pub(crate) function: Option<*const L::Code>,
    /// Of a loop: the types of its slots at the start.
    pub(crate) signature: Signature,
    /// Of a bridge: the loop it hangs on, and whether it left that before the label.
    pub(crate) root: Option<(TraceId, bool)>,
    /// The recording has come to the header of a loop around the one that it began in; of a bridge, around the one that it hangs on,
    /// or it began there.
    pub(crate) goes_outward: bool,
    /// Loops without code that the recording has gone round, in the frame that it began in, and how often.
    pub(crate) others: SmallVec<[(u32, u32); 4]>,
    /// Of a bridge from a loop's body: headers of outer loops that it passed on its way back.
    pub(crate) passed: SmallVec<[TraceId; 4]>,
    /// The kind of the loop or function at the root of a bridge.
    pub(crate) root_kind: TraceKind,
    pub(crate) end: Option<End>,
    pub(crate) aborted: Option<Abort>,
    /// Where the recording was given up: code and instruction.
    pub(crate) aborted_at: (u64, u32),
    /// What the trace relies on, with the versions when it did.
    pub(crate) assumptions: Vec<(Assumption, u32)>,
    /// The polls for attention: code, pc, event.
    pub(crate) polls: Vec<(u64, u32, u32)>,
    /// Levels at once, at most.
    pub(crate) deepest: usize,
    pub(crate) check: Option<check::Check>,
    pub(crate) trace_limit: usize,
    pub(crate) inline_depth: usize,
    /// Slots and log entries in all snapshots, those of callers for each.
    pub(crate) snapshot_values: usize,
    pub(crate) recursion: usize,
    pub(crate) unroll: u32,
    pub(crate) retries: u32,
    pub(crate) double_run: bool,
    /// Exits may be taken although their guards hold.
    pub(crate) exits_at_will: bool,
}

/// So many slots in a snapshot take as long as an operation.
const VALUES_PER_OPERATION: usize = 32;

/// Bytes of address space for the slots of a tracer's frames.
pub(crate) const STACK_BYTES: usize = 64 << 20;

impl<L: Language> Tracer<L> {
    /// A tracer whose level 0 is the current frame of the thread; the levels are the caller's to fill in.
    pub(crate) fn new(context: *mut L::Context, kind: TraceKind, name: String) -> Box<Tracer<L>> {
        // SAFETY: the context outlives the tracer, and the thread is its first field.
        let thread = unsafe { &mut *thread_of::<L>(context) };
        let (stack, stack_bytes) = (thread.take_tracer_stack(), thread.tracer_stack_bytes);
        let options = &thread.jit.options;
        let mut tracer = Box::new(Tracer {
            context,
            mode: Mode::Off,
            recording: false,
            trace: Trace::new(kind, name),
            constants: Vec::new(),
            levels: Vec::new(),
            active: 0,
            bases: Vec::new(),
            pending: Vec::new(),
            spare: Vec::new(),
            stack,
            stack_bytes,
            top: stack,
            owner: thread.record,
            loop_base: std::mem::take(&mut thread.loop_base),
            run_base: 0,
            entries: thread.entries.len(),
            start: None,
            function: None,
            resumed: 0,
            signature: Signature::default(),
            root: None,
            goes_outward: false,
            others: SmallVec::new(),
            passed: SmallVec::new(),
            root_kind: kind,
            end: None,
            aborted: None,
            aborted_at: (0, 0),
            assumptions: Vec::new(),
            polls: Vec::new(),
            deepest: 1,
            check: None,
            trace_limit: options.trace_limit as usize,
            inline_depth: options.inline_depth as usize,
            snapshot_values: 0,
            recursion: options.recursion as usize,
            unroll: options.unroll,
            retries: options.retries,
            double_run: options.double_run,
            exits_at_will: options.leave_once,
        });
        thread.tracers.push(&mut *tracer);
        tracer
    }

    #[inline(always)]
    pub(crate) fn thread(&mut self) -> &mut Thread<L> {
        // SAFETY: the context outlives the machine, and the thread is its first field.
        unsafe { &mut *thread_of::<L>(self.context) }
    }

    /// Counts a path for `log=coverage`. The second run of a handler is none.
    #[inline]
    pub(crate) fn reach(&mut self, path: Path) {
        if self.check.is_none() {
            self.thread().jit.coverage.reach(path);
        }
    }

    /// The machine that does what is to be recorded.
    #[inline(always)]
    pub(crate) fn direct(&self) -> Direct<L> {
        direct::unbased(self.context)
    }

    /// How long the trace is. Snapshots amid many frames are large, and take the optimiser as long as operations do.
    pub(crate) fn size(&self) -> usize {
        self.trace.ops.len() + self.snapshot_values / VALUES_PER_OPERATION
    }

    /// Calls below more frames than this are not inlined: the fewer, the longer the trace is already.
    pub(crate) fn inline_depth_left(&self) -> usize {
        let left = self.trace_limit.saturating_sub(self.size());
        (self.inline_depth * left).div_ceil(self.trace_limit.max(1))
    }

    pub(crate) fn spare_level(&mut self, code: &'static L::Code) -> Level<L> {
        let Some(mut level) = self.spare.pop() else { return Level::new(code) };
        level.code = code;
        level.slots.clear();
        level.log.clear();
        level.state = None;
        Level { waiting: false, log_at: 0, events: 0, until: 0, side: false, rounds: 0, entered: false, ..level }
    }

    /// Runs the frames of the first native activation.
    pub(crate) fn run(&mut self, frame: Frame<L, Traced<Value>>) -> Leave<Traced<Value>> {
        // What our callers keep in registers must be found above the base.
        let mut saved = [0; 12];
        self.run_base = heap::save_registers(&mut saved);
        let leave = L::run_traced(self, frame);
        self.run_base = 0;
        std::hint::black_box(&saved);
        leave
    }

    /// Where the native stack of the tracer's dispatch loop begins, if that is the innermost activation of any: between that and the
    /// frames of callees lies no guest value that somebody needs, save what a handler in progress has made. Its operands are
    /// among the slots at its start, which stay where they are.
    pub(crate) fn innermost_base(&self, entries: usize) -> usize {
        if self.bases.len() == 1 && self.entries == entries { self.run_base } else { 0 }
    }

    /// Visits what the tracer holds: its storage is ambiguous, so that nothing it refers to moves.
    pub(crate) fn visit_roots(&mut self, visitor: &mut heap::RootVisitor) {
        fn words<T>(visitor: &mut heap::RootVisitor, first: *const T, count: usize) {
            // SAFETY: `count` elements, whose size is a multiple of a word, are initialised or were.
            unsafe { visitor.ambiguous_range(first.cast(), count * size_of::<T>() / 8) };
        }
        // SAFETY: the table is a vector of values.
        unsafe { visitor.precise_slice(self.constants.as_mut_ptr(), self.constants.len()) };
        // SAFETY: `top` lies in the stack.
        words(visitor, self.stack, unsafe { self.top.offset_from(self.stack) } as usize);
        for level in self.levels.iter().chain(&self.pending) {
            words(visitor, level.slots.as_ptr(), level.slots.len());
            words(visitor, level.log.as_ptr(), level.log.len());
        }
    }
}

const _: () = assert!(size_of::<Traced<Value>>() == 16 && size_of::<LogEntry>() == 16);

impl<L: Language> Drop for Tracer<L> {
    fn drop(&mut self) {
        let (this, stack, loop_base): (*mut Self, _, _) = (self, self.stack, self.loop_base);
        let thread = self.thread();
        thread.loop_base = loop_base;
        thread.tracers.retain(|&tracer| tracer != this);
        thread.tracer_stacks.push(stack);
    }
}
