//! Memory that goes round in registers.
//!
//! A cell that the loop writes in every round, such as a counter in an iterator or an attribute that is a sum, would be
//! loaded again at the start of each round. Where the end of the first iteration knows what is in such a cell, the value
//! goes round as a phi beside the slots: the loads go, and what is known of the value (its range, its kind, what is in
//! the box) stays. The stores stay too: memory is right at every exit.
//!
//! Exits of the body say what is in the cells there, so that bridges can bring it when they come back.
//!
//! Requirement: the cell belongs to an object that never changes in the loop, and no call writes memory, so that loading
//! the cell at the loop's end is safe where its contents are not known.

use crate::heap::{Cache, HEADER, Memory};
use crate::label::Shape;
use crate::walk::Walk;
use ir::{Arg, Attr, ExitId, Field, Items, OpCode, Repr, Ty};
use smallvec::SmallVec;
use std::ops::Range;

/// Cells that go round, at most.
const MOST_CELLS: usize = 16;

/// A cell of memory. `P` is [`Arg`] in a walk and [`Place`] in a label.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell<P> {
    pub memory: Memory,
    pub base: P,
    /// Of an item.
    pub index: P,
    pub repr: Repr,
}

/// Where a bridge finds base and index.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Constant(Arg),
    Invariant(u32),
}

/// A cell of a label: its contents have this shape.
#[derive(Clone, Debug)]
pub(crate) struct LabelCell {
    pub cell: Cell<Place>,
    pub shape: Shape,
}

/// What is in a cell at an exit, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contents {
    pub value: Arg,
    /// What is in the box that the value is.
    pub unboxed: Option<Arg>,
    /// The number of what is known of what the exit hands over for it.
    pub fact: u32,
}

/// What is in the cells that go round, at each exit.
#[derive(Default)]
pub(crate) struct ExitCells {
    /// One exit behind the other.
    pub all: Vec<Option<Contents>>,
    /// Where the exits end in `all`.
    ends: Vec<u32>,
}

impl ExitCells {
    /// What is in a cell at an exit, if that is known.
    pub fn at(&self, exit: ExitId, cell: usize) -> Option<Contents> {
        let at = exit.0 as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        self.all[start as usize..self.ends[at] as usize].get(cell).copied().flatten()
    }
}

impl<P> Cell<P> {
    pub fn is_header(&self) -> bool {
        matches!(self.memory, Memory::Field { offset: HEADER, .. })
    }

    pub fn ty(&self) -> Ty {
        self.repr.ty()
    }
}

impl Cache {
    /// Cells whose contents are known and that the loop writes: candidates to go round.
    pub fn candidates(&self) -> Vec<Cell<Arg>> {
        let mut cells = Vec::new();
        for (memory, base, index, repr) in self.changing() {
            let known = |cell: &Cell<Arg>| (cell.base, cell.index, cell.repr) == (base, index, repr);
            if cells.len() < MOST_CELLS && !cells.iter().any(|cell| known(cell) && cell.memory == memory) {
                cells.push(Cell { memory, base, index, repr });
            }
        }
        cells
    }
}

impl Walk<'_> {
    /// What is in the cell, if it is known.
    pub(crate) fn contents(&self, cell: &Cell<Arg>) -> Option<Arg> {
        let (base, index) = (self.values.resolve(cell.base), self.values.resolve(cell.index));
        self.heap.load(cell.memory, base, index, cell.repr, &self.values)
    }

    /// What is in the cell, loaded if need be; `None` if loading might not be safe. `is_new`: the cell is not one that the loop had
    /// when it was entered.
    pub(crate) fn contents_now(&mut self, cell: &Cell<Arg>, is_new: bool) -> Option<Arg> {
        if let Some(known) = self.contents(cell) {
            return Some(known);
        }
        if is_new && !matches!(cell.memory, Memory::Field { .. }) {
            return None;
        }
        let origin = self.request.origin.as_ref();
        if self.heap.written.all || origin.is_some_and(|origin| origin.written.all) {
            return None;
        }
        let (base, index) = (self.forced(cell.base), self.forced(cell.index));
        let (code, args, attr): (_, SmallVec<[Arg; 3]>, _) = match cell.memory {
            Memory::Field { offset: HEADER, .. } => (OpCode::Shape, [base].into_iter().collect(), Attr::None),
            Memory::Field { offset, immutable } => {
                let field = Field { name: "carried", offset, repr: cell.repr, immutable };
                (OpCode::GetField, [base].into_iter().collect(), Attr::Field(field))
            }
            Memory::Items { offset, immutable } => {
                let items = Items { name: "carried", offset, repr: cell.repr, immutable };
                (OpCode::GetItem, [base, index].into_iter().collect(), Attr::Items(items))
            }
            Memory::Raw => return None,
        };
        let value = self.emit(code, cell.ty(), args, attr);
        self.put(cell, value);
        Some(value)
    }

    /// A load of the body finds what is in memory without loading.
    pub(crate) fn note_load(&mut self, memory: Memory, base: Arg, index: Arg) {
        for (cell, is_loaded) in self.cells.iter().zip(&mut self.cells_loaded) {
            *is_loaded |= cell.memory == memory && cell.base == base && cell.index == index;
        }
    }

    /// The cell holds this value.
    pub(crate) fn put(&mut self, cell: &Cell<Arg>, value: Arg) {
        self.heap.loaded(cell.memory, cell.base, cell.index, cell.repr, value);
    }

    /// Notes what is in the cells that go round, for the next exit; where that stands.
    pub(crate) fn add_exit_cells(&mut self) -> Range<usize> {
        let start = self.exit_cells.all.len();
        for at in 0..self.cells.len() {
            let contents = self.contents(&self.cells[at]).map(|value| {
                let unboxed = self.values.unboxed(value);
                Contents { value, unboxed, fact: self.fact_number(unboxed.unwrap_or(value)) }
            });
            self.exit_cells.all.push(contents);
        }
        let end = self.exit_cells.all.len();
        self.exit_cells.ends.push(end as u32);
        start..end
    }

    /// A constant of the origin's loop as one of this trace.
    pub(crate) fn own_constant(&self, constant: Arg) -> Option<Arg> {
        match constant {
            Arg::Ref(id) => {
                let own = self.request.origin_constants.get(id.0 as usize).copied().flatten();
                own.map(Arg::Ref)
            }
            other => Some(other),
        }
    }

    /// A constant of the loop to whose label the trace jumps as one of this trace.
    pub(crate) fn constant_of_label(&self, constant: Arg) -> Option<Arg> {
        match constant {
            Arg::Ref(id) => {
                let own = self.request.target_constants.get(id.0 as usize).copied().flatten();
                own.map(Arg::Ref)
            }
            other => Some(other),
        }
    }

    /// The cells of a label, with what a bridge brings as invariants; nothing if something is missing. `own`: the label's
    /// constants as this trace's.
    pub(crate) fn cells_of_label(
        &self,
        cells: &[LabelCell],
        invariants: &[Arg],
        own: impl Fn(Arg) -> Option<Arg>,
    ) -> Option<Vec<Cell<Arg>>> {
        let place = |place: Place| match place {
            Place::Constant(arg) => own(arg),
            Place::Invariant(at) => invariants.get(at as usize).copied(),
        };
        let cell = |label: &LabelCell| {
            let Cell { memory, base, index, repr } = label.cell;
            Some(Cell { memory, base: place(base)?, index: place(index)?, repr })
        };
        cells.iter().map(cell).collect()
    }
}
