//! Counting how often a trace is entered and goes round: operations that are put into it after it has been optimised, so that
//! what is counted is the trace that runs otherwise.

use ir::{Arg, Attr, Op, OpCode, PositionId, Repr, Trace, Ty, ValueId};
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The counts of one trace; its code refers to them, so they are never freed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounds(&'static [AtomicU64; 2]);

impl Rounds {
    /// Has the trace count itself.
    pub(crate) fn count(trace: &mut Trace) -> Rounds {
        let rounds = Rounds(Box::leak(Box::default()));
        let inputs = trace.input_count();
        let label = trace.ops.iter().position(|op| op.code == OpCode::Label);
        // From the end on, so that places in front keep their numbers.
        if let Some(label) = label {
            let phis = trace.ops[label + 1..].iter().take_while(|op| op.code == OpCode::Phi).count();
            insert(trace, label + 1 + phis, &rounds.0[1]);
        }
        insert(trace, inputs, &rounds.0[0]);
        rounds
    }

    /// How often the trace was entered, other than at its label.
    pub(crate) fn entered(self) -> u64 {
        self.0[0].load(Ordering::Relaxed)
    }

    /// How often it came by its label.
    pub(crate) fn at_label(self) -> u64 {
        self.0[1].load(Ordering::Relaxed)
    }
}

/// Puts in front of operation `at`: add 1 to the word.
fn insert(trace: &mut Trace, at: usize, word: &'static AtomicU64) {
    const ADDED: u32 = 3;
    let moved = |id: &mut ValueId| id.0 += if id.0 as usize >= at { ADDED } else { 0 };
    let moved_arg = |arg: &mut Arg| {
        if let Arg::Value(id) = arg {
            moved(id);
        }
    };
    trace.ops.iter_mut().flat_map(|op| &mut op.args).for_each(moved_arg);
    trace.exits.iter_mut().flat_map(|exit| &mut Arc::make_mut(exit).live).for_each(|live| moved(&mut live.0));
    let address = Arg::Int(std::ptr::from_ref(word).addr() as i64);
    let load = at as u32;
    let op = |code, ty, args: &[Arg], attr| Op {
        code,
        ty,
        args: SmallVec::from_slice(args),
        attr,
        snapshot: None,
        exit: None,
        at: PositionId::NONE,
    };
    let place = [Arg::NULL, address, Arg::Int(0)];
    let sum = Arg::Value(ValueId(load + 1));
    let added = [
        op(OpCode::RawLoad, Ty::Int, &place, Attr::Raw(Repr::I64)),
        op(OpCode::IntAdd, Ty::Int, &[Arg::Value(ValueId(load)), Arg::Int(1)], Attr::None),
        op(OpCode::RawStore, Ty::Void, &[place[0], place[1], place[2], sum], Attr::Raw(Repr::I64)),
    ];
    debug_assert_eq!(added.len(), ADDED as usize);
    trace.ops.splice(at..at, added);
}

/// Whether an operation is one that counts.
pub(crate) fn is_counting(trace: &Trace, op: usize) -> bool {
    let reads_word = |at: usize| {
        let op = &trace.ops[at];
        op.code == OpCode::RawLoad && op.args[0] == Arg::NULL
    };
    match trace.ops[op].code {
        OpCode::RawLoad => reads_word(op),
        OpCode::IntAdd => op > 0 && trace.ops[op - 1].ty == Ty::Int && reads_word(op - 1),
        OpCode::RawStore => trace.ops[op].args[0] == Arg::NULL,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Rounds, is_counting};

    #[test]
    fn a_trace_that_counts_does_what_it_did() {
        let text = "loop [p0, i1]\ni2 = int_add(i1, 1)\nlabel()\ni4 = phi(i2)\ni5 = int_add(i4, 2)\njump_label(i5)\n";
        let mut trace = ir::text::parse(text).expect("a trace");
        Rounds::count(&mut trace);
        ir::verify(&trace).expect("well-formed");
        let texts: Vec<String> = (2..trace.ops.len())
            .filter(|&op| !is_counting(&trace, op))
            .map(|op| ir::text::op_text(&trace, op))
            .collect();
        assert_eq!(
            texts,
            ["i5 = int_add(i1, 1)", "label()", "i7 = phi(i5)", "i11 = int_add(i7, 2)", "jump_label(i11)"]
        );
    }
}
