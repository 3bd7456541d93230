//! Old space: blocks of 32 KiB, divided into lines of 128 bytes.
//!
//! Survivors are bump-allocated into holes, runs of free lines; objects of more than a line that do not fit the current
//! hole go to holes of 8 KiB and more, or to fresh blocks (Blackburn and McKinley, Immix, PLDI 2008). Beside the blocks lie two bitmaps, one bit a word:
//! where objects start, and which are marked. Nothing here moves.
//!
//! A line in use holds the *epoch*, the number of the marking that reached it. While the next marking is under way the
//! lines of both epochs are in use; sweeping a block frees the older ones. Blocks are swept in ascending order, some after
//! each minor collection and some where a hole is wanted.

mod fill;

pub(crate) use fill::Fill;

use crate::memory::{HUGE_BYTES, Table, advise_huge, discard, give_up, poison, populate};

pub(crate) const BLOCK_BYTES: usize = 32 << 10;
const LINE_BYTES: usize = 128;
const LINES: usize = BLOCK_BYTES / LINE_BYTES;
/// Words of each bitmap that belong to one block.
const BITMAP_WORDS: usize = BLOCK_BYTES / 8 / 64;
/// What a line holds that was handed out since its block was swept.
const TAKEN: u8 = 255;
/// A hole of so many lines has room for every object that is not large.
const ROOMY_LINES: usize = crate::LARGE_BYTES / LINE_BYTES;
const PAGE_LINES: usize = 4096 / LINE_BYTES;
/// Fresh blocks are faulted in by so many.
const POPULATE_BLOCKS: usize = 8;
/// From this size on, old space grows by huge pages: the faults of small ones would take a fifth of the time.
const HUGE_FROM: usize = 32 << 20;
/// So many blocks are swept where a hole is wanted and none is known.
const SWEEP_FOR_HOLE: usize = 8;
/// Free blocks that stay with the process.
const KEPT_BLOCKS: usize = 256;
/// So many that were in use lately: a program that builds its data anew shall not wait for the system to zero pages.
pub(crate) const RECENT_BLOCKS: usize = 4096;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Block {
    Used,
    /// In use when marking ended, not yet swept: its starts still name dead objects, its marks the live ones.
    Unswept,
    Free,
    /// Free, and its pages are given back to the system.
    Discarded,
}

pub(crate) struct OldSpace {
    pub start: usize,
    /// Bytes of the blocks that exist.
    pub bytes: usize,
    /// Blocks may not pass this address: large objects begin there.
    pub limit: usize,
    blocks: Vec<Block>,
    /// One byte a line: 0 (free), `TAKEN`, or the epoch of the marking that found it in use.
    lines: Table<u8>,
    /// One bit a word: whether an object, or a slot reserved by `id()`, starts there.
    starts: Table<u64>,
    marks: Table<u64>,
    epoch: u8,
    /// Blocks `Free` or `Discarded`; none lies below `first_free`.
    free_count: usize,
    first_free: usize,
    /// Swept blocks in use that have free lines.
    recyclable: Vec<u32>,
    /// Those of them that have, or had, a hole of `ROOMY_LINES`.
    roomy: Vec<u32>,
    /// The next block to sweep.
    sweep_at: usize,
    /// Blocks in state `Unswept`.
    unswept: usize,
    /// Blocks may be swept: nobody needs the dead objects any more.
    sweep_open: bool,
    /// The next block whose pages may be given back, going down.
    release_at: usize,
    /// Blocks in use when marking last ended, or three quarters of what stood here, if that was more.
    recent_blocks: usize,
    /// The hole being filled, `cursor..end`.
    cursor: usize,
    end: usize,
    /// The hole or block being filled with medium objects.
    medium_cursor: usize,
    medium_end: usize,
    /// Where the search for the next hole goes on.
    hole_block: Option<u32>,
    hole_line: usize,
    /// Bytes handed out since marking ended.
    pub allocated: usize,
    /// Bytes of the lines in use in the blocks swept since then.
    swept_live: usize,
    poison: bool,
}

impl OldSpace {
    /// Old space from `start` up; its tables cover `bytes` bytes.
    pub fn new(start: usize, bytes: usize, poison: bool) -> Option<OldSpace> {
        Some(OldSpace {
            start,
            bytes: 0,
            limit: start + bytes,
            blocks: Vec::new(),
            lines: Table::try_new(bytes / LINE_BYTES)?,
            starts: Table::try_new(bytes / 8 / 64)?,
            marks: Table::try_new(bytes / 8 / 64)?,
            epoch: 1,
            free_count: 0,
            first_free: 0,
            recyclable: Vec::new(),
            roomy: Vec::new(),
            sweep_at: 0,
            unswept: 0,
            sweep_open: true,
            release_at: 0,
            recent_blocks: 0,
            cursor: 0,
            end: 0,
            medium_cursor: 0,
            medium_end: 0,
            hole_block: None,
            hole_line: 0,
            allocated: 0,
            swept_live: 0,
            poison,
        })
    }

    #[inline(always)]
    pub fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.start) < self.bytes
    }

    /// The address behind the last block.
    pub fn top(&self) -> usize {
        self.start + self.bytes
    }

    /// Bytes in use, dead objects that no sweep has found included.
    pub fn used(&self) -> usize {
        self.swept_live + self.unswept * BLOCK_BYTES + self.allocated
    }

    /// Bytes of free blocks, those that do not exist yet included.
    pub fn free_bytes(&self) -> usize {
        self.limit - self.top() + self.free_count * BLOCK_BYTES
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
                (self.medium_cursor, self.medium_end) = match self.next_roomy_hole() {
                    Some(hole) => hole,
                    None => {
                        let block = self.take_block();
                        (block, block + BLOCK_BYTES)
                    }
                };
            }
            self.medium_cursor += bytes;
            return self.medium_cursor - bytes;
        }
        self.open_hole();
        self.cursor += bytes;
        self.cursor - bytes
    }

    /// Goes on to another hole. It is at least a line, so every small object fits.
    fn open_hole(&mut self) {
        (self.cursor, self.end) = match self.next_hole() {
            Some(hole) => hole,
            None => {
                let block = self.take_block();
                (block, block + BLOCK_BYTES)
            }
        };
    }

    /// The next run of free lines in the recyclable blocks.
    fn next_hole(&mut self) -> Option<(usize, usize)> {
        loop {
            let block = match self.hole_block {
                Some(block) => block as usize,
                None => {
                    self.hole_line = 0;
                    let block = match self.recyclable.pop() {
                        Some(block) => block,
                        None if self.unswept != 0 && self.sweep_open => {
                            self.sweep_some(SWEEP_FOR_HOLE);
                            continue;
                        }
                        None => return None,
                    };
                    self.hole_block = Some(block);
                    block as usize
                }
            };
            if let Some((first, length)) = self.find_hole(block, self.hole_line, 1) {
                self.hole_line = first + length;
                return Some(self.take_hole(block, first, length));
            }
            self.hole_block = None;
        }
    }

    /// The next hole in which every medium object has room.
    fn next_roomy_hole(&mut self) -> Option<(usize, usize)> {
        loop {
            let Some(&block) = self.roomy.last() else {
                if self.unswept == 0 || !self.sweep_open {
                    return None;
                }
                self.sweep_some(SWEEP_FOR_HOLE);
                continue;
            };
            if let Some((first, length)) = self.find_hole(block as usize, 0, ROOMY_LINES) {
                return Some(self.take_hole(block as usize, first, length));
            }
            self.roomy.pop();
        }
    }

    /// The first run of at least `wanted` free lines of a block from line `from` on: its first line and its length.
    fn find_hole(&self, block: usize, from: usize, wanted: usize) -> Option<(usize, usize)> {
        let lines = self.lines.slice(block * LINES, LINES);
        let mut at = from;
        loop {
            let first = at + lines[at..].iter().position(|&used| used == 0)?;
            let length = lines[first..].iter().position(|&used| used != 0).unwrap_or(LINES - first);
            if length >= wanted {
                return Some((first, length));
            }
            at = first + length;
        }
    }

    fn take_hole(&mut self, block: usize, first: usize, length: usize) -> (usize, usize) {
        self.lines.slice_mut(block * LINES + first, length).fill(TAKEN);
        let start = self.block_address(block) + first * LINE_BYTES;
        (start, start + length * LINE_BYTES)
    }

    /// The address of an empty block.
    fn take_block(&mut self) -> usize {
        let mut swept = 0;
        while self.free_count == 0 && self.unswept != 0 && self.sweep_open && swept < 8 * SWEEP_FOR_HOLE {
            self.sweep_some(SWEEP_FOR_HOLE);
            swept += SWEEP_FOR_HOLE;
        }
        if self.free_count == 0 && self.top() + BLOCK_BYTES > self.limit {
            self.sweep_some(usize::MAX);
        }
        let block = if self.free_count != 0 { self.take_free_block() } else { self.new_block() };
        if self.blocks[block] == Block::Discarded {
            self.populate_discarded(block);
        }
        self.blocks[block] = Block::Used;
        self.take_hole(block, 0, LINES).0
    }

    /// The lowest one.
    fn take_free_block(&mut self) -> usize {
        let is_free = |block: &Block| matches!(block, Block::Free | Block::Discarded);
        let ahead = self.blocks[self.first_free..].iter().position(is_free).expect("free blocks are counted");
        self.free_count -= 1;
        self.first_free += ahead + 1;
        self.first_free - 1
    }

    /// Faults in a block whose pages were given back, and those behind it that will be taken next.
    fn populate_discarded(&mut self, block: usize) {
        let end = self.blocks.len().min(block + POPULATE_BLOCKS);
        let run = self.blocks[block..end].iter().take_while(|block| **block == Block::Discarded).count();
        self.blocks[block..block + run].fill(Block::Free);
        populate(self.block_address(block), run * BLOCK_BYTES);
    }

    fn new_block(&mut self) -> usize {
        let block = self.blocks.len();
        let address = self.block_address(block);
        if address + BLOCK_BYTES > self.limit {
            give_up(self.bytes);
        }
        if self.bytes >= HUGE_FROM && address.is_multiple_of(HUGE_BYTES) && address + HUGE_BYTES <= self.limit {
            advise_huge(address, HUGE_BYTES);
        }
        if block.is_multiple_of(POPULATE_BLOCKS) && address + POPULATE_BLOCKS * BLOCK_BYTES <= self.limit {
            populate(address, POPULATE_BLOCKS * BLOCK_BYTES);
        }
        self.blocks.push(Block::Used);
        self.bytes += BLOCK_BYTES;
        block
    }

    /// Free blocks at the top cease to exist, so that large objects can have their addresses.
    pub fn trim(&mut self) {
        let is_free = |block: &Block| matches!(block, Block::Free | Block::Discarded);
        while self.blocks.last().is_some_and(is_free) {
            let block = self.blocks.len() - 1;
            if self.blocks[block] == Block::Free {
                // New blocks and large objects read as zero.
                discard(self.block_address(block), BLOCK_BYTES);
            }
            self.blocks.pop();
            self.free_count -= 1;
            self.bytes -= BLOCK_BYTES;
        }
        self.first_free = self.first_free.min(self.blocks.len());
    }

    fn block_address(&self, block: usize) -> usize {
        self.start + block * BLOCK_BYTES
    }

    /// The bitmap that says which objects of a block exist.
    fn existing(&self, block: usize) -> &[u64] {
        let map = if self.blocks[block] == Block::Unswept { &self.marks } else { &self.starts };
        map.slice(block * BITMAP_WORDS, BITMAP_WORDS)
    }

    /// Whether an object, or a reserved slot, starts at this address.
    pub fn is_start(&self, address: usize) -> bool {
        if address & 7 != 0 || !self.contains(address) {
            return false;
        }
        let word = ((address - self.start) % BLOCK_BYTES) / 8;
        self.existing((address - self.start) / BLOCK_BYTES)[word >> 6] >> (word & 63) & 1 != 0
    }

    #[inline(always)]
    pub fn is_marked(&self, object: usize) -> bool {
        let offset = object - self.start;
        self.marks.get(offset >> 9) >> (offset >> 3 & 63) & 1 != 0
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
        let epoch = self.epoch;
        for line in offset / LINE_BYTES..=(offset + bytes - 1) / LINE_BYTES {
            *self.lines.at(line) = epoch;
        }
    }

    /// [`OldSpace::mark_lines`] for an object of a line at most.
    #[inline(always)]
    pub fn mark_two_lines(&mut self, object: usize, bytes: usize) {
        debug_assert!(bytes <= LINE_BYTES);
        let offset = object - self.start;
        *self.lines.at(offset / LINE_BYTES) = self.epoch;
        *self.lines.at((offset + bytes - 1) / LINE_BYTES) = self.epoch;
    }

    /// Whether nothing else would be put where the object lies, nor its pages given back.
    pub fn lines_are_in_use(&self, object: usize, bytes: usize) -> bool {
        let offset = object - self.start;
        (offset / LINE_BYTES..=(offset + bytes - 1) / LINE_BYTES).all(|line| self.lines.get(line) != 0)
    }

    /// Whether this marking has marked the lines of the object.
    pub fn lines_are_marked(&self, object: usize, bytes: usize) -> bool {
        let offset = object - self.start;
        (offset / LINE_BYTES..=(offset + bytes - 1) / LINE_BYTES).all(|line| self.lines.get(line) == self.epoch)
    }

    /// The start of the last object at or before `address` in its block.
    pub fn start_before(&self, address: usize) -> Option<usize> {
        let block = (address - self.start) / BLOCK_BYTES;
        if matches!(self.blocks[block], Block::Free | Block::Discarded) {
            return None;
        }
        let starts = self.existing(block);
        let word = (address - self.block_address(block)) >> 3;
        let mut index = word >> 6;
        let mut bits = starts[index] & (u64::MAX >> (63 - (word & 63)));
        while bits == 0 {
            index = index.checked_sub(1)?;
            bits = starts[index];
        }
        Some(self.block_address(block) + (index * 64 + 63 - bits.leading_zeros() as usize) * 8)
    }

    /// Every object start, reserved slots included. Directly after a sweep these are the live objects.
    pub fn for_each_start(&self, visit: impl FnMut(usize)) {
        self.for_each_bit(|block| self.existing(block), visit)
    }

    /// Every marked object.
    pub fn for_each_marked(&self, visit: impl FnMut(usize)) {
        self.for_each_bit(|block| self.marks.slice(block * BITMAP_WORDS, BITMAP_WORDS), visit)
    }

    /// The next marked object in `at..end`.
    pub fn next_marked(&self, at: usize, end: usize) -> Option<usize> {
        let last = (end - self.start) / 8;
        let mut word = (at - self.start) / 8;
        while word < last {
            let bits = self.marks.get(word >> 6) >> (word & 63);
            if bits != 0 {
                return Some(self.start + (word + bits.trailing_zeros() as usize) * 8);
            }
            word = (word | 63) + 1;
        }
        None
    }

    fn for_each_bit<'a>(&'a self, map: impl Fn(usize) -> &'a [u64], mut visit: impl FnMut(usize)) {
        for block in 0..self.blocks.len() {
            if matches!(self.blocks[block], Block::Free | Block::Discarded) {
                continue;
            }
            for (index, &bits) in map(block).iter().enumerate() {
                let mut bits = bits;
                while bits != 0 {
                    visit(self.block_address(block) + (index * 64 + bits.trailing_zeros() as usize) * 8);
                    bits &= bits - 1;
                }
            }
        }
    }

    /// Before marking: no object is marked. All blocks are swept, so that each line in use is of the last epoch, or of one that
    /// was given up.
    pub fn begin_marking(&mut self) {
        debug_assert!(self.unswept == 0);
        self.marks.slice_mut(0, self.blocks.len() * BITMAP_WORDS).fill(0);
        self.epoch = self.epoch % 3 + 1;
    }

    /// After marking: what is not marked is free once its block is swept. No hole or block that is being filled goes on
    /// being filled, because the free lines of its block are not known.
    ///
    /// Until it is `open` no block is swept.
    pub fn begin_sweep(&mut self, open: bool) {
        self.sweep_open = open;
        (self.cursor, self.end, self.medium_cursor, self.medium_end) = (0, 0, 0, 0);
        (self.hole_block, self.hole_line) = (None, 0);
        self.recyclable.clear();
        self.roomy.clear();
        for block in self.blocks.iter_mut().filter(|block| **block == Block::Used) {
            *block = Block::Unswept;
        }
        self.unswept = self.blocks.len() - self.free_count;
        self.sweep_at = 0;
        self.recent_blocks = self.unswept.max(self.recent_blocks / 4 * 3);
        self.release_at = usize::MAX;
        self.swept_live = 0;
        self.allocated = 0;
    }

    /// From here on blocks may be swept.
    pub fn open_sweep(&mut self) -> bool {
        self.sweep_open = true;
        true
    }

    /// Sweeps up to `count` blocks; whether all are swept.
    pub fn sweep_some(&mut self, count: usize) -> bool {
        let mut swept = 0;
        while self.unswept != 0 && swept < count && self.sweep_open {
            if self.blocks[self.sweep_at] == Block::Unswept {
                self.sweep_block(self.sweep_at);
                swept += 1;
            }
            self.sweep_at += 1;
        }
        self.unswept == 0
    }

    fn sweep_block(&mut self, block: usize) {
        // The marks stay: they tell what has survived a full collection.
        let marks = self.marks.slice(block * BITMAP_WORDS, BITMAP_WORDS);
        self.starts.slice_mut(block * BITMAP_WORDS, BITMAP_WORDS).copy_from_slice(marks);
        let epoch = self.epoch;
        let mut used = 0;
        for line in self.lines.slice_mut(block * LINES, LINES) {
            let in_use = *line == epoch;
            *line = if in_use { epoch } else { 0 };
            used += in_use as usize;
        }
        if self.poison {
            let lines = self.lines.slice(block * LINES, LINES);
            for (i, _) in lines.iter().enumerate().filter(|(_, used)| **used == 0) {
                let line = self.block_address(block) + i * LINE_BYTES;
                poison(line, line + LINE_BYTES);
            }
        }
        self.unswept -= 1;
        self.swept_live += used * LINE_BYTES;
        if used == 0 {
            self.blocks[block] = Block::Free;
            self.free_count += 1;
            self.first_free = self.first_free.min(block);
        } else {
            self.blocks[block] = Block::Used;
            // A block that is nearly full is not worth a visit.
            if used <= LINES - 8 {
                self.recyclable.push(block as u32);
                if used <= LINES - ROOMY_LINES && self.find_hole(block, 0, ROOMY_LINES).is_some() {
                    self.roomy.push(block as u32);
                }
            }
        }
    }

    /// Before sweeping: the program wants back what memory there is.
    pub fn forget_recent(&mut self) {
        self.recent_blocks = 0;
    }

    /// After sweeping: the pages of free blocks beyond a quarter of the space (and 8 MiB, and what was in use lately, up to
    /// 128 MiB) go back to the system, the highest first, and where more than half of the blocks in use is free, the free pages in them. Looks at up to `count`
    /// blocks; whether all have been looked at.
    pub fn release_some(&mut self, count: usize) -> bool {
        let used_blocks = self.blocks.len() - self.free_count;
        let recent = self.recent_blocks.saturating_sub(used_blocks).min(RECENT_BLOCKS);
        let kept = KEPT_BLOCKS + (used_blocks / 4).max(recent);
        let is_sparse = self.used() + KEPT_BLOCKS * BLOCK_BYTES < used_blocks * BLOCK_BYTES / 2;
        let end = self.release_at.min(self.blocks.len());
        let stop = end.saturating_sub(count);
        let mut free_below = self.blocks[..end].iter().filter(|block| **block == Block::Free).count();
        let mut run_end = end;
        for at in (stop..end).rev() {
            if self.blocks[at] == Block::Free && free_below > kept {
                self.blocks[at] = Block::Discarded;
                free_below -= 1;
                continue;
            }
            self.discard_blocks(at + 1, run_end);
            run_end = at;
            if is_sparse && self.blocks[at] == Block::Used {
                self.discard_free_pages(at);
            }
        }
        self.discard_blocks(stop, run_end);
        self.release_at = stop;
        stop == 0
    }

    /// Gives back the pages of a block in which every line is free.
    fn discard_free_pages(&self, block: usize) {
        let mut from = 0;
        while let Some((first, length)) = self.find_hole(block, from, PAGE_LINES) {
            let (page, end) = (first.next_multiple_of(PAGE_LINES), (first + length) / PAGE_LINES * PAGE_LINES);
            if page < end {
                discard(self.block_address(block) + page * LINE_BYTES, (end - page) * LINE_BYTES);
            }
            from = first + length;
            if from == LINES {
                break;
            }
        }
    }

    fn discard_blocks(&self, first: usize, end: usize) {
        if first < end {
            discard(self.block_address(first), (end - first) * BLOCK_BYTES);
        }
    }
}
