//! The whole state of one Python: thread, types, shapes, interned strings, and the way up to the interpreter.

use crate::args::CallArgs;
use crate::code::Code;
use crate::error::{PyResult, Raised};
use crate::exceptions::ExceptionTypes;
use crate::layout::Object;
use crate::names::Names;
use crate::shape::{Kind, Shape};
use crate::ty::TypeRef;
use crate::types::Types;
use crate::value_map::WordMap;
use heap::{Heap, Value};
use metatrace::{Direct, Frame, Handle, Jit, Leave, Thread, Traced, Tracer};

/// The language that metatrace runs here.
pub struct Python;

/// See the module. `#[repr(C)]` with the thread first: compiled code reaches both through one pointer.
#[repr(C)]
pub struct Vm {
    pub thread: Thread<Python>,
    /// The pending exception of a callee that returned NULL; else NULL.
    pub exception: Value,
    pub none: Value,
    pub true_: Value,
    pub false_: Value,
    pub not_implemented: Value,
    pub ellipsis: Value,
    pub empty_tuple: Value,
    pub empty_str: Value,
    /// The interned strs of one ASCII character, by code point: an immortal tuple.
    pub characters: Value,
    pub empty_bytes: Value,
    pub types: Types,
    pub exc: ExceptionTypes,
    pub names: Names,
    /// By shape id; ids that no Python object has map to a filler.
    pub shapes: Vec<&'static Shape>,
    /// Shapes of storage that no Python code sees.
    pub item_array: &'static Shape,
    pub byte_array: &'static Shape,
    pub hooks: Hooks,
    /// `sys.modules`, a dict.
    pub modules: Handle,
    /// Handles of values that classes have given up; see [`crate::type_::resolve::release_retired`].
    pub(crate) retired: Vec<Handle>,
    /// The dictionary of module `builtins`.
    pub builtins: Handle,
    pub(crate) interned: std::collections::HashMap<&'static [u8], Value, foldhash::fast::RandomState>,
    pub(crate) kind_shapes: [Option<&'static Shape>; 64],
    /// Watched dictionaries: the globals of modules.
    pub(crate) namespaces: crate::namespace::Namespaces,
    pub(crate) plans: crate::attribute::Plans,
    /// Every class, in order of creation.
    pub all_types: Vec<TypeRef>,
    /// Built-in types whose dictionaries are still to be filled, while the first types are made.
    pub(crate) unfilled: Option<Vec<(TypeRef, crate::type_::Contents)>>,
    pub(crate) natives: Vec<&'static crate::module::ModuleDef>,
    /// Native modules made so far, by name.
    pub(crate) loaded_natives: Vec<(&'static str, metatrace::Handle)>,
    pub(crate) weak: crate::weakref::WeakTable,
    /// Objects whose repr is being made: recursive containers show `...`. Addresses of values kept alive by the caller.
    pub(crate) repr_stack: Vec<Value>, // a root
    /// The VM's own address.
    pub(crate) this: *mut Vm,
    /// Depth of native recursion through protocols that is not a Python call.
    pub native_depth: u32,
    /// State that other crates keep here, by type.
    pub extensions: WordMap<std::any::TypeId, Box<dyn std::any::Any>>,
}

/// What the interpreter provides to the object model. All panic until set.
#[derive(Clone, Copy)]
pub struct Hooks {
    pub run_direct: fn(&mut Direct<Python>, Frame<Python, Value>) -> Leave<Value>,
    pub run_traced: fn(&mut Tracer<Python>, Frame<Python, Traced<Value>>) -> Leave<Traced<Value>>,
    pub resume_direct: ResumeDirect,
    /// Calls a Python function.
    pub call_function: fn(&mut Vm, Value, &CallArgs) -> PyResult,
    /// `__import__(name, globals, locals, fromlist, level)`.
    pub import: fn(&mut Vm, Value, Value, Value, Value, i64) -> PyResult,
    /// The class and the receiver that `super()` without arguments means, from the calling frame.
    pub super_arguments: fn(&mut Vm) -> PyResult<(Value, Value)>,
    /// The globals of the calling Python frame; NULL without one.
    pub current_globals: fn(&mut Vm) -> Value,
    /// The local names of the calling frame, a sorted list for `dir()`, or the mapping for `vars()`/`locals()`.
    pub current_locals: fn(&mut Vm) -> PyResult,
    /// The exception that is being handled (`sys.exception()`), or NULL.
    pub handled_exception: fn(&mut Vm) -> Value,
    /// The values that a generator still has, as a list, by a loop of the guest; `None`: in the general way.
    pub rest_of: fn(&mut Vm, Value) -> Option<PyResult>,
    /// Emits a warning of the category: text, stack level.
    pub warn: fn(&mut Vm, TypeRef, &str, i64) -> PyResult<()>,
    /// Reports an exception that nobody can catch (`sys.unraisablehook`): exception, message, object or NULL.
    pub unraisable: fn(&mut Vm, Value, &str, Value),
    /// The line that an instruction of a code is on; for tracebacks.
    pub line_of: fn(&Code, u32) -> i64,
}

type ResumeDirect = fn(&mut Direct<Python>, &mut Frame<Python, Value>, Result<Value, Value>) -> Option<Leave<Value>>;

impl Default for Hooks {
    fn default() -> Hooks {
        Hooks {
            run_direct: |_, _| no_interpreter(),
            run_traced: |_, _| no_interpreter(),
            resume_direct: |_, _, _| no_interpreter(),
            call_function: |_, _, _| no_interpreter(),
            import: |vm, name, _, _, _, _| crate::module::import_loaded(vm, name),
            super_arguments: |vm| Err(vm.runtime_error("super(): no current frame")),
            current_globals: |_| Value::NULL,
            current_locals: |vm| Err(vm.runtime_error("no current frame")),
            handled_exception: |_| Value::NULL,
            rest_of: |_, _| None,
            warn: |_, _, _, _| Ok(()),
            unraisable: |_, _, _, _| (),
            line_of: |_, _| 0,
        }
    }
}

fn no_interpreter() -> ! {
    panic!("the object model was asked to run Python code without an interpreter")
}

/// A tail of so many elements makes no large object.
const SURELY_SMALL: usize = heap::LARGE_BYTES / 16;

impl Vm {
    /// The built-in types; no module yet. Boxed: the collector's root callback holds its address.
    pub fn new(heap: Box<Heap>, jit: Jit) -> Box<Vm> {
        crate::type_::bootstrap::new_vm(Thread::new(heap, jit))
    }

    /// Adds the VM's values to the collector's roots.
    pub(crate) fn register_roots(self: &mut Box<Vm>) {
        let vm: *mut Vm = &mut **self;
        self.this = vm;
        self.thread.heap.set_roots(Box::new(move |visitor| {
            // SAFETY: the heap is owned by the VM, which is boxed and outlives it; during a collection nobody else uses
            // the fields touched here.
            unsafe {
                (*vm).thread.visit_roots(visitor);
                visitor.precise(&mut (*vm).exception);
                visitor.precise_slice((*vm).repr_stack.as_mut_ptr(), (*vm).repr_stack.len());
                (*vm).weak.visit_roots(visitor);
                // Finalizers and callbacks that the collection finds due run at the next safe point.
                (*vm).thread.poll.fetch_or(1, std::sync::atomic::Ordering::Relaxed);
            }
        }));
    }

    #[inline(always)]
    pub fn heap(&mut self) -> &mut Heap {
        &mut self.thread.heap
    }

    /// The shape of a heap object.
    #[inline(always)]
    pub fn shape_of(&self, object: Value) -> &'static Shape {
        debug_assert!(object.is_object(), "{object:?} has no shape");
        // SAFETY: checked: a heap object.
        self.shapes[unsafe { heap::shape_of(object) }.0 as usize]
    }

    /// What kind of object this is; [`Kind::Other`] for tagged ints, [`Kind::Float`] for any exact float.
    #[inline(always)]
    pub fn kind(&self, value: Value) -> Kind {
        if value.is_object() {
            self.shape_of(value).kind
        } else if value.is_flonum() {
            Kind::Float
        } else {
            Kind::Other
        }
    }

    /// `type(value)`.
    #[inline(always)]
    pub fn type_of(&self, value: Value) -> TypeRef {
        if value.is_int() {
            self.types.int
        } else if value.is_flonum() {
            self.types.float
        } else {
            self.shape_of(value).ty
        }
    }

    /// Stores `value` into a field of `object`, which may be old.
    #[inline(always)]
    pub fn write(&mut self, object: Value, field: &std::cell::Cell<Value>, value: Value) {
        field.set(value);
        self.thread.heap.write_barrier(object);
    }

    /// A new object of fixed size, all words 0.
    #[inline(always)]
    pub fn alloc<T: Object>(&mut self, shape: &'static Shape) -> &'static T {
        debug_assert_eq!(self.thread.heap.layout(shape.id).fixed_words, T::WORDS);
        crate::layout::cast(self.thread.heap.alloc_zeroed(shape.id, T::BYTES))
    }

    /// A new object with a tail of `count` elements, all its other words 0; refused if it is large and there is no room.
    #[inline]
    pub fn alloc_tail(&mut self, shape: heap::ShapeId, fixed_bytes: usize, count: usize) -> Value {
        if count <= SURELY_SMALL {
            return self.thread.heap.alloc_tail(shape, fixed_bytes, count);
        }
        match self.thread.heap.try_alloc_tail(shape, fixed_bytes, count) {
            Some(object) => object,
            None => heap::refuse(),
        }
    }

    /// The same where the caller fills in the tail at once, before anything else is allocated; only its last word is sure to be 0.
    #[inline(always)]
    pub fn alloc_tail_unfilled(
        &mut self,
        shape: heap::ShapeId,
        fixed_bytes: usize,
        element_bytes: usize,
        count: usize,
    ) -> Value {
        if count <= SURELY_SMALL {
            let tail_bytes = (count * element_bytes).next_multiple_of(8);
            return self.thread.heap.alloc_tail_unfilled(shape, fixed_bytes, tail_bytes, count);
        }
        match self.thread.heap.try_alloc_tail_unfilled(shape, fixed_bytes, count) {
            Some(object) => object,
            None => heap::refuse(),
        }
    }

    /// Whether so many bytes may be had off the heap, after a collection if need be.
    #[inline]
    pub fn has_room(&mut self, bytes: usize) -> bool {
        bytes <= heap::LARGE_BYTES || self.thread.heap.has_room(bytes)
    }

    /// Refused if there is no room for as many values as are to come.
    pub fn expect_values(&mut self, count: i64) {
        if !self.has_room(usize::try_from(count).unwrap_or(0).saturating_mul(8)) {
            heap::refuse();
        }
    }

    /// The same, immortal: never moved, never freed.
    pub fn alloc_immortal<T: Object>(&mut self, shape: &'static Shape) -> &'static T {
        crate::layout::cast(self.thread.heap.alloc_immortal(shape.id, T::BYTES))
    }

    /// The shape of the exact instances of the built-in type of this kind.
    #[inline(always)]
    pub fn shape_for_kind(&self, kind: Kind) -> &'static Shape {
        self.kind_shapes[kind as usize].expect("the type of this kind exists")
    }

    #[inline(always)]
    pub fn bool(&self, truth: bool) -> Value {
        if truth { self.true_ } else { self.false_ }
    }

    /// Leaves an exception for the caller of a callee that returns NULL.
    pub fn set_pending(&mut self, raised: Raised) {
        self.exception = raised.0;
    }

    /// State that another crate keeps in the VM; made by default on first use. Values in it are not roots: use handles.
    pub fn extension<T: Default + 'static>(&mut self) -> &mut T {
        let id = std::any::TypeId::of::<T>();
        let state = self.extensions.entry(id).or_insert_with(|| Box::new(T::default()));
        state.downcast_mut().expect("the map's key is the type")
    }

    /// Holds a value for Rust code, forever.
    pub fn keep(&mut self, value: Value) -> Handle {
        self.thread.new_handle(value)
    }

    #[inline(always)]
    pub fn handle(&self, handle: Handle) -> Value {
        self.thread.handle(handle)
    }
}
