//! Watched dictionaries: the globals of modules.
//!
//! Looking a global up by name gives a [`GlobalPlan`] that holds until its assumption falls. Each name that anybody looked
//! up has an assumption of its own, so that adding a global while a module is imported, or counting in one, disturbs nobody:
//!
//! - A function, class, module or builtin is expected to stay ([`GlobalPlan::Constant`]): the assumption falls when it is
//!   replaced. A name whose value was replaced [`MAX_FALLS`] times is no longer believed.
//! - Any other value is read from its entry ([`GlobalPlan::Entry`]): the assumption falls when the entry moves or goes.
//! - A name that the globals lack is looked up in `builtins`: the assumption falls when the globals get the name, or when
//!   what the builtins know of it falls.
//!
//! Invariant: the str keys of a watched dictionary are interned, so that the maps here are keyed by identity.

#[cfg(test)]
mod tests;

use crate::attribute::AttributePlan;
use crate::builtin_layouts::Dict;
use crate::dict::{self, table};
use crate::error::PyResult;
use crate::layout::cast;
use crate::shape::Kind;
use crate::value_map::WordMap;
use crate::vm::Vm;
use heap::Value;
use metatrace::{Assumption, Handle, Lookup};

/// How LOAD_GLOBAL gets a value.
#[derive(Clone, Copy, Debug)]
pub enum GlobalPlan {
    /// This value.
    Constant(Handle),
    /// The value of that entry of the globals.
    Entry(u32),
    /// The value of that entry of the builtins' dictionary.
    BuiltinEntry { builtins: Handle, entry: u32 },
    /// The general way: the name is nowhere, or the module has builtins of its own.
    Slow,
}

/// The names of one watched dictionary that somebody looked up.
struct Namespace {
    dict: Handle,
    watches: WordMap<Value, Watch>,
}

struct Watch {
    assumption: Assumption,
    /// What relies on the assumption; `None` when nothing does.
    plan: Option<&'static GlobalPlan>,
    falls: u32,
    /// The same for an attribute of the module, which has no builtins.
    attribute: Option<&'static AttributePlan>,
    /// Namespaces that found the name here, as builtins.
    followers: Vec<usize>,
}

/// All watched dictionaries, by number from 1.
#[derive(Default)]
pub struct Namespaces {
    list: Vec<Namespace>,
}

/// A name whose value was replaced this often is read from its entry.
const MAX_FALLS: u32 = 3;

/// Watches a dictionary, and gives it its number.
pub fn watch(vm: &mut Vm, dict: Value) -> i64 {
    let object = cast::<Dict>(dict);
    if object.namespace.get() != 0 {
        return object.namespace.get();
    }
    for entry in 0..object.fill.get() as usize {
        let key = table::key_at(object, entry);
        if !key.is_null() {
            let interned = interned_key(vm, key);
            crate::value_vec::array_set(vm, object.entries.get(), entry * 3, interned);
        }
    }
    let handle = vm.keep(dict);
    let namespaces = &mut vm.namespaces.list;
    namespaces.push(Namespace { dict: handle, watches: WordMap::default() });
    object.namespace.set(namespaces.len() as i64);
    object.namespace.get()
}

/// How to look `name`, an interned str, up in the globals with that number (`Dict.namespace`, not 0).
pub fn global_plan(vm: &mut Vm, namespace: i64, name: Value) -> Lookup<GlobalPlan> {
    let number = namespace as usize;
    let globals = vm.handle(vm.namespaces.list[number - 1].dict);
    if let Some(Watch { assumption, plan: Some(plan), .. }) = vm.namespaces.list[number - 1].watches.get(&name) {
        return Lookup::lasting(*assumption, plan);
    }
    let mut plan = own_plan(vm, globals, number, name);
    if matches!(plan, GlobalPlan::Slow) && has_usual_builtins(vm, globals) {
        plan = builtin_plan(vm, number, name);
    }
    let plan: &'static GlobalPlan = Box::leak(Box::new(plan));
    let assumption = watch_of(vm, number, name).assumption;
    watch_of(vm, number, name).plan = Some(plan);
    Lookup::lasting(assumption, plan)
}

/// How to load `name`, an interned str, of a module whose dictionary has that number.
pub fn module_attribute_plan(vm: &mut Vm, namespace: i64, name: Value) -> Lookup<AttributePlan> {
    let number = namespace as usize;
    let global = global_plan(vm, namespace, name);
    let assumption = global.assumption;
    if let Some(result) = watch_of(vm, number, name).attribute {
        return Lookup::lasting(assumption, result);
    }
    let dict = vm.handle(vm.namespaces.list[number - 1].dict);
    let module = vm.types.module;
    let is_own = vm.dict_get_name(dict, name).is_some() && !vm.resolve(module, name).kind.is_data();
    let plan = match global.result {
        GlobalPlan::Constant(value) if is_own => AttributePlan::Constant(*value),
        GlobalPlan::Entry(entry) if is_own => AttributePlan::Entry(*entry),
        _ => AttributePlan::Generic,
    };
    let result: &'static AttributePlan = Box::leak(Box::new(plan));
    watch_of(vm, number, name).attribute = Some(result);
    Lookup::lasting(assumption, result)
}

/// What the dictionary itself has for the name; [`GlobalPlan::Slow`] if nothing.
fn own_plan(vm: &mut Vm, dict: Value, number: usize, name: Value) -> GlobalPlan {
    let object = cast::<Dict>(dict);
    let Some(hash) = dict::cached_hash(name).or_else(|| vm.hash(name).ok()) else { return GlobalPlan::Slow };
    let table::Found::At(entry) = table::find_leaf(object, name, hash) else { return GlobalPlan::Slow };
    let value = dict::value_at(object, entry);
    if is_stable(vm, value) && watch_of(vm, number, name).falls < MAX_FALLS {
        GlobalPlan::Constant(vm.thread.new_handle(value))
    } else {
        GlobalPlan::Entry(entry as u32)
    }
}

/// What the builtins have for the name, for the namespace `number`, which follows it.
fn builtin_plan(vm: &mut Vm, number: usize, name: Value) -> GlobalPlan {
    let builtins = vm.builtins;
    let dict = vm.handle(builtins);
    let builtins_number = watch(vm, dict) as usize;
    if builtins_number == number {
        return GlobalPlan::Slow;
    }
    let theirs = own_plan(vm, dict, builtins_number, name);
    let watch = watch_of(vm, builtins_number, name);
    if !watch.followers.contains(&number) {
        watch.followers.push(number);
    }
    // The builtins' own plan is not stored for their own lookups, but their changes of the name are to be told.
    if watch.plan.is_none() {
        watch.plan = Some(Box::leak(Box::new(theirs)));
    }
    match theirs {
        GlobalPlan::Entry(entry) => GlobalPlan::BuiltinEntry { builtins, entry },
        plan => plan,
    }
}

fn watch_of(vm: &mut Vm, number: usize, name: Value) -> &mut Watch {
    let Vm { namespaces, thread, .. } = vm;
    namespaces.list[number - 1].watches.entry(name).or_insert_with(|| Watch {
        assumption: thread.jit.new_assumption(),
        plan: None,
        falls: 0,
        attribute: None,
        followers: Vec::new(),
    })
}

/// Whether the dictionary's `__builtins__` is module `builtins` or its dictionary, or absent.
fn has_usual_builtins(vm: &mut Vm, globals: Value) -> bool {
    let name = vm.names.__builtins__;
    let Some(builtins) = vm.dict_get_name(globals, name) else { return true };
    let usual = vm.handle(vm.builtins);
    builtins == usual
        || vm.kind(builtins) == Kind::Module && cast::<crate::builtin_layouts::Module>(builtins).dict.get() == usual
}

/// Whether a global with this value is expected to keep it.
fn is_stable(vm: &Vm, value: Value) -> bool {
    value.is_object()
        && matches!(vm.kind(value), Kind::Function | Kind::Builtin | Kind::Type | Kind::Module)
        // Classes whose metaclass is written in Python.
        || value.is_object() && vm.type_of(value).has(crate::ty::flags::TYPE)
}

/// The key as a watched dictionary keeps it.
pub(crate) fn interned_key(vm: &mut Vm, key: Value) -> Value {
    if !table::is_exact_str(key) {
        return key;
    }
    match vm.str(key) {
        Ok(text) => vm.intern(text),
        // Lone surrogates: no name that code looks up.
        Err(_) => key,
    }
}

/// A key was added; `moved` says whether other entries changed their numbers.
#[cold]
pub(crate) fn added(vm: &mut Vm, dict: &'static Dict, key: Value, moved: bool) {
    let number = dict.namespace.get() as usize;
    if moved {
        entries_moved(vm, number);
    }
    fall(vm, number, key);
}

/// The value of an entry is about to be replaced.
#[inline]
pub(crate) fn replaced(vm: &mut Vm, dict: &'static Dict, entry: usize, new: Value) {
    let old = dict::value_at(dict, entry);
    if old == new || !is_stable(vm, old) {
        return;
    }
    let number = dict.namespace.get() as usize;
    let key = table::key_at(dict, entry);
    if let Some(Watch { plan: Some(GlobalPlan::Constant(_)), .. }) = vm.namespaces.list[number - 1].watches.get(&key) {
        watch_of(vm, number, key).falls += 1;
        fall(vm, number, key);
    }
}

#[cold]
pub(crate) fn deleted(vm: &mut Vm, dict: &'static Dict, key: Value) {
    fall(vm, dict.namespace.get() as usize, key);
}

/// All keys are gone.
#[cold]
pub(crate) fn cleared(vm: &mut Vm, dict: &'static Dict) {
    let number = dict.namespace.get() as usize;
    for name in names(vm, number, |_| true) {
        fall(vm, number, name);
    }
}

fn entries_moved(vm: &mut Vm, number: usize) {
    for name in names(vm, number, |plan| matches!(plan, GlobalPlan::Entry(_))) {
        fall(vm, number, name);
    }
}

/// The watched names with a plan of that kind. Interned strs: immortal.
fn names(vm: &Vm, number: usize, wanted: impl Fn(&GlobalPlan) -> bool) -> Vec<Value> {
    let watches = vm.namespaces.list[number - 1].watches.iter();
    watches.filter(|(_, watch)| watch.plan.is_some_and(&wanted)).map(|(&name, _)| name).collect()
}

/// The plan for a name no longer holds.
fn fall(vm: &mut Vm, number: usize, name: Value) {
    let Some(watch) = vm.namespaces.list[number - 1].watches.get_mut(&name) else { return };
    watch.attribute = None;
    let Some(plan) = watch.plan.take() else { return };
    if let GlobalPlan::Constant(value) = plan {
        // Nobody asks for it any more, and it may be garbage.
        vm.thread.set_handle(*value, Value::NULL);
    }
    let assumption = watch.assumption;
    let followers = std::mem::take(&mut watch.followers);
    vm.thread.jit.invalidate(assumption);
    for follower in followers {
        fall(vm, follower, name);
    }
}

impl Vm {
    /// A name in a mapping that code runs in: globals, builtins, a class body's locals. `None` if the mapping lacks it.
    pub fn namespace_get(&mut self, mapping: Value, name: Value) -> PyResult<Option<Value>> {
        if dict::is_exact(mapping) {
            return self.dict_get(mapping, name);
        }
        match self.getitem(mapping, name) {
            Ok(value) => Ok(Some(value)),
            Err(raised) if self.exception_matches(raised.0, self.exc.key_error) => Ok(None),
            Err(raised) => Err(raised),
        }
    }

    /// A new watched dict.
    pub fn new_namespace(&mut self) -> Value {
        let dict = self.new_dict();
        watch(self, dict);
        dict
    }
}
