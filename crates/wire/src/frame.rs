//! Splits bytes into frames and reads only the fields that the relay needs (AMQP 0-9-1, sections 2.3 and 4.2).

use std::io;

use lapin::types::ChannelId;
use thiserror::Error;

/// Bytes before the payload: type, channel and size.
const HEAD: usize = 7;
/// The octet after the payload.
pub(crate) const END: u8 = 0xCE;

pub(crate) const METHOD: u8 = 1;
pub(crate) const HEADER: u8 = 2;
pub(crate) const BODY: u8 = 3;
const HEARTBEAT_KIND: u8 = 8;
const KINDS: [u8; 4] = [METHOD, HEADER, BODY, HEARTBEAT_KIND];

/// A whole heartbeat frame.
pub(crate) const HEARTBEAT: [u8; 8] = [HEARTBEAT_KIND, 0, 0, 0, 0, 0, 0, END];

/// A whole frame with `connection.close`: reply code 200, no text, no failed method.
pub(crate) const CLOSE_CONNECTION: [u8; 19] = [
    METHOD, 0, 0, 0, 0, 0, 11, 0, 10, 0, 50, 0, 200, 0, 0, 0, 0, 0, END,
];

/// First byte and length of the protocol header, which a client sends before its first frame.
const PROTOCOL_HEADER: (u8, usize) = (b'A', 8);

/// Class and method numbers: <https://www.rabbitmq.com/amqp-0-9-1-reference>
pub(crate) mod method {
    pub const CONNECTION_CLOSE: (u16, u16) = (10, 50);
    pub const CHANNEL_CLOSE: (u16, u16) = (20, 40);
    pub const BASIC_PUBLISH: (u16, u16) = (60, 40);
    pub const BASIC_RETURN: (u16, u16) = (60, 50);
    pub const BASIC_ACK: (u16, u16) = (60, 80);
    pub const BASIC_NACK: (u16, u16) = (60, 120);
}

/// Size limit in bytes, above every negotiated frame size. A larger size in a frame's head means that the peer does not
/// speak AMQP.
const LARGEST: usize = 16 * 1024 * 1024;

/// The bytes are not a sequence of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the peer does not speak AMQP 0-9-1")]
pub(crate) struct NotAmqp;

impl From<NotAmqp> for lapin::Error {
    fn from(error: NotAmqp) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, error).into()
    }
}

/// One whole frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'b> {
    pub bytes: &'b [u8],
}

/// A confirm of one or more publishes of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Confirm {
    pub tag: u64,
    /// It confirms all publishes up to the tag.
    pub multiple: bool,
    /// `true` for an ack, `false` for a nack.
    pub stored: bool,
}

impl<'b> Frame<'b> {
    /// The first frame of the bytes, or `None` until it is whole. With `protocol_header` it may be a protocol header instead:
    /// the client sends one first, and a broker of another version answers with one.
    ///
    /// # Errors
    /// When the bytes are not the beginning of a frame.
    pub fn first_of(bytes: &'b [u8], protocol_header: bool) -> Result<Option<Self>, NotAmqp> {
        let length = match bytes {
            [first, ..] if protocol_header && *first == PROTOCOL_HEADER.0 => {
                return Ok(bytes.get(..PROTOCOL_HEADER.1).map(|bytes| Self { bytes }));
            }
            [kind, _, _, a, b, c, d, ..] if KINDS.contains(kind) => {
                let size = u32::from_be_bytes([*a, *b, *c, *d]);
                usize::try_from(size)
                    .map_err(|_| NotAmqp)?
                    .saturating_add(HEAD + 1)
            }
            [kind, ..] if !KINDS.contains(kind) => return Err(NotAmqp),
            _ => return Ok(None),
        };
        if length > LARGEST {
            return Err(NotAmqp);
        }
        match bytes.get(..length) {
            Some(bytes) if !bytes.ends_with(&[END]) => Err(NotAmqp),
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

    /// Class and method number of a method frame.
    pub fn method(self) -> Option<(u16, u16)> {
        match self.payload() {
            [a, b, c, d, ..] if self.kind() == METHOD => {
                Some((u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])))
            }
            _ => None,
        }
    }

    /// The confirm in a `basic.ack` or `basic.nack` frame. `None` for any other or malformed frame.
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
        Frame::first_of(bytes, false).expect("AMQP")
    }

    #[test]
    fn a_frame_is_read_once_its_last_byte_has_arrived() {
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
    fn a_protocol_header_is_read_only_where_it_is_allowed() {
        let header = b"AMQP\0\0\x09\x01";
        assert!(matches!(Frame::first_of(&header[..7], true), Ok(None)));
        let frame = Frame::first_of(header, true).expect("AMQP");
        assert_eq!(frame.expect("whole").bytes.len(), 8);
        assert!(matches!(Frame::first_of(header, false), Err(NotAmqp)));
    }

    #[test]
    fn bytes_that_are_no_frame_are_an_error_at_once() {
        let mut bytes = NACK_UP_TO_258;
        bytes[20] = 0;
        assert!(matches!(Frame::first_of(&bytes, false), Err(NotAmqp)));
        // The size is 4 GiB.
        assert!(matches!(
            Frame::first_of(&[1, 0, 0, 255, 255, 255, 255], false),
            Err(NotAmqp)
        ));
        // A web server's answer where the broker is expected.
        assert!(matches!(Frame::first_of(b"HTTP/1.1 400", true), Err(NotAmqp)));
    }

    #[test]
    fn the_close_frame_is_one_whole_frame() {
        let frame = first_of(&CLOSE_CONNECTION).expect("whole");
        assert_eq!(frame.bytes.len(), CLOSE_CONNECTION.len());
        assert_eq!(frame.method(), Some(method::CONNECTION_CLOSE));
        assert!(amq_protocol::frame::parse_frame(&CLOSE_CONNECTION[..]).is_ok());
    }

    #[test]
    fn a_nack_is_read_with_its_tag_and_flags() {
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
