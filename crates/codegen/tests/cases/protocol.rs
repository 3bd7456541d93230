//! Entries, exits, bridges, jumps, flags and activation records.

use crate::common::{BUFFER_WORDS, Builder, Compiled, Context, Guest};
use codegen::{Activation, CompileError, Left, THROUGH_BUFFER};
use ir::{Arg, Attr, CallEffect, Callee, ExitId, Function, OpCode, TraceId, TraceKind, Ty};
use std::sync::atomic::Ordering;

/// `while i < n: s += i * step; i += 1`, leaving with (s, i, n, step).
fn sum_loop() -> Builder {
    let mut b = Builder::new(TraceKind::Loop);
    let (s, i, n, step) = (b.input(Ty::Int), b.input(Ty::Int), b.input(Ty::Int), b.input(Ty::Int));
    let &[s, i, n, step] = &b.label(&[s, i, n, step])[..] else { unreachable!() };
    let more = b.pure(OpCode::IntLt, &[i, n]);
    b.guard(OpCode::GuardTrue, &[more], &[s, i, n, step]);
    let product = b.pure(OpCode::IntMul, &[i, step]);
    let s = b.pure(OpCode::IntAdd, &[s, product]);
    let i = b.pure(OpCode::IntAdd, &[i, Arg::Int(1)]);
    b.op(OpCode::JumpLabel, Ty::Void, &[s, i, n, step]);
    b
}

/// Of [`sum_loop`] as trace 1: doubles the bound, which it hands on when it has reached 1000, with the sum before and the step
/// behind it.
fn doubling_bridge() -> Builder {
    let mut b = Builder::new(TraceKind::Bridge);
    let (s, i, n, step) = (b.input(Ty::Int), b.input(Ty::Int), b.input(Ty::Int), b.input(Ty::Int));
    let small = b.pure(OpCode::IntLt, &[n, Arg::Int(1000)]);
    b.guard(OpCode::GuardTrue, &[small], &[s, n, step]);
    let n = b.pure(OpCode::IntMul, &[n, Arg::Int(2)]);
    b.with(OpCode::JumpBody, Ty::Void, &[s, i, n, step], Attr::Target(TraceId(1)));
    b
}

#[test]
fn a_loop_runs_until_its_guard_fails() {
    let mut guest = Guest::new();
    let compiled = guest.compile(1, sum_loop().trace, &[]);
    assert_eq!(guest.run(&compiled, &[5, 0, 100, 2]), Left::Exit(compiled.first_exit));
    assert_eq!(guest.buf[..4], [5 + 9900, 100, 100, 2]);
}

#[test]
fn a_bridge_takes_the_live_values_and_jumps_back_into_the_body() {
    let mut guest = Guest::new();
    let compiled = guest.compile(1, sum_loop().trace, &[]);
    let bridge = guest.compile(2, doubling_bridge().trace, &[&compiled]);
    compiled.exits.attach(ExitId(0), bridge.code.entry);
    assert_eq!(guest.run(&compiled, &[0, 0, 100, 1]), Left::Exit(bridge.first_exit));
    assert_eq!(guest.buf[1], 1600);
    compiled.exits.attach(ExitId(0), guest.backend.stub());
    assert_eq!(guest.run(&compiled, &[0, 0, 100, 1]), Left::Exit(compiled.first_exit));
}

/// A bridge that begins where the exit's values are goes back without a look at the loop's entry, as long as it may.
#[test]
fn a_direct_bridge_goes_back_by_itself() {
    let mut guest = Guest::new();
    let compiled = guest.compile(1, sum_loop().trace, &[]);
    let parent = (&compiled, ExitId(0));
    let bridge = guest.compile_on(2, doubling_bridge().trace, vec![compiled.as_target()], Some(parent));
    if bridge.code.direct_entry == 0 {
        // Not this backend.
        return;
    }
    assert_eq!(guest.run(&compiled, &[0, 0, 100, 1]), Left::Exit(bridge.first_exit));
    let sum = guest.buf[0];
    compiled.cell.entry.store(guest.backend.stub(), Ordering::Release);
    assert_eq!(guest.run(&compiled, &[0, 0, 100, 1]), Left::Body(TraceId(1)), "the loop may not be entered directly");
    assert_eq!(guest.buf[1..4], [100, 200, 1]);
    compiled.cell.direct.store(1, Ordering::Release);
    assert_eq!(guest.run(&compiled, &[0, 0, 100, 1]), Left::Exit(bridge.first_exit));
    assert_eq!(guest.buf[..2], [sum, 1600]);
    // Without the bridge the exit leaves as before.
    compiled.exits.attach(ExitId(0), guest.backend.stub());
    assert_eq!(guest.run(&compiled, &[0, 0, 100, 1]), Left::Exit(compiled.first_exit));
}

/// So does a jump to another loop: without a look at its entry, as long as it may. What is moved is counted.
#[test]
fn a_jump_to_another_loop_goes_there_by_itself() {
    let mut guest = Guest::new();
    guest.counts = true;
    let inner = guest.compile(1, sum_loop().trace, &[]);
    if inner.code.ways.is_none() {
        // Not this backend.
        return;
    }
    let mut b = Builder::new(TraceKind::Function);
    let (n, step) = (b.input(Ty::Int), b.input(Ty::Int));
    b.with(OpCode::JumpLoop, Ty::Void, &[Arg::Int(7), Arg::Int(0), n, step], Attr::Target(TraceId(1)));
    let entry = guest.compile(2, b.trace, &[&inner]);
    assert_eq!(guest.run(&entry, &[10, 2]), Left::Exit(inner.first_exit));
    assert_eq!(guest.buf[..4], [7 + 90, 10, 10, 2]);
    assert_eq!(entry.cell.moved.load(Ordering::Relaxed), u64::from(THROUGH_BUFFER) + 4);
    inner.cell.entry.store(guest.backend.stub(), Ordering::Release);
    assert_eq!(guest.run(&entry, &[10, 2]), Left::Loop(TraceId(1)), "the loop may not be entered directly");
    inner.cell.direct.store(1, Ordering::Release);
    entry.cell.moved.store(0, Ordering::Relaxed);
    assert_eq!(guest.run(&entry, &[10, 2]), Left::Exit(inner.first_exit));
    assert_eq!(guest.buf[..4], [7 + 90, 10, 10, 2]);
    // Most go to registers.
    assert!((0..5).contains(&entry.cell.moved.load(Ordering::Relaxed)), "{:?}", entry.cell.moved);
}

/// A loop over `i` that sums, its bridge that doubles the bound up to 1000, and a loop whose every round runs that one.
fn nested(guest: &mut Guest) -> [Compiled; 4] {
    let inner = guest.compile(1, sum_loop().trace, &[]);
    // The inner loop ended: double its bound, up to 1000; else go to the outer loop.
    let doubling = guest.compile(2, doubling_bridge().trace, &[&inner]);
    // The outer loop: while s < 10 million, the inner loop from 0 to 100.
    let mut b = Builder::new(TraceKind::Loop);
    let (s, step) = (b.input(Ty::Int), b.input(Ty::Int));
    let more = b.pure(OpCode::IntLt, &[s, Arg::Int(10_000_000)]);
    b.guard(OpCode::GuardTrue, &[more], &[s, step]);
    b.with(OpCode::JumpLoop, Ty::Void, &[s, Arg::Int(0), Arg::Int(100), step], Attr::Target(TraceId(1)));
    let outer = guest.compile(3, b.trace, &[&inner]);
    let mut b = Builder::new(TraceKind::Bridge);
    let (s, _n, step) = (b.input(Ty::Int), b.input(Ty::Int), b.input(Ty::Int));
    b.with(OpCode::JumpLoop, Ty::Void, &[s, step], Attr::Target(TraceId(3)));
    let up = guest.compile(4, b.trace, &[&outer]);
    inner.exits.attach(ExitId(0), doubling.code.entry);
    doubling.exits.attach(ExitId(0), up.code.entry);
    [inner, doubling, outer, up]
}

#[test]
fn a_unit_does_what_its_members_do() {
    if !crate::UNITS {
        return;
    }
    let mut guest = Guest::new();
    let [inner, doubling, outer, up] = nested(&mut guest);
    let apart = guest.run(&outer, &[1, 1]);
    let sum = guest.buf[0];
    assert_eq!(apart, Left::Exit(outer.first_exit));
    assert!(sum > 10_000_000);
    let unit = guest.compile_unit(&[
        (&inner, None),
        (&outer, None),
        (&doubling, Some((0, ExitId(0)))),
        (&up, Some((2, ExitId(0)))),
    ]);
    // Nothing is left of the ways through the cells.
    for member in [&inner, &outer] {
        member.cell.entry.store(unit.entry, Ordering::Release);
    }
    inner.exits.attach(ExitId(0), guest.backend.stub());
    doubling.exits.attach(ExitId(0), guest.backend.stub());
    assert_eq!(guest.run_code(unit.entry, 3, &[1, 1]), Left::Exit(outer.first_exit));
    assert_eq!(guest.buf[0], sum);
    assert_eq!(guest.run_code(unit.entry, 1, &[1, 0, 100, 1]), Left::Exit(outer.first_exit));
    assert_eq!(guest.buf[0], sum);
    // Entered at the label.
    assert_eq!(guest.run_code(unit.entry, codegen::BODY | 1, &[1, 0, 100, 1]), Left::Exit(outer.first_exit));
    assert_eq!(guest.buf[0], sum);
}

#[test]
fn an_exit_of_a_unit_without_a_bridge_there_leaves_through_its_cell() {
    if !crate::UNITS {
        return;
    }
    let mut guest = Guest::new();
    let [inner, doubling, outer, up] = nested(&mut guest);
    let unit = guest.compile_unit(&[(&inner, None), (&doubling, Some((0, ExitId(0))))]);
    assert_eq!(guest.run_code(unit.entry, 1, &[1, 0, 100, 1]), Left::Exit(outer.first_exit));
    doubling.exits.attach(ExitId(0), guest.backend.stub());
    assert_eq!(guest.run_code(unit.entry, 1, &[1, 0, 100, 1]), Left::Exit(doubling.first_exit));
    assert_eq!(guest.buf[1], 1600);
    drop((up, unit));
}

#[test]
fn a_unit_does_not_run_into_a_member_that_fell() {
    if !crate::UNITS {
        return;
    }
    let mut guest = Guest::new();
    let inner = guest.compile(1, sum_loop().trace, &[]);
    let mut b = Builder::new(TraceKind::Bridge);
    let (s, i, n, step) = (b.input(Ty::Int), b.input(Ty::Int), b.input(Ty::Int), b.input(Ty::Int));
    b.exit(OpCode::StillValid, &[], Attr::None, &[s]);
    let n = b.pure(OpCode::IntAdd, &[n, Arg::Int(100)]);
    let small = b.pure(OpCode::IntLt, &[n, Arg::Int(1000)]);
    b.guard(OpCode::GuardTrue, &[small], &[n]);
    b.with(OpCode::JumpBody, Ty::Void, &[s, i, n, step], Attr::Target(TraceId(1)));
    let bridge = guest.compile(2, b.trace, &[&inner]);
    let unit = guest.compile_unit(&[(&inner, None), (&bridge, Some((0, ExitId(0))))]);
    inner.cell.entry.store(unit.entry, Ordering::Release);
    assert_eq!(guest.run_code(unit.entry, 1, &[0, 0, 100, 1]), Left::Exit(bridge.first_exit + 1));
    bridge.cell.fallen.store(1, Ordering::Release);
    assert_eq!(guest.run_code(unit.entry, 1, &[0, 0, 100, 1]), Left::Exit(inner.first_exit));
    assert_eq!(guest.buf[..4], [4950, 100, 100, 1]);
}

#[test]
fn a_jump_to_a_trace_without_code_comes_out_with_its_inputs() {
    let mut guest = Guest::new();
    let compiled = guest.compile(7, sum_loop().trace, &[]);
    for (code, left) in [(OpCode::JumpLoop, Left::Loop(TraceId(7))), (OpCode::JumpBody, Left::Body(TraceId(7)))] {
        let mut b = Builder::new(TraceKind::Bridge);
        let i = b.input(Ty::Int);
        b.with(code, Ty::Void, &[Arg::Int(1), i, Arg::Int(10), Arg::Int(1)], Attr::Target(TraceId(7)));
        let jump = guest.compile(8, b.trace, &[&compiled]);
        assert_eq!(guest.run(&jump, &[4]), Left::Exit(compiled.first_exit));
        assert_eq!(guest.buf[0], 1 + 4 + 5 + 6 + 7 + 8 + 9);
        compiled.cell.entry.store(guest.backend.stub(), Ordering::Release);
        assert_eq!(guest.run(&jump, &[4]), left);
        assert_eq!(guest.buf[..4], [1, 4, 10, 1]);
        compiled.cell.entry.store(compiled.code.entry, Ordering::Release);
    }
}

#[test]
fn exits_with_equal_live_values_keep_their_numbers_and_cells() {
    let mut guest = Guest::new();
    let mut b = Builder::new(TraceKind::Loop);
    let (i, f, t) = (b.input(Ty::Int), b.input(Ty::Flt), b.input(Ty::Bool));
    for k in 0..5 {
        let different = b.pure(OpCode::IntNe, &[i, Arg::Int(k)]);
        b.guard(OpCode::GuardTrue, &[different], &[f, i, t]);
    }
    b.op(OpCode::FinishReturn, Ty::Void, &[Arg::Imm(33)]);
    let compiled = guest.compile(1, b.trace, &[]);
    for k in 0..5 {
        assert_eq!(guest.run(&compiled, &[k, 2.5f64.to_bits(), 1]), Left::Exit(compiled.first_exit + k as u32));
        assert_eq!(guest.buf[..3], [2.5f64.to_bits(), k, 1]);
    }
    let mut b = Builder::new(TraceKind::Bridge);
    let (f, _i, t) = (b.input(Ty::Flt), b.input(Ty::Int), b.input(Ty::Bool));
    let f = b.pure(OpCode::FltAdd, &[f, f]);
    b.guard(OpCode::Leave, &[], &[t, f]);
    let bridge = guest.compile(2, b.trace, &[]);
    compiled.exits.attach(ExitId(3), bridge.code.entry);
    assert_eq!(guest.run(&compiled, &[3, 2.5f64.to_bits(), 1]), Left::Exit(bridge.first_exit));
    assert_eq!(guest.buf[..2], [1, 5f64.to_bits()]);
    assert_eq!(guest.run(&compiled, &[4, 2.5f64.to_bits(), 1]), Left::Exit(compiled.first_exit + 4));
    assert_eq!(guest.run(&compiled, &[9, 0, 0]), Left::Return);
    assert_eq!(guest.buf[0], 33);
}

#[test]
fn raising_is_told_from_returning() {
    let mut guest = Guest::new();
    let mut b = Builder::new(TraceKind::Function);
    let p = b.input(Ty::Ref);
    b.op(OpCode::FinishRaise, Ty::Void, &[p]);
    let compiled = guest.compile(1, b.trace, &[]);
    assert_eq!(guest.run(&compiled, &[0x8888]), Left::Raise);
    assert_eq!(guest.buf[0], 0x8888);
}

#[test]
fn a_fallen_trace_leaves_its_loop() {
    let mut guest = Guest::new();
    let mut b = Builder::new(TraceKind::Loop);
    let i = b.input(Ty::Int);
    b.guard(OpCode::StillValid, &[], &[i]);
    let &[i] = &b.label(&[i])[..] else { unreachable!() };
    b.guard(OpCode::StillValid, &[], &[i]);
    let next = b.pure(OpCode::IntAdd, &[i, Arg::Int(1)]);
    b.op(OpCode::JumpLabel, Ty::Void, &[next]);
    let compiled = guest.compile(1, b.trace, &[]);
    // The flag is set while the loop runs, so it has to be read again in every iteration.
    let cell = compiled.cell.clone();
    let begins = std::sync::Arc::new(std::sync::Barrier::new(2));
    let begun = begins.clone();
    let setter = std::thread::spawn(move || {
        begun.wait();
        // Long enough for the loop to be entered on a machine that does other things too.
        std::thread::sleep(std::time::Duration::from_millis(300));
        cell.fallen.store(1, Ordering::Release);
    });
    begins.wait();
    assert_eq!(guest.run(&compiled, &[0]), Left::Exit(compiled.first_exit + 1));
    setter.join().unwrap();
    assert!(guest.buf[0] > 0);
    assert_eq!(guest.run(&compiled, &[3]), Left::Exit(compiled.first_exit));
}

extern "C" fn inspect(ctx: *mut u8, wanted: u64) -> u64 {
    // SAFETY: the test's context.
    let ctx = unsafe { &mut *ctx.cast::<Context>() };
    // SAFETY: compiled code linked its record before this call.
    let record = unsafe { &mut *ctx.activation };
    // SAFETY: the call's exit has two live values.
    let live = unsafe { Activation::live(record, 2) };
    ctx.scratch = record.exit << 32 | live[0] << 16 | live[1];
    record.inspected = wanted;
    wanted + 1
}

static INSPECT: Callee = Callee {
    name: "inspect",
    function: Function::F1(inspect),
    operands: &[Ty::Int],
    result: Ty::Int,
    effect: CallEffect::RunsGuest,
};

#[test]
fn an_inspector_sees_the_activation_and_can_stop_it() {
    let mut guest = Guest::new();
    let mut b = Builder::new(TraceKind::Loop);
    let (i, t) = (b.input(Ty::Int), b.input(Ty::Bool));
    let result = b.exit(OpCode::Call, &[i], Attr::Callee(&INSPECT), &[t, i]);
    b.guard(OpCode::StillValid, &[], &[result]);
    b.op(OpCode::FinishReturn, Ty::Void, &[Arg::Imm(1)]);
    let compiled = guest.compile(1, b.trace, &[]);
    assert_eq!(guest.run(&compiled, &[0, 1]), Left::Return);
    assert_eq!(guest.ctx.scratch, u64::from(compiled.first_exit) << 32 | 1 << 16);
    assert_eq!(guest.run(&compiled, &[5, 1]), Left::Exit(compiled.first_exit + 1));
    assert_eq!(guest.buf[0], 6);
    assert_eq!(guest.run(&compiled, &[0, 1]), Left::Return);
}

#[test]
fn too_many_values_are_refused() {
    let mut guest = Guest::new();
    let mut b = Builder::new(TraceKind::Loop);
    for _ in 0..BUFFER_WORDS + 1 {
        b.input(Ty::Int);
    }
    b.guard(OpCode::Leave, &[], &[]);
    let input = codegen::CompileInput {
        on: None,
        trace: b.trace,
        id: TraceId(0),
        cell: codegen::TraceCell::new(guest.backend.stub()),
        targets: Vec::new(),
        counted: None,
        exits: codegen::ExitCells::new(1, guest.backend.stub()),
        first_exit: 0,
        constants: 0,
        dump: codegen::Dump::default(),
    };
    let error = guest.backend.compile(&input).unwrap_err();
    assert_eq!(error, CompileError::TooManyValues { values: BUFFER_WORDS + 1, buffer_words: BUFFER_WORDS });
}

#[test]
fn freed_code_memory_is_used_again() {
    let mut guest = Guest::new();
    let before = guest.backend.code_bytes();
    let mut page = 0;
    for round in 0..3 {
        let compiled = guest.compile(1, sum_loop().trace, &[]);
        assert!(round == 0 || page == compiled.code.entry / 4096);
        page = compiled.code.entry / 4096;
        assert_eq!(guest.run(&compiled, &[0, 0, 10, 1]), Left::Exit(compiled.first_exit));
        assert_eq!(guest.buf[0], 45);
        // SAFETY: the trace is not running and nothing jumps to it.
        unsafe { guest.backend.free(compiled.code) };
        assert_eq!(guest.backend.code_bytes(), before);
    }
}
