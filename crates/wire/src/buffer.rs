//! Bytes on their way.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

/// Least room to read into.
const ROOM: usize = 16 * 1024;

/// What one that is empty may keep: the largest notices are rare.
const KEPT: usize = 1024 * 1024;

/// Takes bytes at its end and gives them from its beginning.
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

    /// Reads once. Ready with `false` at the end of the stream.
    pub fn fill(
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

    /// Writes until nothing is left or nothing more is taken; whether any was.
    pub fn empty(
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
    fn the_room_for_a_large_message_is_given_back() {
        let mut buffer = Buffer::default();
        buffer.extend(&vec![1; KEPT + 1]);
        buffer.consume(KEPT);
        assert_eq!(buffer.data(), [1]);
        buffer.consume(1);
        assert_eq!(buffer.bytes.capacity(), 0);
    }

    #[test]
    fn what_goes_in_comes_out_in_order_however_it_is_taken() {
        let mut buffer = Buffer::default();
        let (mut given, mut taken) = (Vec::new(), Vec::new());
        for round in 0..200_usize {
            let chunk = vec![u8::try_from(round).expect("small"); round * 7 % 300];
            given.extend_from_slice(&chunk);
            buffer.extend(&chunk);
            let count = buffer.len().min(round * 11 % 200);
            taken.extend_from_slice(&buffer.data()[..count]);
            buffer.consume(count);
        }
        taken.extend_from_slice(buffer.data());
        assert_eq!(taken, given);
    }
}
