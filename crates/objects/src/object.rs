//! `object`: what every type inherits.

use crate::args::{CallArgs, GetSetDef, MethodDef};
use crate::error::{PyResult, Raised};
use crate::instance;
use crate::slots::{CompareOp, InitFn, NewFn, Slots};
use crate::ty::{ResolutionKind, TypeRef, flags};
use crate::type_::is_type;
use crate::value_map::WordSet;
use crate::vm::Vm;
use heap::Value;

pub const DOC: &str = "object()\n--\n\nThe base class of the class hierarchy.\n\nWhen called, it accepts no arguments and returns a new featureless\ninstance that has no instance attributes and cannot be given any.\n";

pub(crate) fn slots() -> Slots {
    Slots {
        new: Some(object_new),
        init: Some(object_init),
        repr: Some(repr),
        str: Some(str),
        hash: Some(identity_hash),
        getattr: Some(generic_getattr),
        setattr: Some(generic_setattr),
        compare: Some(compare),
        ..Slots::default()
    }
}

pub(crate) static METHODS: &[MethodDef] = &[
    MethodDef::method("__reduce_ex__", 2, 2, reduce_ex).with_doc("__reduce_ex__($self, protocol, /)\n--\n\nHelper for pickle."),
    MethodDef::method("__reduce__", 1, 1, reduce).with_doc("__reduce__($self, /)\n--\n\nHelper for pickle."),
    MethodDef::method("__getstate__", 1, 1, getstate).with_doc("__getstate__($self, /)\n--\n\nHelper for pickle."),
    MethodDef::method("__format__", 2, 2, format).with_doc("__format__($self, format_spec, /)\n--\n\nDefault object formatter.\n\nReturn str(self) if format_spec is empty. Raise TypeError otherwise."),
    MethodDef::method("__sizeof__", 1, 1, sizeof).with_doc("__sizeof__($self, /)\n--\n\nSize of object in memory, in bytes."),
    MethodDef::method("__dir__", 1, 1, dir).with_doc("__dir__($self, /)\n--\n\nDefault dir() implementation."),
    MethodDef::class_method("__subclasshook__", 1, crate::args::MANY, subclasshook).with_doc("__subclasshook__($type, object, /)\n--\n\nAbstract classes can override this to customize issubclass().\n\nThis is invoked early on by abc.ABCMeta.__subclasscheck__().\nIt should return True, False or NotImplemented.  If it returns\nNotImplemented, the normal algorithm is used.  Otherwise, it\noverrides the normal algorithm (and the outcome is cached).\n"),
    MethodDef::class_method("__init_subclass__", 1, 1, init_subclass).with_doc("__init_subclass__($type, /)\n--\n\nThis method is called when a class is subclassed.\n\nThe default implementation does nothing. It may be\noverridden to extend subclasses.\n"),
];

pub(crate) static GETSET: &[GetSetDef] =
    &[GetSetDef { name: "__class__", get: get_class, set: Some(set_class), doc: "the object's class" }];

/// `object.__getattribute__`.
pub fn generic_getattr(vm: &mut Vm, object: Value, name: Value) -> PyResult {
    match generic_getattr_opt(vm, object, name)? {
        Some(value) => Ok(value),
        None => Err(vm.attribute_error(object, name)),
    }
}

/// The same; `None` where it would raise AttributeError itself.
pub fn generic_getattr_opt(vm: &mut Vm, object: Value, name: Value) -> PyResult<Option<Value>> {
    let ty = vm.type_of(object);
    let resolution = vm.resolve(ty, name);
    let mut found = match resolution.value {
        Some(handle) => vm.handle(handle),
        None => Value::NULL,
    };
    if resolution.kind.is_data() && has_getter(vm, resolution.kind, found) {
        return vm.descr_get(found, object, ty.value()).map(Some);
    }
    if let Some(value) = instance::get(vm, object, name) {
        return Ok(Some(value));
    }
    match resolution.kind {
        ResolutionKind::Absent => return Ok(None),
        ResolutionKind::Plain => return Ok(Some(found)),
        ResolutionKind::Volatile => match vm.find_in_mro(ty, name) {
            Some((value, _)) => found = value,
            None => return Ok(None),
        },
        ResolutionKind::Function => return Ok(Some(vm.new_method(found, object))),
        _ => {}
    }
    vm.descr_get(found, object, ty.value()).map(Some)
}

/// Whether a data descriptor has `__get__`. One without it has only a say in what is set.
pub fn has_getter(vm: &Vm, kind: ResolutionKind, descriptor: Value) -> bool {
    kind != ResolutionKind::Data || vm.type_of(descriptor).slots().descr_get.is_some()
}

/// `object.__setattr__` and, for NULL, `__delattr__`.
pub fn generic_setattr(vm: &mut Vm, object: Value, name: Value, value: Value) -> PyResult<()> {
    let ty = vm.type_of(object);
    let resolution = vm.resolve(ty, name);
    if let Some(handle) = resolution.value {
        let descriptor = vm.handle(handle);
        let set = vm.type_of(descriptor).slots().descr_set;
        if let Some(set) = set {
            return set(vm, descriptor, object, value);
        }
    }
    if value.is_null() {
        if instance::delete(vm, object, name) {
            return Ok(());
        }
    } else if instance::set(vm, object, name, value) {
        return Ok(());
    }
    if instance::has_dict(vm, object) {
        return Err(vm.attribute_error(object, name));
    }
    Err(cannot_set(vm, object, name, resolution.kind != ResolutionKind::Absent))
}

#[cold]
fn cannot_set(vm: &mut Vm, object: Value, name: Value, in_class: bool) -> Raised {
    let (ty, text) = (vm.type_name(object), vm.text_of(name));
    let message = if in_class {
        format!("'{ty}' object attribute '{text}' is read-only")
    } else {
        format!("'{ty}' object has no attribute '{text}' and no __dict__ for setting new attributes")
    };
    vm.attribute_error_with(object, name, message)
}

/// `object.__new__`.
pub fn object_new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    if !args.values.is_empty() {
        let slots = ty.slots();
        let own_new = !slots.new.is_some_and(|new| std::ptr::fn_addr_eq(new, object_new as NewFn));
        let own_init = !slots.init.is_some_and(|init| std::ptr::fn_addr_eq(init, object_init as InitFn));
        drop(slots);
        if own_new {
            return Err(vm.type_error("object.__new__() takes exactly one argument (the type to instantiate)"));
        }
        if !own_init {
            return Err(vm.type_error(format!("{}() takes no arguments", ty.name())));
        }
    }
    if ty.has(flags::ABSTRACT) {
        return Err(abstract_error(vm, ty)?);
    }
    Ok(vm.new_instance(ty))
}

fn abstract_error(vm: &mut Vm, ty: TypeRef) -> PyResult<Raised> {
    let name = vm.names.__abstractmethods__;
    let methods = vm.getattr(ty.value(), name)?;
    let sorted = vm.collect_list(methods)?;
    vm.call_method(sorted, "sort", &[])?;
    let names: Vec<String> = crate::list::items(sorted).iter().map(|&name| format!("'{}'", vm.text_of(name))).collect();
    let plural = if names.len() > 1 { "s" } else { "" };
    Ok(vm.type_error(format!(
        "Can't instantiate abstract class {} without an implementation for abstract method{plural} {}",
        ty.name(),
        names.join(", ")
    )))
}

/// `object.__init__`.
pub fn object_init(vm: &mut Vm, object: Value, args: &CallArgs) -> PyResult<()> {
    if args.values.is_empty() {
        return Ok(());
    }
    let ty = vm.type_of(object);
    let slots = ty.slots();
    let own_new = !slots.new.is_some_and(|new| std::ptr::fn_addr_eq(new, object_new as NewFn));
    let own_init = !slots.init.is_some_and(|init| std::ptr::fn_addr_eq(init, object_init as InitFn));
    drop(slots);
    if own_init {
        return Err(vm.type_error("object.__init__() takes exactly one argument (the instance to initialize)"));
    }
    if !own_new {
        return Err(
            vm.type_error(format!("{}.__init__() takes exactly one argument (the instance to initialize)", ty.name()))
        );
    }
    Ok(())
}

/// `object.__repr__`.
pub fn repr(vm: &mut Vm, object: Value) -> PyResult {
    let ty = vm.type_of(object);
    let module = crate::type_::attributes::module_of(vm, ty);
    let qualname = vm.text_of(ty.0.qualname.get());
    let address = vm.address(object);
    let text = match module {
        Some(module) if vm.is_str(module) && vm.str_bytes(module) != b"builtins" => {
            format!("<{}.{qualname} object at 0x{address:x}>", vm.text_of(module))
        }
        _ => format!("<{} object at 0x{address:x}>", ty.name()),
    };
    Ok(vm.new_str(&text))
}

fn str(vm: &mut Vm, object: Value) -> PyResult {
    let repr = vm.type_of(object).slots().repr.expect("every type has __repr__");
    repr(vm, object)
}

/// The hash by identity.
pub fn identity_hash(vm: &mut Vm, object: Value) -> PyResult<i64> {
    if !object.is_object() {
        return Ok(object.0 as i64);
    }
    let hash = vm.thread.heap.identity_hash(object) as i64;
    Ok(if hash == -1 { -2 } else { hash })
}

/// The hash slot of unhashable types.
pub fn hash_not_implemented(vm: &mut Vm, object: Value) -> PyResult<i64> {
    let name = vm.type_name(object);
    Err(vm.type_error(format!("unhashable type: '{name}'")))
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    match op {
        CompareOp::Eq if vm.is(a, b) => Ok(vm.true_),
        CompareOp::Ne => {
            let compare = vm.type_of(a).slots().compare;
            let Some(compare) = compare else { return Ok(vm.not_implemented) };
            let equal = compare(vm, a, b, CompareOp::Eq)?;
            if equal == vm.not_implemented {
                return Ok(equal);
            }
            let equal = vm.truth(equal)?;
            Ok(vm.bool(!equal))
        }
        _ => Ok(vm.not_implemented),
    }
}

fn get_class(vm: &mut Vm, object: Value) -> PyResult {
    Ok(vm.type_of(object).value())
}

fn set_class(vm: &mut Vm, object: Value, class: Value) -> PyResult<()> {
    if class.is_null() {
        return Err(vm.type_error("can't delete __class__ attribute"));
    }
    if !is_type(vm, class) {
        let given = vm.type_name(class);
        return Err(vm.type_error(format!("__class__ must be set to a class, not '{given}' object")));
    }
    instance::set_class(vm, object, TypeRef::from_value(class))
}

/// Whether `__class__` of a type's instances is what `type()` says.
pub fn has_plain_class(vm: &mut Vm, ty: TypeRef) -> bool {
    let name = vm.names.__class__;
    crate::attribute::loads_generically(ty) && vm.resolve(ty, name).owner == Some(vm.types.object)
}

fn format(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (object, spec) = (args.values[0], args.values[1]);
    if !vm.is_str(spec) {
        let given = vm.type_name(spec);
        return Err(vm.type_error(format!("__format__() argument must be str, not {given}")));
    }
    if !vm.str_bytes(spec).is_empty() {
        let name = vm.type_name(object);
        return Err(vm.type_error(format!("unsupported format string passed to {name}.__format__")));
    }
    vm.str_of(object)
}

/// `__sizeof__` of all objects: what an object takes, its storage and its buffer off the heap included.
pub fn sizeof(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let size = own_bytes(vm, args.values[0]);
    Ok(vm.int(size as i64))
}

/// Bytes of an object and of the storage that Python code does not see as an object of its own. What is no object takes the
/// word that holds it.
pub fn own_bytes(vm: &Vm, object: Value) -> usize {
    if !object.is_object() {
        return size_of::<Value>();
    }
    let heap = &vm.thread.heap;
    let mut bytes = 0;
    through_storage(vm, object, &[], |part| bytes += heap.size_of(part) + heap.off_heap_bytes_of(part), |_| ());
    bytes
}

/// Visits an object and the storage it refers to, which Python code does not see as objects of their own, each `part` once, and the
/// values that all of them hold. `but` is left out, and what it refers to. Neither function may allocate in the collector's heap.
pub fn through_storage(
    vm: &Vm,
    object: Value,
    but: &[Value],
    mut part: impl FnMut(Value),
    mut value: impl FnMut(Value),
) {
    let is_storage = |value: Value| value.is_object() && vm.shape_of(value).kind == crate::shape::Kind::Storage;
    // The nodes of a cache refer to each other in a ring.
    let mut seen: WordSet<u64> = but.iter().map(|value| value.0).collect();
    let mut pending = vec![object]; // nothing moves
    while let Some(holder) = pending.pop() {
        part(holder);
        vm.thread.heap.for_each_reference(holder, |held| {
            if is_storage(held) {
                if seen.insert(held.0) {
                    pending.push(held);
                }
            } else if !but.contains(&held) {
                value(held);
            }
        });
    }
}

fn dir(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let object = args.values[0];
    let names = vm.names;
    let dict = match vm.getattr_opt(object, names.__dict__)? {
        Some(dict) if vm.type_of(dict).has(flags::DICT) => vm.dict_copy(dict),
        _ => vm.new_dict(),
    };
    if let Some(class) = vm.getattr_opt(object, names.__class__)? {
        merge_class_names(vm, dict, class)?;
    }
    vm.collect_list(dict)
}

/// Adds the names of a class and its bases to a dictionary.
pub fn merge_class_names(vm: &mut Vm, names: Value, class: Value) -> PyResult<()> {
    if is_type(vm, class) {
        let mro = TypeRef::from_value(class).data().mro.borrow().clone();
        for class in mro {
            let dict = class.0.dict.get();
            let mut position = 0;
            while let Some((key, _)) = vm.dict_next(dict, &mut position) {
                vm.dict_set(names, key, vm.none)?;
            }
        }
    }
    Ok(())
}

fn subclasshook(vm: &mut Vm, _: &CallArgs) -> PyResult {
    Ok(vm.not_implemented)
}

fn init_subclass(vm: &mut Vm, _: &CallArgs) -> PyResult {
    Ok(vm.none)
}

/// `object.__reduce_ex__`: a class's own `__reduce__`, else `copyreg`'s helpers.
fn reduce_ex(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (object, protocol) = (args.values[0], args.values[1]);
    let protocol = vm.index(protocol)?;
    let name = vm.names.__reduce__;
    let class = vm.names.__class__;
    if let Some(reduce) = vm.getattr_opt(object, name)? {
        let class = vm.getattr(object, class)?;
        let in_class = vm.getattr(class, name)?;
        let in_object = vm.lookup_type(vm.types.object, name).expect("object has __reduce__");
        if in_class != in_object {
            return vm.call(reduce, &[]);
        }
    }
    reduce_default(vm, object, protocol)
}

fn reduce(vm: &mut Vm, args: &CallArgs) -> PyResult {
    reduce_default(vm, args.values[0], 0)
}

fn reduce_default(vm: &mut Vm, object: Value, protocol: i64) -> PyResult {
    let copyreg = crate::module::import(vm, "copyreg")?;
    if protocol < 2 {
        let reduce = vm.getattr_str(copyreg, "_reduce_ex")?;
        return vm.call(reduce, &[object, Value::from_int(protocol)]);
    }
    reduce_newobj(vm, copyreg, object)
}

fn reduce_newobj(vm: &mut Vm, copyreg: Value, object: Value) -> PyResult {
    let ty = vm.type_of(object);
    if ty.slots().new.is_none() {
        return Err(vm.type_error(format!("cannot pickle '{}' object", ty.name())));
    }
    let names = vm.names;
    let mut args = vm.empty_tuple;
    let mut keywords = Value::NULL;
    let mut has_args = false;
    if let Some(result) = vm.call_special_opt(object, names.__getnewargs_ex__, &[]) {
        let result = result?;
        if !vm.type_of(result).has(flags::TUPLE) {
            let given = vm.type_name(result);
            return Err(vm.type_error(format!("__getnewargs_ex__ should return a tuple, not '{given}'")));
        }
        let items = crate::tuple::items(result);
        let &[positional, named] = items else {
            let count = items.len();
            return Err(vm.value_error(format!("__getnewargs_ex__ should return a tuple of length 2, not {count}")));
        };
        if !vm.type_of(positional).has(flags::TUPLE) {
            let given = vm.type_name(positional);
            return Err(vm.type_error(format!(
                "first item of the tuple returned by __getnewargs_ex__ must be a tuple, not '{given}'"
            )));
        }
        if !vm.type_of(named).has(flags::DICT) {
            let given = vm.type_name(named);
            return Err(vm.type_error(format!(
                "second item of the tuple returned by __getnewargs_ex__ must be a dict, not '{given}'"
            )));
        }
        (args, keywords, has_args) = (positional, named, true);
    } else if let Some(result) = vm.call_special_opt(object, names.__getnewargs__, &[]) {
        let result = result?;
        if !vm.type_of(result).has(flags::TUPLE) {
            let given = vm.type_name(result);
            return Err(vm.type_error(format!("__getnewargs__ should return a tuple, not '{given}'")));
        }
        (args, has_args) = (result, true);
    }
    let is_list = ty.has(flags::LIST);
    let is_dict = ty.has(flags::DICT);
    let (function, arguments) = if keywords.is_null() || vm.dict_len(keywords) == 0 {
        let function = vm.getattr_str(copyreg, "__newobj__")?;
        let class = vm.new_tuple(&[ty.value()]);
        (function, crate::tuple::concat(vm, class, args))
    } else {
        let function = vm.getattr_str(copyreg, "__newobj_ex__")?;
        (function, vm.new_tuple(&[ty.value(), args, keywords]))
    };
    let state = object_state(vm, object, !(has_args || is_list || is_dict))?;
    let list_items = if is_list { vm.iter(object)? } else { vm.none };
    let dict_items = if is_dict {
        let items = vm.call_method(object, "items", &[])?;
        vm.iter(items)?
    } else {
        vm.none
    };
    Ok(vm.new_tuple(&[function, arguments, state, list_items, dict_items]))
}

/// `__getstate__` of the object, checking that a plain one can be copied at all.
fn object_state(vm: &mut Vm, object: Value, required: bool) -> PyResult {
    let ty = vm.type_of(object);
    let name = vm.names.__getstate__;
    let getstate = vm.lookup_type(ty, name);
    let default = vm.lookup_type(vm.types.object, name);
    if getstate == default {
        return default_state(vm, object, required);
    }
    vm.call_special(object, name, &[])
}

fn getstate(vm: &mut Vm, args: &CallArgs) -> PyResult {
    default_state(vm, args.values[0], false)
}

fn default_state(vm: &mut Vm, object: Value, required: bool) -> PyResult {
    let ty = vm.type_of(object);
    let heap_type = ty.has(flags::HEAP);
    let layout = ty.data().layout.borrow().clone();
    if required && !heap_type && !ty.has(flags::EXCEPTION) && (layout.fixed_words > 1) && layout.overflow_word == 0 {
        return Err(vm.type_error(format!("cannot pickle '{}' object", ty.name())));
    }
    let snapshot = instance::snapshot(vm, object);
    let mut state = if snapshot.is_null() { vm.none } else { snapshot };
    // Slots, unless they are the object's only content besides a dictionary.
    let mut slots = Value::NULL;
    let mro = ty.data().mro.borrow().clone();
    for class in mro {
        let members = class.data().members.borrow().clone();
        for (name, word) in members {
            let value = crate::representation::get_slot(vm, object, word as usize);
            if value.is_null() {
                continue;
            }
            if slots.is_null() {
                slots = vm.new_dict();
            }
            vm.dict_set_name(slots, name, value);
        }
    }
    if !slots.is_null() {
        state = vm.new_tuple(&[state, slots]);
    } else if state != vm.none && vm.dict_len(state) == 0 {
        state = vm.none;
    }
    Ok(state)
}
