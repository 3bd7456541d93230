//! Python exceptions as returned values.

use heap::Value;

/// A raised Python exception: the instance. Always a subclass of BaseException.
#[derive(Clone, Copy, Debug)]
pub struct Raised(pub Value);

pub type PyResult<T = Value> = Result<T, Raised>;
