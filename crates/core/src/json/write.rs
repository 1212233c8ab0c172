//! A tree as text without white space.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::Json;

#[derive(Clone, Copy)]
pub(super) enum Order {
    Received,
    Sorted,
}

pub(super) fn value(out: &mut String, json: &Json<'_>, order: Order, number: fn(&mut String, &str)) {
    match json {
        Json::Null => out.push_str("null"),
        Json::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Json::Number(spelling) => number(out, spelling),
        Json::String(text) => string(out, text),
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                value(out, item, order, number);
            }
            out.push(']');
        }
        Json::Object(members) => object(out, members, order, number),
    }
}

fn object(
    out: &mut String,
    members: &[(Cow<'_, str>, Json<'_>)],
    order: Order,
    number: fn(&mut String, &str),
) {
    let mut sequence: Vec<&(Cow<'_, str>, Json<'_>)> = members.iter().collect();
    if let Order::Sorted = order {
        // Stable: members of one name keep their received order.
        sequence.sort_by(|a, b| a.0.cmp(&b.0));
    }
    out.push('{');
    for (i, (key, member)) in sequence.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        string(out, key);
        out.push(':');
        value(out, member, order, number);
    }
    out.push('}');
}

/// JSON's minimal escapes: the quote, the backslash and control characters, nothing else.
fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
