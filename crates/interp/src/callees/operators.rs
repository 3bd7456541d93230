//! The operator protocol, and float operations that are calls anyway.

use crate::callees;
use crate::handlers::arith::unary_op;
use objects::slots::CompareOp;

callees! {
    /// `is` of a number on the heap and something else.
    IDENTICAL: fn identical(vm, a: Ref, b: Ref) -> Bool, Reads {
        vm.is(a, b)
    }

    /// `a op b` by BINARY_OP's number, in-place forms included.
    BINARY: fn binary(vm, operation: Int, a: Ref, b: Ref) -> Ref, RunsGuest {
        vm.binary(operation as u32, a, b)
    }

    /// The same of operands for which no Python code runs; NULL: an error.
    BINARY_PLAIN: fn binary_plain(vm, operation: Int, a: Ref, b: Ref) -> Try, Allocates {
        vm.binary(operation as u32, a, b)
    }

    BINARY_READS: fn binary_reads(vm, operation: Int, a: Ref, b: Ref) -> Try, Reads {
        vm.binary(operation as u32, a, b)
    }

    BINARY_WRITES: fn binary_writes(vm, operation: Int, a: Ref, b: Ref) -> Try, Writes {
        vm.binary(operation as u32, a, b)
    }

    COMPARE_PLAIN: fn compare_plain(vm, operation: Int, a: Ref, b: Ref) -> TryTruth, Allocates {
        let result = vm.compare(a, b, CompareOp::from_number(operation as u32))?;
        vm.truth(result)
    }

    /// The exact str that a text which grew by appending is.
    SETTLED: fn settled(vm, text: Ref) -> Ref, Allocates {
        Ok(vm.exact_str(text))
    }

    /// Of exact strs.
    STR_EQUAL: fn str_equal(vm, a: Ref, b: Ref) -> Bool, Pure {
        a == b || vm.str_bytes(a) == vm.str_bytes(b)
    }

    CONTAINS_PLAIN: fn contains_plain(vm, container: Ref, item: Ref) -> TryTruth, Allocates {
        vm.contains(container, item)
    }

    UNARY: fn unary(vm, operation: Int, a: Ref) -> Ref, RunsGuest {
        match operation {
            unary_op::NEGATIVE => vm.negative(a),
            unary_op::INVERT => vm.invert(a),
            _ => vm.positive(a),
        }
    }

    COMPARE: fn compare(vm, operation: Int, a: Ref, b: Ref) -> Ref, RunsGuest {
        vm.compare(a, b, CompareOp::from_number(operation as u32))
    }

    TRUTH: fn truth(vm, a: Ref) -> Truth, RunsGuest {
        vm.truth(a)
    }

    CONTAINS: fn contains(vm, container: Ref, item: Ref) -> Truth, RunsGuest {
        vm.contains(container, item)
    }

    FLOAT_FLOORDIV: fn float_floordiv(_vm, a: Flt, b: Flt) -> Flt, Pure {
        objects::float::floor_divide(a, b)
    }

    FLOAT_MOD: fn float_mod(_vm, a: Flt, b: Flt) -> Flt, Pure {
        objects::float::modulo(a, b)
    }

    FLOAT_POW: fn float_pow(_vm, a: Flt, b: Flt) -> Flt, Pure {
        a.powf(b)
    }
}
