//! The special methods: one row for each slot, its names, how Rust's function is called through them, and the function that
//! calls Python's.

use crate::args::CallArgs;
use crate::error::PyResult;
use crate::slots::{CompareOp, Slots};
use crate::ty::TypeRef;
use crate::type_::guest_slots as guest;
use crate::vm::Vm;
use heap::Value;

/// One special method.
pub struct SlotDef {
    pub name: &'static str,
    /// The row it belongs to, as an index into [`GROUPS`].
    pub group: SlotId,
    /// Values beside the receiver: at least, at most.
    pub min: u32,
    pub max: u32,
    pub doc: &'static str,
    /// Calls the slot of `owner` for the receiver.
    pub call: fn(&mut Vm, TypeRef, Value, &CallArgs) -> PyResult,
}

impl SlotDef {
    /// Whether only classes written in Python have this special method: the slot of a built-in type does not stand for it.
    pub fn is_of_guests_alone(&self) -> bool {
        self.name == "__getattr__"
    }
}

/// One slot and its special methods.
pub struct SlotGroup {
    pub id: SlotId,
    pub defs: &'static [SlotDef],
    pub present: fn(&Slots) -> bool,
    /// Copies the slot from the second to the first.
    pub copy: fn(&mut Slots, &Slots),
    pub clear: fn(&mut Slots),
    pub same: fn(&Slots, &Slots) -> bool,
    /// Sets the function that calls the special method along the MRO; `None`: only Rust fills this slot.
    pub guest: Option<fn(&mut Slots)>,
}

macro_rules! slot_table {
    ($($slot:ident $guest:tt { $($name:ident $wrap:ident $(($($extra:tt)*))? $min:literal $max:literal $doc:literal;)* })*) => {
        /// Names the slots.
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum SlotId { $($slot,)* }

        /// See the module.
        pub static GROUPS: &[SlotGroup] = &[
            $(SlotGroup {
                id: SlotId::$slot,
                defs: &[$(SlotDef {
                    name: stringify!($name),
                    group: SlotId::$slot,
                    min: $min,
                    max: $max,
                    doc: $doc,
                    call: |vm, owner, receiver, args| {
                        let function = owner.slots().$slot.expect("the wrapper's owner has the slot");
                        wrap::$wrap(vm, function, receiver, args $(, $($extra)*)?)
                    },
                }),*],
                present: |slots| slots.$slot.is_some(),
                copy: |to, from| to.$slot = from.$slot,
                clear: |slots| slots.$slot = None,
                same: |a, b| a.$slot.map(|f| f as usize) == b.$slot.map(|f| f as usize),
                guest: slot_table!(@guest $slot $guest),
            },)*
        ];
    };
    (@guest $slot:ident (none)) => { None };
    (@guest $slot:ident (some)) => { Some(|slots| slots.$slot = Some(guest::$slot)) };
}

slot_table! {
    repr (some) { __repr__ unary 0 0 "Return repr(self)."; }
    str (some) { __str__ unary 0 0 "Return str(self)."; }
    hash (some) { __hash__ number 0 0 "Return hash(self)."; }
    call (some) { __call__ call 0 4294967295 "Call self as a function."; }
    init (some) { __init__ init 0 4294967295 "Initialize self.  See help(type(self)) for accurate signature."; }
    finalize (some) { __del__ finalize 0 0 "Called when the instance is about to be destroyed."; }
    getattr (some) {
        __getattribute__ getattr 1 1 "Return getattr(self, name).";
        // No built-in type has it: see `SlotDef::is_of_guests_alone`.
        __getattr__ getattr 1 1 "";
    }
    setattr (some) {
        __setattr__ setattr 2 2 "Implement setattr(self, name, value).";
        __delattr__ delattr 1 1 "Implement delattr(self, name).";
    }
    descr_get (some) { __get__ descr_get 1 2 "Return an attribute of instance, which is of type owner."; }
    descr_set (some) {
        __set__ descr_set 2 2 "Set an attribute of instance to value.";
        __delete__ descr_delete 1 1 "Delete an attribute of instance.";
    }
    compare (some) {
        __lt__ compare(CompareOp::Lt) 1 1 "Return self<value.";
        __le__ compare(CompareOp::Le) 1 1 "Return self<=value.";
        __eq__ compare(CompareOp::Eq) 1 1 "Return self==value.";
        __ne__ compare(CompareOp::Ne) 1 1 "Return self!=value.";
        __gt__ compare(CompareOp::Gt) 1 1 "Return self>value.";
        __ge__ compare(CompareOp::Ge) 1 1 "Return self>=value.";
    }
    iter (some) { __iter__ unary 0 0 "Implement iter(self)."; }
    next (some) { __next__ next 0 0 "Implement next(self)."; }
    len (some) { __len__ number 0 0 "Return len(self)."; }
    getitem (some) { __getitem__ binary 1 1 "Return self[key]."; }
    setitem (some) {
        __setitem__ setitem 2 2 "Set self[key] to value.";
        __delitem__ delitem 1 1 "Delete self[key].";
    }
    contains (some) { __contains__ contains 1 1 "Return bool(key in self)."; }
    concat (none) { __add__ binary 1 1 "Return self+value."; }
    repeat (none) {
        __mul__ binary 1 1 "Return self*value.";
        __rmul__ binary 1 1 "Return value*self.";
    }
    inplace_concat (none) { __iadd__ binary 1 1 "Implement self+=value."; }
    inplace_repeat (none) { __imul__ binary 1 1 "Implement self*=value."; }
    bool (some) { __bool__ truth 0 0 "True if self else False"; }
    int (some) { __int__ unary 0 0 "int(self)"; }
    float (some) { __float__ unary 0 0 "float(self)"; }
    index (some) { __index__ unary 0 0 "Return self converted to an integer, if self is suitable for use as an index into a list."; }
    neg (some) { __neg__ unary 0 0 "-self"; }
    pos (some) { __pos__ unary 0 0 "+self"; }
    abs (some) { __abs__ unary 0 0 "abs(self)"; }
    invert (some) { __invert__ unary 0 0 "~self"; }
    add (some) { __add__ binary 1 1 "Return self+value."; __radd__ reflected 1 1 "Return value+self."; }
    sub (some) { __sub__ binary 1 1 "Return self-value."; __rsub__ reflected 1 1 "Return value-self."; }
    mul (some) { __mul__ binary 1 1 "Return self*value."; __rmul__ reflected 1 1 "Return value*self."; }
    matmul (some) { __matmul__ binary 1 1 "Return self@value."; __rmatmul__ reflected 1 1 "Return value@self."; }
    truediv (some) { __truediv__ binary 1 1 "Return self/value."; __rtruediv__ reflected 1 1 "Return value/self."; }
    floordiv (some) { __floordiv__ binary 1 1 "Return self//value."; __rfloordiv__ reflected 1 1 "Return value//self."; }
    modulo (some) { __mod__ binary 1 1 "Return self%value."; __rmod__ reflected 1 1 "Return value%self."; }
    divmod (some) { __divmod__ binary 1 1 "Return divmod(self, value)."; __rdivmod__ reflected 1 1 "Return divmod(value, self)."; }
    pow (some) {
        __pow__ ternary 1 2 "Return pow(self, value, mod).";
        __rpow__ ternary_reflected 1 2 "Return pow(value, self, mod).";
    }
    lshift (some) { __lshift__ binary 1 1 "Return self<<value."; __rlshift__ reflected 1 1 "Return value<<self."; }
    rshift (some) { __rshift__ binary 1 1 "Return self>>value."; __rrshift__ reflected 1 1 "Return value>>self."; }
    and (some) { __and__ binary 1 1 "Return self&value."; __rand__ reflected 1 1 "Return value&self."; }
    xor (some) { __xor__ binary 1 1 "Return self^value."; __rxor__ reflected 1 1 "Return value^self."; }
    or (some) { __or__ binary 1 1 "Return self|value."; __ror__ reflected 1 1 "Return value|self."; }
    inplace_add (some) { __iadd__ binary 1 1 "Return self+=value."; }
    inplace_sub (some) { __isub__ binary 1 1 "Return self-=value."; }
    inplace_mul (some) { __imul__ binary 1 1 "Return self*=value."; }
    inplace_matmul (some) { __imatmul__ binary 1 1 "Return self@=value."; }
    inplace_truediv (some) { __itruediv__ binary 1 1 "Return self/=value."; }
    inplace_floordiv (some) { __ifloordiv__ binary 1 1 "Return self//=value."; }
    inplace_modulo (some) { __imod__ binary 1 1 "Return self%=value."; }
    inplace_pow (some) { __ipow__ binary 1 1 "Return self**=value."; }
    inplace_lshift (some) { __ilshift__ binary 1 1 "Return self<<=value."; }
    inplace_rshift (some) { __irshift__ binary 1 1 "Return self>>=value."; }
    inplace_and (some) { __iand__ binary 1 1 "Return self&=value."; }
    inplace_xor (some) { __ixor__ binary 1 1 "Return self^=value."; }
    inplace_or (some) { __ior__ binary 1 1 "Return self|=value."; }
    await_ (some) { __await__ unary 0 0 "Return an iterator to be used in await expression."; }
    aiter (some) { __aiter__ unary 0 0 "Return an awaitable, that resolves in asynchronous iterator."; }
    anext (some) { __anext__ unary 0 0 "Return a value or raise StopAsyncIteration."; }
    buffer (some) { __buffer__ buffer 1 1 "Return a buffer object that exposes the underlying memory of the object."; }
}

/// The row of a slot.
pub fn group(id: SlotId) -> &'static SlotGroup {
    &GROUPS[id as usize]
}

/// How Python arguments reach a slot's function. The argument count was checked.
mod wrap {
    use super::*;
    use crate::slots::{Binary, BufferView, GetattrFn, HashFn, InitFn, SetattrFn, Ternary, Unary};

    pub fn unary(vm: &mut Vm, f: Unary, receiver: Value, _: &CallArgs) -> PyResult {
        f(vm, receiver)
    }

    pub fn binary(vm: &mut Vm, f: Binary, receiver: Value, args: &CallArgs) -> PyResult {
        f(vm, receiver, args.values[0])
    }

    pub fn reflected(vm: &mut Vm, f: Binary, receiver: Value, args: &CallArgs) -> PyResult {
        f(vm, args.values[0], receiver)
    }

    pub fn ternary(vm: &mut Vm, f: Ternary, receiver: Value, args: &CallArgs) -> PyResult {
        let third = args.get(1).unwrap_or(vm.none);
        f(vm, receiver, args.values[0], third)
    }

    pub fn ternary_reflected(vm: &mut Vm, f: Ternary, receiver: Value, args: &CallArgs) -> PyResult {
        let third = args.get(1).unwrap_or(vm.none);
        f(vm, args.values[0], receiver, third)
    }

    pub fn number(vm: &mut Vm, f: HashFn, receiver: Value, _: &CallArgs) -> PyResult {
        let number = f(vm, receiver)?;
        Ok(vm.int(number))
    }

    pub fn truth(vm: &mut Vm, f: fn(&mut Vm, Value) -> PyResult<bool>, receiver: Value, _: &CallArgs) -> PyResult {
        let truth = f(vm, receiver)?;
        Ok(vm.bool(truth))
    }

    pub fn call(
        vm: &mut Vm,
        f: fn(&mut Vm, Value, &CallArgs) -> PyResult,
        receiver: Value,
        args: &CallArgs,
    ) -> PyResult {
        f(vm, receiver, args)
    }

    pub fn init(vm: &mut Vm, f: InitFn, receiver: Value, args: &CallArgs) -> PyResult {
        f(vm, receiver, args)?;
        Ok(vm.none)
    }

    pub fn finalize(vm: &mut Vm, f: fn(&mut Vm, Value) -> PyResult<()>, receiver: Value, _: &CallArgs) -> PyResult {
        f(vm, receiver)?;
        Ok(vm.none)
    }

    pub fn getattr(vm: &mut Vm, f: GetattrFn, receiver: Value, args: &CallArgs) -> PyResult {
        let name = vm.attribute_name(args.values[0])?;
        f(vm, receiver, name)
    }

    pub fn setattr(vm: &mut Vm, f: SetattrFn, receiver: Value, args: &CallArgs) -> PyResult {
        let name = vm.attribute_name(args.values[0])?;
        super::super::attributes::check_setattr_allowed(vm, f, receiver, "__setattr__")?;
        f(vm, receiver, name, args.values[1])?;
        Ok(vm.none)
    }

    pub fn delattr(vm: &mut Vm, f: SetattrFn, receiver: Value, args: &CallArgs) -> PyResult {
        let name = vm.attribute_name(args.values[0])?;
        super::super::attributes::check_setattr_allowed(vm, f, receiver, "__delattr__")?;
        f(vm, receiver, name, Value::NULL)?;
        Ok(vm.none)
    }

    pub fn descr_get(vm: &mut Vm, f: Ternary, receiver: Value, args: &CallArgs) -> PyResult {
        let null_for_none = |vm: &Vm, value: Value| if value == vm.none { Value::NULL } else { value };
        let instance = null_for_none(vm, args.values[0]);
        let owner = args.get(1).map_or(Value::NULL, |owner| null_for_none(vm, owner));
        if instance.is_null() && owner.is_null() {
            return Err(vm.type_error("__get__(None, None) is invalid"));
        }
        f(vm, receiver, instance, owner)
    }

    pub fn descr_set(vm: &mut Vm, f: SetattrFn, receiver: Value, args: &CallArgs) -> PyResult {
        f(vm, receiver, args.values[0], args.values[1])?;
        Ok(vm.none)
    }

    pub fn descr_delete(vm: &mut Vm, f: SetattrFn, receiver: Value, args: &CallArgs) -> PyResult {
        f(vm, receiver, args.values[0], Value::NULL)?;
        Ok(vm.none)
    }

    pub fn compare(
        vm: &mut Vm,
        f: fn(&mut Vm, Value, Value, CompareOp) -> PyResult,
        receiver: Value,
        args: &CallArgs,
        op: CompareOp,
    ) -> PyResult {
        f(vm, receiver, args.values[0], op)
    }

    pub fn next(
        vm: &mut Vm,
        f: fn(&mut Vm, Value) -> PyResult<Option<Value>>,
        receiver: Value,
        _: &CallArgs,
    ) -> PyResult {
        match f(vm, receiver)? {
            Some(value) => Ok(value),
            None => Err(vm.stop_iteration(Value::NULL)),
        }
    }

    pub fn setitem(vm: &mut Vm, f: SetattrFn, receiver: Value, args: &CallArgs) -> PyResult {
        f(vm, receiver, args.values[0], args.values[1])?;
        Ok(vm.none)
    }

    pub fn delitem(vm: &mut Vm, f: SetattrFn, receiver: Value, args: &CallArgs) -> PyResult {
        f(vm, receiver, args.values[0], Value::NULL)?;
        Ok(vm.none)
    }

    pub fn contains(
        vm: &mut Vm,
        f: fn(&mut Vm, Value, Value) -> PyResult<bool>,
        receiver: Value,
        args: &CallArgs,
    ) -> PyResult {
        let found = f(vm, receiver, args.values[0])?;
        Ok(vm.bool(found))
    }

    pub fn buffer(
        vm: &mut Vm,
        _: fn(&mut Vm, Value) -> PyResult<BufferView>,
        receiver: Value,
        _: &CallArgs,
    ) -> PyResult {
        let memoryview = vm.types.memoryview.value();
        vm.call(memoryview, &[receiver])
    }
}
