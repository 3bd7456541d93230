//! Making and filling containers, strings and functions.

use crate::callees;
use crate::callees::slice_callees;
use heap::Value;
use objects::builtin_layouts::Function;
use objects::code::Code;
use objects::error::PyResult;
use objects::layout::cast;
use objects::vm::Vm;

slice_callees! {
    BUILD_TUPLE: fn build_tuple(vm, _none, items) -> Ref, Allocates {
        Ok(vm.new_tuple(items))
    }

    BUILD_LIST: fn build_list(vm, _none, items) -> Ref, Allocates {
        Ok(vm.new_list(items))
    }

    BUILD_SET: fn build_set(vm, _none, items) -> Ref, RunsGuest {
        let set = vm.new_set();
        for item in items {
            vm.set_add(set, *item)?;
        }
        Ok(set)
    }

    /// Key, value, key, …
    BUILD_MAP: fn build_map(vm, _none, items) -> Ref, RunsGuest {
        map_of(vm, items)
    }

    /// With keys that are str. NULL without an exception: an error, which the general way raises.
    BUILD_MAP_PLAIN: fn build_map_plain(vm, _none, items) -> Ref, Allocates {
        Ok(map_of(vm, items).unwrap_or(Value::NULL))
    }

    /// The pieces of an f-string, all str.
    BUILD_STRING: fn build_string(vm, _none, pieces) -> Ref, Allocates {
        Ok(objects::str::concatenate(vm, pieces))
    }
}

/// The keys, each followed by its value.
fn map_of(vm: &mut Vm, items: &[Value]) -> PyResult {
    let dict = vm.new_dict();
    for pair in items.chunks_exact(2) {
        vm.dict_set(dict, pair[0], pair[1])?;
    }
    Ok(dict)
}

callees! {
    NEW_DICT: fn new_dict(vm) -> Try, Allocates {
        Ok(vm.new_dict())
    }

    LIST_APPEND: fn list_append(vm, list: Ref, value: Ref) -> Ref, Writes {
        vm.list_append(list, value);
        Ok(vm.none)
    }

    LIST_EXTEND: fn list_extend(vm, list: Ref, iterable: Ref) -> Ref, RunsGuest {
        crate::unpack::extend_list(vm, list, iterable)?;
        Ok(vm.none)
    }

    SET_ADD: fn set_add(vm, set: Ref, value: Ref) -> Ref, RunsGuest {
        vm.set_add(set, value)?;
        Ok(vm.none)
    }

    SET_UPDATE: fn set_update(vm, set: Ref, iterable: Ref) -> Ref, RunsGuest {
        vm.for_each(iterable, |vm: &mut objects::vm::Vm, value| vm.set_add(set, value))?;
        Ok(vm.none)
    }

    MAP_ADD: fn map_add(vm, dict: Ref, key: Ref, value: Ref) -> Ref, RunsGuest {
        vm.dict_set(dict, key, value)?;
        Ok(vm.none)
    }

    /// `{**mapping}`.
    DICT_UPDATE: fn dict_update(vm, dict: Ref, mapping: Ref) -> Ref, RunsGuest {
        crate::unpack::update_dict(vm, dict, mapping)?;
        Ok(vm.none)
    }

    /// `f(**mapping)`: duplicates are errors, which name `function`.
    DICT_MERGE: fn dict_merge(vm, function: Ref, dict: Ref, mapping: Ref) -> Ref, RunsGuest {
        crate::unpack::merge_keywords(vm, function, dict, mapping)?;
        Ok(vm.none)
    }

    TUPLE_FROM_LIST: fn tuple_from_list(vm, list: Ref) -> Ref, Allocates {
        Ok(vm.new_tuple(objects::list::items(list)))
    }

    /// FORMAT_SIMPLE.
    FORMAT: fn format(vm, value: Ref) -> Ref, RunsGuest {
        if vm.kind(value) == objects::shape::Kind::Str {
            return Ok(value);
        }
        vm.format(value, vm.empty_str)
    }

    /// FORMAT_SIMPLE of numbers and text.
    FORMAT_PLAIN: fn format_plain(vm, value: Ref) -> Try, Allocates {
        if vm.kind(value) == objects::shape::Kind::Str {
            return Ok(value);
        }
        vm.format(value, vm.empty_str)
    }

    FORMAT_WITH_SPEC: fn format_with_spec(vm, value: Ref, spec: Ref) -> Ref, RunsGuest {
        vm.format(value, spec)
    }

    /// CONVERT_VALUE: `!s`, `!r`, `!a`.
    CONVERT: fn convert(vm, value: Ref, which: Int) -> Ref, RunsGuest {
        match which {
            1 => vm.str_of(value),
            2 => vm.repr(value),
            _ => vm.ascii(value),
        }
    }

    /// MAKE_FUNCTION.
    MAKE_FUNCTION: fn make_function(vm, code: Ref, globals: Ref, outer: Ref) -> Ref, Allocates {
        let code = Code::from_token(cast::<objects::builtin_layouts::Code>(code).data.get());
        let function = vm.new_function(code, globals)?;
        if !outer.is_null() {
            // A function defined in a body with its own builtins shares them.
            cast::<Function>(function).builtins.set(cast::<Function>(outer).builtins.get());
        }
        Ok(function)
    }

    /// SET_FUNCTION_ATTRIBUTE.
    SET_FUNCTION_ATTRIBUTE: fn set_function_attribute(vm, function: Ref, value: Ref, which: Int) -> Ref, Writes {
        let object = cast::<Function>(function);
        let cell = match which {
            1 => &object.defaults,
            2 => &object.kwdefaults,
            4 => &object.annotations,
            8 => &object.closure,
            _ => &object.annotate,
        };
        vm.write(function, cell, value);
        Ok(function)
    }

    NEW_CELL: fn new_cell(vm, content: Ref) -> Ref, Allocates {
        Ok(vm.new_cell(content))
    }

    /// BUILD_TEMPLATE and BUILD_INTERPOLATION.
    BUILD_TEMPLATE: fn build_template(vm, strings: Ref, interpolations: Ref) -> Ref, RunsGuest {
        crate::template::build(vm, strings, interpolations)
    }

    BUILD_INTERPOLATION: fn build_interpolation(vm, value: Ref, text: Ref, conversion: Int, spec: Ref) -> Ref, RunsGuest {
        crate::template::interpolation(vm, value, text, conversion, spec)
    }
}
