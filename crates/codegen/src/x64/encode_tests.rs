//! Each form of instruction, read back by another decoder.

use super::encode::{Alu, Asm, Cc, Mem, Rm, Shift, Sse, Unary};
use super::regs::{R8, R11, R12, R13, RAX, RBP, RCX, RDI, RSI, RSP, Reg};
use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter};

const GENERAL: [Reg; 8] = [RAX, RCX, RSI, RDI, R8, R11, R12, R13];
const VECTOR: [Reg; 4] = [Reg::xmm(0), Reg::xmm(5), Reg::xmm(8), Reg::xmm(15)];
const NAMES: [&str; 16] =
    ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

fn name(reg: Reg) -> String {
    match reg.is_xmm() {
        true => format!("xmm{}", reg.number()),
        false => NAMES[reg.number() as usize].to_string(),
    }
}

/// The low part of a general register.
fn part(reg: Reg, bytes: u32) -> String {
    let name = name(reg);
    let old = name.trim_start_matches('r');
    match (reg.number() >= 8, bytes) {
        (_, 8) => name,
        (true, 4) => format!("{name}d"),
        (true, 2) => format!("{name}w"),
        (true, _) => format!("{name}b"),
        (false, 4) => format!("e{old}"),
        (false, 2) => old.to_string(),
        (false, _) => match old {
            "ax" | "bx" | "cx" | "dx" => format!("{}l", &old[..1]),
            _ => format!("{old}l"),
        },
    }
}

/// Addresses of every shape, and what they are called.
fn addresses() -> Vec<(Mem, String)> {
    let mut all = Vec::new();
    for base in [RAX, RSP, RBP, RSI, R12, R13, R11] {
        for disp in [0, 8, -128, 127, 128, -4096, i32::MAX] {
            let offset = match disp {
                0 => String::new(),
                1.. => format!("+{disp:#x}"),
                _ => format!("-{:#x}", disp.unsigned_abs()),
            };
            all.push((Mem::Base { base, disp }, format!("[{}{offset}]", name(base))));
            for (index, shift) in [(RCX, 0), (R12, 3), (R13, 1), (RBP, 2)] {
                let scale = if shift == 0 { String::new() } else { format!("*{}", 1 << shift) };
                all.push((
                    Mem::Index { base, index, shift, disp },
                    format!("[{}+{}{scale}{offset}]", name(base), name(index)),
                ));
            }
        }
    }
    all.push((Mem::Below(48), format!("[rsp+{:#x}]", FRAME - 48)));
    all
}

/// How large the frame is in the end.
const FRAME: u32 = 0x208;

/// What one instruction is read as.
fn read(write: impl FnOnce(&mut Asm)) -> String {
    let mut asm = Asm::default();
    write(&mut asm);
    asm.set_frame(FRAME);
    let mut decoder = Decoder::new(64, &asm.code, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    decoder.decode_out(&mut instruction);
    assert!(!instruction.is_invalid(), "{:x?}", asm.code);
    assert_eq!(instruction.len(), asm.code.len(), "more than one instruction: {:x?}", asm.code);
    let mut formatter = IntelFormatter::new();
    let options = formatter.options_mut();
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_uppercase_hex(false);
    options.set_space_after_operand_separator(false);
    options.set_memory_size_options(iced_x86::MemorySizeOptions::Never);
    options.set_small_hex_numbers_in_decimal(false);
    options.set_displacement_leading_zeros(false);
    options.set_branch_leading_zeros(false);
    let mut text = String::new();
    formatter.format(&instruction, &mut text);
    text
}

/// A form with a register and a register or memory operand, tried on all of them.
fn forms(mnemonic: &str, regs: &[Reg], others: &[Reg], bytes: [u32; 2], write: impl Fn(&mut Asm, Reg, Rm)) {
    let called = |reg: Reg, bytes| if reg.is_xmm() { name(reg) } else { part(reg, bytes) };
    for &reg in regs {
        for &other in others {
            let expected = format!("{mnemonic} {},{}", called(reg, bytes[0]), called(other, bytes[1]));
            assert_eq!(read(|asm| write(asm, reg, other.into())), expected);
        }
        for (mem, text) in addresses() {
            assert_eq!(read(|asm| write(asm, reg, mem.into())), format!("{mnemonic} {},{text}", called(reg, bytes[0])));
        }
    }
}

/// A form that stores a register.
fn stores(mnemonic: &str, regs: &[Reg], bytes: u32, write: impl Fn(&mut Asm, Mem, Reg)) {
    for &reg in regs {
        for (mem, text) in addresses() {
            let reg_name = if reg.is_xmm() { name(reg) } else { part(reg, bytes) };
            assert_eq!(read(|asm| write(asm, mem, reg)), format!("{mnemonic} {text},{reg_name}"));
        }
    }
}

#[test]
fn moves() {
    forms("mov", &GENERAL, &GENERAL, [8, 8], |asm, to, from| asm.mov(to, from));
    forms("mov", &GENERAL, &GENERAL, [4, 4], |asm, to, from| asm.mov32(to, from));
    forms("movsx", &GENERAL, &GENERAL, [8, 1], |asm, to, from| asm.movsx8(to, from));
    forms("movsx", &GENERAL, &GENERAL, [8, 2], |asm, to, from| asm.movsx16(to, from));
    forms("movsxd", &GENERAL, &GENERAL, [8, 4], |asm, to, from| asm.movsx32(to, from));
    forms("movzx", &GENERAL, &GENERAL, [4, 1], |asm, to, from| asm.movzx8(to, from));
    forms("movzx", &GENERAL, &GENERAL, [4, 2], |asm, to, from| asm.movzx16(to, from));
    stores("mov", &GENERAL, 8, |asm, to, from| asm.store(to, from));
    stores("mov", &GENERAL, 4, |asm, to, from| asm.store32(to, from));
    stores("mov", &GENERAL, 2, |asm, to, from| asm.store16(to, from));
    stores("mov", &GENERAL, 1, |asm, to, from| asm.store8(to, from));
    for (mem, text) in addresses() {
        assert_eq!(read(|asm| asm.lea(R8, mem)), format!("lea r8,{text}"));
        assert_eq!(read(|asm| asm.store_imm(mem, 0x1234)), format!("mov {text},0x1234"));
        assert_eq!(read(|asm| asm.store32_imm(mem, 0x1234)), format!("mov {text},0x1234"));
    }
    for reg in GENERAL {
        assert_eq!(read(|asm| asm.mov_imm(reg, 7)), format!("mov {},0x7", part(reg, 4)));
        assert_eq!(read(|asm| asm.mov_imm(reg, 0xffff_ffff)), format!("mov {},0xffffffff", part(reg, 4)));
        assert_eq!(read(|asm| asm.mov_imm(reg, u64::MAX)), format!("mov {},0xffffffffffffffff", name(reg)));
        assert_eq!(read(|asm| asm.mov_imm(reg, 1 << 40)), format!("mov {},0x10000000000", name(reg)));
        assert_eq!(read(|asm| asm.push(reg)), format!("push {}", name(reg)));
        assert_eq!(read(|asm| asm.pop(reg)), format!("pop {}", name(reg)));
    }
    assert_eq!(read(|asm| asm.push_imm(5)), "push 0x5");
    assert_eq!(read(|asm| asm.push_imm(500)), "push 0x1f4");
}

#[test]
fn integer_arithmetic() {
    let alus = [
        (Alu::Add, "add"),
        (Alu::Or, "or"),
        (Alu::Adc, "adc"),
        (Alu::Sbb, "sbb"),
        (Alu::And, "and"),
        (Alu::Sub, "sub"),
        (Alu::Xor, "xor"),
        (Alu::Cmp, "cmp"),
    ];
    for (op, mnemonic) in alus {
        forms(mnemonic, &GENERAL, &GENERAL, [8, 8], |asm, to, from| asm.alu(op, to, from));
        forms(mnemonic, &GENERAL, &GENERAL, [4, 4], |asm, to, from| asm.alu32(op, to, from));
        for reg in GENERAL {
            assert_eq!(read(|asm| asm.alu_imm(op, reg, 9)), format!("{mnemonic} {},0x9", name(reg)));
            assert_eq!(read(|asm| asm.alu_imm(op, reg, 900)), format!("{mnemonic} {},0x384", name(reg)));
            assert_eq!(read(|asm| asm.alu32_imm(op, reg, 900)), format!("{mnemonic} {},0x384", part(reg, 4)));
        }
        for (mem, text) in addresses() {
            assert_eq!(read(|asm| asm.alu_imm(op, mem, 9)), format!("{mnemonic} {text},0x9"));
            assert_eq!(read(|asm| asm.alu32_imm(op, mem, 0x1234)), format!("{mnemonic} {text},0x1234"));
        }
    }
    forms("imul", &GENERAL, &GENERAL, [8, 8], |asm, to, from| asm.imul(to, from));
    for (mem, text) in addresses() {
        assert_eq!(read(|asm| asm.imul_imm(R11, mem, 3)), format!("imul r11,{text},0x3"));
        assert_eq!(read(|asm| asm.imul_imm(RAX, mem, 300)), format!("imul rax,{text},0x12c"));
        assert_eq!(read(|asm| asm.test8_imm(mem, 1)), format!("test {text},0x1"));
        assert_eq!(read(|asm| asm.cmp8_imm(mem, 0)), format!("cmp {text},0x0"));
    }
    for a in GENERAL {
        for b in GENERAL {
            assert_eq!(read(|asm| asm.test(a, b)), format!("test {},{}", name(a), name(b)));
            assert_eq!(read(|asm| asm.test32(a, b)), format!("test {},{}", part(a, 4), part(b, 4)));
        }
        assert_eq!(read(|asm| asm.test8_imm(a, 7)), format!("test {},0x7", part(a, 1)));
        assert_eq!(read(|asm| asm.bit_test(a, 63)), format!("bt {},0x3f", name(a)));
        for (op, mnemonic) in [(Unary::Not, "not"), (Unary::Neg, "neg"), (Unary::Mul, "mul"), (Unary::Idiv, "idiv")] {
            assert_eq!(read(|asm| asm.unary(op, a)), format!("{mnemonic} {}", name(a)));
        }
        for (op, mnemonic) in
            [(Shift::Rol, "rol"), (Shift::Ror, "ror"), (Shift::Shl, "shl"), (Shift::Shr, "shr"), (Shift::Sar, "sar")]
        {
            assert_eq!(read(|asm| asm.shift_imm(op, a, 3)), format!("{mnemonic} {},0x3", name(a)));
            assert_eq!(read(|asm| asm.shift_imm(op, a, 1)), format!("{mnemonic} {},0x1", name(a)));
            assert_eq!(read(|asm| asm.shift(op, a)), format!("{mnemonic} {},cl", name(a)));
        }
    }
    assert_eq!(read(Asm::cqo), "cqo");
    let open = read(|asm| {
        assert_eq!(asm.alu_open(Alu::Sub, RSP), 3);
    });
    assert_eq!(open, "sub rsp,0x0");
}

#[test]
fn conditions() {
    let conditions = [
        (Cc::Overflow, "o", Cc::NoOverflow),
        (Cc::Below, "b", Cc::AboveEqual),
        (Cc::AboveEqual, "ae", Cc::Below),
        (Cc::Equal, "e", Cc::NotEqual),
        (Cc::NotEqual, "ne", Cc::Equal),
        (Cc::BelowEqual, "be", Cc::Above),
        (Cc::Above, "a", Cc::BelowEqual),
        (Cc::Sign, "s", Cc::NoSign),
        (Cc::Parity, "p", Cc::NoParity),
        (Cc::NoParity, "np", Cc::Parity),
        (Cc::Less, "l", Cc::GreaterEqual),
        (Cc::GreaterEqual, "ge", Cc::Less),
        (Cc::LessEqual, "le", Cc::Greater),
        (Cc::Greater, "g", Cc::LessEqual),
    ];
    for (cc, text, negated) in conditions {
        assert_eq!(cc.negated(), negated);
        for reg in GENERAL {
            assert_eq!(read(|asm| asm.set(cc, reg)), format!("set{text} {}", part(reg, 1)));
        }
        forms(&format!("cmov{text}"), &GENERAL, &GENERAL, [8, 8], |asm, to, from| asm.cmov(cc, to, from));
        let jump = read(|asm| {
            let label = asm.here();
            asm.jump_if(cc, label);
            asm.finish();
            asm.code.truncate(6);
        });
        assert_eq!(jump, format!("j{text} 0x0"));
        let skip = read(|asm| {
            let skip = asm.skip_if(cc);
            asm.land(skip);
        });
        assert_eq!(skip, format!("j{text} short 0x2"));
    }
}

#[test]
fn floats() {
    for (op, mnemonic) in
        [(Sse::Sqrt, "sqrtsd"), (Sse::Add, "addsd"), (Sse::Mul, "mulsd"), (Sse::Sub, "subsd"), (Sse::Div, "divsd")]
    {
        forms(mnemonic, &VECTOR, &VECTOR, [16, 16], |asm, to, from| asm.sse(op, to, from));
    }
    forms("ucomisd", &VECTOR, &VECTOR, [16, 16], |asm, to, from| asm.ucomisd(to, from));
    forms("cvtsi2sd", &VECTOR, &GENERAL, [16, 8], |asm, to, from| asm.int_to_double(to, from));
    forms("cvttsd2si", &GENERAL, &VECTOR, [8, 16], |asm, to, from| asm.double_to_int(to, from));
    forms("cvtsd2ss", &VECTOR, &VECTOR, [16, 16], |asm, to, from| asm.double_to_single(to, from));
    forms("cvtss2sd", &VECTOR, &VECTOR, [16, 16], |asm, to, from| asm.single_to_double(to, from));
    stores("movsd", &VECTOR, 8, |asm, to, from| asm.movsd_store(to, from));
    stores("movss", &VECTOR, 4, |asm, to, from| asm.movss_store(to, from));
    for a in VECTOR {
        for b in VECTOR {
            let pair = format!("{},{}", name(a), name(b));
            assert_eq!(read(|asm| asm.movaps(a, b)), format!("movaps {pair}"));
            assert_eq!(read(|asm| asm.xorps(a, b)), format!("xorps {pair}"));
            assert_eq!(read(|asm| asm.andps(a, b)), format!("andps {pair}"));
            assert_eq!(read(|asm| asm.round(a, b, 1)), format!("roundsd {pair},0x9"));
        }
        for (mem, text) in addresses() {
            assert_eq!(read(|asm| asm.movsd_load(a, mem)), format!("movsd {},{text}", name(a)));
        }
        for b in GENERAL {
            assert_eq!(read(|asm| asm.movq_to(a, b)), format!("movq {},{}", name(a), name(b)));
            assert_eq!(read(|asm| asm.movq_from(b, a)), format!("movq {},{}", name(b), name(a)));
        }
        assert_eq!(read(|asm| asm.ones(a)), format!("pcmpeqd {0},{0}", name(a)));
        assert_eq!(read(|asm| asm.shift_left_bits(a, 63)), format!("psllq {},0x3f", name(a)));
        assert_eq!(read(|asm| asm.shift_right_bits(a, 1)), format!("psrlq {},0x1", name(a)));
    }
}

#[test]
fn control_and_literals() {
    for (mem, text) in addresses() {
        assert_eq!(read(|asm| asm.jump_through(mem)), format!("jmp {text}"));
        assert_eq!(read(|asm| asm.call_through(mem)), format!("call {text}"));
    }
    assert_eq!(read(|asm| asm.call_through(RAX)), "call rax");
    assert_eq!(read(Asm::ret), "ret");
    let jump = read(|asm| {
        let label = asm.label();
        asm.jump(label);
        asm.bind(label);
        asm.finish();
        asm.code.truncate(5);
    });
    assert_eq!(jump, "jmp 0x5");
    // Behind seven bytes and one of padding, and with an immediate behind the distance.
    let literal = read(|asm| {
        let literal = asm.literal(77);
        asm.mov(RAX, literal);
        asm.finish();
        assert_eq!(asm.code[8..], 77u64.to_le_bytes());
        asm.code.truncate(7);
    });
    assert_eq!(literal, "mov rax,[rel 0x8]".replace("rel ", ""));
    let with_immediate = read(|asm| {
        let literal = asm.literal(77);
        asm.alu_imm(Alu::Cmp, literal, 1000);
        asm.finish();
        asm.code.truncate(11);
    });
    assert_eq!(with_immediate, "cmp [0x10],0x3e8");
    for bytes in 1..40 {
        let mut asm = Asm::default();
        asm.code.resize(bytes, 0x90);
        asm.align(16);
        assert_eq!(asm.code.len(), bytes.next_multiple_of(16));
        let mut decoder = Decoder::new(64, &asm.code, DecoderOptions::NONE);
        for instruction in &mut decoder {
            assert_eq!(instruction.mnemonic(), iced_x86::Mnemonic::Nop);
        }
    }
}
