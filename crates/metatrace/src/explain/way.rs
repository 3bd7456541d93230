//! How often the instructions on a trace's way were reached: as often as the trace was entered, or went round, less what its exits in
//! front took.

use super::{ExitStory, Step, of_position};
use crate::language::Language;
use ir::{PositionId, Trace};

/// `rounds`: how often the trace was entered, and how often it came by its label.
pub(super) fn of<L: Language>(trace: &Trace, exits: &[ExitStory<L>], rounds: [u64; 2]) -> Vec<Step<L>> {
    // By step: what left there, in front of the label and behind. A peeled loop has each of its instructions in both.
    let mut left = vec![[0; 2]; trace.positions.len()];
    for exit in exits {
        // Of what belongs to no instruction: before all of them.
        if let Some(left) = left.get_mut(exit.step.unwrap_or(0) as usize) {
            left[usize::from(exit.in_body)] += exit.left + exit.bridged;
        }
    }
    let mut rest = rounds;
    let steps = trace.positions.iter().zip(left).map(|(position, left)| {
        let reached = rest[0] + rest[1];
        rest = [rest[0].saturating_sub(left[0]), rest[1].saturating_sub(left[1])];
        let caller = Some(position.caller).filter(|&caller| caller != PositionId::NONE).map(|caller| caller.0);
        Step { place: of_position(position), caller, reached, passed: rest[0] + rest[1] }
    });
    steps.collect()
}
