//! A growable set of small integers, one bit each.

use std::fmt;

/// A set of `usize`; it grows to the largest member.
#[derive(Clone, Default)]
pub struct BitSet {
    words: Vec<u64>,
}

impl BitSet {
    pub const fn new() -> BitSet {
        BitSet { words: Vec::new() }
    }

    /// An empty set with room for `0..bits`.
    pub fn with_capacity(bits: usize) -> BitSet {
        BitSet { words: vec![0; bits.div_ceil(64)] }
    }

    #[inline]
    pub fn contains(&self, bit: usize) -> bool {
        self.words.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 != 0)
    }

    /// Whether the bit is new.
    #[inline]
    pub fn insert(&mut self, bit: usize) -> bool {
        if bit / 64 >= self.words.len() {
            self.words.resize(bit / 64 + 1, 0);
        }
        let word = &mut self.words[bit / 64];
        let new = *word >> (bit % 64) & 1 == 0;
        *word |= 1 << (bit % 64);
        new
    }

    /// Whether the bit was there.
    #[inline]
    pub fn remove(&mut self, bit: usize) -> bool {
        let was = self.contains(bit);
        if was {
            self.words[bit / 64] &= !(1 << (bit % 64));
        }
        was
    }

    /// Empties the set and keeps its memory.
    pub fn clear(&mut self) {
        self.words.fill(0)
    }

    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// The number of members.
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Adds the members of `other`; whether that changed anything.
    pub fn union_with(&mut self, other: &BitSet) -> bool {
        if other.words.len() > self.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        let mut changed = false;
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            changed |= theirs & !*mine != 0;
            *mine |= theirs;
        }
        changed
    }

    /// Keeps only the members that `other` has too.
    pub fn intersect_with(&mut self, other: &BitSet) {
        for (i, mine) in self.words.iter_mut().enumerate() {
            *mine &= other.words.get(i).copied().unwrap_or(0);
        }
    }

    /// Removes the members of `other`.
    pub fn subtract(&mut self, other: &BitSet) {
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine &= !theirs;
        }
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(i, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
                rest &= rest - 1;
                Some(i * 64 + bit)
            })
        })
    }
}

/// Sets are equal when their members are; room to grow does not count.
impl PartialEq for BitSet {
    fn eq(&self, other: &BitSet) -> bool {
        let (short, long) = if self.words.len() < other.words.len() { (self, other) } else { (other, self) };
        let (same, rest) = long.words.split_at(short.words.len());
        same == short.words && rest.iter().all(|&word| word == 0)
    }
}

impl Eq for BitSet {}

impl FromIterator<usize> for BitSet {
    fn from_iter<It: IntoIterator<Item = usize>>(bits: It) -> BitSet {
        let mut set = BitSet::new();
        for bit in bits {
            set.insert(bit);
        }
        set
    }
}

impl fmt::Debug for BitSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::BitSet;

    #[test]
    fn set_algebra() {
        let mut a: BitSet = [1, 64, 200].into_iter().collect();
        let b: BitSet = [64, 3].into_iter().collect();
        assert!(a.union_with(&b));
        assert!(!a.union_with(&b));
        assert_eq!(a.iter().collect::<Vec<_>>(), [1, 3, 64, 200]);
        a.intersect_with(&b);
        assert_eq!(a, b);
        assert!(a.remove(3) && !a.remove(3) && !a.insert(64));
        assert_eq!(a.count(), 1);
        a.subtract(&b);
        assert!(a.is_empty() && a == BitSet::new());
    }
}
