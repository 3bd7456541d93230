//! Where traces become code: on the guest's thread, or on others behind it.
//!
//! With a backend of the processor's own, each trace is compiled by that at once, on the guest's thread: it takes less time
//! than to tell another thread. Cranelift compiles the units, and without such a backend all. Long recordings are optimised on a third
//! thread, because the second may be at a unit for long.
//!
//! Work goes in as jobs and comes out as [`Done`]s, in any case through [`Compiler::next_done`]; so that the guest's thread
//! looks, the others set [`CODE_READY`] in its `poll` word. Nothing is installed but by the guest's thread.

use crate::economy::thread_ns;
use crate::options::First;
use codegen::cranelift::CraneliftBackend;
use codegen::{Backend, CodeMemory, CompileError, CompileInput, CompiledTrace, Config, EnterFn, Member, OpPlace};
use ir::{ExitId, Trace, TraceId};
use opt::{Failure, Optimized, Request};
use std::any::Any;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The bit of [`crate::Thread::poll`] that says no more than that code is ready to be installed.
pub(crate) const CODE_READY: u32 = 2;

/// When the compiling thread has had nothing to do for so long, units are compiled that are new or have grown much; some are found to be
/// worth it only when they are looked at again.
const QUIET: Duration = Duration::from_millis(3);
/// And after so long, all others; those that had to wait are asked for once more now and then.
const CALM: Duration = Duration::from_millis(50);
const IDLE: [Duration; 8] =
    [QUIET, QUIET, QUIET, QUIET, CALM, CALM.saturating_mul(5), CALM.saturating_mul(25), CALM.saturating_mul(100)];

/// A member of a unit; see [`Member`].
pub(crate) type UnitMember = (Arc<CompileInput>, Option<(usize, ExitId)>);

pub(crate) enum Job {
    Trace(Arc<CompileInput>),
    Unit(Vec<UnitMember>),
    /// Code that nobody can run any more.
    Free(Vec<CompiledTrace>),
    /// To be dropped, which takes long where it is large.
    Drop(Box<dyn Any + Send>),
    /// Traces were compiled elsewhere, and the thread had gone to sleep for long.
    Wake,
}

/// What has come of a job.
pub(crate) enum Done {
    Trace(TraceId, Generated),
    Unit(Vec<TraceId>, Generated),
    /// Of the first recording that was sent and has not come back, and the nanoseconds that it took. There is one such thread at a
    /// time, and what it was sent before a fork is lost, so no number need say which.
    Optimized(Box<Result<Optimized, Failure>>, u64),
    /// No job: all is compiled, for the time being; or it has been so for long.
    Quiet {
        calm: bool,
    },
}

pub(crate) struct Generated {
    pub(crate) code: Result<CompiledTrace, CompileError>,
    pub(crate) places: Vec<OpPlace>,
    pub(crate) nanoseconds: u64,
}

/// A recording to be optimised.
type ToOptimize = Box<(Trace, Request)>;

pub(crate) struct Compiler {
    config: Config,
    enter: EnterFn,
    stub: usize,
    /// Compiles each trace at once.
    first: Option<Box<dyn Backend>>,
    place: Place,
    /// Of the guest's thread, if there may be others.
    poll: Option<&'static AtomicU32>,
    /// What was compiled on this thread.
    done: VecDeque<Done>,
}

/// Where that is compiled which `first` does not.
enum Place {
    Here(Optimizing),
    Behind(Behind),
    /// Nowhere yet: the process is a fork's child, and the threads are its parent's. The next job gets others.
    Lost,
}

/// Cranelift, from the first time on that it is wanted.
struct Optimizing {
    config: Config,
    /// For its code, until it is there.
    memory: Option<CodeMemory>,
    backend: Option<Box<dyn Backend>>,
}

impl Optimizing {
    fn backend(&mut self) -> Result<&mut dyn Backend, CompileError> {
        if self.backend.is_none() {
            let memory = match self.memory.take() {
                Some(memory) => memory,
                None => CodeMemory::reserve(self.config.code_bytes)?,
            };
            self.backend = Some(Box::new(CraneliftBackend::in_memory(self.config.clone(), memory)?));
        }
        Ok(&mut **self.backend.as_mut().expect("just made"))
    }
}

impl Optimizing {
    /// # Safety
    /// No activation of the codes is left on any stack, and no other code can reach them.
    unsafe fn free(&mut self, codes: Vec<CompiledTrace>) {
        // Without a backend it is code of a thread that a fork did not copy: it stays where it is.
        let Some(backend) = &mut self.backend else { return };
        // SAFETY: the caller's.
        codes.into_iter().for_each(|code| unsafe { backend.free(code) });
    }
}

/// The other threads, from this side.
struct Behind {
    jobs: Sender<Job>,
    /// To the optimising thread, once one was wanted; `None` in it: there is none to be had.
    to_optimize: Option<Option<Sender<ToOptimize>>>,
    done: Receiver<Done>,
    /// For a thread to come.
    send: Sender<Done>,
    doorbell: Arc<Doorbell>,
    news: Arc<News>,
}

/// Whether traces were compiled elsewhere, so that units may have grown. The thread looks when it wakes, and is woken only if it
/// sleeps for long: a wake-up for each trace would cost more than some of them.
#[derive(Default)]
struct News {
    is_there: AtomicBool,
    sleeps: AtomicBool,
}

impl News {
    /// Whether the thread has to be woken.
    fn post(&self) -> bool {
        self.is_there.store(true, Ordering::SeqCst);
        self.sleeps.swap(false, Ordering::SeqCst)
    }

    fn take(&self) -> bool {
        self.is_there.swap(false, Ordering::SeqCst)
    }

    /// The thread is about to wait for long; false: there are news.
    fn sleep(&self) -> bool {
        self.sleeps.store(true, Ordering::SeqCst);
        // Who posts after this has seen that we sleep, and wakes us.
        !self.is_there.load(Ordering::SeqCst)
    }

    fn wake(&self) {
        self.sleeps.store(false, Ordering::SeqCst);
    }
}

/// The guest thread's poll word, as long as that thread is there.
struct Doorbell(Mutex<Option<&'static AtomicU32>>);

impl Doorbell {
    fn ring(&self) {
        let poll = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(poll) = *poll {
            poll.fetch_or(CODE_READY, Ordering::Release);
        }
    }
}

impl Compiler {
    /// With `poll`, whose thread outlives the compiler, on a thread of its own, if the system gives one.
    /// `None`: there is no memory for code.
    pub(crate) fn new(config: Config, first: First, poll: Option<&'static AtomicU32>) -> Option<Compiler> {
        // Code of both backends lies side by side: whoever asks whether an address lies in code compares it with two others.
        let (memory, rest) = CodeMemory::reserve(config.code_bytes).ok()?.halves();
        let (first, optimizing) = match first_backend(&config, first, memory) {
            Ok(first) => (Some(first), Optimizing { config: config.clone(), memory: Some(rest), backend: None }),
            Err(CompileError::NoMemory) => return None,
            // It is not wanted, or the processor is too old.
            Err(_) => {
                drop(rest);
                let backend: Box<dyn Backend> = match CraneliftBackend::new(config.clone()) {
                    Ok(backend) => Box::new(backend),
                    Err(CompileError::NoMemory) => return None,
                    Err(error) => panic!("the code generator does not start: {error:?}"),
                };
                (None, Optimizing { config: config.clone(), memory: None, backend: Some(backend) })
            }
        };
        let either = first.as_ref().or(optimizing.backend.as_ref()).expect("one of them is there");
        let (enter, stub) = (either.enter(), either.stub());
        let place = match poll {
            None => Place::Here(optimizing),
            Some(poll) => place_behind(optimizing, poll),
        };
        Some(Compiler { config, enter, stub, first, place, poll, done: VecDeque::new() })
    }

    #[inline]
    pub(crate) fn enter(&self) -> EnterFn {
        self.enter
    }

    pub(crate) fn stub(&self) -> usize {
        self.stub
    }

    /// Whether the code of single traces counts what its jumps move. Cranelift's does not.
    pub(crate) fn counts_moved(&self) -> bool {
        self.first.is_some()
    }

    /// Whether units are compiled when [`Compiler::submit`] returns.
    pub(crate) fn is_here(&self) -> bool {
        matches!(self.place, Place::Here(_))
    }

    pub(crate) fn submit(&mut self, job: Job) {
        if let (Job::Trace(_), Some(first)) = (&job, &mut self.first) {
            self.done.push_back(run(Ok(&mut **first), job));
            if let Place::Behind(behind) = self.found_place()
                && behind.news.post()
            {
                drop(behind.jobs.send(Job::Wake));
            }
            return;
        }
        match self.found_place() {
            Place::Here(optimizing) => {
                let done = run(optimizing.backend(), job);
                self.done.push_back(done);
            }
            // The thread ends only with the process; without it the trace waits for ever, which is right, too.
            Place::Behind(behind) => drop(behind.jobs.send(job)),
            Place::Lost => unreachable!("just found"),
        }
    }

    fn found_place(&mut self) -> &mut Place {
        if let (Place::Lost, Some(poll)) = (&self.place, self.poll) {
            self.place = place_behind(Optimizing { config: self.config.clone(), memory: None, backend: None }, poll);
        }
        &mut self.place
    }

    /// # Safety
    /// No activation of the codes is left on any stack, and no other code can reach them.
    pub(crate) unsafe fn free(&mut self, codes: Vec<CompiledTrace>, of_units: bool) {
        match (&mut self.first, &mut self.place) {
            (Some(first), _) if !of_units => {
                // SAFETY: the caller's.
                codes.into_iter().for_each(|code| unsafe { first.free(code) });
            }
            // SAFETY: the caller's.
            (_, Place::Here(optimizing)) => unsafe { optimizing.free(codes) },
            (_, Place::Behind(behind)) => drop(behind.jobs.send(Job::Free(codes))),
            // Code of a thread that is gone stays where it is.
            (_, Place::Lost) => {}
        }
    }

    /// Drops something large, on the compiling thread if there is one.
    pub(crate) fn drop_elsewhere(&self, large: impl Any + Send) {
        if let Place::Behind(behind) = &self.place {
            drop(behind.jobs.send(Job::Drop(Box::new(large))));
        }
    }

    /// Has a recording optimised on another thread; what is submitted first comes back first. If there is no such thread it is given back.
    pub(crate) fn optimize_behind(&mut self, recording: ToOptimize) -> Result<(), ToOptimize> {
        let Place::Behind(behind) = self.found_place() else { return Err(recording) };
        let Behind { to_optimize, send, doorbell, .. } = behind;
        match to_optimize.get_or_insert_with(|| optimizing_thread(send.clone(), doorbell.clone())) {
            Some(to_optimize) => to_optimize.send(recording).map_err(|unsent| unsent.0),
            None => Err(recording),
        }
    }

    pub(crate) fn next_done(&mut self) -> Option<Done> {
        let behind = |place: &Place| match place {
            Place::Here(_) | Place::Lost => None,
            Place::Behind(behind) => behind.done.try_recv().ok(),
        };
        self.done.pop_front().or_else(|| behind(&self.place))
    }

    /// After a fork, in the child: the other threads are gone, with all jobs. Code that was finished stays where it is.
    pub(crate) fn lose_threads(&mut self) {
        if matches!(self.place, Place::Behind(_)) {
            // What they had locked stays so, and what they were sending is half sent: nothing of it may be looked at or dropped.
            std::mem::forget(std::mem::replace(&mut self.place, Place::Lost));
        }
        self.done.clear();
    }
}

/// The backend that compiles traces at once, if one is wanted.
fn first_backend(config: &Config, first: First, memory: CodeMemory) -> Result<Box<dyn Backend>, CompileError> {
    match first {
        #[cfg(target_arch = "x86_64")]
        First::X64 => Ok(Box::new(codegen::x64::X64Backend::in_memory(config.clone(), memory)?)),
        First::Cranelift => {
            drop((config, memory));
            Err(CompileError::Rejected("Cranelift compiles all".to_string()))
        }
    }
}

impl Drop for Compiler {
    fn drop(&mut self) {
        if let Place::Behind(behind) = &self.place {
            *behind.doorbell.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

fn place_behind(optimizing: Optimizing, poll: &'static AtomicU32) -> Place {
    let (jobs, more) = channel();
    let (send, done) = channel();
    let doorbell = Arc::new(Doorbell(Mutex::new(Some(poll))));
    let bell = doorbell.clone();
    let news = Arc::new(News { is_there: AtomicBool::new(false), sleeps: AtomicBool::new(true) });
    let (heard, answer) = (news.clone(), send.clone());
    // If there is no thread to be had, the backend comes back to be used here.
    let slot = Arc::new(Mutex::new(Some(optimizing)));
    let taken = slot.clone();
    let work = move || {
        let optimizing = taken.lock().unwrap_or_else(PoisonError::into_inner).take();
        serve(optimizing.expect("left there for this thread"), &more, &answer, &bell, &heard);
    };
    match without_signals(|| std::thread::Builder::new().name("metatrace".to_string()).spawn(work)) {
        Ok(_) => Place::Behind(Behind { jobs, to_optimize: None, done, send, doorbell, news }),
        Err(_) => {
            let optimizing = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            Place::Here(optimizing.expect("no thread took it"))
        }
    }
}

/// The optimiser goes down chains of objects that are never made, as deep as a recording is long. Stacks take no memory before they
/// are used.
const OPTIMIZING_STACK_BYTES: usize = 64 << 20;

/// A thread that optimises what it is sent.
fn optimizing_thread(done: Sender<Done>, bell: Arc<Doorbell>) -> Option<Sender<ToOptimize>> {
    let (send, recordings) = channel::<ToOptimize>();
    let work = move || {
        let abort = AbortOnPanic;
        for recording in recordings {
            let started = thread_ns();
            let (trace, request) = *recording;
            let optimized = Box::new(opt::optimize(trace, &request));
            if done.send(Done::Optimized(optimized, thread_ns() - started)).is_err() {
                break;
            }
            bell.ring();
        }
        std::mem::forget(abort);
    };
    let builder = std::thread::Builder::new().name("metatrace-opt".to_string()).stack_size(OPTIMIZING_STACK_BYTES);
    let spawned = without_signals(|| builder.spawn(work));
    spawned.ok().map(|_| send)
}

/// What a thread inherits that is spawned in `spawn`: all signals are the guest's.
pub(crate) fn without_signals<T>(spawn: impl FnOnce() -> T) -> T {
    // SAFETY: both sets are initialised by the calls that get them first.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let result = spawn();
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        result
    }
}

/// The compiling thread.
fn serve(mut optimizing: Optimizing, jobs: &Receiver<Job>, done: &Sender<Done>, bell: &Doorbell, news: &News) {
    let abort = AbortOnPanic;
    // How long to wait before the next word that nothing happened.
    let mut waits = IDLE[IDLE.len()..].iter();
    loop {
        if news.take() {
            waits = IDLE.iter();
        }
        let wait = waits.next();
        if wait != Some(&QUIET) && !news.sleep() {
            continue;
        }
        let job = match wait {
            None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(&wait) => jobs.recv_timeout(wait),
        };
        news.wake();
        let finished = match job {
            Ok(job) => {
                let job = match job {
                    Job::Wake => continue,
                    Job::Drop(large) => {
                        drop(large);
                        continue;
                    }
                    Job::Free(codes) => {
                        // SAFETY: whoever sent them says so.
                        unsafe { optimizing.free(codes) };
                        continue;
                    }
                    job => job,
                };
                // A unit is no news for other units.
                if !matches!(job, Job::Unit(_)) {
                    waits = IDLE.iter();
                }
                run(optimizing.backend(), job)
            }
            // It has not been quiet for so long.
            Err(RecvTimeoutError::Timeout) if news.take() => {
                waits = IDLE.iter();
                continue;
            }
            Err(RecvTimeoutError::Timeout) => Done::Quiet { calm: wait != Some(&QUIET) },
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if done.send(finished).is_err() {
            break;
        }
        bell.ring();
    }
    std::mem::forget(abort);
}

/// A panic here is a broken invariant like any other, and must not be lost with this thread.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        std::process::abort();
    }
}

fn run(backend: Result<&mut dyn Backend, CompileError>, job: Job) -> Done {
    let started = thread_ns();
    let (code, places) = match backend {
        Ok(backend) => (compile(backend, &job), backend.take_places()),
        Err(error) => (Err(error), Vec::new()),
    };
    let generated = Generated { code, places, nanoseconds: thread_ns() - started };
    match job {
        Job::Trace(input) => Done::Trace(input.id, generated),
        Job::Unit(members) => Done::Unit(members.iter().map(|member| member.0.id).collect(), generated),
        _ => unreachable!("no work for a backend"),
    }
}

fn compile(backend: &mut dyn Backend, job: &Job) -> Result<CompiledTrace, CompileError> {
    // What generating code allocates cannot be refused half-way.
    if !heap::has_reserve() {
        return Err(CompileError::NoMemory);
    }
    match job {
        Job::Trace(input) => backend.compile(input),
        Job::Unit(members) => {
            let members: Vec<Member> =
                members.iter().map(|(input, parent)| Member { input, parent: *parent }).collect();
            backend.compile_unit(&members)
        }
        _ => unreachable!("no work for a backend"),
    }
}

#[cfg(test)]
mod tests {
    use super::News;

    #[test]
    fn only_who_sleeps_is_woken() {
        let news = News::default();
        assert!(!news.post(), "awake, it will look");
        assert!(!news.sleep(), "there are news");
        news.wake();
        assert!(news.take() && !news.take());
        assert!(news.sleep());
        assert!(news.post() && !news.post(), "once is enough");
    }
}
