//! `enumerate`, `zip`, `map` and `filter`.

use crate::args::{CallArgs, MethodDef};
use crate::arity;
use crate::error::PyResult;
use crate::layout;
use crate::layout::cast;
use crate::shape::Kind;
use crate::slice;
use crate::slots::Slots;
use crate::tuple;
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::value_vec::ValueVec;
use crate::vm::Vm;
use heap::Value;

layout! {
    Enumerate {
        iterator ITERATOR: Value;
        /// The next number, an int of any size.
        number NUMBER: Value;
    }

    Zip {
        /// A tuple.
        iterators ITERATORS: Value;
        strict STRICT: i64;
    }

    Map {
        function FUNCTION: Value;
        /// A tuple.
        iterators ITERATORS: Value;
        strict STRICT: i64;
    }

    Filter {
        function FUNCTION: Value;
        iterator ITERATOR: Value;
    }
}

pub(super) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    let enumerate = TypeSpec {
        flags: flags::BASETYPE,
        slots: Slots { new: Some(new_enumerate), next: Some(enumerate_next), ..iterator_slots() },
        methods: ENUMERATE_METHODS,
        doc: "Return an enumerate object.\n\n  iterable\n    an object supporting iteration\n\n\
              The enumerate object yields pairs containing a count (from start, which\n\
              defaults to zero) and a value yielded by the iterable argument.\n\n\
              enumerate is useful for obtaining an indexed list:\n    (0, seq[0]), (1, seq[1]), (2, seq[2]), ...",
        ..TypeSpec::of::<Enumerate>("enumerate", Kind::Enumerate)
    };
    let zip = TypeSpec {
        flags: flags::BASETYPE,
        slots: Slots { new: Some(new_zip), next: Some(zip_next), ..iterator_slots() },
        methods: ZIP_METHODS,
        doc: "The zip object yields n-length tuples, where n is the number of iterables\n\
              passed as positional arguments to zip().  The i-th element in every tuple\n\
              comes from the i-th iterable argument to zip().  This continues until the\n\
              shortest argument is exhausted.\n\n\
              If strict is true and one of the arguments is exhausted before the others,\nraise a ValueError.\n\n   \
              >>> list(zip('abcdefg', range(3), range(4)))\n   [('a', 0, 0), ('b', 1, 1), ('c', 2, 2)]",
        ..TypeSpec::of::<Zip>("zip", Kind::Zip)
    };
    let map = TypeSpec {
        flags: flags::BASETYPE,
        slots: Slots { new: Some(new_map), next: Some(map_next), ..iterator_slots() },
        methods: MAP_METHODS,
        doc: "Make an iterator that computes the function using arguments from\neach of the iterables.  \
              Stops when the shortest iterable is exhausted.\n\n\
              If strict is true and one of the arguments is exhausted before the others,\nraise a ValueError.",
        ..TypeSpec::of::<Map>("map", Kind::Other)
    };
    let filter = TypeSpec {
        flags: flags::BASETYPE,
        slots: Slots { new: Some(new_filter), next: Some(filter_next), ..iterator_slots() },
        methods: FILTER_METHODS,
        doc: "Return an iterator yielding those items of iterable for which function(item)\n\
              is true. If function is None, return the items that are true.",
        ..TypeSpec::of::<Filter>("filter", Kind::Other)
    };
    vm.types.enumerate = vm.new_builtin_type(enumerate, object);
    vm.types.zip = vm.new_builtin_type(zip, object);
    vm.types.map = vm.new_builtin_type(map, object);
    vm.types.filter = vm.new_builtin_type(filter, object);
}

fn iterator_slots() -> Slots {
    Slots { iter: Some(|_, iterator| Ok(iterator)), ..Slots::default() }
}

fn new_enumerate(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    if args.values.len() > 2 {
        return Err(vm.type_error(format!("enumerate() takes at most 2 arguments ({} given)", args.values.len())));
    }
    let (mut iterable, mut start) = (args.get(0), args.get(1));
    for (name, value) in args.keywords() {
        let target = match vm.str_bytes(name) {
            b"iterable" if iterable.is_none() => &mut iterable,
            b"start" if start.is_none() => &mut start,
            _ => {
                let name = vm.text_of(name);
                return Err(vm.type_error(format!("'{name}' is an invalid keyword argument for enumerate()")));
            }
        };
        *target = Some(value);
    }
    let Some(iterable) = iterable else {
        // CPython parses the arguments of the type itself by hand, those of subclasses by its tables.
        let position = if ty == vm.types.enumerate { "" } else { " (pos 1)" };
        return Err(vm.type_error(format!("enumerate() missing required argument 'iterable'{position}")));
    };
    let start = match start {
        None => Value::from_int(0),
        Some(start) => match slice::index_object(vm, start)? {
            Some(start) => start,
            None => {
                let name = vm.type_name(start);
                return Err(vm.type_error(format!("'{name}' object cannot be interpreted as an integer")));
            }
        },
    };
    let iterator = vm.iter(iterable)?;
    let value = vm.new_instance(ty);
    let object = cast::<Enumerate>(value);
    object.iterator.set(iterator);
    object.number.set(start);
    Ok(value)
}

fn enumerate_next(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let object = cast::<Enumerate>(value);
    let Some(item) = vm.next(object.iterator.get())? else { return Ok(None) };
    let number = object.number.get();
    let following = if number.is_int() && number.as_int() < Value::INT_MAX {
        Value::from_int(number.as_int() + 1)
    } else {
        let number = vm.as_bigint(number).expect("an int");
        vm.int_from_big(&(number + 1))
    };
    vm.write(value, &object.number, following);
    Ok(Some(vm.new_tuple(&[number, item])))
}

/// The only keyword argument of zip and map.
fn strict_argument(vm: &mut Vm, function: &str, args: &CallArgs) -> PyResult<bool> {
    let mut strict = false;
    for (name, value) in args.keywords() {
        if vm.str_bytes(name) != b"strict" {
            let name = vm.text_of(name);
            return Err(vm.type_error(format!("{function}() got an unexpected keyword argument '{name}'")));
        }
        strict = vm.truth(value)?;
    }
    Ok(strict)
}

/// A tuple of iterators over the arguments.
fn iterators_of(vm: &mut Vm, iterables: &[Value]) -> PyResult {
    let mut iterators = ValueVec::new();
    for &iterable in iterables {
        let iterator = vm.iter(iterable)?;
        iterators.push(vm, iterator);
    }
    Ok(vm.new_tuple(iterators.as_slice()))
}

fn new_zip(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let strict =
        if ty == vm.types.zip || !args.keyword_names().is_empty() { strict_argument(vm, "zip", args)? } else { false };
    let iterators = iterators_of(vm, args.args())?;
    let value = vm.new_instance(ty);
    let object = cast::<Zip>(value);
    object.iterators.set(iterators);
    object.strict.set(strict as i64);
    Ok(value)
}

/// At most so many values are gathered on the native stack.
const FEW: usize = 8;

/// Takes one element of each iterator and gives them to `body`; `None` when one is exhausted.
fn take_each(
    vm: &mut Vm,
    function: &str,
    iterators: Value,
    strict: bool,
    body: impl FnOnce(&mut Vm, &[Value]) -> PyResult,
) -> PyResult<Option<Value>> {
    let iterators = tuple::exact_items(iterators);
    let mut few = [Value::NULL; FEW];
    let mut many = ValueVec::new();
    for (i, &iterator) in iterators.iter().enumerate() {
        match vm.next(iterator)? {
            Some(item) if iterators.len() <= FEW => few[i] = item,
            Some(item) => many.push(vm, item),
            None if strict => {
                check_lengths(vm, function, iterators, i)?;
                return Ok(None);
            }
            None => return Ok(None),
        }
    }
    let items = if iterators.len() <= FEW { &few[..iterators.len()] } else { many.as_slice() };
    body(vm, items).map(Some)
}

/// Iterator `ended` ended: the others, which came before, and then those after it, must be at their ends as well.
fn check_lengths(vm: &mut Vm, function: &str, iterators: &[Value], ended: usize) -> PyResult<()> {
    let complaint = |at: usize, relation: &str| {
        let others = if at == 1 { "argument 1".to_string() } else { format!("arguments 1-{at}") };
        format!("{function}() argument {} is {relation} than {others}", at + 1)
    };
    if ended > 0 {
        return Err(vm.value_error(complaint(ended, "shorter")));
    }
    for (at, &iterator) in iterators.iter().enumerate().skip(1) {
        if vm.next(iterator)?.is_some() {
            return Err(vm.value_error(complaint(at, "longer")));
        }
    }
    Ok(())
}

fn zip_next(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let object = cast::<Zip>(value);
    if tuple::exact_items(object.iterators.get()).is_empty() {
        return Ok(None);
    }
    take_each(vm, "zip", object.iterators.get(), object.strict.get() != 0, |vm, items| Ok(vm.new_tuple(items)))
}

fn new_map(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let strict =
        if ty == vm.types.map || !args.keyword_names().is_empty() { strict_argument(vm, "map", args)? } else { false };
    let [function, iterables @ ..] = args.args() else {
        return Err(vm.type_error("map() must have at least two arguments."));
    };
    if iterables.is_empty() {
        return Err(vm.type_error("map() must have at least two arguments."));
    }
    let iterators = iterators_of(vm, iterables)?;
    let value = vm.new_instance(ty);
    let object = cast::<Map>(value);
    object.function.set(*function);
    object.iterators.set(iterators);
    object.strict.set(strict as i64);
    Ok(value)
}

fn map_next(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let object = cast::<Map>(value);
    take_each(vm, "map", object.iterators.get(), object.strict.get() != 0, |vm, items| {
        vm.call(object.function.get(), items)
    })
}

fn new_filter(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    arity::no_keywords_unless_derived(vm, vm.types.filter, ty, args)?;
    arity::positional_count(vm, "filter", args.args(), 2, 2)?;
    let iterator = vm.iter(args.values[1])?;
    let value = vm.new_instance(ty);
    let object = cast::<Filter>(value);
    object.function.set(args.values[0]);
    object.iterator.set(iterator);
    Ok(value)
}

fn filter_next(vm: &mut Vm, value: Value) -> PyResult<Option<Value>> {
    let object = cast::<Filter>(value);
    let function = object.function.get();
    let by_truth = function == vm.none || function == vm.types.bool_.value();
    while let Some(item) = vm.next(object.iterator.get())? {
        let judged = if by_truth { item } else { vm.call(function, &[item])? };
        if vm.truth(judged)? {
            return Ok(Some(item));
        }
    }
    Ok(None)
}

static ENUMERATE_METHODS: &[MethodDef] = &[
    MethodDef::method("__reduce__", 1, 1, |vm, args| {
        let object = cast::<Enumerate>(args.values[0]);
        let arguments = vm.new_tuple(&[object.iterator.get(), object.number.get()]);
        let class = vm.type_of(args.values[0]).value();
        Ok(vm.new_tuple(&[class, arguments]))
    })
    .leaf()
    .with_doc("Return state information for pickling."),
    MethodDef::class_method("__class_getitem__", 2, 2, crate::list::class_getitem)
        .with_doc("__class_getitem__($type, object, /)\n--\n\nSee PEP 585"),
];

static ZIP_METHODS: &[MethodDef] = &[
    MethodDef::method("__reduce__", 1, 1, |vm, args| {
        let object = cast::<Zip>(args.values[0]);
        let class = vm.type_of(args.values[0]).value();
        if object.strict.get() != 0 {
            return Ok(vm.new_tuple(&[class, object.iterators.get(), vm.true_]));
        }
        Ok(vm.new_tuple(&[class, object.iterators.get()]))
    })
    .leaf()
    .with_doc("Return state information for pickling."),
    MethodDef::method("__setstate__", 2, 2, |vm, args| {
        let strict = vm.truth(args.values[1])?;
        cast::<Zip>(args.values[0]).strict.set(strict as i64);
        Ok(vm.none)
    })
    .with_doc("Set state information for unpickling."),
];

static MAP_METHODS: &[MethodDef] = &[
    MethodDef::method("__reduce__", 1, 1, |vm, args| {
        let object = cast::<Map>(args.values[0]);
        let class = vm.type_of(args.values[0]).value();
        let mut arguments = ValueVec::new();
        arguments.push(vm, object.function.get());
        for &iterator in tuple::exact_items(object.iterators.get()) {
            arguments.push(vm, iterator);
        }
        let arguments = vm.new_tuple(arguments.as_slice());
        if object.strict.get() != 0 {
            return Ok(vm.new_tuple(&[class, arguments, vm.true_]));
        }
        Ok(vm.new_tuple(&[class, arguments]))
    })
    .leaf()
    .with_doc("Return state information for pickling."),
    MethodDef::method("__setstate__", 2, 2, |vm, args| {
        let strict = vm.truth(args.values[1])?;
        cast::<Map>(args.values[0]).strict.set(strict as i64);
        Ok(vm.none)
    })
    .with_doc("Set state information for unpickling."),
];

static FILTER_METHODS: &[MethodDef] = &[MethodDef::method("__reduce__", 1, 1, |vm, args| {
    let object = cast::<Filter>(args.values[0]);
    let arguments = vm.new_tuple(&[object.function.get(), object.iterator.get()]);
    let class = vm.type_of(args.values[0]).value();
    Ok(vm.new_tuple(&[class, arguments]))
})
.leaf()
.with_doc("Return state information for pickling.")];
