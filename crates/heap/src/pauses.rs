//! How long the mutator stood still, and for what.
//!
//! A pause is the time of one call of the collector: a minor collection, and what it does of a full one. Its parts are
//! recorded by themselves as well. The histogram's buckets grow by an eighth of a power of two, so a percentile is known
//! to within 13 %.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

/// Buckets to a power of two.
const STEPS: usize = 8;
/// A point in time.
#[derive(Clone, Copy)]
pub(crate) enum Clock {
    Wall(Instant),
    /// Nanoseconds of processor time of the thread.
    Processor(u64),
}

impl Clock {
    /// The time, or the thread's processor time.
    pub fn start(processor: bool) -> Clock {
        if processor { Clock::Processor(processor_ns()) } else { Clock::Wall(Instant::now()) }
    }

    pub fn elapsed_ns(self) -> u64 {
        match self {
            Clock::Wall(start) => start.elapsed().as_nanos() as u64,
            Clock::Processor(start) => processor_ns() - start,
        }
    }
}

fn processor_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time is written there.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Up to 2^40 ns, some 18 minutes.
const BUCKETS: usize = 41 * STEPS;

/// A part of a collection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// A minor collection.
    Minor,
    /// A step of marking.
    Mark,
    /// The step in which marking ended: roots, stacks, finalizers, weak references.
    End,
    /// A step of sweeping, buffers and the return of memory to the system included.
    Sweep,
}

impl Phase {
    pub const ALL: [Phase; 4] = [Phase::Minor, Phase::Mark, Phase::End, Phase::Sweep];

    pub fn name(self) -> &'static str {
        match self {
            Phase::Minor => "minor",
            Phase::Mark => "mark",
            Phase::End => "end",
            Phase::Sweep => "sweep",
        }
    }
}

/// Times in nanoseconds.
#[derive(Clone, Debug)]
pub struct Times {
    pub count: u64,
    pub total_ns: u64,
    pub longest_ns: u64,
    buckets: Box<[u32; BUCKETS]>,
}

impl Default for Times {
    fn default() -> Times {
        Times { count: 0, total_ns: 0, longest_ns: 0, buckets: Box::new([0; BUCKETS]) }
    }
}

impl Times {
    pub(crate) fn add(&mut self, ns: u64) {
        self.count += 1;
        self.total_ns += ns;
        self.longest_ns = self.longest_ns.max(ns);
        let bucket = &mut self.buckets[bucket(ns).min(BUCKETS - 1)];
        *bucket = bucket.saturating_add(1);
    }

    fn with(&self, other: &Times) -> Times {
        let mut buckets = self.buckets.clone();
        for (count, more) in buckets.iter_mut().zip(other.buckets.iter()) {
            *count = count.saturating_add(*more);
        }
        Times {
            count: self.count + other.count,
            total_ns: self.total_ns + other.total_ns,
            longest_ns: self.longest_ns.max(other.longest_ns),
            buckets,
        }
    }

    /// The time that `part` (0.99: 99 %) of the times do not exceed, rounded up to the end of its bucket.
    pub fn percentile_ns(&self, part: f64) -> u64 {
        let wanted = (self.count as f64 * part).ceil() as u64;
        let mut below = 0;
        for (i, &count) in self.buckets.iter().enumerate() {
            below += count as u64;
            if below >= wanted && below != 0 {
                return bucket_end(i).min(self.longest_ns);
            }
        }
        self.longest_ns
    }
}

/// Times below 8 ns have a bucket each; then the power of two and the three bits below the highest count.
fn bucket(ns: u64) -> usize {
    if ns < STEPS as u64 {
        return ns as usize;
    }
    let power = 63 - ns.leading_zeros() as usize;
    (power - 2) * STEPS + (ns >> (power - 3)) as usize % STEPS
}

/// The largest time of a bucket.
fn bucket_end(bucket: usize) -> u64 {
    if bucket < STEPS {
        return bucket as u64;
    }
    let (power, step) = (bucket / STEPS + 2, bucket % STEPS);
    (((STEPS + step + 1) as u64) << (power - 3)) - 1
}

/// All pauses of a heap, and their parts.
#[derive(Clone, Default, Debug)]
pub struct Pauses {
    /// Whole pauses in which nothing was done for a full collection.
    pub minor: Times,
    /// The other whole pauses.
    pub full: Times,
    phases: [Times; 4],
}

impl Pauses {
    /// All whole pauses.
    pub fn all(&self) -> Times {
        self.minor.with(&self.full)
    }

    /// The parts of pauses that were spent on `phase`.
    pub fn of(&self, phase: Phase) -> &Times {
        &self.phases[phase as usize]
    }

    /// How many parts of full collections there have been.
    pub(crate) fn full_parts(&self) -> u64 {
        [Phase::Mark, Phase::End, Phase::Sweep].map(|phase| self.of(phase).count).iter().sum()
    }

    /// A whole pause; `full`: something was done for a full collection.
    pub(crate) fn add(&mut self, ns: u64, full: bool) {
        if full { self.full.add(ns) } else { self.minor.add(ns) }
    }

    pub(crate) fn of_mut(&mut self, phase: Phase) -> &mut Times {
        &mut self.phases[phase as usize]
    }
}

/// Where each part of a collection gets a line.
pub(crate) struct Log {
    file: Arc<File>,
    started: Instant,
}

impl Log {
    pub fn new(file: Arc<File>) -> Log {
        _ = (&*file).write_all(b"# seconds phase milliseconds heap_bytes what\n");
        Log { file, started: Instant::now() }
    }

    /// A line; where it cannot be written it is lost.
    pub fn line(&mut self, phase: Phase, ns: u64, heap_bytes: usize, what: std::fmt::Arguments) {
        let (at, took) = (self.started.elapsed().as_secs_f64(), ns as f64 / 1e6);
        let line = format!("{at:.6} {} {took:.3} {heap_bytes} {what}\n", phase.name());
        _ = (&*self.file).write_all(line.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other_and_hold_their_times() {
        for ns in (0..5000u64).chain([1 << 20, (1 << 20) + 1, 123_456_789, 1 << 39]) {
            let i = bucket(ns);
            assert!(ns <= bucket_end(i), "{ns}");
            assert!(i == 0 || ns > bucket_end(i - 1), "{ns}");
            assert!((bucket_end(i) as f64) < ns as f64 * 1.126 + 1.0, "{ns}");
        }
    }

    #[test]
    fn percentiles_are_those_of_the_times() {
        let mut times = Times::default();
        (1..=1000).for_each(|us| times.add(us * 1000));
        for (part, us) in [(0.5, 500), (0.99, 990), (1.0, 1000)] {
            let found = times.percentile_ns(part);
            assert!(found >= us * 1000 && found as f64 <= us as f64 * 1126.0, "{part}: {found}");
        }
        assert_eq!((times.count, times.longest_ns), (1000, 1_000_000));
    }
}
