//! Plans for handlers: formats of a few numbers.

use super::format::{self, Content, Program};
use heap::Value;
use metatrace::{CallEffect, Callee, Function, Repr, Ty};
use objects::shape::{Kind, is_exact};
use objects::struct_plan::{MAX_PLANNED, Packed, PlannedField, Struct, StructAction, StructIntrinsic, StructPlan};
use objects::vm::Vm;
use std::collections::HashMap;

/// See [`StructIntrinsic::plan`]. The answer depends on the format's text alone: a plan stays what it is, and formats
/// beyond [`MAX_PLANS`] never have one.
pub static PLAN: Callee = Callee {
    name: "struct_plan",
    function: Function::F1(plan),
    operands: &[Ty::Ref],
    result: Ty::Int,
    effect: CallEffect::Pure,
};

pub static UNPACK: StructIntrinsic = StructIntrinsic { plan: &PLAN, action: StructAction::Unpack, format: None };
pub static UNPACK_FROM: StructIntrinsic = StructIntrinsic { action: StructAction::UnpackFrom, ..UNPACK };
pub static PACK_INTO: StructIntrinsic = StructIntrinsic { action: StructAction::PackInto, ..UNPACK };

/// The methods of `Struct`.
pub static STRUCT_UNPACK: StructIntrinsic = StructIntrinsic { format: Some(Struct::FORMAT), ..UNPACK };
pub static STRUCT_UNPACK_FROM: StructIntrinsic = StructIntrinsic { format: Some(Struct::FORMAT), ..UNPACK_FROM };
pub static STRUCT_PACK_INTO: StructIntrinsic = StructIntrinsic { format: Some(Struct::FORMAT), ..PACK_INTO };

/// Plans are never freed.
const MAX_PLANS: usize = 1000;

#[derive(Default)]
struct Plans {
    /// By format; `None`: it has none.
    known: HashMap<Vec<u8>, Option<&'static StructPlan>>,
}

extern "C" fn plan(context: *mut u8, format: u64) -> u64 {
    // SAFETY: every callee is called with the context of the running thread, which nobody else uses meanwhile.
    let vm = unsafe { &mut *context.cast::<Vm>() };
    let format = Value(format);
    let text = if is_exact(format, Kind::Str) {
        vm.str_bytes(format)
    } else if is_exact(format, Kind::Bytes) {
        vm.bytes(format)
    } else {
        return 0;
    };
    let plans = vm.extension::<Plans>();
    let plan = match plans.known.get(text) {
        Some(plan) => *plan,
        None if plans.known.len() == MAX_PLANS => None,
        None => {
            let plan = format::compile(text).ok().and_then(planned).map(|plan| &*Box::leak(Box::new(plan)));
            plans.known.insert(text.to_vec(), plan);
            plan
        }
    };
    plan.map_or(0, |plan| std::ptr::from_ref(plan).addr() as u64)
}

fn planned(program: Program) -> Option<StructPlan> {
    if program.values == 0 || program.values > MAX_PLANNED {
        return None;
    }
    let is_foreign = program.big_endian != cfg!(target_endian = "big");
    let mut fields = Vec::new();
    for field in &program.fields {
        let content = content_of(field.content, field.size)?;
        let swapped = is_foreign && field.size > 1;
        if swapped && content == Packed::Flt(Repr::F32) {
            return None;
        }
        for i in 0..field.count {
            fields.push(PlannedField { offset: (field.offset + i * field.size) as i64, content, swapped });
        }
    }
    Some(StructPlan { size: program.size as i64, fields: fields.into() })
}

fn content_of(content: Content, size: usize) -> Option<Packed> {
    Some(match (content, size) {
        (Content::Int { signed: true }, 1) => Packed::Int(Repr::I8),
        (Content::Int { signed: false }, 1) => Packed::Int(Repr::U8),
        (Content::Int { signed: true }, 2) => Packed::Int(Repr::I16),
        (Content::Int { signed: false }, 2) => Packed::Int(Repr::U16),
        (Content::Int { signed: true }, 4) => Packed::Int(Repr::I32),
        (Content::Int { signed: false }, 4) => Packed::Int(Repr::U32),
        (Content::Int { signed: true }, 8) => Packed::Int(Repr::I64),
        (Content::Int { signed: false }, 8) => Packed::Unsigned64,
        (Content::Float, 4) => Packed::Flt(Repr::F32),
        (Content::Float, 8) => Packed::Flt(Repr::F64),
        (Content::Bool, 1) => Packed::Bool,
        _ => return None,
    })
}
