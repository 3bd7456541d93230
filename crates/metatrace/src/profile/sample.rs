//! Taking a sample: what the signal handler does.
//!
//! The handler runs on the guest's thread between two instructions of the machine, so what it reads stands still; it
//! neither allocates nor takes a lock, and copies words without asking what they mean. Frames come from the records
//! of the direct interpreter; for compiled code in a call from its activation (the number of the exit that the call has), and
//! for compiled code that is running from the program counter. A function that compiled code called left
//! the return address on the native stack: words that may be one are copied too. [`super::resolve`] makes frames of all that.

use super::Activity;
use super::ring::Ring;
use crate::language::{Language, thread_of};
use crate::thread::Thread;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

/// The innermost frames of a stack that are kept.
const MOST_FRAMES: usize = 250;
/// Words of the native stack that are searched for addresses in compiled code, and how many of those are kept.
const SEARCHED_WORDS: usize = 8192;
const SEARCHED_WORDS_IN_CODE: usize = 64;
pub(super) const ADDRESSES: usize = 12;
/// Activity and flags, the addresses, then two words a frame, innermost first.
pub(super) const HEADER_WORDS: usize = 1 + ADDRESSES;
const MOST_WORDS: usize = HEADER_WORDS + 2 * MOST_FRAMES;

/// Flags beside the activity, which is the low byte.
pub(super) const IN_CODE: u64 = 1 << 8;
pub(super) const CUT_OFF: u64 = 1 << 9;
pub(super) const INTERPRETED: u64 = 1 << 10;
pub(super) const WATCHED: u64 = 1 << 11;

/// First words of a frame that is none of the direct interpreter's; codes lie at higher addresses.
/// Compiled code that stands in a call; the second word is the number of the call's exit.
pub(super) const AT_EXIT: u64 = 1;
/// Compiled code that is running; the addresses say where, and the second word is the code of the frame that it was entered for.
pub(super) const AT_ADDRESS: u64 = 2;

/// What the handler and the thread that sends the signals share.
pub(super) struct Shared {
    /// The guest's context.
    pub(super) context: *mut (),
    /// Where its native stack ends.
    pub(super) stack_end: usize,
    /// Samples: weight, then the words.
    pub(super) ring: Ring,
    /// Nanoseconds of processor time that the next sample stands for.
    pub(super) weight: AtomicU64,
    /// A signal is on its way.
    pub(super) pending: AtomicBool,
    pub(super) stop: AtomicBool,
    /// Samples for which there was no room.
    pub(super) lost: AtomicU64,
}

// SAFETY: the context is the guest thread's, and only the handler, which runs there, uses it.
unsafe impl Send for Shared {}
// SAFETY: as above; the other parts are atomic.
unsafe impl Sync for Shared {}

/// Of the profiler that is on. A signal handler is given nothing that could lead it to its thread.
pub(super) static CURRENT: AtomicPtr<Shared> = AtomicPtr::new(std::ptr::null_mut());

pub(super) extern "C" fn on_signal<L: Language>(
    _: libc::c_int,
    _: *mut libc::siginfo_t,
    machine_state: *mut libc::c_void,
) {
    let shared = CURRENT.load(Ordering::Acquire);
    if shared.is_null() {
        return;
    }
    // SAFETY: whoever takes the profiler away runs on this thread, and takes it out of `CURRENT` first.
    let shared = unsafe { &*shared };
    // SAFETY: the context outlives the profiler, and the thread is its first field.
    let thread = unsafe { &*thread_of::<L>(shared.context.cast()) };
    // SAFETY: the kernel passes the interrupted thread's state.
    let (pc, sp) = unsafe { interrupted_at(machine_state) };
    let mut words = [0; MOST_WORDS];
    let weight = shared.weight.load(Ordering::Relaxed);
    let taken =
        sample(thread, pc, sp, shared.stack_end, &mut words).is_some_and(|n| shared.ring.push(weight, &words[..n]));
    if !taken {
        shared.lost.fetch_add(1, Ordering::Relaxed);
    }
    shared.pending.store(false, Ordering::Release);
}

/// Fills `words`; how many there are. `None` while a table that is needed is just growing.
fn sample<L: Language>(
    thread: &Thread<L>,
    pc: usize,
    sp: usize,
    stack_end: usize,
    words: &mut [u64; MOST_WORDS],
) -> Option<usize> {
    let activity = if thread.heap.is_collecting() { Activity::Collecting } else { thread.jit.activity.get() };
    let mut entries = thread.entries.len();
    if activity == Activity::Moving {
        return None;
    }
    words[0] = activity as u64 | if thread.interprets() { WATCHED } else { 0 };
    if thread.loop_base != 0 {
        words[0] |= INTERPRETED;
    } else if entries > 0 {
        let code = thread.jit.cache.code.low..thread.jit.cache.code.high;
        let in_code = code.contains(&pc);
        words[0] |= if in_code { IN_CODE } else { 0 };
        words[1] = if in_code { pc as u64 } else { 0 };
        find_addresses(code, sp, stack_end, in_code, &mut words[1 + usize::from(in_code)..HEADER_WORDS]);
    }
    let (mut at, base) = (thread.record, thread.record_base());
    let mut activation = thread.activation;
    let mut count = HEADER_WORDS;
    while at != base {
        if count == MOST_WORDS {
            words[0] |= CUT_OFF;
            break;
        }
        // SAFETY: below the length.
        let entry = (entries > 0).then(|| unsafe { &*thread.entries.as_ptr().add(entries - 1) });
        let pair = match entry {
            Some(entry) if entry.owner == at => {
                entries -= 1;
                if activation == entry.below {
                    // SAFETY: a record that was entered has been made.
                    [AT_ADDRESS, unsafe { (&raw const (*at).code).cast::<u64>().read() }]
                } else {
                    // SAFETY: linked activations stand in calls that are in progress.
                    let record = unsafe { &*activation };
                    activation = record.previous;
                    [AT_EXIT, record.exit]
                }
            }
            _ => {
                // SAFETY: records up to the current one are within the stack of records. One that is just being pushed
                // holds an older one, or zeros, so its code must not be looked at as a reference.
                let (code, pc) =
                    unsafe { ((&raw const (*at).code).cast::<u64>().read(), (&raw const (*at).pc).read()) };
                [code, u64::from(pc)]
            }
        };
        words[count..count + 2].copy_from_slice(&pair);
        count += 2;
        at = at.wrapping_sub(1);
    }
    Some(count)
}

/// Words on the native stack that are addresses in compiled code, innermost first.
fn find_addresses(code: std::ops::Range<usize>, sp: usize, stack_end: usize, in_code: bool, found: &mut [u64]) {
    let searched = if in_code { SEARCHED_WORDS_IN_CODE } else { SEARCHED_WORDS };
    let mut count = 0;
    let first = sp.next_multiple_of(8);
    let end = stack_end.min(first + searched * 8);
    for address in (first..end).step_by(8) {
        // SAFETY: between the stack pointer and the end of the stack.
        let word = unsafe { std::ptr::read_volatile(address as *const usize) };
        if code.contains(&word) {
            found[count] = word as u64;
            count += 1;
            if count == found.len() {
                break;
            }
        }
    }
}

/// Program counter and stack pointer.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
unsafe fn interrupted_at(machine_state: *mut libc::c_void) -> (usize, usize) {
    // SAFETY: the caller passes what the kernel did.
    let registers = unsafe { &(*machine_state.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    (registers[libc::REG_RIP as usize] as usize, registers[libc::REG_RSP as usize] as usize)
}

/// Program counter and stack pointer.
#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
unsafe fn interrupted_at(machine_state: *mut libc::c_void) -> (usize, usize) {
    // SAFETY: the caller passes what the kernel did.
    let machine = unsafe { &(*machine_state.cast::<libc::ucontext_t>()).uc_mcontext };
    (machine.pc as usize, machine.sp as usize)
}
