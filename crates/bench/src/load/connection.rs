//! One connection, with at most one request under way.

use std::net::SocketAddr;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::answer;

/// The receiver's answers have some 200 bytes.
const LONGEST_ANSWER: usize = 4_096;

#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Box<[u8; LONGEST_ANSWER]>,
    /// How much of the buffer the last answer takes.
    filled: usize,
}

impl Connection {
    /// Opens as many; all of them are there before the first is used.
    pub async fn open(address: SocketAddr, count: usize) -> anyhow::Result<Vec<Self>> {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count.max(1) {
            connections.push(Self::connect(address).await?);
        }
        Ok(connections)
    }

    async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
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

    /// Whether the notice was acknowledged.
    pub async fn post(&mut self, request: &[u8]) -> anyhow::Result<bool> {
        self.filled = 0;
        self.stream.write_all(request).await?;
        loop {
            let read = self.stream.read(&mut self.buffer[self.filled..]).await?;
            ensure!(read > 0, "the server closed a connection");
            self.filled += read;
            if let Some(answer) = answer::read(&self.buffer[..self.filled])? {
                ensure!(answer.length == self.filled, "more than one answer to a request");
                return Ok(answer.acknowledged);
            }
            if self.filled == LONGEST_ANSWER {
                bail!("an answer of more than {LONGEST_ANSWER} bytes");
            }
        }
    }

    /// What was read last, for a person.
    pub fn last_answer(&self) -> String {
        String::from_utf8_lossy(&self.buffer[..self.filled]).into_owned()
    }
}
