//! `type`: classes as objects.

pub mod attributes;
pub(crate) mod bases;
pub mod bootstrap;
pub mod builtin_type;
pub mod guest_slots;
pub mod inherit;
pub mod mro;
pub mod new_class;
pub mod resolve;
pub mod slot_table;

pub use builtin_type::{Contents, add_constant};

use crate::args::{CallArgs, MANY, MethodDef};
use crate::error::PyResult;
use crate::shape::Kind;
use crate::slots::Slots;
use crate::ty::{TypeObject, TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

/// Whether a value is a class.
#[inline(always)]
pub fn is_type(vm: &Vm, value: Value) -> bool {
    value.is_object() && vm.shape_of(value).kind == Kind::Type
}

pub(crate) fn spec() -> TypeSpec {
    TypeSpec {
        flags: flags::BASETYPE | flags::TYPE,
        slots: Slots {
            new: Some(new),
            init: Some(init),
            call: Some(call),
            repr: Some(repr),
            getattr: Some(attributes::getattr),
            setattr: Some(attributes::setattr),
            or: Some(crate::union_type::or),
            ..Slots::default()
        },
        methods: METHODS,
        getset: attributes::GETSET,
        doc: "type(object) -> the object's type\ntype(name, bases, dict, **kwds) -> a new type",
        ..TypeSpec::of::<TypeObject>("type", Kind::Type)
    }
}

static METHODS: &[MethodDef] = &[
    MethodDef::method("mro", 1, 1, mro_method)
        .with_doc("mro($self, /)\n--\n\nReturn a type's method resolution order."),
    MethodDef::method("__subclasses__", 1, 1, subclasses)
        .with_doc("__subclasses__($self, /)\n--\n\nReturn a list of immediate subclasses."),
    MethodDef::class_method("__prepare__", 1, MANY, prepare)
        .with_keywords()
        .with_doc("__prepare__($cls, name, bases, /, **kwds)\n--\n\nCreate the namespace for the class statement"),
    MethodDef::method("__instancecheck__", 2, 2, instancecheck)
        .with_doc("__instancecheck__($self, instance, /)\n--\n\nCheck if an object is an instance."),
    MethodDef::method("__subclasscheck__", 2, 2, subclasscheck)
        .with_doc("__subclasscheck__($self, subclass, /)\n--\n\nCheck if a class is a subclass."),
    MethodDef::method("__dir__", 1, 1, dir)
        .with_doc("__dir__($self, /)\n--\n\nSpecialized __dir__ implementation for types."),
    MethodDef::method("__sizeof__", 1, 1, sizeof)
        .with_doc("__sizeof__($self, /)\n--\n\nReturn memory consumption of the type object."),
];

/// `Class(*args)`.
pub fn call(vm: &mut Vm, class: Value, args: &CallArgs) -> PyResult {
    let ty = TypeRef::from_value(class);
    if ty == vm.types.type_ && args.names.is_null() && args.values.len() == 1 {
        return Ok(vm.type_of(args.values[0]).value());
    }
    let new = ty.slots().new;
    let Some(new) = new else {
        let name = vm.full_name(ty);
        return Err(vm.type_error(format!("cannot create '{name}' instances")));
    };
    let object = new(vm, ty, args)?;
    // What `__new__` gives may be of another class: then it is not initialised.
    let made = vm.type_of(object);
    if made != ty && !made.is_subtype(ty) {
        return Ok(object);
    }
    let init = made.slots().init;
    if let Some(init) = init {
        init(vm, object, args)?;
    }
    Ok(object)
}

fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    if ty == vm.types.type_ && args.values.len() != 3 && args.args().len() != 3 {
        if args.values.len() == 1 {
            return Ok(vm.type_of(args.values[0]).value());
        }
        return Err(vm.type_error("type() takes 1 or 3 arguments"));
    }
    new_class::type_new(vm, ty, args)
}

fn init(vm: &mut Vm, _: Value, args: &CallArgs) -> PyResult<()> {
    let count = args.args().len();
    if !args.keyword_names().is_empty() && count == 1 {
        return Err(vm.type_error("type.__init__() takes no keyword arguments"));
    }
    if count != 1 && count != 3 {
        return Err(vm.type_error("type.__init__() takes 1 or 3 arguments"));
    }
    Ok(())
}

fn repr(vm: &mut Vm, class: Value) -> PyResult {
    let ty = TypeRef::from_value(class);
    let module = attributes::module_of(vm, ty);
    let text = match module {
        Some(module) if vm.is_str(module) && vm.str_bytes(module) != b"builtins" => {
            format!("<class '{}.{}'>", vm.text_of(module), vm.text_of(ty.0.qualname.get()))
        }
        _ => format!("<class '{}'>", ty.name()),
    };
    Ok(vm.new_str(&text))
}

fn check_receiver(vm: &mut Vm, class: Value, method: &str) -> PyResult<TypeRef> {
    if is_type(vm, class) {
        return Ok(TypeRef::from_value(class));
    }
    let given = vm.type_name(class);
    Err(vm.type_error(format!("descriptor '{method}' for 'type' objects doesn't apply to a '{given}' object")))
}

fn mro_method(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let ty = check_receiver(vm, args.values[0], "mro")?;
    let bases: Vec<TypeRef> =
        crate::tuple::items(ty.0.bases.get()).iter().map(|&base| TypeRef::from_value(base)).collect();
    let order = mro::compute(vm, ty, &bases)?;
    let values: Vec<Value> = order.iter().map(|ty| ty.value()).collect(); // immortal
    Ok(vm.new_list(&values))
}

fn subclasses(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let ty = check_receiver(vm, args.values[0], "__subclasses__")?;
    let values: Vec<Value> = ty.data().subclasses.borrow().iter().map(|ty| ty.value()).collect(); // immortal
    Ok(vm.new_list(&values))
}

fn prepare(vm: &mut Vm, _: &CallArgs) -> PyResult {
    Ok(vm.new_dict())
}

fn instancecheck(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let result = vm.real_isinstance(args.values[1], args.values[0])?;
    Ok(vm.bool(result))
}

fn subclasscheck(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let result = vm.real_issubclass(args.values[1], args.values[0])?;
    Ok(vm.bool(result))
}

fn dir(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let names = vm.new_dict();
    crate::object::merge_class_names(vm, names, args.values[0])?;
    vm.collect_list(names)
}

fn sizeof(vm: &mut Vm, _: &CallArgs) -> PyResult {
    Ok(vm.int((size_of::<crate::ty::TypeData>() + size_of::<TypeObject>()) as i64))
}
