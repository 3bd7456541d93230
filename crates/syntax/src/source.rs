//! Reading source files: byte order mark, encoding declaration (PEP 263), line ends.

use crate::error::{ErrorKind, SyntaxError};

/// Why bytes are no source text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Reported as it stands; the file name is to be filled in.
    Syntax(SyntaxError),
    /// An encoding that only the codec registry can decode. The text starts at this offset in the bytes (after a mark).
    NeedsCodec { encoding: String, start: usize },
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DecodeError::Syntax(error) => f.write_str(&error.message),
            DecodeError::NeedsCodec { encoding, .. } => write!(f, "unknown encoding: {encoding}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// The text of a source file. UTF-8, ASCII and Latin-1 are decoded here.
pub fn decode_source(bytes: &[u8]) -> Result<String, DecodeError> {
    let (body, marked) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(body) => (body, true),
        None => (bytes, false),
    };
    let declared = declared_encoding(body);
    let normal = declared.as_deref().map(normal_name);
    // CPython takes no other spelling than this together with a mark.
    let is_spelled_out =
        declared.as_deref().is_none_or(|name| name.to_ascii_lowercase().replace('_', "-").starts_with("utf-8"));
    match normal.as_deref() {
        _ if marked && !is_spelled_out => {
            let encoding = declared.unwrap_or_default();
            Err(DecodeError::Syntax(SyntaxError {
                kind: ErrorKind::Syntax,
                ..SyntaxError::internal(&format!("encoding problem: {encoding} with BOM"), "")
            }))
        }
        None | Some("utf-8") => decode_utf8(body, declared.is_some() || marked),
        Some("iso-8859-1") => Ok(body.iter().map(|&byte| char::from(byte)).collect()),
        Some("ascii") => match body.iter().position(|byte| !byte.is_ascii()) {
            None => decode_utf8(body, true),
            Some(at) => Err(DecodeError::Syntax(SyntaxError {
                kind: ErrorKind::Syntax,
                ..SyntaxError::internal(
                    &format!(
                        "(unicode error) 'ascii' codec can't decode byte 0x{:02x} in position {at}: ordinal not in range(128)",
                        body[at]
                    ),
                    "",
                )
            })),
        },
        Some(_) => {
            Err(DecodeError::NeedsCodec { encoding: declared.unwrap_or_default(), start: bytes.len() - body.len() })
        }
    }
}

/// The encoding that a comment in the first two lines declares. The second counts only if the first is blank or a
/// comment.
fn declared_encoding(body: &[u8]) -> Option<String> {
    for line in body.split(|&byte| byte == b'\n' || byte == b'\r').take(2) {
        let start = line.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\x0c'));
        let Some(start) = start else { continue };
        if line[start] != b'#' {
            return None;
        }
        if let Some(name) = coding_cookie(&line[start..]) {
            return Some(name);
        }
    }
    None
}

/// `coding[:=][ \t]*([-_.a-zA-Z0-9]+)`
fn coding_cookie(comment: &[u8]) -> Option<String> {
    let mut rest = comment;
    while let Some(at) = rest.windows(6).position(|window| window == b"coding") {
        rest = &rest[at + 6..];
        if !matches!(rest.first(), Some(b':' | b'=')) {
            continue;
        }
        let name: String = rest[1..]
            .iter()
            .skip_while(|byte| matches!(byte, b' ' | b'\t'))
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
            .map(|&byte| char::from(byte))
            .collect();
        if !name.is_empty() {
            return Some(name);
        }
    }
    None
}

/// CPython's `get_normal_name`, and the aliases of ASCII.
fn normal_name(name: &str) -> String {
    let lower: String = name.chars().take(12).map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect();
    let is = |base: &str| lower == base || lower.starts_with(&format!("{base}-"));
    if is("utf-8") || lower == "utf8" {
        "utf-8".to_owned()
    } else if is("latin-1") || is("iso-8859-1") || is("iso-latin-1") || lower == "latin1" {
        "iso-8859-1".to_owned()
    } else if matches!(lower.as_str(), "ascii" | "us-ascii" | "646") {
        "ascii".to_owned()
    } else {
        lower
    }
}

fn decode_utf8(body: &[u8], declared: bool) -> Result<String, DecodeError> {
    let error = match std::str::from_utf8(body) {
        Ok(text) => return Ok(text.to_owned()),
        Err(error) => error,
    };
    let at = error.valid_up_to();
    let line = body[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
    let message = if declared {
        let reason = match error.error_len() {
            None => "unexpected end of data",
            Some(1) if !matches!(body[at], 0xc2..=0xf4) => "invalid start byte",
            Some(_) => "invalid continuation byte",
        };
        format!("(unicode error) 'utf-8' codec can't decode byte 0x{:02x} in position {at}: {reason}", body[at])
    } else {
        format!(
            "Non-UTF-8 code starting with '\\x{:02x}' on line {line}, but no encoding declared; see https://peps.python.org/pep-0263/ for details",
            body[at]
        )
    };
    Err(DecodeError::Syntax(SyntaxError {
        kind: ErrorKind::Syntax,
        line: line as u32,
        end_line: line as u32,
        ..SyntaxError::internal(&message, "")
    }))
}
