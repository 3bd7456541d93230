//! Looking names up along a class's MRO, and ending the assumptions of those who did when a class changes.

use crate::builtin_layouts::{Builtin, Member};
use crate::layout::cast;
use crate::shape::Kind;
use crate::ty::{Resolution, ResolutionKind, TypeRef, flags};
use crate::value_map::WordSet;
use crate::vm::Vm;
use heap::Value;

impl Vm {
    /// What `name` (interned) is along the MRO of `ty`, while `ty.data().version` holds.
    #[inline]
    pub fn resolve(&mut self, ty: TypeRef, name: Value) -> &'static Resolution {
        if let Some(resolution) = ty.data().resolutions.borrow().get(&name) {
            return resolution;
        }
        self.resolve_slow(ty, name)
    }

    #[inline(never)]
    fn resolve_slow(&mut self, ty: TypeRef, name: Value) -> &'static Resolution {
        let resolution = match self.find_in_mro(ty, name) {
            None => Resolution { value: None, kind: ResolutionKind::Absent, owner: None },
            Some((value, owner)) => {
                let mut kind = classify(self, value);
                if matches!(kind, ResolutionKind::Member(_))
                    && !ty.is_subtype(TypeRef::from_value(cast::<Member>(value).owner.get()))
                {
                    kind = ResolutionKind::Data;
                }
                if kind == ResolutionKind::Plain && owner.data().volatile.borrow().contains(&name) {
                    Resolution { value: None, kind: ResolutionKind::Volatile, owner: Some(owner) }
                } else {
                    Resolution { value: Some(self.keep(value)), kind, owner: Some(owner) }
                }
            }
        };
        let resolution: &'static Resolution = Box::leak(Box::new(resolution));
        ty.data().resolutions.borrow_mut().insert(name, resolution);
        resolution
    }

    /// The value of `name` (interned) along the MRO, unbound.
    #[inline]
    pub fn lookup_type(&mut self, ty: TypeRef, name: Value) -> Option<Value> {
        let resolution = self.resolve(ty, name);
        match resolution.value {
            Some(handle) => Some(self.thread.handle(handle)),
            None if resolution.kind == ResolutionKind::Absent => None,
            None => self.find_in_mro(ty, name).map(|(value, _)| value),
        }
    }

    /// The value and the class whose dictionary has it.
    pub fn find_in_mro(&mut self, ty: TypeRef, name: Value) -> Option<(Value, TypeRef)> {
        let mro = ty.data().mro.borrow();
        for &class in mro.iter() {
            let dict = class.0.dict.get();
            if !dict.is_null()
                && let Some(value) = self.dict_get_name(dict, name)
            {
                return Some((value, class));
            }
        }
        None
    }
}

/// How `value` behaves when found in a class.
pub fn classify(vm: &Vm, value: Value) -> ResolutionKind {
    if !value.is_object() {
        return ResolutionKind::Plain;
    }
    let shape = vm.shape_of(value);
    match shape.kind {
        Kind::Function => return ResolutionKind::Function,
        Kind::Builtin if shape.ty == vm.types.method_descriptor && !cast::<Builtin>(value).owner.get().is_null() => {
            return ResolutionKind::BuiltinMethod;
        }
        Kind::Property if shape.ty == vm.types.property => return ResolutionKind::Property,
        Kind::Member => return ResolutionKind::Member(cast::<Member>(value).index.get() as u32),
        _ => {}
    }
    if shape.ty == vm.types.classmethod {
        return ResolutionKind::ClassMethod;
    }
    if shape.ty == vm.types.staticmethod {
        return ResolutionKind::StaticMethod;
    }
    let slots = shape.ty.slots();
    match (slots.descr_get.is_some(), slots.descr_set.is_some()) {
        (_, true) => ResolutionKind::Data,
        (true, false) => ResolutionKind::NonData,
        (false, false) => ResolutionKind::Plain,
    }
}

/// The class and what derives from it, bases mostly before what derives from them.
pub fn with_subclasses(ty: TypeRef) -> Vec<TypeRef> {
    reachable(ty, |class, found| found.extend(class.data().subclasses.borrow().iter()))
}

/// The class and all that look attributes up in it.
fn dependents(ty: TypeRef) -> Vec<TypeRef> {
    reachable(ty, |class, found| {
        found.extend(class.data().subclasses.borrow().iter());
        found.extend(class.data().followers.borrow().iter());
    })
}

fn reachable(ty: TypeRef, add_next: impl Fn(TypeRef, &mut Vec<TypeRef>)) -> Vec<TypeRef> {
    let mut found = vec![ty];
    let mut seen = WordSet::from_iter([ty.value()]);
    let (mut at, mut next) = (0, Vec::new());
    while let Some(&class) = found.get(at) {
        at += 1;
        add_next(class, &mut next);
        found.extend(next.drain(..).filter(|class| seen.insert(class.value())));
    }
    found
}

/// The class or one of its bases was changed: whoever relied on its version must look again. Subclasses too.
pub fn changed(vm: &mut Vm, ty: TypeRef) {
    for class in dependents(ty) {
        end_version(vm, class);
    }
}

fn end_version(vm: &mut Vm, ty: TypeRef) {
    let data = ty.data();
    vm.thread.jit.invalidate(data.version);
    for (_, resolution) in data.resolutions.borrow_mut().drain() {
        vm.retired.extend(resolution.value);
    }
    data.generation.set(data.generation.get() + 1);
    // Classes are looked up by the plans of their metaclass's instances too.
    if ty.has(flags::TYPE) && ty != vm.types.type_ {
        let instances: Vec<TypeRef> =
            vm.all_types.iter().copied().filter(|class| vm.type_of(class.value()) == ty).collect();
        for class in instances {
            vm.thread.jit.invalidate(class.data().version);
            class.data().generation.set(class.data().generation.get() + 1);
        }
    }
}

/// Which halves of the descriptor protocol the instances of a class have: whether `__get__`, whether `__set__` or
/// `__delete__`.
pub fn descriptor_halves(ty: TypeRef) -> (bool, bool) {
    let slots = ty.slots();
    (slots.descr_get.is_some(), slots.descr_set.is_some())
}

/// The values that `is_meant` picks behave otherwise as descriptors now: classes whose attributes they are look again.
pub fn descriptors_changed(vm: &mut Vm, is_meant: impl Fn(&Vm, Value) -> bool) {
    let holds_one = |vm: &Vm, class: TypeRef| {
        let mut position = 0;
        while let Some((_, value)) = vm.dict_next(class.0.dict.get(), &mut position) {
            if value.is_object() && is_meant(vm, value) {
                return true;
            }
        }
        false
    };
    let holders: Vec<TypeRef> = vm.all_types.iter().copied().filter(|&class| holds_one(vm, class)).collect();
    for class in holders {
        changed(vm, class);
    }
}

/// Lets go of what classes have held before they were changed. Compiled code and recordings may still go by it: they must
/// not be under way.
pub fn release_retired(vm: &mut Vm) {
    if !vm.thread.is_interpreting() {
        return;
    }
    // The numbers are not given out again: nobody takes one value for another.
    for handle in std::mem::take(&mut vm.retired) {
        vm.thread.set_handle(handle, vm.none);
    }
}

/// `name` of `ty` is about to be `new` (NULL: deleted) instead of `old` (NULL: absent). Whether the class's version ends: not for
/// attributes that are assigned again and again.
pub fn assignment_changes(vm: &mut Vm, ty: TypeRef, name: Value, old: Value, new: Value) -> bool {
    if old.is_null() || new.is_null() {
        return true;
    }
    let plain = |vm: &Vm, value| classify(vm, value) == ResolutionKind::Plain;
    if !plain(vm, old) || !plain(vm, new) {
        return true;
    }
    // The first assignment makes it volatile; the version ends a last time.
    ty.data().volatile.borrow_mut().insert(name)
}
