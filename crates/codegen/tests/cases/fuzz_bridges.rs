//! Two random loops with bridges that hang on their exits and on each other and lead to either loop, and a trace that runs into one: where a
//! bridge begins with the values where they are and jumps take them where the loop wants them, code must leave as it does where all
//! passes through the buffer. So must bridges that could begin so, entered through the buffer.
//!
//! `CODEGEN_FUZZ=n` draws `n` groups instead of the default; `CODEGEN_SEED=s` starts elsewhere.

use crate::common::{Builder, Compiled, Guest, Random, setting};
use crate::fuzz_loops::{Draw, draw};
use codegen::{Left, START, Target};
use ir::{Arg, Attr, Exit, ExitId, OpCode, Trace, TraceId, TraceKind, Ty, ValueId};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A trace of a group.
struct Member {
    trace: Trace,
    parent: Option<(usize, ExitId)>,
    /// The loop that it hangs on, is, or runs into, by its position.
    root: usize,
    /// For each input of a bridge, the phi of that loop that it was once.
    phis: Vec<Option<usize>>,
}

/// What jumps to a loop must know.
struct Round {
    inputs: Vec<Ty>,
    carried: Vec<Ty>,
    label: Option<usize>,
}

impl Round {
    fn first_phi(&self) -> usize {
        self.label.map_or(0, |label| label + 1)
    }
}

/// The loops come first.
const LOOPS: usize = 2;

/// Adds values to what an exit hands over, if they are not among it.
fn hand_over(trace: &mut Trace, exit: ExitId, values: &[(ValueId, Ty)]) {
    let mut changed: Exit = (*trace.exits[exit.0 as usize]).clone();
    // Twice the same value is not drawn for exits of the optimiser.
    let mut seen = Vec::new();
    changed.live.retain(|&(id, _)| {
        !seen.contains(&id) && {
            seen.push(id);
            true
        }
    });
    for value in values {
        changed.live.retain(|live| live != value);
        changed.live.push(*value);
    }
    trace.exits[exit.0 as usize] = Arc::new(changed);
}

fn guards(trace: &Trace) -> Vec<(usize, ExitId)> {
    let guard = |code| matches!(code, OpCode::GuardTrue | OpCode::GuardFalse | OpCode::GuardValue);
    let ops = trace.ops.iter().enumerate().filter(|(_, op)| guard(op.code));
    ops.filter_map(|(at, op)| op.exit.map(|exit| (at, exit))).collect()
}

/// A loop: the last value of each exit is its counter, which every way back raises.
fn draw_loop(random: &mut Random, calls: bool, root: usize) -> (Member, Round) {
    let (mut trace, inputs, carried) = draw(random, calls);
    let label = trace.ops.iter().position(|op| op.code == OpCode::Label);
    let round = Round { inputs, carried, label };
    let first_phi = round.first_phi();
    let exits: Vec<(usize, ExitId)> =
        trace.ops.iter().enumerate().filter_map(|(at, op)| op.exit.map(|exit| (at, exit))).collect();
    for (at, exit) in exits {
        let is_body = label.is_none_or(|label| at > label);
        let counter = if is_body { first_phi } else { 0 };
        let mut more: Vec<(ValueId, Ty)> = Vec::new();
        if is_body {
            let some = (1..round.carried.len()).filter(|_| random.below(2) == 0).collect::<Vec<_>>();
            more.extend(some.into_iter().map(|phi| (ValueId((first_phi + phi) as u32), round.carried[phi])));
        }
        more.push((ValueId(counter as u32), Ty::Int));
        hand_over(&mut trace, exit, &more);
    }
    (Member { trace, parent: None, root, phis: Vec::new() }, round)
}

/// The loops, perhaps an entry, and bridges; the types of the inputs of the last trace without a parent.
fn draw_group(random: &mut Random) -> (Vec<Member>, Vec<Ty>) {
    let calls = random.below(2) == 0;
    let (mut group, rounds): (Vec<Member>, Vec<Round>) = (0..LOOPS).map(|root| draw_loop(random, calls, root)).unzip();
    let mut inputs = rounds[LOOPS - 1].inputs.clone();
    if random.below(2) == 0 {
        let mut values: Vec<Ty> = (0..random.below(8)).map(|_| [Ty::Int, Ty::Flt, Ty::Bool][random.below(3)]).collect();
        values.push(Ty::Int);
        let live: Vec<_> = values.iter().zip(0..).map(|(&ty, at)| (ValueId(at), ty)).collect();
        let root = random.below(LOOPS);
        let phis = vec![None; live.len()];
        let trace = draw_way(random, TraceKind::Function, calls, &live, &phis, root, &rounds[root]);
        group.push(Member { trace, parent: None, root, phis });
        inputs = values;
    }
    for _ in 0..1 + random.below(8) {
        let parent = random.below(group.len());
        let free: Vec<(usize, ExitId)> = guards(&group[parent].trace)
            .into_iter()
            // Not the guard that ends the loop.
            .filter(|&(at, exit)| {
                let tested =
                    group[parent].trace.ops[at].args[0].value().map(|id| &group[parent].trace.ops[id.0 as usize]);
                let ends = tested.is_some_and(|test| test.code == OpCode::IntLt && test.args[1].is_const());
                !ends && group.iter().all(|member| member.parent != Some((parent, exit)))
            })
            .collect();
        if free.is_empty() {
            continue;
        }
        let (_, exit) = free[random.below(free.len())];
        let live = group[parent].trace.exits[exit.0 as usize].live.clone();
        let root = group[parent].root;
        let phis: Vec<Option<usize>> = live
            .iter()
            .map(|&(id, _)| match parent < LOOPS {
                true => {
                    let phi = (id.0 as usize).checked_sub(rounds[root].first_phi());
                    phi.filter(|&phi| phi < rounds[root].carried.len())
                }
                false => group[parent].phis.get(id.0 as usize).copied().flatten(),
            })
            .collect();
        let to = if random.below(3) > 0 { root } else { random.below(LOOPS) };
        let known = if to == root { phis.clone() } else { vec![None; phis.len()] };
        let trace = draw_way(random, TraceKind::Bridge, calls, &live, &known, to, &rounds[to]);
        group.push(Member { trace, parent: Some((parent, exit)), root, phis });
    }
    (group, inputs)
}

/// A trace that runs into a loop. Those of its inputs that are a phi of the loop mostly go where they come from.
fn draw_way(
    random: &mut Random,
    kind: TraceKind,
    calls: bool,
    live: &[(ValueId, Ty)],
    phis: &[Option<usize>],
    to: usize,
    round: &Round,
) -> Trace {
    let mut draw = Draw { builder: Builder::new(kind), scope: Vec::new(), calls };
    for &(_, ty) in live {
        let input = draw.builder.input(ty);
        draw.scope.push((input, ty));
    }
    let counter = draw.scope[live.len() - 1].0;
    // What leads back to the loop's start may never come to the loop.
    let more = draw.builder.pure(OpCode::IntLt, &[counter, Arg::Int(40)]);
    let live_here = draw.live(random);
    draw.builder.guard(OpCode::GuardTrue, &[more], &live_here);
    let most = [4, 12, 60][random.below(3)];
    for _ in 0..random.below(most) {
        draw.operation(random);
    }
    let next = draw.builder.pure(OpCode::IntAdd, &[counter, Arg::Int(1)]);
    let has_label = round.label.is_some();
    let into_body = has_label && random.below(4) > 0;
    let wanted = if into_body { &round.carried } else { &round.inputs };
    if random.below(8) == 0 {
        let live = draw.live(random);
        draw.builder.exit(OpCode::Leave, &[], Attr::None, &live);
    } else {
        let mut args = vec![next];
        for (at, &ty) in wanted.iter().enumerate().skip(1) {
            let same = phis
                .iter()
                .position(|&phi| phi == Some(at))
                .filter(|_| (into_body || !has_label) && random.below(4) > 0);
            args.push(same.map_or_else(|| draw.operand(random, ty), |input| draw.scope[input].0));
        }
        let code = if into_body { OpCode::JumpBody } else { OpCode::JumpLoop };
        draw.builder.with(code, Ty::Void, &args, Attr::Target(TraceId(to as u32)));
    }
    let mut trace = draw.builder.trace;
    let counter = counter.value().expect("an input");
    for exit in 0..trace.exits.len() as u32 {
        hand_over(&mut trace, ExitId(exit), &[(counter, Ty::Int)]);
    }
    trace
}

/// The traces compiled, how many bridges begin where their exits' values are, and how many traces know where another loop wants them.
fn compile(guest: &mut Guest, group: &[Member], direct: bool) -> (Vec<Compiled>, usize, usize) {
    let mut compiled: Vec<Compiled> = Vec::new();
    let (mut begin, mut over) = (0, 0);
    for (at, member) in group.iter().enumerate() {
        let mut targets: Vec<Target> = compiled.iter().take(LOOPS).map(Compiled::as_target).collect();
        if !direct {
            targets.iter_mut().for_each(|target| target.ways = None);
        }
        let parent = member.parent.map(|(parent, exit)| (&compiled[parent], exit));
        let code = match parent {
            Some((parent, exit)) if !direct => {
                let code = guest.compile_on(at as u32, member.trace.clone(), targets, None);
                parent.exits.attach(exit, code.code.entry);
                code
            }
            parent => guest.compile_on(at as u32, member.trace.clone(), targets, parent),
        };
        let target = member.trace.ops.last().map(|op| op.attr);
        over += usize::from(matches!(target, Some(Attr::Target(target)) if target.0 as usize != member.root));
        begin += usize::from(code.code.direct_entry != 0);
        compiled.push(code);
    }
    set_direct(&compiled, [direct; LOOPS]);
    (compiled, begin, over)
}

/// Whether the loops may be entered without the buffer.
fn set_direct(compiled: &[Compiled], are_direct: [bool; LOOPS]) {
    for (code, is_direct) in compiled.iter().zip(are_direct) {
        code.cell.direct.store(u8::from(is_direct), Ordering::Relaxed);
    }
}

fn same(ty: Ty, a: u64, b: u64) -> bool {
    a == b || ty == Ty::Flt && f64::from_bits(a).is_nan() && f64::from_bits(b).is_nan()
}

#[test]
fn direct_bridges_leave_like_those_through_the_buffer() {
    let seed = setting("CODEGEN_SEED", 1);
    let mut guest = Guest::new();
    let (mut begun, mut bridged, mut over, mut all) = (0, 0, 0, 0);
    for index in seed..seed + setting("CODEGEN_FUZZ", 2000) {
        let mut random = Random::new(index);
        let (group, inputs) = draw_group(&mut random);
        let first = guest.next_exit;
        let (direct, begin, leading_over) = compile(&mut guest, &group, true);
        let shift = guest.next_exit - first;
        let (plain, ..) = compile(&mut guest, &group, false);
        begun += begin;
        over += leading_over;
        all += group.iter().filter(|member| member.parent.is_some()).count();
        let first_run = group.iter().rposition(|member| member.parent.is_none()).expect("the loops");
        for round in 0..5 {
            let mut words: Vec<u64> = inputs.iter().map(|&ty| random.bits(ty)).collect();
            // The counter.
            let counter = if first_run < LOOPS { 0 } else { words.len() - 1 };
            words[counter] = 0;
            // Then the ways to a loop are barred, one after the other; the ways into bridges are not.
            set_direct(&direct, [round < 3, round < 2]);
            if round == 4 {
                // As a unit's code enters them.
                let parents = group.iter().zip(&direct).filter_map(|(member, code)| Some((member.parent?, code)));
                parents.for_each(|((parent, exit), code)| direct[parent].exits.attach(exit, code.code.entry));
            }
            let expected = guest.run_at(&plain[first_run], START, &words);
            let buffer = guest.buf.clone();
            let found = guest.run_at(&direct[first_run], START, &words);
            let text = || {
                let traces: String = group
                    .iter()
                    .enumerate()
                    .map(|(at, member)| {
                        format!("trace {at}, on {:?}\n{}\n", member.parent, ir::text::print(&member.trace))
                    })
                    .collect();
                format!("seed {index}, round {round}, {words:x?}\n{traces}")
            };
            let (Left::Exit(expected), Left::Exit(found)) = (expected, found) else {
                panic!("{expected:?}, {found:?}, {}", text())
            };
            assert_eq!(found + shift, expected, "{}", text());
            let at = plain.iter().rposition(|code| code.first_exit <= expected).expect("an exit of these");
            bridged += usize::from(group[at].parent.is_some());
            let exit = &group[at].trace.exits[(expected - plain[at].first_exit) as usize];
            for (word, &(_, ty)) in exit.live.iter().enumerate() {
                let (value, expected) = (guest.buf[word], buffer[word]);
                assert!(
                    same(ty, value, expected),
                    "value {word} of {found}, {value:#x} {expected:#x}, {exit:?}, {}",
                    text()
                );
            }
        }
        direct.into_iter().chain(plain).for_each(|code| guest.free(code));
    }
    println!(
        "{all} bridges, {begun} begin where the values are, {over} traces lead to the other loop, {bridged} runs left from a bridge"
    );
    assert!(begun * 2 > all && bridged * 20 > all && over * 20 > all, "{begun} of {all}, {bridged}, {over}");
}
