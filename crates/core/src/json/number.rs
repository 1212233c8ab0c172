//! The text of a number: as it is spelled, or in one form for all spellings of the same value.

pub(super) fn as_spelled(out: &mut String, spelling: &str) {
    out.push_str(spelling);
}

/// `-12.50e3` → `-125e2`: sign, digits without zeros at either end, a power of ten. `0`, `-0` and `0.0` are `0`.
/// An exponent beyond 18 digits keeps its spelling, so that no arithmetic can overflow.
pub(super) fn canonical(out: &mut String, spelling: &str) {
    if is_normal(spelling) {
        return out.push_str(spelling);
    }
    match normal_form(spelling) {
        Some(text) => out.push_str(&text),
        None => out.push_str(spelling),
    }
}

/// Most numbers are: whole, without zeros at either end.
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
