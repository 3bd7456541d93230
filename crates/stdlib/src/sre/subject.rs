//! What is searched: text or bytes, and the engine's view of it.

use super::pattern::Pattern;
use heap::Value;
use objects::error::PyResult;
use objects::layout::cast;
use objects::str::byte_offset;
use objects::vm::Vm;
use rustpython_sre_engine::engine::Marks;
use rustpython_sre_engine::{Request, State, StrDrive, StringCursor};
use rustpython_wtf8::Wtf8;

/// One byte a character: bytes, or ASCII text.
#[derive(Clone, Copy)]
struct Narrow(&'static [u8]);

/// Text with characters of several bytes.
#[derive(Clone, Copy)]
struct Wide {
    text: &'static Wtf8,
    /// Characters.
    count: usize,
    /// The character where searching starts, and its byte.
    start: usize,
    start_byte: usize,
}

#[derive(Clone, Copy)]
enum Subject {
    Narrow(Narrow),
    Wide(Wide),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Search,
    Match,
    FullMatch,
}

/// A search that can go on behind what it found. Lives on the native stack, which keeps the memory it looks at in place.
pub struct Search {
    code: &'static [u32],
    subject: Subject,
    state: State,
    /// Where to go on.
    start: usize,
    end: usize,
    must_advance: bool,
    /// As given, clipped.
    pub first: usize,
    /// Keeps alive what `subject` refers to.
    _held: Value,
}

impl Search {
    /// In characters `start..end` of `string`, clipped to it.
    pub fn new(vm: &mut Vm, pattern: Value, string: Value, start: i64, end: i64) -> PyResult<Search> {
        let object = cast::<Pattern>(pattern);
        let source = object.source.get();
        let (is_text, of_text) = (vm.is_str(string), vm.is_str(source));
        let clip = |len: usize| {
            let end = end.clamp(0, len as i64);
            (start.clamp(0, end) as usize, end as usize)
        };
        let (subject, held, (first, end)) = if is_text {
            if source != vm.none && !of_text {
                return Err(vm.type_error("cannot use a bytes pattern on a string-like object"));
            }
            let text = vm.exact_str(string);
            let (bytes, count) = (objects::str::exact_bytes(text), objects::str::length(text));
            let (first, end) = clip(count);
            let subject = if objects::str::is_ascii(text) {
                Subject::Narrow(Narrow(bytes))
            } else {
                let start_byte = byte_offset(vm, text, first);
                // SAFETY: strs are WTF-8.
                let text = unsafe { Wtf8::from_bytes_unchecked(bytes) };
                Subject::Wide(Wide { text, count, start: first, start_byte })
            };
            (subject, text, (first, end))
        } else {
            let held = match vm.bytes_like_opt(string)? {
                None => {
                    let given = vm.type_name(string);
                    return Err(vm.type_error(format!("expected string or bytes-like object, got '{given}'")));
                }
                Some(_) if of_text => {
                    return Err(vm.type_error("cannot use a string pattern on a bytes-like object"));
                }
                Some(_) if vm.is_bytes(string) => string,
                // What can change meanwhile is copied.
                Some(bytes) => vm.new_bytes(bytes),
            };
            let bytes = vm.bytes(held);
            (Subject::Narrow(Narrow(bytes)), held, clip(bytes.len()))
        };
        Ok(Search {
            code: object.code_words(vm),
            subject,
            state: State::default(),
            start: first,
            end,
            must_advance: false,
            first,
            _held: held,
        })
    }

    /// Goes on elsewhere, as a scanner does.
    pub fn continue_at(&mut self, start: usize, must_advance: bool) {
        (self.start, self.must_advance) = (start, must_advance);
    }

    /// The next match, behind the last one.
    pub fn next(&mut self, mode: Mode) -> bool {
        if self.start > self.end {
            return false;
        }
        let found = match self.subject {
            Subject::Narrow(drive) => self.run(drive, mode),
            Subject::Wide(drive) => self.run(drive, mode),
        };
        if found {
            self.must_advance = self.state.cursor.position == self.state.start;
            self.start = self.state.cursor.position;
        }
        found
    }

    fn run<S: StrDrive>(&mut self, drive: S, mode: Mode) -> bool {
        let mut request = Request::new(drive, self.start, self.end, self.code, mode == Mode::FullMatch);
        request.must_advance = self.must_advance;
        self.state.reset(&request, request.start);
        if mode == Mode::Search { self.state.search(request) } else { self.state.py_match(&request) }
    }

    /// Where the match begins and ends.
    pub fn span(&self) -> (usize, usize) {
        (self.state.start, self.state.cursor.position)
    }

    /// Of a group from 1 on; `None` if it took no part in the match.
    pub fn group(&self, group: usize) -> Option<(usize, usize)> {
        let (start, end) = self.state.marks.get(group - 1);
        Some((start.into_option()?, end.into_option()?))
    }

    pub fn marks(&self) -> &Marks {
        &self.state.marks
    }

    pub fn end(&self) -> usize {
        self.end
    }

    pub fn must_advance(&self) -> bool {
        self.must_advance
    }
}

/// Characters `start..end` of what was searched, as str or bytes.
pub fn slice(vm: &mut Vm, string: Value, start: usize, end: usize) -> PyResult {
    if vm.is_str(string) {
        let text = vm.exact_str(string);
        return Ok(objects::str::substring(vm, text, start, end));
    }
    let bytes = vm.bytes_like(string)?;
    if start == 0 && end == bytes.len() && vm.is_bytes(string) {
        return Ok(vm.exact_bytes(string));
    }
    let end = end.min(bytes.len());
    Ok(vm.new_bytes(&bytes[start.min(end)..end]))
}

type Inner = &'static [u8];

impl StrDrive for Narrow {
    #[inline]
    fn count(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn create_cursor(&self, n: usize) -> StringCursor {
        self.0.create_cursor(n)
    }

    #[inline]
    fn adjust_cursor(&self, cursor: &mut StringCursor, n: usize) {
        self.0.adjust_cursor(cursor, n);
    }

    #[inline]
    fn advance(cursor: &mut StringCursor) -> u32 {
        let character = Inner::peek(cursor);
        Inner::skip(cursor, 1);
        character
    }

    #[inline]
    fn peek(cursor: &StringCursor) -> u32 {
        Inner::peek(cursor)
    }

    #[inline]
    fn skip(cursor: &mut StringCursor, n: usize) {
        Inner::skip(cursor, n);
    }

    #[inline]
    fn back_advance(cursor: &mut StringCursor) -> u32 {
        Inner::back_advance(cursor)
    }

    #[inline]
    fn back_peek(cursor: &StringCursor) -> u32 {
        Inner::back_peek(cursor)
    }

    #[inline]
    fn back_skip(cursor: &mut StringCursor, n: usize) {
        Inner::back_skip(cursor, n);
    }
}

type InnerWide = &'static Wtf8;

impl StrDrive for Wide {
    #[inline]
    fn count(&self) -> usize {
        self.count
    }

    fn create_cursor(&self, n: usize) -> StringCursor {
        if n < self.start {
            return self.text.create_cursor(n);
        }
        let (_, behind) = self.text.as_bytes().split_at(self.start_byte);
        // SAFETY: `start_byte` is where a character begins.
        let behind = unsafe { Wtf8::from_bytes_unchecked(behind) };
        let mut cursor = behind.create_cursor(n - self.start);
        cursor.position = n;
        cursor
    }

    fn adjust_cursor(&self, cursor: &mut StringCursor, n: usize) {
        // A fresh cursor is at 0 and points nowhere.
        if cursor.position == 0 || cursor.position > n {
            *cursor = self.create_cursor(n);
        } else {
            InnerWide::skip(cursor, n - cursor.position);
        }
    }

    #[inline]
    fn advance(cursor: &mut StringCursor) -> u32 {
        InnerWide::advance(cursor)
    }

    #[inline]
    fn peek(cursor: &StringCursor) -> u32 {
        InnerWide::peek(cursor)
    }

    #[inline]
    fn skip(cursor: &mut StringCursor, n: usize) {
        InnerWide::skip(cursor, n);
    }

    #[inline]
    fn back_advance(cursor: &mut StringCursor) -> u32 {
        InnerWide::back_advance(cursor)
    }

    #[inline]
    fn back_peek(cursor: &StringCursor) -> u32 {
        InnerWide::back_peek(cursor)
    }

    #[inline]
    fn back_skip(cursor: &mut StringCursor, n: usize) {
        InnerWide::back_skip(cursor, n);
    }
}
