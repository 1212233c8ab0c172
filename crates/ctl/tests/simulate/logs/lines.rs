//! The lines of logs. Fields that can hold nothing but a number, a time, a digest or an address must look so; whatever
//! else a line says is free text, and searched.

use std::net::{IpAddr, SocketAddr};

use chrono::{DateTime, FixedOffset};
use serde_json::{Map, Value};

#[derive(Debug)]
pub struct Line {
    process: String,
    whole: String,
    fields: Map<String, Value>,
}

/// # Panics
/// When a line is no JSON object.
pub fn read(process: &str, log: &str) -> Vec<Line> {
    assert!(!log.is_empty(), "{process} has logged nothing");
    let parse = |whole: &str| Line {
        process: process.to_owned(),
        whole: whole.to_owned(),
        fields: serde_json::from_str(whole)
            .unwrap_or_else(|error| panic!("{process} has logged what is no JSON ({error}): {whole}")),
    };
    log.lines().map(parse).collect()
}

impl Line {
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str()
    }

    fn whole(&self) -> String {
        format!("{}: {}", self.process, self.whole)
    }

    /// Each with the whole line.
    ///
    /// # Panics
    /// When a field does not look as it must.
    pub fn free_texts(&self) -> Vec<(String, String)> {
        let mut texts = vec![];
        for (field, value) in &self.fields {
            let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match bound_shape(field, &plain) {
                Some(true) => {}
                Some(false) => panic!("{field} does not look like one: {}", self.whole()),
                None => texts.push((plain, self.whole())),
            }
        }
        texts
    }
}

/// The value has the shape of its field. `None` for free text.
fn bound_shape(field: &str, value: &str) -> Option<bool> {
    let hex = |length: usize| value.len() == length && value.bytes().all(|b| b.is_ascii_hexdigit());
    let small = || value.parse::<u32>().is_ok();
    Some(match field {
        "timestamp" => DateTime::<FixedOffset>::parse_from_rfc3339(value).is_ok(),
        "notice.type" | "partner.id" | "attempt.count" | "attempt.delay_ms" | "batch.size" | "count" => {
            small()
        }
        "notice.digest" => hex(64),
        "trace.id" => hex(32),
        "source.address" => value.parse::<IpAddr>().is_ok(),
        "http.address" => value.parse::<SocketAddr>().is_ok(),
        "http.path_is_default" => value.parse::<bool>().is_ok(),
        _ => return None,
    })
}
