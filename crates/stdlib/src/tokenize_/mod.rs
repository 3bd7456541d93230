//! Module `_tokenize`: the tokenizer behind module `tokenize`, in Python. The compiler has its own.

use heap::Value;
use interp::{execute, load};
use objects::error::PyResult;
use objects::module::{ModuleDef, dict_of};
use objects::vm::Vm;

pub static MODULE: ModuleDef = ModuleDef { name: "_tokenize", doc: "", functions: &[], init };

fn init(vm: &mut Vm, module: Value) -> PyResult<()> {
    let code = load::compile(vm, include_str!("tokenizer.py"), "<frozen _tokenize>", syntax::Mode::Exec)?;
    execute::run_module_code(vm, code, dict_of(module))?;
    Ok(())
}
