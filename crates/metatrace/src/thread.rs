//! One guest thread: its heap, stacks and trace cache.

use crate::frame::Frame;
use crate::inspect::{Entry, Forced};
use crate::jit::Jit;
use crate::language::Language;
use crate::tracer::{STACK_BYTES, Traced, Tracer};
use heap::{Heap, Value};
use std::sync::atomic::{Ordering, compiler_fence};

/// The bit of [`Thread::poll`] that stays set while somebody observes.
const OBSERVED: u32 = 4;

/// A place in the table of guest values that Rust code holds on to; the collector updates it when objects move.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Handle(pub u32);

/// The state of a frame while the dispatch loop is not looking at it.
pub struct Record<L: Language> {
    pub code: &'static L::Code,
    /// The instruction in progress; or [`Record::WAITS`] and the one to go on with, if the frame ended its instruction with a
    /// call and waits for the result.
    pub pc: u32,
    /// Of the records below the topmost: the stack without the call's operands.
    pub sp: u32,
    pub slots: *mut Value,
}

impl<L: Language> Record<L> {
    /// A bit of `pc`.
    pub const WAITS: u32 = 1 << 31;

    /// The instruction that the frame is executing: a call if it waits.
    pub fn instruction(&self) -> u32 {
        instruction_of(self.pc)
    }
}

/// The instruction in progress, by the `pc` of a [`Record`].
pub fn instruction_of(pc: u32) -> u32 {
    if pc & (1 << 31) == 0 { pc } else { (pc & !(1 << 31)) - 1 }
}

impl<L: Language> Clone for Record<L> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<L: Language> Copy for Record<L> {}

/// Sizes of a thread's stacks. Address space only: pages are backed when touched. Where that is limited, they take no more
/// than one part of so many; a frame with a record has at least four values' worth of stack.
const VALUE_STACK_BYTES: usize = 1 << 30;
const VALUE_STACK_PARTS: usize = 32;
const RECORD_STACK_BYTES: usize = 256 << 20;
const RECORD_STACK_PARTS: usize = 128;
const TRACER_STACK_PARTS: usize = 256;

/// See the module. `#[repr(C)]`: compiled code reads `heap` and `poll` at fixed offsets.
#[repr(C)]
pub struct Thread<L: Language> {
    pub heap: Box<Heap>,
    /// Not 0: somebody wants the interpreter's attention. Set it to 1, also from signal handlers and other threads; the
    /// interpreter answers with [`Thread::take_poll`].
    pub poll: std::sync::atomic::AtomicU32,
    /// Guest frames on the stack, and how many there may be.
    pub depth: u32,
    pub depth_limit: u32,
    /// The lowest address that the native stack may reach.
    pub native_limit: usize,
    /// The newest activation of compiled code that stands in a call of guest code.
    pub(crate) activation: *mut codegen::Activation,
    /// The first free slot of the value stack.
    pub top: *mut Value,
    /// The current frame's record; the base of the record stack if there is none.
    pub record: *mut Record<L>,
    stack_base: *mut Value,
    stack_end: *mut Value,
    record_base: *mut Record<L>,
    record_end: *mut Record<L>,
    constants: Vec<Value>,
    free_constants: Vec<Handle>,
    /// Tracers at work, oldest first, and the stacks of those that are done.
    pub(crate) tracers: Vec<*mut Tracer<L>>,
    pub(crate) tracer_stacks: Vec<*mut Traced<Value>>,
    pub(crate) tracer_stack_bytes: usize,
    /// Compiled code on the native stack, oldest first, and what inspectors made of it.
    pub(crate) entries: Vec<Entry<L>>,
    // Boxed, because an exit refers to one of them while the table may change.
    #[allow(clippy::vec_box)]
    pub(crate) forced: Vec<Box<Forced<L>>>,
    /// Somebody looked at the guest's frames since a tracer or compiled code last asked.
    pub(crate) inspected: bool,
    /// A debugger or profiler wants to see each instruction: nothing is recorded, compiled code is not entered, and the code
    /// that stands in a call is left when that returns.
    pub observed: bool,
    /// Nothing is recorded, and compiled code is not entered: somebody wants to know the instruction that runs at each
    /// allocation. See [`Thread::set_interpreting`].
    pub interpreting: bool,
    /// Where the native stack of the innermost activation of the direct interpreter's dispatch loop begins, and of nothing
    /// else: between that and the frames of its callees lies no guest value that somebody needs, save what a handler in
    /// progress holds. 0: the innermost activation is a tracer's or compiled code's.
    pub loop_base: usize,
    /// The exception that a callee left behind; NULL: none. See [`Language::take_exception`].
    pub(crate) pending: Value,
    pub jit: Jit,
}

impl<L: Language> Thread<L> {
    pub fn new(heap: Box<Heap>, jit: Jit) -> Thread<L> {
        let stack_bytes = heap::share_of_address_space(VALUE_STACK_BYTES, VALUE_STACK_PARTS);
        let record_bytes = heap::share_of_address_space(RECORD_STACK_BYTES, RECORD_STACK_PARTS);
        let stack_base: *mut Value = reserve(stack_bytes).cast();
        let record_base: *mut Record<L> = reserve(record_bytes).cast();
        Thread {
            heap,
            poll: Default::default(),
            depth: 0,
            depth_limit: 1000,
            native_limit: 0,
            activation: std::ptr::null_mut(),
            top: stack_base,
            record: record_base,
            stack_base,
            stack_end: stack_base.wrapping_byte_add(stack_bytes),
            record_base,
            record_end: record_base.wrapping_byte_add(record_bytes),
            constants: Vec::new(),
            free_constants: Vec::new(),
            tracers: Vec::new(),
            tracer_stacks: Vec::new(),
            tracer_stack_bytes: heap::share_of_address_space(STACK_BYTES, TRACER_STACK_PARTS),
            entries: Vec::new(),
            forced: Vec::new(),
            inspected: false,
            observed: false,
            interpreting: false,
            loop_base: 0,
            pending: Value::NULL,
            jit,
        }
    }

    /// What an interpreter does first when [`crate::Machine::poll`] told it that somebody wants its attention.
    pub fn take_poll(&mut self) {
        let stays = if self.observed { OBSERVED } else { 0 };
        self.poll.store(stays, Ordering::Release);
        crate::driver::install_done(&mut self.jit);
        if self.jit.cache.room.is_asked {
            crate::evict::make_room(self);
        }
    }

    /// To be called in the child after a fork, before it runs guest code: the threads on which code is generated are the parent's, and
    /// what they were at is lost here.
    pub fn forked(&mut self) {
        crate::driver::lose_threads(&mut self.jit);
    }

    /// Sets [`Thread::observed`]. While it is set, [`crate::Machine::poll`] is true wherever it is asked: the observer is
    /// shown each frame that begins.
    pub fn set_observed(&mut self, on: bool) {
        if on && !self.observed {
            self.force_activations();
        }
        self.observed = on;
        if on {
            self.poll.fetch_or(OBSERVED, Ordering::Relaxed);
        } else {
            self.poll.fetch_and(!OBSERVED, Ordering::Relaxed);
        }
    }

    /// Sets [`Thread::interpreting`]. Compiled code that stands in a call is left when that returns.
    pub fn set_interpreting(&mut self, on: bool) {
        if on && !self.interpreting {
            self.force_activations();
        }
        self.interpreting = on;
    }

    /// Whether only the direct interpreter runs.
    #[inline]
    pub(crate) fn interprets(&self) -> bool {
        self.observed || self.interpreting
    }

    /// The record of the innermost frame, if that is the direct interpreter's: of its instruction in progress.
    pub fn interpreted_frame(&self) -> Option<*mut Record<L>> {
        (self.loop_base != 0).then_some(self.record)
    }

    /// Where the native stack of the innermost dispatch loop begins, be it the direct interpreter's ([`Thread::loop_base`]) or a tracer's,
    /// for a callee of a handler that needs none of its operands any more. 0: compiled code stands there.
    pub fn innermost_loop_base(&self) -> usize {
        match self.tracers.last() {
            // SAFETY: a tracer is registered while it lives, and stays where it is.
            Some(&tracer) if self.loop_base == 0 => unsafe { (*tracer).innermost_base(self.entries.len()) },
            _ => self.loop_base,
        }
    }

    /// Registers a guest value that Rust code holds on to.
    pub fn new_handle(&mut self, value: Value) -> Handle {
        if let Some(handle) = self.free_constants.pop() {
            self.constants[handle.0 as usize] = value;
            return handle;
        }
        self.constants.push(value);
        Handle(self.constants.len() as u32 - 1)
    }

    #[inline(always)]
    pub fn handle(&self, handle: Handle) -> Value {
        self.constants[handle.0 as usize]
    }

    /// Whether neither compiled code nor a tracer is on the native stack.
    pub fn is_interpreting(&self) -> bool {
        self.entries.is_empty() && self.tracers.is_empty()
    }

    pub fn set_handle(&mut self, handle: Handle, value: Value) {
        self.constants[handle.0 as usize] = value;
    }

    pub fn drop_handle(&mut self, handle: Handle) {
        self.constants[handle.0 as usize] = Value::NULL;
        self.free_constants.push(handle);
    }

    /// Visits every root the thread holds: value stack, handles, the pending exception, the tracers' storage, the trace cache.
    pub fn visit_roots(&mut self, visitor: &mut heap::RootVisitor) {
        // SAFETY: all slots between the base and the top hold valid values (see `Frame`), and so do the constants.
        unsafe {
            let slots = self.top.offset_from(self.stack_base) as usize;
            visitor.precise_slice(self.stack_base, slots);
            visitor.precise_slice(self.constants.as_mut_ptr(), self.constants.len());
            visitor.precise_slice(&mut self.pending, 1);
        }
        for &tracer in &self.tracers {
            // SAFETY: a tracer is registered while it lives, and stays where it is.
            unsafe { (*tracer).visit_roots(visitor) };
        }
        for forced in &mut self.forced {
            forced.visit_roots(visitor);
        }
        self.jit.cache.visit_roots(visitor);
    }

    /// Whether a collection finds these values where they lie: what [`heap::Heap::sees`] knows, the value stack, and what
    /// compiled code has handed over.
    pub fn sees(&self, values: &[Value]) -> bool {
        let address = values.as_ptr() as usize;
        let on_stack = (self.stack_base as usize..self.stack_end as usize).contains(&address);
        on_stack || self.heap.sees(values) || self.jit.cache.holds(address)
    }

    pub(crate) fn take_tracer_stack(&mut self) -> *mut Traced<Value> {
        self.tracer_stacks.pop().unwrap_or_else(|| reserve(self.tracer_stack_bytes).cast())
    }

    /// Whether the next tracer has a stack: one that is only to record can be done without.
    pub(crate) fn has_tracer_stack(&mut self) -> bool {
        if self.tracer_stacks.is_empty() {
            self.tracer_stacks.extend(try_reserve(self.tracer_stack_bytes).map(<*mut u8>::cast));
        }
        !self.tracer_stacks.is_empty()
    }

    /// Whether `more` frames above the current one stay within the recursion limit.
    pub(crate) fn has_room(&self, more: u32) -> bool {
        self.depth + more <= self.depth_limit && stack_pointer() >= self.native_limit
    }

    /// A window beyond the recursion limit, which was checked when it mattered.
    pub(crate) fn window_unlimited(&mut self, slots: usize) -> *mut Value {
        let window = self.top;
        let top = window.wrapping_add(slots);
        assert!(top <= self.stack_end, "the value stack is full");
        for i in 0..slots {
            // SAFETY: the window lies within the reserved stack.
            unsafe { *window.add(i) = Value::NULL };
        }
        self.top = top;
        window
    }

    /// Room for a frame with `slots` slots, all NULL; `None` at the recursion limit.
    #[inline(always)]
    pub fn window(&mut self, slots: usize) -> Option<*mut Value> {
        if self.depth >= self.depth_limit || stack_pointer() < self.native_limit {
            return None;
        }
        self.window_below_limit(slots)
    }

    /// The same where [`Thread::has_room`] has been asked; `None` where the stack ends.
    #[inline(always)]
    pub(crate) fn window_below_limit(&mut self, slots: usize) -> Option<*mut Value> {
        // So many slots are cleared at once, without a look at how many there are: what lies above the top is nobody's.
        const WIDE: usize = 8;
        let window = self.top;
        let top = window.wrapping_add(slots);
        if top.wrapping_add(WIDE) > self.stack_end {
            return None;
        }
        let mut at = window;
        while at < top {
            // SAFETY: within the reserved stack; values are words, and so is their array.
            unsafe { at.cast::<[Value; WIDE]>().write([Value::NULL; WIDE]) };
            at = at.wrapping_add(WIDE);
            // Not a call of `memset`, which would take longer.
            compiler_fence(Ordering::SeqCst);
        }
        self.top = top;
        Some(window)
    }

    /// Room for `count` values, all NULL, that belong to no frame; `None` where the stack ends. Who is done with them puts
    /// `top` back.
    pub fn values(&mut self, count: usize) -> Option<*mut Value> {
        let values = self.top;
        let free = (self.stack_end as usize - values as usize) / size_of::<Value>();
        if count > free {
            return None;
        }
        for i in 0..count {
            // SAFETY: the values lie within the reserved stack.
            unsafe { *values.add(i) = Value::NULL };
        }
        self.top = values.wrapping_add(count);
        Some(values)
    }

    /// Makes the window at the top of the stack the current frame.
    #[inline(always)]
    pub fn push_record(&mut self, code: &'static L::Code, pc: u32, sp: u32, slots: *mut Value) {
        self.depth += 1;
        let record = self.record.wrapping_add(1);
        assert!(record < self.record_end, "record stack overflow below the recursion limit");
        // SAFETY: within the reserved record stack.
        unsafe { *record = Record { code, pc, sp, slots } };
        // A profiler's signal handler sees no record with the code of one frame and the instruction of another.
        compiler_fence(Ordering::Release);
        self.record = record;
    }

    /// Ends the current frame and gives its window back.
    #[inline(always)]
    pub fn pop_record(&mut self) {
        // SAFETY: there is a current frame.
        self.top = unsafe { (*self.record).slots };
        self.record = self.record.wrapping_sub(1);
        self.depth -= 1;
    }

    /// The topmost record as a frame to go on with.
    pub fn current_frame(&self) -> Frame<L, Value> {
        // SAFETY: there is a current frame.
        let record = unsafe { *self.record };
        Frame { code: record.code, pc: record.pc & !Record::<L>::WAITS, sp: record.sp, slots: record.slots }
    }

    /// The lowest record, of no frame.
    pub(crate) fn record_base(&self) -> *mut Record<L> {
        self.record_base
    }
}

impl<L: Language> Drop for Thread<L> {
    fn drop(&mut self) {
        let bytes = self.tracer_stack_bytes;
        let tracers = self.tracer_stacks.drain(..).map(|stack| (stack.cast::<libc::c_void>(), bytes));
        let stack_bytes = self.stack_end as usize - self.stack_base as usize;
        let record_bytes = self.record_end as usize - self.record_base as usize;
        let own = [(self.stack_base.cast(), stack_bytes), (self.record_base.cast(), record_bytes)];
        for (address, bytes) in tracers.chain(own) {
            // SAFETY: mapped by `reserve`, and nobody uses the stacks of a thread that is gone.
            unsafe { libc::munmap(address, bytes) };
        }
    }
}

/// Roughly where the native stack is.
#[inline(always)]
fn stack_pointer() -> usize {
    let here = 0u8;
    std::ptr::from_ref(&here).addr()
}

/// Address space for a stack that there must be, out of the process's reserve if need be.
pub(crate) fn reserve(bytes: usize) -> *mut u8 {
    let address = try_reserve(bytes).or_else(|| if heap::release_reserve() { try_reserve(bytes) } else { None });
    address.unwrap_or_else(|| panic!("cannot reserve {bytes} bytes of address space for a stack"))
}

fn try_reserve(bytes: usize) -> Option<*mut u8> {
    // SAFETY: an anonymous private mapping at an address of the kernel's choice.
    let address = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    (address != libc::MAP_FAILED).then_some(address.cast())
}
