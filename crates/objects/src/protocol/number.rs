//! Operators: the slots of both operands' types, in the order that the data model lays down.

use crate::error::PyResult;
use crate::slots::{Binary, Slots, Ternary, Unary};
use crate::ty::{TypeRef, flags};
use crate::vm::Vm;
use heap::Value;

/// BINARY_OP's operators, numbered as its operand; the in-place forms follow at [`INPLACE`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum BinaryOp {
    Add,
    And,
    FloorDivide,
    LeftShift,
    MatrixMultiply,
    Multiply,
    Remainder,
    Or,
    Power,
    RightShift,
    Subtract,
    TrueDivide,
    Xor,
}

/// The number of the first in-place operator.
pub const INPLACE: u32 = 13;
/// The number of the subscript among BINARY_OP's operators.
pub const SUBSCRIPT: u32 = 26;

impl BinaryOp {
    pub const ALL: [BinaryOp; 13] = [
        BinaryOp::Add,
        BinaryOp::And,
        BinaryOp::FloorDivide,
        BinaryOp::LeftShift,
        BinaryOp::MatrixMultiply,
        BinaryOp::Multiply,
        BinaryOp::Remainder,
        BinaryOp::Or,
        BinaryOp::Power,
        BinaryOp::RightShift,
        BinaryOp::Subtract,
        BinaryOp::TrueDivide,
        BinaryOp::Xor,
    ];

    fn symbol(self) -> &'static str {
        ["+", "&", "//", "<<", "@", "*", "%", "|", "** or pow()", ">>", "-", "/", "^"][self as usize]
    }

    fn inplace_symbol(self) -> &'static str {
        ["+=", "&=", "//=", "<<=", "@=", "*=", "%=", "|=", "**=", ">>=", "-=", "/=", "^="][self as usize]
    }

    /// The slot; `None` for `**`, which takes three operands.
    fn slot(self, slots: &Slots) -> Option<Binary> {
        match self {
            BinaryOp::Add => slots.add,
            BinaryOp::And => slots.and,
            BinaryOp::FloorDivide => slots.floordiv,
            BinaryOp::LeftShift => slots.lshift,
            BinaryOp::MatrixMultiply => slots.matmul,
            BinaryOp::Multiply => slots.mul,
            BinaryOp::Remainder => slots.modulo,
            BinaryOp::Or => slots.or,
            BinaryOp::Power => None,
            BinaryOp::RightShift => slots.rshift,
            BinaryOp::Subtract => slots.sub,
            BinaryOp::TrueDivide => slots.truediv,
            BinaryOp::Xor => slots.xor,
        }
    }

    fn inplace_slot(self, slots: &Slots) -> Option<Binary> {
        match self {
            BinaryOp::Add => slots.inplace_add,
            BinaryOp::And => slots.inplace_and,
            BinaryOp::FloorDivide => slots.inplace_floordiv,
            BinaryOp::LeftShift => slots.inplace_lshift,
            BinaryOp::MatrixMultiply => slots.inplace_matmul,
            BinaryOp::Multiply => slots.inplace_mul,
            BinaryOp::Remainder => slots.inplace_modulo,
            BinaryOp::Or => slots.inplace_or,
            BinaryOp::Power => slots.inplace_pow,
            BinaryOp::RightShift => slots.inplace_rshift,
            BinaryOp::Subtract => slots.inplace_sub,
            BinaryOp::TrueDivide => slots.inplace_truediv,
            BinaryOp::Xor => slots.inplace_xor,
        }
    }
}

impl Vm {
    /// BINARY_OP by its number, in-place forms and the subscript included.
    pub fn binary(&mut self, number: u32, a: Value, b: Value) -> PyResult {
        if number == SUBSCRIPT {
            return self.getitem(a, b);
        }
        if number >= INPLACE {
            return self.inplace_op(BinaryOp::ALL[(number - INPLACE) as usize], a, b);
        }
        self.binary_op(BinaryOp::ALL[number as usize], a, b)
    }

    /// `a op b`.
    pub fn binary_op(&mut self, op: BinaryOp, a: Value, b: Value) -> PyResult {
        let result = self.binary_maybe(op, a, b)?;
        if result != self.not_implemented { Ok(result) } else { Err(self.unsupported(op.symbol(), a, b)) }
    }

    /// `a op= b`.
    pub fn inplace_op(&mut self, op: BinaryOp, a: Value, b: Value) -> PyResult {
        let (inplace, concat, repeat) = {
            let ty = self.type_of(a);
            let slots = ty.slots();
            (op.inplace_slot(&slots), slots.inplace_concat, slots.inplace_repeat)
        };
        if let Some(inplace) = inplace {
            let result = inplace(self, a, b)?;
            if result != self.not_implemented {
                return Ok(result);
            }
        }
        let result = self.numeric(op, a, b)?;
        if result != self.not_implemented {
            return Ok(result);
        }
        match (op, concat, repeat) {
            (BinaryOp::Add, Some(concat), _) => return concat(self, a, b),
            (BinaryOp::Multiply, _, Some(repeat)) => {
                self.check_repeat_count(b)?;
                return repeat(self, a, b);
            }
            _ => {}
        }
        let result = self.sequence(op, a, b)?;
        if result != self.not_implemented { Ok(result) } else { Err(self.unsupported(op.inplace_symbol(), a, b)) }
    }

    /// `a op b`, or NotImplemented.
    pub fn binary_maybe(&mut self, op: BinaryOp, a: Value, b: Value) -> PyResult {
        let result = self.numeric(op, a, b)?;
        if result != self.not_implemented {
            return Ok(result);
        }
        self.sequence(op, a, b)
    }

    /// Sequences' `+` and `*`, or NotImplemented.
    fn sequence(&mut self, op: BinaryOp, a: Value, b: Value) -> PyResult {
        match op {
            BinaryOp::Add => {
                let concat = self.type_of(a).slots().concat;
                if let Some(concat) = concat {
                    return concat(self, a, b);
                }
            }
            BinaryOp::Multiply => {
                let repeat = self.type_of(a).slots().repeat;
                if let Some(repeat) = repeat {
                    self.check_repeat_count(b)?;
                    return repeat(self, a, b);
                }
                let repeat = self.type_of(b).slots().repeat;
                if let Some(repeat) = repeat {
                    self.check_repeat_count(a)?;
                    return repeat(self, b, a);
                }
            }
            _ => {}
        }
        Ok(self.not_implemented)
    }

    fn check_repeat_count(&mut self, count: Value) -> PyResult<()> {
        if self.type_of(count).slots().index.is_some() {
            return Ok(());
        }
        let name = self.type_name(count);
        Err(self.type_error(format!("can't multiply sequence by non-int of type '{name}'")))
    }

    fn numeric(&mut self, op: BinaryOp, a: Value, b: Value) -> PyResult {
        if op == BinaryOp::Power {
            return self.power_maybe(a, b, self.none);
        }
        let (left, right) = (self.type_of(a), self.type_of(b));
        let (first, second) = in_order(left, right, |slots| op.slot(slots).map(|f| (f, f as usize)));
        for slot in [first, second].into_iter().flatten() {
            let result = slot(self, a, b)?;
            if result != self.not_implemented {
                return Ok(result);
            }
        }
        Ok(self.not_implemented)
    }

    /// `pow(a, b, modulus)`; None: no modulus.
    pub fn power(&mut self, a: Value, b: Value, modulus: Value) -> PyResult {
        let result = self.power_maybe(a, b, modulus)?;
        if result != self.not_implemented {
            return Ok(result);
        }
        if modulus == self.none {
            return Err(self.unsupported("** or pow()", a, b));
        }
        let (a, b, c) = (self.type_name(a), self.type_name(b), self.type_name(modulus));
        Err(self.type_error(format!("unsupported operand type(s) for ** or pow(): '{a}', '{b}', '{c}'")))
    }

    fn power_maybe(&mut self, a: Value, b: Value, modulus: Value) -> PyResult {
        let (left, right) = (self.type_of(a), self.type_of(b));
        let slot = |slots: &Slots| slots.pow.map(|f: Ternary| (f, f as usize));
        let (first, second) = in_order(left, right, slot);
        // The modulus has a say too.
        let third = if modulus == self.none { None } else { self.type_of(modulus).slots().pow };
        for slot in [first, second, third].into_iter().flatten() {
            let result = slot(self, a, b, modulus)?;
            if result != self.not_implemented {
                return Ok(result);
            }
        }
        Ok(self.not_implemented)
    }

    /// `divmod(a, b)`.
    pub fn divmod(&mut self, a: Value, b: Value) -> PyResult {
        let (left, right) = (self.type_of(a), self.type_of(b));
        let (first, second) = in_order(left, right, |slots| slots.divmod.map(|f| (f, f as usize)));
        for slot in [first, second].into_iter().flatten() {
            let result = slot(self, a, b)?;
            if result != self.not_implemented {
                return Ok(result);
            }
        }
        Err(self.unsupported("divmod()", a, b))
    }

    #[cold]
    fn unsupported(&mut self, symbol: &str, a: Value, b: Value) -> crate::error::Raised {
        let (left, right) = (self.type_name(a), self.type_name(b));
        let message = format!("unsupported operand type(s) for {symbol}: '{left}' and '{right}'");
        self.type_error(message)
    }

    pub fn negative(&mut self, a: Value) -> PyResult {
        self.unary(a, |slots| slots.neg, "unary -")
    }

    pub fn positive(&mut self, a: Value) -> PyResult {
        self.unary(a, |slots| slots.pos, "unary +")
    }

    pub fn invert(&mut self, a: Value) -> PyResult {
        self.unary(a, |slots| slots.invert, "unary ~")
    }

    /// `abs(a)`.
    pub fn absolute(&mut self, a: Value) -> PyResult {
        self.unary(a, |slots| slots.abs, "abs()")
    }

    fn unary(&mut self, a: Value, slot: fn(&Slots) -> Option<Unary>, what: &str) -> PyResult {
        let slot = slot(&self.type_of(a).slots());
        match slot {
            Some(slot) => slot(self, a),
            None => {
                let name = self.type_name(a);
                Err(self.type_error(format!("bad operand type for {what}: '{name}'")))
            }
        }
    }

    /// `operator.index(value)` as a machine word; OverflowError beyond.
    pub fn index(&mut self, value: Value) -> PyResult<i64> {
        if value.is_int() {
            return Ok(value.as_int());
        }
        let index = self.index_big(value)?;
        match self.as_i64(index) {
            Some(index) => Ok(index),
            None => {
                let name = self.type_name(value);
                Err(self.raise(self.exc.overflow_error, format!("cannot fit '{name}' into an index-sized integer")))
            }
        }
    }

    /// The same for subscripts, where IndexError says that it is too large.
    pub fn subscript_index(&mut self, value: Value) -> PyResult<i64> {
        if value.is_int() {
            return Ok(value.as_int());
        }
        let index = self.index_big(value)?;
        match self.as_i64(index) {
            Some(index) => Ok(index),
            None => {
                let name = self.type_name(value);
                Err(self.index_error(format!("cannot fit '{name}' into an index-sized integer")))
            }
        }
    }

    /// `operator.index(value)`: an int of any size, exact.
    pub fn index_big(&mut self, value: Value) -> PyResult {
        let ty = self.type_of(value);
        if ty == self.types.int {
            return Ok(value);
        }
        if ty.has(flags::INT) {
            return Ok(self.plain_int(value));
        }
        let index = ty.slots().index;
        let Some(index) = index else {
            return Err(self.type_error(format!("'{}' object cannot be interpreted as an integer", ty.name())));
        };
        let result = index(self, value)?;
        let result_type = self.type_of(result);
        if result_type == self.types.int {
            return Ok(result);
        }
        if !result_type.has(flags::INT) {
            return Err(self.type_error(format!("__index__ returned non-int (type {})", result_type.name())));
        }
        let message = format!(
            "__index__ returned non-int (type {}).  The ability to return an instance of a strict subclass of int is deprecated, and may not be supported in a future version of Python.",
            result_type.name()
        );
        (self.hooks.warn)(self, self.exc.deprecation_warning, &message, 1)?;
        Ok(self.plain_int(result))
    }

    /// The exact int of an int, bool or instance of a subclass.
    pub fn plain_int(&mut self, value: Value) -> Value {
        if self.type_of(value) == self.types.int {
            return value;
        }
        match self.as_i64(value) {
            Some(i) => self.int(i),
            None => {
                let big = self.as_bigint(value).expect("an int");
                self.int_from_big(&big)
            }
        }
    }
}

/// The slots of two operands' types in the order they are tried: the right one's first if its type derives from the left one's.
fn in_order<F: Copy>(
    left: TypeRef,
    right: TypeRef,
    slot: impl Fn(&Slots) -> Option<(F, usize)>,
) -> (Option<F>, Option<F>) {
    let first = slot(&left.slots());
    if left == right {
        return (first.map(|(f, _)| f), None);
    }
    let second = slot(&right.slots());
    match (first, second) {
        (Some((f, a)), Some((_, b))) if a == b => (Some(f), None),
        (Some((f, _)), Some((g, _))) if right.is_subtype(left) => (Some(g), Some(f)),
        (first, second) => (first.map(|(f, _)| f), second.map(|(f, _)| f)),
    }
}
