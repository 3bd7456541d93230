//! Module `_opcode`: what the instructions of CPython 3.14's bytecode are.

use heap::Value;
use objects::args::{CallArgs, MethodDef, Signature};
use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::vm::Vm;
use syntax::{BINARY_OPERATORS, INTRINSICS_1, INTRINSICS_2, SPECIAL_METHODS};

use crate::support::signature;

pub static MODULE: ModuleDef = ModuleDef { name: "_opcode", doc: "Opcode support module.", functions: FUNCTIONS, init };

static FUNCTIONS: &[MethodDef] = &[
    MethodDef::function("stack_effect", 0, 3, stack_effect)
        .with_keywords()
        .with_doc("stack_effect($module, opcode, oparg=None, /, *, jump=None)\n--\n\nCompute the stack effect of the opcode."),
    MethodDef::function("is_valid", 0, 1, |vm, args| has(vm, args, "is_valid", |code| HAS_DEFINITION.contains(code)))
        .with_keywords()
        .with_doc("is_valid($module, /, opcode)\n--\n\nReturn True if opcode is valid, False otherwise."),
    MethodDef::function("has_arg", 0, 1, |vm, args| has(vm, args, "has_arg", |code| HAS_ARG.contains(code)))
        .with_keywords()
        .with_doc("has_arg($module, /, opcode)\n--\n\nReturn True if the opcode uses its oparg, False otherwise."),
    MethodDef::function("has_const", 0, 1, |vm, args| has(vm, args, "has_const", |code| HAS_CONST.contains(code)))
        .with_keywords()
        .with_doc("has_const($module, /, opcode)\n--\n\nReturn True if the opcode accesses a constant, False otherwise."),
    MethodDef::function("has_name", 0, 1, |vm, args| has(vm, args, "has_name", |code| HAS_NAME.contains(code)))
        .with_keywords()
        .with_doc("has_name($module, /, opcode)\n--\n\nReturn True if the opcode accesses an attribute by name, False otherwise."),
    MethodDef::function("has_jump", 0, 1, |vm, args| has(vm, args, "has_jump", |code| HAS_JUMP.contains(code)))
        .with_keywords()
        .with_doc("has_jump($module, /, opcode)\n--\n\nReturn True if the opcode has a jump target, False otherwise."),
    MethodDef::function("has_free", 0, 1, |vm, args| has(vm, args, "has_free", |code| HAS_FREE.contains(code)))
        .with_keywords()
        .with_doc("has_free($module, /, opcode)\n--\n\nReturn True if the opcode accesses a free variable, False otherwise.\n\nNote that 'free' in this context refers to names in the current scope\nthat are referenced by inner scopes or names in outer scopes that are\nreferenced from this scope. It does not include references to global\nor builtin scopes."),
    MethodDef::function("has_local", 0, 1, |vm, args| has(vm, args, "has_local", |code| HAS_LOCAL.contains(code)))
        .with_keywords()
        .with_doc("has_local($module, /, opcode)\n--\n\nReturn True if the opcode accesses a local variable, False otherwise."),
    MethodDef::function("has_exc", 0, 1, |vm, args| has(vm, args, "has_exc", |code| HAS_EXC.contains(code)))
        .with_keywords()
        .with_doc("has_exc($module, /, opcode)\n--\n\nReturn True if the opcode sets an exception handler, False otherwise."),
    MethodDef::function("get_specialization_stats", 0, 0, |vm, _| Ok(vm.none))
    .with_doc("get_specialization_stats($module, /)\n--\n\nReturn the specialization stats"),
    MethodDef::function("get_nb_ops", 0, 0, |vm, _| {
        let list = vm.new_list(&[]);
        for (name, symbol) in BINARY_OPERATORS {
            let pair = [vm.new_str(name), vm.new_str(symbol)];
            let pair = vm.new_tuple(&pair);
            vm.list_append(list, pair);
        }
        Ok(list)
    })
    .with_doc("get_nb_ops($module, /)\n--\n\nReturn array of symbols of binary ops.\n\nIndexed by the BINARY_OP oparg value."),
    MethodDef::function("get_intrinsic1_descs", 0, 0, |vm, _| Ok(strings(vm, &INTRINSICS_1)))
        .with_doc("get_intrinsic1_descs($module, /)\n--\n\nReturn a list of names of the unary intrinsics."),
    MethodDef::function("get_intrinsic2_descs", 0, 0, |vm, _| Ok(strings(vm, &INTRINSICS_2)))
        .with_doc("get_intrinsic2_descs($module, /)\n--\n\nReturn a list of names of the binary intrinsics."),
    MethodDef::function("get_special_method_names", 0, 0, |vm, _| {
        Ok(strings(vm, &SPECIAL_METHODS))
    })
    .with_doc("get_special_method_names($module, /)\n--\n\nReturn a list of special method names."),
    MethodDef::function("get_executor", 0, 2, |vm, args| {
        const PARAMETERS: Signature<2> = signature(["code", "offset"], 2);
        args.bind(vm, "get_executor", &PARAMETERS)?;
        Err(vm.runtime_error("Executors are not available in this build"))
    })
    .with_keywords()
    .with_doc("get_executor($module, /, code, offset)\n--\n\nReturn the executor object at offset in code if exists, None otherwise."),
];

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    for name in ["ENABLE_SPECIALIZATION", "ENABLE_SPECIALIZATION_FT"] {
        let no = vm.false_;
        vm.module_set(module, name, no);
    }
    Ok(())
}

fn strings(vm: &mut Vm, texts: &[&str]) -> Value {
    let list = vm.new_list(&[]);
    for text in texts {
        let text = vm.new_str(text);
        vm.list_append(list, text);
    }
    list
}

fn has(vm: &mut Vm, args: &CallArgs, function: &str, test: fn(&i64) -> bool) -> PyResult {
    let [code] = args.bind(vm, function, &signature(["opcode"], 1))?;
    let code = vm.index(code)?;
    Ok(vm.bool(test(&code)))
}

fn stack_effect(vm: &mut Vm, args: &CallArgs) -> PyResult {
    const PARAMETERS: Signature<3> =
        Signature { positional_only: 2, max_positional: 2, ..signature(["opcode", "oparg", "jump"], 1) };
    let [code, arg, jump] = args.bind(vm, "stack_effect", &PARAMETERS)?;
    let code = vm.index(code)?;
    let arg = if arg.is_null() || arg == vm.none { 0 } else { vm.index(arg)? };
    if !jump.is_null() && ![vm.none, vm.true_, vm.false_].contains(&jump) {
        return Err(vm.value_error("stack_effect: jump must be False, True or None"));
    }
    match u8::try_from(code).ok().and_then(syntax::Op::from_number) {
        Some(op) => Ok(vm.int(op.stack_effect(arg as u32) as i64)),
        None => Err(vm.value_error("invalid opcode or oparg")),
    }
}

const HAS_DEFINITION: &[i64] = &[
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
    31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59,
    60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88,
    89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113,
    114, 115, 116, 117, 118, 119, 120, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143,
    144, 145, 146, 147, 148, 149, 150, 151, 152, 153, 154, 155, 156, 157, 158, 159, 160, 161, 162, 163, 164, 165, 166,
    167, 168, 169, 170, 171, 172, 173, 174, 175, 176, 177, 178, 179, 180, 181, 182, 183, 184, 185, 186, 187, 188, 189,
    190, 191, 192, 193, 194, 195, 196, 197, 198, 199, 200, 201, 202, 203, 204, 205, 206, 207, 208, 209, 210, 211, 234,
    235, 236, 237, 238, 239, 240, 241, 242, 243, 244, 245, 246, 247, 248, 249, 250, 251, 252, 253, 254, 255, 256, 257,
    258, 259, 260, 261, 262, 263, 264, 265, 266,
];
const HAS_ARG: &[i64] = &[
    44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72,
    73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100,
    101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 128, 143, 144,
    145, 146, 147, 148, 149, 150, 151, 152, 153, 155, 156, 157, 158, 159, 160, 161, 162, 163, 164, 165, 166, 167, 168,
    169, 170, 171, 172, 173, 174, 175, 176, 177, 178, 179, 180, 181, 182, 183, 184, 185, 186, 187, 188, 189, 190, 191,
    192, 193, 194, 195, 197, 200, 209, 210, 211, 237, 239, 241, 242, 243, 244, 245, 247, 248, 249, 250, 251, 253, 255,
    257, 258, 259, 260, 261, 263, 264, 265, 266,
];
const HAS_CONST: &[i64] = &[82, 190, 191];
const HAS_NAME: &[i64] = &[61, 64, 65, 72, 73, 80, 91, 92, 93, 96, 110, 115, 116, 179, 189, 194, 195, 200, 249];
const HAS_JUMP: &[i64] =
    &[68, 70, 75, 76, 77, 100, 101, 102, 103, 106, 172, 173, 174, 175, 176, 237, 248, 257, 258, 259, 260];
const HAS_FREE: &[i64] = &[62, 90, 97, 111];
const HAS_LOCAL: &[i64] = &[3, 63, 83, 84, 85, 86, 87, 88, 89, 112, 113, 114, 261, 266];
const HAS_EXC: &[i64] = &[263, 264, 265];
