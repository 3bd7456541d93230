//! What the collector sees of objects: which it tracks, what they refer to, in which generation they are.

use super::{State, collect};
use heap::{Counted, Generation, Value};
use objects::args::CallArgs;
use objects::builtin_layouts::{Dict, Set};
use objects::dict::table as dict_table;
use objects::error::PyResult;
use objects::layout::cast;
use objects::object::through_storage;
use objects::representation::exact_float;
use objects::set::table as set_table;
use objects::shape::{Kind, Shape};
use objects::ty::{TypeRef, flags};
use objects::value_vec::ValueVec;
use objects::vm::Vm;
use std::collections::HashSet;

/// Tuples nested deeper than this are taken for tracked ones.
const TUPLE_DEPTH: u32 = 50;

/// For each shape whether `gc.collect()` counts its objects among those it found: those that CPython tracks.
pub fn counted_shapes(vm: &Vm) -> Vec<Counted> {
    // The heap's shape 0 is no shape of ours.
    (0..vm.shapes.len()).map(|i| if i == 0 { Counted::No } else { counted(vm, vm.shapes[i]) }).collect()
}

fn counted(vm: &Vm, shape: &Shape) -> Counted {
    match shape.kind {
        Kind::Storage => Counted::No,
        _ if shape.ty.has(flags::HEAP) => Counted::Yes,
        Kind::None
        | Kind::Bool
        | Kind::NotImplemented
        | Kind::Ellipsis
        | Kind::BigInt
        | Kind::Float
        | Kind::Complex
        | Kind::Str
        | Kind::AppendedStr
        | Kind::Bytes
        | Kind::ByteArray
        | Kind::Range
        | Kind::Code => Counted::No,
        Kind::Tuple => Counted::IfItRefersToOne,
        // A generator's saved frame knows whose it is.
        Kind::Generator => Counted::YesBesideItself,
        _ if shape.ty == vm.types.object => Counted::No,
        _ => Counted::Yes,
    }
}

/// Whether CPython's collector would track the object.
pub fn is_tracked(vm: &Vm, object: Value) -> bool {
    fn tracked(vm: &Vm, object: Value, depth: u32) -> bool {
        if !object.is_object() {
            return false;
        }
        let shape = vm.shape_of(object);
        if shape.kind == Kind::Type {
            return TypeRef::from_value(object).has(flags::HEAP);
        }
        match counted(vm, shape) {
            Counted::No => false,
            Counted::Yes | Counted::YesBesideItself => true,
            Counted::IfItRefersToOne => {
                depth == 0 || objects::tuple::items(object).iter().any(|&item| tracked(vm, item, depth - 1))
            }
        }
    }
    tracked(vm, object, TUPLE_DEPTH)
}

/// Whether the object has had its finalizer called, or is about to.
pub fn is_finalized(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let object = args.values[0];
    let heap = &vm.thread.heap;
    let finalized = object.is_object()
        && heap.layout(vm.shape_of(object).id).finalize == heap::Finalize::Guest
        && !heap.registered_objects().any(|registered| registered == object);
    Ok(vm.bool(finalized))
}

/// The tracked objects of the generations, without what is frozen, in an array that the collector sees.
fn tracked_objects(vm: &mut Vm, generations: &[Generation]) -> ValueVec {
    let mut count = 0;
    for &generation in generations {
        vm.thread.heap.for_each_of_generation(generation, |_| count += 1);
    }
    let mut all = ValueVec::with_capacity(vm, count);
    let frozen = frozen_objects(vm);
    let mut found = heap::vec_with_capacity(count);
    for &generation in generations {
        vm.thread.heap.for_each_of_generation(generation, |object| found.push(object));
    }
    // The array has room for what was there when it was made. Nothing is allocated: the objects stay where they are.
    for object in found {
        if all.len < count && is_tracked(vm, object) && !frozen.contains(&object.0) {
            all.push(vm, object);
        }
    }
    all
}

const ALL: [Generation; 3] = [Generation::Young, Generation::Recent, Generation::Old];

/// A full collection, so that the generations hold only what is alive. On behalf of this module's `function`, whose arguments
/// lie on the value stack.
fn drop_the_dead(vm: &mut Vm, function: &str) {
    interp::frame_object::call_uncompiled(vm);
    interp::frame_object::clear_dead_slots(vm);
    let low = collect::stack_needed_from(vm, function);
    // SAFETY: the dispatch loop called us, and neither it nor we hold a value.
    unsafe { vm.thread.heap.collect_full_above(low) };
}

pub fn get_objects(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let [generation] = args.bind(vm, "get_objects", &crate::support::signature(["generation"], 0))?;
    let found = if crate::support::is_absent(vm, generation) {
        drop_the_dead(vm, "get_objects");
        tracked_objects(vm, &ALL)
    } else {
        let Ok(number) = vm.index(generation) else {
            let name = vm.type_name(generation);
            return Err(vm.type_error(format!("argument should be integer or None, not '{name}'")));
        };
        if number < 0 {
            return Err(vm.value_error("generation parameter cannot be negative"));
        }
        let Some(&generation) = ALL.get(number as usize) else {
            let message = "generation parameter must be less than the number of available generations (3)";
            return Err(vm.value_error(message));
        };
        tracked_objects(vm, &[generation])
    };
    Ok(vm.list_from(found))
}

pub fn freeze(vm: &mut Vm, args: &CallArgs) -> PyResult {
    unfreeze(vm, args)?;
    let all = tracked_objects(vm, &ALL);
    let handle = vm.keep(all.array());
    vm.extension::<State>().frozen = Some((handle, all.len));
    Ok(vm.none)
}

pub fn unfreeze(vm: &mut Vm, _: &CallArgs) -> PyResult {
    if let Some((handle, _)) = vm.extension::<State>().frozen.take() {
        vm.thread.drop_handle(handle);
    }
    Ok(vm.none)
}

/// The bits of the frozen objects, good until the next allocation.
fn frozen_objects(vm: &mut Vm) -> HashSet<u64> {
    let Some((handle, count)) = vm.extension::<State>().frozen else { return HashSet::new() };
    let array = vm.handle(handle);
    (0..count).map(|i| objects::value_vec::array_get(array, i).0).collect()
}

pub fn get_referents(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let mut found = ValueVec::new();
    for &object in args.values {
        if object.is_object() {
            referents(vm, object, &mut found);
        }
    }
    Ok(vm.list_from(found))
}

/// Appends what an object refers to, through its storage.
fn referents(vm: &mut Vm, object: Value, found: &mut ValueVec) {
    let ty = vm.type_of(object);
    if ty.has(flags::HEAP) {
        found.push(vm, ty.value());
    }
    let mut tables = [Value::NULL; 2];
    if ty.has(flags::DICT) {
        let dict = cast::<Dict>(object);
        let mut position = 0;
        while let Some((key, value)) = vm.dict_next(object, &mut position) {
            found.push(vm, key);
            found.push(vm, value);
        }
        tables = [dict.entries.get(), dict.indices.get()];
    } else if ty.has(flags::SET) {
        let set = cast::<Set>(object);
        let mut at = set_table::next_live(set, 0);
        while let Some(entry) = at {
            found.push(vm, set_table::key_at(set, entry));
            at = set_table::next_live(set, entry + 1);
        }
        tables[0] = set.entries.get();
    }
    // Other words of built-in objects may hold numbers that no program knows of.
    let kind = vm.shape_of(object).kind;
    let numbers = matches!(kind, Kind::List | Kind::Tuple | Kind::Cell | Kind::Slice | Kind::Instance);
    held_in_storage(vm, object, &tables, numbers, found);
    let shape = vm.shape_of(object);
    for word in (0..64).filter(|&word| shape.is_float(word)) {
        let float = vm.float(objects::instance::raw(object, word).get());
        found.push(vm, float);
    }
    if kind == Kind::Type {
        let mro = TypeRef::from_value(object).data().mro.borrow().clone();
        for class in mro {
            found.push(vm, class.value());
        }
    }
}

/// Appends what the object's words refer to, but for `but`, and what storage among that refers to.
fn held_in_storage(vm: &mut Vm, object: Value, but: &[Value], numbers: bool, found: &mut ValueVec) {
    let is_wanted = |value: Value| !value.is_null() && (numbers || value.is_object());
    let mut count = 0;
    through_storage(vm, object, but, |_| (), |value| count += is_wanted(value) as usize);
    found.make_room(vm, found.len + count);
    let mut held = heap::vec_with_capacity(count);
    through_storage(vm, object, but, |_| (), |value| held.extend(is_wanted(value).then_some(value)));
    // There is room for all: nothing is allocated, so the objects stay where they are.
    held.into_iter().for_each(|value| found.push(vm, value));
}

pub fn get_referrers(vm: &mut Vm, args: &CallArgs) -> PyResult {
    drop_the_dead(vm, "get_referrers");
    let all = tracked_objects(vm, &ALL);
    let mut found = ValueVec::with_capacity(vm, all.len);
    // Nothing is allocated from here on: the objects stay where they are.
    for &object in all.as_slice() {
        if refers_to(vm, object, args.values) {
            found.push(vm, object);
        }
    }
    Ok(vm.list_from(found))
}

/// Whether the object refers to one of `wanted`, through its storage. Allocates nothing.
fn refers_to(vm: &Vm, object: Value, wanted: &[Value]) -> bool {
    let ty = vm.type_of(object);
    if ty.has(flags::HEAP) && wanted.contains(&ty.value()) {
        return true;
    }
    let kind = vm.shape_of(object).kind;
    let mut any = false;
    if ty.has(flags::DICT) {
        let dict = cast::<Dict>(object);
        let mut at = dict_table::next_live(dict, 0);
        while let Some(entry) = at {
            any |= wanted.contains(&dict_table::key_at(dict, entry))
                || wanted.contains(&objects::dict::value_at(dict, entry));
            at = dict_table::next_live(dict, entry + 1);
        }
    }
    let numbers = matches!(kind, Kind::List | Kind::Tuple | Kind::Cell | Kind::Slice | Kind::Instance);
    let shape = vm.shape_of(object);
    any |= (0..64).filter(|&word| shape.is_float(word)).any(|word| {
        let bits = objects::instance::raw(object, word).get().to_bits();
        wanted.iter().any(|&value| exact_float(value).is_some_and(|x| x.to_bits() == bits))
    });
    let mut holds = |value: Value| any |= (numbers || value.is_object()) && wanted.contains(&value);
    through_storage(vm, object, &[], |_| (), &mut holds);
    any
}
