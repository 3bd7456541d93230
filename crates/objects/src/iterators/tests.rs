//! Iterators: what they give, at their ends, and what is told of their lengths.

use crate::testing::{error, int_list, repr, with_vms};
use crate::vm::Vm;
use heap::Value;

fn int(i: i64) -> Value {
    Value::from_int(i)
}

fn all(vm: &mut Vm, iterable: Value) -> String {
    match vm.collect_list(iterable) {
        Ok(list) => repr(vm, list),
        Err(raised) => error(vm, raised),
    }
}

fn hint(vm: &mut Vm, iterator: Value) -> i64 {
    vm.length_hint(iterator, -1).unwrap()
}

#[test]
fn iterators_of_containers() {
    with_vms(|vm| {
        let list = int_list(vm, &[1, 2, 3]);
        let tuple = vm.new_tuple(&[int(1), int(2), int(3)]);
        let range = vm.new_range(int(1), int(4), int(1)).unwrap();
        let set = vm.new_set();
        let dict = vm.new_dict();
        for i in 1..4 {
            vm.set_add(set, int(i)).unwrap();
            vm.dict_set(dict, int(i), int(0)).unwrap();
        }
        for iterable in [list, tuple, range, set, dict] {
            let iterator = vm.iter(iterable).unwrap();
            assert_eq!(hint(vm, iterator), 3);
            assert_eq!(vm.next(iterator).unwrap(), Some(int(1)));
            assert_eq!(hint(vm, iterator), 2);
            assert_eq!(all(vm, iterator), "[2, 3]");
            assert_eq!(hint(vm, iterator), 0);
            assert_eq!(vm.next(iterator).unwrap(), None);
        }
        // A list that grows after its iterator's end stays at its end.
        let iterator = vm.iter(list).unwrap();
        all(vm, iterator);
        vm.list_append(list, int(4));
        assert_eq!(vm.next(iterator).unwrap(), None);
        let reversed = vm.call_method(list, "__reversed__", &[]).unwrap();
        assert_eq!(all(vm, reversed), "[4, 3, 2, 1]");
    });
}

#[test]
fn text_is_iterated_by_code_points() {
    with_vms(|vm| {
        let text = vm.new_str("aé\u{1F600}");
        let iterator = vm.iter(text).unwrap();
        assert_eq!(hint(vm, iterator), 3);
        assert_eq!(all(vm, iterator), "['a', 'é', '\u{1F600}']");
        let bytes = vm.new_bytes(b"ab");
        assert_eq!(all(vm, bytes), "[97, 98]");
    });
}

#[test]
fn adaptors() {
    with_vms(|vm| {
        let numbers = int_list(vm, &[0, 5, 0, 7]);
        let text = vm.new_str("xyz");
        let enumerate = vm.types.enumerate.value();
        let enumerated = vm.call(enumerate, &[text, int(10)]).unwrap();
        assert_eq!(all(vm, enumerated), "[(10, 'x'), (11, 'y'), (12, 'z')]");
        let start = vm.int(Value::INT_MAX);
        let enumerated = vm.call(enumerate, &[text, start]).unwrap();
        assert_eq!(
            all(vm, enumerated),
            "[(4611686018427387903, 'x'), (4611686018427387904, 'y'), (4611686018427387905, 'z')]"
        );
        let zip = vm.types.zip.value();
        let zipped = vm.call(zip, &[numbers, text]).unwrap();
        assert_eq!(all(vm, zipped), "[(0, 'x'), (5, 'y'), (0, 'z')]");
        let zipped = vm.call(zip, &[]).unwrap();
        assert_eq!(all(vm, zipped), "[]");
        let filter = vm.types.filter.value();
        let none = vm.none;
        let filtered = vm.call(filter, &[none, numbers]).unwrap();
        assert_eq!(all(vm, filtered), "[5, 7]");
        let map = vm.types.map.value();
        let str_ = vm.types.str_.value();
        let mapped = vm.call(map, &[str_, numbers]).unwrap();
        assert_eq!(all(vm, mapped), "['0', '5', '0', '7']");
        let reversed = vm.types.reversed.value();
        let backwards = vm.call(reversed, &[text]).unwrap();
        assert_eq!(all(vm, backwards), "['z', 'y', 'x']");
        let set = vm.new_set();
        let raised = vm.call(reversed, &[set]).unwrap_err();
        assert_eq!(error(vm, raised), "TypeError: 'set' object is not reversible");
    });
}

#[test]
fn strict_zip_tells_which_argument_differs() {
    with_vms(|vm| {
        let (one, two) = (int_list(vm, &[1]), int_list(vm, &[1, 2]));
        let empty = int_list(vm, &[]);
        let zip = vm.types.zip.value();
        let strict = vm.intern("strict");
        let names = vm.new_tuple(&[strict]);
        let true_ = vm.true_;
        for (iterables, expected) in [
            ([one, two, one], "ValueError: zip() argument 2 is longer than argument 1"),
            ([two, one, two], "ValueError: zip() argument 2 is shorter than argument 1"),
            ([one, one, empty], "ValueError: zip() argument 3 is shorter than arguments 1-2"),
            ([one, one, one], "[(1, 1, 1)]"),
        ] {
            let values = [iterables[0], iterables[1], iterables[2], true_];
            let zipped = vm.call_kw(zip, &crate::args::CallArgs { values: &values, names }).unwrap();
            assert_eq!(all(vm, zipped), expected);
        }
    });
}
