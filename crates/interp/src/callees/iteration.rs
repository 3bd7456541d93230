//! Iteration, the general way.

use crate::callees;
use objects::builtin_layouts::Exception;
use objects::layout::cast;

callees! {
    GET_ITER: fn get_iter(vm, iterable: Ref) -> Ref, RunsGuest {
        vm.iter(iterable)
    }

    /// NULL without a pending exception: exhausted.
    NEXT: fn next(vm, iterator: Ref) -> Ref, RunsGuest {
        if vm.thread.observed {
            return crate::observe::next(vm, iterator);
        }
        Ok(vm.next(iterator)?.unwrap_or(heap::Value::NULL))
    }

    /// The same of an iterator that runs no Python code.
    NEXT_LEAF: fn next_leaf(vm, iterator: Ref) -> Bare, Writes {
        if vm.thread.observed {
            return crate::observe::next(vm, iterator);
        }
        Ok(vm.next(iterator)?.unwrap_or(heap::Value::NULL))
    }

    /// `iter` of a built-in collection.
    GET_ITER_READS: fn get_iter_reads(vm, iterable: Ref) -> Try, Reads {
        vm.iter(iterable)
    }

    UNPACK: fn unpack(vm, sequence: Ref, count: Int) -> Ref, RunsGuest {
        crate::unpack::exactly(vm, sequence, count as usize)
    }

    UNPACK_EXTENDED: fn unpack_extended(vm, sequence: Ref, shape: Int) -> Ref, RunsGuest {
        crate::unpack::extended(vm, sequence, (shape & 0xff) as usize, (shape >> 8) as usize)
    }

    /// The value of a StopIteration.
    STOP_VALUE: fn stop_value(vm, exception: Ref) -> Ref, Reads {
        let extra = cast::<Exception>(exception).extra.get();
        Ok(if extra.is_null() { vm.none } else { objects::exceptions::stop_iteration_value(vm, exception) })
    }
}
