//! What the guest's thread is at, for whoever interrupts it.

use std::sync::atomic::{AtomicU8, Ordering};

/// What the thread does instead of running the guest's program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub enum Activity {
    /// It does run it.
    Running,
    Recording,
    Optimising,
    /// Generating code, where that happens on the guest's thread.
    Compiling,
    /// Going from the interpreter into compiled code.
    Entering,
    /// Handing the frames of compiled code over to the interpreter.
    Leaving,
    Collecting,
    /// Moving a table that samples are taken from: none is taken.
    Moving,
}

impl Activity {
    const ALL: [Activity; 8] = {
        use Activity::*;
        [Running, Recording, Optimising, Compiling, Entering, Leaving, Collecting, Moving]
    };

    pub(crate) fn of_number(number: u64) -> Activity {
        Activity::ALL.get(number as usize).copied().unwrap_or(Activity::Running)
    }
}

/// The current activity. Atomic, because a signal handler reads it.
pub(crate) struct ActivityCell(AtomicU8);

impl Default for ActivityCell {
    fn default() -> ActivityCell {
        ActivityCell(AtomicU8::new(Activity::Running as u8))
    }
}

impl ActivityCell {
    pub(crate) fn get(&self) -> Activity {
        Activity::of_number(u64::from(self.0.load(Ordering::Relaxed)))
    }

    /// Begins another activity; the one to go back to with [`ActivityCell::back_to`].
    #[inline]
    pub(crate) fn begin(&self, activity: Activity) -> u8 {
        let before = self.0.load(Ordering::Relaxed);
        self.0.store(activity as u8, Ordering::Relaxed);
        before
    }

    #[inline]
    pub(crate) fn back_to(&self, before: u8) {
        self.0.store(before, Ordering::Relaxed);
    }
}
