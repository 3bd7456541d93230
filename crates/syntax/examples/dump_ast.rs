//! Prints the trees of files for `tests/compare_trees_with_cpython.py`.

use syntax::{Mode, Options, decode_source, parse_ast};

fn main() {
    let thread = std::thread::Builder::new().stack_size(256 << 20);
    thread.spawn(dump_all).expect("a thread").join().expect("no panic");
}

fn dump_all() {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).expect("the file can be read");
        println!("!{path}");
        let Ok(source) = decode_source(&bytes) else {
            continue;
        };
        match parse_ast(&source, &path, Mode::Exec, Options::default()) {
            Ok(node) => println!("{node}"),
            Err(error) => println!("error {} {}", error.line, error.message),
        }
    }
}
