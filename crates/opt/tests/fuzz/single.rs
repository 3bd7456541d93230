//! One trace, before and after.

use crate::generate::{Drawn, Rng, Style, draw};
use ir::eval::{self, Ending, Entry, FALSE_CONSTANT, TRUE_CONSTANT, Value, World};
use ir::{ConstRef, OpCode, Strength, Trace, text};
use opt::{Failure, Passes, Request};
use std::sync::atomic::{AtomicU64, Ordering};

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
        let Some(before) = observed(&trace, world_seed, &inputs, fuel, None) else { continue };
        let extra = u32::from(is_loop && !optimized.peeled);
        let after = observed(&optimized.trace, world_seed, &inputs, fuel + extra, None);
        let is_early = || after.as_ref().is_some_and(|after| left_early(&trace, world_seed, &inputs, fuel, after));
        assert!(
            after.as_ref().is_some_and(|after| after.is_like(&before)) || is_early(),
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

/// How often traces were left by stronger guards, over all seeds; for judging what the fuzzer reaches.
pub static EARLY: AtomicU64 = AtomicU64::new(0);

/// Whether the optimised trace was left through a stronger guard, as the drawn one would have been if its guard had not held.
fn left_early(trace: &Trace, world_seed: u64, inputs: &[Value], fuel: u32, after: &Observed) -> bool {
    let is_guard =
        |&at: &usize| matches!(trace.ops[at].code, OpCode::GuardTrue | OpCode::GuardFalse | OpCode::GuardValue);
    let guards = (0..trace.ops.len()).filter(is_guard);
    let mut places = guards.flat_map(|at| (0..=fuel).map(move |times| (at, times)));
    let is_early = after.is_stronger
        && places.any(|place| {
            let observed = observed(trace, world_seed, inputs, fuel, Some(place));
            observed.is_some_and(|observed| observed.is_like(after))
        });
    EARLY.fetch_add(u64::from(is_early), Ordering::Relaxed);
    is_early
}

/// All that an observer sees; `None` if the trace does what no handler does.
#[derive(Debug)]
struct Observed {
    how: String,
    digest: u64,
    events: Vec<u64>,
    /// Whether the guard that was left was stronger than what was recorded.
    is_stronger: bool,
}

impl Observed {
    fn is_like(&self, other: &Observed) -> bool {
        self.how == other.how && self.digest == other.digest && self.events == other.events
    }
}

/// With `early`, the guard at that operation is left when it was passed so many times.
fn observed(
    trace: &Trace,
    world_seed: u64,
    inputs: &[Value],
    mut fuel: u32,
    early: Option<(usize, u32)>,
) -> Option<Observed> {
    let mut world = World::new(world_seed);
    let ran = match early {
        None => eval::run(&mut world, trace, Entry::Start, inputs, &mut fuel),
        Some(place) => eval::run_early(&mut world, trace, Entry::Start, inputs, &mut fuel, place),
    };
    let ending = match ran {
        Ok(ending) => ending,
        Err(fault) => {
            if !trace.exits.is_empty() {
                eprintln!("{fault:?}");
            }
            return None;
        }
    };
    let mut roots = Vec::new();
    let mut is_stronger = false;
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
            is_stronger =
                left.exit.is_some_and(|(exit, _)| trace.exits[exit.0 as usize].strength != Strength::Recorded);
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
    Some(Observed { how, digest, events: world.events, is_stronger })
}

fn check_text(seed: u64, trace: &Trace) {
    let printed = trace.to_string();
    match text::parse(&printed) {
        Ok(parsed) => assert_eq!(parsed.to_string(), printed, "seed {seed}: the text changes when parsed"),
        Err(error) => panic!("seed {seed}: {error}\n{printed}"),
    }
}
