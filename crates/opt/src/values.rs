//! What the walk knows about each value.
//!
//! Values are numbered in the order in which the walk meets them, so a smaller id is an older value. A value may be
//! *forwarded* to another or to a constant that it is known to equal; [`Values::resolve`] follows.

use crate::bounds::Range;
use crate::facts::UNKNOWN_FACT;
use ir::{Arg, OpCode, Ty, ValueId, imm};

/// What is known of one value.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub ty: Ty,
    /// The operation that makes it, and its operands if it has at most two and is pure.
    pub code: OpCode,
    pub args: [Arg; 2],
    pub forward: Option<Arg>,
    /// Of an Int.
    pub range: Range,
    /// Of an Int: it was small when the trace was recorded.
    pub is_small: bool,
    /// Of an Int: what it is not above even with so much added, as it was learned last.
    pub below: Option<(Arg, i64)>,
    /// Of a Ref.
    pub kind: Kind,
    /// Of a Ref that is a box: what is in it.
    pub unboxed: Option<Arg>,
    /// Of a virtual object: its index. No operation has made it.
    pub object: Option<u32>,
    /// Of an object that this trace made: how many values there were when somebody else could first see it.
    pub escaped_at: Option<u32>,
    /// What was known of it when that was asked last.
    pub fact: LastFact,
}

/// The number of a fact ([`crate::facts`]).
#[derive(Clone, Copy, Debug)]
pub(crate) struct LastFact {
    pub number: u32,
    /// The number still holds if the shape below is the same: the value was not changed since, and nothing else matters.
    pub is_current: bool,
    /// What the heap's cache said of its shape.
    pub shape: Arg,
}

/// What kind of guest value a Ref is, as far as known: an answer to each question.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Kind {
    pub is_int: Option<bool>,
    pub is_flt: Option<bool>,
    pub is_null: Option<bool>,
}

impl Kind {
    pub const INT: Kind = Kind { is_int: Some(true), is_flt: Some(false), is_null: Some(false) };
    pub const FLT: Kind = Kind { is_int: Some(false), is_flt: Some(true), is_null: Some(false) };
    pub const NULL: Kind = Kind { is_int: Some(false), is_flt: Some(false), is_null: Some(true) };
    /// An object that is no float.
    pub const OBJECT: Kind = Kind { is_int: Some(false), is_flt: Some(false), is_null: Some(false) };

    /// What both say.
    pub fn implies(self, other: Kind) -> bool {
        let implied = |known: Option<bool>, wanted: Option<bool>| wanted.is_none() || known == wanted;
        implied(self.is_int, other.is_int) && implied(self.is_flt, other.is_flt) && implied(self.is_null, other.is_null)
    }
}

/// All values of a walk, by id.
#[derive(Default, Debug)]
pub(crate) struct Values {
    /// Whoever changes what is known of one goes through [`Values::at_mut`].
    pub all: Vec<Value>,
}

impl Values {
    /// A new value, about which nothing is known but what makes it.
    pub fn make(&mut self, code: OpCode, ty: Ty, args: [Arg; 2]) -> ValueId {
        let id = ValueId(self.all.len() as u32);
        self.all.push(Value {
            ty,
            code,
            args,
            forward: None,
            range: Range::FULL,
            is_small: false,
            below: None,
            kind: Kind::default(),
            unboxed: None,
            object: None,
            escaped_at: None,
            fact: LastFact { number: UNKNOWN_FACT, is_current: false, shape: Arg::NULL },
        });
        id
    }

    pub fn count(&self) -> u32 {
        self.all.len() as u32
    }

    pub fn at(&self, id: ValueId) -> &Value {
        &self.all[id.0 as usize]
    }

    pub fn at_mut(&mut self, id: ValueId) -> &mut Value {
        let value = &mut self.all[id.0 as usize];
        value.fact.is_current = false;
        value
    }

    /// The value or constant that stands for this operand.
    pub fn resolve(&self, mut arg: Arg) -> Arg {
        while let Arg::Value(id) = arg {
            match self.all[id.0 as usize].forward {
                Some(next) => arg = next,
                None => break,
            }
        }
        arg
    }

    pub fn ty(&self, arg: Arg) -> Ty {
        match arg {
            Arg::Value(id) => self.at(id).ty,
            Arg::Int(_) => Ty::Int,
            Arg::Flt(_) => Ty::Flt,
            Arg::Bool(_) => Ty::Bool,
            Arg::Imm(_) | Arg::Ref(_) => Ty::Ref,
        }
    }

    /// The range of an Int operand.
    pub fn range(&self, arg: Arg) -> Range {
        match arg {
            Arg::Value(id) => self.at(id).range,
            Arg::Int(x) => Range { lo: x, hi: x },
            _ => Range::FULL,
        }
    }

    /// What makes a resolved operand, with resolved operands of its own. `None` for constants.
    pub fn maker(&self, arg: Arg) -> Option<(OpCode, Arg, Arg)> {
        let value = self.at(arg.value()?);
        Some((value.code, self.resolve(value.args[0]), self.resolve(value.args[1])))
    }

    /// What is in a box, resolved.
    pub fn unboxed(&self, arg: Arg) -> Option<Arg> {
        match arg {
            Arg::Value(id) => self.at(id).unboxed.map(|inner| self.resolve(inner)),
            Arg::Imm(bits) => imm::to_int(bits).map(Arg::Int).or_else(|| imm::to_float(bits).map(Arg::Flt)),
            _ => None,
        }
    }

    /// What kind of guest value a resolved operand is.
    pub fn kind(&self, arg: Arg) -> Kind {
        match (arg, self.unboxed(arg).map(|inner| self.ty(inner))) {
            (_, Some(Ty::Int)) => Kind::INT,
            (_, Some(Ty::Flt)) => Kind::FLT,
            (_, Some(_)) => Kind::OBJECT,
            (Arg::Imm(0), _) => Kind::NULL,
            (Arg::Ref(_), _) => Kind { is_flt: None, ..Kind::OBJECT },
            (Arg::Value(id), _) => self.at(id).kind,
            _ => Kind::default(),
        }
    }

    /// The virtual object behind a resolved operand.
    pub fn object(&self, arg: Arg) -> Option<u32> {
        self.at(arg.value()?).object
    }

    /// Whether the operand is an object that this trace made and nobody else can have seen.
    pub fn is_private(&self, arg: Arg) -> bool {
        arg.value().is_some_and(|id| self.at(id).object.is_some() || self.at(id).escaped_at == Some(u32::MAX))
    }

    /// Whether two resolved operands can be the same object.
    pub fn may_alias(&self, a: Arg, b: Arg, distinct_refs: bool) -> bool {
        if a == b {
            return true;
        }
        match (a, b) {
            (Arg::Value(x), Arg::Value(y)) => self.may_be(x, y.0) && self.may_be(y, x.0) && !self.both_made_here(x, y),
            (Arg::Value(x), _) | (_, Arg::Value(x)) => self.may_be(x, 0),
            (Arg::Ref(_), Arg::Ref(_)) => !distinct_refs,
            _ => false,
        }
    }

    /// Whether the object can be the value of that id: not if the trace made it and the value is older than its escape.
    fn may_be(&self, object: ValueId, other: u32) -> bool {
        let value = self.at(object);
        value.object.is_none() && value.escaped_at.is_none_or(|escaped_at| escaped_at <= other)
    }

    fn both_made_here(&self, x: ValueId, y: ValueId) -> bool {
        self.at(x).escaped_at.is_some() && self.at(y).escaped_at.is_some()
    }

    /// Somebody else can see the object from here on.
    pub fn escape(&mut self, arg: Arg) {
        let count = self.count();
        if let Arg::Value(id) = arg
            && let Some(at) = &mut self.at_mut(id).escaped_at
        {
            *at = (*at).min(count);
        }
    }
}
