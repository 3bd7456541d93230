//! `adder jit why`: runs a program and tells, line by line, where its time went and what the JIT made of it.

mod copies;
mod gather;
mod html;
mod loops;
mod machine;
mod names;
mod reasons;
mod text;

use crate::complain;
use crate::profile::RATE;
use metatrace::Profiler;
use objects::vm::{Python, Vm};
use std::collections::BTreeMap;

/// What is to be written.
#[derive(Clone, Default)]
pub struct Request {
    /// Where the text goes; standard error if there is neither this nor a page.
    pub text: Option<String>,
    /// Where the page goes.
    pub html: Option<String>,
}

/// A program that is being looked at.
pub struct Running {
    profiler: Profiler<Python>,
    request: Request,
}

/// All there is to say about a run.
pub struct Report {
    /// Processor time.
    pub nanoseconds: u64,
    pub samples: usize,
    /// The whole time by what it was spent on.
    pub parts: BTreeMap<Part, u64>,
    /// By file and number.
    pub lines: BTreeMap<(String, u32), Line>,
    /// Operations of all traces, for the page.
    pub traces: Vec<Listing>,
}

/// What time is spent on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    Compiled,
    Interpreted,
    /// Interpreted, because a tracer or a profiler of the program is shown everything.
    Watched,
    /// A function that compiled code called; in the reader's words.
    Called(String),
    Crossing,
    Collecting,
    /// The JIT's own work.
    Jit,
}

/// A source line.
#[derive(Default)]
pub struct Line {
    pub nanoseconds: u64,
    pub parts: BTreeMap<Part, u64>,
    /// The function that most of the time was spent in, and its first line.
    pub function: Option<(String, u32)>,
    /// Of a `for` loop that begins here: how often it was entered, and its rounds, in compiled code.
    pub turns: Option<loops::Turns>,
    /// Traces that start here, and how many pass.
    pub starts: Vec<Start>,
    pub passing: usize,
    pub findings: Vec<Finding>,
    /// Indices into [`Report::traces`], with the operations that stand for this line.
    pub listings: Vec<(usize, Vec<usize>)>,
}

/// A trace that starts at a line.
pub struct Start {
    pub what: &'static str,
    pub function: String,
    pub entered: u64,
    pub rounds: u64,
    pub fallen: bool,
}

/// Something worth knowing about a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The reader's time or a count, to sort by: how much it matters.
    pub weight: u64,
    pub is_hot_exit: bool,
    /// Whether it says why the interpreter runs the line.
    pub is_why_interpreted: bool,
    /// The line of the same file that says more.
    pub see: Option<u32>,
    pub text: String,
    /// What to do; empty where there is nothing sensible.
    pub advice: &'static str,
}

impl Finding {
    fn new(weight: u64, text: String, advice: &'static str) -> Self {
        Self { weight, is_hot_exit: false, is_why_interpreted: false, see: None, text, advice }
    }
}

/// A trace as the page shows it.
pub struct Listing {
    pub title: String,
    pub ops: Vec<ListedOp>,
}

/// An operation as the page shows it.
pub struct ListedOp {
    pub text: String,
    /// Machine code.
    pub code: Vec<String>,
    /// How often it left the trace, if that is worth mentioning.
    pub exit: Option<String>,
    pub is_hot: bool,
}

/// Begins to look; complains and goes on without where that is not possible.
pub fn start(vm: &mut Vm, request: Request) -> Option<Running> {
    // SAFETY: the VM is boxed, and outlives the profile, which `finish` stops on this thread.
    match unsafe { Profiler::start(vm, RATE) } {
        Ok(profiler) => Some(Running { profiler, request }),
        Err(error) => {
            complain(&format!("adder: cannot take samples: {error}"));
            None
        }
    }
}

/// Writes what was asked for.
pub fn finish(vm: &mut Vm, running: Running) {
    let Running { profiler, request } = running;
    let Some(profile) = profiler.stop() else { return };
    let explanation = vm.thread.explanation();
    let report = gather::report(vm, &profile, &explanation);
    let write = |file: &str, content: String| {
        if let Err(error) = std::fs::write(file, content) {
            complain(&format!("adder: cannot write {file}: {error}"));
        }
    };
    if let Some(file) = &request.html {
        write(file, html::page(&report));
    }
    match &request.text {
        Some(file) => write(file, text::text(&report)),
        None if request.html.is_none() => complain(text::text(&report).trim_end()),
        None => {}
    }
}

impl Part {
    pub fn name(&self) -> String {
        match self {
            Part::Compiled => "in compiled code".to_owned(),
            Part::Interpreted => "interpreted".to_owned(),
            Part::Watched => "interpreted for a tracer or profiler".to_owned(),
            Part::Called(what) => format!("in {what}"),
            Part::Crossing => "on the way between interpreter and compiled code".to_owned(),
            Part::Collecting => "collecting garbage".to_owned(),
            Part::Jit => "recording and compiling".to_owned(),
        }
    }
}
