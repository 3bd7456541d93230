//! Objects, barriers, allocation, off-heap buffers, calls.

use crate::common::{ASKED, Builder, COLLECT, Context, FALSE, FLOAT_SHAPE, Guest, Heap, SUM_BUFFERED, TRUE, sum};
use codegen::{Left, tagging};
use ir::{Arg, Attr, CallEffect, Callee, ConstRef, ExitId, Field, Function, Items, OpCode, Repr, TraceKind, Ty};

fn field(offset: u32, repr: Repr) -> Attr {
    Attr::Field(Field { name: "x", offset, repr, immutable: false })
}

fn items(offset: u32, repr: Repr) -> Attr {
    Attr::Items(Items { name: "item", offset, repr, immutable: false })
}

#[test]
fn fields_and_items_of_every_representation() {
    let cases: [(Repr, u64, u64); 9] = [
        (Repr::I64, u64::MAX - 4, u64::MAX - 4),
        (Repr::F64, 1.25f64.to_bits(), 1.25f64.to_bits()),
        (Repr::F32, 1.1f64.to_bits(), f64::from(1.1f32).to_bits()),
        (Repr::I32, 0x1_8000_0001, 0xffff_ffff_8000_0001),
        (Repr::U32, 0x1_8000_0001, 0x8000_0001),
        (Repr::I16, 0x1_8001, 0xffff_ffff_ffff_8001),
        (Repr::U16, 0x1_8001, 0x8001),
        (Repr::I8, 0x181, 0xffff_ffff_ffff_ff81),
        (Repr::U8, 0x181, 0x81),
    ];
    for (repr, stored, loaded) in cases {
        let mut guest = Guest::new();
        let object = guest.object(1, &[0; 8]);
        let mut raw = [0u8; 64];
        let ty = repr.ty();
        let mut b = Builder::new(TraceKind::Loop);
        let (p, i, x, address) = (b.input(Ty::Ref), b.input(Ty::Int), b.input(ty), b.input(Ty::Int));
        b.with(OpCode::SetField, Ty::Void, &[p, x], field(8, repr));
        let a = b.with(OpCode::GetField, ty, &[p], field(8, repr));
        b.with(OpCode::SetItem, Ty::Void, &[p, i, x], items(16, repr));
        let c = b.with(OpCode::GetItem, ty, &[p, i], items(16, repr));
        let d = b.with(OpCode::GetItem, ty, &[p, Arg::Int(2)], items(16, repr));
        b.with(OpCode::RawStore, Ty::Void, &[p, address, i, x], Attr::Raw(repr));
        let e = b.with(OpCode::RawLoad, ty, &[p, address, Arg::Int(2)], Attr::Raw(repr));
        let bytes = b.pure(OpCode::IntMul, &[i, Arg::Int(i64::from(repr.bytes()))]);
        let f = b.with(OpCode::LoadBytes, ty, &[p, bytes], items(16, repr));
        let g = b.with(OpCode::LoadBytes, ty, &[p, Arg::Int(2 * i64::from(repr.bytes()))], items(16, repr));
        b.guard(OpCode::Leave, &[], &[a, c, d, e, f, g]);
        let compiled = guest.compile(1, b.trace, &[]);
        // An odd address: buffers off the heap need not be aligned.
        let left = guest.run(&compiled, &[object, 2, stored, raw.as_mut_ptr() as u64 + 1]);
        assert_eq!(left, Left::Exit(compiled.first_exit));
        assert_eq!(guest.buf[..6], [loaded; 6], "{repr:?}");
    }
}

#[test]
fn a_store_of_a_reference_tells_the_collector_once() {
    let mut guest = Guest::new();
    let object = guest.object(1, &[0; 4]);
    let mut b = Builder::new(TraceKind::Loop);
    let (p, q) = (b.input(Ty::Ref), b.input(Ty::Ref));
    b.with(OpCode::SetField, Ty::Void, &[p, Arg::Imm(3)], field(8, Repr::Ref));
    b.with(OpCode::SetField, Ty::Void, &[p, q], field(8, Repr::Ref));
    b.with(OpCode::SetField, Ty::Void, &[p, q], field(16, Repr::Ref));
    b.with(OpCode::InitField, Ty::Void, &[q, p], field(8, Repr::Ref));
    b.with(OpCode::SetItem, Ty::Void, &[p, Arg::Int(1), q], items(16, Repr::Ref));
    b.guard(OpCode::Leave, &[], &[]);
    let compiled = guest.compile(1, b.trace, &[]);
    guest.run(&compiled, &[object, object]);
    assert!(guest.heap.barriers.is_empty() && guest.heap.item_barriers.is_empty());
    // SAFETY: an object of this heap; byte 4 is its state.
    unsafe { *(object as *mut u8).add(4) = 1 };
    guest.run(&compiled, &[object, object]);
    assert_eq!(guest.heap.barriers, [object]);
}

#[test]
fn a_store_behind_a_collection_tells_the_collector_again() {
    type Collects = fn(&mut Builder, Arg, Arg) -> Arg;
    let ways: [(&str, Collects); 5] = [
        ("an object", |b, _, _| b.with(OpCode::New, Ty::Ref, &[], Attr::New { shape: 5, bytes: 24, item_bytes: 0 })),
        ("few items", |b, _, _| {
            b.with(OpCode::NewItems, Ty::Ref, &[Arg::Int(2)], Attr::New { shape: 5, bytes: 16, item_bytes: 8 })
        }),
        ("items", |b, n, _| b.with(OpCode::NewItems, Ty::Ref, &[n], Attr::New { shape: 5, bytes: 16, item_bytes: 8 })),
        ("a float", |b, _, f| b.op(OpCode::FltBox, Ty::Ref, &[f])),
        ("a call", |b, _, _| b.with(OpCode::Call, Ty::Ref, &[], Attr::Callee(&COLLECT))),
    ];
    for (name, collects) in ways {
        let mut guest = Guest::new();
        let object = guest.object(1, &[0; 4]);
        guest.heap.watched.push(object);
        guest.heap.refill(1);
        let mut b = Builder::new(TraceKind::Loop);
        let (p, q, n, f) = (b.input(Ty::Ref), b.input(Ty::Ref), b.input(Ty::Int), b.input(Ty::Flt));
        b.with(OpCode::SetField, Ty::Void, &[p, q], field(8, Repr::Ref));
        let fresh = collects(&mut b, n, f);
        b.with(OpCode::SetField, Ty::Void, &[p, q], field(8, Repr::Ref));
        b.with(OpCode::SetField, Ty::Void, &[p, fresh], field(16, Repr::Ref));
        b.guard(OpCode::Leave, &[], &[fresh]);
        let compiled = guest.compile(1, b.trace, &[]);
        // SAFETY: an object of this heap; byte 4 is its state.
        unsafe { *(object as *mut u8).add(4) = 1 };
        guest.run(&compiled, &[object, object, 40, 1e300f64.to_bits()]);
        assert_eq!(guest.heap.slow_allocations, 1, "{name}");
        assert_eq!(guest.heap.barriers, [object, object], "{name}");
    }
}

#[test]
fn an_item_store_gives_its_address() {
    let mut guest = Guest::new();
    let object = guest.object(1, &[0; 8]);
    let mut b = Builder::new(TraceKind::Loop);
    let (p, i) = (b.input(Ty::Ref), b.input(Ty::Int));
    b.with(OpCode::SetItem, Ty::Void, &[p, i, p], items(16, Repr::Ref));
    b.with(OpCode::SetItem, Ty::Void, &[p, Arg::Int(3), p], items(16, Repr::Ref));
    b.guard(OpCode::Leave, &[], &[]);
    let compiled = guest.compile(1, b.trace, &[]);
    // SAFETY: an object of this heap; byte 4 is its state.
    unsafe { *(object as *mut u8).add(4) = 1 };
    guest.run(&compiled, &[object, 1]);
    assert_eq!(guest.heap.item_barriers, [(object, object + 24), (object, object + 40)]);
}

#[test]
fn allocation_bumps_until_the_gap_is_full() {
    let mut guest = Guest::new();
    guest.heap.refill(100);
    let start = guest.heap.free;
    let mut b = Builder::new(TraceKind::Loop);
    let (i, n) = (b.input(Ty::Int), b.input(Ty::Int));
    let &[i, n, _last] = &b.label(&[i, n, Arg::NULL])[..] else { unreachable!() };
    let object = b.with(OpCode::New, Ty::Ref, &[], Attr::New { shape: 5, bytes: 24, item_bytes: 0 });
    b.with(OpCode::InitField, Ty::Void, &[object, i], field(8, Repr::I64));
    let other = b.with(OpCode::New, Ty::Ref, &[], Attr::New { shape: 6, bytes: 16, item_bytes: 0 });
    b.with(OpCode::InitField, Ty::Void, &[object, other], field(16, Repr::Ref));
    let more = b.pure(OpCode::IntLt, &[i, n]);
    b.guard(OpCode::GuardTrue, &[more], &[object, other]);
    let next = b.pure(OpCode::IntAdd, &[i, Arg::Int(1)]);
    b.op(OpCode::JumpLabel, Ty::Void, &[next, n, object]);
    let compiled = guest.compile(1, b.trace, &[]);
    guest.run(&compiled, &[0, 3]);
    assert_eq!(guest.heap.free, start + 4 * 40);
    assert_eq!(guest.heap.slow_allocations, 0);
    let object = guest.buf[0] as *const u64;
    // SAFETY: the object was just allocated with three words.
    assert_eq!(unsafe { [*object, *object.add(1), *object.add(2)] }, [5 << 1 | 1, 3, guest.buf[1]]);
    guest.run(&compiled, &[0, 99]);
    assert_eq!(guest.heap.slow_allocations, 200 - (800 - 160) / 20);
    let object = guest.buf[0] as *const u64;
    // SAFETY: as above.
    assert_eq!(unsafe { [*object, *object.add(1), *object.add(2)] }, [5 << 1 | 1, 99, guest.buf[1]]);
}

#[test]
fn objects_with_items() {
    let mut guest = Guest::new();
    let mut b = Builder::new(TraceKind::Loop);
    let n = b.input(Ty::Int);
    let object = b.with(OpCode::NewItems, Ty::Ref, &[n], Attr::New { shape: 5, bytes: 16, item_bytes: 8 });
    b.with(OpCode::InitItem, Ty::Void, &[object, Arg::Int(1), Arg::Imm(7)], items(16, Repr::Ref));
    let shape = b.with(OpCode::Shape, Ty::Int, &[object], Attr::None);
    b.guard(OpCode::GuardValue, &[shape, Arg::Int(5)], &[]);
    b.with(OpCode::SetShape, Ty::Void, &[object, Arg::Int(77)], Attr::None);
    let again = b.with(OpCode::Shape, Ty::Int, &[object], Attr::None);
    b.guard(OpCode::GuardValue, &[again, Arg::Int(5)], &[shape, again, object]);
    b.guard(OpCode::Leave, &[], &[]);
    let compiled = guest.compile(1, b.trace, &[]);
    assert_eq!(guest.run(&compiled, &[3]), Left::Exit(compiled.first_exit + 1));
    assert_eq!(guest.buf[..2], [5, 77]);
    let object = guest.buf[2] as *const u64;
    // SAFETY: the object was just allocated with a header, a word and three items.
    assert_eq!(unsafe { std::slice::from_raw_parts(object, 5) }, [77 << 1 | 1, 3, 0, 7, 0]);
}

#[test]
fn objects_with_a_known_number_of_items() {
    for slow in [false, true] {
        let mut guest = Guest::new();
        guest.heap.refill(if slow { 5 } else { 6 });
        let mut b = Builder::new(TraceKind::Loop);
        let p = b.input(Ty::Ref);
        let attr = Attr::New { shape: 5, bytes: 24, item_bytes: 8 };
        let object = b.with(OpCode::NewItems, Ty::Ref, &[Arg::Int(3)], attr);
        b.with(OpCode::InitItem, Ty::Void, &[object, Arg::Int(1), p], items(24, Repr::Ref));
        b.op(OpCode::FinishReturn, Ty::Void, &[object]);
        let compiled = guest.compile(1, b.trace, &[]);
        assert_eq!(guest.run(&compiled, &[7]), Left::Return);
        assert_eq!(guest.heap.slow_allocations, u64::from(slow));
        let object = guest.buf[0] as *const u64;
        // SAFETY: the object was just allocated with three words and three items.
        assert_eq!(unsafe { std::slice::from_raw_parts(object, 6) }, [5 << 1 | 1, 3, 0, 0, 7, 0]);
    }
}

#[test]
fn boxes_and_their_tests() {
    let mut guest = Guest::new();
    let mut b = Builder::new(TraceKind::Loop);
    let (i, f, t, p) = (b.input(Ty::Int), b.input(Ty::Flt), b.input(Ty::Bool), b.input(Ty::Ref));
    let int = b.op(OpCode::IntBox, Ty::Ref, &[i]);
    let flt = b.op(OpCode::FltBox, Ty::Ref, &[f]);
    let truth = b.op(OpCode::BoolBox, Ty::Ref, &[t]);
    let same = b.pure(OpCode::RefEq, &[int, p]);
    let is_flt = b.pure(OpCode::IsFlt, &[p]);
    b.guard(OpCode::Leave, &[], &[int, flt, truth, same, is_flt]);
    let compiled = guest.compile(1, b.trace, &[]);
    let object = guest.object(3, &[0]);
    let float = guest.object(FLOAT_SHAPE, &[1e300f64.to_bits()]);
    let words = [(0, 0), (object, 0), (float, 1), (tagging::box_int(-5), 0), (tagging::FLONUM_ZERO, 1)];
    for x in [0.0, -0.0, 1.5, -1e300, f64::NAN, 2f64.powi(-255), -2f64.powi(-255), 2f64.powi(257)] {
        for (word, is_flt) in words {
            guest.run(&compiled, &[-5i64 as u64, x.to_bits(), u64::from(x == 1.5), word]);
            assert_eq!(guest.buf[0], tagging::box_int(-5));
            match tagging::box_flonum(x.to_bits()) {
                Some(immediate) => assert_eq!(guest.buf[1], immediate),
                // SAFETY: a float object was just made.
                None => assert_eq!(unsafe { *(guest.buf[1] as *const u64).add(1) }, x.to_bits()),
            }
            assert_eq!(guest.buf[2], if x == 1.5 { TRUE } else { FALSE });
            assert_eq!(guest.buf[3], u64::from(word == tagging::box_int(-5)));
            assert_eq!(guest.buf[4], is_flt);
        }
    }
}

#[test]
fn a_float_guard_takes_immediate_and_boxed() {
    for unbox in [false, true] {
        let mut guest = Guest::new();
        let mut b = Builder::new(TraceKind::Loop);
        let p = b.input(Ty::Ref);
        let is_flt = b.pure(OpCode::IsFlt, &[p]);
        b.guard(OpCode::GuardTrue, &[is_flt], &[p]);
        if unbox {
            let f = b.pure(OpCode::FltUnbox, &[p]);
            b.guard(OpCode::Leave, &[], &[f]);
        } else {
            b.guard(OpCode::Leave, &[], &[p]);
        }
        let compiled = guest.compile(1, b.trace, &[]);
        let object = guest.object(3, &[0]);
        for word in [0, object, tagging::box_int(1), tagging::box_int(0)] {
            assert_eq!(guest.run(&compiled, &[word]), Left::Exit(compiled.first_exit));
            assert_eq!(guest.buf[0], word);
        }
        for x in [0.0, -0.0, 1.5, 1e300, -1e-300] {
            let word = tagging::box_flonum(f64::to_bits(x));
            let word = word.unwrap_or_else(|| guest.object(FLOAT_SHAPE, &[f64::to_bits(x)]));
            assert_eq!(guest.run(&compiled, &[word]), Left::Exit(compiled.first_exit + 1));
            assert_eq!(guest.buf[0], if unbox { x.to_bits() } else { word });
        }
    }
}

#[test]
fn a_guard_against_floats_lets_everything_else_pass() {
    let mut guest = Guest::new();
    let mut b = Builder::new(TraceKind::Loop);
    let p = b.input(Ty::Ref);
    let is_flt = b.pure(OpCode::IsFlt, &[p]);
    b.guard(OpCode::GuardFalse, &[is_flt], &[p]);
    b.op(OpCode::FinishReturn, Ty::Void, &[p]);
    let compiled = guest.compile(1, b.trace, &[]);
    let object = guest.object(3, &[0]);
    for word in [0, object, tagging::box_int(1), tagging::box_int(0)] {
        assert_eq!(guest.run(&compiled, &[word]), Left::Return);
    }
    let boxed = guest.object(FLOAT_SHAPE, &[0]);
    for word in [boxed, tagging::FLONUM_ZERO, tagging::box_flonum(1.5f64.to_bits()).unwrap()] {
        assert_eq!(guest.run(&compiled, &[word]), Left::Exit(compiled.first_exit));
        assert_eq!(guest.buf[0], word);
    }
}

#[test]
fn flags_are_read_in_line() {
    let mut guest = Guest::new();
    let mut b = Builder::new(TraceKind::Loop);
    let asked = b.with(OpCode::Call, Ty::Bool, &[], Attr::Callee(&ASKED));
    b.guard(OpCode::GuardFalse, &[asked], &[asked]);
    b.op(OpCode::FinishReturn, Ty::Void, &[Arg::NULL]);
    let compiled = guest.compile(1, b.trace, &[]);
    assert_eq!(guest.run(&compiled, &[]), Left::Return);
    guest.ctx.flag = 0x100;
    assert_eq!(guest.run(&compiled, &[]), Left::Exit(compiled.first_exit));
    assert_eq!(guest.buf[0], 1);
}

#[test]
fn constants_come_from_the_table() {
    let mut guest = Guest::new();
    let mut b = Builder::new(TraceKind::Loop);
    let p = b.input(Ty::Ref);
    let same = b.pure(OpCode::RefEq, &[p, Arg::Ref(ConstRef(3))]);
    b.guard(OpCode::GuardFalse, &[same], &[p]);
    b.op(OpCode::FinishReturn, Ty::Void, &[Arg::Ref(ConstRef(4))]);
    let compiled = guest.compile(1, b.trace, &[]);
    guest.constants[3] = 0x100;
    guest.constants[4] = 0x200;
    assert_eq!(guest.run(&compiled, &[0x100]), Left::Exit(compiled.first_exit));
    assert_eq!(guest.run(&compiled, &[0x300]), Left::Return);
    assert_eq!(guest.buf[0], 0x200);
}

extern "C" fn mixed(ctx: *mut u8, a: u64, f: u64, t: u64, p: u64, b: u64) -> u64 {
    // SAFETY: the test's context.
    unsafe { &mut *ctx.cast::<Context>() }.scratch += t;
    (f64::from_bits(f) + (a + b + p) as f64).to_bits()
}

static MIXED: Callee = Callee {
    name: "mixed",
    function: Function::F5(mixed),
    operands: &[Ty::Int, Ty::Flt, Ty::Bool, Ty::Ref, Ty::Int],
    result: Ty::Flt,
    effect: CallEffect::Writes,
};

extern "C" fn is_odd(_ctx: *mut u8, a: u64) -> u64 {
    a & 1
}

static IS_ODD: Callee = Callee {
    name: "is_odd",
    function: Function::F1(is_odd),
    operands: &[Ty::Int],
    result: Ty::Bool,
    effect: CallEffect::Pure,
};

extern "C" fn gather(_ctx: *mut u8, first: u64, address: *const u64, count: u64) -> u64 {
    // SAFETY: compiled code passes that many operands.
    let rest = unsafe { std::slice::from_raw_parts(address, count as usize) };
    rest.iter().fold(first, |sum, word| sum * 10 + word)
}

static GATHER: Callee = Callee {
    name: "gather",
    function: Function::Slice(gather),
    operands: &[],
    result: Ty::Ref,
    effect: CallEffect::Reads,
};

#[test]
fn calls_take_and_return_words() {
    let mut guest = Guest::new();
    let mut b = Builder::new(TraceKind::Loop);
    let (i, f, t, p) = (b.input(Ty::Int), b.input(Ty::Flt), b.input(Ty::Bool), b.input(Ty::Ref));
    let sum = b.with(OpCode::Call, Ty::Flt, &[i, f, t, p, Arg::Int(100)], Attr::Callee(&MIXED));
    let odd = b.with(OpCode::Call, Ty::Bool, &[i], Attr::Callee(&IS_ODD));
    b.guard(OpCode::GuardTrue, &[odd], &[sum]);
    let none = b.with(OpCode::CallSlice, Ty::Ref, &[p], Attr::Callee(&GATHER));
    let three = b.with(OpCode::CallSlice, Ty::Ref, &[p, Arg::Imm(2), Arg::Imm(3), Arg::Imm(4)], Attr::Callee(&GATHER));
    let one = b.with(OpCode::CallSlice, Ty::Ref, &[three, Arg::Imm(5)], Attr::Callee(&GATHER));
    b.guard(OpCode::Leave, &[], &[odd, none, three, one, sum]);
    let compiled = guest.compile(1, b.trace, &[]);
    assert_eq!(guest.run(&compiled, &[2, 0.5f64.to_bits(), 1, 7]), Left::Exit(compiled.first_exit));
    assert_eq!(guest.buf[0], 109.5f64.to_bits());
    assert_eq!(guest.run(&compiled, &[3, 0.5f64.to_bits(), 1, 7]), Left::Exit(compiled.first_exit + 1));
    assert_eq!(guest.buf[..5], [1, 7, 7234, 72345, 110.5f64.to_bits()]);
    assert_eq!(guest.ctx.scratch, 2);
}

#[test]
fn operands_come_in_the_buffer() {
    let mut guest = Guest::new();
    let mut b = Builder::new(TraceKind::Loop);
    // More than there are registers, and a constant of each size.
    let inputs: Vec<Arg> = (0..24).map(|_| b.input(Ty::Ref)).collect();
    let mut args = vec![inputs[23], inputs[0]];
    args.extend(&inputs);
    args.extend([Arg::Imm(3), Arg::Imm(0x1234_5678_9abc_def1), Arg::Ref(ConstRef(2))]);
    let all = b.with(OpCode::CallSlice, Ty::Ref, &args, Attr::Callee(&SUM_BUFFERED));
    let none = b.with(OpCode::CallSlice, Ty::Ref, &[all, Arg::Imm(5)], Attr::Callee(&SUM_BUFFERED));
    let mut live = vec![all, none];
    live.extend(&inputs);
    b.guard(OpCode::Leave, &[], &live);
    guest.constants[2] = 0x77;
    let compiled = guest.compile(1, b.trace, &[]);
    let words: Vec<u64> = (0..24).map(|i| 2 * i * i + 1).collect();
    assert_eq!(guest.run(&compiled, &words), Left::Exit(compiled.first_exit));
    let mut operands = words.clone();
    operands.extend([3, 0x1234_5678_9abc_def1, 0x77]);
    let expected = sum(std::ptr::null_mut(), words[23], operands.as_ptr(), operands.len() as u64) ^ words[0] << 1;
    assert_eq!(guest.buf[..2], [expected, expected ^ 10]);
    assert_eq!(guest.buf[2..26], words);
}

/// How a word is hidden from those who look for it.
const HIDDEN: u32 = 19;

/// Looks for a word on the stack above its own frame, as a conservative collector does. The word comes rotated, so that it is in no
/// frame for being looked for.
extern "C" fn on_stack(_ctx: *mut u8, hidden: u64) -> u64 {
    let mut here = 0u64;
    let start: *const u64 = std::hint::black_box(&raw mut here);
    // SAFETY: the stack reaches at least that far up: the test harness's frames are larger.
    let found = (0..64).any(|k| unsafe { start.add(k).read_volatile() }.rotate_left(HIDDEN) == hidden);
    u64::from(found)
}

static ON_STACK: Callee = Callee {
    name: "on_stack",
    function: Function::F1(on_stack),
    operands: &[Ty::Int],
    result: Ty::Bool,
    effect: CallEffect::Writes,
};

/// An owner, a buffer's address and the owner once more, hidden. Rust code leaves the owner in no frame and no register.
fn owner_and_buffer(guest: &mut Guest, data: &[u64]) -> Vec<u64> {
    #[inline(never)]
    fn make(guest: &mut Guest, data: &[u64]) -> Vec<u64> {
        let owner = guest.object(1, &[]);
        vec![owner, data.as_ptr() as u64, owner.rotate_left(HIDDEN)]
    }
    #[inline(never)]
    fn overwrite_the_stack() {
        std::hint::black_box([0u64; 1024]);
    }
    let words = make(guest, data);
    overwrite_the_stack();
    words
}

#[test]
fn the_owner_of_a_buffer_in_use_stays_on_the_stack() {
    let mut guest = Guest::new();
    let data = [1u64, 2, 3];
    let mut b = Builder::new(TraceKind::Loop);
    let (p, address, hidden, i) = (b.input(Ty::Ref), b.input(Ty::Int), b.input(Ty::Int), b.input(Ty::Int));
    let &[p, address, hidden, i] = &b.label(&[p, address, hidden, i])[..] else { unreachable!() };
    let found = b.with(OpCode::Call, Ty::Bool, &[hidden], Attr::Callee(&ON_STACK));
    b.guard(OpCode::GuardTrue, &[found], &[]);
    let element = b.with(OpCode::RawLoad, Ty::Int, &[p, address, i], Attr::Raw(Repr::I64));
    let go_on = b.pure(OpCode::IntLt, &[element, Arg::Int(3)]);
    b.guard(OpCode::GuardTrue, &[go_on], &[]);
    let next = b.pure(OpCode::IntAdd, &[i, Arg::Int(1)]);
    b.op(OpCode::JumpLabel, Ty::Void, &[p, address, hidden, next]);
    let compiled = guest.compile(1, b.trace, &[]);
    let mut inputs = owner_and_buffer(&mut guest, &data);
    inputs.push(0);
    let left = guest.run(&compiled, &inputs);
    assert_eq!(left, Left::Exit(compiled.first_exit + 1));
}

#[test]
fn the_slot_of_an_owner_is_not_used_again() {
    let mut guest = Guest::new();
    let data = [1u64, 2, 3];
    let mut b = Builder::new(TraceKind::Loop);
    let (p, address, hidden) = (b.input(Ty::Ref), b.input(Ty::Int), b.input(Ty::Int));
    let element = b.with(OpCode::RawLoad, Ty::Int, &[p, address, Arg::Int(1)], Attr::Raw(Repr::I64));
    // More than there are registers, so most of them go to the frame.
    let sums: Vec<Arg> = (0..20).map(|k| b.pure(OpCode::IntAdd, &[element, Arg::Int(k)])).collect();
    let found = b.with(OpCode::Call, Ty::Bool, &[hidden], Attr::Callee(&ON_STACK));
    b.guard(OpCode::GuardTrue, &[found], &[]);
    b.guard(OpCode::Leave, &[], &sums);
    let compiled = guest.compile(1, b.trace, &[]);
    let inputs = owner_and_buffer(&mut guest, &data);
    assert_eq!(guest.run(&compiled, &inputs), Left::Exit(compiled.first_exit + 1));
    assert_eq!(guest.buf[..20], (2..22).collect::<Vec<u64>>());
}

#[test]
fn large_objects_are_allocated_out_of_line() {
    let mut guest = Guest::new();
    let free = guest.heap.free;
    let mut b = Builder::new(TraceKind::Loop);
    let object = b.with(OpCode::New, Ty::Ref, &[], Attr::New { shape: 5, bytes: 10_000, item_bytes: 0 });
    b.op(OpCode::FinishReturn, Ty::Void, &[object]);
    let compiled = guest.compile(1, b.trace, &[]);
    assert_eq!(guest.run(&compiled, &[]), Left::Return);
    let heap: &Heap = &guest.heap;
    assert_eq!((heap.free, heap.slow_allocations), (free, 1));
}

#[test]
fn guards_that_a_word_is_an_object_are_one() {
    let mut guest = Guest::new();
    let wanted = guest.object(5, &[41]);
    let other = guest.object(6, &[41]);
    let boxed = guest.object(FLOAT_SHAPE, &[1e300f64.to_bits()]);
    for asks_for_ints in [true, false] {
        let mut b = Builder::new(TraceKind::Loop);
        let (p, x) = (b.input(Ty::Ref), b.input(Ty::Int));
        if asks_for_ints {
            let is_int = b.pure(OpCode::IsInt, &[p]);
            b.guard(OpCode::GuardFalse, &[is_int], &[x]);
        }
        let is_flt = b.pure(OpCode::IsFlt, &[p]);
        b.guard(OpCode::GuardFalse, &[is_flt], &[x]);
        let shape = b.with(OpCode::Shape, Ty::Int, &[p], Attr::None);
        b.guard(OpCode::GuardValue, &[shape, Arg::Int(5)], &[x]);
        let n = b.with(OpCode::GetField, Ty::Int, &[p], field(8, Repr::I64));
        let sum = b.pure(OpCode::IntAdd, &[n, x]);
        b.guard(OpCode::Leave, &[], &[sum]);
        // All leave as the first one does.
        let guards = b.trace.ops.iter_mut().filter(|op| op.exit.is_some() && op.code != OpCode::Leave);
        guards.for_each(|op| op.exit = Some(ExitId(0)));
        let last = b.trace.exits.pop().expect("of the last operation");
        b.trace.exits.truncate(1);
        b.trace.exits.push(last);
        b.trace.ops.last_mut().expect("it").exit = Some(ExitId(1));
        assert!(b.trace.object_guard(2).is_some());
        let compiled = guest.compile(1, b.trace, &[]);
        let int_word = if asks_for_ints { vec![7] } else { Vec::new() };
        let flonum = tagging::box_flonum(1.5f64.to_bits()).expect("a float that fits into a word");
        for word in [other, boxed, flonum].into_iter().chain(int_word) {
            assert_eq!(guest.run(&compiled, &[word, 1]), Left::Exit(compiled.first_exit), "{word:#x}");
            assert_eq!(guest.buf[0], 1);
        }
        assert_eq!(guest.run(&compiled, &[wanted, 1]), Left::Exit(compiled.first_exit + 1));
        assert_eq!(guest.buf[0], 42);
    }
}
