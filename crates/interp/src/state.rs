//! What the interpreter keeps in the VM.

use heap::Value;
use metatrace::Handle;
use objects::shape::Shape;
use objects::vm::Vm;

/// The shapes of the interpreter's own types.
#[derive(Clone, Copy)]
pub struct Shapes {
    pub generator: &'static Shape,
    pub coroutine: &'static Shape,
    pub async_generator: &'static Shape,
    pub frame: &'static Shape,
    pub locals_proxy: &'static Shape,
}

/// See the module; one in each VM.
#[derive(Default)]
pub struct State {
    shapes: Option<Shapes>,
    /// The exception on its way into a generator that `throw` resumes.
    thrown: Option<Handle>,
    /// Module `sys`.
    pub sys: Option<Handle>,
    /// Runs before finalizers.
    pub order_finalizers: Option<fn(&mut Vm) -> objects::error::PyResult<()>>,
    /// `sys.set_asyncgen_hooks`: for the first iteration, for the end.
    pub async_generator_hooks: [Option<Handle>; 2],
    /// `sys.set_coroutine_origin_tracking_depth`.
    pub coroutine_origin_depth: i64,
    /// The native `__import__`.
    pub import_function: Option<Handle>,
    /// See [`crate::reducing`].
    pub reducing: Option<&'static [Handle; 2]>,
    /// Options of the command line and the environment.
    pub config: Config,
}

/// How the interpreter was started.
#[derive(Clone, Default)]
pub struct Config {
    /// `-O`: 1, `-OO`: 2.
    pub optimize: u8,
    pub unbuffered: bool,
    pub verbose: u8,
    pub inspect: bool,
    pub interactive: bool,
    pub no_site: bool,
    pub isolated: bool,
    pub ignore_environment: bool,
    pub dont_write_bytecode: bool,
    pub safe_path: bool,
    pub utf8_mode: bool,
    pub dev_mode: bool,
    pub debug: bool,
    pub quiet: bool,
    pub no_user_site: bool,
    /// `-b`: 1, `-bb`: 2.
    pub bytes_warning: u8,
    /// `-x`.
    pub skip_first_line: bool,
    /// `-X no_debug_ranges`.
    pub no_debug_ranges: bool,
    pub int_max_str_digits: Option<i64>,
    /// `-X heap`: where the heap report goes at the end.
    pub heap_report: Option<String>,
    /// `-X tracemalloc`: frames of a traceback.
    pub trace_allocations: Option<i64>,
    /// `PYTHONIOENCODING`: encoding and error handler of the standard streams.
    pub io_encoding: (Option<String>, Option<String>),
    pub warn_options: Vec<String>,
    pub x_options: Vec<(String, Option<String>)>,
    pub executable: String,
    /// `sys.argv`.
    pub arguments: Vec<String>,
    pub orig_arguments: Vec<String>,
    /// `sys.path` entries from the environment.
    pub search_path: Vec<String>,
}

pub fn state(vm: &mut Vm) -> &mut State {
    vm.extension::<State>()
}

pub fn shapes(vm: &mut Vm) -> Shapes {
    state(vm).shapes.expect("the interpreter's types exist")
}

/// The handle under which an exception travels into a generator.
pub fn thrown(vm: &mut Vm) -> Handle {
    if let Some(handle) = state(vm).thrown {
        return handle;
    }
    let handle = vm.keep(Value::NULL);
    state(vm).thrown = Some(handle);
    handle
}

/// Makes the interpreter's types.
pub fn make_types(vm: &mut Vm) {
    let [generator, coroutine, async_generator] = crate::generator_object::make_types(vm);
    let frame = crate::frame_type::make_type(vm);
    let locals_proxy = crate::frame_type::make_locals_type(vm);
    let shape = |ty: objects::ty::TypeRef| ty.data().shape.get().expect("the type has instances");
    state(vm).shapes = Some(Shapes {
        generator: shape(generator),
        coroutine: shape(coroutine),
        async_generator: shape(async_generator),
        frame: shape(frame),
        locals_proxy: shape(locals_proxy),
    });
}

/// A name of module `builtins`.
pub fn builtin(vm: &mut Vm, name: &str) -> Value {
    let builtins = vm.handle(vm.builtins);
    vm.dict_get_str(builtins, name).unwrap_or(vm.none)
}
