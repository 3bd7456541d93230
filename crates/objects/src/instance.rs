//! Instances' own attributes: hidden classes, overflow, dictionaries.
//!
//! An instance's shape says where each attribute lies: inline behind the fixed words while the capacity lasts, as a double if it
//! has been nothing but a float (see `representation.rs`), then in the overflow array. How many inline words a class's instances have is told by its methods, or learned from its first ones.
//! An instance whose `__dict__` was asked for, or whose class has had too many shapes, keeps its attributes in a dictionary
//! in the overflow word; so do those of built-in types that have attributes at all (functions, modules, exceptions).

use crate::args::GetSetDef;
use crate::error::PyResult;
use crate::representation::{
    bare, exact_float, float_slots, float_word, learn, rebuild, seen, up_to_date, with_float_slots,
};
use crate::shape::{Kind, MAX_SHAPES, Shape};
use crate::ty::{Seen, TypeRef, flags};
use crate::type_::builtin_type::heap_layout;
use crate::type_::resolve;
use crate::value_map::WordMap;
use crate::value_vec::{ValueVec, array_get, array_set, capacity, copy_items, new_array};
use crate::vm::Vm;
use heap::Value;
use std::cell::Cell;

/// Inline attributes of the first instances of a class whose base tells nothing.
const FIRST_CAPACITY: u16 = 4;
/// At most this many attributes are inline.
const MAX_CAPACITY: u16 = 24;
/// After so many instances the number of inline attributes is settled.
const SETTLE_AFTER: u32 = 4;
/// How often it may be settled anew.
const MAX_RESIZES: u8 = 6;

/// Bytes of an instance of a class that derives from `object` alone: the header, unless `__slots__` says otherwise a word for
/// overflowing attributes, and a word for each slot and each inline attribute.
const fn instance_bytes(has_dict: bool, slots: u16, attributes: u16) -> usize {
    8 * (1 + has_dict as usize + slots as usize + attributes as usize)
}

// What users plan with: two attributes, two slots, a boxed float. `make_root` holds the shapes to it.
const _: () = assert!(instance_bytes(true, 0, 2) <= 32);
const _: () = assert!(instance_bytes(false, 2, 0) == 24);
const _: () = assert!(<crate::builtin_layouts::BoxedFloat as crate::layout::Object>::BYTES == 16);

/// `__dict__` of instances of classes written in Python.
pub static DICT_GETSET: GetSetDef = GetSetDef { name: "__dict__", get: get_dict, set: Some(set_dict), doc: "" };

impl Vm {
    /// A new instance of a class, all words NULL. Not for exact instances with a tail.
    #[inline]
    pub fn new_instance(&mut self, ty: TypeRef) -> Value {
        let data = ty.data();
        if !data.settled.get() {
            count_instance(self, ty);
        }
        let shape = data.shape.get().expect("the class has instances");
        let instance = self.thread.heap.alloc_zeroed(shape.id, shape.bytes());
        if ty.has(flags::HAS_FINALIZER) {
            self.thread.heap.register_finalizer(instance);
        }
        instance
    }

    /// An instance of a class derived from an immutable built-in one, around `value`, an exact one.
    pub fn new_wrapped(&mut self, ty: TypeRef, value: Value) -> Value {
        let instance = self.new_instance(ty);
        let object = crate::layout::cast::<crate::builtin_layouts::WrappedInstance>(instance);
        self.write(instance, &object.value, value);
        instance
    }
}

/// Learns from the instances of a class so far.
#[cold]
fn count_instance(vm: &mut Vm, ty: TypeRef) {
    let data = ty.data();
    data.instances.set(data.instances.get() + 1);
    if data.instances.get() > SETTLE_AFTER {
        data.settled.set(true);
        resize(vm, ty);
        // Plans that waited for the class to settle look again; all others go by shapes, which stay what they are.
        if let Some(settling) = data.settling.get() {
            vm.thread.jit.invalidate(settling);
        }
    }
}

/// Gives later instances as many inline attributes as the fullest one so far had.
fn resize(vm: &mut Vm, ty: TypeRef) {
    let data = ty.data();
    let wanted = data.typical_attributes.get().min(MAX_CAPACITY);
    let shape = data.shape.get().expect("the class has instances");
    if shape.capacity != wanted && !shape.dictionary {
        make_root(vm, ty, wanted);
    }
}

/// The shape that instances of a class start with.
pub fn new_root(vm: &mut Vm, ty: TypeRef) {
    let data = ty.data();
    let base = data.base.get();
    let inherited = base.map_or(0, |base| base.data().typical_attributes.get());
    let assigned = assigned_attributes(vm, ty);
    data.typical_attributes.set(data.typical_attributes.get().max(inherited).max(assigned));
    let capacity = match data.typical_attributes.get() {
        0 => FIRST_CAPACITY,
        n => n.min(MAX_CAPACITY),
    };
    make_root(vm, ty, capacity);
    if assigned > 0 {
        // What its methods assign is most of what its instances will have.
        data.settled.set(true);
    }
}

/// How many attributes the methods of a class and its bases assign to `self`; the compiler has listed them.
fn assigned_attributes(vm: &mut Vm, ty: TypeRef) -> u16 {
    let listed = vm.names.__static_attributes__;
    let order = ty.data().mro.borrow().clone();
    let mut names: Vec<Value> = Vec::new(); // nothing is allocated
    for class in order.into_iter().filter(|class| class.has(flags::HEAP)) {
        let list = vm.dict_get_name(class.0.dict.get(), listed).filter(|&list| vm.type_of(list) == vm.types.tuple);
        for &name in list.map_or(&[][..], crate::tuple::items) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names.len().min(MAX_CAPACITY as usize) as u16
}

fn make_root(vm: &mut Vm, ty: TypeRef, capacity: u16) {
    let data = ty.data();
    let layout = data.layout.borrow().clone();
    let has_dict = layout.overflow_word != 0 && ty.has(flags::HAS_DICT);
    let dictionary = has_dict && keeps_dictionary(ty);
    let capacity = if has_dict && !dictionary { capacity } else { 0 };
    let id = vm.thread.heap.register_shape(heap_layout(&layout, capacity));
    let mut shape = Shape::new(id, layout.kind, ty, layout.fixed_words);
    shape.overflow_word = if has_dict { layout.overflow_word } else { 0 };
    shape.capacity = capacity;
    shape.dictionary = dictionary;
    let shape = vm.enter_shape(shape);
    data.shape.set(Some(shape));
    debug_assert!(
        data.base.get() != Some(vm.types.object)
            || shape.bytes() == instance_bytes(has_dict, data.members.borrow().len() as u16, capacity),
        "an instance has {} bytes",
        shape.bytes()
    );
    if !has_dict || dictionary {
        data.settled.set(true);
    }
}

/// Whether instances keep a dictionary from the start: Rust code of their built-in base stores there.
fn keeps_dictionary(ty: TypeRef) -> bool {
    let mro = ty.data().mro.borrow();
    let builtin = mro.iter().find(|ty| !ty.has(flags::HEAP) && ty.data().layout.borrow().overflow_word != 0);
    builtin.is_some_and(|ty| !ty.has(flags::EXCEPTION))
}

/// Word `index` of an object.
#[inline(always)]
pub fn word(object: Value, index: usize) -> &'static Cell<Value> {
    // SAFETY: the shape of the object says that word `index` exists and holds a Value.
    unsafe { &*((object.0 as usize + index * 8) as *const Cell<Value>) }
}

/// Word `index` of an object, as an unboxed float.
#[inline(always)]
pub fn raw(object: Value, index: usize) -> &'static Cell<f64> {
    // SAFETY: word `index` exists, and any word is a float; the caller knows, or is about to see to it, that the object's
    // shape says so.
    unsafe { &*((object.0 as usize + index * 8) as *const Cell<f64>) }
}

/// The instance's own attribute.
#[inline]
pub fn get(vm: &mut Vm, object: Value, name: Value) -> Option<Value> {
    if !object.is_object() {
        return None;
    }
    let shape = vm.shape_of(object);
    if shape.overflow_word == 0 {
        return None;
    }
    if shape.dictionary {
        let dict = word(object, shape.overflow_word as usize).get();
        return if dict.is_null() { None } else { vm.dict_get_name(dict, name) };
    }
    let index = shape.find(name)?;
    Some(slot(vm, object, shape, index))
}

/// The value of attribute `index`.
pub(crate) fn slot(vm: &mut Vm, object: Value, shape: &Shape, index: u32) -> Value {
    match shape.inline_word(index) {
        Some(at) if shape.is_float(at) => vm.float(raw(object, at).get()),
        Some(at) => word(object, at).get(),
        None => array_get(word(object, shape.overflow_word as usize).get(), (index - shape.capacity as u32) as usize),
    }
}

/// Sets the instance's own attribute; false if it can have none.
pub fn set(vm: &mut Vm, object: Value, name: Value, value: Value) -> bool {
    if !object.is_object() {
        return false;
    }
    let mut shape = up_to_date(vm, object);
    if shape.overflow_word == 0 {
        return false;
    }
    if shape.dictionary {
        let dict = dictionary(vm, object, shape);
        vm.dict_set_name(dict, name, value);
        return true;
    }
    let index = shape.find(name).unwrap_or(shape.attributes.len() as u32);
    if float_word(shape, index).is_some() {
        learn(vm, shape.ty, name, exact_float(value).is_some());
        // What was learned may have deprecated it.
        shape = up_to_date(vm, object);
        if shape.dictionary {
            return set(vm, object, name, value);
        }
    }
    if index < shape.attributes.len() as u32 {
        store(vm, object, shape, index, value);
        return true;
    }
    match next_shape(vm, shape, name) {
        Some(next) => {
            store(vm, object, next, index, value);
            // SAFETY: both shapes descend from one root and agree on all words but that of the attribute, which was just
            // filled as the new one says.
            unsafe { heap::set_shape(object, next.id) };
        }
        None => {
            let dict = materialise(vm, object);
            vm.dict_set_name(dict, name, value);
        }
    }
    true
}

/// Stores attribute `index`, making room in the overflow array. Where the shape has a float, `value` is one.
fn store(vm: &mut Vm, object: Value, shape: &Shape, index: u32, value: Value) {
    match shape.inline_word(index) {
        Some(at) if shape.is_float(at) => {
            raw(object, at).set(exact_float(value).expect("the class has been told of anything else"));
        }
        Some(at) => vm.write(object, word(object, at), value),
        None => {
            let position = (index - shape.capacity as u32) as usize;
            let array = room_in_overflow(vm, object, shape, position + 1);
            array_set(vm, array, position, value);
        }
    }
}

/// The overflow array, with room for `count` attributes.
pub(crate) fn room_in_overflow(vm: &mut Vm, object: Value, shape: &Shape, count: usize) -> Value {
    let overflow = word(object, shape.overflow_word as usize);
    let array = overflow.get();
    if count <= capacity(array) {
        return array;
    }
    let grown = new_array(vm, count.next_power_of_two().max(4));
    if !array.is_null() {
        copy_items(vm, array, 0, grown, 0, capacity(array));
    }
    vm.write(object, overflow, grown);
    grown
}

/// The shape after adding `name`, unboxed if it has been nothing but floats; `None`: the class has had too many.
pub fn next_shape(vm: &mut Vm, shape: &'static Shape, name: Value) -> Option<&'static Shape> {
    if let Some(next) = shape.transitions.borrow().get(&name) {
        return Some(next);
    }
    let root = shape.root();
    if root.descendants.get() >= MAX_SHAPES {
        return None;
    }
    root.descendants.set(root.descendants.get() + 1);
    let mut attributes = shape.attributes.to_vec();
    attributes.push(name);
    let by_name: WordMap<Value, u32> = attributes.iter().enumerate().map(|(i, &name)| (name, i as u32)).collect();
    let mut floats = shape.floats;
    if let Some(word) = float_word(shape, shape.attributes.len() as u32) {
        // Who comes here without a value has taken it from where it was no float.
        let known = seen(shape.ty, name).unwrap_or_else(|| learn(vm, shape.ty, name, false));
        floats |= ((known == Seen::Floats) as u64) << word;
    }
    let next = like(vm, root, attributes.into(), by_name, false, floats);
    shape.transitions.borrow_mut().insert(name, next);
    let data = shape.ty.data();
    let count = next.attributes.len() as u16;
    if count > data.typical_attributes.get() {
        data.typical_attributes.set(count);
        // Instances outgrow their class: the next ones get more room.
        let outgrown = data.settled.get() && data.shape.get().is_some_and(|shape| count > shape.capacity);
        if outgrown && count <= MAX_CAPACITY && data.resizes.get() < MAX_RESIZES {
            data.resizes.set(data.resizes.get() + 1);
            data.settled.set(false);
            data.instances.set(0);
            resolve::changed(vm, shape.ty);
        }
    }
    Some(next)
}

/// A shape with the same words as `root`, some of them floats.
pub(crate) fn like(
    vm: &mut Vm,
    root: &'static Shape,
    attributes: Box<[Value]>, // immortal
    by_name: WordMap<Value, u32>,
    dictionary: bool,
    floats: u64,
) -> &'static Shape {
    let mut layout = vm.thread.heap.layout(root.id).clone();
    match &mut layout.refs {
        heap::RefMask::Bits(refs) => *refs &= !floats,
        heap::RefMask::Wide(refs) => refs[0] &= !floats,
        _ => assert_eq!(floats, 0, "instances have masks"),
    }
    let id = vm.thread.heap.register_shape(layout);
    let mut shape = Shape::new(id, root.kind, root.ty, root.fixed_words);
    shape.overflow_word = root.overflow_word;
    shape.capacity = root.capacity;
    shape.dictionary = dictionary;
    shape.attributes = attributes;
    shape.by_name = by_name;
    shape.floats = floats;
    shape.root.set(Some(root));
    vm.enter_shape(shape)
}

/// Deletes the instance's own attribute; false if it has none of this name.
pub fn delete(vm: &mut Vm, object: Value, name: Value) -> bool {
    if !object.is_object() {
        return false;
    }
    let shape = up_to_date(vm, object);
    if shape.overflow_word == 0 {
        return false;
    }
    if shape.dictionary {
        let dict = word(object, shape.overflow_word as usize).get();
        return !dict.is_null() && vm.dict_del(dict, name).unwrap_or(false);
    }
    if shape.find(name).is_none() {
        return false;
    }
    // The attributes behind move up: order is order of creation.
    let mut target = bare(vm, shape);
    let mut values = ValueVec::new();
    for (index, &kept) in shape.attributes.iter().enumerate().filter(|&(_, &kept)| kept != name) {
        match next_shape(vm, target, kept) {
            Some(next) => target = next,
            None => {
                let dict = materialise(vm, object);
                return vm.dict_del(dict, name).unwrap_or(false);
            }
        }
        let value = slot(vm, object, shape, index as u32);
        values.push(vm, value);
    }
    rebuild(vm, object, target, &values);
    true
}

/// The dictionary of an object in dictionary mode.
fn dictionary(vm: &mut Vm, object: Value, shape: &Shape) -> Value {
    let overflow = word(object, shape.overflow_word as usize);
    if overflow.get().is_null() {
        let dict = vm.new_dict();
        vm.write(object, overflow, dict);
    }
    overflow.get()
}

/// The instance's dictionary; from here on its attributes live there.
pub fn materialise(vm: &mut Vm, object: Value) -> Value {
    let shape = vm.shape_of(object);
    if shape.dictionary {
        return dictionary(vm, object, shape);
    }
    let dict = vm.new_dict();
    for (index, &name) in shape.attributes.iter().enumerate() {
        let value = slot(vm, object, shape, index as u32);
        vm.dict_set_name(dict, name, value);
    }
    enter_dictionary_mode(vm, object, shape, dict);
    dict
}

fn enter_dictionary_mode(vm: &mut Vm, object: Value, shape: &'static Shape, dict: Value) {
    let twin = dictionary_twin(vm, shape.root());
    let target = with_float_slots(vm, twin, float_slots(shape));
    rebuild(vm, object, target, &ValueVec::new());
    vm.write(object, word(object, shape.overflow_word as usize), dict);
}

/// Whether the object can have attributes of its own.
pub fn has_dict(vm: &Vm, object: Value) -> bool {
    object.is_object() && vm.shape_of(object).overflow_word != 0
}

/// The attributes as a new dictionary, leaving the instance as it is; for `copy`, `pickle` and `dir`. NULL without.
pub fn snapshot(vm: &mut Vm, object: Value) -> Value {
    if !has_dict(vm, object) {
        return Value::NULL;
    }
    let shape = vm.shape_of(object);
    if shape.dictionary {
        let dict = dictionary(vm, object, shape);
        return vm.dict_copy(dict);
    }
    let dict = vm.new_dict();
    for (index, &name) in shape.attributes.iter().enumerate() {
        let value = slot(vm, object, shape, index as u32);
        vm.dict_set_name(dict, name, value);
    }
    dict
}

fn get_dict(vm: &mut Vm, object: Value) -> PyResult {
    if !has_dict(vm, object) {
        let name = vm.names.__dict__;
        return Err(vm.attribute_error(object, name));
    }
    Ok(materialise(vm, object))
}

fn set_dict(vm: &mut Vm, object: Value, dict: Value) -> PyResult<()> {
    if !has_dict(vm, object) {
        let name = vm.names.__dict__;
        return Err(vm.attribute_error(object, name));
    }
    if dict.is_null() {
        // Deleting it empties it.
        let empty = vm.new_dict();
        return set_dict(vm, object, empty);
    }
    if !vm.type_of(dict).has(flags::DICT) {
        let given = vm.type_name(dict);
        return Err(vm.type_error(format!("__dict__ must be set to a dictionary, not a '{given}'")));
    }
    let shape = vm.shape_of(object);
    if shape.dictionary {
        vm.write(object, word(object, shape.overflow_word as usize), dict);
    } else {
        enter_dictionary_mode(vm, object, shape, dict);
    }
    Ok(())
}

/// `__class__ = ty`: the instance becomes one of another class of the same layout.
pub fn set_class(vm: &mut Vm, object: Value, ty: TypeRef) -> PyResult<()> {
    let old = vm.type_of(object);
    if old == ty {
        return Ok(());
    }
    reclass(vm, object, old, ty)?;
    if resolve::descriptor_halves(old) != resolve::descriptor_halves(ty) {
        resolve::descriptors_changed(vm, |_, value| value == object);
    }
    Ok(())
}

fn reclass(vm: &mut Vm, object: Value, old: TypeRef, ty: TypeRef) -> PyResult<()> {
    let module_like = vm.kind(object) == Kind::Module || old.has(flags::HEAP) && ty.has(flags::HEAP);
    if !module_like || ty.has(flags::IMMUTABLE) && ty != vm.types.module {
        return Err(vm.type_error("__class__ assignment only supported for mutable types or ModuleType subclasses"));
    }
    let (from, to) = (old.data().layout.borrow().clone(), ty.data().layout.borrow().clone());
    let compatible =
        from.fixed_words == to.fixed_words && from.overflow_word == to.overflow_word && from.refs == to.refs;
    let alike = if old.has(flags::HEAP) && ty.has(flags::HEAP) {
        crate::type_::bases::same_layout(old, ty)
    } else {
        from.solid == to.solid && old.has(flags::HAS_DICT) == ty.has(flags::HAS_DICT)
    };
    if !compatible || !alike {
        return Err(vm.type_error(format!(
            "__class__ assignment: '{}' object layout differs from '{}'",
            ty.name(),
            old.name()
        )));
    }
    let shape = vm.shape_of(object);
    if shape.overflow_word == 0 {
        // Slots alone; the size is the same.
        let root = ty.data().shape.get().expect("the class has instances");
        let target = with_float_slots(vm, root, float_slots(shape));
        rebuild(vm, object, target, &ValueVec::new());
        return Ok(());
    }
    // The object keeps its size: a shape of the new class with the capacity of the old one.
    let dict = snapshot_values(vm, object, shape);
    let root = root_with_capacity(vm, ty, shape.capacity);
    let start = if shape.dictionary { dictionary_twin(vm, root) } else { root };
    let target = with_float_slots(vm, start, float_slots(shape));
    rebuild(vm, object, target, &ValueVec::new());
    if target.dictionary {
        return Ok(());
    }
    for (&name, &value) in shape.attributes.iter().zip(dict.as_slice()) {
        set(vm, object, name, value);
    }
    Ok(())
}

fn snapshot_values(vm: &mut Vm, object: Value, shape: &Shape) -> ValueVec {
    let mut values = ValueVec::new();
    for index in 0..shape.attributes.len() as u32 {
        let value = slot(vm, object, shape, index);
        values.push(vm, value);
    }
    values
}

pub(crate) fn dictionary_twin(vm: &mut Vm, root: &'static Shape) -> &'static Shape {
    if root.dictionary {
        return root;
    }
    if let Some(twin) = root.dictionary_twin.get() {
        return twin;
    }
    let twin = like(vm, root, Box::default(), WordMap::default(), true, 0);
    root.dictionary_twin.set(Some(twin));
    twin
}

fn root_with_capacity(vm: &mut Vm, ty: TypeRef, capacity: u16) -> &'static Shape {
    let current = ty.data().shape.get().expect("the class has instances");
    if current.capacity == capacity {
        return current;
    }
    let key = (ty.value(), capacity);
    let finalize = ty.data().layout.borrow().finalize;
    if let Some(&root) = vm.plans.roots.get(&key)
        && vm.thread.heap.layout(root.id).finalize == finalize
    {
        return root;
    }
    let layout = ty.data().layout.borrow().clone();
    let id = vm.thread.heap.register_shape(heap_layout(&layout, capacity));
    let mut shape = Shape::new(id, layout.kind, ty, layout.fixed_words);
    shape.overflow_word = layout.overflow_word;
    shape.capacity = capacity;
    shape.dictionary = keeps_dictionary(ty);
    let root = vm.enter_shape(shape);
    vm.plans.roots.insert(key, root);
    root
}
