//! A queue of records of words from a signal handler to a thread: one writer, one reader, no lock, no allocation.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) struct Ring {
    words: Box<[UnsafeCell<u64>]>,
    /// Words ever written and read; a record is written as a whole.
    written: AtomicUsize,
    read: AtomicUsize,
}

// SAFETY: a word is the writer's until `written` passes it, then the reader's until `read` does.
unsafe impl Sync for Ring {}

impl Ring {
    pub(super) fn new(words: usize) -> Ring {
        let words = (0..words).map(|_| UnsafeCell::new(0)).collect();
        Ring { words, written: AtomicUsize::new(0), read: AtomicUsize::new(0) }
    }

    /// Appends a record; false if there is no room.
    pub(super) fn push(&self, tag: u64, record: &[u64]) -> bool {
        let (written, read) = (self.written.load(Ordering::Relaxed), self.read.load(Ordering::Acquire));
        let needed = record.len() + 2;
        if written - read + needed > self.words.len() {
            return false;
        }
        let put = |at: usize, word: u64| {
            // SAFETY: the word is the writer's: there is room for it.
            unsafe { *self.words[(written + at) % self.words.len()].get() = word };
        };
        put(0, record.len() as u64);
        put(1, tag);
        for (at, &word) in record.iter().enumerate() {
            put(2 + at, word);
        }
        self.written.store(written + needed, Ordering::Release);
        true
    }

    /// Takes the oldest record; its tag.
    pub(super) fn pop(&self, record: &mut Vec<u64>) -> Option<u64> {
        let (written, read) = (self.written.load(Ordering::Acquire), self.read.load(Ordering::Relaxed));
        if written == read {
            return None;
        }
        // SAFETY: the word is the reader's: it has been written.
        let get = |at: usize| unsafe { *self.words[(read + at) % self.words.len()].get() };
        let (len, tag) = (get(0) as usize, get(1));
        record.clear();
        record.extend((0..len).map(|at| get(2 + at)));
        self.read.store(read + 2 + len, Ordering::Release);
        Some(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::Ring;

    #[test]
    fn records_come_out_as_they_went_in_and_none_when_it_is_full() {
        let ring = Ring::new(11);
        let mut record = Vec::new();
        for round in 0..10 {
            assert!(ring.push(round, &[round; 3]) && ring.push(round + 1, &[7]));
            assert!(!ring.push(0, &[1, 2]), "room for a record of one word");
            assert_eq!((ring.pop(&mut record), &record[..]), (Some(round), &[round; 3][..]));
            assert_eq!((ring.pop(&mut record), &record[..]), (Some(round + 1), &[7][..]));
            assert_eq!(ring.pop(&mut record), None);
        }
    }
}
