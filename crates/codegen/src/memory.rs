//! Executable memory, never writable and executable at once.
//!
//! Address space is reserved once; each piece of code takes whole pages of it, is written while they are writable and
//! then sealed for good. Pages are never opened again, because another thread may be running code on them. Whole pages
//! cost half a page of waste a trace and one `mprotect`; two mappings of one file would pack tighter, but leave every
//! page writable at a second address.

use crate::backend::CompileError;
use std::ptr;

/// A reservation and what of it is taken.
#[derive(Debug)]
pub struct CodeMemory {
    base: usize,
    reserved_bytes: usize,
    /// Bytes handed out from `base`.
    top: usize,
    /// Regions given back: (address, bytes), page-aligned.
    free: Vec<(usize, usize)>,
    used_bytes: usize,
    page_bytes: usize,
    /// Where in its pages the next code starts; see [`CodeMemory::color`].
    next_color: usize,
}

/// Finished code in its pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Published {
    pub(crate) entry: usize,
    /// The pages: address and bytes.
    pub(crate) region: (usize, usize),
}

/// Code starts at a multiple of this: a cache line.
const ALIGNMENT: usize = 64;
/// Lines from one start to the next, so that starts spread over the cache.
const COLOR_STEP: usize = 5 * ALIGNMENT;

impl CodeMemory {
    /// Reserves addresses.
    pub fn reserve(bytes: usize) -> Result<CodeMemory, CompileError> {
        // SAFETY: a fresh private mapping; nothing refers to it.
        let base = unsafe {
            libc::mmap(
                ptr::null_mut(),
                bytes,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(CompileError::NoMemory);
        }
        // SAFETY: a query without preconditions.
        let page_bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        Ok(CodeMemory {
            base: base as usize,
            reserved_bytes: bytes,
            top: 0,
            free: Vec::new(),
            used_bytes: 0,
            page_bytes,
            next_color: 0,
        })
    }

    /// Two reservations side by side, of which nothing is taken.
    pub fn halves(mut self) -> (CodeMemory, CodeMemory) {
        assert_eq!(self.top, 0, "some of it is taken");
        let half = (self.reserved_bytes / 2).next_multiple_of(self.page_bytes).min(self.reserved_bytes);
        let rest = CodeMemory {
            base: self.base + half,
            reserved_bytes: self.reserved_bytes - half,
            top: 0,
            free: Vec::new(),
            used_bytes: 0,
            page_bytes: self.page_bytes,
            next_color: 0,
        };
        self.reserved_bytes = half;
        (self, rest)
    }

    /// Copies `code` to fresh pages and seals them.
    pub(crate) fn publish(&mut self, code: &[u8]) -> Result<Published, CompileError> {
        let bytes = code.len().max(1).next_multiple_of(self.page_bytes);
        let address = self.take(bytes).ok_or(CompileError::NoMemory)?;
        let start = address as *mut libc::c_void;
        let entry = address + self.color(bytes - code.len());
        // SAFETY: the pages belong to this reservation and hold no live code (`take`), so they can be opened and
        // written; the copy stays inside them.
        let sealed = unsafe {
            if libc::mprotect(start, bytes, libc::PROT_READ | libc::PROT_WRITE) != 0 {
                return Err(CompileError::NoMemory);
            }
            ptr::copy_nonoverlapping(code.as_ptr(), entry as *mut u8, code.len());
            libc::mprotect(start, bytes, libc::PROT_READ | libc::PROT_EXEC)
        };
        if sealed != 0 {
            return Err(CompileError::NoMemory);
        }
        flush_instruction_cache(entry, code.len());
        self.used_bytes += bytes;
        Ok(Published { entry, region: (address, bytes) })
    }

    /// Where in its pages code starts that leaves `slack` bytes of them free. If all code started at a page's first byte,
    /// the hottest lines of all traces would fight for the same sets of the instruction cache.
    fn color(&mut self, slack: usize) -> usize {
        self.next_color += COLOR_STEP;
        self.next_color % ((slack / ALIGNMENT + 1) * ALIGNMENT)
    }

    /// Takes a region back and returns its pages to the system.
    ///
    /// # Safety
    /// The region came from [`CodeMemory::publish`] and nothing can run it any more.
    pub(crate) unsafe fn release(&mut self, (address, bytes): (usize, usize)) {
        // Another backend's, which a fork has left behind.
        if !(self.base..self.base + self.reserved_bytes).contains(&address) {
            return;
        }
        // SAFETY: the caller guarantees that the region is ours and unreachable.
        unsafe {
            libc::mprotect(address as *mut libc::c_void, bytes, libc::PROT_NONE);
            libc::madvise(address as *mut libc::c_void, bytes, libc::MADV_DONTNEED);
        }
        self.used_bytes -= bytes;
        self.free.push((address, bytes));
        // Neighbours become one, or ever smaller pieces would be all there is.
        self.free.sort_unstable();
        self.free.dedup_by(|next, before| {
            let joins = before.0 + before.1 == next.0;
            if joins {
                before.1 += next.1;
            }
            joins
        });
    }

    pub(crate) fn used_bytes(&self) -> usize {
        self.used_bytes
    }

    fn take(&mut self, bytes: usize) -> Option<usize> {
        if let Some(at) = self.free.iter().position(|&(_, size)| size >= bytes) {
            let (address, size) = self.free[at];
            if size == bytes {
                self.free.swap_remove(at);
            } else {
                self.free[at] = (address + bytes, size - bytes);
            }
            return Some(address);
        }
        if self.top + bytes > self.reserved_bytes {
            return None;
        }
        let address = self.base + self.top;
        self.top += bytes;
        Some(address)
    }
}

impl Drop for CodeMemory {
    fn drop(&mut self) {
        // SAFETY: the mapping is this reservation's own; who drops the backend runs none of its code any more.
        unsafe { libc::munmap(self.base as *mut libc::c_void, self.reserved_bytes) };
    }
}

/// x86-64 keeps instruction caches coherent by itself.
#[cfg(target_arch = "x86_64")]
fn flush_instruction_cache(_address: usize, _bytes: usize) {}

#[cfg(not(target_arch = "x86_64"))]
fn flush_instruction_cache(address: usize, bytes: usize) {
    unsafe extern "C" {
        fn __clear_cache(start: *mut libc::c_char, end: *mut libc::c_char);
    }
    // SAFETY: the range was just written and is mapped.
    unsafe { __clear_cache(address as *mut libc::c_char, (address + bytes) as *mut libc::c_char) }
}
