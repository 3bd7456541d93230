//! Random programs do the same with the JIT as without. `TOY_FUZZ=first..last` runs these seeds instead of a few hundred,
//! `TOY_STRESS=1` with the collector at work at every allocation.

use toy::fuzz;

#[test]
fn random_programs() {
    let range = std::env::var("TOY_FUZZ").unwrap_or("0..400".into());
    let (first, last) = range.split_once("..").expect("TOY_FUZZ=first..last");
    let (first, last): (u64, u64) = (first.parse().unwrap(), last.parse().unwrap());
    let stress = std::env::var("TOY_STRESS").is_ok();
    let work = move || {
        let (mut traces, mut bridges, mut replayed, mut fallen, mut forced, mut at_will) = (0, 0, 0, 0, 0, 0);
        let mut apart = 0;
        for seed in first..last {
            if std::env::var("TOY_VERBOSE").is_ok() {
                eprintln!("seed {seed}");
            }
            let counters = fuzz::check(seed, stress).unwrap_or_else(|error| panic!("{error}"));
            traces += counters.loops + counters.functions;
            bridges += counters.bridges;
            assert_eq!(counters.refused, 0);
            replayed += counters.exits_replayed;
            fallen += counters.fallen;
            forced += counters.forced;
            at_will += counters.exits_at_will;
            apart += counters.optimized_behind;
        }
        println!("{traces} traces, {bridges} bridges, {replayed} replayed exits, {fallen} fallen, {forced} inspected");
        println!("{at_will} exits taken although their guards held, {apart} traces optimised on another thread");
        if last - first >= 100 {
            assert!(
                traces > 0 && bridges > 0 && replayed > 0 && fallen > 0 && at_will > 0 && apart > 0,
                "the programs exercise too little"
            );
        }
    };
    // Deep recursion of the guest in mid-handler is recursion of the interpreter.
    std::thread::Builder::new().stack_size(64 << 20).spawn(work).unwrap().join().unwrap();
}
