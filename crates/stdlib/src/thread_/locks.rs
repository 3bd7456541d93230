//! `lock` and `RLock`.

use crate::support::{self, signature};
use crate::time::clocks;
use heap::Value;
use objects::args::{CallArgs, MethodDef, Signature};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::shape::Kind;
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::vm::Vm;

layout! {
    Lock {
        locked LOCKED: i64;
    }

    RLock {
        /// 0: unlocked.
        count COUNT: i64;
    }
}

#[derive(Default)]
struct State {
    lock: Option<TypeRef>,
}

pub(super) fn add_types(vm: &mut Vm, module: Value) {
    let lock = support::add_type(
        vm,
        module,
        TypeSpec {
            module: "_thread",
            flags: flags::HAS_WEAKREF,
            slots: Slots {
                new: Some(|vm, ty, args| {
                    support::positional(vm, ty, "lock", args, 0, 0)?;
                    Ok(vm.new_instance(ty))
                }),
                repr: Some(|vm, lock| {
                    let state = if cast::<Lock>(lock).locked.get() != 0 { "locked" } else { "unlocked" };
                    let address = vm.address(lock);
                    Ok(vm.new_str(&format!("<{state} _thread.lock object at {address:#x}>")))
                }),
                ..Slots::default()
            },
            methods: LOCK_METHODS,
            doc: "A lock object is a synchronization primitive.  To create a lock,\ncall threading.Lock().",
            ..TypeSpec::of::<Lock>("lock", Kind::Other)
        },
    );
    vm.module_set(module, "LockType", lock.value());
    vm.extension::<State>().lock = Some(lock);
    support::add_type(
        vm,
        module,
        TypeSpec {
            module: "_thread",
            flags: flags::BASETYPE | flags::HAS_WEAKREF,
            slots: Slots {
                new: Some(|vm, ty, _| Ok(vm.new_instance(ty))),
                init: Some(|_, _, _| Ok(())),
                repr: Some(|vm, lock| {
                    let count = cast::<RLock>(lock).count.get();
                    let (state, owner) = if count > 0 { ("locked", super::thread_ident()) } else { ("unlocked", 0) };
                    let ty = vm.type_of(lock);
                    let name = vm.full_name(ty);
                    let address = vm.address(lock);
                    let text = format!("<{state} {name} object owner={owner} count={count} at {address:#x}>");
                    Ok(vm.new_str(&text))
                }),
                ..Slots::default()
            },
            methods: RLOCK_METHODS,
            ..TypeSpec::of::<RLock>("RLock", Kind::Other)
        },
    );
}

pub(super) fn new_lock(vm: &mut Vm) -> Value {
    let ty = vm.extension::<State>().lock.expect("made with the module");
    vm.new_instance(ty)
}

static LOCK_METHODS: &[MethodDef] = &[
    MethodDef::method("acquire", 1, 3, acquire).with_keywords(),
    MethodDef::method("acquire_lock", 1, 3, acquire).with_keywords(),
    MethodDef::method("release", 1, 1, release),
    MethodDef::method("release_lock", 1, 1, release),
    MethodDef::method("locked", 1, 1, locked).leaf(),
    MethodDef::method("locked_lock", 1, 1, locked).leaf(),
    MethodDef::method("__enter__", 1, 1, acquire),
    MethodDef::method("__exit__", 4, 4, release),
    MethodDef::method("_at_fork_reinit", 1, 1, |vm, args| {
        cast::<Lock>(args.values[0]).locked.set(0);
        Ok(vm.none)
    }),
];

static RLOCK_METHODS: &[MethodDef] = &[
    MethodDef::method("acquire", 1, 3, acquire_again).with_keywords(),
    MethodDef::method("release", 1, 1, release_once),
    MethodDef::method("locked", 1, 1, |vm, args| Ok(vm.bool(cast::<RLock>(args.values[0]).count.get() > 0))).leaf(),
    MethodDef::method("__enter__", 1, 1, acquire_again),
    MethodDef::method("__exit__", 4, 4, release_once),
    MethodDef::method("_is_owned", 1, 1, |vm, args| Ok(vm.bool(cast::<RLock>(args.values[0]).count.get() > 0))),
    MethodDef::method("_recursion_count", 1, 1, |vm, args| {
        let count = cast::<RLock>(args.values[0]).count.get();
        Ok(vm.int(count))
    }),
    MethodDef::method("_release_save", 1, 1, |vm, args| {
        let lock = cast::<RLock>(args.values[0]);
        if lock.count.get() == 0 {
            return Err(vm.runtime_error("cannot release un-acquired lock"));
        }
        let (count, owner) = (vm.int(lock.count.get()), vm.int(super::thread_ident()));
        lock.count.set(0);
        Ok(vm.new_tuple(&[count, owner]))
    }),
    MethodDef::method("_acquire_restore", 2, 2, |vm, args| {
        let count = vm.getitem(args.values[1], Value::from_int(0))?;
        let count = vm.index(count)?;
        cast::<RLock>(args.values[0]).count.set(count);
        Ok(vm.none)
    }),
    MethodDef::method("_at_fork_reinit", 1, 1, |vm, args| {
        cast::<RLock>(args.values[0]).count.set(0);
        Ok(vm.none)
    }),
];

/// How long to wait, in nanoseconds: `None` without end.
fn patience(vm: &mut Vm, args: &CallArgs) -> PyResult<Option<i64>> {
    let signature = Signature { skip: 1, ..signature(["blocking", "timeout"], 0) };
    let [blocking, timeout] = args.bind(vm, "acquire", &signature)?;
    let blocking = blocking.is_null() || vm.truth(blocking)?;
    let timeout = if timeout.is_null() { None } else { Some(clocks::duration(vm, timeout)?) };
    let timeout = timeout.filter(|&timeout| timeout != -1_000_000_000);
    if !blocking && timeout.is_some() {
        return Err(vm.value_error("can't specify a timeout for a non-blocking call"));
    }
    if timeout.is_some_and(|timeout| timeout < 0) {
        return Err(vm.value_error("timeout value must be a non-negative number"));
    }
    Ok(if blocking { timeout } else { Some(0) })
}

fn acquire(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let lock = cast::<Lock>(args.values[0]);
    let patience = patience(vm, args)?;
    if lock.locked.get() != 0 {
        // Nobody but a signal handler can release it.
        let end = patience.map(|patience| clocks::monotonic().saturating_add(patience));
        const SLICE: i64 = 20_000_000;
        loop {
            interp::poll::attend(vm)?;
            if lock.locked.get() == 0 {
                break;
            }
            let now = clocks::monotonic();
            if end.is_some_and(|end| now >= end) {
                return Ok(vm.false_);
            }
            let next = now + SLICE;
            clocks::sleep_until(vm, end.map_or(next, |end| end.min(next)))?;
        }
    }
    lock.locked.set(1);
    Ok(vm.true_)
}

fn release(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let lock = cast::<Lock>(args.values[0]);
    if lock.locked.get() == 0 {
        return Err(vm.runtime_error("release unlocked lock"));
    }
    lock.locked.set(0);
    Ok(vm.none)
}

fn locked(vm: &mut Vm, args: &CallArgs) -> PyResult {
    Ok(vm.bool(cast::<Lock>(args.values[0]).locked.get() != 0))
}

fn acquire_again(vm: &mut Vm, args: &CallArgs) -> PyResult {
    patience(vm, args)?;
    let lock = cast::<RLock>(args.values[0]);
    lock.count.set(lock.count.get() + 1);
    Ok(vm.true_)
}

fn release_once(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let lock = cast::<RLock>(args.values[0]);
    if lock.count.get() == 0 {
        return Err(vm.runtime_error("cannot release un-acquired lock"));
    }
    lock.count.set(lock.count.get() - 1);
    Ok(vm.none)
}
