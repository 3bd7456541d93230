//! Stacks merged from their outermost frames on.

use super::{Kind, Report};
use std::collections::BTreeMap;

/// A function as it was called from the functions above it.
pub struct Node {
    /// An index into [`Report::functions`].
    pub function: usize,
    /// Of it and what it called.
    pub nanoseconds: u64,
    /// The part of that during which its own frame ran in compiled code.
    pub compiled: u64,
    /// The interpreter's own work.
    pub is_own: bool,
    /// What is called, the most expensive first.
    pub children: Vec<Node>,
}

#[derive(Default)]
struct Building {
    nanoseconds: u64,
    compiled: u64,
    is_own: bool,
    children: BTreeMap<usize, Building>,
}

/// The outermost functions.
pub fn of(report: &Report) -> Vec<Node> {
    let mut root = Building::default();
    for stack in &report.stacks {
        let mut at = &mut root;
        for frame in &stack.frames {
            at = at.children.entry(frame.function).or_default();
            at.nanoseconds += stack.nanoseconds;
            at.compiled += if frame.kind == Kind::Compiled { stack.nanoseconds } else { 0 };
            at.is_own = frame.kind == Kind::Own;
        }
    }
    finished(root.children)
}

fn finished(children: BTreeMap<usize, Building>) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::with_capacity(children.len());
    for (function, building) in children {
        let Building { nanoseconds, compiled, is_own, children } = building;
        nodes.push(Node { function, nanoseconds, compiled, is_own, children: finished(children) });
    }
    nodes.sort_by(|a, b| b.nanoseconds.cmp(&a.nanoseconds).then(a.function.cmp(&b.function)));
    nodes
}
