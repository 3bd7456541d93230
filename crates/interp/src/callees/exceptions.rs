//! Exceptions: making, matching, tracebacks.

use crate::callees;
use crate::callees::slice_callees;
use crate::frame_object;
use heap::Value;
use objects::builtin_layouts::Exception;
use objects::layout::cast;

callees! {
    /// `raise exception from cause`: the instance to raise; NULL for no cause.
    MAKE_RAISED: fn make_raised(vm, exception: Ref, cause: Ref, handled: Ref) -> Ref, RunsGuest {
        crate::raising::make(vm, exception, cause, handled)
    }

    /// A bare `raise`.
    RERAISE_HANDLED: fn reraise_handled(vm, handled: Ref) -> Ref, RunsGuest {
        let exception = crate::raising::handled_exception(vm, handled);
        if exception.is_null() {
            return Err(vm.raise(vm.exc.runtime_error, "No active exception to reraise"));
        }
        Ok(exception)
    }

    /// The last instruction that the frame of this frame object has run.
    STOOD_AT: fn stood_at(vm, frame: Ref, instruction: Int) -> Ref, Writes {
        frame_object::set_instruction(frame, instruction);
        Ok(vm.none)
    }

    /// Puts the frame in front of the traceback; gives the frame object, made if need be.
    ADD_TRACEBACK: fn add_traceback(vm, exception: Ref, frame: Ref, function: Ref, pc: Int) -> Ref, RunsGuest {
        Ok(frame_object::add_traceback(vm, exception, frame, function, pc))
    }

    /// Raises an exception that a callee raised which does not see the frames: its context becomes the exception being handled.
    RAISE_ANEW: fn raise_anew(vm, exception: Ref) -> Ref, RunsGuest {
        cast::<Exception>(exception).context.set(Value::NULL);
        Err(vm.raise_instance(exception))
    }

    /// CHECK_EXC_MATCH: whether the exception is an instance of the class or of one of the tuple.
    EXCEPTION_MATCHES: fn exception_matches(vm, exception: Ref, class: Ref) -> Truth, RunsGuest {
        crate::raising::matches(vm, exception, class)
    }

    /// CHECK_EG_MATCH: a tuple of the rest and the match (None for an empty one).
    GROUP_MATCHES: fn group_matches(vm, exception: Ref, class: Ref) -> Ref, RunsGuest {
        crate::raising::group_matches(vm, exception, class)
    }

    CALL_EXIT: fn call_exit(vm, exit: Ref, receiver: Ref, exception: Ref) -> Ref, RunsGuest {
        let class = vm.type_of(exception).value();
        let traceback = cast::<Exception>(exception).traceback.get();
        let traceback = if traceback.is_null() { vm.none } else { traceback };
        if receiver.is_null() {
            vm.call(exit, &[class, exception, traceback])
        } else {
            vm.call(exit, &[receiver, class, exception, traceback])
        }
    }

    /// CLEANUP_THROW: the value of a StopIteration; others are raised again.
    CLEANUP_THROW: fn cleanup_throw(vm, exception: Ref) -> Bare, Reads {
        if vm.exception_matches(exception, vm.exc.stop_iteration) {
            Ok(objects::exceptions::stop_iteration_value(vm, exception))
        } else {
            Err(objects::error::Raised(exception))
        }
    }

    /// END_ASYNC_FOR: whether the exception ends the loop.
    IS_STOP_ASYNC: fn is_stop_async(vm, exception: Ref) -> Truth, Reads {
        Ok(vm.exception_matches(exception, vm.exc.stop_async_iteration))
    }

    /// Signals and whatever else asked for attention.
    POLL: fn poll(vm) -> Ref, RunsGuest {
        crate::boot::recover(vm);
        crate::poll::attend(vm)?;
        Ok(vm.none)
    }

    /// The same where a frame begins or goes on, which a debugger or profiler wants to know.
    POLL_AT_RESUME: fn poll_at_resume(vm) -> Ref, RunsGuest {
        crate::boot::recover(vm);
        crate::poll::attend(vm)?;
        crate::observe::entered(vm)?;
        Ok(vm.none)
    }

    /// For debuggers and profilers: the current frame raised `exception`, or a callee did and it arrives here. All
    /// give the exception to go on with.
    RAISED: fn raised(vm, exception: Ref) -> Ref, RunsGuest {
        crate::observe::raised(vm, exception)
    }

    /// Likewise: `exception` is about to leave the current frame.
    FRAME_UNWINDS: fn frame_unwinds(vm, exception: Ref) -> Ref, RunsGuest {
        crate::observe::unwinds(vm, exception)
    }

    /// Likewise: a StopIteration ended an iteration of the current frame.
    ITERATION_ENDS: fn iteration_ends(vm, exception: Ref) -> Ref, RunsGuest {
        crate::observe::iteration_ends(vm, exception)
    }

    /// Likewise, in a delegation to `receiver`.
    DELEGATION_ENDS: fn delegation_ends(vm, receiver: Ref, exception: Ref) -> Ref, RunsGuest {
        crate::observe::delegation_ends(vm, receiver, exception)
    }

    /// Likewise: the current frame, a generator's, goes on with `exception` thrown into it.
    THROWN_INTO: fn thrown_into(vm, exception: Ref) -> Ref, RunsGuest {
        crate::observe::thrown_into(vm, exception)
    }
}

slice_callees! {
    /// The frame object takes over the slots of a frame that ends.
    LEAVE_FRAME: fn leave_frame(vm, frame, values) -> Ref, Writes {
        frame_object::keep(vm, frame, values);
        Ok(vm.none)
    }
}
