//! Virtual objects: allocation removal.
//!
//! A fresh object is not made where the trace makes it. Its fields are kept as values, loads and stores of it vanish, and
//! it is made where somebody else could see it: stored into another object, given to a call. An exit makes it in its
//! recipe, and another virtual can hold it. An object that never escapes is never made.
//!
//! Requirement: every field is initialised before the next operation that can leave or collect, so an object made late is
//! made with its fields in one go.

use crate::walk::Walk;
use ir::{Arg, Attr, Field, Items, OpCode, Repr, Ty, ValueId};
use smallvec::SmallVec;

/// Items of a virtual object, at most.
const MOST_ITEMS: i64 = 32;

/// A virtual object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// The value that stands for it.
    pub id: ValueId,
    pub code: OpCode,
    pub shape: u32,
    pub bytes: u32,
    pub item_bytes: u32,
    pub fields: Vec<(Field, Arg)>,
    /// Of an object with items: how they are accessed, once one was, and their values; `None` is zero.
    pub items: Vec<Option<(Items, Arg)>>,
}

impl Object {
    pub fn attr(&self) -> Attr {
        Attr::New { shape: self.shape, bytes: self.bytes, item_bytes: self.item_bytes }
    }

    /// Whether the other has the same layout.
    pub fn is_like(&self, other: &Object) -> bool {
        (self.code, self.shape, self.bytes, self.item_bytes) == (other.code, other.shape, other.bytes, other.item_bytes)
            && self.items.len() == other.items.len()
    }

    /// Whether no item was accessed in another way.
    fn has_items_of(&self, items: &Items) -> bool {
        let same = |known: &Items| (known.offset, known.repr) == (items.offset, items.repr);
        self.items.iter().flatten().all(|item| same(&item.0))
    }

    /// All that it holds: fields, then items.
    pub fn held(&self) -> impl Iterator<Item = Arg> {
        self.fields.iter().map(|field| field.1).chain(self.items.iter().flatten().map(|item| item.1))
    }

    fn field(&mut self, field: &Field) -> Option<&mut (Field, Arg)> {
        self.fields.iter_mut().find(|known| known.0.offset == field.offset)
    }
}

/// Where an object with items holds their number (the backend's `count_offset`).
pub(crate) const COUNT_OFFSET: u32 = 8;

/// What uninitialised items read as.
pub(crate) fn zero(repr: Repr) -> Arg {
    match repr.ty() {
        Ty::Int => Arg::Int(0),
        Ty::Flt => Arg::Flt(0),
        _ => Arg::NULL,
    }
}

impl Walk<'_> {
    /// A fresh object; virtual if its size is known and small.
    pub(crate) fn make_object(&mut self, code: OpCode, args: &[Arg], attr: &Attr) -> Option<Arg> {
        let Attr::New { shape, bytes, item_bytes } = *attr else { return None };
        let items = match args.first() {
            None => 0,
            Some(&Arg::Int(count @ 0..=MOST_ITEMS)) => count as usize,
            Some(_) => return None,
        };
        let id = ValueId(self.values.count());
        let object = Object { id, code, shape, bytes, item_bytes, fields: Vec::new(), items: vec![None; items] };
        Some(Arg::Value(self.add_object(object)))
    }

    pub(crate) fn add_object(&mut self, mut object: Object) -> ValueId {
        let id = self.values.make(object.code, Ty::Ref, [Arg::NULL; 2]);
        object.id = id;
        let value = self.values.at_mut(id);
        value.object = Some(self.objects.len() as u32);
        value.kind = crate::values::Kind::OBJECT;
        self.objects.push(object);
        id
    }

    /// A load from a virtual object; `None` if it has to be made first.
    pub(crate) fn load_virtual(&mut self, object: u32, attr: &Attr, index: Option<Arg>) -> Option<Arg> {
        let object = &self.objects[object as usize];
        match (attr, index) {
            (Attr::Field(field), _) => match object.fields.iter().find(|known| known.0.offset == field.offset) {
                Some((known, value)) => (known.repr == field.repr).then(|| self.values.resolve(*value)),
                None if object.code == OpCode::NewItems && field.offset == COUNT_OFFSET => {
                    (field.repr == Repr::I64).then_some(Arg::Int(object.items.len() as i64))
                }
                None => Some(zero(field.repr)),
            },
            (Attr::Items(items), Some(Arg::Int(index))) if object.has_items_of(items) => {
                match object.items.get(usize::try_from(index).ok()?)? {
                    Some((_, value)) => Some(self.values.resolve(*value)),
                    None => Some(zero(items.repr)),
                }
            }
            _ => None,
        }
    }

    /// A store into a virtual object; false if it has to be made first.
    pub(crate) fn store_virtual(&mut self, object: u32, attr: &Attr, index: Option<Arg>, value: Arg) -> bool {
        let repr = match attr {
            Attr::Field(field) => field.repr,
            Attr::Items(items) => items.repr,
            _ => return false,
        };
        let Some(value) = self.narrowed_value(value, repr) else { return false };
        // An object that holds older ones only is in no ring.
        self.has_rings |= self.values.object(value).is_some_and(|held| held >= object);
        let object = &mut self.objects[object as usize];
        self.marks.touch(object.id);
        match (attr, index) {
            (Attr::Field(field), _) => match object.field(field) {
                Some(known) => *known = (*field, value),
                None => object.fields.push((*field, value)),
            },
            (Attr::Items(items), Some(Arg::Int(index))) if object.has_items_of(items) => {
                let Some(slot) = usize::try_from(index).ok().and_then(|index| object.items.get_mut(index)) else {
                    return false;
                };
                *slot = Some((*items, value));
            }
            _ => return false,
        }
        true
    }

    /// What a load gives after this value was stored in that representation.
    fn narrowed_value(&mut self, value: Arg, repr: Repr) -> Option<Arg> {
        let (code, mask) = match repr {
            Repr::I8 => (OpCode::IntSext8, None),
            Repr::I16 => (OpCode::IntSext16, None),
            Repr::I32 => (OpCode::IntSext32, None),
            Repr::U8 => (OpCode::IntAnd, Some(0xff)),
            Repr::U16 => (OpCode::IntAnd, Some(0xffff)),
            Repr::U32 => (OpCode::IntAnd, Some(0xffff_ffff)),
            Repr::F32 => return None,
            Repr::Ref | Repr::I64 | Repr::F64 => return Some(value),
        };
        let args: SmallVec<[Arg; 2]> = [value].into_iter().chain(mask.map(Arg::Int)).collect();
        Some(self.pure(code, Ty::Int, &args))
    }

    /// The operand as a value that an operation has made.
    pub(crate) fn forced(&mut self, arg: Arg) -> Arg {
        let arg = self.values.resolve(arg);
        if let Arg::Value(id) = arg
            && self.values.at(id).object.is_some()
        {
            let mut patches = Vec::new();
            self.force(id, &mut patches);
            // Objects that hold each other: the later one is stored into the earlier one once both are there.
            for (holder, attr, index, value) in patches {
                let value = self.values.resolve(value);
                self.store(holder, attr, index, value);
            }
        }
        arg
    }

    /// Makes the object, those that it holds first. While it waits for them it is neither virtual nor made; who needs it
    /// then gets null and a patch.
    fn force(&mut self, id: ValueId, patches: &mut Vec<(Arg, Attr, Option<Arg>, Arg)>) {
        let Some(index) = self.values.at_mut(id).object.take() else { return };
        self.marks.touch(id);
        self.being_made.push(id);
        let object = self.objects[index as usize].clone();
        for arg in object.held() {
            if let Arg::Value(held) = self.values.resolve(arg)
                && self.values.at(held).object.is_some()
            {
                self.force(held, patches);
            }
        }
        let args: SmallVec<[Arg; 3]> = match object.code {
            OpCode::NewItems => SmallVec::from_slice(&[Arg::Int(object.items.len() as i64)]),
            _ => SmallVec::new(),
        };
        self.emit_as(Some(id), object.code, Ty::Ref, args, object.attr());
        let base = Arg::Value(id);
        self.values.at_mut(id).escaped_at = Some(u32::MAX);
        self.cache_shape(base, object.shape as i64);
        self.being_made.retain(|&waiting| waiting != id);
        for (field, value) in object.fields {
            self.init(base, Attr::Field(field), None, value, patches);
        }
        for (at, item) in object.items.into_iter().enumerate() {
            if let Some((items, value)) = item {
                self.init(base, Attr::Items(items), Some(Arg::Int(at as i64)), value, patches);
            }
        }
    }

    fn init(
        &mut self,
        base: Arg,
        attr: Attr,
        index: Option<Arg>,
        value: Arg,
        patches: &mut Vec<(Arg, Attr, Option<Arg>, Arg)>,
    ) {
        let mut value = self.values.resolve(value);
        if value.value().is_some_and(|id| self.being_made.contains(&id)) {
            patches.push((base, attr, index, value));
            value = Arg::NULL;
        }
        let code = if index.is_some() { OpCode::InitItem } else { OpCode::InitField };
        let args: SmallVec<[Arg; 3]> = [Some(base), index, Some(value)].into_iter().flatten().collect();
        self.values.escape(value);
        self.remember_store(&attr, base, index, value);
        self.emit_as(None, code, Ty::Void, args, attr);
    }

    /// A store that nothing but the heap cache sees so far.
    fn store(&mut self, base: Arg, attr: Attr, index: Option<Arg>, value: Arg) {
        let code = if index.is_some() { OpCode::SetItem } else { OpCode::SetField };
        let args: SmallVec<[Arg; 3]> = [Some(base), index, Some(value)].into_iter().flatten().collect();
        self.values.escape(value);
        self.remember_store(&attr, base, index, value);
        self.emit_as(None, code, Ty::Void, args, attr);
    }
}
