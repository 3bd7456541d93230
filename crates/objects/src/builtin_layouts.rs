//! The layouts of the built-in objects that more than one file needs.

use crate::layout;
use heap::Value;

layout! {
    /// Text: the bytes of WTF-8 follow the fixed part.
    Str {
        /// Bytes in the tail.
        bytes BYTES_LEN: i64, immutable;
        /// The hash, or -1 while it was not asked for. (A hash that would be -1 is -2, as in CPython.)
        hash HASH: i64;
        /// Code points; bit 62 is set if all are ASCII, bit 61 if there is a lone surrogate, bit 60 if interned,
        /// bit 59 if it came out of an addition, bit 58 if out of two.
        info INFO: i64, immutable;
        /// Byte offsets of every 64th code point, built on demand for text that is not ASCII; NULL until then.
        index INDEX: Value;
    }

    /// A text that grows by appending: the first bytes of a buffer. See [`crate::str::appended`].
    AppendedStr {
        /// The buffer; NULL once it was given up.
        buffer BUFFER: Value;
        /// The same text as a [`Str`]; NULL until somebody reads it. It stands where [`WrappedInstance`] has its value.
        value VALUE: Value;
        /// How many bytes of the buffer are this text.
        bytes BYTES_LEN: i64, immutable;
        /// As in [`Str`].
        info INFO: i64, immutable;
    }

    /// Immutable bytes: they follow the fixed part.
    Bytes {
        len LEN: i64, immutable;
        hash HASH: i64;
    }

    /// An int beyond 63 bits: sign and 64-bit magnitude digits, least significant first, follow.
    BigInt {
        digits DIGITS: i64, immutable;
        /// 1 or -1.
        sign SIGN: i64, immutable;
    }

    /// A float whose exponent is out of the immediate range.
    BoxedFloat {
        value VALUE: f64, immutable;
    }

    Complex {
        re RE: f64, immutable;
        im IM: f64, immutable;
    }

    /// `None`, `True`, `False`, `NotImplemented`, `Ellipsis`: one immortal object each.
    Singleton {
        /// What `int()` gives for the bools.
        number NUMBER: i64, immutable;
    }

    /// The storage of a list: values follow. Its count is the list's capacity.
    ItemArray {
        capacity CAPACITY: i64, immutable;
    }

    List {
        len LEN: i64;
        /// An [`ItemArray`], or NULL while the capacity is 0.
        items ITEMS: Value;
    }

    /// The values follow.
    Tuple {
        len LEN: i64, immutable;
        /// -1 while it was not asked for.
        hash HASH: i64;
    }

    /// See `dict.rs`.
    Dict {
        /// Live entries.
        used USED: i64;
        /// Entries taken, deleted ones included.
        fill FILL: i64;
        /// The number of a `Namespace` if this is the dictionary of a module or class whose keys are watched; else 0.
        namespace NAMESPACE: i64;
        /// A `dict::table::IndexTable`; NULL while there are few entries.
        indices INDICES: Value;
        /// An [`ItemArray`] of key, value, hash (a tagged integer), key, value, …; a deleted entry has a NULL key.
        entries ENTRIES: Value;
        /// Grows with every insertion and deletion: iterators notice.
        changes CHANGES: i64;
    }

    /// See `set/table.rs`. Also frozenset.
    Set {
        used USED: i64;
        /// Entries taken, deleted ones included.
        fill FILL: i64;
        /// -1 while it was not asked for; frozensets only.
        hash HASH: i64;
        /// The entry where `pop` goes on.
        finger FINGER: i64;
        /// An [`ItemArray`] of key, hash (a tagged integer), key, …, or NULL while empty.
        entries ENTRIES: Value;
        /// Grows with every insertion and deletion.
        changes CHANGES: i64;
    }

    Range {
        /// Any ints.
        start START: Value, immutable;
        stop STOP: Value, immutable;
        step STEP: Value, immutable;
        len LEN: Value, immutable;
    }

    Slice {
        start START: Value, immutable;
        stop STOP: Value, immutable;
        step STEP: Value, immutable;
    }

    /// A variable that closures share.
    CellObject {
        /// NULL while unbound.
        content CONTENT: Value;
    }

    /// A function written in Python.
    Function {
        /// `&'static code::Code`.
        code CODE: i64;
        globals GLOBALS: Value;
        builtins BUILTINS: Value;
        /// A tuple, or NULL.
        defaults DEFAULTS: Value;
        /// A dict, or NULL.
        kwdefaults KWDEFAULTS: Value;
        /// A tuple of cells, or NULL.
        closure CLOSURE: Value;
        name NAME: Value;
        qualname QUALNAME: Value;
        module MODULE: Value;
        doc DOC: Value;
        /// NULL until asked for.
        dict DICT: Value;
        annotations ANNOTATIONS: Value;
        annotate ANNOTATE: Value;
        type_params TYPE_PARAMS: Value;
    }

    Method {
        function FUNCTION: Value, immutable;
        receiver RECEIVER: Value, immutable;
    }

    /// A function written in Rust, bound to a receiver or module, or an unbound method of a type.
    Builtin {
        /// `&'static args::MethodDef`.
        def DEF: i64, immutable;
        /// What is passed first, or NULL.
        receiver RECEIVER: Value, immutable;
        /// The module's name, or NULL.
        module MODULE: Value;
        /// The type whose method it is (an unbound one), or NULL.
        owner OWNER: Value, immutable;
    }

    Code {
        /// `&'static code::Code`.
        data DATA: i64, immutable;
    }

    Module {
        dict DICT: Value;
        /// Rust-side state of a native module: its index, or 0.
        state STATE: i64;
    }

    /// An instance of a class written in Python, or of one derived from a built-in type with a layout of its own. The
    /// inline attributes follow the fixed words of the base.
    Instance {
        /// NULL, the dictionary in dictionary mode, or an [`ItemArray`] with the attributes that found no inline slot.
        overflow OVERFLOW: Value;
    }

    /// An instance of a class derived from an immutable built-in with a tail or an immediate (int, float, str, bytes,
    /// tuple, complex): `value` is an exact one. Inline attributes follow.
    WrappedInstance {
        overflow OVERFLOW: Value;
        value VALUE: Value, immutable;
    }

    Property {
        fget FGET: Value;
        fset FSET: Value;
        fdel FDEL: Value;
        doc DOC: Value;
        name NAME: Value;
    }

    /// Also classmethod: they differ in type.
    StaticMethod {
        function FUNCTION: Value;
        dict DICT: Value;
    }

    /// A slot of `__slots__`, or a field of a built-in type.
    Member {
        name NAME: Value;
        owner OWNER: Value;
        /// Which slot of the instance.
        index INDEX: i64, immutable;
    }

    /// An attribute of a built-in type that Rust functions get and set.
    GetSet {
        /// `&'static args::GetSetDef`.
        def DEF: i64, immutable;
        owner OWNER: Value, immutable;
    }

    /// The special method of a built-in type that calls a slot: `list.__len__`.
    SlotWrapper {
        /// `&'static slots::SlotDef`.
        def DEF: i64, immutable;
        owner OWNER: Value, immutable;
    }

    /// An exception. Attributes of particular classes are in `extra` (see `exceptions.rs`); others in the dictionary.
    Exception {
        overflow OVERFLOW: Value;
        args ARGS: Value;
        traceback TRACEBACK: Value;
        context CONTEXT: Value;
        cause CAUSE: Value;
        /// 0 or 1.
        suppress_context SUPPRESS_CONTEXT: i64;
        extra EXTRA: Value;
    }

    Traceback {
        next NEXT: Value;
        frame FRAME: Value;
        /// The instruction, by decoded index.
        instruction INSTRUCTION: i64;
        line LINE: i64;
    }

    /// `iter(list)` and the like: position in a sequence. `sequence` is NULL when exhausted.
    SequenceIterator {
        index INDEX: i64;
        sequence SEQUENCE: Value;
    }

    /// `iter(range)` with all of start, stop and step within 63 bits.
    RangeIterator {
        next NEXT: i64;
        remaining REMAINING: i64;
        step STEP: i64;
    }
}
