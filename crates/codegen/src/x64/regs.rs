//! The registers and what each is for.
//!
//! | register | use |
//! |---|---|
//! | rsp | the frame; sixteen-aligned between the prologue and the way out |
//! | rbp | the context |
//! | r11, xmm15 | scratch: dead between any two operations |
//! | rbx, r12 to r15 | values; calls keep them |
//! | the others | values; calls take them |

/// A register: 0 to 15 the general ones, 16 to 31 the vector ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reg(pub(super) u8);

pub(super) const RAX: Reg = Reg(0);
pub(super) const RCX: Reg = Reg(1);
pub(super) const RDX: Reg = Reg(2);
pub(super) const RBX: Reg = Reg(3);
pub(super) const RSP: Reg = Reg(4);
pub(super) const RBP: Reg = Reg(5);
pub(super) const RSI: Reg = Reg(6);
pub(super) const RDI: Reg = Reg(7);
pub(super) const R8: Reg = Reg(8);
pub(super) const R9: Reg = Reg(9);
pub(super) const R10: Reg = Reg(10);
pub(super) const R11: Reg = Reg(11);
pub(super) const R12: Reg = Reg(12);
pub(super) const R13: Reg = Reg(13);
pub(super) const R14: Reg = Reg(14);
pub(super) const R15: Reg = Reg(15);

/// The context.
pub(super) const CTX: Reg = RBP;
/// Scratch registers.
pub(super) const TMP: Reg = R11;
pub(super) const FTMP: Reg = Reg(31);

impl Reg {
    pub(super) const fn xmm(number: u8) -> Reg {
        Reg(16 + number)
    }

    /// The number in an instruction.
    pub(super) const fn number(self) -> u8 {
        self.0 & 15
    }

    pub(super) const fn is_xmm(self) -> bool {
        self.0 >= 16
    }

    pub(super) const fn bit(self) -> RegSet {
        RegSet(1 << self.0)
    }
}

/// A set of registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct RegSet(pub(super) u32);

/// What calls keep, apart from rbp.
pub(super) const KEPT: RegSet = RegSet(1 << 3 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 15);
/// General registers that hold values.
pub(super) const GPRS: RegSet = RegSet(0xffff & !(1 << 4 | 1 << 5 | 1 << 11));
/// What divisions and shifts need: for values that live longer only if there is no other.
pub(super) const SPECIAL: RegSet = RegSet(1 | 1 << 1 | 1 << 2);
/// Vector registers that hold values.
pub(super) const XMMS: RegSet = RegSet(0x7fff_0000);
/// Where integer arguments go.
pub(super) const ARGUMENTS: [Reg; 6] = [RDI, RSI, RDX, RCX, R8, R9];

impl RegSet {
    pub(super) const EMPTY: RegSet = RegSet(0);

    pub(super) const fn and(self, other: RegSet) -> RegSet {
        RegSet(self.0 & other.0)
    }

    pub(super) const fn or(self, other: RegSet) -> RegSet {
        RegSet(self.0 | other.0)
    }

    pub(super) const fn without(self, other: RegSet) -> RegSet {
        RegSet(self.0 & !other.0)
    }

    pub(super) const fn has(self, reg: Reg) -> bool {
        self.0 >> reg.0 & 1 != 0
    }

    pub(super) const fn first(self) -> Option<Reg> {
        match self.0 {
            0 => None,
            bits => Some(Reg(bits.trailing_zeros() as u8)),
        }
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Reg> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let reg = RegSet(left).first()?;
            left &= left - 1;
            Some(reg)
        })
    }
}
