//! The forward walk.
//!
//! It reads the recorded operations once (a peeled loop's twice), sends each through the passes, and writes what is left to
//! `out`. Operands of `out` are the walk's own values; [`crate::finish`] numbers them anew.
//!
//! Invariant: no operand of an operation in `out` is virtual or forwarded at the time it is written, and operations are
//! written in the order in which they run.

use crate::bounds::{self, Range};
use crate::cells::{Cell, ExitCells};
use crate::facts::{ExitFacts, Fact};
use crate::fold::{self, Rewrite};
use crate::heap::{Cache, HEADER, Memory};
use crate::request::{Failure, Request};
use crate::scratch::Scratch;
use crate::values::{Kind, Values};
use crate::{Passes, cse};
use ir::{Arg, Attr, CallEffect, Exit, ExitId, Op, OpCode, PositionId, Repr, Trace, Ty, ValueId};
use smallvec::SmallVec;

/// An operation of the trace in the making.
#[derive(Clone, Debug)]
pub(crate) struct Emitted {
    pub op: Op,
    pub result: Option<ValueId>,
}

/// The state of the walk.
pub(crate) struct Walk<'r> {
    pub source: &'r Trace,
    pub request: &'r Request,
    passes: Passes,
    pub values: Values,
    /// What each operation of the source gave.
    pub map: Vec<Arg>,
    pub out: Vec<Emitted>,
    pub exits: Vec<Exit>,
    /// For each exit, what is known of its live values.
    pub facts: ExitFacts,
    /// Memory that goes round the loop in registers, and for each exit what is in it.
    pub cells: Vec<Cell<Arg>>,
    /// Whether the body loads them: else what is known of their contents is no matter.
    pub cells_loaded: Vec<bool>,
    pub exit_cells: ExitCells,
    pub objects: Vec<crate::virtuals::Object>,
    /// Whether virtual objects may hold each other in a ring.
    pub has_rings: bool,
    /// An exit got so long a recipe that no more objects are to be virtual: recipes must not grow with the trace.
    pub is_full: bool,
    /// Virtual objects that are waiting for the objects they hold.
    pub being_made: Vec<ValueId>,
    pub cse: cse::Table,
    pub heap: Cache,
    /// How many operations were written before the label; 0 in front of it.
    pub body_start: usize,
    /// Guards that integers fit, on this side of the label.
    pub checks: Vec<crate::strengthen::Check>,
    /// Whether the trace's assumptions were tested since they may have fallen.
    is_valid: bool,
    /// Whether the walk is behind the label.
    pub in_body: bool,
    /// Set when what is known cannot all hold.
    pub contradiction: bool,
    pub marks: crate::exits::Marks,
    /// Of values from before the label, what the body knows of them when it begins.
    pub label_facts: cse::Words<ValueId, Fact>,
    /// The instruction of the operation at hand.
    at: PositionId,
}

impl Drop for Walk<'_> {
    fn drop(&mut self) {
        let (shapes, shaped) = self.heap.take_tables();
        let scratch = Scratch {
            values: std::mem::take(&mut self.values.all),
            out: std::mem::take(&mut self.out),
            map: std::mem::take(&mut self.map),
            marks: std::mem::take(&mut self.marks),
            cse: std::mem::take(&mut self.cse),
            shapes,
            shaped,
        };
        scratch.give_back();
    }
}

impl<'r> Walk<'r> {
    /// A walk at the start of the trace, its inputs read.
    pub fn new(source: &'r Trace, request: &'r Request) -> Walk<'r> {
        let Scratch { mut values, mut out, mut map, marks, cse, shapes, shaped } = Scratch::take();
        // A loop's operations are walked twice. Room that stays unused costs nothing, growing means copying.
        let rounds = if source.ops.last().is_some_and(|op| op.code == OpCode::JumpLabel) { 2 } else { 1 };
        values.reserve(source.ops.len() * rounds);
        out.reserve(source.ops.len() * rounds);
        map.resize(source.ops.len(), Arg::NULL);
        let heap = Cache::new(request.distinct_refs, shapes, shaped);
        let mut walk = Walk {
            source,
            request,
            passes: request.without.complement(),
            values: Values { all: values },
            map,
            out,
            exits: Vec::with_capacity(source.snapshots.len() * rounds),
            facts: ExitFacts::default(),
            cells: Vec::new(),
            cells_loaded: Vec::new(),
            exit_cells: ExitCells::default(),
            objects: Vec::new(),
            has_rings: false,
            is_full: false,
            being_made: Vec::new(),
            cse,
            heap,
            body_start: 0,
            checks: Vec::new(),
            is_valid: false,
            in_body: false,
            contradiction: false,
            marks,
            label_facts: cse::Words::default(),
            at: PositionId::NONE,
        };
        for index in 0..source.input_count() {
            walk.map[index] = walk.emit(OpCode::Input, source.ops[index].ty, SmallVec::new(), Attr::None);
        }
        walk.assume_facts(&request.facts);
        walk
    }

    /// Sends all operations but inputs and the end through the passes.
    pub fn run(&mut self) -> Result<(), Failure> {
        let source = self.source;
        for index in source.input_count()..source.ops.len() - 1 {
            self.step(index)?;
        }
        Ok(())
    }

    /// Sends one operation through the passes.
    pub fn step(&mut self, index: usize) -> Result<(), Failure> {
        let op = &self.source.ops[index];
        self.at = op.at;
        let args: SmallVec<[Arg; 3]> = op.args.iter().map(|&arg| self.operand(arg)).collect();
        self.map[index] = self.op(op, args).unwrap_or(Arg::NULL);
        if self.contradiction { Err(Failure::Contradiction) } else { Ok(()) }
    }

    pub fn has(&self, pass: Passes) -> bool {
        self.passes.contains(pass)
    }

    /// What an operand of the source is here.
    pub fn operand(&self, arg: Arg) -> Arg {
        match arg {
            Arg::Value(id) => self.values.resolve(self.map[id.0 as usize]),
            constant => constant,
        }
    }

    /// The body begins: assumptions may have fallen on the way round.
    pub fn enter_body(&mut self) {
        self.in_body = true;
        self.marks.forget();
        self.is_valid = false;
        self.body_start = self.out.len();
        self.checks.clear();
    }

    fn op(&mut self, op: &'r Op, args: SmallVec<[Arg; 3]>) -> Option<Arg> {
        use OpCode::*;
        match op.code {
            code if code < Input => return Some(self.pure(code, op.ty, &args)),
            RefEq | IsInt | IntBox | IntUnbox | IsFlt | FltBox | FltUnbox | BoolBox | IsNull => {
                return Some(self.pure(op.code, op.ty, &args));
            }
            Shape | GetField | GetItem | LoadBytes | RawLoad => return Some(self.load_op(op, &args)),
            SetShape | SetField | InitField | SetItem | InitItem | RawStore => self.store_op(op, args),
            New | NewItems => return Some(self.new_op(op, args)),
            Call | CallSlice => return self.call_op(op, args),
            GuardTrue => self.guard(args[0], true, op),
            GuardFalse => self.guard(args[0], false, op),
            GuardValue => self.guard_value(args[0], args[1], Some(op)),
            AssumeTrue => self.learn(args[0], true),
            AssumeFalse => self.learn(args[0], false),
            AssumeValue => self.guard_value(args[0], args[1], None),
            ExpectSmall => {
                if let Some(id) = args[0].value() {
                    self.values.at_mut(id).is_small = true;
                }
            }
            StillValid => {
                if !self.is_valid || !self.has(Passes::GUARDS) {
                    self.guard_op(op, &[]);
                }
                self.is_valid = true;
            }
            _ => unreachable!("{} in the middle of a recorded trace", op.code.row().text),
        }
        None
    }

    /// A pure operation: its result.
    pub fn pure(&mut self, code: OpCode, ty: Ty, args: &[Arg]) -> Arg {
        if let Some(known) = self.rewritten(code, ty, args) {
            return known;
        }
        if self.has(Passes::CSE)
            && let Some(known) = self.cse.get(code, args)
        {
            return self.values.resolve(known);
        }
        let forced: SmallVec<[Arg; 3]> = args.iter().map(|&arg| self.forced(arg)).collect();
        let result = self.emit(code, ty, forced, Attr::None);
        if let Some(id) = result.value() {
            let operand = |at: usize| args.get(at).copied().unwrap_or(Arg::NULL);
            self.values.at_mut(id).args = [operand(0), operand(1)];
            if ty == Ty::Int {
                self.set_range(id, bounds::of_result(code, args, &self.values));
            }
        }
        if self.has(Passes::CSE) {
            self.cse.set(code, args, result);
        }
        self.learn_from_box(code, args, result);
        // A range of one number, and what the box rules just learned.
        self.known_number(result)
    }

    /// What the passes that need no operation make of one.
    fn rewritten(&mut self, code: OpCode, ty: Ty, args: &[Arg]) -> Option<Arg> {
        let mut rewrite = None;
        if self.has(Passes::FOLD) {
            rewrite = fold::rewrite(code, args, &self.values);
        }
        if rewrite.is_none() && self.has(Passes::BOUNDS) {
            rewrite = bounds::rewrite(code, args, &self.values);
        }
        if rewrite.is_none() && self.has(Passes::BOXES) {
            rewrite = self.rewrite_box(code, args);
        }
        let hint = if ty == Ty::Int { bounds::of_result(code, args, &self.values) } else { Range::FULL };
        let result = match rewrite? {
            Rewrite::Value(value) => self.values.resolve(value),
            Rewrite::Op(code, args) => {
                let ty = result_ty(code);
                self.pure(code, ty, &args)
            }
            Rewrite::Not(code, args) => {
                let inner = self.pure(code, Ty::Bool, &args);
                self.pure(OpCode::BoolNot, Ty::Bool, &[inner])
            }
        };
        // The two ways to compute it may tell different things about the range.
        if ty == Ty::Int {
            self.narrow(result, hint);
        }
        Some(self.known_number(result))
    }

    fn known_number(&self, result: Arg) -> Arg {
        self.values.resolve(result)
    }

    fn load_op(&mut self, op: &'r Op, args: &[Arg]) -> Arg {
        let base = args[0];
        let index = args.get(1).copied();
        if let Some(object) = self.values.object(base) {
            let known = match op.code {
                OpCode::Shape => Some(Arg::Int(self.objects[object as usize].shape as i64)),
                OpCode::LoadBytes => None,
                _ => self.load_virtual(object, &op.attr, index),
            };
            if let Some(known) = known {
                return known;
            }
        }
        if op.code == OpCode::Shape
            && let Some(shape) = self.fixed_shape(base)
        {
            return Arg::Int(shape);
        }
        let (memory, repr) = self.memory(op.code, &op.attr);
        let (base_key, index_key) = cell_of(op.code, args);
        if !matches!(memory, Memory::Raw) {
            self.learn_kind(base, Kind { is_flt: None, ..Kind::OBJECT });
        }
        if self.has(Passes::HEAP)
            && let Some(known) = self.heap.load_relying(memory, base_key, index_key, repr, &self.values)
        {
            self.note_load(memory, base_key, index_key);
            return known;
        }
        let forced: SmallVec<[Arg; 3]> = args.iter().map(|&arg| self.forced(arg)).collect();
        let result = self.emit(op.code, op.ty, forced, op.attr);
        self.range_of_load(result, op.code, repr);
        if self.has(Passes::HEAP) {
            self.heap.loaded(memory, base_key, index_key, repr, result);
        }
        result
    }

    /// The shape of a constant that never has another one.
    fn fixed_shape(&self, base: Arg) -> Option<i64> {
        let Arg::Ref(id) = base else { return None };
        let shape = self.request.constant_shapes.get(id.0 as usize).copied().flatten()?;
        self.has(Passes::HEAP).then_some(i64::from(shape))
    }

    pub(crate) fn range_of_load(&mut self, result: Arg, code: OpCode, repr: Repr) {
        if let Some(id) = result.value()
            && self.values.at(id).ty == Ty::Int
        {
            let range = if code == OpCode::Shape { Range { lo: 0, hi: u32::MAX as i64 } } else { Range::of_repr(repr) };
            self.set_range(id, range);
        }
    }

    fn store_op(&mut self, op: &'r Op, args: SmallVec<[Arg; 3]>) {
        let (base, value) = (args[0], args[args.len() - 1]);
        let index = (args.len() == 3).then(|| args[1]);
        if let Some(object) = self.values.object(base) {
            let is_done = match (op.code, value) {
                (OpCode::SetShape, Arg::Int(shape @ 0..=0xffff_ffff)) => {
                    self.objects[object as usize].shape = shape as u32;
                    self.marks.touch(self.objects[object as usize].id);
                    true
                }
                (OpCode::SetShape, _) => false,
                _ => self.store_virtual(object, &op.attr, index, value),
            };
            if is_done {
                return;
            }
        }
        // Fresh memory holds nothing yet, and memory off the heap may hold another NaN than a load gave.
        let can_be_there = matches!(op.code, OpCode::SetField | OpCode::SetItem | OpCode::SetShape);
        if self.has(Passes::HEAP) && can_be_there && self.is_there(op, &args) {
            return;
        }
        let forced: SmallVec<[Arg; 3]> = args.iter().map(|&arg| self.forced(arg)).collect();
        self.values.escape(forced[forced.len() - 1]);
        if op.code == OpCode::RawStore {
            let (base_key, index_key) = cell_of(op.code, &forced);
            let (memory, repr) = self.memory(op.code, &op.attr);
            self.heap.stored(memory, base_key, index_key, repr, value, &self.values);
        } else {
            self.learn_kind(base, Kind { is_flt: None, ..Kind::OBJECT });
            if op.code == OpCode::SetShape {
                let memory = Memory::Field { offset: HEADER, immutable: false };
                self.heap.stored(memory, base, Arg::Int(0), Repr::I64, value, &self.values);
            } else {
                self.remember_store(&op.attr, base, index, value);
            }
        }
        self.emit_as(None, op.code, Ty::Void, forced, op.attr);
    }

    /// Whether what is to be stored lies there already.
    fn is_there(&mut self, op: &Op, args: &[Arg]) -> bool {
        let (memory, repr) = self.memory(op.code, &op.attr);
        let (base, index) = cell_of(op.code, args);
        // Of narrow cells only a part may be known.
        let is_there = matches!(repr, Repr::Ref | Repr::I64 | Repr::F64)
            && self.heap.load(memory, base, index, repr, &self.values) == Some(args[args.len() - 1]);
        if is_there {
            self.heap.load_relying(memory, base, index, repr, &self.values);
            self.note_load(memory, base, index);
        }
        is_there
    }

    /// Tells the heap cache of a store to a field or an item.
    pub fn remember_store(&mut self, attr: &Attr, base: Arg, index: Option<Arg>, value: Arg) {
        let (memory, repr) = self.memory(OpCode::SetField, attr);
        self.heap.stored(memory, base, index.unwrap_or(Arg::Int(0)), repr, value, &self.values);
    }

    /// The shape of an object is known.
    pub fn cache_shape(&mut self, base: Arg, shape: i64) {
        let memory = Memory::Field { offset: HEADER, immutable: false };
        self.heap.loaded(memory, base, Arg::Int(0), Repr::I64, Arg::Int(shape));
    }

    pub(crate) fn memory(&self, code: OpCode, attr: &Attr) -> (Memory, Repr) {
        match *attr {
            Attr::Field(field) => (Memory::Field { offset: field.offset, immutable: field.immutable }, field.repr),
            // Elements lie at multiples of their size, bytes anywhere: they are never the same cells.
            Attr::Items(items) if code == OpCode::LoadBytes => {
                (Memory::Items { offset: items.offset | BYTES, immutable: true }, items.repr)
            }
            Attr::Items(items) => (Memory::Items { offset: items.offset, immutable: items.immutable }, items.repr),
            Attr::Raw(repr) => (Memory::Raw, repr),
            _ => {
                debug_assert!(matches!(code, OpCode::Shape | OpCode::SetShape));
                (Memory::Field { offset: HEADER, immutable: false }, Repr::I64)
            }
        }
    }

    fn new_op(&mut self, op: &'r Op, args: SmallVec<[Arg; 3]>) -> Arg {
        if self.has(Passes::VIRTUALS)
            && !self.is_full
            && let Some(made) = self.make_object(op.code, &args, &op.attr)
        {
            return made;
        }
        let count = args.first().copied().unwrap_or(Arg::NULL);
        let made = self.emit(op.code, op.ty, args, op.attr);
        if let (Some(id), Attr::New { shape, .. }) = (made.value(), op.attr) {
            let value = self.values.at_mut(id);
            value.kind = Kind::OBJECT;
            value.escaped_at = Some(u32::MAX);
            self.cache_shape(made, shape as i64);
            if op.code == OpCode::NewItems {
                let memory = Memory::Field { offset: crate::virtuals::COUNT_OFFSET, immutable: false };
                self.heap.loaded(memory, made, Arg::Int(0), Repr::I64, count);
            }
        }
        made
    }

    fn call_op(&mut self, op: &'r Op, args: SmallVec<[Arg; 3]>) -> Option<Arg> {
        let Attr::Callee(callee) = op.attr else { return None };
        let effect = callee.effect;
        let name = std::ptr::from_ref(callee) as usize;
        let is_merged = effect == CallEffect::Pure && self.has(Passes::CSE) && op.ty != Ty::Void;
        if is_merged && let Some(known) = self.cse.get_call(name, &args) {
            return Some(self.values.resolve(known));
        }
        let forced: SmallVec<[Arg; 3]> = args.iter().map(|&arg| self.forced(arg)).collect();
        // What only reads may still give back what it was given.
        if effect > CallEffect::Pure && (effect != CallEffect::Reads || op.ty == Ty::Ref) {
            forced.iter().for_each(|&arg| self.values.escape(arg));
        }
        let exit = op.snapshot.map(|snapshot| self.exit(snapshot));
        let result = self.emit(op.code, op.ty, forced, op.attr);
        if let Some(last) = self.out.last_mut() {
            last.op.exit = exit;
        }
        self.heap.called(effect, &self.values);
        self.is_valid &= effect != CallEffect::RunsGuest;
        if is_merged {
            self.cse.set_call(name, args, result);
        }
        Some(result)
    }

    /// Appends an operation with a new result (if it has one).
    pub fn emit(&mut self, code: OpCode, ty: Ty, args: SmallVec<[Arg; 3]>, attr: Attr) -> Arg {
        let result = (ty != Ty::Void).then(|| self.values.make(code, ty, [Arg::NULL; 2]));
        self.emit_as(result, code, ty, args, attr);
        result.map_or(Arg::NULL, Arg::Value)
    }

    /// Appends an operation that makes this value.
    pub fn emit_as(&mut self, result: Option<ValueId>, code: OpCode, ty: Ty, args: SmallVec<[Arg; 3]>, attr: Attr) {
        self.out.push(Emitted { op: Op { code, ty, args, attr, snapshot: None, exit: None, at: self.at }, result });
    }

    pub fn emit_guard(&mut self, code: OpCode, args: &[Arg], exit: ExitId) {
        self.emit_as(None, code, Ty::Void, SmallVec::from_slice(args), Attr::None);
        if let Some(last) = self.out.last_mut() {
            last.op.exit = Some(exit);
        }
    }
}

/// The type of a pure operation's result.
fn result_ty(code: OpCode) -> Ty {
    match code.row().result {
        ir::OperandTy::Is(ty) => ty,
        ir::OperandTy::Any => Ty::Ref,
    }
}

/// In an offset: values at any byte behind it.
const BYTES: u32 = 1 << 30;

/// Base and index under which the heap cache knows a cell.
pub(crate) fn cell_of(code: OpCode, args: &[Arg]) -> (Arg, Arg) {
    match code {
        OpCode::RawLoad | OpCode::RawStore => (args[1], args[2]),
        OpCode::GetItem | OpCode::SetItem | OpCode::LoadBytes => (args[0], args[1]),
        _ => (args[0], Arg::Int(0)),
    }
}
