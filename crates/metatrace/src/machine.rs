//! The traceable machine: what a handler may do.
//!
//! A handler is a Rust function generic over [`Machine`]. With `Direct` each method is the plain operation; with `Tracer`
//! it executes and records. Rules for handlers:
//!
//! - A handler is a deterministic function of its frame's slots and the results of machine operations. It never asks
//!   whether a value is constant or whether a trace is being recorded.
//! - Plain Rust control flow depends only on `decide`, `promote_*`, `lookup` and the code.
//! - Side effects happen through machine operations alone: leaving a trace re-runs handlers from their start, with the
//!   results of impure operations taken from a log.
//! - A handler loops over guest data only to a small fixed bound; otherwise it calls a [`Callee`].

use crate::frame::{Entered, Finished, Frame, Leave};
use crate::jit::{Lookup, Site};
use crate::language::Language;
use crate::thread::Handle;
use heap::{ShapeId, Value};
use ir::{Callee, Field, Items, Repr, pure_ops};

/// A call's operand.
pub enum Operand<M: Machine> {
    Int(M::Int),
    Flt(M::Flt),
    Ref(M::Ref),
    Bool(M::Bool),
}

impl<M: Machine> Clone for Operand<M> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<M: Machine> Copy for Operand<M> {}

macro_rules! define_machine {
    ($($method:ident $name:ident ($($operand:ident: $ty:ident),*) -> $result:ident = $body:expr;)*) => {
        /// See the module's rules.
        pub trait Machine: Sized {
            type L: Language;
            type Int: Copy;
            type Flt: Copy;
            type Ref: Copy;
            type Bool: Copy;
            /// Whether this machine only runs. A handler may then take a shorter way to the same result, and code that was changed for a
            /// debugger's sake is for such machines alone.
            const DIRECT: bool;

            // Operations that compute: one method for each row of the table.
            $(fn $method(&mut self, $($operand: Self::$ty),*) -> Self::$result;)*

            // Constants.
            fn int(&mut self, x: i64) -> Self::Int;
            fn flt(&mut self, x: f64) -> Self::Flt;
            fn bool(&mut self, x: bool) -> Self::Bool;
            /// A guest value known to the handler: an immortal object, a constant of the code.
            fn constant(&mut self, x: Value) -> Self::Ref;

            // Guest values.
            fn ref_eq(&mut self, a: Self::Ref, b: Self::Ref) -> Self::Bool;
            fn is_int(&mut self, a: Self::Ref) -> Self::Bool;
            /// Requires `int_fits(a)`.
            fn int_box(&mut self, a: Self::Int) -> Self::Ref;
            fn int_unbox(&mut self, a: Self::Ref) -> Self::Int;
            /// Whether `a` is a float, immediate or boxed on the heap.
            fn is_flt(&mut self, a: Self::Ref) -> Self::Bool;
            fn flt_box(&mut self, a: Self::Flt) -> Self::Ref;
            fn flt_unbox(&mut self, a: Self::Ref) -> Self::Flt;
            fn bool_box(&mut self, a: Self::Bool) -> Self::Ref;
            fn is_null(&mut self, a: Self::Ref) -> Self::Bool;

            // Objects. The base is a heap object.
            fn shape(&mut self, object: Self::Ref) -> Self::Int;
            fn set_shape(&mut self, object: Self::Ref, shape: ShapeId);
            fn get_ref(&mut self, object: Self::Ref, field: &'static Field) -> Self::Ref;
            fn get_int(&mut self, object: Self::Ref, field: &'static Field) -> Self::Int;
            fn get_flt(&mut self, object: Self::Ref, field: &'static Field) -> Self::Flt;
            fn set_ref(&mut self, object: Self::Ref, field: &'static Field, value: Self::Ref);
            fn set_int(&mut self, object: Self::Ref, field: &'static Field, value: Self::Int);
            fn set_flt(&mut self, object: Self::Ref, field: &'static Field, value: Self::Flt);
            /// `init_*`: into an object that this handler made with `new` and nobody has seen.
            fn init_ref(&mut self, object: Self::Ref, field: &'static Field, value: Self::Ref);
            fn init_int(&mut self, object: Self::Ref, field: &'static Field, value: Self::Int);
            fn init_flt(&mut self, object: Self::Ref, field: &'static Field, value: Self::Flt);
            fn item_ref(&mut self, object: Self::Ref, index: Self::Int, items: &'static Items) -> Self::Ref;
            fn item_int(&mut self, object: Self::Ref, index: Self::Int, items: &'static Items) -> Self::Int;
            fn item_flt(&mut self, object: Self::Ref, index: Self::Int, items: &'static Items) -> Self::Flt;
            /// Of a tail of bytes that never change: the value of `items`' representation that begins `at` bytes behind its
            /// start, aligned or not.
            fn bytes_int(&mut self, object: Self::Ref, at: Self::Int, items: &'static Items) -> Self::Int;
            fn bytes_flt(&mut self, object: Self::Ref, at: Self::Int, items: &'static Items) -> Self::Flt;
            fn set_item_ref(&mut self, object: Self::Ref, index: Self::Int, items: &'static Items, value: Self::Ref);
            fn set_item_int(&mut self, object: Self::Ref, index: Self::Int, items: &'static Items, value: Self::Int);
            fn set_item_flt(&mut self, object: Self::Ref, index: Self::Int, items: &'static Items, value: Self::Flt);
            fn init_item_ref(&mut self, object: Self::Ref, index: Self::Int, items: &'static Items, value: Self::Ref);
            /// Off the heap: `owner` keeps the buffer at `address` alive.
            fn raw_load_int(&mut self, owner: Self::Ref, address: Self::Int, index: Self::Int, repr: Repr) -> Self::Int;
            fn raw_load_flt(&mut self, owner: Self::Ref, address: Self::Int, index: Self::Int, repr: Repr) -> Self::Flt;
            fn raw_store_int(&mut self, owner: Self::Ref, address: Self::Int, index: Self::Int, repr: Repr, value: Self::Int);
            fn raw_store_flt(&mut self, owner: Self::Ref, address: Self::Int, index: Self::Int, repr: Repr, value: Self::Flt);
            /// A fresh object of `bytes` bytes; the handler initialises every field before its next event or call.
            #[allow(clippy::new_ret_no_self, clippy::wrong_self_convention)]
            fn new(&mut self, shape: ShapeId, bytes: u32) -> Self::Ref;
            /// A fresh object with a tail of `count` zeroed items; word 1 holds the count.
            fn new_items(&mut self, shape: ShapeId, fixed_bytes: u32, item_bytes: u32, count: Self::Int) -> Self::Ref;

            // Calls of ordinary Rust functions. A result of NULL from a callee that may raise means that an exception is
            // pending: ask with `is_null` and `decide`, then `take_exception`.
            fn call_ref(&mut self, callee: &'static Callee, operands: &[Operand<Self>]) -> Self::Ref;
            fn call_int(&mut self, callee: &'static Callee, operands: &[Operand<Self>]) -> Self::Int;
            fn call_flt(&mut self, callee: &'static Callee, operands: &[Operand<Self>]) -> Self::Flt;
            fn call_bool(&mut self, callee: &'static Callee, operands: &[Operand<Self>]) -> Self::Bool;
            fn call_slice(&mut self, callee: &'static Callee, first: Self::Ref, rest: &[Self::Ref]) -> Self::Ref;
            /// The pending exception; a side effect.
            fn take_exception(&mut self) -> Self::Ref;

            // Events.
            /// Turns a traced truth into a Rust one: the identity here, a guard in a trace.
            fn decide(&mut self, condition: Self::Bool) -> bool;
            fn promote_int(&mut self, x: Self::Int) -> i64;
            fn promote_ref(&mut self, x: Self::Ref) -> Value;
            /// Has traces work best while the number is as small as it is, if it is small. No event.
            fn expect_small(&mut self, x: Self::Int);
            /// A read of mutable Rust-side state: `read` returns an immortal result that is valid while an assumption holds.
            /// A function of `key` and the assumption's version alone, without side effects. `site` is the reading
            /// instruction's inline cache, which the direct interpreter consults.
            fn lookup<T: 'static>(
                &mut self,
                site: &'static Site,
                key: i64,
                read: impl FnOnce(&mut <Self::L as Language>::Context) -> Lookup<T>,
            ) -> &'static T;
            /// What the cache of this instruction has under the shape of `object` as key, if it is the direct interpreter's: it need not
            /// find out first what the object is. `None` on other machines.
            fn cached<T: 'static>(&mut self, site: &'static Site, object: Self::Ref) -> Option<&'static T>;
            /// Whether what the instruction of this cache finds varied so much that traces have no path for each any more. A handler
            /// then promotes nothing that varies, but calls in the general way. A read of Rust-side state like `lookup`: what
            /// relied on the other answer falls when it changes, which it does once.
            fn is_varied(&mut self, site: &'static Site) -> bool;
            /// The guest value in the constant table at `handle` (see `Thread::constants`); constant in a trace.
            fn handle(&mut self, handle: Handle) -> Self::Ref;

            // Frames.
            /// Room for a frame of `code` on top of the stack, all slots NULL; `None`: the recursion limit is reached.
            fn window(&mut self, code: &'static <Self::L as Language>::Code) -> Option<*mut Self::Ref>;
            /// Gives back a window that was not entered.
            fn drop_window(&mut self, window: *mut Self::Ref);
            /// The end of a handler that calls guest code (Flow::Call): `frame.pc` is the instruction after the call and
            /// `frame.sp` what the caller's stack is without the callee's operands. `sp` is the callee's first stack slot.
            fn enter(
                &mut self,
                frame: &mut Frame<Self::L, Self::Ref>,
                code: &'static <Self::L as Language>::Code,
                window: *mut Self::Ref,
                pc: u32,
                sp: u32,
            ) -> Entered<Self::Ref>;
            /// The current frame returned or raised.
            fn finish(&mut self, frame: &mut Frame<Self::L, Self::Ref>, result: Result<Self::Ref, Self::Ref>) -> Finished<Self::Ref>;
            /// A call of guest code in mid-handler (an operator method): recurses natively.
            fn call_code(
                &mut self,
                code: &'static <Self::L as Language>::Code,
                window: *mut Self::Ref,
                pc: u32,
                sp: u32,
            ) -> Result<Self::Ref, Self::Ref>;
            /// Before each instruction. `Some`: leave the dispatch loop with this.
            fn boundary(&mut self, frame: &mut Frame<Self::L, Self::Ref>) -> Option<Leave<Self::Ref>>;
            /// At a backward jump, after `frame.pc` was set to the loop's header: compiled code may run here, and `frame`
            /// is then whatever frame the guest is in afterwards.
            fn back_edge(&mut self, frame: &mut Frame<Self::L, Self::Ref>) -> Option<Leave<Self::Ref>>;
            /// Whether somebody asked for attention (signals, collection, thread switch). At back edges and entries; its
            /// guard never becomes a bridge.
            fn poll(&mut self) -> bool;

            /// Whether a debugger or profiler is to be told of what happens; false while a trace is recorded or a handler
            /// replayed, because nothing is then (see [`crate::Thread::observed`]). No event.
            fn observed(&mut self) -> bool;

            /// The guest's state, for what is neither observable nor mutable by guest code.
            fn context(&mut self) -> &mut <Self::L as Language>::Context;
        }
    };
}

pure_ops! { define_machine }
