//! `cargo xtask fuzz-python`: random programs under adder in three modes and under the reference Python.
//!
//! A program whose output differs is shrunk and written to fuzz-failures/SEED.py, with what each run printed.

mod generate;
mod random;
mod shrink;
mod snippets;

use crate::{Interpreters, root};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

const TIMEOUT: Duration = Duration::from_secs(60);

struct Options {
    programs: u64,
    seed: u64,
    jobs: usize,
    coverage: bool,
    /// Print the program of the seed and stop.
    print: bool,
}

pub fn run(arguments: &[String]) -> Result<bool, String> {
    let options = parse(arguments)?;
    if options.print {
        print!("{}", generate::program(options.seed));
        return Ok(true);
    }
    if options.coverage {
        return coverage(&options);
    }
    let interpreters = Interpreters::find()?;
    let next = AtomicU64::new(options.seed);
    let failures = Mutex::new(Vec::new());
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= options.seed + options.programs {
                        break;
                    }
                    if let Some(report) = check(&interpreters, seed) {
                        eprintln!("program {seed} differs: {report}");
                        failures.lock().expect("no thread panicked").push(seed);
                    }
                    if seed % 500 == 499 {
                        eprintln!("{} programs, {:.0} s", seed + 1 - options.seed, started.elapsed().as_secs_f64());
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no thread panicked");
    println!("{} random Python programs, {} with a difference", options.programs, failures.len());
    Ok(failures.is_empty())
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options { programs: 1000, seed: 1, jobs: 2, coverage: false, print: false };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--coverage" => {
                options.coverage = true;
                continue;
            }
            "--print" => {
                options.print = true;
                continue;
            }
            _ => {}
        }
        let number: u64 = arguments.next().and_then(|n| n.parse().ok()).ok_or(format!("{argument} needs a number"))?;
        match argument.as_str() {
            "--programs" => options.programs = number,
            "--seed" => options.seed = number,
            "--jobs" => options.jobs = number as usize,
            _ => return Err(format!("fuzz-python has no option {argument}")),
        }
    }
    Ok(options)
}

/// Runs one program everywhere; what was saved about a difference, or None.
fn check(interpreters: &Interpreters, seed: u64) -> Option<String> {
    let program = generate::program(seed);
    let runs = differing(interpreters, &program, &format!("{seed}"))?;
    let small =
        shrink::shrink(&program, |candidate| differing(interpreters, candidate, &format!("{seed}-small")).is_some());
    let directory = root().join("fuzz-failures");
    fs::create_dir_all(&directory).expect("directory for failures");
    let path = directory.join(format!("{seed}.py"));
    let runs = differing(interpreters, &small, &format!("{seed}-small")).unwrap_or(runs);
    let mut text = small;
    for (name, output) in runs {
        text += &format!("\n# {name}:\n");
        text.extend(output.lines().map(|line| format!("#   {line}\n")));
    }
    fs::write(&path, text).expect("failure written");
    Some(path.display().to_string())
}

/// What each interpreter printed, if they do not all agree. A program that the reference cannot run to its end is no test.
fn differing(interpreters: &Interpreters, program: &str, name: &str) -> Option<Vec<(&'static str, String)>> {
    let directory = env::temp_dir().join(format!("adder-fuzz-{}-{name}", std::process::id()));
    fs::create_dir_all(&directory).expect("directory made");
    let path = directory.join("program.py");
    fs::write(&path, program).expect("program written");
    let reference = output(&interpreters.python, None, &path);
    let mut runs = vec![("reference", reference.clone())];
    if reference.starts_with("status 0\n") {
        for (name, jit) in [("jit", None), ("off", Some("off")), ("threshold=3", Some("threshold=3,background=off"))] {
            runs.push((name, output(&interpreters.adder, jit, &path)));
        }
    }
    fs::remove_dir_all(&directory).expect("directory removed");
    runs.iter().any(|(_, text)| *text != reference).then_some(runs)
}

fn output(interpreter: &str, jit: Option<&str>, program: &Path) -> String {
    let out = program.with_extension("out");
    let mut command = Command::new(interpreter);
    command.arg(program).env_remove("ADDER_JIT").stderr(Stdio::null());
    command.stdout(fs::File::create(&out).expect("output file"));
    if let Some(jit) = jit {
        command.env("ADDER_JIT", jit);
    }
    let mut child = command.spawn().expect("interpreter starts");
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("waited for") {
            break match status.code() {
                Some(code) => format!("status {code}"),
                None => format!("{status}"),
            };
        }
        if started.elapsed() > TIMEOUT {
            _ = child.kill();
            _ = child.wait();
            break "no end".into();
        }
        thread::sleep(Duration::from_millis(1));
    };
    format!("{status}\n{}", String::from_utf8_lossy(&fs::read(&out).expect("output")))
}

/// Prints which opcodes the programs contain, and which none does, as the reference's `dis` names them.
fn coverage(options: &Options) -> Result<bool, String> {
    const COUNT: &str = "
import dis, sys, types, collections
counts = collections.Counter()
def walk(code):
    for instruction in dis.get_instructions(code):
        counts[instruction.opname] += 1
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType): walk(constant)
for path in sys.argv[1:]:
    with open(path) as file: walk(compile(file.read(), path, 'exec'))
never = {'CACHE', 'RESERVED', 'EXTENDED_ARG', 'INTERPRETER_EXIT', 'EXIT_INIT_CHECK', 'ENTER_EXECUTOR', 'INSTRUMENTED_LINE'}
missing = [name for name, code in dis.opmap.items() if name not in counts and name not in never and code < 255 and not name.startswith('INSTRUMENTED') and not dis.opname[code].startswith('<')]
missing = [name for name in missing if name not in getattr(dis, '_specialized_opmap', {})]
for name, count in counts.most_common(): print(f'{count:9} {name}')
print('in no program:', ' '.join(sorted(missing)) or 'none')
";
    let directory: PathBuf = env::temp_dir().join(format!("adder-coverage-{}", std::process::id()));
    fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
    let mut paths = Vec::new();
    for seed in options.seed..options.seed + options.programs {
        let path = directory.join(format!("{seed}.py"));
        fs::write(&path, generate::program(seed)).map_err(|error| error.to_string())?;
        paths.push(path);
    }
    let python = env::var("REFERENCE_PYTHON").unwrap_or_else(|_| "python3.14".into());
    let status = Command::new(&python).args(["-W", "ignore", "-c", COUNT]).args(&paths).status();
    fs::remove_dir_all(&directory).map_err(|error| error.to_string())?;
    Ok(status.map_err(|error| format!("{python}: {error}"))?.success())
}
