//! `x.y`, `x.y = z`, `del x.y`, and looking up special methods.

use crate::args::CallArgs;
use crate::error::{PyResult, Raised};
use crate::exceptions::{extra, set_extra};
use crate::object::generic_getattr_opt;
use crate::shape::Kind;
use crate::slots::GetattrFn;
use crate::ty::ResolutionKind;
use crate::vm::Vm;
use heap::Value;

impl Vm {
    /// `object.name`. The name is a str of any kind.
    #[inline]
    pub fn getattr(&mut self, object: Value, name: Value) -> PyResult {
        let name = self.attribute_name(name)?;
        let getattr = self.type_of(object).slots().getattr.expect("every type has __getattribute__");
        getattr(self, object, name).map_err(|raised| self.with_attribute(raised, object, name))
    }

    /// An AttributeError says what was looked for in what, unless it does so already.
    #[cold]
    fn with_attribute(&mut self, raised: Raised, object: Value, name: Value) -> Raised {
        let exception = raised.0;
        if self.exception_matches(exception, self.exc.attribute_error) {
            let is_unset =
                |vm: &Vm, field| matches!(extra(vm, exception, field), value if value.is_null() || value == vm.none);
            if is_unset(self, "name") && is_unset(self, "obj") {
                set_extra(self, exception, "name", name);
                set_extra(self, exception, "obj", object);
            }
        }
        raised
    }

    pub fn getattr_str(&mut self, object: Value, name: &str) -> PyResult {
        let name = self.intern(name);
        self.getattr(object, name)
    }

    /// `None` if there is no such attribute.
    pub fn getattr_opt(&mut self, object: Value, name: Value) -> PyResult<Option<Value>> {
        let name = self.attribute_name(name)?;
        let ty = self.type_of(object);
        let getattr = ty.slots().getattr.expect("every type has __getattribute__");
        if std::ptr::fn_addr_eq(getattr, crate::object::generic_getattr as GetattrFn) {
            return self.without_attribute_error(|vm| generic_getattr_opt(vm, object, name));
        }
        if std::ptr::fn_addr_eq(getattr, crate::type_::attributes::getattr as GetattrFn) {
            return self.without_attribute_error(|vm| crate::type_::attributes::getattr_opt(vm, object, name));
        }
        self.without_attribute_error(|vm| getattr(vm, object, name).map(Some))
    }

    /// The same by text.
    pub fn getattr_str_opt(&mut self, object: Value, name: &str) -> PyResult<Option<Value>> {
        let name = self.intern(name);
        self.getattr_opt(object, name)
    }

    fn without_attribute_error(
        &mut self,
        read: impl FnOnce(&mut Vm) -> PyResult<Option<Value>>,
    ) -> PyResult<Option<Value>> {
        match read(self) {
            Err(raised) if self.exception_matches(raised.0, self.exc.attribute_error) => Ok(None),
            result => result,
        }
    }

    #[inline]
    pub fn setattr(&mut self, object: Value, name: Value, value: Value) -> PyResult<()> {
        debug_assert!(!value.is_null());
        let name = self.attribute_name(name)?;
        let setattr = self.type_of(object).slots().setattr.expect("every type has __setattr__");
        setattr(self, object, name, value)
    }

    pub fn setattr_str(&mut self, object: Value, name: &str, value: Value) -> PyResult<()> {
        let name = self.intern(name);
        self.setattr(object, name, value)
    }

    pub fn delattr(&mut self, object: Value, name: Value) -> PyResult<()> {
        let name = self.attribute_name(name)?;
        let setattr = self.type_of(object).slots().setattr.expect("every type has __setattr__");
        setattr(self, object, name, Value::NULL)
    }

    /// The interned form of an attribute name, or TypeError.
    #[inline]
    pub fn attribute_name(&mut self, name: Value) -> PyResult {
        if crate::intern::is_interned(name) {
            return Ok(name);
        }
        self.intern_attribute_name(name)
    }

    #[inline(never)]
    fn intern_attribute_name(&mut self, name: Value) -> PyResult {
        if !self.is_str(name) {
            let given = self.type_name(name);
            return Err(self.type_error(format!("attribute name must be string, not '{given}'")));
        }
        Ok(self.intern_value(name))
    }

    /// The special method `name` (interned) of an object's class, and whether the receiver is still to be passed first. `None` if the class
    /// has none, or has None.
    #[inline]
    pub fn special_unbound(&mut self, receiver: Value, name: Value) -> PyResult<Option<(Value, bool)>> {
        let ty = self.type_of(receiver);
        let resolution = self.resolve(ty, name);
        let Some(handle) = resolution.value else {
            if resolution.kind == ResolutionKind::Volatile {
                return Ok(self.find_in_mro(ty, name).map(|(value, _)| (value, false)));
            }
            return Ok(None);
        };
        let method = self.handle(handle);
        match resolution.kind {
            ResolutionKind::Function | ResolutionKind::BuiltinMethod => Ok(Some((method, true))),
            ResolutionKind::Plain => Ok(Some((method, false))),
            _ => {
                let wrapper = self.type_of(method) == self.types.wrapper_descriptor;
                if wrapper {
                    return Ok(Some((method, true)));
                }
                Ok(Some((self.descr_get(method, receiver, ty.value())?, false)))
            }
        }
    }

    /// The same, bound to the receiver.
    pub fn special_method(&mut self, receiver: Value, name: Value) -> PyResult<Option<Value>> {
        match self.special_unbound(receiver, name)? {
            Some((method, true)) => {
                let class = self.type_of(receiver).value();
                self.descr_get(method, receiver, class).map(Some)
            }
            Some((method, false)) => Ok(Some(method)),
            None => Ok(None),
        }
    }

    /// Calls the special method `name` (interned) if the class has it. `rest`: up to 7 arguments.
    pub fn call_special_opt(&mut self, receiver: Value, name: Value, rest: &[Value]) -> Option<PyResult> {
        match self.special_unbound(receiver, name) {
            Err(raised) => Some(Err(raised)),
            Ok(None) => None,
            Ok(Some((method, true))) => {
                let mut values = [Value::NULL; 8];
                values[0] = receiver;
                values[1..=rest.len()].copy_from_slice(rest);
                Some(self.call_found(method, &values[..=rest.len()]))
            }
            Ok(Some((method, false))) => Some(self.call_found(method, rest)),
        }
    }

    /// Calls a special method. A Python function counts for the recursion limit; others may call each other without end, as
    /// in a class whose `__repr__` is `object.__str__`.
    fn call_found(&mut self, method: Value, args: &[Value]) -> PyResult {
        if self.kind(method) == Kind::Function {
            return self.call(method, args);
        }
        self.guarded(" while calling a Python object", |vm| vm.call(method, args))
    }

    /// The same; AttributeError without one.
    pub fn call_special(&mut self, receiver: Value, name: Value, rest: &[Value]) -> PyResult {
        match self.call_special_opt(receiver, name, rest) {
            Some(result) => result,
            None => {
                let text = self.text_of(name);
                Err(self.attribute_error_with(receiver, name, text))
            }
        }
    }

    /// Binds what was found in a class: `descriptor.__get__(instance, owner)`; the value itself if it is no descriptor.
    pub fn descr_get(&mut self, descriptor: Value, instance: Value, owner: Value) -> PyResult {
        let get = self.type_of(descriptor).slots().descr_get;
        match get {
            Some(get) => get(self, descriptor, instance, owner),
            None => Ok(descriptor),
        }
    }

    /// `object.name(*args)`, without making a bound method where the class has a function.
    pub fn call_method(&mut self, object: Value, name: &str, args: &[Value]) -> PyResult {
        let name = self.intern(name);
        self.call_method_args(object, name, &CallArgs::positional(args))
    }

    /// The same with an interned name and keyword arguments.
    pub fn call_method_args(&mut self, object: Value, name: Value, args: &CallArgs) -> PyResult {
        let ty = self.type_of(object);
        if crate::attribute::loads_generically(ty) {
            let resolution = self.resolve(ty, name);
            if matches!(resolution.kind, ResolutionKind::Function | ResolutionKind::BuiltinMethod)
                && crate::instance::get(self, object, name).is_none()
                && let Some(handle) = resolution.value
            {
                let method = self.handle(handle);
                return self.call_prepended(method, object, args);
            }
        }
        let method = self.getattr(object, name)?;
        self.call_kw(method, args)
    }

    /// `hasattr(object, name)`.
    pub fn hasattr(&mut self, object: Value, name: Value) -> PyResult<bool> {
        Ok(self.getattr_opt(object, name)?.is_some())
    }

    /// `module.qualname`, without `builtins`.
    pub fn qualified_type_name(&mut self, value: Value) -> String {
        let ty = self.type_of(value);
        self.full_name(ty)
    }

    /// The same of a type.
    pub fn full_name(&mut self, ty: crate::ty::TypeRef) -> String {
        let qualname = self.text_of(ty.0.qualname.get());
        let module = match crate::type_::attributes::module_of(self, ty) {
            Some(module) if self.is_str(module) => self.text_of(module),
            _ => return qualname,
        };
        if module == "builtins" { qualname } else { format!("{module}.{qualname}") }
    }

    /// `'X' object is not callable`.
    #[cold]
    pub fn not_callable(&mut self, value: Value) -> Raised {
        let name = self.type_name(value);
        self.type_error(format!("'{name}' object is not callable"))
    }

    /// Whether `raised` is what `iter(object)` raises when the class has no way to iterate.
    pub fn is_not_iterable_error(&self, raised: Raised, object: Value) -> bool {
        let slots = self.type_of(object).slots();
        slots.iter.is_none() && slots.getitem.is_none() && self.exception_matches(raised.0, self.exc.type_error)
    }

    /// `'X' object is not iterable`.
    #[cold]
    pub fn not_iterable(&mut self, value: Value) -> Raised {
        let name = self.type_name(value);
        self.type_error(format!("'{name}' object is not iterable"))
    }
}
