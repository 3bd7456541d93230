//! Random loops with bridges that hang on their exits and on each other: where a bridge begins with the values where they are and goes back with
//! them where the loop wants them, code must leave as it does where all passes through the buffer.
//!
//! `CODEGEN_FUZZ=n` draws `n` trees instead of the default; `CODEGEN_SEED=s` starts elsewhere.

use crate::common::{Builder, Compiled, Guest, Random, setting};
use crate::fuzz_loops::{Draw, draw};
use codegen::{Left, START};
use ir::{Arg, Attr, Exit, ExitId, OpCode, Trace, TraceId, TraceKind, Ty, ValueId};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A trace of a tree.
struct Member {
    trace: Trace,
    parent: Option<(usize, ExitId)>,
    /// For each input of a bridge, the phi of the loop that it was once.
    phis: Vec<Option<usize>>,
}

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

/// A tree: the last value of each exit is the loop's counter, which every way back raises.
fn draw_tree(random: &mut Random) -> (Vec<Member>, Vec<Ty>) {
    let calls = random.below(2) == 0;
    let (mut trace, inputs, carried) = draw(random, calls);
    let label = trace.ops.iter().position(|op| op.code == OpCode::Label);
    let first_phi = label.map_or(0, |label| label + 1);
    let exits: Vec<(usize, ExitId)> =
        trace.ops.iter().enumerate().filter_map(|(at, op)| op.exit.map(|exit| (at, exit))).collect();
    for (at, exit) in exits {
        let is_body = label.is_none_or(|label| at > label);
        let counter = if is_body { first_phi } else { 0 };
        let mut more: Vec<(ValueId, Ty)> = Vec::new();
        if is_body {
            let some = (1..carried.len()).filter(|_| random.below(2) == 0).collect::<Vec<_>>();
            more.extend(some.into_iter().map(|phi| (ValueId((first_phi + phi) as u32), carried[phi])));
        }
        more.push((ValueId(counter as u32), Ty::Int));
        hand_over(&mut trace, exit, &more);
    }
    let mut tree = vec![Member { trace, parent: None, phis: Vec::new() }];
    for _ in 0..1 + random.below(6) {
        let parent = random.below(tree.len());
        let free: Vec<(usize, ExitId)> = guards(&tree[parent].trace)
            .into_iter()
            // Not the guard that ends the loop.
            .filter(|&(at, exit)| {
                let tested =
                    tree[parent].trace.ops[at].args[0].value().map(|id| &tree[parent].trace.ops[id.0 as usize]);
                let ends = tested.is_some_and(|test| test.code == OpCode::IntLt && test.args[1].is_const());
                !ends && tree.iter().all(|member| member.parent != Some((parent, exit)))
            })
            .collect();
        if free.is_empty() {
            continue;
        }
        let (_, exit) = free[random.below(free.len())];
        let live = tree[parent].trace.exits[exit.0 as usize].live.clone();
        let phis: Vec<Option<usize>> = live
            .iter()
            .map(|&(id, _)| match parent {
                0 => (id.0 as usize).checked_sub(first_phi).filter(|&phi| phi < carried.len()),
                _ => tree[parent].phis.get(id.0 as usize).copied().flatten(),
            })
            .collect();
        let trace = draw_bridge(random, calls, &live, &phis, (&inputs, &carried, label.is_some()));
        tree.push(Member { trace, parent: Some((parent, exit)), phis });
    }
    (tree, inputs)
}

fn draw_bridge(
    random: &mut Random,
    calls: bool,
    live: &[(ValueId, Ty)],
    phis: &[Option<usize>],
    (inputs, carried, has_label): (&[Ty], &[Ty], bool),
) -> Trace {
    let mut draw = Draw { builder: Builder::new(TraceKind::Bridge), scope: Vec::new(), calls };
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
    let into_body = has_label && random.below(4) > 0;
    let wanted = if into_body { carried } else { inputs };
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
        draw.builder.with(code, Ty::Void, &args, Attr::Target(TraceId(0)));
    }
    let mut trace = draw.builder.trace;
    let counter = counter.value().expect("an input");
    for exit in 0..trace.exits.len() as u32 {
        hand_over(&mut trace, ExitId(exit), &[(counter, Ty::Int)]);
    }
    trace
}

/// The traces compiled, and how many begin where their exits' values are.
fn compile(guest: &mut Guest, tree: &[Member], direct: bool) -> (Vec<Compiled>, usize) {
    let mut compiled: Vec<Compiled> = Vec::new();
    let mut begin = 0;
    for (at, member) in tree.iter().enumerate() {
        let targets: Vec<&Compiled> = compiled.first().into_iter().collect();
        let parent = member.parent.map(|(parent, exit)| (&compiled[parent], exit));
        let code = match parent {
            Some((parent, exit)) if !direct => {
                let code = guest.compile(at as u32, member.trace.clone(), &targets);
                parent.exits.attach(exit, code.code.entry);
                code
            }
            parent => guest.compile_on(at as u32, member.trace.clone(), &targets, parent),
        };
        begin += usize::from(code.code.direct_entry != 0);
        compiled.push(code);
    }
    compiled[0].cell.direct.store(u8::from(direct), Ordering::Relaxed);
    (compiled, begin)
}

fn same(ty: Ty, a: u64, b: u64) -> bool {
    a == b || ty == Ty::Flt && f64::from_bits(a).is_nan() && f64::from_bits(b).is_nan()
}

#[test]
fn direct_bridges_leave_like_those_through_the_buffer() {
    let seed = setting("CODEGEN_SEED", 1);
    let mut guest = Guest::new();
    let (mut begun, mut bridged, mut all) = (0, 0, 0);
    for index in seed..seed + setting("CODEGEN_FUZZ", 2000) {
        let mut random = Random::new(index);
        let (tree, inputs) = draw_tree(&mut random);
        let first = guest.next_exit;
        let (direct, begin) = compile(&mut guest, &tree, true);
        let shift = guest.next_exit - first;
        let (plain, _) = compile(&mut guest, &tree, false);
        begun += begin;
        all += tree.len() - 1;
        for round in 0..4 {
            let mut words: Vec<u64> = inputs.iter().map(|&ty| random.bits(ty)).collect();
            words[0] = 0;
            // From then on the ways back are barred; the ways in are not.
            direct[0].cell.direct.store(u8::from(round < 3), Ordering::Relaxed);
            let expected = guest.run_at(&plain[0], START, &words);
            let buffer = guest.buf.clone();
            let found = guest.run_at(&direct[0], START, &words);
            let text = || {
                let traces: String = tree
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
            bridged += usize::from(at > 0);
            let exit = &tree[at].trace.exits[(expected - plain[at].first_exit) as usize];
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
    println!("{all} bridges, {begun} of them begin where the values are, {bridged} runs left from one");
    assert!(begun * 2 > all && bridged * 20 > all, "{begun} of {all}, {bridged}");
}
