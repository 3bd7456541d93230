//! Addresses in a log, by the order in which they come up: `&0`, `&1`, …
//!
//! Codes, classes and other immortal things are known to a trace by their addresses, and so are machine code's cells and callees.
//! Those differ from run to run; with numbers in their place two runs of one program can be compared. The trace language reads
//! them ([`ir::text`]).
//!
//! The log is read for them when it is written, because only who promoted a number knows whether it is an address: one that lies in
//! mapped memory is taken for one.

use std::collections::HashMap;

#[derive(Default)]
pub(crate) struct Symbols {
    known: HashMap<u64, usize>,
}

impl Symbols {
    /// The text with symbols in the place of addresses: decimal numbers, hexadecimal ones as `0x7f00` or `7F00h`, and immediate
    /// integers `#7` whose words are addresses.
    pub(crate) fn replace(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
            let before = rest[..start].bytes().next_back();
            let end = start + rest[start..].find(|c: char| !is_word(c)).unwrap_or(rest.len() - start);
            let (token, after) = (&rest[start..end], rest[end..].bytes().next());
            // A part of a name, of a float, of a negative number.
            let is_part = before.is_some_and(|c| is_word(c.into()) || c == b'.' || c == b'-') || after == Some(b'.');
            out.push_str(&rest[..start]);
            match (!is_part).then(|| self.symbol(token, before == Some(b'#'))).flatten() {
                Some(symbol) => out.push_str(&format!("&{symbol}")),
                None => out.push_str(token),
            }
            rest = &rest[end..];
        }
        out.push_str(rest);
        out
    }

    fn symbol(&mut self, token: &str, is_immediate: bool) -> Option<usize> {
        let number = number(token)?;
        let address = if is_immediate { number.checked_mul(2)? } else { number };
        if let Some(&known) = self.known.get(&address) {
            return Some(known);
        }
        is_mapped(address).then(|| {
            let new = self.known.len();
            *self.known.entry(address).or_insert(new)
        })
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Shorter tokens are no addresses.
const SHORTEST: usize = 9;

fn number(token: &str) -> Option<u64> {
    if token.len() < SHORTEST {
        return None;
    }
    let hex = token.strip_prefix("0x").or_else(|| token.strip_suffix('h'));
    match hex {
        // Cranelift divides long ones.
        Some(hex) => u64::from_str_radix(&hex.replace('_', ""), 16).ok(),
        None => token.parse().ok(),
    }
}

/// Whether there is memory at the address. Small ones are numbers: nothing is mapped there.
fn is_mapped(address: u64) -> bool {
    const LOWEST: u64 = 1 << 32;
    const HIGHEST: u64 = 1 << 47;
    if !(LOWEST..HIGHEST).contains(&address) {
        return false;
    }
    // SAFETY: asks for a constant.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64;
    // SAFETY: with this flag the call changes nothing; it fails where nothing is mapped.
    unsafe { libc::msync((address & !(page - 1)) as *mut libc::c_void, page as usize, libc::MS_ASYNC) == 0 }
}

#[cfg(test)]
mod tests {
    use super::Symbols;

    #[test]
    fn addresses_become_symbols() {
        let (first, second) = (Box::new([7u64; 4]), Box::new([8u64; 4]));
        let [a, b] = [&raw const *first as u64, &raw const *second as u64];
        let mut symbols = Symbols::default();
        let text = format!("guard({a}) {{{b}:16 rerun}} #{} mov r11,0{a:X}h iconst 0x{b:x} {a}", b / 2);
        assert_eq!(symbols.replace(&text), "guard(&0) {&1:16 rerun} #&1 mov r11,&0 iconst &1 &0");
        for same in [format!("-{a}"), format!("{a}.0"), format!("f{a}"), format!("1.{a}"), "123456789012345".into()] {
            assert_eq!(symbols.replace(&same), same);
        }
        assert_eq!(symbols.replace(&format!("later {b}")), "later &1");
    }
}
