//! Operators of instances: a method of their class that is written in Python runs as part of the instruction, and so becomes
//! part of a trace.

use crate::callees;
use crate::callees::calls::RECURSION_ERROR;
use crate::handlers::arith::op;
use crate::machine::*;
use crate::slots;
use metatrace::{Operand, Site};
use objects::attribute::AttributePlan;
use objects::builtin_layouts::Function;
use objects::code::Code;
use objects::shape::{Kind, Shape};
use syntax::CodeFlags;

/// By BINARY_OP's number: symbol, method, reflected method, in-place method. The power operator, whose method may take three
/// arguments, is not among them.
const METHODS: [Option<[&str; 4]>; 13] = [
    Some(["+", "__add__", "__radd__", "__iadd__"]),
    Some(["&", "__and__", "__rand__", "__iand__"]),
    Some(["//", "__floordiv__", "__rfloordiv__", "__ifloordiv__"]),
    Some(["<<", "__lshift__", "__rlshift__", "__ilshift__"]),
    Some(["@", "__matmul__", "__rmatmul__", "__imatmul__"]),
    Some(["*", "__mul__", "__rmul__", "__imul__"]),
    Some(["%", "__mod__", "__rmod__", "__imod__"]),
    Some(["|", "__or__", "__ror__", "__ior__"]),
    None,
    Some([">>", "__rshift__", "__rrshift__", "__irshift__"]),
    Some(["-", "__sub__", "__rsub__", "__isub__"]),
    Some(["/", "__truediv__", "__rtruediv__", "__itruediv__"]),
    Some(["^", "__xor__", "__rxor__", "__ixor__"]),
];

callees! {
    /// What follows when the method declined: after an in-place method the binary operator, otherwise the error.
    DECLINED: fn declined(vm, operation: Int, a: Ref, b: Ref) -> Ref, RunsGuest {
        let in_place = operation >= op::INPLACE as i64;
        let number = if in_place { operation - op::INPLACE as i64 } else { operation };
        let names = METHODS[number as usize].unwrap_or_default();
        let own = vm.intern(names[3]);
        let ty = vm.type_of(a);
        if in_place && vm.lookup_type(ty, own).is_some() {
            return vm.binary(number as u32, a, b);
        }
        let (left, right) = (ty.name(), vm.type_of(b).name());
        let (symbol, equals) = (names[0], if in_place { "=" } else { "" });
        Err(vm.type_error(format!("unsupported operand type(s) for {symbol}{equals}: '{left}' and '{right}'")))
    }
}

/// `a op b` where one method alone can answer: both are instances of one class, or one is a number. `None`: the operator
/// protocol decides.
pub fn binary<M: PyMachine>(
    m: &mut M,
    site: &'static Site,
    operation: u32,
    a: M::Ref,
    b: M::Ref,
) -> Result<Option<M::Ref>, M::Ref> {
    let in_place = operation >= op::INPLACE;
    let number = if in_place { operation - op::INPLACE } else { operation };
    let Some(&Some(names)) = METHODS.get(number as usize) else { return Ok(None) };
    let result = match (tag(m, a), tag(m, b)) {
        (Tag::Object(left), right) if left.kind == Kind::Instance => {
            if let Tag::Object(right) = right
                && right.ty != left.ty
            {
                return Ok(None);
            }
            let in_place = in_place.then_some(names[3]);
            call(m, site, left, number | (in_place.is_some() as u32) << 8, in_place, names[1], a, b)?
        }
        (Tag::Int | Tag::Float, Tag::Object(right)) if right.kind == Kind::Instance => {
            call(m, site, right, number | 2 << 8, None, names[2], b, a)?
        }
        _ => None,
    };
    let Some(result) = result else { return Ok(None) };
    let declined = m.context().not_implemented;
    let declined = m.constant(declined);
    let declined = m.ref_eq(result, declined);
    if !m.decide(declined) {
        return Ok(Some(result));
    }
    let operation = int_operand(m, operation as i64);
    let result = m.call_ref(&DECLINED, &[operation, Operand::Ref(a), Operand::Ref(b)]);
    check(m, result).map(Some)
}

/// Calls the first of the methods that the class has, with two arguments. `None`: it is not a Python function that simply
/// takes them.
#[allow(clippy::too_many_arguments)]
fn call<M: PyMachine>(
    m: &mut M,
    site: &'static Site,
    shape: &'static Shape,
    which: u32,
    first: Option<&'static str>,
    second: &'static str,
    receiver: M::Ref,
    argument: M::Ref,
) -> Result<Option<M::Ref>, M::Ref> {
    let key = shape.id.0 as i64 | (which as i64) << 32;
    let plan = m.lookup(site, key, |vm| {
        let first = first.map(|name| vm.intern(name));
        let found = first.filter(|&name| vm.lookup_type(shape.ty, name).is_some());
        let name = found.unwrap_or_else(|| vm.intern(second));
        vm.attribute_plan(shape, name)
    });
    let AttributePlan::Method(handle) = *plan else { return Ok(None) };
    let function = m.handle(handle);
    if object_kind(m, function) != Some(Kind::Function) {
        return Ok(None);
    }
    let code = m.get_int(function, Function::CODE);
    let code = Code::from_token(m.promote_int(code));
    if !code.flags.has(CodeFlags::OPTIMIZED) || code.plain_parameters != Some(2) {
        return Ok(None);
    }
    let Some(window) = m.window(code) else { return Err(raise(m, &RECURSION_ERROR, &[])) };
    let globals = m.get_ref(function, Function::GLOBALS);
    let fixed = [
        (slots::FUNCTION, function),
        (slots::GLOBALS, globals),
        (slots::FIRST_LOCAL, receiver),
        (slots::FIRST_LOCAL + 1, argument),
    ];
    for (slot, value) in fixed {
        // SAFETY: the window has the code's slots; the parameters are the first locals.
        unsafe { *window.add(slot) = value };
    }
    m.call_code(code, window, 0, code.first_local + code.local_count).map(Some)
}
