//! What the verifier refuses, and what it says.

use ir::{text, verify};

#[track_caller]
fn refused(trace: &str, because: &str) {
    let parsed = text::parse(trace).unwrap_or_else(|error| panic!("{error}"));
    match verify(&parsed) {
        Ok(()) => panic!("accepted\n{trace}"),
        Err(error) => assert!(error.contains(because), "{error}"),
    }
}

#[track_caller]
fn accepted(trace: &str) {
    let parsed = text::parse(trace).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(verify(&parsed), Ok(()));
    assert_eq!(text::parse(&parsed.to_string()).unwrap().to_string(), parsed.to_string());
}

#[test]
fn types_of_operands() {
    refused("[p0]\ni1 = int_add(p0, 1)\njump_label(p0)", "is no Is(Int)");
    refused("[p0, i1]\nsetfield(p0, i1, x@8:ref)\njump_label(p0, i1)", "Int where Ref belongs");
    refused("[p0]\ni1 = getfield(p0, x@8:f64)\njump_label(p0)", "Int where Flt belongs");
    refused("[p0]\nguard_value(p0, 3) []\njump_label(p0)", "Ref where Int belongs");
}

#[test]
fn attributes_and_operands() {
    refused("[p0]\ni1 = getfield(p0)\njump_label(p0)", "attribute None where Field belongs");
    refused("[i0]\ni1 = int_add(i0)\njump_label(i0)", "1 operands instead of 2");
    refused("[i0, i1]\nguard_value(i0, i1) []\njump_label(i0, i1)", "is no constant");
}

#[test]
fn guards_have_a_way_out() {
    refused("[b0]\nguard_true(b0)\njump_label(b0)", "a guard without a way out");
    refused("[b0]\nb1 = bool_not(b0) []\njump_label(b0)", "a way out where none belongs");
    refused("[b0]\nguard_true(b0) [b0]\nguard_true(b0) -> [b0]\njump_label(b0)", "a snapshot in an optimised trace");
}

#[test]
fn the_end_is_last_and_gives_what_is_asked() {
    refused("[i0]\ni1 = int_add(i0, 1)", "none at the end");
    refused("[i0]\njump_label(i0)\ni1 = int_add(i0, 1)", "an end in the middle");
    refused("[i0]\njump_label(true)", "the jump gives [Bool] where [Int] belong");
    refused("[i0]\nlabel()\ni2 = phi(i0)\njump_label()", "the jump gives [] where [Int] belong");
}

#[test]
fn values_cross_the_label_through_phis() {
    refused("[i0]\nlabel()\ni2 = int_add(i0, 1)\njump_label()", "crosses the label without a phi");
    refused("[i0, b1]\nlabel()\nguard_true(b1) -> []\njump_label()", "crosses the label without a phi");
    refused(
        "[i0, b1]\nlabel()\nb3 = phi(b1)\nguard_true(b3) -> [i0]\njump_label(b3)",
        "crosses the label without a phi",
    );
    accepted("[i0, b1]\nlabel()\nb3 = phi(b1)\ni4 = phi(i0)\nguard_true(b3) -> [i4]\njump_label(b3, i4)");
}

#[test]
fn full_frames_and_recipes() {
    accepted(
        "function [p0, i1, b2]\n\
         p3 = call(p0, i1, callee=f:guest) {7:12 replay 2 [p0, #5] value(i1) green(3)}{8:0 call 0 [null, @2]}\n\
         still_valid() {7:12 replay 2 [p0, f:7ff8000000000001] return(p3)}\n\
         finish_return(p3)",
    );
    accepted(
        "bridge [p0, i1, b2]\n\
         guard_true(b2) -> {7:12 replay 2 [v0, int_box(i1)] value(v1)} with \
         v0 = new(shape=7, bytes=24); initfield(v0, int_box(i1), x@8:ref); \
         v1 = new_items(2, shape=8, bytes=16, item=8); inititem(v1, 0, v0, items@16:ref) inv(p0, -1)\n\
         jump_body(p0, i1, target=4)",
    );
}

#[test]
fn the_parser_names_the_line() {
    let error = |text: &str| text::parse(text).map(|_| ()).unwrap_err();
    assert!(error("[i0]\ni1 = int_ad(i0, 1)").contains("line 2: unknown operation int_ad"));
    assert!(error("[i0]\n\ni1 = int_add(i7, 1)").contains("line 3: unknown operand `i7`"));
    assert!(error("[x0]").contains("does not begin with"));
    assert!(error("[i0]\ni0 = int_add(i0, 1)").contains("defined twice"));
}
