//! Room for a walk, kept from one trace to the next.
//!
//! A walk's tables are large and short-lived, and between them lie exits, which stay. Allocated anew for each trace, they would leave holes
//! that small things fill, and each walk would be on pages that nobody has touched before: a page fault costs more than twenty
//! operations do.

use crate::cse::Table;
use crate::exits::Marks;
use crate::values::Value;
use crate::walk::Emitted;
use ir::{Arg, ValueId};
use std::cell::RefCell;

/// Tables that are larger are not kept.
const MOST_KEPT: usize = 1 << 13;
/// A walk may begin while another one is on its way.
const MOST_WALKS: usize = 2;

thread_local! {
    static KEPT: RefCell<Vec<Scratch>> = const { RefCell::new(Vec::new()) };
}

/// Empty tables with room.
#[derive(Default)]
pub(crate) struct Scratch {
    pub values: Vec<Value>,
    pub out: Vec<Emitted>,
    pub map: Vec<Arg>,
    pub marks: Marks,
    pub cse: Table,
    pub shapes: Vec<Arg>,
    pub shaped: Vec<ValueId>,
}

impl Scratch {
    pub fn take() -> Scratch {
        KEPT.with_borrow_mut(Vec::pop).unwrap_or_default()
    }

    /// For the next walk.
    pub fn give_back(mut self) {
        if self.values.capacity().max(self.out.capacity()) > MOST_KEPT {
            return;
        }
        self.values.clear();
        self.out.clear();
        self.map.clear();
        self.marks.clear();
        self.cse.clear();
        self.shapes.clear();
        self.shaped.clear();
        // At the end of a thread there is nobody to keep it.
        let _ = KEPT.try_with(|kept| {
            let kept = &mut *kept.borrow_mut();
            if kept.len() < MOST_WALKS {
                kept.push(self);
            }
        });
    }
}
