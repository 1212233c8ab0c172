//! Frames as bytes, looked at no further than needed (AMQP 0-9-1, sections 2.3 and 4.2).

use std::io;

use lapin::types::ChannelId;
use thiserror::Error;

/// Type, channel and size before the payload.
const HEAD: usize = 7;
/// The octet after the payload.
pub(crate) const END: u8 = 0xCE;

pub(crate) const METHOD: u8 = 1;
pub(crate) const HEADER: u8 = 2;
pub(crate) const BODY: u8 = 3;
const KEEP_ALIVE: u8 = 8;
const KINDS: [u8; 4] = [METHOD, HEADER, BODY, KEEP_ALIVE];

/// A heartbeat, whole.
pub(crate) const HEARTBEAT: [u8; 8] = [KEEP_ALIVE, 0, 0, 0, 0, 0, 0, END];

/// `connection.close`, whole: reply code 200, no text, because of no method.
pub(crate) const FAREWELL: [u8; 19] = [
    METHOD, 0, 0, 0, 0, 0, 11, 0, 10, 0, 50, 0, 200, 0, 0, 0, 0, 0, END,
];

/// What a client begins with, which is no frame.
const PROTOCOL_HEADER: (u8, usize) = (b'A', 8);

/// Class and method: <https://www.rabbitmq.com/amqp-0-9-1-reference>
pub(crate) mod method {
    pub const CONNECTION_CLOSE: (u16, u16) = (10, 50);
    pub const CHANNEL_CLOSE: (u16, u16) = (20, 40);
    pub const BASIC_PUBLISH: (u16, u16) = (60, 40);
    pub const BASIC_RETURN: (u16, u16) = (60, 50);
    pub const BASIC_ACK: (u16, u16) = (60, 80);
    pub const BASIC_NACK: (u16, u16) = (60, 120);
}

/// In bytes: larger than any that was agreed upon. What claims to be larger is no frame, and is not waited for.
const LARGEST: usize = 16 * 1024 * 1024;

/// What came is not made of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("what came is not AMQP 0-9-1")]
pub(crate) struct Garbled;

impl From<Garbled> for lapin::Error {
    fn from(garbled: Garbled) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, garbled).into()
    }
}

/// One whole frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'b> {
    pub bytes: &'b [u8],
}

/// A broker's word on messages of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Confirm {
    pub tag: u64,
    /// Of all messages up to this one.
    pub multiple: bool,
    pub stored: bool,
}

impl<'b> Frame<'b> {
    /// The frame that the bytes begin with, once it is whole. Before anything else there may be a `greeting`, which is no
    /// frame: what the client begins with, and a broker of another version answers.
    pub fn first_of(bytes: &'b [u8], greeting: bool) -> Result<Option<Self>, Garbled> {
        let length = match bytes {
            [first, ..] if greeting && *first == PROTOCOL_HEADER.0 => {
                return Ok(bytes.get(..PROTOCOL_HEADER.1).map(|bytes| Self { bytes }));
            }
            [kind, _, _, a, b, c, d, ..] if KINDS.contains(kind) => {
                let size = u32::from_be_bytes([*a, *b, *c, *d]);
                usize::try_from(size)
                    .map_err(|_| Garbled)?
                    .saturating_add(HEAD + 1)
            }
            [kind, ..] if !KINDS.contains(kind) => return Err(Garbled),
            _ => return Ok(None),
        };
        if length > LARGEST {
            return Err(Garbled);
        }
        match bytes.get(..length) {
            Some(bytes) if !bytes.ends_with(&[END]) => Err(Garbled),
            whole => Ok(whole.map(|bytes| Self { bytes })),
        }
    }

    pub fn kind(self) -> u8 {
        self.bytes[0]
    }

    pub fn channel(self) -> ChannelId {
        u16::from_be_bytes([self.bytes[1], self.bytes[2]])
    }

    pub fn payload(self) -> &'b [u8] {
        &self.bytes[HEAD..self.bytes.len() - 1]
    }

    /// Class and method, if it is a method.
    pub fn method(self) -> Option<(u16, u16)> {
        match self.payload() {
            [a, b, c, d, ..] if self.kind() == METHOD => {
                Some((u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])))
            }
            _ => None,
        }
    }

    /// `basic.ack` or `basic.nack`.
    pub fn confirm(self) -> Option<Confirm> {
        let stored = match self.method()? {
            method::BASIC_ACK => true,
            method::BASIC_NACK => false,
            _ => return None,
        };
        let (tag, [flags]) = self.payload()[4..].split_first_chunk()? else {
            return None;
        };
        Some(Confirm {
            tag: u64::from_be_bytes(*tag),
            multiple: flags & 1 == 1,
            stored,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NACK_UP_TO_258: [u8; 21] = [
        1, 0, 3, 0, 0, 0, 13, 0, 60, 0, 120, 0, 0, 0, 0, 0, 0, 1, 2, 1, END,
    ];

    fn first_of(bytes: &[u8]) -> Option<Frame<'_>> {
        Frame::first_of(bytes, false).expect("no garble")
    }

    #[test]
    fn a_frame_is_there_once_its_last_byte_is() {
        let bytes = [&NACK_UP_TO_258[..], &HEARTBEAT].concat();
        for length in 0..NACK_UP_TO_258.len() {
            assert!(
                matches!(Frame::first_of(&bytes[..length], false), Ok(None)),
                "{length}"
            );
        }
        let frame = first_of(&bytes).expect("whole");
        assert_eq!((frame.bytes.len(), frame.channel()), (21, 3));
    }

    #[test]
    fn a_greeting_is_there_at_the_beginning_only() {
        let greeting = b"AMQP\0\0\x09\x01";
        assert!(matches!(Frame::first_of(&greeting[..7], true), Ok(None)));
        let frame = Frame::first_of(greeting, true).expect("no garble");
        assert_eq!(frame.expect("whole").bytes.len(), 8);
        assert!(matches!(Frame::first_of(greeting, false), Err(Garbled)));
    }

    #[test]
    fn what_is_no_frame_is_known_at_once() {
        let mut bytes = NACK_UP_TO_258;
        bytes[20] = 0;
        assert!(matches!(Frame::first_of(&bytes, false), Err(Garbled)));
        // It claims four gigabytes.
        assert!(matches!(
            Frame::first_of(&[1, 0, 0, 255, 255, 255, 255], false),
            Err(Garbled)
        ));
        // A web server's answer where the broker is expected.
        assert!(matches!(Frame::first_of(b"HTTP/1.1 400", true), Err(Garbled)));
    }

    #[test]
    fn the_farewell_is_one_whole_frame() {
        let frame = first_of(&FAREWELL).expect("whole");
        assert_eq!(frame.bytes.len(), FAREWELL.len());
        assert_eq!(frame.method(), Some(method::CONNECTION_CLOSE));
        assert!(amq_protocol::frame::parse_frame(&FAREWELL[..]).is_ok());
    }

    #[test]
    fn a_confirm_is_read() {
        let frame = first_of(&NACK_UP_TO_258).expect("whole");
        let confirm = Confirm {
            tag: 258,
            multiple: true,
            stored: false,
        };
        assert_eq!(frame.confirm(), Some(confirm));
        let heartbeat = first_of(&HEARTBEAT).expect("whole");
        assert_eq!((heartbeat.method(), heartbeat.confirm()), (None, None));
    }
}
