//! Comparisons, truth, hashes, and what containers ask of their elements.

use crate::error::PyResult;
use crate::shape::{self, Kind};
use crate::slots::CompareOp;
use crate::vm::Vm;
use heap::Value;

impl Vm {
    /// `a op b`.
    pub fn compare(&mut self, a: Value, b: Value, op: CompareOp) -> PyResult {
        if a.is_int() && b.is_int() {
            return Ok(self.bool(op.holds(a.as_int().cmp(&b.as_int()))));
        }
        if a.is_flonum() && b.is_flonum() {
            let (x, y) = (a.as_flonum(), b.as_flonum());
            let holds = match x.partial_cmp(&y) {
                Some(ordering) => op.holds(ordering),
                None => op == CompareOp::Ne,
            };
            return Ok(self.bool(holds));
        }
        let (left, right) = (self.type_of(a), self.type_of(b));
        let mut reflected_done = false;
        if left != right && right.is_subtype(left) {
            let compare = right.slots().compare;
            if let Some(compare) = compare {
                reflected_done = true;
                let result = compare(self, b, a, op.reflected())?;
                if result != self.not_implemented {
                    return Ok(result);
                }
            }
        }
        let compare = left.slots().compare;
        if let Some(compare) = compare {
            let result = compare(self, a, b, op)?;
            if result != self.not_implemented {
                return Ok(result);
            }
        }
        if !reflected_done {
            let compare = right.slots().compare;
            if let Some(compare) = compare {
                let result = compare(self, b, a, op.reflected())?;
                if result != self.not_implemented {
                    return Ok(result);
                }
            }
        }
        match op {
            CompareOp::Eq => Ok(self.bool(self.is(a, b))),
            CompareOp::Ne => Ok(self.bool(!self.is(a, b))),
            _ => Err(self.type_error(format!(
                "'{}' not supported between instances of '{}' and '{}'",
                op.symbol(),
                left.name(),
                right.name()
            ))),
        }
    }

    /// `a op b` as a truth.
    pub fn compare_bool(&mut self, a: Value, b: Value, op: CompareOp) -> PyResult<bool> {
        if op == CompareOp::Eq {
            return self.eq(a, b);
        }
        let result = self.compare(a, b, op)?;
        self.truth(result)
    }

    /// Whether two values are equal as elements of a container: the same, or `==`.
    #[inline]
    pub fn eq(&mut self, a: Value, b: Value) -> PyResult<bool> {
        if a == b {
            return Ok(true);
        }
        if a.is_int() && b.is_int() {
            return Ok(false);
        }
        if shape::is_exact(a, Kind::Str) && shape::is_exact(b, Kind::Str) {
            return Ok(self.str_bytes(a) == self.str_bytes(b));
        }
        self.eq_slow(a, b)
    }

    #[inline(never)]
    fn eq_slow(&mut self, a: Value, b: Value) -> PyResult<bool> {
        let result = self.compare(a, b, CompareOp::Eq)?;
        self.truth(result)
    }

    /// `a is b`: ints and floats go by value.
    #[inline]
    pub fn is(&self, a: Value, b: Value) -> bool {
        a == b || (a.is_object() && b.is_object() && self.is_same_number(a, b))
    }

    #[inline(never)]
    fn is_same_number(&self, a: Value, b: Value) -> bool {
        let (left, right) = (self.shape_of(a), self.shape_of(b));
        if left.kind != right.kind {
            return false;
        }
        match left.kind {
            Kind::Float => {
                let bits = |v| crate::layout::cast::<crate::builtin_layouts::BoxedFloat>(v).value.get().to_bits();
                bits(a) == bits(b)
            }
            Kind::BigInt => self.as_bigint(a) == self.as_bigint(b),
            _ => false,
        }
    }

    /// `bool(value)`.
    #[inline]
    pub fn truth(&mut self, value: Value) -> PyResult<bool> {
        if value == self.true_ {
            return Ok(true);
        }
        if value == self.false_ || value == self.none {
            return Ok(false);
        }
        if value.is_int() {
            return Ok(value.as_int() != 0);
        }
        if value.is_flonum() {
            return Ok(value.as_flonum() != 0.0);
        }
        let ty = self.shape_of(value).ty;
        let (truth, len) = {
            let slots = ty.slots();
            (slots.bool, slots.len)
        };
        if let Some(truth) = truth {
            return truth(self, value);
        }
        match len {
            Some(len) => Ok(len(self, value)? != 0),
            None => Ok(true),
        }
    }

    /// `hash(value)`.
    #[inline]
    pub fn hash(&mut self, value: Value) -> PyResult<i64> {
        let hash = self.type_of(value).slots().hash;
        match hash {
            Some(hash) => hash(self, value),
            None => crate::object::hash_not_implemented(self, value),
        }
    }
}
