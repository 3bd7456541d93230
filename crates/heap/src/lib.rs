//! The moving collector.
//!
//! A generational heap: objects are born in a nursery, survivors move once, to old space. The native stack is scanned
//! conservatively, so Rust code and compiled code hold plain [`Value`]s across allocations; `docs/heap.md` numbers the
//! invariants that the `SAFETY` comments here refer to.

mod alloc;
mod allocator;
mod barrier;
mod census;
mod death;
mod evacuate;
mod full;
mod header;
mod heap;
mod identity;
mod immortal;
mod large;
mod layout;
mod mark;
mod memory;
mod minor;
mod native_stack;
mod nursery;
mod old;
mod pauses;
mod policy;
mod pressure;
mod referrers;
mod refusal;
mod roots;
mod shapes;
mod small_blocks;
mod value;
mod verify;
mod watch;

pub use alloc::{alloc_buffer, heap_alloc_slow};
pub use allocator::{
    Allocator, ensure_reserve, has_reserve, on_reserve_used, release_reserve, reserve_bytes, take_reserve_used,
};
pub use barrier::{heap_barrier_slot_slow, heap_barrier_slow};
pub use census::{Counted, Counts};
pub use header::{TRACK, fresh_header, set_shape, shape_of};
pub use heap::{Config, Heap, Stats};
pub use layout::{Finalize, Layout, RefMask, ShapeId, Tail};
pub use native_stack::NativeStack;
pub use pauses::{Pauses, Phase, Times};
pub use policy::{Generation, Policy};
pub use refusal::{
    MakeRoom, OutOfMemory, address_space, caught, collected, copied, ensure_room, filled, joined, refuse, repeated,
    share_of_address_space, vec_with_capacity, zeros,
};
pub use roots::{RootVisitor, save_registers};
pub use small_blocks::keep_small_blocks;
pub use value::Value;
pub use watch::{Allocation, Followed, Watcher, Wish};

/// Objects above this size in bytes live in large-object space.
pub const LARGE_BYTES: usize = 8 << 10;
