//! Iteration.

use crate::error::PyResult;
use crate::shape::Kind;
use crate::value_vec::ValueVec;
use crate::vm::Vm;
use heap::Value;

impl Vm {
    /// `iter(iterable)`.
    pub fn iter(&mut self, iterable: Value) -> PyResult {
        let ty = self.type_of(iterable);
        let (iter, getitem) = {
            let slots = ty.slots();
            (slots.iter, slots.getitem)
        };
        let Some(iter) = iter else {
            if getitem.is_some() && !ty.has(crate::ty::flags::DICT) {
                return crate::iterators::new_sequence_iterator(self, iterable);
            }
            return Err(self.not_iterable(iterable));
        };
        let iterator = iter(self, iterable)?;
        if self.type_of(iterator).slots().next.is_none() {
            let name = self.type_name(iterator);
            return Err(self.type_error(format!("iter() returned non-iterator of type '{name}'")));
        }
        Ok(iterator)
    }

    /// The next element; `None` at the end.
    #[inline]
    pub fn next(&mut self, iterator: Value) -> PyResult<Option<Value>> {
        match self.next_or_stop(iterator) {
            Err(raised) if self.exception_matches(raised.0, self.exc.stop_iteration) => Ok(None),
            result => result,
        }
    }

    /// The same where the value of a StopIteration counts: an iterator that raised one raises it here.
    #[inline]
    pub fn next_or_stop(&mut self, iterator: Value) -> PyResult<Option<Value>> {
        // A loop in Rust may go on for long.
        if self.thread.heap.memory_exhausted() {
            self.thread.heap.take_exhausted();
            return Err(self.memory_error(""));
        }
        let next = self.type_of(iterator).slots().next;
        match next {
            Some(next) => next(self, iterator),
            None => {
                let name = self.type_name(iterator);
                Err(self.type_error(format!("'{name}' object is not an iterator")))
            }
        }
    }

    /// Calls `body` with each element.
    pub fn for_each(&mut self, iterable: Value, mut body: impl FnMut(&mut Vm, Value) -> PyResult<()>) -> PyResult<()> {
        match self.kind(iterable) {
            Kind::Tuple => {
                let items = crate::tuple::items(iterable);
                for &item in items {
                    body(self, item)?;
                }
                // What was iterated stays alive to here.
                std::hint::black_box(iterable);
                return Ok(());
            }
            Kind::List => {
                let mut index = 0;
                // The list may change under way.
                while let Some(&item) = crate::list::items(iterable).get(index) {
                    body(self, item)?;
                    index += 1;
                }
                return Ok(());
            }
            _ => {}
        }
        let iterator = self.iter(iterable)?;
        while let Some(item) = self.next(iterator)? {
            body(self, item)?;
        }
        Ok(())
    }

    /// The elements, gathered where the collector sees them.
    pub fn collect(&mut self, iterable: Value) -> PyResult<ValueVec> {
        crate::list::sequence::collect(self, iterable)
    }

    /// `list(iterable)`.
    pub fn collect_list(&mut self, iterable: Value) -> PyResult {
        let values = self.collect(iterable)?;
        Ok(crate::list::from_array(self, values))
    }

    /// `tuple(iterable)`; an exact tuple is itself.
    pub fn collect_tuple(&mut self, iterable: Value) -> PyResult {
        if self.kind(iterable) == Kind::Tuple {
            return Ok(iterable);
        }
        let values = self.collect(iterable)?;
        Ok(self.new_tuple(values.as_slice()))
    }

    /// `operator.length_hint(iterable, default)`.
    pub fn length_hint(&mut self, iterable: Value, default: i64) -> PyResult<i64> {
        let len = self.type_of(iterable).slots().len;
        if let Some(len) = len {
            match len(self, iterable) {
                Ok(len) => return Ok(len),
                Err(raised) if self.exception_matches(raised.0, self.exc.type_error) => {}
                Err(raised) => return Err(raised),
            }
        }
        let name = self.names.__length_hint__;
        let hint = match self.call_special_opt(iterable, name, &[]) {
            None => return Ok(default),
            Some(Err(raised)) if self.exception_matches(raised.0, self.exc.type_error) => return Ok(default),
            Some(hint) => hint?,
        };
        if hint == self.not_implemented {
            return Ok(default);
        }
        match self.as_i64(hint) {
            Some(hint) if hint < 0 => Err(self.value_error("__length_hint__() should return >= 0")),
            Some(hint) => Ok(hint),
            None => {
                let name = self.type_name(hint);
                Err(self.type_error(format!("__length_hint__ must be an integer, not {name}")))
            }
        }
    }
}
