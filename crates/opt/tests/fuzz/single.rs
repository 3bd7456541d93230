//! One trace, before and after.

use crate::generate::{Drawn, Rng, Style, draw};
use ir::eval::{self, Ending, Entry, FALSE_CONSTANT, TRUE_CONSTANT, Value, World};
use ir::{ConstRef, Trace, text};
use opt::{Failure, Passes, Request};

pub fn check(seed: u64) {
    let mut rng = Rng(seed);
    let is_loop = rng.one_in(2);
    let style = Style { ops: 4 + rng.below(40), full_snapshots: false, is_loop };
    let world_seed = rng.next();
    let Drawn { trace, inputs } = draw(&mut rng, world_seed, style);
    if let Err(error) = ir::verify(&trace) {
        panic!("seed {seed}: drawn wrong: {error}\n{trace}");
    }
    let request = request(&mut rng);
    let optimized = match opt::optimize(trace.clone(), &request) {
        Ok(optimized) => optimized,
        // What holds while recording can contradict only itself; there the trace must never get to its end.
        Err(Failure::Contradiction) => {
            let mut world = World::new(world_seed);
            let ending = eval::run(&mut world, &trace, Entry::Start, &inputs, &mut 0);
            assert!(
                !matches!(
                    ending,
                    Ok(Ending::OutOfFuel | Ending::Jumped { .. } | Ending::Returned(_) | Ending::Raised(_))
                ),
                "seed {seed}: a contradiction in a trace that runs\n{trace}"
            );
            return;
        }
    };
    if let Err(error) = ir::verify(&optimized.trace) {
        panic!("seed {seed}: {error}\n{trace}\n{}", optimized.trace);
    }
    if seed.is_multiple_of(16) {
        check_text(seed, &trace);
        check_text(seed, &optimized.trace);
    }
    for variation in 0..5 {
        let mut inputs = inputs.clone();
        let mut world_seed = world_seed;
        if variation > 0 {
            let at = rng.below(inputs.len());
            let world = World::new(world_seed);
            inputs[at] = world.any_value(rng.next(), trace.ops[at].ty);
            if variation > 2 {
                world_seed = rng.next();
            }
        }
        let fuel = rng.below(4) as u32;
        let Some(before) = observed(&trace, world_seed, &inputs, fuel) else { continue };
        let extra = u32::from(is_loop && !optimized.peeled);
        let after = observed(&optimized.trace, world_seed, &inputs, fuel + extra);
        assert!(
            after.as_ref() == Some(&before),
            "seed {seed}, inputs {inputs:?}, fuel {fuel}, without {:?}: before {before:?}, after {after:?}\n{trace}\n{}",
            request.without,
            optimized.trace
        );
    }
}

fn request(rng: &mut Rng) -> Request {
    let mut request = Request::default();
    if rng.one_in(2) {
        request.true_ref = Some(ConstRef(TRUE_CONSTANT));
        request.false_ref = Some(ConstRef(FALSE_CONSTANT));
    }
    request.distinct_refs = rng.one_in(2);
    if rng.one_in(2) {
        request.without = Passes(rng.next() as u32 & Passes::ALL.0);
    }
    request
}

/// All that an observer sees; `None` if the trace does what no handler does.
#[derive(PartialEq, Debug)]
struct Observed {
    how: String,
    digest: u64,
    events: Vec<u64>,
}

fn observed(trace: &Trace, world_seed: u64, inputs: &[Value], mut fuel: u32) -> Option<Observed> {
    let mut world = World::new(world_seed);
    let ending = match eval::run(&mut world, trace, Entry::Start, inputs, &mut fuel) {
        Ok(ending) => ending,
        Err(fault) => {
            if !trace.exits.is_empty() {
                eprintln!("{fault:?}");
            }
            return None;
        }
    };
    let mut roots = Vec::new();
    let how = match ending {
        Ending::OutOfFuel => "out of fuel".to_string(),
        Ending::Returned(value) => {
            roots.push(value);
            "returned".to_string()
        }
        Ending::Raised(value) => {
            roots.push(value);
            "raised".to_string()
        }
        Ending::Jumped { target, into_body, args } => {
            roots = args;
            format!("jumped to {target:?} {into_body}")
        }
        Ending::Left(left) => {
            let mut how = String::new();
            for frame in &left.frames {
                how += &format!("{} {} {} {:?};", frame.code, frame.pc, frame.events, frame.resume);
                roots.extend(&frame.slots);
                roots.push(Value::Void);
                roots.extend(frame.log.iter().map(|entry| entry.1));
            }
            how
        }
    };
    let digest = world.digest(&roots);
    Some(Observed { how, digest, events: world.events })
}

fn check_text(seed: u64, trace: &Trace) {
    let printed = trace.to_string();
    match text::parse(&printed) {
        Ok(parsed) => assert_eq!(parsed.to_string(), printed, "seed {seed}: the text changes when parsed"),
        Err(error) => panic!("seed {seed}: {error}\n{printed}"),
    }
}
