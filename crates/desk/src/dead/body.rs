//! A body laid out for reading. Numbers keep their spelling and a repeated key appears twice, since either may be the fault.

use xiebao_core::json::Json;

use crate::screen::plain;

/// One member per line. A body that is not JSON appears as it is, on one line.
pub fn pretty(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    match Json::parse(&text) {
        Ok(value) => format!("{}\n", laid_out(&value, 0)),
        Err(_) => format!("{}\n", plain(&text)),
    }
}

fn laid_out(value: &Json<'_>, depth: usize) -> String {
    match value {
        Json::Array(items) if !items.is_empty() => {
            let items = items.iter().map(|item| laid_out(item, depth + 1));
            block('[', items, ']', depth)
        }
        Json::Object(members) if !members.is_empty() => {
            let members = members
                .iter()
                .map(|(key, value)| format!("{}: {}", quoted(key), laid_out(value, depth + 1)));
            block('{', members, '}', depth)
        }
        Json::String(text) => quoted(text),
        short => short.compact(),
    }
}

fn block(open: char, lines: impl Iterator<Item = String>, close: char, depth: usize) -> String {
    let (inner, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    let lines: Vec<String> = lines.map(|line| format!("{inner}{line}")).collect();
    format!("{open}\n{}\n{outer}{close}", lines.join(",\n"))
}

fn quoted(text: &str) -> String {
    plain(&serde_json::Value::from(text).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_laid_out_without_losing_a_spelling() {
        let body = br#"{"a":[1.50,{}],"a":"\u001b[2J","b":{"c":null}}"#;
        let expected = "{\n  \"a\": [\n    1.50,\n    {}\n  ],\n  \"a\": \"\\u001b[2J\",\n  \"b\": {\n    \"c\": null\n  }\n}\n";
        assert_eq!(pretty(body), expected);
    }

    #[test]
    fn a_body_that_is_not_json_cannot_command_the_terminal() {
        assert_eq!(pretty(b"\x1b[2Joops\xff"), "\\u{1b}[2Joops\u{fffd}\n");
    }
}
