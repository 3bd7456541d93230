//! The location table of a code object: CPython's `co_linetable`, see `Objects/locations.md` there.

use crate::code::Code;

/// Where an instruction stands in the source. Lines count from 1, columns from 0 in UTF-8 bytes; each may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    pub line: Option<u32>,
    pub end_line: Option<u32>,
    pub column: Option<u32>,
    pub end_column: Option<u32>,
}

/// The positions of all instructions of `code`.
pub(crate) fn decode(code: &Code) -> Box<[Position]> {
    let mut result = Vec::with_capacity(code.raw_offsets.len());
    let mut offsets = code.raw_offsets.iter().copied().peekable();
    let mut end_unit = 0;
    for (units, position) in Entries::new(&code.line_table, code.first_line) {
        end_unit += units;
        while offsets.next_if(|&offset| offset / 2 < end_unit).is_some() {
            result.push(position);
        }
    }
    result.resize(code.raw_offsets.len(), Position::default());
    result.into_boxed_slice()
}

/// Iterates over a table: how many code units an entry covers, and their position.
pub struct Entries<'a> {
    table: &'a [u8],
    line: i64,
}

impl<'a> Entries<'a> {
    pub fn new(table: &'a [u8], first_line: u32) -> Entries<'a> {
        Entries { table, line: i64::from(first_line) }
    }

    fn byte(&mut self) -> u8 {
        match self.table.split_first() {
            Some((&byte, rest)) => {
                self.table = rest;
                byte
            }
            None => 0,
        }
    }

    /// Six bits a byte, lowest first; bit 6 says that more follow.
    fn varint(&mut self) -> u32 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            value |= u32::from(byte & 63).wrapping_shl(shift);
            shift += 6;
            if byte & 64 == 0 {
                return value;
            }
        }
    }

    fn signed_varint(&mut self) -> i64 {
        let value = self.varint();
        let magnitude = i64::from(value >> 1);
        if value & 1 == 0 { magnitude } else { -magnitude }
    }
}

impl Iterator for Entries<'_> {
    type Item = (u32, Position);

    fn next(&mut self) -> Option<(u32, Position)> {
        if self.table.is_empty() {
            return None;
        }
        let head = self.byte();
        let units = u32::from(head & 7) + 1;
        let code = (head >> 3) & 15;
        let position = match code {
            15 => Position::default(),
            14 => {
                self.line += self.signed_varint();
                let end_line = self.line + i64::from(self.varint());
                let column = self.varint().checked_sub(1);
                let end_column = self.varint().checked_sub(1);
                Position { line: Some(self.line as u32), end_line: Some(end_line as u32), column, end_column }
            }
            13 => {
                self.line += self.signed_varint();
                Position {
                    line: Some(self.line as u32),
                    end_line: Some(self.line as u32),
                    column: None,
                    end_column: None,
                }
            }
            10..=12 => {
                self.line += i64::from(code - 10);
                let column = u32::from(self.byte());
                let end_column = u32::from(self.byte());
                on_one_line(self.line, column, end_column)
            }
            _ => {
                let second = u32::from(self.byte());
                let column = u32::from(code) << 3 | second >> 4;
                on_one_line(self.line, column, column + (second & 15))
            }
        };
        Some((units, position))
    }
}

fn on_one_line(line: i64, column: u32, end_column: u32) -> Position {
    Position {
        line: Some(line as u32),
        end_line: Some(line as u32),
        column: Some(column),
        end_column: Some(end_column),
    }
}
