//! Random straight-line traces over objects: compiled code must leave memory as a model of it says, with the same calls of
//! the write barrier.
//!
//! `CODEGEN_FUZZ=n` draws `n` traces instead of the default; `CODEGEN_SEED=s` starts elsewhere.

use crate::common::{Builder, Guest, Random, setting};
use codegen::Left;
use ir::{Arg, Attr, Field, Items, OpCode, Repr, TraceKind, Ty};
use std::collections::HashMap;

/// Every object has a header, a reference, a word, a float, eight bytes of narrow fields and a tail of eight references.
const OBJECT_WORDS: usize = 5 + ITEMS;
const ITEMS: usize = 8;
const ITEMS_OFFSET: u32 = 40;
const RAW_BYTES: usize = 128;

const FIELDS: [(Repr, u32); 8] = [
    (Repr::Ref, 8),
    (Repr::I64, 16),
    (Repr::F64, 24),
    (Repr::I32, 32),
    (Repr::U16, 36),
    (Repr::I8, 38),
    (Repr::U8, 39),
    (Repr::Ref, 40),
];
const RAW_REPRS: [Repr; 9] =
    [Repr::I64, Repr::F64, Repr::F32, Repr::I32, Repr::U32, Repr::I16, Repr::U16, Repr::I8, Repr::U8];

/// What stands for object `index` in the model's memory.
fn stand_in(index: usize) -> u64 {
    0xf000_0000_0000_0000 | (index as u64) << 3
}

#[derive(Clone)]
struct Object {
    shape: u32,
    tracked: bool,
    bytes: Vec<u8>,
}

/// The model's memory with what the trace must have done to it, and the trace so far.
struct Model {
    builder: Builder,
    objects: Vec<Object>,
    raw: Vec<u8>,
    barriers: Vec<usize>,
    item_barriers: Vec<(usize, u64)>,
    /// Values in scope: a reference's word is a stand-in, NULL or an immediate.
    scope: Vec<(Arg, Ty, u64)>,
    raw_address: Arg,
}

fn read(bytes: &[u8], at: usize, repr: Repr) -> u64 {
    let mut word = [0; 8];
    let size = repr.bytes() as usize;
    word[..size].copy_from_slice(&bytes[at..at + size]);
    let word = u64::from_le_bytes(word);
    match repr {
        Repr::I32 => word as i32 as u64,
        Repr::I16 => word as i16 as u64,
        Repr::I8 => word as i8 as u64,
        Repr::F32 => f64::from(f32::from_bits(word as u32)).to_bits(),
        _ => word,
    }
}

fn write(bytes: &mut [u8], at: usize, repr: Repr, word: u64) {
    let word = if repr == Repr::F32 { u64::from((f64::from_bits(word) as f32).to_bits()) } else { word };
    let size = repr.bytes() as usize;
    bytes[at..at + size].copy_from_slice(&word.to_le_bytes()[..size]);
}

impl Model {
    fn pick(&self, random: &mut Random, ty: Ty) -> (Arg, u64) {
        if ty != Ty::Ref && random.below(4) == 0 {
            return random.constant(ty);
        }
        let choices: Vec<_> = self.scope.iter().filter(|value| value.1 == ty).collect();
        let &&(arg, _, word) = &choices[random.below(choices.len())];
        (arg, word)
    }

    /// An object, and its index.
    fn object(&self, random: &mut Random) -> (Arg, usize) {
        let choices: Vec<_> = self.scope.iter().filter(|value| value.1 == Ty::Ref && value.2 >> 60 == 15).collect();
        let &&(arg, _, word) = &choices[random.below(choices.len())];
        (arg, (word & 0xffff_ffff) as usize >> 3)
    }

    /// An index below `count`, constant or computed.
    fn index(&mut self, random: &mut Random, count: usize) -> (Arg, usize) {
        if random.below(2) == 0 {
            let index = random.below(count);
            return (Arg::Int(index as i64), index);
        }
        let (arg, word) = self.pick(random, Ty::Int);
        let index = self.builder.pure(OpCode::IntAnd, &[arg, Arg::Int(count as i64 - 1)]);
        (index, word as usize & (count - 1))
    }

    fn make(&mut self, random: &mut Random) {
        let shape = 20 + random.below(100) as u32;
        let bytes = vec![0; 8 * OBJECT_WORDS];
        let index = self.objects.len();
        self.objects.push(Object { shape, tracked: false, bytes });
        let b = &mut self.builder;
        let object = if random.below(2) == 0 {
            let count = random.below(ITEMS + 1);
            self.objects[index].bytes.truncate(40 + 8 * count);
            write(&mut self.objects[index].bytes, 8, Repr::I64, count as u64);
            let attr = Attr::New { shape, bytes: 40, item_bytes: 8 };
            let object = b.with(OpCode::NewItems, Ty::Ref, &[Arg::Int(count as i64)], attr);
            // The items may be written at once, in any order.
            for _ in 0..random.below(4).min(count) {
                let at = random.below(count);
                let (value, word) = self.pick(random, Ty::Ref);
                self.set_item(OpCode::InitItem, (object, index), (Arg::Int(at as i64), at), (value, word));
            }
            // Its count is no reference, so it is not used as other objects are.
            self.scope.push((object, Ty::Void, stand_in(index)));
            return;
        } else {
            let attr = Attr::New { shape, bytes: 8 * OBJECT_WORDS as u32, item_bytes: 0 };
            b.with(OpCode::New, Ty::Ref, &[], attr)
        };
        for (repr, offset) in [(Repr::Ref, 8), (Repr::I64, 16), (Repr::F64, 24), (Repr::I64, 32)] {
            let (value, word) = self.pick(random, repr.ty());
            self.set_field(OpCode::InitField, (object, index), (repr, offset), (value, word));
        }
        for at in 0..ITEMS {
            let (value, word) = self.pick(random, Ty::Ref);
            self.set_item(OpCode::InitItem, (object, index), (Arg::Int(at as i64), at), (value, word));
        }
        self.scope.push((object, Ty::Ref, stand_in(index)));
    }

    fn set_field(&mut self, code: OpCode, object: (Arg, usize), field: (Repr, u32), value: (Arg, u64)) {
        let attr = Attr::Field(Field { name: "x", offset: field.1, repr: field.0, immutable: false });
        self.builder.with(code, Ty::Void, &[object.0, value.0], attr);
        write(&mut self.objects[object.1].bytes, field.1 as usize, field.0, value.1);
        if code == OpCode::SetField && field.0 == Repr::Ref && !value.0.is_const() && self.objects[object.1].tracked {
            self.objects[object.1].tracked = false;
            self.barriers.push(object.1);
        }
    }

    fn set_item(&mut self, code: OpCode, object: (Arg, usize), index: (Arg, usize), value: (Arg, u64)) {
        let attr = Attr::Items(Items { name: "item", offset: ITEMS_OFFSET, repr: Repr::Ref, immutable: false });
        self.builder.with(code, Ty::Void, &[object.0, index.0, value.0], attr);
        let offset = ITEMS_OFFSET as usize + 8 * index.1;
        write(&mut self.objects[object.1].bytes, offset, Repr::Ref, value.1);
        if code == OpCode::SetItem && !value.0.is_const() && self.objects[object.1].tracked {
            self.item_barriers.push((object.1, offset as u64));
        }
    }

    fn operation(&mut self, random: &mut Random) {
        let object = self.object(random);
        match random.below(12) {
            0..3 => {
                let (repr, offset) = FIELDS[random.below(FIELDS.len())];
                let attr = Attr::Field(Field { name: "x", offset, repr, immutable: false });
                let value = self.builder.with(OpCode::GetField, repr.ty(), &[object.0], attr);
                let word = read(&self.objects[object.1].bytes, offset as usize, repr);
                self.scope.push((value, repr.ty(), word));
            }
            3..6 => {
                let field = FIELDS[random.below(FIELDS.len())];
                let value = self.pick(random, field.0.ty());
                self.set_field(OpCode::SetField, object, field, value);
            }
            6 => {
                let index = self.index(random, ITEMS);
                let attr = Attr::Items(Items { name: "item", offset: ITEMS_OFFSET, repr: Repr::Ref, immutable: false });
                let value = self.builder.with(OpCode::GetItem, Ty::Ref, &[object.0, index.0], attr);
                let word = read(&self.objects[object.1].bytes, ITEMS_OFFSET as usize + 8 * index.1, Repr::Ref);
                self.scope.push((value, Ty::Ref, word));
            }
            7 => {
                let index = self.index(random, ITEMS);
                let value = self.pick(random, Ty::Ref);
                self.set_item(OpCode::SetItem, object, index, value);
            }
            8 => self.make(random),
            9 => {
                let shape = self.builder.with(OpCode::Shape, Ty::Int, &[object.0], Attr::None);
                let number = i64::from(self.objects[object.1].shape);
                self.builder.guard(OpCode::GuardValue, &[shape, Arg::Int(number)], &[]);
                self.scope.push((shape, Ty::Int, number as u64));
                if random.below(2) == 0 {
                    self.objects[object.1].shape = 20 + random.below(100) as u32;
                    let shape = Arg::Int(i64::from(self.objects[object.1].shape));
                    self.builder.with(OpCode::SetShape, Ty::Void, &[object.0, shape], Attr::None);
                }
            }
            10 => {
                let repr = RAW_REPRS[random.below(RAW_REPRS.len())];
                let index = self.index(random, RAW_BYTES / 8);
                let at = index.1 * repr.bytes() as usize;
                let args = [object.0, self.raw_address, index.0];
                let value = self.builder.with(OpCode::RawLoad, repr.ty(), &args, Attr::Raw(repr));
                self.scope.push((value, repr.ty(), read(&self.raw, at, repr)));
            }
            _ => {
                let repr = RAW_REPRS[random.below(RAW_REPRS.len())];
                let index = self.index(random, RAW_BYTES / 8);
                let value = self.pick(random, repr.ty());
                let at = index.1 * repr.bytes() as usize;
                let args = [object.0, self.raw_address, index.0, value.0];
                self.builder.with(OpCode::RawStore, Ty::Void, &args, Attr::Raw(repr));
                write(&mut self.raw, at, repr, value.1);
            }
        }
    }
}

fn run(seed: u64, guest: &mut Guest) {
    let mut random = Random::new(seed);
    // A small gap now and then, so that the allocator's slow path is taken.
    guest.heap.refill(if random.below(4) == 0 { 1 } else { 4096 });
    guest.heap.barriers.clear();
    guest.heap.item_barriers.clear();
    let mut raw = vec![0u8; RAW_BYTES];
    raw.fill_with(|| random.word() as u8);
    let mut model = Model {
        builder: Builder::new(TraceKind::Loop),
        objects: Vec::new(),
        raw: raw.clone(),
        barriers: Vec::new(),
        item_barriers: Vec::new(),
        scope: Vec::new(),
        raw_address: Arg::NULL,
    };
    let mut inputs = Vec::new();
    let mut real = Vec::new();
    for index in 0..3 {
        let shape = 20 + random.below(100) as u32;
        let tracked = random.below(2) == 0;
        let address = guest.object(shape, &[0; OBJECT_WORDS - 1]);
        // SAFETY: an object of this heap; byte 4 is its state.
        unsafe { *(address as *mut u8).add(4) = u8::from(tracked) };
        model.objects.push(Object { shape, tracked, bytes: vec![0; 8 * OBJECT_WORDS] });
        let input = model.builder.input(Ty::Ref);
        model.scope.push((input, Ty::Ref, stand_in(index)));
        inputs.push(address);
        real.push(address);
    }
    for ty in [Ty::Int, Ty::Flt] {
        let bits = random.bits(ty);
        let input = model.builder.input(ty);
        model.scope.push((input, ty, bits));
        inputs.push(bits);
    }
    model.scope.extend([(Arg::NULL, Ty::Ref, 0), (Arg::Imm(7), Ty::Ref, 7)]);
    model.raw_address = model.builder.input(Ty::Int);
    inputs.push(raw.as_mut_ptr() as u64);
    for _ in 0..random.below(50) {
        model.operation(&mut random);
    }
    let live: Vec<_> = model.scope.iter().copied().filter(|value| !value.0.is_const()).collect();
    let args: Vec<Arg> = live.iter().map(|value| value.0).collect();
    model.builder.guard(OpCode::Leave, &[], &args);
    let exit = model.builder.trace.exits.len() as u32 - 1;
    let text = ir::text::print(&model.builder.trace);
    let compiled = guest.compile(seed as u32, model.builder.trace, &[]);
    assert_eq!(guest.run(&compiled, &inputs), Left::Exit(compiled.first_exit + exit), "seed {seed}\n{text}");

    // Fresh objects are met in the order in which they were made.
    for (at, &(_, _, word)) in live.iter().enumerate() {
        if word == stand_in(real.len()) {
            real.push(guest.buf[at]);
        }
    }
    assert_eq!(real.len(), model.objects.len());
    let indices: HashMap<u64, usize> = real.iter().enumerate().map(|(index, &address)| (address, index)).collect();
    let as_model = |word: u64| indices.get(&word).map_or(word, |&index| stand_in(index));
    let same = |repr: Repr, expected: u64, found: u64| match repr.ty() {
        Ty::Ref => expected == as_model(found),
        Ty::Flt if f64::from_bits(expected).is_nan() => f64::from_bits(found).is_nan(),
        _ => expected == found,
    };
    for (at, &(_, ty, word)) in live.iter().enumerate() {
        let repr = match ty {
            Ty::Int => Repr::I64,
            Ty::Flt => Repr::F64,
            _ => Repr::Ref,
        };
        assert!(same(repr, word, guest.buf[at]), "seed {seed}, value {at}: {word:x} {:x}\n{text}", guest.buf[at]);
    }
    for (index, (object, &address)) in model.objects.iter().zip(&real).enumerate() {
        // SAFETY: the object has as many bytes as the model's.
        let bytes = unsafe { std::slice::from_raw_parts(address as *const u8, object.bytes.len()) };
        let header = object.shape << 1 | 1;
        assert_eq!(read(bytes, 0, Repr::U32), u64::from(header), "seed {seed}, object {index}\n{text}");
        assert_eq!(bytes[4], u8::from(object.tracked), "seed {seed}, object {index}\n{text}");
        for word in (8..bytes.len()).step_by(8) {
            let found = as_model(read(bytes, word, Repr::I64));
            let expected = read(&object.bytes, word, Repr::I64);
            assert_eq!(found, expected, "seed {seed}, object {index}, offset {word}\n{text}");
        }
    }
    assert!(raw == model.raw, "seed {seed}: the buffer\n{text}");
    let barriers: Vec<usize> = guest.heap.barriers.iter().map(|address| indices[address]).collect();
    assert_eq!(barriers, model.barriers, "seed {seed}\n{text}");
    let item_barriers: Vec<(usize, u64)> =
        guest.heap.item_barriers.iter().map(|&(object, slot)| (indices[&object], slot - object)).collect();
    assert_eq!(item_barriers, model.item_barriers, "seed {seed}\n{text}");
    guest.free(compiled);
}

#[test]
fn compiled_code_writes_what_the_model_writes() {
    let seed = setting("CODEGEN_SEED", 1);
    let mut guest = Guest::new();
    for seed in seed..seed + setting("CODEGEN_FUZZ", 1000) {
        run(seed, &mut guest);
    }
}
