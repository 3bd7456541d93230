//! `repr`, `str`, `format`, `isinstance`, `dir`.

use crate::error::PyResult;
use crate::format_spec;
use crate::shape::{Kind, is_exact};
use crate::ty::{TypeRef, flags};
use crate::type_::is_type;
use crate::vm::Vm;
use heap::Value;

impl Vm {
    /// `repr(value)`, a str.
    pub fn repr(&mut self, value: Value) -> PyResult {
        let repr = self.type_of(value).slots().repr.expect("every type has __repr__");
        let text = self.guarded(" while getting the repr of an object", |vm| repr(vm, value))?;
        if !self.is_str(text) {
            let name = self.type_name(text);
            return Err(self.type_error(format!("__repr__ returned non-string (type {name})")));
        }
        Ok(text)
    }

    /// `str(value)`.
    pub fn str_of(&mut self, value: Value) -> PyResult {
        let ty = self.type_of(value);
        if ty == self.types.str_ {
            return Ok(value);
        }
        let str = ty.slots().str.expect("every type has __str__");
        let text = self.guarded(" while getting the str of an object", |vm| str(vm, value))?;
        if !self.is_str(text) {
            let name = self.type_name(text);
            return Err(self.type_error(format!("__str__ returned non-string (type {name})")));
        }
        Ok(text)
    }

    /// `repr(value)` as Rust text, lone surrogates replaced.
    pub fn repr_text(&mut self, value: Value) -> PyResult<String> {
        let text = self.repr(value)?;
        Ok(self.text_of(text))
    }

    /// `str(value)` as Rust text, lone surrogates replaced.
    pub fn str_text(&mut self, value: Value) -> PyResult<String> {
        let text = self.str_of(value)?;
        Ok(self.text_of(text))
    }

    /// Runs `body` unless the native stack is nearly used up, in which case RecursionError.
    pub fn guarded<T>(&mut self, what: &str, body: impl FnOnce(&mut Vm) -> PyResult<T>) -> PyResult<T> {
        let here = 0u8;
        if std::ptr::from_ref(&here).addr() < self.thread.native_limit || self.native_depth >= 20_000 {
            return Err(self.recursion_error(format!("maximum recursion depth exceeded{what}")));
        }
        self.native_depth += 1;
        let result = body(self);
        self.native_depth -= 1;
        result
    }

    /// Runs `body` for a container's repr unless that repr is being made already: `None`.
    pub fn repr_guarded<T>(&mut self, value: Value, body: impl FnOnce(&mut Vm) -> PyResult<T>) -> PyResult<Option<T>> {
        if self.repr_stack.contains(&value) {
            return Ok(None);
        }
        self.repr_stack.push(value);
        let result = self.refusable(body);
        self.repr_stack.pop();
        result.map(Some)
    }

    /// `format(value, spec)`.
    pub fn format(&mut self, value: Value, spec: Value) -> PyResult {
        let ty = self.type_of(value);
        // The built-in types are as they are, so nobody need look for their method.
        if ty == self.types.str_ {
            return match self.str_bytes(spec) {
                b"" => Ok(value),
                spec => format_spec::format_str(self, value, spec),
            };
        }
        if is_exact(spec, Kind::Str) && !self.str_bytes(spec).is_empty() {
            if ty == self.types.int {
                return format_spec::format_int(self, value, self.str_bytes(spec));
            }
            if ty == self.types.float {
                let x = self.as_f64(value).expect("a float");
                return format_spec::format_float(self, x, self.str_bytes(spec));
            }
        }
        let name = self.names.__format__;
        let Some(result) = self.call_special_opt(value, name, &[spec]) else {
            return Err(self.type_error(format!("Type {} doesn't define __format__", ty.name())));
        };
        let text = result?;
        if !self.is_str(text) {
            let given = self.type_name(text);
            return Err(self.type_error(format!("__format__ must return a str, not {given}")));
        }
        Ok(text)
    }

    /// `isinstance(object, class)`; the class may be a tuple or a union.
    pub fn isinstance(&mut self, object: Value, class: Value) -> PyResult<bool> {
        let ty = self.type_of(object);
        if ty.value() == class {
            return Ok(true);
        }
        if self.type_of(class) == self.types.type_ {
            return self.real_isinstance(object, class);
        }
        if self.type_of(class) == self.types.union_type {
            let members = crate::union_type::members(class);
            return self.any_of(members, |vm, class| vm.isinstance(object, class));
        }
        if self.type_of(class).has(flags::TUPLE) {
            let members = crate::tuple::items(class);
            return self
                .guarded(" in __instancecheck__", |vm| vm.any_of(members, |vm, class| vm.isinstance(object, class)));
        }
        let name = self.names.__instancecheck__;
        if let Some(result) = self.call_special_opt(class, name, &[object]) {
            let result = result?;
            return self.truth(result);
        }
        self.real_isinstance(object, class)
    }

    fn any_of(&mut self, classes: &[Value], mut test: impl FnMut(&mut Vm, Value) -> PyResult<bool>) -> PyResult<bool> {
        for &class in classes {
            if test(self, class)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `type.__instancecheck__`: without asking the metaclass.
    pub fn real_isinstance(&mut self, object: Value, class: Value) -> PyResult<bool> {
        if is_type(self, class) {
            let class = TypeRef::from_value(class);
            let ty = self.type_of(object);
            if ty.is_subtype(class) {
                return Ok(true);
            }
            // An object may claim another class.
            if crate::object::has_plain_class(self, ty) {
                return Ok(false);
            }
            let name = self.names.__class__;
            return match self.getattr_opt(object, name)? {
                Some(claimed) if claimed != ty.value() && is_type(self, claimed) => {
                    Ok(TypeRef::from_value(claimed).is_subtype(class))
                }
                _ => Ok(false),
            };
        }
        if !self.has_bases(class)? {
            return Err(self.type_error("isinstance() arg 2 must be a type, a tuple of types, or a union"));
        }
        let name = self.names.__class__;
        match self.getattr_opt(object, name)? {
            Some(claimed) => self.abstract_issubclass(claimed, class),
            None => Ok(false),
        }
    }

    /// `issubclass(derived, class)`.
    pub fn issubclass(&mut self, derived: Value, class: Value) -> PyResult<bool> {
        if self.type_of(class) == self.types.type_ {
            if derived == class {
                return Ok(true);
            }
            return self.real_issubclass(derived, class);
        }
        if self.type_of(class) == self.types.union_type {
            let members = crate::union_type::members(class);
            return self.any_of(members, |vm, class| vm.issubclass(derived, class));
        }
        if self.type_of(class).has(flags::TUPLE) {
            let members = crate::tuple::items(class);
            return self
                .guarded(" in __subclasscheck__", |vm| vm.any_of(members, |vm, class| vm.issubclass(derived, class)));
        }
        let name = self.names.__subclasscheck__;
        if let Some(result) = self.call_special_opt(class, name, &[derived]) {
            let result = result?;
            return self.truth(result);
        }
        self.real_issubclass(derived, class)
    }

    /// `type.__subclasscheck__`: without asking the metaclass.
    pub fn real_issubclass(&mut self, derived: Value, class: Value) -> PyResult<bool> {
        if is_type(self, derived) && is_type(self, class) {
            return Ok(TypeRef::from_value(derived).is_subtype(TypeRef::from_value(class)));
        }
        if !self.has_bases(derived)? {
            return Err(self.type_error("issubclass() arg 1 must be a class"));
        }
        if !self.has_bases(class)? {
            return Err(self.type_error("issubclass() arg 2 must be a class, a tuple of classes, or a union"));
        }
        self.abstract_issubclass(derived, class)
    }

    fn has_bases(&mut self, class: Value) -> PyResult<bool> {
        if is_type(self, class) {
            return Ok(true);
        }
        let name = self.names.__bases__;
        let bases = self.getattr_opt(class, name)?;
        Ok(bases.is_some_and(|bases| self.type_of(bases).has(flags::TUPLE)))
    }

    /// Along `__bases__`, for what is no type.
    fn abstract_issubclass(&mut self, derived: Value, class: Value) -> PyResult<bool> {
        if derived == class {
            return Ok(true);
        }
        let name = self.names.__bases__;
        let Some(bases) = self.getattr_opt(derived, name)? else { return Ok(false) };
        if !self.type_of(bases).has(flags::TUPLE) {
            return Ok(false);
        }
        let bases = crate::tuple::items(bases);
        self.guarded(" in __issubclass__", |vm| vm.any_of(bases, |vm, base| vm.abstract_issubclass(base, class)))
    }

    /// `dir(object)`: a sorted list.
    pub fn dir(&mut self, object: Value) -> PyResult {
        let name = self.names.__dir__;
        let Some(names) = self.call_special_opt(object, name, &[]) else {
            return Err(self.type_error("object does not provide __dir__"));
        };
        let names = names?;
        let list = self.collect_list(names)?;
        self.call_method(list, "sort", &[])?;
        Ok(list)
    }

    /// `id(object)`: ints and floats by value.
    pub fn id(&mut self, object: Value) -> Value {
        if object.is_object() {
            if let Some(x) = crate::representation::exact_float(object) {
                // Its box comes and goes. Nothing else is beyond 64 bits.
                return self.int_from_big(&(num_bigint::BigInt::from(x.to_bits()) + (1u128 << 64)));
            }
            let id = self.thread.heap.id(object);
            return self.int(id as i64);
        }
        // Tagged words differ from addresses in their low bits.
        let bits = object.0;
        if Value::int_fits(bits as i64) && (bits as i64) >= 0 {
            Value::from_int(bits as i64)
        } else {
            self.int_from_big(&num_bigint::BigInt::from(bits))
        }
    }

    /// The address that reprs show.
    pub fn address(&mut self, object: Value) -> u64 {
        if object.is_object() { self.thread.heap.id(object) } else { object.0 }
    }
}
