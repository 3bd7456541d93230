//! States of compressors, hashes and the like: Rust values that objects refer to by number.

/// A slot is taken out while it is in use.
pub struct Streams<T> {
    slots: Vec<Option<Box<T>>>,
    free: Vec<usize>,
}

impl<T> Default for Streams<T> {
    fn default() -> Streams<T> {
        Streams { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Streams<T> {
    /// The number of a new stream.
    pub fn add(&mut self, stream: T) -> i64 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[number] = Some(Box::new(stream));
        number as i64
    }

    pub fn take(&mut self, number: i64) -> Option<Box<T>> {
        self.slots.get_mut(usize::try_from(number).ok()?)?.take()
    }

    pub fn get_mut(&mut self, number: i64) -> Option<&mut T> {
        self.slots.get_mut(usize::try_from(number).ok()?)?.as_deref_mut()
    }

    /// Puts back what was taken.
    pub fn put(&mut self, number: i64, stream: Box<T>) {
        self.slots[number as usize] = Some(stream);
    }

    /// The number may be given to another stream.
    pub fn remove(&mut self, number: i64) {
        if let Ok(number) = usize::try_from(number)
            && number < self.slots.len()
        {
            self.slots[number] = None;
            self.free.push(number);
        }
    }
}
