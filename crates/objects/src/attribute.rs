//! Where an attribute is found, as a function of shape and name: what handlers and traces rely on while the class stays
//! as it is.

use crate::builtin_layouts::{Complex, Property};
use crate::layout::cast;
use crate::representation;
use crate::shape::{Kind, Shape};
use crate::slots::{GetattrFn, SetattrFn};
use crate::ty::{Resolution, ResolutionKind, Seen, TypeRef, flags};
use crate::value_map::WordMap;
use crate::vm::Vm;
use heap::{ShapeId, Value};
use metatrace::{Field, Handle, Lookup, Repr};

/// How to load an attribute.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum AttributePlan {
    /// From a word of the instance; NULL there: unset, the general way raises.
    Inline(&'static Field),
    /// From a word of the object that is a float, unboxed.
    Float(&'static Field),
    /// From the array in the field, NULL as above.
    Overflow { overflow: &'static Field, index: u32 },
    /// A function of the class that binds to the instance: Python's or a built-in type's.
    Method(Handle),
    /// A value of the class that does not bind.
    Constant(Handle),
    /// A Python function, to be called with the instance.
    Property(Handle),
    /// A descriptor of a class written in Python: the value is what its `__get__` gives.
    Descriptor(Handle),
    /// There is no such attribute: the Python function `__getattr__`, to be called with the instance and the name.
    Fallback(Handle),
    /// Of a module: the value of that entry of its dictionary.
    Entry(u32),
    /// The general way.
    Generic,
}

/// How to store an attribute.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum StorePlan {
    Inline(&'static Field),
    /// A float, unboxed; anything else goes the general way.
    Float(&'static Field),
    /// Into the array in the field, which has room for it.
    Overflow {
        overflow: &'static Field,
        index: u32,
    },
    /// A new attribute: the instance gets another shape.
    Transition {
        field: &'static Field,
        shape: ShapeId,
    },
    /// The same for an attribute that is a float so far, or a slot that gets its first.
    FloatTransition {
        field: &'static Field,
        shape: ShapeId,
    },
    /// A property's Python function, to be called with the instance and the value.
    Property(Handle),
    /// By the `__set__` of a descriptor of a class written in Python.
    Descriptor(Handle),
    Generic,
}

/// Plans made so far, with the generation of the class that they were made in.
#[derive(Default)]
pub struct Plans {
    loads: WordMap<(u32, Value), (u32, &'static AttributePlan)>,
    stores: WordMap<(u32, Value), (u32, &'static StorePlan)>,
    classes: WordMap<(Value, Value), (u32, &'static AttributePlan)>,
    /// By shape of the receiver, class behind which to look, name.
    supers: WordMap<(u32, Value, Value), (u32, &'static AttributePlan)>,
    fields: WordMap<u32, &'static Field>,
    float_fields: WordMap<u32, &'static Field>,
    /// Shapes without attributes that instances get when their `__class__` is assigned, by class and inline words.
    pub(crate) roots: WordMap<(Value, u16), &'static Shape>,
}

impl Vm {
    /// How to load `name` (interned) of objects with this shape.
    pub fn attribute_plan(&mut self, shape: &'static Shape, name: Value) -> Lookup<AttributePlan> {
        let data = shape.ty.data();
        let (generation, key) = (data.generation.get(), (shape.id.0, name));
        let known = self.plans.loads.get(&key).copied();
        if let Some((made, plan)) = known
            && made == generation
        {
            return Lookup::lasting(data.version, plan);
        }
        let plan = make_load_plan(self, shape, name);
        let result = match known {
            Some((_, known)) if *known == plan => known,
            _ => Box::leak(Box::new(plan)),
        };
        self.plans.loads.insert(key, (data.generation.get(), result));
        Lookup::lasting(data.version, result)
    }

    /// How to store `name` (interned) of objects with this shape.
    pub fn store_plan(&mut self, shape: &'static Shape, name: Value) -> Lookup<StorePlan> {
        let data = shape.ty.data();
        let (generation, key) = (data.generation.get(), (shape.id.0, name));
        let known = self.plans.stores.get(&key).copied();
        if let Some((made, plan)) = known
            && made == generation
        {
            return Lookup::lasting(data.version, plan);
        }
        let Some(plan) = make_store_plan(self, shape, name) else {
            return Lookup::brief(representation::unseen(self, shape.ty), &StorePlan::Generic);
        };
        let result = match known {
            Some((_, known)) if *known == plan => known,
            _ => Box::leak(Box::new(plan)),
        };
        self.plans.stores.insert(key, (data.generation.get(), result));
        Lookup::lasting(data.version, result)
    }

    /// How to load `name` (interned) of the class itself. The answer holds while the class and its metaclass stay.
    pub fn class_attribute_plan(&mut self, class: TypeRef, name: Value) -> Lookup<AttributePlan> {
        let data = class.data();
        let (generation, key) = (data.generation.get(), (class.value(), name));
        if let Some(&(made, result)) = self.plans.classes.get(&key)
            && made == generation
        {
            return Lookup::lasting(data.version, result);
        }
        let result: &'static _ = Box::leak(Box::new(make_class_plan(self, class, name)));
        self.plans.classes.insert(key, (data.generation.get(), result));
        Lookup::lasting(data.version, result)
    }

    /// What `super(class, object).name` is for objects with this shape: a method of Python, or found in the general way. `name` is
    /// interned.
    pub fn super_plan(&mut self, class: TypeRef, shape: &'static Shape, name: Value) -> Lookup<AttributePlan> {
        let data = shape.ty.data();
        let (generation, key) = (data.generation.get(), (shape.id.0, class.value(), name));
        if let Some(&(made, result)) = self.plans.supers.get(&key)
            && made == generation
        {
            return Lookup::lasting(data.version, result);
        }
        let found = crate::super_object::found_behind(self, class, shape.ty, name);
        let plan = match found {
            Some(value) if self.kind(value) == Kind::Function => AttributePlan::Method(self.keep(value)),
            _ => AttributePlan::Generic,
        };
        let result: &'static _ = Box::leak(Box::new(plan));
        self.plans.supers.insert(key, (data.generation.get(), result));
        Lookup::lasting(data.version, result)
    }

    /// The field for word `word` of instances.
    pub fn word_field(&mut self, word: u32) -> &'static Field {
        self.plans.fields.entry(word).or_insert_with(|| {
            let name = Box::leak(format!("word{word}").into_boxed_str());
            Box::leak(Box::new(Field { name, offset: word * 8, repr: Repr::Ref, immutable: false }))
        })
    }

    /// The field for word `word` of instances where it is a float.
    pub fn float_field(&mut self, word: u32) -> &'static Field {
        self.plans.float_fields.entry(word).or_insert_with(|| {
            let name = Box::leak(format!("float{word}").into_boxed_str());
            Box::leak(Box::new(Field { name, offset: word * 8, repr: Repr::F64, immutable: false }))
        })
    }
}

/// Whether attributes of the class's instances are found by `object.__getattribute__`.
pub fn loads_generically(ty: TypeRef) -> bool {
    let generic = crate::object::generic_getattr as GetattrFn;
    ty.slots().getattr.is_some_and(|getattr| std::ptr::fn_addr_eq(getattr, generic))
}

/// Whether attributes of the class's instances are set by `object.__setattr__`.
pub fn stores_generically(ty: TypeRef) -> bool {
    let generic = crate::object::generic_setattr as SetattrFn;
    ty.slots().setattr.is_some_and(|setattr| std::ptr::fn_addr_eq(setattr, generic))
}

/// With `__getattr__` and no other `__getattribute__`, what is found at all is found as usual.
fn loads_almost_generically(vm: &mut Vm, ty: TypeRef) -> bool {
    let guest = crate::type_::guest_slots::getattr as GetattrFn;
    if !ty.slots().getattr.is_some_and(|getattr| std::ptr::fn_addr_eq(getattr, guest)) {
        return false;
    }
    let method = vm.lookup_type(ty, vm.names.__getattribute__);
    method.is_none_or(|method| crate::slot_wrapper::is_of(vm, method, vm.types.object))
}

fn make_load_plan(vm: &mut Vm, shape: &'static Shape, name: Value) -> AttributePlan {
    let ty = shape.ty;
    if shape.kind == Kind::Complex {
        match vm.str_text(name).as_deref() {
            Ok("real") => return AttributePlan::Float(Complex::RE),
            Ok("imag") => return AttributePlan::Float(Complex::IM),
            _ => {}
        }
    }
    // The general way moves instances on from deprecated shapes.
    if shape.is_deprecated.get() || !loads_generically(ty) && !loads_almost_generically(vm, ty) {
        return AttributePlan::Generic;
    }
    let resolution = vm.resolve(ty, name);
    match resolution.kind {
        ResolutionKind::Property => {
            let property = vm.handle(resolution.value.expect("a property was found"));
            let getter = cast::<Property>(property).fget.get();
            // A getter that raises AttributeError makes way for `__getattr__`.
            if getter.is_null() || vm.kind(getter) != Kind::Function || !loads_generically(ty) {
                return AttributePlan::Generic;
            }
            return AttributePlan::Property(vm.keep(getter));
        }
        ResolutionKind::Member(word) => {
            // `Member.__get__` checks the class of the instance; here it is an instance of the member's owner.
            return load_of_word(vm, shape, word);
        }
        // An object that is given another class gets another shape.
        ResolutionKind::Data if name == vm.names.__class__ && resolution.owner == Some(vm.types.object) => {
            return AttributePlan::Constant(vm.keep(ty.value()));
        }
        ResolutionKind::Data => return descriptor_plan(vm, ty, resolution),
        _ => {}
    }
    if shape.overflow_word != 0 {
        if shape.dictionary {
            return AttributePlan::Generic;
        }
        if let Some(index) = shape.find(name) {
            if let Some(word) = shape.inline_word(index) {
                return load_of_word(vm, shape, word as u32);
            }
            let overflow = vm.word_field(shape.overflow_word as u32);
            return AttributePlan::Overflow { overflow, index: index - shape.capacity as u32 };
        }
    }
    match (resolution.kind, resolution.value) {
        (ResolutionKind::Function | ResolutionKind::BuiltinMethod, Some(handle)) => AttributePlan::Method(handle),
        (ResolutionKind::Plain, Some(handle)) => AttributePlan::Constant(handle),
        (ResolutionKind::StaticMethod, Some(handle)) => {
            let function = crate::static_method::function_of(vm.handle(handle));
            AttributePlan::Constant(vm.keep(function))
        }
        (ResolutionKind::NonData, Some(_)) => descriptor_plan(vm, ty, resolution),
        (ResolutionKind::Absent, _) if !loads_generically(ty) => {
            let fallback = vm.resolve(ty, vm.names.__getattr__);
            match (fallback.kind, fallback.value) {
                (ResolutionKind::Function, Some(handle)) => AttributePlan::Fallback(handle),
                _ => AttributePlan::Generic,
            }
        }
        _ => AttributePlan::Generic,
    }
}

fn load_of_word(vm: &mut Vm, shape: &Shape, word: u32) -> AttributePlan {
    if shape.is_float(word as usize) {
        AttributePlan::Float(vm.float_field(word))
    } else {
        AttributePlan::Inline(vm.word_field(word))
    }
}

fn store_to_word(vm: &mut Vm, shape: &Shape, word: u32) -> StorePlan {
    if shape.is_float(word as usize) {
        StorePlan::Float(vm.float_field(word))
    } else {
        StorePlan::Inline(vm.word_field(word))
    }
}

/// A `__get__` that raises AttributeError makes way for `__getattr__`, which is left to the general way.
fn descriptor_plan(vm: &mut Vm, ty: TypeRef, resolution: &Resolution) -> AttributePlan {
    match resolution.value {
        Some(handle) if loads_generically(ty) => {
            if is_of_python(vm, vm.handle(handle)) {
                AttributePlan::Descriptor(handle)
            } else {
                AttributePlan::Generic
            }
        }
        _ => AttributePlan::Generic,
    }
}

/// Whether a value's class is written in Python.
fn is_of_python(vm: &Vm, value: Value) -> bool {
    value.is_object() && vm.type_of(value).has(flags::HEAP)
}

/// `None`: the first value of the attribute decides.
fn make_store_plan(vm: &mut Vm, shape: &'static Shape, name: Value) -> Option<StorePlan> {
    let ty = shape.ty;
    if shape.is_deprecated.get() || !stores_generically(ty) {
        return Some(StorePlan::Generic);
    }
    let resolution = vm.resolve(ty, name);
    match resolution.kind {
        ResolutionKind::Member(word) => return slot_store_plan(vm, shape, word),
        ResolutionKind::Property => {
            let property = vm.handle(resolution.value.expect("a property was found"));
            let setter = cast::<Property>(property).fset.get();
            let is_function = !setter.is_null() && vm.kind(setter) == Kind::Function;
            return Some(if is_function { StorePlan::Property(vm.keep(setter)) } else { StorePlan::Generic });
        }
        ResolutionKind::Data => {
            return Some(match resolution.value {
                Some(handle) if is_of_python(vm, vm.handle(handle)) => StorePlan::Descriptor(handle),
                _ => StorePlan::Generic,
            });
        }
        kind if kind.is_data() => return Some(StorePlan::Generic),
        _ => {}
    }
    if shape.overflow_word == 0 || shape.dictionary {
        return Some(StorePlan::Generic);
    }
    if let Some(index) = shape.find(name) {
        if let Some(word) = shape.inline_word(index) {
            return Some(store_to_word(vm, shape, word as u32));
        }
        let overflow = vm.word_field(shape.overflow_word as u32);
        return Some(StorePlan::Overflow { overflow, index: index - shape.capacity as u32 });
    }
    let index = shape.attributes.len() as u32;
    if representation::float_word(shape, index).is_some() {
        representation::seen(ty, name)?;
    }
    // Adding an attribute beyond the capacity goes the general way, which makes room.
    let Some(word) = shape.inline_word(index) else { return Some(StorePlan::Generic) };
    Some(match crate::instance::next_shape(vm, shape, name) {
        Some(next) if next.is_float(word) => {
            StorePlan::FloatTransition { field: vm.float_field(word as u32), shape: next.id }
        }
        Some(next) => StorePlan::Transition { field: vm.word_field(word as u32), shape: next.id },
        None => StorePlan::Generic,
    })
}

/// The same for a slot of `__slots__`.
fn slot_store_plan(vm: &mut Vm, shape: &'static Shape, word: u32) -> Option<StorePlan> {
    let at = word as usize;
    if !shape.is_float(at) && representation::may_hold_float(at) {
        let seen = representation::seen(shape.ty, representation::slot_key(at))?;
        if seen == Seen::Floats {
            return Some(match representation::slot_transition(vm, shape, at) {
                Some(next) => StorePlan::FloatTransition { field: vm.float_field(word), shape: next.id },
                None => StorePlan::Generic,
            });
        }
    }
    Some(store_to_word(vm, shape, word))
}

fn make_class_plan(vm: &mut Vm, class: TypeRef, name: Value) -> AttributePlan {
    let metatype = vm.type_of(class.value());
    if !crate::type_::attributes::loads_as_type(metatype) {
        return AttributePlan::Generic;
    }
    let of_metatype = vm.resolve(metatype, name).kind;
    if of_metatype.is_data() {
        return AttributePlan::Generic;
    }
    let resolution = vm.resolve(class, name);
    match (resolution.kind, resolution.value) {
        (ResolutionKind::Plain | ResolutionKind::Function | ResolutionKind::BuiltinMethod, Some(handle)) => {
            AttributePlan::Constant(handle)
        }
        (ResolutionKind::StaticMethod, Some(handle)) => {
            let function = crate::static_method::function_of(vm.handle(handle));
            AttributePlan::Constant(vm.keep(function))
        }
        (ResolutionKind::ClassMethod, Some(handle)) => {
            // The bound method is the same object each time; nobody can tell but by identity.
            let function = crate::static_method::function_of(vm.handle(handle));
            if vm.kind(function) != Kind::Function {
                return AttributePlan::Generic;
            }
            let method = vm.new_method(function, class.value());
            AttributePlan::Constant(vm.keep(method))
        }
        _ => AttributePlan::Generic,
    }
}
