//! Floats in instances, unboxed.
//!
//! An inline attribute that has only been a float in all instances of a class so far, or such a slot of `__slots__`, is a raw
//! double in the instance; the shape says so. What an attribute has been belongs to the class and only widens: when
//! something else is stored, shapes with the double are deprecated, the instance at hand moves to a shape with a Value in its
//! place, and others follow when they are touched. A deprecated shape is as true as any other; moving on from it only
//! keeps the shapes that one instruction meets few.
//!
//! The first value decides; an attribute that starts as an int or None holds Values from the start. An unset slot is NULL,
//! hence a Value: its first float moves the instance to a shape with the double.

use crate::builtin_layouts::BoxedFloat;
use crate::instance::{dictionary_twin, like, next_shape, raw, room_in_overflow, slot, word};
use crate::layout::cast;
use crate::shape::{self, Kind, MAX_SHAPES, Shape};
use crate::ty::{Seen, TypeRef};
use crate::value_vec::{ValueVec, array_clear, array_set, capacity};
use crate::vm::Vm;
use heap::Value;
use metatrace::Assumption;

/// The float behind an exact float.
#[inline(always)]
pub fn exact_float(value: Value) -> Option<f64> {
    if value.is_flonum() {
        Some(value.as_flonum())
    } else if shape::is_exact(value, Kind::Float) {
        Some(cast::<BoxedFloat>(value).value.get())
    } else {
        None
    }
}

/// Under which a class keeps what a slot of `__slots__` has been, and a shape the one that follows.
pub(crate) fn slot_key(word: usize) -> Value {
    Value::from_int(word as i64)
}

/// Whether a shape may say of this word that it holds a float.
pub(crate) fn may_hold_float(word: usize) -> bool {
    word < u64::BITS as usize
}

/// The word that attribute `index` has in instances of this shape, if it could be a float there.
pub(crate) fn float_word(shape: &Shape, index: u32) -> Option<usize> {
    shape.inline_word(index).filter(|&word| may_hold_float(word))
}

/// What an attribute has been; `None`: nobody has asked for a representation yet.
pub(crate) fn seen(ty: TypeRef, name: Value) -> Option<Seen> {
    ty.data().seen.borrow().get(&name).copied()
}

/// "An attribute of instances of this class has not been seen yet."
pub(crate) fn unseen(vm: &mut Vm, ty: TypeRef) -> Assumption {
    let cell = &ty.data().unseen;
    let assumption = cell.get().unwrap_or_else(|| vm.thread.jit.new_assumption());
    cell.set(Some(assumption));
    assumption
}

/// The attribute with this key gets a value that is a float or is not.
pub(crate) fn learn(vm: &mut Vm, ty: TypeRef, key: Value, is_float: bool) -> Seen {
    match seen(ty, key) {
        Some(Seen::Floats) if !is_float => {
            widen(vm, ty, key);
            Seen::Anything
        }
        Some(known) => known,
        None => {
            // What bases have had to widen is not tried again.
            let in_base = |base: &TypeRef| *base != ty && seen(*base, key) == Some(Seen::Anything);
            let widened = ty.data().mro.borrow().iter().any(in_base);
            let first = if is_float && !widened { Seen::Floats } else { Seen::Anything };
            ty.data().seen.borrow_mut().insert(key, first);
            if let Some(assumption) = ty.data().unseen.get() {
                vm.thread.jit.invalidate_brief(assumption);
            }
            first
        }
    }
}

/// The attribute with this key is no float any more.
#[cold]
fn widen(vm: &mut Vm, ty: TypeRef, key: Value) {
    let data = ty.data();
    data.seen.borrow_mut().insert(key, Seen::Anything);
    let holds_it = |shape: &Shape| {
        let word = if key.is_int() {
            Some(key.as_int() as usize)
        } else {
            shape.find(key).and_then(|index| shape.inline_word(index))
        };
        word.is_some_and(|word| shape.is_float(word))
    };
    for shape in vm.shapes.iter().filter(|shape| shape.ty == ty && !shape.is_deprecated.get()) {
        if holds_it(shape) {
            shape.is_deprecated.set(true);
            let descendants = &shape.root().descendants;
            descendants.set(descendants.get().saturating_sub(1));
        }
    }
    for shape in vm.shapes.iter().filter(|shape| shape.ty == ty) {
        shape.transitions.borrow_mut().retain(|_, next| !next.is_deprecated.get());
    }
    // Plans look at what was seen: they are made anew.
    vm.thread.jit.invalidate(data.version);
    data.generation.set(data.generation.get() + 1);
}

/// The slots of `__slots__` that hold floats in this shape, as a mask of words.
pub(crate) fn float_slots(shape: &Shape) -> u64 {
    if may_hold_float(shape.fixed_words as usize) {
        shape.floats & ((1 << shape.fixed_words) - 1)
    } else {
        shape.floats
    }
}

/// The shape after the slot in `word` got a float; `None`: there are too many shapes.
pub(crate) fn slot_transition(vm: &mut Vm, shape: &'static Shape, word: usize) -> Option<&'static Shape> {
    let key = slot_key(word);
    if let Some(next) = shape.transitions.borrow().get(&key) {
        return Some(next);
    }
    let root = shape.root();
    if root.descendants.get() >= MAX_SHAPES {
        return None;
    }
    let floats = shape.floats | 1 << word;
    root.descendants.set(root.descendants.get() + 1);
    let next = like(vm, root, shape.attributes.clone(), shape.by_name.clone(), shape.dictionary, floats);
    shape.transitions.borrow_mut().insert(key, next);
    Some(next)
}

/// `base` with floats in those of the slots that have been nothing else in instances of its class.
pub(crate) fn with_float_slots(vm: &mut Vm, base: &'static Shape, slots: u64) -> &'static Shape {
    let mut shape = base;
    for word in words_of(slots) {
        if seen(base.ty, slot_key(word)) != Some(Seen::Anything)
            && let Some(next) = slot_transition(vm, shape, word)
        {
            shape = next;
        }
    }
    shape
}

/// Where the instances of a shape start: without attributes, with the slots as they are.
pub(crate) fn bare(vm: &mut Vm, shape: &'static Shape) -> &'static Shape {
    let root = shape.root();
    let base = if shape.dictionary { dictionary_twin(vm, root) } else { root };
    with_float_slots(vm, base, float_slots(shape))
}

/// The object's shape, after moving it on from a deprecated one.
#[inline]
pub fn up_to_date(vm: &mut Vm, object: Value) -> &'static Shape {
    let shape = vm.shape_of(object);
    if shape.is_deprecated.get() { migrate(vm, object) } else { shape }
}

/// Moves an instance with a deprecated shape to what its class's instances are like by now.
#[cold]
fn migrate(vm: &mut Vm, object: Value) -> &'static Shape {
    let shape = vm.shape_of(object);
    let known = shape.successor.get().filter(|target| !target.is_deprecated.get());
    let Some(target) = known.or_else(|| successor(vm, shape)) else {
        crate::instance::materialise(vm, object);
        return vm.shape_of(object);
    };
    shape.successor.set(Some(target));
    // Representations only widen: some floats become Values, and each attribute stays where it is.
    debug_assert_eq!(target.floats & !shape.floats, 0);
    let boxed = words_of(shape.floats & !target.floats);
    let mut boxes = [Value::NULL; 64]; // the native stack is scanned
    for word in boxed.clone() {
        boxes[word] = vm.float(raw(object, word).get());
    }
    for at in boxed {
        word(object, at).set(boxes[at]);
    }
    // SAFETY: both shapes have the same words, and those that only the new one calls Values were just filled with such.
    unsafe { heap::set_shape(object, target.id) };
    vm.thread.heap.write_barrier(object);
    target
}

/// The same attributes and slots, with floats where the class has seen nothing else.
fn successor(vm: &mut Vm, shape: &'static Shape) -> Option<&'static Shape> {
    let start = bare(vm, shape);
    shape.attributes.iter().try_fold(start, |target, &name| next_shape(vm, target, name))
}

/// The set bits.
fn words_of(mut mask: u64) -> impl Iterator<Item = usize> + Clone {
    std::iter::from_fn(move || {
        let word = mask.trailing_zeros() as usize;
        mask &= mask.wrapping_sub(1);
        may_hold_float(word).then_some(word)
    })
}

/// Gives an instance another shape with these attributes, in that shape's order. Slots keep their values; none that is a
/// Value becomes a float.
pub(crate) fn rebuild(vm: &mut Vm, object: Value, target: &'static Shape, values: &ValueVec) {
    let shape = vm.shape_of(object);
    let boxed_slots = float_slots(shape) & !float_slots(target);
    let mut boxes = ValueVec::new();
    for word in words_of(boxed_slots) {
        let value = vm.float(raw(object, word).get());
        boxes.push(vm, value);
    }
    let inline = target.capacity as usize;
    let overflowing = values.len.saturating_sub(inline);
    if overflowing > 0 {
        room_in_overflow(vm, object, target, overflowing);
    }
    // Nothing is allocated from here on: the collector does not see the instance half done.
    for index in 0..inline {
        let at = target.fixed_words as usize + index;
        let value = if index < values.len { values.get(index) } else { Value::NULL };
        match exact_float(value) {
            Some(x) if target.is_float(at) => raw(object, at).set(x),
            _ => word(object, at).set(value),
        }
    }
    if target.overflow_word != 0 && !target.dictionary {
        let array = word(object, target.overflow_word as usize).get();
        for index in 0..overflowing {
            array_set(vm, array, index, values.get(inline + index));
        }
        if !array.is_null() {
            array_clear(array, overflowing, capacity(array));
        }
    }
    for (at, &value) in words_of(boxed_slots).zip(boxes.as_slice()) {
        word(object, at).set(value);
    }
    // SAFETY: both shapes have the same words, and those that the new one calls Values were just filled with such.
    unsafe { heap::set_shape(object, target.id) };
    vm.thread.heap.write_barrier(object);
}

/// The value of a slot of `__slots__`; NULL if it is unset.
pub fn get_slot(vm: &mut Vm, object: Value, at: usize) -> Value {
    if vm.shape_of(object).is_float(at) { vm.float(raw(object, at).get()) } else { word(object, at).get() }
}

/// Sets a slot of `__slots__`; NULL unsets it.
pub fn set_slot(vm: &mut Vm, object: Value, at: usize, value: Value) {
    let mut shape = up_to_date(vm, object);
    let float = exact_float(value);
    if !value.is_null() && may_hold_float(at) {
        let key = slot_key(at);
        let seen = learn(vm, shape.ty, key, float.is_some());
        // It may just have been deprecated.
        shape = up_to_date(vm, object);
        if let (Some(x), Seen::Floats) = (float, seen) {
            let next = if shape.is_float(at) { Some(shape) } else { slot_transition(vm, shape, at) };
            if let Some(next) = next {
                raw(object, at).set(x);
                // SAFETY: the shapes differ in nothing but the word, which holds a float now.
                unsafe { heap::set_shape(object, next.id) };
                return;
            }
            widen(vm, shape.ty, key);
            shape = up_to_date(vm, object);
        }
    }
    if shape.is_float(at) {
        // It is unset: the slot becomes a Value.
        let floats = float_slots(shape) & !(1 << at);
        let base = if shape.dictionary { dictionary_twin(vm, shape.root()) } else { shape.root() };
        let mut target = with_float_slots(vm, base, floats);
        let mut values = ValueVec::new();
        for (index, &name) in shape.attributes.iter().enumerate() {
            match next_shape(vm, target, name) {
                Some(next) => target = next,
                None => {
                    crate::instance::materialise(vm, object);
                    return set_slot(vm, object, at, value);
                }
            }
            let value = slot(vm, object, shape, index as u32);
            values.push(vm, value);
        }
        rebuild(vm, object, target, &values);
    }
    vm.write(object, word(object, at), value);
}
