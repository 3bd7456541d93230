//! `Machine` for the tracer: each method executes and records.

use super::{CONSTANT, Mode, Traced, Tracer, Word};
use crate::counters::Abort;
use crate::coverage::Path;
use crate::driver;
use crate::frame::{Entered, Finished, Frame, Leave};
use crate::jit::{Lookup, Site};
use crate::language::Language;
use crate::machine::{Machine, Operand};
use crate::thread::Handle;
use heap::{ShapeId, Value};
use ir::{Attr, Callee, Field, Items, LogKind, OpCode, Repr, Ty, pure_ops};
use smallvec::{SmallVec, smallvec};

macro_rules! rust_ty {
    (Int) => {
        i64
    };
    (Flt) => {
        f64
    };
    (Bool) => {
        bool
    };
}

type Ref = Traced<Value>;

/// Far enough below 31 bits that a counter takes a while to grow beyond them.
const SMALL: u64 = 1 << 24;

impl<L: Language> Tracer<L> {
    /// An operation that computes on a guest value.
    #[inline]
    fn unary<A: Word, T: Word>(&mut self, code: OpCode, a: Traced<A>, value: T) -> Traced<T> {
        if !self.records() || a.id == CONSTANT {
            return Traced::constant(value);
        }
        let args = [self.arg(a)];
        Traced { value, id: self.push(code, T::TY, &args, Attr::None) }
    }

    #[inline]
    fn set<T: Word>(&mut self, object: Ref, field: &'static Field, value: Traced<T>, init: bool) {
        let code = if init { OpCode::InitField } else { OpCode::SetField };
        self.write(
            init,
            |direct| match T::TY {
                // A large or pinned object may be old already: even its first stores must be remembered.
                Ty::Ref => direct.set_ref(object.value, field, Value(value.value.bits())),
                Ty::Int => direct.set_int(object.value, field, value.value.bits() as i64),
                _ => direct.set_flt(object.value, field, f64::from_bits(value.value.bits())),
            },
            code,
            Attr::Field(*field),
            |tracer| smallvec![tracer.arg(object), tracer.arg(value)],
        );
    }

    #[inline]
    fn set_item<T: Word>(
        &mut self,
        object: Ref,
        index: Traced<i64>,
        items: &'static Items,
        value: Traced<T>,
        init: bool,
    ) {
        let code = if init { OpCode::InitItem } else { OpCode::SetItem };
        self.write(
            init,
            |direct| match T::TY {
                Ty::Ref => direct.set_item_ref(object.value, index.value, items, Value(value.value.bits())),
                Ty::Int => direct.set_item_int(object.value, index.value, items, value.value.bits() as i64),
                _ => direct.set_item_flt(object.value, index.value, items, f64::from_bits(value.value.bits())),
            },
            code,
            Attr::Items(*items),
            |tracer| smallvec![tracer.arg(object), tracer.arg(index), tracer.arg(value)],
        );
    }
}

macro_rules! define_tracer {
    ($($method:ident $name:ident ($($operand:ident: $ty:ident),*) -> $result:ident = $body:expr;)*) => {
        impl<L: Language> Machine for Tracer<L> {
            type L = L;
            type Int = Traced<i64>;
            type Flt = Traced<f64>;
            type Ref = Traced<Value>;
            type Bool = Traced<bool>;
            const DIRECT: bool = false;

            $(fn $method(&mut self, $($operand: Traced<rust_ty!($ty)>),*) -> Traced<rust_ty!($result)> {
                let value: rust_ty!($result) = {
                    $(let $operand = $operand.value;)*
                    $body
                };
                if !self.records() || ($($operand.id == CONSTANT)&&*) {
                    return Traced::constant(value);
                }
                let args = [$(self.arg($operand)),*];
                Traced { value, id: self.push(OpCode::$name, Ty::$result, &args, Attr::None) }
            })*

            fn expect_small(&mut self, x: Traced<i64>) {
                if self.records() && x.id != CONSTANT && x.value.unsigned_abs() < SMALL {
                    let args = [self.arg(x)];
                    self.push(OpCode::ExpectSmall, Ty::Void, &args, Attr::None);
                }
            }
            fn int(&mut self, x: i64) -> Traced<i64> {
                Traced::constant(x)
            }
            fn flt(&mut self, x: f64) -> Traced<f64> {
                Traced::constant(x)
            }
            fn bool(&mut self, x: bool) -> Traced<bool> {
                Traced::constant(x)
            }
            fn constant(&mut self, x: Value) -> Ref {
                Traced::constant(x)
            }

            fn ref_eq(&mut self, a: Ref, b: Ref) -> Traced<bool> {
                let value = a.value == b.value;
                if !self.records() || (a.id == CONSTANT && b.id == CONSTANT) {
                    return Traced::constant(value);
                }
                let args = [self.arg(a), self.arg(b)];
                Traced { value, id: self.push(OpCode::RefEq, Ty::Bool, &args, Attr::None) }
            }
            fn is_int(&mut self, a: Ref) -> Traced<bool> {
                self.unary(OpCode::IsInt, a, a.value.is_int())
            }
            fn int_box(&mut self, a: Traced<i64>) -> Ref {
                self.unary(OpCode::IntBox, a, Value::from_int(a.value))
            }
            fn int_unbox(&mut self, a: Ref) -> Traced<i64> {
                self.unary(OpCode::IntUnbox, a, a.value.as_int())
            }
            fn is_flt(&mut self, a: Ref) -> Traced<bool> {
                let value = self.direct().is_flt(a.value);
                self.unary(OpCode::IsFlt, a, value)
            }
            fn flt_box(&mut self, a: Traced<f64>) -> Ref {
                let value = self.direct().flt_box(a.value);
                self.unary(OpCode::FltBox, a, value)
            }
            fn flt_unbox(&mut self, a: Ref) -> Traced<f64> {
                let value = self.direct().flt_unbox(a.value);
                self.unary(OpCode::FltUnbox, a, value)
            }
            fn bool_box(&mut self, a: Traced<bool>) -> Ref {
                let value = self.direct().bool_box(a.value);
                self.unary(OpCode::BoolBox, a, value)
            }
            fn is_null(&mut self, a: Ref) -> Traced<bool> {
                self.unary(OpCode::IsNull, a, a.value.is_null())
            }

            fn shape(&mut self, object: Ref) -> Traced<i64> {
                self.read_shape(object, |direct| direct.shape(object.value))
            }
            fn set_shape(&mut self, object: Ref, shape: ShapeId) {
                self.write(
                    false,
                    |direct| direct.set_shape(object.value, shape),
                    OpCode::SetShape,
                    Attr::None,
                    |tracer| smallvec![tracer.arg(object), ir::Arg::Int(shape.0 as i64)],
                );
            }
            fn get_ref(&mut self, object: Ref, field: &'static Field) -> Ref {
                self.get(object, field, |direct| direct.get_ref(object.value, field))
            }
            fn get_int(&mut self, object: Ref, field: &'static Field) -> Traced<i64> {
                self.get(object, field, |direct| direct.get_int(object.value, field))
            }
            fn get_flt(&mut self, object: Ref, field: &'static Field) -> Traced<f64> {
                self.get(object, field, |direct| direct.get_flt(object.value, field))
            }
            fn set_ref(&mut self, object: Ref, field: &'static Field, value: Ref) {
                self.set(object, field, value, false);
            }
            fn set_int(&mut self, object: Ref, field: &'static Field, value: Traced<i64>) {
                self.set(object, field, value, false);
            }
            fn set_flt(&mut self, object: Ref, field: &'static Field, value: Traced<f64>) {
                self.set(object, field, value, false);
            }
            fn init_ref(&mut self, object: Ref, field: &'static Field, value: Ref) {
                self.set(object, field, value, true);
            }
            fn init_int(&mut self, object: Ref, field: &'static Field, value: Traced<i64>) {
                self.set(object, field, value, true);
            }
            fn init_flt(&mut self, object: Ref, field: &'static Field, value: Traced<f64>) {
                self.set(object, field, value, true);
            }
            fn item_ref(&mut self, object: Ref, index: Traced<i64>, items: &'static Items) -> Ref {
                self.item(object, index, items, |direct| direct.item_ref(object.value, index.value, items))
            }
            fn item_int(&mut self, object: Ref, index: Traced<i64>, items: &'static Items) -> Traced<i64> {
                self.item(object, index, items, |direct| direct.item_int(object.value, index.value, items))
            }
            fn item_flt(&mut self, object: Ref, index: Traced<i64>, items: &'static Items) -> Traced<f64> {
                self.item(object, index, items, |direct| direct.item_flt(object.value, index.value, items))
            }
            fn bytes_int(&mut self, object: Ref, at: Traced<i64>, items: &'static Items) -> Traced<i64> {
                self.load_bytes(object, at, items, |direct| direct.bytes_int(object.value, at.value, items))
            }
            fn bytes_flt(&mut self, object: Ref, at: Traced<i64>, items: &'static Items) -> Traced<f64> {
                self.load_bytes(object, at, items, |direct| direct.bytes_flt(object.value, at.value, items))
            }
            fn set_item_ref(&mut self, object: Ref, index: Traced<i64>, items: &'static Items, value: Ref) {
                self.set_item(object, index, items, value, false);
            }
            fn set_item_int(&mut self, object: Ref, index: Traced<i64>, items: &'static Items, value: Traced<i64>) {
                self.set_item(object, index, items, value, false);
            }
            fn set_item_flt(&mut self, object: Ref, index: Traced<i64>, items: &'static Items, value: Traced<f64>) {
                self.set_item(object, index, items, value, false);
            }
            fn init_item_ref(&mut self, object: Ref, index: Traced<i64>, items: &'static Items, value: Ref) {
                self.set_item(object, index, items, value, true);
            }
            fn raw_load_int(&mut self, owner: Ref, address: Traced<i64>, index: Traced<i64>, repr: Repr) -> Traced<i64> {
                self.raw_load(owner, address, index, repr, |direct| {
                    direct.raw_load_int(owner.value, address.value, index.value, repr)
                })
            }
            fn raw_load_flt(&mut self, owner: Ref, address: Traced<i64>, index: Traced<i64>, repr: Repr) -> Traced<f64> {
                self.raw_load(owner, address, index, repr, |direct| {
                    direct.raw_load_flt(owner.value, address.value, index.value, repr)
                })
            }
            fn raw_store_int(&mut self, owner: Ref, address: Traced<i64>, index: Traced<i64>, repr: Repr, value: Traced<i64>) {
                self.write(
                    false,
                    |direct| direct.raw_store_int(owner.value, address.value, index.value, repr, value.value),
                    OpCode::RawStore,
                    Attr::Raw(repr),
                    |tracer| smallvec![tracer.arg(owner), tracer.arg(address), tracer.arg(index), tracer.arg(value)],
                );
            }
            fn raw_store_flt(&mut self, owner: Ref, address: Traced<i64>, index: Traced<i64>, repr: Repr, value: Traced<f64>) {
                self.write(
                    false,
                    |direct| direct.raw_store_flt(owner.value, address.value, index.value, repr, value.value),
                    OpCode::RawStore,
                    Attr::Raw(repr),
                    |tracer| smallvec![tracer.arg(owner), tracer.arg(address), tracer.arg(index), tracer.arg(value)],
                );
            }
            fn new(&mut self, shape: ShapeId, bytes: u32) -> Ref {
                self.new_traced(shape, bytes)
            }
            fn new_items(&mut self, shape: ShapeId, fixed_bytes: u32, item_bytes: u32, count: Traced<i64>) -> Ref {
                self.new_items_traced(shape, fixed_bytes, item_bytes, count)
            }

            fn call_ref(&mut self, callee: &'static Callee, operands: &[Operand<Self>]) -> Ref {
                self.call(callee, OpCode::Call, operands, |direct, operands| direct.call_ref(callee, operands))
            }
            fn call_int(&mut self, callee: &'static Callee, operands: &[Operand<Self>]) -> Traced<i64> {
                self.call(callee, OpCode::Call, operands, |direct, operands| direct.call_int(callee, operands))
            }
            fn call_flt(&mut self, callee: &'static Callee, operands: &[Operand<Self>]) -> Traced<f64> {
                self.call(callee, OpCode::Call, operands, |direct, operands| direct.call_flt(callee, operands))
            }
            fn call_bool(&mut self, callee: &'static Callee, operands: &[Operand<Self>]) -> Traced<bool> {
                self.call(callee, OpCode::Call, operands, |direct, operands| direct.call_bool(callee, operands))
            }
            fn call_slice(&mut self, callee: &'static Callee, first: Ref, rest: &[Ref]) -> Ref {
                let mut operands: SmallVec<[Operand<Self>; 8]> = smallvec![Operand::Ref(first)];
                operands.extend(rest.iter().map(|&value| Operand::Ref(value)));
                self.call(callee, OpCode::CallSlice, &operands, |direct, _| {
                    // On the value stack, where the collector sees them.
                    let copies = direct.thread().window_unlimited(rest.len());
                    for (i, value) in rest.iter().enumerate() {
                        // SAFETY: the window has as many slots.
                        unsafe { *copies.add(i) = value.value };
                    }
                    // SAFETY: as above; windows above this one come and go.
                    let copied = unsafe { std::slice::from_raw_parts(copies, rest.len()) };
                    let result = direct.call_slice(callee, first.value, copied);
                    direct.thread().top = copies;
                    result
                })
            }
            fn take_exception(&mut self) -> Ref {
                let callee = driver::callees(self.thread()).take_exception;
                self.call(callee, OpCode::Call, &[], |direct, _| direct.take_exception())
            }

            fn decide(&mut self, condition: Traced<bool>) -> bool {
                self.decide_traced(condition)
            }
            fn promote_int(&mut self, x: Traced<i64>) -> i64 {
                self.promote(x)
            }
            fn promote_ref(&mut self, x: Ref) -> Value {
                self.promote(x)
            }
            fn lookup<T: 'static>(
                &mut self,
                _site: &'static Site,
                _key: i64,
                read: impl FnOnce(&mut L::Context) -> Lookup<T>,
            ) -> &'static T {
                if self.from_log() {
                    let entry = self.next_entry();
                    self.reach(Path::ReplayLookup);
                    assert!(entry.kind == LogKind::Green, "replay found {entry:?} instead of a lookup");
                    // SAFETY: logged below, by the same lookup of the same handler.
                    return unsafe { &*(entry.bits as *const T) };
                }
                // SAFETY: the context outlives the machine.
                let found = read(unsafe { &mut *self.context });
                if self.records() {
                    self.rely_on(found.assumption);
                    self.log(LogKind::Green, Ty::Int, CONSTANT, std::ptr::from_ref(found.result).addr() as u64);
                }
                found.result
            }
            fn cached<T: 'static>(&mut self, _: &'static Site, _: Ref) -> Option<&'static T> {
                None
            }
            fn is_varied(&mut self, site: &'static Site) -> bool {
                if self.from_log() {
                    let entry = self.next_entry();
                    self.reach(Path::ReplayLookup);
                    assert!(entry.kind == LogKind::Green, "replay found {entry:?} instead of a lookup");
                    return entry.bits != 0;
                }
                let is_varied = site.is_varied();
                if self.records() {
                    if !is_varied {
                        let settled = site.settled(&mut self.thread().jit);
                        self.rely_on(settled);
                    }
                    self.log(LogKind::Green, Ty::Int, CONSTANT, is_varied as u64);
                }
                is_varied
            }
            fn handle(&mut self, handle: Handle) -> Ref {
                // Logged, because the place may have got another value by the time of a replay.
                if self.from_log() {
                    return self.next_logged();
                }
                let value = Traced::constant(self.thread().handle(handle));
                self.log_value(value);
                value
            }

            fn window(&mut self, code: &'static L::Code) -> Option<*mut Ref> {
                self.try_window(code)
            }
            fn drop_window(&mut self, window: *mut Ref) {
                self.give_back(window);
            }
            fn enter(
                &mut self,
                frame: &mut Frame<L, Ref>,
                code: &'static L::Code,
                window: *mut Ref,
                pc: u32,
                sp: u32,
            ) -> Entered<Ref> {
                self.enter_traced(frame, code, window, pc, sp)
            }
            fn finish(&mut self, frame: &mut Frame<L, Ref>, result: Result<Ref, Ref>) -> Finished<Ref> {
                self.finish_traced(frame, result)
            }
            fn call_code(&mut self, code: &'static L::Code, window: *mut Ref, pc: u32, sp: u32) -> Result<Ref, Ref> {
                self.call_traced(code, window, pc, sp)
            }
            fn boundary(&mut self, frame: &mut Frame<L, Ref>) -> Option<Leave<Ref>> {
                self.boundary_traced(frame)
            }
            fn back_edge(&mut self, frame: &mut Frame<L, Ref>) -> Option<Leave<Ref>> {
                self.back_edge_traced(frame);
                None
            }
            fn poll(&mut self) -> bool {
                if self.levels.len() > 1 {
                    // Inlined frames come back to the first one, which polls in each round. What is recorded was not asked.
                    let asked = self.mode != Mode::Replaying && self.direct().wants_attention();
                    if asked {
                        self.abort(Abort::Attention);
                    }
                    return asked;
                }
                let callee = driver::callees(self.thread()).poll;
                let asked = self.call(callee, OpCode::Call, &[], |direct, _| direct.wants_attention());
                if asked.value {
                    self.abort(Abort::Attention);
                }
                if self.records()
                    && let Some(level) = self.levels.last()
                {
                    let code = std::ptr::from_ref(level.code).addr() as u64;
                    self.polls.push((code, level.pc, level.events));
                }
                self.decide_traced(asked)
            }

            fn observed(&mut self) -> bool {
                self.mode == Mode::Off && self.thread().observed
            }

            fn context(&mut self) -> &mut L::Context {
                // SAFETY: the context outlives the machine.
                unsafe { &mut *self.context }
            }
        }
    };
}

pure_ops! { define_tracer }
