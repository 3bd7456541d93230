//! The operation table.
//!
//! Every trace operation is one row. The enum, the `Machine` method, the direct implementation, the recorder, the
//! printer, the parser, the verifier, the constant folder and the fuzzer follow from the row.
//!
//! A row of the first group computes: its result depends on its operands alone, and the expression behind `=` is what
//! both the interpreter and the constant folder do. Rows of the second group have no expression because they touch
//! guest values, memory, calls or control; the `Machine` implementations state them by hand.

/// The type of a trace value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Ty {
    /// A 64-bit signed integer.
    Int,
    /// An IEEE 754 double.
    Flt,
    /// A guest value in one word: tagged integer, immediate float or heap pointer.
    Ref,
    Bool,
    /// No value.
    Void,
}

/// What an operation may do besides making its result.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Effect {
    /// Nothing: equal operands give equal results; may be dropped, moved and merged.
    Pure,
    /// Reads memory.
    Reads,
    /// Makes a fresh object; may be dropped.
    Allocates,
    /// Writes memory.
    Writes,
    /// Leaves the trace when its condition does not hold.
    Guard,
    /// What the callee's row says (see [`crate::CallEffect`]).
    Calls,
    /// Marks a place or ends the trace.
    Control,
}

/// Calls `$callback!` with the rows of all operations that compute.
///
/// Row: `method Name (operand: Type, …) -> Type = expression;`. Operands and results are `i64`, `f64` and `bool`.
#[macro_export]
macro_rules! pure_ops {
    ($callback:ident) => {
        $callback! {
            int_add IntAdd (a: Int, b: Int) -> Int = a.wrapping_add(b);
            int_sub IntSub (a: Int, b: Int) -> Int = a.wrapping_sub(b);
            int_mul IntMul (a: Int, b: Int) -> Int = a.wrapping_mul(b);
            // Whether the exact result does not fit in 64 bits.
            int_add_overflows IntAddOverflows (a: Int, b: Int) -> Bool = a.checked_add(b).is_none();
            int_sub_overflows IntSubOverflows (a: Int, b: Int) -> Bool = a.checked_sub(b).is_none();
            int_mul_overflows IntMulOverflows (a: Int, b: Int) -> Bool = a.checked_mul(b).is_none();
            // Whether `a` fits in the 63 bits of a tagged integer.
            int_fits IntFits (a: Int) -> Bool = (a ^ (a << 1)) >= 0;
            // Whether it fits in 62 bits. Guards that the optimiser made stronger ask so: what differs little fits in 63, too.
            int_fits_62 IntFits62 (a: Int) -> Bool = (a << 2) >> 2 == a;
            // Or in 31, so that products fit.
            int_fits_31 IntFits31 (a: Int) -> Bool = (a << 33) >> 33 == a;
            // Floor division and its remainder, as in Python. Division by zero gives 0; the handler has checked.
            int_floordiv IntFloordiv (a: Int, b: Int) -> Int = $crate::arith::int_floordiv(a, b);
            int_mod IntMod (a: Int, b: Int) -> Int = $crate::arith::int_mod(a, b);
            int_and IntAnd (a: Int, b: Int) -> Int = a & b;
            int_or IntOr (a: Int, b: Int) -> Int = a | b;
            int_xor IntXor (a: Int, b: Int) -> Int = a ^ b;
            // Shift counts are taken modulo 64.
            int_shl IntShl (a: Int, b: Int) -> Int = a.wrapping_shl(b as u32);
            int_shr IntShr (a: Int, b: Int) -> Int = a.wrapping_shr(b as u32);
            int_ushr IntUshr (a: Int, b: Int) -> Int = (a as u64).wrapping_shr(b as u32) as i64;
            int_neg IntNeg (a: Int) -> Int = a.wrapping_neg();
            int_invert IntInvert (a: Int) -> Int = !a;
            int_lt IntLt (a: Int, b: Int) -> Bool = a < b;
            int_le IntLe (a: Int, b: Int) -> Bool = a <= b;
            int_eq IntEq (a: Int, b: Int) -> Bool = a == b;
            int_ne IntNe (a: Int, b: Int) -> Bool = a != b;
            int_gt IntGt (a: Int, b: Int) -> Bool = a > b;
            int_ge IntGe (a: Int, b: Int) -> Bool = a >= b;
            // Unsigned: with a length on the right, the one comparison of a bounds check.
            int_ult IntUlt (a: Int, b: Int) -> Bool = (a as u64) < (b as u64);
            // The low bits of `a`, sign- or zero-extended: stores into narrow elements.
            int_sext8 IntSext8 (a: Int) -> Int = a as i8 as i64;
            int_sext16 IntSext16 (a: Int) -> Int = a as i16 as i64;
            int_sext32 IntSext32 (a: Int) -> Int = a as i32 as i64;
            int_to_flt IntToFlt (a: Int) -> Flt = a as f64;
            flt_add FltAdd (a: Flt, b: Flt) -> Flt = a + b;
            flt_sub FltSub (a: Flt, b: Flt) -> Flt = a - b;
            flt_mul FltMul (a: Flt, b: Flt) -> Flt = a * b;
            flt_div FltDiv (a: Flt, b: Flt) -> Flt = a / b;
            flt_neg FltNeg (a: Flt) -> Flt = -a;
            flt_abs FltAbs (a: Flt) -> Flt = a.abs();
            flt_sqrt FltSqrt (a: Flt) -> Flt = a.sqrt();
            flt_floor FltFloor (a: Flt) -> Flt = a.floor();
            flt_trunc FltTrunc (a: Flt) -> Flt = a.trunc();
            flt_lt FltLt (a: Flt, b: Flt) -> Bool = a < b;
            flt_le FltLe (a: Flt, b: Flt) -> Bool = a <= b;
            flt_eq FltEq (a: Flt, b: Flt) -> Bool = a == b;
            flt_ne FltNe (a: Flt, b: Flt) -> Bool = a != b;
            flt_gt FltGt (a: Flt, b: Flt) -> Bool = a > b;
            flt_ge FltGe (a: Flt, b: Flt) -> Bool = a >= b;
            // Towards zero, saturating, NaN gives 0: the handler has checked the range.
            flt_to_int FltToInt (a: Flt) -> Int = a as i64;
            flt_bits FltBits (a: Flt) -> Int = a.to_bits() as i64;
            flt_from_bits FltFromBits (a: Int) -> Flt = f64::from_bits(a as u64);
            bool_not BoolNot (a: Bool) -> Bool = !a;
            bool_to_int BoolToInt (a: Bool) -> Int = a as i64;
        }
    };
}

/// Calls `$callback!` with the rows of all other operations.
///
/// Row: `Name "text" (operand types) fixed|many attribute -> result, effect;`. `many` means that any number of further
/// operands may follow. The attribute is the [`crate::Attr`] variant that the operation carries.
#[macro_export]
macro_rules! other_ops {
    ($callback:ident $($before:tt)*) => {
        $callback! {
            $($before)*
            // A value that the trace starts with; the first operations of a trace, in order.
            Input "input" () fixed None -> Any, Control;

            // Guest values. Boxing is abstract: unbox(box(x)) is x, whatever the representation.
            RefEq "ref_eq" (Ref, Ref) fixed None -> Bool, Pure;
            IsInt "is_int" (Ref) fixed None -> Bool, Pure;          // a tagged integer
            IntBox "int_box" (Int) fixed None -> Ref, Pure;         // requires int_fits
            IntUnbox "int_unbox" (Ref) fixed None -> Int, Pure;     // requires is_int
            IsFlt "is_flt" (Ref) fixed None -> Bool, Pure;          // a float, immediate or boxed on the heap
            FltBox "flt_box" (Flt) fixed None -> Ref, Pure;         // may allocate: same bits, same value
            FltUnbox "flt_unbox" (Ref) fixed None -> Flt, Pure;     // requires is_flt
            BoolBox "bool_box" (Bool) fixed None -> Ref, Pure;      // the guest's true or false
            IsNull "is_null" (Ref) fixed None -> Bool, Pure;        // Value::NULL: unset, or "an exception is pending"

            // Objects. The base of a field or item is a heap object (never tagged, never null).
            Shape "shape" (Ref) fixed None -> Int, Reads;           // the shape id in the header
            SetShape "setshape" (Ref, Int) fixed None -> Void, Writes;
            GetField "getfield" (Ref) fixed Field -> Any, Reads;
            SetField "setfield" (Ref, Any) fixed Field -> Void, Writes;
            // A store into an object that this handler made and nobody has seen: no side effect for replay.
            InitField "initfield" (Ref, Any) fixed Field -> Void, Writes;
            GetItem "getitem" (Ref, Int) fixed Items -> Any, Reads;
            // Of a tail of bytes that never change: the value that begins so many bytes behind its start, aligned or not.
            LoadBytes "load_bytes" (Ref, Int) fixed Items -> Any, Reads;
            SetItem "setitem" (Ref, Int, Any) fixed Items -> Void, Writes;
            InitItem "inititem" (Ref, Int, Any) fixed Items -> Void, Writes;
            // Memory off the heap: owner, address of element 0, index. The owner keeps the buffer alive.
            RawLoad "raw_load" (Ref, Int, Int) fixed Raw -> Any, Reads;
            RawStore "raw_store" (Ref, Int, Int, Any) fixed Raw -> Void, Writes;
            // A fresh object of a fixed size; every field is initialised before the next operation with a snapshot.
            New "new" () fixed New -> Ref, Allocates;
            // A fresh object with a tail of `count` items, which are zero (NULL).
            NewItems "new_items" (Int) fixed New -> Ref, Allocates;

            // Calls of ordinary Rust functions, and of guest code that is not inlined.
            Call "call" () many Callee -> Any, Calls;
            // First operand: a Ref; the others go to the callee as one slice.
            CallSlice "call_slice" (Ref) many Callee -> Any, Calls;

            // Guards. Each carries a snapshot (before optimisation) or an exit (after).
            GuardTrue "guard_true" (Bool) fixed None -> Void, Guard;
            GuardFalse "guard_false" (Bool) fixed None -> Void, Guard;
            // Second operand: a constant.
            GuardValue "guard_value" (Any, Any) fixed None -> Void, Guard;
            // After an operation that may run guest code: fails if the frame was inspected, tracing was switched on, or
            // an assumption of the trace fell.
            StillValid "still_valid" () fixed None -> Void, Guard;

            // What a bridge knows when it starts: a condition that holds, a value that is known. They make no code.
            AssumeTrue "assume_true" (Bool) fixed None -> Void, Control;
            AssumeFalse "assume_false" (Bool) fixed None -> Void, Control;
            AssumeValue "assume_value" (Any, Any) fixed None -> Void, Control;

            // The number was small when this was recorded, and so it probably is at other times. It makes no code.
            ExpectSmall "expect_small" (Int) fixed None -> Void, Control;

            // The loop header after peeling. One `phi` for each value carried round follows; its operand is the value on
            // entry, and `jump_label` gives the next values in the same order.
            Label "label" () fixed None -> Void, Control;
            Phi "phi" (Any) fixed None -> Any, Control;

            // Ends. `jump_label`: round this trace's own loop. `jump_loop`: to the start of another trace, whose inputs
            // are the operands. `jump_body`: to another trace's label, whose phis are the operands. `leave`: back to the
            // interpreter, as its snapshot or exit says. `finish`: the traced function returned (or raised) the operand.
            JumpLabel "jump_label" () many None -> Void, Control;
            JumpLoop "jump_loop" () many Target -> Void, Control;
            JumpBody "jump_body" () many Target -> Void, Control;
            Leave "leave" () fixed None -> Void, Guard;
            FinishReturn "finish_return" (Ref) fixed None -> Void, Control;
            FinishRaise "finish_raise" (Ref) fixed None -> Void, Control;
        }
    };
}

/// One operand in a row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OperandTy {
    Is(Ty),
    /// Any type; what it must agree with is the verifier's matter.
    Any,
}

/// Which [`crate::Attr`] an operation carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AttrKind {
    None,
    Field,
    Items,
    Raw,
    New,
    Callee,
    Target,
}

/// A row as data.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub code: OpCode,
    pub text: &'static str,
    pub operands: &'static [OperandTy],
    /// Whether further operands may follow.
    pub many: bool,
    pub attr: AttrKind,
    pub result: OperandTy,
    pub effect: Effect,
}

macro_rules! operand {
    (Any) => {
        OperandTy::Any
    };
    ($ty:ident) => {
        OperandTy::Is(Ty::$ty)
    };
}

macro_rules! many {
    (fixed) => {
        false
    };
    (many) => {
        true
    };
}

macro_rules! with_pure {
    ($($rows:tt)*) => {
        other_ops! { define_ops [ $($rows)* ] }
    };
}

macro_rules! define_ops {
    (
        [$($method:ident $pure:ident ($($operand:ident: $operand_ty:ident),*) -> $pure_result:ident = $body:expr;)*]
        $($other:ident $text:literal ($($other_ty:ident),*) $many:ident $attr:ident -> $result:ident, $effect:ident;)*
    ) => {
        /// The code of a trace operation, in the order of the table: operations that compute come first.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum OpCode { $($pure,)* $($other,)* }

        /// All rows, indexed by [`OpCode`].
        pub static ROWS: &[Row] = &[
            $(Row {
                code: OpCode::$pure,
                text: stringify!($method),
                operands: &[$(operand!($operand_ty)),*],
                many: false,
                attr: AttrKind::None,
                result: operand!($pure_result),
                effect: Effect::Pure,
            },)*
            $(Row {
                code: OpCode::$other,
                text: $text,
                operands: &[$(operand!($other_ty)),*],
                many: many!($many),
                attr: AttrKind::$attr,
                result: operand!($result),
                effect: Effect::$effect,
            },)*
        ];

        /// What an operation of the first group computes. Operands and result are bit patterns: an `Int` is itself, a
        /// `Flt` its bits, a `Bool` 0 or 1. `None` for operations of the second group.
        pub fn compute(code: OpCode, operands: &[u64]) -> Option<u64> {
            match code {
                $(OpCode::$pure => {
                    let mut rest = operands.iter();
                    $(let $operand = <operand_rust!($operand_ty) as Bits>::from_bits(*rest.next()?);)*
                    let result: operand_rust!($pure_result) = $body;
                    Some(result.to_bits())
                })*
                _ => None,
            }
        }
    };
}

macro_rules! operand_rust {
    (Int) => {
        i64
    };
    (Flt) => {
        f64
    };
    (Bool) => {
        bool
    };
}

/// A computed value as one word.
trait Bits {
    fn from_bits(bits: u64) -> Self;
    fn to_bits(self) -> u64;
}

impl Bits for i64 {
    fn from_bits(bits: u64) -> i64 {
        bits as i64
    }
    fn to_bits(self) -> u64 {
        self as u64
    }
}

impl Bits for f64 {
    fn from_bits(bits: u64) -> f64 {
        f64::from_bits(bits)
    }
    fn to_bits(self) -> u64 {
        f64::to_bits(self)
    }
}

impl Bits for bool {
    fn from_bits(bits: u64) -> bool {
        bits != 0
    }
    fn to_bits(self) -> u64 {
        self as u64
    }
}

pure_ops! { with_pure }

impl OpCode {
    pub fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    pub fn effect(self) -> Effect {
        self.row().effect
    }

    pub fn is_guard(self) -> bool {
        self.effect() == Effect::Guard
    }
}
