//! Interned names that Rust code looks up.

use crate::vm::Vm;
use heap::Value;

macro_rules! names {
    ($($name:ident)*) => {
        /// See the module. Immortal strings; a field's name is its text.
        #[derive(Clone, Copy)]
        #[allow(non_snake_case)]
        pub struct Names {
            $(pub $name: Value,)*
        }

        impl Names {
            /// Before strings exist.
            pub(crate) const fn unset() -> Names {
                Names { $($name: Value::NULL,)* }
            }

            pub(crate) fn intern(vm: &mut Vm) -> Names {
                Names { $($name: vm.intern(stringify!($name)),)* }
            }
        }
    };
}

names! {
    __abs__ __add__ __aenter__ __aexit__ __aiter__ __and__ __anext__ __await__ __bool__ __bytes__ __call__
    __class_getitem__ __complex__ __contains__ __copy__ __deepcopy__ __del__ __delattr__ __delete__ __delitem__
    __dir__ __divmod__ __enter__ __eq__ __exit__ __float__ __floordiv__ __format__ __fspath__ __ge__ __get__
    __getattr__ __getattribute__ __getitem__ __getstate__ __getnewargs__ __getnewargs_ex__ __gt__ __hash__ __iadd__
    __iand__ __ifloordiv__ __ilshift__ __imatmul__ __imod__ __imul__ __index__ __init__ __init_subclass__
    __instancecheck__ __instantiate__ __int__ __invert__ __ior__ __ipow__ __irshift__ __isub__ __iter__ __itruediv__
    __ixor__ __le__ __len__ __length_hint__ __lshift__ __lt__ __matmul__ __missing__ __mod__ __mro_entries__ __mul__
    __ne__ __neg__ __new__ __next__ __or__ __pos__ __post_init__ __pow__ __prepare__ __radd__ __rand__ __rdivmod__
    __reduce__ __reduce_ex__ __repr__ __reversed__ __rfloordiv__ __rlshift__ __rmatmul__ __rmod__ __rmul__ __ror__
    __round__ __rpow__ __rrshift__ __rshift__ __rsub__ __rtruediv__ __rxor__ __set__ __set_name__ __setattr__
    __setitem__ __setstate__ __sizeof__ __str__ __sub__ __subclasscheck__ __subclasshook__ __truediv__ __trunc__
    __floor__ __ceil__ __xor__ __buffer__ __release_buffer__ __abstractmethods__ __all__ __annotate__
    __annotate_func__ __annotations__ __annotations_cache__ __base__ __bases__ __basicsize__ __builtins__ __cached__
    __cause__ __class__ __classcell__ __classdict__ __classdictcell__ __closure__ __code__ __context__
    __conditional_annotations__ __debug__ __defaults__ __dict__ __dictoffset__ __doc__ __file__ __flags__ __func__
    __globals__ __import__ __isabstractmethod__ __kwdefaults__ __loader__ __main__ __match_args__ __module__ __mro__
    __name__ __notes__ __objclass__ __origin__ __args__ __parameters__ __package__ __path__ __qualname__ __self__
    __spec__ __slots__ __static_attributes__ __firstlineno__ __subclasses__ __suppress_context__ __text_signature__
    __traceback__ __type_params__ __typing_subst__ __typing_prepare_subst__ __typing_is_unpacked_typevartuple__
    __unpacked__ __wrapped__ __weakref__ __signature__ __itemsize__ __weakrefoffset__ __typing_unpacked_tuple_args__
    __build_class__ append clear copy keys values items get pop popitem setdefault update mro send throw close join
    write read readline flush name obj path msg code value filename lineno offset text print_file_and_line end_lineno
    end_offset errno strerror filename2 start stop step reason encoding object characters_written name_from exceptions
    message fget fset fdel sort extend insert remove count builtins sys stderr stdout stdin metaclass key default
}
