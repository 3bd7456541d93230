//! The order in which a Python comes into being.
//!
//! `object` and `type` first, by hand: every type object needs them. Then the types that dictionaries, strings and tuples
//! are made of, without dictionaries of their own. Once those exist, names are interned, all dictionaries filled, and
//! the remaining types made whole.

use crate::exceptions::ExceptionTypes;
use crate::layout::Object;
use crate::names::Names;
use crate::shape::{self, Kind, Shape};
use crate::slots::Slots;
use crate::ty::{TypeObject, TypeRef, TypeSpec, flags};
use crate::type_::builtin_type::{allocate, fill, initialise, make_tuples, set_layout};
use crate::types::Types;
use crate::vm::{Hooks, Python, Vm};
use heap::Value;
use metatrace::{Handle, Thread};

pub(crate) fn new_vm(mut thread: Thread<Python>) -> Box<Vm> {
    shape::register_reserved(&mut thread.heap);
    let spec = object_spec();
    let object = thread.heap.alloc_immortal(shape::exact_id(Kind::Type), TypeObject::BYTES);
    let version = thread.jit.new_assumption();
    let object = initialise(object, version, &spec);
    let filler: &'static Shape = Box::leak(Box::new(Shape::new(heap::ShapeId(0), Kind::Storage, object, 1)));
    let mut vm = Box::new(Vm {
        thread,
        exception: Value::NULL,
        none: Value::NULL,
        true_: Value::NULL,
        false_: Value::NULL,
        not_implemented: Value::NULL,
        ellipsis: Value::NULL,
        empty_tuple: Value::NULL,
        empty_str: Value::NULL,
        characters: Value::NULL,
        empty_bytes: Value::NULL,
        types: Types::unset(object),
        exc: ExceptionTypes::unset(object),
        names: Names::unset(),
        shapes: vec![filler; shape::BYTE_ARRAY.0 as usize + 1],
        item_array: filler,
        byte_array: filler,
        hooks: Hooks::default(),
        modules: Handle(0),
        retired: Vec::new(),
        builtins: Handle(0),
        interned: Default::default(),
        kind_shapes: [None; 64],
        namespaces: Default::default(),
        plans: Default::default(),
        all_types: Vec::new(),
        unfilled: Some(Vec::new()),
        natives: Vec::new(),
        loaded_natives: Vec::new(),
        weak: Default::default(),
        repr_stack: Vec::new(),
        this: std::ptr::null_mut(),
        native_depth: 0,
        extensions: Default::default(),
    });
    vm.register_roots();
    first_types(&mut vm, object, spec);
    let unfilled = vm.unfilled.take().expect("the first types are still to be filled");
    crate::singletons::make(&mut vm);
    vm.names = Names::intern(&mut vm);
    for (ty, _) in &unfilled {
        make_tuples(&mut vm, *ty);
    }
    for (ty, contents) in unfilled {
        fill(&mut vm, ty, contents);
    }
    more_types(&mut vm);
    vm
}

fn object_spec() -> TypeSpec {
    TypeSpec {
        name: "object",
        module: "builtins",
        flags: flags::BASETYPE,
        words: 1,
        refs: 0,
        tail: heap::Tail::None,
        finalize: heap::Finalize::None,
        weak: None,
        overflow_word: 0,
        kind: Kind::Other,
        slots: crate::object::slots(),
        methods: crate::object::METHODS,
        getset: crate::object::GETSET,
        doc: crate::object::DOC,
    }
}

/// The types without which no dictionary, string or tuple can be made.
fn first_types(vm: &mut Vm, object: TypeRef, object_spec: TypeSpec) {
    // `type` is an instance of itself; both get their shape, layout and order by hand.
    let type_spec = crate::type_::spec();
    let placeholder: &'static Shape =
        Box::leak(Box::new(Shape::new(shape::exact_id(Kind::Type), Kind::Type, object, TypeObject::WORDS)));
    let type_ = allocate(vm, placeholder, object, &type_spec);
    vm.types.type_ = type_;
    vm.all_types.extend([object, type_]);
    object.data().mro.borrow_mut().push(object);
    type_.data().mro.borrow_mut().extend([type_, object]);
    type_.data().base.set(Some(object));
    object.data().subclasses.borrow_mut().push(type_);
    set_layout(vm, object, &object_spec, None);
    // Plain objects are no kind of their own that others would find.
    vm.kind_shapes[Kind::Other as usize] = None;
    set_layout(vm, type_, &type_spec, Some(object));
    inherit_slots(type_, object);
    for (id, kind) in
        [(shape::ITEM_ARRAY, Kind::Storage), (shape::INDEX_TABLE, Kind::Storage), (shape::BYTE_ARRAY, Kind::Storage)]
    {
        vm.enter_shape(Shape::new(id, kind, object, 2));
    }
    vm.item_array = vm.shapes[shape::ITEM_ARRAY.0 as usize];
    vm.byte_array = vm.shapes[shape::BYTE_ARRAY.0 as usize];
    let unfilled = vm.unfilled.as_mut().expect("the VM is being made");
    unfilled.push((object, super::builtin_type::Contents::of(&object_spec)));
    unfilled.push((type_, super::builtin_type::Contents::of(&type_spec)));

    crate::singletons::init(vm);
    crate::int::init(vm);
    crate::bool::init(vm);
    crate::float::init(vm);
    crate::complex::init(vm);
    crate::str::init(vm);
    crate::bytes::init(vm);
    crate::tuple::init(vm);
    crate::list::init(vm);
    crate::dict::init(vm);
    crate::builtin::init(vm);
    crate::slot_wrapper::init(vm);
    crate::getset::init(vm);
    crate::static_method::init(vm);
}

fn inherit_slots(ty: TypeRef, base: TypeRef) {
    let mut slots: Slots = *base.slots();
    let own = *ty.slots();
    for group in super::slot_table::GROUPS {
        if (group.present)(&own) {
            (group.copy)(&mut slots, &own);
        }
    }
    if own.new.is_some() {
        slots.new = own.new;
    }
    *ty.data().slots.borrow_mut() = slots;
}

/// The other types; their order matters only where one derives from another.
fn more_types(vm: &mut Vm) {
    crate::function::init(vm);
    crate::method::init(vm);
    crate::cell::init(vm);
    crate::code_object::init(vm);
    crate::property::init(vm);
    crate::member::init(vm);
    crate::super_object::init(vm);
    crate::mapping_proxy::init(vm);
    crate::generic_alias::init(vm);
    crate::union_type::init(vm);
    crate::simple_namespace::init(vm);
    crate::weakref::init(vm);
    crate::traceback::init(vm);
    crate::set::init(vm);
    crate::frozenset::init(vm);
    crate::range::init(vm);
    crate::slice::init(vm);
    crate::iterators::init(vm);
    crate::bytearray::init(vm);
    crate::memoryview::init(vm);
    crate::exceptions::init(vm);
    crate::module::init(vm);
    crate::getset::mark_fields(vm);
    let modules = vm.new_dict();
    vm.modules = vm.keep(modules);
    let module = vm.new_module("builtins");
    let builtins = crate::module::dict_of(module);
    vm.builtins = vm.keep(builtins);
    let name = vm.intern("builtins");
    vm.dict_set_name(modules, name, module);
}
