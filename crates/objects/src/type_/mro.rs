//! The method resolution order: C3 linearization.

use crate::error::PyResult;
use crate::ty::TypeRef;
use crate::vm::Vm;

/// The order for a class `ty` with these bases, `ty` first; `Err`: the bases left when no candidate was good.
pub fn linearize(ty: TypeRef, bases: &[TypeRef]) -> Result<Vec<TypeRef>, Vec<TypeRef>> {
    let mut order = vec![ty];
    if let [base] = bases {
        order.extend(base.data().mro.borrow().iter().copied());
        return Ok(order);
    }
    // Reversed, so that heads are popped off.
    let mut sequences: Vec<Vec<TypeRef>> =
        bases.iter().map(|base| base.data().mro.borrow().iter().rev().copied().collect()).collect();
    sequences.push(bases.iter().rev().copied().collect());
    loop {
        sequences.retain(|sequence| !sequence.is_empty());
        if sequences.is_empty() {
            return Ok(order);
        }
        let in_tail =
            |candidate: &TypeRef| sequences.iter().any(|sequence| sequence[..sequence.len() - 1].contains(candidate));
        let heads = || sequences.iter().filter_map(|sequence| sequence.last().copied());
        match heads().find(|head| !in_tail(head)) {
            Some(next) => {
                order.push(next);
                for sequence in &mut sequences {
                    if sequence.last() == Some(&next) {
                        sequence.pop();
                    }
                }
            }
            None => {
                let mut rest = Vec::new();
                for head in heads() {
                    if !rest.contains(&head) {
                        rest.push(head);
                    }
                }
                return Err(rest);
            }
        }
    }
}

/// The same with CPython's errors.
pub fn compute(vm: &mut Vm, ty: TypeRef, bases: &[TypeRef]) -> PyResult<Vec<TypeRef>> {
    for (i, base) in bases.iter().enumerate() {
        if base.data().mro.borrow().is_empty() {
            return Err(vm.type_error(format!("Cannot extend an incomplete type '{}'", base.name())));
        }
        if bases[..i].contains(base) {
            return Err(vm.type_error(format!("duplicate base class {}", base.name())));
        }
    }
    linearize(ty, bases).map_err(|rest| {
        let names: Vec<String> = rest.iter().map(|ty| ty.name()).collect();
        let names = names.join(", ");
        vm.type_error(format!("Cannot create a consistent method resolution order (MRO) for bases {names}"))
    })
}
