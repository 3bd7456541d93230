//! What the functions that compiled code calls are to who wrote the program.

use metatrace::CallStory;
use objects::shape::Kind;
use objects::vm::Vm;

/// The callee's row, and what a reader calls it.
const NAMES: &[(&str, &str)] = &[
    ("get_attribute", "attribute lookups"),
    ("set_attribute", "attribute stores"),
    ("get_super_attribute", "attribute lookups by `super()`"),
    ("dict_find", "dict lookups"),
    ("dict_item", "dict lookups"),
    ("dict_store", "stores into dicts"),
    ("set_dict_item", "stores into dicts"),
    ("set_find", "set lookups"),
    ("get_item", "subscripts"),
    ("set_item", "stores to subscripts"),
    ("delete_item", "deletion of items"),
    ("get_slice", "slices"),
    ("set_slice", "stores to slices"),
    ("load_global", "lookups of global names"),
    ("store_global", "stores of global names"),
    ("load_local_name", "lookups of names in a namespace"),
    ("store_local_name", "stores of names in a namespace"),
    ("call", "calls of objects"),
    ("call_keywords", "calls with keyword arguments"),
    ("call_unpacked", "calls with `*` or `**`"),
    ("bind", "sorting arguments to parameters"),
    ("bind_keywords", "sorting arguments to parameters"),
    ("bind_unpacked", "sorting arguments to parameters"),
    ("call_guest", "calls of Python functions that are not inlined"),
    ("binary", "operators on other types than int and float"),
    ("unary", "operators on other types than int and float"),
    ("compare", "comparisons of other types than int and float"),
    ("contains", "`in`"),
    ("truth", "truth tests"),
    ("get_iter", "making iterators"),
    ("next", "iteration of a kind that is not compiled"),
    ("send", "generators"),
    ("new_generator", "making generators"),
    ("build_tuple", "making tuples"),
    ("build_list", "making lists"),
    ("build_set", "making sets"),
    ("build_map", "making dicts"),
    ("build_string", "building strings"),
    ("format", "formatting"),
    ("format_with_spec", "formatting"),
    ("convert", "formatting"),
    ("list_append", "growing lists"),
    ("list_extend", "growing lists"),
    ("box_int", "integers beyond 63 bits"),
    ("make_function", "making functions"),
    ("add_traceback", "tracebacks"),
    ("raised", "raising exceptions"),
    ("exception_matches", "matching exceptions"),
    ("stood_at", "tracebacks"),
    ("leave_frame", "leaving frames that tracebacks hold"),
    ("float_mod", "`%`, `//` or `**` of floats"),
    ("float_floordiv", "`%`, `//` or `**` of floats"),
    ("float_pow", "`%`, `//` or `**` of floats"),
    ("frame_unwinds", "unwinding frames"),
    ("make_raised", "raising exceptions"),
];

/// `getattr` and its like, with names that traces do not know.
const CHANGING_NAME: &str = "attribute lookups by names that change";
const CHANGING_NAME_STORE: &str = "attribute stores by names that change";

/// What a sample in a callee is spent on.
pub fn of_call(vm: &mut Vm, callee: &'static str, call: Option<&CallStory>) -> String {
    let operand = |at: usize| call.and_then(|call| call.operands.get(at).copied().flatten());
    match callee {
        "call_builtin" | "call_builtin_leaf" => match operand(0) {
            Some(callable) if vm.kind(callable) == Kind::Builtin => {
                format!("`{}()`", objects::builtin::def_of(callable).name)
            }
            Some(callable) => format!("`{}()`", vm.type_of(callable).name()),
            None => "native functions".to_owned(),
        },
        "call" | "call_keywords" | "call_unpacked"
            if operand(0).is_some_and(|callable| objects::type_::is_type(vm, callable)) =>
        {
            let class = operand(0).expect("just asked for");
            format!("calls of `{}`", objects::ty::TypeRef::from_value(class).name())
        }
        "get_attribute" if operand(1).is_none() => CHANGING_NAME.to_owned(),
        "set_attribute" if operand(1).is_none() => CHANGING_NAME_STORE.to_owned(),
        _ => match NAMES.iter().find(|(row, _)| *row == callee) {
            Some((_, name)) => (*name).to_owned(),
            None => format!("a function of the interpreter ({callee})"),
        },
    }
}

/// What to do about time spent there.
pub fn advice(what: &str) -> &'static str {
    match what {
        CHANGING_NAME | CHANGING_NAME_STORE | "`getattr()`" | "`setattr()`" | "`hasattr()`" => {
            "names known when the code is written are looked up once: use attributes, a dict of functions, or `match`"
        }
        "calls with `*` or `**`" | "sorting arguments to parameters" => {
            "calls with plain positional arguments need no sorting"
        }
        "integers beyond 63 bits" => {
            "integers within 63 bits are registers of the machine; cut them with `&` where that is meant"
        }
        "tracebacks" | "raising exceptions" | "unwinding frames" => {
            "where exceptions are frequent, a test before is faster (`if key in d`, `d.get(key)`)"
        }
        _ => "",
    }
}
