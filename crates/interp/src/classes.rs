//! How calls of classes are planned.

use crate::handlers::call::ClassPlan;
use crate::handlers::construct::Native;
use metatrace::{Field, Lookup, Repr};
use objects::args::Consumer;
use objects::ty::{ResolutionKind, TypeData, TypeRef, flags};
use objects::vm::Vm;

/// Instances of more words than this are made the general way.
const MAX_WORDS: usize = 64;

/// The words of an object as fields, for filling fresh instances.
static WORDS: [Field; MAX_WORDS] = {
    let mut words = [Field { name: "word", offset: 0, repr: Repr::Ref, immutable: false }; MAX_WORDS];
    let mut i = 0;
    while i < MAX_WORDS {
        words[i].offset = i as u32 * 8;
        i += 1;
    }
    words
};

pub fn word_field(word: usize) -> &'static Field {
    &WORDS[word]
}

/// How the class with this `TypeData` (by address) makes instances, while its version holds.
pub fn class_plan(vm: &mut Vm, data: i64) -> Lookup<ClassPlan> {
    // SAFETY: the key is the field of a type object, which holds a `&'static TypeData`.
    let data: &'static TypeData = unsafe { &*(data as usize as *const TypeData) };
    if let Some(result) = native(vm, data.class) {
        return Lookup::lasting(data.version, result);
    }
    // Until the class has settled how many attributes its instances have in line, they are counted in the general way.
    if !data.settled.get() {
        let assumption = data.settling.get().unwrap_or_else(|| vm.thread.jit.new_assumption());
        data.settling.set(Some(assumption));
        return Lookup::lasting(assumption, &ClassPlan::Generic);
    }
    let assumption = data.version;
    let plan = plan_of(vm, data).unwrap_or(ClassPlan::Generic);
    Lookup::lasting(assumption, Box::leak(Box::new(plan)))
}

/// Of built-in classes, which never change.
fn native(vm: &Vm, ty: TypeRef) -> Option<&'static ClassPlan> {
    let types = &vm.types;
    Some(match ty {
        _ if ty == types.int => &ClassPlan::Native(Native::Int),
        _ if ty == types.float => &ClassPlan::Native(Native::Float),
        _ if ty == types.bool_ => &ClassPlan::Native(Native::Bool),
        _ if ty == types.complex => &ClassPlan::Native(Native::Complex),
        _ if ty == types.range => &ClassPlan::Native(Native::Range),
        _ if ty == types.type_ => &ClassPlan::Native(Native::Type),
        _ if ty == types.str_ => &ClassPlan::Native(Native::Str),
        _ if ty == types.list => &ClassPlan::Collection(Consumer::List),
        _ if ty == types.tuple => &ClassPlan::Collection(Consumer::Tuple),
        _ if ty == types.set => &ClassPlan::Collection(Consumer::Set),
        _ => return None,
    })
}

fn plan_of(vm: &mut Vm, data: &'static TypeData) -> Option<ClassPlan> {
    let ty = data.class;
    let plain_metaclass = vm.type_of(ty.value()) == vm.types.type_;
    let flags_needed = flags::HEAP;
    if !plain_metaclass || !ty.has(flags_needed) || ty.has(flags::ABSTRACT) || ty.has(flags::HAS_FINALIZER) {
        return None;
    }
    let object_new = vm.types.object.slots().new.map(|f| f as usize);
    if ty.slots().new.map(|f| f as usize) != object_new {
        return None;
    }
    let shape = data.shape.get()?;
    // Bases with a layout of their own have words that are no values.
    if shape.bytes() / 8 > MAX_WORDS || shape.dictionary || !data.layout.borrow().is_all_values() {
        return None;
    }
    let name = vm.intern("__init__");
    let init = vm.resolve(ty, name);
    match init.kind {
        ResolutionKind::Function => Some(ClassPlan::Init { shape, init: init.value? }),
        _ if ty.slots().init.map(|f| f as usize) == vm.types.object.slots().init.map(|f| f as usize) => {
            Some(ClassPlan::Bare { shape })
        }
        _ => None,
    }
}
