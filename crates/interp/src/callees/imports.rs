//! Imports, classes and the compiler's intrinsics.

use crate::callees;
use objects::builtin_layouts::Function;
use objects::layout::cast;

callees! {
    IMPORT_NAME: fn import_name(vm, name: Ref, globals: Ref, function: Ref, from_list: Ref, level: Ref) -> Ref, RunsGuest {
        crate::import::import_name(vm, name, globals, function, from_list, level)
    }

    IMPORT_FROM: fn import_from(vm, module: Ref, name: Ref) -> Ref, RunsGuest {
        crate::import::import_from(vm, module, name)
    }

    LOAD_BUILD_CLASS: fn load_build_class(vm, function: Ref) -> Ref, RunsGuest {
        let builtins = cast::<Function>(function).builtins.get();
        let name = vm.intern("__build_class__");
        match vm.namespace_get(builtins, name)? {
            Some(value) => Ok(value),
            None => Err(vm.raise(vm.exc.name_error, "__build_class__ not found")),
        }
    }

    SETUP_ANNOTATIONS: fn setup_annotations(vm, locals: Ref) -> Ref, RunsGuest {
        let name = vm.intern("__annotations__");
        if vm.namespace_get(locals, name)?.is_none() {
            let dict = vm.new_dict();
            vm.setitem(locals, name, dict)?;
        }
        Ok(vm.none)
    }

    INTRINSIC_1: fn intrinsic_1(vm, which: Int, value: Ref, locals: Ref) -> Ref, RunsGuest {
        crate::intrinsics::unary(vm, which as u32, value, locals)
    }

    INTRINSIC_2: fn intrinsic_2(vm, which: Int, a: Ref, b: Ref) -> Ref, RunsGuest {
        crate::intrinsics::binary(vm, which as u32, a, b)
    }

    INIT_RETURNED: fn init_returned(vm, value: Ref) -> Ref, RunsGuest {
        let message = format!("__init__() should return None, not '{}'", vm.type_of(value).name());
        Err(vm.type_error(message))
    }
}
