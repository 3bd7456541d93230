//! Variables, the slow way, and their errors.

use crate::callees;
use objects::builtin_layouts::Function;
use objects::code::Code;
use objects::layout::cast;

callees! {
    LOAD_GLOBAL: fn load_global(vm, globals: Ref, function: Ref, name: Ref) -> Ref, RunsGuest {
        if let Some(value) = vm.namespace_get(globals, name)? {
            return Ok(value);
        }
        let builtins = cast::<Function>(function).builtins.get();
        match vm.namespace_get(builtins, name)? {
            Some(value) => Ok(value),
            None => Err(vm.name_error(name)),
        }
    }

    STORE_GLOBAL: fn store_global(vm, globals: Ref, name: Ref, value: Ref) -> Ref, RunsGuest {
        vm.dict_set(globals, name, value)?;
        Ok(vm.none)
    }

    DELETE_GLOBAL: fn delete_global(vm, globals: Ref, name: Ref) -> Ref, RunsGuest {
        if vm.dict_del(globals, name)? { Ok(vm.none) } else { Err(vm.name_error(name)) }
    }

    /// A local of a class body or of `exec` with its own mapping; NotImplemented if absent.
    LOAD_LOCAL_NAME: fn load_local_name(vm, locals: Ref, name: Ref) -> Ref, RunsGuest {
        Ok(vm.namespace_get(locals, name)?.unwrap_or(vm.not_implemented))
    }

    STORE_LOCAL_NAME: fn store_local_name(vm, locals: Ref, name: Ref, value: Ref) -> Ref, RunsGuest {
        vm.setitem(locals, name, value)?;
        Ok(vm.none)
    }

    DELETE_NAME: fn delete_name(vm, locals: Ref, name: Ref) -> Ref, RunsGuest {
        match vm.delitem(locals, name) {
            Ok(()) => Ok(vm.none),
            Err(raised) if vm.exception_matches(raised.0, vm.exc.key_error) => Err(vm.name_error(name)),
            Err(raised) => Err(raised),
        }
    }

    UNBOUND_LOCAL: fn unbound_local(vm, code: Int, local: Int) -> Ref, RunsGuest {
        let code = Code::from_token(code);
        let name = vm.str(code.local_names[local as usize])?;
        if code.source.local_kinds[local as usize].is_free() {
            let message =
                format!("cannot access free variable '{name}' where it is not associated with a value in enclosing scope");
            Err(vm.name_error_with(vm.exc.name_error, code.local_names[local as usize], message))
        } else {
            let message = format!("cannot access local variable '{name}' where it is not associated with a value");
            Err(vm.raise(vm.exc.unbound_local_error, message))
        }
    }
}
