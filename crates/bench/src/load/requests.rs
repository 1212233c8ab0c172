//! The requests, written out before the first is sent.

use std::net::SocketAddr;

use anyhow::ensure;
use bytes::Bytes;

/// All requests, one behind the other.
#[derive(Debug)]
pub struct Requests {
    text: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Requests {
    /// # Errors
    /// Without bodies there is nothing to send.
    pub fn write(address: SocketAddr, path: &str, bodies: &[Bytes]) -> anyhow::Result<Self> {
        ensure!(!bodies.is_empty(), "no notices to send");
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\n\
             content-type: application/json;charset=UTF-8\r\ncontent-length: "
        );
        let length = bodies.iter().map(|body| head.len() + 16 + body.len()).sum();
        let mut requests = Self {
            text: Vec::with_capacity(length),
            ends: Vec::with_capacity(bodies.len()),
        };
        for body in bodies {
            requests.add(&head, body);
        }
        Ok(requests)
    }

    fn add(&mut self, head: &str, body: &[u8]) {
        self.text.extend_from_slice(head.as_bytes());
        self.text.extend_from_slice(body.len().to_string().as_bytes());
        self.text.extend_from_slice(b"\r\n\r\n");
        self.text.extend_from_slice(body);
        self.ends.push(self.text.len());
    }

    pub fn count(&self) -> u64 {
        self.ends.len() as u64
    }

    /// The request of that number; after the last comes the first again.
    pub fn get(&self, number: u64) -> &[u8] {
        let index = (number % self.count()) as usize;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[index]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_whole_and_come_in_turn() {
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        let bodies = [Bytes::from_static(b"{}"), Bytes::from_static(b"[1,2]")];
        let requests = Requests::write(address, "/notices", &bodies).expect("two bodies");
        let head = "POST /notices HTTP/1.1\r\nhost: 127.0.0.1:80\r\ncontent-type: application/json;charset=UTF-8\r\n";
        let text = |number| String::from_utf8_lossy(requests.get(number)).into_owned();
        assert_eq!(text(0), format!("{head}content-length: 2\r\n\r\n{{}}"));
        assert_eq!(text(1), format!("{head}content-length: 5\r\n\r\n[1,2]"));
        assert_eq!(text(2), text(0));
    }
}
