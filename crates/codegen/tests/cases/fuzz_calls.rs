//! Random loops with calls: code of two backends must leave alike. The evaluator does not know what the functions give.
//!
//! `CODEGEN_FUZZ=n` draws `n` traces instead of the default; `CODEGEN_SEED=s` starts elsewhere.

use crate::common::{Guest, Random, config, setting};
use crate::fuzz_loops::draw;
use codegen::cranelift::CraneliftBackend;
use codegen::{BODY, Left, START};
use ir::{OpCode, Ty};

fn same(ty: Ty, a: u64, b: u64) -> bool {
    a == b || ty == Ty::Flt && f64::from_bits(a).is_nan() && f64::from_bits(b).is_nan()
}

#[test]
fn compiled_loops_with_calls_leave_like_those_of_cranelift() {
    let seed = setting("CODEGEN_SEED", 1);
    let mut guest = Guest::new();
    let mut other = Guest::on(Box::new(CraneliftBackend::new(config()).expect("a backend")));
    for index in seed..seed + setting("CODEGEN_FUZZ", 600) {
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
            let (left, right) = (guest.run_at(&compiled, selector, &words), other.run_at(&expected, selector, &words));
            let (Left::Exit(left), Left::Exit(right)) = (left, right) else {
                panic!("seed {index}: {left:?} {right:?}")
            };
            let exit = right - expected.first_exit;
            assert_eq!(left - compiled.first_exit, exit, "seed {index} {words:x?}\n{text}");
            for (at, &(_, ty)) in trace.exits[exit as usize].live.iter().enumerate() {
                let (left, right) = (guest.buf[at], other.buf[at]);
                assert!(same(ty, left, right), "seed {index}, value {at}: {left:#x} {right:#x}\n{words:x?}\n{text}");
            }
        }
        guest.free(compiled);
        other.free(expected);
    }
}
