//! What a program made the JIT do: kinds of recordings, exits and replays, and the instructions they happened in.
//!
//! One table; counted when the log has the section `coverage`, which is how the fuzzers show what their programs reach.

use crate::counters::Abort;
use ir::{ExitArg, Op, OpCode, Resume, Trace, TraceKind};
use std::collections::BTreeMap;

macro_rules! paths {
    ($($name:ident $sentence:literal;)*) => {
        /// A way through the part of the JIT that records, leaves and replays.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Path { $(#[doc = $sentence] $name,)* }

        impl Path {
            pub const ALL: &'static [Path] = &[$(Path::$name,)*];

            pub fn name(self) -> &'static str {
                match self { $(Path::$name => stringify!($name),)* }
            }

            pub fn sentence(self) -> &'static str {
                match self { $(Path::$name => $sentence,)* }
            }
        }
    };
}

paths! {
    LoopRound "a loop was recorded back to its header";
    LoopJoins "a loop was recorded to another loop's header";
    LoopReturns "a loop was recorded to the return from its function";
    LoopRaises "a loop was recorded to an exception that leaves its function";
    FunctionReturns "a function was recorded to its return";
    FunctionRaises "a function was recorded to an exception that leaves it";
    FunctionJoins "a function was recorded to a loop that has a trace";
    BridgeToStart "a bridge goes to the start of a trace";
    BridgeToBody "a bridge goes into the body of a peeled loop";
    BridgeReturns "a bridge ends with a return";
    BridgeRaises "a bridge ends with an exception that leaves its function";
    InlinedReturn "an inlined frame returned";
    InlinedRaise "an exception left an inlined frame";
    NestedInlined "a call in the middle of a handler was inlined";
    NestedReturns "a call in the middle of a handler returned to it";
    NestedRaises "a call in the middle of a handler raised to it";
    ResidualCall "guest code was called, not inlined";
    LeftReturn "compiled code returned from its function";
    LeftRaise "an exception left the function of compiled code";
    LeftFallen "compiled code went to a trace that had fallen";
    ExitOutermost "an exit from one frame";
    ExitInlined "an exit from inlined frames";
    ExitFirstRound "an exit before the body of a peeled loop";
    ExitBody "an exit from the body of a peeled loop";
    ExitOfBridge "an exit from a bridge";
    ExitAboveCompiled "an exit above a call by other compiled code";
    ExitCondition "an exit by a condition of the program";
    ExitOverflow "an exit by an overflow";
    ExitBounds "an exit by an unsigned comparison, which checks bounds";
    ExitType "an exit by the kind of a value";
    ExitShape "an exit by the shape of an object";
    ExitIdentity "an exit by the identity of objects";
    ExitNull "an exit by NULL: an exception, the end of an iterator, an unbound variable";
    ExitPromoted "an exit by another value of what had been one";
    ExitPoll "an exit by a poll for attention";
    ExitFallen "an exit after a call, because the trace fell";
    ExitInspected "an exit after a call, because its frames were inspected";
    ExitSameObjects "an exit with objects that an inspector had made";
    ExitWritten "an exit with slots that an inspector had written";
    RecipeNumber "an exit boxed a number";
    RecipeComputes "an exit computed a value";
    RecipeObject "an exit made an object";
    RecipeItems "an exit made an object with items";
    RecipeStores "an exit stored into an object that was there";
    ReplayOutermost "a handler was replayed in one frame";
    ReplayInlined "a handler was replayed in an inlined frame";
    ReplayNested "a replay went into a call in the middle of a handler";
    ReplayWaiting "a replay restored a frame that waits for a call";
    ReplayValue "a replay took a value from the log";
    ReplayLookup "a replay took a lookup from the log";
    ReplayReturned "a replay took the result of a call in the middle of a handler from the log";
    ReplayRaised "a replay took an exception of such a call from the log";
    ReplayDecided "a replay ended at a decision";
    ReplayPromoted "a replay ended at a promotion";
    ReplayAfterCall "a replay ended after a call that may have run guest code";
    ReplayHandsOver "after a replay, frames became the direct interpreter's";
    ReplayNative "after a replay, the direct interpreter ran frames in the middle of a handler";
    BridgePlain "a bridge was recorded from an exit that needed no replay";
    BridgeReplayed "a bridge was recorded from a replayed handler";
    BridgeVirtual "a bridge made objects again that compiled code had not made";
    TraceFell "a trace fell with an assumption";
    BridgeFell "a bridge fell with its trace or with an assumption";
    Forced "an inspector forced compiled code";
    ForcedInlined "an inspector forced inlined frames";
    Viewed "an inspector read frames of compiled code";
    Published "an inspector looked at frames that were being recorded";
}

/// What happened to the instructions of one name.
#[derive(Default, Clone, Copy)]
struct Instructions {
    recorded: u64,
    left: u64,
    replayed: u64,
}

/// The counts.
#[derive(Default)]
pub struct Coverage {
    /// Whether anything is counted.
    pub on: bool,
    paths: Vec<u64>,
    instructions: BTreeMap<&'static str, Instructions>,
}

impl Coverage {
    pub(crate) fn new(on: bool) -> Coverage {
        Coverage { on, paths: vec![0; Path::ALL.len()], instructions: BTreeMap::new() }
    }

    #[inline]
    pub(crate) fn reach(&mut self, path: Path) {
        if self.on {
            self.paths[path as usize] += 1;
        }
    }

    /// An instruction was recorded.
    #[cold]
    pub(crate) fn recorded(&mut self, name: &'static str) {
        self.instructions.entry(name).or_default().recorded += 1;
    }

    /// Compiled code was left in an instruction.
    #[cold]
    pub(crate) fn left(&mut self, name: &'static str) {
        self.instructions.entry(name).or_default().left += 1;
    }

    /// An instruction's handler was replayed.
    #[cold]
    pub(crate) fn replayed(&mut self, name: &'static str) {
        self.instructions.entry(name).or_default().replayed += 1;
    }

    /// A line for each path, each reason for giving up, and each instruction: how often it was recorded, left, replayed.
    pub(crate) fn text(&self, aborts: &[u64]) -> String {
        let mut text = String::new();
        for (path, count) in Path::ALL.iter().zip(&self.paths) {
            text += &format!("path {} {count}  {}\n", path.name(), path.sentence());
        }
        for (abort, count) in Abort::ALL.iter().zip(aborts) {
            text += &format!("abort {abort:?} {count}  {}\n", abort.sentence());
        }
        for (name, counts) in &self.instructions {
            text += &format!("instruction {name} {} {} {}\n", counts.recorded, counts.left, counts.replayed);
        }
        text
    }

    /// A trace was installed.
    pub(crate) fn installed(&mut self, trace: &Trace) {
        let Some(last) = trace.ops.last() else { return };
        use {OpCode::*, TraceKind::*};
        self.reach(match (trace.kind, last.code) {
            (Loop, JumpLabel) => Path::LoopRound,
            (Loop, FinishReturn) => Path::LoopReturns,
            (Loop, FinishRaise) => Path::LoopRaises,
            (Loop, _) => Path::LoopJoins,
            (Function, FinishReturn) => Path::FunctionReturns,
            (Function, FinishRaise) => Path::FunctionRaises,
            (Function, _) => Path::FunctionJoins,
            (Bridge, JumpBody) => Path::BridgeToBody,
            (Bridge, FinishReturn) => Path::BridgeReturns,
            (Bridge, FinishRaise) => Path::BridgeRaises,
            (Bridge, _) => Path::BridgeToStart,
        });
    }

    /// A step of an exit's recipe was executed.
    pub(crate) fn recipe(&mut self, step: &ir::RecipeStep) {
        use OpCode::*;
        self.reach(match step.code {
            IntBox | FltBox | BoolBox => Path::RecipeNumber,
            New => Path::RecipeObject,
            NewItems => Path::RecipeItems,
            SetField | SetItem | SetShape if !matches!(step.args[0], ExitArg::Made(_)) => Path::RecipeStores,
            InitField | SetField | InitItem | SetItem | SetShape => return,
            _ => Path::RecipeComputes,
        });
    }

    /// Handlers are replayed in the frames of an exit.
    pub(crate) fn replays(&mut self, exit: &ir::Exit) {
        let inlined = exit.frames.len() > 1 && exit.frames[1..].iter().any(|frame| frame.resume == Resume::Replay);
        self.reach(if inlined { Path::ReplayInlined } else { Path::ReplayOutermost });
    }
}

/// Why a guard fails.
pub(crate) fn reason(trace: &Trace, guard: &Op) -> Path {
    use OpCode::*;
    let condition = match guard.args.first() {
        Some(ir::Arg::Value(id)) => trace.ops[id.0 as usize].code,
        _ => return Path::ExitCondition,
    };
    match (guard.code, condition) {
        (GuardValue, Shape) => Path::ExitShape,
        (GuardValue, _) => Path::ExitPromoted,
        (_, IntAddOverflows | IntSubOverflows | IntMulOverflows | IntFits | IntFits62 | IntFits31) => {
            Path::ExitOverflow
        }
        (_, IntUlt) => Path::ExitBounds,
        (_, IsInt | IsFlt) => Path::ExitType,
        (_, IsNull) => Path::ExitNull,
        (_, RefEq) => Path::ExitIdentity,
        _ => Path::ExitCondition,
    }
}
