//! Reads a request's body whatever its Content-Type, of declared length or in chunks.

use std::time::Duration;

use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt as _;

/// How much of an unwanted body is read and thrown away, and for how long, so that the client gets to read the
/// answer: most write all of theirs first.
const DRAIN_BYTES: usize = 16 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    /// It broke off, or took too long.
    Incomplete,
}

/// The whole body, if it has no more than `limit` bytes and arrives within `timeout`.
pub(crate) async fn read(payload: &mut Payload, limit: usize, timeout: Duration) -> Result<Bytes, BodyError> {
    let reading = tokio::time::timeout(timeout, collect(payload, limit));
    let outcome = reading.await.unwrap_or(Err(BodyError::Incomplete));
    if outcome == Err(BodyError::TooLarge) {
        drain(payload).await;
    }
    outcome
}

async fn collect(payload: &mut Payload, limit: usize) -> Result<Bytes, BodyError> {
    let Some(first) = payload.next().await else {
        return Ok(Bytes::new());
    };
    let first = first.map_err(|_| BodyError::Incomplete)?;
    let mut rest = BytesMut::new();
    let mut length = first.len();
    while length <= limit {
        let Some(chunk) = payload.next().await else {
            // Nearly every notice arrives in one piece, which then is not copied.
            return Ok(if rest.is_empty() { first } else { rest.freeze() });
        };
        let chunk = chunk.map_err(|_| BodyError::Incomplete)?;
        if rest.is_empty() {
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&chunk);
        length += chunk.len();
    }
    Err(BodyError::TooLarge)
}

/// Reads on for a while and throws away.
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
    // Whatever is left is the client's loss.
    let _ = tokio::time::timeout(DRAIN_TIME, reading).await;
}
