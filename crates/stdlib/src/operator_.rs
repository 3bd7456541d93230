//! Module `_operator`.

use heap::Value;
use objects::args::{CallArgs, MANY, MethodDef};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::module::ModuleDef;
use objects::protocol::number::BinaryOp;
use objects::shape::Kind;
use objects::slots::{CompareOp, Slots};
use objects::tuple;
use objects::ty::{TypeRef, TypeSpec};
use objects::value_vec::ValueVec;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_operator",
    doc: "Operator interface.\n\nThis module exports a set of functions implemented in C corresponding\nto the intrinsic operators of Python.  For example, operator.add(x, y)\nis equivalent to the expression x+y.",
    functions: FUNCTIONS,
    init,
};

layout! {
    /// `itemgetter`: the keys, a tuple. `attrgetter`: the names; each a tuple of the parts between dots.
    Getter {
        keys KEYS: Value;
    }

    MethodCaller {
        name NAME: Value;
        /// A tuple.
        args ARGS: Value;
        /// A dict.
        keywords KEYWORDS: Value;
    }
}

macro_rules! binary {
    ($name:literal, $op:ident, $doc:literal) => {
        MethodDef::function($name, 2, 2, |vm, args| vm.binary_op(BinaryOp::$op, args.values[0], args.values[1]))
            .with_doc(concat!($name, "($module, a, b, /)\n--\n\nSame as ", $doc, "."))
    };
}

macro_rules! in_place {
    ($name:literal, $op:ident, $doc:literal) => {
        MethodDef::function($name, 2, 2, |vm, args| vm.inplace_op(BinaryOp::$op, args.values[0], args.values[1]))
            .with_doc(concat!($name, "($module, a, b, /)\n--\n\nSame as ", $doc, "."))
    };
}

macro_rules! comparison {
    ($name:literal, $op:ident, $doc:literal) => {
        MethodDef::function($name, 2, 2, |vm, args| vm.compare(args.values[0], args.values[1], CompareOp::$op))
            .with_doc(concat!($name, "($module, a, b, /)\n--\n\nSame as ", $doc, "."))
    };
}

static FUNCTIONS: &[MethodDef] = &[
    binary!("add", Add, "a + b"),
    binary!("sub", Subtract, "a - b"),
    binary!("mul", Multiply, "a * b"),
    binary!("matmul", MatrixMultiply, "a @ b"),
    binary!("truediv", TrueDivide, "a / b"),
    binary!("floordiv", FloorDivide, "a // b"),
    binary!("mod", Remainder, "a % b"),
    binary!("lshift", LeftShift, "a << b"),
    binary!("rshift", RightShift, "a >> b"),
    binary!("and_", And, "a & b"),
    binary!("or_", Or, "a | b"),
    binary!("xor", Xor, "a ^ b"),
    binary!("pow", Power, "a ** b"),
    in_place!("iadd", Add, "a += b"),
    in_place!("isub", Subtract, "a -= b"),
    in_place!("imul", Multiply, "a *= b"),
    in_place!("imatmul", MatrixMultiply, "a @= b"),
    in_place!("itruediv", TrueDivide, "a /= b"),
    in_place!("ifloordiv", FloorDivide, "a //= b"),
    in_place!("imod", Remainder, "a %= b"),
    in_place!("ilshift", LeftShift, "a <<= b"),
    in_place!("irshift", RightShift, "a >>= b"),
    in_place!("iand", And, "a &= b"),
    in_place!("ior", Or, "a |= b"),
    in_place!("ixor", Xor, "a ^= b"),
    in_place!("ipow", Power, "a **= b"),
    comparison!("lt", Lt, "a < b"),
    comparison!("le", Le, "a <= b"),
    comparison!("eq", Eq, "a == b"),
    comparison!("ne", Ne, "a != b"),
    comparison!("gt", Gt, "a > b"),
    comparison!("ge", Ge, "a >= b"),
    MethodDef::function("neg", 1, 1, |vm, args| vm.negative(args.values[0])).with_doc("neg($module, a, /)\n--\n\nSame as -a."),
    MethodDef::function("pos", 1, 1, |vm, args| vm.positive(args.values[0])).with_doc("pos($module, a, /)\n--\n\nSame as +a."),
    MethodDef::function("abs", 1, 1, |vm, args| vm.absolute(args.values[0]))
        .with_doc("abs($module, a, /)\n--\n\nSame as abs(a)."),
    MethodDef::function("inv", 1, 1, |vm, args| vm.invert(args.values[0])).with_doc("inv($module, a, /)\n--\n\nSame as ~a."),
    MethodDef::function("invert", 1, 1, |vm, args| vm.invert(args.values[0]))
        .with_doc("invert($module, a, /)\n--\n\nSame as ~a."),
    MethodDef::function("not_", 1, 1, |vm, args| {
        let truth = vm.truth(args.values[0])?;
        Ok(vm.bool(!truth))
    })
    .with_doc("not_($module, a, /)\n--\n\nSame as not a."),
    MethodDef::function("truth", 1, 1, |vm, args| {
        let truth = vm.truth(args.values[0])?;
        Ok(vm.bool(truth))
    })
    .with_doc("truth($module, a, /)\n--\n\nReturn True if a is true, False otherwise."),
    MethodDef::function("is_", 2, 2, |vm, args| {
        let same = vm.is(args.values[0], args.values[1]);
        Ok(vm.bool(same))
    })
    .with_doc("is_($module, a, b, /)\n--\n\nSame as a is b."),
    MethodDef::function("is_not", 2, 2, |vm, args| {
        let same = vm.is(args.values[0], args.values[1]);
        Ok(vm.bool(!same))
    })
    .with_doc("is_not($module, a, b, /)\n--\n\nSame as a is not b."),
    MethodDef::function("is_none", 1, 1, |vm, args| Ok(vm.bool(args.values[0] == vm.none)))
        .with_doc("is_none($module, a, /)\n--\n\nSame as a is None."),
    MethodDef::function("is_not_none", 1, 1, |vm, args| Ok(vm.bool(args.values[0] != vm.none)))
        .with_doc("is_not_none($module, a, /)\n--\n\nSame as a is not None."),
    MethodDef::function("index", 1, 1, |vm, args| vm.index_big(args.values[0]))
        .with_doc("index($module, a, /)\n--\n\nSame as a.__index__()"),
    MethodDef::function("contains", 2, 2, |vm, args| {
        let found = vm.contains(args.values[0], args.values[1])?;
        Ok(vm.bool(found))
    })
    .with_doc("contains($module, a, b, /)\n--\n\nSame as b in a (note reversed operands)."),
    MethodDef::function("getitem", 2, 2, |vm, args| vm.getitem(args.values[0], args.values[1]))
        .with_doc("getitem($module, a, b, /)\n--\n\nSame as a[b]."),
    MethodDef::function("setitem", 3, 3, |vm, args| {
        vm.setitem(args.values[0], args.values[1], args.values[2])?;
        Ok(vm.none)
    })
    .with_doc("setitem($module, a, b, c, /)\n--\n\nSame as a[b] = c."),
    MethodDef::function("delitem", 2, 2, |vm, args| {
        vm.delitem(args.values[0], args.values[1])?;
        Ok(vm.none)
    })
    .with_doc("delitem($module, a, b, /)\n--\n\nSame as del a[b]."),
    MethodDef::function("concat", 2, 2, |vm, args| concat(vm, args, false))
        .with_doc("concat($module, a, b, /)\n--\n\nSame as a + b, for a and b sequences."),
    MethodDef::function("iconcat", 2, 2, |vm, args| concat(vm, args, true))
        .with_doc("iconcat($module, a, b, /)\n--\n\nSame as a += b, for a and b sequences."),
    MethodDef::function("countOf", 2, 2, |vm, args| {
        let mut count = 0;
        vm.for_each(args.values[0], |vm, element| {
            count += i64::from(vm.eq(element, args.values[1])?);
            Ok(())
        })?;
        Ok(vm.int(count))
    })
    .with_doc("countOf($module, a, b, /)\n--\n\nReturn the number of items in a which are, or which equal, b."),
    MethodDef::function("indexOf", 2, 2, |vm, args| {
        let iterator = vm.iter(args.values[0])?;
        let mut index = 0;
        while let Some(element) = vm.next(iterator)? {
            if vm.eq(element, args.values[1])? {
                return Ok(vm.int(index));
            }
            index += 1;
        }
        Err(vm.value_error("sequence.index(x): x not in sequence"))
    })
    .with_doc("indexOf($module, a, b, /)\n--\n\nReturn the first index of b in a."),
    MethodDef::function("length_hint", 1, 2, |vm, args| {
        let default = match args.get(1) {
            Some(default) if !vm.is_int(default) => {
                let given = vm.type_name(default);
                return Err(vm.type_error(format!("'{given}' object cannot be interpreted as an integer")));
            }
            Some(default) => vm.index(default)?,
            None => 0,
        };
        let hint = vm.length_hint(args.values[0], default)?;
        Ok(vm.int(hint))
    })
    .with_doc("length_hint($module, obj, default=0, /)\n--\n\nReturn an estimate of the number of items in obj.\n\nThis is useful for presizing containers when building from an iterable.\n\nIf the object supports len(), the result will be exact.\nOtherwise, it may over- or under-estimate by an arbitrary amount.\nThe result will be an integer >= 0."),
    MethodDef::function("call", 1, MANY, |vm, args| {
        vm.call_kw(args.values[0], &CallArgs { values: &args.values[1..], names: args.names })
    })
    .with_keywords()
    .with_doc("call($module, obj, /, *args, **kwargs)\n--\n\nSame as obj(*args, **kwargs)."),
    MethodDef::function("_compare_digest", 2, 2, compare_digest)
    .with_doc("_compare_digest($module, a, b, /)\n--\n\nReturn 'a == b'.\n\nThis function uses an approach designed to prevent\ntiming analysis, making it appropriate for cryptography.\n\na and b must both be of the same type: either str (ASCII only),\nor any bytes-like object.\n\nNote: If a and b are of different lengths, or if an error occurs,\na timing attack could theoretically reveal information about the\ntypes and lengths of a and b--but not their values."),
];

fn concat(vm: &mut Vm, args: &CallArgs, in_place: bool) -> PyResult {
    let (a, b) = (args.values[0], args.values[1]);
    let ty = vm.type_of(a);
    let is_sequence = ty.slots().getitem.is_some() && !ty.has(objects::ty::flags::DICT);
    if !is_sequence {
        let given = ty.name();
        return Err(vm.type_error(format!("'{given}' object can't be concatenated")));
    }
    if in_place { vm.inplace_op(BinaryOp::Add, a, b) } else { vm.binary_op(BinaryOp::Add, a, b) }
}

/// Equality in a time that depends on the length alone.
fn compare_digest(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (a, b) = (args.values[0], args.values[1]);
    let (left, right) = if vm.is_str(a) && vm.is_str(b) {
        let (left, right) = (vm.str_bytes(a), vm.str_bytes(b));
        if !left.is_ascii() || !right.is_ascii() {
            return Err(vm.type_error("comparing strings with non-ASCII characters is not supported"));
        }
        (left, right)
    } else {
        match (vm.bytes_like_opt(a)?, vm.bytes_like_opt(b)?) {
            (Some(left), Some(right)) => (left, right),
            _ => {
                let (left, right) = (vm.type_name(a), vm.type_name(b));
                return Err(vm.type_error(format!(
                    "unsupported operand types(s) or combination of types: '{left}' and '{right}'"
                )));
            }
        }
    };
    let mut difference = u8::from(left.len() != right.len());
    for (x, y) in right.iter().zip(left.iter().chain(std::iter::repeat(&0))) {
        difference |= x ^ y;
    }
    Ok(vm.bool(std::hint::black_box(difference) == 0))
}

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let getter = |name, new: objects::slots::NewFn, call, repr, doc| TypeSpec {
        module: "operator",
        slots: Slots { new: Some(new), call: Some(call), repr: Some(repr), ..Slots::default() },
        methods: GETTER_METHODS,
        doc,
        ..TypeSpec::of::<Getter>(name, Kind::Other)
    };
    let specs = [
        getter(
            "itemgetter",
            new_itemgetter,
            call_itemgetter,
            repr_itemgetter,
            "itemgetter(item, /, *items)\n--\n\nReturn a callable object that fetches the given item(s) from its operand.\n\nAfter f = itemgetter(2), the call f(r) returns r[2].\nAfter g = itemgetter(2, 5, 3), the call g(r) returns (r[2], r[5], r[3])",
        ),
        getter(
            "attrgetter",
            new_attrgetter,
            call_attrgetter,
            repr_attrgetter,
            "attrgetter(attr, /, *attrs)\n--\n\nReturn a callable object that fetches the given attribute(s) from its operand.\n\nAfter f = attrgetter('name'), the call f(r) returns r.name.\nAfter g = attrgetter('name', 'date'), the call g(r) returns (r.name, r.date).\nAfter h = attrgetter('name.first', 'name.last'), the call h(r) returns\n(r.name.first, r.name.last).",
        ),
        TypeSpec {
            module: "operator",
            slots: Slots {
                new: Some(new_methodcaller),
                call: Some(call_methodcaller),
                repr: Some(repr_methodcaller),
                ..Slots::default()
            },
            methods: METHODCALLER_METHODS,
            doc: "methodcaller(name, /, *args, **kwargs)\n--\n\nReturn a callable object that calls the given method on its operand.\n\nAfter f = methodcaller('name'), the call f(r) returns r.name().\nAfter g = methodcaller('name', 'date', foo=1), the call g(r) returns\nr.name('date', foo=1).",
            ..TypeSpec::of::<MethodCaller>("methodcaller", Kind::Other)
        },
    ];
    for spec in specs {
        crate::support::add_type(vm, module, spec);
    }
    Ok(())
}

static GETTER_METHODS: &[MethodDef] = &[MethodDef::method("__reduce__", 1, 1, |vm, args| {
    let class = vm.type_of(args.values[0]).value();
    let mut keys = ValueVec::new();
    let is_attribute = vm.type_name(args.values[0]) == "attrgetter";
    for &key in tuple::items(cast::<Getter>(args.values[0]).keys.get()) {
        let key = if is_attribute { dotted(vm, key) } else { key };
        keys.push(vm, key);
    }
    let keys = vm.new_tuple(keys.as_slice());
    Ok(vm.new_tuple(&[class, keys]))
})
.with_doc("Return state information for pickling")];

fn new_getter(vm: &mut Vm, ty: TypeRef, keys: Value) -> Value {
    let getter = vm.new_instance(ty);
    cast::<Getter>(getter).keys.set(keys);
    getter
}

fn new_itemgetter(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    objects::arity::no_keywords(vm, "itemgetter", args)?;
    if args.args().is_empty() {
        return Err(vm.type_error("itemgetter expected 1 argument, got 0"));
    }
    let keys = vm.new_tuple(args.args());
    Ok(new_getter(vm, ty, keys))
}

/// One result, or a tuple of several.
fn gather(vm: &mut Vm, keys: Value, mut one: impl FnMut(&mut Vm, Value) -> PyResult) -> PyResult {
    let keys = tuple::items(keys);
    if let &[key] = keys {
        return one(vm, key);
    }
    let mut results = ValueVec::with_capacity(vm, keys.len());
    for &key in keys {
        let result = one(vm, key)?;
        results.push(vm, result);
    }
    Ok(vm.new_tuple(results.as_slice()))
}

fn call_itemgetter(vm: &mut Vm, getter: Value, args: &CallArgs) -> PyResult {
    let object = objects::arity::positional(vm, "itemgetter", args, 1, 1)?[0];
    gather(vm, cast::<Getter>(getter).keys.get(), |vm, key| vm.getitem(object, key))
}

fn repr_itemgetter(vm: &mut Vm, getter: Value) -> PyResult {
    let mut parts = Vec::new();
    for &key in tuple::items(cast::<Getter>(getter).keys.get()) {
        parts.push(vm.repr_text(key)?);
    }
    Ok(vm.new_str(&format!("operator.itemgetter({})", parts.join(", "))))
}

fn new_attrgetter(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    objects::arity::no_keywords(vm, "attrgetter", args)?;
    if args.args().is_empty() {
        return Err(vm.type_error("attrgetter expected 1 argument, got 0"));
    }
    let mut names = ValueVec::new();
    for &name in args.args() {
        if !vm.is_str(name) {
            return Err(vm.type_error("attribute name must be a string"));
        }
        let parts: Vec<Value> = // immortal
            vm.str_bytes(name).split(|&byte| byte == b'.').map(|part| vm.intern_bytes(part)).collect();
        let parts = vm.new_tuple(&parts);
        names.push(vm, parts);
    }
    let names = vm.new_tuple(names.as_slice());
    Ok(new_getter(vm, ty, names))
}

fn call_attrgetter(vm: &mut Vm, getter: Value, args: &CallArgs) -> PyResult {
    let object = objects::arity::positional(vm, "attrgetter", args, 1, 1)?[0];
    gather(vm, cast::<Getter>(getter).keys.get(), |vm, parts| {
        tuple::items(parts).iter().try_fold(object, |object, &name| vm.getattr(object, name))
    })
}

/// The name that the parts were split from.
fn dotted(vm: &mut Vm, parts: Value) -> Value {
    let parts: Vec<&[u8]> = tuple::items(parts).iter().map(|&part| vm.str_bytes(part)).collect();
    let text = parts.join(&b'.');
    vm.new_str_bytes(&text)
}

fn repr_attrgetter(vm: &mut Vm, getter: Value) -> PyResult {
    let mut shown = Vec::new();
    for &parts in tuple::items(cast::<Getter>(getter).keys.get()) {
        let name = dotted(vm, parts);
        shown.push(vm.repr_text(name)?);
    }
    Ok(vm.new_str(&format!("operator.attrgetter({})", shown.join(", "))))
}

static METHODCALLER_METHODS: &[MethodDef] = &[MethodDef::method("__reduce__", 1, 1, |vm, args| {
    let object = cast::<MethodCaller>(args.values[0]);
    let class = vm.type_of(args.values[0]).value();
    let name = vm.new_tuple(&[object.name.get()]);
    let arguments = tuple::concat(vm, name, object.args.get());
    if vm.dict_len(object.keywords.get()) == 0 {
        return Ok(vm.new_tuple(&[class, arguments]));
    }
    let functools = objects::module::import(vm, "functools")?;
    let partial = vm.getattr_str(functools, "partial")?;
    let mut values = ValueVec::from_slice(vm, &[class, object.name.get()]);
    let mut names = ValueVec::new();
    let mut position = 0;
    while let Some((name, value)) = vm.dict_next(object.keywords.get(), &mut position) {
        names.push(vm, name);
        values.push(vm, value);
    }
    let names = vm.new_tuple(names.as_slice());
    let constructor = vm.call_kw(partial, &CallArgs { values: values.as_slice(), names })?;
    Ok(vm.new_tuple(&[constructor, object.args.get()]))
})
.with_doc("Return state information for pickling")];

fn new_methodcaller(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let Some((&name, arguments)) = args.args().split_first() else {
        return Err(vm.type_error("methodcaller needs at least one argument, the method name"));
    };
    if !vm.is_str(name) {
        return Err(vm.type_error("method name must be a string"));
    }
    let name = vm.intern_value(name);
    let arguments = vm.new_tuple(arguments);
    let keywords = vm.new_dict();
    for (name, value) in args.keywords() {
        vm.dict_set(keywords, name, value)?;
    }
    let caller = vm.new_instance(ty);
    let object = cast::<MethodCaller>(caller);
    object.name.set(name);
    object.args.set(arguments);
    object.keywords.set(keywords);
    Ok(caller)
}

fn call_methodcaller(vm: &mut Vm, caller: Value, args: &CallArgs) -> PyResult {
    let receiver = objects::arity::positional(vm, "methodcaller", args, 1, 1)?[0];
    let object = cast::<MethodCaller>(caller);
    let mut values = ValueVec::from_slice(vm, tuple::items(object.args.get()));
    let mut names = ValueVec::new();
    let mut position = 0;
    while let Some((name, value)) = vm.dict_next(object.keywords.get(), &mut position) {
        names.push(vm, name);
        values.push(vm, value);
    }
    let names = if names.len == 0 { Value::NULL } else { vm.new_tuple(names.as_slice()) };
    vm.call_method_args(receiver, object.name.get(), &CallArgs { values: values.as_slice(), names })
}

fn repr_methodcaller(vm: &mut Vm, caller: Value) -> PyResult {
    let object = cast::<MethodCaller>(caller);
    let text = vm.repr_guarded(caller, |vm| {
        let mut parts = vec![vm.repr_text(object.name.get())?];
        for &value in tuple::items(object.args.get()) {
            parts.push(vm.repr_text(value)?);
        }
        let mut position = 0;
        while let Some((name, value)) = vm.dict_next(object.keywords.get(), &mut position) {
            let value = vm.repr_text(value)?;
            parts.push(format!("{}={value}", vm.text_of(name)));
        }
        Ok(parts.join(", "))
    })?;
    let text = text.unwrap_or_else(|| "...".to_owned());
    Ok(vm.new_str(&format!("operator.methodcaller({text})")))
}
