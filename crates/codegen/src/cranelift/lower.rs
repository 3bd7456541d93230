//! From trace operations to Cranelift's.
//!
//! The trace is one line, so lowering is one walk; what it leaves for the end are the exits' blocks. With a label the
//! function has this shape:
//!
//! ```text
//! entry:          selector < 0 ? body_entry : start
//! start:          load the inputs; … ; jump preheader(phis on entry)
//! body_entry:     load the phis; jump preheader(phis)
//! preheader(all phis):    jump header(the phis that change)
//! header(changing phis):  …; jump header(next)
//! ```
//!
//! A loop without a label goes round on its inputs: `start` jumps to the header. Phis that the loop does not change are parameters of the preheader alone, so they need no register shuffling.
//!
//! In a unit each root has these blocks, and the entry picks one; jumps from other members come to `inputs(all inputs)`,
//! behind the loads of `start`, to the preheader, or, if they bring the loop's own invariants, to the header. A
//! bridge has no entry of its own: it goes on in the block of its exit, with the exit's values.

use super::analysis::{Facts, Phi, clif_type};
use super::slow::SlowPaths;
use super::trace_signature;
use crate::backend::{CompileInput, Left};
use crate::config::Config;
use cranelift_codegen::ir::{
    self as clif, AliasRegionData, Block, BlockArg, InstBuilder, MemFlagsData, SigRef, SourceLoc, StackSlot,
    StackSlotData, StackSlotKind, Value, condcodes::IntCC, types,
};
use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};
use cranelift_frontend::FunctionBuilder;
use ir::{Arg, Attr, ConstRef, ExitId, ObjectGuard, Op, OpCode, TraceId, Ty, ValueId};
use std::collections::{HashMap, HashSet};

/// A trace of the unit, with what its lowering must know.
pub(super) struct Piece<'a> {
    pub(super) input: &'a CompileInput,
    /// Of a bridge: the piece and the exit that it hangs on.
    pub(super) parent: Option<(usize, ExitId)>,
    pub(super) facts: Facts,
}

/// Where a root is entered.
struct Root {
    /// Inputs in the buffer.
    start: Block,
    /// Inputs as parameters; only if there is a jump from inside the unit.
    inputs: Option<Block>,
    body: Option<Body>,
}

/// The blocks around a label.
#[derive(Clone, Copy)]
struct Body {
    /// Phis in the buffer.
    entry: Block,
    /// All phis as parameters.
    preheader: Block,
    /// The phis that the loop changes.
    header: Block,
}

/// Ints that fit into a tagged word are from -2^62 to 2^62 - 1: with this added they are not negative.
static FITS_OFFSET: i64 = 1 << 62;
/// So many tests in a loop are worth a register.
const FITS_WORTH_A_REGISTER: usize = 3;

/// The state of lowering a unit; most of it is about the piece at hand.
pub(super) struct Lower<'a> {
    pub(super) fb: FunctionBuilder<'a>,
    pub(super) config: &'a Config,
    pub(super) slow: SlowPaths,
    pub(super) pieces: &'a [Piece<'a>],
    /// Some member makes calls during which members may fall.
    pub(super) can_fall: bool,
    /// The bridges by what they hang on.
    children: HashMap<(usize, ExitId), usize>,
    roots: HashMap<usize, Root>,
    /// Of bridges whose parent has been lowered: the block to go on in, and the inputs.
    pub(super) entry_of_bridge: Vec<Option<(Block, Vec<Value>)>>,
    /// The values of the phis that a root's loop does not change, by their position, once it has been lowered.
    invariants_of: HashMap<usize, HashMap<usize, Value>>,
    /// The piece at hand.
    pub(super) at: usize,
    pub(super) input: &'a CompileInput,
    pub(super) facts: &'a Facts,
    pub(super) memory: Memory,
    pub(super) ctx: Value,
    pub(super) buf: Value,
    pub(super) trace_signature: SigRef,
    /// The calling convention of Rust's `extern "C"`.
    pub(super) call_conv: CallConv,
    /// Signatures of `extern "C"` functions on words, by their number of arguments and whether they return.
    pub(super) word_signatures: HashMap<(usize, bool), SigRef>,
    /// Signatures of the slow paths' stubs, with one and with two parameters of their own.
    pub(super) stub_signatures: [Option<SigRef>; 2],
    /// Blocks of the exits met so far, in order.
    pub(super) exit_blocks: Vec<(ExitId, Block)>,
    /// The same by exit.
    pub(super) block_of_exit: HashMap<ExitId, Block>,
    /// The header words loaded for `shape`, so that a guard compares them unshifted.
    pub(super) headers: HashMap<ValueId, Value>,
    /// Floats unboxed ahead of their operation, by the boxed value.
    pub(super) floats: HashMap<ValueId, Value>,
    /// Results of overflow-tested arithmetic with their overflow flags.
    pub(super) overflow_pairs: HashMap<(OpCode, Arg, Arg), (Value, Value)>,
    /// Objects that need no barrier until the next collection.
    pub(super) barriered: HashSet<Value>,
    /// Operations by the number of their source location, if somebody wants to know where they lie.
    pub(super) located: Vec<(TraceId, u32)>,
    pub(super) activation: Option<StackSlot>,
    pub(super) slice: Option<StackSlot>,
    values: Vec<Option<Value>>,
    /// What has been loaded of the constant table.
    constants: HashMap<ConstRef, Value>,
    /// The pointer to the heap, once it has been loaded.
    heap: Option<Value>,
    /// [`FITS_OFFSET`], once it has been loaded.
    fits_offset: Option<Value>,
    owner_slots: HashMap<ValueId, StackSlot>,
    header: Option<Block>,
}

/// Disjoint kinds of memory, named for Cranelift's alias analysis (which runs only if its optimiser does).
#[derive(Clone, Copy)]
pub(super) struct Memory {
    /// Heap objects.
    pub(super) objects: MemFlagsData,
    /// Buffers off the heap; any alignment.
    pub(super) raw: MemFlagsData,
    /// The context and the heap's allocation state.
    pub(super) state: MemFlagsData,
    /// The entry and exit buffer.
    pub(super) buffer: MemFlagsData,
    /// What compiled code never writes.
    pub(super) constant: MemFlagsData,
}

impl<'a> Lower<'a> {
    pub(super) fn new(
        mut fb: FunctionBuilder<'a>,
        config: &'a Config,
        slow: SlowPaths,
        pieces: &'a [Piece<'a>],
        call_conv: CallConv,
    ) -> Lower<'a> {
        let memory = Memory::declare(&mut fb);
        let trace_signature = fb.import_signature(trace_signature());
        let entry = fb.create_block();
        fb.append_block_params_for_function_params(entry);
        fb.switch_to_block(entry);
        let [ctx, buf, _] = *fb.block_params(entry) else { unreachable!("three parameters") };
        let activation_words = pieces.iter().filter_map(|piece| piece.facts.activation_words).max();
        let activation =
            activation_words.map(|words| stack_words(&mut fb, crate::Activation::HEADER_BYTES / 8 + words));
        let slice_words = pieces.iter().map(|piece| piece.facts.slice_words).max().unwrap_or(0);
        let slice = (slice_words > 0).then(|| stack_words(&mut fb, slice_words));
        let children = pieces.iter().enumerate().filter_map(|(at, piece)| Some((piece.parent?, at))).collect();
        let falls = |piece: &Piece| piece.input.trace.ops.iter().any(|op| op.code == OpCode::StillValid);
        Lower {
            fb,
            config,
            slow,
            pieces,
            can_fall: pieces.iter().any(falls),
            children,
            roots: HashMap::new(),
            entry_of_bridge: vec![None; pieces.len()],
            invariants_of: HashMap::new(),
            at: 0,
            input: pieces[0].input,
            facts: &pieces[0].facts,
            memory,
            ctx,
            buf,
            trace_signature,
            call_conv,
            word_signatures: HashMap::new(),
            stub_signatures: [None; 2],
            exit_blocks: Vec::new(),
            block_of_exit: HashMap::new(),
            headers: HashMap::new(),
            floats: HashMap::new(),
            overflow_pairs: HashMap::new(),
            barriered: HashSet::new(),
            located: Vec::new(),
            activation,
            slice,
            constants: HashMap::new(),
            heap: None,
            fits_offset: None,
            values: Vec::new(),
            owner_slots: HashMap::new(),
            header: None,
        }
    }

    pub(super) fn run(&mut self) {
        // At every entry, also of a loop: the peeled iteration may call before the preheader is reached.
        self.start_activation();
        self.declare_roots();
        self.pick_root();
        for at in 0..self.pieces.len() {
            self.begin_piece(at);
            if self.enter_piece() {
                self.piece();
            }
        }
    }

    fn declare_roots(&mut self) {
        for (at, piece) in self.pieces.iter().enumerate().filter(|(_, piece)| piece.parent.is_none()) {
            let trace = &piece.input.trace;
            let from_inside = self.jumps_inside(piece.input.id);
            let start = self.fb.create_block();
            let inputs = from_inside.then(|| {
                let tys = trace.ops[..trace.input_count()].iter().map(|op| op.ty);
                self.block_with(tys)
            });
            let has_label = trace.ops.iter().any(|op| op.code == OpCode::Label);
            let body = has_label.then(|| {
                let phis = || piece.facts.phis.iter().map(|phi| (phi, trace.ops[phi.id.0 as usize].ty));
                Body {
                    entry: self.fb.create_block(),
                    preheader: self.block_with(phis().map(|(_, ty)| ty)),
                    header: self.block_with(phis().filter(|(phi, _)| !phi.invariant).map(|(_, ty)| ty)),
                }
            });
            self.roots.insert(at, Root { start, inputs, body });
        }
    }

    /// Whether a member jumps to the start of the root `id`. A trace compiled alone jumps to itself through its cell.
    fn jumps_inside(&self, id: TraceId) -> bool {
        let jumps = |op: &Op| op.code == OpCode::JumpLoop && matches!(op.attr, Attr::Target(to) if to == id);
        self.pieces.len() > 1 && self.pieces.iter().any(|piece| piece.input.trace.ops.last().is_some_and(jumps))
    }

    fn block_with(&mut self, tys: impl Iterator<Item = Ty>) -> Block {
        let block = self.fb.create_block();
        for ty in tys {
            self.fb.append_block_param(block, clif_type(ty));
        }
        block
    }

    /// From the function's entry to the root and the entry that the selector names.
    fn pick_root(&mut self) {
        let entry = self.fb.current_block().expect("the function's entry");
        let selector = self.fb.block_params(entry)[2];
        let mut roots: Vec<usize> = self.roots.keys().copied().collect();
        roots.sort_unstable();
        let last = roots.pop().expect("a unit has a root");
        if !roots.is_empty() {
            let number = self.fb.ins().ireduce(types::I32, selector);
            for root in roots {
                let (this, next) = (self.fb.create_block(), self.fb.create_block());
                let id = i64::from(self.pieces[root].input.id.0);
                let is_this = self.fb.ins().icmp_imm_u(IntCC::Equal, number, id);
                self.fb.ins().brif(is_this, this, &[], next, &[]);
                self.fb.switch_to_block(this);
                self.pick_entry(root, selector);
                self.fb.switch_to_block(next);
            }
        }
        self.pick_entry(last, selector);
    }

    fn pick_entry(&mut self, root: usize, selector: Value) {
        let Root { start, body, .. } = self.roots[&root];
        match body {
            None => {
                self.fb.ins().jump(start, &[]);
            }
            Some(body) => {
                let to_body = self.fb.ins().icmp_imm_s(IntCC::SignedLessThan, selector, 0);
                self.fb.ins().brif(to_body, body.entry, &[], start, &[]);
            }
        }
    }

    /// Forgets the piece before.
    fn begin_piece(&mut self, at: usize) {
        self.at = at;
        self.input = self.pieces[at].input;
        self.facts = &self.pieces[at].facts;
        self.exit_blocks.clear();
        self.block_of_exit.clear();
        self.headers.clear();
        self.floats.clear();
        self.overflow_pairs.clear();
        self.barriered.clear();
        self.constants.clear();
        self.heap = None;
        self.fits_offset = None;
        self.header = None;
        self.values = vec![None; self.input.trace.ops.len()];
        let mut owners: Vec<ValueId> = self.facts.owners.iter().copied().collect();
        owners.sort();
        self.owner_slots = owners.into_iter().map(|id| (id, stack_words(&mut self.fb, 1))).collect();
    }

    /// Goes to the piece's first block and defines the inputs; false if nothing leads there.
    fn enter_piece(&mut self) -> bool {
        let trace = &self.input.trace;
        let count = trace.input_count();
        let inputs = match self.roots.get(&self.at) {
            None => {
                let Some((block, values)) = self.entry_of_bridge[self.at].take() else { return false };
                self.fb.switch_to_block(block);
                values
            }
            Some(&Root { start, inputs, .. }) => {
                self.fb.switch_to_block(start);
                let loaded: Vec<Value> = (0..count).map(|index| self.load_buffer(index, trace.ops[index].ty)).collect();
                match inputs {
                    None => loaded,
                    Some(block) => {
                        let loaded: Vec<BlockArg> = loaded.into_iter().map(BlockArg::from).collect();
                        self.fb.ins().jump(block, &loaded);
                        self.fb.switch_to_block(block);
                        self.fb.block_params(block).to_vec()
                    }
                }
            }
        };
        assert_eq!(inputs.len(), count, "inputs of {}", trace.name);
        for (index, value) in inputs.into_iter().enumerate() {
            self.define(ValueId(index as u32), value);
        }
        true
    }

    fn piece(&mut self) {
        let trace = &self.input.trace;
        let has_label = trace.ops.iter().any(|op| op.code == OpCode::Label);
        if !has_label && trace.ops.last().is_some_and(|op| op.code == OpCode::JumpLabel) {
            self.loop_on_inputs();
        }
        let mut index = trace.input_count();
        while index < trace.ops.len() {
            let op = &trace.ops[index];
            if op.code == OpCode::Label {
                self.label();
                index += self.facts.phis.len();
            } else {
                self.locate(index as u32);
                if let Some(guard) = trace.object_guard(index)
                    && self.is_only_guarded(index, guard)
                {
                    self.guard_object(op.args[0], guard);
                    index += guard.count - 1;
                } else {
                    self.op(ValueId(index as u32), op);
                }
            }
            index += 1;
        }
        self.fb.set_srcloc(SourceLoc::default());
        self.connect_bridges();
        self.emit_exits();
    }

    /// Whether only the guards read the tests.
    fn is_only_guarded(&self, index: usize, guard: ObjectGuard) -> bool {
        (index..index + guard.count).step_by(2).all(|test| self.facts.uses[test] == 1)
    }

    /// What is emitted from here on is the code of that operation.
    fn locate(&mut self, op: u32) {
        if self.input.dump.places {
            self.fb.set_srcloc(SourceLoc::new(self.located.len() as u32));
            self.located.push((self.input.id, op));
        }
    }

    /// The bridge of this unit that hangs on an exit of the piece at hand.
    pub(super) fn child_at(&self, exit: ExitId) -> Option<usize> {
        self.children.get(&(self.at, exit)).copied()
    }

    pub(super) fn finish(mut self, target: TargetFrontendConfig) {
        self.fb.seal_all_blocks();
        self.fb.finalize(target);
    }

    /// Lowers one operation; inputs and the label are lowered by [`Lower::run`].
    fn op(&mut self, id: ValueId, op: &Op) {
        if let Some(value) = self.arith(op) {
            self.define(id, value);
            return;
        }
        let value = match op.code {
            OpCode::RefEq => {
                let (a, b) = (self.arg(op.args[0]), self.arg(op.args[1]));
                self.fb.ins().icmp(IntCC::Equal, a, b)
            }
            OpCode::IsInt => self.is_int(op.args[0]),
            OpCode::IntBox => self.int_box(op.args[0]),
            OpCode::IntUnbox => self.int_unbox(op.args[0]),
            OpCode::IsFlt if self.guarded_next(id) => return,
            OpCode::IsFlt => self.is_flt(op.args[0]),
            OpCode::FltBox => self.flt_box(op.args[0]),
            OpCode::FltUnbox => self.flt_unbox(op.args[0]),
            OpCode::BoolBox => self.bool_box(op.args[0]),
            OpCode::IsNull => {
                let a = self.arg(op.args[0]);
                self.fb.ins().icmp_imm_u(IntCC::Equal, a, 0)
            }

            OpCode::Shape => self.shape(id, op),
            OpCode::SetShape => return self.set_shape(op),
            OpCode::GetField => self.get_field(op),
            OpCode::SetField | OpCode::InitField => return self.set_field(op),
            OpCode::GetItem => self.get_item(op),
            OpCode::LoadBytes => self.load_bytes(op),
            OpCode::SetItem | OpCode::InitItem => return self.set_item(op),
            OpCode::RawLoad => self.raw_load(op),
            OpCode::RawStore => return self.raw_store(op),
            OpCode::New => self.new_object(op),
            OpCode::NewItems => self.new_items(id, op),

            OpCode::Call | OpCode::CallSlice => match self.call(op) {
                Some(value) => value,
                None => return,
            },

            OpCode::GuardTrue => return self.guard(op, true),
            OpCode::GuardFalse => return self.guard(op, false),
            OpCode::GuardValue => return self.guard_value(op),
            OpCode::StillValid => return self.still_valid(op),
            OpCode::Leave => return self.leave(op),
            OpCode::AssumeTrue | OpCode::AssumeFalse | OpCode::AssumeValue | OpCode::ExpectSmall => return,

            OpCode::JumpLabel => return self.jump_label(op),
            OpCode::JumpLoop => return self.jump_out(op, Left::LOOP),
            OpCode::JumpBody => return self.jump_out(op, Left::BODY),
            OpCode::FinishReturn => return self.finish_with(op, Left::RETURN),
            OpCode::FinishRaise => return self.finish_with(op, Left::RAISE),
            code => unreachable!("{code:?} in the middle of a trace"),
        };
        self.define(id, value);
    }

    /// Whether the only reader of a condition is a guard right behind it, which then makes the test itself.
    fn guarded_next(&self, id: ValueId) -> bool {
        let next = self.input.trace.ops.get(id.0 as usize + 1);
        self.facts.uses[id.0 as usize] == 1
            && next.is_some_and(|op| {
                matches!(op.code, OpCode::GuardTrue | OpCode::GuardFalse) && op.args[0] == Arg::Value(id)
            })
    }

    /// The condition that [`Lower::op`] left to its guard.
    pub(super) fn left_to_guard(&self, arg: Arg) -> Option<&'a Op> {
        let id = arg.value()?;
        let op = &self.input.trace.ops[id.0 as usize];
        (op.code == OpCode::IsFlt && self.values[id.0 as usize].is_none()).then_some(op)
    }

    /// The operand as a Cranelift value.
    pub(super) fn arg(&mut self, arg: Arg) -> Value {
        match arg {
            Arg::Value(id) => self.value(id),
            Arg::Int(i) => self.fb.ins().iconst(types::I64, i),
            Arg::Flt(bits) => self.fb.ins().f64const(f64::from_bits(bits)),
            Arg::Bool(b) => self.fb.ins().iconst(types::I8, i64::from(b)),
            Arg::Imm(word) => self.fb.ins().iconst(types::I64, word as i64),
            Arg::Ref(id) => self.constant(id),
        }
    }

    /// A constant of the table, loaded where it is first used. The collector rewrites an entry when it moves the object, but
    /// an object whose address is in a register or on the stack stays where it is.
    fn constant(&mut self, id: ConstRef) -> Value {
        if let Some(&value) = self.constants.get(&id) {
            return value;
        }
        let table = self.word(self.input.constants as u64);
        let value = self.fb.ins().load(types::I64, self.memory.constant, table, id.0 as i32 * 8);
        self.constants.insert(id, value);
        value
    }

    /// The pointer to the heap, likewise.
    pub(super) fn heap(&mut self) -> Value {
        if let Some(heap) = self.heap {
            return heap;
        }
        let heap = self.fb.ins().load(types::I64, self.memory.constant, self.ctx, self.config.heap_offset);
        self.heap = Some(heap);
        heap
    }

    /// Loads in front of a loop what does not change in it.
    fn load_invariants(&mut self, body: &[Op]) {
        self.constants.clear();
        self.heap = None;
        self.fits_offset = None;
        if body.iter().filter(|op| op.code == OpCode::IntFits).count() >= FITS_WORTH_A_REGISTER {
            let address = self.word(&raw const FITS_OFFSET as u64);
            self.fits_offset = Some(self.fb.ins().load(types::I64, self.memory.constant, address, 0));
        }
        for op in body {
            for arg in &op.args {
                if let Arg::Ref(id) = *arg {
                    self.constant(id);
                }
            }
            if matches!(op.code, OpCode::New | OpCode::NewItems) {
                self.heap();
            }
        }
    }

    /// What is added to an int to see whether it fits. In a loop that asks often it comes from memory, so that it stays in a
    /// register: a constant would be made anew each time.
    pub(super) fn fits_offset(&mut self) -> Value {
        match self.fits_offset {
            Some(offset) => offset,
            None => self.word(FITS_OFFSET as u64),
        }
    }

    pub(super) fn value(&self, id: ValueId) -> Value {
        match self.values[id.0 as usize] {
            Some(value) => value,
            None => panic!("value {} of trace {} is used before it is defined", id.0, self.input.trace.name),
        }
    }

    pub(super) fn word(&mut self, word: u64) -> Value {
        self.fb.ins().iconst(types::I64, word as i64)
    }

    pub(super) fn ty(&self, arg: Arg) -> Ty {
        self.input.trace.ty(arg)
    }

    /// A value as a word of the buffer, and back.
    pub(super) fn word_of(&mut self, value: Value) -> Value {
        match self.fb.func.dfg.value_type(value) {
            types::F64 => self.fb.ins().bitcast(types::I64, clif::MemFlagsData::new(), value),
            types::I8 => self.fb.ins().uextend(types::I64, value),
            _ => value,
        }
    }

    pub(super) fn value_of(&mut self, word: Value, ty: Ty) -> Value {
        match ty {
            Ty::Flt => self.fb.ins().bitcast(types::F64, clif::MemFlagsData::new(), word),
            Ty::Bool => self.fb.ins().ireduce(types::I8, word),
            _ => word,
        }
    }

    /// Writes values to the start of the buffer.
    pub(super) fn store_buffer(&mut self, values: &[Value]) {
        for (index, &value) in values.iter().enumerate() {
            let value = match self.fb.func.dfg.value_type(value) {
                types::I8 => self.fb.ins().uextend(types::I64, value),
                _ => value,
            };
            self.fb.ins().store(self.memory.buffer, value, self.buf, index as i32 * 8);
        }
    }

    fn load_buffer(&mut self, index: usize, ty: Ty) -> Value {
        let offset = index as i32 * 8;
        match ty {
            Ty::Bool => self.fb.ins().load(types::I8, self.memory.buffer, self.buf, offset),
            _ => self.fb.ins().load(clif_type(ty), self.memory.buffer, self.buf, offset),
        }
    }

    fn define(&mut self, id: ValueId, value: Value) {
        self.values[id.0 as usize] = Some(value);
        // A buffer is freed when its owner dies, so the owner stays visible to the scan of the stack as long as this
        // function runs; the address alone would not keep it alive.
        if let Some(&slot) = self.owner_slots.get(&id) {
            self.fb.ins().stack_store(types::I64, value, slot, 0);
        }
    }

    fn label(&mut self) {
        let Body { entry, preheader, header } = self.roots[&self.at].body.expect("the trace has a label");
        let phis: &[Phi] = &self.facts.phis;
        let on_entry: Vec<BlockArg> = phis.iter().map(|phi| BlockArg::from(self.arg(phi.initial))).collect();
        self.fb.ins().jump(preheader, &on_entry);

        self.fb.switch_to_block(entry);
        let ty = |phi: &Phi| self.input.trace.ops[phi.id.0 as usize].ty;
        let tys: Vec<Ty> = phis.iter().map(ty).collect();
        let from_buffer: Vec<BlockArg> =
            tys.iter().enumerate().map(|(index, &ty)| BlockArg::from(self.load_buffer(index, ty))).collect();
        self.fb.ins().jump(preheader, &from_buffer);

        self.fb.switch_to_block(preheader);
        let values = self.fb.block_params(preheader).to_vec();
        let mut changing = self.fb.block_params(header).to_vec().into_iter();
        let mut start = Vec::new();
        let mut invariants = HashMap::new();
        let mut changed = Vec::new();
        for (index, (phi, &value)) in phis.iter().zip(&values).enumerate() {
            if phi.invariant {
                self.define(phi.id, value);
                invariants.insert(index, value);
            } else {
                start.push(BlockArg::from(value));
                changed.push((phi.id, changing.next().expect("a parameter for each phi that changes")));
            }
        }
        self.invariants_of.insert(self.at, invariants);
        let first = self.facts.phis.last().map_or(0, |phi| phi.id.0 as usize + 1);
        self.load_invariants(&self.input.trace.ops[first..]);
        self.fb.ins().jump(header, &start);

        self.fb.switch_to_block(header);
        for (id, value) in changed {
            self.define(id, value);
        }
        self.header = Some(header);
        self.barriered.clear();
        self.headers.clear();
        self.floats.clear();
        self.overflow_pairs.clear();
    }

    /// The header of a loop without a label: its inputs go round.
    fn loop_on_inputs(&mut self) {
        let header = self.fb.create_block();
        let mut start = Vec::new();
        let mut changing = Vec::new();
        for phi in self.facts.phis.iter().filter(|phi| !phi.invariant) {
            start.push(BlockArg::from(self.value(phi.id)));
            let ty = self.input.trace.ops[phi.id.0 as usize].ty;
            changing.push((phi.id, self.fb.append_block_param(header, clif_type(ty))));
        }
        self.load_invariants(&self.input.trace.ops);
        self.fb.ins().jump(header, &start);
        self.fb.switch_to_block(header);
        for (id, value) in changing {
            self.define(id, value);
        }
        self.header = Some(header);
    }

    fn jump_label(&mut self, op: &Op) {
        let header = self.header.expect("a jump_label has a header");
        let mut next = Vec::new();
        for (phi, &arg) in self.facts.phis.iter().zip(&op.args) {
            if !phi.invariant {
                next.push(BlockArg::from(self.arg(arg)));
            }
        }
        self.fb.ins().jump(header, &next);
    }

    /// Ends in another trace: inside the unit, or through its cell.
    fn jump_out(&mut self, op: &Op, kind: u64) {
        let Attr::Target(target) = op.attr else { panic!("{:?} without a target", op.code) };
        let values: Vec<Value> = op.args.iter().map(|&arg| self.arg(arg)).collect();
        let root = self.roots.keys().copied().find(|&root| self.pieces[root].input.id == target);
        if let Some(root) = root.filter(|_| self.pieces.len() > 1) {
            // What this piece hangs on has not fallen, or it would have fallen with it.
            if !self.can_fall || self.root_of(self.at) == root {
                return self.jump_inside(op, root, &values);
            }
            let fallen = self.fallen(root);
            let (out, inside) = (self.cold_block(), self.fb.create_block());
            self.fb.ins().brif(fallen, out, &[], inside, &[]);
            self.fb.switch_to_block(inside);
            self.jump_inside(op, root, &values);
            self.fb.switch_to_block(out);
        }
        self.store_buffer(&values);
        let cell = self.word(self.cell_of(target) as u64);
        let entry = self.fb.ins().load(types::I64, self.memory.state, cell, 0);
        let selector = self.word(kind | u64::from(target.0));
        self.fb.ins().return_call_indirect(self.trace_signature, entry, &[self.ctx, self.buf, selector]);
    }

    fn jump_inside(&mut self, op: &Op, root: usize, values: &[Value]) {
        let Root { inputs, body, .. } = self.roots[&root];
        let all = |values: &[Value]| -> Vec<BlockArg> { values.iter().map(|&value| BlockArg::from(value)).collect() };
        if op.code == OpCode::JumpLoop {
            self.fb.ins().jump(inputs.expect("made for this jump"), &all(values));
            return;
        }
        let Body { preheader, header, .. } = body.expect("a jump into a body needs one");
        let phis = &self.pieces[root].facts.phis;
        let invariants = self.invariants_of.get(&root);
        let unchanged = |index: usize| invariants.is_some_and(|known| known.get(&index) == Some(&values[index]));
        if (0..phis.len()).all(|index| !phis[index].invariant || unchanged(index)) {
            let changing: Vec<Value> =
                phis.iter().zip(values).filter(|(phi, _)| !phi.invariant).map(|(_, &value)| value).collect();
            self.fb.ins().jump(header, &all(&changing));
        } else {
            self.fb.ins().jump(preheader, &all(values));
        }
    }

    /// The root that a piece hangs on, or is.
    fn root_of(&self, mut piece: usize) -> usize {
        while let Some((parent, _)) = self.pieces[piece].parent {
            piece = parent;
        }
        piece
    }

    /// The address of the trace's cell, whose first word is the entry.
    fn cell_of(&self, target: TraceId) -> usize {
        if target == self.input.id {
            return &raw const *self.input.cell as usize;
        }
        match self.input.targets.iter().find(|at| at.id == target) {
            Some(target) => &raw const *target.cell as usize,
            None => panic!("trace {} jumps to trace {}, which is not among its targets", self.input.id.0, target.0),
        }
    }

    fn finish_with(&mut self, op: &Op, left: u64) {
        let value = self.arg(op.args[0]);
        self.store_buffer(&[value]);
        let left = self.word(left);
        self.fb.ins().return_(&[left]);
    }
}

impl Memory {
    fn declare(fb: &mut FunctionBuilder) -> Memory {
        let mut region = |user_id: u32, description: &'static str| {
            let data = AliasRegionData { user_id, description: description.into() };
            Some(fb.func.dfg.alias_regions.insert(data))
        };
        Memory {
            objects: MemFlagsData::trusted().with_alias_region(region(0, "objects")),
            raw: MemFlagsData::new().with_notrap().with_alias_region(region(1, "raw")),
            state: MemFlagsData::trusted().with_alias_region(region(2, "state")),
            buffer: MemFlagsData::trusted().with_alias_region(region(3, "buffer")),
            constant: MemFlagsData::trusted().with_alias_region(region(4, "constant")),
        }
    }
}

fn stack_words(fb: &mut FunctionBuilder, words: u32) -> StackSlot {
    fb.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, words * 8, 3))
}
