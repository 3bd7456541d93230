//! What a code object holds: decoded instructions, tables, and that storing keeps it.

use syntax::{
    Code, CodeFlags, Const, LocalKind, Mode, Op, Options, compile, read_code, read_code_as, verify, write_code,
};

fn compiled(source: &str) -> Code {
    compile(source, "<test>", Mode::Exec, Options::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn inner<'a>(code: &'a Code, qualname: &str) -> &'a Code {
    let mut found = None;
    code.walk(&mut |code| {
        if &*code.qualname == qualname {
            found = Some(code);
        }
    });
    found.expect("a code object of this name")
}

#[test]
fn a_parameter_that_is_a_cell_has_one_slot() {
    let code = compiled("def f(a, b, *c, d=1, **e):\n    x = 1\n    return lambda: (a, x, y)\n");
    let f = inner(&code, "f");
    assert_eq!((f.arg_count, f.kwonly_count, f.parameter_count()), (2, 1, 5));
    let names: Vec<&str> = f.local_names.iter().map(|name| &**name).collect();
    assert_eq!(names, ["a", "b", "d", "c", "e", "x"]);
    assert!(f.local_kinds[0].is_local() && f.local_kinds[0].is_cell());
    assert_eq!(f.local_kinds[1].0, LocalKind::LOCAL | LocalKind::ARG_POSITIONAL | LocalKind::ARG_KEYWORD);
    assert!(f.flags.has(CodeFlags::VARARGS) && f.flags.has(CodeFlags::VARKEYWORDS));
    let lambda = inner(&code, "f.<locals>.<lambda>");
    assert_eq!(lambda.freevars().len(), 2);
    assert!(lambda.flags.has(CodeFlags::NESTED));
}

#[test]
fn jumps_are_indices_and_extended_arguments_are_folded() {
    let body: String = (0..300).map(|n| format!("        x{n} = {n} + x{n}\n")).collect();
    let code = compiled(&format!("def f(y):\n    while y:\n{body}        if y: continue\n"));
    verify(&code).unwrap();
    let f = inner(&code, "f");
    assert!(f.instructions.iter().all(|instruction| instruction.op != Op::ExtendedArg && instruction.op != Op::Cache));
    let back = f.instructions.iter().rposition(|instruction| instruction.op == Op::JumpBackward).unwrap();
    assert!((f.instructions[back].arg as usize) < 10);
    for (index, &offset) in f.raw_offsets.iter().enumerate() {
        assert_eq!(f.code_bytes[offset as usize], f.instructions[index].op as u8);
        assert_eq!(f.index_of_offset(offset), index);
    }
}

#[test]
fn positions_are_those_of_the_source() {
    let code = compiled("x = 1\ny = (x +\n     zz)\n");
    let load = code.instructions.iter().rposition(|instruction| instruction.op == Op::LoadName).unwrap();
    let position = code.position(load);
    assert_eq!((position.line, position.column, position.end_column), (Some(3), Some(5), Some(7)));
    let add = code.instructions.iter().position(|instruction| instruction.op == Op::BinaryOp).unwrap();
    assert_eq!((code.position(add).line, code.position(add).end_line), (Some(2), Some(3)));
}

#[test]
fn constants_keep_type_and_bits() {
    let code = compiled(
        "x = [-0.0, 0.0, 1j, 10**30, 9223372036854775808, -5, 300, 'é', '\\ud800', b'\\xff', ..., None, True]\n\
         a in {1, 2, 'x'}\nx[1:2]\n(1, (2, 'b'))\n",
    );
    let mut seen = Vec::new();
    code.walk(&mut |code| seen.extend(code.consts.iter().cloned()));
    let has = |wanted: &Const| {
        seen.iter().any(|constant| match constant {
            Const::Tuple(elements) => elements.contains(wanted) || constant == wanted,
            other => other == wanted,
        })
    };
    assert!(has(&Const::Float(-0.0)) && has(&Const::Float(0.0)) && has(&Const::Complex(0.0, 1.0)));
    assert!(has(&Const::Wtf8(Box::from(&b"\xed\xa0\x80"[..]))) && has(&Const::Bytes(Box::from(&b"\xff"[..]))));
    assert!(seen.iter().any(|constant| matches!(constant, Const::FrozenSet(elements) if elements.len() == 3)));
    assert!(seen.iter().any(|constant| matches!(constant, Const::Slice(_))));
    assert_eq!(read_code(&write_code(&code)).unwrap(), code);
}

#[test]
fn storing_keeps_everything() {
    let code = compiled(include_str!("compare_with_cpython.py"));
    let stored = write_code(&code);
    let read = read_code(&stored).unwrap();
    assert_eq!(read, code);
    assert_eq!(read.instructions, code.instructions);
    assert_eq!(read.exceptions, code.exceptions);
    assert_eq!(read.positions(), code.positions());
    let renamed = read_code_as(&stored, "/other.py").unwrap();
    renamed.walk(&mut |code| assert_eq!(&*code.filename, "/other.py"));
}

#[test]
fn damaged_bytes_are_errors_not_panics() {
    let stored = write_code(&compiled("def f(x):\n    return [x + 1, 'text', 2.5]\n"));
    for cut in 0..stored.len() {
        assert!(read_code(&stored[..cut]).is_err());
    }
    for at in 0..stored.len() {
        for flip in [1, 0x40, 0x80, 0xff] {
            let mut damaged = stored.clone();
            damaged[at] ^= flip;
            let _ = read_code(&damaged);
        }
    }
}

#[test]
fn optimization_drops_asserts_and_docstrings() {
    let source = "def f():\n    'doc'\n    assert x\n    return 1\n";
    let f = |optimize| {
        let options = Options { optimize, ..Options::default() };
        compile(source, "<test>", Mode::Exec, &options).unwrap()
    };
    assert!(inner(&f(0), "f").docstring().is_some());
    assert!(inner(&f(2), "f").docstring().is_none());
    let raises = |code: &Code| inner(code, "f").instructions.iter().any(|i| i.op == Op::RaiseVarargs);
    assert!(raises(&f(0)) && !raises(&f(1)));
}

#[test]
fn a_conditional_annotation_in_a_nested_class_compiles() {
    for source in [
        "class C:\n class D:\n  if y:\n   d: int\n",
        "class C:\n def f():\n  class D:\n   for y in z:\n    d: int\n",
        "class B:\n a: int\n class C:\n  class D:\n   try:\n    d: int\n   except: pass\n",
    ] {
        verify(&compiled(source)).unwrap();
    }
}

#[test]
fn modes_and_line_ends() {
    let eval = compile("1 +\\\r\n 2", "<test>", Mode::Eval, Options::default()).unwrap();
    assert_eq!(eval.instructions.last().map(|i| i.op), Some(Op::ReturnValue));
    let single = compile("x\r\n", "<test>", Mode::Single, Options::default()).unwrap();
    assert!(single.instructions.iter().any(|i| i.op == Op::CallIntrinsic1));
    let error = compile("x = \0", "<test>", Mode::Exec, Options::default()).unwrap_err();
    assert_eq!(error.message, "source code string cannot contain null bytes");
}
