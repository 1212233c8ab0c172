//! The header `traceparent` (W3C Trace Context, version 00): the trace that a notice belongs to.

use std::fmt;

/// A position in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace. Never 0.
    pub trace_id: u128,
    /// The parent span. Never 0.
    pub span_id: u64,
    /// Trace flags; bit 0 is `sampled`.
    pub flags: u8,
}

impl TraceParent {
    /// `None` if the header is not a valid `traceparent` of version 00.
    pub fn parse(text: &str) -> Option<Self> {
        let ["00", trace, span, flags] = text.split('-').collect::<Vec<_>>()[..] else {
            return None;
        };
        let parsed = Self {
            trace_id: u128::from_str_radix(hex(trace, 32)?, 16).ok()?,
            span_id: u64::from_str_radix(hex(span, 16)?, 16).ok()?,
            flags: u8::from_str_radix(hex(flags, 2)?, 16).ok()?,
        };
        (parsed.trace_id != 0 && parsed.span_id != 0).then_some(parsed)
    }

    /// The trace id for logs: 32 hex digits.
    pub fn trace(self) -> impl fmt::Display {
        Trace(self.trace_id)
    }

    /// The sender that began the trace asks for it to be recorded.
    pub fn is_sampled(self) -> bool {
        self.flags & 1 == 1
    }
}

struct Trace(u128);

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

fn hex(part: &str, length: usize) -> Option<&str> {
    let lower = |b| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    (part.len() == length && part.bytes().all(lower)).then_some(part)
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace_id, self.span_id, self.flags
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_header_survives_parsing_and_writing() {
        for text in [
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000001-0000000000000001-00",
        ] {
            assert_eq!(TraceParent::parse(text).expect("valid").to_string(), text);
        }
    }

    #[test]
    fn an_invalid_header_is_none() {
        let invalid = [
            "",
            "nonsense",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        ];
        for text in invalid {
            assert_eq!(TraceParent::parse(text), None, "{text:?}");
        }
    }
}
