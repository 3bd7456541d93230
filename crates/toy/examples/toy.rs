//! Runs a program of the toy language: `toy FILE [options of the JIT]`.

use metatrace::Options;
use toy::{RunOptions, Vm};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, file, options @ ..] = &args[..] else {
        eprintln!("toy FILE [OPTIONS]\n{}", Options::default().help());
        std::process::exit(2);
    };
    let program = std::fs::read_to_string(file).expect("the file can be read");
    let jit = Options::parse(&options.join(",")).unwrap_or_else(|error| panic!("{error}"));
    let options = RunOptions { jit, ..RunOptions::default() };
    let mut vm = Vm::new(&program, &options).unwrap_or_else(|error| panic!("{error:?}"));
    let started = std::time::Instant::now();
    let result = vm.run();
    for line in &vm.output {
        println!("{line}");
    }
    println!("{result:?} in {:.3} s", started.elapsed().as_secs_f64());
}
