//! Random loops with calls: code of two backends must leave alike. The evaluator does not know what the functions give.
//!
//! `CODEGEN_FUZZ=n` draws `n` traces instead of the default; `CODEGEN_SEED=s` starts elsewhere.

use crate::common::{Guest, Random, config, setting};
use crate::fuzz_loops::draw;
use codegen::cranelift::CraneliftBackend;
use codegen::{BODY, Left, START};
use ir::{ExitId, OpCode, Ty};

fn same(ty: Ty, a: u64, b: u64) -> bool {
    a == b || ty == Ty::Flt && f64::from_bits(a).is_nan() && f64::from_bits(b).is_nan()
}

#[test]
fn compiled_loops_with_calls_leave_like_those_of_cranelift() {
    run(600, false);
}

/// Each exit is armed, one at a time.
#[test]
fn compiled_loops_with_calls_leave_where_armed() {
    let fired = run(150, true);
    assert!(fired > 150, "armed exits are hardly taken: {fired}");
}

/// How many armed exits fired.
fn run(cases: u64, arms: bool) -> usize {
    let seed = setting("CODEGEN_SEED", 1);
    let mut guest = Guest::new();
    let mut other = Guest::on(Box::new(CraneliftBackend::new(config()).expect("a backend")));
    (guest.arms, other.arms) = (arms, arms);
    let mut fired = 0;
    for index in seed..seed + setting("CODEGEN_FUZZ", cases) {
        let mut random = Random::new(index);
        let (trace, inputs, carried) = draw(&mut random, true);
        let text = ir::text::print(&trace);
        let has_label = trace.ops.iter().any(|op| op.code == OpCode::Label);
        let compiled = guest.compile(index as u32, trace.clone(), &[]);
        let expected = other.compile(index as u32, trace.clone(), &[]);
        for (selector, tys) in [(START, &inputs), (BODY, &carried)] {
            if selector == BODY && !has_label {
                continue;
            }
            let mut words: Vec<u64> = tys.iter().map(|&ty| random.bits(ty)).collect();
            words[0] = 0;
            let exits = if arms { trace.exits.len() as u32 } else { 0 };
            for armed in [None].into_iter().chain((0..exits).map(ExitId).map(Some)) {
                for cells in [compiled.exits, expected.exits] {
                    cells.disarm_all();
                    armed.into_iter().for_each(|exit| cells.arm(exit));
                }
                let (left, right) =
                    (guest.run_at(&compiled, selector, &words), other.run_at(&expected, selector, &words));
                let (Left::Exit(left), Left::Exit(right)) = (left, right) else {
                    panic!("seed {index}: {left:?} {right:?}")
                };
                let exit = right - expected.first_exit;
                assert_eq!(left - compiled.first_exit, exit, "seed {index} {words:x?}, armed {armed:?}\n{text}");
                for (at, &(_, ty)) in trace.exits[exit as usize].live.iter().enumerate() {
                    let (left, right) = (guest.buf[at], other.buf[at]);
                    assert!(
                        same(ty, left, right),
                        "seed {index}, value {at}: {left:#x} {right:#x}\n{words:x?}, armed {armed:?}\n{text}"
                    );
                }
                let both = [compiled.exits, expected.exits].map(|cells| cells.take_fired(ExitId(exit)));
                assert_eq!(both[0], both[1], "seed {index} {words:x?}, armed {armed:?}\n{text}");
                fired += usize::from(both[0]);
            }
        }
        guest.free(compiled);
        other.free(expected);
    }
    fired
}
