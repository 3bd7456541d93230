//! Raising the built-in exceptions from Rust.

use crate::error::{PyResult, Raised};
use crate::ty::TypeRef;
use crate::vm::Vm;
use heap::Value;

macro_rules! raisers {
    ($($name:ident)*) => {
        impl Vm {
            $(
                #[cold]
                #[inline(never)]
                pub fn $name(&mut self, message: impl Into<String>) -> Raised {
                    self.raise(self.exc.$name, message)
                }
            )*
        }
    };
}

raisers! {
    type_error value_error index_error overflow_error runtime_error zero_division_error assertion_error buffer_error
    lookup_error memory_error not_implemented_error recursion_error reference_error system_error eof_error
    arithmetic_error floating_point_error unicode_error
}

impl Vm {
    /// What `body` gives; MemoryError if it is refused memory, which every allocation may be once the heap is exhausted.
    #[inline]
    pub fn refusable<R>(&mut self, body: impl FnOnce(&mut Vm) -> PyResult<R>) -> PyResult<R> {
        let top = self.thread.top;
        let outer = std::mem::replace(&mut self.thread.heap.may_refuse, true);
        let result = heap::caught(|| body(self));
        self.thread.heap.may_refuse = outer;
        match result {
            Ok(result) => result,
            Err(refusal) => Err(self.refused(refusal, top)),
        }
    }

    /// Whatever in Rust may go on for long, gathering objects, ends here where the heap is full.
    #[inline]
    pub fn refuse_if_exhausted(&mut self) {
        if self.thread.heap.memory_exhausted() {
            heap::refuse();
        }
    }

    /// Values that were gathered on the value stack are given up.
    #[cold]
    fn refused(&mut self, _: heap::OutOfMemory, top: *mut Value) -> Raised {
        self.thread.top = top;
        // The program is told now.
        self.thread.heap.take_exhausted();
        self.memory_error("")
    }

    /// A new exception of class `ty` with a text; an empty one is no argument.
    #[cold]
    #[inline(never)]
    pub fn raise(&mut self, ty: TypeRef, message: impl Into<String>) -> Raised {
        let message = message.into();
        if message.is_empty() {
            return self.raise_args(ty, &[]);
        }
        let message = self.new_str(&message);
        self.raise_value(ty, message)
    }

    /// A new exception of class `ty` with one argument.
    #[cold]
    pub fn raise_value(&mut self, ty: TypeRef, argument: Value) -> Raised {
        self.raise_args(ty, &[argument])
    }

    /// A new exception with these arguments. A built-in class is instantiated without running Python.
    #[cold]
    pub fn raise_args(&mut self, ty: TypeRef, arguments: &[Value]) -> Raised {
        match crate::exceptions::instantiate(self, ty, arguments) {
            Ok(exception) => self.raise_instance(exception),
            Err(raised) => raised,
        }
    }

    /// Raises an existing instance: its context becomes the exception being handled.
    pub fn raise_instance(&mut self, exception: Value) -> Raised {
        self.chain(exception);
        Raised(exception)
    }

    /// The exception being handled, if any, becomes the context of this one.
    pub fn chain(&mut self, exception: Value) {
        let handled = (self.hooks.handled_exception)(self);
        crate::exceptions::set_context(self, exception, handled);
    }

    #[cold]
    pub fn zero_division(&mut self, message: impl Into<String>) -> Raised {
        self.raise(self.exc.zero_division_error, message)
    }

    #[cold]
    pub fn key_error(&mut self, key: Value) -> Raised {
        self.raise_value(self.exc.key_error, key)
    }

    /// `StopIteration`, as `next()` gives it: no arguments for None.
    #[cold]
    pub fn stop_iteration(&mut self, value: Value) -> Raised {
        if value.is_null() || value == self.none {
            self.raise_args(self.exc.stop_iteration, &[])
        } else {
            self.raise_value(self.exc.stop_iteration, value)
        }
    }

    /// `'X' object has no attribute 'name'`.
    #[cold]
    pub fn attribute_error(&mut self, object: Value, name: Value) -> Raised {
        let name_text = self.text_of(name);
        let message = if crate::type_::is_type(self, object) {
            format!("type object '{}' has no attribute '{name_text}'", TypeRef::from_value(object).name())
        } else if self.kind(object) == crate::shape::Kind::Module {
            return crate::module::missing_attribute(self, object, name);
        } else {
            format!("'{}' object has no attribute '{name_text}'", self.type_of(object).name())
        };
        self.attribute_error_with(object, name, message)
    }

    /// An AttributeError with a text of the caller's.
    #[cold]
    pub fn attribute_error_with(&mut self, object: Value, name: Value, message: impl Into<String>) -> Raised {
        let raised = self.raise(self.exc.attribute_error, message);
        crate::exceptions::set_extra(self, raised.0, "name", name);
        crate::exceptions::set_extra(self, raised.0, "obj", object);
        raised
    }

    /// `name 'x' is not defined`.
    #[cold]
    pub fn name_error(&mut self, name: Value) -> Raised {
        let text = self.text_of(name);
        self.name_error_with(self.exc.name_error, name, format!("name '{text}' is not defined"))
    }

    /// A NameError (or UnboundLocalError) about `name`.
    #[cold]
    pub fn name_error_with(&mut self, ty: TypeRef, name: Value, message: impl Into<String>) -> Raised {
        let raised = self.raise(ty, message);
        crate::exceptions::set_extra(self, raised.0, "name", name);
        raised
    }

    /// An ImportError (or ModuleNotFoundError) with its `name` and `path`; NULL leaves them None.
    #[cold]
    pub fn import_error(&mut self, ty: TypeRef, message: impl Into<String>, name: Value, path: Value) -> Raised {
        let raised = self.raise(ty, message);
        for (field, value) in [("name", name), ("path", path)] {
            if !value.is_null() {
                crate::exceptions::set_extra(self, raised.0, field, value);
            }
        }
        raised
    }

    /// The OSError (or its subclass) for an error number; `filename` may be NULL.
    #[cold]
    pub fn os_error(&mut self, errno: i32, filename: Value) -> Raised {
        crate::exceptions::os_error::raise(self, errno, filename)
    }

    /// From a Rust I/O error.
    #[cold]
    pub fn io_error(&mut self, error: &std::io::Error, filename: Value) -> Raised {
        match error.raw_os_error() {
            Some(errno) => self.os_error(errno, filename),
            None => self.raise(self.exc.os_error, error.to_string()),
        }
    }

    /// A UnicodeDecodeError for `object[start..end]`.
    #[cold]
    pub fn unicode_decode_error(
        &mut self,
        encoding: &str,
        object: Value,
        start: usize,
        end: usize,
        reason: &str,
    ) -> Raised {
        self.unicode_error_of(self.exc.unicode_decode_error, encoding, object, start, end, reason)
    }

    #[cold]
    pub fn unicode_encode_error(
        &mut self,
        encoding: &str,
        object: Value,
        start: usize,
        end: usize,
        reason: &str,
    ) -> Raised {
        self.unicode_error_of(self.exc.unicode_encode_error, encoding, object, start, end, reason)
    }

    fn unicode_error_of(
        &mut self,
        ty: TypeRef,
        encoding: &str,
        object: Value,
        start: usize,
        end: usize,
        reason: &str,
    ) -> Raised {
        let encoding = self.new_str(encoding);
        let reason = self.new_str(reason);
        self.raise_args(ty, &[encoding, object, Value::from_int(start as i64), Value::from_int(end as i64), reason])
    }

    /// Whether an exception instance is of class `ty`.
    #[inline]
    pub fn exception_matches(&self, exception: Value, ty: TypeRef) -> bool {
        self.type_of(exception).is_subtype(ty)
    }

    /// A str's text for a message, lone surrogates replaced; of anything else its type's name.
    pub fn text_of(&self, value: Value) -> String {
        if self.is_str(value) {
            String::from_utf8_lossy(self.str_bytes(value)).into_owned()
        } else {
            format!("<{}>", self.type_of(value).name())
        }
    }

    /// The name of a value's type, for messages.
    pub fn type_name(&self, value: Value) -> String {
        self.type_of(value).name()
    }
}
