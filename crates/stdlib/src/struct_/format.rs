//! Format strings.

/// What a field holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    Int {
        signed: bool,
    },
    /// An address: negative ints wrap.
    Pointer,
    Bool,
    Char,
    Float,
    Complex,
    /// Bytes filled up with zeros, as many as the field is long.
    Bytes,
    /// Bytes behind a byte that counts them.
    Pascal,
}

/// One or more equal fields.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub code: u8,
    pub content: Content,
    pub offset: usize,
    pub size: usize,
    pub count: usize,
}

/// A compiled format.
#[derive(Debug)]
pub struct Program {
    pub fields: Vec<Field>,
    pub size: usize,
    /// How many values are packed or unpacked.
    pub values: usize,
    pub big_endian: bool,
}

const TOO_LONG: &str = "total struct size too long";

/// The error is a message.
pub fn compile(format: &[u8]) -> Result<Program, &'static str> {
    if format.contains(&0) {
        return Err("embedded null character");
    }
    let (native, big_endian, mut at) = match format.first() {
        Some(b'<') => (false, false, 1),
        Some(b'>' | b'!') => (false, true, 1),
        Some(b'=') => (false, cfg!(target_endian = "big"), 1),
        Some(b'@') => (true, cfg!(target_endian = "big"), 1),
        _ => (true, cfg!(target_endian = "big"), 0),
    };
    let mut program = Program { fields: Vec::new(), size: 0, values: 0, big_endian };
    while let Some(&byte) = format.get(at) {
        at += 1;
        if byte.is_ascii_whitespace() || byte == 0x0b {
            continue;
        }
        let (mut code, mut count) = (byte, 1usize);
        if byte.is_ascii_digit() {
            count = (byte - b'0') as usize;
            loop {
                let Some(&next) = format.get(at) else { return Err("repeat count given without format specifier") };
                at += 1;
                if !next.is_ascii_digit() {
                    code = next;
                    break;
                }
                count = count
                    .checked_mul(10)
                    .and_then(|count| count.checked_add((next - b'0') as usize))
                    .filter(|count| *count <= isize::MAX as usize)
                    .ok_or(TOO_LONG)?;
            }
        }
        program.add(code, count, native)?;
    }
    Ok(program)
}

impl Program {
    fn add(&mut self, code: u8, count: usize, native: bool) -> Result<(), &'static str> {
        let (content, size, align) = describe(code, native).ok_or("bad char in struct format")?;
        let offset = if native { self.size.checked_next_multiple_of(align).ok_or(TOO_LONG)? } else { self.size };
        let bytes = count.checked_mul(size).ok_or(TOO_LONG)?;
        self.size = offset.checked_add(bytes).filter(|size| *size <= isize::MAX as usize).ok_or(TOO_LONG)?;
        let Some(content) = content else { return Ok(()) };
        let field = match content {
            Content::Bytes | Content::Pascal => Field { code, content, offset, size: count, count: 1 },
            _ => Field { code, content, offset, size, count },
        };
        self.values += field.count;
        if field.count > 0 {
            self.fields.push(field);
        }
        Ok(())
    }
}

/// Content (`None` for padding), size and alignment.
fn describe(code: u8, native: bool) -> Option<(Option<Content>, usize, usize)> {
    let int = |signed, size| Some((Some(Content::Int { signed }), size, size));
    let long = if native { 8 } else { 4 };
    match code {
        b'x' => Some((None, 1, 1)),
        b'b' => int(true, 1),
        b'B' => int(false, 1),
        b'h' => int(true, 2),
        b'H' => int(false, 2),
        b'i' => int(true, 4),
        b'I' => int(false, 4),
        b'l' => int(true, long),
        b'L' => int(false, long),
        b'q' => int(true, 8),
        b'Q' => int(false, 8),
        b'n' if native => int(true, 8),
        b'N' if native => int(false, 8),
        b'P' if native => Some((Some(Content::Pointer), 8, 8)),
        b'?' => Some((Some(Content::Bool), 1, 1)),
        b'c' => Some((Some(Content::Char), 1, 1)),
        b's' => Some((Some(Content::Bytes), 1, 1)),
        b'p' => Some((Some(Content::Pascal), 1, 1)),
        b'e' => Some((Some(Content::Float), 2, 2)),
        b'f' => Some((Some(Content::Float), 4, 4)),
        b'd' => Some((Some(Content::Float), 8, 8)),
        b'F' => Some((Some(Content::Complex), 8, 4)),
        b'D' => Some((Some(Content::Complex), 16, 8)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::compile;

    #[test]
    fn sizes_are_as_in_c() {
        let size = |format: &str| compile(format.as_bytes()).expect("a format").size;
        assert_eq!(size("bi"), 8);
        assert_eq!(size("<bi"), 5);
        assert_eq!(size("@bxi0q"), 8);
        assert_eq!(size("=b3xi"), 8);
        assert_eq!(size("bF"), 12);
        assert_eq!(size("5s 3p"), 8);
        assert_eq!(size("lb"), 9);
        assert_eq!(size("b0l"), 8);
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let message = |format: &str| compile(format.as_bytes()).err();
        assert_eq!(message("<n"), Some("bad char in struct format"));
        assert_eq!(message("3"), Some("repeat count given without format specifier"));
        assert_eq!(message("3 i"), Some("bad char in struct format"));
        assert_eq!(message("99999999999999999999i"), Some("total struct size too long"));
    }
}
