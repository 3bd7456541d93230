//! The model heap: objects as shapes and cells, memory off the heap as bytes, calls as hashes of what they see.

use super::{Fault, Outcome, Ref, Value, arith, fault};
use crate::{CallEffect, Callee, ConstRef, Field, Items, Repr, Ty};

/// Objects that exist before the trace runs.
pub const OLD_OBJECTS: u32 = 6;
/// The constants that are true and false.
pub const TRUE_CONSTANT: u32 = OLD_OBJECTS;
pub const FALSE_CONSTANT: u32 = OLD_OBJECTS + 1;
/// Offsets that calls write to.
const CALL_WRITES: [(u32, Repr); 4] = [(8, Repr::Ref), (16, Repr::I64), (24, Repr::F64), (32, Repr::Ref)];
const RAW_BYTES: i64 = 4096;
const BOOL_SHAPE: i64 = 3;

/// A cell of an object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub(super) struct Cell {
    is_item: bool,
    offset: u32,
    index: i64,
}

/// A cell and how it is accessed.
#[derive(Clone, Copy)]
pub(super) struct Place {
    cell: Cell,
    repr: Repr,
    immutable: bool,
}

impl Place {
    pub(super) fn field(field: &Field) -> Place {
        Place {
            cell: Cell { is_item: false, offset: field.offset, index: 0 },
            repr: field.repr,
            immutable: field.immutable,
        }
    }

    pub(super) fn item(items: &Items, index: i64) -> Outcome<Place> {
        if !(0..1 << 20).contains(&index) {
            return fault("an item far outside");
        }
        let cell = Cell { is_item: true, offset: items.offset, index };
        Ok(Place { cell, repr: items.repr, immutable: items.immutable })
    }
}

impl Place {
    /// What begins at a byte behind the offset: never the same cell as an item.
    pub(super) fn bytes(items: &Items, at: i64) -> Outcome<Place> {
        let place = Place::item(items, at)?;
        Ok(Place { cell: Cell { offset: items.offset | 1 << 31, ..place.cell }, immutable: true, ..place })
    }
}

#[derive(Clone, Debug)]
struct Object {
    shape: i64,
    /// Made while the trace ran: cells start as zero. Others follow from the seed.
    is_new: bool,
    seed: u64,
    cells: Vec<(Cell, Value)>,
    /// The name under which an observer knows a new object; 0 if none has seen it.
    seen_as: u32,
}

/// Heap, memory and observer.
#[derive(Clone, Debug)]
pub struct World {
    seed: u64,
    objects: Vec<Object>,
    raw: Vec<(i64, u8)>,
    calls: u32,
    is_valid: bool,
    seen: u32,
    /// What an observer saw so far: one hash for each call with an effect.
    pub events: Vec<u64>,
}

impl World {
    /// The world of that seed.
    pub fn new(seed: u64) -> World {
        let object = |index: u32| Object {
            shape: 40 + (mix(seed, index as u64) % 3) as i64,
            is_new: false,
            seed: mix(seed, 1000 + index as u64),
            cells: Vec::new(),
            seen_as: index + 1,
        };
        let objects = (0..OLD_OBJECTS).map(object).collect();
        World { seed, objects, raw: Vec::new(), calls: 0, is_valid: true, seen: OLD_OBJECTS, events: Vec::new() }
    }

    /// The value of a constant: the old objects, then true and false.
    pub fn constant(&self, id: ConstRef) -> Ref {
        match id.0 {
            TRUE_CONSTANT => Ref::True,
            FALSE_CONSTANT => Ref::False,
            other => Ref::Object(other % OLD_OBJECTS),
        }
    }

    /// Everything that can be reached from outside and from `roots`, as one number.
    pub fn digest(&mut self, roots: &[Value]) -> u64 {
        let mut hash = 17;
        let mut queue: Vec<u32> = (0..OLD_OBJECTS).collect();
        for &root in roots {
            hash = mix(hash, self.name(root, &mut queue));
        }
        let mut visited = vec![false; self.objects.len()];
        let mut at = 0;
        while at < queue.len() {
            let index = queue[at] as usize;
            at += 1;
            if std::mem::replace(&mut visited[index], true) {
                continue;
            }
            hash = mix(mix(hash, 99), self.objects[index].shape as u64);
            let mut cells = self.objects[index].cells.clone();
            cells.sort_by_key(|cell| cell.0);
            for (cell, value) in cells {
                if value == self.initial(index, cell, ty_of(value)) {
                    continue;
                }
                hash = mix(hash, mix(cell.offset as u64 * 2 + cell.is_item as u64, cell.index as u64));
                hash = mix(hash, self.name(value, &mut queue));
            }
        }
        let mut raw = self.raw.clone();
        raw.sort();
        for (address, byte) in raw {
            if byte != self.initial_byte(address) {
                hash = mix(hash, mix(address as u64, byte as u64));
            }
        }
        hash
    }

    pub(super) fn is_valid(&self) -> bool {
        self.is_valid
    }

    pub(super) fn shape(&self, base: Ref) -> Outcome<i64> {
        match base {
            Ref::True | Ref::False => Ok(BOOL_SHAPE),
            _ => Ok(self.objects[self.object(base)?].shape),
        }
    }

    pub(super) fn set_shape(&mut self, base: Ref, shape: i64) -> Outcome<Value> {
        let index = self.object(base)?;
        self.objects[index].shape = shape;
        Ok(Value::Void)
    }

    pub(super) fn load(&self, base: Ref, place: Place) -> Outcome<Value> {
        let index = self.object(base)?;
        let known = self.objects[index].cells.iter().find(|cell| cell.0 == place.cell);
        match known {
            Some(&(_, value)) if ty_of(value) == place.repr.ty() => Ok(narrowed(value, place.repr)),
            Some(_) => fault("a cell read as another type"),
            None => Ok(narrowed(self.initial(index, place.cell, place.repr.ty()), place.repr)),
        }
    }

    pub(super) fn store(&mut self, base: Ref, place: Place, value: Value) -> Outcome<Value> {
        let index = self.object(base)?;
        let object = &mut self.objects[index];
        if place.immutable && !object.is_new {
            return fault("an immutable cell written");
        }
        let value = narrowed(value, place.repr);
        match object.cells.iter_mut().find(|cell| cell.0 == place.cell) {
            Some(cell) => cell.1 = value,
            None => object.cells.push((place.cell, value)),
        }
        Ok(Value::Void)
    }

    /// A fresh object. One with a tail of items has their number in its first word.
    pub(super) fn make(&mut self, shape: i64, items: Option<i64>) -> Value {
        let count = |items| (Cell { is_item: false, offset: 8, index: 0 }, Value::Int(items));
        let cells = items.map(count).into_iter().collect();
        self.objects.push(Object { shape, is_new: true, seed: 0, cells, seen_as: 0 });
        Value::Ref(Ref::Object(self.objects.len() as u32 - 1))
    }

    pub(super) fn raw_load(&self, address: i64, index: i64, repr: Repr) -> Outcome<Value> {
        let start = raw_start(address, index, repr)?;
        let bits = (0..repr.bytes() as i64).fold(0u64, |bits, at| bits | (self.byte(start + at) as u64) << (8 * at));
        Ok(match repr {
            Repr::F64 => arith::float(f64::from_bits(bits)),
            Repr::F32 => arith::float(f32::from_bits(bits as u32) as f64),
            Repr::Ref => return fault("a reference off the heap"),
            _ => narrowed(Value::Int(bits as i64), repr),
        })
    }

    pub(super) fn raw_store(&mut self, address: i64, index: i64, repr: Repr, value: Value) -> Outcome<Value> {
        let start = raw_start(address, index, repr)?;
        let bits = match (value, repr) {
            (Value::Flt(bits), Repr::F32) => (f64::from_bits(bits) as f32).to_bits() as u64,
            (Value::Flt(bits), _) => bits,
            (Value::Int(x), _) => x as u64,
            _ => return fault("a reference off the heap"),
        };
        for at in 0..repr.bytes() as i64 {
            let byte = (bits >> (8 * at)) as u8;
            match self.raw.iter_mut().find(|cell| cell.0 == start + at) {
                Some(cell) => cell.1 = byte,
                None => self.raw.push((start + at, byte)),
            }
        }
        Ok(Value::Void)
    }

    /// A call: its result, and what it writes, are hashes of what it sees.
    pub(super) fn call(&mut self, callee: &Callee, args: &[Value]) -> Outcome<Value> {
        let name = callee.name.bytes().fold(3, |hash, byte| mix(hash, byte as u64));
        let mut seen = args.iter().fold(mix(self.seed, name), |hash, &arg| mix(hash, self.stable_name(arg)));
        match callee.effect {
            CallEffect::Pure => {}
            CallEffect::Allocates if callee.result == Ty::Ref => {
                let made = self.make(60 + (seen % 3) as i64, None);
                let index = self.objects.len() - 1;
                let kept = args.iter().find(|arg| matches!(arg, Value::Ref(_))).copied();
                let cell = Cell { is_item: false, offset: 8, index: 0 };
                self.objects[index].cells.push((cell, kept.unwrap_or(Value::Ref(Ref::Int((seen % 100) as i64)))));
                return Ok(made);
            }
            CallEffect::Allocates => {}
            CallEffect::Reads => {
                for &arg in args {
                    seen = mix(seen, self.contents(arg));
                }
            }
            CallEffect::Writes | CallEffect::RunsGuest => {
                self.calls += 1;
                seen = mix(mix(seen, self.calls as u64), self.digest(args));
                self.events.push(seen);
                self.write_somewhere(callee.effect, seen, args)?;
            }
        }
        Ok(self.any_value(seen, callee.result))
    }

    fn write_somewhere(&mut self, effect: CallEffect, seen: u64, args: &[Value]) -> Outcome<()> {
        let mut targets: Vec<usize> = args.iter().filter_map(|&arg| self.written_object(arg)).collect();
        targets.push((mix(seen, 5) % OLD_OBJECTS as u64) as usize);
        for (count, index) in targets.into_iter().enumerate() {
            let choice = mix(seen, 100 + count as u64);
            let (offset, repr) = CALL_WRITES[(choice % 4) as usize];
            let cell = Cell {
                is_item: choice & 64 != 0,
                offset,
                index: if choice & 64 != 0 { (choice >> 8) as i64 & 1 } else { 0 },
            };
            // Items of the model all hold references at offset 8.
            let (cell, repr) = if cell.is_item { (Cell { offset: 8, ..cell }, Repr::Ref) } else { (cell, repr) };
            let value = match args.first() {
                Some(&kept @ Value::Ref(_)) if repr == Repr::Ref && choice & 128 != 0 => kept,
                _ => self.any_value(mix(choice, 7), repr.ty()),
            };
            self.store(Ref::Object(index as u32), Place { cell, repr, immutable: false }, value)?;
            if choice & 0x7000 == 0 {
                self.objects[index].shape = 40 + (choice >> 20) as i64 % 3;
            }
        }
        if effect == CallEffect::RunsGuest {
            self.raw_store(8 * ((seen >> 9) as i64 % 8), 0, Repr::I64, Value::Int(seen as i64 >> 40))?;
            self.is_valid &= !(seen >> 30).is_multiple_of(8);
        }
        Ok(())
    }

    fn written_object(&self, arg: Value) -> Option<usize> {
        match arg {
            Value::Ref(Ref::Object(index)) => Some(index as usize),
            _ => None,
        }
    }

    /// A value of that type for those bits.
    pub fn any_value(&self, bits: u64, ty: Ty) -> Value {
        let small = (bits >> 8) as i64 & 15;
        match ty {
            Ty::Int => match bits % 16 {
                0 => Value::Int(i64::MAX - small),
                1 => Value::Int(i64::MIN + small),
                2 => Value::Int((1 << 62) - small),
                3 => Value::Int(bits as i64 >> 20),
                4 => Value::Int(-small),
                _ => Value::Int(small),
            },
            Ty::Flt => match bits % 8 {
                0 => arith::float(f64::from_bits(bits)),
                1 => arith::float(-0.0),
                _ => arith::float(small as f64 / 4.0 - 1.0),
            },
            Ty::Bool => Value::Bool(bits & 1 == 1),
            Ty::Void => Value::Void,
            Ty::Ref => Value::Ref(match bits % 16 {
                0 => Ref::Null,
                1 => Ref::True,
                2 => Ref::False,
                3..6 => Ref::Int(small),
                6..8 => Ref::Flt((small as f64 / 2.0).to_bits()),
                _ => Ref::Object((bits >> 16) as u32 % OLD_OBJECTS),
            }),
        }
    }

    fn object(&self, base: Ref) -> Outcome<usize> {
        match base {
            Ref::Object(index) => Ok(index as usize),
            other => Err(Fault(format!("{other:?} is no object"))),
        }
    }

    fn initial(&self, index: usize, cell: Cell, ty: Ty) -> Value {
        let object = &self.objects[index];
        if object.is_new {
            return match ty {
                Ty::Int => Value::Int(0),
                Ty::Flt => Value::Flt(0),
                Ty::Bool => Value::Bool(false),
                _ => Value::Ref(Ref::Null),
            };
        }
        let bits = mix(object.seed, mix(cell.offset as u64 * 2 + cell.is_item as u64, cell.index as u64));
        self.any_value(bits, ty)
    }

    fn initial_byte(&self, address: i64) -> u8 {
        if address % 8 == 0 { mix(self.seed, address as u64) as u8 & 15 } else { 0 }
    }

    fn byte(&self, address: i64) -> u8 {
        self.raw.iter().find(|cell| cell.0 == address).map_or_else(|| self.initial_byte(address), |cell| cell.1)
    }

    /// The value as a number, naming new objects in the order of their first appearance.
    fn name(&mut self, value: Value, queue: &mut Vec<u32>) -> u64 {
        if let Value::Ref(Ref::Object(index)) = value {
            queue.push(index);
            let object = &mut self.objects[index as usize];
            if object.seen_as == 0 {
                self.seen += 1;
                object.seen_as = self.seen;
            }
            return mix(77, object.seen_as as u64);
        }
        self.stable_name(value)
    }

    /// The value as a number; all new objects are alike.
    fn stable_name(&self, value: Value) -> u64 {
        match value {
            Value::Int(x) => mix(1, x as u64),
            Value::Flt(x) => mix(2, x),
            Value::Bool(x) => mix(3, x as u64),
            Value::Void => 4,
            Value::Ref(Ref::Null) => 5,
            Value::Ref(Ref::Int(x)) => mix(6, x as u64),
            Value::Ref(Ref::Flt(x)) => mix(7, x),
            Value::Ref(Ref::True) => 8,
            Value::Ref(Ref::False) => 9,
            Value::Ref(Ref::Object(index)) if index < OLD_OBJECTS => mix(10, index as u64),
            Value::Ref(Ref::Object(_)) => 11,
        }
    }

    /// The contents of an object as a number.
    fn contents(&self, value: Value) -> u64 {
        let Value::Ref(Ref::Object(index)) = value else { return 0 };
        let object = &self.objects[index as usize];
        let mut cells = object.cells.clone();
        cells.sort_by_key(|cell| cell.0);
        let is_changed = |&&(cell, value): &&(Cell, Value)| value != self.initial(index as usize, cell, ty_of(value));
        cells.iter().filter(is_changed).fold(object.shape as u64, |hash, &(cell, value)| {
            mix(hash, mix(mix(cell.offset as u64, cell.index as u64), self.stable_name(value)))
        })
    }
}

fn ty_of(value: Value) -> Ty {
    match value {
        Value::Int(_) => Ty::Int,
        Value::Flt(_) => Ty::Flt,
        Value::Bool(_) => Ty::Bool,
        Value::Ref(_) => Ty::Ref,
        Value::Void => Ty::Void,
    }
}

/// The value after it lay in memory in that representation.
fn narrowed(value: Value, repr: Repr) -> Value {
    match (value, repr) {
        (Value::Int(x), Repr::I8) => Value::Int(arith::sign_extended(x, 8)),
        (Value::Int(x), Repr::I16) => Value::Int(arith::sign_extended(x, 16)),
        (Value::Int(x), Repr::I32) => Value::Int(arith::sign_extended(x, 32)),
        (Value::Int(x), Repr::U8) => Value::Int(x & 0xff),
        (Value::Int(x), Repr::U16) => Value::Int(x & 0xffff),
        (Value::Int(x), Repr::U32) => Value::Int(x & 0xffff_ffff),
        (Value::Flt(x), Repr::F32) => arith::float(f64::from_bits(x) as f32 as f64),
        _ => value,
    }
}

fn raw_start(address: i64, index: i64, repr: Repr) -> Outcome<i64> {
    let start = index.checked_mul(repr.bytes() as i64).and_then(|offset| offset.checked_add(address));
    match start {
        Some(start) if (0..RAW_BYTES).contains(&start) => Ok(start),
        _ => fault("memory far outside"),
    }
}

fn mix(a: u64, b: u64) -> u64 {
    let x = (a ^ b.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(b);
    let x = (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 32)
}
