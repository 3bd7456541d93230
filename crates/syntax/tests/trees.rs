//! Trees equal CPython's: `trees.txt` is its tree of `trees.py`, in the form of `compare_trees_with_cpython.py`.

use syntax::{Mode, Options, ast_classes, parse_ast};

fn parse(source: &str, mode: Mode) -> String {
    parse_ast(source, "<test>", mode, Options::default()).unwrap_or_else(|error| panic!("{error}")).to_string()
}

#[test]
fn every_node_equals_cpythons() {
    let ours = parse(include_str!("trees.py"), Mode::Exec);
    let theirs = include_str!("trees.txt").trim_end();
    let differs = ours.bytes().zip(theirs.bytes()).position(|(a, b)| a != b);
    let at = differs.unwrap_or(ours.len().min(theirs.len()));
    let around = |text: &str| text[at.saturating_sub(150)..(at + 80).min(text.len())].to_owned();
    assert!(ours == theirs, "ours:    {}\nCPython: {}", around(&ours), around(theirs));
}

#[test]
fn every_class_occurs() {
    let text = include_str!("trees.txt");
    for class in ast_classes() {
        let is_root = matches!(class.name, "Interactive" | "Expression" | "FunctionType" | "TypeIgnore");
        let occurs = text.contains(&format!("{}(", class.name));
        assert!(class.is_sum || is_root || occurs, "{}", class.name);
    }
}

#[test]
fn the_other_roots() {
    assert!(parse("x", Mode::Eval).starts_with("Expression(body=Name(id='x'"));
    assert!(parse("x\n", Mode::Single).starts_with("Interactive(body=[Expr("));
    let error = parse_ast("x = (", "<test>", Mode::Exec, Options::default()).unwrap_err();
    assert_eq!(error.message, "'(' was never closed");
}
