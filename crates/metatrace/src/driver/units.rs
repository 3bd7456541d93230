//! Units: traces that run into each other, compiled once more as one piece of code.
//!
//! A loop with branches is many traces: the loop's own and bridges from its guards, of which most jump back to its start; loops
//! that are nested jump into each other, and a function's entry jumps into its first loop. Each of those jumps moves values to where the
//! loop wants them. In a unit values stay in registers.
//!
//! That pays where much is moved often. Around a loop that goes round many times between two jumps a unit would be a loss: the
//! allocation over all traces spills in the loop what the bridges want. So code counts what it moves, and a unit is made when that was
//! much in the time since the last trace came.

use super::compile::submit_job;
use crate::cache::{Cache, Unit, Watched};
use crate::compiler::{Job, UnitMember};
use crate::economy::thread_ns;
use crate::jit::Jit;
use codegen::{CompileError, CompiledTrace, OpPlace};
use ir::{Attr, OpCode, TraceId, TraceKind};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::Ordering;

/// About what it costs to move a word from where one trace has it to where another one wants it.
const MOVE_PS: u64 = 400;
/// A unit is worth it if the time would go to such moves for one part of so many.
const WORTHWHILE_PART: u64 = 6;

/// So many times as long as it took to look at a portion of the traces that are in no unit nobody looks at the next one.
const REST: u64 = 100;
/// So many roots are asked at a time whether they are worth a unit.
const PORTION: usize = 100;

/// A trace was installed: its unit, if it has one, is not up to date.
pub(super) fn add(jit: &mut Jit, id: TraceId) {
    let cache = &mut jit.cache;
    let root = cache.root_of(id);
    cache.loose.insert(root);
    watch(cache, root, thread_ns());
    let last = cache.trace(id).input.trace.ops.last();
    if let Some(Attr::Target(target)) = last.map(|op| op.attr) {
        let of_one_code = cache.trace(target).start.0 == cache.trace(root).start.0;
        if target != root && of_one_code && is_loop(cache, target) {
            cache.trace_mut(root).linked.push(target);
            cache.trace_mut(target).linked.push(root);
        }
    }
    // Without a thread of its own the compiler is asked each time that the unit has doubled.
    if cache.compiler().is_here() {
        let roots = roots_around(cache, root);
        let (members, _) = members(jit, &roots);
        if members.len().is_power_of_two() {
            submit_unit(jit, root);
        }
    }
}

/// Units that are new or have grown by half, and when the program is `calm` all that are not up to date; later, if there is no time
/// for them now.
pub(super) fn submit_loose(jit: &mut Jit, calm: bool) {
    if jit.cache.loose.is_empty() {
        return;
    }
    if jit.is_full() || !jit.economy.affords_unit(&jit.counters) {
        jit.counters.units_postponed += 1;
        return;
    }
    // A program of very many traces is not looked at so often that it is felt. The clock is read once, and some are asked the next time.
    let now = thread_ns();
    if now < jit.cache.units_rest_until_ns {
        return;
    }
    let (loose, from) = (&jit.cache.loose, jit.cache.loose_from);
    let portion: Vec<TraceId> = loose.range(from..).chain(loose.range(..from)).take(PORTION).copied().collect();
    jit.cache.loose_from = portion.last().map_or(TraceId(0), |last| TraceId(last.0 + 1));
    let mut asked = HashSet::new();
    for root in portion {
        let trace = jit.cache.trace(root);
        if trace.children.is_empty() && trace.linked.is_empty() {
            // A trace alone is no unit; if a bridge comes, it is loose again.
            jit.cache.loose.remove(&root);
            continue;
        }
        // Not if it belonged to the unit of an earlier one.
        if jit.cache.loose.contains(&root) && !asked.contains(&root) {
            let roots = roots_around(&jit.cache, root);
            // That is asked first: to go through all members takes long.
            if moves_much(jit, &roots, now) && (calm || has_grown(jit, root, &roots)) {
                submit_unit(jit, root);
                if !jit.economy.affords_unit(&jit.counters) {
                    return;
                }
            }
            asked.extend(roots);
        }
    }
    let ended = thread_ns();
    jit.cache.units_rest_until_ns = ended + (ended - now) * REST;
}

/// Whether there are half as many members more than the root's unit has.
fn has_grown(jit: &Jit, root: TraceId, roots: &BTreeSet<TraceId>) -> bool {
    let before = jit.cache.trace(root).unit.map_or(0, |unit| jit.cache.units[unit].members.len());
    before == 0 || members(jit, roots).0.len() * 2 >= before * 3
}

/// Whether the jumps of these roots' trees have moved much since they were last asked. What is not worth a unit stays loose, to be asked again.
fn moves_much(jit: &mut Jit, roots: &BTreeSet<TraceId>, now: u64) -> bool {
    if !jit.cache.compiler().counts_moved() {
        return true;
    }
    let mut permille = 0;
    for &root in roots {
        let before = jit.cache.trace(root).watched;
        let moved = watch(&mut jit.cache, root, now) - before.moved;
        permille += moved.saturating_mul(MOVE_PS) / now.saturating_sub(before.since_ns).max(1);
    }
    let is_much = permille * WORTHWHILE_PART >= 1000;
    jit.counters.units_little_moved += u64::from(!is_much);
    is_much
}

/// Begins to count what the jumps of a root's tree move; how much it has been so far.
fn watch(cache: &mut Cache, root: TraceId, now: u64) -> u64 {
    let trace = cache.trace_mut(root);
    let moved = trace.cell.moved.load(Ordering::Relaxed);
    trace.watched = Watched { moved, since_ns: now };
    moved
}

/// Compiles the unit around a root, if it is worth it. One bridge that goes back to its loop's start is what the outer loop does
/// between two runs of the inner one: a unit would only take registers from the inner one.
fn submit_unit(jit: &mut Jit, root: TraceId) {
    let roots = roots_around(&jit.cache, root);
    for root in &roots {
        jit.cache.loose.remove(root);
    }
    jit.cache.loose.remove(&root);
    let (members, ways_back) = members(jit, &roots);
    if members.len() > 1 && ways_back > 1 {
        jit.economy.unit_submitted(members.iter().map(|(input, _)| input.trace.ops.len()).sum());
        submit_job(jit, Job::Unit(members));
    }
}

/// The roots that are linked with this one, which still stand; in order.
fn roots_around(cache: &Cache, root: TraceId) -> BTreeSet<TraceId> {
    let mut around = BTreeSet::new();
    let mut todo = vec![root];
    while let Some(root) = todo.pop() {
        let trace = cache.trace(root);
        if !trace.fallen && around.insert(root) {
            todo.extend(&trace.linked);
        }
    }
    around
}

/// The members of a unit, roots first, as many as there is room for; and how many jump to its roots, those into a body twice.
fn members(jit: &Jit, roots: &BTreeSet<TraceId>) -> (Vec<UnitMember>, usize) {
    let cache = &jit.cache;
    let mut members: Vec<UnitMember> = Vec::new();
    let mut at: HashMap<TraceId, usize> = HashMap::new();
    let mut operations = 0;
    // A bridge has a higher number than what it hangs on.
    let mut bridges: BTreeSet<TraceId> = BTreeSet::new();
    let mut ways_back = 0;
    let mut take = |id: TraceId, bridges: &mut BTreeSet<TraceId>| {
        let trace = cache.trace(id);
        operations += trace.input.trace.ops.len();
        if operations > jit.options.unit as usize {
            return;
        }
        let parent = trace.parent.map(|(parent, exit)| (at[&parent], exit));
        if let Some(last) = trace.input.trace.ops.last()
            && let Attr::Target(to) = last.attr
            && roots.contains(&to)
        {
            ways_back += if last.code == OpCode::JumpBody { 2 } else { 1 };
        }
        at.insert(id, members.len());
        members.push((trace.input.clone(), parent));
        bridges.extend(trace.children.iter().filter(|&&child| !cache.trace(child).fallen));
    };
    for &root in roots {
        take(root, &mut bridges);
    }
    while let Some(bridge) = bridges.pop_first() {
        take(bridge, &mut bridges);
    }
    (members, ways_back)
}

fn is_loop(cache: &Cache, id: TraceId) -> bool {
    cache.trace(id).input.trace.kind == TraceKind::Loop
}

/// The roots of a unit whose code has come run it from now on.
pub(super) fn install(
    jit: &mut Jit,
    members: &[TraceId],
    code: Result<CompiledTrace, CompileError>,
    places: Vec<OpPlace>,
) {
    let Ok(mut code) = code else {
        jit.counters.refused += 1;
        return;
    };
    jit.takes(code.region().len() as u64);
    let cache = &mut jit.cache;
    let roots: Vec<TraceId> = members.iter().copied().filter(|&id| cache.trace(id).parent.is_none()).collect();
    if members.iter().any(|&id| cache.trace(id).fallen) {
        cache.loose.extend(roots);
        // Nobody has run it.
        cache.garbage.units.push(code);
        return;
    }
    // With the option `leave_once` the unit's code leaves through each exit, too.
    members.iter().for_each(|&id| cache.trace(id).input.exits.arm_all());
    let unit = cache.units.len();
    for &root in &roots {
        let trace = cache.trace_mut(root);
        trace.unit = Some(unit);
        trace.cell.entry.store(code.entry, Ordering::Release);
        // No trace jumps to a bridge, so this bars all direct ways.
        trace.cell.direct.store(0, Ordering::Release);
    }
    jit.counters.units += 1;
    cache.code.add(code.region(), roots[0], places);
    jit.counters.code_bytes += code.code_bytes as u64;
    if !code.text.is_empty() {
        let name = format!("unit of {} traces, {}", members.len(), cache.trace(roots[0]).name());
        jit.logger.section("asm", &name, &code.text);
        code.text = String::new();
    }
    jit.cache.units.push(Unit { roots, members: members.to_vec(), code: Some(code) });
}
