//! Running each handler twice: at every event of a recording, the handlers in progress run again from their starts in a
//! second tracer, up to this event, and must arrive with the same value.
//!
//! The second tracer records nothing. It stops by unwinding: nothing after the event may be executed a second time.

use super::replay::Event;
use super::{Level, Mode, Tracer};
use crate::language::Language;
use ir::TraceKind;

/// Carried by the second tracer.
pub(crate) struct Check;

/// What the second tracer found: the value at the event.
struct Arrived(u64);

impl<L: Language> Tracer<L> {
    /// Called at the end of each event with the value decided or promoted.
    #[inline(always)]
    pub(crate) fn checked(&mut self, event: Event, bits: u64) {
        if self.check.is_some() && event == Event::Failing {
            std::panic::resume_unwind(Box::new(Arrived(bits)));
        }
        if self.double_run && event == Event::Guard && self.mode == Mode::Recording {
            self.run_twice(bits);
        }
    }

    #[cold]
    fn run_twice(&mut self, bits: u64) {
        let mut second = Tracer::<L>::new(self.context, TraceKind::Bridge, String::new());
        second.owner = self.owner;
        second.mode = Mode::Replaying;
        second.double_run = false;
        second.check = Some(Check);
        let count = self.levels.len();
        for (at, level) in self.levels.iter().enumerate().rev() {
            let mut copy = Level::new(level.code);
            copy.pc = level.pc;
            copy.slots = level.slots.clone();
            copy.waiting = level.waiting;
            let innermost = at + 1 == count;
            copy.side = !innermost || level.side;
            if copy.side && !copy.waiting {
                copy.log = level.log.clone();
            }
            // The event has been counted already.
            copy.until = level.events - innermost as u32;
            second.pending.push(copy);
        }
        let arrived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let frame = second.restore_group();
            L::run_traced(&mut second, frame);
        }));
        let level = self.innermost();
        let place = L::describe(level.code, level.pc);
        match arrived {
            Ok(()) => panic!("the second run did not reach event {}: {place}", level.events),
            Err(payload) => match payload.downcast::<Arrived>() {
                Ok(arrived) => assert!(
                    arrived.0 == bits,
                    "the second run found {:#x} instead of {bits:#x} at event {}: {place}",
                    arrived.0,
                    level.events
                ),
                Err(payload) => std::panic::resume_unwind(payload),
            },
        }
    }
}
