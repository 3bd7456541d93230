//! The heap cache: what is known to lie in memory.
//!
//! A load gives what was last stored or loaded there. A store forgets what it may have overwritten: cells of the same
//! offset in objects that may be the same. Objects that the trace made are not those that were there before, and objects
//! of different shapes are different. A call forgets what its row says. Immutable fields are never forgotten.
//!
//! Requirement: a cell is a field or an item, never both; items are items of one offset and representation.

use crate::bounds::Range;
use crate::label::Label;
use crate::values::Values;
use ir::{Arg, CallEffect, Repr, Ty, ValueId};
use smallvec::SmallVec;
use std::sync::Arc;

/// Kinds of memory that a trace writes, and for the traces of a loop the label since which it counts.
#[derive(Clone, Default, Debug)]
pub struct Written {
    /// Offsets of fields; [`HEADER`] for shapes. Sorted.
    fields: Vec<u32>,
    /// Offsets of items. Sorted.
    items: Vec<u32>,
    raw: bool,
    /// A call may have written anything.
    pub(crate) all: bool,
    /// The label, in what is handed from a loop to its bridges.
    pub(crate) since: Option<Arc<Label>>,
}

impl Written {
    fn field(&mut self, offset: u32) {
        insert(&mut self.fields, offset);
    }

    fn item(&mut self, offset: u32) {
        insert(&mut self.items, offset);
    }

    /// Whether what is written here is written there too.
    pub(crate) fn is_within(&self, other: &Written) -> bool {
        let within = |mine: &[u32], theirs: &[u32]| mine.iter().all(|offset| theirs.binary_search(offset).is_ok());
        other.all
            || !self.all
                && (!self.raw || other.raw)
                && within(&self.fields, &other.fields)
                && within(&self.items, &other.items)
    }

    /// Whether nothing that is written here is in the other.
    pub(crate) fn is_apart(&self, other: &Written) -> bool {
        let apart = |mine: &[u32], theirs: &[u32]| mine.iter().all(|offset| theirs.binary_search(offset).is_err());
        let is_empty = other.fields.is_empty() && other.items.is_empty() && !other.raw;
        is_empty
            || !(self.all || self.raw && other.raw)
                && apart(&self.fields, &other.fields)
                && apart(&self.items, &other.items)
    }

    /// Whether that kind of memory is written.
    pub(crate) fn has(&self, memory: Memory) -> bool {
        self.all
            || match memory {
                Memory::Field { offset, .. } => self.fields.binary_search(&offset).is_ok(),
                Memory::Items { offset, .. } => self.items.binary_search(&offset).is_ok(),
                Memory::Raw => self.raw,
            }
    }

    pub(crate) fn add(&mut self, other: &Written) {
        other.fields.iter().for_each(|&offset| self.field(offset));
        other.items.iter().for_each(|&offset| self.item(offset));
        self.raw |= other.raw;
        self.all |= other.all;
    }
}

fn insert(sorted: &mut Vec<u32>, offset: u32) {
    if let Err(at) = sorted.binary_search(&offset) {
        sorted.insert(at, offset);
    }
}

/// The offset under which an object's shape stands among its fields.
pub(crate) const HEADER: u32 = 0;

/// Entries per offset; older ones are forgotten, which keeps the walk linear.
const MOST_ENTRIES: usize = 48;

#[derive(Clone, Copy)]
struct Entry {
    base: Arg,
    /// Of an item or of raw memory; `Int(0)` for fields.
    index: Arg,
    repr: Repr,
    immutable: bool,
    value: Arg,
    /// Known since before the label, and not immutable.
    is_old: bool,
}

/// The entries of one offset.
struct Bucket {
    offset: u32,
    entries: Vec<Entry>,
}

#[derive(Default)]
pub(crate) struct Cache {
    fields: Vec<Bucket>,
    items: Vec<Bucket>,
    raw: Vec<Entry>,
    /// By value: what the newest entry among the shapes says of it; NULL: there is none. Each exit asks for the shapes of all its values.
    shapes: Vec<Arg>,
    /// The values of which `shapes` may say something.
    shaped: Vec<ValueId>,
    pub written: Written,
    /// Memory of which the body knows from before the label: nobody may write it and enter the body.
    pub relied: Written,
    pub distinct_refs: bool,
}

/// Which memory an access goes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Memory {
    Field { offset: u32, immutable: bool },
    Items { offset: u32, immutable: bool },
    Raw,
}

impl Cache {
    /// The tables are empty.
    pub fn new(distinct_refs: bool, shapes: Vec<Arg>, shaped: Vec<ValueId>) -> Cache {
        Cache { distinct_refs, shapes, shaped, ..Cache::default() }
    }

    /// For the next cache.
    pub fn take_tables(&mut self) -> (Vec<Arg>, Vec<ValueId>) {
        (std::mem::take(&mut self.shapes), std::mem::take(&mut self.shaped))
    }

    /// What is known to lie there. `base` and `index` are resolved; so is the result.
    pub fn load(&self, memory: Memory, base: Arg, index: Arg, repr: Repr, values: &Values) -> Option<Arg> {
        self.find(memory, base, index, repr, values).map(|entry| values.resolve(entry.value))
    }

    /// The same for a load of the trace, which then relies on it.
    pub fn load_relying(&mut self, memory: Memory, base: Arg, index: Arg, repr: Repr, values: &Values) -> Option<Arg> {
        let entry = *self.find(memory, base, index, repr, values)?;
        match memory {
            Memory::Field { offset, .. } if entry.is_old => self.relied.field(offset),
            Memory::Items { offset, .. } if entry.is_old => self.relied.item(offset),
            Memory::Raw if entry.is_old => self.relied.raw = true,
            _ => {}
        }
        Some(values.resolve(entry.value))
    }

    fn find(&self, memory: Memory, base: Arg, index: Arg, repr: Repr, values: &Values) -> Option<&Entry> {
        if let (Memory::Field { offset: HEADER, .. }, Arg::Value(_)) = (memory, base)
            && self.shape_entry(base) == Arg::NULL
        {
            return None;
        }
        let same = |entry: &&Entry| {
            entry.repr == repr && values.resolve(entry.base) == base && values.resolve(entry.index) == index
        };
        let entries = match memory {
            Memory::Field { offset, .. } => bucket(&self.fields, offset),
            Memory::Items { offset, .. } => bucket(&self.items, offset),
            Memory::Raw => &self.raw,
        };
        entries.iter().rev().find(same)
    }

    /// The shape of an object, if it is a known constant.
    pub fn known_shape(&self, base: Arg, values: &Values) -> Option<i64> {
        let memory = Memory::Field { offset: HEADER, immutable: false };
        let shape = match base {
            Arg::Value(_) => values.resolve(self.shape_entry(base)),
            _ => self.load(memory, base, Arg::Int(0), Repr::I64, values)?,
        };
        match shape {
            Arg::Int(shape) => Some(shape),
            _ => None,
        }
    }

    /// What the newest entry says of a value's shape; values are forwarded to constants alone, so there is none under another value.
    pub fn shape_entry(&self, base: Arg) -> Arg {
        base.value().and_then(|id| self.shapes.get(id.0 as usize).copied()).unwrap_or(Arg::NULL)
    }

    fn have_other_shapes(&self, a: Arg, b: Arg, values: &Values) -> bool {
        matches!((self.known_shape(a, values), self.known_shape(b, values)), (Some(a), Some(b)) if a != b)
    }

    /// A load gave `value`.
    pub fn loaded(&mut self, memory: Memory, base: Arg, index: Arg, repr: Repr, value: Arg) {
        let (entries, immutable) = match memory {
            Memory::Field { offset, immutable } => (bucket_mut(&mut self.fields, offset), immutable),
            Memory::Items { offset, immutable } => (bucket_mut(&mut self.items, offset), immutable),
            Memory::Raw => (&mut self.raw, false),
        };
        let oldest = (entries.len() == MOST_ENTRIES).then(|| entries.remove(0).base);
        let is_gone = oldest.is_some_and(|oldest| entries.iter().all(|entry| entry.base != oldest));
        entries.push(Entry { base, index, repr, immutable, value, is_old: false });
        if let Memory::Field { offset: HEADER, .. } = memory {
            if let (Some(Arg::Value(oldest)), true) = (oldest, is_gone) {
                self.shapes[oldest.0 as usize] = Arg::NULL;
            }
            set_shape(&mut self.shapes, &mut self.shaped, base, value);
        }
    }

    /// A store of `value`: forgets what it may overwrite.
    pub fn stored(&mut self, memory: Memory, base: Arg, index: Arg, repr: Repr, value: Arg, values: &Values) {
        let is_private = values.is_private(base);
        let distinct = self.distinct_refs;
        match memory {
            Memory::Field { offset, .. } => {
                if !is_private {
                    self.written.field(offset);
                }
                let is_apart = |entry: &Entry| {
                    let other = values.resolve(entry.base);
                    !values.may_alias(other, base, distinct)
                        || other != base && offset != HEADER && self.have_other_shapes(other, base, values)
                };
                let kept: SmallVec<[bool; 64]> = bucket(&self.fields, offset).iter().map(is_apart).collect();
                let mut kept = kept.into_iter();
                bucket_mut(&mut self.fields, offset).retain(|_| kept.next() == Some(true));
                if offset == HEADER {
                    self.update_shapes();
                }
            }
            Memory::Items { offset, .. } => {
                if !is_private {
                    self.written.item(offset);
                }
                bucket_mut(&mut self.items, offset).retain(|entry| {
                    !values.may_alias(values.resolve(entry.base), base, distinct)
                        || are_apart(values.resolve(entry.index), index, values)
                });
            }
            Memory::Raw => {
                self.written.raw = true;
                self.raw.retain(|entry| {
                    let same_cells = entry.repr == repr && values.resolve(entry.base) == base;
                    same_cells && are_apart(values.resolve(entry.index), index, values)
                });
            }
        }
        if is_kept(value, repr, values) {
            self.loaded(memory, base, index, repr, value);
        }
    }

    /// A call with that effect.
    pub fn called(&mut self, effect: CallEffect, values: &Values) {
        if effect < CallEffect::Writes {
            return;
        }
        self.written.all = true;
        self.raw.clear();
        for bucket in self.fields.iter_mut().chain(&mut self.items) {
            bucket.entries.retain(|entry| entry.immutable || values.is_private(values.resolve(entry.base)));
        }
        self.update_shapes();
    }

    /// Entries of shapes may be gone.
    fn update_shapes(&mut self) {
        for id in self.shaped.drain(..) {
            self.shapes[id.0 as usize] = Arg::NULL;
        }
        for entry in bucket(&self.fields, HEADER) {
            set_shape(&mut self.shapes, &mut self.shaped, entry.base, entry.value);
        }
    }

    /// Known cells that the trace writes, there or where it may be the same: what goes at the label.
    pub fn changing(&self) -> impl Iterator<Item = (Memory, Arg, Arg, Repr)> {
        let is_mutable = |entry: &&Entry| !entry.immutable;
        let fields = self.fields.iter().filter(|bucket| self.written.fields.binary_search(&bucket.offset).is_ok());
        let fields = fields.flat_map(move |bucket| {
            let memory = Memory::Field { offset: bucket.offset, immutable: false };
            bucket
                .entries
                .iter()
                .rev()
                .filter(is_mutable)
                .map(move |entry| (memory, entry.base, entry.index, entry.repr))
        });
        let items = self.items.iter().filter(|bucket| self.written.items.binary_search(&bucket.offset).is_ok());
        let items = items.flat_map(move |bucket| {
            let memory = Memory::Items { offset: bucket.offset, immutable: false };
            bucket
                .entries
                .iter()
                .rev()
                .filter(is_mutable)
                .map(move |entry| (memory, entry.base, entry.index, entry.repr))
        });
        let raw = self.raw.iter().rev().filter(|_| self.written.raw);
        let raw = raw.map(|entry| (Memory::Raw, entry.base, entry.index, entry.repr));
        fields.chain(items).chain(raw)
    }

    /// Forgets what `written` may overwrite, whoever does it.
    pub fn forget(&mut self, written: &Written) {
        let all = written.all;
        for bucket in &mut self.fields {
            if all || written.fields.binary_search(&bucket.offset).is_ok() {
                bucket.entries.retain(|entry| entry.immutable);
            }
        }
        for bucket in &mut self.items {
            if all || written.items.binary_search(&bucket.offset).is_ok() {
                bucket.entries.retain(|entry| entry.immutable);
            }
        }
        self.update_shapes();
        if all || written.raw {
            self.raw.clear();
        }
        for bucket in self.fields.iter_mut().chain(&mut self.items) {
            bucket.entries.iter_mut().for_each(|entry| entry.is_old = !entry.immutable);
        }
        self.raw.iter_mut().for_each(|entry| entry.is_old = true);
        // Shapes are looked at wherever objects are compared.
        if bucket(&self.fields, HEADER).iter().any(|entry| entry.is_old) {
            self.relied.field(HEADER);
        }
    }
}

fn set_shape(shapes: &mut Vec<Arg>, shaped: &mut Vec<ValueId>, base: Arg, shape: Arg) {
    let Arg::Value(id) = base else { return };
    let at = id.0 as usize;
    if shapes.len() <= at {
        shapes.resize(at + 64, Arg::NULL);
    }
    if std::mem::replace(&mut shapes[at], shape) == Arg::NULL {
        shaped.push(id);
    }
}

fn bucket(buckets: &[Bucket], offset: u32) -> &[Entry] {
    buckets.iter().find(|bucket| bucket.offset == offset).map_or(&[], |bucket| &bucket.entries)
}

fn bucket_mut(buckets: &mut Vec<Bucket>, offset: u32) -> &mut Vec<Entry> {
    let at = buckets.iter().position(|bucket| bucket.offset == offset).unwrap_or_else(|| {
        buckets.push(Bucket { offset, entries: Vec::new() });
        buckets.len() - 1
    });
    &mut buckets[at].entries
}

/// Whether two indices are certainly different.
fn are_apart(a: Arg, b: Arg, values: &Values) -> bool {
    if values.range(a).meet(values.range(b)).is_none() {
        return true;
    }
    // x + c and x + d.
    let parts = |arg: Arg| match values.maker(arg) {
        Some((ir::OpCode::IntAdd, x, Arg::Int(c))) => (x, c),
        _ => (arg, 0),
    };
    let ((x, c), (y, d)) = (parts(a), parts(b));
    x == y && c != d
}

/// Whether a load of that representation gives back the value stored.
fn is_kept(value: Arg, repr: Repr, values: &Values) -> bool {
    match repr.ty() {
        Ty::Int => repr == Repr::I64 || Range::of_repr(repr).contains(values.range(value)),
        Ty::Flt => repr == Repr::F64,
        _ => true,
    }
}
