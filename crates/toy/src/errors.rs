//! The errors that the language itself raises.

/// What went wrong before the program ran, or in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ToyError {
    /// The text is no program.
    Syntax(String),
    /// An exception left `main`; its text.
    Uncaught(String),
}

macro_rules! guest_errors {
    ($($name:ident $text:literal;)*) => {
        /// An error of the guest: the exception is a string.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum GuestError { $($name,)* }

        impl GuestError {
            pub(crate) const TEXTS: &'static [&'static str] = &[$($text,)*];
        }
    };
}

guest_errors! {
    ZeroDivision "division by zero";
    Operands "operands do not fit the operator";
    Arity "wrong number of arguments";
    NotCallable "not callable";
    NoAttribute "no such attribute";
    TooManyAttributes "too many attributes";
    NoMethod "no such method";
    NotAList "not a list";
    IndexType "index is no integer";
    IndexRange "index out of range";
    Recursion "recursion limit";
    StringTooLong "string too long";
    NotAClass "not a class";
    NotAFunction "not a function";
}
