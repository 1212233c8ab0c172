//! What a message says about itself, as bytes (AMQP 0-9-1, sections 4.2.5 and 4.2.6.1).

use amq_protocol::frame::WriteContext;
use lapin::BasicProperties;
use lapin::protocol::basic::gen_properties;

const CONTENT_TYPE: u16 = 1 << 15;
const HEADERS: u16 = 1 << 13;
const DELIVERY_MODE: u16 = 1 << 12;
const CORRELATION_ID: u16 = 1 << 10;
const MESSAGE_ID: u16 = 1 << 7;
const TIMESTAMP: u16 = 1 << 6;

const PERSISTENT: u8 = 2;
/// The type of a value in a table.
const LONG_TEXT: u8 = b'S';

/// In bytes: what most messages take.
const USUAL_LENGTH: usize = 512;

/// The properties of a persistent message, ready to be written.
#[derive(Debug)]
pub(in super::super) struct Properties {
    /// Its `correlation_id`, by which it is known when it comes back.
    pub mark: u64,
    pub bytes: Vec<u8>,
}

/// What is said of a notice beside its mark.
#[derive(Debug)]
pub(in super::super) struct About<'a> {
    pub message_id: &'a str,
    pub content_type: &'a str,
    /// In seconds since 1970.
    pub timestamp: u64,
    pub headers: &'a [(&'static str, String)],
}

impl Properties {
    /// Any properties at all, made persistent and marked.
    ///
    /// # Errors
    /// When one is longer than the protocol has room for.
    pub fn marked(mark: u64, properties: BasicProperties) -> Result<Self, lapin::Error> {
        let properties = properties
            .with_delivery_mode(PERSISTENT)
            .with_correlation_id(mark.to_string().into());
        let written = gen_properties(&properties)(WriteContext::from(Vec::new()));
        let written = written.map_err(|error| lapin::ErrorKind::SerialisationError(error.into()))?;
        let bytes = written.into_inner().0;
        Ok(Self { mark, bytes })
    }

    /// Those of a notice, which takes one buffer and no tree.
    pub fn of_notice(mark: u64, about: &About<'_>) -> Self {
        let flags = CONTENT_TYPE | HEADERS | DELIVERY_MODE | CORRELATION_ID | MESSAGE_ID | TIMESTAMP;
        let mut bytes = Vec::with_capacity(USUAL_LENGTH);
        bytes.extend(flags.to_be_bytes());
        short_text(&mut bytes, about.content_type);
        table(&mut bytes, about.headers);
        bytes.push(PERSISTENT);
        short_text(&mut bytes, &mark.to_string());
        short_text(&mut bytes, about.message_id);
        bytes.extend(about.timestamp.to_be_bytes());
        Self { mark, bytes }
    }
}

fn table(out: &mut Vec<u8>, entries: &[(&'static str, String)]) {
    let size_at = out.len();
    out.extend([0; 4]);
    for (name, value) in entries {
        short_text(out, name);
        out.push(LONG_TEXT);
        out.extend(size(value.len()));
        out.extend_from_slice(value.as_bytes());
    }
    let length = size(out.len() - size_at - 4);
    out[size_at..size_at + 4].copy_from_slice(&length);
}

/// Names and identifiers are of this program's making, and short.
fn short_text(out: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    out.push(length);
    out.extend_from_slice(&text.as_bytes()[..usize::from(length)]);
}

fn size(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use lapin::types::{AMQPValue, FieldTable};

    use super::*;

    #[test]
    fn those_of_a_notice_are_the_bytes_that_the_protocols_own_writer_makes() {
        let headers = [
            ("traceparent", "00-1".to_owned()),
            ("x-insure-num", "20260723448049".to_owned()),
            ("x-partner-id", String::new()),
        ];
        let mut table = FieldTable::default();
        for (name, value) in &headers {
            table.insert((*name).into(), AMQPValue::LongString(value.as_str().into()));
        }
        let digest = "d".repeat(64);
        let properties = BasicProperties::default()
            .with_message_id(digest.as_str().into())
            .with_content_type("application/json".into())
            .with_timestamp(1_772_366_400)
            .with_headers(table);
        let about = About {
            message_id: &digest,
            content_type: "application/json",
            timestamp: 1_772_366_400,
            headers: &headers,
        };
        let expected = Properties::marked(42, properties).expect("fits");
        assert_eq!(Properties::of_notice(42, &about).bytes, expected.bytes);
    }
}
