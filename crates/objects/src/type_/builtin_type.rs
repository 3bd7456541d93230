//! Making the types that are built in.

use crate::args::{GetSetDef, MethodDef, MethodKind};
use crate::builtin;
use crate::getset;
use crate::layout::{Object, cast};
use crate::shape::{self, Kind, Shape};
use crate::slots::Slots;
use crate::ty::{InstanceLayout, TypeData, TypeObject, TypeRef, TypeSpec, flags};
use crate::type_::slot_table::GROUPS;
use crate::vm::Vm;
use heap::{Layout, RefMask, Value};
use metatrace::Assumption;
use std::cell::{Cell, RefCell};

/// What goes into the dictionary of a built-in type.
pub struct Contents {
    slots: Slots,
    methods: &'static [MethodDef],
    getset: &'static [GetSetDef],
    doc: &'static str,
}

impl Contents {
    pub(super) fn of(spec: &TypeSpec) -> Contents {
        Contents { slots: spec.slots, methods: spec.methods, getset: spec.getset, doc: spec.doc }
    }
}

/// Flags that a class has from any of its bases.
pub const INHERITED: u32 = flags::HAS_DICT
    | flags::SEQUENCE
    | flags::MAPPING
    | flags::MATCH_SELF
    | flags::INT
    | flags::STR
    | flags::BYTES
    | flags::TUPLE
    | flags::LIST
    | flags::DICT
    | flags::FLOAT
    | flags::TYPE
    | flags::EXCEPTION
    | flags::COMPLEX
    | flags::SET
    | flags::WRAPPED
    | flags::HAS_WEAKREF;

impl Vm {
    /// Makes a built-in type. Its dictionary has its slots' special methods, its methods and its attributes.
    pub fn new_builtin_type(&mut self, spec: TypeSpec, base: TypeRef) -> TypeRef {
        self.new_builtin_type_with_bases(spec, &[base])
    }

    /// The same with more bases; the first one gives the layout.
    pub fn new_builtin_type_with_bases(&mut self, spec: TypeSpec, bases: &[TypeRef]) -> TypeRef {
        let metatype = self.types.type_;
        let ty = allocate(self, self.shape_for_kind(Kind::Type), metatype, &spec);
        let base = bases[0];
        let data = ty.data();
        data.base.set(Some(base));
        let inherited = bases.iter().fold(0, |all, base| all | base.data().flags.get() & INHERITED);
        data.flags.set(spec.flags | inherited | flags::IMMUTABLE);
        *data.mro.borrow_mut() = super::mro::linearize(ty, bases).expect("the bases of a built-in type agree");
        for base in bases {
            base.data().subclasses.borrow_mut().push(ty);
        }
        set_layout(self, ty, &spec, Some(base));
        let mut slots = *base.slots();
        for group in GROUPS {
            if (group.present)(&spec.slots) {
                (group.copy)(&mut slots, &spec.slots);
            }
        }
        // A type with its own comparison does not inherit the hash.
        if spec.slots.compare.is_some() && spec.slots.hash.is_none() {
            slots.hash = Some(crate::object::hash_not_implemented);
        }
        if spec.flags & flags::NO_NEW != 0 {
            slots.new = None;
        }
        if spec.slots.new.is_some() {
            slots.new = spec.slots.new;
        }
        *data.slots.borrow_mut() = slots;
        self.all_types.push(ty);
        let contents = Contents::of(&spec);
        match &mut self.unfilled {
            Some(unfilled) => unfilled.push((ty, contents)),
            None => {
                make_tuples(self, ty);
                fill(self, ty, contents);
            }
        }
        ty
    }

    /// More attributes for a built-in type.
    pub fn add_getset(&mut self, ty: TypeRef, table: &'static [GetSetDef]) {
        for def in table {
            let name = self.intern(def.name);
            let descriptor = getset::new_getset(self, def, ty);
            self.dict_set_name(ty.0.dict.get(), name, descriptor);
        }
        super::resolve::changed(self, ty);
    }

    /// A shape of the heap for an object that is not of a kind with a constant shape. Also for storage.
    pub fn new_shape(&mut self, layout: Layout, kind: Kind, ty: TypeRef) -> &'static Shape {
        let fixed_words = layout.fixed_words;
        let id = self.thread.heap.register_shape(layout);
        self.enter_shape(Shape::new(id, kind, ty, fixed_words))
    }

    /// Makes a shape known under its id.
    pub(crate) fn enter_shape(&mut self, shape: Shape) -> &'static Shape {
        let shape: &'static Shape = Box::leak(Box::new(shape));
        let index = shape.id.0 as usize;
        while self.shapes.len() <= index {
            self.shapes.push(shape);
        }
        self.shapes[index] = shape;
        shape
    }
}

/// A type object with its Rust half and nothing in them.
pub(super) fn allocate(vm: &mut Vm, shape: &'static Shape, _metatype: TypeRef, spec: &TypeSpec) -> TypeRef {
    let object = vm.thread.heap.alloc_immortal(shape.id, TypeObject::BYTES);
    let version = vm.thread.jit.new_assumption();
    initialise(object, version, spec)
}

pub(super) fn initialise(object: Value, version: Assumption, spec: &TypeSpec) -> TypeRef {
    let ty = cast::<TypeObject>(object);
    let data = Box::leak(Box::new(TypeData {
        class: TypeRef(ty),
        name: RefCell::new(spec.name.to_string()),
        flags: Cell::new(spec.flags | flags::IMMUTABLE),
        base: Cell::new(None),
        mro: RefCell::default(),
        subclasses: RefCell::default(),
        followers: RefCell::default(),
        slots: RefCell::new(spec.slots),
        shape: Cell::new(None),
        layout: RefCell::new(InstanceLayout {
            fixed_words: 1,
            overflow_word: 0,
            refs: vec![0],
            tail: heap::Tail::None,
            finalize: heap::Finalize::None,
            weak: None,
            kind: spec.kind,
            solid: None,
        }),
        typical_attributes: Cell::new(0),
        instances: Cell::new(0),
        settled: Cell::new(false),
        settling: Cell::new(None),
        seen: RefCell::default(),
        unseen: Cell::new(None),
        resizes: Cell::new(0),
        version,
        generation: Cell::new(0),
        resolutions: RefCell::default(),
        volatile: RefCell::default(),
        module: spec.module,
        doc: spec.doc,
        methods: spec.methods,
        members: RefCell::default(),
    }));
    ty.data.set(std::ptr::from_ref(data).addr() as i64);
    TypeRef(ty)
}

/// Fixes how instances of a built-in type lie in memory, and their shape.
pub(super) fn set_layout(vm: &mut Vm, ty: TypeRef, spec: &TypeSpec, base: Option<TypeRef>) {
    let data = ty.data();
    let inherited = base.map(|base| base.data().layout.borrow().clone());
    // A type that says nothing about its instances has those of its base.
    let mut layout = match inherited {
        Some(inherited) if spec.words <= 1 && spec.kind == Kind::Other && base != Some(vm.types.object) => inherited,
        _ => InstanceLayout {
            fixed_words: spec.words,
            overflow_word: spec.overflow_word,
            refs: vec![spec.refs],
            tail: spec.tail,
            finalize: spec.finalize,
            weak: spec.weak,
            kind: spec.kind,
            solid: Some(ty),
        },
    };
    if spec.kind == Kind::Exception {
        // All exceptions lie alike.
        layout.solid = match base {
            Some(base) if base.has(flags::EXCEPTION) => base.data().layout.borrow().solid,
            _ => Some(ty),
        };
    }
    if layout.fixed_words <= 1 {
        layout.solid = None;
    }
    if layout.overflow_word != 0 {
        data.flags.set(data.flags.get() | flags::HAS_DICT);
    }
    let reserved = shape::reserved_layout(layout.kind).is_some();
    let first = reserved && vm.kind_shapes[layout.kind as usize].is_none();
    let id = if first { shape::exact_id(layout.kind) } else { vm.thread.heap.register_shape(heap_layout(&layout, 0)) };
    let mut shape = Shape::new(id, layout.kind, ty, layout.fixed_words);
    shape.overflow_word = layout.overflow_word;
    shape.dictionary = layout.overflow_word != 0;
    let kind = layout.kind;
    *data.layout.borrow_mut() = layout;
    let shape = vm.enter_shape(shape);
    data.shape.set(Some(shape));
    data.settled.set(true);
    if vm.kind_shapes[kind as usize].is_none() {
        vm.kind_shapes[kind as usize] = Some(shape);
    }
}

/// The collector's view of instances with `capacity` inline attributes.
pub(crate) fn heap_layout(layout: &InstanceLayout, capacity: u16) -> Layout {
    let words = layout.fixed_words + capacity;
    let mut refs = layout.refs.clone();
    refs.resize((words as usize).div_ceil(64), 0);
    for word in layout.fixed_words..words {
        refs[word as usize / 64] |= 1 << (word % 64);
    }
    let refs = if refs.len() == 1 { RefMask::Bits(refs[0]) } else { RefMask::Wide(refs.into()) };
    let tail = if capacity == 0 { layout.tail } else { heap::Tail::None };
    Layout { fixed_words: words, refs, tail, finalize: layout.finalize, weak: layout.weak }
}

/// The tuples and strings of a built-in type.
pub(super) fn make_tuples(vm: &mut Vm, ty: TypeRef) {
    let data = ty.data();
    let object = ty.value();
    let name = ty.name();
    let name = vm.intern(name.rsplit('.').next().expect("a split has a last part"));
    vm.write(object, &ty.0.name, name);
    vm.write(object, &ty.0.qualname, name);
    let mro: Vec<TypeRef> = data.mro.borrow().clone();
    let mro_values: Vec<Value> = mro.iter().map(|ty| ty.value()).collect(); // immortal
    let mro_tuple = vm.new_tuple(&mro_values);
    vm.write(object, &ty.0.mro, mro_tuple);
    let bases: Vec<Value> = data.base.get().iter().map(|ty| ty.value()).collect(); // immortal
    let bases = vm.new_tuple(&bases);
    vm.write(object, &ty.0.bases, bases);
    let dict = vm.new_dict();
    vm.write(object, &ty.0.dict, dict);
}

/// Fills the dictionary of a built-in type.
pub(super) fn fill(vm: &mut Vm, ty: TypeRef, contents: Contents) {
    let dict = ty.0.dict.get();
    if contents.slots.new.is_some() {
        let new = builtin::new_tp_new(vm, ty);
        vm.dict_set_name(dict, vm.names.__new__, new);
    }
    for group in GROUPS {
        if !(group.present)(&contents.slots) {
            continue;
        }
        for def in group.defs.iter().filter(|def| !def.is_of_guests_alone()) {
            let wrapper = crate::slot_wrapper::new_wrapper(vm, def, ty);
            let name = vm.intern(def.name);
            vm.dict_set_name(dict, name, wrapper);
        }
    }
    let unhashable = match contents.slots.hash {
        Some(hash) => std::ptr::fn_addr_eq(hash, crate::object::hash_not_implemented as crate::slots::HashFn),
        None => contents.slots.compare.is_some(),
    };
    if unhashable {
        vm.dict_set_name(dict, vm.names.__hash__, vm.none);
    }
    for def in contents.methods {
        let name = vm.intern(def.name);
        let method = match def.kind {
            MethodKind::Method | MethodKind::Function => builtin::new_method_descriptor(vm, def, ty),
            MethodKind::ClassMethod => builtin::new_classmethod_descriptor(vm, def, ty),
            MethodKind::StaticMethod => {
                let function = vm.new_builtin(def, Value::NULL);
                vm.new_static_method(function)
            }
        };
        vm.dict_set_name(dict, name, method);
    }
    for def in contents.getset {
        let name = vm.intern(def.name);
        let descriptor = getset::new_getset(vm, def, ty);
        vm.dict_set_name(dict, name, descriptor);
    }
    // Where instances have a `__doc__` of their own, the type's is found beside the dictionary.
    if !contents.getset.iter().any(|def| def.name == "__doc__") {
        let doc = crate::builtin::doc_value(vm, contents.doc);
        vm.dict_set_name(dict, vm.names.__doc__, doc);
    }
}

/// Adds an attribute to a built-in type that Python code may not change.
pub fn add_constant(vm: &mut Vm, ty: TypeRef, name: &str, value: Value) {
    vm.dict_set_str(ty.0.dict.get(), name, value);
    super::resolve::changed(vm, ty);
}
