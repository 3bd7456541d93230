//! Complex numbers as text.

use super::Parts;
use crate::float;

/// `(1+2j)`; `2j` where the real part is zero.
pub fn repr_text((re, im): Parts) -> String {
    let im_text = float::text(im, false);
    if re == 0.0 && re.is_sign_positive() {
        return format!("{im_text}j");
    }
    let sign = if im_text.starts_with('-') { "" } else { "+" };
    format!("({}{sign}{im_text}j)", float::text(re, false))
}
