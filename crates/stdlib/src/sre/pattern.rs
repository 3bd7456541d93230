//! `re.Pattern`.

use super::subject::{Mode, Search, slice};
use super::{found, replace, scanner, types};
use crate::support::signature;
use heap::{MakeRoom, Value};
use objects::args::{CallArgs, GetSetDef, MANY, MethodDef, Signature};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::shape::Kind;
use objects::slots::{CompareOp, Slots};
use objects::ty::{TypeSpec, flags};
use objects::value_vec::ValueVec;
use objects::vm::Vm;

layout! {
    Pattern {
        /// A str, bytes-like, or None.
        source SOURCE: Value;
        /// Bytes that hold words of 32 bits.
        code CODE: Value;
        /// A dict from names to numbers.
        group_index GROUP_INDEX: Value;
        /// A tuple of names or None, by number.
        index_group INDEX_GROUP: Value;
        flags FLAGS: i64;
        groups GROUPS: i64;
    }
}

impl Pattern {
    pub fn code_words(&self, vm: &Vm) -> &'static [u32] {
        let bytes = vm.bytes(self.code.get());
        // SAFETY: any bytes are words; what is not aligned is left out, and bytes start at a word of the heap.
        let (before, words, after) = unsafe { bytes.align_to::<u32>() };
        debug_assert!(before.is_empty() && after.is_empty());
        words
    }
}

pub fn spec() -> TypeSpec {
    TypeSpec {
        module: "re",
        flags: flags::NO_NEW | flags::HAS_WEAKREF | flags::IMMUTABLE,
        slots: Slots { repr: Some(repr), hash: Some(hash), compare: Some(compare), ..Slots::default() },
        methods: METHODS,
        getset: GETSET,
        doc: "Compiled regular expression object.",
        ..TypeSpec::of::<Pattern>("Pattern", Kind::Other)
    }
}

static GETSET: &[GetSetDef] = &[
    GetSetDef {
        name: "pattern",
        get: |_, pattern| Ok(cast::<Pattern>(pattern).source.get()),
        set: None,
        doc: "The pattern string from which the RE object was compiled.",
    },
    GetSetDef {
        name: "flags",
        get: |vm, pattern| Ok(vm.int(cast::<Pattern>(pattern).flags.get())),
        set: None,
        doc: "The regex matching flags.",
    },
    GetSetDef {
        name: "groups",
        get: |vm, pattern| Ok(vm.int(cast::<Pattern>(pattern).groups.get())),
        set: None,
        doc: "The number of capturing groups in the pattern.",
    },
    GetSetDef {
        name: "groupindex",
        get: |vm, pattern| Ok(objects::mapping_proxy::new(vm, cast::<Pattern>(pattern).group_index.get())),
        set: None,
        doc: "A dictionary mapping group names to group numbers.",
    },
];

static METHODS: &[MethodDef] = &[
    MethodDef::method("match", 1, MANY, |vm, args| find(vm, args, "match", Mode::Match))
        .with_keywords()
        .with_doc("match($self, /, string, pos=0, endpos=sys.maxsize)\n--\n\nMatches zero or more characters at the beginning of the string."),
    MethodDef::method("fullmatch", 1, MANY, |vm, args| find(vm, args, "fullmatch", Mode::FullMatch))
        .with_keywords()
        .with_doc("fullmatch($self, /, string, pos=0, endpos=sys.maxsize)\n--\n\nMatches against all of the string."),
    MethodDef::method("search", 1, MANY, |vm, args| find(vm, args, "search", Mode::Search))
        .with_keywords()
        .with_doc("search($self, /, string, pos=0, endpos=sys.maxsize)\n--\n\nScan through string looking for a match, and return a corresponding match object instance.\n\nReturn None if no position in the string matches."),
    MethodDef::method("sub", 1, MANY, replace::sub)
        .with_keywords()
        .with_doc("sub($self, /, repl, string, count=0)\n--\n\nReturn the string obtained by replacing the leftmost non-overlapping occurrences of pattern in string by the replacement repl."),
    MethodDef::method("subn", 1, MANY, replace::subn)
        .with_keywords()
        .with_doc("subn($self, /, repl, string, count=0)\n--\n\nReturn the tuple (new_string, number_of_subs_made) found by replacing the leftmost non-overlapping occurrences of pattern with the replacement repl."),
    MethodDef::method("findall", 1, MANY, find_all)
        .with_keywords()
        .with_doc("findall($self, /, string, pos=0, endpos=sys.maxsize)\n--\n\nReturn a list of all non-overlapping matches of pattern in string."),
    MethodDef::method("split", 1, MANY, split)
        .with_keywords()
        .with_doc("split($self, /, string, maxsplit=0)\n--\n\nSplit string by the occurrences of pattern."),
    MethodDef::method("finditer", 1, MANY, |vm, args| {
        let scanner = scanner::new(vm, args, "finditer")?;
        let search = vm.getattr_str(scanner, "search")?;
        let builtins = vm.handle(vm.builtins);
        let iter = vm.dict_get_str(builtins, "iter").unwrap_or(vm.none);
        vm.call(iter, &[search, vm.none])
    })
    .with_keywords()
    .with_doc("finditer($self, /, string, pos=0, endpos=sys.maxsize)\n--\n\nReturn an iterator over all non-overlapping matches for the RE pattern in string.\n\nFor each match, the iterator returns a match object."),
    MethodDef::method("scanner", 1, MANY, |vm, args| scanner::new(vm, args, "scanner")).with_keywords(),
    MethodDef::method("__copy__", 1, 1, |_, args| Ok(args.values[0])).leaf(),
    MethodDef::method("__deepcopy__", 2, 2, |_, args| Ok(args.values[0])).leaf(),
    objects::generic_alias::CLASS_GETITEM,
];

/// `(string, pos=0, endpos=sys.maxsize)`.
pub fn range_arguments(vm: &mut Vm, args: &CallArgs, function: &str) -> PyResult<(Value, i64, i64)> {
    const PARAMETERS: Signature<3> = Signature { skip: 1, ..signature(["string", "pos", "endpos"], 1) };
    let [string, start, end] = args.bind(vm, function, &PARAMETERS)?;
    let start = if start.is_null() { 0 } else { vm.index(start)? };
    let end = if end.is_null() { i64::MAX } else { vm.index(end)? };
    Ok((string, start, end))
}

fn find(vm: &mut Vm, args: &CallArgs, function: &str, mode: Mode) -> PyResult {
    let (string, start, end) = range_arguments(vm, args, function)?;
    let mut search = Search::new(vm, args.values[0], string, start, end)?;
    let is_found = search.next(mode);
    Ok(if is_found { found::new(vm, args.values[0], string, &search) } else { vm.none })
}

fn find_all(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (string, start, end) = range_arguments(vm, args, "findall")?;
    let pattern = args.values[0];
    let groups = cast::<Pattern>(pattern).groups.get() as usize;
    let mut search = Search::new(vm, pattern, string, start, end)?;
    let list = vm.new_list(&[]);
    while search.next(Mode::Search) {
        let item = match groups {
            0 => {
                let (start, end) = search.span();
                slice(vm, string, start, end)?
            }
            1 => group_or_empty(vm, string, &search, 1)?,
            _ => {
                let mut items = ValueVec::with_capacity(vm, groups);
                for group in 1..=groups {
                    let item = group_or_empty(vm, string, &search, group)?;
                    items.push(vm, item);
                }
                vm.new_tuple(items.as_slice())
            }
        };
        vm.list_append(list, item);
    }
    Ok(list)
}

fn group_or_empty(vm: &mut Vm, string: Value, search: &Search, group: usize) -> PyResult {
    let (start, end) = search.group(group).unwrap_or((0, 0));
    slice(vm, string, start, end)
}

fn split(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<2> = Signature { skip: 1, ..signature(["string", "maxsplit"], 1) };
    let [string, most] = args.bind(vm, "split", &PARAMETERS)?;
    let most = if most.is_null() { 0 } else { vm.index(most)? };
    let pattern = args.values[0];
    let groups = cast::<Pattern>(pattern).groups.get() as usize;
    let mut search = Search::new(vm, pattern, string, 0, i64::MAX)?;
    let list = vm.new_list(&[]);
    let (mut last, mut count) = (0, 0);
    while (most == 0 || count < most) && search.next(Mode::Search) {
        let (start, end) = search.span();
        let piece = slice(vm, string, last, start)?;
        vm.list_append(list, piece);
        for group in 1..=groups {
            let piece = match search.group(group) {
                Some((start, end)) => slice(vm, string, start, end)?,
                None => vm.none,
            };
            vm.list_append(list, piece);
        }
        last = end;
        count += 1;
    }
    let rest = slice(vm, string, last, search.end())?;
    vm.list_append(list, rest);
    Ok(list)
}

const UNICODE: i64 = 32;
const FLAG_NAMES: [(i64, &str); 8] = [
    (2, "re.IGNORECASE"),
    (4, "re.LOCALE"),
    (8, "re.MULTILINE"),
    (16, "re.DOTALL"),
    (UNICODE, "re.UNICODE"),
    (64, "re.VERBOSE"),
    (128, "re.DEBUG"),
    (256, "re.ASCII"),
];

fn repr(vm: &mut Vm, pattern: Value) -> PyResult {
    let object = cast::<Pattern>(pattern);
    let mut flags = object.flags.get();
    // What str patterns have unless told otherwise.
    if vm.is_str(object.source.get()) && flags & (4 | UNICODE | 256) == UNICODE {
        flags &= !UNICODE;
    }
    let source = vm.repr_text(object.source.get())?;
    let mut text: String = "re.compile(".chars().chain(source.chars().take(200)).collect();
    let mut names: Vec<String> = Vec::new();
    for (flag, name) in FLAG_NAMES {
        if flags & flag != 0 {
            names.put(name.to_owned());
            flags &= !flag;
        }
    }
    if flags != 0 {
        names.put(format!("0x{flags:x}"));
    }
    if !names.is_empty() {
        text.put_all(", ");
        text.put_all(&names.join("|"));
    }
    text.put(')');
    Ok(vm.new_str(&text))
}

fn hash(vm: &mut Vm, pattern: Value) -> PyResult<i64> {
    let object = cast::<Pattern>(pattern);
    let source = vm.hash(object.source.get())?;
    let code = vm.hash(object.code.get())?;
    let hash = source ^ code ^ object.flags.get() ^ object.groups.get();
    Ok(if hash == -1 { -2 } else { hash })
}

fn compare(vm: &mut Vm, a: Value, b: Value, op: CompareOp) -> PyResult {
    let class = types(vm).pattern;
    if vm.type_of(a) != class || vm.type_of(b) != class || !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(vm.not_implemented);
    }
    let (x, y) = (cast::<Pattern>(a), cast::<Pattern>(b));
    let mut same = a == b
        || (x.flags.get() == y.flags.get()
            && x.groups.get() == y.groups.get()
            && vm.is_str(x.source.get()) == vm.is_str(y.source.get())
            && vm.bytes(x.code.get()) == vm.bytes(y.code.get()));
    if same && a != b {
        same = vm.eq(x.source.get(), y.source.get())?;
    }
    Ok(vm.bool(same == (op == CompareOp::Eq)))
}
