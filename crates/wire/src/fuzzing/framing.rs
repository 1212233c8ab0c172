//! Reading frames from bytes that arrive in chunks.

use crate::buffer::Buffer;
use crate::close_reason;
use crate::frame::{END, Frame, NotAmqp};

/// Reads frames from a stream, once in one piece and once in chunks, and checks that both give the same frames and the
/// same end. Returns the number of frames.
///
/// The first byte of the input is an option: its lowest bit allows a protocol header, the rest is the size of the chunks.
///
/// # Panics
/// When a property does not hold.
pub fn read_frames(input: &[u8]) -> usize {
    let Some((option, stream)) = input.split_first() else {
        return 0;
    };
    let protocol_header = option & 1 == 1;
    let chunk = usize::from(option >> 1) + 1;
    let whole = read_in_chunks(stream, stream.len().max(1), protocol_header);
    assert_eq!(whole, read_in_chunks(stream, chunk, protocol_header));
    whole.0
}

/// Returns the number of frames, and the number of bytes behind the last whole frame.
fn read_in_chunks(stream: &[u8], chunk: usize, protocol_header: bool) -> (usize, Result<usize, NotAmqp>) {
    let mut buffer = Buffer::default();
    let (mut frames, mut offset) = (0, 0);
    for part in stream.chunks(chunk) {
        buffer.extend(part);
        loop {
            let length = match Frame::first_of(buffer.data(), protocol_header) {
                Ok(Some(frame)) => check_frame(frame, &stream[offset..]),
                Ok(None) => break,
                Err(error) => return (frames, Err(error)),
            };
            buffer.consume(length);
            offset += length;
            frames += 1;
        }
    }
    assert_eq!(buffer.data(), &stream[offset..]);
    (frames, Ok(buffer.len()))
}

/// Checks that a frame is the beginning of the stream and that every part of it can be read. Returns its length in bytes.
fn check_frame(frame: Frame<'_>, stream: &[u8]) -> usize {
    assert!(stream.starts_with(frame.bytes));
    assert_eq!(frame.payload().len() + 8, frame.bytes.len());
    assert!(frame.bytes.starts_with(b"A") || frame.bytes.ends_with(&[END]));
    assert!(frame.confirm().is_none() || frame.method().is_some());
    let _ = (frame.kind(), frame.channel());
    let _ = close_reason::on_closing_channel(frame);
    let _ = close_reason::on_closing_connection(frame);
    frame.bytes.len()
}
