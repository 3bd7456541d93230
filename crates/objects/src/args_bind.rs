//! Sorting arguments into the parameters of native functions.

use crate::args::{CallArgs, Signature};
use crate::error::PyResult;
use crate::vm::Vm;
use heap::Value;

/// See [`CallArgs::bind`].
pub fn bind<const N: usize>(
    vm: &mut Vm,
    function: &str,
    args: &CallArgs,
    signature: &Signature<N>,
) -> PyResult<[Value; N]> {
    let mut bound = [Value::NULL; N];
    let positional = args.args();
    let positional = &positional[signature.skip.min(positional.len())..];
    let names = args.keyword_names();
    let keyword_values = &args.values[args.args().len()..];
    if positional.len() > signature.max_positional {
        return Err(too_many(vm, function, signature, positional.len(), names.len()));
    }
    bound[..positional.len()].copy_from_slice(positional);
    for (&name, &value) in names.iter().zip(keyword_values) {
        let text = vm.text_of(name);
        let position = signature.parameters.iter().position(|&parameter| parameter == text);
        match position {
            Some(i) if i >= signature.positional_only => {
                if !bound[i].is_null() {
                    return Err(vm.type_error(format!(
                        "argument for {function}() given by name ('{text}') and position ({})",
                        i + 1
                    )));
                }
                bound[i] = value;
            }
            _ => {
                let all_positional_only = signature.positional_only >= N;
                let message = if all_positional_only {
                    format!("{function}() takes no keyword arguments")
                } else {
                    let candidates = &signature.parameters[signature.positional_only..];
                    let hint = crate::suggestions::hint(&text, candidates.iter().copied());
                    format!("{function}() got an unexpected keyword argument '{text}'{hint}")
                };
                return Err(vm.type_error(message));
            }
        }
    }
    for i in 0..signature.required {
        if !bound[i].is_null() {
            continue;
        }
        if i < signature.positional_only {
            let given = positional.len();
            let plural = |n: usize| if n == 1 { "" } else { "s" };
            let bound = if signature.positional_only.min(signature.required) < signature.max_positional {
                "at least"
            } else {
                "exactly"
            };
            let needed = signature.required.min(signature.positional_only);
            return Err(vm.type_error(format!(
                "{function}() takes {bound} {needed} positional argument{} ({given} given)",
                plural(needed)
            )));
        }
        let name = signature.parameters[i];
        return Err(vm.type_error(format!("{function}() missing required argument '{name}' (pos {})", i + 1)));
    }
    Ok(bound)
}

#[cold]
fn too_many<const N: usize>(
    vm: &mut Vm,
    function: &str,
    signature: &Signature<N>,
    positional: usize,
    keywords: usize,
) -> crate::error::Raised {
    let max = signature.max_positional;
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    let message = if max == 0 {
        format!("{function}() takes no positional arguments")
    } else if max < N || keywords > 0 && positional + keywords <= N {
        let bound = if signature.required < max { "at most" } else { "exactly" };
        format!("{function}() takes {bound} {max} positional argument{} ({positional} given)", plural(max))
    } else {
        let given = positional + keywords;
        let bound = if signature.required < N { "at most" } else { "exactly" };
        format!("{function}() takes {bound} {N} argument{} ({given} given)", plural(N))
    };
    vm.type_error(message)
}
