//! The example on clouds: what it prints, what it writes, and what it says to wrong input.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

/// Runs the example in a new empty directory, with `ADDER_JIT` set if `jit` is given.
fn run(directory: &Path, jit: Option<&str>, arguments: &[&str]) -> Output {
    fs::create_dir_all(directory).expect("directory made");
    let mut command = Command::new(crate::row::binary());
    command.arg(example().join("humidity.py")).args(arguments).current_dir(directory).env_remove("ADDER_JIT");
    if let Some(jit) = jit {
        command.env("ADDER_JIT", jit);
    }
    command.output().expect("binary starts")
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/clouds")
}

fn scratch(name: &str) -> PathBuf {
    env::temp_dir().join(format!("adder-example-{name}-{}", std::process::id()))
}

#[test]
fn all_frames_give_the_expected_table_and_a_picture() {
    let directory = scratch("all");
    let output = run(&directory, None, &[]);
    let expected = fs::read_to_string(example().join("expected.txt")).expect("expected.txt");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    let picture = fs::read(directory.join("humidity.png")).expect("picture");
    assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n") && picture.ends_with(b"IEND\xaeB`\x82"));
    // Two panels of 96 x 96 cells, four pixels a cell, and two cells between them.
    assert_eq!(picture[16..24], [0, 0, 3, 8, 0, 0, 1, 128]);
    fs::remove_dir_all(directory).expect("directory removed");
}

#[test]
fn some_frames_without_the_jit_and_with_a_low_threshold() {
    let expected = fs::read_to_string(example().join("expected.txt")).expect("expected.txt");
    for jit in ["off", "threshold=3,background=off"] {
        let directory = scratch(jit);
        let output = run(&directory, Some(jit), &["--frames", "20:22", "--out", "p.png"]);
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        let rows: Vec<&str> = out.lines().take(4).collect();
        assert_eq!(
            rows,
            expected
                .lines()
                .enumerate()
                .filter(|(i, _)| [0, 1, 22, 23].contains(i))
                .map(|(_, l)| l)
                .collect::<Vec<_>>()
        );
        assert!(out.contains("largest difference from the simulation's own RH: 1."), "{out}");
        fs::remove_dir_all(directory).expect("directory removed");
    }
}

#[test]
fn wrong_input_gives_one_clear_line() {
    let directory = scratch("wrong");
    let data = directory.join("data");
    fs::create_dir_all(&data).expect("directory made");
    for name in ["qc", "qr", "qv", "T", "p", "RH"] {
        fs::copy(example().join("data").join(format!("{name}.npy")), data.join(format!("{name}.npy"))).expect("copied");
    }
    let temperature = data.join("T.npy");
    let whole = fs::read(&temperature).expect("T.npy");
    let mut doubles = whole.clone();
    let at = doubles.windows(5).position(|w| w == b"'<f4'").expect("type in the header");
    doubles[at..at + 5].copy_from_slice(b"'<f8'");
    let wrong: [(&[u8], &str); 5] = [
        (&whole[..100_000], "truncated: 99872 bytes of data, its shape (61, 96, 96) needs 2248704"),
        (&whole[..50], "truncated in its header"),
        (&doubles, "holds '<f8', expected '<f4'"),
        (b"not a field at all", "not a .npy file"),
        (b"", "not a .npy file"),
    ];
    let fails = |message: &str| {
        let output = run(&directory, None, &["--data", "data"]);
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{err}");
        assert!(err.starts_with("humidity.py: data/T.npy: ") && err.contains(message), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    };
    for (bytes, message) in wrong {
        fs::write(&temperature, bytes).expect("written");
        fails(message);
    }
    fs::remove_file(&temperature).expect("removed");
    fails("No such file or directory");
    for (arguments, status) in
        [(&["--frames", "x"][..], 2), (&["--frames", "99"], 2), (&["--nonsense"], 2), (&["--help"], 0)]
    {
        assert_eq!(run(&directory, None, arguments).status.code(), Some(status), "{arguments:?}");
    }
    fs::remove_dir_all(directory).expect("directory removed");
}
