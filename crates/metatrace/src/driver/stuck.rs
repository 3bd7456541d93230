//! Traces that were recorded of the wrong round: bridges show it, and the trace falls and is recorded anew.
//!
//! A function whose loop went round two or three times when it was recorded is inlined with these rounds. Where it goes round more often,
//! the trace is left amid it, and no bridge can go on from there: a bridge knows no way into the loop's own trace from a frame that is
//! inlined. If that happens often the trace falls, and the function is called from then on.
//!
//! An inner loop that never went round while it was to be recorded, at the edge of a picture say, has a trace that goes round the outer
//! one. Were each round of its own a bridge to the start of that trace, nothing would stay unboxed from one to the next.

use crate::economy::thread_ns;
use crate::jit::Jit;
use ir::{TraceId, TraceKind};

/// Exits of a trace that get no bridge, because a function that was inlined goes round its loop: if they are taken more often than once in
/// so much time, it is better to call the function.
const STUCK_NS: u64 = 20_000;

/// A bridge from that trace came to a loop in a function, its `depth`th frame, that was inlined above it. From now on nobody inlines that
/// function. If the trace is left often in this way, the one that inlined it falls, and is recorded anew.
pub(super) fn drop_if_stuck(jit: &mut Jit, parent: TraceId, depth: usize) {
    let exits = u64::from(jit.options.bridge);
    let looks_at_clock = jit.options.background;
    let now = thread_ns().max(1);
    let trace = jit.cache.trace_mut(parent);
    let since = std::mem::replace(&mut trace.stuck_since, now);
    let is_often = since != 0 && (!looks_at_clock || now - since < exits * STUCK_NS);
    if trace.fallen || !is_often {
        return;
    }
    let mut inliner = parent;
    while let Some((above, exit)) = jit.cache.trace(inliner).parent
        && jit.cache.trace(above).exits[exit.0 as usize].exit.frames.len() >= depth
    {
        inliner = above;
    }
    jit.counters.uninlined += jit.cache.fell(inliner);
    is_recorded_soon(jit, inliner);
}

/// A bridge showed that the loop goes round, and its trace, that `root`, goes round an outer one.
pub(super) fn turn(jit: &mut Jit, root: TraceId) {
    jit.counters.turned += jit.cache.fell(root);
    is_recorded_soon(jit, root);
    if let Some(home) = jit.cache.trace(root).home {
        home.turns.set(home.turns.get() + 1);
        home.left_early.set(0);
        home.aborts.set(0);
    }
}

/// A trace fell, of which was learnt what is used soon.
fn is_recorded_soon(jit: &Jit, fallen: TraceId) {
    let trace = jit.cache.trace(fallen);
    if let Some(cell) = trace.home {
        let is_function = trace.input.trace.kind == TraceKind::Function;
        cell.count.set(if is_function { jit.entry_threshold } else { jit.threshold }.saturating_sub(2));
    }
}
