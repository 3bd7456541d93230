//! The instruction encoder: the forms that the lowering needs, and no others.
//!
//! Each form is one line below and one row of the test, which lets another decoder read what was written. An instruction costs a
//! few nanoseconds: that is why this is no assembler crate.

use super::regs::Reg;

/// An address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mem {
    Base {
        base: Reg,
        disp: i32,
    },
    Index {
        base: Reg,
        index: Reg,
        shift: u8,
        disp: i32,
    },
    /// A word behind the code.
    Literal(u32),
    /// A word of the frame, so many bytes below its upper end. How far that is from rsp is known in the end.
    Below(u32),
}

/// A register or memory operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rm {
    Reg(Reg),
    Mem(Mem),
}

impl From<Reg> for Rm {
    fn from(reg: Reg) -> Rm {
        Rm::Reg(reg)
    }
}

impl From<Mem> for Rm {
    fn from(mem: Mem) -> Rm {
        Rm::Mem(mem)
    }
}

/// Two-operand integer arithmetic; the numbers are the processor's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Alu {
    Add = 0,
    Or = 1,
    Adc = 2,
    Sbb = 3,
    And = 4,
    Sub = 5,
    Xor = 6,
    Cmp = 7,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shift {
    Rol = 0,
    Ror = 1,
    Shl = 4,
    Shr = 5,
    Sar = 7,
}

/// One-operand arithmetic on 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unary {
    Not = 2,
    Neg = 3,
    /// rdx:rax = rax * operand, unsigned.
    Mul = 4,
    /// rax, rdx = rdx:rax / operand.
    Idiv = 7,
}

/// Scalar arithmetic on doubles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sse {
    Sqrt = 0x51,
    Add = 0x58,
    Mul = 0x59,
    Sub = 0x5c,
    Div = 0x5e,
}

/// Conditions; the numbers are the processor's, and the lowest bit negates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cc {
    Overflow = 0,
    NoOverflow = 1,
    Below = 2,
    AboveEqual = 3,
    Equal = 4,
    NotEqual = 5,
    BelowEqual = 6,
    Above = 7,
    Sign = 8,
    NoSign = 9,
    Parity = 10,
    NoParity = 11,
    Less = 12,
    GreaterEqual = 13,
    LessEqual = 14,
    Greater = 15,
}

impl Cc {
    const ALL: [Cc; 16] = [
        Cc::Overflow,
        Cc::NoOverflow,
        Cc::Below,
        Cc::AboveEqual,
        Cc::Equal,
        Cc::NotEqual,
        Cc::BelowEqual,
        Cc::Above,
        Cc::Sign,
        Cc::NoSign,
        Cc::Parity,
        Cc::NoParity,
        Cc::Less,
        Cc::GreaterEqual,
        Cc::LessEqual,
        Cc::Greater,
    ];

    pub(super) fn negated(self) -> Cc {
        Cc::ALL[self as usize ^ 1]
    }
}

/// A place in the code that jumps name before it is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Label(u32);

const UNBOUND: u32 = u32::MAX;

/// An operation code: mandatory prefix, map (0: one byte, 1: 0F, 2: 0F38, 3: 0F3A), byte.
#[derive(Clone, Copy)]
struct Code {
    prefix: u8,
    map: u8,
    byte: u8,
    wide: bool,
    /// The register operands are bytes: spl to dil need a prefix of their own.
    bytes: bool,
}

const fn code(prefix: u8, map: u8, byte: u8) -> Code {
    Code { prefix, map, byte, wide: false, bytes: false }
}

const fn wide(prefix: u8, map: u8, byte: u8) -> Code {
    Code { prefix, map, byte, wide: true, bytes: false }
}

const fn bytes(map: u8, byte: u8) -> Code {
    Code { prefix: 0, map, byte, wide: false, bytes: true }
}

/// Code being written.
#[derive(Default)]
pub(super) struct Asm {
    pub(super) code: Vec<u8>,
    labels: Vec<u32>,
    /// Where 32-bit distances to labels stand.
    jumps: Vec<(u32, Label)>,
    literals: Vec<u64>,
    /// Where 32-bit distances to literals stand, how many bytes of the instruction follow, and to which.
    literal_uses: Vec<(u32, u8, u32)>,
    /// Where 32-bit distances from rsp stand, and how far below the frame's upper end the words are.
    below_uses: Vec<(u32, u32)>,
}

impl Asm {
    pub(super) fn clear(&mut self) {
        self.code.clear();
        self.labels.clear();
        self.jumps.clear();
        self.literals.clear();
        self.literal_uses.clear();
        self.below_uses.clear();
    }

    pub(super) fn at(&self) -> u32 {
        self.code.len() as u32
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(UNBOUND);
        Label(self.labels.len() as u32 - 1)
    }

    pub(super) fn bind(&mut self, label: Label) {
        debug_assert_eq!(self.labels[label.0 as usize], UNBOUND);
        self.labels[label.0 as usize] = self.at();
    }

    pub(super) fn here(&mut self) -> Label {
        let label = self.label();
        self.bind(label);
        label
    }

    /// A word behind the code; one for equal words, if the last were not too many.
    pub(super) fn literal(&mut self, word: u64) -> Mem {
        const LOOK_BACK: usize = 24;
        let from = self.literals.len().saturating_sub(LOOK_BACK);
        let known = self.literals[from..].iter().position(|&known| known == word);
        let at = known.map(|at| at + from).unwrap_or_else(|| {
            self.literals.push(word);
            self.literals.len() - 1
        });
        Mem::Literal(at as u32)
    }

    /// Resolves jumps and literals.
    pub(super) fn finish(&mut self) {
        for &(site, label) in &self.jumps {
            let target = self.labels[label.0 as usize];
            assert_ne!(target, UNBOUND, "a jump to nowhere");
            put(&mut self.code, site, target.wrapping_sub(site + 4));
        }
        self.code.resize(self.code.len().next_multiple_of(8), 0xcc);
        let pool = self.at();
        for &literal in &self.literals {
            self.code.extend_from_slice(&literal.to_le_bytes());
        }
        for &(site, tail, literal) in &self.literal_uses {
            put(&mut self.code, site, (pool + 8 * literal).wrapping_sub(site + 4 + u32::from(tail)));
        }
    }

    /// So large is the frame.
    pub(super) fn set_frame(&mut self, bytes: u32) {
        for &(site, below) in &self.below_uses {
            put(&mut self.code, site, bytes.wrapping_sub(below));
        }
    }

    /// Where a label that was bound stands.
    pub(super) fn offset(&self, label: Label) -> u32 {
        self.labels[label.0 as usize]
    }

    /// Where the literals begin in finished code.
    pub(super) fn pool_bytes(&self) -> usize {
        8 * self.literals.len()
    }

    /// Writes a 32-bit immediate that was left open.
    pub(super) fn patch(&mut self, site: u32, word: u32) {
        put(&mut self.code, site, word);
    }

    #[inline]
    fn instruction(&mut self, code: Code, reg: u8, rm: Rm, imm: &[u8]) {
        let mut buffer = [0u8; 20];
        let mut n = 0;
        let mut push = |byte: u8| {
            buffer[n] = byte;
            n += 1;
        };
        if code.prefix != 0 {
            push(code.prefix);
        }
        let (x, b) = match rm {
            Rm::Reg(reg) => (0, reg.number()),
            Rm::Mem(Mem::Base { base, .. }) => (0, base.number()),
            Rm::Mem(Mem::Index { base, index, .. }) => (index.number(), base.number()),
            Rm::Mem(Mem::Literal(_) | Mem::Below(_)) => (0, 0),
        };
        let rex = 0x40 | u8::from(code.wide) << 3 | (reg >> 3) << 2 | (x >> 3) << 1 | (b >> 3);
        let byte_register = code.bytes && (reg >= 4 || matches!(rm, Rm::Reg(_)) && b >= 4);
        if rex != 0x40 || byte_register {
            push(rex);
        }
        if code.map != 0 {
            push(0x0f);
        }
        match code.map {
            2 => push(0x38),
            3 => push(0x3a),
            _ => {}
        }
        push(code.byte);
        let reg = (reg & 7) << 3;
        match rm {
            Rm::Reg(rm) => push(0xc0 | reg | rm.number() & 7),
            Rm::Mem(Mem::Literal(literal)) => {
                push(reg | 5);
                let site = self.code.len() as u32 + n as u32;
                self.literal_uses.push((site, imm.len() as u8, literal));
                n += 4;
            }
            Rm::Mem(Mem::Below(below)) => {
                // rsp and 32 bits.
                push(0x80 | reg | 4);
                push(0x24);
                self.below_uses.push((self.code.len() as u32 + n as u32, below));
                n += 4;
            }
            Rm::Mem(mem) => {
                let (Mem::Base { base, disp } | Mem::Index { base, disp, .. }) = mem else { unreachable!() };
                let base = base.number() & 7;
                let (mode, disp_bytes) = match disp {
                    0 if base != 5 => (0, 0),
                    -128..=127 => (0x40, 1),
                    _ => (0x80, 4),
                };
                match mem {
                    Mem::Index { index, shift, .. } => {
                        debug_assert_ne!(index.number(), 4, "rsp is no index");
                        push(mode | reg | 4);
                        push(shift << 6 | (index.number() & 7) << 3 | base);
                    }
                    _ if base == 4 => {
                        push(mode | reg | 4);
                        push(0x24);
                    }
                    _ => push(mode | reg | base),
                }
                buffer[n..n + 4].copy_from_slice(&disp.to_le_bytes());
                n += disp_bytes;
            }
        }
        buffer[n..n + imm.len()].copy_from_slice(imm);
        self.code.extend_from_slice(&buffer[..n + imm.len()]);
    }

    fn short(&mut self, bytes: &[u8]) {
        self.code.extend_from_slice(bytes);
    }
}

fn put(code: &mut [u8], site: u32, word: u32) {
    code[site as usize..site as usize + 4].copy_from_slice(&word.to_le_bytes());
}

/// Moves between general registers and memory.
impl Asm {
    pub(super) fn mov(&mut self, to: Reg, from: impl Into<Rm>) {
        self.instruction(wide(0, 0, 0x8b), to.number(), from.into(), &[]);
    }

    /// The low half, zero-extended.
    pub(super) fn mov32(&mut self, to: Reg, from: impl Into<Rm>) {
        self.instruction(code(0, 0, 0x8b), to.number(), from.into(), &[]);
    }

    /// Leaves the flags alone.
    pub(super) fn mov_imm(&mut self, to: Reg, word: u64) {
        if let Ok(low) = u32::try_from(word) {
            if to.number() >= 8 {
                self.short(&[0x41]);
            }
            self.short(&[0xb8 | to.number() & 7]);
            self.short(&low.to_le_bytes());
        } else if let Ok(low) = i32::try_from(word as i64) {
            self.instruction(wide(0, 0, 0xc7), 0, to.into(), &low.to_le_bytes());
        } else {
            self.short(&[0x48 | to.number() >> 3, 0xb8 | to.number() & 7]);
            self.short(&word.to_le_bytes());
        }
    }

    pub(super) fn store(&mut self, to: Mem, from: Reg) {
        self.instruction(wide(0, 0, 0x89), from.number(), to.into(), &[]);
    }

    pub(super) fn store32(&mut self, to: Mem, from: Reg) {
        self.instruction(code(0, 0, 0x89), from.number(), to.into(), &[]);
    }

    pub(super) fn store16(&mut self, to: Mem, from: Reg) {
        self.instruction(code(0x66, 0, 0x89), from.number(), to.into(), &[]);
    }

    pub(super) fn store8(&mut self, to: Mem, from: Reg) {
        self.instruction(bytes(0, 0x88), from.number(), to.into(), &[]);
    }

    /// Sign-extended to 64 bits.
    pub(super) fn store_imm(&mut self, to: Mem, word: i32) {
        self.instruction(wide(0, 0, 0xc7), 0, to.into(), &word.to_le_bytes());
    }

    pub(super) fn store32_imm(&mut self, to: Mem, word: i32) {
        self.instruction(code(0, 0, 0xc7), 0, to.into(), &word.to_le_bytes());
    }

    pub(super) fn movsx8(&mut self, to: Reg, from: impl Into<Rm>) {
        self.instruction(Code { bytes: false, ..wide(0, 1, 0xbe) }, to.number(), from.into(), &[]);
    }

    pub(super) fn movsx16(&mut self, to: Reg, from: impl Into<Rm>) {
        self.instruction(wide(0, 1, 0xbf), to.number(), from.into(), &[]);
    }

    pub(super) fn movsx32(&mut self, to: Reg, from: impl Into<Rm>) {
        self.instruction(wide(0, 0, 0x63), to.number(), from.into(), &[]);
    }

    pub(super) fn movzx8(&mut self, to: Reg, from: impl Into<Rm>) {
        self.instruction(bytes(1, 0xb6), to.number(), from.into(), &[]);
    }

    pub(super) fn movzx16(&mut self, to: Reg, from: impl Into<Rm>) {
        self.instruction(code(0, 1, 0xb7), to.number(), from.into(), &[]);
    }

    pub(super) fn lea(&mut self, to: Reg, from: Mem) {
        self.instruction(wide(0, 0, 0x8d), to.number(), from.into(), &[]);
    }

    pub(super) fn push_imm(&mut self, word: i32) {
        match i8::try_from(word) {
            Ok(byte) => self.short(&[0x6a, byte as u8]),
            Err(_) => {
                self.short(&[0x68]);
                self.short(&word.to_le_bytes());
            }
        }
    }

    pub(super) fn push(&mut self, reg: Reg) {
        if reg.number() >= 8 {
            self.short(&[0x41]);
        }
        self.short(&[0x50 | reg.number() & 7]);
    }

    pub(super) fn pop(&mut self, reg: Reg) {
        if reg.number() >= 8 {
            self.short(&[0x41]);
        }
        self.short(&[0x58 | reg.number() & 7]);
    }
}

/// Integer arithmetic.
impl Asm {
    pub(super) fn alu(&mut self, op: Alu, to: Reg, from: impl Into<Rm>) {
        self.instruction(wide(0, 0, (op as u8) << 3 | 3), to.number(), from.into(), &[]);
    }

    pub(super) fn alu32(&mut self, op: Alu, to: Reg, from: impl Into<Rm>) {
        self.instruction(code(0, 0, (op as u8) << 3 | 3), to.number(), from.into(), &[]);
    }

    pub(super) fn alu_imm(&mut self, op: Alu, to: impl Into<Rm>, word: i32) {
        match i8::try_from(word) {
            Ok(byte) => self.instruction(wide(0, 0, 0x83), op as u8, to.into(), &[byte as u8]),
            Err(_) => self.instruction(wide(0, 0, 0x81), op as u8, to.into(), &word.to_le_bytes()),
        }
    }

    pub(super) fn alu32_imm(&mut self, op: Alu, to: impl Into<Rm>, word: i32) {
        match i8::try_from(word) {
            Ok(byte) => self.instruction(code(0, 0, 0x83), op as u8, to.into(), &[byte as u8]),
            Err(_) => self.instruction(code(0, 0, 0x81), op as u8, to.into(), &word.to_le_bytes()),
        }
    }

    /// A 64-bit operation with an immediate of 32 bits that is written later; where it stands.
    pub(super) fn alu_open(&mut self, op: Alu, to: Reg) -> u32 {
        self.instruction(wide(0, 0, 0x81), op as u8, to.into(), &[0; 4]);
        self.at() - 4
    }

    pub(super) fn cmp8_imm(&mut self, a: Mem, byte: u8) {
        self.instruction(bytes(0, 0x80), Alu::Cmp as u8, a.into(), &[byte]);
    }

    pub(super) fn test(&mut self, a: Reg, b: Reg) {
        self.instruction(wide(0, 0, 0x85), b.number(), a.into(), &[]);
    }

    pub(super) fn test32(&mut self, a: Reg, b: Reg) {
        self.instruction(code(0, 0, 0x85), b.number(), a.into(), &[]);
    }

    pub(super) fn test8_imm(&mut self, a: impl Into<Rm>, byte: u8) {
        self.instruction(bytes(0, 0xf6), 0, a.into(), &[byte]);
    }

    pub(super) fn imul(&mut self, to: Reg, from: impl Into<Rm>) {
        self.instruction(wide(0, 1, 0xaf), to.number(), from.into(), &[]);
    }

    pub(super) fn imul_imm(&mut self, to: Reg, from: impl Into<Rm>, word: i32) {
        match i8::try_from(word) {
            Ok(byte) => self.instruction(wide(0, 0, 0x6b), to.number(), from.into(), &[byte as u8]),
            Err(_) => self.instruction(wide(0, 0, 0x69), to.number(), from.into(), &word.to_le_bytes()),
        }
    }

    pub(super) fn unary(&mut self, op: Unary, to: impl Into<Rm>) {
        self.instruction(wide(0, 0, 0xf7), op as u8, to.into(), &[]);
    }

    /// rdx:rax = rax, sign-extended.
    pub(super) fn cqo(&mut self) {
        self.short(&[0x48, 0x99]);
    }

    pub(super) fn shift_imm(&mut self, op: Shift, to: Reg, bits: u8) {
        match bits {
            1 => self.instruction(wide(0, 0, 0xd1), op as u8, to.into(), &[]),
            _ => self.instruction(wide(0, 0, 0xc1), op as u8, to.into(), &[bits]),
        }
    }

    /// By the low bits of rcx.
    pub(super) fn shift(&mut self, op: Shift, to: Reg) {
        self.instruction(wide(0, 0, 0xd3), op as u8, to.into(), &[]);
    }

    /// The carry becomes that bit.
    pub(super) fn bit_test(&mut self, a: Reg, bit: u8) {
        self.instruction(wide(0, 1, 0xba), 4, a.into(), &[bit]);
    }

    /// The low byte alone.
    pub(super) fn set(&mut self, cc: Cc, to: Reg) {
        self.instruction(bytes(1, 0x90 | cc as u8), 0, to.into(), &[]);
    }

    pub(super) fn cmov(&mut self, cc: Cc, to: Reg, from: impl Into<Rm>) {
        self.instruction(wide(0, 1, 0x40 | cc as u8), to.number(), from.into(), &[]);
    }
}

/// Floats.
impl Asm {
    pub(super) fn movsd_load(&mut self, to: Reg, from: Mem) {
        self.instruction(code(0xf2, 1, 0x10), to.number(), from.into(), &[]);
    }

    pub(super) fn movsd_store(&mut self, to: Mem, from: Reg) {
        self.instruction(code(0xf2, 1, 0x11), from.number(), to.into(), &[]);
    }

    pub(super) fn movss_store(&mut self, to: Mem, from: Reg) {
        self.instruction(code(0xf3, 1, 0x11), from.number(), to.into(), &[]);
    }

    pub(super) fn movaps(&mut self, to: Reg, from: Reg) {
        self.instruction(code(0, 1, 0x28), to.number(), from.into(), &[]);
    }

    /// The bits of a general register.
    pub(super) fn movq_to(&mut self, to: Reg, from: Reg) {
        self.instruction(wide(0x66, 1, 0x6e), to.number(), from.into(), &[]);
    }

    /// The bits of a float.
    pub(super) fn movq_from(&mut self, to: Reg, from: Reg) {
        self.instruction(wide(0x66, 1, 0x7e), from.number(), to.into(), &[]);
    }

    pub(super) fn sse(&mut self, op: Sse, to: Reg, from: impl Into<Rm>) {
        self.instruction(code(0xf2, 1, op as u8), to.number(), from.into(), &[]);
    }

    pub(super) fn ucomisd(&mut self, a: Reg, b: impl Into<Rm>) {
        self.instruction(code(0x66, 1, 0x2e), a.number(), b.into(), &[]);
    }

    pub(super) fn xorps(&mut self, to: Reg, from: Reg) {
        self.instruction(code(0, 1, 0x57), to.number(), from.into(), &[]);
    }

    pub(super) fn andps(&mut self, to: Reg, from: Reg) {
        self.instruction(code(0, 1, 0x54), to.number(), from.into(), &[]);
    }

    /// All bits set.
    pub(super) fn ones(&mut self, to: Reg) {
        self.instruction(code(0x66, 1, 0x76), to.number(), to.into(), &[]);
    }

    pub(super) fn shift_left_bits(&mut self, to: Reg, bits: u8) {
        self.instruction(code(0x66, 1, 0x73), 6, to.into(), &[bits]);
    }

    pub(super) fn shift_right_bits(&mut self, to: Reg, bits: u8) {
        self.instruction(code(0x66, 1, 0x73), 2, to.into(), &[bits]);
    }

    pub(super) fn int_to_double(&mut self, to: Reg, from: impl Into<Rm>) {
        self.instruction(wide(0xf2, 1, 0x2a), to.number(), from.into(), &[]);
    }

    /// Towards zero; `i64::MIN` where it does not fit.
    pub(super) fn double_to_int(&mut self, to: Reg, from: impl Into<Rm>) {
        self.instruction(wide(0xf2, 1, 0x2c), to.number(), from.into(), &[]);
    }

    pub(super) fn double_to_single(&mut self, to: Reg, from: impl Into<Rm>) {
        self.instruction(code(0xf2, 1, 0x5a), to.number(), from.into(), &[]);
    }

    pub(super) fn single_to_double(&mut self, to: Reg, from: impl Into<Rm>) {
        self.instruction(code(0xf3, 1, 0x5a), to.number(), from.into(), &[]);
    }

    /// 1: down, 3: towards zero. SSE4.1.
    pub(super) fn round(&mut self, to: Reg, from: impl Into<Rm>, mode: u8) {
        const QUIET: u8 = 8;
        self.instruction(code(0x66, 3, 0x0b), to.number(), from.into(), &[mode | QUIET]);
    }
}

/// Control.
impl Asm {
    pub(super) fn jump(&mut self, to: Label) {
        self.short(&[0xe9, 0, 0, 0, 0]);
        self.jumps.push((self.at() - 4, to));
    }

    pub(super) fn jump_if(&mut self, cc: Cc, to: Label) {
        self.short(&[0x0f, 0x80 | cc as u8, 0, 0, 0, 0]);
        self.jumps.push((self.at() - 4, to));
    }

    /// A jump of at most 127 bytes to what [`Asm::land`] marks.
    pub(super) fn skip_if(&mut self, cc: Cc) -> u32 {
        self.short(&[0x70 | cc as u8, 0]);
        self.at()
    }

    pub(super) fn land(&mut self, skip: u32) {
        let distance = i8::try_from(self.at() - skip).expect("a short jump");
        self.code[skip as usize - 1] = distance as u8;
    }

    pub(super) fn jump_through(&mut self, to: impl Into<Rm>) {
        self.instruction(code(0, 0, 0xff), 4, to.into(), &[]);
    }

    pub(super) fn call_through(&mut self, to: impl Into<Rm>) {
        self.instruction(code(0, 0, 0xff), 2, to.into(), &[]);
    }

    pub(super) fn ret(&mut self) {
        self.short(&[0xc3]);
    }

    /// So that a loop begins at a line.
    pub(super) fn align(&mut self, bytes: usize) {
        // The longest no-operations that all processors decode at once.
        const NOPS: [&[u8]; 9] = [
            &[0x90],
            &[0x66, 0x90],
            &[0x0f, 0x1f, 0x00],
            &[0x0f, 0x1f, 0x40, 0x00],
            &[0x0f, 0x1f, 0x44, 0x00, 0x00],
            &[0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
            &[0x0f, 0x1f, 0x80, 0, 0, 0, 0],
            &[0x0f, 0x1f, 0x84, 0x00, 0, 0, 0, 0],
            &[0x66, 0x0f, 0x1f, 0x84, 0x00, 0, 0, 0, 0],
        ];
        let mut left = self.code.len().next_multiple_of(bytes) - self.code.len();
        while left > 0 {
            let nop = NOPS[left.min(NOPS.len()) - 1];
            self.short(nop);
            left -= nop.len();
        }
    }
}
