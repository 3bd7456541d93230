//! The exceptions: the hierarchy, and what Rust code does with them.

pub mod base;
pub mod fields;
pub mod groups;
pub mod os_error;
pub mod syntax_error;
pub mod unicode;

pub use base::add_note;
pub use fields::{extra, set_extra};
pub use groups::prepare_reraise_star;

use crate::args::CallArgs;
use crate::builtin_layouts::Exception;
use crate::error::PyResult;
use crate::layout::cast;
use crate::shape::Kind;
use crate::ty::{TypeRef, TypeSpec, flags};
use crate::vm::Vm;
use heap::Value;

macro_rules! hierarchy {
    ($($field:ident $name:literal ($base:ident) $doc:literal)*) => {
        /// A field for each exception class.
        #[derive(Clone, Copy)]
        pub struct ExceptionTypes {
            pub base_exception: TypeRef,
            $(pub $field: TypeRef,)*
        }

        impl ExceptionTypes {
            /// Every field is `object` until its class exists.
            pub(crate) fn unset(object: TypeRef) -> ExceptionTypes {
                ExceptionTypes { base_exception: object, $($field: object,)* }
            }

            /// All classes, bases first.
            pub fn all(&self) -> Vec<TypeRef> {
                vec![self.base_exception, $(self.$field),*]
            }
        }

        fn make_all(vm: &mut Vm) {
            $(
                let base = vm.exc.$base;
                let spec = TypeSpec { doc: $doc, ..spec_of(stringify!($field), $name) };
                vm.exc.$field = if stringify!($field) == "exception_group" {
                    vm.new_builtin_type_with_bases(spec, &[vm.exc.base_exception_group, vm.exc.exception])
                } else {
                    vm.new_builtin_type(spec, base)
                };
            )*
        }
    };
}

hierarchy! {
    exception "Exception" (base_exception) "Common base class for all non-exit exceptions."
    base_exception_group "BaseExceptionGroup" (base_exception) "A combination of multiple unrelated exceptions."
    exception_group "ExceptionGroup" (base_exception_group) ""
    generator_exit "GeneratorExit" (base_exception) "Request that a generator exit."
    keyboard_interrupt "KeyboardInterrupt" (base_exception) "Program interrupted by user."
    system_exit "SystemExit" (base_exception) "Request to exit from the interpreter."
    arithmetic_error "ArithmeticError" (exception) "Base class for arithmetic errors."
    floating_point_error "FloatingPointError" (arithmetic_error) "Floating-point operation failed."
    overflow_error "OverflowError" (arithmetic_error) "Result too large to be represented."
    zero_division_error "ZeroDivisionError" (arithmetic_error) "Second argument to a division or modulo operation was zero."
    assertion_error "AssertionError" (exception) "Assertion failed."
    attribute_error "AttributeError" (exception) "Attribute not found."
    buffer_error "BufferError" (exception) "Buffer error."
    eof_error "EOFError" (exception) "Read beyond end of file."
    import_error "ImportError" (exception) "Import can't find module, or can't find name in module."
    module_not_found_error "ModuleNotFoundError" (import_error) "Module not found."
    lookup_error "LookupError" (exception) "Base class for lookup errors."
    index_error "IndexError" (lookup_error) "Sequence index out of range."
    key_error "KeyError" (lookup_error) "Mapping key not found."
    memory_error "MemoryError" (exception) "Out of memory."
    name_error "NameError" (exception) "Name not found globally."
    unbound_local_error "UnboundLocalError" (name_error) "Local name referenced but not bound to a value."
    os_error "OSError" (exception) "Base class for I/O related errors."
    blocking_io_error "BlockingIOError" (os_error) "I/O operation would block."
    child_process_error "ChildProcessError" (os_error) "Child process error."
    connection_error "ConnectionError" (os_error) "Connection error."
    broken_pipe_error "BrokenPipeError" (connection_error) "Broken pipe."
    connection_aborted_error "ConnectionAbortedError" (connection_error) "Connection aborted."
    connection_refused_error "ConnectionRefusedError" (connection_error) "Connection refused."
    connection_reset_error "ConnectionResetError" (connection_error) "Connection reset."
    file_exists_error "FileExistsError" (os_error) "File already exists."
    file_not_found_error "FileNotFoundError" (os_error) "File not found."
    interrupted_error "InterruptedError" (os_error) "Interrupted by signal."
    is_a_directory_error "IsADirectoryError" (os_error) "Operation doesn't work on directories."
    not_a_directory_error "NotADirectoryError" (os_error) "Operation only works on directories."
    permission_error "PermissionError" (os_error) "Not enough permissions."
    process_lookup_error "ProcessLookupError" (os_error) "Process not found."
    timeout_error "TimeoutError" (os_error) "Timeout expired."
    reference_error "ReferenceError" (exception) "Weak ref proxy used after referent went away."
    runtime_error "RuntimeError" (exception) "Unspecified run-time error."
    not_implemented_error "NotImplementedError" (runtime_error) "Method or function hasn't been implemented yet."
    python_finalization_error "PythonFinalizationError" (runtime_error) "Operation blocked during Python finalization."
    recursion_error "RecursionError" (runtime_error) "Recursion limit exceeded."
    stop_async_iteration "StopAsyncIteration" (exception) "Signal the end from iterator.__anext__()."
    stop_iteration "StopIteration" (exception) "Signal the end from iterator.__next__()."
    syntax_error "SyntaxError" (exception) "Invalid syntax."
    incomplete_input_error "_IncompleteInputError" (syntax_error) "incomplete input."
    indentation_error "IndentationError" (syntax_error) "Improper indentation."
    tab_error "TabError" (indentation_error) "Improper mixture of spaces and tabs."
    system_error "SystemError" (exception) "Internal error in the Python interpreter.\n\nPlease report this to the Python maintainer, along with the traceback,\nthe Python version, and the hardware/OS platform and version."
    type_error "TypeError" (exception) "Inappropriate argument type."
    value_error "ValueError" (exception) "Inappropriate argument value (of correct type)."
    unicode_error "UnicodeError" (value_error) "Unicode related error."
    unicode_decode_error "UnicodeDecodeError" (unicode_error) "Unicode decoding error."
    unicode_encode_error "UnicodeEncodeError" (unicode_error) "Unicode encoding error."
    unicode_translate_error "UnicodeTranslateError" (unicode_error) "Unicode translation error."
    warning "Warning" (exception) "Base class for warning categories."
    bytes_warning "BytesWarning" (warning) "Base class for warnings about bytes and buffer related problems, mostly\nrelated to conversion from str or comparing to str."
    deprecation_warning "DeprecationWarning" (warning) "Base class for warnings about deprecated features."
    encoding_warning "EncodingWarning" (warning) "Base class for warnings about encodings."
    future_warning "FutureWarning" (warning) "Base class for warnings about constructs that will change semantically\nin the future."
    import_warning "ImportWarning" (warning) "Base class for warnings about probable mistakes in module imports"
    pending_deprecation_warning "PendingDeprecationWarning" (warning) "Base class for warnings about features which will be deprecated\nin the future."
    resource_warning "ResourceWarning" (warning) "Base class for warnings about resource usage."
    runtime_warning "RuntimeWarning" (warning) "Base class for warnings about dubious runtime behavior."
    syntax_warning "SyntaxWarning" (warning) "Base class for warnings about dubious syntax."
    unicode_warning "UnicodeWarning" (warning) "Base class for warnings about Unicode related problems, mostly\nrelated to conversion problems."
    user_warning "UserWarning" (warning) "Base class for warnings generated by user code."
}

pub(crate) fn init(vm: &mut Vm) {
    let object = vm.types.object;
    vm.exc.base_exception = vm.new_builtin_type(base::spec(), object);
    make_all(vm);
}

/// What all exception classes have in common.
pub(crate) fn plain_spec(name: &'static str) -> TypeSpec {
    TypeSpec {
        flags: flags::BASETYPE | flags::EXCEPTION,
        overflow_word: (Exception::OVERFLOW.offset / 8) as u16,
        ..TypeSpec::of::<Exception>(name, Kind::Exception)
    }
}

fn spec_of(field: &str, name: &'static str) -> TypeSpec {
    let spec = plain_spec(name);
    match field {
        "base_exception_group" | "exception_group" => groups::extend(spec, field == "base_exception_group"),
        "os_error" => os_error::extend(spec),
        "syntax_error" => syntax_error::extend(spec),
        "unicode_decode_error" => unicode::extend_decode(spec),
        "unicode_encode_error" => unicode::extend_encode(spec),
        "unicode_translate_error" => unicode::extend_translate(spec),
        _ => fields::extend(field, spec),
    }
}

/// A new instance of an exception class.
pub fn instantiate(vm: &mut Vm, ty: TypeRef, arguments: &[Value]) -> PyResult {
    let exception = crate::type_::call(vm, ty.value(), &CallArgs::positional(arguments))?;
    if !vm.type_of(exception).has(flags::EXCEPTION) {
        let (class, given) = (ty.name(), vm.type_name(exception));
        return Err(
            vm.type_error(format!("calling {class} should have returned an instance of BaseException, not {given}"))
        );
    }
    Ok(exception)
}

/// Whether a value is an exception instance.
pub fn is_exception(vm: &Vm, value: Value) -> bool {
    value.is_object() && vm.type_of(value).has(flags::EXCEPTION)
}

/// Whether a value is an exception class.
pub fn is_exception_class(vm: &Vm, value: Value) -> bool {
    crate::type_::is_type(vm, value) && TypeRef::from_value(value).has(flags::EXCEPTION)
}

/// `exception.__context__ = handled`, unless there is none or it is the exception itself. A cycle that would arise is cut.
pub fn set_context(vm: &mut Vm, exception: Value, handled: Value) {
    if handled.is_null() || handled == vm.none || handled == exception {
        return;
    }
    let mut at = handled;
    // Brent's hare and tortoise: the chain may have a cycle of its own already.
    let mut slow = handled;
    let mut steps = 0u32;
    loop {
        let context = cast::<Exception>(at).context.get();
        if context.is_null() {
            break;
        }
        if context == exception {
            cast::<Exception>(at).context.set(Value::NULL);
            break;
        }
        at = context;
        steps += 1;
        if steps.is_multiple_of(2) {
            slow = cast::<Exception>(slow).context.get();
        }
        if at == slow {
            break;
        }
    }
    vm.write(exception, &cast::<Exception>(exception).context, handled);
}

/// `exception.__cause__ = cause` (NULL for None), and the context is not shown.
pub fn set_cause(vm: &mut Vm, exception: Value, cause: Value) {
    let object = cast::<Exception>(exception);
    vm.write(exception, &object.cause, cause);
    object.suppress_context.set(1);
}

/// `exception.__traceback__`, or NULL.
#[inline(always)]
pub fn traceback(exception: Value) -> Value {
    cast::<Exception>(exception).traceback.get()
}

pub fn set_traceback(vm: &mut Vm, exception: Value, traceback: Value) {
    vm.write(exception, &cast::<Exception>(exception).traceback, traceback);
}

/// `StopIteration.value`.
pub fn stop_iteration_value(vm: &mut Vm, exception: Value) -> Value {
    let value = fields::get(exception, 0);
    if value.is_null() { vm.none } else { value }
}
