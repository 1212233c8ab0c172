//! Encodes a publish as frames.

use std::io;

use lapin::types::ChannelId;

use crate::frame::{BODY, END, HEADER, METHOD, method};

/// Bytes of a frame besides its payload.
const FRAME_OVERHEAD: usize = 8;
/// Bit 0 of the flags of `basic.publish`.
const MANDATORY: u8 = 1;
/// Bytes of class, weight and body size.
const HEADER_BEFORE_PROPERTIES: usize = 12;
/// Estimated bytes of the frames of a message besides its body and properties. Avoids growing the buffer.
const USUAL_OVERHEAD: usize = 96;

/// Encodes a mandatory publish: a method frame, a header frame, and the body in frames of at most `frame_max` bytes (0: no
/// limit).
///
/// # Errors
/// When a name is longer than 255 bytes, or the properties do not fit into one frame: the protocol cannot split them.
pub(crate) fn publish(
    channel: ChannelId,
    (exchange, routing_key): (&str, &str),
    body: &[u8],
    properties: &[u8],
    frame_max: usize,
) -> Result<Vec<u8>, lapin::Error> {
    let room = match frame_max {
        0 => usize::MAX,
        _ => frame_max.saturating_sub(FRAME_OVERHEAD).max(1),
    };
    if HEADER_BEFORE_PROPERTIES + properties.len() > room {
        return Err(invalid("properties larger than a frame"));
    }
    let mut out = Vec::with_capacity(USUAL_OVERHEAD + properties.len() + body.len());
    frame(&mut out, METHOD, channel, |out| {
        out.extend(method::BASIC_PUBLISH.0.to_be_bytes());
        out.extend(method::BASIC_PUBLISH.1.to_be_bytes());
        out.extend([0, 0]);
        short_text(out, exchange)?;
        short_text(out, routing_key)?;
        out.push(MANDATORY);
        Ok(())
    })?;
    frame(&mut out, HEADER, channel, |out| {
        out.extend(method::BASIC_PUBLISH.0.to_be_bytes());
        out.extend([0, 0]);
        out.extend((body.len() as u64).to_be_bytes());
        out.extend_from_slice(properties);
        Ok(())
    })?;
    for part in body.chunks(room) {
        frame(&mut out, BODY, channel, |out| {
            out.extend_from_slice(part);
            Ok(())
        })?;
    }
    Ok(out)
}

/// Writes a frame whose payload the function `payload` writes.
fn frame(
    out: &mut Vec<u8>,
    kind: u8,
    channel: ChannelId,
    payload: impl FnOnce(&mut Vec<u8>) -> Result<(), lapin::Error>,
) -> Result<(), lapin::Error> {
    out.push(kind);
    out.extend(channel.to_be_bytes());
    let size_at = out.len();
    out.extend([0; 4]);
    payload(out)?;
    let size = out.len() - size_at - 4;
    let size = u32::try_from(size).map_err(|_| invalid("a frame of over 4 GiB"))?;
    out[size_at..size_at + 4].copy_from_slice(&size.to_be_bytes());
    out.push(END);
    Ok(())
}

fn short_text(out: &mut Vec<u8>, text: &str) -> Result<(), lapin::Error> {
    let length = u8::try_from(text.len()).map_err(|_| invalid("a name of over 255 bytes"))?;
    out.push(length);
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn invalid(reason: &str) -> lapin::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason).into()
}

#[cfg(test)]
mod tests {
    use amq_protocol::frame::{AMQPFrame, parse_frame};
    use lapin::BasicProperties;
    use lapin::protocol::{AMQPClass, basic};
    use lapin::types::{AMQPValue, FieldTable};

    use super::*;
    use crate::properties::Properties;

    fn read(mut bytes: &[u8]) -> Vec<AMQPFrame> {
        let mut frames = Vec::new();
        while !bytes.is_empty() {
            let (rest, frame) = parse_frame(bytes).expect("a frame");
            frames.push(frame);
            bytes = rest;
        }
        frames
    }

    #[test]
    fn a_publish_decodes_to_the_message_that_was_encoded() {
        let mut headers = FieldTable::default();
        headers.insert("x-notify-type".into(), AMQPValue::LongString("3".into()));
        let properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_message_id("d".repeat(64).into())
            .with_headers(headers);
        let encoded = Properties::with_correlation_id(5, &properties).expect("fits");
        let body: Vec<u8> = (0..=255).chain(0..144).collect();
        let bytes = publish(7, ("xiebao.notices", "notice.3"), &body, &encoded.bytes, 200).expect("fits");
        let frames = read(&bytes);
        let AMQPFrame::Method(7, AMQPClass::Basic(basic::AMQPMethod::Publish(publish))) = &frames[0] else {
            panic!("{:?}", frames[0]);
        };
        assert_eq!(
            (publish.exchange.as_str(), publish.routing_key.as_str()),
            ("xiebao.notices", "notice.3")
        );
        assert!(publish.mandatory && !publish.immediate);
        let AMQPFrame::Header(7, header) = &frames[1] else {
            panic!("{:?}", frames[1]);
        };
        let expected = properties.with_correlation_id("5".into());
        assert_eq!((header.body_size, &header.properties), (400, &expected));
        let parts = [&body[..192], &body[192..384], &body[384..]];
        let bodies: Vec<AMQPFrame> = parts.map(|part| AMQPFrame::Body(7, part.into())).into();
        assert_eq!(frames[2..], bodies);
    }

    #[test]
    fn an_empty_body_has_no_frame_and_names_or_properties_too_long_are_errors() {
        let none = [0, 0];
        let bytes = publish(1, ("", "queue"), b"", &none, 4_096).expect("fits");
        assert_eq!(read(&bytes).len(), 2);
        let long = "k".repeat(256);
        assert!(publish(1, ("", &long), b"", &none, 4_096).is_err());
        let properties = [0; 4_096 - 8 - 12];
        assert!(publish(1, ("", "queue"), b"", &properties, 4_096).is_ok());
        assert!(publish(1, ("", "queue"), b"", &[0; 4_096 - 8 - 11], 4_096).is_err());
    }
}
