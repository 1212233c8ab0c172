//! Reads a request's body of any Content-Type, with a declared length or in chunks.

use std::time::Duration;

use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt as _;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout, timeout_at};

/// Bounds on reading and discarding an unwanted body. Most clients read the answer only after writing their whole body.
const DRAIN_BYTES: usize = 16 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// A body of more bytes needs room. Nearly every notice is smaller, and small ones never wait for large ones.
const SMALL: usize = 16 << 10;

/// Bytes of large bodies that are read and published at the same time. On its way to the broker a body is in memory more
/// than once, and every waiting connection has buffers of its own.
const ROOM: usize = 8 << 20;

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    /// It ended early, or took too long.
    Incomplete,
    /// Other large bodies took all memory until the time was over.
    NoRoom,
}

/// Bounds the memory of large bodies, whoever sends them.
#[derive(Debug)]
pub(crate) struct BodyReader {
    /// One permit a byte.
    room: Semaphore,
    limit: usize,
    timeout: Duration,
}

/// A whole body. Its room is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Body<'r> {
    pub bytes: Bytes,
    _room: Option<SemaphorePermit<'r>>,
}

impl BodyReader {
    /// `limit`: bytes of the largest body; `timeout`: bound on its arrival.
    pub fn new(limit: usize, timeout: Duration) -> Self {
        Self {
            room: Semaphore::new(ROOM.max(limit)),
            limit,
            timeout,
        }
    }

    /// The whole body, if it is not too large and arrives in time.
    ///
    /// # Errors
    /// See [`BodyError`].
    pub async fn read(&self, payload: &mut Payload, headers: &HeaderMap) -> Result<Body<'_>, BodyError> {
        let outcome = self.collect(payload, declared(headers)).await;
        if let Err(BodyError::TooLarge | BodyError::NoRoom) = outcome {
            drain(payload).await;
        }
        outcome
    }

    async fn collect(&self, payload: &mut Payload, declared: Option<usize>) -> Result<Body<'_>, BodyError> {
        let deadline = Instant::now() + self.timeout;
        let (mut parts, mut room) = (Parts::default(), None);
        loop {
            if room.is_none() && declared.unwrap_or_default().max(parts.length) > SMALL {
                let most = declared.unwrap_or(self.limit).clamp(parts.length, self.limit);
                room = Some(self.reserve(most, deadline).await?);
                parts.reserve(most);
            }
            match timeout_at(deadline, payload.next()).await {
                Ok(Some(Ok(chunk))) => parts.push(chunk),
                Ok(None) => break,
                Ok(Some(Err(_))) | Err(_) => return Err(BodyError::Incomplete),
            }
            if parts.length > self.limit {
                return Err(BodyError::TooLarge);
            }
        }
        Ok(Body {
            bytes: parts.together(),
            _room: room,
        })
    }

    async fn reserve(&self, bytes: usize, deadline: Instant) -> Result<SemaphorePermit<'_>, BodyError> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        match timeout_at(deadline, self.room.acquire_many(bytes)).await {
            Ok(Ok(room)) => Ok(room),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(BodyError::NoRoom),
        }
    }
}

/// The length that the client declares. It may lie.
fn declared(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The parts of a body. Nearly every notice arrives in one part, which then is not copied.
#[derive(Default)]
struct Parts {
    first: Bytes,
    all: BytesMut,
    length: usize,
}

impl Parts {
    fn push(&mut self, part: Bytes) {
        if self.length == 0 {
            self.length = part.len();
            self.first = part;
            return;
        }
        self.copy_first();
        self.all.extend_from_slice(&part);
        self.length += part.len();
    }

    /// Allocates once for a body of this length.
    fn reserve(&mut self, length: usize) {
        self.all.reserve(length.saturating_sub(self.all.len()));
        self.copy_first();
    }

    fn copy_first(&mut self) {
        self.all.extend_from_slice(&std::mem::take(&mut self.first));
    }

    fn together(self) -> Bytes {
        if self.all.is_empty() {
            self.first
        } else {
            self.all.freeze()
        }
    }
}

/// Reads and discards the rest of the body, within bounds.
pub(crate) async fn drain(payload: &mut Payload) {
    let reading = async {
        let mut length = 0;
        while let Some(Ok(chunk)) = payload.next().await {
            length += chunk.len();
            if length > DRAIN_BYTES {
                return;
            }
        }
    };
    // A client that sends more may miss the answer.
    let _ = timeout(DRAIN_TIME, reading).await;
}
