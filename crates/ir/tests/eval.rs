//! The reference evaluator on traces small enough to follow by hand.

use ir::eval::{self, Ending, Entry, Fault, Ref, Value, World};
use ir::text;

fn run(trace: &str, inputs: &[Value], fuel: u32) -> (Result<Ending, Fault>, u64) {
    let trace = text::parse(trace).unwrap_or_else(|error| panic!("{error}"));
    let mut world = World::new(7);
    let ending = eval::run(&mut world, &trace, Entry::Start, inputs, &mut fuel.clone());
    let digest = world.digest(&[]);
    (ending, digest)
}

fn int(x: i64) -> Value {
    Value::Int(x)
}

#[test]
fn a_loop_leaves_where_its_guard_fails() {
    let text = "[i0, i1]\nb2 = int_lt(i0, 5)\nguard_true(b2) [i0, i1]\ni3 = int_add(i0, 1)\ni4 = int_add(i1, i0)\njump_label(i3, i4)";
    let (ending, _) = run(text, &[int(0), int(0)], 100);
    match ending {
        Ok(Ending::Left(left)) => assert_eq!(left.frames[0].slots, [int(5), int(10)]),
        other => panic!("{other:?}"),
    }
    assert_eq!(run(text, &[int(0), int(0)], 3).0, Ok(Ending::OutOfFuel));
}

#[test]
fn exits_make_what_was_never_made() {
    let text =
        "[i0]\nleave() -> [v0, int_box(i0)] with v0 = new(shape=7, bytes=16); initfield(v0, int_box(i0), x@8:ref)";
    let trace = text::parse(text).unwrap();
    let mut world = World::new(7);
    let Ok(Ending::Left(left)) = eval::run(&mut world, &trace, Entry::Start, &[int(3)], &mut 0) else { panic!() };
    assert_eq!(left.frames[0].slots[1], Value::Ref(Ref::Int(3)));
    assert!(matches!(left.frames[0].slots[0], Value::Ref(Ref::Object(_))));
}

#[test]
fn memory_is_observed_and_hidden_objects_are_not() {
    let plain = run("[i0]\nfinish_return(null)", &[int(3)], 0).1;
    let hidden =
        run("[i0]\np1 = new(shape=7, bytes=16)\ninitfield(p1, i0, n@16:i64)\nfinish_return(null)", &[int(3)], 0).1;
    let stored = run("[i0]\nsetfield(@1, i0, n@16:i64)\nfinish_return(null)", &[int(3)], 0).1;
    let other = run("[i0]\nsetfield(@2, i0, n@16:i64)\nfinish_return(null)", &[int(3)], 0).1;
    assert_eq!(plain, hidden);
    assert_ne!(plain, stored);
    assert_ne!(stored, other);
}

#[test]
fn what_no_handler_does_is_a_fault() {
    let is_fault = |text: &str| assert!(run(text, &[int(1 << 62)], 0).0.is_err(), "{text}");
    is_fault("[i0]\np1 = int_box(i0)\nfinish_return(p1)");
    is_fault("[i0]\ni1 = int_unbox(null)\nfinish_return(null)");
    is_fault("[i0]\np1 = getfield(#3, x@8:ref)\nfinish_return(p1)");
    is_fault("[i0]\nassume_true(false)\nfinish_return(null)");
}
