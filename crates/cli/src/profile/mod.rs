//! `-X profile`: where the processor's time goes, by function and line, with the frames that are inlined in compiled code.

mod flame;
mod formats;
mod table;
mod tree;

use crate::complain;
use metatrace::{Activity, Doing, FramePlace, Profiler};
use objects::code::Code;
use objects::vm::{Python, Vm};
use std::collections::HashMap;
use std::path::Path;

/// Samples a second where `-X profile_rate` does not say otherwise.
pub const RATE: u32 = 1000;
/// More than that would measure the measuring.
pub const MOST_RATE: u32 = 10_000;

/// What `-X profile` asks for.
#[derive(Clone)]
pub struct Request {
    /// Where the profile goes; a table to standard error if there is none.
    pub file: Option<String>,
    pub rate: u32,
}

/// A profiler at work.
pub struct Running {
    profiler: Profiler<Python>,
    request: Request,
}

/// A function, or what is done on behalf of one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Function {
    pub name: String,
    /// Empty for what is no function of the program.
    pub file: String,
    /// Of its first line.
    pub line: u32,
}

/// How a frame was run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Kind {
    Interpreted,
    Compiled,
    /// The interpreter's own work: collecting, compiling.
    Own,
}

/// A frame of a sample.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Frame {
    /// An index into [`Report::functions`].
    pub function: usize,
    /// The line that was running, 0 if there is none.
    pub line: u32,
    pub kind: Kind,
}

/// A distinct stack, outermost frame first.
pub struct Stack {
    pub frames: Vec<Frame>,
    pub nanoseconds: u64,
}

/// What was sampled, in terms of the program.
#[derive(Default)]
pub struct Report {
    pub functions: Vec<Function>,
    pub stacks: Vec<Stack>,
    /// Each sample in turn: the index of its stack, and its nanoseconds.
    pub order: Vec<(usize, u64)>,
    pub lost: u64,
    index_of: HashMap<Function, usize>,
}

/// Begins to sample; complains and goes on without where that is not possible.
pub fn start(vm: &mut Vm, request: Request) -> Option<Running> {
    // SAFETY: the VM is boxed, and outlives the profile, which `finish` stops on this thread.
    match unsafe { Profiler::start(vm, request.rate) } {
        Ok(profiler) => Some(Running { profiler, request }),
        Err(error) => {
            complain(&format!("adder: cannot take samples: {error}"));
            None
        }
    }
}

/// Ends the sampling and writes what was asked for.
pub fn finish(running: Running) {
    let Running { profiler, request } = running;
    let Some(profile) = profiler.stop() else { return };
    let report = Report::of(&profile);
    let Some(file) = request.file else {
        complain(table::text(&report).trim_end());
        return;
    };
    for (name, content) in files(&report, &file) {
        if let Err(error) = std::fs::write(&name, content) {
            complain(&format!("adder: cannot write the profile to {name}: {error}"));
        }
    }
}

/// What goes to which file.
fn files(report: &Report, file: &str) -> Vec<(String, String)> {
    let one = |content: String| vec![(file.to_owned(), content)];
    match Path::new(file).extension().and_then(|ending| ending.to_str()) {
        Some("txt") => one(table::text(report)),
        Some("svg") => one(flame::svg(report)),
        Some("json") => one(formats::speedscope(report)),
        Some("collapsed" | "folded") => one(formats::collapsed(report)),
        _ => vec![(format!("{file}.txt"), table::text(report)), (format!("{file}.svg"), flame::svg(report))],
    }
}

impl Report {
    pub fn of(profile: &metatrace::Profile<Python>) -> Report {
        let mut report = Report { lost: profile.lost, ..Report::default() };
        for stack in &profile.stacks {
            let mut frames: Vec<Frame> = stack.frames.iter().map(|place| report.frame(place)).collect();
            let outside = frames.is_empty().then_some("<starting or ending>");
            if let Some(own) = own_work(stack.doing).or(outside) {
                let function = report.function(Function { name: own.to_owned(), file: String::new(), line: 0 });
                frames.push(Frame { function, line: 0, kind: Kind::Own });
            }
            report.stacks.push(Stack { frames, nanoseconds: stack.nanoseconds });
        }
        report.order = profile.order.iter().map(|&(index, weight)| (index as usize, weight)).collect();
        report
    }

    fn frame(&mut self, place: &FramePlace<Python>) -> Frame {
        let function = self.function(function_of(place.code));
        let kind = if place.compiled.is_some() { Kind::Compiled } else { Kind::Interpreted };
        Frame { function, line: line_of(place.code, place.pc), kind }
    }

    fn function(&mut self, function: Function) -> usize {
        let next = self.functions.len();
        let index = *self.index_of.entry(function.clone()).or_insert(next);
        if index == next {
            self.functions.push(function);
        }
        index
    }

    pub fn nanoseconds(&self) -> u64 {
        self.stacks.iter().map(|stack| stack.nanoseconds).sum()
    }
}

pub fn function_of(code: &Code) -> Function {
    let source = &code.source;
    Function { name: source.qualname.to_string(), file: source.filename.to_string(), line: source.first_line }
}

/// The line of an instruction; of one that has none, that of the instruction before.
pub fn line_of(code: &Code, pc: u32) -> u32 {
    let before = (0..=pc as usize).rev();
    before.flat_map(|pc| code.source.position(pc).line).find(|&line| line > 0).unwrap_or(code.source.first_line)
}

/// What the interpreter does for itself, as a frame above the program's.
pub fn own_work(doing: Doing) -> Option<&'static str> {
    Some(match doing {
        Doing::Other(Activity::Collecting) => "<collecting garbage>",
        Doing::Other(Activity::Recording) => "<JIT: recording>",
        Doing::Other(Activity::Optimising) => "<JIT: optimising>",
        Doing::Other(Activity::Compiling) => "<JIT: generating code>",
        _ => return None,
    })
}
