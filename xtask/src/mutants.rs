//! `cargo xtask mutants`: puts faults into a copy of the tree, one at a time, and runs the nets until one catches it.
//!
//! The faults stand in xtask/mutants.txt, the copy and its build in target/mutants. A mutant is *killed* by the first net that
//! fails, and *survives* if none does. One that does not compile is no mutant: it counts as a fault of the list.

use crate::root;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A test command, and the crates whose faults it can see.
struct Net {
    name: &'static str,
    package: &'static str,
    arguments: &'static [&'static str],
    sees: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
}

/// Cheap ones first.
const NETS: &[Net] = &[
    Net { name: "filetests", package: "opt", arguments: &["--test", "filetests"], sees: &["opt"], variables: &[] },
    Net {
        name: "random traces",
        package: "opt",
        arguments: &["--test", "fuzz"],
        sees: &["opt"],
        variables: &[("FUZZ_TRACES", "20000")],
    },
    Net {
        name: "random code",
        package: "codegen",
        arguments: &["--lib", "--test", "x64"],
        sees: &["codegen"],
        variables: &[("CODEGEN_FUZZ", "4000")],
    },
    Net {
        name: "replay tests",
        package: "toy",
        arguments: &["--test", "programs"],
        sees: &["opt", "metatrace"],
        variables: &[],
    },
    Net {
        name: "random toy programs",
        package: "toy",
        arguments: &["--test", "fuzz"],
        sees: &["opt", "metatrace"],
        variables: &[("TOY_FUZZ", "0..1500")],
    },
    Net {
        name: "hard cases",
        package: "cli",
        arguments: &["--test", "pages", "--", "hard/"],
        sees: &["metatrace", "interp"],
        variables: &[],
    },
    Net {
        name: "rewired graph",
        package: "heap",
        arguments: &["--test", "rewired_graph"],
        sees: &["heap"],
        variables: &[],
    },
    Net {
        name: "shadow graph",
        package: "heap",
        arguments: &["--test", "shadow_graph"],
        sees: &["heap"],
        variables: &[("HEAP_FUZZ", "28,2000")],
    },
    Net {
        name: "promises of the heap",
        package: "heap",
        arguments: &["--test", "behaviour", "--test", "pressure", "--test", "pace"],
        sees: &["heap"],
        variables: &[],
    },
    Net {
        name: "random Python programs",
        package: "cli",
        arguments: &["--test", "fuzz"],
        sees: &["opt", "metatrace", "objects", "interp"],
        variables: &[],
    },
];

/// How long a net may run: a mutant may loop for ever.
const TIMEOUT: Duration = Duration::from_secs(900);

struct Mutant {
    name: String,
    file: String,
    sentence: String,
    old: String,
    new: String,
}

pub fn run(arguments: &[String]) -> Result<bool, String> {
    let (mut only, mut without_python, mut check) = (Vec::new(), false, false);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--only" => only.push(arguments.next().ok_or("--only needs a part of a mutant's name")?.clone()),
            "--without-python" => without_python = true,
            "--check" => check = true,
            _ => return Err(format!("mutants has no option {argument}")),
        }
    }
    let mutants = parse(&fs::read_to_string(root().join("xtask/mutants.txt")).map_err(|error| error.to_string())?)?;
    for mutant in &mutants {
        mutant.applied(&root())?;
    }
    if check {
        println!("{} mutants, each applies", mutants.len());
        return Ok(true);
    }
    let mutants: Vec<Mutant> =
        mutants.into_iter().filter(|m| only.is_empty() || only.iter().any(|part| m.name.contains(part))).collect();
    let nets: Vec<&Net> = NETS.iter().filter(|net| !without_python || net.package != "cli").collect();
    let tree = copy_tree()?;
    let baseline: Vec<&&Net> = nets.iter().filter(|net| mutants.iter().any(|mutant| net.sees_mutant(mutant))).collect();
    for net in baseline {
        if net.run(&tree)? != Verdict::Passes {
            return Err(format!("{} fails without a mutant", net.name));
        }
    }
    let (mut survivors, count) = (Vec::new(), mutants.len());
    for mutant in mutants {
        let path = tree.join(&mutant.file);
        let original = fs::read_to_string(&path).map_err(|error| error.to_string())?;
        fs::write(&path, mutant.applied(&tree)?).map_err(|error| error.to_string())?;
        let started = Instant::now();
        let killer = nets.iter().filter(|net| net.sees_mutant(&mutant)).find_map(|net| match net.run(&tree) {
            Ok(Verdict::Passes) => None,
            Ok(Verdict::Fails) => Some(Ok(net.name)),
            Ok(Verdict::DoesNotBuild) => Some(Err(format!("{} does not build", mutant.name))),
            Err(error) => Some(Err(error)),
        });
        fs::write(&path, original).map_err(|error| error.to_string())?;
        let verdict = killer.transpose()?.map_or("SURVIVES".into(), |net| format!("killed by {net}"));
        println!("{:34} {verdict}  ({:.0} s)  {}", mutant.name, started.elapsed().as_secs_f64(), mutant.sentence);
        if verdict == "SURVIVES" {
            survivors.push(mutant.name);
        }
    }
    println!("{} of {count} mutants killed", count - survivors.len());
    Ok(survivors.is_empty())
}

fn parse(text: &str) -> Result<Vec<Mutant>, String> {
    let mut mutants: Vec<Mutant> = Vec::new();
    for line in text.lines() {
        let add = |to: &mut String, line: &str| {
            if !to.is_empty() {
                to.push('\n');
            }
            to.push_str(line);
        };
        if let Some(head) = line.strip_prefix("@ ") {
            let (name, file) = head.split_once(' ').ok_or(format!("`{line}`: a name and a file"))?;
            mutants.push(Mutant {
                name: name.into(),
                file: file.into(),
                sentence: String::new(),
                old: String::new(),
                new: String::new(),
            });
            continue;
        }
        let Some(mutant) = mutants.last_mut() else { continue };
        match line.chars().next() {
            Some('-') => add(&mut mutant.old, &line[1..]),
            Some('+') => add(&mut mutant.new, &line[1..]),
            Some(_) => add(&mut mutant.sentence, line),
            None => {}
        }
    }
    Ok(mutants)
}

impl Mutant {
    /// The file's text with the fault.
    fn applied(&self, tree: &Path) -> Result<String, String> {
        let text = fs::read_to_string(tree.join(&self.file)).map_err(|error| format!("{}: {error}", self.file))?;
        match text.matches(&self.old).count() {
            1 => Ok(text.replacen(&self.old, &self.new, 1)),
            count => Err(format!("{}: its text is there {count} times in {}", self.name, self.file)),
        }
    }
}

#[derive(PartialEq, Eq)]
enum Verdict {
    Passes,
    Fails,
    DoesNotBuild,
}

impl Net {
    fn sees_mutant(&self, mutant: &Mutant) -> bool {
        self.sees.iter().any(|name| mutant.file.starts_with(&format!("crates/{name}/")))
    }

    fn run(&self, tree: &Path) -> Result<Verdict, String> {
        let cargo = |more: &[&str]| {
            let mut command = Command::new("cargo");
            command.current_dir(tree).args(["test", "--quiet", "--ignore-rust-version", "-p", self.package]);
            command.args(more).args(self.arguments).envs(self.variables.iter().copied());
            // The Python programs are to run under the adder of the copy.
            command.env("CARGO_TARGET_DIR", tree.with_file_name("build")).env_remove("ADDER");
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        let status = cargo(&["--no-run"]).status().map_err(|error| format!("cargo: {error}"))?;
        if !status.success() {
            return Ok(Verdict::DoesNotBuild);
        }
        let mut child = cargo(&[]).spawn().map_err(|error| format!("cargo: {error}"))?;
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                return Ok(if status.success() { Verdict::Passes } else { Verdict::Fails });
            }
            if started.elapsed() > TIMEOUT {
                _ = child.kill();
                _ = child.wait();
                return Ok(Verdict::Fails);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The files that git knows, in target/mutants/tree. Those that are the same already stay, so that little is built anew.
fn copy_tree() -> Result<PathBuf, String> {
    let tree = root().join("target/mutants/tree");
    let listed = Command::new("git").current_dir(root()).args(["ls-files", "-co", "--exclude-standard"]).output();
    let listed = listed.map_err(|error| format!("git: {error}"))?;
    for name in String::from_utf8_lossy(&listed.stdout).lines() {
        let (from, to) = (root().join(name), tree.join(name));
        let Ok(bytes) = fs::read(&from) else { continue };
        if fs::read(&to).is_ok_and(|known| known == bytes) {
            continue;
        }
        let parent = to.parent().expect("a file in the tree");
        fs::create_dir_all(parent).and_then(|()| fs::write(&to, bytes)).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(tree)
}
