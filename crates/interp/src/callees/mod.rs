//! The Rust functions that handlers and compiled code call: what is not traced through.

pub mod attributes;
pub mod calls;
pub mod exceptions;
pub mod generators;
pub mod imports;
pub mod iteration;
pub mod matching;
pub mod names;
pub mod operators;
pub mod structures;
pub mod subscripts;

use metatrace::{CallEffect, Callee};
use objects::error::Raised;
use objects::vm::Vm;

/// Declares callees: the static row and the function with the C calling convention behind it.
///
/// `NAME: fn name(vm, operand: Type, …) -> Type, Effect { body }`. Operand types: `Ref` (a `Value`), `Int` (`i64`),
/// `Flt` (`f64`). A result `Ref` comes from a body of type `PyResult`: an error leaves its exception pending and gives NULL.
/// A result `Try` comes from the same, but an error gives NULL and no exception: the caller goes the general way, which raises
/// it. What raises sees the exception being handled in the frames, and compiled code shows them only to what may run Python code.
/// A result `TryTruth` is `Truth` in that way. A result `Bare` is `Ref` of a callee that does not see the frames and raises all the
/// same: an exception that was raised before, or one that the caller passes through [`raise_anew`](crate::machine::raise_anew).
/// A result `Truth` comes from `PyResult<bool>`: 0, 1, or -1 with an exception pending. `Int`, `Flt`, `Bool`, `Void` cannot fail,
/// so their bodies ask for no large memory. Where one of the others is refused memory, it raises MemoryError.
#[macro_export]
macro_rules! callees {
    ($($(#[$meta:meta])* $konst:ident: fn $name:ident($vm:ident $(, $operand:ident: $ty:ident)*) -> $result:ident, $effect:ident $body:block)*) => {
        $(
            $(#[$meta])*
            pub static $konst: metatrace::Callee = metatrace::Callee {
                name: stringify!($name),
                function: $crate::callees!(@function $name $($operand)*),
                operands: &[$($crate::callees!(@ty $ty)),*],
                result: $crate::callees!(@ty $result),
                effect: metatrace::CallEffect::$effect,
            };

            #[allow(unused_mut)]
            extern "C" fn $name(context: *mut u8 $(, $operand: u64)*) -> u64 {
                let $vm = $crate::machine::vm_of(context);
                $(let $operand = $crate::callees!(@operand $ty $operand);)*
                $crate::callees!(@result $result $vm $konst $body)
            }
        )*
    };
    (@function $name:ident) => { metatrace::Function::F0($name) };
    (@function $name:ident $a:ident) => { metatrace::Function::F1($name) };
    (@function $name:ident $a:ident $b:ident) => { metatrace::Function::F2($name) };
    (@function $name:ident $a:ident $b:ident $c:ident) => { metatrace::Function::F3($name) };
    (@function $name:ident $a:ident $b:ident $c:ident $d:ident) => { metatrace::Function::F4($name) };
    (@function $name:ident $a:ident $b:ident $c:ident $d:ident $e:ident) => { metatrace::Function::F5($name) };
    (@ty Ref) => { metatrace::Ty::Ref };
    (@ty Int) => { metatrace::Ty::Int };
    (@ty Truth) => { metatrace::Ty::Int };
    (@ty Bare) => { metatrace::Ty::Ref };
    (@ty Try) => { metatrace::Ty::Ref };
    (@ty TryTruth) => { metatrace::Ty::Int };
    (@ty Flt) => { metatrace::Ty::Flt };
    (@ty Bool) => { metatrace::Ty::Bool };
    (@ty Void) => { metatrace::Ty::Void };
    (@operand Ref $x:ident) => { heap::Value($x) };
    (@operand Int $x:ident) => { $x as i64 };
    (@operand Flt $x:ident) => { f64::from_bits($x) };
    (@result Ref $vm:ident $konst:ident $body:block) => {{
        let result: objects::error::PyResult = $vm.refusable(|$vm| $body);
        match result {
            Ok(value) => value.0,
            Err(raised) => { $crate::callees::raised($vm, &$konst, raised); 0 }
        }
    }};
    (@result Bare $vm:ident $konst:ident $body:block) => {{
        let result: objects::error::PyResult = $vm.refusable(|$vm| $body);
        match result {
            Ok(value) => value.0,
            Err(raised) => { $vm.set_pending(raised); 0 }
        }
    }};
    (@result Try $vm:ident $konst:ident $body:block) => {{
        let result: objects::error::PyResult = $vm.refusable(|$vm| $body);
        result.map_or(0, |value| value.0)
    }};
    (@result TryTruth $vm:ident $konst:ident $body:block) => {{
        let result: objects::error::PyResult<bool> = $vm.refusable(|$vm| $body);
        result.map_or(-1i64 as u64, |truth| truth as u64)
    }};
    (@result Truth $vm:ident $konst:ident $body:block) => {{
        let result: objects::error::PyResult<bool> = $vm.refusable(|$vm| $body);
        match result {
            Ok(truth) => truth as u64,
            Err(raised) => { $crate::callees::raised($vm, &$konst, raised); -1i64 as u64 }
        }
    }};
    (@result Int $vm:ident $konst:ident $body:block) => {{ let x: i64 = $body; x as u64 }};
    (@result Flt $vm:ident $konst:ident $body:block) => {{ let x: f64 = $body; x.to_bits() }};
    (@result Bool $vm:ident $konst:ident $body:block) => {{ let x: bool = $body; x as u64 }};
    (@result Void $vm:ident $konst:ident $body:block) => {{ let () = $body; 0 }};
}

/// Declares callees that take a slice: the first operand, then the others.
#[macro_export]
macro_rules! slice_callees {
    ($($(#[$meta:meta])* $konst:ident: fn $name:ident($vm:ident, $first:ident, $rest:ident) -> $result:ident, $effect:ident $body:block)*) => {
        $(
            $(#[$meta])*
            pub static $konst: metatrace::Callee = metatrace::Callee {
                name: stringify!($name),
                function: metatrace::Function::Slice($name),
                operands: &[],
                result: $crate::callees!(@ty $result),
                effect: metatrace::CallEffect::$effect,
            };

            extern "C" fn $name(context: *mut u8, first: u64, rest: *const u64, count: u64) -> u64 {
                let $vm = $crate::machine::vm_of(context);
                let $first = heap::Value(first);
                // SAFETY: callers pass the address and count of values that stay where they are during the call.
                let $rest: &[heap::Value] = unsafe { std::slice::from_raw_parts(rest.cast(), count as usize) };
                $crate::callees!(@result $result $vm $konst $body)
            }
        )*
    };
}

pub use crate::slice_callees;

/// A callee raised. In compiled code only those that may run Python code see the frames, which hold what is being handled; refused
/// memory can come from all.
#[inline(always)]
pub fn raised(vm: &mut Vm, callee: &Callee, raised: Raised) {
    debug_assert!(
        callee.effect == CallEffect::RunsGuest || vm.exception_matches(raised.0, vm.exc.memory_error),
        "{} raises, and does not see what is being handled: let it say that it runs guest code",
        callee.name
    );
    vm.set_pending(raised);
}
