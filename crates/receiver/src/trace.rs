//! The trace that a notice belongs to (W3C Trace Context, version 00).

use actix_web::http::header::HeaderMap;

/// The incoming `traceparent` if it is a valid one, else a new one.
pub(crate) fn traceparent(headers: &HeaderMap) -> String {
    let incoming = headers.get("traceparent").and_then(|value| value.to_str().ok());
    incoming
        .filter(|text| is_valid(text))
        .map_or_else(new, str::to_owned)
}

fn new() -> String {
    // Zero is not allowed for either id.
    let (trace, span) = (
        rand::random_range(1..=u128::MAX),
        rand::random_range(1..=u64::MAX),
    );
    format!("00-{trace:032x}-{span:016x}-01")
}

fn is_valid(text: &str) -> bool {
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let set = |part: &str| part.bytes().any(|b| b != b'0');
    match text.split('-').collect::<Vec<_>>()[..] {
        ["00", trace, span, flags] => {
            hex(trace, 32) && set(trace) && hex(span, 16) && set(span) && hex(flags, 2)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn headers(value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::from_static("traceparent"),
            HeaderValue::from_static(value),
        );
        headers
    }

    #[test]
    fn a_valid_trace_is_taken_on() {
        let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(traceparent(&headers(given)), given);
    }

    #[test]
    fn a_missing_or_invalid_trace_is_replaced_by_a_valid_one() {
        let invalid = [
            "",
            "nonsense",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        ];
        for value in invalid {
            let made = traceparent(&headers(value));
            assert!(is_valid(&made) && made != value, "{value:?} became {made:?}");
        }
        assert!(is_valid(&traceparent(&HeaderMap::new())));
    }
}
