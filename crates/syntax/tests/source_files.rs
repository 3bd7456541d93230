//! Decoding source files: marks, declarations, faulty bytes.

use syntax::{DecodeError, decode_source};

fn message(bytes: &[u8]) -> String {
    match decode_source(bytes) {
        Err(DecodeError::Syntax(error)) => error.message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn utf8_with_and_without_a_mark() {
    assert_eq!(decode_source("é = 1".as_bytes()).unwrap(), "é = 1");
    assert_eq!(decode_source(b"\xef\xbb\xbfx = 1").unwrap(), "x = 1");
    assert_eq!(decode_source(b"").unwrap(), "");
}

#[test]
fn declared_encodings() {
    assert_eq!(decode_source(b"# -*- coding: latin-1 -*-\n'\xe9'").unwrap(), "# -*- coding: latin-1 -*-\n'é'");
    assert_eq!(
        decode_source(b"#!/usr/bin/python\n# vim: set fileencoding=iso-8859-1 :\n'\xe9'").unwrap().pop(),
        Some('\'')
    );
    assert_eq!(decode_source(b"\n# coding: latin_1\n'\xe9'").unwrap(), "\n# coding: latin_1\n'é'");
    assert!(decode_source("# coding: UTF_8\n'é'".as_bytes()).is_ok());
    let needs = decode_source(b"# coding: koi8-r\n'\xd2'");
    assert_eq!(needs, Err(DecodeError::NeedsCodec { encoding: "koi8-r".to_owned(), start: 0 }));
}

#[test]
fn a_declaration_counts_in_the_first_two_lines_only() {
    assert!(message(b"x = 1\n# coding: latin-1\n'\xe9'").starts_with("Non-UTF-8 code starting with '\\xe9' on line 3"));
    assert!(message(b"\n\n# coding: latin-1\n'\xe9'").starts_with("Non-UTF-8 code starting with '\\xe9' on line 4"));
}

#[test]
fn faulty_bytes() {
    assert_eq!(
        message(b"x = '\xff'\n"),
        "Non-UTF-8 code starting with '\\xff' on line 1, but no encoding declared; see https://peps.python.org/pep-0263/ for details"
    );
    assert!(message(b"\xef\xbb\xbf# coding: latin-1\n").starts_with("encoding problem"));
    assert!(message(b"# coding: ascii\n'\xe9'").contains("'ascii' codec can't decode byte 0xe9"));
}
