//! The thread that asks for samples and gathers them.
//!
//! It wakes up at the chosen rate, a little irregularly, so that no loop keeps step with it. If the guest's thread has used
//! processor time since the last sample it gets a signal, and the sample weighs as much as that time: shares of time stay
//! right when this thread wakes up late, and a guest that waits is left alone. Equal samples are kept once.

use super::sample::{self, Shared};
use crate::language::Language;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

/// Words of samples that may wait to be gathered.
const RING_WORDS: usize = 1 << 16;
/// A sample that the guest's thread has not answered after so many rounds will not come.
const MOST_ROUNDS: u32 = 100;

/// Samples as they were taken.
#[derive(Default)]
pub(super) struct Raw {
    /// Distinct ones.
    pub(super) samples: Vec<Box<[u64]>>,
    /// Each in turn: its index, and the nanoseconds it stands for.
    pub(super) order: Vec<(u32, u64)>,
    /// How many could not be kept.
    pub(super) lost: u64,
}

pub(super) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Raw>>,
    /// A fork does not copy the thread.
    process: u32,
}

/// The signal: one that programs and debuggers have no other use for.
fn signal() -> libc::c_int {
    libc::SIGRTMAX() - 1
}

impl Ticker {
    /// Samples the calling thread, which runs the guest with this context, so many times a second.
    pub(super) fn start<L: Language>(context: *mut L::Context, rate: u32) -> std::io::Result<Ticker> {
        // SAFETY: asks about the calling thread.
        let (guest, clock, stack_end) = unsafe {
            let guest = libc::pthread_self();
            let mut clock: libc::clockid_t = 0;
            check(libc::pthread_getcpuclockid(guest, &mut clock))?;
            (libc::syscall(libc::SYS_gettid) as libc::pid_t, clock, stack_end(guest)?)
        };
        let shared = Arc::new(Shared {
            context: context.cast(),
            stack_end,
            ring: super::ring::Ring::new(RING_WORDS),
            weight: Default::default(),
            pending: Default::default(),
            stop: Default::default(),
            lost: Default::default(),
        });
        // SAFETY: the handler stays as long as the process, and does nothing while no profiler is on.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            let handler: extern "C" fn(_, _, _) = sample::on_signal::<L>;
            action.sa_sigaction = handler as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
            check(libc::sigaction(signal(), &action, std::ptr::null_mut()))?;
        }
        let (ours, process) = (shared.clone(), std::process::id());
        let work = move || tick(&ours, guest, clock, Duration::from_secs(1) / rate.max(1));
        let thread =
            crate::compiler::without_signals(|| std::thread::Builder::new().name("profiler".to_string()).spawn(work))?;
        sample::CURRENT.store(Arc::as_ptr(&shared).cast_mut(), Ordering::Release);
        Ok(Ticker { shared, thread: Some(thread), process })
    }

    /// The samples; nothing in a child of the process that was sampled.
    pub(super) fn stop(mut self) -> Option<Raw> {
        self.end()
    }

    fn end(&mut self) -> Option<Raw> {
        let thread = self.thread.take()?;
        sample::CURRENT.store(std::ptr::null_mut(), Ordering::Release);
        if self.process != std::process::id() {
            // Of the thread there is only the handle.
            std::mem::forget(thread);
            return None;
        }
        self.shared.stop.store(true, Ordering::Release);
        let mut raw = thread.join().unwrap_or_default();
        raw.lost += self.shared.lost.load(Ordering::Relaxed);
        Some(raw)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.end();
    }
}

fn tick(shared: &Shared, guest: libc::pid_t, clock: libc::clockid_t, interval: Duration) -> Raw {
    let mut gathered = Gathered::default();
    let mut random: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut last = time(clock);
    let mut rounds = 0;
    while !shared.stop.load(Ordering::Acquire) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // Three quarters to five quarters.
        std::thread::sleep(interval * (768 + (random % 513) as u32) / 1024);
        gathered.take_from(shared);
        let now = time(clock);
        if shared.pending.load(Ordering::Acquire) && rounds < MOST_ROUNDS {
            rounds += 1;
        } else if now - last >= interval / 4 {
            rounds = 0;
            shared.weight.store((now - last).as_nanos() as u64, Ordering::Relaxed);
            shared.pending.store(true, Ordering::Release);
            last = now;
            // SAFETY: sends a signal for which there is a handler to a thread of this process.
            unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), guest, signal()) };
        }
    }
    gathered.take_from(shared);
    gathered.raw
}

#[derive(Default)]
struct Gathered {
    raw: Raw,
    index_of: HashMap<Box<[u64]>, u32>,
    record: Vec<u64>,
}

impl Gathered {
    fn take_from(&mut self, shared: &Shared) {
        while let Some(weight) = shared.ring.pop(&mut self.record) {
            let index = match self.index_of.get(&self.record[..]) {
                Some(&index) => index,
                None => {
                    let (record, index): (Box<[u64]>, u32) = (self.record[..].into(), self.raw.samples.len() as u32);
                    self.raw.samples.push(record.clone());
                    self.index_of.insert(record, index);
                    index
                }
            };
            self.raw.order.push((index, weight));
        }
    }
}

fn time(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to `time`.
    unsafe { libc::clock_gettime(clock, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Behind the last byte of a thread's stack.
fn stack_end(thread: libc::pthread_t) -> std::io::Result<usize> {
    // SAFETY: the attributes are initialised by the first call, and the stack's extent is written by the second.
    unsafe {
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        check(libc::pthread_getattr_np(thread, &mut attributes))?;
        let (mut address, mut bytes) = (std::ptr::null_mut(), 0);
        let result = libc::pthread_attr_getstack(&attributes, &mut address, &mut bytes);
        libc::pthread_attr_destroy(&mut attributes);
        check(result)?;
        Ok(address as usize + bytes)
    }
}

fn check(result: libc::c_int) -> std::io::Result<()> {
    match result {
        0 => Ok(()),
        -1 => Err(std::io::Error::last_os_error()),
        error => Err(std::io::Error::from_raw_os_error(error)),
    }
}
