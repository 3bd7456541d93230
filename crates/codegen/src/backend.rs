//! The narrow interface between the framework and a backend, and the protocol of compiled code.
//!
//! # The buffer
//!
//! Values enter and leave compiled code through one buffer of words a thread (`buf`): `Int` as is, `Flt` as its bits,
//! `Ref` as its word, `Bool` as 0 or 1. It is in use only between the last store of one piece of code and the first
//! loads of the next, so nested entries can share it. While it is in use no allocation happens.
//!
//! # Entry
//!
//! ```text
//! left = enter(code, ctx, buf, START)      // buf[i] = input i
//! ```
//!
//! `code` is what a [`TraceCell`] holds or [`CompiledTrace::entry`]. The word that comes back is decoded by
//! [`Left::decode`].
//!
//! # Exits and bridges
//!
//! A failing guard stores the values of its [`ir::Exit::live`] to `buf[0..]` in that order and jumps to what its exit's
//! cell holds: at first the stub, which returns to `enter` with the exit's number; after [`ExitCells::attach`] the entry
//! of a bridge, whose inputs are exactly those live values. In code with [`Ways`] a bridge may also take them where they are. Numbers are global: the input's `first_exit` plus the
//! [`ir::ExitId`].
//!
//! # Jumps
//!
//! `jump_loop` and `jump_body` store their operands to `buf[0..]` and jump to what the target's [`TraceCell`] holds, or take them where a
//! target with [`Ways`] wants them while [`TraceCell::direct`] allows it. To take a trace out of use, store 0 there and [`Backend::stub`]
//! into its cell: a jump then comes out of `enter` as [`Left::Loop`] or
//! [`Left::Body`], with the inputs or the phis of the target in the buffer.
//!
//! # Units
//!
//! Traces that run into each other can be compiled once more as one piece of code, a unit: roots, and bridges that hang on
//! other members. Inside a unit a failing guard goes on in its bridge, and a jump in the loop it names, with all values
//! where they are: nothing goes through the buffer. The members keep their numbers, cells and constant tables, so exits of
//! a unit are left, and bridged, like those of its members. A member that falls is no longer run into; whoever makes it
//! fall also gives the roots' cells other code.

use ir::{ExitId, Trace, TraceId};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

/// Turns traces into machine code.
pub trait Backend: Send {
    /// Compiles one optimised trace. Dereferences no guest pointer, so it may run on any thread.
    fn compile(&mut self, input: &CompileInput) -> Result<CompiledTrace, CompileError>;

    /// Compiles several traces into one piece of code, which is entered at any of the roots: the selector's low half is
    /// the root's number. A bridge comes behind the trace it hangs on. The exits stay the members' own.
    fn compile_unit(&mut self, members: &[Member]) -> Result<CompiledTrace, CompileError>;

    /// Where the operations lie in the code that was compiled last, if [`Dump::places`] asked for that; in no order.
    fn take_places(&mut self) -> Vec<OpPlace> {
        Vec::new()
    }

    /// The way from Rust into compiled code.
    fn enter(&self) -> EnterFn;

    /// Code that only returns to `enter`: what exit cells hold at first and what the cell of a trace that fell holds.
    fn stub(&self) -> usize;

    /// Gives a trace's code and cells back.
    ///
    /// # Safety
    /// No activation of the trace is left on any stack, no cell holds its entry, and no other code can reach it.
    unsafe fn free(&mut self, trace: CompiledTrace);

    /// Bytes of code memory in use.
    fn code_bytes(&self) -> usize;
}

/// `enter(code, ctx, buf, selector)`: runs compiled code and returns how it was left (see [`Left`]). The selector is
/// [`START`] or [`BODY`].
///
/// A selector may bring the number of the trace that is entered in its low half; code of several roots needs that.
///
/// Calling it is sound if `code` is the entry of code that has not been freed, `ctx` is a context laid out as [`Config`] says,
/// and `buf` has `buffer_words` words that begin with the code's inputs.
///
/// [`Config`]: crate::Config
pub type EnterFn = unsafe extern "C" fn(code: usize, ctx: *mut u8, buf: *mut u64, selector: u64) -> u64;

/// The selector with which a trace is entered at its start.
pub const START: u64 = 0;
/// The selector with which code is entered at the start of this trace, one of its roots. If the code is only the stub, that is
/// how it is left: [`Left::Loop`].
#[inline]
pub fn start_of(id: TraceId) -> u64 {
    Left::LOOP | u64::from(id.0)
}

/// The selector with which a trace is entered at its label; the buffer then holds the label's phis.
pub const BODY: u64 = 1 << 63;

/// What stays of a trace while its code comes and goes. Lives at a stable address, because code refers to it.
#[derive(Debug)]
#[repr(C)]
pub struct TraceCell {
    /// Where to enter the trace: its entry, or [`Backend::stub`] while it has none or has fallen.
    pub entry: AtomicUsize,
    /// Nonzero once an assumption of the trace fell: `still_valid` then leaves.
    pub fallen: AtomicU8,
    /// Nonzero while traces may jump to the trace's own code with all values where it wants them; see [`Ways`]. Once it is 0 again, for
    /// the trace fell or is part of a unit, it stays so: from then on its bridges may be entered through the buffer, and there may be no
    /// frame of the trace below them.
    pub direct: AtomicU8,
    /// Of a root: how many words of memory the jumps of its tree's traces have moved, outside of units. A way through the buffer counts
    /// as [`THROUGH_BUFFER`] more.
    pub moved: AtomicU64,
}

/// To store words to the buffer, jump through a cell and load them again takes as long as so many moves where both ends are known, and one
/// for each word.
pub const THROUGH_BUFFER: u32 = 30;

impl TraceCell {
    pub fn new(stub: usize) -> Arc<TraceCell> {
        Arc::new(TraceCell {
            entry: AtomicUsize::new(stub),
            fallen: AtomicU8::new(0),
            direct: AtomicU8::new(0),
            moved: AtomicU64::new(0),
        })
    }
}

/// The cells of a trace's exits. They live until [`Backend::free`], however long those who know them do: code refers to
/// them.
#[derive(Clone, Copy, Debug)]
pub struct ExitCells {
    cells: &'static [AtomicUsize],
    direct: &'static [Direct],
    /// For each exit one of the words below; empty unless exits can be armed.
    arms: &'static [AtomicUsize],
}

/// Where the code of an exit goes on while its values are where they are; in code of backends that know of this.
#[derive(Debug)]
struct Direct {
    /// A bridge that takes them there, or `plain`.
    to: AtomicUsize,
    /// The code that stores them to the buffer.
    plain: AtomicUsize,
}

/// The guard alone decides.
const DISARMED: usize = 0;
/// The exit is taken the next time that its guard is reached, even if the guard holds.
const ARMED: usize = 1;
/// It has been, because it was armed.
const FIRED: usize = 2;

impl ExitCells {
    /// Cells that all leave.
    pub fn new(count: usize, stub: usize) -> ExitCells {
        ExitCells { cells: words(count, stub), direct: directs(count), arms: &[] }
    }

    /// Cells that all leave, of exits that can be armed: code looks at each guard whether its exit is. A test of exits, since the
    /// interpreter may go on from any of them at any time.
    pub fn with_arms(count: usize, stub: usize) -> ExitCells {
        ExitCells { cells: words(count, stub), direct: directs(count), arms: words(count, DISARMED) }
    }

    /// Makes an exit continue at `entry`: a bridge whose inputs are the exit's live values. With the stub, it leaves again.
    pub fn attach(self, exit: ExitId, entry: usize) {
        self.cells[exit.0 as usize].store(entry, Ordering::Release);
        let direct = &self.direct[exit.0 as usize];
        direct.to.store(direct.plain.load(Ordering::Relaxed), Ordering::Release);
    }

    /// Beside [`ExitCells::attach`]: where the bridge takes the values where they are ([`CompiledTrace::direct_entry`]).
    pub fn attach_direct(self, exit: ExitId, entry: usize) {
        self.direct[exit.0 as usize].to.store(entry, Ordering::Release);
    }

    /// The address of the code that stores the exit's values, where they are first looked for.
    pub(crate) fn set_plain(self, exit: ExitId, plain: usize) {
        let direct = &self.direct[exit.0 as usize];
        direct.plain.store(plain, Ordering::Relaxed);
        direct.to.store(plain, Ordering::Release);
    }

    pub(crate) fn direct_address(self, exit: ExitId) -> usize {
        &raw const self.direct[exit.0 as usize].to as usize
    }

    /// Has an exit taken the next time that its guard is reached, if exits can be armed.
    pub fn arm(self, exit: ExitId) {
        if let Some(arm) = self.arms.get(exit.0 as usize) {
            arm.store(ARMED, Ordering::Relaxed);
        }
    }

    pub fn arm_all(self) {
        self.arms.iter().for_each(|arm| arm.store(ARMED, Ordering::Relaxed));
    }

    pub fn disarm_all(self) {
        self.arms.iter().for_each(|arm| arm.store(DISARMED, Ordering::Relaxed));
    }

    /// Whether the exit has been taken for no other reason than that it was armed, since this was last asked.
    pub fn take_fired(self, exit: ExitId) -> bool {
        let arm = self.arms.get(exit.0 as usize);
        arm.is_some_and(|arm| arm.compare_exchange(FIRED, DISARMED, Ordering::Relaxed, Ordering::Relaxed).is_ok())
    }

    pub(crate) fn address(self) -> usize {
        self.cells.as_ptr() as usize
    }

    /// Where code finds whether the exit is armed ([`ExitCells::ARMED`]), and where it writes that it fired.
    pub(crate) fn arm_address(self, exit: ExitId) -> Option<usize> {
        self.arms.get(exit.0 as usize).map(|arm| std::ptr::from_ref(arm) as usize)
    }

    pub(crate) const ARMED: i32 = ARMED as i32;
    pub(crate) const FIRED: i32 = FIRED as i32;

    /// # Safety
    /// No code refers to the cells, and nobody uses them again.
    pub(crate) unsafe fn free(self) {
        for words in [self.cells, self.arms] {
            let words = std::ptr::from_ref(words).cast_mut();
            // SAFETY: leaked from a box by `words`, or empty; the caller owns the last reference.
            drop(unsafe { Box::from_raw(words) });
        }
        // SAFETY: as above, by `directs`.
        drop(unsafe { Box::from_raw(std::ptr::from_ref(self.direct).cast_mut()) });
    }
}

fn words(count: usize, word: usize) -> &'static [AtomicUsize] {
    let words: Box<[AtomicUsize]> = (0..count).map(|_| AtomicUsize::new(word)).collect();
    Box::leak(words)
}

fn directs(count: usize) -> &'static [Direct] {
    let directs: Box<[Direct]> =
        (0..count).map(|_| Direct { to: AtomicUsize::new(0), plain: AtomicUsize::new(0) }).collect();
    Box::leak(directs)
}

/// Where values lie in the code of a trace, by the backend that made it. A bridge that is compiled with that goes on in the frame of the
/// trace it hangs on, with the exit's values where they are, and any trace jumps to the loop with all values where the loop wants
/// them: neither way passes through the buffer.
#[derive(Debug)]
pub struct Ways {
    pub(crate) id: TraceId,
    pub(crate) frame_bytes: u32,
    /// By exit; `None`: it is no guard's, nothing leads to it, or its values are not in the same places each time.
    pub(crate) exits: Vec<Option<Open>>,
    /// Where the live values of the exits are, one exit's after the other's.
    pub(crate) places: Vec<Held>,
    /// Where `jump_loop` and `jump_body` can go on.
    pub(crate) start: Option<Arrival>,
    pub(crate) body: Option<Arrival>,
    /// In bytes below the upper end of the frame: the flag that says whether this activation was inspected.
    pub(crate) inspected: Option<u32>,
    /// Of a bridge: the trace in whose frame it began; `None`: its frame is its own.
    pub(crate) top: Option<Arc<Ways>>,
}

impl Ways {
    /// The bytes that they take.
    pub fn bytes(&self) -> usize {
        let arrivals = self.start.iter().chain(&self.body).map(|arrival| arrival.values.len() + arrival.kept.len());
        let held = self.places.len() + arrivals.sum::<usize>();
        size_of::<Ways>() + self.exits.len() * size_of::<Option<Open>>() + held * size_of::<Held>()
    }
}

/// An exit whose values a bridge finds where they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    /// Its part of [`Ways::places`].
    pub(crate) from: u32,
    pub(crate) count: u32,
    /// The loop whose frame it is has come to its label: what it keeps there is there.
    pub(crate) in_body: bool,
}

/// A value in a register, in a word of the frame, or in both: what the backend says of it once the size of the frame is known.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Held {
    /// Its number and 1; 0: in none.
    pub(crate) reg: u8,
    /// In words below the upper end of the frame; 0: in none.
    pub(crate) below: u16,
}

/// A place of a loop with the values that go round.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) address: usize,
    /// Where the loop makes what it keeps, for who comes from before its label.
    pub(crate) preheader: usize,
    /// In the order of the jump's operands.
    pub(crate) values: Vec<Held>,
    /// What the loop keeps in the frame and wants in registers.
    pub(crate) kept: Vec<Held>,
}

/// A trace of a unit.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    pub input: &'a CompileInput,
    /// Of a bridge: the position of the member it hangs on, and that member's exit. The others are roots.
    pub parent: Option<(usize, ExitId)>,
}

/// A trace to compile, with everything its code refers to.
#[derive(Debug)]
pub struct CompileInput {
    /// Optimised and verified: guards carry exits, values that cross the label are phis.
    pub trace: Trace,
    pub id: TraceId,
    /// The flag that `still_valid` tests is this cell's; a `jump_loop` to `id` itself goes through it, too.
    pub cell: Arc<TraceCell>,
    /// The traces that the trace jumps to.
    pub targets: Vec<Target>,
    /// The cell in which the words that the trace's jump moves are counted ([`TraceCell::moved`]), if they are.
    pub counted: Option<Arc<TraceCell>>,
    /// One cell for each exit of the trace.
    pub exits: ExitCells,
    /// The number of exit 0.
    pub first_exit: u32,
    /// The address of the trace's constant table: one word for each [`ir::ConstRef`]. The table is registered with the
    /// collector, which updates it when objects move, and stays where it is while the code lives.
    pub constants: usize,
    /// Of a bridge: what it hangs on, and where.
    pub on: Option<(Arc<Ways>, ExitId)>,
    pub dump: Dump,
}

/// A trace that another one jumps to.
#[derive(Clone, Debug)]
pub struct Target {
    pub id: TraceId,
    pub cell: Arc<TraceCell>,
    /// With these the jump goes on with the values where the target wants them.
    pub ways: Option<Arc<Ways>>,
}

/// What to print for a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dump {
    /// The input of the code generator.
    pub clif: bool,
    pub asm: bool,
    /// Where operations lie in the code; see [`Backend::take_places`].
    pub places: bool,
}

/// Machine code of one operation: addresses from `from` up to `to`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpPlace {
    pub from: usize,
    pub to: usize,
    pub trace: TraceId,
    /// The operation's index in the optimised trace.
    pub op: u32,
}

/// The code of a trace. Dropping it leaves code and cells in place; see [`Backend::free`].
#[derive(Debug)]
pub struct CompiledTrace {
    /// What goes into the trace's cell (a loop, a function) or into an exit's cell (a bridge).
    pub entry: usize,
    /// Of a bridge: where its exit may go on with the values where they are; 0: nowhere. See [`Ways`].
    pub direct_entry: usize,
    /// What bridges from here are compiled with, if the backend knows of that.
    pub ways: Option<Arc<Ways>>,
    pub code_bytes: usize,
    /// What [`Dump`] asked for, empty if nothing.
    pub text: String,
    /// The cells of the trace's exits; a unit has none of its own.
    pub(crate) exits: Option<ExitCells>,
    /// Where the code lies and how much memory it takes.
    pub(crate) region: (usize, usize),
    /// Cells that the code refers to.
    pub(crate) _cells: Vec<Arc<TraceCell>>,
}

impl CompiledTrace {
    /// The addresses at which the code may lie; nothing else does.
    pub fn region(&self) -> std::ops::Range<usize> {
        self.region.0..self.region.0 + self.region.1
    }
}

/// Why a trace was not compiled. None of them is an error of the program: the interpreter goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CompileError {
    /// The code memory is used up.
    NoMemory,
    /// More inputs, phis or live values than the buffer has words.
    TooManyValues { values: usize, buffer_words: usize },
    /// The code generator refused; its message.
    Rejected(String),
}

/// How compiled code was left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Left {
    /// Through the exit of this number; its live values are in the buffer.
    Exit(u32),
    /// `finish_return`: the result is in `buf[0]`.
    Return,
    /// `finish_raise`: the exception is in `buf[0]`.
    Raise,
    /// By a `jump_loop` to a trace without code; its inputs are in the buffer.
    Loop(TraceId),
    /// By a `jump_body` to a trace without code; the label's phis are in the buffer.
    Body(TraceId),
}

impl Left {
    pub(crate) const RETURN: u64 = 1 << 33;
    pub(crate) const RAISE: u64 = Self::RETURN + 1;
    pub(crate) const LOOP: u64 = 1 << 32;
    /// The sign bit, so that the test at a trace's entry is one instruction.
    pub(crate) const BODY: u64 = BODY;

    #[inline]
    pub fn decode(word: u64) -> Left {
        // The most frequent end of calls.
        if word == Self::RETURN {
            return Left::Return;
        }
        let low = word as u32;
        match word & !0xffff_ffff {
            0 => Left::Exit(low),
            Self::LOOP => Left::Loop(TraceId(low)),
            Self::BODY => Left::Body(TraceId(low)),
            _ if word == Self::RAISE => Left::Raise,
            _ => panic!("compiled code left with the unknown word {word:#x}"),
        }
    }
}

/// The record of an activation that stands in a call which may run guest code (a call with an exit). Records lie on
/// the native stack, newest first, linked from the context at `Config::activation_offset`; the collector sees them by
/// scanning the stack.
#[derive(Debug)]
#[repr(C)]
pub struct Activation {
    /// The record below, or null.
    pub previous: *mut Activation,
    /// The number of the call's exit.
    pub exit: u64,
    /// Set nonzero by an inspector: the next `still_valid` of this activation leaves.
    pub inspected: u64,
    // The exit's live values follow, one word each, in the buffer's format.
}

impl Activation {
    pub(crate) const HEADER_BYTES: u32 = size_of::<Activation>() as u32;

    /// The live values of the call's exit.
    ///
    /// # Safety
    /// `record` is linked from a context, its call is still in progress, and `count` is the length of its exit's `live`.
    pub unsafe fn live<'a>(record: *const Activation, count: usize) -> &'a [u64] {
        // SAFETY: compiled code stores the live values right behind the record before it links it.
        unsafe { std::slice::from_raw_parts(record.add(1).cast::<u64>(), count) }
    }
}

#[cfg(test)]
mod tests {
    use super::{CompileInput, CompiledTrace, Left};
    use ir::TraceId;

    #[test]
    fn leaving_words_are_distinct() {
        assert_eq!(Left::decode(7), Left::Exit(7));
        assert_eq!(Left::decode(Left::RETURN), Left::Return);
        assert_eq!(Left::decode(Left::RAISE), Left::Raise);
        assert_eq!(Left::decode(Left::LOOP | 3), Left::Loop(TraceId(3)));
        assert_eq!(Left::decode(Left::BODY | u32::MAX as u64), Left::Body(TraceId(u32::MAX)));
    }

    #[test]
    fn compiling_can_move_to_another_thread() {
        fn is_send<T: Send>() {}
        is_send::<CompileInput>();
        is_send::<CompiledTrace>();
        is_send::<crate::cranelift::CraneliftBackend>();
    }
}
