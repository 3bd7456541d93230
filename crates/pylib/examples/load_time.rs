//! How long decoding the modules of start-up takes: `cargo run --release -p pylib --example load_time`.

use std::time::{Duration, Instant};

const START_UP: &[&str] = &[
    "encodings",
    "encodings.aliases",
    "encodings.utf_8",
    "codecs",
    "io",
    "abc",
    "site",
    "os",
    "stat",
    "_collections_abc",
    "posixpath",
    "genericpath",
    "_sitebuiltins",
    "importlib._bootstrap",
    "importlib._bootstrap_external",
];

const ROUNDS: usize = 50;

fn main() {
    let mut best = vec![Duration::MAX; START_UP.len()];
    let mut instructions = 0;
    for _ in 0..ROUNDS {
        instructions = 0;
        for (name, best) in START_UP.iter().zip(&mut best) {
            let module = pylib::embedded(name).expect("a module of start-up");
            let start = Instant::now();
            let code = module.code(module.path);
            *best = start.elapsed().min(*best);
            code.walk(&mut |code| instructions += code.instructions.len());
        }
    }
    for (name, best) in START_UP.iter().zip(&best) {
        println!("{name:<32} {best:>8.1?}");
    }
    println!("{instructions} instructions in {:.1?}", best.iter().sum::<Duration>());
}
