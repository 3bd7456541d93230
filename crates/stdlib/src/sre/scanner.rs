//! Scanners: searches that go on from call to call.

use super::subject::{Mode, Search};
use super::{found, pattern, types};
use heap::Value;
use objects::args::{CallArgs, GetSetDef, MethodDef};
use objects::error::PyResult;
use objects::layout;
use objects::layout::cast;
use objects::shape::Kind;
use objects::ty::{TypeSpec, flags};
use objects::vm::Vm;

layout! {
    Scanner {
        pattern PATTERN: Value;
        string STRING: Value;
        /// The range given.
        first FIRST: i64;
        end END: i64;
        /// Where to go on; -1 after a failure.
        start START: i64;
        must_advance MUST_ADVANCE: i64;
    }
}

pub fn spec() -> TypeSpec {
    TypeSpec {
        module: "_sre",
        flags: flags::NO_NEW | flags::IMMUTABLE,
        methods: const {
            &[
                MethodDef::method("match", 1, 1, |vm, args| step(vm, args, Mode::Match)),
                MethodDef::method("search", 1, 1, |vm, args| step(vm, args, Mode::Search)),
            ]
        },
        getset: const { &[GetSetDef::read_only("pattern", |_, scanner| Ok(cast::<Scanner>(scanner).pattern.get()))] },
        ..TypeSpec::of::<Scanner>("SRE_Scanner", Kind::Other)
    }
}

/// From a pattern and the arguments of its method.
pub fn new(vm: &mut Vm, args: &CallArgs, function: &str) -> PyResult {
    let (string, start, end) = pattern::range_arguments(vm, args, function)?;
    let search = Search::new(vm, args.values[0], string, start, end)?;
    let scanner = {
        let ty = types(vm).scanner;
        vm.new_instance(ty)
    };
    let object = cast::<Scanner>(scanner);
    object.pattern.set(args.values[0]);
    object.string.set(string);
    object.first.set(search.first as i64);
    object.end.set(search.end() as i64);
    object.start.set(search.first as i64);
    Ok(scanner)
}

fn step(vm: &mut Vm, args: &CallArgs, mode: Mode) -> PyResult {
    let object = cast::<Scanner>(args.values[0]);
    if object.start.get() < 0 {
        return Ok(vm.none);
    }
    let (pattern, string) = (object.pattern.get(), object.string.get());
    let start = object.start.get();
    let mut search = Search::new(vm, pattern, string, start, object.end.get())?;
    search.continue_at(start as usize, object.must_advance.get() != 0);
    search.first = object.first.get() as usize;
    if !search.next(mode) {
        object.start.set(-1);
        return Ok(vm.none);
    }
    object.start.set(search.span().1 as i64);
    object.must_advance.set(search.must_advance() as i64);
    Ok(found::new(vm, pattern, string, &search))
}
