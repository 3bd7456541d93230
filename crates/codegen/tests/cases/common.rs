//! A guest for compiled code to run in: a context, a heap that never collects, a buffer; and a builder of traces. The code
//! comes from the backend that `crate::backend` makes.

#![allow(dead_code, reason = "each test file uses its part")]

use codegen::{
    Activation, Backend, CompileInput, CompiledTrace, Config, Dump, ExitCells, Left, Member, START, Target, TraceCell,
    tagging,
};
use ir::{Arg, Attr, CallEffect, Callee, Exit, ExitId, Function, OpCode, Trace, TraceId, TraceKind, Ty, ValueId};
use std::mem::offset_of;
use std::sync::Arc;

pub const BUFFER_WORDS: usize = 256;
pub const FLOAT_SHAPE: u32 = 9;
/// Object addresses, as far as compiled code cares.
pub const TRUE: u64 = 0x1000;
pub const FALSE: u64 = 0x2000;

/// The heap's allocation state; compiled code sees `free` and `limit`.
#[repr(C)]
pub struct Heap {
    pub free: u64,
    pub limit: u64,
    pub slow_allocations: u64,
    pub barriers: Vec<u64>,
    pub item_barriers: Vec<(u64, u64)>,
    /// Objects whose barrier bit each slow allocation sets, as a collection does with what has grown old.
    pub watched: Vec<u64>,
    chunks: Vec<Box<[u64]>>,
}

impl Heap {
    /// Makes a fresh gap of `words` words.
    pub fn refill(&mut self, words: usize) {
        let chunk = vec![0xdead_dead_dead_dead; words].into_boxed_slice();
        self.free = chunk.as_ptr() as u64;
        self.limit = self.free + 8 * words as u64;
        self.chunks.push(chunk);
    }

    fn allocate(&mut self, words: usize) -> *mut u64 {
        let mut chunk = vec![0; words].into_boxed_slice();
        let address = chunk.as_mut_ptr();
        self.chunks.push(chunk);
        address
    }
}

/// The guest context.
#[repr(C)]
pub struct Context {
    pub scratch: u64,
    pub heap: *mut Heap,
    pub activation: *mut Activation,
    /// What [`ASKED`] tells.
    pub flag: u32,
    /// The buffer of the code that runs.
    pub buffer: *mut u64,
}

extern "C" fn alloc_slow(heap: *mut u8, bytes: u64, header: u64) -> u64 {
    // SAFETY: compiled code passes the heap pointer of the context, a live `Heap`.
    let heap = unsafe { &mut *heap.cast::<Heap>() };
    heap.slow_allocations += 1;
    for &object in &heap.watched {
        // SAFETY: an object of this heap; byte 4 is its state.
        unsafe { *(object as *mut u8).add(4) |= 1 };
    }
    let object = heap.allocate(bytes as usize / 8);
    // SAFETY: freshly allocated, at least one word.
    unsafe { *object = header };
    object as u64
}

extern "C" fn alloc_items(heap: *mut u8, shape: u64, fixed_bytes: u64, item_bytes: u64, count: u64) -> u64 {
    let object = alloc_slow(heap, (fixed_bytes + item_bytes * count).next_multiple_of(8), (shape << 1) | 1);
    // SAFETY: an object with a tail has a second word.
    unsafe { *(object as *mut u64).add(1) = count };
    object
}

extern "C" fn barrier_slow(heap: *mut u8, object: u64) {
    // SAFETY: compiled code passes the heap pointer of the context, a live `Heap`.
    unsafe { &mut *heap.cast::<Heap>() }.barriers.push(object);
    // SAFETY: the object is one of this heap; byte 4 is its state.
    unsafe { *(object as *mut u8).add(4) &= !1 };
}

extern "C" fn barrier_item_slow(heap: *mut u8, object: u64, address: u64) {
    // SAFETY: compiled code passes the heap pointer of the context, a live `Heap`.
    unsafe { &mut *heap.cast::<Heap>() }.item_barriers.push((object, address));
}

extern "C" fn box_float(ctx: *mut u8, bits: u64) -> u64 {
    if let Some(word) = tagging::box_flonum(bits) {
        return word;
    }
    // SAFETY: compiled code passes the context it was entered with.
    let heap = unsafe { &*ctx.cast::<Context>() }.heap;
    let object = alloc_slow(heap.cast(), 16, u64::from(FLOAT_SHAPE << 1 | 1));
    // SAFETY: two words were allocated.
    unsafe { *(object as *mut u64).add(1) = bits };
    object
}

extern "C" fn collect(ctx: *mut u8) -> u64 {
    // SAFETY: compiled code passes the context it was entered with.
    let heap = unsafe { &*ctx.cast::<Context>() }.heap;
    alloc_slow(heap.cast(), 16, 3)
}

/// Allocates where the nursery is full.
pub static COLLECT: Callee = Callee {
    name: "collect",
    function: Function::F0(collect),
    operands: &[],
    result: Ty::Ref,
    effect: CallEffect::Allocates,
};

extern "C" fn asked(_: *mut u8) -> u64 {
    panic!("a flag is read in line")
}

/// Whether the context's flag is set.
pub static ASKED: Callee =
    Callee { name: "asked", function: Function::F0(asked), operands: &[], result: Ty::Bool, effect: CallEffect::Reads };

/// What random traces call: words in, a word out.
pub extern "C" fn mix(_: *mut u8, int: u64, float: u64, truth: u64) -> u64 {
    // The sign and payload of a NaN are not defined.
    let float = if f64::from_bits(float).is_nan() { 1 } else { float };
    int.wrapping_mul(31) ^ float.rotate_left(7) ^ truth
}

pub extern "C" fn half(_: *mut u8, float: u64) -> u64 {
    (f64::from_bits(float) / 2.0).to_bits()
}

pub extern "C" fn is_odd(_: *mut u8, int: u64, _: u64) -> u64 {
    // What is above the truth value's byte is not defined.
    int & 1 | 0xabcd_0000
}

pub extern "C" fn sum(_: *mut u8, first: u64, words: *const u64, count: u64) -> u64 {
    // SAFETY: compiled code passes that many words.
    let words = unsafe { std::slice::from_raw_parts(words, count as usize) };
    words.iter().enumerate().fold(first, |sum, (at, &word)| sum.wrapping_add(word.wrapping_mul(at as u64 + 3)))
}

pub static MIX: Callee = Callee {
    name: "mix",
    function: Function::F3(mix),
    operands: &[Ty::Int, Ty::Flt, Ty::Bool],
    result: Ty::Int,
    effect: CallEffect::Reads,
};
pub static HALF: Callee = Callee {
    name: "half",
    function: Function::F1(half),
    operands: &[Ty::Flt],
    result: Ty::Flt,
    effect: CallEffect::RunsGuest,
};
pub static IS_ODD: Callee = Callee {
    name: "is_odd",
    function: Function::F2(is_odd),
    operands: &[Ty::Int, Ty::Int],
    result: Ty::Bool,
    effect: CallEffect::RunsGuest,
};
pub static SUM: Callee =
    Callee { name: "sum", function: Function::Slice(sum), operands: &[], result: Ty::Ref, effect: CallEffect::Reads };

/// The same sum of the first operand and those in the buffer, xor twice the second one. What was in the buffer is gone, so code that
/// reads it behind the call is caught.
pub extern "C" fn sum_buffered(ctx: *mut u8, first: u64, second: u64, count: u64) -> u64 {
    // SAFETY: compiled code passes its context, whose buffer has room for all operands.
    let words = unsafe { std::slice::from_raw_parts_mut((*ctx.cast::<Context>()).buffer, BUFFER_WORDS) };
    let total = sum(ctx, first, words.as_ptr(), count);
    words.fill(0xbad);
    total ^ second << 1
}

pub static SUM_BUFFERED: Callee = Callee {
    name: "sum_buffered",
    function: Function::Buffered(sum_buffered),
    operands: &[],
    result: Ty::Ref,
    effect: CallEffect::Reads,
};

pub fn config() -> Config {
    Config {
        heap_offset: offset_of!(Context, heap) as i32,
        activation_offset: offset_of!(Context, activation) as i32,
        buffer_words: BUFFER_WORDS,
        code_bytes: 64 << 20,
        free_offset: offset_of!(Heap, free) as i32,
        limit_offset: offset_of!(Heap, limit) as i32,
        inline_alloc_bytes: 8192,
        barrier_offset: 4,
        barrier_mask: 1,
        count_offset: 8,
        float_header: FLOAT_SHAPE << 1 | 1,
        float_bits_offset: 8,
        true_word: TRUE,
        false_word: FALSE,
        flags: vec![(&ASKED, offset_of!(Context, flag) as i32)],
        alloc_slow,
        alloc_items,
        barrier_slow,
        barrier_item_slow,
        box_float,
    }
}

/// A backend with one guest thread.
pub struct Guest {
    pub backend: Box<dyn Backend>,
    pub ctx: Box<Context>,
    pub heap: Box<Heap>,
    pub buf: Vec<u64>,
    pub constants: Vec<u64>,
    pub dump: Dump,
    /// Exits can be armed.
    pub arms: bool,
    /// Traces count in their own cells what their jumps move.
    pub counts: bool,
    pub next_exit: u32,
}

/// A compiled trace with its cell and the number of its first exit.
pub struct Compiled {
    pub code: CompiledTrace,
    pub cell: Arc<TraceCell>,
    pub id: TraceId,
    pub first_exit: u32,
    pub exits: ExitCells,
    pub input: CompileInput,
}

impl Compiled {
    /// As jumps to it see it.
    pub fn as_target(&self) -> Target {
        Target { id: self.id, cell: self.cell.clone(), ways: self.code.ways.clone() }
    }
}

impl Guest {
    pub fn new() -> Guest {
        Guest::on(crate::backend(config()))
    }

    pub fn on(backend: Box<dyn Backend>) -> Guest {
        let mut heap = Box::new(Heap {
            free: 0,
            limit: 0,
            slow_allocations: 0,
            barriers: Vec::new(),
            item_barriers: Vec::new(),
            watched: Vec::new(),
            chunks: Vec::new(),
        });
        heap.refill(4096);
        let ctx = Box::new(Context {
            scratch: 0,
            heap: &raw mut *heap,
            activation: std::ptr::null_mut(),
            flag: 0,
            buffer: std::ptr::null_mut(),
        });
        Guest {
            backend,
            ctx,
            heap,
            buf: vec![0; BUFFER_WORDS],
            // Each twice.
            constants: (0..16).map(|at| at / 2 * 16).collect(),
            // What the compiled code is, on the error stream.
            dump: Dump {
                asm: std::env::var_os("CODEGEN_ASM").is_some(),
                clif: std::env::var_os("CODEGEN_CLIF").is_some(),
                ..Dump::default()
            },
            arms: false,
            counts: false,
            next_exit: 100,
        }
    }

    /// An object of this heap: header and words.
    pub fn object(&mut self, shape: u32, words: &[u64]) -> u64 {
        let object = self.heap.allocate(1 + words.len());
        // SAFETY: that many words were just allocated.
        unsafe {
            *object = u64::from(shape << 1 | 1);
            for (index, &word) in words.iter().enumerate() {
                *object.add(1 + index) = word;
            }
        }
        object as u64
    }

    pub fn compile(&mut self, id: u32, trace: Trace, targets: &[&Compiled]) -> Compiled {
        self.compile_on(id, trace, targets.iter().map(|target| target.as_target()).collect(), None)
    }

    /// A bridge that may begin where the values of that exit are; it is attached there.
    pub fn compile_on(
        &mut self,
        id: u32,
        trace: Trace,
        targets: Vec<Target>,
        parent: Option<(&Compiled, ExitId)>,
    ) -> Compiled {
        let cell = TraceCell::new(self.backend.stub());
        let first_exit = self.next_exit;
        let (trace_exits, stub) = (trace.exits.len(), self.backend.stub());
        let cells = if self.arms { ExitCells::with_arms } else { ExitCells::new };
        self.next_exit += trace_exits as u32;
        let input = CompileInput {
            trace,
            id: TraceId(id),
            cell: cell.clone(),
            targets,
            counted: self.counts.then(|| cell.clone()),
            exits: cells(trace_exits, stub),
            first_exit,
            constants: self.constants.as_ptr() as usize,
            on: parent.and_then(|(parent, at)| Some((parent.code.ways.clone()?, at))),
            dump: self.dump,
        };
        let code = self.backend.compile(&input).unwrap();
        if let Some((parent, at)) = parent {
            parent.exits.attach(at, code.entry);
            if code.direct_entry != 0 {
                parent.exits.attach_direct(at, code.direct_entry);
            }
        }
        if self.dump != Dump::default() {
            eprintln!("{}", code.text);
        }
        cell.entry.store(code.entry, std::sync::atomic::Ordering::Release);
        Compiled { code, cell, id: TraceId(id), first_exit, exits: input.exits, input }
    }

    /// Traces compiled before, once more as a unit: each with the position of the one it hangs on and that one's exit.
    pub fn compile_unit(&mut self, members: &[(&Compiled, Option<(usize, ExitId)>)]) -> CompiledTrace {
        let members: Vec<Member> =
            members.iter().map(|&(compiled, parent)| Member { input: &compiled.input, parent }).collect();
        let code = self.backend.compile_unit(&members).unwrap();
        if self.dump != Dump::default() {
            eprintln!("{}", code.text);
        }
        code
    }

    /// Gives the code back: a long run draws more traces than there is room for.
    pub fn free(&mut self, compiled: Compiled) {
        // SAFETY: the test runs nothing at the moment, and nothing jumps to the trace.
        unsafe { self.backend.free(compiled.code) };
    }

    pub fn run(&mut self, compiled: &Compiled, inputs: &[u64]) -> Left {
        self.run_at(compiled, START, inputs)
    }

    pub fn run_at(&mut self, compiled: &Compiled, selector: u64, inputs: &[u64]) -> Left {
        self.run_code(compiled.code.entry, selector, inputs)
    }

    pub fn run_code(&mut self, entry: usize, selector: u64, inputs: &[u64]) -> Left {
        self.buf.fill(0xbad);
        self.buf[..inputs.len()].copy_from_slice(inputs);
        self.ctx.buffer = self.buf.as_mut_ptr();
        let ctx = (&raw mut *self.ctx).cast::<u8>();
        // SAFETY: the entry is that of live code, context and buffer are laid out as `config` says, the inputs are set.
        let left = unsafe { self.backend.enter()(entry, ctx, self.buf.as_mut_ptr(), selector) };
        assert!(self.ctx.activation.is_null(), "an activation record stays linked");
        Left::decode(left)
    }
}

/// Builds optimised traces.
pub struct Builder {
    pub trace: Trace,
}

impl Builder {
    pub fn new(kind: TraceKind) -> Builder {
        Builder { trace: Trace::new(kind, "test".to_string()) }
    }

    pub fn input(&mut self, ty: Ty) -> Arg {
        self.op(OpCode::Input, ty, &[])
    }

    pub fn op(&mut self, code: OpCode, ty: Ty, args: &[Arg]) -> Arg {
        self.with(code, ty, args, Attr::None)
    }

    pub fn with(&mut self, code: OpCode, ty: Ty, args: &[Arg], attr: Attr) -> Arg {
        Arg::Value(self.trace.push(code, ty, args, attr))
    }

    /// An operation of the table's first group, with the type of its row.
    pub fn pure(&mut self, code: OpCode, args: &[Arg]) -> Arg {
        let ir::OperandTy::Is(ty) = code.row().result else { panic!("{code:?} has no fixed type") };
        self.op(code, ty, args)
    }

    /// An operation with an exit that hands over `live`.
    pub fn exit(&mut self, code: OpCode, args: &[Arg], attr: Attr, live: &[Arg]) -> Arg {
        let ty = match attr {
            Attr::Callee(callee) => callee.result,
            _ => Ty::Void,
        };
        let exit = ExitId(self.trace.exits.len() as u32);
        let live: Vec<(ValueId, Ty)> =
            live.iter().map(|&arg| (arg.value().expect("a value"), self.trace.ty(arg))).collect();
        let in_body = self.trace.ops.iter().any(|op| op.code == OpCode::Label);
        self.trace.exits.push(Arc::new(Exit { live, in_body, ..Exit::default() }));
        let value = self.with(code, ty, args, attr);
        self.trace.ops.last_mut().expect("just pushed").exit = Some(exit);
        value
    }

    pub fn guard(&mut self, code: OpCode, args: &[Arg], live: &[Arg]) {
        self.exit(code, args, Attr::None, live);
    }

    pub fn label(&mut self, initial: &[Arg]) -> Vec<Arg> {
        self.op(OpCode::Label, Ty::Void, &[]);
        initial.iter().map(|&arg| self.op(OpCode::Phi, self.trace.ty(arg), &[arg])).collect()
    }
}

/// A small random generator with a taste for corner cases.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn word(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.word() >> 33) as usize % n
    }

    pub fn int(&mut self) -> i64 {
        const CORNERS: [i64; 10] = [0, 1, -1, 2, 63, 64, i64::MIN, i64::MAX, 1 << 62, -(1 << 62)];
        match self.below(5) {
            0 => CORNERS[self.below(CORNERS.len())],
            1 => self.word() as i64,
            2 => self.word() as i32 as i64,
            3 => self.word() as i8 as i64,
            _ => self.below(20) as i64 - 5,
        }
    }

    pub fn float(&mut self) -> f64 {
        const CORNERS: [f64; 12] = [
            0.0,
            -0.0,
            1.0,
            -1.5,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            1e300,
            -1e300,
            9.3e18,
            // 2^-255, the edge of the immediate range.
            1.7272337110188893e-77,
            5e-324,
        ];
        match self.below(4) {
            0 => CORNERS[self.below(CORNERS.len())],
            1 => f64::from_bits(self.word()),
            2 => self.int() as f64,
            _ => f64::from(self.word() as i32) / 1024.0,
        }
    }

    pub fn bits(&mut self, ty: Ty) -> u64 {
        match ty {
            Ty::Int => self.int() as u64,
            Ty::Flt => self.float().to_bits(),
            _ => self.word() & 1,
        }
    }

    pub fn constant(&mut self, ty: Ty) -> (Arg, u64) {
        let bits = self.bits(ty);
        (as_constant(ty, bits), bits)
    }
}

pub fn as_constant(ty: Ty, bits: u64) -> Arg {
    match ty {
        Ty::Int => Arg::Int(bits as i64),
        Ty::Flt => Arg::Flt(bits),
        _ => Arg::Bool(bits != 0),
    }
}

/// A number from the environment: how many traces to draw, where to start.
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}
