//! `make_encoder`: text from values.

use super::{State, strings};
use heap::{MakeRoom, Value};
use objects::args::CallArgs;
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec};
use objects::vm::Vm;

layout! {
    Encoder {
        /// None: circular references are not looked for.
        markers MARKERS: Value;
        default DEFAULT: Value;
        encoder ENCODER: Value;
        indent INDENT: Value;
        key_separator KEY_SEPARATOR: Value;
        item_separator ITEM_SEPARATOR: Value;
        sort_keys SORT_KEYS: i64;
        skip_keys SKIP_KEYS: i64;
        allow_nan ALLOW_NAN: i64;
    }
}

pub fn spec() -> TypeSpec {
    TypeSpec {
        module: "_json",
        slots: Slots { new: Some(new), call: Some(call), ..Slots::default() },
        doc: "Encoder(markers, default, encoder, indent, key_separator, item_separator, sort_keys, skipkeys, allow_nan)",
        ..TypeSpec::of::<Encoder>("Encoder", Kind::Other)
    }
}

fn new(vm: &mut Vm, class: TypeRef, args: &CallArgs) -> PyResult {
    let [markers, default, encoder, indent, key_separator, item_separator, sort_keys, skip_keys, allow_nan] = args
        .bind(
            vm,
            "make_encoder",
            &crate::support::signature(
                [
                    "markers",
                    "default",
                    "encoder",
                    "indent",
                    "key_separator",
                    "item_separator",
                    "sort_keys",
                    "skipkeys",
                    "allow_nan",
                ],
                9,
            ),
        )?;
    if markers != vm.none && !objects::dict::methods::is_dict(vm, markers) {
        let kind = vm.type_of(markers).name();
        return Err(vm.type_error(format!("make_encoder() argument 1 must be dict or None, not {kind}")));
    }
    for (i, separator) in [(5, key_separator), (6, item_separator)] {
        if !vm.is_str(separator) {
            let kind = vm.type_of(separator).name();
            return Err(vm.type_error(format!("make_encoder() argument {i} must be str, not {kind}")));
        }
    }
    let (sort_keys, skip_keys, allow_nan) = (vm.truth(sort_keys)?, vm.truth(skip_keys)?, vm.truth(allow_nan)?);
    let object = vm.new_instance(class);
    let this = cast::<Encoder>(object);
    for (field, value) in [
        (&this.markers, markers),
        (&this.default, default),
        (&this.encoder, encoder),
        (&this.indent, indent),
        (&this.key_separator, key_separator),
        (&this.item_separator, item_separator),
    ] {
        vm.write(object, field, value);
    }
    this.sort_keys.set(sort_keys as i64);
    this.skip_keys.set(skip_keys as i64);
    this.allow_nan.set(allow_nan as i64);
    Ok(object)
}

/// `encoder(value, level)`: a tuple of pieces of text, here always one.
fn call(vm: &mut Vm, object: Value, args: &CallArgs) -> PyResult {
    let [value, level] =
        args.bind(vm, "_iterencode", &crate::support::signature(["obj", "_current_indent_level"], 2))?;
    let level = vm.index(level)?.max(0) as usize;
    let this = cast::<Encoder>(object);
    let state = vm.extension::<State>();
    let (ascii, plain) = (state.ascii, state.plain);
    let is = |vm: &Vm, function: Option<metatrace::Handle>| {
        function.is_some_and(|function| vm.handle(function) == this.encoder.get())
    };
    let own = match (is(vm, ascii), is(vm, plain)) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    let indent = this.indent.get();
    let indent = if indent == vm.none { None } else { Some(heap::copied(vm.str_bytes(indent))) };
    let mut encoding = Encoding {
        encoder: object,
        own,
        indent,
        key_separator: heap::copied(vm.str_bytes(this.key_separator.get())),
        item_separator: heap::copied(vm.str_bytes(this.item_separator.get())),
        output: Vec::new(),
    };
    encoding.value(vm, value, level, None)?;
    let text = vm.new_str_bytes(&encoding.output);
    Ok(vm.new_tuple(&[text]))
}

/// The containers that are being encoded, innermost first. They lie on the native stack, where the collector sees them.
struct Inside<'a> {
    container: Value,
    outer: Option<&'a Inside<'a>>,
}

struct Encoding {
    encoder: Value,
    /// Strings are encoded here, and whether to ASCII; None: by a function.
    own: Option<bool>,
    indent: Option<Vec<u8>>,
    key_separator: Vec<u8>,
    item_separator: Vec<u8>,
    output: Vec<u8>,
}

impl Encoding {
    fn options(&self) -> &'static Encoder {
        cast::<Encoder>(self.encoder)
    }

    fn value(&mut self, vm: &mut Vm, value: Value, level: usize, outer: Option<&Inside>) -> PyResult<()> {
        if let Some(word) = word(vm, value) {
            self.output.put_all(word);
            return Ok(());
        }
        if vm.is_str(value) {
            return self.string(vm, value);
        }
        if vm.is_int(value) {
            let text = int_text(vm, value)?;
            self.output.put_all(text.as_bytes());
            return Ok(());
        }
        if let Some(x) = vm.as_f64(value) {
            let text = self.float_text(vm, x, value)?;
            self.output.put_all(text.as_bytes());
            return Ok(());
        }
        vm.guarded(" while encoding a JSON object", |vm| {
            if objects::list::is_list(vm, value) || objects::tuple::is_tuple(vm, value) {
                let inside = self.enter(vm, value, outer)?;
                self.sequence(vm, value, level, &inside)
            } else if objects::dict::methods::is_dict(vm, value) {
                let inside = self.enter(vm, value, outer)?;
                self.mapping(vm, value, level, &inside)
            } else {
                let inside = self.enter(vm, value, outer)?;
                let default = self.options().default.get();
                let other = vm.call(default, &[value])?;
                self.value(vm, other, level, Some(&inside)).map_err(|raised| {
                    let kind = vm.type_of(value).name();
                    note(vm, raised, format!("when serializing {kind} object"))
                })
            }
        })
    }

    fn enter<'a>(&self, vm: &mut Vm, container: Value, outer: Option<&'a Inside<'a>>) -> PyResult<Inside<'a>> {
        if self.options().markers.get() != vm.none {
            let mut around = outer;
            while let Some(inside) = around {
                if inside.container == container {
                    return Err(vm.value_error("Circular reference detected"));
                }
                around = inside.outer;
            }
        }
        Ok(Inside { container, outer })
    }

    fn string(&mut self, vm: &mut Vm, text: Value) -> PyResult<()> {
        match self.own {
            Some(ascii) => strings::encode(&mut self.output, vm.str_bytes(text), ascii),
            None => {
                let function = self.options().encoder.get();
                let encoded = vm.call(function, &[text])?;
                if !vm.is_str(encoded) {
                    let kind = vm.type_of(encoded).name();
                    return Err(vm.type_error(format!("encoder() must return a string, not {kind}")));
                }
                self.output.put_all(vm.str_bytes(encoded));
            }
        }
        Ok(())
    }

    fn float_text(&self, vm: &mut Vm, x: f64, value: Value) -> PyResult<String> {
        if x.is_finite() {
            return Ok(objects::float::text::repr_text(x));
        }
        if self.options().allow_nan.get() == 0 {
            let shown = vm.repr_text(value)?;
            return Err(vm.value_error(format!("Out of range float values are not JSON compliant: {shown}")));
        }
        Ok(if x.is_nan() {
            "NaN"
        } else if x > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned())
    }

    /// A new line at that level, if lines are indented.
    fn new_line(&mut self, level: usize) {
        if let Some(indent) = &self.indent {
            self.output.put(b'\n');
            for _ in 0..level {
                self.output.put_all(indent);
            }
        }
    }

    fn sequence(&mut self, vm: &mut Vm, sequence: Value, level: usize, inside: &Inside) -> PyResult<()> {
        let is_list = objects::list::is_list(vm, sequence);
        let item = |i: usize| {
            if is_list {
                objects::list::items(sequence).get(i).copied()
            } else {
                objects::tuple::items(sequence).get(i).copied()
            }
        };
        if item(0).is_none() {
            self.output.put_all(b"[]");
            return Ok(());
        }
        self.output.put(b'[');
        for i in 0.. {
            // Encoding may run code that changes the list.
            let Some(value) = item(i) else { break };
            if i > 0 {
                self.output.put_all(&self.item_separator);
            }
            self.new_line(level + 1);
            self.value(vm, value, level + 1, Some(inside)).map_err(|raised| {
                let kind = vm.type_of(sequence).name();
                note(vm, raised, format!("when serializing {kind} item {i}"))
            })?;
        }
        self.new_line(level);
        self.output.put(b']');
        Ok(())
    }

    fn mapping(&mut self, vm: &mut Vm, mapping: Value, level: usize, inside: &Inside) -> PyResult<()> {
        if vm.len(mapping)? == 0 {
            self.output.put_all(b"{}");
            return Ok(());
        }
        let items = vm.call_method(mapping, "items", &[])?;
        let items = vm.collect_list(items)?;
        if self.options().sort_keys.get() != 0 {
            vm.call_method(items, "sort", &[])?;
        }
        self.output.put(b'{');
        let mut first = true;
        for i in 0..objects::list::items(items).len() {
            let pair = objects::list::items(items)[i];
            if !objects::tuple::is_tuple(vm, pair) || objects::tuple::items(pair).len() != 2 {
                return Err(vm.value_error("items must return 2-tuples"));
            }
            let (key, value) = (objects::tuple::items(pair)[0], objects::tuple::items(pair)[1]);
            let Some(key_text) = self.key(vm, key)? else { continue };
            if !first {
                self.output.put_all(&self.item_separator);
            }
            first = false;
            self.new_line(level + 1);
            self.string(vm, key_text)?;
            self.output.put_all(&self.key_separator);
            self.value(vm, value, level + 1, Some(inside)).map_err(|raised| {
                let kind = vm.type_of(mapping).name();
                let shown = vm.repr_text(key).unwrap_or_default();
                note(vm, raised, format!("when serializing {kind} item {shown}"))
            })?;
        }
        if !first {
            self.new_line(level);
        }
        self.output.put(b'}');
        Ok(())
    }

    /// A key as str; `None` if it is to be skipped.
    fn key(&mut self, vm: &mut Vm, key: Value) -> PyResult<Option<Value>> {
        if vm.is_str(key) {
            return Ok(Some(key));
        }
        if let Some(word) = word(vm, key) {
            return Ok(Some(vm.new_str_bytes(word)));
        }
        let text = if let Some(x) = vm.as_f64(key) {
            self.float_text(vm, x, key)?
        } else if vm.is_int(key) {
            int_text(vm, key)?
        } else if self.options().skip_keys.get() != 0 {
            return Ok(None);
        } else {
            let kind = vm.type_of(key).name();
            return Err(vm.type_error(format!("keys must be str, int, float, bool or None, not {kind}")));
        };
        Ok(Some(vm.new_str(&text)))
    }
}

fn word(vm: &Vm, value: Value) -> Option<&'static [u8]> {
    if value == vm.none {
        Some(b"null")
    } else if value == vm.true_ {
        Some(b"true")
    } else if value == vm.false_ {
        Some(b"false")
    } else {
        None
    }
}

/// As `int.__repr__`, whatever a class derived from int says.
fn int_text(vm: &mut Vm, value: Value) -> PyResult<String> {
    if let Some(small) = vm.as_i64(value) {
        return Ok(small.to_string());
    }
    let class = vm.types.int.value();
    let repr = vm.getattr_str(class, "__repr__")?;
    let text = vm.call(repr, &[value])?;
    Ok(vm.text_of(text))
}

fn note(vm: &mut Vm, raised: objects::error::Raised, text: String) -> objects::error::Raised {
    let text = vm.new_str(&text);
    // An exception that takes no notes goes on without.
    let _ = vm.call_method(raised.0, "add_note", &[text]);
    raised
}
