//! A connection with at most one request in flight.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The receiver's answers have some 200 bytes.
const LONGEST_ANSWER: usize = 4_096;
const MOST_HEADERS: usize = 24;
/// The documented answer; the receiver promises these very bytes.
const ACKNOWLEDGED: &[u8] = br#"{"state":true}"#;
/// A server that does not answer within this time is stuck.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Box<[u8; LONGEST_ANSWER]>,
    /// The length of the last answer.
    filled: usize,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("{address} can't be reached"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Box::new([0; LONGEST_ANSWER]),
            filled: 0,
        })
    }

    /// Sends a request and reads its answer. Returns `true` if the notice was acknowledged.
    pub async fn post(&mut self, request: &[u8]) -> anyhow::Result<bool> {
        let answer = timeout(ANSWER_WITHIN, self.exchange(request)).await;
        answer.with_context(|| format!("no answer for {} s", ANSWER_WITHIN.as_secs()))?
    }

    async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<bool> {
        self.filled = 0;
        self.stream.write_all(request).await?;
        loop {
            let read = self.stream.read(&mut self.buffer[self.filled..]).await?;
            ensure!(read > 0, "the server closed a connection");
            self.filled += read;
            if let Some(acknowledged) = acknowledged(&self.buffer[..self.filled])? {
                return Ok(acknowledged);
            }
            if self.filled == LONGEST_ANSWER {
                bail!("an answer of more than {LONGEST_ANSWER} bytes");
            }
        }
    }

    /// The last answer, for error messages.
    pub fn last_answer(&self) -> String {
        String::from_utf8_lossy(&self.buffer[..self.filled]).into_owned()
    }
}

/// True for 200 with `{"state":true}`; `None` if the answer is not complete.
///
/// # Errors
/// If the bytes are not one HTTP answer after which the connection stays open.
fn acknowledged(bytes: &[u8]) -> anyhow::Result<Option<bool>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body_start) = head.parse(bytes).context("the answer is not HTTP")? else {
        return Ok(None);
    };
    let body = &bytes[body_start..];
    let length = body_length(head.headers)?;
    ensure!(body.len() <= length, "more than one answer to a request");
    Ok((body.len() == length).then(|| head.code == Some(200) && body == ACKNOWLEDGED))
}

fn body_length(headers: &[httparse::Header<'_>]) -> anyhow::Result<usize> {
    let find = |name: &str| {
        let mut found = headers
            .iter()
            .filter(|header| header.name.eq_ignore_ascii_case(name));
        found.next().map(|header| String::from_utf8_lossy(header.value))
    };
    let closes = find("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    ensure!(!closes, "the server ends the connection");
    let length = find("content-length").and_then(|value| value.trim().parse().ok());
    length.context("an answer without content-length")
}

#[cfg(test)]
mod tests {
    use super::acknowledged;

    const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\nx: y\r\n\r\n{\"state\":true}";

    fn read(text: &str) -> Option<bool> {
        acknowledged(text.as_bytes()).expect("HTTP")
    }

    #[test]
    fn an_acknowledgement_is_recognised_when_it_is_complete() {
        assert_eq!(read(GOOD), Some(true));
        for end in 0..GOOD.len() {
            assert_eq!(read(&GOOD[..end]), None, "{end} bytes");
        }
    }

    #[test]
    fn another_body_or_another_status_is_a_refusal() {
        let refusal = GOOD.replace(": 14", ": 15").replace("true", "false");
        let busy = GOOD.replace("200 OK", "503 Busy");
        for text in [refusal, busy] {
            assert_eq!(read(&text), Some(false), "{text}");
        }
    }

    #[test]
    fn an_answer_that_no_request_can_follow_is_an_error() {
        for text in [
            "SSH-2.0-x\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nConnection: close\r\n\r\n",
            &format!("{GOOD}{GOOD}"),
        ] {
            assert!(acknowledged(text.as_bytes()).is_err(), "{text}");
        }
    }
}
