//! `weakref.ref` and what module `_weakref` needs; `proxy.rs` has the proxies.
//!
//! A reference object has one word that the collector does not follow and clears when the referent dies. The VM's table
//! has, for each referent, its references (weakly), so that there is one plain reference to an object at a time.

pub mod proxy;

use crate::args::{CallArgs, GetSetDef};
use crate::error::PyResult;
use crate::layout;
use crate::layout::{Object, cast};
use crate::shape::Kind;
use crate::slots::{CompareOp, Slots};
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::value_map::WordMap;
use crate::value_vec::ValueVec;
use crate::vm::Vm;
use heap::{Layout, RefMask, Value};

layout! {
    WeakRef {
        /// NULL once the referent has died. The collector clears it.
        referent REFERENT: i64;
        /// Called with the reference when the referent has died; NULL: nothing is.
        callback CALLBACK: Value;
        /// The referent's hash, a tagged integer; NULL while it was not asked for.
        hash HASH: Value;
        /// What the referent's `id` was: its key in the table.
        id ID: i64;
        /// References made later have higher numbers.
        serial SERIAL: i64;
    }

    /// A link of the table's chains: refers weakly to a reference.
    WeakLink {
        target TARGET: i64;
        next NEXT: Value;
    }
}

/// The word that is weak.
const WEAK_WORD: u16 = 1;

/// The references to each object, by its id.
#[derive(Default)]
pub struct WeakTable {
    /// Handles in effect: heads of chains of [`WeakLink`]s.
    chains: WordMap<u64, Value>,
    /// The number of the next reference.
    serial: i64,
    link_shape: Option<&'static crate::shape::Shape>,
}

impl WeakTable {
    pub(crate) fn visit_roots(&mut self, visitor: &mut heap::RootVisitor) {
        for chain in self.chains.values_mut() {
            visitor.precise(chain);
        }
    }
}

/// `__weakref__` of instances: one of the references, or None.
pub static WEAKREF_GETSET: GetSetDef = GetSetDef::read_only("__weakref__", |vm, object| {
    Ok(references(vm, object).as_slice().first().copied().unwrap_or(vm.none))
});

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.types.weakref = vm.new_builtin_type(
        TypeSpec {
            module: "weakref",
            flags: flags::BASETYPE,
            weak: Some(WEAK_WORD),
            slots: Slots {
                new: Some(new),
                init: Some(init_reference),
                call: Some(call),
                repr: Some(repr),
                hash: Some(hash),
                compare: Some(compare),
                ..Slots::default()
            },
            methods: const { &[crate::generic_alias::CLASS_GETITEM] },
            getset: const {
                &[GetSetDef::read_only("__callback__", |vm, reference| {
                    let callback = cast::<WeakRef>(reference).callback.get();
                    Ok(if callback.is_null() { vm.none } else { callback })
                })]
            },
            ..TypeSpec::of::<WeakRef>("ReferenceType", Kind::Other)
        },
        object,
    );
    proxy::init(vm);
    let layout = Layout::new(WeakLink::WORDS, RefMask::Bits(WeakLink::REFS)).with_weak(1);
    vm.weak.link_shape = Some(vm.new_shape(layout, Kind::Storage, object));
    vm.thread.heap.queue_cleared_weak(true);
}

/// The referent, or NULL if it has died.
pub fn referent(reference: Value) -> Value {
    Value(cast::<WeakRef>(reference).referent.get() as u64)
}

/// Whether references can be made to the object.
pub fn is_referable(vm: &Vm, object: Value) -> bool {
    if !object.is_object() {
        return false;
    }
    let ty = vm.type_of(object);
    let kind = vm.shape_of(object).kind;
    ty.has(flags::HAS_WEAKREF)
        || (kind == Kind::Builtin && ty != vm.types.method_descriptor)
        || matches!(kind, Kind::Function | Kind::Method | Kind::Type | Kind::Set | Kind::FrozenSet | Kind::Code)
        || matches!(kind, Kind::Module | Kind::Generator | Kind::Array)
}

/// The live references to an object: the plain reference and the plain proxy first, then the others, youngest first.
pub fn references(vm: &mut Vm, object: Value) -> ValueVec {
    let id = vm.thread.heap.id(object);
    let mut all = ValueVec::new();
    let Some(&chain) = vm.weak.chains.get(&id) else { return all };
    let mut at = chain;
    while !at.is_null() {
        let link = cast::<WeakLink>(at);
        let reference = Value(link.target.get() as u64);
        if !reference.is_null() && referent(reference) == object {
            all.push(vm, reference);
        }
        at = link.next.get();
    }
    let mut found = ValueVec::with_capacity(vm, all.len);
    for rank in 0..3 {
        for &reference in all.as_slice() {
            if rank_of(vm, reference) == rank {
                found.push(vm, reference);
            }
        }
    }
    found
}

/// Where a reference stands among those to one object.
fn rank_of(vm: &Vm, reference: Value) -> u32 {
    let ty = vm.type_of(reference);
    match cast::<WeakRef>(reference).callback.get().is_null() {
        true if ty == vm.types.weakref => 0,
        true if proxy::is_proxy(vm, reference) => 1,
        _ => 2,
    }
}

/// `weakref.ref(object, callback)`; the callback may be NULL.
pub fn new_reference(vm: &mut Vm, ty: TypeRef, object: Value, callback: Value) -> PyResult {
    if !is_referable(vm, object) {
        let name = full_type_name(vm, object);
        return Err(vm.type_error(format!("cannot create weak reference to '{name}' object")));
    }
    let callback = if callback == vm.none { Value::NULL } else { callback };
    if callback.is_null() && !ty.has(flags::HEAP) {
        let known = references(vm, object);
        let plain = |vm: &Vm, reference: &&Value| {
            vm.type_of(**reference) == ty && cast::<WeakRef>(**reference).callback.get().is_null()
        };
        if let Some(&known) = known.as_slice().iter().find(|reference| plain(vm, reference)) {
            return Ok(known);
        }
    }
    let reference = vm.new_instance(ty);
    let id = vm.thread.heap.id(object);
    let this = cast::<WeakRef>(reference);
    this.referent.set(object.0 as i64);
    this.id.set(id as i64);
    this.serial.set(vm.weak.serial);
    vm.weak.serial += 1;
    vm.write(reference, &this.callback, callback);
    let shape = vm.weak.link_shape.expect("made with the types");
    let link = vm.thread.heap.alloc_zeroed(shape.id, WeakLink::BYTES);
    let next = vm.weak.chains.get(&id).copied().unwrap_or(Value::NULL);
    // Links whose reference or referent has died are dropped on the way.
    let next = skip_dead(next);
    cast::<WeakLink>(link).target.set(reference.0 as i64);
    vm.write(link, &cast::<WeakLink>(link).next, next);
    vm.weak.chains.insert(id, link);
    if vm.weak.chains.len() > 1024 && vm.weak.chains.len().is_power_of_two() {
        prune(vm);
    }
    Ok(reference)
}

fn skip_dead(mut link: Value) -> Value {
    while !link.is_null() {
        let reference = Value(cast::<WeakLink>(link).target.get() as u64);
        if !reference.is_null() && !referent(reference).is_null() {
            break;
        }
        link = cast::<WeakLink>(link).next.get();
    }
    link
}

/// Forgets objects that have died.
fn prune(vm: &mut Vm) {
    vm.weak.chains.retain(|_, chain| {
        *chain = skip_dead(*chain);
        !chain.is_null()
    });
}

/// Calls the callbacks of references whose referents have died: those of one referent from the youngest to the oldest. At a
/// point where Python code may run.
pub fn run_callbacks(vm: &mut Vm) {
    if !vm.thread.heap.has_cleared_weak() {
        return;
    }
    let mut due = ValueVec::new();
    while let Some(object) = vm.thread.heap.take_cleared_weak() {
        let is_reference = vm.shape_of(object).kind != Kind::Storage
            && (vm.type_of(object).is_subtype(vm.types.weakref) || proxy::is_proxy(vm, object));
        if !is_reference {
            continue;
        }
        let reference = cast::<WeakRef>(object);
        forget(vm, reference.id.get() as u64);
        if !reference.callback.get().is_null() {
            due.push(vm, object);
        }
    }
    for i in calling_order(&due) {
        let object = due.get(i);
        let reference = cast::<WeakRef>(object);
        let callback = reference.callback.replace(Value::NULL);
        if let Err(raised) = vm.call(callback, &[object]) {
            let repr = vm.repr_text(callback).unwrap_or_default();
            let unraisable = vm.hooks.unraisable;
            unraisable(vm, raised.0, &format!("Exception ignored while calling weakref callback {repr}"), Value::NULL);
        }
    }
}

/// Forgets the references to an object that has died. Another one may have its id by now.
fn forget(vm: &mut Vm, id: u64) {
    let Some(&chain) = vm.weak.chains.get(&id) else { return };
    let chain = skip_dead(chain);
    if chain.is_null() {
        vm.weak.chains.remove(&id);
    } else {
        vm.weak.chains.insert(id, chain);
    }
}

/// Indices of references: grouped by what they referred to, the one that was referred to first at the front, and in each
/// group the youngest first.
fn calling_order(due: &ValueVec) -> Vec<usize> {
    let of = |i: &usize| {
        let reference = cast::<WeakRef>(due.get(*i));
        (reference.id.get(), reference.serial.get())
    };
    let mut oldest = std::collections::HashMap::new();
    for (id, serial) in (0..due.len).map(|i| of(&i)) {
        let first = oldest.entry(id).or_insert(serial);
        *first = serial.min(*first);
    }
    let mut order: Vec<usize> = (0..due.len).collect();
    order.sort_by_key(|i| {
        let (id, serial) = of(i);
        (oldest[&id], -serial)
    });
    order
}

/// The name of an object's type as messages of C code have it.
fn full_type_name(vm: &mut Vm, object: Value) -> String {
    let ty = vm.type_of(object);
    if ty.has(flags::HEAP) { ty.name() } else { vm.full_name(ty) }
}

fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    // A subclass may take keyword arguments in its `__init__`.
    if ty == vm.types.weakref {
        crate::arity::no_keywords(vm, "ref", args)?;
    }
    let positional = args.args();
    crate::arity::positional_count(vm, "__new__", positional, 1, 2)?;
    new_reference(vm, ty, positional[0], positional.get(1).copied().unwrap_or(Value::NULL))
}

/// All has been done; wrong arguments are an error all the same.
fn init_reference(vm: &mut Vm, _: Value, args: &CallArgs) -> PyResult<()> {
    crate::arity::positional_count(vm, "__init__", args.args(), 1, 2)
}

fn call(vm: &mut Vm, reference: Value, args: &CallArgs) -> PyResult {
    if !args.values.is_empty() {
        crate::arity::positional(vm, "weakref", args, 0, 0)?;
    }
    let object = referent(reference);
    Ok(if object.is_null() { vm.none } else { object })
}

fn repr(vm: &mut Vm, reference: Value) -> PyResult {
    let object = referent(reference);
    let address = vm.address(reference);
    let text = if object.is_null() {
        format!("<weakref at 0x{address:x}; dead>")
    } else {
        let (ty, target) = (vm.type_name(object), vm.address(object));
        let name = vm.names.__name__;
        // As the class defines it: `__getattr__` has no say.
        match vm.special_method(object, name)? {
            Some(name) if vm.is_str(name) => {
                let name = vm.text_of(name);
                format!("<weakref at 0x{address:x}; to '{ty}' at 0x{target:x} ({name})>")
            }
            _ => format!("<weakref at 0x{address:x}; to '{ty}' at 0x{target:x}>"),
        }
    };
    Ok(vm.new_str(&text))
}

fn hash(vm: &mut Vm, reference: Value) -> PyResult<i64> {
    let this = cast::<WeakRef>(reference);
    if !this.hash.get().is_null() {
        let hash = this.hash.get();
        return Ok(vm.as_i64(hash).expect("a hash is an int"));
    }
    let object = referent(reference);
    if object.is_null() {
        return Err(vm.type_error("weak object has gone away"));
    }
    let hash = vm.hash(object)?;
    let value = vm.int(hash);
    vm.write(reference, &this.hash, value);
    Ok(hash)
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    let ty = vm.types.weakref;
    let both = vm.type_of(a).is_subtype(ty) && vm.type_of(b).is_subtype(ty);
    if !both || !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(vm.not_implemented);
    }
    let (left, right) = (referent(a), referent(b));
    if left.is_null() || right.is_null() {
        return Ok(vm.bool((a == b) == (op == CompareOp::Eq)));
    }
    vm.compare(left, right, op)
}
