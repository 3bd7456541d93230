//! Random traces through the optimiser, against the reference evaluator.
//!
//! `FUZZ_TRACES` sets how many of each kind (some thousands by default), `FUZZ_SEED` where to begin. A failure prints
//! the seed, the trace and what became of it.

mod generate;
mod single;
mod system;

fn count() -> u64 {
    std::env::var("FUZZ_TRACES").ok().and_then(|text| text.parse().ok()).unwrap_or(4000)
}

fn first_seed() -> u64 {
    std::env::var("FUZZ_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// A trace alone: the same calls, exits and jumps before and after.
#[test]
fn traces_do_the_same() {
    (first_seed()..first_seed() + count()).for_each(single::check);
    let early = single::EARLY.load(std::sync::atomic::Ordering::Relaxed);
    println!("left early {early} times");
    assert!(early > 0);
}

/// A loop with bridges that grow at its exits and jump back into its body: the same calls and memory as the program.
#[test]
fn loops_with_bridges_do_the_same() {
    (first_seed()..first_seed() + count()).for_each(system::check);
    let counts = system::JUMPS.each_ref().map(|count| count.load(std::sync::atomic::Ordering::Relaxed));
    println!(
        "bridges to bodies {}, to starts {}; loops peeled {}, unpeeled {}",
        counts[0], counts[1], counts[2], counts[3]
    );
    assert!(counts.iter().all(|&seen| seen > 0), "{counts:?}");
}
