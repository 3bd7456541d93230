//! Old space: blocks of 32 KiB, divided into lines of 128 bytes.
//!
//! Survivors are bump-allocated into holes, runs of free lines; objects of more than a line that do not fit the current
//! hole go to fresh blocks (Blackburn and McKinley, Immix, PLDI 2008). Beside the blocks lie two bitmaps, one bit a word:
//! where objects start, and which are marked. Nothing here moves.

use crate::memory::{Table, discard, poison, populate};

pub(crate) const BLOCK_BYTES: usize = 32 << 10;
const LINE_BYTES: usize = 128;
const LINES: usize = BLOCK_BYTES / LINE_BYTES;
/// Words of each bitmap that belong to one block.
const BITMAP_WORDS: usize = BLOCK_BYTES / 8 / 64;
/// Fresh blocks are faulted in by so many.
const POPULATE_BLOCKS: usize = 8;

pub(crate) struct OldSpace {
    pub start: usize,
    pub bytes: usize,
    /// For each block that was ever used: whether it is now.
    in_use: Vec<bool>,
    /// One byte a line: whether a marked object touches it.
    lines: Table<u8>,
    /// One bit a word: whether an object, or a slot reserved by `id()`, starts there.
    starts: Table<u64>,
    marks: Table<u64>,
    free_blocks: Vec<u32>,
    /// Blocks in use that have free lines.
    recyclable: Vec<u32>,
    /// The hole being filled, `cursor..end`.
    cursor: usize,
    end: usize,
    /// The block being filled with medium objects.
    medium_cursor: usize,
    medium_end: usize,
    /// Where the search for the next hole goes on.
    hole_block: Option<u32>,
    hole_line: usize,
    /// Bytes handed out since the last sweep.
    pub allocated: usize,
    /// Bytes of the lines in use at the last sweep.
    pub swept_live: usize,
    poison: bool,
}

impl OldSpace {
    pub fn new(start: usize, bytes: usize, poison: bool) -> OldSpace {
        OldSpace {
            start,
            bytes,
            in_use: Vec::new(),
            lines: Table::new(bytes / LINE_BYTES),
            starts: Table::new(bytes / 8 / 64),
            marks: Table::new(bytes / 8 / 64),
            free_blocks: Vec::new(),
            recyclable: Vec::new(),
            cursor: 0,
            end: 0,
            medium_cursor: 0,
            medium_end: 0,
            hole_block: None,
            hole_line: 0,
            allocated: 0,
            swept_live: 0,
            poison,
        }
    }

    #[inline(always)]
    pub fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.start) < self.bytes
    }

    /// Room for an object of `bytes` bytes (at most a block), whose start bit is set.
    #[inline(always)]
    pub fn alloc(&mut self, bytes: usize) -> usize {
        let object = self.cursor;
        let object = if object + bytes <= self.end {
            self.cursor = object + bytes;
            object
        } else {
            self.alloc_slow(bytes)
        };
        let word = (object - self.start) >> 3;
        *self.starts.at(word >> 6) |= 1 << (word & 63);
        self.allocated += bytes;
        object
    }

    #[cold]
    #[inline(never)]
    fn alloc_slow(&mut self, bytes: usize) -> usize {
        debug_assert!(bytes <= BLOCK_BYTES);
        if bytes > LINE_BYTES {
            // The hole is kept for small objects.
            if self.medium_cursor + bytes > self.medium_end {
                self.medium_cursor = self.take_block();
                self.medium_end = self.medium_cursor + BLOCK_BYTES;
            }
            self.medium_cursor += bytes;
            return self.medium_cursor - bytes;
        }
        // A hole is at least a line, so the object fits.
        (self.cursor, self.end) = match self.next_hole() {
            Some(hole) => hole,
            None => {
                let block = self.take_block();
                (block, block + BLOCK_BYTES)
            }
        };
        self.cursor += bytes;
        self.cursor - bytes
    }

    /// The next run of free lines in the recyclable blocks.
    fn next_hole(&mut self) -> Option<(usize, usize)> {
        loop {
            let block = match self.hole_block {
                Some(block) => block as usize,
                None => {
                    self.hole_line = 0;
                    let block = self.recyclable.pop()?;
                    self.hole_block = Some(block);
                    block as usize
                }
            };
            let lines = self.lines.slice(block * LINES, LINES);
            if let Some(free) = lines[self.hole_line..].iter().position(|&used| used == 0) {
                let first = self.hole_line + free;
                let length = lines[first..].iter().position(|&used| used != 0).unwrap_or(LINES - first);
                self.hole_line = first + length;
                let start = self.block_address(block) + first * LINE_BYTES;
                return Some((start, start + length * LINE_BYTES));
            }
            self.hole_block = None;
        }
    }

    /// The address of an empty block.
    fn take_block(&mut self) -> usize {
        let block = self.free_blocks.pop().unwrap_or_else(|| {
            let block = self.in_use.len();
            assert!((block + 1) * BLOCK_BYTES <= self.bytes, "the heap is full: {} bytes of old space", self.bytes);
            if block.is_multiple_of(POPULATE_BLOCKS) && (block + POPULATE_BLOCKS) * BLOCK_BYTES <= self.bytes {
                populate(self.block_address(block), POPULATE_BLOCKS * BLOCK_BYTES);
            }
            self.in_use.push(false);
            block as u32
        }) as usize;
        self.in_use[block] = true;
        self.block_address(block)
    }

    fn block_address(&self, block: usize) -> usize {
        self.start + block * BLOCK_BYTES
    }

    /// Whether an object, or a reserved slot, starts at this address.
    pub fn is_start(&self, address: usize) -> bool {
        address & 7 == 0 && self.contains(address) && bit(&self.starts, address - self.start)
    }

    #[inline(always)]
    pub fn is_marked(&self, object: usize) -> bool {
        bit(&self.marks, object - self.start)
    }

    /// Sets the mark bit; whether it was clear.
    #[inline(always)]
    pub fn mark(&mut self, object: usize) -> bool {
        let word = (object - self.start) >> 3;
        let bits = self.marks.at(word >> 6);
        let new = *bits >> (word & 63) & 1 == 0;
        *bits |= 1 << (word & 63);
        new
    }

    /// Marks the lines of an object of `bytes` bytes.
    #[inline(always)]
    pub fn mark_lines(&mut self, object: usize, bytes: usize) {
        let offset = object - self.start;
        for line in offset / LINE_BYTES..=(offset + bytes - 1) / LINE_BYTES {
            *self.lines.at(line) = 1;
        }
    }

    /// The start of the last object at or before `address` in its block.
    pub fn start_before(&self, address: usize) -> Option<usize> {
        let block = (address - self.start) / BLOCK_BYTES;
        if !self.in_use.get(block).copied().unwrap_or(false) {
            return None;
        }
        let starts = self.starts.slice(block * BITMAP_WORDS, BITMAP_WORDS);
        let word = (address - self.block_address(block)) >> 3;
        let mut index = word >> 6;
        let mut bits = starts[index] & (u64::MAX >> (63 - (word & 63)));
        while bits == 0 {
            index = index.checked_sub(1)?;
            bits = starts[index];
        }
        Some(self.block_address(block) + (index * 64 + 63 - bits.leading_zeros() as usize) * 8)
    }

    /// Every object start, reserved slots included. After a sweep these are the live objects.
    pub fn for_each_start(&self, mut visit: impl FnMut(usize)) {
        for block in (0..self.in_use.len()).filter(|&block| self.in_use[block]) {
            for index in 0..BITMAP_WORDS {
                let mut bits = self.starts.get(block * BITMAP_WORDS + index);
                while bits != 0 {
                    visit(self.block_address(block) + (index * 64 + bits.trailing_zeros() as usize) * 8);
                    bits &= bits - 1;
                }
            }
        }
    }

    /// Before marking: no object and no line is marked.
    pub fn clear_marks(&mut self) {
        self.marks.slice_mut(0, self.in_use.len() * BITMAP_WORDS).fill(0);
        self.lines.slice_mut(0, self.in_use.len() * LINES).fill(0);
    }

    /// After marking: what is not marked is free. The marks stay: they tell what has survived a full collection.
    pub fn sweep(&mut self) {
        (self.cursor, self.end, self.medium_cursor, self.medium_end) = (0, 0, 0, 0);
        (self.hole_block, self.hole_line) = (None, 0);
        self.recyclable.clear();
        self.free_blocks.clear();
        let mut used_lines = 0;
        for block in (0..self.in_use.len()).rev() {
            if self.in_use[block] {
                used_lines += self.sweep_block(block);
            }
            if !self.in_use[block] {
                self.free_blocks.push(block as u32);
            }
        }
        self.swept_live = used_lines * LINE_BYTES;
        self.allocated = 0;
        self.release_surplus();
    }

    /// The number of lines in use.
    fn sweep_block(&mut self, block: usize) -> usize {
        let marks = self.marks.slice(block * BITMAP_WORDS, BITMAP_WORDS);
        self.starts.slice_mut(block * BITMAP_WORDS, BITMAP_WORDS).copy_from_slice(marks);
        let lines = self.lines.slice(block * LINES, LINES);
        let used = lines.iter().map(|&line| line as usize).sum();
        if self.poison {
            for (i, _) in lines.iter().enumerate().filter(|(_, used)| **used == 0) {
                let line = self.block_address(block) + i * LINE_BYTES;
                poison(line, line + LINE_BYTES);
            }
        }
        self.in_use[block] = used != 0;
        // A block that is nearly full is not worth a visit.
        if used != 0 && used <= LINES - 8 {
            self.recyclable.push(block as u32);
        }
        used
    }

    /// Free blocks beyond a quarter of the space (and 8 MiB) go back to the system, the highest first.
    fn release_surplus(&mut self) {
        let kept = (256 + self.in_use.len() / 4).min(self.free_blocks.len());
        // Ascending blocks are popped last, so the surplus lies at the front.
        for i in 0..self.free_blocks.len() - kept {
            discard(self.block_address(self.free_blocks[i] as usize), BLOCK_BYTES);
        }
    }
}

/// The bit of the word at `offset` bytes from the start of the space.
#[inline(always)]
fn bit(map: &Table<u64>, offset: usize) -> bool {
    map.get(offset >> 9) >> (offset >> 3 & 63) & 1 != 0
}
