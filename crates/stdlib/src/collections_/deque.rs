//! `deque`: a ring of items.
//!
//! The items lie in an item array whose capacity is a power of two, from `head` on and around its end. `changes` grows
//! whenever an item comes or goes, so that iterators notice.

use crate::support::{self, signature};
use heap::Value;
use objects::args::{CallArgs, GetSetDef, MethodDef};
use objects::error::{PyResult, Raised};
use objects::layout;
use objects::layout::cast;
use objects::shape::Kind;
use objects::slots::{CompareOp, Slots};
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::value_vec::{ValueVec, array_clear, array_get, array_set, capacity, new_array};
use objects::vm::Vm;

layout! {
    Deque {
        /// NULL while nothing was put in.
        items ITEMS: Value;
        head HEAD: i64;
        len LEN: i64;
        /// Negative: none.
        limit LIMIT: i64;
        changes CHANGES: i64;
    }

    DequeIterator {
        deque DEQUE: Value;
        /// Of the next item.
        index INDEX: i64;
        /// 1 or -1.
        direction DIRECTION: i64;
        changes CHANGES: i64;
    }
}

#[derive(Default)]
struct State {
    deque: Option<TypeRef>,
    iterators: Option<[TypeRef; 2]>,
}

pub(super) fn add_types(vm: &mut Vm, module: Value) {
    let ty = support::add_type(
        vm,
        module,
        TypeSpec {
            module: "collections",
            flags: flags::BASETYPE | flags::SEQUENCE | flags::HAS_WEAKREF,
            slots: Slots {
                new: Some(|vm, ty, _| {
                    let deque = vm.new_instance(ty);
                    cast::<Deque>(deque).limit.set(-1);
                    Ok(deque)
                }),
                init: Some(init),
                repr: Some(repr),
                hash: Some(objects::object::hash_not_implemented),
                compare: Some(compare),
                iter: Some(|vm, deque| Ok(iterate(vm, deque, 1))),
                len: Some(|_, deque| Ok(cast::<Deque>(deque).len.get())),
                bool: Some(|_, deque| Ok(cast::<Deque>(deque).len.get() != 0)),
                getitem: Some(getitem),
                setitem: Some(setitem),
                contains: Some(|vm, deque, item| Ok(find(vm, deque, item, 0, i64::MAX)?.is_some())),
                concat: Some(concat),
                inplace_concat: Some(|vm, deque, other| {
                    extend(vm, deque, other, true)?;
                    Ok(deque)
                }),
                repeat: Some(|vm, deque, count| {
                    let copy = copy_of(vm, deque)?;
                    repeat_in_place(vm, copy, count)
                }),
                inplace_repeat: Some(repeat_in_place),
                ..Slots::default()
            },
            methods: METHODS,
            getset: GETSET,
            doc: "deque([iterable[, maxlen]])\n--\n\nA list-like sequence optimized for data accesses near its endpoints.",
            ..TypeSpec::of::<Deque>("deque", Kind::Other)
        },
    );
    let iterator = |name, new: objects::slots::NewFn| TypeSpec {
        module: "collections",
        slots: Slots { new: Some(new), iter: Some(|_, iterator| Ok(iterator)), next: Some(next), ..Slots::default() },
        methods: ITERATOR_METHODS,
        ..TypeSpec::of::<DequeIterator>(name, Kind::Other)
    };
    let forward = support::add_type(vm, module, iterator("_deque_iterator", |vm, _, args| new_iterator(vm, args, 1)));
    let backward = iterator("_deque_reverse_iterator", |vm, _, args| new_iterator(vm, args, -1));
    let backward = support::add_type(vm, module, backward);
    *vm.extension::<State>() = State { deque: Some(ty), iterators: Some([forward, backward]) };
}

static GETSET: &[GetSetDef] = &[GetSetDef {
    name: "maxlen",
    get: |vm, deque| {
        let limit = cast::<Deque>(deque).limit.get();
        Ok(if limit < 0 { vm.none } else { vm.int(limit) })
    },
    set: None,
    doc: "maximum size of a deque or None if unbounded",
}];

static METHODS: &[MethodDef] = &[
    MethodDef::method("append", 2, 2, |vm, args| {
        push_back(vm, args.values[0], args.values[1]);
        Ok(vm.none)
    })
    .leaf()
    .with_doc("append($self, item, /)\n--\n\nAdd an element to the right side of the deque."),
    MethodDef::method("appendleft", 2, 2, |vm, args| {
        push_front(vm, args.values[0], args.values[1]);
        Ok(vm.none)
    })
    .leaf()
    .with_doc("appendleft($self, item, /)\n--\n\nAdd an element to the left side of the deque."),
    MethodDef::method("pop", 1, 1, |vm, args| match pop_back(args.values[0]) {
        Some(item) => Ok(item),
        None => Err(vm.index_error("pop from an empty deque")),
    })
    .leaf()
    .with_doc("pop($self, /)\n--\n\nRemove and return the rightmost element."),
    MethodDef::method("popleft", 1, 1, |vm, args| match pop_front(args.values[0]) {
        Some(item) => Ok(item),
        None => Err(vm.index_error("pop from an empty deque")),
    })
    .leaf()
    .with_doc("popleft($self, /)\n--\n\nRemove and return the leftmost element."),
    MethodDef::method("extend", 2, 2, |vm, args| {
        extend(vm, args.values[0], args.values[1], true)?;
        Ok(vm.none)
    })
    .with_doc("extend($self, iterable, /)\n--\n\nExtend the right side of the deque with elements from the iterable."),
    MethodDef::method("extendleft", 2, 2, |vm, args| {
        extend(vm, args.values[0], args.values[1], false)?;
        Ok(vm.none)
    })
    .with_doc("extendleft($self, iterable, /)\n--\n\nExtend the left side of the deque with elements from the iterable."),
    MethodDef::method("clear", 1, 1, |vm, args| {
        clear(args.values[0]);
        Ok(vm.none)
    })
    .with_doc("clear($self, /)\n--\n\nRemove all elements from the deque."),
    MethodDef::method("copy", 1, 1, |vm, args| copy_of(vm, args.values[0]))
        .with_doc("copy($self, /)\n--\n\nReturn a shallow copy of a deque."),
    MethodDef::method("__copy__", 1, 1, |vm, args| copy_of(vm, args.values[0]))
        .with_doc("__copy__($self, /)\n--\n\nReturn a shallow copy of a deque."),
    MethodDef::method("count", 2, 2, count).with_doc("count($self, value, /)\n--\n\nReturn number of occurrences of value."),
    MethodDef::method("index", 2, 4, index)
        .with_doc("index($self, value, [start, [stop]])\n--\n\nReturn first index of value.\n\nRaises ValueError if the value is not present."),
    MethodDef::method("insert", 3, 3, insert)
        .with_doc("insert($self, index, value, /)\n--\n\nInsert value before index."),
    MethodDef::method("remove", 2, 2, remove)
        .with_doc("remove($self, value, /)\n--\n\nRemove first occurrence of value."),
    MethodDef::method("reverse", 1, 1, |vm, args| {
        reverse(vm, args.values[0]);
        Ok(vm.none)
    })
    .with_doc("reverse($self, /)\n--\n\nReverse *IN PLACE*."),
    MethodDef::method("rotate", 1, 2, |vm, args| {
        let steps = match args.get(1) {
            Some(steps) => vm.index(steps)?,
            None => 1,
        };
        rotate(vm, args.values[0], steps);
        Ok(vm.none)
    })
    .with_doc("rotate($self, n=1, /)\n--\n\nRotate the deque n steps to the right.  If n is negative, rotates left."),
    MethodDef::method("__reversed__", 1, 1, |vm, args| Ok(iterate(vm, args.values[0], -1)))
        .with_doc("__reversed__($self, /)\n--\n\nReturn a reverse iterator over the deque."),
    MethodDef::method("__reduce__", 1, 1, reduce).with_doc("__reduce__($self, /)\n--\n\nReturn state information for pickling."),
    MethodDef::method("__sizeof__", 1, 1, objects::object::sizeof)
        .with_doc("__sizeof__($self, /)\n--\n\nReturn the size of the deque in memory, in bytes."),
    objects::generic_alias::CLASS_GETITEM,
];

static ITERATOR_METHODS: &[MethodDef] = &[
    MethodDef::method("__length_hint__", 1, 1, |vm, args| {
        let remaining = remaining(cast::<DequeIterator>(args.values[0]));
        Ok(vm.int(remaining))
    }),
    MethodDef::method("__reduce__", 1, 1, |vm, args| {
        let iterator = cast::<DequeIterator>(args.values[0]);
        let len = cast::<Deque>(iterator.deque.get()).len.get();
        let class = vm.type_of(args.values[0]).value();
        let used = vm.int(len - remaining(iterator));
        let arguments = vm.new_tuple(&[iterator.deque.get(), used]);
        Ok(vm.new_tuple(&[class, arguments]))
    })
    .with_doc("Return state information for pickling."),
];

fn is_deque(vm: &mut Vm, value: Value) -> bool {
    let deque = vm.extension::<State>().deque.expect("made with the module");
    vm.type_of(value).is_subtype(deque)
}

/// Where in the array item `index` is.
fn place(object: &Deque, index: usize) -> usize {
    (object.head.get() as usize + index) & (capacity(object.items.get()) - 1)
}

fn item(object: &Deque, index: usize) -> Value {
    array_get(object.items.get(), place(object, index))
}

fn changed(object: &Deque) {
    object.changes.set(object.changes.get() + 1);
}

/// Makes room for one more item.
fn reserve(vm: &mut Vm, deque: Value) {
    let object = cast::<Deque>(deque);
    let len = object.len.get() as usize;
    if len == capacity(object.items.get()) {
        grow(vm, deque, (len * 2).max(8));
    }
}

/// Gives it room for so many items, a power of two.
fn grow(vm: &mut Vm, deque: Value, count: usize) {
    let object = cast::<Deque>(deque);
    let len = object.len.get() as usize;
    let grown = new_array(vm, count);
    for i in 0..len {
        array_set(vm, grown, i, item(object, i));
    }
    vm.write(deque, &object.items, grown);
    object.head.set(0);
}

fn push_back(vm: &mut Vm, deque: Value, value: Value) {
    let object = cast::<Deque>(deque);
    if object.limit.get() == 0 {
        return;
    }
    reserve(vm, deque);
    let len = object.len.get();
    array_set(vm, object.items.get(), place(object, len as usize), value);
    object.len.set(len + 1);
    changed(object);
    if object.limit.get() >= 0 && len + 1 > object.limit.get() {
        pop_front(deque);
    }
}

fn push_front(vm: &mut Vm, deque: Value, value: Value) {
    let object = cast::<Deque>(deque);
    if object.limit.get() == 0 {
        return;
    }
    reserve(vm, deque);
    let mask = capacity(object.items.get()) - 1;
    object.head.set(((object.head.get() as usize).wrapping_sub(1) & mask) as i64);
    array_set(vm, object.items.get(), object.head.get() as usize, value);
    object.len.set(object.len.get() + 1);
    changed(object);
    if object.limit.get() >= 0 && object.len.get() > object.limit.get() {
        pop_back(deque);
    }
}

fn pop_back(deque: Value) -> Option<Value> {
    let object = cast::<Deque>(deque);
    let last = (object.len.get() as usize).checked_sub(1)?;
    let at = place(object, last);
    let value = array_get(object.items.get(), at);
    array_clear(object.items.get(), at, at + 1);
    object.len.set(last as i64);
    changed(object);
    Some(value)
}

fn pop_front(deque: Value) -> Option<Value> {
    let object = cast::<Deque>(deque);
    let left = (object.len.get() as usize).checked_sub(1)?;
    let at = object.head.get() as usize;
    let value = array_get(object.items.get(), at);
    array_clear(object.items.get(), at, at + 1);
    object.head.set(place(object, 1) as i64);
    object.len.set(left as i64);
    changed(object);
    Some(value)
}

fn clear(deque: Value) {
    let object = cast::<Deque>(deque);
    object.items.set(Value::NULL);
    object.head.set(0);
    object.len.set(0);
    changed(object);
}

fn init(vm: &mut Vm, deque: Value, args: &CallArgs) -> PyResult<()> {
    let [iterable, limit] = args.bind(vm, "deque", &signature(["iterable", "maxlen"], 0))?;
    let limit = if support::is_absent(vm, limit) {
        -1
    } else {
        if !vm.is_int(limit) {
            return Err(vm.type_error("an integer is required"));
        }
        match vm.index(limit)? {
            limit @ 0.. => limit,
            _ => return Err(vm.value_error("maxlen must be non-negative")),
        }
    };
    let object = cast::<Deque>(deque);
    object.limit.set(limit);
    if object.len.get() > 0 {
        clear(deque);
    }
    if iterable.is_null() { Ok(()) } else { extend(vm, deque, iterable, true) }
}

fn extend(vm: &mut Vm, deque: Value, iterable: Value, right: bool) -> PyResult<()> {
    let iterable = if iterable == deque { vm.collect_list(iterable)? } else { iterable };
    vm.for_each(iterable, |vm, value| {
        if right {
            push_back(vm, deque, value)
        } else {
            push_front(vm, deque, value)
        }
        Ok(())
    })
}

/// The items, in order; a copy that the collector sees.
fn snapshot(vm: &mut Vm, deque: Value) -> ValueVec {
    let object = cast::<Deque>(deque);
    let len = object.len.get() as usize;
    let mut items = ValueVec::with_capacity(vm, len);
    for i in 0..len {
        items.push(vm, item(object, i));
    }
    items
}

/// Of the same class: a subclass is called with the iterable and the limit.
fn copy_of(vm: &mut Vm, deque: Value) -> PyResult {
    let ty = vm.type_of(deque);
    let object = cast::<Deque>(deque);
    if !ty.has(flags::HEAP) {
        let copy = vm.new_instance(ty);
        cast::<Deque>(copy).limit.set(object.limit.get());
        for i in 0..object.len.get() as usize {
            push_back(vm, copy, item(object, i));
        }
        return Ok(copy);
    }
    if object.limit.get() < 0 {
        vm.call(ty.value(), &[deque])
    } else {
        let limit = vm.int(object.limit.get());
        vm.call(ty.value(), &[deque, limit])
    }
}

fn concat(vm: &mut Vm, deque: Value, other: Value) -> PyResult {
    if !is_deque(vm, other) {
        let given = vm.type_name(other);
        return Err(vm.type_error(format!("can only concatenate deque (not \"{given}\") to deque")));
    }
    let joined = copy_of(vm, deque)?;
    extend(vm, joined, other, true)?;
    Ok(joined)
}

fn repeat_in_place(vm: &mut Vm, deque: Value, count: Value) -> PyResult {
    let count = vm.index(count)?;
    if count <= 0 {
        clear(deque);
        return Ok(deque);
    }
    let items = snapshot(vm, deque);
    let Some(total) = (items.len as i64).checked_mul(count).filter(|len| *len <= i64::MAX / 16) else {
        return Err(vm.memory_error(""));
    };
    let limit = cast::<Deque>(deque).limit.get();
    let total = if limit < 0 { total } else { total.min(limit + 1) } as usize;
    if total > capacity(cast::<Deque>(deque).items.get()) {
        grow(vm, deque, total.next_power_of_two());
    }
    for _ in 1..count {
        for i in 0..items.len {
            push_back(vm, deque, items.get(i));
        }
    }
    Ok(deque)
}

fn out_of_range(vm: &mut Vm) -> Raised {
    vm.index_error("deque index out of range")
}

fn item_index(vm: &mut Vm, deque: Value, key: Value) -> PyResult<usize> {
    let len = cast::<Deque>(deque).len.get();
    if !vm.is_int(key) && vm.type_of(key).slots().index.is_none() {
        let given = vm.type_name(key);
        return Err(vm.type_error(format!("sequence index must be integer, not '{given}'")));
    }
    let index = vm.subscript_index(key)?;
    let index = if index < 0 { index + len } else { index };
    if (0..len).contains(&index) { Ok(index as usize) } else { Err(out_of_range(vm)) }
}

fn getitem(vm: &mut Vm, deque: Value, key: Value) -> PyResult {
    let index = item_index(vm, deque, key)?;
    Ok(item(cast::<Deque>(deque), index))
}

fn setitem(vm: &mut Vm, deque: Value, key: Value, value: Value) -> PyResult<()> {
    let index = item_index(vm, deque, key)?;
    if value.is_null() {
        delete(vm, deque, index);
    } else {
        let object = cast::<Deque>(deque);
        array_set(vm, object.items.get(), place(object, index), value);
    }
    Ok(())
}

fn delete(vm: &mut Vm, deque: Value, index: usize) {
    rotate(vm, deque, -(index as i64));
    pop_front(deque);
    rotate(vm, deque, index as i64);
}

/// The index of the first equal item from `start` up to `stop`.
fn find(vm: &mut Vm, deque: Value, value: Value, start: i64, stop: i64) -> PyResult<Option<i64>> {
    let object = cast::<Deque>(deque);
    let changes = object.changes.get();
    for index in start..stop.min(object.len.get()) {
        let found = vm.eq(item(object, index as usize), value)?;
        if object.changes.get() != changes {
            return Err(vm.runtime_error("deque mutated during iteration"));
        }
        if found {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

fn count(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let object = cast::<Deque>(args.values[0]);
    let (mut count, mut from) = (0, 0);
    while let Some(index) = find(vm, args.values[0], args.values[1], from, object.len.get())? {
        count += 1;
        from = index + 1;
    }
    Ok(vm.int(count))
}

fn index(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let len = cast::<Deque>(args.values[0]).len.get();
    let mut bound = |value: Option<Value>, default: i64| match value {
        None => Ok(default),
        Some(value) => {
            let bound = objects::slice::search_bound(vm, value)?;
            Ok(if bound < 0 { (bound + len).max(0) } else { bound })
        }
    };
    let start = bound(args.get(2), 0)?;
    let stop = bound(args.get(3), len)?;
    match find(vm, args.values[0], args.values[1], start, stop)? {
        Some(index) => Ok(vm.int(index)),
        None => Err(vm.value_error("deque.index(x): x not in deque")),
    }
}

fn insert(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (deque, value) = (args.values[0], args.values[2]);
    let object = cast::<Deque>(deque);
    let index = vm.index(args.values[1])?;
    let len = object.len.get();
    if len == object.limit.get() {
        return Err(vm.index_error("deque already at its maximum size"));
    }
    if index >= len {
        push_back(vm, deque, value);
    } else if index <= -len || index == 0 {
        push_front(vm, deque, value);
    } else {
        rotate(vm, deque, -index);
        if index < 0 {
            push_back(vm, deque, value)
        } else {
            push_front(vm, deque, value)
        }
        rotate(vm, deque, index);
    }
    Ok(vm.none)
}

fn remove(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let deque = args.values[0];
    let object = cast::<Deque>(deque);
    let changes = object.changes.get();
    for index in 0..object.len.get() as usize {
        let found = vm.eq(item(object, index), args.values[1])?;
        if object.changes.get() != changes {
            return Err(vm.index_error("deque mutated during remove()."));
        }
        if found {
            delete(vm, deque, index);
            return Ok(vm.none);
        }
    }
    Err(vm.value_error("deque.remove(x): x not in deque"))
}

fn reverse(vm: &mut Vm, deque: Value) {
    let object = cast::<Deque>(deque);
    let len = object.len.get() as usize;
    for i in 0..len / 2 {
        let (a, b) = (item(object, i), item(object, len - 1 - i));
        array_set(vm, object.items.get(), place(object, i), b);
        array_set(vm, object.items.get(), place(object, len - 1 - i), a);
    }
}

fn rotate(vm: &mut Vm, deque: Value, steps: i64) {
    let object = cast::<Deque>(deque);
    let len = object.len.get();
    if len <= 1 {
        return;
    }
    let mut steps = steps.rem_euclid(len);
    if steps > len / 2 {
        steps -= len;
    }
    let limit = object.limit.replace(-1);
    for _ in 0..steps {
        let last = pop_back(deque).expect("not empty");
        push_front(vm, deque, last);
    }
    for _ in steps..0 {
        let first = pop_front(deque).expect("not empty");
        push_back(vm, deque, first);
    }
    object.limit.set(limit);
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    if !is_deque(vm, a) || !is_deque(vm, b) {
        return Ok(vm.not_implemented);
    }
    let (left, right) = (cast::<Deque>(a).len.get(), cast::<Deque>(b).len.get());
    if left != right && matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(vm.bool(op == CompareOp::Ne));
    }
    let (left, right) = (vm.collect_list(a)?, vm.collect_list(b)?);
    vm.compare(left, right, op)
}

fn repr(vm: &mut Vm, deque: Value) -> PyResult {
    let name = vm.type_name(deque);
    let limit = cast::<Deque>(deque).limit.get();
    let content = vm.repr_guarded(deque, |vm| {
        let list = vm.collect_list(deque)?;
        vm.repr_text(list)
    })?;
    let Some(content) = content else { return Ok(vm.new_str("[...]")) };
    let text = if limit < 0 { format!("{name}({content})") } else { format!("{name}({content}, maxlen={limit})") };
    Ok(vm.new_str(&text))
}

fn reduce(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let deque = args.values[0];
    let class = vm.type_of(deque).value();
    let limit = cast::<Deque>(deque).limit.get();
    let arguments = if limit < 0 {
        vm.empty_tuple
    } else {
        let (empty, limit) = (vm.empty_tuple, vm.int(limit));
        vm.new_tuple(&[empty, limit])
    };
    let state = vm.call_method(deque, "__getstate__", &[])?;
    let items = vm.iter(deque)?;
    Ok(vm.new_tuple(&[class, arguments, state, items]))
}

fn iterate(vm: &mut Vm, deque: Value, direction: i64) -> Value {
    let types = vm.extension::<State>().iterators.expect("made with the module");
    let iterator = vm.new_instance(types[usize::from(direction < 0)]);
    let (this, object) = (cast::<DequeIterator>(iterator), cast::<Deque>(deque));
    this.deque.set(deque);
    this.index.set(if direction < 0 { object.len.get() - 1 } else { 0 });
    this.direction.set(direction);
    this.changes.set(object.changes.get());
    iterator
}

fn new_iterator(vm: &mut Vm, args: &CallArgs, direction: i64) -> PyResult {
    let values = objects::arity::positional(vm, "_deque_iterator", args, 1, 2)?;
    if !is_deque(vm, values[0]) {
        let given = vm.type_name(values[0]);
        return Err(vm.type_error(format!("argument 1 must be collections.deque, not {given}")));
    }
    let iterator = iterate(vm, values[0], direction);
    if let Some(&skip) = values.get(1) {
        let skip = vm.index(skip)?.max(0);
        let this = cast::<DequeIterator>(iterator);
        this.index.set(this.index.get() + direction * skip);
    }
    Ok(iterator)
}

fn remaining(iterator: &DequeIterator) -> i64 {
    let len = cast::<Deque>(iterator.deque.get()).len.get();
    let left = if iterator.direction.get() < 0 { iterator.index.get() + 1 } else { len - iterator.index.get() };
    left.clamp(0, len)
}

fn next(vm: &mut Vm, iterator: Value) -> PyResult<Option<Value>> {
    let this = cast::<DequeIterator>(iterator);
    let object = cast::<Deque>(this.deque.get());
    let index = this.index.get();
    if this.changes.get() != object.changes.get() {
        this.index.set(if this.direction.get() < 0 { -1 } else { i64::MAX });
        this.changes.set(object.changes.get());
        return Err(vm.runtime_error("deque mutated during iteration"));
    }
    if !(0..object.len.get()).contains(&index) {
        return Ok(None);
    }
    this.index.set(index + this.direction.get());
    Ok(Some(item(object, index as usize)))
}
