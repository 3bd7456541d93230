//! `_lru_cache_wrapper`.
//!
//! The cache is a dict from keys to links; the links of a bounded cache are a doubly linked ring around `root`, the most
//! recently used one before it. Of an unbounded cache, the dict holds the results themselves.

use crate::support::signature;
use heap::{Layout, RefMask, Value};
use objects::args::{CallArgs, MethodDef};
use objects::error::PyResult;
use objects::instance;
use objects::layout;
use objects::layout::{Object, cast};
use objects::shape::{Kind, Shape};
use objects::slots::Slots;
use objects::ty::{TypeRef, TypeSpec, flags};
use objects::value_vec::ValueVec;
use objects::vm::Vm;

layout! {
    Cached {
        overflow OVERFLOW: Value;
        function FUNCTION: Value;
        /// A dict.
        cache CACHE: Value;
        /// The ring's link of no result.
        root ROOT: Value;
        /// What `cache_info` returns an instance of.
        info INFO: Value;
        /// Negative: none.
        limit LIMIT: i64;
        typed TYPED: i64;
        hits HITS: i64;
        misses MISSES: i64;
    }

    Link {
        previous PREVIOUS: Value;
        next NEXT: Value;
        key KEY: Value;
        result RESULT: Value;
    }
}

#[derive(Default)]
struct State {
    link: Option<&'static Shape>,
    /// Separates positional from keyword arguments in keys.
    mark: Option<metatrace::Handle>,
}

pub(super) fn add_type(vm: &mut Vm, module: Value) {
    crate::support::add_type(
        vm,
        module,
        TypeSpec {
            module: "functools",
            flags: flags::BASETYPE | flags::HAS_WEAKREF | flags::METHOD_DESCRIPTOR,
            overflow_word: (Cached::OVERFLOW.offset / 8) as u16,
            slots: Slots {
                new: Some(new),
                call: Some(call),
                descr_get: Some(|vm, function, instance, _| {
                    if instance.is_null() || instance == vm.none {
                        Ok(function)
                    } else {
                        Ok(vm.new_method(function, instance))
                    }
                }),
                ..Slots::default()
            },
            methods: METHODS,
            getset: std::slice::from_ref(&instance::DICT_GETSET),
            doc: "Create a cached callable that wraps another function.\n\nuser_function:      the function being cached\n\nmaxsize:  0         for no caching\n          None      for unlimited cache size\n          n         for a bounded cache\n\ntyped:    False     cache f(3) and f(3.0) as identical calls\n          True      cache f(3) and f(3.0) as distinct calls\n\ncache_info_type:    namedtuple class with the fields:\n                        hits misses currsize maxsize",
            ..TypeSpec::of::<Cached>("_lru_cache_wrapper", Kind::Other)
        },
    );
    let object = vm.types.object;
    let link = vm.new_shape(Layout::new(Link::WORDS, RefMask::Bits(Link::REFS)), Kind::Storage, object);
    let mark = vm.new_instance(object);
    let mark = vm.keep(mark);
    *vm.extension::<State>() = State { link: Some(link), mark: Some(mark) };
}

static METHODS: &[MethodDef] = &[
    MethodDef::method("cache_info", 1, 1, cache_info).with_doc("cache_info($self, /)\n--\n\nReport cache statistics"),
    MethodDef::method("cache_clear", 1, 1, |vm, args| {
        let object = cast::<Cached>(args.values[0]);
        object.hits.set(0);
        object.misses.set(0);
        empty(vm, args.values[0]);
        Ok(vm.none)
    })
    .with_doc("cache_clear($self, /)\n--\n\nClear the cache and cache statistics"),
    MethodDef::method("__reduce__", 1, 1, |vm, args| vm.getattr_str(args.values[0], "__qualname__")),
    MethodDef::method("__copy__", 1, 1, |_, args| Ok(args.values[0])),
    MethodDef::method("__deepcopy__", 2, 2, |_, args| Ok(args.values[0])),
];

fn new_link(vm: &mut Vm, key: Value, result: Value) -> Value {
    let shape = vm.extension::<State>().link.expect("made with the module");
    let link = vm.thread.heap.alloc_zeroed(shape.id, Link::BYTES);
    cast::<Link>(link).key.set(key);
    cast::<Link>(link).result.set(result);
    link
}

/// A new dict and an empty ring.
fn empty(vm: &mut Vm, cached: Value) {
    let cache = vm.new_dict();
    let root = new_link(vm, Value::NULL, Value::NULL);
    cast::<Link>(root).previous.set(root);
    cast::<Link>(root).next.set(root);
    let object = cast::<Cached>(cached);
    vm.write(cached, &object.cache, cache);
    vm.write(cached, &object.root, root);
}

fn new(vm: &mut Vm, ty: TypeRef, args: &CallArgs) -> PyResult {
    let signature = signature(["user_function", "maxsize", "typed", "cache_info_type"], 4);
    let [function, limit, typed, info] = args.bind(vm, "lru_cache", &signature)?;
    if !vm.is_callable(function) {
        return Err(vm.type_error("the first argument must be callable"));
    }
    let limit = if limit == vm.none {
        -1
    } else if vm.is_int(limit) || vm.type_of(limit).slots().index.is_some() {
        vm.index(limit)?.max(0)
    } else {
        return Err(vm.type_error("maxsize should be integer or None"));
    };
    let typed = vm.truth(typed)?;
    let cached = vm.new_instance(ty);
    let object = cast::<Cached>(cached);
    object.function.set(function);
    object.info.set(info);
    object.limit.set(limit);
    object.typed.set(typed as i64);
    empty(vm, cached);
    Ok(cached)
}

fn cache_info(vm: &mut Vm, args: &CallArgs) -> PyResult {
    let object = cast::<Cached>(args.values[0]);
    let (hits, misses) = (vm.int(object.hits.get()), vm.int(object.misses.get()));
    let limit = if object.limit.get() < 0 { vm.none } else { vm.int(object.limit.get()) };
    let size = vm.int(vm.dict_len(object.cache.get()) as i64);
    vm.call(object.info.get(), &[hits, misses, limit, size])
}

/// A single int or str is its own key; all else makes a tuple.
fn make_key(vm: &mut Vm, args: &CallArgs, typed: bool) -> Value {
    let is_plain = |vm: &Vm, value: Value| vm.type_of(value) == vm.types.int || vm.type_of(value) == vm.types.str_;
    if let (&[single], false) = (args.values, typed)
        && args.keyword_names().is_empty()
        && is_plain(vm, single)
    {
        return single;
    }
    let mut key = ValueVec::from_slice(vm, args.args());
    if !args.keyword_names().is_empty() {
        let mark = vm.extension::<State>().mark.expect("made with the module");
        let mark = vm.handle(mark);
        key.push(vm, mark);
        for (name, value) in args.keywords() {
            key.push(vm, name);
            key.push(vm, value);
        }
    }
    if typed {
        for &value in args.values {
            let ty = vm.type_of(value).value();
            key.push(vm, ty);
        }
    }
    vm.new_tuple(key.as_slice())
}

fn call(vm: &mut Vm, cached: Value, args: &CallArgs) -> PyResult {
    let object = cast::<Cached>(cached);
    let function = object.function.get();
    let limit = object.limit.get();
    if limit == 0 {
        object.misses.set(object.misses.get() + 1);
        return vm.call_kw(function, args);
    }
    let key = make_key(vm, args, object.typed.get() != 0);
    let hash = vm.dict_hash(key)?;
    if let Some(found) = vm.dict_get_hashed(object.cache.get(), key, hash)? {
        object.hits.set(object.hits.get() + 1);
        if limit < 0 {
            return Ok(found);
        }
        unlink(vm, found);
        link_last(vm, object.root.get(), found);
        return Ok(cast::<Link>(found).result.get());
    }
    object.misses.set(object.misses.get() + 1);
    let result = vm.call_kw(function, args)?;
    let cache = object.cache.get();
    if limit < 0 {
        vm.dict_set_hashed(cache, key, hash, result)?;
        return Ok(result);
    }
    // The call may have entered the key meanwhile.
    if vm.dict_get_hashed(cache, key, hash)?.is_some() {
        return Ok(result);
    }
    if vm.dict_len(cache) as i64 >= limit {
        let oldest = cast::<Link>(object.root.get()).next.get();
        if oldest != object.root.get() {
            unlink(vm, oldest);
            vm.dict_del(cache, cast::<Link>(oldest).key.get())?;
        }
    }
    let link = new_link(vm, key, result);
    vm.dict_set_hashed(cache, key, hash, link)?;
    link_last(vm, object.root.get(), link);
    Ok(result)
}

fn unlink(vm: &mut Vm, link: Value) {
    let (previous, next) = (cast::<Link>(link).previous.get(), cast::<Link>(link).next.get());
    vm.write(previous, &cast::<Link>(previous).next, next);
    vm.write(next, &cast::<Link>(next).previous, previous);
}

fn link_last(vm: &mut Vm, root: Value, link: Value) {
    let last = cast::<Link>(root).previous.get();
    vm.write(last, &cast::<Link>(last).next, link);
    vm.write(link, &cast::<Link>(link).previous, last);
    vm.write(link, &cast::<Link>(link).next, root);
    vm.write(root, &cast::<Link>(root).previous, link);
}
