//! From text to trace.

use super::print::{EFFECTS, LOG_KINDS, REPRS, RESUMES, is_inline, loop_invariant_phis};
use crate::{
    Arg, Attr, AttrKind, CallEffect, Callee, ConstRef, Exit, ExitArg, ExitId, Field, FrameState, Function, Items,
    LogKind, Op, OpCode, OperandTy, ROWS, RecipeStep, Repr, Resume, Snapshot, SnapshotId, Trace, TraceId, TraceKind,
    Ty, ValueId, imm,
};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// A trace and the comments of its lines.
pub struct Parsed {
    pub trace: Trace,
    /// For each comment behind an operation: the operation's index and the text.
    pub comments: Vec<(usize, String)>,
}

/// Parses a trace; an error names the line, counted from 1.
pub fn parse(text: &str) -> Result<Trace, String> {
    Ok(parse_with_comments(text)?.trace)
}

/// Parses a trace and keeps the comments.
pub fn parse_with_comments(text: &str) -> Result<Parsed, String> {
    let trace = Trace::new(TraceKind::Loop, String::new());
    let mut parser = Parser { trace, names: HashMap::new(), own_invariants: Vec::new(), rest: "" };
    let mut comments = Vec::new();
    let mut has_header = false;
    let mut in_body = false;
    for (number, line) in text.lines().enumerate() {
        let (code, comment) = split_comment(line);
        if code.trim().is_empty() {
            continue;
        }
        parser.rest = code;
        let index = parser.trace.ops.len();
        let parsed = if has_header { parser.operation(in_body) } else { parser.header() };
        parsed.map_err(|error| format!("line {}: {error} in `{}`", number + 1, line.trim()))?;
        has_header = true;
        in_body |= parser.trace.ops.last().is_some_and(|op| op.code == OpCode::Label);
        if !comment.is_empty() {
            comments.push((index, comment.to_string()));
        }
    }
    let mut trace = parser.trace;
    fill_invariants(&mut trace, &parser.own_invariants);
    Ok(Parsed { trace, comments })
}

/// A callee that exists in text only: the same row for the same text. Calling its function panics.
pub fn synthetic_callee(name: &str, effect: CallEffect, operands: &[Ty], result: Ty, slice: bool) -> &'static Callee {
    static CALLEES: Mutex<Vec<(&'static Callee, bool)>> = Mutex::new(Vec::new());
    let mut callees = CALLEES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let same = |&&(callee, is_slice): &&(&'static Callee, bool)| {
        callee.name == name
            && callee.effect == effect
            && callee.operands == operands
            && callee.result == result
            && is_slice == slice
    };
    if let Some(&(callee, _)) = callees.iter().find(same) {
        return callee;
    }
    let function = match operands.len() {
        _ if slice => Function::Slice(no_slice),
        0 => Function::F0(no_function0),
        1 => Function::F1(no_function1),
        2 => Function::F2(no_function2),
        3 => Function::F3(no_function3),
        4 => Function::F4(no_function4),
        _ => Function::F5(no_function5),
    };
    let callee: &'static Callee = Box::leak(Box::new(Callee {
        name: Box::leak(name.to_string().into_boxed_str()),
        function,
        operands: Box::leak(operands.to_vec().into_boxed_slice()),
        result,
        effect,
    }));
    callees.push((callee, slice));
    callee
}

extern "C" fn no_function0(_: *mut u8) -> u64 {
    unimplemented!("a callee that exists in text only")
}
extern "C" fn no_function1(_: *mut u8, _: u64) -> u64 {
    unimplemented!("a callee that exists in text only")
}
extern "C" fn no_function2(_: *mut u8, _: u64, _: u64) -> u64 {
    unimplemented!("a callee that exists in text only")
}
extern "C" fn no_function3(_: *mut u8, _: u64, _: u64, _: u64) -> u64 {
    unimplemented!("a callee that exists in text only")
}
extern "C" fn no_function4(_: *mut u8, _: u64, _: u64, _: u64, _: u64) -> u64 {
    unimplemented!("a callee that exists in text only")
}
extern "C" fn no_function5(_: *mut u8, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    unimplemented!("a callee that exists in text only")
}
extern "C" fn no_slice(_: *mut u8, _: u64, _: *const u64, _: u64) -> u64 {
    unimplemented!("a callee that exists in text only")
}

type Parse<T> = Result<T, String>;

fn split_comment(line: &str) -> (&str, &str) {
    let start =
        line.match_indices('#').map(|(at, _)| at).find(|&at| matches!(line.as_bytes().get(at + 1), None | Some(b' ')));
    match start {
        Some(at) => (&line[..at], line[at + 1..].trim()),
        None => (line, ""),
    }
}

/// Exits behind the label that do not say what they hand on.
fn fill_invariants(trace: &mut Trace, exits: &[ExitId]) {
    let phis = loop_invariant_phis(&trace.ops);
    for id in exits {
        let exit = Arc::make_mut(&mut trace.exits[id.0 as usize]);
        exit.invariants = phis.iter().map(|&phi| live(exit, phi, trace.ops[phi.0 as usize].ty)).collect();
    }
}

fn live(exit: &mut Exit, id: ValueId, ty: Ty) -> ExitArg {
    let at = exit.live.iter().position(|live| live.0 == id).unwrap_or_else(|| {
        exit.live.push((id, ty));
        exit.live.len() - 1
    });
    ExitArg::Live(at as u32)
}

struct Parser<'t> {
    trace: Trace,
    names: HashMap<String, ValueId>,
    /// Exits behind the label that do not say what they hand on.
    own_invariants: Vec<ExitId>,
    /// What is left of the line.
    rest: &'t str,
}

/// The exit in the making, and the names of its steps.
#[derive(Default)]
struct ExitNames {
    exit: Exit,
    steps: HashMap<String, u32>,
}

impl<'t> Parser<'t> {
    fn header(&mut self) -> Parse<()> {
        self.trace.kind = match self.word() {
            "" | "loop" => TraceKind::Loop,
            "function" => TraceKind::Function,
            "bridge" => TraceKind::Bridge,
            other => return Err(format!("unknown kind of trace {other}")),
        };
        self.expect("[")?;
        while !self.eat("]") {
            let name = self.word();
            let ty = ty_of(name)?;
            let id = self.trace.push(OpCode::Input, ty, &[], Attr::None);
            self.names.insert(name.to_string(), id);
            self.eat(",");
        }
        Ok(())
    }

    fn operation(&mut self, in_body: bool) -> Parse<()> {
        let mut word = self.word();
        let mut result = None;
        if self.eat("=") {
            result = Some(word);
            word = self.word();
        }
        let row = ROWS.iter().find(|row| row.text == word).ok_or_else(|| format!("unknown operation {word}"))?;
        let ty = result.map_or(Ok(Ty::Void), ty_of)?;
        self.expect("(")?;
        let mut args: SmallVec<[Arg; 3]> = SmallVec::new();
        let mut attr = Attr::None;
        while !self.eat(")") {
            if !self.attribute(row.attr, &mut attr)? {
                args.push(self.arg()?);
            }
            self.eat(",");
        }
        if let Attr::Callee(callee) = attr {
            attr = self.resolved_callee(callee, row.code, &args, ty);
        }
        let (snapshot, exit) = self.way_out(in_body)?;
        if let Some(name) = result
            && self.names.insert(name.to_string(), ValueId(self.trace.ops.len() as u32)).is_some()
        {
            return Err(format!("{name} is defined twice"));
        }
        self.trace.ops.push(Op { code: row.code, ty, args, attr, snapshot, exit, at: crate::PositionId::NONE });
        if self.rest.trim().is_empty() { Ok(()) } else { Err(format!("unexpected `{}`", self.rest)) }
    }

    /// Snapshot or exit behind an operation.
    fn way_out(&mut self, in_body: bool) -> Parse<(Option<SnapshotId>, Option<ExitId>)> {
        if self.eat("->") {
            let exit = self.exit(in_body)?;
            self.trace.exits.push(Arc::new(exit));
            return Ok((None, Some(ExitId(self.trace.exits.len() as u32 - 1))));
        }
        if !self.sees("[") && !self.sees("{") {
            return Ok((None, None));
        }
        let frames = self.frames(&mut |parser| parser.arg(), &|parser, arg| parser.trace.ty(arg))?;
        self.trace.snapshots.push(Snapshot { frames: frames.into_iter().map(Arc::new).collect() });
        Ok((Some(SnapshotId(self.trace.snapshots.len() as u32 - 1)), None))
    }

    fn resolved_callee(&self, named: &'static Callee, code: OpCode, args: &[Arg], result: Ty) -> Attr {
        let operands: Vec<Ty> = args.iter().map(|&arg| self.trace.ty(arg)).collect();
        Attr::Callee(synthetic_callee(named.name, named.effect, &operands, result, code == OpCode::CallSlice))
    }

    /// Reads an attribute, if one stands here.
    fn attribute(&mut self, kind: AttrKind, attr: &mut Attr) -> Parse<bool> {
        let before = self.rest;
        let word = self.word();
        match kind {
            AttrKind::Field | AttrKind::Items if !word.is_empty() && self.eat("@") => {
                let name: &'static str = interned(word);
                let offset = self.number()?;
                self.expect(":")?;
                let repr = self.repr()?;
                let immutable = self.eat("!");
                *attr = match kind {
                    AttrKind::Field => Attr::Field(Field { name, offset, repr, immutable }),
                    _ => Attr::Items(Items { name, offset, repr, immutable }),
                };
                return Ok(true);
            }
            AttrKind::Raw if word == "as" => {
                self.expect("=")?;
                *attr = Attr::Raw(self.repr()?);
                return Ok(true);
            }
            AttrKind::New if matches!(word, "shape" | "bytes" | "item") => {
                self.expect("=")?;
                let number = self.number()?;
                let Attr::New { mut shape, mut bytes, mut item_bytes } = *attr else {
                    *attr = Attr::New { shape: 0, bytes: 0, item_bytes: 0 };
                    self.rest = before;
                    return self.attribute(kind, attr);
                };
                match word {
                    "shape" => shape = number,
                    "bytes" => bytes = number,
                    _ => item_bytes = number,
                }
                *attr = Attr::New { shape, bytes, item_bytes };
                return Ok(true);
            }
            AttrKind::Callee if word == "callee" => {
                self.expect("=")?;
                let name = self.word();
                self.expect(":")?;
                let effect = self.word();
                let effect = EFFECTS.iter().find(|row| row.1 == effect).ok_or("unknown effect")?.0;
                *attr = Attr::Callee(synthetic_callee(name, effect, &[], Ty::Void, false));
                return Ok(true);
            }
            AttrKind::Target if word == "target" => {
                self.expect("=")?;
                *attr = Attr::Target(TraceId(self.number()?));
                return Ok(true);
            }
            _ => {}
        }
        self.rest = before;
        Ok(false)
    }

    fn repr(&mut self) -> Parse<Repr> {
        let word = self.word();
        REPRS.iter().find(|row| row.1 == word).map(|row| row.0).ok_or_else(|| format!("unknown representation {word}"))
    }

    fn frames<A: Copy>(
        &mut self,
        element: &mut dyn FnMut(&mut Self) -> Parse<A>,
        ty: &dyn Fn(&Self, A) -> Ty,
    ) -> Parse<Vec<FrameState<A>>> {
        let plain = |slots| FrameState { code: 0, pc: 0, slots, log: Vec::new(), events: 0, resume: Resume::Rerun };
        if self.sees("[") {
            return Ok(vec![plain(self.list("[", "]", element)?)]);
        }
        let mut frames = Vec::new();
        while self.eat("{") {
            if self.eat("}") {
                continue;
            }
            let mut frame = plain(Vec::new());
            frame.code = match self.eat("&") {
                true => symbol(self.number()?),
                false => self.word().parse().map_err(|_| "expected the code's number")?,
            };
            self.expect(":")?;
            frame.pc = self.number()?;
            let resume = self.word();
            frame.resume = RESUMES.iter().find(|row| row.1 == resume).ok_or("unknown way to resume")?.0;
            frame.events = self.number()?;
            frame.slots = self.list("[", "]", element)?;
            while !self.eat("}") {
                let kind = self.word();
                let kind: LogKind = LOG_KINDS.iter().find(|row| row.1 == kind).ok_or("unknown log entry")?.0;
                self.expect("(")?;
                let value = element(self)?;
                self.expect(")")?;
                frame.log.push((kind, ty(self, value), value));
            }
            frames.push(frame);
        }
        Ok(frames)
    }

    fn list<A>(&mut self, open: &str, close: &str, element: &mut dyn FnMut(&mut Self) -> Parse<A>) -> Parse<Vec<A>> {
        self.expect(open)?;
        let mut list = Vec::new();
        while !self.eat(close) {
            list.push(element(self)?);
            self.eat(",");
        }
        Ok(list)
    }

    /// An exit. Steps named behind `with` may be used before they are read, so the text is read twice.
    fn exit(&mut self, in_body: bool) -> Parse<Exit> {
        let start = self.rest;
        let mut names = ExitNames::default();
        if let Some(with) = start.find(" with ") {
            self.rest = &start[with + 6..];
            self.steps(&mut names)?;
        }
        let after = self.rest;
        let had_steps = start.contains(" with ");
        self.rest = start;
        let frames = {
            let names = std::cell::RefCell::new(&mut names);
            self.frames(&mut |parser| parser.exit_arg(&mut names.borrow_mut()), &|parser, arg| match arg {
                ExitArg::Live(at) => names.borrow().exit.live[at as usize].1,
                ExitArg::Made(at) => names.borrow().exit.recipe[at as usize].ty,
                ExitArg::Int(_) => Ty::Int,
                ExitArg::Flt(_) => Ty::Flt,
                ExitArg::Bool(_) => Ty::Bool,
                ExitArg::Imm(_) | ExitArg::Ref(_) => {
                    let _ = parser;
                    Ty::Ref
                }
            })?
        };
        if had_steps {
            self.rest = after;
        }
        names.exit.frames = frames.into_iter().map(Arc::new).collect();
        names.exit.in_body = in_body;
        let before = self.rest;
        if self.word() == "inv" {
            names.exit.invariants = self.list("(", ")", &mut |parser| parser.exit_arg(&mut names))?;
            names.exit.in_body = true;
        } else {
            self.rest = before;
            if in_body {
                self.own_invariants.push(ExitId(self.trace.exits.len() as u32));
            }
        }
        Ok(names.exit)
    }

    fn steps(&mut self, names: &mut ExitNames) -> Parse<()> {
        loop {
            let before = self.rest;
            let name = self.word();
            if !self.eat("=") {
                self.rest = before;
                self.step(names, false)?;
            } else {
                let made = self.step(names, true)?;
                names.steps.insert(name.to_string(), made);
            }
            if !self.eat(";") {
                return Ok(());
            }
        }
    }

    /// One step of a recipe; its index.
    fn step(&mut self, names: &mut ExitNames, has_result: bool) -> Parse<u32> {
        let word = self.word();
        let row = ROWS.iter().find(|row| row.text == word).ok_or_else(|| format!("unknown step {word}"))?;
        self.expect("(")?;
        let mut args: SmallVec<[ExitArg; 3]> = SmallVec::new();
        let mut attr = Attr::None;
        while !self.eat(")") {
            if !self.attribute(row.attr, &mut attr)? {
                args.push(self.exit_arg(names)?);
            }
            self.eat(",");
        }
        let ty = match (has_result, row.result) {
            (true, OperandTy::Is(ty)) => ty,
            _ => Ty::Void,
        };
        names.exit.recipe.push(RecipeStep { code: row.code, ty, args, attr });
        Ok(names.exit.recipe.len() as u32 - 1)
    }

    fn exit_arg(&mut self, names: &mut ExitNames) -> Parse<ExitArg> {
        let before = self.rest;
        let word = self.word();
        if let Some(&step) = names.steps.get(word) {
            return Ok(ExitArg::Made(step));
        }
        if ROWS.iter().any(|row| row.text == word && is_inline(row.code)) && self.sees("(") {
            self.rest = before;
            let step = self.step(names, true)?;
            return Ok(ExitArg::Made(merged_step(&mut names.exit, step)));
        }
        self.rest = before;
        Ok(match self.arg()? {
            Arg::Value(id) => live(&mut names.exit, id, self.trace.ops[id.0 as usize].ty),
            Arg::Int(x) => ExitArg::Int(x),
            Arg::Flt(x) => ExitArg::Flt(x),
            Arg::Bool(x) => ExitArg::Bool(x),
            Arg::Imm(x) => ExitArg::Imm(x),
            Arg::Ref(x) => ExitArg::Ref(x),
        })
    }

    fn arg(&mut self) -> Parse<Arg> {
        if self.eat("@") {
            return Ok(Arg::Ref(ConstRef(self.number()?)));
        }
        if self.eat("#") {
            return match self.scalar()? {
                Arg::Int(x) => imm::from_int(x).map(Arg::Imm).ok_or("the integer has no immediate form".to_string()),
                Arg::Flt(x) => imm::from_float(x).map(Arg::Imm).ok_or("the float has no immediate form".to_string()),
                other => Ok(other),
            };
        }
        self.scalar()
    }

    fn scalar(&mut self) -> Parse<Arg> {
        if self.eat("&") {
            return Ok(Arg::Int(symbol(self.number()?) as i64));
        }
        let word = self.word();
        if let Some(&id) = self.names.get(word) {
            return Ok(Arg::Value(id));
        }
        match word {
            "null" => return Ok(Arg::NULL),
            "true" | "false" => return Ok(Arg::Bool(word == "true")),
            "nan" => return Ok(Arg::Flt(f64::NAN.to_bits())),
            "f" | "x" if self.eat(":") => {
                let bits = u64::from_str_radix(self.word(), 16).map_err(|error| error.to_string())?;
                return Ok(if word == "f" { Arg::Flt(bits) } else { Arg::Imm(bits) });
            }
            _ => {}
        }
        if let Ok(x) = word.parse::<i64>() {
            return Ok(Arg::Int(x));
        }
        word.parse::<f64>().map(|x| Arg::Flt(x.to_bits())).map_err(|_| format!("unknown operand `{word}`"))
    }

    /// Letters, digits, `_`, `.` and signs: a name or a number.
    fn word(&mut self) -> &'t str {
        self.rest = self.rest.trim_start();
        let mut end = 0;
        for (at, c) in self.rest.char_indices() {
            let is_sign = c == '-' && !self.rest[at + 1..].starts_with('>') || c == '+';
            if !(c.is_alphanumeric() || c == '_' || c == '.' || is_sign) {
                break;
            }
            end = at + c.len_utf8();
        }
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn number(&mut self) -> Parse<u32> {
        self.word().parse().map_err(|_| "expected a number".to_string())
    }

    fn sees(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        self.rest.starts_with(token)
    }

    fn eat(&mut self, token: &str) -> bool {
        let sees = self.sees(token);
        if sees {
            self.rest = &self.rest[token.len()..];
        }
        sees
    }

    fn expect(&mut self, token: &str) -> Parse<()> {
        if self.eat(token) { Ok(()) } else { Err(format!("expected `{token}` before `{}`", self.rest)) }
    }
}

/// The index of an earlier equal step, whose newer copy goes away.
fn merged_step(exit: &mut Exit, step: u32) -> u32 {
    let new = &exit.recipe[step as usize];
    let earlier = exit.recipe[..step as usize]
        .iter()
        .position(|old| old.code == new.code && old.args == new.args && is_inline(old.code));
    match earlier {
        Some(at) => {
            exit.recipe.pop();
            at as u32
        }
        None => step,
    }
}

fn ty_of(name: &str) -> Parse<Ty> {
    match name.chars().next() {
        Some('i') => Ok(Ty::Int),
        Some('f') => Ok(Ty::Flt),
        Some('p') => Ok(Ty::Ref),
        Some('b') => Ok(Ty::Bool),
        _ => Err(format!("the name `{name}` does not begin with i, f, p or b")),
    }
}

fn interned(name: &str) -> &'static str {
    static NAMES: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    let mut names = NAMES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(known) = names.iter().find(|known| **known == name) {
        return known;
    }
    let leaked: &'static str = Box::leak(name.to_string().into_boxed_str());
    names.push(leaked);
    leaked
}

/// The number for the address that a log calls `&n`; nothing is known to lie there.
fn symbol(n: u32) -> u64 {
    (1 << 46) + 16 * u64::from(n)
}
