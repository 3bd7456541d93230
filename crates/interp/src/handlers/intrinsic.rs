//! Native functions that traces see through: the handler does what the function does for the common operands.

use crate::consuming;
use crate::generator::GeneratorObject;
use crate::handlers::attribute::{self, Loaded};
use crate::handlers::{construct, flow, structs, subscript};
use crate::machine::*;
use heap::Value;
use metatrace::{Lookup, Operand, Site};
use objects::args::{Consumer, Intrinsic};
use objects::array_layout::Array;
use objects::builtin_layouts::{AppendedStr, Bytes, Dict, List, Set, Str, Tuple};
use objects::bytearray::ByteArray;
use objects::callees::ABSENT;
use objects::code::Code;
use objects::shape::{Kind, exact_id};
use objects::ty::{TypeData, TypeObject};

/// What the call gives, or is instead, if the arguments are common ones; `None`: in the general way.
#[inline(always)]
pub fn call<M: PyMachine>(
    m: &mut M,
    site: &'static Site,
    intrinsic: Intrinsic,
    arguments: &[M::Ref],
) -> Result<Option<Loaded<M::Ref>>, M::Ref> {
    let value = match (intrinsic, arguments) {
        (Intrinsic::Len, &[object]) => len(m, object),
        (Intrinsic::Abs, &[x]) => abs(m, x),
        (Intrinsic::Sqrt, &[x]) => sqrt(m, x),
        (Intrinsic::Float(callee), &[x]) => float(m, callee, x),
        (Intrinsic::ListAppend, &[list, value]) => append(m, list, value),
        (Intrinsic::ListPop, &[list]) => pop(m, list),
        (Intrinsic::DictGet, &[dict, key]) => {
            let none = none(m);
            dict_get(m, dict, key, none)
        }
        (Intrinsic::DictGet, &[dict, key, default]) => dict_get(m, dict, key, default),
        (Intrinsic::Struct(intrinsic), arguments) => structs::call(m, intrinsic, arguments),
        (Intrinsic::GetAttr, &[object, name]) => return Ok(attribute::load_named(m, site, object, name)),
        (Intrinsic::GetAttr, &[object, name, _]) => match attribute::load_named(m, site, object, name) {
            Some(Loaded::Value(value)) => Some(value),
            // An AttributeError of a getter gives the default.
            _ => None,
        },
        (Intrinsic::Consumer(Consumer::Sum), &[values, start]) => {
            return Ok(consume(m, site, Consumer::Sum, values, Some(start)));
        }
        (Intrinsic::Consumer(Consumer::Join), &[separator, values]) => {
            return Ok(consume(m, site, Consumer::Join, values, Some(separator)));
        }
        (Intrinsic::Consumer(consumer), &[values]) => return Ok(consume(m, site, consumer, values, None)),
        (Intrinsic::Min, &[values]) => return Ok(consume(m, site, Consumer::Min, values, None)),
        (Intrinsic::Max, &[values]) => return Ok(consume(m, site, Consumer::Max, values, None)),
        (Intrinsic::Min, &[a, b]) => extreme(m, a, b, true),
        (Intrinsic::Max, &[a, b]) => extreme(m, a, b, false),
        (Intrinsic::Floor | Intrinsic::Ceil | Intrinsic::Trunc, &[x]) => rounded(m, intrinsic, x),
        (Intrinsic::Ord, &[text]) => ord(m, text),
        (Intrinsic::Reduce, &[function, values]) => return Ok(reduce(m, site, function, values, None)),
        (Intrinsic::Reduce, &[function, values, initial]) => {
            return Ok(reduce(m, site, function, values, Some(initial)));
        }
        (Intrinsic::IsInstance, &[object, class]) => {
            is_instance(m, site, object, class, MOST_CLASSES).map(|is| flow::bool_value(m, is))
        }
        _ => None,
    };
    Ok(value.map(Loaded::Value))
}

/// `min` or `max` of two ints or two floats: the first, unless the second is beyond it.
fn extreme<M: PyMachine>(m: &mut M, a: M::Ref, b: M::Ref, min: bool) -> Option<M::Ref> {
    let beyond = match (tag(m, a), tag(m, b)) {
        (Tag::Int, Tag::Int) => {
            let (x, y) = (m.int_unbox(a), m.int_unbox(b));
            if min { m.int_lt(y, x) } else { m.int_gt(y, x) }
        }
        (Tag::Float, Tag::Float) => {
            let (x, y) = (m.flt_unbox(a), m.flt_unbox(b));
            if min { m.flt_lt(y, x) } else { m.flt_gt(y, x) }
        }
        _ => return None,
    };
    Some(if m.decide(beyond) { b } else { a })
}

/// All values of a generator, by a Python function; see [`consuming`]. The plain interpreter does so once the generator's code has been
/// called often.
pub fn consume<M: PyMachine>(
    m: &mut M,
    site: &'static Site,
    consumer: Consumer,
    values: M::Ref,
    other: Option<M::Ref>,
) -> Option<Loaded<M::Ref>> {
    if m.observed() || object_kind(m, values)? != Kind::Generator {
        return None;
    }
    let token = m.get_int(values, GeneratorObject::CODE);
    let token = m.promote_int(token);
    let code = Code::from_token(token);
    if M::DIRECT && (!is_often_called(code) || consuming::is_deep(m.context())) {
        return None;
    }
    let other = match (other, consumer) {
        // That of text and bytes is an error, which the function raises.
        (Some(start), Consumer::Sum) if !matches!(tag(m, start), Tag::Int | Tag::Float) => return None,
        (Some(separator), Consumer::Join) if object_kind(m, separator) != Some(Kind::Str) => return None,
        (Some(other), _) => other,
        (None, Consumer::Sum) => m.constant(Value::from_int(0)),
        (None, _) => none(m),
    };
    // No other lookup of a call has a key with this bit alone beside those of an address and the highest.
    let key = token | 4 | (consumer as i64) << 56;
    let plan = m.lookup(site, key, |vm| {
        let plan = consuming::plan(vm, consumer, code);
        Lookup::lasting(vm.types.list.data().version, plan)
    });
    let consuming::Plan::Function(function) = *plan else { return None };
    let function = m.handle(function);
    let zero = m.flt(0.0);
    let zero = m.flt_box(zero);
    Some(Loaded::Call { function, arguments: [values, other, zero], count: 2 + (consumer == Consumer::Sum) as usize })
}

fn is_often_called(code: &Code) -> bool {
    let entry = &code.entry;
    entry.count.get() >= consuming::OFTEN || entry.aborts.get() > 0 || entry.entry.get() != 0 || entry.no_inline.get()
}

/// `math.floor`, `ceil`, `trunc`.
fn rounded<M: PyMachine>(m: &mut M, intrinsic: Intrinsic, x: M::Ref) -> Option<M::Ref> {
    match tag(m, x) {
        Tag::Int => Some(x),
        Tag::Float => {
            let x = m.flt_unbox(x);
            let whole = match intrinsic {
                Intrinsic::Floor => m.flt_floor(x),
                Intrinsic::Ceil => {
                    let negated = m.flt_neg(x);
                    let floor = m.flt_floor(negated);
                    m.flt_neg(floor)
                }
                _ => x,
            };
            construct::truncated(m, whole)
        }
        Tag::Object(_) => None,
    }
}

/// Of a list by a Python function: goes on in a frame that is not shown. Who watches calls is to see the native function's.
fn reduce<M: PyMachine>(
    m: &mut M,
    site: &'static Site,
    function: M::Ref,
    values: M::Ref,
    initial: Option<M::Ref>,
) -> Option<Loaded<M::Ref>> {
    if m.observed() || object_kind(m, function)? != Kind::Function || object_kind(m, values)? != Kind::List {
        return None;
    }
    if initial.is_none() {
        let len = m.get_int(values, List::LEN);
        let zero = m.int(0);
        let is_empty = m.int_eq(len, zero);
        if m.decide(is_empty) {
            return None;
        }
    }
    // No other lookup of a call has a key with this bit alone, but for the lowest.
    let key = 4 | i64::from(initial.is_some());
    let stands_for_it = m.lookup(site, key, |vm| {
        let functions = crate::state::state(vm).reducing.expect("made with the module");
        Lookup::lasting(vm.types.list.data().version, &functions[key as usize & 1])
    });
    let stands_for_it = m.handle(*stands_for_it);
    let initial = initial.unwrap_or_else(|| none(m));
    Some(Loaded::Call { function: stands_for_it, arguments: [function, values, initial], count: 3 })
}

/// Of one ASCII character.
fn ord<M: PyMachine>(m: &mut M, text: M::Ref) -> Option<M::Ref> {
    if object_kind(m, text)? != Kind::Str {
        return None;
    }
    let info = m.get_int(text, Str::INFO);
    let mask = m.int(objects::str::LENGTH_MASK | objects::str::ASCII);
    let info = m.int_and(info, mask);
    let one = m.int(1 | objects::str::ASCII);
    let is_one = m.int_eq(info, one);
    if !m.decide(is_one) {
        return None;
    }
    let first = m.int(0);
    let byte = m.item_int(text, first, objects::str::STR_BYTES);
    Some(m.int_box(byte))
}

fn float<M: PyMachine>(m: &mut M, callee: &'static metatrace::Callee, x: M::Ref) -> Option<M::Ref> {
    let x = float_operand(m, x)?;
    let r = m.call_flt(callee, &[Operand::Flt(x)]);
    // A result that is not finite is the native function's matter: it tells errors from infinities.
    let limit = m.flt(f64::MAX);
    let size = m.flt_abs(r);
    let finite = m.flt_le(size, limit);
    if m.decide(finite) { Some(m.flt_box(r)) } else { None }
}

/// Whether a class is among those an object belongs to.
enum Membership {
    Yes,
    No,
    /// The object's class has its own idea of `__class__`.
    Unknown,
}

/// Tuples of more classes are left to the function.
const MOST_CLASSES: usize = 4;

/// `isinstance` for classes whose metaclass is `type`, and tuples of such.
fn is_instance<M: PyMachine>(
    m: &mut M,
    site: &'static Site,
    object: M::Ref,
    class: M::Ref,
    most: usize,
) -> Option<bool> {
    let of_class = object_shape(m, class)?;
    if of_class.kind == Kind::Tuple {
        let count = m.get_int(class, Tuple::LEN);
        let count = m.promote_int(count) as usize;
        if count > most {
            return None;
        }
        for i in 0..count {
            let index = m.int(i as i64);
            let class = m.item_ref(class, index, objects::tuple::TUPLE_ITEMS);
            // No tuples in tuples.
            if is_instance(m, site, object, class, 0)? {
                return Some(true);
            }
        }
        return Some(false);
    }
    if of_class.kind != Kind::Type || of_class.ty != m.context().types.type_ {
        return None;
    }
    let data = m.get_int(class, TypeObject::DATA);
    let data = m.promote_int(data);
    let (ty, shape) = match tag(m, object) {
        Tag::Int => (m.context().types.int, exact_id(Kind::BigInt)),
        Tag::Float => (m.context().types.float, exact_id(Kind::Float)),
        Tag::Object(shape) => (shape.ty, shape.id),
    };
    // Addresses of the data are multiples of 8; no other lookup of a call has this bit alone.
    if data >= 1 << 48 || shape.0 >= 1 << 15 {
        return None;
    }
    let key = data | i64::from(shape.0) << 48 | 2;
    let membership = m.lookup(site, key, |vm| {
        // SAFETY: the field of a type object holds the address of its `TypeData`, which is `'static`.
        let class = unsafe { &*(data as usize as *const TypeData) }.class;
        let result = if ty.is_subtype(class) {
            &Membership::Yes
        } else if objects::object::has_plain_class(vm, ty) {
            &Membership::No
        } else {
            &Membership::Unknown
        };
        Lookup::lasting(ty.data().version, result)
    });
    match membership {
        Membership::Yes => Some(true),
        Membership::No => Some(false),
        Membership::Unknown => None,
    }
}

#[inline(always)]
fn len<M: PyMachine>(m: &mut M, object: M::Ref) -> Option<M::Ref> {
    let count = match object_kind(m, object)? {
        Kind::List => m.get_int(object, List::LEN),
        Kind::Tuple => m.get_int(object, Tuple::LEN),
        Kind::Dict => m.get_int(object, Dict::USED),
        Kind::Set | Kind::FrozenSet => m.get_int(object, Set::USED),
        Kind::Array => m.get_int(object, Array::LEN),
        Kind::Bytes => m.get_int(object, Bytes::LEN),
        Kind::ByteArray => m.get_int(object, ByteArray::LEN),
        kind @ (Kind::Str | Kind::AppendedStr) => {
            let info = m.get_int(object, if kind == Kind::Str { Str::INFO } else { AppendedStr::INFO });
            let mask = m.int(objects::str::LENGTH_MASK);
            m.int_and(info, mask)
        }
        _ => return None,
    };
    Some(m.int_box(count))
}

#[inline(always)]
fn abs<M: PyMachine>(m: &mut M, x: M::Ref) -> Option<M::Ref> {
    match tag(m, x) {
        Tag::Int => {
            let i = m.int_unbox(x);
            let zero = m.int(0);
            let is_negative = m.int_lt(i, zero);
            if !m.decide(is_negative) {
                return Some(x);
            }
            let r = m.int_neg(i);
            let fits = m.int_fits(r);
            if m.decide(fits) { Some(m.int_box(r)) } else { None }
        }
        Tag::Float => {
            let x = m.flt_unbox(x);
            let r = m.flt_abs(x);
            Some(m.flt_box(r))
        }
        Tag::Object(_) => None,
    }
}

#[inline(always)]
fn sqrt<M: PyMachine>(m: &mut M, x: M::Ref) -> Option<M::Ref> {
    let x = float_operand(m, x)?;
    let zero = m.flt(0.0);
    let in_domain = m.flt_ge(x, zero);
    if !m.decide(in_domain) {
        return None;
    }
    let r = m.flt_sqrt(x);
    Some(m.flt_box(r))
}

/// A float, or an int converted.
#[inline(always)]
fn float_operand<M: PyMachine>(m: &mut M, x: M::Ref) -> Option<M::Flt> {
    match tag(m, x) {
        Tag::Float => Some(m.flt_unbox(x)),
        Tag::Int => {
            let x = m.int_unbox(x);
            Some(m.int_to_flt(x))
        }
        Tag::Object(_) => None,
    }
}

/// `list.pop` of the last item. The storage stays.
fn pop<M: PyMachine>(m: &mut M, list: M::Ref) -> Option<M::Ref> {
    if object_kind(m, list)? != Kind::List {
        return None;
    }
    let (len, zero) = (m.get_int(list, List::LEN), m.int(0));
    let is_empty = m.int_eq(len, zero);
    if m.decide(is_empty) {
        return None;
    }
    let one = m.int(1);
    let last = m.int_sub(len, one);
    let items = m.get_ref(list, List::ITEMS);
    let value = m.item_ref(items, last, objects::list::ARRAY_ITEMS);
    let null = null(m);
    m.set_item_ref(items, last, objects::list::ARRAY_ITEMS, null);
    m.set_int(list, List::LEN, last);
    Some(value)
}

/// `dict.get` where no Python code needs to compare keys.
fn dict_get<M: PyMachine>(m: &mut M, dict: M::Ref, key: M::Ref, default: M::Ref) -> Option<M::Ref> {
    if object_kind(m, dict)? != Kind::Dict {
        return None;
    }
    let entry = subscript::find_entry(m, dict, key);
    let absent = m.int(ABSENT);
    let is_absent = m.int_eq(entry, absent);
    if m.decide(is_absent) {
        return Some(default);
    }
    let zero = m.int(0);
    let is_there = m.int_le(zero, entry);
    if m.decide(is_there) { Some(subscript::value_at(m, dict, entry)) } else { None }
}

/// `list.append` while the storage has room.
#[inline(always)]
pub fn append<M: PyMachine>(m: &mut M, list: M::Ref, value: M::Ref) -> Option<M::Ref> {
    if object_kind(m, list)? != Kind::List {
        return None;
    }
    let items = m.get_ref(list, List::ITEMS);
    let empty = m.is_null(items);
    if m.decide(empty) {
        return None;
    }
    let len = m.get_int(list, List::LEN);
    let capacity = m.get_int(items, objects::builtin_layouts::ItemArray::CAPACITY);
    let has_room = m.int_lt(len, capacity);
    if !m.decide(has_room) {
        return None;
    }
    m.set_item_ref(items, len, objects::list::ARRAY_ITEMS, value);
    let one = m.int(1);
    let grown = m.int_add(len, one);
    m.set_int(list, List::LEN, grown);
    Some(none(m))
}
