//! Module `_abc`: what abstract base classes remember.

use heap::Value;
use objects::args::{CallArgs, MethodDef};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::module::ModuleDef;
use objects::shape::Kind;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::type_::is_type;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_abc",
    doc: "Module contains faster C implementation of abc.ABCMeta",
    functions: FUNCTIONS,
    init,
};

layout! {
    /// `_abc_impl` of an abstract class. All three are sets of classes, which are immortal; NULL while empty.
    AbcData {
        registry REGISTRY: Value;
        cache CACHE: Value;
        negative NEGATIVE: Value;
        /// The counter's value when `negative` was begun.
        version VERSION: i64;
    }
}

#[derive(Default)]
struct State {
    ty: Option<TypeRef>,
    /// Grows with each registration: negative caches are void.
    counter: i64,
}

fn init(vm: &mut Vm, _: Value) -> PyResult<()> {
    let object = vm.types.object;
    let spec = TypeSpec {
        module: "_abc",
        flags: flags::NO_NEW,
        doc: "Internal state held by ABC machinery.",
        ..TypeSpec::of::<AbcData>("_abc_data", Kind::Other)
    };
    let ty = vm.new_builtin_type(spec, object);
    vm.extension::<State>().ty = Some(ty);
    Ok(())
}

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("get_cache_token", 0, 0, |vm, _| {
        let counter = vm.extension::<State>().counter;
        Ok(vm.int(counter))
    })
    .with_doc("get_cache_token($module, /)\n--\n\nReturns the current ABC cache token.\n\nThe token is an opaque object (supporting equality testing) identifying\nthe current version of the ABC cache for virtual subclasses.  The token\nchanges with every call to register() on any ABC."),
    MethodDef::function("_abc_init", 1, 1, abc_init)
    .with_doc("_abc_init($module, self, /)\n--\n\nInternal ABC helper for class set-up. Should be never used outside abc module."),
    MethodDef::function("_abc_register", 2, 2, register)
    .with_doc("_abc_register($module, self, subclass, /)\n--\n\nInternal ABC helper for subclasss registration. Should be never used outside abc module."),
    MethodDef::function("_abc_instancecheck", 2, 2, instance_check)
    .with_doc("_abc_instancecheck($module, self, instance, /)\n--\n\nInternal ABC helper for instance checks. Should be never used outside abc module."),
    MethodDef::function("_abc_subclasscheck", 2, 2, subclass_check)
    .with_doc("_abc_subclasscheck($module, self, subclass, /)\n--\n\nInternal ABC helper for subclasss checks. Should be never used outside abc module."),
    MethodDef::function("_get_dump", 1, 1, dump)
    .with_doc("_get_dump($module, self, /)\n--\n\nInternal ABC helper for cache and registry debugging.\n\nReturn shallow copies of registry, of both caches, and\nnegative cache version. Don't call this function directly,\ninstead use ABC._dump_registry() for a nice repr."),
    MethodDef::function("_reset_registry", 1, 1, |vm, args| {
        data_of(vm, args.values[0])?.1.registry.set(Value::NULL);
        Ok(vm.none)
    })
    .with_doc("_reset_registry($module, self, /)\n--\n\nInternal ABC helper to reset registry of a given class.\n\nShould be only used by refleak.py"),
    MethodDef::function("_reset_caches", 1, 1, |vm, args| {
        let (_, data) = data_of(vm, args.values[0])?;
        data.cache.set(Value::NULL);
        data.negative.set(Value::NULL);
        Ok(vm.none)
    })
    .with_doc("_reset_caches($module, self, /)\n--\n\nInternal ABC helper to reset both caches of a given class.\n\nShould be only used by refleak.py"),
];

fn data_of(vm: &mut Vm, class: Value) -> PyResult<(Value, &'static AbcData)> {
    let data = vm.getattr_str(class, "_abc_impl")?;
    let ty = vm.extension::<State>().ty.expect("made with the module");
    if vm.type_of(data) != ty {
        return Err(vm.type_error("_abc_impl is set to a wrong type"));
    }
    Ok((data, cast::<AbcData>(data)))
}

/// Makes the class's data and its set of abstract methods.
fn abc_init(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let class = args.values[0];
    compute_abstract_methods(vm, class)?;
    let ty = vm.extension::<State>().ty.expect("made with the module");
    let data = vm.new_instance(ty);
    cast::<AbcData>(data).version.set(vm.extension::<State>().counter);
    let name = vm.intern("_abc_impl");
    vm.setattr(class, name, data)?;
    // `collections.abc` says so which of its classes match as sequences and mappings.
    if is_type(vm, class) {
        let name = vm.intern("__abc_tpflags__");
        let ty = TypeRef::from_value(class);
        let dict = ty.0.dict.get();
        if let Some(wanted) = vm.dict_get_name(dict, name) {
            let wanted = vm.as_i64(wanted).unwrap_or(0) as u32 & (flags::SEQUENCE | flags::MAPPING);
            ty.data().flags.set(ty.data().flags.get() & !(flags::SEQUENCE | flags::MAPPING) | wanted);
            vm.delattr(class, name)?;
        }
    }
    Ok(vm.none)
}

fn compute_abstract_methods(vm: &mut Vm, class: Value) -> PyResult<()> {
    let abstracts = vm.new_set();
    let dict = vm.getattr_str(class, "__dict__")?;
    let items = vm.call_method(dict, "items", &[])?;
    let items = vm.collect_list(items)?;
    for &item in objects::list::items(items) {
        let (name, value) = (objects::tuple::items(item)[0], objects::tuple::items(item)[1]);
        if objects::property::is_abstract_function(vm, value)? {
            vm.set_add(abstracts, name)?;
        }
    }
    let bases = vm.getattr_str(class, "__bases__")?;
    for &base in objects::tuple::items(bases) {
        let Some(inherited) = vm.getattr_str_opt(base, "__abstractmethods__")? else { continue };
        let names = vm.collect_list(inherited)?;
        for &name in objects::list::items(names) {
            let name = vm.attribute_name(name)?;
            if let Some(value) = vm.getattr_opt(class, name)?
                && objects::property::is_abstract_function(vm, value)?
            {
                vm.set_add(abstracts, name)?;
            }
        }
    }
    let abstracts = vm.collect_frozenset(abstracts)?;
    let name = vm.intern("__abstractmethods__");
    vm.setattr(class, name, abstracts)
}

/// Puts a class into one of the sets of `data`.
fn remember(vm: &mut Vm, data: Value, set: &std::cell::Cell<Value>, class: Value) -> PyResult<()> {
    if set.get().is_null() {
        let fresh = vm.new_set();
        vm.write(data, set, fresh);
    }
    vm.set_add(set.get(), class)
}

fn has(vm: &mut Vm, set: &std::cell::Cell<Value>, class: Value) -> PyResult<bool> {
    if set.get().is_null() { Ok(false) } else { vm.set_contains(set.get(), class) }
}

fn register(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (class, subclass) = (args.values[0], args.values[1]);
    if !is_type(vm, subclass) {
        return Err(vm.type_error("Can only register classes"));
    }
    if vm.issubclass(subclass, class)? {
        return Ok(subclass);
    }
    // Below, the other way round is asked after the class itself was.
    if vm.issubclass(class, subclass)? {
        return Err(vm.runtime_error("Refusing to create an inheritance cycle"));
    }
    let (data, object) = data_of(vm, class)?;
    remember(vm, data, &object.registry, subclass)?;
    vm.extension::<State>().counter += 1;
    if is_type(vm, class) {
        let inherited = TypeRef::from_value(class).data().flags.get() & (flags::SEQUENCE | flags::MAPPING);
        if inherited != 0 {
            set_collection_flags(TypeRef::from_value(subclass), inherited);
            objects::type_::resolve::changed(vm, TypeRef::from_value(subclass));
        }
    }
    Ok(subclass)
}

/// The class and what derives from it match as sequences or mappings.
fn set_collection_flags(ty: TypeRef, wanted: u32) {
    let data = ty.data();
    if data.flags.get() & (flags::SEQUENCE | flags::MAPPING) == wanted {
        return;
    }
    if !ty.has(flags::IMMUTABLE) {
        data.flags.set(data.flags.get() & !(flags::SEQUENCE | flags::MAPPING) | wanted);
    }
    for &subclass in data.subclasses.borrow().iter() {
        set_collection_flags(subclass, wanted);
    }
}

fn instance_check(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (class, instance) = (args.values[0], args.values[1]);
    let (_, data) = data_of(vm, class)?;
    let subclass = vm.getattr_str(instance, "__class__")?;
    if has(vm, &data.cache, subclass)? {
        return Ok(vm.true_);
    }
    let subtype = vm.type_of(instance).value();
    if subtype == subclass {
        if data.version.get() == vm.extension::<State>().counter && has(vm, &data.negative, subclass)? {
            return Ok(vm.false_);
        }
        return vm.call_method(class, "__subclasscheck__", &[subclass]);
    }
    let result = vm.call_method(class, "__subclasscheck__", &[subclass])?;
    if vm.truth(result)? {
        return Ok(result);
    }
    vm.call_method(class, "__subclasscheck__", &[subtype])
}

fn subclass_check(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (class, subclass) = (args.values[0], args.values[1]);
    if !is_type(vm, subclass) {
        return Err(vm.type_error("issubclass() arg 1 must be a class"));
    }
    let (data, object) = data_of(vm, class)?;
    if has(vm, &object.cache, subclass)? {
        return Ok(vm.true_);
    }
    let counter = vm.extension::<State>().counter;
    if object.version.get() < counter {
        object.negative.set(Value::NULL);
        object.version.set(counter);
    } else if has(vm, &object.negative, subclass)? {
        return Ok(vm.false_);
    }
    let is_subclass = ask(vm, class, object, subclass)?;
    let set = if is_subclass { &object.cache } else { &object.negative };
    remember(vm, data, set, subclass)?;
    Ok(vm.bool(is_subclass))
}

/// Without the caches.
fn ask(vm: &mut Vm, class: Value, data: &AbcData, subclass: Value) -> PyResult<bool> {
    let answer = vm.call_method(class, "__subclasshook__", &[subclass])?;
    if answer == vm.true_ {
        return Ok(true);
    }
    if answer == vm.false_ {
        return Ok(false);
    }
    if answer != vm.not_implemented {
        return Err(vm.assertion_error("__subclasshook__ must return either False, True, or NotImplemented"));
    }
    let mro = TypeRef::from_value(subclass).data().mro.borrow().clone();
    if mro.iter().any(|ty| ty.value() == class) {
        return Ok(true);
    }
    if !data.registry.get().is_null() {
        let registered = vm.collect_list(data.registry.get())?;
        for &registered in objects::list::items(registered) {
            if vm.issubclass(subclass, registered)? {
                return Ok(true);
            }
        }
    }
    let subclasses = vm.call_method(class, "__subclasses__", &[])?;
    let subclasses = vm.collect_list(subclasses)?;
    for &derived in objects::list::items(subclasses) {
        if vm.issubclass(subclass, derived)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn dump(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (_, data) = data_of(vm, args.values[0])?;
    let mut sets = [Value::NULL; 3];
    for (i, set) in [data.registry.get(), data.cache.get(), data.negative.get()].into_iter().enumerate() {
        let references = vm.new_set();
        if !set.is_null() {
            let classes = vm.collect_list(set)?;
            for &class in objects::list::items(classes) {
                let ty = vm.types.weakref;
                let reference = objects::weakref::new_reference(vm, ty, class, Value::NULL)?;
                vm.set_add(references, reference)?;
            }
        }
        sets[i] = references;
    }
    let version = vm.int(data.version.get());
    Ok(vm.new_tuple(&[sets[0], sets[1], sets[2], version]))
}
