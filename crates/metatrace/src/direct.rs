//! The machine that just runs: what rustc makes of a handler over `Direct` is the plain interpreter.

use crate::frame::{Entered, Finished, Frame, Leave};
use crate::jit::{Lookup, Site};
use crate::language::{Language, thread_of};
use crate::machine::{Machine, Operand};
use crate::thread::{Handle, Record, Thread};
use heap::{ShapeId, Value};
use ir::{Callee, Field, Function, Items, Repr, pure_ops};

/// Runs handlers directly.
pub struct Direct<L: Language> {
    pub context: *mut L::Context,
    /// The record of the frame that this activation of the dispatch loop was started for.
    base: *mut Record<L>,
}

impl<L: Language> Direct<L> {
    /// Runs the window at the top of the value stack as a frame of `code` until it is left. `pc` and `sp` say where it
    /// goes on; 0 and the number of locals for a fresh one.
    pub fn call(
        context: *mut L::Context,
        code: &'static L::Code,
        window: *mut Value,
        pc: u32,
        sp: u32,
    ) -> Result<Value, Value> {
        // SAFETY: the context outlives the call, and the thread is its first field.
        let thread = unsafe { &mut *thread_of::<L>(context) };
        thread.push_record(code, pc, sp, window);
        let mut direct = based(context, thread.record);
        let mut frame = Frame { code, pc, sp, slots: window };
        // What our callers keep in registers must be found above the loop's base.
        let mut saved = [0; 12];
        let outer = std::mem::replace(&mut direct.thread().loop_base, heap::save_registers(&mut saved));
        let paused = direct.thread().jit.economy.pause();
        // No frame of the guest is ever unwound.
        let may_refuse = std::mem::replace(&mut direct.thread().heap.may_refuse, false);
        let left = if pc == 0 { crate::driver::count_entry(&mut direct, &mut frame) } else { None };
        let left = match left {
            Some(Leave::Continue) => go_on(&mut direct),
            Some(left) => left,
            None => run_loop(&mut direct, frame),
        };
        direct.thread().jit.economy.resume(paused);
        std::hint::black_box(&saved);
        direct.thread().loop_base = outer;
        direct.thread().heap.may_refuse = may_refuse;
        match left {
            Leave::Return(value) => Ok(value),
            Leave::Raise(exception) => Err(exception),
            Leave::Continue => unreachable!("the loop has gone on"),
        }
    }

    /// Goes on with the topmost frame until the frame of `base` is left.
    #[cold]
    #[inline(never)]
    pub(crate) fn go_on_above(context: *mut L::Context, base: *mut Record<L>) -> Result<Value, Value> {
        let mut direct = based(context, base);
        let frame = direct.thread().current_frame();
        let mut saved = [0; 12];
        let outer = std::mem::replace(&mut direct.thread().loop_base, heap::save_registers(&mut saved));
        let paused = direct.thread().jit.economy.pause();
        let left = run_loop(&mut direct, frame);
        direct.thread().jit.economy.resume(paused);
        std::hint::black_box(&saved);
        direct.thread().loop_base = outer;
        match left {
            Leave::Return(value) => Ok(value),
            Leave::Raise(exception) => Err(exception),
            Leave::Continue => unreachable!("the loop has gone on"),
        }
    }

    #[inline(always)]
    pub(crate) fn thread(&mut self) -> &mut Thread<L> {
        // SAFETY: the context outlives the machine, and the thread is its first field.
        unsafe { &mut *thread_of::<L>(self.context) }
    }

    #[inline(always)]
    fn word(operand: Operand<Self>) -> u64 {
        match operand {
            Operand::Int(x) => x as u64,
            Operand::Flt(x) => x.to_bits(),
            Operand::Ref(x) => x.0,
            Operand::Bool(x) => x as u64,
        }
    }

    #[inline(always)]
    fn call_words(&mut self, callee: &'static Callee, operands: &[Operand<Self>]) -> u64 {
        let context = self.context.cast();
        let at = |i: usize| Self::word(operands[i]);
        match callee.function {
            Function::F0(f) => f(context),
            Function::F1(f) => f(context, at(0)),
            Function::F2(f) => f(context, at(0), at(1)),
            Function::F3(f) => f(context, at(0), at(1), at(2)),
            Function::F4(f) => f(context, at(0), at(1), at(2), at(3)),
            Function::F5(f) => f(context, at(0), at(1), at(2), at(3), at(4)),
            Function::Slice(_) | Function::Buffered(_) => unreachable!("{} takes a slice", callee.name),
        }
    }
}

/// A machine for single operations, outside the dispatch loop.
#[inline(always)]
pub(crate) fn unbased<L: Language>(context: *mut L::Context) -> Direct<L> {
    Direct { context, base: std::ptr::null_mut() }
}

/// A machine whose dispatch loop ends with the frame of `base`.
pub(crate) fn based<L: Language>(context: *mut L::Context, base: *mut Record<L>) -> Direct<L> {
    Direct { context, base }
}

/// Runs the dispatch loop until the base frame is left.
#[inline(always)]
pub(crate) fn run_loop<L: Language>(direct: &mut Direct<L>, frame: Frame<L, Value>) -> Leave<Value> {
    match L::run_direct(direct, frame) {
        Leave::Continue => go_on(direct),
        left => left,
    }
}

/// Goes on with the topmost frame where native frames have not left any values.
#[cold]
#[inline(never)]
fn go_on<L: Language>(direct: &mut Direct<L>) -> Leave<Value> {
    loop {
        scrub_stack();
        let frame = direct.thread().current_frame();
        match L::run_direct(direct, frame) {
            Leave::Continue => {}
            left => return left,
        }
    }
}

/// Overwrites the native stack below the caller.
#[inline(never)]
fn scrub_stack() {
    std::hint::black_box(&mut [0u64; 4096]);
}

/// Loads the word at `offset` of an object.
#[inline(always)]
fn load<T: Copy>(object: Value, offset: usize) -> T {
    debug_assert!(object.is_object(), "no object: {object:?}");
    // SAFETY: the handler has checked the object's shape, which has this field.
    unsafe { *((object.0 as usize + offset) as *const T) }
}

#[inline(always)]
fn store<T: Copy>(object: Value, offset: usize, value: T) {
    debug_assert!(object.is_object(), "no object: {object:?}");
    // SAFETY: as in `load`.
    unsafe { *((object.0 as usize + offset) as *mut T) = value }
}

/// Loads an integer element of any width.
#[inline(always)]
pub(crate) fn load_int(address: usize, repr: Repr) -> i64 {
    // SAFETY: the handler has checked the index against the length.
    unsafe {
        match repr {
            Repr::I64 => (address as *const i64).read_unaligned(),
            Repr::I32 => (address as *const i32).read_unaligned() as i64,
            Repr::U32 => (address as *const u32).read_unaligned() as i64,
            Repr::I16 => (address as *const i16).read_unaligned() as i64,
            Repr::U16 => (address as *const u16).read_unaligned() as i64,
            Repr::I8 => (address as *const i8).read_unaligned() as i64,
            Repr::U8 => (address as *const u8).read_unaligned() as i64,
            Repr::Ref | Repr::F64 | Repr::F32 => unreachable!("{repr:?} is no integer"),
        }
    }
}

/// Stores the low bits of an integer.
#[inline(always)]
pub(crate) fn store_int(address: usize, repr: Repr, value: i64) {
    // SAFETY: the handler has checked the index against the length.
    unsafe {
        match repr {
            Repr::I64 => (address as *mut i64).write_unaligned(value),
            Repr::I32 | Repr::U32 => (address as *mut i32).write_unaligned(value as i32),
            Repr::I16 | Repr::U16 => (address as *mut i16).write_unaligned(value as i16),
            Repr::I8 | Repr::U8 => (address as *mut i8).write_unaligned(value as i8),
            Repr::Ref | Repr::F64 | Repr::F32 => unreachable!("{repr:?} is no integer"),
        }
    }
}

#[inline(always)]
pub(crate) fn load_flt(address: usize, repr: Repr) -> f64 {
    // SAFETY: the handler has checked the index against the length.
    unsafe {
        match repr {
            Repr::F64 => (address as *const f64).read_unaligned(),
            Repr::F32 => (address as *const f32).read_unaligned() as f64,
            _ => unreachable!("{repr:?} is no float"),
        }
    }
}

#[inline(always)]
pub(crate) fn store_flt(address: usize, repr: Repr, value: f64) {
    // SAFETY: the handler has checked the index against the length.
    unsafe {
        match repr {
            Repr::F64 => (address as *mut f64).write_unaligned(value),
            Repr::F32 => (address as *mut f32).write_unaligned(value as f32),
            _ => unreachable!("{repr:?} is no float"),
        }
    }
}

#[inline(always)]
pub(crate) fn item_address(object: Value, index: i64, items: &Items) -> usize {
    debug_assert!(object.is_object(), "no object: {object:?}");
    object.0 as usize + items.offset as usize + index as usize * items.repr.bytes() as usize
}

#[inline(always)]
fn bytes_address(object: Value, at: i64, items: &Items) -> usize {
    debug_assert!(object.is_object(), "no object: {object:?}");
    object.0 as usize + items.offset as usize + at as usize
}

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

macro_rules! define_direct {
    ($($method:ident $name:ident ($($operand:ident: $ty:ident),*) -> $result:ident = $body:expr;)*) => {
        impl<L: Language> Machine for Direct<L> {
            type L = L;
            type Int = i64;
            type Flt = f64;
            type Ref = Value;
            type Bool = bool;
            const DIRECT: bool = true;

            $(#[inline(always)]
            fn $method(&mut self, $($operand: rust_ty!($ty)),*) -> rust_ty!($result) {
                $body
            })*

            #[inline(always)]
            fn int(&mut self, x: i64) -> i64 {
                x
            }
            #[inline(always)]
            fn flt(&mut self, x: f64) -> f64 {
                x
            }
            #[inline(always)]
            fn bool(&mut self, x: bool) -> bool {
                x
            }
            #[inline(always)]
            fn constant(&mut self, x: Value) -> Value {
                x
            }

            #[inline(always)]
            fn ref_eq(&mut self, a: Value, b: Value) -> bool {
                a == b
            }
            #[inline(always)]
            fn is_int(&mut self, a: Value) -> bool {
                a.is_int()
            }
            #[inline(always)]
            fn int_box(&mut self, a: i64) -> Value {
                Value::from_int(a)
            }
            #[inline(always)]
            fn int_unbox(&mut self, a: Value) -> i64 {
                a.as_int()
            }
            #[inline(always)]
            fn is_flt(&mut self, a: Value) -> bool {
                a.is_flonum() || (a.is_object() && is_boxed_flt::<L>(self.context, a))
            }
            #[inline(always)]
            fn flt_box(&mut self, a: f64) -> Value {
                match Value::from_flonum(a) {
                    Some(value) => value,
                    None => box_flt::<L>(self.context, a),
                }
            }
            #[inline(always)]
            fn flt_unbox(&mut self, a: Value) -> f64 {
                if a.is_flonum() { a.as_flonum() } else { load(a, 8) }
            }
            #[inline(always)]
            fn bool_box(&mut self, a: bool) -> Value {
                // SAFETY: the context outlives the machine.
                L::bools(unsafe { &mut *self.context })[a as usize]
            }
            #[inline(always)]
            fn is_null(&mut self, a: Value) -> bool {
                a.is_null()
            }

            #[inline(always)]
            fn shape(&mut self, object: Value) -> i64 {
                (load::<u32>(object, 0) >> 1) as i64
            }
            #[inline(always)]
            fn set_shape(&mut self, object: Value, shape: ShapeId) {
                store::<u32>(object, 0, (shape.0 << 1) | 1)
            }
            #[inline(always)]
            fn get_ref(&mut self, object: Value, field: &'static Field) -> Value {
                load(object, field.offset as usize)
            }
            #[inline(always)]
            fn get_int(&mut self, object: Value, field: &'static Field) -> i64 {
                load_int(object.0 as usize + field.offset as usize, field.repr)
            }
            #[inline(always)]
            fn get_flt(&mut self, object: Value, field: &'static Field) -> f64 {
                load(object, field.offset as usize)
            }
            #[inline(always)]
            fn set_ref(&mut self, object: Value, field: &'static Field, value: Value) {
                self.thread().heap.write_barrier(object);
                store(object, field.offset as usize, value)
            }
            #[inline(always)]
            fn set_int(&mut self, object: Value, field: &'static Field, value: i64) {
                store_int(object.0 as usize + field.offset as usize, field.repr, value)
            }
            #[inline(always)]
            fn set_flt(&mut self, object: Value, field: &'static Field, value: f64) {
                store(object, field.offset as usize, value)
            }
            #[inline(always)]
            fn init_ref(&mut self, object: Value, field: &'static Field, value: Value) {
                store(object, field.offset as usize, value)
            }
            #[inline(always)]
            fn init_int(&mut self, object: Value, field: &'static Field, value: i64) {
                store_int(object.0 as usize + field.offset as usize, field.repr, value)
            }
            #[inline(always)]
            fn init_flt(&mut self, object: Value, field: &'static Field, value: f64) {
                store(object, field.offset as usize, value)
            }
            #[inline(always)]
            fn item_ref(&mut self, object: Value, index: i64, items: &'static Items) -> Value {
                // SAFETY: the handler has checked the index against the length.
                unsafe { *(item_address(object, index, items) as *const Value) }
            }
            #[inline(always)]
            fn item_int(&mut self, object: Value, index: i64, items: &'static Items) -> i64 {
                load_int(item_address(object, index, items), items.repr)
            }
            #[inline(always)]
            fn item_flt(&mut self, object: Value, index: i64, items: &'static Items) -> f64 {
                load_flt(item_address(object, index, items), items.repr)
            }
            #[inline(always)]
            fn bytes_int(&mut self, object: Value, at: i64, items: &'static Items) -> i64 {
                load_int(bytes_address(object, at, items), items.repr)
            }
            #[inline(always)]
            fn bytes_flt(&mut self, object: Value, at: i64, items: &'static Items) -> f64 {
                load_flt(bytes_address(object, at, items), items.repr)
            }
            #[inline(always)]
            fn set_item_ref(&mut self, object: Value, index: i64, items: &'static Items, value: Value) {
                self.thread().heap.write_barrier(object);
                // SAFETY: the handler has checked the index against the length.
                unsafe { *(item_address(object, index, items) as *mut Value) = value }
            }
            #[inline(always)]
            fn set_item_int(&mut self, object: Value, index: i64, items: &'static Items, value: i64) {
                store_int(item_address(object, index, items), items.repr, value)
            }
            #[inline(always)]
            fn set_item_flt(&mut self, object: Value, index: i64, items: &'static Items, value: f64) {
                store_flt(item_address(object, index, items), items.repr, value)
            }
            #[inline(always)]
            fn init_item_ref(&mut self, object: Value, index: i64, items: &'static Items, value: Value) {
                // A large object is born old, and then even its first stores must be remembered.
                self.set_item_ref(object, index, items, value)
            }
            #[inline(always)]
            fn raw_load_int(&mut self, _owner: Value, address: i64, index: i64, repr: Repr) -> i64 {
                load_int(address as usize + index as usize * repr.bytes() as usize, repr)
            }
            #[inline(always)]
            fn raw_load_flt(&mut self, _owner: Value, address: i64, index: i64, repr: Repr) -> f64 {
                load_flt(address as usize + index as usize * repr.bytes() as usize, repr)
            }
            #[inline(always)]
            fn raw_store_int(&mut self, _owner: Value, address: i64, index: i64, repr: Repr, value: i64) {
                store_int(address as usize + index as usize * repr.bytes() as usize, repr, value)
            }
            #[inline(always)]
            fn raw_store_flt(&mut self, _owner: Value, address: i64, index: i64, repr: Repr, value: f64) {
                store_flt(address as usize + index as usize * repr.bytes() as usize, repr, value)
            }
            #[inline(always)]
            fn new(&mut self, shape: ShapeId, bytes: u32) -> Value {
                self.thread().heap.alloc(shape, bytes as usize)
            }
            #[inline(always)]
            fn new_items(&mut self, shape: ShapeId, fixed_bytes: u32, _item_bytes: u32, count: i64) -> Value {
                self.thread().heap.alloc_tail(shape, fixed_bytes as usize, count as usize)
            }

            #[inline(always)]
            fn call_ref(&mut self, callee: &'static Callee, operands: &[Operand<Self>]) -> Value {
                Value(self.call_words(callee, operands))
            }
            #[inline(always)]
            fn call_int(&mut self, callee: &'static Callee, operands: &[Operand<Self>]) -> i64 {
                self.call_words(callee, operands) as i64
            }
            #[inline(always)]
            fn call_flt(&mut self, callee: &'static Callee, operands: &[Operand<Self>]) -> f64 {
                f64::from_bits(self.call_words(callee, operands))
            }
            #[inline(always)]
            fn call_bool(&mut self, callee: &'static Callee, operands: &[Operand<Self>]) -> bool {
                self.call_words(callee, operands) != 0
            }
            #[inline(always)]
            fn call_slice(&mut self, callee: &'static Callee, first: Value, rest: &[Value]) -> Value {
                match callee.function {
                    Function::Slice(f) => {
                        Value(f(self.context.cast(), first.0, rest.as_ptr().cast(), rest.len() as u64))
                    }
                    _ => unreachable!("{} takes no slice", callee.name),
                }
            }
            fn take_exception(&mut self) -> Value {
                // SAFETY: the context outlives the machine.
                L::take_exception(unsafe { &mut *self.context })
            }

            #[inline(always)]
            fn decide(&mut self, condition: bool) -> bool {
                condition
            }
            #[inline(always)]
            fn promote_int(&mut self, x: i64) -> i64 {
                x
            }
            #[inline(always)]
            fn promote_ref(&mut self, x: Value) -> Value {
                x
            }
            #[inline(always)]
            fn lookup<T: 'static>(
                &mut self,
                site: &'static Site,
                key: i64,
                read: impl FnOnce(&mut L::Context) -> Lookup<T>,
            ) -> &'static T {
                let epoch = self.thread().jit.epoch;
                if let Some(result) = site.get::<T>(key, epoch) {
                    return result;
                }
                if let Some(result) = self.thread().jit.lookups.get::<T>(site, key, epoch) {
                    return result;
                }
                // SAFETY: the context outlives the machine.
                let found = read(unsafe { &mut *self.context });
                if !found.is_brief {
                    let jit = &mut self.thread().jit;
                    site.set(key, jit.epoch, found.result);
                    jit.lookups.set(site, key, jit.epoch, found.result);
                }
                found.result
            }
            #[inline(always)]
            fn cached<T: 'static>(&mut self, site: &'static Site, object: Value) -> Option<&'static T> {
                if !object.is_object() {
                    return None;
                }
                let shape = load::<u32>(object, 0) >> 1;
                site.get::<T>(shape as i64, self.thread().jit.epoch)
            }
            #[inline(always)]
            fn is_varied(&mut self, site: &'static Site) -> bool {
                site.is_varied()
            }
            #[inline(always)]
            fn handle(&mut self, handle: Handle) -> Value {
                self.thread().handle(handle)
            }

            #[inline(always)]
            fn window(&mut self, code: &'static L::Code) -> Option<*mut Value> {
                self.thread().window(L::slot_count(code))
            }
            #[inline(always)]
            fn drop_window(&mut self, window: *mut Value) {
                self.thread().top = window;
            }
            #[inline(always)]
            fn enter(
                &mut self,
                frame: &mut Frame<L, Value>,
                code: &'static L::Code,
                window: *mut Value,
                pc: u32,
                sp: u32,
            ) -> Entered<Value> {
                let thread = self.thread();
                // SAFETY: the caller's frame has a record.
                unsafe {
                    (*thread.record).pc = frame.pc | Record::<L>::WAITS;
                    (*thread.record).sp = frame.sp;
                }
                thread.push_record(code, pc, sp, window);
                *frame = Frame { code, pc, sp, slots: window };
                if pc == 0 {
                    let cell = L::entry_cell(code);
                    let count = cell.count.get().wrapping_add(1);
                    cell.count.set(count);
                    if cell.entry.get() != 0 || count >= self.thread().jit.entry_threshold {
                        return frame.lend(|frame| crate::driver::hot_callee(self, frame, cell));
                    }
                }
                Entered::Frame
            }
            #[inline(always)]
            fn finish(&mut self, frame: &mut Frame<L, Value>, result: Result<Value, Value>) -> Finished<Value> {
                let base = self.base;
                let thread = self.thread();
                let was_base = thread.record == base;
                thread.pop_record();
                if was_base {
                    return Finished::Base(match result {
                        Ok(value) => Leave::Return(value),
                        Err(exception) => Leave::Raise(exception),
                    });
                }
                *frame = thread.current_frame();
                Finished::Caller(result)
            }
            fn call_code(
                &mut self,
                code: &'static L::Code,
                window: *mut Value,
                pc: u32,
                sp: u32,
            ) -> Result<Value, Value> {
                Direct::<L>::call(self.context, code, window, pc, sp)
            }
            #[inline(always)]
            fn boundary(&mut self, frame: &mut Frame<L, Value>) -> Option<Leave<Value>> {
                // SAFETY: the current frame has a record.
                unsafe { (*self.thread().record).pc = frame.pc };
                None
            }
            #[inline(always)]
            fn back_edge(&mut self, frame: &mut Frame<L, Value>) -> Option<Leave<Value>> {
                let cell = L::loop_cell(frame.code, frame.pc);
                let count = cell.count.get().wrapping_add(1);
                cell.count.set(count);
                if cell.entry.get() != 0 || count >= self.thread().jit.threshold {
                    return frame.lend(|frame| crate::driver::hot_loop(self, frame, cell));
                }
                None
            }
            #[inline(always)]
            fn expect_small(&mut self, _: i64) {}

            #[inline(always)]
            fn poll(&mut self) -> bool {
                self.thread().poll.load(std::sync::atomic::Ordering::Relaxed) != 0
            }

            #[inline(always)]
            fn observed(&mut self) -> bool {
                self.thread().observed
            }

            #[inline(always)]
            fn context(&mut self) -> &mut L::Context {
                // SAFETY: the context outlives the machine.
                unsafe { &mut *self.context }
            }
        }
    };
}

pure_ops! { define_direct }

impl<L: Language> Direct<L> {
    /// [`Machine::poll`], if not only code is ready.
    pub(crate) fn wants_attention(&mut self) -> bool {
        self.thread().poll.load(std::sync::atomic::Ordering::Relaxed) & !crate::compiler::CODE_READY != 0
    }
}

#[inline(always)]
fn is_boxed_flt<L: Language>(context: *mut L::Context, value: Value) -> bool {
    // SAFETY: the context outlives the call.
    let shape = L::float_shape(unsafe { &mut *context });
    load::<u32>(value, 0) >> 1 == shape.0
}

#[inline(never)]
fn box_flt<L: Language>(context: *mut L::Context, x: f64) -> Value {
    // SAFETY: the context outlives the call, and the thread is its first field.
    let (shape, thread) = unsafe { (L::float_shape(&mut *context), &mut *thread_of::<L>(context)) };
    let value = thread.heap.alloc(shape, 16);
    store(value, 8, x);
    value
}
