//! What native modules ask of the VM beyond the object model's own interface.

use heap::{MakeRoom, Value};
use objects::args::MethodDef;
use objects::error::{PyResult, Raised};
use objects::slots::BufferView;
use objects::ty::TypeRef;
use objects::vm::Vm;

pub trait VmExt {
    /// An instance of a class derived from one of our layouts; all words 0.
    fn alloc_instance(&mut self, class: TypeRef) -> PyResult;
    /// The memory of a writable buffer: bytearray, array, memoryview.
    fn writable_buffer(&mut self, value: Value) -> PyResult<BufferView>;
    /// A path as bytes of the file system: str, bytes, or an object with `__fspath__`.
    fn fs_path(&mut self, path: Value) -> PyResult<Vec<u8>>;
    /// A path as str or bytes.
    fn path_value(&mut self, path: Value) -> PyResult;
    /// An OSError with a text alone.
    fn os_error_text(&mut self, text: &str) -> Raised;
    /// Adds functions to a module.
    fn add_functions(&mut self, module: Value, table: &'static [MethodDef]);
    /// An attribute of the instance itself, not of its class.
    fn instance_attribute(&mut self, object: Value, name: Value) -> Option<Value>;
}

impl VmExt for Vm {
    fn alloc_instance(&mut self, class: TypeRef) -> PyResult {
        Ok(self.new_instance(class))
    }

    fn writable_buffer(&mut self, value: Value) -> PyResult<BufferView> {
        if let Some(buffer) = self.type_of(value).slots().buffer {
            let view = buffer(self, value)?;
            if !view.read_only {
                return Ok(view);
            }
        }
        let kind = self.type_of(value).name();
        Err(self.type_error(format!("readinto() argument must be read-write bytes-like object, not {kind}")))
    }

    fn fs_path(&mut self, path: Value) -> PyResult<Vec<u8>> {
        let path = self.path_value(path)?;
        match self.bytes_of(path) {
            Some(bytes) => Ok(heap::copied(bytes)),
            None => Ok(surrogates_to_bytes(self.str_bytes(path))),
        }
    }

    fn path_value(&mut self, path: Value) -> PyResult {
        if self.is_str(path) || self.bytes_of(path).is_some() {
            return Ok(path);
        }
        let name = self.intern("__fspath__");
        let Some(method) = self.special_method(path, name)? else {
            let kind = self.type_of(path).name();
            return Err(self.type_error(format!("expected str, bytes or os.PathLike object, not {kind}")));
        };
        let result = self.call(method, &[])?;
        if self.is_str(result) || self.bytes_of(result).is_some() {
            return Ok(result);
        }
        let (class, kind) = (self.type_of(path).name(), self.type_of(result).name());
        Err(self.type_error(format!("expected {class}.__fspath__() to return str or bytes, not {kind}")))
    }

    fn os_error_text(&mut self, text: &str) -> Raised {
        self.raise(self.exc.os_error, text)
    }

    fn add_functions(&mut self, module: Value, table: &'static [MethodDef]) {
        let name = self.dict_get_str(objects::module::dict_of(module), "__name__").unwrap_or(self.none);
        for def in table {
            let function = self.new_builtin_of_module(def, name);
            self.module_set(module, def.name, function);
        }
    }

    fn instance_attribute(&mut self, object: Value, name: Value) -> Option<Value> {
        objects::instance::get(self, object, name)
    }
}

/// Bytes of the file system that were no UTF-8 travel as lone surrogates (PEP 383).
fn surrogates_to_bytes(text: &[u8]) -> Vec<u8> {
    let mut bytes = heap::vec_with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        // U+DC80..U+DCFF are ED B2 80 .. ED B3 BF in WTF-8.
        if let [0xed, second @ 0xb2..=0xb3, third, ..] = text[at..] {
            bytes.put((second & 1) << 6 | (third & 0x3f) | 0x80);
            at += 3;
        } else {
            bytes.put(text[at]);
            at += 1;
        }
    }
    bytes
}
