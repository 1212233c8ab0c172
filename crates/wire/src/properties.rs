//! Encodes the properties of a message (AMQP 0-9-1, sections 4.2.5 and 4.2.6.1).

use amq_protocol::frame::WriteContext;
use lapin::BasicProperties;
use lapin::protocol::basic::gen_properties;
use lapin::types::{AMQPValue, FieldTable, ShortString};

/// `delivery_mode` of a message that the broker writes to disk.
const PERSISTENT: u8 = 2;

/// Flags of the properties of a notice.
const CONTENT_TYPE: u16 = 1 << 15;
const HEADERS: u16 = 1 << 13;
const DELIVERY_MODE: u16 = 1 << 12;
const CORRELATION_ID: u16 = 1 << 10;
const MESSAGE_ID: u16 = 1 << 7;
const TIMESTAMP: u16 = 1 << 6;

/// The type of a long string in a table.
const LONG_STRING: u8 = b'S';

/// Initial capacity, in bytes. The properties of most notices fit.
const USUAL_LENGTH: usize = 512;

/// The encoded properties of a persistent message.
#[derive(Debug)]
pub(crate) struct Properties {
    /// Identifies the message if the broker returns it.
    pub correlation_id: u64,
    pub bytes: Vec<u8>,
}

impl Properties {
    /// Encodes the properties with the delivery mode "persistent" and the correlation id.
    ///
    /// # Errors
    /// When lapin's encoder fails.
    pub fn with_correlation_id(
        correlation_id: u64,
        properties: &BasicProperties,
    ) -> Result<Self, lapin::Error> {
        let id = correlation_id.to_string();
        let bytes = match of_notice(properties, &id) {
            Some(bytes) => bytes,
            None => any(properties.clone(), id)?,
        };
        Ok(Self {
            correlation_id,
            bytes,
        })
    }
}

/// Encodes the properties that notices have into one buffer, on the hot path. `None` if there are others, or
/// a header is not a long string.
fn of_notice(properties: &BasicProperties, correlation_id: &str) -> Option<Vec<u8>> {
    let (content_type, headers) = (
        properties.content_type().as_ref()?,
        properties.headers().as_ref()?,
    );
    let (message_id, timestamp) = (
        properties.message_id().as_ref()?,
        properties.timestamp().as_ref()?,
    );
    if has_others(properties) {
        return None;
    }
    let flags = CONTENT_TYPE | HEADERS | DELIVERY_MODE | CORRELATION_ID | MESSAGE_ID | TIMESTAMP;
    let mut bytes = Vec::with_capacity(USUAL_LENGTH);
    bytes.extend(flags.to_be_bytes());
    short_string(&mut bytes, content_type.as_str())?;
    table(&mut bytes, headers)?;
    bytes.push(PERSISTENT);
    short_string(&mut bytes, correlation_id)?;
    short_string(&mut bytes, message_id.as_str())?;
    bytes.extend(timestamp.to_be_bytes());
    Some(bytes)
}

/// True if the message has a property that no notice has.
fn has_others(properties: &BasicProperties) -> bool {
    let texts: [&Option<ShortString>; 7] = [
        properties.content_encoding(),
        properties.reply_to(),
        properties.expiration(),
        properties.kind(),
        properties.user_id(),
        properties.app_id(),
        properties.cluster_id(),
    ];
    properties.priority().is_some() || texts.iter().any(|text| text.is_some())
}

fn table(out: &mut Vec<u8>, table: &FieldTable) -> Option<()> {
    let size_at = out.len();
    out.extend([0; 4]);
    for (name, value) in table.inner() {
        let AMQPValue::LongString(value) = value else {
            return None;
        };
        short_string(out, name.as_str())?;
        out.push(LONG_STRING);
        out.extend(u32::try_from(value.as_bytes().len()).ok()?.to_be_bytes());
        out.extend_from_slice(value.as_bytes());
    }
    let size = u32::try_from(out.len() - size_at - 4).ok()?;
    out[size_at..size_at + 4].copy_from_slice(&size.to_be_bytes());
    Some(())
}

fn short_string(out: &mut Vec<u8>, text: &str) -> Option<()> {
    out.push(u8::try_from(text.len()).ok()?);
    out.extend_from_slice(text.as_bytes());
    Some(())
}

/// lapin's encoder.
fn any(properties: BasicProperties, correlation_id: String) -> Result<Vec<u8>, lapin::Error> {
    let properties = properties
        .with_delivery_mode(PERSISTENT)
        .with_correlation_id(correlation_id.into());
    let written = gen_properties(&properties)(WriteContext::from(Vec::new()));
    let written = written.map_err(|error| lapin::ErrorKind::SerialisationError(error.into()))?;
    Ok(written.into_inner().0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_a_notice() -> BasicProperties {
        let mut headers = FieldTable::default();
        for (name, value) in [
            ("traceparent", "00-1"),
            ("x-insure-num", "20260723448049"),
            ("x-empty", ""),
        ] {
            headers.insert(name.into(), AMQPValue::LongString(value.into()));
        }
        BasicProperties::default()
            .with_content_type("application/json".into())
            .with_message_id("d".repeat(64).into())
            .with_timestamp(1_772_366_400)
            .with_headers(headers)
    }

    #[test]
    fn the_properties_of_a_notice_are_the_bytes_that_lapin_writes() {
        let long = of_a_notice().with_message_id("d".repeat(255).into());
        for properties in [of_a_notice(), long] {
            let bytes = of_notice(&properties, "42").expect("a notice's");
            assert_eq!(bytes, any(properties, "42".to_owned()).expect("fits"));
        }
    }

    #[test]
    fn other_properties_are_left_to_lapin() {
        let mut number = FieldTable::default();
        number.insert("x".into(), AMQPValue::LongInt(1));
        let others = [
            BasicProperties::default(),
            of_a_notice().with_headers(number),
            of_a_notice().with_priority(1),
            of_a_notice().with_content_encoding("gzip".into()),
            of_a_notice().with_reply_to("q".into()),
            of_a_notice().with_expiration("1".into()),
            of_a_notice().with_type("k".into()),
            of_a_notice().with_user_id("u".into()),
            of_a_notice().with_app_id("a".into()),
            of_a_notice().with_cluster_id("c".into()),
        ];
        for properties in others {
            assert_eq!(of_notice(&properties, "42"), None, "{properties:?}");
            let encoded = Properties::with_correlation_id(42, &properties).expect("fits");
            assert_eq!(encoded.bytes, any(properties, "42".to_owned()).expect("fits"));
        }
    }
}
