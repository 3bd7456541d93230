//! `len(x)`, `x[k]`, `k in x`.

use crate::error::PyResult;
use crate::vm::Vm;
use heap::Value;

impl Vm {
    /// `len(object)`.
    pub fn len(&mut self, object: Value) -> PyResult<i64> {
        let len = self.type_of(object).slots().len;
        match len {
            Some(len) => len(self, object),
            None => {
                let name = self.type_name(object);
                Err(self.type_error(format!("object of type '{name}' has no len()")))
            }
        }
    }

    /// `object[key]`.
    pub fn getitem(&mut self, object: Value, key: Value) -> PyResult {
        let getitem = self.type_of(object).slots().getitem;
        if let Some(getitem) = getitem {
            return getitem(self, object, key);
        }
        if crate::type_::is_type(self, object) {
            return self.subscript_class(object, key);
        }
        let name = self.type_name(object);
        Err(self.type_error(format!("'{name}' object is not subscriptable")))
    }

    /// `Class[key]`: `__class_getitem__`.
    fn subscript_class(&mut self, class: Value, key: Value) -> PyResult {
        if class == self.types.type_.value() {
            return Ok(crate::generic_alias::new(self, class, key));
        }
        let name = self.names.__class_getitem__;
        match self.getattr_opt(class, name)? {
            Some(method) if method != self.none => self.call(method, &[key]),
            _ => {
                let name = crate::ty::TypeRef::from_value(class).name();
                Err(self.type_error(format!("type '{name}' is not subscriptable")))
            }
        }
    }

    /// `object[key] = value`.
    pub fn setitem(&mut self, object: Value, key: Value, value: Value) -> PyResult<()> {
        debug_assert!(!value.is_null());
        self.store_item(object, key, value, "does not support item assignment")
    }

    /// `del object[key]`.
    pub fn delitem(&mut self, object: Value, key: Value) -> PyResult<()> {
        self.store_item(object, key, Value::NULL, "doesn't support item deletion")
    }

    fn store_item(&mut self, object: Value, key: Value, value: Value, complaint: &str) -> PyResult<()> {
        let setitem = self.type_of(object).slots().setitem;
        match setitem {
            Some(setitem) => setitem(self, object, key, value),
            None => {
                let name = self.type_name(object);
                // What is a sequence at all says it in other words.
                let sequence = {
                    let ty = self.type_of(object);
                    let slots = ty.slots();
                    let by_slots = slots.len.is_some() || slots.contains.is_some() || slots.concat.is_some();
                    ty.has(crate::ty::flags::HEAP) || by_slots
                };
                let index = self.type_of(key).slots().index.is_some();
                if value.is_null() && !(sequence && index) {
                    return Err(self.type_error(format!("'{name}' object does not support item deletion")));
                }
                Err(self.type_error(format!("'{name}' object {complaint}")))
            }
        }
    }

    /// `item in container`.
    pub fn contains(&mut self, container: Value, item: Value) -> PyResult<bool> {
        let contains = self.type_of(container).slots().contains;
        match contains {
            Some(contains) => contains(self, container, item),
            None => self.contains_by_iteration(container, item),
        }
    }

    /// The same for what can only be iterated over.
    pub fn contains_by_iteration(&mut self, container: Value, item: Value) -> PyResult<bool> {
        let iterator = match self.iter(container) {
            Ok(iterator) => iterator,
            Err(raised) if raised_is_not_iterable(self, container, raised.0) => {
                let name = self.type_name(container);
                return Err(self.type_error(format!("argument of type '{name}' is not a container or iterable")));
            }
            Err(raised) => return Err(raised),
        };
        while let Some(candidate) = self.next(iterator)? {
            if self.eq(candidate, item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether `iter(container)` failed because the class has no way to iterate.
fn raised_is_not_iterable(vm: &Vm, container: Value, exception: Value) -> bool {
    let ty = vm.type_of(container);
    let slots = ty.slots();
    slots.iter.is_none() && slots.getitem.is_none() && vm.exception_matches(exception, vm.exc.type_error)
}
