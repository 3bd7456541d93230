//! Generators and coroutines, the general way.

use crate::callees;
use crate::generator_object;
use objects::builtin_layouts::Function;
use objects::code::Code;
use objects::layout::cast;

callees! {
    /// The generator, coroutine or async generator of a call of `function`; its frame is saved into it next.
    NEW_GENERATOR: fn new_generator(vm, function: Ref) -> Ref, Allocates {
        let object = cast::<Function>(function);
        let code = Code::from_token(object.code.get());
        Ok(generator_object::new(vm, code, object.name.get(), object.qualname.get()))
    }

    /// What a generator's frame raises when it returns `value`; its context is for whoever lets the guest see it.
    GENERATOR_END: fn generator_end(vm, generator: Ref, value: Ref) -> Ref, Allocates {
        generator_object::end_unseen(vm, generator, value)
    }

    /// The exception that `throw` left for the frame it resumes.
    TAKE_THROWN: fn take_thrown(vm) -> Ref, Writes {
        Ok(generator_object::take_thrown(vm))
    }

    GET_YIELD_FROM_ITER: fn get_yield_from_iter(vm, iterable: Ref, in_coroutine: Ref) -> Ref, RunsGuest {
        let in_coroutine = in_coroutine == vm.true_;
        generator_object::yield_from_iter(vm, iterable, in_coroutine)
    }

    GET_AWAITABLE: fn get_awaitable(vm, object: Ref, how: Int) -> Ref, RunsGuest {
        generator_object::awaitable(vm, object, how as u32)
    }

    GET_AITER: fn get_aiter(vm, object: Ref) -> Ref, RunsGuest {
        generator_object::aiter(vm, object)
    }

    GET_ANEXT: fn get_anext(vm, object: Ref) -> Ref, RunsGuest {
        generator_object::anext(vm, object)
    }

    /// `receiver.send(value)`, or `next` if the value is None. At the end, StopIteration is raised.
    SEND: fn send(vm, receiver: Ref, value: Ref) -> Ref, RunsGuest {
        generator_object::send_any(vm, receiver, value)
    }
}
