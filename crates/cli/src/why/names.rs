//! What the functions that compiled code calls are to who wrote the program.

use metatrace::{CallStory, Place};
use objects::shape::Kind;
use objects::vm::{Python, Vm};

/// The callee's row, and what a reader calls it. Rows that do the same for fewer values have its name and one of [`ENDINGS`].
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
    ("delete_attribute", "deletion of attributes"),
    ("load_special", "lookups of special methods"),
    ("get_slice", "slices"),
    ("set_slice", "stores to slices"),
    ("load_global", "lookups of global names"),
    ("store_global", "stores of global names"),
    ("delete_global", "deletion of global names"),
    ("delete_name", "deletion of names in a namespace"),
    ("setup_annotations", "annotations"),
    ("load_local_name", "lookups of names in a namespace"),
    ("store_local_name", "stores of names in a namespace"),
    ("call", "calls of objects"),
    ("call_keywords", "calls with keyword arguments"),
    ("call_unpacked", "calls with `*` or `**`"),
    ("bind", "sorting arguments to parameters"),
    ("bind_keywords", "sorting arguments to parameters"),
    ("bind_unpacked", "sorting arguments to parameters"),
    ("call_guest", "calls of Python functions that are not inlined"),
    ("binary", OPERATORS),
    ("unary", OPERATORS),
    ("compare", COMPARISONS),
    ("identical", COMPARISONS),
    ("str_equal", "comparisons of strs"),
    ("settled", "copies of strs that were appended to"),
    ("contains", "`in`"),
    ("get_len", "lengths, for `case`"),
    ("match_keys", "`case` with keys of a dict"),
    ("match_class", "`case` with a class"),
    ("unpack", "unpacking"),
    ("unpack_extended", "unpacking"),
    ("truth", "truth tests"),
    ("get_iter", "making iterators"),
    ("next", "iteration of a kind that is not compiled"),
    ("stop_value", "generators that end"),
    ("stop_iteration", "generators that end"),
    ("generator_end", "generators that end"),
    ("iteration_ends", "generators that end"),
    ("delegation_ends", "generators that end"),
    ("cleanup_throw", "generators that are thrown into"),
    ("thrown_into", "generators that are thrown into"),
    ("take_thrown", "generators that are thrown into"),
    ("get_yield_from_iter", "making iterators"),
    ("get_awaitable", "`await`"),
    ("get_aiter", "`async for`"),
    ("get_anext", "`async for`"),
    ("is_stop_async", "`async for`"),
    ("send", "generators"),
    ("new_generator", "making generators"),
    ("build_tuple", "making tuples"),
    ("build_list", "making lists"),
    ("build_set", "making sets"),
    ("build_map", "making dicts"),
    ("new_dict", "making dicts"),
    ("map_add", "growing dicts"),
    ("dict_update", "growing dicts"),
    ("dict_merge", "sorting arguments to parameters"),
    ("set_add", "growing sets"),
    ("set_update", "growing sets"),
    ("tuple_from_list", "making tuples"),
    ("build_template", "building strings"),
    ("build_interpolation", "building strings"),
    ("build_string", "building strings"),
    ("format", "formatting"),
    ("format_with_spec", "formatting"),
    ("convert", "formatting"),
    ("list_append", "growing lists"),
    ("list_extend", "growing lists"),
    ("box_int", "integers beyond 63 bits"),
    ("make_function", "making functions"),
    ("set_function_attribute", "making functions"),
    ("new_cell", "making functions"),
    ("load_build_class", "making classes"),
    ("init_returned", "calls of classes"),
    ("import_name", "imports"),
    ("import_from", "imports"),
    ("call_exit", "leaving `with`"),
    ("unbound_local", "raising exceptions"),
    ("recursion_error", "raising exceptions"),
    ("reraise_handled", "raising exceptions"),
    ("raise_anew", "raising exceptions"),
    ("take_exception", "raising exceptions"),
    ("group_matches", "matching exceptions"),
    ("struct_plan", "`struct`"),
    ("intrinsic_1", RARE),
    ("intrinsic_2", RARE),
    ("poll", "looking for signals and other threads"),
    ("poll_at_resume", "looking for signals and other threads"),
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

/// What rows add to the name of one that does the same in general.
const ENDINGS: &[&str] = &["_plain", "_reads", "_writes", "_leaf"];

const OPERATORS: &str = "operators on other values than floats and ints of 63 bits";
const COMPARISONS: &str = "comparisons of other values than floats and ints of 63 bits";
const RARE: &str = "instructions that are rare, as unpacking of arguments";
const LARGE_INTS: &str = "integers beyond 63 bits";

/// Where traces have no path for each kind any more.
const VARIED_LOOKUPS: &str = "attribute lookups on objects of many kinds";
const VARIED_STORES: &str = "attribute stores to objects of many kinds";
const VARIED_CALLS: &str = "calls that reach many functions";

/// `getattr` and its like, with names that traces do not know.
const CHANGING_NAME: &str = "attribute lookups by names that change";
const CHANGING_NAME_STORE: &str = "attribute stores by names that change";

/// What a sample in a callee is spent on.
pub fn of_call(vm: &mut Vm, callee: &'static str, call: Option<&CallStory>, place: Option<Place<Python>>) -> String {
    let row = row_of(callee);
    let is_varied = place.is_some_and(is_varied);
    let mut kinds = call.into_iter().flat_map(|call| &call.kinds).flatten();
    let operand = |at: usize| call.and_then(|call| call.operands.get(at).copied().flatten());
    match row {
        "call_builtin" => match operand(0) {
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
        "get_attribute" if is_varied => VARIED_LOOKUPS.to_owned(),
        "set_attribute" if is_varied => VARIED_STORES.to_owned(),
        "call" if is_varied => VARIED_CALLS.to_owned(),
        "binary" | "unary" | "compare" => match kinds.find(|kind| !["an int", "a float"].contains(&kind.as_str())) {
            Some(kind) if kind == LARGE_INT => LARGE_INTS.to_owned(),
            Some(kind) => {
                let what = if row == "compare" { "comparisons" } else { "operators" };
                format!("{what} on {kind}")
            }
            None => name_of(row).unwrap_or(callee).to_owned(),
        },
        _ => match name_of(row) {
            Some(name) => name.to_owned(),
            None => format!("a function of the interpreter ({callee})"),
        },
    }
}

/// As [`metatrace::Language::kind_of`] says it.
pub const LARGE_INT: &str = "an int beyond 63 bits";

/// The row that does in general what `callee` does.
fn row_of(callee: &str) -> &str {
    let general = ENDINGS.iter().find_map(|ending| callee.strip_suffix(ending));
    general.filter(|general| *general == "call_builtin" || name_of(general).is_some()).unwrap_or(callee)
}

fn name_of(row: &str) -> Option<&'static str> {
    NAMES.iter().find(|(name, _)| *name == row).map(|(_, name)| *name)
}

/// What a call gave, as [`of_call`] names it without looking at its operands.
pub fn of_callee(callee: &str) -> &'static str {
    name_of(row_of(callee)).unwrap_or("a call")
}

/// Whether so many kinds of values came to an instruction that it is compiled for all of them alike.
pub fn is_varied(place: Place<Python>) -> bool {
    place.code.site(place.pc as usize).is_varied()
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
        VARIED_LOOKUPS | VARIED_STORES => {
            "few classes, whose attributes are all set in `__init__` and in one order, are read and written without a lookup; a difference \
             can be kept in an attribute"
        }
        VARIED_CALLS => {
            "one function that is given the difference as an argument can be inlined, many at one place cannot"
        }
        "stores of global names" => "use local variables in hot code, and assign to the global once",
        "making generators" | "generators that end" => {
            "where only an item or two are wanted a list, or a function that returns them, is cheaper than a generator"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::{name_of, row_of};

    #[test]
    fn all_functions_that_compiled_code_calls_have_a_name() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../interp/src/callees");
        let mut count = 0;
        for entry in std::fs::read_dir(directory).expect("the callees' directory") {
            let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a source file");
            let rows = text.lines().filter_map(|line| line.trim_start().split_once(": fn "));
            for (_, rest) in
                rows.filter(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || "_0123456789".contains(c)))
            {
                let callee = rest.split('(').next().expect("a name");
                assert!(row_of(callee) == "call_builtin" || name_of(row_of(callee)).is_some(), "{callee} has no name");
                count += 1;
            }
        }
        assert!(count > 100, "the callees are declared in another way");
    }
}
