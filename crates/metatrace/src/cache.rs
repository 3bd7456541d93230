//! The trace cache: compiled traces, their exits, and how they fall.

use crate::compiler::Compiler;
use crate::coverage::Path;
use crate::driver::{Draft, Signature};
use crate::economy::Stay;
use crate::evict::{ExitNumbers, Garbage, Room};
use crate::explain::TraceNotes;
use crate::jit::HotCell;
use crate::profile::CodeMap;
use codegen::{CompileInput, CompiledTrace, TraceCell};
use heap::Value;
use ir::{Callee, Exit, ExitId, OpCode, TraceId, TraceKind};
use opt::{ExitFacts, Label, Written};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Words in the buffer through which values enter and leave compiled code.
pub(crate) const BUFFER_WORDS: usize = 1024;

/// A place whose traces fell this often relies on what does not last: it is left to the interpreter.
const FALLS: u32 = 25;

/// No instruction: no loop starts there.
pub(crate) const NO_LOOP: u32 = u32::MAX;

/// An installed trace.
pub(crate) struct CachedTrace {
    /// The input's, within reach of every entry.
    pub(crate) cell: Arc<TraceCell>,
    /// Where its own code starts; 0 while it is being compiled.
    pub(crate) entry: usize,
    /// Its own code, once that is there.
    pub(crate) code: Option<CompiledTrace>,
    /// What it takes in memory, without code.
    pub(crate) bytes: u64,
    /// What it is compiled from, alone and in units.
    pub(crate) input: Arc<CompileInput>,
    /// Of a root: its unit, if that has code.
    pub(crate) unit: Option<usize>,
    /// Of a root: other roots of the same code that run into this one, or that this one runs into.
    pub(crate) linked: Vec<TraceId>,
    pub(crate) exits: Vec<CachedExit>,
    /// With the option `explain`.
    pub(crate) notes: Option<Box<TraceNotes>>,
    /// The guest objects that the trace and its exits name, by [`ir::ConstRef`]. Never moves: code refers to it.
    pub(crate) constants: Box<[Value]>,
    /// Frames inlined above the first, at most.
    pub(crate) inlined: u32,
    /// Of a loop or function: where it starts.
    pub(crate) home: Option<&'static HotCell>,
    /// Of a root: the language's token for the code of level 0, and the instruction that a loop starts at; [`NO_LOOP`] of others.
    pub(crate) start: (u64, u32),
    /// Of a loop: its one round in the recording was the last of several or the only one, so what goes round is a loop around it.
    pub(crate) goes_outward: bool,
    /// Of a loop: the types it was recorded for.
    pub(crate) signature: Signature,
    /// Of a bridge: the exit it hangs on.
    pub(crate) parent: Option<(TraceId, ExitId)>,
    /// The loop or function that it hangs on, or is.
    pub(crate) root: TraceId,
    /// Of a root: the operations of its tree's bridges so far.
    pub(crate) bridge_ops: u32,
    /// The guest thread's processor time when a bridge from here last came to a loop in a function that is inlined above it; 0: none did.
    pub(crate) stuck_since: u64,
    /// Of a root: since when the jumps of its tree are watched.
    pub(crate) watched: Watched,
    /// Of a root: what the interpreter's entries gain.
    pub(crate) stay: Stay,
    /// See [`crate::economy::gain_rate`].
    pub(crate) gain_rate: u32,
    /// Of a bridge: the program's instructions on the way from the root's start to its own, once round.
    pub(crate) instructions_before: u32,
    /// Bridges that hang on its exits.
    pub(crate) children: Vec<TraceId>,
    /// Traces of other trees that jump into the body of this loop. They have brought no slots from which the interpreter could go on
    /// instead, so they fall with it: one that is running leaves after the call in which this happened.
    pub(crate) entrants: Vec<TraceId>,
    /// The kind of the loop or function at the root.
    pub(crate) root_kind: TraceKind,
    /// What optimising bridges from here needs.
    pub(crate) label: Option<Arc<Label>>,
    pub(crate) origin: Option<TraceId>,
    pub(crate) written: Written,
    /// For each exit, what is known of its live values.
    pub(crate) facts: ExitFacts,
    pub(crate) fallen: bool,
}

/// The beginning of a span of time in which what the jumps of a root's tree move is counted.
#[derive(Clone, Copy, Default)]
pub(crate) struct Watched {
    /// [`TraceCell::moved`] then.
    pub(crate) moved: u64,
    /// The guest thread's processor time then.
    pub(crate) since_ns: u64,
}

/// Traces that were compiled together.
pub(crate) struct Unit {
    /// Empty after one of its traces fell.
    pub(crate) roots: Vec<TraceId>,
    /// All its traces. Its code refers to their cells and constants.
    pub(crate) members: Vec<TraceId>,
    /// `None`: it was dropped.
    pub(crate) code: Option<CompiledTrace>,
}

impl CachedTrace {
    pub(crate) fn name(&self) -> &str {
        &self.input.trace.name
    }
}

/// What the guard of an exit is, as far as leaving goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ExitKind {
    Guard,
    /// Of a poll for attention: never gets a bridge.
    Poll,
    StillValid,
    /// Not an exit at all: what an inspector finds during the call.
    Call,
    Leave,
}

pub(crate) struct CachedExit {
    pub(crate) exit: Arc<Exit>,
    pub(crate) kind: ExitKind,
    /// Why the guard fails.
    pub(crate) reason: Path,
    /// The program's instructions on the way from the trace's start.
    pub(crate) instructions: u32,
    pub(crate) count: u32,
    pub(crate) tries: u32,
    /// A bridge is being recorded, optimised or compiled.
    pub(crate) busy: bool,
    /// Has a bridge.
    pub(crate) bridged: bool,
}

/// Functions of the framework that traces call. Their code depends on the language, so they are made at run time and leaked.
#[derive(Clone, Copy)]
pub(crate) struct Callees {
    /// Runs guest code: code, pc, slots.
    pub(crate) call_guest: &'static Callee,
    pub(crate) take_exception: &'static Callee,
    pub(crate) poll: &'static Callee,
}

pub(crate) struct Cache {
    pub(crate) compiler: Option<Compiler>,
    /// Units that were compiled.
    pub(crate) units: Vec<Unit>,
    /// Roots with members that are in no unit yet.
    pub(crate) loose: BTreeSet<TraceId>,
    /// Until when nobody looks at them again, by the thread's clock.
    pub(crate) units_rest_until_ns: u64,
    /// Which of those is asked next whether it is worth a unit.
    pub(crate) loose_from: TraceId,
    pub(crate) callees: Option<Callees>,
    /// The guest's false and true.
    pub(crate) bools: [Value; 2],
    /// By number; `None`: dropped.
    pub(crate) traces: Vec<Option<Box<CachedTrace>>>,
    /// What was dropped and is not given back yet.
    pub(crate) garbage: Garbage,
    /// Jobs whose code has not come back, and drafts.
    pub(crate) in_flight: usize,
    /// Recordings that are being optimised on another thread, in the order in which they come back.
    pub(crate) drafts: VecDeque<Draft>,
    pub(crate) room: Room,
    /// The traces of each loop, by where it starts, fallen ones among them.
    pub(crate) versions: HashMap<(u64, u32), Vec<TraceId>>,
    pub(crate) code: CodeMap,
    pub(crate) exit_numbers: ExitNumbers,
    /// See [`codegen::Backend`].
    pub(crate) buffer: Vec<u64>,
    /// How many words of the buffer hold guest values while an exit is executed.
    pub(crate) live: usize,
    /// Guest values that nobody else holds while an exit is executed.
    pub(crate) scratch: Vec<u64>,
}

impl Default for Cache {
    fn default() -> Cache {
        Cache {
            compiler: None,
            units: Vec::new(),
            loose: BTreeSet::new(),
            units_rest_until_ns: 0,
            loose_from: TraceId(0),
            callees: None,
            bools: [Value::NULL; 2],
            traces: Vec::new(),
            garbage: Garbage::default(),
            in_flight: 0,
            drafts: VecDeque::new(),
            room: Room::default(),
            versions: HashMap::new(),
            code: CodeMap::default(),
            exit_numbers: ExitNumbers::default(),
            buffer: Vec::new(),
            live: 0,
            scratch: Vec::new(),
        }
    }
}

impl Cache {
    /// The words of the buffer in which an exit's live values arrive. They stay there until the exit is done with.
    pub(crate) fn live_values<'a>(&mut self, count: usize) -> &'a [u64] {
        self.live = count;
        // SAFETY: the buffer is never reallocated once there is compiled code.
        unsafe { std::slice::from_raw_parts(self.buffer.as_ptr(), count) }
    }

    /// An exit's values have reached their frames: nothing here keeps objects alive any more.
    pub(crate) fn forget_values(&mut self) {
        self.live = 0;
        self.scratch.clear();
    }

    /// # Panics
    /// If no trace has been compiled yet.
    #[inline]
    pub(crate) fn compiler(&self) -> &Compiler {
        self.compiler.as_ref().expect("made before the first trace is compiled")
    }

    /// The loop or function that a trace hangs on, or is.
    pub(crate) fn root_of(&self, id: TraceId) -> TraceId {
        self.trace(id).root
    }

    /// A trace of a unit fell: its roots run their own code again.
    fn dissolve_unit_of(&mut self, id: TraceId) {
        let root = self.root_of(id);
        let Some(unit) = self.trace(root).unit else { return };
        for root in std::mem::take(&mut self.units[unit].roots) {
            let trace = self.trace_mut(root);
            trace.unit = None;
            if !trace.fallen {
                trace.cell.entry.store(trace.entry, Ordering::Release);
                self.loose.insert(root);
            }
        }
    }

    /// # Panics
    /// If the trace was dropped: then nobody knows its number, except who has been away while guest code ran.
    #[inline]
    pub(crate) fn trace(&self, id: TraceId) -> &CachedTrace {
        self.get(id).expect("a trace that was not dropped")
    }

    pub(crate) fn trace_mut(&mut self, id: TraceId) -> &mut CachedTrace {
        self.traces[id.0 as usize].as_mut().expect("a trace that was not dropped")
    }

    /// `None`: the trace was dropped.
    #[inline]
    pub(crate) fn get(&self, id: TraceId) -> Option<&CachedTrace> {
        self.traces[id.0 as usize].as_deref()
    }

    /// The trace and the exit behind a global exit number.
    pub(crate) fn exit_of(&self, number: u32) -> (TraceId, ExitId) {
        self.exit_numbers.owner(number)
    }

    /// How many of the bridges below this exit start at the same place of the program as it leaves to: a guard on
    /// a value that is always another one would otherwise grow an endless chain of bridges.
    pub(crate) fn variants(&self, id: TraceId, at: ExitId) -> u32 {
        let place = |id: TraceId, at: ExitId| {
            let frame = self.trace(id).exits[at.0 as usize].exit.frames.last();
            frame.map(|frame| (frame.code, frame.pc, frame.events))
        };
        let here = place(id, at);
        let below = std::iter::successors(self.trace(id).parent, |&(id, _)| self.trace(id).parent);
        below.filter(|&(id, at)| place(id, at) == here).count() as u32
    }

    /// The traces of the loop that starts there which have not fallen, oldest first.
    pub(crate) fn standing_versions(&self, start: (u64, u32)) -> impl Iterator<Item = TraceId> {
        let all = self.versions.get(&start).into_iter().flatten().copied();
        all.filter(|&id| !self.trace(id).fallen)
    }

    /// Takes a trace, all bridges above it and what enters its body out of use; how many those were.
    pub(crate) fn fell(&mut self, id: TraceId) -> u64 {
        if self.get(id).is_none_or(|trace| trace.fallen) {
            return 0;
        }
        self.dissolve_unit_of(id);
        let stub = self.compiler().stub();
        let trace = self.trace_mut(id);
        trace.fallen = true;
        trace.cell.fallen.store(1, Ordering::Release);
        trace.cell.direct.store(0, Ordering::Release);
        trace.cell.entry.store(stub, Ordering::Release);
        let start = trace.start;
        let other = self.standing_versions(start).find(|&other| self.trace(other).entry != 0);
        let trace = self.trace_mut(id);
        if let Some(home) = trace.home
            && home.aside.get() == id.0 as usize + 1
        {
            home.aside.set(0);
        }
        if let Some(home) = trace.home
            && home.entry.get() == id.0 as usize + 1
        {
            home.entry.set(other.map_or(0, |other| other.0 as usize + 1));
            home.count.set(0);
            home.falls.set(home.falls.get() + 1);
            home.cool(home.falls.get() / 4);
            if home.falls.get() >= FALLS {
                home.give_up();
            }
        }
        let parent = trace.parent;
        let mut above = std::mem::take(&mut trace.children);
        above.append(&mut trace.entrants);
        if let Some((parent, exit)) = parent {
            let parent = self.trace_mut(parent);
            parent.input.exits.attach(exit, stub);
            let exit = &mut parent.exits[exit.0 as usize];
            exit.bridged = false;
            exit.count = 0;
            exit.tries += 1;
        }
        1 + above.into_iter().map(|id| self.fell(id)).sum::<u64>()
    }

    /// Whether `address` lies in what [`visit_roots`](Self::visit_roots) names as ambiguous.
    pub(crate) fn holds(&self, address: usize) -> bool {
        let holds = |words: &[u64]| words.as_ptr_range().contains(&(address as *const u64));
        holds(&self.buffer[..self.live]) || holds(&self.scratch)
    }

    pub(crate) fn visit_roots(&mut self, visitor: &mut heap::RootVisitor) {
        for trace in self.traces.iter_mut().flatten() {
            // SAFETY: the table is a slice of values.
            unsafe { visitor.precise_slice(trace.constants.as_mut_ptr(), trace.constants.len()) };
        }
        for draft in &mut self.drafts {
            // SAFETY: as above.
            unsafe { visitor.precise_slice(draft.constants.as_mut_ptr(), draft.constants.len()) };
        }
        // SAFETY: both are slices of words.
        unsafe {
            visitor.ambiguous_range(self.buffer.as_ptr(), self.live);
            visitor.ambiguous_range(self.scratch.as_ptr(), self.scratch.len());
        }
    }
}

/// What leaving through the exit of `op` means.
pub(crate) fn exit_kind(code: OpCode) -> ExitKind {
    match code {
        OpCode::StillValid => ExitKind::StillValid,
        OpCode::Call | OpCode::CallSlice => ExitKind::Call,
        OpCode::Leave => ExitKind::Leave,
        _ => ExitKind::Guard,
    }
}
