//! Reads as much of an HTTP answer as is needed to judge it.

use anyhow::{Context as _, bail, ensure};

const MOST_HEADERS: usize = 24;
/// The documented answer; the receiver promises these very bytes.
const ACKNOWLEDGED: &[u8] = br#"{"state":true}"#;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// 200 with `{"state":true}`.
    pub acknowledged: bool,
    /// Head and body, in bytes.
    pub length: usize,
}

/// The answer at the start of what was read; `None`: it is not all there yet.
///
/// # Errors
/// When it is no HTTP, has no length, or ends the connection.
pub fn read(bytes: &[u8]) -> anyhow::Result<Option<Answer>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body_start) = head.parse(bytes).context("an answer that is no HTTP")?
    else {
        return Ok(None);
    };
    let length = body_start + body_length(head.headers)?;
    let Some(body) = bytes.get(body_start..length) else {
        return Ok(None);
    };
    Ok(Some(Answer {
        acknowledged: head.code == Some(200) && body == ACKNOWLEDGED,
        length,
    }))
}

fn body_length(headers: &[httparse::Header<'_>]) -> anyhow::Result<usize> {
    let mut length = None;
    for header in headers {
        if header.name.eq_ignore_ascii_case("content-length") {
            length = std::str::from_utf8(header.value)?.trim().parse().ok();
        } else if header.name.eq_ignore_ascii_case("connection") {
            ensure!(
                !header.value.eq_ignore_ascii_case(b"close"),
                "the server ends the connection"
            );
        }
    }
    match length {
        Some(length) => Ok(length),
        None => bail!("an answer without content-length"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\nx: y\r\n\r\n{\"state\":true}";

    fn read_text(text: &str) -> Option<Answer> {
        read(text.as_bytes()).expect("HTTP")
    }

    #[test]
    fn an_acknowledgement_is_known_once_all_of_it_is_there() {
        let answer = Answer {
            acknowledged: true,
            length: GOOD.len(),
        };
        assert_eq!(read_text(GOOD), Some(answer));
        for end in 0..GOOD.len() {
            assert_eq!(read_text(&GOOD[..end]), None, "{end} bytes");
        }
    }

    #[test]
    fn another_body_or_another_status_is_a_refusal() {
        let refusal = GOOD.replace(": 14", ": 15").replace("true", "false");
        let busy = GOOD.replace("200 OK", "503 Busy");
        for text in [refusal, busy] {
            assert!(!read_text(&text).expect("all there").acknowledged, "{text}");
        }
    }

    #[test]
    fn what_can_not_be_followed_by_another_request_is_an_error() {
        for text in [
            "SSH-2.0-x\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nConnection: close\r\n\r\n",
        ] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
