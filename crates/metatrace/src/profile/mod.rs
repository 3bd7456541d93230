//! A sampling profiler that sees compiled code, and the frames that are inlined in it.
//!
//! A thread of its own sends the guest's thread signals, whose handler copies what must be known of the moment
//! ([`sample`]); frames are made of that when the profile is asked for ([`resolve`]). Samples are taken where the signal finds
//! the thread. Asking for a stack at the next poll would need no care for signals, but show loops at their ends only and
//! never a function that runs long; nor could it tell time in compiled code from time in what that calls.
//!
//! Nobody pays for a profiler that is off: compiled code is the same with it, and the backend is asked for the
//! places of operations only while one is on.

mod activity;
mod code_map;
mod resolve;
mod ring;
mod sample;
mod ticker;

pub use activity::Activity;
pub(crate) use activity::ActivityCell;
pub(crate) use code_map::CodeMap;

use crate::language::{Language, thread_of};
use ir::TraceId;
use std::collections::HashMap;

/// Takes samples of the thread that started it.
pub struct Profiler<L: Language> {
    context: *mut L::Context,
    ticker: ticker::Ticker,
}

/// What a sampled thread was doing, beside running the innermost frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Doing {
    Interpreting,
    /// The same, and nothing else is allowed: somebody watches the program (see [`crate::Thread::set_observed`]).
    Watched,
    /// In compiled code.
    Compiled {
        trace: TraceId,
        op: Option<u32>,
    },
    /// In a function that compiled code called.
    Calling {
        trace: TraceId,
        op: u32,
        callee: &'static str,
    },
    /// In a function of the framework that an operation called: allocation, write barrier.
    Runtime {
        trace: TraceId,
        op: u32,
        what: &'static str,
    },
    /// On the way into compiled code or out of it.
    Entering,
    Other(Activity),
}

/// An instruction in a frame.
pub struct FramePlace<L: Language> {
    pub code: &'static L::Code,
    pub pc: u32,
    /// The trace that the frame runs in.
    pub compiled: Option<TraceId>,
}

/// A distinct sample.
pub struct Stack<L: Language> {
    /// Outermost first.
    pub frames: Vec<FramePlace<L>>,
    pub doing: Doing,
    /// There were more frames, further out.
    pub is_cut_off: bool,
    /// The processor time it stands for, and in how many samples.
    pub nanoseconds: u64,
    pub samples: u64,
}

/// All samples.
pub struct Profile<L: Language> {
    pub stacks: Vec<Stack<L>>,
    /// Each sample in turn: the index of its stack, and the nanoseconds of processor time it stands for.
    pub order: Vec<(u32, u64)>,
    /// Samples that could not be kept.
    pub lost: u64,
}

impl<L: Language> Profiler<L> {
    /// Begins to sample the calling thread, which runs the guest with this context, `rate` times a second.
    ///
    /// # Safety
    /// The context stays where it is until the profiler has been stopped or dropped, which this thread does.
    pub unsafe fn start(context: *mut L::Context, rate: u32) -> std::io::Result<Profiler<L>> {
        // SAFETY: the caller's; the thread is the context's first field.
        let thread = unsafe { &mut *thread_of::<L>(context) };
        thread.jit.places = true;
        Ok(Profiler { context, ticker: ticker::Ticker::start::<L>(context, rate)? })
    }

    /// What was sampled; nothing in a child of the process that was sampled.
    pub fn stop(self) -> Option<Profile<L>> {
        let raw = self.ticker.stop()?;
        // SAFETY: see `start`.
        let thread = unsafe { &*thread_of::<L>(self.context) };
        let mut stacks: Vec<Stack<L>> =
            raw.samples.iter().map(|words| resolve::stack(&thread.jit.cache, words)).collect();
        for &(index, nanoseconds) in &raw.order {
            let stack = &mut stacks[index as usize];
            stack.nanoseconds += nanoseconds;
            stack.samples += 1;
        }
        Some(merge(Profile { stacks, order: raw.order, lost: raw.lost }))
    }
}

/// Samples of different addresses may be the same stack.
fn merge<L: Language>(profile: Profile<L>) -> Profile<L> {
    type Key = (Vec<(usize, u32, Option<TraceId>)>, Doing);
    let mut index_of: HashMap<Key, u32> = HashMap::new();
    let mut stacks: Vec<Stack<L>> = Vec::new();
    let mut merged = Vec::with_capacity(profile.stacks.len());
    for stack in profile.stacks {
        let frame = |place: &FramePlace<L>| (std::ptr::from_ref(place.code).addr(), place.pc, place.compiled);
        let key = (stack.frames.iter().map(frame).collect(), stack.doing);
        let index = *index_of.entry(key).or_insert(stacks.len() as u32);
        match stacks.get_mut(index as usize) {
            Some(same) => {
                same.nanoseconds += stack.nanoseconds;
                same.samples += stack.samples;
            }
            None => stacks.push(stack),
        }
        merged.push(index);
    }
    let order = profile.order.iter().map(|&(index, weight)| (merged[index as usize], weight)).collect();
    Profile { stacks, order, lost: profile.lost }
}

impl<L: Language> Profile<L> {
    /// Processor time of all samples.
    pub fn nanoseconds(&self) -> u64 {
        self.stacks.iter().map(|stack| stack.nanoseconds).sum()
    }
}
