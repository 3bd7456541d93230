//! The method tables of `bytes` and `bytearray`, and the short methods.

use super::{join, parts, search, text};
use crate::args::{CallArgs, MethodDef, Signature};
use crate::bytearray::mutation;
use crate::error::PyResult;
use crate::str::case::{ascii_capitalize, ascii_swapcase, ascii_title};
use crate::str::predicates::is_title;
use crate::vm::Vm;
use heap::Value;

#[rustfmt::skip]
pub(crate) static BYTES_METHODS: &[MethodDef] = &[
    MethodDef::method("capitalize", 1, 1, capitalize).leaf().plain().with_doc("capitalize($self, /)\n--\n\nB.capitalize() -> copy of B\n\nReturn a copy of B with only its first character capitalized (ASCII)\nand the rest lower-cased."),
    MethodDef::method("center", 2, 3, join::center).plain().with_doc("center($self, width, fillchar=b' ', /)\n--\n\nReturn a centered string of length width.\n\nPadding is done using the specified fill character."),
    MethodDef::method("count", 2, 4, search::count).plain().with_doc("count($self, sub[, start[, end]], /)\n--\n\nReturn the number of non-overlapping occurrences of subsection 'sub' in bytes B[start:end].\n\n  start\n    Optional start position. Default: start of the bytes.\n  end\n    Optional stop position. Default: end of the bytes."),
    MethodDef::method("decode", 1, 3, decode).with_keywords().with_doc("decode($self, /, encoding='utf-8', errors='strict')\n--\n\nDecode the bytes using the codec registered for encoding.\n\n  encoding\n    The encoding with which to decode the bytes.\n  errors\n    The error handling scheme to use for the handling of decoding\n    errors.  The default is 'strict' meaning that decoding errors\n    raise a UnicodeDecodeError.  Other possible values are 'ignore'\n    and 'replace' as well as any other name registered with\n    codecs.register_error that can handle UnicodeDecodeErrors."),
    MethodDef::method("endswith", 2, 4, search::endswith).plain().with_doc("endswith($self, suffix[, start[, end]], /)\n--\n\nReturn True if the bytes ends with the specified suffix, False otherwise.\n\n  suffix\n    A bytes or a tuple of bytes to try.\n  start\n    Optional start position. Default: start of the bytes.\n  end\n    Optional stop position. Default: end of the bytes."),
    MethodDef::method("expandtabs", 1, 2, join::expandtabs).with_keywords().plain().with_doc("expandtabs($self, /, tabsize=8)\n--\n\nReturn a copy where all tab characters are expanded using spaces.\n\nIf tabsize is not given, a tab size of 8 characters is assumed."),
    MethodDef::method("find", 2, 4, search::find).plain().with_doc("find($self, sub[, start[, end]], /)\n--\n\nReturn the lowest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start,end].\n\n  start\n    Optional start position. Default: start of the bytes.\n  end\n    Optional stop position. Default: end of the bytes.\n\nReturn -1 on failure."),
    MethodDef::method("hex", 1, 3, hex).with_keywords().with_doc("hex($self, /, sep=<unrepresentable>, bytes_per_sep=1)\n--\n\nCreate a string of hexadecimal numbers from a bytes object.\n\n  sep\n    An optional single character or byte to separate hex bytes.\n  bytes_per_sep\n    How many bytes between separators.  Positive values count from\n    the right, negative values count from the left.\n\nExample:\n>>> value = b'\\xb9\\x01\\xef'\n>>> value.hex()\n'b901ef'\n>>> value.hex(':')\n'b9:01:ef'\n>>> value.hex(':', 2)\n'b9:01ef'\n>>> value.hex(':', -2)\n'b901:ef'"),
    MethodDef::method("index", 2, 4, search::index).plain().with_doc("index($self, sub[, start[, end]], /)\n--\n\nReturn the lowest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start,end].\n\n  start\n    Optional start position. Default: start of the bytes.\n  end\n    Optional stop position. Default: end of the bytes.\n\nRaise ValueError if the subsection is not found."),
    MethodDef::method("join", 2, 2, join::join).with_doc("join($self, iterable_of_bytes, /)\n--\n\nConcatenate any number of bytes objects.\n\nThe bytes whose method is called is inserted in between each pair.\n\nThe result is returned as a new bytes object.\n\nExample: b'.'.join([b'ab', b'pq', b'rs']) -> b'ab.pq.rs'."),
    MethodDef::method("ljust", 2, 3, join::ljust).plain().with_doc("ljust($self, width, fillchar=b' ', /)\n--\n\nReturn a left-justified string of length width.\n\nPadding is done using the specified fill character."),
    MethodDef::method("lower", 1, 1, lower).leaf().plain().with_doc("lower($self, /)\n--\n\nB.lower() -> copy of B\n\nReturn a copy of B with all ASCII characters converted to lowercase."),
    MethodDef::method("lstrip", 1, 2, parts::lstrip).plain().with_doc("lstrip($self, bytes=None, /)\n--\n\nStrip leading bytes contained in the argument.\n\nIf the argument is omitted or None, strip leading  ASCII whitespace."),
    MethodDef::method("partition", 2, 2, parts::partition).plain().with_doc("partition($self, sep, /)\n--\n\nPartition the bytes into three parts using the given separator.\n\nThis will search for the separator sep in the bytes.  If the\nseparator is found, returns a 3-tuple containing the part before the\nseparator, the separator itself, and the part after it.\n\nIf the separator is not found, returns a 3-tuple containing the\noriginal bytes object and two empty bytes objects."),
    MethodDef::method("replace", 3, 4, parts::replace).plain().with_doc("replace($self, old, new, count=-1, /)\n--\n\nReturn a copy with all occurrences of substring old replaced by new.\n\n  count\n    Maximum number of occurrences to replace.\n    -1 (the default value) means replace all occurrences.\n\nIf the optional argument count is given, only the first count occurrences are\nreplaced."),
    MethodDef::method("removeprefix", 2, 2, parts::removeprefix).plain().with_doc("removeprefix($self, prefix, /)\n--\n\nReturn a bytes object with the given prefix string removed if present.\n\nIf the bytes starts with the prefix string, return\nbytes[len(prefix):].  Otherwise, return a copy of the original\nbytes."),
    MethodDef::method("removesuffix", 2, 2, parts::removesuffix).plain().with_doc("removesuffix($self, suffix, /)\n--\n\nReturn a bytes object with the given suffix string removed if present.\n\nIf the bytes ends with the suffix string and that suffix is not\nempty, return bytes[:-len(prefix)].  Otherwise, return a copy of the\noriginal bytes."),
    MethodDef::method("rfind", 2, 4, search::rfind).plain().with_doc("rfind($self, sub[, start[, end]], /)\n--\n\nReturn the highest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start,end].\n\n  start\n    Optional start position. Default: start of the bytes.\n  end\n    Optional stop position. Default: end of the bytes.\n\nReturn -1 on failure."),
    MethodDef::method("rindex", 2, 4, search::rindex).plain().with_doc("rindex($self, sub[, start[, end]], /)\n--\n\nReturn the highest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start,end].\n\n  start\n    Optional start position. Default: start of the bytes.\n  end\n    Optional stop position. Default: end of the bytes.\n\nRaise ValueError if the subsection is not found."),
    MethodDef::method("rjust", 2, 3, join::rjust).plain().with_doc("rjust($self, width, fillchar=b' ', /)\n--\n\nReturn a right-justified string of length width.\n\nPadding is done using the specified fill character."),
    MethodDef::method("rpartition", 2, 2, parts::rpartition).plain().with_doc("rpartition($self, sep, /)\n--\n\nPartition the bytes into three parts using the given separator.\n\nThis will search for the separator sep in the bytes, starting at the\nend.  If the separator is found, returns a 3-tuple containing the\npart before the separator, the separator itself, and the part after\nit.\n\nIf the separator is not found, returns a 3-tuple containing two\nempty bytes objects and the original bytes object."),
    MethodDef::method("rsplit", 1, 3, parts::rsplit).with_keywords().plain().with_doc("rsplit($self, /, sep=None, maxsplit=-1)\n--\n\nReturn a list of the sections in the bytes, using sep as the delimiter.\n\n  sep\n    The delimiter according which to split the bytes.\n    None (the default value) means split on ASCII whitespace\n    characters (space, tab, return, newline, formfeed, vertical tab).\n  maxsplit\n    Maximum number of splits to do.\n    -1 (the default value) means no limit.\n\nSplitting is done starting at the end of the bytes and working to\nthe front."),
    MethodDef::method("rstrip", 1, 2, parts::rstrip).plain().with_doc("rstrip($self, bytes=None, /)\n--\n\nStrip trailing bytes contained in the argument.\n\nIf the argument is omitted or None, strip trailing ASCII whitespace."),
    MethodDef::method("split", 1, 3, parts::split).with_keywords().plain().with_doc("split($self, /, sep=None, maxsplit=-1)\n--\n\nReturn a list of the sections in the bytes, using sep as the delimiter.\n\n  sep\n    The delimiter according which to split the bytes.\n    None (the default value) means split on ASCII whitespace\n    characters (space, tab, return, newline, formfeed, vertical tab).\n  maxsplit\n    Maximum number of splits to do.\n    -1 (the default value) means no limit."),
    MethodDef::method("splitlines", 1, 2, parts::splitlines).with_keywords().plain().with_doc("splitlines($self, /, keepends=False)\n--\n\nReturn a list of the lines in the bytes, breaking at line boundaries.\n\nLine breaks are not included in the resulting list unless keepends\nis given and true."),
    MethodDef::method("startswith", 2, 4, search::startswith).plain().with_doc("startswith($self, prefix[, start[, end]], /)\n--\n\nReturn True if the bytes starts with the specified prefix, False otherwise.\n\n  prefix\n    A bytes or a tuple of bytes to try.\n  start\n    Optional start position. Default: start of the bytes.\n  end\n    Optional stop position. Default: end of the bytes."),
    MethodDef::method("strip", 1, 2, parts::strip).plain().with_doc("strip($self, bytes=None, /)\n--\n\nStrip leading and trailing bytes contained in the argument.\n\nIf the argument is omitted or None, strip leading and trailing ASCII\nwhitespace."),
    MethodDef::method("swapcase", 1, 1, swapcase).leaf().plain().with_doc("swapcase($self, /)\n--\n\nB.swapcase() -> copy of B\n\nReturn a copy of B with uppercase ASCII characters converted\nto lowercase ASCII and vice versa."),
    MethodDef::method("title", 1, 1, title).leaf().plain().with_doc("title($self, /)\n--\n\nB.title() -> copy of B\n\nReturn a titlecased version of B, i.e. ASCII words start with\nuppercase characters, all remaining cased characters have lowercase."),
    MethodDef::method("translate", 2, 3, parts::translate).with_keywords().with_doc("translate($self, table, /, delete=b'')\n--\n\nReturn a copy with each character mapped by the given translation table.\n\n  table\n    Translation table, which must be a bytes object of length 256.\n\nAll characters occurring in the optional argument delete are\nremoved.  The remaining characters are mapped through the given\ntranslation table."),
    MethodDef::method("upper", 1, 1, upper).leaf().plain().with_doc("upper($self, /)\n--\n\nB.upper() -> copy of B\n\nReturn a copy of B with all ASCII characters converted to uppercase."),
    MethodDef::method("zfill", 2, 2, join::zfill).plain().with_doc("zfill($self, width, /)\n--\n\nPad a numeric string with zeros on the left, to fill a field of the given width.\n\nThe original string is never truncated."),
    MethodDef::method("isalnum", 1, 1, isalnum).leaf().plain().with_doc("isalnum($self, /)\n--\n\nB.isalnum() -> bool\n\nReturn True if all characters in B are alphanumeric\nand there is at least one character in B, False otherwise."),
    MethodDef::method("isalpha", 1, 1, isalpha).leaf().plain().with_doc("isalpha($self, /)\n--\n\nB.isalpha() -> bool\n\nReturn True if all characters in B are alphabetic\nand there is at least one character in B, False otherwise."),
    MethodDef::method("isascii", 1, 1, isascii).leaf().plain().with_doc("isascii($self, /)\n--\n\nB.isascii() -> bool\n\nReturn True if B is empty or all characters in B are ASCII,\nFalse otherwise."),
    MethodDef::method("isdigit", 1, 1, isdigit).leaf().plain().with_doc("isdigit($self, /)\n--\n\nB.isdigit() -> bool\n\nReturn True if all characters in B are digits\nand there is at least one character in B, False otherwise."),
    MethodDef::method("islower", 1, 1, islower).leaf().plain().with_doc("islower($self, /)\n--\n\nB.islower() -> bool\n\nReturn True if all cased characters in B are lowercase and there is\nat least one cased character in B, False otherwise."),
    MethodDef::method("isspace", 1, 1, isspace).leaf().plain().with_doc("isspace($self, /)\n--\n\nB.isspace() -> bool\n\nReturn True if all characters in B are whitespace\nand there is at least one character in B, False otherwise."),
    MethodDef::method("istitle", 1, 1, istitle).leaf().plain().with_doc("istitle($self, /)\n--\n\nB.istitle() -> bool\n\nReturn True if B is a titlecased string and there is at least one\ncharacter in B, i.e. uppercase characters may only follow uncased\ncharacters and lowercase characters only cased ones. Return False\notherwise."),
    MethodDef::method("isupper", 1, 1, isupper).leaf().plain().with_doc("isupper($self, /)\n--\n\nB.isupper() -> bool\n\nReturn True if all cased characters in B are uppercase and there is\nat least one cased character in B, False otherwise."),
    MethodDef::class_method("fromhex", 2, 2, fromhex).with_doc("fromhex($type, string, /)\n--\n\nCreate a bytes object from a string of hexadecimal numbers.\n\nSpaces between two numbers are accepted.\nExample: bytes.fromhex('B9 01EF') -> b'\\\\xb9\\\\x01\\\\xef'."),
    MethodDef::static_method("maketrans", 2, 2, parts::maketrans).with_doc("maketrans(frm, to, /)\n--\n\nReturn a translation table usable for the bytes or bytearray translate method.\n\nThe returned table will be one where each byte in frm is mapped to\nthe byte at the same position in to.\n\nThe bytes objects frm and to must be of the same length."),
    MethodDef::method("__getnewargs__", 1, 1, getnewargs).leaf(),
    MethodDef::method("__bytes__", 1, 1, as_bytes).leaf().with_doc("__bytes__($self, /)\n--\n\nConvert this value to exact type bytes."),
    MethodDef::method("__sizeof__", 1, 1, crate::object::sizeof).leaf().with_doc("Size of object in memory, in bytes."),
];

#[rustfmt::skip]
pub(crate) static BYTEARRAY_METHODS: &[MethodDef] = &[
    MethodDef::method("capitalize", 1, 1, capitalize).leaf().plain().with_doc("capitalize($self, /)\n--\n\nB.capitalize() -> copy of B\n\nReturn a copy of B with only its first character capitalized (ASCII)\nand the rest lower-cased."),
    MethodDef::method("center", 2, 3, join::center).plain().with_doc("center($self, width, fillchar=b' ', /)\n--\n\nReturn a centered string of length width.\n\nPadding is done using the specified fill character."),
    MethodDef::method("count", 2, 4, search::count).plain().with_doc("count($self, sub[, start[, end]], /)\n--\n\nReturn the number of non-overlapping occurrences of subsection 'sub' in bytes B[start:end].\n\n  start\n    Optional start position. Default: start of the bytes.\n  end\n    Optional stop position. Default: end of the bytes."),
    MethodDef::method("decode", 1, 3, decode).with_keywords().with_doc("decode($self, /, encoding='utf-8', errors='strict')\n--\n\nDecode the bytearray using the codec registered for encoding.\n\n  encoding\n    The encoding with which to decode the bytearray.\n  errors\n    The error handling scheme to use for the handling of decoding\n    errors.  The default is 'strict' meaning that decoding errors\n    raise a UnicodeDecodeError.  Other possible values are 'ignore'\n    and 'replace' as well as any other name registered with\n    codecs.register_error that can handle UnicodeDecodeErrors."),
    MethodDef::method("endswith", 2, 4, search::endswith).plain().with_doc("endswith($self, suffix[, start[, end]], /)\n--\n\nReturn True if the bytearray ends with the specified suffix, False otherwise.\n\n  suffix\n    A bytes or a tuple of bytes to try.\n  start\n    Optional start position. Default: start of the bytearray.\n  end\n    Optional stop position. Default: end of the bytearray."),
    MethodDef::method("expandtabs", 1, 2, join::expandtabs).with_keywords().plain().with_doc("expandtabs($self, /, tabsize=8)\n--\n\nReturn a copy where all tab characters are expanded using spaces.\n\nIf tabsize is not given, a tab size of 8 characters is assumed."),
    MethodDef::method("find", 2, 4, search::find).plain().with_doc("find($self, sub[, start[, end]], /)\n--\n\nReturn the lowest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start:end].\n\n  start\n    Optional start position. Default: start of the bytes.\n  end\n    Optional stop position. Default: end of the bytes.\n\nReturn -1 on failure."),
    MethodDef::method("hex", 1, 3, hex).with_keywords().with_doc("hex($self, /, sep=<unrepresentable>, bytes_per_sep=1)\n--\n\nCreate a string of hexadecimal numbers from a bytearray object.\n\n  sep\n    An optional single character or byte to separate hex bytes.\n  bytes_per_sep\n    How many bytes between separators.  Positive values count from\n    the right, negative values count from the left.\n\nExample:\n>>> value = bytearray([0xb9, 0x01, 0xef])\n>>> value.hex()\n'b901ef'\n>>> value.hex(':')\n'b9:01:ef'\n>>> value.hex(':', 2)\n'b9:01ef'\n>>> value.hex(':', -2)\n'b901:ef'"),
    MethodDef::method("index", 2, 4, search::index).plain().with_doc("index($self, sub[, start[, end]], /)\n--\n\nReturn the lowest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start:end].\n\n  start\n    Optional start position. Default: start of the bytes.\n  end\n    Optional stop position. Default: end of the bytes.\n\nRaise ValueError if the subsection is not found."),
    MethodDef::method("join", 2, 2, join::join).with_doc("join($self, iterable_of_bytes, /)\n--\n\nConcatenate any number of bytes/bytearray objects.\n\nThe bytearray whose method is called is inserted in between each\npair.\n\nThe result is returned as a new bytearray object."),
    MethodDef::method("ljust", 2, 3, join::ljust).plain().with_doc("ljust($self, width, fillchar=b' ', /)\n--\n\nReturn a left-justified string of length width.\n\nPadding is done using the specified fill character."),
    MethodDef::method("lower", 1, 1, lower).leaf().plain().with_doc("lower($self, /)\n--\n\nB.lower() -> copy of B\n\nReturn a copy of B with all ASCII characters converted to lowercase."),
    MethodDef::method("lstrip", 1, 2, parts::lstrip).plain().with_doc("lstrip($self, bytes=None, /)\n--\n\nStrip leading bytes contained in the argument.\n\nIf the argument is omitted or None, strip leading ASCII whitespace."),
    MethodDef::method("partition", 2, 2, parts::partition).plain().with_doc("partition($self, sep, /)\n--\n\nPartition the bytearray into three parts using the given separator.\n\nThis will search for the separator sep in the bytearray.  If the\nseparator is found, returns a 3-tuple containing the part before the\nseparator, the separator itself, and the part after it as new\nbytearray objects.\n\nIf the separator is not found, returns a 3-tuple containing the copy\nof the original bytearray object and two empty bytearray objects."),
    MethodDef::method("replace", 3, 4, parts::replace).plain().with_doc("replace($self, old, new, count=-1, /)\n--\n\nReturn a copy with all occurrences of substring old replaced by new.\n\n  count\n    Maximum number of occurrences to replace.\n    -1 (the default value) means replace all occurrences.\n\nIf the optional argument count is given, only the first count occurrences are\nreplaced."),
    MethodDef::method("removeprefix", 2, 2, parts::removeprefix).plain().with_doc("removeprefix($self, prefix, /)\n--\n\nReturn a bytearray with the given prefix string removed if present.\n\nIf the bytearray starts with the prefix string, return\nbytearray[len(prefix):].  Otherwise, return a copy of the original\nbytearray."),
    MethodDef::method("removesuffix", 2, 2, parts::removesuffix).plain().with_doc("removesuffix($self, suffix, /)\n--\n\nReturn a bytearray with the given suffix string removed if present.\n\nIf the bytearray ends with the suffix string and that suffix is not\nempty, return bytearray[:-len(suffix)].  Otherwise, return a copy of\nthe original bytearray."),
    MethodDef::method("rfind", 2, 4, search::rfind).plain().with_doc("rfind($self, sub[, start[, end]], /)\n--\n\nReturn the highest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start:end].\n\n  start\n    Optional start position. Default: start of the bytes.\n  end\n    Optional stop position. Default: end of the bytes.\n\nReturn -1 on failure."),
    MethodDef::method("rindex", 2, 4, search::rindex).plain().with_doc("rindex($self, sub[, start[, end]], /)\n--\n\nReturn the highest index in B where subsection 'sub' is found, such that 'sub' is contained within B[start:end].\n\n  start\n    Optional start position. Default: start of the bytes.\n  end\n    Optional stop position. Default: end of the bytes.\n\nRaise ValueError if the subsection is not found."),
    MethodDef::method("rjust", 2, 3, join::rjust).plain().with_doc("rjust($self, width, fillchar=b' ', /)\n--\n\nReturn a right-justified string of length width.\n\nPadding is done using the specified fill character."),
    MethodDef::method("rpartition", 2, 2, parts::rpartition).plain().with_doc("rpartition($self, sep, /)\n--\n\nPartition the bytearray into three parts using the given separator.\n\nThis will search for the separator sep in the bytearray, starting at\nthe end.  If the separator is found, returns a 3-tuple containing\nthe part before the separator, the separator itself, and the part\nafter it as new bytearray objects.\n\nIf the separator is not found, returns a 3-tuple containing two\nempty bytearray objects and the copy of the original bytearray\nobject."),
    MethodDef::method("rsplit", 1, 3, parts::rsplit).with_keywords().plain().with_doc("rsplit($self, /, sep=None, maxsplit=-1)\n--\n\nReturn a list of the sections in the bytearray, using sep as the delimiter.\n\n  sep\n    The delimiter according which to split the bytearray.\n    None (the default value) means split on ASCII whitespace\n    characters (space, tab, return, newline, formfeed, vertical tab).\n  maxsplit\n    Maximum number of splits to do.\n    -1 (the default value) means no limit.\n\nSplitting is done starting at the end of the bytearray and working\nto the front."),
    MethodDef::method("rstrip", 1, 2, parts::rstrip).plain().with_doc("rstrip($self, bytes=None, /)\n--\n\nStrip trailing bytes contained in the argument.\n\nIf the argument is omitted or None, strip trailing ASCII whitespace."),
    MethodDef::method("split", 1, 3, parts::split).with_keywords().plain().with_doc("split($self, /, sep=None, maxsplit=-1)\n--\n\nReturn a list of the sections in the bytearray, using sep as the delimiter.\n\n  sep\n    The delimiter according which to split the bytearray.\n    None (the default value) means split on ASCII whitespace\n    characters (space, tab, return, newline, formfeed, vertical tab).\n  maxsplit\n    Maximum number of splits to do.\n    -1 (the default value) means no limit."),
    MethodDef::method("splitlines", 1, 2, parts::splitlines).with_keywords().plain().with_doc("splitlines($self, /, keepends=False)\n--\n\nReturn a list of the lines in the bytearray, breaking at line boundaries.\n\nLine breaks are not included in the resulting list unless keepends\nis given and true."),
    MethodDef::method("startswith", 2, 4, search::startswith).plain().with_doc("startswith($self, prefix[, start[, end]], /)\n--\n\nReturn True if the bytearray starts with the specified prefix, False otherwise.\n\n  prefix\n    A bytes or a tuple of bytes to try.\n  start\n    Optional start position. Default: start of the bytearray.\n  end\n    Optional stop position. Default: end of the bytearray."),
    MethodDef::method("strip", 1, 2, parts::strip).plain().with_doc("strip($self, bytes=None, /)\n--\n\nStrip leading and trailing bytes contained in the argument.\n\nIf the argument is omitted or None, strip leading and trailing ASCII\nwhitespace."),
    MethodDef::method("swapcase", 1, 1, swapcase).leaf().plain().with_doc("swapcase($self, /)\n--\n\nB.swapcase() -> copy of B\n\nReturn a copy of B with uppercase ASCII characters converted\nto lowercase ASCII and vice versa."),
    MethodDef::method("title", 1, 1, title).leaf().plain().with_doc("title($self, /)\n--\n\nB.title() -> copy of B\n\nReturn a titlecased version of B, i.e. ASCII words start with\nuppercase characters, all remaining cased characters have lowercase."),
    MethodDef::method("translate", 2, 3, parts::translate).with_keywords().with_doc("translate($self, table, /, delete=b'')\n--\n\nReturn a copy with each character mapped by the given translation table.\n\n  table\n    Translation table, which must be a bytes object of length 256.\n\nAll characters occurring in the optional argument delete are\nremoved.  The remaining characters are mapped through the given\ntranslation table."),
    MethodDef::method("upper", 1, 1, upper).leaf().plain().with_doc("upper($self, /)\n--\n\nB.upper() -> copy of B\n\nReturn a copy of B with all ASCII characters converted to uppercase."),
    MethodDef::method("zfill", 2, 2, join::zfill).plain().with_doc("zfill($self, width, /)\n--\n\nPad a numeric string with zeros on the left, to fill a field of the given width.\n\nThe original string is never truncated."),
    MethodDef::method("isalnum", 1, 1, isalnum).leaf().plain().with_doc("isalnum($self, /)\n--\n\nB.isalnum() -> bool\n\nReturn True if all characters in B are alphanumeric\nand there is at least one character in B, False otherwise."),
    MethodDef::method("isalpha", 1, 1, isalpha).leaf().plain().with_doc("isalpha($self, /)\n--\n\nB.isalpha() -> bool\n\nReturn True if all characters in B are alphabetic\nand there is at least one character in B, False otherwise."),
    MethodDef::method("isascii", 1, 1, isascii).leaf().plain().with_doc("isascii($self, /)\n--\n\nB.isascii() -> bool\n\nReturn True if B is empty or all characters in B are ASCII,\nFalse otherwise."),
    MethodDef::method("isdigit", 1, 1, isdigit).leaf().plain().with_doc("isdigit($self, /)\n--\n\nB.isdigit() -> bool\n\nReturn True if all characters in B are digits\nand there is at least one character in B, False otherwise."),
    MethodDef::method("islower", 1, 1, islower).leaf().plain().with_doc("islower($self, /)\n--\n\nB.islower() -> bool\n\nReturn True if all cased characters in B are lowercase and there is\nat least one cased character in B, False otherwise."),
    MethodDef::method("isspace", 1, 1, isspace).leaf().plain().with_doc("isspace($self, /)\n--\n\nB.isspace() -> bool\n\nReturn True if all characters in B are whitespace\nand there is at least one character in B, False otherwise."),
    MethodDef::method("istitle", 1, 1, istitle).leaf().plain().with_doc("istitle($self, /)\n--\n\nB.istitle() -> bool\n\nReturn True if B is a titlecased string and there is at least one\ncharacter in B, i.e. uppercase characters may only follow uncased\ncharacters and lowercase characters only cased ones. Return False\notherwise."),
    MethodDef::method("isupper", 1, 1, isupper).leaf().plain().with_doc("isupper($self, /)\n--\n\nB.isupper() -> bool\n\nReturn True if all cased characters in B are uppercase and there is\nat least one cased character in B, False otherwise."),
    MethodDef::class_method("fromhex", 2, 2, fromhex).with_doc("fromhex($type, string, /)\n--\n\nCreate a bytearray object from a string of hexadecimal numbers.\n\nSpaces between two numbers are accepted.\nExample:\n    bytearray.fromhex('B9 01EF') -> bytearray(b'\\\\xb9\\\\x01\\\\xef')"),
    MethodDef::static_method("maketrans", 2, 2, parts::maketrans).with_doc("maketrans(frm, to, /)\n--\n\nReturn a translation table usable for the bytes or bytearray translate method.\n\nThe returned table will be one where each byte in frm is mapped to\nthe byte at the same position in to.\n\nThe bytes objects frm and to must be of the same length."),
    MethodDef::method("append", 2, 2, mutation::append).with_doc("append($self, item, /)\n--\n\nAppend a single item to the end of the bytearray.\n\n  item\n    The item to be appended."),
    MethodDef::method("extend", 2, 2, mutation::extend).with_doc("extend($self, iterable_of_ints, /)\n--\n\nAppend all the items from the iterator or sequence to the end of the bytearray.\n\n  iterable_of_ints\n    The iterable of items to append."),
    MethodDef::method("insert", 3, 3, mutation::insert).with_doc("insert($self, index, item, /)\n--\n\nInsert a single item into the bytearray before the given index.\n\n  index\n    The index where the value is to be inserted.\n  item\n    The item to be inserted."),
    MethodDef::method("pop", 1, 2, mutation::pop).with_doc("pop($self, index=-1, /)\n--\n\nRemove and return a single item from B.\n\n  index\n    The index from where to remove the item.\n    -1 (the default value) means remove the last item.\n\nIf no index argument is given, will pop the last item."),
    MethodDef::method("remove", 2, 2, mutation::remove).with_doc("remove($self, value, /)\n--\n\nRemove the first occurrence of a value in the bytearray.\n\n  value\n    The value to remove."),
    MethodDef::method("clear", 1, 1, mutation::clear).with_doc("clear($self, /)\n--\n\nRemove all items from the bytearray."),
    MethodDef::method("reverse", 1, 1, mutation::reverse).with_doc("reverse($self, /)\n--\n\nReverse the order of the values in B in place."),
    MethodDef::method("copy", 1, 1, mutation::copy).with_doc("copy($self, /)\n--\n\nReturn a copy of B."),
    MethodDef::method("resize", 2, 2, mutation::resize_method).with_doc("resize($self, size, /)\n--\n\nResize the internal buffer of bytearray to len.\n\n  size\n    New size to resize to."),
    MethodDef::method("__reduce__", 1, 1, mutation::reduce).with_doc("Return state information for pickling."),
    MethodDef::method("__reduce_ex__", 1, 2, mutation::reduce).with_doc("Return state information for pickling."),
    MethodDef::method("__alloc__", 1, 1, mutation::alloc).leaf().with_doc("B.__alloc__() -> int\n\nReturn the number of bytes actually allocated."),
    MethodDef::method("__sizeof__", 1, 1, crate::object::sizeof).leaf().with_doc("Returns the size of the bytearray object in memory, in bytes."),
];

/// What the receiver of a method holds.
pub(super) fn content(vm: &Vm, value: Value) -> &'static [u8] {
    vm.bytes_of(value).expect("a method of bytes or bytearray")
}

/// A new object of the same built-in type as `value`, with these bytes.
pub(crate) fn like(vm: &mut Vm, value: Value, bytes: &[u8]) -> Value {
    if vm.is_bytes(value) { vm.new_bytes(bytes) } else { vm.new_bytearray(bytes) }
}

fn mapped(vm: &mut Vm, args: &CallArgs, map: impl Fn(&[u8]) -> Vec<u8>) -> PyResult {
    let bytes = content(vm, args.values[0]);
    heap::ensure_room(bytes.len());
    let out = map(bytes);
    Ok(like(vm, args.values[0], &out))
}

fn upper(vm: &mut Vm, args: &CallArgs) -> PyResult {
    mapped(vm, args, <[u8]>::to_ascii_uppercase)
}

fn lower(vm: &mut Vm, args: &CallArgs) -> PyResult {
    mapped(vm, args, <[u8]>::to_ascii_lowercase)
}

fn swapcase(vm: &mut Vm, args: &CallArgs) -> PyResult {
    mapped(vm, args, ascii_swapcase)
}

fn capitalize(vm: &mut Vm, args: &CallArgs) -> PyResult {
    mapped(vm, args, ascii_capitalize)
}

fn title(vm: &mut Vm, args: &CallArgs) -> PyResult {
    mapped(vm, args, ascii_title)
}

/// Whether the bytes are not empty and `test` holds for each.
fn all(vm: &mut Vm, args: &CallArgs, test: impl Fn(&u8) -> bool) -> PyResult {
    let bytes = content(vm, args.values[0]);
    Ok(vm.bool(!bytes.is_empty() && bytes.iter().all(test)))
}

fn isalnum(vm: &mut Vm, args: &CallArgs) -> PyResult {
    all(vm, args, u8::is_ascii_alphanumeric)
}

fn isalpha(vm: &mut Vm, args: &CallArgs) -> PyResult {
    all(vm, args, u8::is_ascii_alphabetic)
}

fn isdigit(vm: &mut Vm, args: &CallArgs) -> PyResult {
    all(vm, args, u8::is_ascii_digit)
}

fn isspace(vm: &mut Vm, args: &CallArgs) -> PyResult {
    all(vm, args, |byte| parts::is_space(*byte))
}

fn isascii(vm: &mut Vm, args: &CallArgs) -> PyResult {
    Ok(vm.bool(content(vm, args.values[0]).is_ascii()))
}

fn islower(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let bytes = content(vm, args.values[0]);
    Ok(vm.bool(bytes.iter().any(u8::is_ascii_lowercase) && !bytes.iter().any(u8::is_ascii_uppercase)))
}

fn isupper(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let bytes = content(vm, args.values[0]);
    Ok(vm.bool(bytes.iter().any(u8::is_ascii_uppercase) && !bytes.iter().any(u8::is_ascii_lowercase)))
}

fn istitle(vm: &mut Vm, args: &CallArgs) -> PyResult {
    // What is not ASCII has no case here.
    let bytes = content(vm, args.values[0]).iter();
    let ascii: Vec<u8> = heap::collected(bytes.map(|byte| if byte.is_ascii() { *byte } else { b' ' }));
    Ok(vm.bool(is_title(&ascii)))
}

fn decode(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<2> =
        Signature { parameters: ["encoding", "errors"], skip: 1, positional_only: 0, max_positional: 2, required: 0 };
    let [encoding, errors] = args.bind(vm, "decode", &PARAMETERS)?;
    for (name, value) in [("encoding", encoding), ("errors", errors)] {
        if !value.is_null() && !vm.is_str(value) {
            let given = vm.type_name(value);
            return Err(vm.type_error(format!("decode() argument '{name}' must be str, not {given}")));
        }
    }
    crate::codecs::decode_object(vm, args.values[0], encoding, errors)
}

fn hex(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let bytes = content(vm, args.values[0]);
    text::hex_method(vm, args, bytes)
}

fn fromhex(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let bytes = text::from_hex(vm, args.values[1])?;
    let class = args.values[0];
    if class == vm.types.bytes.value() {
        return Ok(vm.new_bytes(&bytes));
    }
    if class == vm.types.bytearray.value() {
        return Ok(vm.new_bytearray(&bytes));
    }
    let bytes = vm.new_bytes(&bytes);
    vm.call(class, &[bytes])
}

fn getnewargs(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let bytes = vm.exact_bytes(args.values[0]);
    Ok(vm.new_tuple(&[bytes]))
}

fn as_bytes(vm: &mut Vm, args: &CallArgs) -> PyResult {
    Ok(vm.exact_bytes(args.values[0]))
}
