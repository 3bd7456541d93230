//! Draws traces from the operation table.
//!
//! Each operation is executed on the model heap when it is drawn, so that guards hold where the trace was recorded.

use ir::eval::{self, FALSE_CONSTANT, OLD_OBJECTS, Ref, TRUE_CONSTANT, Value, World};
use ir::text::synthetic_callee;
use ir::{
    Arg, Attr, CallEffect, ConstRef, Effect, Field, FrameState, Items, LogKind, Op, OpCode, OperandTy, ROWS, Repr,
    Resume, Row, Snapshot, SnapshotId, Trace, TraceId, TraceKind, Ty, ValueId, imm,
};
use std::sync::Arc;

/// A small, fast source of numbers.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

const fn field(name: &'static str, offset: u32, repr: Repr, immutable: bool) -> Field {
    Field { name, offset, repr, immutable }
}

pub const FIELDS: [Field; 8] = [
    // Not at 8, where objects with items have their number.
    field("a", 72, Repr::Ref, false),
    field("n", 16, Repr::I64, false),
    field("x", 24, Repr::F64, false),
    field("b", 32, Repr::Ref, false),
    field("c", 40, Repr::I8, false),
    field("u", 48, Repr::U32, false),
    field("s", 56, Repr::F32, false),
    field("k", 64, Repr::Ref, true),
];

const ITEMS: [Items; 3] = [
    Items { name: "refs", offset: 8, repr: Repr::Ref, immutable: false },
    Items { name: "flts", offset: 16, repr: Repr::F64, immutable: false },
    Items { name: "bytes", offset: 24, repr: Repr::U8, immutable: false },
];

const RAWS: [Repr; 5] = [Repr::I64, Repr::F64, Repr::I32, Repr::U8, Repr::F32];

/// What to draw.
#[derive(Clone, Copy)]
pub struct Style {
    pub ops: usize,
    /// Guards list every value used behind them, and nothing else.
    pub full_snapshots: bool,
    pub is_loop: bool,
}

/// A trace, and the inputs with which it was recorded.
pub struct Drawn {
    pub trace: Trace,
    pub inputs: Vec<Value>,
}

pub fn draw(rng: &mut Rng, world_seed: u64, style: Style) -> Drawn {
    let mut generator = Generator {
        rng: Rng(rng.next()),
        world: World::new(world_seed),
        trace: Trace::new(if style.is_loop { TraceKind::Loop } else { TraceKind::Bridge }, String::new()),
        values: Vec::new(),
        fields: Vec::new(),
        items: Vec::new(),
        asked: None,
        callers: Vec::new(),
        constants: 1 + rng.below(OLD_OBJECTS as usize),
        style,
    };
    // Few kinds of memory, so that accesses meet.
    generator.fields = (0..1 + rng.below(4)).map(|_| rng.pick(&FIELDS)).collect();
    generator.items = vec![rng.pick(&ITEMS), rng.pick(&ITEMS)];
    let count = 1 + generator.rng.below(5);
    let mut inputs = Vec::new();
    for _ in 0..count {
        let ty = generator.rng.pick(&[Ty::Ref, Ty::Ref, Ty::Ref, Ty::Int, Ty::Flt, Ty::Bool]);
        let bits = generator.rng.next();
        let value = generator.world.any_value(bits, ty);
        generator.trace.push(OpCode::Input, ty, &[], Attr::None);
        generator.values.push(value);
        inputs.push(value);
    }
    let asked = (0..inputs.len()).find(|&slot| generator.trace.ops[slot].ty == Ty::Ref).filter(|_| style.is_loop);
    let question = generator.rng.pick(&[OpCode::IsInt, OpCode::IsFlt, OpCode::IsNull, OpCode::Shape]);
    if let Some(slot) = asked {
        generator.ask(question, Arg::Value(ValueId(slot as u32)));
    }
    for at in 0..style.ops {
        if let Some(slot) = asked
            && at * 4 == style.ops / 4 * 16 / 5
        {
            let next = generator.recent(Ty::Ref);
            generator.ask(question, next);
            generator.asked = Some((slot, next));
        }
        if style.full_snapshots && generator.rng.one_in(8) {
            generator.detours_memory();
        }
        generator.op();
    }
    generator.end();
    let mut trace = generator.trace;
    if style.full_snapshots {
        fill_snapshots(&mut trace);
    }
    Drawn { trace, inputs }
}

struct Generator {
    rng: Rng,
    world: World,
    trace: Trace,
    /// What each operation gave.
    values: Vec<Value>,
    fields: Vec<Field>,
    items: Vec<Items>,
    /// An input that is asked something at the start, and the value that was asked the same and comes next.
    asked: Option<(usize, Arg)>,
    /// The frames that wait, outermost first.
    callers: Vec<Arc<FrameState<Arg>>>,
    /// How many of the old objects are constants of this trace.
    constants: usize,
    style: Style,
}

impl Generator {
    fn op(&mut self) {
        match self.rng.below(28) {
            27 => self.ask_all(),
            25 | 26 => self.tested_sums(),
            23 | 24 => self.accumulate(),
            20 => self.comes_back(),
            21 => self.there_and_back(),
            22 => self.stored_and_loaded(),
            0..6 => self.computing(),
            6 => self.number_box(),
            7 => self.number_unbox(),
            8..11 => self.load(),
            11..13 => self.store(),
            13 => self.object(),
            14..17 => self.guard(),
            17 => self.call(),
            18 => self.question(),
            _ => self.shape_or_assumption(),
        }
    }

    /// A row of the first group, any of them.
    fn computing(&mut self) {
        let rows: &[Row] = &ROWS[..OpCode::Input as usize];
        let row = &rows[self.rng.below(rows.len())];
        // Arithmetic that loops are made of comes more often.
        let favourites =
            [OpCode::IntAdd, OpCode::IntSub, OpCode::IntLt, OpCode::IntUlt, OpCode::FltAdd, OpCode::IntFits];
        let row = if self.rng.one_in(3) { self.rng.pick(&favourites).row() } else { row };
        let args: Vec<Arg> = row.operands.iter().map(|&ty| self.operand(ty)).collect();
        let OperandTy::Is(ty) = row.result else { return };
        self.push(row.code, ty, &args, Attr::None);
    }

    fn number_box(&mut self) {
        match self.rng.below(3) {
            0 => {
                let x = self.of(Ty::Int);
                let Value::Int(number) = self.value(x) else { return };
                if self.rng.one_in(2) {
                    let Some(fits) = self.push(OpCode::IntFits, Ty::Bool, &[x], Attr::None) else { return };
                    self.guard_on(fits);
                }
                if imm::int_fits(number) {
                    self.push(OpCode::IntBox, Ty::Ref, &[x], Attr::None);
                }
            }
            1 => {
                let x = self.of(Ty::Flt);
                self.push(OpCode::FltBox, Ty::Ref, &[x], Attr::None);
            }
            _ => {
                let x = self.of(Ty::Bool);
                self.push(OpCode::BoolBox, Ty::Ref, &[x], Attr::None);
            }
        }
    }

    fn number_unbox(&mut self) {
        let p = self.of(Ty::Ref);
        let (ask, open, ty) = match self.value(p) {
            Value::Ref(Ref::Int(_)) => (OpCode::IsInt, OpCode::IntUnbox, Ty::Int),
            Value::Ref(Ref::Flt(_)) => (OpCode::IsFlt, OpCode::FltUnbox, Ty::Flt),
            _ => return,
        };
        if !self.rng.one_in(4) {
            let Some(is) = self.push(ask, Ty::Bool, &[p], Attr::None) else { return };
            self.guard_on(is);
        }
        self.push(open, ty, &[p], Attr::None);
    }

    fn load(&mut self) {
        match self.rng.below(4) {
            0..2 => {
                let Some(p) = self.object_operand() else { return };
                let field = self.field();
                self.push(OpCode::GetField, field.repr.ty(), &[p], Attr::Field(field));
            }
            2 => {
                let Some(p) = self.object_operand() else { return };
                let items = self.items();
                let index = self.index();
                self.push(OpCode::GetItem, items.repr.ty(), &[p, index], Attr::Items(items));
            }
            _ => {
                let repr = self.rng.pick(&RAWS);
                let (p, address, index) = self.raw_place();
                self.push(OpCode::RawLoad, repr.ty(), &[p, address, index], Attr::Raw(repr));
            }
        }
    }

    fn store(&mut self) {
        match self.rng.below(4) {
            0..2 => {
                let Some(p) = self.object_operand() else { return };
                let field = self.field();
                if field.immutable {
                    return;
                }
                let value = self.of(field.repr.ty());
                self.push(OpCode::SetField, Ty::Void, &[p, value], Attr::Field(field));
            }
            2 => {
                let Some(p) = self.object_operand() else { return };
                let items = self.items();
                let (index, value) = (self.index(), self.of(items.repr.ty()));
                self.push(OpCode::SetItem, Ty::Void, &[p, index, value], Attr::Items(items));
            }
            _ => {
                let repr = self.rng.pick(&RAWS);
                let ((p, address, index), value) = (self.raw_place(), self.of(repr.ty()));
                self.push(OpCode::RawStore, Ty::Void, &[p, address, index, value], Attr::Raw(repr));
            }
        }
    }

    fn field(&mut self) -> Field {
        let at = self.rng.below(self.fields.len());
        self.fields[at]
    }

    fn items(&mut self) -> Items {
        let at = self.rng.below(2);
        self.items[at]
    }

    /// An object is stored into another one, comes back under another name, is written under one and read under the other.
    fn comes_back(&mut self) {
        let field = FIELDS[if self.rng.one_in(2) { 0 } else { 3 }];
        let number = FIELDS[1];
        let (Some(p), Some(q), Some(r)) = (self.object_operand(), self.object_operand(), self.object_operand()) else {
            return;
        };
        self.push(OpCode::SetField, Ty::Void, &[q, p], Attr::Field(field));
        if self.rng.one_in(2) {
            let other = self.of(Ty::Ref);
            self.push(OpCode::SetField, Ty::Void, &[r, other], Attr::Field(field));
        }
        let Some(again) = self.push(OpCode::GetField, Ty::Ref, &[q], Attr::Field(field)) else { return };
        if self.rng.one_in(2) {
            self.question();
        }
        let (x, y) = (self.of(Ty::Int), self.of(Ty::Int));
        self.push(OpCode::SetField, Ty::Void, &[p, x], Attr::Field(number));
        if self.push(OpCode::SetField, Ty::Void, &[again, y], Attr::Field(number)).is_none() {
            return;
        }
        self.push(OpCode::GetField, Ty::Int, &[p], Attr::Field(number));
        self.push(OpCode::GetField, Ty::Int, &[again], Attr::Field(number));
        self.leave_trail();
    }

    /// Something is stored and loaded again, with something else in between.
    fn there_and_back(&mut self) {
        let repr = self.rng.pick(&RAWS);
        let (p, address, index) = self.raw_place();
        let value = self.of(repr.ty());
        self.push(OpCode::RawStore, Ty::Void, &[p, address, index, value], Attr::Raw(repr));
        if self.rng.one_in(2) {
            self.store();
        } else {
            let other = self.rng.pick(&RAWS);
            let nearby = if self.rng.one_in(2) { address } else { self.raw_place().1 };
            let (at, value) = (self.index(), self.of(other.ty()));
            self.push(OpCode::RawStore, Ty::Void, &[p, nearby, at, value], Attr::Raw(other));
        }
        self.push(OpCode::RawLoad, repr.ty(), &[p, address, index], Attr::Raw(repr));
        self.leave_trail();
    }

    /// A field is stored, something happens, and it is loaded.
    fn stored_and_loaded(&mut self) {
        let (Some(p), field) = (self.object_operand(), self.rng.pick(&FIELDS[..7])) else { return };
        let value = self.of(field.repr.ty());
        self.push(OpCode::SetField, Ty::Void, &[p, value], Attr::Field(field));
        match self.rng.below(3) {
            0 => self.store(),
            1 => self.call(),
            _ => {}
        }
        self.push(OpCode::GetField, field.repr.ty(), &[p], Attr::Field(field));
        self.leave_trail();
    }

    fn ask(&mut self, question: OpCode, p: Arg) {
        let ty = if question == OpCode::Shape { Ty::Int } else { Ty::Bool };
        let Some(answer) = self.push(question, ty, &[p], Attr::None) else { return };
        match self.constant_of(self.value(answer)) {
            Some(constant) if ty == Ty::Int => self.push_guard(OpCode::GuardValue, &[answer, constant]),
            _ => self.guard_on(answer),
        }
    }

    /// Memory that detours write is read, and what was read is used.
    fn detours_memory(&mut self) {
        let (object, field) = (Arg::Ref(ConstRef(self.rng.below(3) as u32)), FIELDS[self.rng.below(3)]);
        let Some(value) = self.push(OpCode::GetField, field.repr.ty(), &[object], Attr::Field(field)) else { return };
        let Some(to) = self.object_operand() else { return };
        if self.rng.one_in(2) {
            self.push(OpCode::SetField, Ty::Void, &[to, value], Attr::Field(field));
        }
    }

    /// A sum in memory: loaded, changed, asked, stored.
    fn accumulate(&mut self) {
        let object = Arg::Ref(ConstRef(self.rng.below(3) as u32));
        let field = Attr::Field(FIELDS[1]);
        let Some(old) = self.push(OpCode::GetField, Ty::Int, &[object], field) else { return };
        let step = self.of(Ty::Int);
        let Some(sum) = self.push(OpCode::IntAdd, Ty::Int, &[old, step], Attr::None) else { return };
        let Some(sum) = self.push(OpCode::IntAnd, Ty::Int, &[sum, Arg::Int(15)], Attr::None) else { return };
        let limit = Arg::Int(self.rng.below(16) as i64);
        let Some(is_less) = self.push(OpCode::IntLt, Ty::Bool, &[sum, limit], Attr::None) else { return };
        if self.rng.one_in(2) {
            self.guard_on(is_less);
            self.push(OpCode::SetField, Ty::Void, &[object, sum], field);
        } else {
            self.push(OpCode::SetField, Ty::Void, &[object, sum], field);
            self.guard_on(is_less);
        }
    }

    /// What a handler asks of an operand that turns out to be an object.
    fn ask_all(&mut self) {
        let Some(p) = self.object_operand() else { return };
        for question in [OpCode::IsInt, OpCode::IsFlt, OpCode::Shape] {
            if question == OpCode::Shape || !self.rng.one_in(6) {
                self.ask(question, p);
            }
        }
    }

    /// Sums and products of sums, each tested, as handlers do.
    fn tested_sums(&mut self) {
        let mut x = self.of(Ty::Int);
        for _ in 0..2 + self.rng.below(3) {
            let mut y = self.of(Ty::Int);
            if self.rng.one_in(2) {
                let mask = self.rng.pick(&[3, 1023, (1 << 40) - 1, (1 << 61) - 1]);
                let Some(low) = self.push(OpCode::IntAnd, Ty::Int, &[y, Arg::Int(mask)], Attr::None) else { return };
                y = low;
            }
            let code = self.rng.pick(&[OpCode::IntAdd, OpCode::IntAdd, OpCode::IntSub, OpCode::IntMul]);
            if code == OpCode::IntMul {
                for factor in [x, y] {
                    let is_small = matches!(self.value(factor), Value::Int(x) if x.unsigned_abs() < 1 << 24);
                    if factor.value().is_some() && is_small {
                        self.push(OpCode::ExpectSmall, Ty::Void, &[factor], Attr::None);
                    }
                }
                let overflows = self.push(OpCode::IntMulOverflows, Ty::Bool, &[x, y], Attr::None);
                let Some(overflows) = overflows else { return };
                self.guard_on(overflows);
            }
            let Some(result) = self.push(code, Ty::Int, &[x, y], Attr::None) else { return };
            let Some(fits) = self.push(OpCode::IntFits, Ty::Bool, &[result], Attr::None) else { return };
            self.guard_on(fits);
            x = result;
        }
    }

    /// A guard whose exit lists the youngest values.
    fn leave_trail(&mut self) {
        let condition = self.of(Ty::Bool);
        self.guard_on(condition);
    }

    /// A fresh object with its fields.
    fn object(&mut self) {
        let shape = 50 + self.rng.below(3) as u32;
        if self.rng.one_in(3) {
            let count = if self.rng.one_in(4) { self.of(Ty::Int) } else { Arg::Int(self.rng.below(4) as i64) };
            let attr = Attr::New { shape, bytes: 80, item_bytes: 8 };
            let Some(p) = self.push(OpCode::NewItems, Ty::Ref, &[count], attr) else { return };
            let Arg::Int(count) = count else { return };
            for index in 0..count.min(2) {
                let value = self.of(Ty::Ref);
                self.push(OpCode::InitItem, Ty::Void, &[p, Arg::Int(index), value], Attr::Items(ITEMS[0]));
            }
            return;
        }
        let Some(p) = self.push(OpCode::New, Ty::Ref, &[], Attr::New { shape, bytes: 80, item_bytes: 0 }) else {
            return;
        };
        for field in FIELDS {
            if self.rng.one_in(2) {
                let value = self.of(field.repr.ty());
                self.push(OpCode::InitField, Ty::Void, &[p, value], Attr::Field(field));
            }
        }
    }

    fn guard(&mut self) {
        if self.rng.one_in(4) {
            let ty = self.rng.pick(&[Ty::Int, Ty::Ref, Ty::Flt, Ty::Bool]);
            let x = self.of(ty);
            if let Some(constant) = self.constant_of(self.value(x)) {
                let assumes = self.rng.one_in(8) && !self.style.full_snapshots;
                let code = if assumes { OpCode::AssumeValue } else { OpCode::GuardValue };
                self.push_guard(code, &[x, constant]);
            }
            return;
        }
        let condition = self.of(Ty::Bool);
        self.guard_on(condition);
    }

    fn guard_on(&mut self, condition: Arg) {
        let holds = self.value(condition) == Value::Bool(true);
        let code = if holds { OpCode::GuardTrue } else { OpCode::GuardFalse };
        self.push_guard(code, &[condition]);
    }

    fn call(&mut self) {
        let effect = self.rng.pick(&[
            CallEffect::Pure,
            CallEffect::Allocates,
            CallEffect::Reads,
            CallEffect::Writes,
            CallEffect::RunsGuest,
        ]);
        let result = self.rng.pick(&[Ty::Ref, Ty::Int, Ty::Flt, Ty::Void]);
        let result = if effect < CallEffect::Writes && result == Ty::Void { Ty::Ref } else { result };
        let tys: Vec<Ty> = (0..self.rng.below(4)).map(|_| self.rng.pick(&[Ty::Ref, Ty::Ref, Ty::Int])).collect();
        let args: Vec<Arg> = tys.iter().map(|&ty| self.of(ty)).collect();
        let callee = synthetic_callee("f", effect, &tys, result, false);
        self.push(OpCode::Call, result, &args, Attr::Callee(callee));
        if effect == CallEffect::RunsGuest {
            // The snapshot of a call does not have the call's result.
            let at = self.trace.ops.len() - 1;
            self.trace.ops[at].snapshot = Some(self.snapshot(at));
            if self.world_is_valid() {
                self.push_guard(OpCode::StillValid, &[]);
            }
        }
    }

    fn question(&mut self) {
        let (p, q) = (self.of(Ty::Ref), self.of(Ty::Ref));
        match self.rng.below(4) {
            0 => self.push(OpCode::IsInt, Ty::Bool, &[p], Attr::None),
            1 => self.push(OpCode::IsFlt, Ty::Bool, &[p], Attr::None),
            2 => self.push(OpCode::IsNull, Ty::Bool, &[p], Attr::None),
            _ => self.push(OpCode::RefEq, Ty::Bool, &[p, q], Attr::None),
        };
    }

    fn shape_or_assumption(&mut self) {
        match self.rng.below(4) {
            0 if !self.style.full_snapshots => {
                let condition = self.of(Ty::Bool);
                let holds = self.value(condition) == Value::Bool(true);
                let code = if holds { OpCode::AssumeTrue } else { OpCode::AssumeFalse };
                self.push_guard(code, &[condition]);
            }
            1 => {
                let Some(p) = self.object_operand() else { return };
                let shape = Arg::Int(40 + self.rng.below(4) as i64);
                self.push(OpCode::SetShape, Ty::Void, &[p, shape], Attr::None);
            }
            2 if self.world_is_valid() => self.push_guard(OpCode::StillValid, &[]),
            _ => {
                let Some(p) = self.object_operand() else { return };
                let Some(shape) = self.push(OpCode::Shape, Ty::Int, &[p], Attr::None) else { return };
                if let Some(constant) = self.constant_of(self.value(shape)) {
                    self.push_guard(OpCode::GuardValue, &[shape, constant]);
                }
            }
        }
    }

    fn end(&mut self) {
        if self.style.is_loop {
            let inputs: Vec<Ty> =
                self.trace.ops.iter().take_while(|op| op.code == OpCode::Input).map(|op| op.ty).collect();
            let args: Vec<Arg> = inputs
                .iter()
                .enumerate()
                .map(|(at, &ty)| if self.rng.one_in(3) { Arg::Value(ValueId(at as u32)) } else { self.recent(ty) })
                .collect();
            let mut args = args;
            if let Some((slot, next)) = self.asked {
                args[slot] = next;
            }
            self.trace.push(OpCode::JumpLabel, Ty::Void, &args, Attr::None);
            return;
        }
        match self.rng.below(4) {
            0 => {
                let args: Vec<Arg> = (0..self.rng.below(4)).map(|_| self.of(Ty::Ref)).collect();
                self.trace.push(OpCode::JumpLoop, Ty::Void, &args, Attr::Target(TraceId(7)));
            }
            1 => {
                let at = self.trace.ops.len();
                let snapshot = self.snapshot(at);
                self.trace.push(OpCode::Leave, Ty::Void, &[], Attr::None);
                self.trace.ops[at].snapshot = Some(snapshot);
            }
            2 => {
                let p = self.of(Ty::Ref);
                self.trace.push(OpCode::FinishReturn, Ty::Void, &[p], Attr::None);
            }
            _ => {
                let p = self.of(Ty::Ref);
                self.trace.push(OpCode::FinishRaise, Ty::Void, &[p], Attr::None);
            }
        }
    }

    /// Executes and appends; `None` (and nothing appended) if the operation cannot be done here.
    fn push(&mut self, code: OpCode, ty: Ty, args: &[Arg], attr: Attr) -> Option<Arg> {
        let values: Vec<Value> = args.iter().map(|&arg| self.value(arg)).collect();
        let value = eval::step(&mut self.world, code, ty, &values, &attr).ok()?;
        self.values.push(value);
        Some(Arg::Value(self.trace.push(code, ty, args, attr)))
    }

    fn push_guard(&mut self, code: OpCode, args: &[Arg]) {
        let at = self.trace.ops.len();
        let snapshot = (code.effect() == Effect::Guard).then(|| self.snapshot(at));
        self.trace.push(code, Ty::Void, args, Attr::None);
        self.trace.ops[at].snapshot = snapshot;
        self.values.push(Value::Void);
    }

    fn snapshot(&mut self, at: usize) -> SnapshotId {
        // Calls and returns: snapshots share the frames of the callers.
        if !self.style.full_snapshots {
            match self.rng.below(6) {
                0 if self.callers.len() < 4 => {
                    let caller = self.frame(at);
                    self.callers.push(caller);
                }
                1 => {
                    self.callers.pop();
                }
                _ => {}
            }
        }
        let mut frames = self.callers.clone();
        frames.push(self.frame(at));
        self.trace.snapshots.push(Snapshot { frames });
        SnapshotId(self.trace.snapshots.len() as u32 - 1)
    }

    fn frame(&mut self, at: usize) -> Arc<FrameState<Arg>> {
        let mut slots = Vec::new();
        let mut log = Vec::new();
        if !self.style.full_snapshots {
            slots = (0..self.rng.below(9)).map(|_| self.any_before(at)).collect();
            log = (0..self.rng.below(2))
                .map(|_| {
                    let arg = self.any_before(at);
                    (LogKind::Value, self.trace.ty(arg), arg)
                })
                .collect();
        }
        Arc::new(FrameState { code: 1, pc: at as u32, slots, log, events: 1, resume: Resume::Replay })
    }

    fn any_before(&mut self, at: usize) -> Arg {
        for _ in 0..4 {
            let id = if self.rng.one_in(3) { self.rng.below(at) } else { at - 1 - self.rng.below(at.min(6)) };
            if self.trace.ops[id].ty != Ty::Void {
                return Arg::Value(ValueId(id as u32));
            }
        }
        Arg::Int(3)
    }

    fn operand(&mut self, ty: OperandTy) -> Arg {
        match ty {
            OperandTy::Is(ty) => self.of(ty),
            OperandTy::Any => self.of(Ty::Int),
        }
    }

    /// An operand of that type: mostly a value, and rather a young one.
    fn of(&mut self, ty: Ty) -> Arg {
        if self.rng.one_in(5) { self.constant(ty) } else { self.recent(ty) }
    }

    fn recent(&mut self, ty: Ty) -> Arg {
        let count = self.trace.ops.len();
        for attempt in 0..12 {
            let back = if attempt < 4 { self.rng.below(8.min(count)) } else { self.rng.below(count) };
            let id = count - 1 - back;
            if self.trace.ops[id].ty == ty {
                return Arg::Value(ValueId(id as u32));
            }
        }
        self.constant(ty)
    }

    fn constant(&mut self, ty: Ty) -> Arg {
        match ty {
            Ty::Int => Arg::Int(self.rng.pick(&[0, 1, 2, -1, 3, 8, 64, 255, 1 << 62, i64::MAX, i64::MIN, -7])),
            Ty::Flt => Arg::Flt(self.rng.pick(&[0.0f64, 1.0, -1.0, 2.0, 0.5, -0.0, 1e300, f64::INFINITY]).to_bits()),
            Ty::Bool => Arg::Bool(self.rng.one_in(2)),
            _ => match self.rng.below(7) {
                0 => Arg::NULL,
                1 => Arg::Imm(imm::from_int(self.rng.below(20) as i64).unwrap_or(0)),
                2 => Arg::Imm(imm::from_float((self.rng.below(8) as f64 - 2.5).to_bits()).unwrap_or(0)),
                3 => Arg::Ref(ConstRef(OLD_OBJECTS + self.rng.below(2) as u32)),
                _ => Arg::Ref(ConstRef(self.rng.below(self.constants) as u32)),
            },
        }
    }

    /// An operand that is an object here.
    fn object_operand(&mut self) -> Option<Arg> {
        for _ in 0..6 {
            let p = self.of(Ty::Ref);
            if matches!(self.value(p), Value::Ref(Ref::Object(_))) {
                return Some(p);
            }
        }
        None
    }

    fn index(&mut self) -> Arg {
        let index = self.of(Ty::Int);
        match self.value(index) {
            Value::Int(0..16) => index,
            _ => Arg::Int(self.rng.below(3) as i64),
        }
    }

    fn raw_place(&mut self) -> (Arg, Arg, Arg) {
        let address = self.of(Ty::Int);
        let address = match self.value(address) {
            Value::Int(0..2000) => address,
            _ => Arg::Int(8 * self.rng.below(4) as i64),
        };
        (Arg::Ref(ConstRef(0)), address, self.index())
    }

    fn value(&self, arg: Arg) -> Value {
        match arg {
            Arg::Value(id) => self.values[id.0 as usize],
            constant => eval::constant_value(&self.world, constant),
        }
    }

    fn constant_of(&self, value: Value) -> Option<Arg> {
        constant_of(value)
    }

    fn world_is_valid(&self) -> bool {
        let mut world = self.world.clone();
        let mut trace = Trace::new(TraceKind::Loop, String::new());
        trace.push(OpCode::StillValid, Ty::Void, &[], Attr::None);
        trace.ops[0].snapshot = Some(SnapshotId(0));
        trace.snapshots.push(Snapshot::default());
        trace.push(OpCode::FinishReturn, Ty::Void, &[Arg::NULL], Attr::None);
        matches!(eval::run(&mut world, &trace, eval::Entry::Start, &[], &mut 0), Ok(eval::Ending::Returned(_)))
    }
}

/// The constant for a value, if it has one.
pub fn constant_of(value: Value) -> Option<Arg> {
    match value {
        Value::Int(x) => Some(Arg::Int(x)),
        // All NaNs of the model are one, those of the optimiser are not.
        Value::Flt(x) => (!f64::from_bits(x).is_nan()).then_some(Arg::Flt(x)),
        Value::Bool(x) => Some(Arg::Bool(x)),
        Value::Void => None,
        Value::Ref(Ref::Null) => Some(Arg::NULL),
        Value::Ref(Ref::True) => Some(Arg::Ref(ConstRef(TRUE_CONSTANT))),
        Value::Ref(Ref::False) => Some(Arg::Ref(ConstRef(FALSE_CONSTANT))),
        Value::Ref(Ref::Int(x)) => imm::from_int(x).map(Arg::Imm),
        Value::Ref(Ref::Flt(x)) if f64::from_bits(x).is_nan() => None,
        Value::Ref(Ref::Flt(x)) => imm::from_float(x).map(Arg::Imm),
        Value::Ref(Ref::Object(id)) => (id < OLD_OBJECTS).then_some(Arg::Ref(ConstRef(id))),
    }
}

/// Gives each guard a snapshot of all inputs and of all values that are used behind it or by itself.
fn fill_snapshots(trace: &mut Trace) {
    let mut last_use = vec![0usize; trace.ops.len()];
    for (at, op) in trace.ops.iter().enumerate() {
        op.args.iter().filter_map(|arg| arg.value()).for_each(|id| last_use[id.0 as usize] = at);
    }
    for at in 0..trace.ops.len() {
        let Some(id) = trace.ops[at].snapshot else { continue };
        let slots = needed_behind(&trace.ops, &last_use, at);
        let frame = FrameState { code: 1, pc: at as u32, slots, log: Vec::new(), events: 1, resume: Resume::Replay };
        trace.snapshots[id.0 as usize].frames = vec![Arc::new(frame)];
    }
}

fn needed_behind(ops: &[Op], last_use: &[usize], at: usize) -> Vec<Arg> {
    (0..at)
        .filter(|&id| ops[id].ty != Ty::Void && (last_use[id] >= at || ops[id].code == OpCode::Input))
        .map(|id| Arg::Value(ValueId(id as u32)))
        .collect()
}
