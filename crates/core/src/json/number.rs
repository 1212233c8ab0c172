//! The text of a number: as spelled, or in a normal form that all spellings of a value share; and whole numbers.

use std::borrow::Cow;

/// Up to here a double holds every whole number: 2^53.
const EXACT: u64 = 1 << 53;

/// The whole number within 64 bits that a spelling stands for: `100`, `100.0` and `1e2` alike, because the digest is the same.
/// `100.5` is none, nor is anything else that JSON does not call a number; only leading zeros are allowed.
pub fn whole(spelling: &str) -> Option<i64> {
    if is_integer(spelling) {
        return spelling.parse().ok();
    }
    if !is_number(spelling) {
        return None;
    }
    let normal = normal_form(spelling)?;
    let (digits, zeros) = normal.split_once('e').unwrap_or((&normal, "0"));
    let zeros: usize = zeros.parse().ok().filter(|zeros| *zeros <= 18)?;
    format!("{digits}{}", "0".repeat(zeros)).parse().ok()
}

/// The text that a whole number stands for where text is expected: its digits.
///
/// A fraction or an exponent shows that the sender holds the number as a double. Beyond 2^53 a double has lost digits, so such a
/// spelling is no text there: a guessed number would name another proposal or person.
pub fn digits(spelling: &str) -> Option<Cow<'_, str>> {
    if spelling != "-0" && is_integer(spelling) {
        return Some(Cow::Borrowed(spelling));
    }
    let number = whole(spelling)?;
    (number.unsigned_abs() <= EXACT).then(|| Cow::Owned(number.to_string()))
}

fn is_number(text: &str) -> bool {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    is_integer(whole)
        && are_digits(fraction)
        && are_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
}

fn is_integer(text: &str) -> bool {
    are_digits(text.strip_prefix('-').unwrap_or(text))
}

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

pub(super) fn as_spelled(out: &mut String, spelling: &str) {
    out.push_str(spelling);
}

/// `-12.50e3` → `-125e2`: sign, digits without zeros at either end, power of ten. `0`, `-0` and `0.0` become `0`.
/// A number with an exponent of more than 18 digits keeps its spelling, so that no arithmetic overflows.
pub(super) fn canonical(out: &mut String, spelling: &str) {
    if is_normal(spelling) {
        return out.push_str(spelling);
    }
    match normal_form(spelling) {
        Some(text) => out.push_str(&text),
        None => out.push_str(spelling),
    }
}

/// The number is whole and has no zeros at either end, as most numbers do.
fn is_normal(spelling: &str) -> bool {
    let digits = spelling.strip_prefix('-').unwrap_or(spelling).as_bytes();
    digits.iter().all(u8::is_ascii_digit) && !matches!(digits, [] | [b'0', ..] | [.., b'0'])
}

fn normal_form(spelling: &str) -> Option<String> {
    let (negative, unsigned) = match spelling.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, spelling),
    };
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    if exponent.len() > 18 {
        return None;
    }
    let exponent: i64 = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    let dropped = digits.len() - digits.trim_end_matches('0').len();
    let power = exponent - i64::try_from(fraction.len()).ok()? + i64::try_from(dropped).ok()?;
    let sign = if negative { "-" } else { "" };
    Some(if power == 0 {
        format!("{sign}{significant}")
    } else {
        format!("{sign}{significant}e{power}")
    })
}
