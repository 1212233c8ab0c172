//! The text of a number: as spelled, or in a normal form that all spellings of a value share.

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
