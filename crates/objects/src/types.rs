//! The built-in types, by name.

use crate::ty::TypeRef;
use crate::vm::Vm;

impl Vm {
    /// The types that module `builtins` shows, exceptions included.
    pub fn builtin_types(&self) -> Vec<TypeRef> {
        let t = &self.types;
        let mut all = vec![
            t.object,
            t.type_,
            t.int,
            t.bool_,
            t.float,
            t.complex,
            t.str_,
            t.bytes,
            t.bytearray,
            t.memoryview,
            t.list,
            t.tuple,
            t.dict,
            t.set,
            t.frozenset,
            t.range,
            t.slice,
            t.property,
            t.classmethod,
            t.staticmethod,
            t.super_,
            t.enumerate,
            t.zip,
            t.map,
            t.filter,
            t.reversed,
        ];
        all.extend(self.exc.all());
        all
    }
}

macro_rules! types {
    ($($(#[$meta:meta])* $name:ident)*) => {
        /// A field for each built-in type; set when the type is made.
        #[derive(Clone, Copy)]
        pub struct Types {
            $($(#[$meta])* pub $name: TypeRef,)*
        }

        impl Types {
            /// Every field is `object` until its type exists.
            pub(crate) fn unset(object: TypeRef) -> Types {
                Types { $($name: object,)* }
            }
        }
    };
}

types! {
    object type_ none_type bool_ not_implemented_type ellipsis_type
    int float complex str_ bytes bytearray memoryview
    list tuple dict set frozenset range slice
    cell function method
    /// `builtin_function_or_method`.
    builtin
    method_descriptor classmethod_descriptor wrapper_descriptor method_wrapper
    code module property classmethod staticmethod member getset super_
    generator coroutine async_generator frame traceback
    mapping_proxy generic_alias union_type simple_namespace
    weakref weak_proxy weak_callable_proxy
    dict_keys dict_values dict_items
    list_iterator list_reverse_iterator tuple_iterator str_iterator str_ascii_iterator bytes_iterator bytearray_iterator
    dict_key_iterator dict_value_iterator dict_item_iterator
    dict_reverse_key_iterator dict_reverse_value_iterator dict_reverse_item_iterator
    set_iterator range_iterator long_range_iterator callable_iterator sequence_iterator memory_iterator
    enumerate zip map filter reversed
}
