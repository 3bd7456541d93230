//! Making classes: `type(name, bases, namespace)`.

use crate::args::CallArgs;
use crate::builtin_layouts::WrappedInstance;
use crate::error::PyResult;
use crate::layout::Object;
use crate::shape::Kind;
use crate::ty::TypeSpec;
use crate::ty::{InstanceLayout, TypeObject, TypeRef, flags};
use crate::type_::builtin_type::{INHERITED, initialise};
use crate::type_::{inherit, is_type, mro, resolve};
use crate::vm::Vm;
use heap::Value;

/// `type.__new__(metatype, name, bases, namespace, **keywords)`.
pub fn type_new(vm: &mut Vm, metatype: TypeRef, args: &CallArgs) -> PyResult {
    let [name, bases, namespace] = *args.args() else {
        return Err(vm.type_error("type.__new__() takes exactly 3 arguments"));
    };
    if !vm.is_str(name) {
        let given = vm.type_name(name);
        return Err(vm.type_error(format!("type.__new__() argument 1 must be str, not {given}")));
    }
    if !vm.type_of(bases).has(flags::TUPLE) {
        let given = vm.type_name(bases);
        return Err(vm.type_error(format!("type.__new__() argument 2 must be tuple, not {given}")));
    }
    if !vm.type_of(namespace).has(flags::DICT) {
        let given = vm.type_name(namespace);
        return Err(vm.type_error(format!("type.__new__() argument 3 must be dict, not {given}")));
    }
    let base_values = crate::tuple::items(bases);
    for &base in base_values {
        if !is_type(vm, base) && vm.getattr_opt(base, vm.names.__mro_entries__)?.is_some() {
            return Err(vm.type_error("type() doesn't support MRO entry resolution; use types.new_class()"));
        }
    }
    let winner = calculate_metaclass(vm, metatype, base_values)?;
    if winner != metatype {
        let new = winner.slots().new;
        if let Some(new) = new
            && !std::ptr::fn_addr_eq(new, type_new as crate::slots::NewFn)
        {
            return new(vm, winner, args);
        }
    }
    if base_values.iter().any(|&base| !is_type(vm, base)) {
        return Err(vm.type_error("bases must be types"));
    }
    let ty = make(vm, winner, name, bases, namespace)?;
    set_names(vm, ty)?;
    init_subclass(vm, ty, args)?;
    Ok(ty.value())
}

/// The most derived metaclass of the given one and those of the bases.
pub fn calculate_metaclass(vm: &mut Vm, metatype: TypeRef, bases: &[Value]) -> PyResult<TypeRef> {
    let mut winner = metatype;
    for &base in bases {
        let candidate = vm.type_of(base);
        if winner.is_subtype(candidate) {
            continue;
        }
        if candidate.is_subtype(winner) {
            winner = candidate;
            continue;
        }
        return Err(vm.type_error(
            "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the metaclasses of all its bases",
        ));
    }
    Ok(winner)
}

impl Vm {
    /// The most derived metaclass of the given one and those of the bases, a tuple; what is no type is passed over.
    pub fn most_derived_metaclass(&mut self, metatype: TypeRef, bases: Value) -> PyResult<TypeRef> {
        calculate_metaclass(self, metatype, crate::tuple::items(bases))
    }
}

fn make(vm: &mut Vm, metatype: TypeRef, name: Value, bases: Value, namespace: Value) -> PyResult<TypeRef> {
    let mut base_types: Vec<TypeRef> =
        crate::tuple::items(bases).iter().map(|&base| TypeRef::from_value(base)).collect();
    let mut bases = bases;
    if base_types.is_empty() {
        base_types.push(vm.types.object);
        bases = vm.new_tuple(&[vm.types.object.value()]);
    }
    let best = best_base(vm, &base_types)?;
    let name_text = vm.text_of(name);
    if name_text.contains('\0') {
        return Err(vm.value_error("type name must not contain null characters"));
    }
    // The namespace is copied: exactly a dict, whatever it was.
    let dict = vm.dict_copy(namespace);
    let slots = slots_of(vm, dict, &base_types, best, &name_text)?;
    let qualname = match vm.dict_get_name(dict, vm.names.__qualname__) {
        None => name,
        Some(qualname) if vm.is_str(qualname) => {
            vm.dict_del_str(dict, "__qualname__");
            qualname
        }
        Some(qualname) => {
            let given = vm.type_name(qualname);
            return Err(vm.type_error(format!("type __qualname__ must be a str, not {given}")));
        }
    };
    let metashape = metatype.data().shape.get().expect("a metaclass has a shape");
    let object = vm.thread.heap.alloc_immortal(metashape.id, metashape.bytes().max(TypeObject::BYTES));
    let version = vm.thread.jit.new_assumption();
    let spec = TypeSpec::of::<TypeObject>("", Kind::Instance);
    let ty = initialise(object, version, &spec);
    let data = ty.data();
    *data.name.borrow_mut() = name_text;
    data.base.set(Some(best));
    let inherited = base_types.iter().fold(0, |all, base| all | base.data().flags.get() & INHERITED);
    data.flags.set(flags::HEAP | flags::BASETYPE | inherited & !(flags::SEQUENCE | flags::MAPPING));
    vm.write(object, &ty.0.name, name);
    vm.write(object, &ty.0.qualname, qualname);
    vm.write(object, &ty.0.bases, bases);
    vm.write(object, &ty.0.dict, dict);

    let order = order_of(vm, ty, &base_types)?;
    set_mro(vm, ty, order);
    inherit_collection_flags(ty);
    lay_out(vm, ty, best, &base_types, &slots)?;
    fill_dict(vm, ty, &slots)?;
    inherit::fill_slots(vm, ty);
    if data.shape.get().is_none() {
        crate::instance::new_root(vm, ty);
    }
    for base in &base_types {
        base.data().subclasses.borrow_mut().push(ty);
    }
    vm.all_types.push(ty);
    Ok(ty)
}

/// Sets the MRO, in Rust and as a tuple.
pub fn set_mro(vm: &mut Vm, ty: TypeRef, order: Vec<TypeRef>) {
    let values: Vec<Value> = order.iter().map(|ty| ty.value()).collect(); // immortal
    let bases = crate::tuple::items(ty.0.bases.get());
    let derives_from = |class| bases.iter().any(|&base| TypeRef::from_value(base).is_subtype(class));
    for &class in order.iter().filter(|&&class| class != ty && !derives_from(class)) {
        let mut followers = class.data().followers.borrow_mut();
        if !followers.contains(&ty) {
            followers.push(ty);
        }
    }
    *ty.data().mro.borrow_mut() = order;
    let tuple = vm.new_tuple(&values);
    vm.write(ty.value(), &ty.0.mro, tuple);
}

/// The order for a class with these bases: what a metaclass's own `mro()` says, or the ordinary one.
pub fn order_of(vm: &mut Vm, ty: TypeRef, bases: &[TypeRef]) -> PyResult<Vec<TypeRef>> {
    match custom_mro(vm, ty)? {
        Some(order) => Ok(order),
        None => mro::compute(vm, ty, bases),
    }
}

fn custom_mro(vm: &mut Vm, ty: TypeRef) -> PyResult<Option<Vec<TypeRef>>> {
    let metatype = vm.type_of(ty.value());
    if metatype == vm.types.type_ {
        return Ok(None);
    }
    let name = vm.names.mro;
    let resolution = vm.resolve(metatype, name);
    if resolution.owner == Some(vm.types.type_) {
        return Ok(None);
    }
    let result = vm.call_special(ty.value(), name, &[])?;
    let object = vm.types.object;
    let solid = |class: TypeRef| class.data().layout.borrow().solid.unwrap_or(object);
    let room = solid(ty.data().base.get().expect("a class has a base"));
    let mut order = Vec::new();
    vm.for_each(result, |vm, class| {
        if !is_type(vm, class) {
            let given = vm.type_name(class);
            return Err(vm.type_error(format!("mro() returned a non-class ('{given}')")));
        }
        let class = TypeRef::from_value(class);
        // Methods of a class count on the words of its instances.
        if class != ty && !room.is_subtype(solid(class)) {
            let name = class.name();
            return Err(vm.type_error(format!("mro() returned base with unsuitable layout ('{name}')")));
        }
        order.push(class);
        Ok(())
    })?;
    if order.is_empty() {
        return Err(vm.type_error("type MRO must not be empty"));
    }
    // The metaclass's `mro()` may have looked at the class.
    resolve::changed(vm, ty);
    Ok(Some(order))
}

/// A class matches as a sequence or as a mapping, as the first of its bases that is either.
fn inherit_collection_flags(ty: TypeRef) {
    const EITHER: u32 = flags::SEQUENCE | flags::MAPPING;
    let found = ty.data().mro.borrow().iter().map(|class| class.data().flags.get() & EITHER).find(|&found| found != 0);
    let flags = &ty.data().flags;
    flags.set(flags.get() & !EITHER | found.unwrap_or(0));
}

/// The base whose layout the class extends.
pub fn best_base(vm: &mut Vm, bases: &[TypeRef]) -> PyResult<TypeRef> {
    let mut winner: Option<(TypeRef, Option<TypeRef>)> = None;
    for &base in bases {
        if !base.has(flags::BASETYPE) {
            let name = base.name();
            return Err(vm.type_error(format!("type '{name}' is not an acceptable base type")));
        }
        let solid = base.data().layout.borrow().solid;
        match winner {
            None => winner = Some((base, solid)),
            Some((_, current)) => {
                let object = vm.types.object;
                let (old, new) = (current.unwrap_or(object), solid.unwrap_or(object));
                if old.is_subtype(new) {
                } else if new.is_subtype(old) {
                    winner = Some((base, solid));
                } else {
                    return Err(vm.type_error("multiple bases have instance lay-out conflict"));
                }
            }
        }
    }
    Ok(winner.expect("a class has a base").0)
}

/// Whether instances are of variable size in CPython: there is no room for further words.
fn is_of_variable_size(ty: TypeRef) -> bool {
    ty.has(flags::INT | flags::BYTES | flags::TUPLE)
}

/// What `__slots__` asks for.
#[derive(Default)]
struct SlotNames {
    /// `None`: no `__slots__`.
    names: Option<Vec<Value>>, // immortal
    dict: bool,
    weakref: bool,
}

fn slots_of(vm: &mut Vm, dict: Value, bases: &[TypeRef], best: TypeRef, class: &str) -> PyResult<SlotNames> {
    let any = |flag| bases.iter().any(|base| base.has(flag));
    let Some(slots) = vm.dict_get_name(dict, vm.names.__slots__) else {
        return Ok(SlotNames { names: None, dict: true, weakref: !is_of_variable_size(best) });
    };
    // Interned, hence immortal: a Vec may hold them.
    let mut names: Vec<Value> = Vec::new(); // immortal
    let mut wants = SlotNames::default();
    let mut given = crate::value_vec::ValueVec::new();
    if vm.is_str(slots) {
        given.push(vm, slots);
    } else {
        vm.for_each(slots, |vm, slot| {
            given.push(vm, slot);
            Ok(())
        })?;
    }
    // As in CPython: those whose instances are of variable size.
    if given.len > 0 && best.has(flags::WRAPPED) && is_of_variable_size(best) {
        return Err(vm.type_error(format!("nonempty __slots__ not supported for subtype of '{}'", best.name())));
    }
    if given.len > 0 && best.has(flags::TYPE) {
        return Err(vm.type_error(format!("nonempty __slots__ not supported for subtype of '{}'", best.name())));
    }
    for i in 0..given.len {
        let slot = given.get(i);
        if !vm.is_str(slot) {
            let given = vm.type_name(slot);
            return Err(vm.type_error(format!("__slots__ items must be strings, not '{given}'")));
        }
        let text = vm.text_of(slot);
        if !is_identifier(&text) {
            return Err(vm.type_error("__slots__ must be identifiers"));
        }
        match text.as_str() {
            "__dict__" => {
                if wants.dict || any(flags::HAS_DICT) {
                    return Err(vm.type_error("__dict__ slot disallowed: we already got one"));
                }
                wants.dict = true;
            }
            "__weakref__" => {
                if wants.weakref || any(flags::HAS_WEAKREF) {
                    return Err(vm.type_error("__weakref__ slot disallowed: we already got one"));
                }
                wants.weakref = true;
            }
            _ => {
                let mangled = mangle(class, &text);
                let name = vm.intern(&mangled);
                if vm.dict_get_name(dict, name).is_some()
                    && text != "__qualname__"
                    && text != "__classcell__"
                    && text != "__classdictcell__"
                {
                    return Err(vm.value_error(format!("'{text}' in __slots__ conflicts with class variable")));
                }
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
    }
    // In order of their names, as CPython lays them out.
    names.sort_by_key(|&name| vm.text_of(name));
    wants.names = Some(names);
    Ok(wants)
}

/// `__x` in class `C` is `_C__x`.
pub fn mangle(class: &str, name: &str) -> String {
    if !name.starts_with("__") || name.ends_with("__") || name.contains('.') {
        return name.to_string();
    }
    let class = class.trim_start_matches('_');
    if class.is_empty() { name.to_string() } else { format!("_{class}{name}") }
}

fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic()) && chars.all(|c| c == '_' || c.is_alphanumeric())
}

/// Fixes how instances lie in memory.
fn lay_out(vm: &mut Vm, ty: TypeRef, best: TypeRef, bases: &[TypeRef], slots: &SlotNames) -> PyResult<()> {
    let data = ty.data();
    let base: InstanceLayout = best.data().layout.borrow().clone();
    if best.has(flags::TYPE) {
        // A metaclass: its instances are types, whose attributes are in their dictionaries.
        let mut layout = base;
        layout.solid = best.data().layout.borrow().solid;
        *data.layout.borrow_mut() = layout.clone();
        let shape = vm.new_shape(super::builtin_type::heap_layout(&layout, 0), Kind::Type, ty);
        data.shape.set(Some(shape));
        data.settled.set(true);
        return Ok(());
    }
    let mut layout = if best.has(flags::WRAPPED) && !best.has(flags::HEAP) {
        InstanceLayout {
            fixed_words: WrappedInstance::WORDS,
            overflow_word: (WrappedInstance::OVERFLOW.offset / 8) as u16,
            refs: vec![WrappedInstance::REFS],
            tail: heap::Tail::None,
            finalize: heap::Finalize::None,
            weak: None,
            kind: Kind::Instance,
            solid: base.solid,
        }
    } else {
        base
    };
    layout.kind = Kind::Instance;
    // Nothing without instances of its own can be extended.
    if layout.tail != heap::Tail::None {
        return Err(vm.type_error(format!("type '{}' is not an acceptable base type", best.name())));
    }
    let had_dict = bases.iter().any(|base| base.has(flags::HAS_DICT));
    let wants_dict = slots.dict || had_dict;
    if wants_dict {
        data.flags.set(data.flags.get() | flags::HAS_DICT);
        if layout.overflow_word == 0 {
            layout.overflow_word = push_word(&mut layout);
        }
    }
    if slots.weakref {
        data.flags.set(data.flags.get() | flags::HAS_WEAKREF);
    }
    if let Some(names) = &slots.names {
        let mut members = data.members.borrow_mut();
        for &name in names {
            let word = push_word(&mut layout);
            members.push((name, word));
        }
        if !names.is_empty() {
            layout.solid = Some(ty);
        }
    }
    *data.layout.borrow_mut() = layout;
    Ok(())
}

fn push_word(layout: &mut InstanceLayout) -> u16 {
    let word = layout.fixed_words;
    layout.fixed_words += 1;
    if layout.refs.len() <= word as usize / 64 {
        layout.refs.push(0);
    }
    layout.refs[word as usize / 64] |= 1 << (word % 64);
    word
}

/// What every class's dictionary has.
fn fill_dict(vm: &mut Vm, ty: TypeRef, slots: &SlotNames) -> PyResult<()> {
    let dict = ty.0.dict.get();
    let names = vm.names;
    if vm.dict_get_name(dict, names.__module__).is_none() {
        let globals = (vm.hooks.current_globals)(vm);
        if !globals.is_null()
            && let Some(module) = vm.dict_get_name(globals, names.__name__)
        {
            vm.dict_set_name(dict, names.__module__, module);
        }
    }
    // `__new__`, `__init_subclass__` and `__class_getitem__` bind as if they were decorated.
    if let Some(new) = vm.dict_get_name(dict, names.__new__)
        && vm.kind(new) == Kind::Function
    {
        let new = vm.new_static_method(new);
        vm.dict_set_name(dict, names.__new__, new);
    }
    for name in [names.__init_subclass__, names.__class_getitem__] {
        if let Some(function) = vm.dict_get_name(dict, name)
            && vm.kind(function) == Kind::Function
        {
            let method = vm.new_class_method(function);
            vm.dict_set_name(dict, name, method);
        }
    }
    let members = ty.data().members.borrow().clone();
    for (name, word) in members {
        let member = crate::member::new_member(vm, name, ty, word);
        vm.dict_set_name(dict, name, member);
    }
    let best = ty.data().base.get().expect("a class has a base");
    let no_slots = slots.names.is_none();
    if ty.has(flags::HAS_DICT) && !best.has(flags::HAS_DICT) && (no_slots || slots.dict) && !ty.has(flags::TYPE) {
        let descriptor = crate::getset::new_getset(vm, &crate::instance::DICT_GETSET, ty);
        vm.dict_set_name(dict, names.__dict__, descriptor);
    }
    if ty.has(flags::HAS_WEAKREF) && !best.has(flags::HAS_WEAKREF) && !ty.has(flags::TYPE) {
        let descriptor = crate::getset::new_getset(vm, &crate::weakref::WEAKREF_GETSET, ty);
        vm.dict_set_name(dict, names.__weakref__, descriptor);
    }
    if vm.dict_get_name(dict, names.__doc__).is_none() {
        vm.dict_set_name(dict, names.__doc__, vm.none);
    }
    if let Some(cell) = vm.dict_get_name(dict, names.__classcell__) {
        if vm.kind(cell) != Kind::Cell {
            let given = vm.type_name(cell);
            return Err(
                vm.type_error(format!("type.__new__: __classcell__ must be a nonlocal cell, not <class '{given}'>"))
            );
        }
        crate::cell::set(vm, cell, ty.value());
        vm.dict_del_str(dict, "__classcell__");
    }
    if let Some(cell) = vm.dict_get_name(dict, names.__classdictcell__) {
        if vm.kind(cell) == Kind::Cell {
            crate::cell::set(vm, cell, dict);
        }
        vm.dict_del_str(dict, "__classdictcell__");
    }
    // A class that compares in its own way has no hash unless it says so.
    if vm.dict_get_name(dict, names.__eq__).is_some() && vm.dict_get_name(dict, names.__hash__).is_none() {
        vm.dict_set_name(dict, names.__hash__, vm.none);
    }
    Ok(())
}

/// Calls `__set_name__` of the attributes.
fn set_names(vm: &mut Vm, ty: TypeRef) -> PyResult<()> {
    // A copy: what is called may change the class.
    let snapshot = vm.dict_copy(ty.0.dict.get());
    let mut position = 0;
    while let Some((key, value)) = vm.dict_next(snapshot, &mut position) {
        if !value.is_object() {
            continue;
        }
        let name = vm.names.__set_name__;
        if let Some(result) = vm.call_special_opt(value, name, &[ty.value(), key])
            && let Err(raised) = result
        {
            let attribute = vm.repr(key)?;
            let attribute = vm.text_of(attribute);
            let owner = vm.type_name(value);
            let note = format!("Error calling __set_name__ on '{owner}' instance {attribute} in '{}'", ty.name());
            let note = vm.new_str(&note);
            crate::exceptions::add_note(vm, raised.0, note)?;
            return Err(raised);
        }
    }
    Ok(())
}

/// Calls `__init_subclass__` of the parent.
fn init_subclass(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult<()> {
    let name = vm.names.__init_subclass__;
    let order = ty.data().mro.borrow().clone();
    let Some(own) = order.iter().position(|&class| class == ty) else {
        let name = ty.name();
        let complaint = format!("super(type, obj): obj (type {name}) is not an instance or subtype of type ({name}).");
        return Err(vm.type_error(complaint));
    };
    let found = order[own + 1..].iter().find(|class| vm.dict_get_name(class.0.dict.get(), name).is_some());
    // Nothing to call where it is `object`'s.
    if args.keyword_names().is_empty() && found.is_none_or(|&class| class == vm.types.object) {
        return Ok(());
    }
    let method = crate::super_object::attribute(vm, ty.value(), ty.value(), name)?;
    let keywords = CallArgs { values: &args.values[args.args().len()..], names: args.names };
    vm.call_kw(method, &keywords)?;
    Ok(())
}
