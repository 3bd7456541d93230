//! Module `marshal`: CPython's format for plain values; code objects in a format of this interpreter.

use heap::{MakeRoom, Value};
use num_bigint::{BigInt, Sign};
use objects::args::{MethodDef, Signature};
use objects::error::{PyResult, Raised};
use objects::module::ModuleDef;
use objects::shape::Kind;
use objects::ty::flags;
use objects::value_vec::ValueVec;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef {
    name: "marshal",
    doc: "This module contains functions that can read and write Python values in\na binary format. The format is specific to Python, but independent of\nmachine architecture issues.",
    functions: FUNCTIONS,
    init: |vm, module| {
        vm.module_set(module, "version", Value::from_int(VERSION));
        Ok(())
    },
};

const VERSION: i64 = 5;
const MAX_DEPTH: u32 = 2000;
/// Set on the type byte of values that later ones may refer to.
const FLAG_REF: u8 = 0x80;

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("dumps", 1, 3, |vm, args| {
        let signature = Signature {
            parameters: ["value", "version", "allow_code"],
            skip: 0,
            positional_only: 2,
            max_positional: 2,
            required: 1,
        };
        let [value, _, allow_code] = args.bind(vm, "dumps", &signature)?;
        let allow_code = allow_code.is_null() || vm.truth(allow_code)?;
        dump(vm, value, allow_code)
    })
    .with_keywords()
    .with_doc("dumps($module, value, version=version, /, *, allow_code=True)\n--\n\nReturn the bytes object that would be written to a file by dump(value, file).\n\n  value\n    Must be a supported type.\n  version\n    Indicates the data format that dumps should use.\n  allow_code\n    Allow to write code objects.\n\nRaise a ValueError exception if value has (or contains an object that\nhas) an unsupported type."),
    MethodDef::function("dump", 2, 4, |vm, args| {
        let signature = Signature {
            parameters: ["value", "file", "version", "allow_code"],
            skip: 0,
            positional_only: 3,
            max_positional: 3,
            required: 2,
        };
        let [value, file, _, allow_code] = args.bind(vm, "dump", &signature)?;
        let allow_code = allow_code.is_null() || vm.truth(allow_code)?;
        let bytes = dump(vm, value, allow_code)?;
        vm.call_method(file, "write", &[bytes])
    })
    .with_keywords()
    .with_doc("dump($module, value, file, version=version, /, *, allow_code=True)\n--\n\nWrite the value on the open file.\n\n  value\n    Must be a supported type.\n  file\n    Must be a writeable binary file.\n  version\n    Indicates the data format that dump should use.\n  allow_code\n    Allow to write code objects.\n\nIf the value has (or contains an object that has) an unsupported type, a\nValueError exception is raised - but garbage data will also be written\nto the file. The object will not be properly read back by load()."),
    MethodDef::function("loads", 1, 2, |vm, args| {
        let signature = Signature {
            parameters: ["bytes", "allow_code"],
            skip: 0,
            positional_only: 1,
            max_positional: 1,
            required: 1,
        };
        let [bytes, allow_code] = args.bind(vm, "loads", &signature)?;
        let allow_code = allow_code.is_null() || vm.truth(allow_code)?;
        let bytes = vm.bytes_like(bytes)?;
        load(vm, bytes, allow_code)
    })
    .with_keywords()
    .with_doc("loads($module, bytes, /, *, allow_code=True)\n--\n\nConvert the bytes-like object to a value.\n\n  allow_code\n    Allow to load code objects.\n\nIf no valid value is found, raise EOFError, ValueError or TypeError.\nExtra bytes in the input are ignored."),
    MethodDef::function("load", 1, 2, |vm, args| {
        let signature = Signature {
            parameters: ["file", "allow_code"],
            skip: 0,
            positional_only: 1,
            max_positional: 1,
            required: 1,
        };
        let [file, allow_code] = args.bind(vm, "load", &signature)?;
        let allow_code = allow_code.is_null() || vm.truth(allow_code)?;
        let bytes = vm.call_method(file, "read", &[])?;
        let bytes = vm.bytes_like(bytes)?;
        load(vm, bytes, allow_code)
    })
    .with_keywords()
    .with_doc("load($module, file, /, *, allow_code=True)\n--\n\nRead one value from the open file and return it.\n\n  file\n    Must be readable binary file.\n  allow_code\n    Allow to load code objects.\n\nIf no valid value is read (e.g. because the data has a different Python\nversion's incompatible marshal format), raise EOFError, ValueError or\nTypeError.\n\nNote: If an object containing an unsupported type was marshalled with\ndump(), load() will substitute None for the unmarshallable type."),
];

fn dump(vm: &mut Vm, value: Value, allow_code: bool) -> PyResult {
    let mut writer = Writer { out: Vec::new(), depth: 0, allow_code };
    writer.value(vm, value)?;
    Ok(vm.new_bytes(&writer.out))
}

fn load(vm: &mut Vm, bytes: &[u8], allow_code: bool) -> PyResult {
    let mut reader = Reader { rest: bytes, references: ValueVec::new(), depth: 0, allow_code };
    let value = reader.value(vm)?;
    if value.is_null() {
        return Err(vm.type_error("NULL object in marshal data for object"));
    }
    Ok(value)
}

struct Writer {
    out: Vec<u8>,
    depth: u32,
    allow_code: bool,
}

impl Writer {
    fn size(&mut self, size: usize) {
        self.out.put_all(&(size as u32).to_le_bytes());
    }

    fn counted(&mut self, kind: u8, bytes: &[u8]) {
        self.out.put(kind);
        self.size(bytes.len());
        self.out.put_all(bytes);
    }

    fn value(&mut self, vm: &mut Vm, value: Value) -> PyResult<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(vm.value_error("object too deeply nested to marshal"));
        }
        let ty = vm.type_of(value);
        let types = &vm.types;
        if value == vm.none {
            self.out.put(b'N');
        } else if value == vm.true_ {
            self.out.put(b'T');
        } else if value == vm.false_ {
            self.out.put(b'F');
        } else if value == vm.ellipsis {
            self.out.put(b'.');
        } else if value == vm.exc.stop_iteration.value() {
            self.out.put(b'S');
        } else if ty == types.int {
            self.int(vm, value);
        } else if ty == types.float {
            let x = vm.as_f64(value).expect("a float");
            self.out.put(b'g');
            self.out.put_all(&x.to_le_bytes());
        } else if ty == types.complex {
            self.out.put(b'y');
            for part in ["real", "imag"] {
                let x = vm.getattr_str(value, part)?;
                let x = vm.as_f64(x).expect("a float");
                self.out.put_all(&x.to_le_bytes());
            }
        } else if ty == types.str_ {
            let bytes = vm.str_bytes(value);
            let interned = objects::intern::is_interned(value);
            match (bytes.is_ascii(), bytes.len() < 256) {
                (true, true) => {
                    self.out.put(if interned { b'Z' } else { b'z' });
                    self.out.put(bytes.len() as u8);
                    self.out.put_all(bytes);
                }
                (true, false) => self.counted(if interned { b'A' } else { b'a' }, bytes),
                (false, _) => self.counted(if interned { b't' } else { b'u' }, bytes),
            }
        } else if ty == types.tuple {
            let items = objects::tuple::items(value);
            if items.len() < 256 {
                self.out.put(b')');
                self.out.put(items.len() as u8);
            } else {
                self.out.put(b'(');
                self.size(items.len());
            }
            for &item in items {
                self.value(vm, item)?;
            }
        } else if ty == types.list {
            let items = objects::list::items(value);
            self.out.put(b'[');
            self.size(items.len());
            for &item in items {
                self.value(vm, item)?;
            }
        } else if ty == types.dict {
            self.out.put(b'{');
            let mut position = 0;
            while let Some((key, item)) = vm.dict_next(value, &mut position) {
                self.value(vm, key)?;
                self.value(vm, item)?;
            }
            self.out.put(b'0');
        } else if ty == types.set || ty == types.frozenset {
            self.out.put(if ty == types.set { b'<' } else { b'>' });
            self.size(vm.set_len(value));
            let mut position = 0;
            while let Some(item) = vm.set_next(value, &mut position) {
                self.value(vm, item)?;
            }
        } else if vm.kind(value) == Kind::Code {
            if !self.allow_code {
                return Err(vm.value_error("marshalling code objects is disallowed"));
            }
            let code = objects::code_object::data_of(value);
            self.counted(b'c', &syntax::write_code(&code.source));
        } else if ty.has(flags::BYTES) || vm.bytes_like_opt(value)?.is_some() {
            self.counted(b's', vm.bytes_like(value)?);
        } else {
            return Err(vm.value_error("unmarshallable object"));
        }
        self.depth -= 1;
        Ok(())
    }

    /// 32 bits, or digits of 15 bits.
    fn int(&mut self, vm: &mut Vm, value: Value) {
        if let Some(small) = vm.as_i64(value).and_then(|i| i32::try_from(i).ok()) {
            self.out.put(b'i');
            self.out.put_all(&small.to_le_bytes());
            return;
        }
        let big = vm.as_bigint(value).expect("an int");
        let (sign, digits) = (big.sign(), big.magnitude().to_radix_le(1 << 8));
        let mut fifteen = Vec::new();
        let (mut bits, mut count) = (0u32, 0);
        for byte in digits {
            bits |= u32::from(byte) << count;
            count += 8;
            if count >= 15 {
                fifteen.put((bits & 0x7fff) as u16);
                bits >>= 15;
                count -= 15;
            }
        }
        if bits != 0 {
            fifteen.put(bits as u16);
        }
        let size = fifteen.len() as i32;
        self.out.put(b'l');
        self.out.put_all(&(if sign == Sign::Minus { -size } else { size }).to_le_bytes());
        for digit in fifteen {
            self.out.put_all(&digit.to_le_bytes());
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    /// Values that later ones refer to, in order of their first bytes.
    references: ValueVec,
    depth: u32,
    allow_code: bool,
}

impl<'a> Reader<'a> {
    fn take(&mut self, vm: &mut Vm, count: usize) -> PyResult<&'a [u8]> {
        if self.rest.len() < count {
            return Err(vm.eof_error("marshal data too short"));
        }
        let (taken, rest) = self.rest.split_at(count);
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self, vm: &mut Vm) -> PyResult<u8> {
        match self.take(vm, 1) {
            Ok(byte) => Ok(byte[0]),
            Err(_) => Err(vm.eof_error("EOF read where object expected")),
        }
    }

    fn number(&mut self, vm: &mut Vm) -> PyResult<i32> {
        let bytes = self.take(vm, 4)?;
        Ok(i32::from_le_bytes(bytes.try_into().expect("four bytes")))
    }

    fn size(&mut self, vm: &mut Vm, what: &str) -> PyResult<usize> {
        match usize::try_from(self.number(vm)?) {
            Ok(size) => Ok(size),
            Err(_) => Err(bad(vm, &format!("{what} size out of range"))),
        }
    }

    fn float(&mut self, vm: &mut Vm) -> PyResult<f64> {
        let bytes = self.take(vm, 8)?;
        Ok(f64::from_le_bytes(bytes.try_into().expect("eight bytes")))
    }

    /// NULL is the end of a dict.
    fn value(&mut self, vm: &mut Vm) -> PyResult {
        let kind = self.byte(vm)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(vm.value_error("recursion limit exceeded"));
        }
        let flagged = kind & FLAG_REF != 0;
        let kind = kind & !FLAG_REF;
        // Containers take their place before what they contain.
        let place = self.references.len;
        if flagged {
            let none = vm.none;
            self.references.push(vm, none);
        }
        let place = flagged.then_some(place);
        let value = self.of_kind(vm, kind, place)?;
        if let Some(place) = place {
            self.references.set(vm, place, value);
        }
        self.depth -= 1;
        Ok(value)
    }

    fn items(&mut self, vm: &mut Vm, count: usize) -> PyResult<ValueVec> {
        let mut items = ValueVec::new();
        for _ in 0..count {
            let item = self.value(vm)?;
            if item.is_null() {
                return Err(vm.type_error("NULL object in marshal data for tuple"));
            }
            items.push(vm, item);
        }
        Ok(items)
    }

    fn text(&mut self, vm: &mut Vm, size: usize, interned: bool) -> PyResult {
        let bytes = self.take(vm, size)?;
        Ok(if interned { vm.intern_bytes(bytes) } else { vm.new_str_bytes(bytes) })
    }

    fn of_kind(&mut self, vm: &mut Vm, kind: u8, place: Option<usize>) -> PyResult {
        Ok(match kind {
            b'0' => Value::NULL,
            b'N' => vm.none,
            b'T' => vm.true_,
            b'F' => vm.false_,
            b'.' => vm.ellipsis,
            b'S' => vm.exc.stop_iteration.value(),
            b'i' => {
                let number = self.number(vm)?;
                vm.int(i64::from(number))
            }
            b'I' => {
                let bytes = self.take(vm, 8)?;
                vm.int(i64::from_le_bytes(bytes.try_into().expect("eight bytes")))
            }
            b'l' => self.big_int(vm)?,
            b'g' => {
                let x = self.float(vm)?;
                vm.float(x)
            }
            b'y' => {
                let (real, imag) = (self.float(vm)?, self.float(vm)?);
                let (real, imag) = (vm.float(real), vm.float(imag));
                let class = vm.types.complex.value();
                vm.call(class, &[real, imag])?
            }
            b's' => {
                let size = self.size(vm, "bytes object")?;
                let bytes = self.take(vm, size)?;
                vm.new_bytes(bytes)
            }
            b'z' | b'Z' => {
                let size = usize::from(self.byte(vm)?);
                self.text(vm, size, kind == b'Z')?
            }
            b'a' | b'A' | b'u' | b't' => {
                let size = self.size(vm, "string")?;
                self.text(vm, size, matches!(kind, b'A' | b't'))?
            }
            b')' => {
                let size = usize::from(self.byte(vm)?);
                let items = self.items(vm, size)?;
                vm.new_tuple(items.as_slice())
            }
            b'(' => {
                let size = self.size(vm, "tuple")?;
                let items = self.items(vm, size)?;
                vm.new_tuple(items.as_slice())
            }
            b'[' => {
                let size = self.size(vm, "list")?;
                let list = vm.new_list(&[]);
                self.refer(vm, place, list);
                let items = self.items(vm, size)?;
                for &item in items.as_slice() {
                    vm.list_append(list, item);
                }
                list
            }
            b'{' => {
                let dict = vm.new_dict();
                self.refer(vm, place, dict);
                loop {
                    let key = self.value(vm)?;
                    if key.is_null() {
                        break dict;
                    }
                    let value = self.value(vm)?;
                    if value.is_null() {
                        break dict;
                    }
                    vm.dict_set(dict, key, value)?;
                }
            }
            b'<' | b'>' => {
                let size = self.size(vm, "set")?;
                let set = vm.new_set();
                if kind == b'<' {
                    self.refer(vm, place, set);
                }
                let items = self.items(vm, size)?;
                for &item in items.as_slice() {
                    vm.set_add(set, item)?;
                }
                if kind == b'<' { set } else { vm.collect_frozenset(set)? }
            }
            b'r' => {
                let index = self.size(vm, "reference")?;
                if index >= self.references.len {
                    return Err(bad(vm, "invalid reference"));
                }
                self.references.get(index)
            }
            b'c' => {
                if !self.allow_code {
                    return Err(vm.value_error("unmarshalling code objects is disallowed"));
                }
                let size = self.size(vm, "code")?;
                let bytes = self.take(vm, size)?;
                match syntax::read_code(bytes) {
                    Ok(code) => interp::load::load(vm, std::sync::Arc::new(code)).object.get(),
                    Err(_) => return Err(bad(vm, "code of another interpreter")),
                }
            }
            _ => return Err(bad(vm, "unknown type code")),
        })
    }

    fn refer(&mut self, vm: &mut Vm, place: Option<usize>, value: Value) {
        if let Some(place) = place {
            self.references.set(vm, place, value);
        }
    }

    fn big_int(&mut self, vm: &mut Vm) -> PyResult {
        let size = self.number(vm)?;
        let digits = self.take(vm, size.unsigned_abs() as usize * 2)?;
        let mut number = BigInt::ZERO;
        for digit in digits.chunks_exact(2).rev() {
            let digit = u16::from_le_bytes([digit[0], digit[1]]);
            if digit >= 1 << 15 {
                return Err(bad(vm, "digit out of range in long"));
            }
            number = (number << 15) + digit;
        }
        let number = if size < 0 { -number } else { number };
        Ok(vm.int_from_big(&number))
    }
}

fn bad(vm: &mut Vm, what: &str) -> Raised {
    vm.value_error(format!("bad marshal data ({what})"))
}
