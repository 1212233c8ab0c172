//! One request to the collector: HTTP/1.1 on a connection of its own. There are two a second at most, so that a client
//! that keeps connections would be a dependency for nothing.

use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::config::OtlpConfig;

/// What is read of an answer: its first line is all that counts.
const LONGEST_ANSWER: u64 = 4 * 1024;

#[derive(Debug, Error)]
pub(super) enum PostError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("no answer within {0:?}")]
    Late(Duration),
    #[error("the collector answers {0}")]
    Refused(u16),
    #[error("what answers is no HTTP server")]
    NoHttp,
}

/// Posts a body of protobuf.
pub(super) async fn post(config: &OtlpConfig, body: &[u8]) -> Result<(), PostError> {
    let mut stream = TcpStream::connect(&config.endpoint.authority).await?;
    stream.write_all(head(config, body.len()).as_bytes()).await?;
    stream.write_all(body).await?;
    let mut answer = Vec::new();
    let mut bounded = stream.take(LONGEST_ANSWER);
    while !answer.contains(&b'\n') && bounded.read_buf(&mut answer).await? > 0 {}
    match status(&answer).ok_or(PostError::NoHttp)? {
        200..=299 => Ok(()),
        status => Err(PostError::Refused(status)),
    }
}

fn head(config: &OtlpConfig, length: usize) -> String {
    let endpoint = &config.endpoint;
    let mut head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-protobuf\r\nContent-Length: {length}\r\n\
         Connection: close\r\n",
        endpoint.path, endpoint.authority
    );
    for line in &config.headers {
        head.push_str(line.expose());
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    head
}

/// Of `HTTP/1.1 200 OK`.
fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?.strip_prefix("HTTP/1.")?;
    line.split(' ').nth(1)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_read_from_the_first_line() {
        assert_eq!(status(b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 503\r\n"), Some(503));
        for no_http in [&b""[..], b"SSH-2.0-x\r\n", b"HTTP/1.1 ok\r\n", b"\xff\n"] {
            assert_eq!(status(no_http), None);
        }
    }
}
