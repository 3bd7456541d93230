//! Exceptions: hierarchy, attributes, groups.

use super::*;
use crate::exceptions;

fn instance(vm: &mut Vm, ty: TypeRef, args: &[Value]) -> Value {
    call(vm, ty.value(), args)
}

#[test]
fn hierarchy() {
    with_vms(|vm| {
        let exc = vm.exc;
        assert!(exc.file_not_found_error.is_subtype(exc.os_error));
        assert!(exc.key_error.is_subtype(exc.lookup_error));
        assert!(exc.exception_group.is_subtype(exc.exception));
        assert!(exc.exception_group.is_subtype(exc.base_exception_group));
        assert!(!exc.keyboard_interrupt.is_subtype(exc.exception));
        assert!(exc.tab_error.is_subtype(exc.syntax_error));
        assert_eq!(exc.all().len(), 69);
    });
}

#[test]
fn texts() {
    with_vms(|vm| {
        let exc = vm.exc;
        let key = vm.new_str("k");
        let raised = vm.key_error(key);
        assert_eq!(message(vm, raised), "KeyError: 'k'");
        assert_eq!(repr(vm, raised.0), "KeyError('k')");
        let e = instance(vm, exc.value_error, &[Value::from_int(1), Value::from_int(2)]);
        assert_eq!(repr(vm, e), "ValueError(1, 2)");
        let filename = vm.new_str("x.txt");
        let raised = vm.os_error(2, filename);
        assert_eq!(vm.type_of(raised.0), exc.file_not_found_error);
        assert_eq!(message(vm, raised), "FileNotFoundError: [Errno 2] No such file or directory: 'x.txt'");
        assert_eq!(get(vm, raised.0, "errno"), Value::from_int(2));
        assert_eq!(get(vm, raised.0, "filename"), filename);
        let (encoding, bytes, reason) = (vm.new_str("utf-8"), vm.new_bytes(b"\xff"), vm.new_str("invalid start byte"));
        let args = [encoding, bytes, Value::from_int(0), Value::from_int(1), reason];
        let e = instance(vm, exc.unicode_decode_error, &args);
        assert_eq!(vm.str_text(e).unwrap(), "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte");
    });
}

#[test]
fn attributes() {
    with_vms(|vm| {
        let exc = vm.exc;
        let e = instance(vm, exc.stop_iteration, &[Value::from_int(7)]);
        assert_eq!(get(vm, e, "value"), Value::from_int(7));
        assert_eq!(exceptions::stop_iteration_value(vm, e), Value::from_int(7));
        let e = instance(vm, exc.system_exit, &[]);
        assert_eq!(get(vm, e, "code"), vm.none);
        let name = vm.intern("spam");
        let raised = vm.name_error(name);
        assert_eq!(message(vm, raised), "NameError: name 'spam' is not defined");
        assert_eq!(get(vm, raised.0, "name"), name);
        let raised = vm.attribute_error(Value::from_int(1), name);
        assert_eq!(get(vm, raised.0, "obj"), Value::from_int(1));
        set(vm, raised.0, "custom", 5);
        assert_eq!(get(vm, raised.0, "custom"), Value::from_int(5));
        let note = vm.new_str("note");
        exceptions::add_note(vm, raised.0, note).unwrap();
        let notes = get(vm, raised.0, "__notes__");
        assert_eq!(repr(vm, notes), "['note']");
    });
}

#[test]
fn subclasses_keep_their_fields() {
    with_vms(|vm| {
        let derived = class(vm, "MyError", &[vm.exc.os_error], &[]);
        let (text, number) = (vm.new_str("text"), Value::from_int(2));
        let e = instance(vm, derived, &[number, text]);
        assert_eq!(vm.type_of(e), derived);
        set(vm, e, "mine", 3);
        vm.thread.heap.collect_full();
        assert_eq!(get(vm, e, "errno"), number);
        assert_eq!(get(vm, e, "mine"), Value::from_int(3));
        assert_eq!(vm.str_text(e).unwrap(), "[Errno 2] text");
    });
}

#[test]
fn contexts_do_not_loop() {
    with_vms(|vm| {
        let exc = vm.exc;
        let [a, b] = [(); 2].map(|_| instance(vm, exc.value_error, &[]));
        exceptions::set_context(vm, a, b);
        exceptions::set_context(vm, b, a);
        assert_eq!(get(vm, b, "__context__"), a);
        assert_eq!(get(vm, a, "__context__"), vm.none);
    });
}

#[test]
fn groups() {
    with_vms(|vm| {
        let exc = vm.exc;
        let value = instance(vm, exc.value_error, &[Value::from_int(1)]);
        let other = instance(vm, exc.type_error, &[Value::from_int(2)]);
        let list = vm.new_list(&[value, other]);
        let text = vm.new_str("both");
        let group = instance(vm, exc.base_exception_group, &[text, list]);
        assert_eq!(vm.type_of(group), exc.exception_group);
        assert_eq!(vm.str_text(group).unwrap(), "both (2 sub-exceptions)");
        assert_eq!(repr(vm, group), "ExceptionGroup('both', [ValueError(1), TypeError(2)])");
        let parts = vm.call_method(group, "split", &[exc.value_error.value()]).unwrap();
        assert_eq!(
            repr(vm, parts),
            "(ExceptionGroup('both', [ValueError(1)]), ExceptionGroup('both', [TypeError(2)]))"
        );
        let [matched, rest] = exceptions::groups::match_star(vm, value, exc.value_error.value()).unwrap();
        assert!(rest.is_null());
        assert_eq!(repr(vm, matched), "ExceptionGroup('', (ValueError(1),))");
    });
}
