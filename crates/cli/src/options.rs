//! The command line, as CPython's.

use crate::{profile, why};
use interp::state::Config;
use std::sync::Arc;

/// What to run.
pub enum Program {
    /// `-c`.
    Command(String),
    /// `-m`.
    Module(String),
    File(String),
    /// `-`, or nothing while standard input is no terminal.
    Stdin,
    Prompt,
}

pub struct Invocation {
    pub program: Program,
    pub config: Config,
    pub jit: metatrace::Options,
    pub heap: heap::Config,
    pub profile: Option<profile::Request>,
    pub why: Option<why::Request>,
}

pub enum Parsed {
    Run(Box<Invocation>),
    /// `--help`, `-V`.
    Print(String),
}

const USAGE: &str = "usage: adder [option] ... [-c cmd | -m mod | file | -] [arg] ...";
const WHY_USAGE: &str = "usage: adder jit why [-o FILE] [--html FILE] [option] ... [-c cmd | -m mod | file] [arg] ...";

fn help() -> String {
    format!(
        "{USAGE}
       adder jit why [-o FILE] [--html FILE] [option] ... [-c cmd | -m mod | file] [arg] ...
         runs a program and tells, line by line, where its time went, what was compiled, what was not, and why: as text to
         standard error or FILE, or as a page
Options:
-c cmd : program passed in as string (terminates option list)
-b     : issue warnings about comparing bytes with str or converting bytes to str; -bb: errors
-B     : don't write .pyc files on import (none are written)
-d     : turn on parser debugging output (accepted, without effect)
-E     : ignore PYTHON* environment variables (such as PYTHONPATH)
-h     : print this help message and exit (also -? or --help)
-i     : inspect interactively after running script
-I     : isolate from the user's environment (implies -E and -P)
-m mod : run library module as a script (terminates option list)
-O     : remove assert and __debug__-dependent statements
-OO    : do -O changes and also discard docstrings
-P     : don't prepend a potentially unsafe path to sys.path
-q     : don't print version messages on interactive startup
-s     : don't add the user's site directory to sys.path
-S     : don't imply 'import site' on initialization
-u     : force the stdout and stderr streams to be unbuffered
-v     : verbose (trace import statements)
-V     : print the Python version number and exit (also --version)
-W arg : warning control; arg is action:message:category:module:lineno
-x     : skip first line of source, allowing use of non-Unix forms of #!cmd
-X opt : set an implementation-specific option: dev, utf8, no_debug_ranges, int_max_str_digits=N,
         tracemalloc[=FRAMES], heap=FILE (at the end, write what lives and the lines that made it: a table to
         FILE.txt and a picture to FILE.svg, or what a FILE that ends in .txt, .svg or .html says),
         profile[=FILE] (where the processor's time goes: a table to standard error, or to FILE.txt and a flame graph
         to FILE.svg, or what a FILE that ends in .txt, .svg, .json (speedscope) or .collapsed says),
         profile_rate=N (samples a second, default {})
file   : program read from script file
-      : program read from stdin (default; interactive mode if a tty)
arg ...: arguments passed to program in sys.argv[1:]

Environment, as Python's: PYTHONPATH, PYTHONSTARTUP, PYTHONUNBUFFERED, PYTHONOPTIMIZE, PYTHONWARNINGS, PYTHONINSPECT,
PYTHONBREAKPOINT, PYTHONSAFEPATH, PYTHONIOENCODING, PYTHONUTF8, PYTHONDEVMODE, PYTHONVERBOSE, PYTHONDONTWRITEBYTECODE,
PYTHONNOUSERSITE, PYTHONINTMAXSTRDIGITS, PYTHONNODEBUGRANGES, PYTHONTRACEMALLOC, PYTHON_HISTORY.

ADDER_JIT is a comma-separated list of options of the JIT:
{}
ADDER_GC is a comma-separated list of options of the collector (BYTES: a number, which K, M or G may follow):
{}",
        profile::RATE,
        jit_defaults().help(),
        heap_options_help()
    )
}

/// The options of the JIT where ADDER_JIT does not say otherwise.
fn jit_defaults() -> metatrace::Options {
    metatrace::Options { background: true, ..metatrace::Options::default() }
}

/// Splits the command line. An error is what to print before exiting with status 2.
pub fn parse(arguments: Vec<String>) -> Result<Parsed, String> {
    let executable = std::env::current_exe().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    let mut config = Config { executable, orig_arguments: arguments.clone(), ..Config::default() };
    let mut rest = arguments.into_iter().skip(1).peekable();
    let why = why_request(&mut rest)?;
    let mut program = None;
    while program.is_none() {
        let Some(argument) = rest.peek() else { break };
        if argument == "-" || !argument.starts_with('-') {
            break;
        }
        let argument = rest.next().expect("just seen");
        match argument.as_str() {
            "--help" => return Ok(Parsed::Print(help())),
            "--version" => return Ok(Parsed::Print(version())),
            "--" => break,
            long if long.starts_with("--") => {
                return Err(format!("unknown option {long}\n{USAGE}\nTry `adder -h' for more information."));
            }
            _ => {}
        }
        for (at, letter) in argument[1..].char_indices() {
            // The value of an option that takes one: the rest of this word, or the next.
            let mut value = |what: &str| {
                let tail = &argument[1 + at + letter.len_utf8()..];
                if !tail.is_empty() {
                    return Ok(tail.to_owned());
                }
                rest.next().ok_or_else(|| {
                    format!("Argument expected for the -{what} option\n{USAGE}\nTry `adder -h' for more information.")
                })
            };
            match letter {
                'c' => {
                    program = Some(Program::Command(value("c")? + "\n"));
                    break;
                }
                'm' => {
                    program = Some(Program::Module(value("m")?));
                    break;
                }
                'W' => {
                    let option = value("W")?;
                    config.warn_options.push(option);
                    break;
                }
                'X' => {
                    let option = value("X")?;
                    match option.split_once('=') {
                        Some((name, value)) => config.x_options.push((name.to_owned(), Some(value.to_owned()))),
                        None => config.x_options.push((option, None)),
                    }
                    break;
                }
                'h' | '?' => return Ok(Parsed::Print(help())),
                'V' => return Ok(Parsed::Print(version())),
                'i' => {
                    config.inspect = true;
                    config.interactive = true;
                }
                'E' => config.ignore_environment = true,
                'I' => {
                    config.isolated = true;
                    config.ignore_environment = true;
                    config.safe_path = true;
                }
                'b' => config.bytes_warning += 1,
                'B' => config.dont_write_bytecode = true,
                'd' => config.debug = true,
                'q' => config.quiet = true,
                's' => config.no_user_site = true,
                'x' => config.skip_first_line = true,
                'O' => config.optimize += 1,
                'P' => config.safe_path = true,
                'u' => config.unbuffered = true,
                'v' => config.verbose += 1,
                'S' => config.no_site = true,
                'R' => {}
                _ => {
                    return Err(format!("Unknown option: -{letter}\n{USAGE}\nTry `adder -h' for more information."));
                }
            }
        }
    }
    let program = program.unwrap_or_else(|| match rest.next() {
        Some(file) if file == "-" => Program::Stdin,
        Some(file) => Program::File(file),
        // SAFETY: asks about a file descriptor, nothing else.
        None if unsafe { libc::isatty(0) } == 1 || config.interactive => Program::Prompt,
        None => Program::Stdin,
    });
    let name = match &program {
        Program::Command(_) => "-c".to_owned(),
        Program::Module(_) => "-m".to_owned(),
        Program::File(file) => file.clone(),
        Program::Stdin if config.orig_arguments.iter().any(|argument| argument == "-") => "-".to_owned(),
        Program::Stdin | Program::Prompt => String::new(),
    };
    config.arguments = std::iter::once(name).chain(rest).collect();
    environment(&mut config)?;
    x_options(&mut config)?;
    let profile = profile_request(&config)?;
    let jit = metatrace::Options { explain: why.is_some(), ..jit_defaults() }
        .with(&std::env::var("ADDER_JIT").unwrap_or_default())
        .map_err(|message| format!("adder: ADDER_JIT: {message}"))?;
    let heap = heap_options(&std::env::var("ADDER_GC").unwrap_or_default())?;
    Ok(Parsed::Run(Box::new(Invocation { program, config, jit, heap, profile, why })))
}

fn version() -> String {
    let [major, minor, micro] = stdlib::sys::VERSION;
    format!("Python {major}.{minor}.{micro} (Adder {})\n", env!("CARGO_PKG_VERSION"))
}

/// The PYTHON* variables.
fn environment(config: &mut Config) -> Result<(), String> {
    let get = |name: &str| {
        if config.ignore_environment {
            return None;
        }
        std::env::var(name).ok().filter(|value| !value.is_empty())
    };
    let path = get("PYTHONPATH").map(|path| path.split(':').map(str::to_owned).collect()).unwrap_or_default();
    let unbuffered = get("PYTHONUNBUFFERED").is_some();
    let inspect = get("PYTHONINSPECT").is_some();
    let safe_path = get("PYTHONSAFEPATH").is_some();
    let optimize = get("PYTHONOPTIMIZE").map_or(0, |value| value.parse::<u8>().unwrap_or(1).max(1));
    let warnings: Vec<String> =
        get("PYTHONWARNINGS").map(|value| value.split(',').map(str::to_owned).collect()).unwrap_or_default();
    let (dont_write, no_user_site) = (get("PYTHONDONTWRITEBYTECODE").is_some(), get("PYTHONNOUSERSITE").is_some());
    let verbose = get("PYTHONVERBOSE").map_or(0, |value| value.parse::<u8>().unwrap_or(1).max(1));
    let utf8 = get("PYTHONUTF8").is_some_and(|value| value == "1");
    let dev_mode = get("PYTHONDEVMODE").is_some();
    let no_debug_ranges = get("PYTHONNODEBUGRANGES").is_some();
    let digits = get("PYTHONINTMAXSTRDIGITS");
    let trace_frames = get("PYTHONTRACEMALLOC");
    let io_encoding = get("PYTHONIOENCODING");
    let hash_seed = get("PYTHONHASHSEED");
    if let Some(seed) = hash_seed.filter(|seed| seed != "random" && seed.parse::<u32>().is_err()) {
        return Err(format!(
            "adder: PYTHONHASHSEED must be \"random\" or an integer in range [0; 4294967295], not {seed:?}"
        ));
    }
    if let Some(frames) = trace_frames.filter(|frames| frames != "0") {
        let frames = trace_depth(&frames).ok_or("adder: PYTHONTRACEMALLOC: invalid number of frames")?;
        config.trace_allocations = Some(frames);
    }
    if let Some(digits) = digits {
        config.int_max_str_digits = Some(max_digits(&digits).ok_or("adder: PYTHONINTMAXSTRDIGITS: invalid limit")?);
    }
    if let Some(both) = io_encoding {
        let (encoding, errors) = both.split_once(':').unwrap_or((&both, ""));
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let encoding = given(encoding);
        // Without a word on errors they are strict.
        config.io_encoding = (encoding, given(errors).or(Some("strict".to_owned())));
    }
    config.dont_write_bytecode |= dont_write;
    config.no_user_site |= no_user_site;
    config.verbose = config.verbose.max(verbose);
    config.utf8_mode |= utf8;
    config.dev_mode |= dev_mode;
    config.no_debug_ranges |= no_debug_ranges;
    config.search_path = path;
    config.unbuffered |= unbuffered;
    config.inspect |= inspect;
    config.safe_path |= safe_path;
    config.optimize = config.optimize.max(optimize);
    config.warn_options.splice(0..0, warnings);
    Ok(())
}

/// A limit of the digits of an int as text: none (0), or at least 640.
fn max_digits(text: &str) -> Option<i64> {
    text.parse().ok().filter(|&digits: &i64| digits == 0 || digits >= 640)
}

/// How many frames of each traceback tracemalloc keeps.
fn trace_depth(text: &str) -> Option<i64> {
    text.parse().ok().filter(|frames| (1..=i64::from(u16::MAX)).contains(frames))
}

/// The `-X` options that mean something here; the others only stand in `sys._xoptions`.
fn x_options(config: &mut Config) -> Result<(), String> {
    for (name, value) in &config.x_options {
        match (name.as_str(), value.as_deref()) {
            ("utf8", None | Some("1")) => config.utf8_mode = true,
            ("utf8", Some("0")) => config.utf8_mode = false,
            ("utf8", Some(_)) => return Err("adder: invalid -X utf8 option value".to_owned()),
            ("dev", _) => config.dev_mode = true,
            ("heap", file) => {
                let file = file.filter(|file| !file.is_empty()).ok_or("adder: -X heap=FILE: no file is named")?;
                config.heap_report = Some(file.to_owned());
            }
            ("tracemalloc", Some("0")) => config.trace_allocations = None,
            ("tracemalloc", value) => {
                let frames = trace_depth(value.unwrap_or("1"));
                let message = "adder: -X tracemalloc=NFRAME: invalid number of frames";
                config.trace_allocations = Some(frames.ok_or(message)?);
            }
            ("no_debug_ranges", _) => config.no_debug_ranges = true,
            ("int_max_str_digits", value) => {
                let digits = value.and_then(max_digits);
                config.int_max_str_digits = Some(digits.ok_or("adder: -X int_max_str_digits: invalid limit")?);
            }
            _ => {}
        }
    }
    if config.dev_mode {
        config.warn_options.insert(0, "default".to_owned());
    }
    match config.bytes_warning {
        0 => {}
        1 => config.warn_options.push("default::BytesWarning".to_owned()),
        _ => config.warn_options.push("error::BytesWarning".to_owned()),
    }
    Ok(())
}

/// The words behind `jit why`, if the command line begins with these. A program named `jit` goes first.
fn why_request(
    rest: &mut std::iter::Peekable<impl Iterator<Item = String> + Clone>,
) -> Result<Option<why::Request>, String> {
    let mut ahead = rest.clone();
    let is_asked = ahead.next().as_deref() == Some("jit") && ahead.next().as_deref() == Some("why");
    let is_program = || std::path::Path::new("jit").is_file() || std::path::Path::new("jit/__main__.py").is_file();
    if !is_asked || is_program() {
        return Ok(None);
    }
    rest.by_ref().take(2).for_each(drop);
    let mut request = why::Request::default();
    loop {
        let wanted = match rest.peek().map(String::as_str) {
            Some("-o") => &mut request.text,
            Some("--html") => &mut request.html,
            Some(_) => return Ok(Some(request)),
            None => return Err(format!("adder: jit why: no program is named\n{WHY_USAGE}")),
        };
        let option = rest.next().expect("just seen");
        let file = rest.next().ok_or_else(|| format!("Argument expected for the {option} option\n{WHY_USAGE}"))?;
        *wanted = Some(file);
    }
}

/// What `-X profile` and `-X profile_rate` ask for.
fn profile_request(config: &Config) -> Result<Option<profile::Request>, String> {
    let option = |wanted: &str| config.x_options.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value);
    let rate = match option("profile_rate") {
        None => profile::RATE,
        Some(value) => {
            let rate = value.as_deref().and_then(|value| value.parse().ok());
            let fits = rate.filter(|rate| (1..=profile::MOST_RATE).contains(rate));
            fits.ok_or(format!("adder: -X profile_rate=N: N is from 1 to {}", profile::MOST_RATE))?
        }
    };
    Ok(option("profile").map(|file| profile::Request { file: file.clone().filter(|file| !file.is_empty()), rate }))
}

/// An option of ADDER_GC: its name, its value as the help shows it, a sentence, and what it sets, or why it cannot.
struct HeapOption {
    name: &'static str,
    value: &'static str,
    sentence: &'static str,
    set: fn(&mut heap::Config, &str) -> Result<(), String>,
}

const HEAP_OPTIONS: &[HeapOption] = &[
    HeapOption {
        name: "stress",
        value: "N",
        sentence: "collect at every allocation, every N-th time fully; freed memory is poisoned",
        set: |config, value| {
            config.stress = number(value)? as u32;
            config.poison = true;
            Ok(())
        },
    },
    HeapOption {
        name: "verify",
        value: "N",
        sentence: "check the heap after every N-th collection",
        set: |config, value| number(value).map(|n| config.verify = n as u32),
    },
    HeapOption {
        name: "poison",
        value: "0|1",
        sentence: "fill freed memory with a pattern that faults when it is used as a pointer",
        set: |config, value| number(value).map(|n| config.poison = n != 0),
    },
    HeapOption {
        name: "nursery",
        value: "BYTES",
        sentence: "allocation between two minor collections",
        set: |config, value| bytes(value).map(|n| config.nursery_bytes = n),
    },
    HeapOption {
        name: "max",
        value: "BYTES",
        sentence: "the heap's limit, beyond which MemoryError is raised; 0: what the system gives",
        set: |config, value| bytes(value).map(|n| config.max_bytes = n),
    },
    HeapOption {
        name: "mark",
        value: "UNITS",
        sentence: "marking in a step of a full collection; 0: as much as the heap's growth demands",
        set: |config, value| number(value).map(|n| config.mark_step = n),
    },
    HeapOption {
        name: "clock",
        value: "wall|cpu",
        sentence: "what pauses are measured by: time, or the processor time of this thread, where others use the processor",
        set: |config, value| match value {
            "wall" | "cpu" => {
                config.processor_clock = value == "cpu";
                Ok(())
            }
            _ => Err(format!("`{value}` is neither `wall` nor `cpu`")),
        },
    },
    HeapOption {
        name: "log",
        value: "FILE",
        sentence: "a line for each part of each collection: when, what, how long",
        set: |config, value| {
            let file = std::fs::File::create(value).map_err(|error| format!("cannot write `{value}`: {error}"))?;
            config.log = Some(Arc::new(file));
            Ok(())
        },
    },
];

fn number(value: &str) -> Result<usize, String> {
    value.parse().map_err(|_| format!("`{value}` is no number"))
}

/// A number of bytes, or of the unit that a K, M or G behind it names.
fn bytes(value: &str) -> Result<usize, String> {
    let digits = value.trim_end_matches(['K', 'M', 'G']);
    let shift = match &value[digits.len()..] {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return Err(format!("`{value}` is no number")),
    };
    number(digits)?.checked_mul(1 << shift).ok_or_else(|| format!("`{value}` is too much"))
}

fn heap_options_help() -> String {
    let row = |option: &HeapOption| format!("{:<16}{:<12}{}\n", option.name, option.value, option.sentence);
    HEAP_OPTIONS.iter().map(row).collect()
}

/// `name=value` or `name:value`; a name alone is `name=1`.
fn heap_options(text: &str) -> Result<heap::Config, String> {
    let mut config = heap::Config::default();
    for option in text.split(',').filter(|option| !option.is_empty()) {
        let (name, value) = option.split_once(['=', ':']).unwrap_or((option, "1"));
        let Some(row) = HEAP_OPTIONS.iter().find(|row| row.name == name) else {
            return Err(format!("adder: ADDER_GC: there is no option `{name}`"));
        };
        (row.set)(&mut config, value).map_err(|message| format!("adder: ADDER_GC: {name}: {message}"))?;
    }
    Ok(config)
}
