//! `weakref.ref`, `weakref.proxy` and what module `_weakref` needs.
//!
//! A reference object has one word that the collector does not follow and clears when the referent dies. The VM's table
//! has, for each referent, its references (weakly), so that there is one plain reference to an object at a time.

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
                init: Some(|_, _, _| Ok(())),
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
    let proxy = |name: &'static str, call: Option<fn(&mut Vm, Value, &CallArgs) -> PyResult>| TypeSpec {
        module: "weakref",
        flags: flags::NO_NEW,
        weak: Some(WEAK_WORD),
        slots: Slots { call, ..proxy_slots() },
        ..TypeSpec::of::<WeakRef>(name, Kind::Other)
    };
    vm.types.weak_proxy = vm.new_builtin_type(proxy("ProxyType", None), object);
    vm.types.weak_callable_proxy = vm.new_builtin_type(
        proxy(
            "CallableProxyType",
            Some(|vm, proxy, args| {
                let object = target(vm, proxy)?;
                vm.call_kw(object, args)
            }),
        ),
        object,
    );
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
    ty.has(flags::HAS_WEAKREF)
        || matches!(vm.shape_of(object).kind, Kind::Function | Kind::Method | Kind::Builtin | Kind::Type | Kind::Set)
        || matches!(
            vm.shape_of(object).kind,
            Kind::FrozenSet | Kind::Code | Kind::Module | Kind::Generator | Kind::Array
        )
}

/// The live references to an object, oldest last.
pub fn references(vm: &mut Vm, object: Value) -> ValueVec {
    let id = vm.thread.heap.id(object);
    let mut found = ValueVec::new();
    let Some(&chain) = vm.weak.chains.get(&id) else { return found };
    let mut at = chain;
    while !at.is_null() {
        let link = cast::<WeakLink>(at);
        let reference = Value(link.target.get() as u64);
        if !reference.is_null() && referent(reference) == object {
            found.push(vm, reference);
        }
        at = link.next.get();
    }
    found
}

/// `weakref.ref(object, callback)`; the callback may be NULL.
pub fn new_reference(vm: &mut Vm, ty: TypeRef, object: Value, callback: Value) -> PyResult {
    if !is_referable(vm, object) {
        let name = vm.type_name(object);
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

/// Calls the callbacks of references whose referents have died. At a point where Python code may run.
pub fn run_callbacks(vm: &mut Vm) {
    while let Some(object) = vm.thread.heap.take_cleared_weak() {
        let ty = vm.type_of(object);
        let is_reference =
            ty.is_subtype(vm.types.weakref) || ty == vm.types.weak_proxy || ty == vm.types.weak_callable_proxy;
        if !is_reference || vm.shape_of(object).kind == Kind::Storage {
            continue;
        }
        let reference = cast::<WeakRef>(object);
        let callback = reference.callback.get();
        vm.weak.chains.remove(&(reference.id.get() as u64));
        if callback.is_null() {
            continue;
        }
        reference.callback.set(Value::NULL);
        if let Err(raised) = vm.call(callback, &[object]) {
            let unraisable = vm.hooks.unraisable;
            unraisable(vm, raised.0, "Exception ignored while calling weakref callback", callback);
        }
    }
}

fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    // A subclass may take more in its `__init__`.
    let positional = args.args();
    if ty == vm.types.weakref {
        crate::arity::positional(vm, "ref", args, 1, 2)?;
    }
    let Some(&object) = positional.first() else {
        return Err(vm.type_error("ref expected at least 1 argument, got 0"));
    };
    new_reference(vm, ty, object, positional.get(1).copied().unwrap_or(Value::NULL))
}

/// `weakref.proxy(object, callback)`.
pub fn new_proxy(vm: &mut Vm, object: Value, callback: Value) -> PyResult {
    let ty = if vm.is_callable(object) { vm.types.weak_callable_proxy } else { vm.types.weak_proxy };
    new_reference(vm, ty, object, callback)
}

fn call(vm: &mut Vm, reference: Value, args: &CallArgs) -> PyResult {
    if !args.values.is_empty() {
        crate::arity::positional(vm, "ReferenceType", args, 0, 0)?;
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
        match vm.getattr_opt(object, name)? {
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

/// What a proxy stands for, or ReferenceError.
fn target(vm: &mut Vm, proxy: Value) -> PyResult {
    let object = referent(proxy);
    if object.is_null() { Err(vm.reference_error("weakly-referenced object no longer exists")) } else { Ok(object) }
}

/// An operand: what it stands for if it is a proxy.
fn operand(vm: &mut Vm, value: Value) -> PyResult {
    let ty = vm.type_of(value);
    if ty == vm.types.weak_proxy || ty == vm.types.weak_callable_proxy { target(vm, value) } else { Ok(value) }
}

macro_rules! forward_binary {
    ($($op:ident)*) => { [$(|vm, a, b| {
        let (a, b) = (operand(vm, a)?, operand(vm, b)?);
        vm.binary_op(crate::protocol::number::BinaryOp::$op, a, b)
    }),*] };
}

fn proxy_slots() -> Slots {
    let binary: [crate::slots::Binary; 12] = forward_binary!(Add Subtract Multiply MatrixMultiply TrueDivide FloorDivide
        Remainder LeftShift RightShift And Xor Or);
    let [add, sub, mul, matmul, truediv, floordiv, modulo, lshift, rshift, and, xor, or] = binary.map(Some);
    Slots {
        repr: Some(|vm, proxy| {
            let object = referent(proxy);
            let (address, ty, target) = (vm.address(proxy), vm.type_name(object), vm.address(object));
            Ok(vm.new_str(&format!("<weakproxy at 0x{address:x} to {ty} at 0x{target:x}>")))
        }),
        str: Some(|vm, proxy| {
            let object = target(vm, proxy)?;
            vm.str_of(object)
        }),
        hash: Some(crate::object::hash_not_implemented),
        getattr: Some(|vm, proxy, name| {
            let object = target(vm, proxy)?;
            vm.getattr(object, name)
        }),
        setattr: Some(|vm, proxy, name, value| {
            let object = target(vm, proxy)?;
            if value.is_null() { vm.delattr(object, name) } else { vm.setattr(object, name, value) }
        }),
        compare: Some(|vm, a, b, op| {
            let (a, b) = (operand(vm, a)?, operand(vm, b)?);
            vm.compare(a, b, op)
        }),
        iter: Some(|vm, proxy| {
            let object = target(vm, proxy)?;
            vm.iter(object)
        }),
        next: Some(|vm, proxy| {
            let object = target(vm, proxy)?;
            if vm.type_of(object).slots().next.is_none() {
                let name = vm.type_name(object);
                return Err(vm.type_error(format!("Weakref proxy referenced a non-iterator '{name}' object")));
            }
            vm.next(object)
        }),
        len: Some(|vm, proxy| {
            let object = target(vm, proxy)?;
            vm.len(object)
        }),
        getitem: Some(|vm, proxy, key| {
            let object = target(vm, proxy)?;
            vm.getitem(object, key)
        }),
        setitem: Some(|vm, proxy, key, value| {
            let object = target(vm, proxy)?;
            if value.is_null() { vm.delitem(object, key) } else { vm.setitem(object, key, value) }
        }),
        contains: Some(|vm, proxy, item| {
            let object = target(vm, proxy)?;
            vm.contains(object, item)
        }),
        bool: Some(|vm, proxy| {
            let object = target(vm, proxy)?;
            vm.truth(object)
        }),
        neg: Some(|vm, proxy| {
            let object = target(vm, proxy)?;
            vm.negative(object)
        }),
        pos: Some(|vm, proxy| {
            let object = target(vm, proxy)?;
            vm.positive(object)
        }),
        abs: Some(|vm, proxy| {
            let object = target(vm, proxy)?;
            vm.absolute(object)
        }),
        invert: Some(|vm, proxy| {
            let object = target(vm, proxy)?;
            vm.invert(object)
        }),
        index: Some(|vm, proxy| {
            let object = target(vm, proxy)?;
            vm.index_big(object)
        }),
        add,
        sub,
        mul,
        matmul,
        truediv,
        floordiv,
        modulo,
        lshift,
        rshift,
        and,
        xor,
        or,
        ..Slots::default()
    }
}
