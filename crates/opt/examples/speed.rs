//! How long the optimiser takes for a trace as a dynamic language records it: boxed arithmetic on attributes and list
//! items, a guard every few operations. Prints microseconds per trace for several lengths.

use ir::{Arg, Attr, Field, FrameState, Items, OpCode, Repr, Resume, Snapshot, SnapshotId, Trace, TraceKind, Ty};
use std::sync::Arc;
use std::time::Instant;

fn main() {
    for rounds in [2, 10, 50, 200] {
        let trace = recorded(rounds);
        let request = opt::Request::default();
        let copies: Vec<Trace> = (0..200).map(|_| trace.clone()).collect();
        let start = Instant::now();
        let mut kept = 0;
        for copy in copies {
            match opt::optimize(copy, &request) {
                Ok(optimized) => kept = optimized.trace.ops.len(),
                Err(failure) => println!("{failure:?}"),
            }
        }
        let each = start.elapsed().as_micros() as f64 / 200.0;
        println!("{} operations: {each:.0} us, {kept} operations left", trace.ops.len());
    }
}

struct Recorder {
    trace: Trace,
    slots: Vec<Arg>,
}

impl Recorder {
    fn op(&mut self, code: OpCode, ty: Ty, args: &[Arg], attr: Attr) -> Arg {
        Arg::Value(self.trace.push(code, ty, args, attr))
    }

    fn guard(&mut self, code: OpCode, args: &[Arg]) {
        let at = self.trace.ops.len();
        let frame =
            FrameState { code: 1, pc: 1, slots: self.slots.clone(), log: Vec::new(), events: 0, resume: Resume::Rerun };
        self.trace.snapshots.push(Snapshot { frames: vec![Arc::new(frame)] });
        self.trace.push(code, Ty::Void, args, Attr::None);
        self.trace.ops[at].snapshot = Some(SnapshotId(self.trace.snapshots.len() as u32 - 1));
    }

    fn number(&mut self, p: Arg) -> Arg {
        let is = self.op(OpCode::IsInt, Ty::Bool, &[p], Attr::None);
        self.guard(OpCode::GuardTrue, &[is]);
        self.op(OpCode::IntUnbox, Ty::Int, &[p], Attr::None)
    }
}

/// Some 25 operations a round: `a.n = a.n + items[i]; i = i + 1`.
fn recorded(rounds: usize) -> Trace {
    let mut r = Recorder { trace: Trace::new(TraceKind::Loop, "speed".to_string()), slots: Vec::new() };
    for _ in 0..10 {
        let input = r.op(OpCode::Input, Ty::Ref, &[], Attr::None);
        r.slots.push(input);
    }
    let field = |name, offset| Attr::Field(Field { name, offset, repr: Repr::Ref, immutable: false });
    let items = Attr::Items(Items { name: "items", offset: 16, repr: Repr::Ref, immutable: false });
    for round in 0..rounds {
        let (object, list, index) = (r.slots[0], r.slots[1], r.slots[2]);
        let shape = r.op(OpCode::Shape, Ty::Int, &[object], Attr::None);
        r.guard(OpCode::GuardValue, &[shape, Arg::Int(7)]);
        let shape = r.op(OpCode::Shape, Ty::Int, &[list], Attr::None);
        r.guard(OpCode::GuardValue, &[shape, Arg::Int(8)]);
        let i = r.number(index);
        let count = r.op(OpCode::GetField, Ty::Ref, &[list], field("count", 8));
        let count = r.number(count);
        let inside = r.op(OpCode::IntUlt, Ty::Bool, &[i, count], Attr::None);
        r.guard(OpCode::GuardTrue, &[inside]);
        let item = r.op(OpCode::GetItem, Ty::Ref, &[list, i], items);
        let item = r.number(item);
        let sum = r.op(OpCode::GetField, Ty::Ref, &[object], field("n", 8 + 8 * (round as u32 % 5)));
        let sum = r.number(sum);
        let sum = r.op(OpCode::IntAdd, Ty::Int, &[sum, item], Attr::None);
        let fits = r.op(OpCode::IntFits, Ty::Bool, &[sum], Attr::None);
        r.guard(OpCode::GuardTrue, &[fits]);
        let sum = r.op(OpCode::IntBox, Ty::Ref, &[sum], Attr::None);
        r.op(OpCode::SetField, Ty::Void, &[object, sum], field("n", 8 + 8 * (round as u32 % 5)));
        let next = r.op(OpCode::IntAdd, Ty::Int, &[i, Arg::Int(1)], Attr::None);
        let fits = r.op(OpCode::IntFits, Ty::Bool, &[next], Attr::None);
        r.guard(OpCode::GuardTrue, &[fits]);
        r.slots[2] = r.op(OpCode::IntBox, Ty::Ref, &[next], Attr::None);
        r.slots[3 + round % 7] = sum;
    }
    let ends = r.slots.clone();
    r.trace.push(OpCode::JumpLabel, Ty::Void, &ends, Attr::None);
    r.trace
}
