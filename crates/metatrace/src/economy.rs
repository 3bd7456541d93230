//! What the JIT may cost.
//!
//! Recording, optimising and generating code take time that compiled code has to earn back. On programs of which no part runs
//! long enough in the same way it never does, so the books are kept: the processor time that the JIT took on both threads stands
//! against the time that the program ran and the time that it spent in compiled code. Who wants to record asks first, and waits if
//! the JIT owes too much. Units only make better what is there: they wait sooner, since all counts for them, and recordings do not wait for
//! what they have cost. [`Stay`] finds code that is entered and left at once, which is set aside.
//!
//! All of this looks at the clock. Where code is generated on the guest's own thread none of it is done: which traces there
//! are must not depend on the time there.

use crate::counters::Counters;
use crate::options::Options;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Of so many entries into compiled code the time of one is taken, and of the first ones of each trace.
const SAMPLE: u64 = 16;
const FIRST: u32 = 16;

/// So many stays in a trace tell whether it is worth entering.
const STAYS: u32 = 64;
/// What compiled code gains over the interpreter at 64 of the program's instructions. What both do alike, in calls, does not count.
const GAIN_OF_64: Duration = Duration::from_nanos(150);

/// What an operation takes in compiled code, 0.4 ns, and a call.
const OPERATION: (u64, u64) = (2, 5);
const CALL: Duration = Duration::from_nanos(30);

/// What it takes to enter compiled code that does not return: that would have saved the interpreter's way of calling it.
const ENTERING: Duration = Duration::from_nanos(40);

/// Leaving is not taken to cost more than this, for guest code may run before a frame is back in the interpreter.
const LONGEST_LEAVING: Duration = Duration::from_nanos(2000);

/// Asking for the processor time is a system call: who asks again so soon gets the same refusal.
const REFUSED: Duration = Duration::from_micros(200);

/// So many calls of the interpreter in a stay are timed, of more one of [`SAMPLE`]: native code may call a small function for each item
/// of a long list, and reading the clock would cost as much as the function.
const TIMED_PAUSES: u32 = 64;

/// What generating code for an operation is taken to cost as long as nothing is known.
const OPERATION_NS: u64 = 10_000;

/// The books.
pub(crate) struct Economy {
    pub(crate) is_on: bool,
    began: Instant,
    began_ticks: u64,
    grace_ns: u64,
    share: u64,
    reinvest: u64,
    /// What the stays in compiled code have gained, less what entering and leaving took.
    earned_ticks: i64,
    /// The time of the innermost stay in compiled code, or of the innermost recording, is being taken.
    is_timing: bool,
    /// What the interpreter has taken of it, in so many calls.
    away_ticks: u64,
    pauses: u32,
    traces: Ordered,
    units: Ordered,
    scale: Scale,
    /// Until when "no" is the answer without asking the system what time it is.
    refused_until: Cell<u64>,
    /// The processor time of the processes that this one is a copy of, when it was last asked for.
    ran_before_ns: u64,
    /// With this one's, when it was last asked for.
    ran_ns: Cell<u64>,
}

/// What stays are judged by, in ticks. Finding them out takes longer than judging, so it is done now and then.
#[derive(Default)]
struct Scale {
    /// Of 64 instructions.
    gain: u64,
    longest_leaving: u64,
    entering: u64,
}

/// Operations for which code is being generated, and for which it has been.
#[derive(Default)]
struct Ordered {
    waiting: u64,
    done: u64,
}

impl Ordered {
    fn submitted(&mut self, operations: usize) {
        self.waiting += operations as u64;
    }

    fn compiled(&mut self, operations: usize) {
        self.waiting = self.waiting.saturating_sub(operations as u64);
        self.done += operations as u64;
    }

    /// What took `done_ns` up to now, with what it will take.
    fn cost(&self, done_ns: u64) -> u64 {
        let per_op = done_ns.checked_div(self.done).unwrap_or(OPERATION_NS);
        done_ns + self.waiting * per_op
    }
}

/// The time taken of an entry into compiled code, or of a recording.
pub(crate) struct Timed {
    start: u64,
    /// Of a recording: what the thread's clock showed.
    start_ns: u64,
    weight: u64,
    outer: Outer,
}

/// What was being timed before.
#[derive(Clone, Copy)]
struct Outer {
    is_timing: bool,
    away_ticks: u64,
    pauses: u32,
}

/// Since when the time that was being taken is not, and for how many calls that stands; `None`: it is not looked at.
pub(crate) struct Paused(Option<(u64, u64)>);

/// A stay whose time was taken has ended: what it took.
pub(crate) struct Stayed {
    ticks: u64,
    weight: u64,
    left: u64,
}

/// What was done in a stay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    /// Of the program's instructions: those on the way to where it was left.
    pub(crate) instructions: u32,
    /// It was a function, and has returned.
    pub(crate) returned: bool,
    /// Not 0: it may have gone round, so the instructions on the way are only some of them; see [`gain_rate`].
    pub(crate) rate: u32,
}

/// How much longer the interpreter takes for a round than the trace does that was optimised to these operations, of which some are
/// calls: so many sixteenths of the time in the trace, at most all of it, since bridges gain less than what was recorded first.
pub(crate) fn gain_rate(instructions: usize, operations: usize, calls: usize) -> u32 {
    let gained = instructions as u64 * GAIN_OF_64.as_nanos() as u64 / 64;
    let taken = (operations as u64 * OPERATION.0 / OPERATION.1 + calls as u64 * CALL.as_nanos() as u64).max(1);
    (gained * 16 / taken).clamp(2, 16) as u32
}

/// What the interpreter's entries into a trace gain.
#[derive(Clone, Copy, Default)]
pub(crate) struct Stay {
    entries: u32,
    /// Those whose time was taken since it was last judged.
    stays: u32,
    /// What they have gained.
    gain: i64,
    /// How often the trace and its bridges were left since then where no bridge will be.
    pub(crate) lost: u32,
}

impl Economy {
    pub(crate) fn new(options: &Options) -> Economy {
        Economy {
            is_on: options.background && options.budget > 0,
            began: Instant::now(),
            began_ticks: ticks(),
            grace_ns: u64::from(options.grace) * 1_000_000,
            share: u64::from(options.budget),
            reinvest: u64::from(options.reinvest),
            earned_ticks: 0,
            is_timing: false,
            away_ticks: 0,
            pauses: 0,
            traces: Ordered::default(),
            units: Ordered::default(),
            scale: Scale::default(),
            refused_until: Cell::new(0),
            ran_before_ns: 0,
            ran_ns: Cell::new(0),
        }
    }

    /// Whether there is time to record something.
    pub(crate) fn affords(&self, counters: &Counters) -> bool {
        if ticks() < self.refused_until.get() {
            return false;
        }
        let is_affordable = self.allows(counters, self.spent_on_traces(counters));
        if !is_affordable {
            self.refused_until.set(ticks() + self.ticks_of(REFUSED));
        }
        is_affordable
    }

    /// Whether there is time to compile a unit.
    pub(crate) fn affords_unit(&self, counters: &Counters) -> bool {
        self.allows(counters, self.spent_on_traces(counters) + self.units.cost(counters.compile_unit_ns))
    }

    fn spent_on_traces(&self, counters: &Counters) -> u64 {
        counters.record_ns + counters.optimize_ns + self.traces.cost(counters.compile_ns - counters.compile_unit_ns)
    }

    fn allows(&self, counters: &Counters, spent: u64) -> bool {
        if !heap::has_reserve() {
            return false;
        }
        if !self.is_on || spent <= self.grace_ns {
            return true;
        }
        self.ran_ns.set(self.ran_before_ns + processor_ns());
        let ran = self.ran_ns.get().saturating_sub(counters.compile_ns);
        let earned = self.earned_ns().min(ran);
        spent <= self.grace_ns + (ran * self.share + earned * self.reinvest) / 100
    }

    /// What compiled code is taken to have gained.
    pub(crate) fn earned_ns(&self) -> u64 {
        self.nanoseconds(self.earned_ticks as u64)
    }

    /// The process is a fork's child: what was submitted will not come back, and the processor's time is counted from now on.
    pub(crate) fn forked(&mut self) {
        (self.traces.waiting, self.units.waiting) = (0, 0);
        self.ran_before_ns = self.ran_ns.get();
    }

    pub(crate) fn submitted(&mut self, operations: usize) {
        self.traces.submitted(operations);
    }

    pub(crate) fn compiled(&mut self, operations: usize) {
        self.traces.compiled(operations);
        self.refused_until.set(0);
    }

    pub(crate) fn unit_submitted(&mut self, operations: usize) {
        self.units.submitted(operations);
    }

    pub(crate) fn unit_compiled(&mut self, operations: usize) {
        self.units.compiled(operations);
    }

    /// Compiled code is about to be entered for the `number`th time. `Some` if the time is taken.
    #[inline]
    pub(crate) fn enter(&mut self, number: u64, stay: &mut Stay) -> Option<Timed> {
        if !self.is_on {
            return None;
        }
        let weight = if stay.entries < FIRST { 1 } else { SAMPLE };
        stay.entries = stay.entries.saturating_add(1);
        if weight != 1 && !number.is_multiple_of(SAMPLE) {
            // The time of what is around goes on: this entry is in a call of the interpreter, which does not count.
            return None;
        }
        let outer = self.start();
        Some(Timed { start: ticks(), start_ns: 0, weight, outer })
    }

    /// Compiled code was left; what follows is leaving.
    #[inline]
    pub(crate) fn leave(&mut self, timed: &Timed) -> Stayed {
        let ticks_stayed = self.stop(timed);
        Stayed { ticks: ticks_stayed, weight: timed.weight, left: ticks() }
    }

    /// The interpreter has the frame back. True: the trace is not worth entering.
    pub(crate) fn is_back(&mut self, stayed: &Stayed, work: Work, stay: &mut Stay) -> bool {
        let leaving = (ticks().saturating_sub(stayed.left)).min(self.scale.longest_leaving);
        let on_the_way = u64::from(work.instructions) * self.scale.gain / 64;
        // Of a loop it is not known how often it went round.
        let in_time = stayed.ticks * u64::from(work.rate) / 16;
        let entering = if work.returned { 0 } else { self.scale.entering };
        let gain = on_the_way.max(in_time) as i64 - (leaving + entering) as i64;
        self.earned_ticks = (self.earned_ticks + gain * stayed.weight as i64).max(0);
        if stayed.weight == 1 {
            // The first stays of each trace.
            self.scale = Scale {
                gain: self.ticks_of(GAIN_OF_64),
                longest_leaving: self.ticks_of(LONGEST_LEAVING),
                entering: self.ticks_of(ENTERING),
            };
            return false;
        }
        stay.stays += 1;
        stay.gain += gain;
        if stay.stays < STAYS {
            return false;
        }
        let is_left_for_good = stay.lost >= STAYS * SAMPLE as u32 / 4;
        let loses = is_left_for_good && stay.gain < 0;
        *stay = Stay { entries: stay.entries, ..Stay::default() };
        loses
    }

    /// A recording begins.
    pub(crate) fn begin(&mut self) -> Timed {
        let outer = self.start();
        Timed { start: ticks(), start_ns: thread_ns(), weight: 0, outer }
    }

    fn start(&mut self) -> Outer {
        Outer {
            is_timing: std::mem::replace(&mut self.is_timing, true),
            away_ticks: std::mem::take(&mut self.away_ticks),
            pauses: std::mem::take(&mut self.pauses),
        }
    }

    /// A recording has ended: the nanoseconds that it took, without what the program did in its calls.
    pub(crate) fn end(&mut self, timed: Timed) -> u64 {
        let ticks = self.stop(&timed);
        // The even clock goes on while others have the processor, the thread's counts the calls, too. In the child of a fork that was
        // recorded that one has begun anew.
        self.nanoseconds(ticks).min(thread_ns().saturating_sub(timed.start_ns))
    }

    /// The ticks of what has ended, without what was in between; what is around it does not count them.
    fn stop(&mut self, timed: &Timed) -> u64 {
        let all = ticks().saturating_sub(timed.start);
        let own = all.saturating_sub(self.away_ticks);
        let Outer { is_timing, away_ticks, pauses } = timed.outer;
        self.is_timing = is_timing;
        self.away_ticks = if is_timing { away_ticks + all } else { away_ticks };
        self.pauses = pauses;
        own
    }

    /// The interpreter goes on in a call of compiled code, or of what is recorded.
    #[inline]
    pub(crate) fn pause(&mut self) -> Paused {
        if !self.is_timing {
            return Paused(None);
        }
        self.pauses = self.pauses.wrapping_add(1);
        let weight = if self.pauses <= TIMED_PAUSES { 1 } else { SAMPLE };
        if weight != 1 && !u64::from(self.pauses).is_multiple_of(SAMPLE) {
            return Paused(None);
        }
        self.is_timing = false;
        Paused(Some((ticks(), weight)))
    }

    #[inline]
    pub(crate) fn resume(&mut self, paused: Paused) {
        if let Some((since, weight)) = paused.0 {
            self.away_ticks += ticks().saturating_sub(since) * weight;
            self.is_timing = true;
        }
    }

    fn ticks_of(&self, time: Duration) -> u64 {
        let (ns, all) = (self.began.elapsed().as_nanos().max(1), ticks().saturating_sub(self.began_ticks));
        (time.as_nanos() * u128::from(all) / ns) as u64
    }

    fn nanoseconds(&self, ticks_passed: u64) -> u64 {
        let (ns, all) = (self.began.elapsed().as_nanos(), ticks().saturating_sub(self.began_ticks).max(1));
        (u128::from(ticks_passed) * ns / u128::from(all)) as u64
    }
}

/// A clock that is cheap to read and goes evenly.
#[inline(always)]
fn ticks() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: the instruction has no requirement.
        unsafe { std::arch::x86_64::_rdtsc() }
    }
    #[cfg(target_arch = "aarch64")]
    {
        let ticks: u64;
        // SAFETY: the counter is readable from user code.
        unsafe { std::arch::asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack, preserves_flags)) };
        ticks
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        use std::sync::OnceLock;
        static BEGAN: OnceLock<Instant> = OnceLock::new();
        BEGAN.get_or_init(Instant::now).elapsed().as_nanos() as u64
    }
}

/// Processor time of all threads.
fn processor_ns() -> u64 {
    clock_ns(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// Processor time of this thread.
pub(crate) fn thread_ns() -> u64 {
    clock_ns(libc::CLOCK_THREAD_CPUTIME_ID)
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call fills in the structure.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::{Economy, STAYS, Stay, Work, gain_rate, processor_ns};
    use crate::counters::Counters;
    use crate::options::Options;

    #[test]
    fn who_owes_too_much_waits() {
        let owing = Counters { record_ns: 3_000_000_000_000, ..Counters::default() };
        let economy = |text: &str| Economy::new(&Options::parse(text).unwrap());
        assert!(economy("background").affords(&Counters::default()));
        assert!(!economy("background").affords(&owing));
        assert!(economy("background,budget=0").affords(&owing) && economy("background=off").affords(&owing));
        assert!(economy("background,grace=4000000").affords(&owing));
        let mut waiting = economy("background");
        waiting.submitted(100_000_000);
        assert!(!waiting.affords(&Counters::default()));
        waiting.compiled(100_000_000);
        assert!(waiting.affords(&Counters::default()));
        // What was gained counts by its share.
        let rich = |options: &str| Economy { earned_ticks: i64::MAX / 2, ..economy(options) };
        let half = Counters { record_ns: processor_ns() / 2, ..Counters::default() };
        assert!(!rich("background,grace=0,budget=1,reinvest=0").affords(&half));
        assert!(rich("background,grace=0,budget=1,reinvest=100").affords(&half));
        // What units cost is the units' affair.
        waiting.unit_submitted(100_000_000);
        assert!(waiting.affords(&Counters::default()) && !waiting.affords_unit(&Counters::default()));
    }

    #[test]
    fn rounds_gain_by_what_they_do() {
        // Forty instructions in sixty operations, then the same with calls.
        let rates = [0, 2, 8, 100].map(|calls| gain_rate(40, 60, calls));
        assert_eq!(rates[0], 16);
        assert!(rates.is_sorted_by(|more, less| more >= less) && rates[2] < 8 && rates[3] == 2, "{rates:?}");
    }

    #[test]
    fn stays_that_gain_less_than_leaving_takes() {
        let mut economy = Economy::new(&Options::parse("background").unwrap());
        let mut judged = |lost: bool, away: bool, instructions: u32, leaving_us: u64| {
            let mut stay = Stay::default();
            let mut loses = false;
            for number in 0..16 * (u64::from(STAYS) + 2) {
                let Some(timed) = economy.enter(number, &mut stay) else {
                    stay.lost += u32::from(lost);
                    continue;
                };
                let paused = away.then(|| economy.pause());
                if let Some(paused) = paused {
                    std::thread::sleep(std::time::Duration::from_micros(1));
                    economy.resume(paused);
                }
                stay.lost += u32::from(lost);
                let stayed = economy.leave(&timed);
                let since = std::time::Instant::now();
                while since.elapsed() < std::time::Duration::from_micros(leaving_us) {}
                loses |= economy.is_back(&stayed, Work { instructions, returned: false, rate: 0 }, &mut stay);
            }
            loses
        };
        // The calls of the interpreter do not count.
        assert!(judged(true, false, 1, 1) && judged(true, true, 1, 1));
        // Who has done much may take some time to leave; where bridges will be, all is well.
        assert!(!judged(true, false, 100_000, 1) && !judged(false, false, 1, 1));
        // Leaving counts up to a limit.
        assert!(!judged(true, false, 1000, 10));
    }
}
