//! Objects, items and calls of Rust functions, as the tracer sees them.

use super::{CONSTANT, Mode, Traced, Tracer, Word};
use crate::Direct;
use crate::language::Language;
use crate::machine::Operand;
use heap::{ShapeId, Value};
use ir::{Arg, Attr, CallEffect, Callee, Field, Items, OpCode, Repr, Ty};
use smallvec::SmallVec;

type Ref = Traced<Value>;

impl<L: Language> Tracer<L> {
    /// An operation without a side effect whose result depends on memory.
    #[inline]
    fn read<T: Word>(
        &mut self,
        load: impl FnOnce(&mut Direct<L>) -> T,
        record: impl FnOnce(&mut Self) -> u32,
    ) -> Traced<T> {
        if self.from_log() {
            return self.next_logged();
        }
        let value = load(&mut self.direct());
        if !self.records() {
            return Traced::constant(value);
        }
        let result = Traced { value, id: record(self) };
        self.log_value(result);
        result
    }

    /// A read of what never changes: it is done anew in replay, and folded if the object is a constant.
    #[inline]
    fn read_immutable<T: Word>(
        &mut self,
        folds: bool,
        load: impl FnOnce(&mut Direct<L>) -> T,
        record: impl FnOnce(&mut Self) -> u32,
    ) -> Traced<T> {
        let value = load(&mut self.direct());
        if folds || !self.records() {
            return Traced::constant(value);
        }
        Traced { value, id: record(self) }
    }

    #[inline]
    pub(crate) fn get<T: Word>(
        &mut self,
        object: Ref,
        field: &'static Field,
        load: impl FnOnce(&mut Direct<L>) -> T,
    ) -> Traced<T> {
        let record = |tracer: &mut Self| {
            let args = [tracer.arg(object)];
            tracer.push(OpCode::GetField, T::TY, &args, Attr::Field(*field))
        };
        if field.immutable {
            return self.read_immutable(object.id == CONSTANT, load, record);
        }
        self.read(load, record)
    }

    #[inline]
    pub(crate) fn item<T: Word>(
        &mut self,
        object: Ref,
        index: Traced<i64>,
        items: &'static Items,
        load: impl FnOnce(&mut Direct<L>) -> T,
    ) -> Traced<T> {
        let record = |tracer: &mut Self| {
            let args = [tracer.arg(object), tracer.arg(index)];
            tracer.push(OpCode::GetItem, T::TY, &args, Attr::Items(*items))
        };
        if items.immutable {
            return self.read_immutable(object.id == CONSTANT && index.id == CONSTANT, load, record);
        }
        self.read(load, record)
    }

    pub(crate) fn load_bytes<T: Word>(
        &mut self,
        object: Ref,
        at: Traced<i64>,
        items: &'static Items,
        load: impl FnOnce(&mut Direct<L>) -> T,
    ) -> Traced<T> {
        self.read_immutable(object.id == CONSTANT && at.id == CONSTANT, load, |tracer| {
            let args = [tracer.arg(object), tracer.arg(at)];
            tracer.push(OpCode::LoadBytes, T::TY, &args, Attr::Items(*items))
        })
    }

    pub(crate) fn raw_load<T: Word>(
        &mut self,
        owner: Ref,
        address: Traced<i64>,
        index: Traced<i64>,
        repr: Repr,
        load: impl FnOnce(&mut Direct<L>) -> T,
    ) -> Traced<T> {
        self.read(load, |tracer| {
            let args = [tracer.arg(owner), tracer.arg(address), tracer.arg(index)];
            tracer.push(OpCode::RawLoad, T::TY, &args, Attr::Raw(repr))
        })
    }

    pub(crate) fn read_shape(&mut self, object: Ref, load: impl FnOnce(&mut Direct<L>) -> i64) -> Traced<i64> {
        self.read(load, |tracer| {
            let args = [tracer.arg(object)];
            tracer.push(OpCode::Shape, Ty::Int, &args, Attr::None)
        })
    }

    /// A store. Into an object that nobody has seen (`init`) it is no side effect.
    #[inline]
    pub(crate) fn write(
        &mut self,
        init: bool,
        store: impl FnOnce(&mut Direct<L>),
        code: OpCode,
        attr: Attr,
        args: impl FnOnce(&mut Self) -> SmallVec<[Arg; 4]>,
    ) {
        if self.from_log() {
            return;
        }
        store(&mut self.direct());
        if !init {
            self.side_effect();
        }
        if self.records() {
            let args = args(self);
            self.push(code, Ty::Void, &args, attr);
        }
    }

    /// A fresh object, all zero: the collector may run before its fields are initialised.
    pub(crate) fn new_traced(&mut self, shape: ShapeId, bytes: u32) -> Ref {
        self.read(
            |direct| fresh::<L>(direct.context, shape, bytes),
            |tracer| {
                let attr = Attr::New { shape: shape.0, bytes, item_bytes: 0 };
                tracer.push(OpCode::New, Ty::Ref, &[], attr)
            },
        )
    }

    pub(crate) fn new_items_traced(&mut self, shape: ShapeId, bytes: u32, item_bytes: u32, count: Traced<i64>) -> Ref {
        self.read(
            |direct| crate::Machine::new_items(direct, shape, bytes, item_bytes, count.value),
            |tracer| {
                let attr = Attr::New { shape: shape.0, bytes, item_bytes };
                let args = [tracer.arg(count)];
                tracer.push(OpCode::NewItems, Ty::Ref, &args, attr)
            },
        )
    }

    /// A call of a Rust function. `run` executes it.
    pub(crate) fn call<T: Word>(
        &mut self,
        callee: &'static Callee,
        code: OpCode,
        operands: &[Operand<Self>],
        run: impl FnOnce(&mut Direct<L>, &[Operand<Direct<L>>]) -> T,
    ) -> Traced<T> {
        let guest = callee.effect == CallEffect::RunsGuest;
        let result = if self.from_log() {
            self.next_logged()
        } else {
            let concrete: SmallVec<[Operand<Direct<L>>; 6]> = operands
                .iter()
                .map(|operand| match *operand {
                    Operand::Int(x) => Operand::Int(x.value),
                    Operand::Flt(x) => Operand::Flt(x.value),
                    Operand::Ref(x) => Operand::Ref(x.value),
                    Operand::Bool(x) => Operand::Bool(x.value),
                })
                .collect();
            let snapshot = (guest && self.records()).then(|| self.call_snapshot(None));
            let published = guest.then(|| self.publish(self.active, None));
            // What the program does in any case is no part of recording.
            let paused = self.thread().jit.economy.pause();
            let value = run(&mut self.direct(), &concrete);
            self.thread().jit.economy.resume(paused);
            if Self::is_side_effect(callee.effect) {
                self.side_effect();
            }
            let mut result = Traced::constant(value);
            // What depends on constants alone is one.
            let folds =
                callee.effect == CallEffect::Pure && callee.result != Ty::Ref && operands.iter().all(is_constant);
            if self.records() && folds {
                self.log_value(result);
            } else if self.records() {
                let args: SmallVec<[Arg; 6]> = operands
                    .iter()
                    .map(|operand| match *operand {
                        Operand::Int(x) => self.arg(x),
                        Operand::Flt(x) => self.arg(x),
                        Operand::Ref(x) => self.arg(x),
                        Operand::Bool(x) => self.arg(x),
                    })
                    .collect();
                result.id = self.push(code, callee.result, &args, Attr::Callee(callee));
                self.trace.ops[result.id as usize].snapshot = snapshot;
                if callee.result == Ty::Void {
                    result.id = CONSTANT;
                }
                self.log_value(result);
            }
            if let Some(published) = published {
                self.retract(published);
            }
            result
        };
        if guest && self.mode != Mode::Off {
            self.still_valid();
        }
        result
    }
}

fn is_constant<L: Language>(operand: &Operand<Tracer<L>>) -> bool {
    let id = match operand {
        Operand::Int(x) => x.id,
        Operand::Flt(x) => x.id,
        Operand::Ref(x) => x.id,
        Operand::Bool(x) => x.id,
    };
    id == CONSTANT
}

/// A fresh object whose fields are all zero.
pub(crate) fn fresh<L: Language>(context: *mut L::Context, shape: ShapeId, bytes: u32) -> Value {
    // SAFETY: the context outlives the call, and the thread is its first field.
    let thread = unsafe { &mut *crate::language::thread_of::<L>(context) };
    let object = thread.heap.alloc(shape, bytes as usize);
    // SAFETY: the object has `bytes` bytes, the header first.
    unsafe { std::ptr::write_bytes((object.0 as *mut u8).add(8), 0, bytes as usize - 8) };
    object
}
