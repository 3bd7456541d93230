//! Iterators that put elements together: `groupby`, `batched`, `pairwise`, `zip_longest`.

use super::iterator;
use crate::support::{add_type, is_absent, positional, signature};
use heap::Value;
use objects::args::{CallArgs, Signature};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::value_vec::ValueVec;
use objects::vm::Vm;

layout! {
    GroupBy {
        iterator ITERATOR: Value;
        /// NULL: the elements are their own keys.
        key KEY: Value;
        /// NULL before the first element, as the next two are.
        target_key TARGET_KEY: Value;
        current_key CURRENT_KEY: Value;
        /// The element that was read and not given out; NULL: none.
        current CURRENT: Value;
        /// The newest group: only it may read on.
        group GROUP: Value;
    }

    Group {
        parent PARENT: Value;
        key KEY: Value;
    }

    Batched {
        /// NULL at the end.
        iterator ITERATOR: Value;
        size SIZE: i64;
        strict STRICT: i64;
    }

    Pairwise {
        /// NULL at the end.
        iterator ITERATOR: Value;
        /// NULL before the first pair.
        old OLD: Value;
    }

    ZipLongest {
        /// A list of iterators; those at their end are None.
        iterators ITERATORS: Value;
        active ACTIVE: i64;
        fill FILL: Value;
    }
}

#[derive(Default)]
struct State {
    group: Option<TypeRef>,
}

pub(super) fn add_types(vm: &mut Vm, module: Value) {
    let spec = iterator::<GroupBy>("groupby", new_groupby, groupby_next);
    add_type(vm, module, TypeSpec { doc: GROUPBY_DOC, ..spec });
    let group = TypeSpec { flags: 0, ..iterator::<Group>("_grouper", new_group, group_next) };
    let group = add_type(vm, module, group);
    vm.extension::<State>().group = Some(group);
    let spec = iterator::<Batched>("batched", new_batched, batched_next);
    add_type(vm, module, TypeSpec { doc: BATCHED_DOC, ..spec });
    let spec = iterator::<Pairwise>("pairwise", new_pairwise, pairwise_next);
    add_type(vm, module, TypeSpec { doc: PAIRWISE_DOC, ..spec });
    let spec = iterator::<ZipLongest>("zip_longest", new_zip_longest, zip_longest_next);
    add_type(vm, module, TypeSpec { doc: ZIP_LONGEST_DOC, ..spec });
}

const GROUPBY_DOC: &str = "groupby(iterable, key=None)\n--\n\nmake an iterator that returns consecutive keys and groups from the iterable\n\n  iterable\n    Elements to divide into groups according to the key function.\n  key\n    A function for computing the group category for each element.\n    If the key function is not specified or is None, the element itself\n    is used for grouping.";
const BATCHED_DOC: &str = "batched(iterable, n, *, strict=False)\n--\n\nBatch data into tuples of length n. The last batch may be shorter than n.\n\nLoops over the input iterable and accumulates data into tuples\nup to size n.  The input is consumed lazily, just enough to\nfill a batch.  The result is yielded as soon as a batch is full\nor when the input iterable is exhausted.\n\n    >>> for batch in batched('ABCDEFG', 3):\n    ...     print(batch)\n    ...\n    ('A', 'B', 'C')\n    ('D', 'E', 'F')\n    ('G',)\n\nIf \"strict\" is True, raises a ValueError if the final batch is shorter\nthan n.";
const PAIRWISE_DOC: &str = "pairwise(iterable, /)\n--\n\nReturn an iterator of overlapping pairs taken from the input iterator.\n\n    s -> (s0,s1), (s1,s2), (s2, s3), ...";
const ZIP_LONGEST_DOC: &str = "zip_longest(*iterables, fillvalue=None)\n--\n\nReturn a zip_longest object whose .__next__() method returns a tuple where\nthe i-th element comes from the i-th iterable argument.  The .__next__()\nmethod continues until the longest iterable in the argument sequence\nis exhausted and then it raises StopIteration.  When the shorter iterables\nare exhausted, the fillvalue is substituted in their place.  The fillvalue\ndefaults to None or can be specified by a keyword argument.";

fn new_groupby(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let [iterable, key] = args.bind(vm, "groupby", &signature(["iterable", "key"], 1))?;
    let iterator = vm.iter(iterable)?;
    let groupby = vm.new_instance(ty);
    let object = cast::<GroupBy>(groupby);
    object.iterator.set(iterator);
    object.key.set(if is_absent(vm, key) { Value::NULL } else { key });
    Ok(groupby)
}

/// Reads the next element and its key; false at the end.
fn step(vm: &mut Vm, groupby: Value) -> PyResult<bool> {
    let object = cast::<GroupBy>(groupby);
    let Some(element) = vm.next(object.iterator.get())? else { return Ok(false) };
    let function = object.key.get();
    let key = if function.is_null() { element } else { vm.call(function, &[element])? };
    vm.write(groupby, &object.current, element);
    vm.write(groupby, &object.current_key, key);
    Ok(true)
}

fn groupby_next(vm: &mut Vm, groupby: Value) -> PyResult<Option<Value>> {
    let object = cast::<GroupBy>(groupby);
    object.group.set(Value::NULL);
    loop {
        let (target, key) = (object.target_key.get(), object.current_key.get());
        if !key.is_null() && (target.is_null() || !vm.eq(target, key)?) {
            break;
        }
        if !step(vm, groupby)? {
            return Ok(None);
        }
    }
    let key = object.current_key.get();
    vm.write(groupby, &object.target_key, key);
    let ty = vm.extension::<State>().group.expect("made with the module");
    let group = make_group(vm, ty, groupby, key);
    Ok(Some(vm.new_tuple(&[key, group])))
}

fn make_group(vm: &mut Vm, ty: TypeRef, groupby: Value, key: Value) -> Value {
    let group = vm.new_instance(ty);
    let object = cast::<Group>(group);
    object.parent.set(groupby);
    object.key.set(key);
    vm.write(groupby, &cast::<GroupBy>(groupby).group, group);
    group
}

fn new_group(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let values = positional(vm, ty, "_grouper", args, 2, 2)?;
    let is_groupby = vm.type_name(values[0]) == "groupby" && !vm.type_of(values[0]).has(flags::HEAP);
    if !is_groupby {
        let given = vm.type_name(values[0]);
        return Err(vm.type_error(format!("_grouper() argument 1 must be itertools.groupby, not {given}")));
    }
    Ok(make_group(vm, ty, values[0], values[1]))
}

fn group_next(vm: &mut Vm, group: Value) -> PyResult<Option<Value>> {
    let object = cast::<Group>(group);
    let parent = object.parent.get();
    let groupby = cast::<GroupBy>(parent);
    if groupby.group.get() != group {
        return Ok(None);
    }
    if groupby.current.get().is_null() && !step(vm, parent)? {
        return Ok(None);
    }
    if !vm.eq(object.key.get(), groupby.current_key.get())? {
        return Ok(None);
    }
    // Comparing may have run code that took the element.
    let element = groupby.current.replace(Value::NULL);
    Ok((!element.is_null()).then_some(element))
}

fn new_batched(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let signature = Signature { max_positional: 2, ..signature(["iterable", "n", "strict"], 2) };
    let [iterable, size, strict] = args.bind(vm, "batched", &signature)?;
    let size = vm.index(size)?;
    let strict = !strict.is_null() && vm.truth(strict)?;
    if size < 1 {
        return Err(vm.value_error("n must be at least one"));
    }
    let iterator = vm.iter(iterable)?;
    let batched = vm.new_instance(ty);
    let object = cast::<Batched>(batched);
    object.iterator.set(iterator);
    object.size.set(size);
    object.strict.set(strict as i64);
    Ok(batched)
}

fn batched_next(vm: &mut Vm, batched: Value) -> PyResult<Option<Value>> {
    let object = cast::<Batched>(batched);
    let iterator = object.iterator.get();
    if iterator.is_null() {
        return Ok(None);
    }
    let mut batch = ValueVec::new();
    while (batch.len as i64) < object.size.get() {
        let Some(element) = vm.next(iterator)? else {
            object.iterator.set(Value::NULL);
            if batch.len == 0 {
                return Ok(None);
            }
            if object.strict.get() != 0 {
                return Err(vm.value_error("batched(): incomplete batch"));
            }
            break;
        };
        batch.push(vm, element);
    }
    Ok(Some(vm.new_tuple(batch.as_slice())))
}

fn new_pairwise(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let iterable = positional(vm, ty, "pairwise", args, 1, 1)?[0];
    let iterator = vm.iter(iterable)?;
    let pairwise = vm.new_instance(ty);
    cast::<Pairwise>(pairwise).iterator.set(iterator);
    Ok(pairwise)
}

fn pairwise_next(vm: &mut Vm, pairwise: Value) -> PyResult<Option<Value>> {
    let object = cast::<Pairwise>(pairwise);
    let end = |object: &Pairwise| {
        object.iterator.set(Value::NULL);
        object.old.set(Value::NULL);
        PyResult::Ok(None)
    };
    if object.iterator.get().is_null() {
        return Ok(None);
    }
    if object.old.get().is_null() {
        let old = match vm.next(object.iterator.get()) {
            Ok(Some(old)) => old,
            stopped => {
                end(object)?;
                return stopped;
            }
        };
        vm.write(pairwise, &object.old, old);
        // Reading the first element may have used the iterator up, through this same object.
        if object.iterator.get().is_null() {
            return end(object);
        }
    }
    // Reading on may read pairs through this same object.
    let old = object.old.get();
    let new = match vm.next(object.iterator.get()) {
        Ok(Some(new)) => new,
        stopped => {
            end(object)?;
            return stopped;
        }
    };
    vm.write(pairwise, &object.old, new);
    Ok(Some(vm.new_tuple(&[old, new])))
}

fn new_zip_longest(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let mut fill = vm.none;
    for (name, value) in args.keywords() {
        if vm.str_bytes(name) != b"fillvalue" {
            return Err(vm.type_error("zip_longest() got an unexpected keyword argument"));
        }
        fill = value;
    }
    let iterators = vm.new_list(&[]);
    for &iterable in args.args() {
        let iterator = vm.iter(iterable)?;
        vm.list_append(iterators, iterator);
    }
    let zip = vm.new_instance(ty);
    let object = cast::<ZipLongest>(zip);
    object.iterators.set(iterators);
    object.active.set(args.args().len() as i64);
    object.fill.set(fill);
    Ok(zip)
}

fn zip_longest_next(vm: &mut Vm, zip: Value) -> PyResult<Option<Value>> {
    let object = cast::<ZipLongest>(zip);
    if object.active.get() == 0 {
        return Ok(None);
    }
    let iterators = object.iterators.get();
    let mut row = ValueVec::new();
    for i in 0..objects::list::items(iterators).len() {
        let iterator = objects::list::items(iterators)[i];
        let mut element = object.fill.get();
        if iterator != vm.none {
            match vm.next(iterator) {
                Ok(Some(found)) => element = found,
                Ok(None) => {
                    object.active.set(object.active.get() - 1);
                    if object.active.get() <= 0 {
                        object.active.set(0);
                        return Ok(None);
                    }
                    let (index, none) = (vm.int(i as i64), vm.none);
                    vm.setitem(iterators, index, none)?;
                }
                Err(raised) => {
                    object.active.set(0);
                    return Err(raised);
                }
            }
        }
        row.push(vm, element);
    }
    Ok(Some(vm.new_tuple(row.as_slice())))
}
