//! Module `_suggestions`: "Did you mean" for the `traceback` module.

use objects::args::{CallArgs, MethodDef};
use objects::error::PyResult;
use objects::module::ModuleDef;
use objects::ty::flags;
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef { name: "_suggestions", doc: "", functions: FUNCTIONS, init: |_, _| Ok(()) };

static FUNCTIONS: &[MethodDef] = &[MethodDef::function("_generate_suggestions", 2, 2, generate).with_doc(
    "_generate_suggestions($module, candidates, item, /)\n--\n\nReturns the candidate in candidates that's closest to item",
)];

fn generate(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let (candidates, item) = (args.values[0], args.values[1]);
    if !vm.type_of(candidates).has(flags::LIST) {
        return Err(vm.type_error("candidates must be a list"));
    }
    let items = objects::list::items(candidates);
    if !items.iter().all(|&candidate| vm.is_str(candidate)) {
        return Err(vm.type_error("all elements in 'candidates' must be strings"));
    }
    let names: Vec<String> = items.iter().map(|&candidate| vm.text_of(candidate)).collect();
    let name = vm.str(item)?.to_owned();
    Ok(match objects::suggestions::nearest(&name, names.iter().map(String::as_str)) {
        Some(near) => vm.new_str(&near),
        None => vm.none,
    })
}
