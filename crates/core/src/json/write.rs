//! Writes a tree as text without white space.

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
    // Most senders sort their keys already.
    if matches!(order, Order::Received) || members.is_sorted_by(|a, b| a.0 <= b.0) {
        return sequence(out, members.iter(), order, number);
    }
    let mut sorted: Vec<&(Cow<'_, str>, Json<'_>)> = members.iter().collect();
    // The sort is stable, so members with the same key keep their received order.
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    sequence(out, sorted.into_iter(), order, number);
}

fn sequence<'m, 'a: 'm>(
    out: &mut String,
    members: impl Iterator<Item = &'m (Cow<'a, str>, Json<'a>)>,
    order: Order,
    number: fn(&mut String, &str),
) {
    out.push('{');
    for (i, (key, member)) in members.enumerate() {
        if i > 0 {
            out.push(',');
        }
        string(out, key);
        out.push(':');
        value(out, member, order, number);
    }
    out.push('}');
}

/// Escapes only the quote, the backslash and control characters, as JSON requires.
fn string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|b| b < b' ' || b == b'"' || b == b'\\') {
        out.push_str(&rest[..at]);
        escape(out, rest.as_bytes()[at]);
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

fn escape(out: &mut String, byte: u8) {
    match byte {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        0x8 => out.push_str("\\b"),
        0xc => out.push_str("\\f"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        control => {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{control:04x}");
        }
    }
}
