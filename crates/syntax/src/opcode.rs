//! The instruction set of CPython 3.14, unspecialised: one row an opcode.
//!
//! A row gives the variant, CPython's number, its name in `dis`, what the argument means, how many cache units follow
//! the instruction in raw bytecode, and the effect on the depth of the stack as an expression of the argument.

/// What the argument of an instruction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgKind {
    /// The argument is ignored.
    None,
    /// A count, a flag set, a small integer or the number of an operator.
    Value,
    /// An index into `consts`.
    Const,
    /// An index into `names`, with flag bits below it in some instructions: see `Op::name_shift`.
    Name,
    /// An index, or two packed in four bits each, into the fast locals (`local_names`).
    Local,
    /// In raw bytecode a distance in code units after the caches; decoded, the index of an instruction.
    ForwardJump,
    /// As `ForwardJump`, but counted backwards.
    BackwardJump,
}

macro_rules! opcodes {
    ($arg:ident; $($variant:ident = $number:literal, $name:literal, $kind:ident, $caches:literal, $effect:expr;)*) => {
        /// An opcode. The discriminant is CPython's number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Op { $($variant = $number),* }

        impl Op {
            /// All opcodes, by number.
            pub const ALL: &'static [Op] = &[$(Op::$variant),*];

            /// The opcode with a number, if code objects have one.
            pub const fn from_number(number: u8) -> Option<Op> {
                match BY_NUMBER[number as usize] {
                    Some(op) if !op.is_own() => Some(op),
                    _ => None,
                }
            }

            /// The name that `dis` shows.
            pub const fn name(self) -> &'static str {
                match self { $(Op::$variant => $name),* }
            }

            /// What the argument means.
            pub const fn arg_kind(self) -> ArgKind {
                match self { $(Op::$variant => ArgKind::$kind),* }
            }

            /// Cache units that follow the instruction in raw bytecode.
            pub const fn cache_units(self) -> usize {
                CACHE_UNITS[self as usize] as usize
            }

            /// What the instruction adds to the depth of the stack. Jumping and falling through have the same effect.
            #[allow(unused_variables)]
            pub const fn stack_effect(self, arg: u32) -> i32 {
                let $arg = arg as i32;
                match self { $(Op::$variant => $effect),* }
            }
        }

        const BY_NUMBER: [Option<Op>; 256] = {
            let mut table = [None; 256];
            $(table[$number] = Some(Op::$variant);)*
            table
        };

        const CACHE_UNITS: [u8; 256] = {
            let mut table = [0; 256];
            $(table[$number] = $caches;)*
            table
        };
    };
}

opcodes! { arg;
    Cache = 0, "CACHE", None, 0, 0;
    BinarySlice = 1, "BINARY_SLICE", None, 0, -2;
    BuildTemplate = 2, "BUILD_TEMPLATE", None, 0, -1;
    CallFunctionEx = 4, "CALL_FUNCTION_EX", None, 0, -3;
    CheckEgMatch = 5, "CHECK_EG_MATCH", None, 0, 0;
    CheckExcMatch = 6, "CHECK_EXC_MATCH", None, 0, 0;
    CleanupThrow = 7, "CLEANUP_THROW", None, 0, -1;
    DeleteSubscr = 8, "DELETE_SUBSCR", None, 0, -2;
    EndFor = 9, "END_FOR", None, 0, -1;
    EndSend = 10, "END_SEND", None, 0, -1;
    ExitInitCheck = 11, "EXIT_INIT_CHECK", None, 0, -1;
    FormatSimple = 12, "FORMAT_SIMPLE", None, 0, 0;
    FormatWithSpec = 13, "FORMAT_WITH_SPEC", None, 0, -1;
    GetAiter = 14, "GET_AITER", None, 0, 0;
    GetAnext = 15, "GET_ANEXT", None, 0, 1;
    GetIter = 16, "GET_ITER", None, 0, 0;
    Reserved = 17, "RESERVED", None, 0, 0;
    GetLen = 18, "GET_LEN", None, 0, 1;
    GetYieldFromIter = 19, "GET_YIELD_FROM_ITER", None, 0, 0;
    InterpreterExit = 20, "INTERPRETER_EXIT", None, 0, -1;
    LoadBuildClass = 21, "LOAD_BUILD_CLASS", None, 0, 1;
    LoadLocals = 22, "LOAD_LOCALS", None, 0, 1;
    MakeFunction = 23, "MAKE_FUNCTION", None, 0, 0;
    MatchKeys = 24, "MATCH_KEYS", None, 0, 1;
    MatchMapping = 25, "MATCH_MAPPING", None, 0, 1;
    MatchSequence = 26, "MATCH_SEQUENCE", None, 0, 1;
    Nop = 27, "NOP", None, 0, 0;
    NotTaken = 28, "NOT_TAKEN", None, 0, 0;
    PopExcept = 29, "POP_EXCEPT", None, 0, -1;
    PopIter = 30, "POP_ITER", None, 0, -1;
    PopTop = 31, "POP_TOP", None, 0, -1;
    PushExcInfo = 32, "PUSH_EXC_INFO", None, 0, 1;
    PushNull = 33, "PUSH_NULL", None, 0, 1;
    ReturnGenerator = 34, "RETURN_GENERATOR", None, 0, 1;
    ReturnValue = 35, "RETURN_VALUE", None, 0, 0;
    SetupAnnotations = 36, "SETUP_ANNOTATIONS", None, 0, 0;
    StoreSlice = 37, "STORE_SLICE", None, 0, -4;
    StoreSubscr = 38, "STORE_SUBSCR", None, 1, -3;
    ToBool = 39, "TO_BOOL", None, 3, 0;
    UnaryInvert = 40, "UNARY_INVERT", None, 0, 0;
    UnaryNegative = 41, "UNARY_NEGATIVE", None, 0, 0;
    UnaryNot = 42, "UNARY_NOT", None, 0, 0;
    WithExceptStart = 43, "WITH_EXCEPT_START", None, 0, 1;
    BinaryOp = 44, "BINARY_OP", Value, 5, -1;
    BuildInterpolation = 45, "BUILD_INTERPOLATION", Value, 0, if arg & 1 == 1 { -2 } else { -1 };
    BuildList = 46, "BUILD_LIST", Value, 0, 1 - arg;
    BuildMap = 47, "BUILD_MAP", Value, 0, 1 - 2 * arg;
    BuildSet = 48, "BUILD_SET", Value, 0, 1 - arg;
    BuildSlice = 49, "BUILD_SLICE", Value, 0, 1 - arg;
    BuildString = 50, "BUILD_STRING", Value, 0, 1 - arg;
    BuildTuple = 51, "BUILD_TUPLE", Value, 0, 1 - arg;
    Call = 52, "CALL", Value, 3, -1 - arg;
    CallIntrinsic1 = 53, "CALL_INTRINSIC_1", Value, 0, 0;
    CallIntrinsic2 = 54, "CALL_INTRINSIC_2", Value, 0, -1;
    CallKw = 55, "CALL_KW", Value, 3, -2 - arg;
    CompareOp = 56, "COMPARE_OP", Value, 1, -1;
    ContainsOp = 57, "CONTAINS_OP", Value, 1, -1;
    ConvertValue = 58, "CONVERT_VALUE", Value, 0, 0;
    Copy = 59, "COPY", Value, 0, 1;
    CopyFreeVars = 60, "COPY_FREE_VARS", Value, 0, 0;
    DeleteAttr = 61, "DELETE_ATTR", Name, 0, -1;
    DeleteDeref = 62, "DELETE_DEREF", Local, 0, 0;
    DeleteFast = 63, "DELETE_FAST", Local, 0, 0;
    DeleteGlobal = 64, "DELETE_GLOBAL", Name, 0, 0;
    DeleteName = 65, "DELETE_NAME", Name, 0, 0;
    DictMerge = 66, "DICT_MERGE", Value, 0, -1;
    DictUpdate = 67, "DICT_UPDATE", Value, 0, -1;
    EndAsyncFor = 68, "END_ASYNC_FOR", BackwardJump, 0, -2;
    ExtendedArg = 69, "EXTENDED_ARG", Value, 0, 0;
    ForIter = 70, "FOR_ITER", ForwardJump, 1, 1;
    GetAwaitable = 71, "GET_AWAITABLE", Value, 0, 0;
    ImportFrom = 72, "IMPORT_FROM", Name, 0, 1;
    ImportName = 73, "IMPORT_NAME", Name, 0, -1;
    IsOp = 74, "IS_OP", Value, 0, -1;
    JumpBackward = 75, "JUMP_BACKWARD", BackwardJump, 1, 0;
    JumpBackwardNoInterrupt = 76, "JUMP_BACKWARD_NO_INTERRUPT", BackwardJump, 0, 0;
    JumpForward = 77, "JUMP_FORWARD", ForwardJump, 0, 0;
    ListAppend = 78, "LIST_APPEND", Value, 0, -1;
    ListExtend = 79, "LIST_EXTEND", Value, 0, -1;
    LoadAttr = 80, "LOAD_ATTR", Name, 9, arg & 1;
    LoadCommonConstant = 81, "LOAD_COMMON_CONSTANT", Value, 0, 1;
    LoadConst = 82, "LOAD_CONST", Const, 0, 1;
    LoadDeref = 83, "LOAD_DEREF", Local, 0, 1;
    LoadFast = 84, "LOAD_FAST", Local, 0, 1;
    LoadFastAndClear = 85, "LOAD_FAST_AND_CLEAR", Local, 0, 1;
    LoadFastBorrow = 86, "LOAD_FAST_BORROW", Local, 0, 1;
    LoadFastBorrowLoadFastBorrow = 87, "LOAD_FAST_BORROW_LOAD_FAST_BORROW", Local, 0, 2;
    LoadFastCheck = 88, "LOAD_FAST_CHECK", Local, 0, 1;
    LoadFastLoadFast = 89, "LOAD_FAST_LOAD_FAST", Local, 0, 2;
    LoadFromDictOrDeref = 90, "LOAD_FROM_DICT_OR_DEREF", Local, 0, 0;
    LoadFromDictOrGlobals = 91, "LOAD_FROM_DICT_OR_GLOBALS", Name, 0, 0;
    LoadGlobal = 92, "LOAD_GLOBAL", Name, 4, 1 + (arg & 1);
    LoadName = 93, "LOAD_NAME", Name, 0, 1;
    LoadSmallInt = 94, "LOAD_SMALL_INT", Value, 0, 1;
    LoadSpecial = 95, "LOAD_SPECIAL", Value, 0, 1;
    LoadSuperAttr = 96, "LOAD_SUPER_ATTR", Name, 1, (arg & 1) - 2;
    MakeCell = 97, "MAKE_CELL", Local, 0, 0;
    MapAdd = 98, "MAP_ADD", Value, 0, -2;
    MatchClass = 99, "MATCH_CLASS", Value, 0, -2;
    PopJumpIfFalse = 100, "POP_JUMP_IF_FALSE", ForwardJump, 1, -1;
    PopJumpIfNone = 101, "POP_JUMP_IF_NONE", ForwardJump, 1, -1;
    PopJumpIfNotNone = 102, "POP_JUMP_IF_NOT_NONE", ForwardJump, 1, -1;
    PopJumpIfTrue = 103, "POP_JUMP_IF_TRUE", ForwardJump, 1, -1;
    RaiseVarargs = 104, "RAISE_VARARGS", Value, 0, -arg;
    Reraise = 105, "RERAISE", Value, 0, -1;
    Send = 106, "SEND", ForwardJump, 1, 0;
    SetAdd = 107, "SET_ADD", Value, 0, -1;
    SetFunctionAttribute = 108, "SET_FUNCTION_ATTRIBUTE", Value, 0, -1;
    SetUpdate = 109, "SET_UPDATE", Value, 0, -1;
    StoreAttr = 110, "STORE_ATTR", Name, 4, -2;
    StoreDeref = 111, "STORE_DEREF", Local, 0, -1;
    StoreFast = 112, "STORE_FAST", Local, 0, -1;
    StoreFastLoadFast = 113, "STORE_FAST_LOAD_FAST", Local, 0, 0;
    StoreFastStoreFast = 114, "STORE_FAST_STORE_FAST", Local, 0, -2;
    StoreGlobal = 115, "STORE_GLOBAL", Name, 0, -1;
    StoreName = 116, "STORE_NAME", Name, 0, -1;
    Swap = 117, "SWAP", Value, 0, 0;
    UnpackEx = 118, "UNPACK_EX", Value, 0, (arg & 0xff) + (arg >> 8);
    UnpackSequence = 119, "UNPACK_SEQUENCE", Value, 1, arg - 1;
    YieldValue = 120, "YIELD_VALUE", Value, 0, 0;
    Resume = 128, "RESUME", Value, 0, 0;
    // In no code object: what the plain interpreter runs in the place of frequent forms and beginnings of sequences.
    BinaryAdd = 230, "BINARY_ADD", Value, 0, -1;
    BinarySubtract = 231, "BINARY_SUBTRACT", Value, 0, -1;
    BinaryMultiply = 232, "BINARY_MULTIPLY", Value, 0, -1;
    BinarySubscript = 233, "BINARY_SUBSCRIPT", Value, 0, -1;
    LocalsAdd = 234, "LOCALS_ADD", Local, 0, 2;
    LocalsSubtract = 235, "LOCALS_SUBTRACT", Local, 0, 2;
    LocalsMultiply = 236, "LOCALS_MULTIPLY", Local, 0, 2;
    LocalsSubscript = 237, "LOCALS_SUBSCRIPT", Local, 0, 2;
    LocalsCompare = 238, "LOCALS_COMPARE", Local, 0, 2;
    LocalAddSmall = 239, "LOCAL_ADD_SMALL", Local, 0, 1;
    LocalSubtractSmall = 240, "LOCAL_SUBTRACT_SMALL", Local, 0, 1;
    LocalCompareSmall = 241, "LOCAL_COMPARE_SMALL", Local, 0, 1;
    LocalStoreSubscript = 242, "LOCAL_STORE_SUBSCRIPT", Local, 0, 1;
    LocalLoadAttr = 243, "LOCAL_LOAD_ATTR", Local, 0, 1;
    InstrumentedLine = 254, "INSTRUMENTED_LINE", None, 0, 0;
}

impl Op {
    /// Whether this is none of CPython's, but in the place of one where the plain interpreter runs it.
    pub const fn is_own(self) -> bool {
        Op::BinaryAdd as u8 <= self as u8 && self as u8 <= Op::LocalLoadAttr as u8
    }

    /// Whether the argument is a jump target.
    pub const fn is_jump(self) -> bool {
        matches!(self.arg_kind(), ArgKind::ForwardJump | ArgKind::BackwardJump)
    }

    /// Whether control never goes on to the next instruction.
    pub const fn ends_block(self) -> bool {
        matches!(
            self,
            Op::ReturnValue
                | Op::RaiseVarargs
                | Op::Reraise
                | Op::JumpForward
                | Op::JumpBackward
                | Op::JumpBackwardNoInterrupt
                | Op::InterpreterExit
        )
    }

    /// How many flag bits stand below the index into `names` in the argument.
    pub const fn name_shift(self) -> u32 {
        match self {
            Op::LoadAttr | Op::LoadGlobal => 1,
            Op::LoadSuperAttr => 2,
            _ => 0,
        }
    }

    /// Whether the argument packs two locals, the first in the upper four bits.
    pub const fn has_local_pair(self) -> bool {
        matches!(
            self,
            Op::LoadFastLoadFast | Op::LoadFastBorrowLoadFastBorrow | Op::StoreFastLoadFast | Op::StoreFastStoreFast
        )
    }
}

/// The operators of `BINARY_OP`, by argument: the name CPython gives and the text of the operator.
pub const BINARY_OPERATORS: [(&str, &str); 27] = [
    ("NB_ADD", "+"),
    ("NB_AND", "&"),
    ("NB_FLOOR_DIVIDE", "//"),
    ("NB_LSHIFT", "<<"),
    ("NB_MATRIX_MULTIPLY", "@"),
    ("NB_MULTIPLY", "*"),
    ("NB_REMAINDER", "%"),
    ("NB_OR", "|"),
    ("NB_POWER", "**"),
    ("NB_RSHIFT", ">>"),
    ("NB_SUBTRACT", "-"),
    ("NB_TRUE_DIVIDE", "/"),
    ("NB_XOR", "^"),
    ("NB_INPLACE_ADD", "+="),
    ("NB_INPLACE_AND", "&="),
    ("NB_INPLACE_FLOOR_DIVIDE", "//="),
    ("NB_INPLACE_LSHIFT", "<<="),
    ("NB_INPLACE_MATRIX_MULTIPLY", "@="),
    ("NB_INPLACE_MULTIPLY", "*="),
    ("NB_INPLACE_REMAINDER", "%="),
    ("NB_INPLACE_OR", "|="),
    ("NB_INPLACE_POWER", "**="),
    ("NB_INPLACE_RSHIFT", ">>="),
    ("NB_INPLACE_SUBTRACT", "-="),
    ("NB_INPLACE_TRUE_DIVIDE", "/="),
    ("NB_INPLACE_XOR", "^="),
    ("NB_SUBSCR", "[]"),
];

/// The functions of `CALL_INTRINSIC_1`, by argument.
pub const INTRINSICS_1: [&str; 12] = [
    "INTRINSIC_1_INVALID",
    "INTRINSIC_PRINT",
    "INTRINSIC_IMPORT_STAR",
    "INTRINSIC_STOPITERATION_ERROR",
    "INTRINSIC_ASYNC_GEN_WRAP",
    "INTRINSIC_UNARY_POSITIVE",
    "INTRINSIC_LIST_TO_TUPLE",
    "INTRINSIC_TYPEVAR",
    "INTRINSIC_PARAMSPEC",
    "INTRINSIC_TYPEVARTUPLE",
    "INTRINSIC_SUBSCRIPT_GENERIC",
    "INTRINSIC_TYPEALIAS",
];

/// The functions of `CALL_INTRINSIC_2`, by argument.
pub const INTRINSICS_2: [&str; 6] = [
    "INTRINSIC_2_INVALID",
    "INTRINSIC_PREP_RERAISE_STAR",
    "INTRINSIC_TYPEVAR_WITH_BOUND",
    "INTRINSIC_TYPEVAR_WITH_CONSTRAINTS",
    "INTRINSIC_SET_FUNCTION_TYPE_PARAMS",
    "INTRINSIC_SET_TYPEPARAM_DEFAULT",
];

/// The methods of `LOAD_SPECIAL`, by argument.
pub const SPECIAL_METHODS: [&str; 4] = ["__enter__", "__exit__", "__aenter__", "__aexit__"];

/// The objects of `LOAD_COMMON_CONSTANT`, by argument: names in `builtins`.
pub const COMMON_CONSTANTS: [&str; 5] = ["AssertionError", "NotImplementedError", "tuple", "all", "any"];
