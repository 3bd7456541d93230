//! `C.__bases__ = …`: which bases a class can get, and what depends on them.
//!
//! The instances that there are stay as they are, so the new base must lay its instances out as the old one does. What counts
//! as the same is CPython's notion, not only the same words in the same places: two bases are the same but for classes that
//! add nothing, or each adds the same `__slots__` to one class.

use crate::error::PyResult;
use crate::ty::{TypeRef, flags};
use crate::type_::attributes::check_settable;
use crate::type_::{inherit, is_type, new_class, resolve};
use crate::vm::Vm;
use heap::Value;

pub(super) fn set(vm: &mut Vm, class: Value, value: Value) -> PyResult<()> {
    let ty = TypeRef::from_value(class);
    check_settable(vm, ty, "__bases__", value)?;
    let bases = check_bases(vm, ty, value)?;
    let best = new_class::best_base(vm, &bases)?;
    let old_best = ty.data().base.get().expect("a class has a base");
    check_layout(vm, old_best, best)?;
    let old_value = ty.0.bases.get();
    let old = bases_of(ty);
    vm.write(class, &ty.0.bases, value);
    ty.data().base.set(Some(best));
    let mut former = Vec::new();
    if let Err(raised) = order_anew(vm, ty, &mut former) {
        for (class, order) in former.into_iter().rev() {
            new_class::set_mro(vm, class, order);
        }
        vm.write(class, &ty.0.bases, old_value);
        ty.data().base.set(Some(old_best));
        resolve::changed(vm, ty);
        return Err(raised);
    }
    for base in old {
        base.data().subclasses.borrow_mut().retain(|&class| class != ty);
    }
    for base in bases {
        base.data().subclasses.borrow_mut().push(ty);
    }
    resolve::changed(vm, ty);
    for class in resolve::with_subclasses(ty) {
        let before = resolve::descriptor_halves(class);
        inherit::fill_slots(vm, class);
        if resolve::descriptor_halves(class) != before {
            resolve::descriptors_changed(vm, |vm, value| vm.type_of(value) == class);
        }
    }
    Ok(())
}

fn bases_of(ty: TypeRef) -> Vec<TypeRef> {
    crate::tuple::items(ty.0.bases.get()).iter().map(|&base| TypeRef::from_value(base)).collect()
}

/// A tuple of classes that do not derive from `ty`.
fn check_bases(vm: &mut Vm, ty: TypeRef, value: Value) -> PyResult<Vec<TypeRef>> {
    let name = ty.name();
    if !vm.type_of(value).has(flags::TUPLE) {
        let given = vm.type_name(value);
        return Err(vm.type_error(format!("can only assign tuple to {name}.__bases__, not {given}")));
    }
    let items = crate::tuple::items(value);
    if items.is_empty() {
        return Err(vm.type_error(format!("can only assign non-empty tuple to {name}.__bases__, not ()")));
    }
    let mut bases = Vec::new();
    for &base in items {
        if !is_type(vm, base) {
            let given = vm.type_name(base);
            return Err(vm.type_error(format!("{name}.__bases__ must be tuple of classes, not '{given}'")));
        }
        let base = TypeRef::from_value(base);
        // By its bases too: a metaclass's `mro()` may have left the class out.
        let chain = std::iter::successors(Some(base), |class| class.data().base.get());
        if base.is_subtype(ty) || chain.into_iter().any(|class| class == ty) {
            return Err(vm.type_error("a __bases__ item causes an inheritance cycle"));
        }
        bases.push(base);
    }
    Ok(bases)
}

/// New orders for the class and all that derive from it; `former` gets those before.
fn order_anew(vm: &mut Vm, ty: TypeRef, former: &mut Vec<(TypeRef, Vec<TypeRef>)>) -> PyResult<()> {
    let order = new_class::order_of(vm, ty, &bases_of(ty))?;
    former.push((ty, ty.data().mro.borrow().clone()));
    new_class::set_mro(vm, ty, order);
    resolve::changed(vm, ty);
    let subclasses = ty.data().subclasses.borrow().clone();
    for subclass in subclasses {
        order_anew(vm, subclass, former)?;
    }
    Ok(())
}

fn check_layout(vm: &mut Vm, old: TypeRef, new: TypeRef) -> PyResult<()> {
    let what = if is_collected(vm, old) != is_collected(vm, new) {
        "deallocator"
    } else if !same_layout(old, new) {
        "object layout"
    } else {
        return Ok(());
    };
    let (new, old) = (new.name(), old.name());
    Err(vm.type_error(format!("__bases__ assignment: '{new}' {what} differs from '{old}'")))
}

/// Whether CPython's collector watches the instances; those of a class written in Python always.
fn is_collected(vm: &Vm, ty: TypeRef) -> bool {
    let plain = flags::INT | flags::STR | flags::BYTES | flags::FLOAT | flags::COMPLEX;
    ty.has(flags::HEAP) || !(ty.has(plain) || ty == vm.types.object || ty == vm.types.bytearray)
}

/// Whether instances of one class can become instances of the other, or of what derives from it.
pub(crate) fn same_layout(old: TypeRef, new: TypeRef) -> bool {
    let (old_root, new_root) = (without_idle(old), without_idle(new));
    let alike = old_root == new_root
        || old_root.data().base.get() == new_root.data().base.get() && add_the_same(old_root, new_root);
    // What CPython takes for the same has to be the same here.
    let (old, new) = (old.data().layout.borrow(), new.data().layout.borrow());
    alike
        && (old.fixed_words, old.overflow_word, old.kind) == (new.fixed_words, new.overflow_word, new.kind)
        && old.refs == new.refs
}

/// The class, or the nearest of its bases that adds something to the instances of its own base.
fn without_idle(mut ty: TypeRef) -> TypeRef {
    while let Some(base) = ty.data().base.get()
        && adds_nothing(ty, base)
    {
        ty = base;
    }
    ty
}

fn adds_nothing(ty: TypeRef, base: TypeRef) -> bool {
    const EXTRAS: u32 = flags::HAS_DICT | flags::HAS_WEAKREF;
    let same_flags = |mask: u32| ty.data().flags.get() & mask == base.data().flags.get() & mask;
    if ty.has(flags::HEAP) {
        return ty.data().members.borrow().is_empty() && same_flags(EXTRAS);
    }
    let (own, inherited) = (ty.data().layout.borrow(), base.data().layout.borrow());
    let same_words = (own.fixed_words, own.overflow_word, own.kind, own.solid)
        == (inherited.fixed_words, inherited.overflow_word, inherited.kind, inherited.solid);
    same_words && same_flags(EXTRAS | flags::WRAPPED) && !crate::exceptions::fields::adds_fields(ty)
}

/// Whether two classes written in Python add the same to the instances of their base.
fn add_the_same(a: TypeRef, b: TypeRef) -> bool {
    const EXTRAS: u32 = flags::HAS_DICT | flags::HAS_WEAKREF;
    a.has(flags::HEAP)
        && b.has(flags::HEAP)
        && a.data().flags.get() & EXTRAS == b.data().flags.get() & EXTRAS
        && *a.data().members.borrow() == *b.data().members.borrow()
}
