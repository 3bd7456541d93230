//! Executing an exit's recipe: boxes and objects that compiled code never made.

use crate::coverage::Path;
use crate::inspect::Forced;
use crate::language::{Language, thread_of};
use crate::machine::Machine;
use crate::{Direct, direct};
use heap::{ShapeId, Value};
use ir::{Attr, Exit, ExitArg, OpCode, RecipeStep, Repr, TraceId, Ty};
use smallvec::SmallVec;

/// The guest values behind an exit's arguments. The live ones are in the buffer or on the native stack, the made ones in
/// the scratch table: the collector sees them all.
pub(crate) struct Made<'a, L: Language> {
    live: &'a [u64],
    made: *const Vec<u64>,
    forced: Option<&'a Forced<L>>,
}

impl<'a, L: Language> Made<'a, L> {
    /// Executes the recipe. `forced`: what an inspector has already made of the same frames.
    pub(crate) fn make(
        context: *mut L::Context,
        id: TraceId,
        exit: &Exit,
        live: &'a [u64],
        forced: Option<&'a Forced<L>>,
    ) -> Made<'a, L> {
        // SAFETY: the context outlives the call, and the thread is its first field.
        let cache = unsafe { &mut (*thread_of::<L>(context)).jit.cache };
        cache.scratch.clear();
        let values = Made { live, made: &raw const cache.scratch, forced };
        let known = forced.map(|forced| forced.same_objects(exit)).unwrap_or_default();
        // SAFETY: the context outlives the call, and the thread is its first field.
        let coverage = unsafe { &mut (*thread_of::<L>(context)).jit.coverage };
        if coverage.on {
            exit.recipe.iter().for_each(|step| coverage.recipe(step));
            if !known.is_empty() {
                coverage.reach(Path::ExitSameObjects);
            }
        }
        for (at, step) in exit.recipe.iter().enumerate() {
            let is_known =
                |arg: &ExitArg| matches!(arg, ExitArg::Made(at) if known.iter().any(|&(made, _)| made == *at));
            let word = match known.iter().find(|&&(made, _)| made as usize == at) {
                Some(&(_, word)) => word,
                None if is_store(step.code) && is_known(&step.args[0]) => 0,
                None => values.step(context, id, step),
            };
            // SAFETY: as above.
            unsafe { (*thread_of::<L>(context)).jit.cache.scratch.push(word) };
        }
        values
    }

    /// The value of a slot: of frames that an inspector has seen, what it left there.
    pub(crate) fn slot(&self, context: *mut L::Context, id: TraceId, frame: usize, slot: usize, arg: ExitArg) -> u64 {
        match self.forced.and_then(|forced| forced.slot(frame, slot)) {
            Some(value) => {
                // SAFETY: the context outlives the call, and the thread is its first field.
                let coverage = unsafe { &mut (*thread_of::<L>(context)).jit.coverage };
                if coverage.on && value.0 != self.word(context, id, arg) {
                    coverage.reach(Path::ExitWritten);
                }
                value.0
            }
            None => self.word(context, id, arg),
        }
    }

    /// The words that the recipe made.
    pub(crate) fn made(&self) -> &[u64] {
        // SAFETY: the scratch table belongs to the cache, which outlives the exit.
        unsafe { &*self.made }
    }

    pub(crate) fn word(&self, context: *mut L::Context, id: TraceId, arg: ExitArg) -> u64 {
        match arg {
            ExitArg::Live(at) => self.live[at as usize],
            ExitArg::Made(at) => self.made()[at as usize],
            ExitArg::Int(x) => x as u64,
            ExitArg::Flt(bits) | ExitArg::Imm(bits) => bits,
            ExitArg::Bool(x) => x as u64,
            // SAFETY: the context outlives the call, and the thread is its first field.
            ExitArg::Ref(at) => unsafe { (&(*thread_of::<L>(context)).jit.cache.trace(id).constants)[at.0 as usize].0 },
        }
    }

    fn step(&self, context: *mut L::Context, id: TraceId, step: &RecipeStep) -> u64 {
        let at = |index: usize| self.word(context, id, step.args[index]);
        let mut machine: Direct<L> = direct::unbased(context);
        match (step.code, step.attr) {
            (OpCode::IntBox, _) => machine.int_box(at(0) as i64).0,
            (OpCode::FltBox, _) => machine.flt_box(f64::from_bits(at(0))).0,
            (OpCode::BoolBox, _) => machine.bool_box(at(0) != 0).0,
            (OpCode::New, Attr::New { shape, bytes, .. }) => {
                crate::tracer::fresh::<L>(context, ShapeId(shape), bytes).0
            }
            (OpCode::NewItems, Attr::New { shape, bytes, item_bytes }) => {
                machine.new_items(ShapeId(shape), bytes, item_bytes, at(0) as i64).0
            }
            (OpCode::InitField | OpCode::SetField, Attr::Field(field)) => {
                let address = at(0) as usize + field.offset as usize;
                store::<L>(&mut machine, Value(at(0)), address, field.repr, at(1));
                0
            }
            (OpCode::InitItem | OpCode::SetItem, Attr::Items(items)) => {
                let address = direct::item_address(Value(at(0)), at(1) as i64, &items);
                store::<L>(&mut machine, Value(at(0)), address, items.repr, at(2));
                0
            }
            (OpCode::SetShape, _) => {
                machine.set_shape(Value(at(0)), ShapeId(at(1) as u32));
                0
            }
            _ => {
                let words: SmallVec<[u64; 3]> = (0..step.args.len()).map(at).collect();
                ir::compute(step.code, &words).unwrap_or_else(|| panic!("a recipe cannot do {:?}", step.code))
            }
        }
    }
}

fn is_store(code: OpCode) -> bool {
    use OpCode::*;
    matches!(code, InitField | SetField | InitItem | SetItem | SetShape)
}

fn store<L: Language>(machine: &mut Direct<L>, object: Value, address: usize, repr: Repr, word: u64) {
    match repr.ty() {
        Ty::Ref => {
            machine.thread().heap.write_barrier_slot(object, address as *const Value);
            // SAFETY: the recipe stores into a field or an item of an object that it made, or that the trace checked.
            unsafe { *(address as *mut u64) = word };
        }
        Ty::Int => direct::store_int(address, repr, word as i64),
        _ => direct::store_flt(address, repr, f64::from_bits(word)),
    }
}
