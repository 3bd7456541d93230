//! Functions of the framework that compiled code calls.

use super::enter;
use crate::cache::{BUFFER_WORDS, Callees};
use crate::compiler::Compiler;
use crate::direct::{Direct, unbased};
use crate::language::{Language, thread_of};
use crate::machine::Machine;
use crate::thread::Thread;
use codegen::Config;
use heap::{Heap, ShapeId, Value, fresh_header};
use ir::{CallEffect, Callee, Function, TraceId, Ty};

/// Address space for code, at most one part of so many where that is limited.
const CODE_BYTES: usize = 512 << 20;
const CODE_PARTS: usize = 16;

/// The rows of the framework's own callees.
pub(crate) fn callees<L: Language>(thread: &mut Thread<L>) -> Callees {
    let leak = |callee: Callee| -> &'static Callee { Box::leak(Box::new(callee)) };
    *thread.jit.cache.callees.get_or_insert_with(|| Callees {
        call_guest: leak(Callee {
            name: "call_guest",
            function: Function::Buffered(call_guest::<L>),
            operands: &[],
            result: Ty::Ref,
            effect: CallEffect::RunsGuest,
        }),
        take_exception: leak(Callee {
            name: "take_exception",
            function: Function::F0(take_exception::<L>),
            operands: &[],
            result: Ty::Ref,
            effect: CallEffect::Writes,
        }),
        poll: leak(Callee {
            name: "poll",
            function: Function::F0(poll::<L>),
            operands: &[],
            result: Ty::Bool,
            effect: CallEffect::Reads,
        }),
    })
}

/// How [`call_guest`] enters its callee; one tagged integer in a trace.
pub(crate) struct GuestCall {
    /// At most 24 bits, as `sp`.
    pub(crate) pc: u32,
    pub(crate) sp: u32,
    /// The caller's frames without a record; at most 12 bits.
    pub(crate) inlined: u32,
}

impl GuestCall {
    pub(crate) fn word(self) -> u64 {
        debug_assert!(self.pc < 1 << 24 && self.sp < 1 << 24 && self.inlined < 1 << 12);
        Value::from_int(self.pc as i64 | (self.sp as i64) << 24 | (self.inlined as i64) << 48).0
    }

    fn from_word(word: u64) -> GuestCall {
        let bits = Value(word).as_int() as u64;
        let part = |at: u32, width: u32| (bits >> at) as u32 & ((1 << width) - 1);
        GuestCall { pc: part(0, 24), sp: part(24, 24), inlined: part(48, 12) }
    }
}

/// Runs guest code: `code` is the address of the code with bit 0 set, a tagged integer for the collector; `call` a
/// [`GuestCall`]; the buffer begins with the callee's first `count` slots, of which the last ones may be missing: NULL. NULL
/// comes back if an exception is pending.
extern "C" fn call_guest<L: Language>(context: *mut u8, code: u64, call: u64, count: u64) -> u64 {
    let context: *mut L::Context = context.cast();
    // SAFETY: the context outlives the call, and the thread is its first field.
    let buffer = unsafe { (&(*thread_of::<L>(context)).jit.cache.buffer)[..count as usize].as_ptr() };
    // SAFETY: the buffer stays where it is.
    unsafe { call_slots::<L>(context, code, GuestCall::from_word(call), buffer, count as usize) }
}

/// The same for slots that lie elsewhere.
pub(crate) fn call_guest_with<L: Language>(context: *mut L::Context, code: u64, call: GuestCall, slots: &[u64]) -> u64 {
    // SAFETY: the context outlives the call, and the thread is its first field.
    let buffer = unsafe { &mut (*thread_of::<L>(context)).jit.cache.buffer };
    let mut first = slots.as_ptr();
    if let Some(words) = buffer.get_mut(..slots.len()) {
        words.copy_from_slice(slots);
        first = words.as_ptr();
    }
    // SAFETY: without a buffer, or room in it, nothing is compiled that could take them from there.
    unsafe { call_slots::<L>(context, code, call, first, slots.len()) }
}

/// # Safety
/// There are `count` slots, in the buffer if the code is compiled.
#[inline(always)]
unsafe fn call_slots<L: Language>(
    context: *mut L::Context,
    code: u64,
    call: GuestCall,
    slots: *const u64,
    count: usize,
) -> u64 {
    // SAFETY: traces hold codes as such words.
    let code = unsafe { &*((code & !1) as *const L::Code) };
    // SAFETY: the context outlives the call, and the thread is its first field.
    let thread = unsafe { &mut *thread_of::<L>(context) };
    let GuestCall { pc, sp, inlined } = call;
    thread.depth += inlined;
    let entry = if pc == 0 && !thread.interprets() { L::entry_cell(code).compiled() } else { 0 };
    let compiled = match entry {
        0 => None,
        entry => enter::call::<L>(context, code, TraceId(entry as u32 - 1), count, sp),
    };
    let result = match compiled {
        Some(result) => result,
        // SAFETY: the caller's.
        None => interpret::<L>(context, code, unsafe { std::slice::from_raw_parts(slots, count) }, pc, sp),
    };
    // SAFETY: as above.
    let thread = unsafe { &mut *thread_of::<L>(context) };
    thread.depth -= inlined;
    match result {
        Ok(value) => value.0,
        Err(exception) => {
            // SAFETY: the context outlives the call.
            L::set_exception(unsafe { &mut *context }, exception);
            Value::NULL.0
        }
    }
}

/// The call by the interpreter's dispatch loop.
#[inline(never)]
fn interpret<L: Language>(
    context: *mut L::Context,
    code: &'static L::Code,
    slots: &[u64],
    pc: u32,
    sp: u32,
) -> Result<Value, Value> {
    // SAFETY: the context outlives the call, and the thread is its first field.
    let thread = unsafe { &mut *thread_of::<L>(context) };
    match thread.window(L::slot_count(code)) {
        Some(window) => {
            for (at, &word) in slots.iter().enumerate() {
                // SAFETY: the window has room for all slots of the code.
                unsafe { *window.add(at) = Value(word) };
            }
            Direct::<L>::call(context, code, window, pc, sp)
        }
        // SAFETY: the context outlives the call.
        None => Err(L::recursion_error(unsafe { &mut *context })),
    }
}

extern "C" fn take_exception<L: Language>(context: *mut u8) -> u64 {
    // SAFETY: compiled code passes the context it was entered with.
    L::take_exception(unsafe { &mut *context.cast::<L::Context>() }).0
}

extern "C" fn poll<L: Language>(context: *mut u8) -> u64 {
    unbased::<L>(context.cast()).poll() as u64
}

extern "C" fn box_float<L: Language>(context: *mut u8, bits: u64) -> u64 {
    unbased::<L>(context.cast()).flt_box(f64::from_bits(bits)).0
}

extern "C" fn alloc_slow(heap: *mut u8, bytes: u64, header: u64) -> u64 {
    // SAFETY: compiled code passes the heap of its context.
    unsafe { heap::heap_alloc_slow(heap.cast::<Heap>(), bytes, header) }
}

extern "C" fn alloc_items(heap: *mut u8, shape: u64, fixed_bytes: u64, _item_bytes: u64, count: u64) -> u64 {
    // SAFETY: compiled code passes the heap of its context.
    let heap = unsafe { &mut *heap.cast::<Heap>() };
    heap.alloc_tail(ShapeId(shape as u32), fixed_bytes as usize, count as usize).0
}

extern "C" fn barrier_slow(heap: *mut u8, object: u64) {
    // SAFETY: as above, and an object that it stored into.
    unsafe { heap::heap_barrier_slow(heap.cast::<Heap>(), object) };
}

extern "C" fn barrier_item_slow(heap: *mut u8, object: u64, address: u64) {
    // SAFETY: as above.
    unsafe { heap::heap_barrier_slot_slow(heap.cast::<Heap>(), object, address) };
}

/// Makes the compiler if there is none; false if there is no memory for one.
pub(crate) fn ensure_compiler<L: Language>(context: *mut L::Context) -> bool {
    // SAFETY: the context outlives the call, and the thread is its first field.
    let thread = unsafe { &mut *thread_of::<L>(context) };
    if thread.jit.cache.compiler.is_some() {
        return true;
    }
    // SAFETY: as above.
    let (bools, float) = unsafe { (L::bools(&mut *context), L::float_shape(&mut *context)) };
    let poll = callees(thread).poll;
    let config = Config {
        heap_offset: std::mem::offset_of!(Thread<L>, heap) as i32,
        activation_offset: std::mem::offset_of!(Thread<L>, activation) as i32,
        buffer_words: BUFFER_WORDS,
        code_bytes: heap::share_of_address_space(CODE_BYTES, CODE_PARTS),
        free_offset: std::mem::offset_of!(Heap, free) as i32,
        limit_offset: std::mem::offset_of!(Heap, limit) as i32,
        inline_alloc_bytes: heap::LARGE_BYTES as u32 / 2,
        barrier_offset: 4,
        barrier_mask: 1,
        count_offset: 8,
        float_header: fresh_header(float) as u32,
        float_bits_offset: 8,
        true_word: bools[1].0,
        false_word: bools[0].0,
        flags: vec![(poll, std::mem::offset_of!(Thread<L>, poll) as i32)],
        alloc_slow,
        alloc_items,
        barrier_slow,
        barrier_item_slow,
        box_float: box_float::<L>,
    };
    let poll = &raw const thread.poll;
    // SAFETY: the compiler, which is in the thread, gives up the word when it is dropped, and contexts do not move.
    let poll = thread.jit.options.background.then(|| unsafe { &*poll });
    thread.jit.cache.compiler = Compiler::new(config, thread.jit.options.backend, poll);
    thread.jit.cache.bools = bools;
    thread.jit.cache.buffer = vec![0; BUFFER_WORDS];
    thread.jit.cache.compiler.is_some()
}
