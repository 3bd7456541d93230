//! `code.replace`: a code object like another one but for some fields. Here because a new code must be loaded by the
//! interpreter, which the object model does not know.

use heap::Value;
use objects::args::{CallArgs, MethodDef};
use objects::error::PyResult;
use objects::vm::Vm;
use std::sync::Arc;
use syntax::{Code, CodeFlags};

static REPLACE: MethodDef = MethodDef::method("replace", 1, 1, replace).with_keywords().with_doc(
    "replace($self, /, **changes)\n--\n\nReturn a copy of the code object with new values for the specified fields.",
);
static REPLACE_PROTOCOL: MethodDef = MethodDef::method("__replace__", 1, 1, replace)
    .with_keywords()
    .with_doc("__replace__($self, /, **changes)\n--\n\nThe same as replace().");

/// Gives code objects the method.
pub fn install(vm: &mut Vm) {
    let ty = vm.types.code;
    for def in [&REPLACE, &REPLACE_PROTOCOL] {
        let method = objects::builtin::new_method_descriptor(vm, def, ty);
        vm.dict_set_str(ty.0.dict.get(), def.name, method);
    }
    objects::type_::resolve::changed(vm, ty);
}

fn replace(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let original = objects::code_object::data_of(args.values[0]);
    // A copy by the stored form: codes have no other.
    let mut copy = match syntax::read_code(&syntax::write_code(&original.source)) {
        Ok(copy) => copy,
        Err(_) => return Err(vm.system_error("a code object does not survive being stored")),
    };
    for (name, value) in args.keywords() {
        set(vm, original, &mut copy, name, value)?;
    }
    Ok(interp::load::load(vm, Arc::new(copy)).object.get())
}

fn set(vm: &mut Vm, original: &objects::code::Code, copy: &mut Code, name: Value, value: Value) -> PyResult<()> {
    let field = vm.text_of(name);
    match &*field {
        "co_name" => copy.name = vm.str(value)?.into(),
        "co_qualname" => copy.qualname = vm.str(value)?.into(),
        "co_filename" => copy.filename = vm.str(value)?.into(),
        "co_flags" => copy.flags = CodeFlags(number(vm, value)?),
        "co_firstlineno" => copy.first_line = number(vm, value)?,
        "co_argcount" => copy.arg_count = number(vm, value)?,
        "co_posonlyargcount" => copy.posonly_count = number(vm, value)?,
        "co_kwonlyargcount" => copy.kwonly_count = number(vm, value)?,
        "co_stacksize" => copy.stack_size = number(vm, value)?,
        "co_code" | "co_consts" | "co_names" | "co_varnames" | "co_freevars" | "co_cellvars" | "co_nlocals"
        | "co_linetable" | "co_exceptiontable" => {
            // Instructions are decoded when they are compiled; the same ones may be given again.
            let current = vm.getattr(original.object.get(), name)?;
            if !vm.eq(current, value)? {
                return Err(vm.not_implemented_error(format!("code.replace() cannot change {field}")));
            }
        }
        _ => return Err(vm.type_error(format!("replace() got an unexpected keyword argument '{field}'"))),
    }
    Ok(())
}

fn number(vm: &mut Vm, value: Value) -> PyResult<u32> {
    match u32::try_from(vm.index(value)?) {
        Ok(number) => Ok(number),
        Err(_) => Err(vm.value_error("code: fields must not be negative")),
    }
}
