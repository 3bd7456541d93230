//! What the prompt takes for complete: the answers of CPython's `codeop.compile_command`.

use syntax::{Completeness, completeness};

const COMPLETE: &str = "complete";
const INCOMPLETE: &str = "incomplete";
const INVALID: &str = "invalid";

#[rustfmt::skip]
const CASES: &[(&str, &str)] = &[
    ("", COMPLETE),
    ("# c", COMPLETE),
    ("x = 1", COMPLETE),
    ("x = (", INCOMPLETE),
    ("x = (1,\n2", INCOMPLETE),
    ("x = (1,\n2)", COMPLETE),
    ("if x:", INCOMPLETE),
    ("if x:\n", INCOMPLETE),
    ("if x:\n  pass", INCOMPLETE),
    ("if x:\n  pass\n", COMPLETE),
    ("def f():", INCOMPLETE),
    ("def f():\n  return 1", INCOMPLETE),
    ("def f():\n  return 1\n", COMPLETE),
    ("@dec", INCOMPLETE),
    ("@dec\ndef f(): pass", INCOMPLETE),
    ("@dec\ndef f(): pass\n", COMPLETE),
    ("'''abc", INCOMPLETE),
    ("'''abc\ndef'''", COMPLETE),
    ("'abc", INVALID),
    ("x = \\", INCOMPLETE),
    ("x = \\\n1", COMPLETE),
    ("1 +", INVALID),
    ("a b", INVALID),
    ("for x in y:\n  if x:\n    pass", INCOMPLETE),
    ("for x in y:\n  if x:\n", INCOMPLETE),
    ("try:\n  pass", INCOMPLETE),
    ("try:\n  pass\n", INCOMPLETE),
    ("try:\n  pass\nexcept:\n  pass", INCOMPLETE),
    ("try:\n  pass\nexcept:\n  pass\n", COMPLETE),
    ("class A:", INCOMPLETE),
    ("class A:\n  x = 1\n\n", COMPLETE),
    ("{'a':", INCOMPLETE),
    ("{'a': 1", INCOMPLETE),
    ("[1,2", INCOMPLETE),
    ("f(a,", INCOMPLETE),
    ("f(a b", INVALID),
    ("f'{", INCOMPLETE),
    ("f'''{", INCOMPLETE),
    ("f'''{a", INCOMPLETE),
    ("lambda", INVALID),
    ("x = [1, 2\n# c", INCOMPLETE),
    ("else:", INVALID),
    ("return", INVALID),
    ("if x: pass", INCOMPLETE),
    ("if x: pass\n", COMPLETE),
    ("if x: pass\nelse:", INCOMPLETE),
    ("while 1:\n  # c", INCOMPLETE),
    ("while 1:\n  x\n  ", INCOMPLETE),
    ("  x = 1", INVALID),
    ("x = 1\n  y", INVALID),
    ("match x:", INCOMPLETE),
    ("match x:\n  case 1:", INCOMPLETE),
    ("match x:\n  case 1: pass\n", COMPLETE),
    ("async def f():", INCOMPLETE),
    ("with a as b:", INCOMPLETE),
    ("1;2", COMPLETE),
    ("x = 1; if y: pass", INVALID),
    ("def f(", INCOMPLETE),
    ("def f(a,", INCOMPLETE),
    ("print(1", INCOMPLETE),
    ("print 1", INVALID),
    ("if x", INVALID),
    ("import os,", INVALID),
    ("from a import (", INCOMPLETE),
    ("from a import (b,", INCOMPLETE),
    ("'a' 'b", INVALID),
    ("\"\"\"a\nb", INCOMPLETE),
    ("b'''x", INCOMPLETE),
    ("rb'''x", INCOMPLETE),
    ("@", INVALID),
    ("@a.", INVALID),
    ("x = {", INCOMPLETE),
    ("x = }", INVALID),
    ("(]", INVALID),
    ("if (a and", INCOMPLETE),
    ("if (a and\n  b):", INCOMPLETE),
    ("if 1:\n  x = '''a\n", INCOMPLETE),
    ("x = '''a\n b'''", COMPLETE),
];

#[test]
fn completeness_equals_codeops() {
    let mut failures = String::new();
    for &(source, expected) in CASES {
        let ours = match completeness(source) {
            Completeness::Complete => COMPLETE,
            Completeness::Incomplete => INCOMPLETE,
            Completeness::Invalid(_) => INVALID,
        };
        if ours != expected {
            failures.push_str(&format!("{source:?}: ours {ours}, CPython {expected}\n"));
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}
