//! What the JIT counts, and why recordings are given up: one table each.

macro_rules! counters {
    ($($name:ident $sentence:literal;)*) => {
        /// Counts since the thread began.
        #[derive(Clone, Default, Debug)]
        pub struct Counters {
            $(#[doc = $sentence] pub $name: u64,)*
        }

        impl Counters {
            /// Adds the time of a recording that has ended.
            pub(crate) fn recorded(&mut self, nanoseconds: u64) {
                self.record_ns += nanoseconds;
                self.longest_record_ns = self.longest_record_ns.max(nanoseconds);
            }

            /// One line a counter.
            pub fn text(&self) -> String {
                let mut text = String::new();
                $(text.push_str(&format!("{:>12}  {}\n", self.$name, $sentence));)*
                text
            }
        }
    };
}

counters! {
    loops "loops compiled";
    versions "loops compiled for further types";
    functions "function entries compiled";
    bridges "bridges compiled";
    bridges_begun "recordings of bridges";
    units "units of traces compiled";
    units_postponed "times units were postponed because the JIT had taken too much time or memory";
    units_little_moved "times units were postponed because the jumps between their traces move little";
    postponed "recordings postponed because the JIT had taken too much time or memory";
    set_aside "traces set aside because they gained less than leaving took";
    places_too_varied "exits left without a bridge because too many hang on one place";
    aborts "recordings given up";
    contradictions "traces that contradicted themselves";
    refused "traces that the code generator refused";
    entries "entries into compiled code";
    exits "exits from compiled code";
    exits_plain "exits that needed no replay";
    exits_replayed "exits that replayed a handler";
    exits_at_will "exits that were taken once although their guards held";
    forced "activations of compiled code that were inspected";
    fallen "traces that fell with an assumption";
    uninlined "traces that fell because they inline a function that goes round its loop more often than they do";
    turned "traces that fell because they went round an outer loop where their own goes round";
    recorded_ops "operations recorded";
    optimized_ops "operations after optimisation";
    optimized_behind "long recordings optimised on another thread";
    guards "guards after optimisation";
    record_ns "nanoseconds recording";
    optimize_ns "nanoseconds optimising";
    compile_ns "nanoseconds generating code";
    compile_unit_ns "nanoseconds of those for units";
    longest_record_ns "nanoseconds of the longest recording";
    longest_optimize_ns "nanoseconds of the longest optimising on the program's thread";
    longest_submit_ns "nanoseconds of the longest generating code on the program's thread, and of what goes with it";
    longest_install_ns "nanoseconds of the longest installing";
    code_bytes "bytes of machine code, in all";
    memory_bytes "bytes that traces and their code take";
    memory_peak_bytes "bytes that they took at most";
    evictions "times all traces were dropped because they took too much memory";
    evicted "traces dropped";
    longest_evict_ns "nanoseconds of the longest dropping";
}

macro_rules! aborts {
    ($($name:ident $sentence:literal;)*) => {
        /// Why a recording was given up.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Abort { $(#[doc = $sentence] $name,)* }

        impl Abort {
            pub const ALL: &'static [Abort] = &[$(Abort::$name,)*];

            pub fn sentence(self) -> &'static str {
                match self { $(Abort::$name => $sentence,)* }
            }
        }
    };
}

aborts! {
    TooLong "the trace got too long";
    LoopInCallee "an inlined function has a loop";
    LoopInInlined "a function that is inlined above has a loop";
    LoopInFunction "the function has a loop of its own";
    RecursionLimit "the recursion limit was reached";
    Inspected "a frame of the recording was inspected";
    AssumptionFell "an assumption fell while recording";
    Attention "somebody wanted the interpreter's attention";
    LeftAtOnce "the trace left at once";
    InnerRound "the trace above goes round an outer loop, and this is a round of its own loop";
    OtherLoop "another loop, which is not compiled yet, goes round too often";
    OtherVersion "the loop is to be traced for other types first";
}
