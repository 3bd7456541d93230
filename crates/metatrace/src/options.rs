//! The options of the JIT, one table; they come as one string, such as `threshold=3,bridge=5,log=trace,opt:FILE`.

/// An option's value as text: what a kind of option accepts.
trait OptionValue: Sized {
    fn parse(text: &str) -> Option<Self>;
    fn show(&self) -> String;
}

impl OptionValue for u32 {
    fn parse(text: &str) -> Option<u32> {
        text.parse().ok()
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl OptionValue for bool {
    fn parse(text: &str) -> Option<bool> {
        match text {
            "" | "1" | "on" | "true" => Some(true),
            "0" | "off" | "false" => Some(false),
            _ => None,
        }
    }
    fn show(&self) -> String {
        if *self { "on" } else { "off" }.to_string()
    }
}

/// Which backend compiles a trace first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum First {
    /// The processor's own.
    #[cfg(target_arch = "x86_64")]
    X64,
    Cranelift,
}

impl Default for First {
    fn default() -> First {
        #[cfg(target_arch = "x86_64")]
        return First::X64;
        #[cfg(not(target_arch = "x86_64"))]
        First::Cranelift
    }
}

impl OptionValue for First {
    fn parse(text: &str) -> Option<First> {
        match text {
            #[cfg(target_arch = "x86_64")]
            "x64" => Some(First::X64),
            "cranelift" => Some(First::Cranelift),
            _ => None,
        }
    }
    fn show(&self) -> String {
        match self {
            #[cfg(target_arch = "x86_64")]
            First::X64 => "x64",
            First::Cranelift => "cranelift",
        }
        .to_string()
    }
}

macro_rules! options {
    ($($name:ident: $ty:ident = $default:expr, $unit:literal, $sentence:literal;)*) => {
        /// The options of the JIT.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct Options {
            $(#[doc = $sentence] pub $name: $ty,)*
            /// What is logged, and where to.
            pub log: Log,
        }

        impl Default for Options {
            fn default() -> Options {
                Options { $($name: $default,)* log: Log::default() }
            }
        }

        impl Options {
            /// One line an option, for `--help` and the manual; these options are the defaults.
            pub fn help(&self) -> String {
                let mut text = String::new();
                $(text.push_str(&format!(
                    "{:<16}{:<12}{} (default {})\n",
                    stringify!($name), $unit, $sentence, OptionValue::show(&self.$name),
                ));)*
                text.push_str(LOG_HELP);
                text + &Log::help()
            }

            fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
                match name {
                    $(stringify!($name) => {
                        self.$name = <$ty as OptionValue>::parse(value)
                            .ok_or_else(|| format!("{name}: `{value}` is not {}", $unit))?;
                    })*
                    _ => return Err(format!("there is no option `{name}`")),
                }
                Ok(())
            }
        }
    };
}

options! {
    off: bool = false, "switch", "Never trace.";
    threshold: u32 = 200, "iterations", "Back edges of a loop before it is traced.";
    entry: u32 = 500, "calls", "Calls of a function before its entry is traced.";
    bridge: u32 = 150, "exits", "Exits through one guard before a bridge is traced from it.";
    variants: u32 = 12, "bridges", "Bridges one behind the other from one place of the program before the place is left to the interpreter.";
    tree: u32 = 500, "operations", "For each so many operations in bridges of a loop or function, exits are to be taken twice as often for one more; 0: no matter how many.";
    versions: u32 = 4, "traces", "A loop is traced again for values of other types than it was traced for, up to this many times in all.";
    trace_limit: u32 = 3000, "operations", "A longer trace is given up.";
    inline_depth: u32 = 10, "frames", "Calls below more frames of one trace are not inlined.";
    recursion: u32 = 1, "frames", "A function is inlined into itself this often.";
    unroll: u32 = 3, "rounds", "An inlined function whose loops go round more often is called instead.";
    retries: u32 = 6, "attempts", "A place whose recording failed more often is left to the interpreter.";
    budget: u32 = 2, "percent", "Recording and compiling take at most this share of the time, beside `reinvest`; 0: no limit. Without background there is none.";
    grace: u32 = 15, "ms", "And so much before that counts.";
    reinvest: u32 = 25, "percent", "And this share of what compiled code is taken to have gained.";
    memory: u32 = 131_072, "KiB", "When traces and their code take so much, all are dropped and what is hot is recorded anew.";
    double_run: bool = false, "switch", "Run each handler a second time at each event and compare (a test of the interpreter).";
    verify: bool = cfg!(debug_assertions), "switch", "Verify every trace, recorded and optimised.";
    background: bool = false, "switch", "Compile on a thread of its own while the interpreter goes on; which traces there are then depends on the time.";
    apart: u32 = 1500, "operations", "With `background` and without `explain`: a recording of so many operations or more is optimised on a thread of its own. Eight slots of frames at its exits count as an operation.";
    backend: First = First::default(), "backend", "What compiles each trace first: x64 (at once, where the processor is one) or cranelift, which compiles units in any case.";
    unit: u32 = 8000, "operations", "Traces that run into each other are compiled as one up to this size; 0: never.";
    explain: bool = false, "switch", "Have traces count their rounds, and note what exits saw and what could not be recorded, for `adder jit why`.";
    leave_once: bool = false, "switch", "Leave compiled code once through each exit although its guard holds (a test of exits); bridges assume no failure.";
    compile: bool = true, "switch", "Compile what was recorded; off, recording alone is tested.";
}

macro_rules! log_sections {
    ($($name:ident $sentence:literal;)*) => {
        /// What is logged.
        #[derive(Clone, PartialEq, Eq, Debug, Default)]
        pub struct Log {
            $(#[doc = $sentence] pub $name: bool,)*
            /// Where to; standard error if there is none.
            pub file: Option<String>,
        }

        impl Log {
            fn section(&mut self, name: &str) -> Result<&mut bool, String> {
                match name {
                    $(stringify!($name) => Ok(&mut self.$name),)*
                    _ => Err(format!("log: there is no section `{name}`")),
                }
            }

            /// One line a section, for `--help` and the manual.
            pub fn help() -> String {
                let mut text = String::new();
                $(text.push_str(&format!("    {:<12}{}\n", stringify!($name), $sentence));)*
                text
            }
        }
    };
}

log_sections! {
    trace "Each trace as it was recorded.";
    passes "Each trace after each pass, every pass on top of those before it in the table.";
    opt "Each trace as it is compiled.";
    clif "What the code generator is given.";
    asm "The machine code.";
    abort "Recordings given up, and why.";
    exit "Each exit that leads to the interpreter, when it is taken.";
    stats "At the end: what was counted.";
    coverage "At the end: which ways of recording, leaving and replaying were reached, and in which instructions.";
}

const LOG_HELP: &str =
    "log             sections    What to log, sections joined by commas; `:FILE` after the last writes to a file:\n";

impl Log {
    fn set(&mut self, section: &str) -> Result<(), String> {
        let (section, file) = match section.split_once(':') {
            Some((section, file)) => (section, Some(file.to_string())),
            None => (section, None),
        };
        *self.section(section)? = true;
        if file.is_some() {
            self.file = file;
        }
        Ok(())
    }
}

impl Options {
    /// Parses `name=value,switch,log=section,section:file`.
    pub fn parse(text: &str) -> Result<Options, String> {
        Options::default().with(text)
    }

    /// These options, but for what the text says.
    pub fn with(self, text: &str) -> Result<Options, String> {
        let mut options = self;
        let mut in_log = false;
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let (name, value) = item.split_once('=').unwrap_or((item, ""));
            if name == "log" {
                in_log = true;
                options.log.set(value)?;
            } else if in_log && !item.contains('=') && options.log.set(item).is_ok() {
                continue;
            } else {
                in_log = false;
                options.set(name, value)?;
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::{First, Log, Options};

    #[test]
    fn a_string_of_options() {
        let options = Options::parse("threshold=3,log=trace,opt:out.txt,double_run,bridge=5").unwrap();
        assert_eq!((options.threshold, options.bridge), (3, 5));
        assert!(options.double_run && options.log.trace && options.log.opt && !options.log.asm);
        assert_eq!(options.log.file.as_deref(), Some("out.txt"));
        assert!(options.log == Log { trace: true, opt: true, file: Some("out.txt".into()), ..Log::default() });
        assert!(Options::parse("nonsense").is_err() && Options::parse("log=nonsense").is_err());
        assert!(Options::parse("threshold=many").is_err() && Options::parse("backend=none").is_err());
        assert_eq!(Options::parse("backend=cranelift").unwrap().backend, First::Cranelift);
        assert!(Options::default().help().contains("threshold"));
    }
    /// docs/jit-log.md has the help text as it is.
    #[test]
    fn every_option_is_documented() {
        let page = include_str!("../../../docs/jit-log.md");
        for line in Options::default().help().lines().map(|line| line.split(" (default").next().expect("a line")) {
            assert!(page.contains(line), "docs/jit-log.md lacks the line\n{line}\n(copy it from `adder --help`)");
        }
    }
}
