//! Module `_struct`: values as the bytes of C structs.

mod codec;
mod format;
mod plan;

use crate::support::{self, signature};
use crate::vm_ext::VmExt;
use format::Program;
use heap::Value;
use objects::args::{GetSetDef, Intrinsic, MANY, MethodDef, Signature};
use objects::error::{PyResult, Raised};
use objects::layout;
use objects::layout::cast;
use objects::module::ModuleDef;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::struct_plan::Struct;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;
use std::collections::HashMap;
use std::rc::Rc;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_struct",
    doc: "Functions to convert between Python values and C structs.\nPython bytes objects are used to hold the data representing the C struct\nand also as format strings (explained below) to describe the layout of data\nin the C struct.",
    functions: FUNCTIONS,
    init,
};

layout! {
    UnpackIterator {
        /// A str.
        format FORMAT: Value;
        /// NULL at the end.
        buffer BUFFER: Value;
        offset OFFSET: i64;
    }
}

#[derive(Default)]
struct State {
    error: Option<TypeRef>,
    iterator: Option<TypeRef>,
    class: Option<TypeRef>,
    /// Compiled formats; emptied when there are many.
    programs: HashMap<Vec<u8>, Rc<Program>>,
}

/// How many compiled formats are kept.
const MAX_PROGRAMS: usize = 100;

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("_clearcache", 0, 0, |vm, _| {
        vm.extension::<State>().programs.clear();
        Ok(vm.none)
    })
    .leaf()
    .with_doc("_clearcache($module, /)\n--\n\nClear the internal cache."),
    MethodDef::function("calcsize", 1, 1, |vm, args| {
        let (_, program) = compiled(vm, args.values[0])?;
        Ok(vm.int(program.size as i64))
    })
    .leaf()
    .with_doc("calcsize($module, format, /)\n--\n\nReturn size in bytes of the struct described by the format string."),
    MethodDef::function("iter_unpack", 2, 2, |vm, args| {
        let (format, program) = compiled(vm, args.values[0])?;
        iter_unpack(vm, format, &program, args.values[1])
    })
    .with_doc("iter_unpack($module, format, buffer, /)\n--\n\nReturn an iterator yielding tuples unpacked from the given bytes.\n\nThe bytes are unpacked according to the format string, like\na repeated invocation of unpack_from().\n\nRequires that the bytes length be a multiple of the format struct size."),
    MethodDef::function("pack", 0, MANY, |vm, args| match args.values {
        [] => Err(vm.type_error("missing format argument")),
        [format, values @ ..] => {
            let (_, program) = compiled(vm, *format)?;
            pack(vm, &program, values)
        }
    })
    .with_doc("pack(format, v1, v2, ...) -> bytes\n\nReturn a bytes object containing the values v1, v2, ... packed according\nto the format string.  See help(struct) for more on format strings."),
    MethodDef::function("pack_into", 0, MANY, |vm, args| match args.values {
        [] => Err(vm.type_error("missing format argument")),
        [format, rest @ ..] => {
            let (_, program) = compiled(vm, *format)?;
            pack_into(vm, &program, rest)
        }
    })
    .with_intrinsic(Intrinsic::Struct(&plan::PACK_INTO))
    .with_doc("pack_into(format, buffer, offset, v1, v2, ...)\n\nPack the values v1, v2, ... according to the format string and write\nthe packed bytes into the writable buffer buf starting at offset.  Note\nthat the offset is a required argument.  A negative offset counts from\nthe end of the buffer.  See help(struct) for more on format strings."),
    MethodDef::function("unpack", 2, 2, |vm, args| {
        let (_, program) = compiled(vm, args.values[0])?;
        unpack(vm, &program, args.values[1])
    })
    .with_intrinsic(Intrinsic::Struct(&plan::UNPACK))
    .with_doc("unpack($module, format, buffer, /)\n--\n\nReturn a tuple containing values unpacked according to the format string.\n\nThe buffer's size in bytes must be calcsize(format).\n\nSee help(struct) for more on format strings."),
    MethodDef::function("unpack_from", 0, MANY, |vm, args| {
        const PARAMETERS: Signature<3> =
            Signature { positional_only: 1, ..signature(["format", "buffer", "offset"], 2) };
        let [format, buffer, offset] = args.bind(vm, "unpack_from", &PARAMETERS)?;
        let (_, program) = compiled(vm, format)?;
        unpack_from(vm, &program, buffer, offset)
    })
    .with_keywords()
    .with_intrinsic(Intrinsic::Struct(&plan::UNPACK_FROM))
    .with_doc("unpack_from($module, format, /, buffer, offset=0)\n--\n\nReturn a tuple containing values unpacked according to the format string.\n\nThe buffer's size, minus offset, must be at least calcsize(format).\nA negative offset counts from the end of the buffer.\n\nSee help(struct) for more on format strings."),
];

static METHODS: &[MethodDef] = &[
    MethodDef::method("iter_unpack", 2, 2, |vm, args| {
        let program = program_of(vm, args.values[0])?;
        iter_unpack(vm, cast::<Struct>(args.values[0]).format.get(), &program, args.values[1])
    })
    .with_doc("iter_unpack($self, buffer, /)\n--\n\nReturn an iterator yielding tuples.\n\nTuples are unpacked from the given bytes source, like a repeated\ninvocation of unpack_from().\n\nRequires that the bytes length be a multiple of the struct size."),
    MethodDef::method("pack", 1, MANY, |vm, args| {
        let program = program_of(vm, args.values[0])?;
        pack(vm, &program, &args.values[1..])
    })
    .with_doc("S.pack(v1, v2, ...) -> bytes\n\nReturn a bytes object containing values v1, v2, ... packed according\nto the format string S.format.  See help(struct) for more on format\nstrings."),
    MethodDef::method("pack_into", 1, MANY, |vm, args| {
        let program = program_of(vm, args.values[0])?;
        pack_into(vm, &program, &args.values[1..])
    })
    .with_intrinsic(Intrinsic::Struct(&plan::STRUCT_PACK_INTO))
    .with_doc("S.pack_into(buffer, offset, v1, v2, ...)\n\nPack the values v1, v2, ... according to the format string S.format\nand write the packed bytes into the writable buffer buf starting at\noffset.  Note that the offset is a required argument.  See\nhelp(struct) for more on format strings."),
    MethodDef::method("unpack", 2, 2, |vm, args| {
        let program = program_of(vm, args.values[0])?;
        unpack(vm, &program, args.values[1])
    })
    .with_intrinsic(Intrinsic::Struct(&plan::STRUCT_UNPACK))
    .with_doc("unpack($self, buffer, /)\n--\n\nReturn a tuple containing unpacked values.\n\nUnpack according to the format string Struct.format. The buffer's size\nin bytes must be Struct.size.\n\nSee help(struct) for more on format strings."),
    MethodDef::method("unpack_from", 1, MANY, |vm, args| {
        const PARAMETERS: Signature<2> = Signature { skip: 1, ..signature(["buffer", "offset"], 1) };
        let program = program_of(vm, args.values[0])?;
        let [buffer, offset] = args.bind(vm, "unpack_from", &PARAMETERS)?;
        unpack_from(vm, &program, buffer, offset)
    })
    .with_keywords()
    .with_intrinsic(Intrinsic::Struct(&plan::STRUCT_UNPACK_FROM))
    .with_doc("unpack_from($self, /, buffer, offset=0)\n--\n\nReturn a tuple containing unpacked values.\n\nValues are unpacked according to the format string Struct.format.\n\nThe buffer's size in bytes, starting at position offset, must be\nat least Struct.size.\n\nSee help(struct) for more on format strings."),
    MethodDef::method("__sizeof__", 1, 1, |vm, args| {
        let program = program_of(vm, args.values[0])?;
        Ok(vm.int(40 + 40 * (program.fields.len() as i64 + 1)))
    })
    .with_doc("S.__sizeof__() -> size of S in memory, in bytes"),
];

static GETSET: &[GetSetDef] = &[
    GetSetDef {
        name: "format",
        get: |vm, object| {
            program_of(vm, object)?;
            Ok(cast::<Struct>(object).format.get())
        },
        set: None,
        doc: "struct format string",
    },
    GetSetDef {
        name: "size",
        get: |vm, object| {
            let program = program_of(vm, object)?;
            Ok(vm.int(program.size as i64))
        },
        set: None,
        doc: "struct size in bytes",
    },
];

static ITERATOR_METHODS: &[MethodDef] = &[MethodDef::method("__length_hint__", 1, 1, |vm, args| {
    let iterator = cast::<UnpackIterator>(args.values[0]);
    if iterator.buffer.get().is_null() {
        return Ok(vm.int(0));
    }
    let (_, program) = compiled(vm, iterator.format.get())?;
    let left = vm.bytes_like(iterator.buffer.get())?.len() as i64 - iterator.offset.get();
    Ok(vm.int(left / program.size as i64))
})];

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let error = support::new_exception(vm, "struct", "error", vm.exc.exception)?;
    vm.module_set(module, "error", error.value());
    let class = support::add_type(
        vm,
        module,
        TypeSpec {
            module: "_struct",
            flags: flags::BASETYPE | flags::HAS_WEAKREF,
            slots: Slots {
                new: Some(|vm, ty, _| Ok(vm.new_instance(ty))),
                init: Some(|vm, object, args| {
                    let [format] = args.bind(vm, "Struct", &signature(["format"], 1))?;
                    let (format, _) = compiled(vm, format)?;
                    vm.write(object, &cast::<Struct>(object).format, format);
                    Ok(())
                }),
                repr: Some(|vm, object| {
                    program_of(vm, object)?;
                    let format = vm.repr_text(cast::<Struct>(object).format.get())?;
                    let text = format!("{}({format})", vm.type_name(object));
                    Ok(vm.new_str(&text))
                }),
                ..Slots::default()
            },
            methods: METHODS,
            getset: GETSET,
            doc: "Struct(fmt) --> compiled struct object\n\n",
            ..TypeSpec::of::<Struct>("Struct", Kind::Struct)
        },
    );
    let object = vm.types.object;
    let iterator = vm.new_builtin_type(
        TypeSpec {
            module: "_struct",
            flags: flags::NO_NEW,
            slots: Slots { iter: Some(|_, iterator| Ok(iterator)), next: Some(next), ..Slots::default() },
            methods: ITERATOR_METHODS,
            ..TypeSpec::of::<UnpackIterator>("unpack_iterator", Kind::Other)
        },
        object,
    );
    let state = vm.extension::<State>();
    (state.error, state.iterator, state.class) = (Some(error), Some(iterator), Some(class));
    Ok(())
}

fn error(vm: &mut Vm, message: impl Into<String>) -> Raised {
    let error = vm.extension::<State>().error.expect("made with the module");
    vm.raise(error, message)
}

/// A format, a str or bytes, as an ASCII str and compiled. `Struct` objects go where formats do.
fn compiled(vm: &mut Vm, format: Value) -> PyResult<(Value, Rc<Program>)> {
    let class = vm.extension::<State>().class;
    if class.is_some_and(|class| vm.type_of(format).is_subtype(class)) {
        let program = program_of(vm, format)?;
        return Ok((cast::<Struct>(format).format.get(), program));
    }
    let text = if vm.is_str(format) {
        if !objects::str::is_ascii(vm.exact_str(format)) {
            let ascii = vm.intern("ascii");
            let encoded = vm.call_method(format, "encode", &[ascii])?;
            vm.bytes(encoded)
        } else {
            vm.str_bytes(format)
        }
    } else if vm.is_bytes(format) {
        vm.bytes(format)
    } else {
        let given = vm.type_name(format);
        return Err(vm.type_error(format!("Struct() argument 1 must be a str or bytes object, not {given}")));
    };
    let program = match vm.extension::<State>().programs.get(text) {
        Some(program) => program.clone(),
        None => {
            let program = match format::compile(text) {
                Ok(program) => Rc::new(program),
                Err(message) => return Err(error(vm, message)),
            };
            let programs = &mut vm.extension::<State>().programs;
            if programs.len() >= MAX_PROGRAMS {
                programs.clear();
            }
            programs.insert(heap::copied(text), program.clone());
            program
        }
    };
    let format = if vm.is_str(format) { vm.exact_str(format) } else { vm.new_str_bytes(text) };
    Ok((format, program))
}

fn program_of(vm: &mut Vm, object: Value) -> PyResult<Rc<Program>> {
    let format = cast::<Struct>(object).format.get();
    if format.is_null() {
        return Err(vm.runtime_error("Struct object is not initialized"));
    }
    Ok(compiled(vm, format)?.1)
}

fn pack(vm: &mut Vm, program: &Program, values: &[Value]) -> PyResult {
    check_count(vm, program, "pack", values)?;
    let mut bytes = heap::zeros(program.size);
    codec::pack(vm, program, values, &mut bytes)?;
    Ok(vm.new_bytes(&bytes))
}

fn check_count(vm: &mut Vm, program: &Program, function: &str, values: &[Value]) -> PyResult<()> {
    if values.len() != program.values {
        let message = format!("{function} expected {} items for packing (got {})", program.values, values.len());
        return Err(error(vm, message));
    }
    Ok(())
}

fn pack_into(vm: &mut Vm, program: &Program, args: &[Value]) -> PyResult {
    let [buffer, offset, values @ ..] = args else {
        let missing = if args.is_empty() { "buffer" } else { "offset" };
        return Err(error(vm, format!("pack_into expected {missing} argument")));
    };
    check_count(vm, program, "pack_into", values)?;
    let writable = match vm.type_of(*buffer).slots().buffer {
        Some(view) => !view(vm, *buffer)?.read_only,
        None => false,
    };
    if !writable {
        let given = vm.type_name(*buffer);
        return Err(vm.type_error(format!("argument must be read-write bytes-like object, not {given}")));
    }
    let offset = vm.index(*offset)?;
    let (size, len) = (program.size as i64, vm.writable_buffer(*buffer)?.bytes as i64);
    let start = if offset < 0 { offset + len } else { offset };
    if offset < 0 && offset + size > 0 {
        return Err(error(vm, format!("no space to pack {size} bytes at offset {offset}")));
    }
    if start < 0 {
        return Err(error(vm, format!("offset {offset} out of range for {len}-byte buffer")));
    }
    if len - start < size {
        let needed = start as i128 + size as i128;
        return Err(error(
            vm,
            format!(
                "pack_into requires a buffer of at least {needed} bytes for packing {size} bytes at offset {start} (actual buffer size is {len})"
            ),
        ));
    }
    let mut bytes = heap::zeros(program.size);
    codec::pack(vm, program, values, &mut bytes)?;
    // Packing may have run Python code, which may have moved or shrunk the memory.
    let view = vm.writable_buffer(*buffer)?;
    if (view.bytes as i64) < start + size {
        return Err(vm.buffer_error("the underlying buffer was resized"));
    }
    // SAFETY: the range lies within the exporter's memory as it is now.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), view.address.add(start as usize), bytes.len()) };
    Ok(vm.none)
}

fn unpack(vm: &mut Vm, program: &Program, buffer: Value) -> PyResult {
    let bytes = vm.bytes_like(buffer)?;
    if bytes.len() != program.size {
        return Err(error(vm, format!("unpack requires a buffer of {} bytes", program.size)));
    }
    codec::unpack(vm, program, bytes)
}

fn unpack_from(vm: &mut Vm, program: &Program, buffer: Value, offset: Value) -> PyResult {
    let offset = if offset.is_null() { 0 } else { vm.index(offset)? };
    let bytes = vm.bytes_like(buffer)?;
    let (size, len) = (program.size as i64, bytes.len() as i64);
    let start = if offset < 0 { offset + len } else { offset };
    if offset < 0 && offset + size > 0 {
        return Err(error(vm, format!("not enough data to unpack {size} bytes at offset {offset}")));
    }
    if start < 0 {
        return Err(error(vm, format!("offset {offset} out of range for {len}-byte buffer")));
    }
    if len - start < size {
        let needed = start.saturating_add(size);
        return Err(error(
            vm,
            format!(
                "unpack_from requires a buffer of at least {needed} bytes for unpacking {size} bytes at offset {start} (actual buffer size is {len})"
            ),
        ));
    }
    codec::unpack(vm, program, &bytes[start as usize..(start + size) as usize])
}

fn iter_unpack(vm: &mut Vm, format: Value, program: &Program, buffer: Value) -> PyResult {
    if program.size == 0 {
        return Err(error(vm, "cannot iteratively unpack with a struct of length 0"));
    }
    if vm.bytes_like(buffer)?.len() % program.size != 0 {
        let message = format!("iterative unpacking requires a buffer of a multiple of {} bytes", program.size);
        return Err(error(vm, message));
    }
    let ty = vm.extension::<State>().iterator.expect("made with the module");
    let iterator = vm.new_instance(ty);
    cast::<UnpackIterator>(iterator).format.set(format);
    cast::<UnpackIterator>(iterator).buffer.set(buffer);
    Ok(iterator)
}

fn next(vm: &mut Vm, iterator: Value) -> PyResult<Option<Value>> {
    let object = cast::<UnpackIterator>(iterator);
    if object.buffer.get().is_null() {
        return Ok(None);
    }
    let (_, program) = compiled(vm, object.format.get())?;
    let bytes = vm.bytes_like(object.buffer.get())?;
    let start = object.offset.get() as usize;
    if bytes.len() < start + program.size {
        object.buffer.set(Value::NULL);
        return Ok(None);
    }
    object.offset.set((start + program.size) as i64);
    codec::unpack(vm, &program, &bytes[start..start + program.size]).map(Some)
}
