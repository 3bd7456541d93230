//! Allocations that somebody watches: where an object was made, and whether it still lives.
//!
//! A watcher is shown allocations and gives those that it wants to follow a tag. The heap keeps their addresses, which
//! change as objects move, and drops the dead. Either each allocation is shown: then every one takes the slow path, also
//! in compiled code, as the nursery's limit stands at its first free byte. Or only those that take it anyway, some 32 KiB
//! apart. Without a watcher the slow path pays a test.

use crate::header::load;
use crate::{Finalize, Heap, Tail, Value};

/// What a watcher is shown. The object has a header and nothing else yet, unless it gets a buffer.
pub struct Allocation {
    pub object: Value,
    /// The bytes are those of a buffer off the heap, which this object gets.
    pub is_buffer: bool,
    pub bytes: usize,
    /// Bytes allocated since the watcher was last shown something, these included.
    pub since: usize,
}

/// What a watcher wants.
#[derive(Clone, Copy, Default, Debug)]
pub struct Wish {
    /// Follow this object, under this tag.
    pub tag: Option<u32>,
    /// Show each allocation from now on.
    pub each: bool,
}

/// An object that is followed.
#[derive(Clone, Copy, Debug)]
pub struct Followed {
    pub object: Value,
    pub bytes: usize,
    pub tag: u32,
}

/// It must not touch the heap.
pub type Watcher = Box<dyn FnMut(&Allocation) -> Wish>;

#[derive(Default)]
pub(crate) struct Watch {
    watcher: Option<Watcher>,
    pub each: bool,
    young: Vec<Followed>,
    old: Vec<Followed>,
    /// Bytes of what is followed, and the most there was.
    bytes: usize,
    peak: usize,
    /// Where the last allocation shown ended, to count what lies between.
    seen: usize,
}

impl Heap {
    /// Shows allocations to `watcher`, from now on each or only some; what is followed is forgotten.
    pub fn watch(&mut self, watcher: Watcher, each: bool) {
        self.watch = Watch { watcher: Some(watcher), each, seen: self.free, ..Watch::default() };
        if each {
            self.limit = self.free;
        }
    }

    /// Nobody watches any more.
    pub fn unwatch(&mut self) {
        self.watch = Watch::default();
    }

    /// Forgets what is followed.
    pub fn forget_followed(&mut self) {
        self.watch.young.clear();
        self.watch.old.clear();
        (self.watch.bytes, self.watch.peak) = (0, 0);
    }

    /// Forgets how much there was.
    pub fn reset_followed_peak(&mut self) {
        self.watch.peak = self.watch.bytes;
    }

    /// What is followed, dead objects that no collection has found included.
    pub fn followed(&self) -> impl Iterator<Item = &Followed> {
        self.watch.old.iter().chain(&self.watch.young)
    }

    /// Bytes of what is followed, and the most there was; buffers off the heap not counted.
    pub fn followed_bytes(&self) -> (usize, usize) {
        (self.watch.bytes, self.watch.peak)
    }

    /// Bytes of an object and the buffer that it owns, as its content asks for them: not rounded up.
    pub fn bytes_with_buffer(&self, object: Value) -> usize {
        assert!(object.is_object());
        let address = object.0 as usize;
        // SAFETY: a heap pointer is the address of an object (invariant 2), whose tail is counted in word 1, and of whose
        // buffer word 3 says the length.
        unsafe {
            let layout = self.layout(crate::shape_of(object));
            let own = match layout.tail {
                Tail::Bytes => layout.fixed_words as usize * 8 + load(address + 8) as usize,
                _ => self.size_of(object),
            };
            own + if layout.finalize == Finalize::OffHeap { load(address + 24) as usize } else { 0 }
        }
    }

    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.watch.watcher.is_some()
    }

    /// [`Heap::add_pressure`], of the buffer of an object; a watcher is shown what is added.
    pub fn add_buffer(&mut self, owner: Value, bytes: isize) {
        self.add_pressure(bytes);
        if bytes > 0 && self.is_watched() {
            self.tell(&Allocation { object: owner, is_buffer: true, bytes: bytes as usize, since: bytes as usize });
        }
    }

    /// Shows an allocation that took the slow path.
    #[cold]
    #[inline(never)]
    pub(crate) fn show(&mut self, object: Value, bytes: usize) {
        // Between two slow paths lies at most a gap.
        let since = if self.nursery.contains(object.0 as usize) && object.0 as usize >= self.watch.seen {
            object.0 as usize + bytes - self.watch.seen
        } else {
            bytes
        };
        self.watch.seen = self.free;
        self.tell(&Allocation { object, is_buffer: false, bytes, since });
    }

    fn tell(&mut self, allocation: &Allocation) {
        let &Allocation { object, bytes, .. } = allocation;
        let Some(mut watcher) = self.watch.watcher.take() else { return };
        let wish = watcher(allocation);
        self.watch.watcher = Some(watcher);
        if let Some(tag) = wish.tag {
            self.watch.young.push(Followed { object, bytes, tag });
            self.watch.bytes += bytes;
            self.watch.peak = self.watch.peak.max(self.watch.bytes);
        }
        self.watch.each = wish.each;
        if wish.each {
            self.limit = self.free;
        }
    }

    /// After a minor collection: what has moved, and what is dead.
    pub(crate) unsafe fn settle_followed_young(&mut self) {
        for mut followed in std::mem::take(&mut self.watch.young) {
            // SAFETY: the list holds objects that were young at the start of this collection, or old.
            match unsafe { self.fate(followed.object.0 as usize) } {
                Some(object) => {
                    followed.object = Value(object as u64);
                    let young = self.nursery.contains(object);
                    if young { self.watch.young.push(followed) } else { self.watch.old.push(followed) }
                }
                None => self.watch.bytes -= followed.bytes,
            }
        }
    }

    /// When marking has ended: what is dead.
    pub(crate) unsafe fn settle_followed_old(&mut self) {
        for followed in std::mem::take(&mut self.watch.old) {
            // SAFETY: the list holds old objects.
            if unsafe { self.marked_fate(followed.object.0 as usize) }.is_some() {
                self.watch.old.push(followed);
            } else {
                self.watch.bytes -= followed.bytes;
            }
        }
    }
}
