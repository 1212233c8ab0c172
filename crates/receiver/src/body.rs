//! Reads a request's body of any Content-Type, with a declared length or in chunks.

use std::time::Duration;

use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt as _;

/// Bounds on reading and discarding an unwanted body. Most clients read the answer only after writing their whole body.
const DRAIN_BYTES: usize = 16 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    /// It ended early, or took too long.
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
    let _ = tokio::time::timeout(DRAIN_TIME, reading).await;
}
