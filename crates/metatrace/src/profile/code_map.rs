//! Where compiled code lies: from an address to the trace and, if the backend tells, the operation.

use codegen::OpPlace;
use ir::TraceId;
use std::collections::BTreeMap;
use std::ops::Range;

/// All code that is installed.
#[derive(Default)]
pub(crate) struct CodeMap {
    regions: BTreeMap<usize, Region>,
    /// From the first byte of any region to behind the last one: what is not in here is no compiled code. A signal handler
    /// reads both.
    pub(crate) low: usize,
    pub(crate) high: usize,
}

struct Region {
    end: usize,
    /// The trace, or the first one of a unit.
    trace: TraceId,
    /// In order of their addresses.
    ops: Vec<OpPlace>,
}

/// What lies at an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    pub(crate) trace: TraceId,
    pub(crate) op: Option<u32>,
}

impl CodeMap {
    pub(crate) fn add(&mut self, region: Range<usize>, trace: TraceId, mut ops: Vec<OpPlace>) {
        ops.sort_by_key(|place| place.from);
        self.low = if self.regions.is_empty() { region.start } else { self.low.min(region.start) };
        self.high = self.high.max(region.end);
        self.regions.insert(region.start, Region { end: region.end, trace, ops });
    }

    /// The code that begins at `start` is dropped.
    pub(crate) fn remove(&mut self, start: usize) {
        self.regions.remove(&start);
    }

    pub(crate) fn find(&self, address: usize) -> Option<Found> {
        let (_, region) = self.regions.range(..=address).next_back().filter(|(_, region)| address < region.end)?;
        let behind = region.ops.partition_point(|place| place.from <= address);
        let place = region.ops[..behind].last().filter(|place| address < place.to);
        Some(Found { trace: place.map_or(region.trace, |place| place.trace), op: place.map(|place| place.op) })
    }

    /// Where the operations of a trace lie in the code that was compiled last for it, if the backend told.
    pub(crate) fn places_of(&self, trace: TraceId) -> Vec<OpPlace> {
        let of_trace = |region: &&Region| region.ops.iter().any(|place| place.trace == trace);
        // Units only grow.
        let Some(region) = self.regions.values().filter(of_trace).max_by_key(|region| region.ops.len()) else {
            return Vec::new();
        };
        region.ops.iter().filter(|place| place.trace == trace).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{CodeMap, Found};
    use codegen::OpPlace;
    use ir::TraceId;

    #[test]
    fn addresses_lead_to_operations() {
        let mut map = CodeMap::default();
        let place = |from, to, trace, op| OpPlace { from, to, trace: TraceId(trace), op };
        map.add(4096..8192, TraceId(1), vec![place(4120, 4130, 2, 7), place(4100, 4120, 1, 5)]);
        map.add(0..4096, TraceId(0), Vec::new());
        let found = |address| map.find(address).map(|Found { trace, op }| (trace.0, op));
        assert_eq!(found(4100), Some((1, Some(5))));
        assert_eq!(found(4119), Some((1, Some(5))));
        assert_eq!(found(4120), Some((2, Some(7))));
        assert_eq!(found(4130), Some((1, None)), "in the region, of no operation");
        assert_eq!(found(100), Some((0, None)));
        assert_eq!(found(8192), None);
        assert_eq!((map.low, map.high), (0, 8192));
        assert_eq!(map.places_of(TraceId(2)).len(), 1);
    }
}
