//! Native stacks of our own: deep recursion of the guest needs more than a thread's stack.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::Heap;
use crate::memory::Reservation;

const GUARD_BYTES: usize = 64 << 10;

/// Address space for a stack; memory is taken where the stack reaches. Running off its low end faults.
pub struct NativeStack {
    memory: Reservation,
}

impl NativeStack {
    /// A stack of at least `bytes` bytes.
    pub fn new(bytes: usize) -> NativeStack {
        NativeStack::try_new(bytes).unwrap_or_else(|| panic!("cannot reserve {bytes} bytes for a stack"))
    }

    /// The same; `None` where the system refuses.
    pub fn try_new(bytes: usize) -> Option<NativeStack> {
        let memory = Reservation::try_new(bytes.next_multiple_of(GUARD_BYTES) + GUARD_BYTES)?;
        // SAFETY: the guard is part of the fresh mapping.
        let result = unsafe { libc::mprotect(memory.start as *mut _, GUARD_BYTES, libc::PROT_NONE) };
        (result == 0).then_some(NativeStack { memory })
    }

    /// The lowest address that can be used.
    pub fn low(&self) -> usize {
        self.memory.start + GUARD_BYTES
    }

    /// The address behind the highest.
    pub fn high(&self) -> usize {
        self.memory.start + self.memory.bytes
    }
}

/// What travels to the other stack and back.
struct Call<F, R> {
    heap: *mut Heap,
    high: usize,
    f: Option<F>,
    result: Option<std::thread::Result<R>>,
}

impl Heap {
    /// Runs `f` on `stack`, which nobody else uses; Values on the stack in use stay roots. A panic goes on here.
    pub fn run_on_stack<R, F: FnOnce(&mut Heap) -> R>(&mut self, stack: &NativeStack, f: F) -> R {
        let mut call: Call<F, R> = Call { heap: self, high: stack.high(), f: Some(f), result: None };
        // SAFETY: `enter` takes what `switch_stack` passes, and the stack is unused.
        unsafe { switch_stack((&raw mut call).cast(), enter::<F, R>, stack.high()) };
        match call.result.expect("the call has returned") {
            Ok(result) => result,
            Err(panic) => resume_unwind(panic),
        }
    }
}

/// `sp`: where the other stack stands.
unsafe extern "C" fn enter<F: FnOnce(&mut Heap) -> R, R>(call: *mut u8, sp: usize) {
    // SAFETY: `run_on_stack` passes its Call, and waits.
    unsafe {
        let call = &mut *call.cast::<Call<F, R>>();
        let heap = &mut *call.heap;
        let f = call.f.take().expect("the call is made once");
        heap.enter_stack(sp, call.high);
        call.result = Some(catch_unwind(AssertUnwindSafe(|| f(&mut *heap))));
        heap.leave_stack();
    }
}

/// Calls `f(argument, sp)` on the stack that ends at `high`. `f` does not unwind.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
unsafe extern "C" fn switch_stack(argument: *mut u8, f: unsafe extern "C" fn(*mut u8, usize), high: usize) {
    core::arch::naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "mov rax, rsi",
        "mov rsi, rsp",
        "mov rsp, rdx",
        "call rax",
        "mov rsp, rbp",
        "pop rbp",
        "ret",
    )
}

/// Calls `f(argument, sp)` on the stack that ends at `high`. `f` does not unwind.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
unsafe extern "C" fn switch_stack(argument: *mut u8, f: unsafe extern "C" fn(*mut u8, usize), high: usize) {
    core::arch::naked_asm!(
        "stp x29, x30, [sp, #-16]!",
        "mov x29, sp",
        "mov x9, x1",
        "mov x1, sp",
        "mov sp, x2",
        "blr x9",
        "mov sp, x29",
        "ldp x29, x30, [sp], #16",
        "ret",
    )
}
