//! Compile time and code size of a few typical traces, and the speed of their code.
//!
//! `cargo run --release --example compile_time -p codegen`; with an argument, prints the code of the trace of that name. With
//! `BACKEND=cranelift` it is Cranelift's, else that of the processor's own backend, if there is one.

#[path = "../tests/cases/common.rs"]
mod common;

use codegen::{Backend, CompileInput, Dump, ExitCells, TraceCell, tagging};
use common::{Builder, Guest};
use ir::{Arg, Attr, Field, Items, OpCode, Repr, TraceId, TraceKind, Ty};
use std::time::Instant;

/// `while i < n: s = (s + i * 3) & mask; i += 1` on unboxed integers, with overflow guards.
fn int_loop() -> Builder {
    let mut b = Builder::new(TraceKind::Loop);
    let inputs = [Ty::Int; 3].map(|ty| b.input(ty));
    let &[s, i, n] = &b.label(&inputs)[..] else { unreachable!() };
    let more = b.pure(OpCode::IntLt, &[i, n]);
    b.guard(OpCode::GuardTrue, &[more], &[s, i, n]);
    let product = b.pure(OpCode::IntMul, &[i, Arg::Int(3)]);
    let overflows = b.pure(OpCode::IntMulOverflows, &[i, Arg::Int(3)]);
    b.guard(OpCode::GuardFalse, &[overflows], &[s, i, n]);
    let sum = b.pure(OpCode::IntAdd, &[s, product]);
    let overflows = b.pure(OpCode::IntAddOverflows, &[s, product]);
    b.guard(OpCode::GuardFalse, &[overflows], &[s, i, n]);
    let sum = b.pure(OpCode::IntAnd, &[sum, Arg::Int(0xfff_ffff)]);
    let next = b.pure(OpCode::IntAdd, &[i, Arg::Int(1)]);
    let fits = b.pure(OpCode::IntFits, &[next]);
    b.guard(OpCode::GuardTrue, &[fits], &[sum, i, n]);
    b.op(OpCode::JumpLabel, Ty::Void, &[sum, next, n]);
    b
}

/// `while i < n: x = x * c + d; i += 1` on unboxed floats.
fn float_loop() -> Builder {
    let mut b = Builder::new(TraceKind::Loop);
    let inputs = [Ty::Flt, Ty::Int, Ty::Int, Ty::Flt, Ty::Flt].map(|ty| b.input(ty));
    let &[x, i, n, c, d] = &b.label(&inputs)[..] else { unreachable!() };
    let more = b.pure(OpCode::IntLt, &[i, n]);
    b.guard(OpCode::GuardTrue, &[more], &[x, i, n, c, d]);
    let x = b.pure(OpCode::FltMul, &[x, c]);
    let x = b.pure(OpCode::FltAdd, &[x, d]);
    let next = b.pure(OpCode::IntAdd, &[i, Arg::Int(1)]);
    b.op(OpCode::JumpLabel, Ty::Void, &[x, next, n, c, d]);
    b
}

/// A loop over a raw array: `s += a[i]`.
fn array_loop() -> Builder {
    let mut b = Builder::new(TraceKind::Loop);
    let inputs = [Ty::Flt, Ty::Int, Ty::Int, Ty::Ref, Ty::Int, Ty::Int].map(|ty| b.input(ty));
    let &[s, i, n, owner, address, length] = &b.label(&inputs)[..] else { unreachable!() };
    let live = [s, i, n, owner];
    let more = b.pure(OpCode::IntLt, &[i, n]);
    b.guard(OpCode::GuardTrue, &[more], &live);
    let inside = b.pure(OpCode::IntUlt, &[i, length]);
    b.guard(OpCode::GuardTrue, &[inside], &live);
    let element = b.with(OpCode::RawLoad, Ty::Flt, &[owner, address, i], Attr::Raw(Repr::F64));
    let sum = b.pure(OpCode::FltAdd, &[s, element]);
    let next = b.pure(OpCode::IntAdd, &[i, Arg::Int(1)]);
    b.op(OpCode::JumpLabel, Ty::Void, &[sum, next, n, owner, address, length]);
    b
}

/// Boxed values in objects: a shape guard, two float fields, a fresh object, a list store, a validity test.
fn object_loop() -> Builder {
    let field = |name, offset, repr| Attr::Field(Field { name, offset, repr, immutable: false });
    let items = Attr::Items(Items { name: "items", offset: 16, repr: Repr::Ref, immutable: false });
    let mut b = Builder::new(TraceKind::Loop);
    let inputs = [Ty::Ref, Ty::Ref, Ty::Int, Ty::Int].map(|ty| b.input(ty));
    let &[list, point, i, n] = &b.label(&inputs)[..] else { unreachable!() };
    let live = [list, point, i, n];
    b.guard(OpCode::StillValid, &[], &live);
    let more = b.pure(OpCode::IntLt, &[i, n]);
    b.guard(OpCode::GuardTrue, &[more], &live);
    let shape = b.with(OpCode::Shape, Ty::Int, &[point], Attr::None);
    b.guard(OpCode::GuardValue, &[shape, Arg::Int(77)], &live);
    let x = b.with(OpCode::GetField, Ty::Ref, &[point], field("x", 8, Repr::Ref));
    let is_flt = b.pure(OpCode::IsFlt, &[x]);
    b.guard(OpCode::GuardTrue, &[is_flt], &live);
    let x = b.pure(OpCode::FltUnbox, &[x]);
    let y = b.with(OpCode::GetField, Ty::Flt, &[point], field("y", 16, Repr::F64));
    let x = b.pure(OpCode::FltMul, &[x, y]);
    let boxed = b.op(OpCode::FltBox, Ty::Ref, &[x]);
    let fresh = b.with(OpCode::New, Ty::Ref, &[], Attr::New { shape: 77, bytes: 24, item_bytes: 0 });
    b.with(OpCode::InitField, Ty::Void, &[fresh, boxed], field("x", 8, Repr::Ref));
    b.with(OpCode::InitField, Ty::Void, &[fresh, y], field("y", 16, Repr::F64));
    let slot = b.pure(OpCode::IntAnd, &[i, Arg::Int(7)]);
    b.with(OpCode::SetItem, Ty::Void, &[list, slot, fresh], items);
    let next = b.pure(OpCode::IntAdd, &[i, Arg::Int(1)]);
    b.op(OpCode::JumpLabel, Ty::Void, &[list, fresh, next, n]);
    b
}

/// A long bridge: tagged arithmetic with many exits and many live values.
fn long_bridge() -> Builder {
    let mut b = Builder::new(TraceKind::Bridge);
    let mut values: Vec<Arg> = (0..8).map(|_| b.input(Ty::Ref)).collect();
    for step in 0..12 {
        let x = values[step % 8];
        let is_int = b.pure(OpCode::IsInt, &[x]);
        b.guard(OpCode::GuardTrue, &[is_int], &values);
        let int = b.pure(OpCode::IntUnbox, &[x]);
        let sum = b.pure(OpCode::IntAdd, &[int, Arg::Int(step as i64)]);
        let fits = b.pure(OpCode::IntFits, &[sum]);
        b.guard(OpCode::GuardTrue, &[fits], &values);
        let small = b.pure(OpCode::IntLt, &[sum, Arg::Int(1000)]);
        b.guard(OpCode::GuardTrue, &[small], &values);
        values[step % 8] = b.op(OpCode::IntBox, Ty::Ref, &[sum]);
    }
    b.guard(OpCode::Leave, &[], &values);
    b
}

fn backend(config: codegen::Config) -> Box<dyn Backend> {
    #[cfg(target_arch = "x86_64")]
    if std::env::var("BACKEND").as_deref() != Ok("cranelift") {
        return Box::new(codegen::x64::X64Backend::new(config).expect("a backend"));
    }
    Box::new(codegen::cranelift::CraneliftBackend::new(config).expect("a backend"))
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let wanted = arguments.next();
    // For a profiler: this many compilations of the trace instead of its code.
    let rounds = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(300u32);
    let print_code = wanted.is_some() && rounds == 300;
    let start = Instant::now();
    let mut guest = Guest::new();
    let backend = start.elapsed().as_secs_f64() * 1e6;
    let start = Instant::now();
    guest.compile(1, int_loop().trace, &[]);
    let first = start.elapsed().as_secs_f64() * 1e6;
    println!("{backend:.0} us to start, {first:.0} us for the first trace");
    let array = vec![1.0f64; 1 << 20];
    let point = guest.object(77, &[tagging::box_flonum(1.0f64.to_bits()).unwrap(), 1.0f64.to_bits()]);
    let list = guest.object(5, &[0; 16]);
    let n = 10_000_000u64;
    let one = 1.0f64.to_bits();
    type Case = (&'static str, fn() -> Builder, Vec<u64>, u64);
    let cases: Vec<Case> = vec![
        ("int_loop", int_loop, vec![0, 0, n], n),
        ("float_loop", float_loop, vec![one, 0, n, 0.5f64.to_bits(), one], n),
        ("array_loop", array_loop, vec![0, 0, 1 << 20, list, array.as_ptr() as u64, 1 << 20], 1 << 20),
        ("object_loop", object_loop, vec![list, point, 0, 100_000], 100_000),
        ("long_bridge", long_bridge, vec![3; 8], 1),
    ];
    for (name, build, inputs, iterations) in cases {
        if wanted.as_ref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        if print_code {
            guest.dump = Dump { clif: true, asm: true, ..Dump::default() };
            guest.compile(1, build().trace, &[]);
            continue;
        }
        let trace = build().trace;
        let input = CompileInput {
            exits: ExitCells::new(trace.exits.len(), guest.backend.stub()),
            trace,
            id: TraceId(1),
            cell: TraceCell::new(guest.backend.stub()),
            targets: Vec::new(),
            counted: None,
            first_exit: 0,
            constants: guest.constants.as_ptr() as usize,
            on: None,
            dump: Dump::default(),
        };
        let start = Instant::now();
        let mut bytes = 0;
        for _ in 0..rounds {
            bytes = guest.backend.compile(&input).unwrap().code_bytes;
        }
        let compile = start.elapsed().as_secs_f64() / f64::from(rounds) * 1e6;
        let compiled = guest.compile(1, build().trace, &[]);
        guest.heap.refill(1 << 20);
        guest.run(&compiled, &inputs);
        guest.heap.refill(1 << 20);
        let start = Instant::now();
        guest.run(&compiled, &inputs);
        let run = start.elapsed().as_secs_f64() / iterations as f64 * 1e9;
        println!(
            "{name:12} {:4} operations {:3} exits: {compile:7.1} us to compile, {bytes:5} bytes, {run:7.2} ns an iteration",
            input.trace.ops.len(),
            input.trace.exits.len()
        );
    }
}
