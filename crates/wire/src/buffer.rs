//! A byte queue between two streams.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

/// Minimum free space for one read, in bytes.
const ROOM: usize = 16 * 1024;

/// An empty buffer frees its memory above this size, in bytes: large notices are rare.
const KEPT: usize = 1024 * 1024;

/// Bytes are appended at the end and consumed from the beginning.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    pub fn data(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub fn len(&self) -> usize {
        self.end - self.start
    }

    pub fn consume(&mut self, count: usize) {
        self.start += count;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.bytes.len() > KEPT {
                self.bytes = Vec::new();
            }
        }
    }

    pub fn extend(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        self.bytes[self.end..self.end + bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Reads once. Returns `false` at the end of the stream.
    pub fn read_from(
        &mut self,
        context: &mut Context<'_>,
        from: &mut (impl AsyncRead + Unpin),
    ) -> Poll<io::Result<bool>> {
        self.make_room(ROOM);
        let read = Pin::new(from).poll_read(context, &mut self.bytes[self.end..]);
        read.map_ok(|count| {
            self.end += count;
            count > 0
        })
    }

    /// Writes until the buffer is empty or the stream takes no more. Returns `true` if it wrote anything.
    pub fn write_to(
        &mut self,
        context: &mut Context<'_>,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> io::Result<bool> {
        let mut moved = false;
        while self.len() > 0 {
            match Pin::new(&mut *to).poll_write(context, self.data()) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => {
                    self.consume(count);
                    moved = true;
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
        }
        Ok(moved)
    }

    fn make_room(&mut self, count: usize) {
        if self.bytes.len() - self.end >= count {
            return;
        }
        self.bytes.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.len());
        if self.bytes.len() - self.end < count {
            self.bytes.resize((self.end + count).next_power_of_two(), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_large_message_is_freed() {
        let mut buffer = Buffer::default();
        buffer.extend(&vec![1; KEPT + 1]);
        buffer.consume(KEPT);
        assert_eq!(buffer.data(), [1]);
        buffer.consume(1);
        assert_eq!(buffer.bytes.capacity(), 0);
    }

    #[test]
    fn bytes_come_out_in_order_whatever_the_sizes_of_the_pieces() {
        let mut buffer = Buffer::default();
        let (mut appended, mut consumed) = (Vec::new(), Vec::new());
        for round in 0..200_usize {
            let chunk = vec![u8::try_from(round).expect("small"); round * 7 % 300];
            appended.extend_from_slice(&chunk);
            buffer.extend(&chunk);
            let count = buffer.len().min(round * 11 % 200);
            consumed.extend_from_slice(&buffer.data()[..count]);
            buffer.consume(count);
        }
        consumed.extend_from_slice(buffer.data());
        assert_eq!(consumed, appended);
    }
}
