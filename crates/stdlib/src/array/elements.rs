//! Elements of arrays as values.

use heap::Value;
use num_bigint::{BigInt, Sign};
use objects::array_layout::{Array, ELEMENT_KINDS};
use objects::error::{PyResult, Raised};
use objects::vm::Vm;

/// An element's bytes, at the front.
pub type Element = [u8; 8];

/// A type code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ElementType(char);

pub fn kind_of(array: &Array) -> ElementType {
    ElementType(ELEMENT_KINDS[array.kind.get() as usize].typecode)
}

/// The value of a float or small int.
#[inline(always)]
pub fn plain_float(vm: &Vm, value: Value) -> Option<f64> {
    if value.is_int() { Some(value.as_int() as f64) } else { vm.as_f64(value) }
}

impl ElementType {
    /// The number that [`Array::kind`] holds for a type code.
    pub fn number(typecode: char) -> Option<i64> {
        ELEMENT_KINDS.iter().position(|kind| kind.typecode == typecode).map(|number| number as i64)
    }

    pub fn typecode(self) -> char {
        self.0
    }

    pub fn size(self) -> usize {
        match self.0 {
            'b' | 'B' => 1,
            'h' | 'H' => 2,
            'u' | 'w' | 'i' | 'I' | 'f' => 4,
            _ => 8,
        }
    }

    pub fn is_text(self) -> bool {
        matches!(self.0, 'u' | 'w')
    }

    pub fn is_signed(self) -> bool {
        matches!(self.0, 'b' | 'h' | 'i' | 'l' | 'q')
    }

    pub fn is_float(self) -> bool {
        matches!(self.0, 'f' | 'd')
    }

    /// For the buffer protocol.
    pub fn format(self) -> &'static str {
        const FORMATS: [&str; 14] = ["b", "B", "w", "h", "H", "i", "I", "l", "L", "q", "Q", "f", "d", "w"];
        FORMATS[ElementType::number(self.0).expect("a type code") as usize]
    }

    pub fn load(self, vm: &mut Vm, bytes: &[u8]) -> PyResult {
        let mut element = [0; 8];
        element[..bytes.len()].copy_from_slice(bytes);
        Ok(match self.0 {
            'f' => vm.float(f32::from_ne_bytes([element[0], element[1], element[2], element[3]]) as f64),
            'd' => vm.float(f64::from_ne_bytes(element)),
            'u' | 'w' => {
                let code = u64::from_le_bytes(element) as u32;
                // Raw memory may hold what is no code point.
                if code > 0x10ffff {
                    return Err(vm.value_error(format!("character U+{code:x} is not in range [U+0000; U+10ffff]")));
                }
                vm.new_str_code_point(code)
            }
            'L' | 'Q' => vm.int_from_u64(u64::from_le_bytes(element)),
            _ if self.is_signed() => {
                let unused = 64 - 8 * bytes.len() as u32;
                vm.int(i64::from_le_bytes(element) << unused >> unused)
            }
            _ => vm.int(i64::from_le_bytes(element)),
        })
    }

    /// The bytes of a float or small int as an element, if that takes no conversion that may fail. Of no text.
    #[inline]
    pub fn pack_plain(self, vm: &Vm, value: Value) -> Option<Element> {
        if self.is_float() {
            let x = plain_float(vm, value)?;
            if self.0 == 'd' {
                return Some(x.to_ne_bytes());
            }
            let mut element = [0; 8];
            element[..4].copy_from_slice(&(x as f32).to_ne_bytes());
            return Some(element);
        }
        let number = value.is_int().then(|| value.as_int())?;
        let bits = 8 * self.size() as u32;
        let fits = match (self.is_signed(), bits) {
            (true, 64) => true,
            (true, _) => number >> (bits - 1) == number >> 63,
            (false, 64) => number >= 0,
            (false, _) => number >> bits == 0,
        };
        fits.then(|| number.to_le_bytes())
    }

    /// The bytes of `value` as an element. May run Python code.
    pub fn pack(self, vm: &mut Vm, value: Value) -> PyResult<Element> {
        match self.0 {
            'f' => {
                let mut element = [0; 8];
                element[..4].copy_from_slice(&(vm.to_f64(value)? as f32).to_ne_bytes());
                Ok(element)
            }
            'd' => Ok(vm.to_f64(value)?.to_ne_bytes()),
            'u' | 'w' => {
                if !vm.is_str(value) {
                    let given = vm.type_name(value);
                    return Err(vm.type_error(format!("array item must be a unicode character, not {given}")));
                }
                match objects::str::single_code_point(vm, value) {
                    Some(code) => Ok((code as u64).to_le_bytes()),
                    None => {
                        let len = objects::str::length(vm.exact_str(value));
                        Err(vm.type_error(format!(
                            "array item must be a unicode character, not a string of length {len}"
                        )))
                    }
                }
            }
            _ => {
                let number = vm.index_big(value)?;
                match vm.as_i64(number) {
                    Some(number) => self.pack_int(vm, number),
                    None => {
                        let big = vm.as_bigint(number).expect("an int");
                        self.pack_big(vm, &big)
                    }
                }
            }
        }
    }

    fn pack_int(self, vm: &mut Vm, number: i64) -> PyResult<Element> {
        // The C types that values pass through on their way decide on the text.
        let (low, high, what) = match self.0 {
            'b' if i16::try_from(number).is_ok() => (i8::MIN as i64, i8::MAX as i64, "signed char"),
            'b' | 'h' => (i16::MIN as i64, i16::MAX as i64, "signed short integer"),
            'B' => (0, u8::MAX as i64, "unsigned byte integer"),
            'H' if i32::try_from(number).is_ok() => (0, u16::MAX as i64, "unsigned short"),
            'H' | 'i' => (i32::MIN as i64, i32::MAX as i64, "signed integer"),
            'I' | 'L' if number < 0 => {
                return Err(vm.overflow_error("can't convert negative value to unsigned int"));
            }
            'Q' if number < 0 => return Err(vm.overflow_error("can't convert negative int to unsigned")),
            'I' => (0, u32::MAX as i64, "unsigned int"),
            _ => (i64::MIN, i64::MAX, ""),
        };
        if number < low {
            return Err(vm.overflow_error(format!("{what} is less than minimum")));
        }
        if number > high {
            return Err(vm.overflow_error(format!("{what} is greater than maximum")));
        }
        Ok(number.to_le_bytes())
    }

    fn pack_big(self, vm: &mut Vm, number: &BigInt) -> PyResult<Element> {
        let negative = number.sign() == Sign::Minus;
        let overflow = |vm: &mut Vm, text: &str| -> Raised { vm.overflow_error(text) };
        match (self.0, u64::try_from(number)) {
            ('L' | 'Q', Ok(number)) => Ok(number.to_le_bytes()),
            ('I' | 'L', _) if negative => Err(overflow(vm, "can't convert negative value to unsigned int")),
            ('I', _) if u64::try_from(number).is_ok() => Err(overflow(vm, "unsigned int is greater than maximum")),
            ('I' | 'L', _) => Err(overflow(vm, "Python int too large to convert to C unsigned long")),
            ('Q', _) if negative => Err(overflow(vm, "can't convert negative int to unsigned")),
            ('q' | 'Q', _) => Err(overflow(vm, "int too big to convert")),
            _ => Err(overflow(vm, "Python int too large to convert to C long")),
        }
    }
}
