//! Roots: what the mutator refers to without the heap seeing the store.
//!
//! *Precise* roots are known slots that hold Values; the object may move and the slot is updated. *Ambiguous* roots are
//! words that may or may not be pointers, in native stacks, callee-saved registers and registered ranges: what they point
//! to, or into, stays in place.

use crate::header::{HEADER_BIT, LARGE_YOUNG, PINNED, is_filler, load};
use crate::{Heap, Value};

/// Names roots to the collection that is under way. Callbacks must not touch the heap otherwise.
pub struct RootVisitor<'a> {
    heap: &'a mut Heap,
    pass: Pass<'a>,
}

/// A collection runs the callbacks once for each.
pub(crate) enum Pass<'a> {
    /// Lists ambiguous words: they must be known before anything moves.
    Ambiguous,
    /// Evacuates what precise roots refer to.
    Minor,
    /// Marks it.
    Mark,
    /// Lists it.
    List(&'a mut Vec<Value>),
}

pub(crate) type RootCallback = Box<dyn FnMut(&mut RootVisitor)>;

#[derive(Default)]
pub(crate) struct Roots {
    pub callbacks: Vec<RootCallback>,
    /// High end of the native stack in use.
    pub stack_base: usize,
    /// Stacks that called into the one in use: from where they stand to their high end.
    pub suspended: Vec<(usize, usize)>,
    /// Below this address the native stack holds no Value that is needed; 0: it may.
    pub low: usize,
    /// Stretches of the native stacks that hold no Value that is needed, outermost first.
    pub dead: Vec<(usize, usize)>,
    /// The ambiguous words of this collection that lie in the heap, ascending.
    pub ambiguous: Vec<usize>,
    /// Words that the last minor collection looked at.
    pub words: usize,
}

impl RootVisitor<'_> {
    /// A slot that holds a Value.
    pub fn precise(&mut self, slot: &mut Value) {
        // SAFETY: a reference to a Value.
        unsafe { self.precise_slice(slot, 1) }
    }

    /// `count` slots that hold Values.
    ///
    /// # Safety
    /// They do, for reading and writing.
    pub unsafe fn precise_slice(&mut self, first: *mut Value, count: usize) {
        if let Pass::Minor = self.pass {
            self.heap.roots.words += count;
        }
        for i in 0..count {
            // SAFETY: the slot holds a Value (this function's contract).
            unsafe {
                let slot = first.add(i);
                match &mut self.pass {
                    Pass::Ambiguous => return,
                    Pass::Minor => _ = self.heap.visit_slot(slot as usize),
                    Pass::Mark => self.heap.mark_value((*slot).0 as usize),
                    Pass::List(list) => list.push(*slot),
                }
            }
        }
    }

    /// `words` words that may hold pointers.
    ///
    /// # Safety
    /// They can be read.
    pub unsafe fn ambiguous_range(&mut self, first: *const u64, words: usize) {
        if let Pass::Ambiguous = self.pass {
            // SAFETY: the words can be read (this function's contract).
            unsafe { self.heap.list_ambiguous(first as usize, first as usize + words * 8) }
        }
    }
}

impl Heap {
    /// Replaces the root callbacks by `f`. A collection calls it several times, and it names the same roots each time.
    pub fn set_roots(&mut self, f: Box<dyn FnMut(&mut RootVisitor)>) {
        self.roots.callbacks = vec![f];
    }

    /// Adds a root callback.
    pub fn add_roots(&mut self, f: Box<dyn FnMut(&mut RootVisitor)>) {
        self.roots.callbacks.push(f);
    }

    /// The native stack in use is scanned from the stack pointer up to the address `high`. A new heap has that of the
    /// thread that made it.
    pub fn set_stack_base(&mut self, high: usize) {
        self.roots.stack_base = high;
    }

    /// Called before switching to another native stack, whose high end is `high`: the one in use stands at `sp`, below
    /// which it holds no Values.
    pub fn enter_stack(&mut self, sp: usize, high: usize) {
        self.roots.suspended.push((sp, self.roots.stack_base));
        self.roots.stack_base = high;
    }

    /// Called after switching back to the stack that called [`Heap::enter_stack`].
    pub fn leave_stack(&mut self) {
        let (_, base) = self.roots.suspended.pop().expect("a stack was entered");
        self.roots.stack_base = base;
    }

    /// Until [`Heap::end_dead_stack`] the words of a native stack from the address `low` up to `high` are not taken for references.
    /// Of nested stretches the inner one is begun later and ends earlier.
    ///
    /// # Safety
    /// No Value is needed that only these words refer to.
    #[inline]
    pub unsafe fn begin_dead_stack(&mut self, low: usize, high: usize) {
        self.roots.dead.push((low, high));
    }

    /// The stretch begun last counts again.
    #[inline]
    pub fn end_dead_stack(&mut self) {
        self.roots.dead.pop();
    }

    /// Whether a collection finds these values where they lie: on a native stack, in an object, or because none of them
    /// can move or die. Values in a `Vec` it would not find. What root callbacks name is the caller's to know.
    #[inline(never)] // so that all frames of callers lie above its own
    pub fn sees(&self, values: &[Value]) -> bool {
        let address = values.as_ptr() as usize;
        let here = (&raw const address) as usize;
        (here..self.roots.stack_base).contains(&address)
            || self.roots.suspended.iter().any(|&(sp, base)| (sp..base).contains(&address))
            || self.spaces.contains(address)
            || self.immortal.contains(address)
            || values.iter().all(|value| !value.is_object() || self.immortal.contains(value.0 as usize))
    }

    /// Runs every callback for `pass`.
    pub(crate) fn run_callbacks(&mut self, pass: Pass) {
        let mut callbacks = std::mem::take(&mut self.roots.callbacks);
        let mut visitor = RootVisitor { heap: self, pass };
        for callback in &mut callbacks {
            callback(&mut visitor);
        }
        self.roots.callbacks = callbacks;
    }

    /// Lists the ambiguous words of the stacks (the one in use from `sp`) and of the registered ranges.
    pub(crate) unsafe fn find_ambiguous(&mut self, sp: usize) {
        self.roots.ambiguous.clear();
        self.roots.words = 0;
        assert!(sp <= self.roots.stack_base, "the stack in use is not the one that was set");
        // SAFETY: a stack can be read from where it stands to its high end.
        unsafe {
            self.list_ambiguous_stack(sp.max(self.roots.low) & !7, self.roots.stack_base);
            for i in 0..self.roots.suspended.len() {
                let (sp, base) = self.roots.suspended[i];
                self.list_ambiguous_stack(sp & !7, base);
            }
        }
        self.run_callbacks(Pass::Ambiguous);
        self.roots.ambiguous.sort_unstable();
        self.roots.ambiguous.dedup();
    }

    /// The same of a stack, without the stretches of it that are dead.
    unsafe fn list_ambiguous_stack(&mut self, start: usize, end: usize) {
        let mut from = start;
        for i in (0..self.roots.dead.len()).rev() {
            let (low, high) = self.roots.dead[i];
            if low >= from && high <= end && low < high {
                // SAFETY: the caller's range can be read.
                unsafe { self.list_ambiguous(from, low & !7) };
                from = high & !7;
            }
        }
        // SAFETY: as above.
        unsafe { self.list_ambiguous(from, end) }
    }

    unsafe fn list_ambiguous(&mut self, start: usize, end: usize) {
        self.roots.words += end.saturating_sub(start) / 8;
        for address in (start..end).step_by(8) {
            // SAFETY: the range can be read; the words may change under the compiler's eyes, hence volatile.
            let word = unsafe { (address as *const usize).read_volatile() };
            if word.wrapping_sub(self.spaces.start) < self.spaces.bytes {
                self.roots.ambiguous.push(word);
            }
        }
    }

    /// The old or large object that `address` points into.
    pub(crate) unsafe fn resolve_old(&self, address: usize) -> Option<usize> {
        let object = if self.large.contains(address) {
            self.large.resolve(address)?
        } else if self.old.contains(address) {
            self.old.start_before(address)?
        } else {
            return None;
        };
        // SAFETY: an object, or a reserved slot with a filler's header, starts there (invariant 6).
        unsafe {
            let header = load(object);
            (!is_filler(header) && address < object + self.shapes.size(object, header)).then_some(object)
        }
    }

    /// Where an object that was young at the start of this collection is after tracing, or `None` if it is dead.
    pub(crate) unsafe fn fate(&self, object: usize) -> Option<usize> {
        // SAFETY: the caller names an object, which may have been evacuated.
        unsafe {
            let header = load(object);
            if self.nursery.contains(object) {
                if header & HEADER_BIT == 0 {
                    return Some(header as usize);
                }
                return (header & PINNED != 0).then_some(object);
            }
            (header & LARGE_YOUNG == 0).then_some(object)
        }
    }
}

/// Calls `f(heap, argument, sp)` with all callee-saved registers on the stack above `sp`.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn with_registers(
    heap: *mut Heap,
    argument: usize,
    f: unsafe extern "C" fn(*mut Heap, usize, usize),
) {
    core::arch::naked_asm!(
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "sub rsp, 8",
        "mov rax, rdx",
        "mov rdx, rsp",
        "call rax",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
    )
}

/// Calls `f(heap, argument, sp)` with all callee-saved registers on the stack above `sp`.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn with_registers(
    heap: *mut Heap,
    argument: usize,
    f: unsafe extern "C" fn(*mut Heap, usize, usize),
) {
    core::arch::naked_asm!(
        "stp x29, x30, [sp, #-96]!",
        "stp x19, x20, [sp, #16]",
        "stp x21, x22, [sp, #32]",
        "stp x23, x24, [sp, #48]",
        "stp x25, x26, [sp, #64]",
        "stp x27, x28, [sp, #80]",
        "mov x9, x2",
        "mov x2, sp",
        "blr x9",
        "ldp x19, x20, [sp, #16]",
        "ldp x21, x22, [sp, #32]",
        "ldp x23, x24, [sp, #48]",
        "ldp x25, x26, [sp, #64]",
        "ldp x27, x28, [sp, #80]",
        "ldp x29, x30, [sp], #96",
        "ret",
    )
}

/// Writes the callee-saved registers to `saved`, and gives the stack pointer: what the callers of this function's caller
/// need lies above it, or in `saved`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn save_registers(saved: &mut [usize; 12]) -> usize {
    let sp;
    // SAFETY: six words fit; nothing else changes.
    unsafe {
        core::arch::asm!(
            "mov [{saved}], rbx",
            "mov [{saved} + 8], rbp",
            "mov [{saved} + 16], r12",
            "mov [{saved} + 24], r13",
            "mov [{saved} + 32], r14",
            "mov [{saved} + 40], r15",
            "mov {sp}, rsp",
            saved = in(reg) saved.as_mut_ptr(),
            sp = out(reg) sp,
            options(nostack, preserves_flags),
        )
    }
    sp
}

/// Writes the callee-saved registers to `saved`, and gives the stack pointer: what the callers of this function's caller
/// need lies above it, or in `saved`.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
pub fn save_registers(saved: &mut [usize; 12]) -> usize {
    let sp;
    // SAFETY: twelve words fit; nothing else changes.
    unsafe {
        core::arch::asm!(
            "stp x19, x20, [{saved}]",
            "stp x21, x22, [{saved}, #16]",
            "stp x23, x24, [{saved}, #32]",
            "stp x25, x26, [{saved}, #48]",
            "stp x27, x28, [{saved}, #64]",
            "stp x29, x30, [{saved}, #80]",
            "mov {sp}, sp",
            saved = in(reg) saved.as_mut_ptr(),
            sp = out(reg) sp,
            options(nostack, preserves_flags),
        )
    }
    sp
}

/// The high end of the calling thread's stack.
#[cfg(target_os = "linux")]
pub(crate) fn thread_stack_base() -> usize {
    // SAFETY: the attributes are initialised by pthread_getattr_np, read and destroyed.
    unsafe {
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        assert_eq!(libc::pthread_getattr_np(libc::pthread_self(), &mut attributes), 0);
        let (mut low, mut bytes) = (std::ptr::null_mut(), 0);
        libc::pthread_attr_getstack(&attributes, &mut low, &mut bytes);
        libc::pthread_attr_destroy(&mut attributes);
        low as usize + bytes
    }
}

/// The high end of the calling thread's stack.
#[cfg(target_os = "macos")]
pub(crate) fn thread_stack_base() -> usize {
    // SAFETY: a query.
    unsafe { libc::pthread_get_stackaddr_np(libc::pthread_self()) as usize }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    unsafe extern "C" fn find(_: *mut Heap, found: usize, sp: usize) {
        for i in 0..8 {
            // SAFETY: the saved registers and the return address lie there; `found` is the test's array.
            unsafe {
                let word = *(sp as *const u64).add(i);
                if (0xabc0..0xabc4).contains(&word) {
                    *(found as *mut u64).add(word as usize - 0xabc0) += 1;
                }
            }
        }
    }

    #[test]
    fn callee_saved_registers_are_scanned() {
        let mut found = [0u64; 4];
        // SAFETY: the clobbers name all that the call changes.
        unsafe {
            std::arch::asm!(
                "mov r12, 0xabc0",
                "mov r13, 0xabc1",
                "mov r14, 0xabc2",
                "mov r15, 0xabc3",
                "call {with_registers}",
                with_registers = sym with_registers,
                in("rdi") 0,
                in("rsi") &raw mut found,
                in("rdx") find as *const (),
                out("r12") _,
                out("r13") _,
                out("r14") _,
                out("r15") _,
                clobber_abi("C"),
            );
        }
        assert_eq!(found, [1; 4]);
    }
}
