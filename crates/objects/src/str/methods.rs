//! The method table of `str`.

use super::{case, edges, format, pad, predicates, replace, search, split, translate};
use crate::args::{CallArgs, MANY, MethodDef, Signature};
use crate::error::PyResult;
use crate::vm::Vm;
use heap::Value;

#[rustfmt::skip]
pub(super) static METHODS: &[MethodDef] = &[
    MethodDef::method("encode", 1, 3, encode).with_keywords().with_doc("encode($self, /, encoding='utf-8', errors='strict')\n--\n\nEncode the string using the codec registered for encoding.\n\n  encoding\n    The encoding in which to encode the string.\n  errors\n    The error handling scheme to use for encoding errors.\n    The default is 'strict' meaning that encoding errors raise a\n    UnicodeEncodeError.  Other possible values are 'ignore', 'replace'\n    and 'xmlcharrefreplace' as well as any other name registered with\n    codecs.register_error that can handle UnicodeEncodeErrors."),
    MethodDef::method("replace", 3, 4, replace::replace).with_keywords().with_doc("replace($self, old, new, /, count=-1)\n--\n\nReturn a copy with all occurrences of substring old replaced by new.\n\n  count\n    Maximum number of occurrences to replace.\n    -1 (the default value) means replace all occurrences.\n\nIf the optional argument count is given, only the first count occurrences are\nreplaced."),
    MethodDef::method("split", 1, 3, split::split).with_keywords().with_doc("split($self, /, sep=None, maxsplit=-1)\n--\n\nReturn a list of the substrings in the string, using sep as the separator string.\n\n  sep\n    The separator used to split the string.\n\n    When set to None (the default value), will split on any\n    whitespace character (including \\n \\r \\t \\f and spaces) and\n    will discard empty strings from the result.\n  maxsplit\n    Maximum number of splits.\n    -1 (the default value) means no limit.\n\nSplitting starts at the front of the string and works to the end.\n\nNote, str.split() is mainly useful for data that has been\nintentionally delimited.  With natural text that includes\npunctuation, consider using the regular expression module."),
    MethodDef::method("rsplit", 1, 3, split::rsplit).with_keywords().with_doc("rsplit($self, /, sep=None, maxsplit=-1)\n--\n\nReturn a list of the substrings in the string, using sep as the separator string.\n\n  sep\n    The separator used to split the string.\n\n    When set to None (the default value), will split on any\n    whitespace character (including \\n \\r \\t \\f and spaces) and\n    will discard empty strings from the result.\n  maxsplit\n    Maximum number of splits.\n    -1 (the default value) means no limit.\n\nSplitting starts at the end of the string and works to the front."),
    MethodDef::method("join", 2, 2, split::join).with_doc("join($self, iterable, /)\n--\n\nConcatenate any number of strings.\n\nThe string whose method is called is inserted in between each given\nstring.  The result is returned as a new string.\n\nExample: '.'.join(['ab', 'pq', 'rs']) -> 'ab.pq.rs'"),
    MethodDef::method("capitalize", 1, 1, case::capitalize).leaf().with_doc("capitalize($self, /)\n--\n\nReturn a capitalized version of the string.\n\nMore specifically, make the first character have upper case and the\nrest lower case."),
    MethodDef::method("casefold", 1, 1, case::casefold).leaf().with_doc("casefold($self, /)\n--\n\nReturn a version of the string suitable for caseless comparisons."),
    MethodDef::method("title", 1, 1, case::title).leaf().with_doc("title($self, /)\n--\n\nReturn a version of the string where each word is titlecased.\n\nMore specifically, words start with uppercased characters and all\nremaining cased characters have lower case."),
    MethodDef::method("center", 2, 3, pad::center).with_doc("center($self, width, fillchar=' ', /)\n--\n\nReturn a centered string of length width.\n\nPadding is done using the specified fill character (default is\na space)."),
    MethodDef::method("count", 2, 4, search::count).with_doc("count($self, sub[, start[, end]], /)\n--\n\nReturn the number of non-overlapping occurrences of substring sub in string S[start:end].\n\nOptional arguments start and end are interpreted as in slice\nnotation."),
    MethodDef::method("expandtabs", 1, 2, pad::expandtabs).with_keywords().with_doc("expandtabs($self, /, tabsize=8)\n--\n\nReturn a copy where all tab characters are expanded using spaces.\n\nIf tabsize is not given, a tab size of 8 characters is assumed."),
    MethodDef::method("find", 2, 4, search::find).with_doc("find($self, sub[, start[, end]], /)\n--\n\nReturn the lowest index in S where substring sub is found, such that sub is contained within S[start:end].\n\nOptional arguments start and end are interpreted as in slice\nnotation.  Return -1 on failure."),
    MethodDef::method("partition", 2, 2, split::partition).leaf().with_doc("partition($self, sep, /)\n--\n\nPartition the string into three parts using the given separator.\n\nThis will search for the separator in the string.  If the separator\nis found, returns a 3-tuple containing the part before the\nseparator, the separator itself, and the part after it.\n\nIf the separator is not found, returns a 3-tuple containing\nthe original string and two empty strings."),
    MethodDef::method("index", 2, 4, search::index).with_doc("index($self, sub[, start[, end]], /)\n--\n\nReturn the lowest index in S where substring sub is found, such that sub is contained within S[start:end].\n\nOptional arguments start and end are interpreted as in slice\nnotation.  Raises ValueError when the substring is not found."),
    MethodDef::method("ljust", 2, 3, pad::ljust).with_doc("ljust($self, width, fillchar=' ', /)\n--\n\nReturn a left-justified string of length width.\n\nPadding is done using the specified fill character (default is\na space)."),
    MethodDef::method("lower", 1, 1, case::lower).leaf().with_doc("lower($self, /)\n--\n\nReturn a copy of the string converted to lowercase."),
    MethodDef::method("lstrip", 1, 2, edges::lstrip).leaf().with_doc("lstrip($self, chars=None, /)\n--\n\nReturn a copy of the string with leading whitespace removed.\n\nIf chars is given and not None, remove characters in chars instead."),
    MethodDef::method("rfind", 2, 4, search::rfind).with_doc("rfind($self, sub[, start[, end]], /)\n--\n\nReturn the highest index in S where substring sub is found, such that sub is contained within S[start:end].\n\nOptional arguments start and end are interpreted as in slice\nnotation.  Return -1 on failure."),
    MethodDef::method("rindex", 2, 4, search::rindex).with_doc("rindex($self, sub[, start[, end]], /)\n--\n\nReturn the highest index in S where substring sub is found, such that sub is contained within S[start:end].\n\nOptional arguments start and end are interpreted as in slice\nnotation.  Raises ValueError when the substring is not found."),
    MethodDef::method("rjust", 2, 3, pad::rjust).with_doc("rjust($self, width, fillchar=' ', /)\n--\n\nReturn a right-justified string of length width.\n\nPadding is done using the specified fill character (default is\na space)."),
    MethodDef::method("rstrip", 1, 2, edges::rstrip).leaf().with_doc("rstrip($self, chars=None, /)\n--\n\nReturn a copy of the string with trailing whitespace removed.\n\nIf chars is given and not None, remove characters in chars instead."),
    MethodDef::method("rpartition", 2, 2, split::rpartition).leaf().with_doc("rpartition($self, sep, /)\n--\n\nPartition the string into three parts using the given separator.\n\nThis will search for the separator in the string, starting at the\nend.  If the separator is found, returns a 3-tuple containing the\npart before the separator, the separator itself, and the part after\nit.\n\nIf the separator is not found, returns a 3-tuple containing two\nempty strings and the original string."),
    MethodDef::method("splitlines", 1, 2, split::splitlines).with_keywords().with_doc("splitlines($self, /, keepends=False)\n--\n\nReturn a list of the lines in the string, breaking at line boundaries.\n\nLine breaks are not included in the resulting list unless keepends\nis given and true."),
    MethodDef::method("strip", 1, 2, edges::strip).leaf().with_doc("strip($self, chars=None, /)\n--\n\nReturn a copy of the string with leading and trailing whitespace removed.\n\nIf chars is given and not None, remove characters in chars instead."),
    MethodDef::method("swapcase", 1, 1, case::swapcase).leaf().with_doc("swapcase($self, /)\n--\n\nConvert uppercase characters to lowercase and lowercase characters to uppercase."),
    MethodDef::method("translate", 2, 2, translate::translate).with_doc("translate($self, table, /)\n--\n\nReplace each character in the string using the given translation table.\n\n  table\n    Translation table, which must be a mapping of Unicode ordinals\n    to Unicode ordinals, strings, or None.\n\nThe table must implement lookup/indexing via __getitem__, for\ninstance a dictionary or list.  If this operation raises\nLookupError, the character is left untouched.  Characters mapped to\nNone are deleted."),
    MethodDef::method("upper", 1, 1, case::upper).leaf().with_doc("upper($self, /)\n--\n\nReturn a copy of the string converted to uppercase."),
    MethodDef::method("startswith", 2, 4, search::startswith).with_doc("startswith($self, prefix[, start[, end]], /)\n--\n\nReturn True if the string starts with the specified prefix, False otherwise.\n\n  prefix\n    A string or a tuple of strings to try.\n  start\n    Optional start position. Default: start of the string.\n  end\n    Optional stop position. Default: end of the string."),
    MethodDef::method("endswith", 2, 4, search::endswith).with_doc("endswith($self, suffix[, start[, end]], /)\n--\n\nReturn True if the string ends with the specified suffix, False otherwise.\n\n  suffix\n    A string or a tuple of strings to try.\n  start\n    Optional start position. Default: start of the string.\n  end\n    Optional stop position. Default: end of the string."),
    MethodDef::method("removeprefix", 2, 2, edges::removeprefix).leaf().with_doc("removeprefix($self, prefix, /)\n--\n\nReturn a str with the given prefix string removed if present.\n\nIf the string starts with the prefix string, return\nstring[len(prefix):].  Otherwise, return a copy of the original\nstring."),
    MethodDef::method("removesuffix", 2, 2, edges::removesuffix).leaf().with_doc("removesuffix($self, suffix, /)\n--\n\nReturn a str with the given suffix string removed if present.\n\nIf the string ends with the suffix string and that suffix is not\nempty, return string[:-len(suffix)].  Otherwise, return a copy of\nthe original string."),
    MethodDef::method("format", 1, MANY, format::format).with_keywords().with_doc("format($self, /, *args, **kwargs)\n--\n\nReturn a formatted version of the string, using substitutions from args and kwargs.\nThe substitutions are identified by braces ('{' and '}')."),
    MethodDef::method("format_map", 2, 2, format::format_map).with_doc("format_map($self, mapping, /)\n--\n\nReturn a formatted version of the string, using substitutions from mapping.\nThe substitutions are identified by braces ('{' and '}')."),
    MethodDef::method("zfill", 2, 2, pad::zfill).with_doc("zfill($self, width, /)\n--\n\nPad a numeric string with zeros on the left, to fill a field of the given width.\n\nThe string is never truncated."),
    MethodDef::method("__format__", 2, 2, format_method).with_doc("__format__($self, format_spec, /)\n--\n\nReturn a formatted version of the string as described by format_spec."),
    MethodDef::method("__sizeof__", 1, 1, sizeof).leaf().with_doc("__sizeof__($self, /)\n--\n\nReturn the size of the string in memory, in bytes."),
    MethodDef::method("__getnewargs__", 1, 1, getnewargs).leaf().with_doc("__getnewargs__($self, /)\n--\n\n"),
    MethodDef::method("isascii", 1, 1, predicates::isascii).leaf().with_doc("isascii($self, /)\n--\n\nReturn True if all characters in the string are ASCII, False otherwise.\n\nASCII characters have code points in the range U+0000-U+007F.\nEmpty string is ASCII too."),
    MethodDef::method("islower", 1, 1, predicates::islower).leaf().with_doc("islower($self, /)\n--\n\nReturn True if the string is a lowercase string, False otherwise.\n\nA string is lowercase if all cased characters in the string are\nlowercase and there is at least one cased character in the string."),
    MethodDef::method("isupper", 1, 1, predicates::isupper).leaf().with_doc("isupper($self, /)\n--\n\nReturn True if the string is an uppercase string, False otherwise.\n\nA string is uppercase if all cased characters in the string are\nuppercase and there is at least one cased character in the string."),
    MethodDef::method("istitle", 1, 1, predicates::istitle).leaf().with_doc("istitle($self, /)\n--\n\nReturn True if the string is a title-cased string, False otherwise.\n\nIn a title-cased string, upper- and title-case characters may only\nfollow uncased characters and lowercase characters only cased ones."),
    MethodDef::method("isspace", 1, 1, predicates::isspace).leaf().with_doc("isspace($self, /)\n--\n\nReturn True if the string is a whitespace string, False otherwise.\n\nA string is whitespace if all characters in the string are\nwhitespace and there is at least one character in the string."),
    MethodDef::method("isdecimal", 1, 1, predicates::isdecimal).leaf().with_doc("isdecimal($self, /)\n--\n\nReturn True if the string is a decimal string, False otherwise.\n\nA string is a decimal string if all characters in the string are\ndecimal and there is at least one character in the string."),
    MethodDef::method("isdigit", 1, 1, predicates::isdigit).leaf().with_doc("isdigit($self, /)\n--\n\nReturn True if the string is a digit string, False otherwise.\n\nA string is a digit string if all characters in the string are\ndigits and there is at least one character in the string."),
    MethodDef::method("isnumeric", 1, 1, predicates::isnumeric).leaf().with_doc("isnumeric($self, /)\n--\n\nReturn True if the string is a numeric string, False otherwise.\n\nA string is numeric if all characters in the string are numeric and\nthere is at least one character in the string."),
    MethodDef::method("isalpha", 1, 1, predicates::isalpha).leaf().with_doc("isalpha($self, /)\n--\n\nReturn True if the string is an alphabetic string, False otherwise.\n\nA string is alphabetic if all characters in the string are\nalphabetic and there is at least one character in the string."),
    MethodDef::method("isalnum", 1, 1, predicates::isalnum).leaf().with_doc("isalnum($self, /)\n--\n\nReturn True if the string is an alpha-numeric string, False otherwise.\n\nA string is alpha-numeric if all characters in the string are\nalpha-numeric and there is at least one character in the string."),
    MethodDef::method("isidentifier", 1, 1, predicates::isidentifier).leaf().with_doc("isidentifier($self, /)\n--\n\nReturn True if the string is a valid Python identifier, False otherwise.\n\nCall keyword.iskeyword(s) to test whether string s is a reserved\nidentifier, such as \"def\" or \"class\"."),
    MethodDef::method("isprintable", 1, 1, predicates::isprintable).leaf().with_doc("isprintable($self, /)\n--\n\nReturn True if all characters in the string are printable, False otherwise.\n\nA character is printable if repr() may use it in its output."),
    MethodDef::static_method("maketrans", 1, 3, translate::maketrans).with_doc("maketrans(x, y=<unrepresentable>, z=<unrepresentable>, /)\n--\n\nReturn a translation table usable for str.translate().\n\nIf there is only one argument, it must be a dictionary mapping\nUnicode ordinals (integers) or characters to Unicode ordinals,\nstrings or None.  Character keys will be then converted to ordinals.\nIf there are two arguments, they must be strings of equal length,\nand in the resulting dictionary, each character in x will be mapped\nto the character at the same position in y.  If there is a third\nargument, it must be a string, whose characters will be mapped to\nNone in the result."),
];

fn encode(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<2> =
        Signature { parameters: ["encoding", "errors"], skip: 1, positional_only: 0, max_positional: 2, required: 0 };
    let [encoding, errors] = args.bind(vm, "encode", &PARAMETERS)?;
    for (name, value) in [("encoding", encoding), ("errors", errors)] {
        if !value.is_null() && !vm.is_str(value) {
            let given = vm.type_name(value);
            return Err(vm.type_error(format!("encode() argument '{name}' must be str, not {given}")));
        }
    }
    crate::codecs::encode_object(vm, args.values[0], encoding, errors)
}

fn format_method(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let value = args.values[0];
    crate::format_spec::format_method(vm, args, |vm, spec| crate::format_spec::format_str(vm, value, spec))
}

fn sizeof(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let bytes = vm.str_bytes(args.values[0]).len();
    Ok(Value::from_int(bytes as i64 + 41))
}

fn getnewargs(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let text = vm.exact_str(args.values[0]);
    Ok(vm.new_tuple(&[text]))
}
