//! A row of the command-line table: how the binary is started and what must come of it.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs};

#[derive(Clone)]
pub struct Row {
    arguments: Vec<String>,
    files: Vec<(String, String)>,
    environment: Vec<(String, String)>,
    stdin: String,
    out: Expected,
    /// Texts that standard error must contain; none: it must be empty unless `any_err`.
    err: Vec<String>,
    any_err: bool,
    status: i32,
}

#[derive(Clone)]
enum Expected {
    Exactly(Vec<u8>),
    Containing(Vec<String>),
}

pub fn row(arguments: &[&str]) -> Row {
    Row {
        arguments: arguments.iter().map(|a| a.to_string()).collect(),
        files: Vec::new(),
        environment: Vec::new(),
        stdin: String::new(),
        out: Expected::Exactly(Vec::new()),
        err: Vec::new(),
        any_err: false,
        status: 0,
    }
}

impl Row {
    pub fn file(mut self, name: &str, text: &str) -> Row {
        self.files.push((name.into(), text.into()));
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Row {
        self.environment.push((name.into(), value.into()));
        self
    }

    pub fn stdin(mut self, text: &str) -> Row {
        self.stdin = text.into();
        // The prompts of an interactive run go to standard error.
        self.any_err = true;
        self
    }

    pub fn out(self, text: &str) -> Row {
        self.out_bytes(text.as_bytes())
    }

    pub fn out_bytes(mut self, bytes: &[u8]) -> Row {
        self.out = Expected::Exactly(bytes.to_vec());
        self
    }

    pub fn out_has(mut self, text: &str) -> Row {
        match &mut self.out {
            Expected::Containing(texts) => texts.push(text.into()),
            Expected::Exactly(_) => self.out = Expected::Containing(vec![text.into()]),
        }
        self
    }

    pub fn err(mut self, text: &str) -> Row {
        self.err.push(text.into());
        self
    }

    pub fn any_err(mut self) -> Row {
        self.any_err = true;
        self
    }

    /// The exit status; of a run that a signal ended, minus its number.
    pub fn status(mut self, status: i32) -> Row {
        self.status = status;
        self
    }

    /// Ended as after Ctrl-C: a shell reports 130 for the signal itself and for that status alike.
    pub fn interrupted(self) -> Row {
        self.status(130)
    }
}

/// Runs all rows; panics with all that differ.
pub fn check(rows: &[Row]) {
    let failures: Vec<String> = rows.iter().filter_map(run).collect();
    assert!(failures.is_empty(), "{} of {} rows differ:\n{}", failures.len(), rows.len(), failures.join("\n"));
}

/// What differs, or None.
fn run(row: &Row) -> Option<String> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let unique = format!("adder-cli-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let directory = env::temp_dir().join(unique);
    fs::create_dir_all(&directory).expect("directory made");
    for (name, text) in &row.files {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().expect("in the directory")).expect("directory made");
        fs::write(path, text).expect("file written");
    }
    let mut command = Command::new(binary());
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("PYTHON") {
            command.env_remove(name);
        }
    }
    let mut child = command
        .args(&row.arguments)
        .env_remove("ADDER_JIT")
        .env("LC_ALL", "C.UTF-8")
        .envs(row.environment.iter().map(|(k, v)| (k, v)))
        .current_dir(&directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("binary starts");
    // A program that ends without reading its input closes the pipe early: no error of ours.
    _ = child.stdin.take().expect("piped").write_all(row.stdin.as_bytes());
    let output = child.wait_with_output().expect("waited for");
    fs::remove_dir_all(&directory).expect("directory removed");

    use std::os::unix::process::ExitStatusExt;
    let status = match output.status.code() {
        Some(code) => code,
        None if row.status == 130 && output.status.signal() == Some(2) => 130,
        None => -output.status.signal().unwrap_or(0),
    };
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let out_fits = match &row.out {
        Expected::Exactly(bytes) => output.stdout == *bytes,
        Expected::Containing(texts) => texts.iter().all(|t| out.contains(t.as_str())),
    };
    let err_fits = row.err.iter().all(|t| err.contains(t.as_str()))
        && (row.any_err || !row.err.is_empty() || output.stderr.is_empty());
    if status == row.status && out_fits && err_fits {
        return None;
    }
    Some(format!("adder {:?}\n  status {status}, expected {}\n  out {out:?}\n  err {err:?}", row.arguments, row.status))
}

/// The binary to test: what `ADDER` names, or the one built for the tests.
pub fn binary() -> PathBuf {
    // A shell starts what runs in the background with SIGINT ignored, and programs inherit that: they would wait for it in vain.
    // SAFETY: it is the default action, and no code of this process runs when the signal comes.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    let named = env::var("ADDER").ok().or(option_env!("CARGO_BIN_EXE_adder").map(String::from));
    PathBuf::from(named.expect("ADDER names the binary to test"))
}
