//! A server that reads a request and acknowledges it, and does nothing else: what HTTP alone costs on this machine,
//! whatever stands behind it.

use std::net::SocketAddr;

use clap::Parser;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::Failure;
use crate::signals::unless_stopped;

mod request;

/// In bytes: what is read at once; a longer request takes several reads.
const ROOM: usize = 16 * 1024;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 14\r\ncontent-type: application/json;charset=UTF-8\r\n\r\n{\"state\":true}";

/// Acknowledge every request, whatever is in it, until told to stop
///
/// Says where it listens in one line of JSON. Exit codes: 1 always, since it only ends when stopped; 2 wrong usage.
#[derive(Debug, Clone, Parser)]
#[command(name = "raw-http", version)]
pub struct Args {
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Threads that answer
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub threads: u8,
}

/// # Errors
/// When it can't listen, or was stopped.
pub async fn run(args: Args) -> Result<(), Failure> {
    let listener = TcpListener::bind(args.listen).await.map_err(broken)?;
    println!("{}", json!({ "address": listener.local_addr().map_err(broken)? }));
    let threads: Result<Vec<_>, Failure> = (0..args.threads).map(|_| spawn_thread()).collect();
    let mut threads = threads?;
    unless_stopped(async move {
        loop {
            let (stream, _) = listener.accept().await.map_err(broken)?;
            let stream = stream.into_std().map_err(broken)?;
            threads.rotate_left(1);
            // Threads live as long as their senders.
            let _ = threads[0].send(stream);
        }
    })
    .await
}

/// A thread that serves the connections it is given, until the sender is gone.
fn spawn_thread() -> Result<mpsc::UnboundedSender<std::net::TcpStream>, Failure> {
    let (sender, mut connections) = mpsc::unbounded_channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let runtime = runtime.map_err(broken)?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            while let Some(stream) = connections.recv().await {
                // A connection that breaks is the client's matter.
                tokio::spawn(async move { TcpStream::from_std(stream).map(serve)?.await });
            }
        });
    });
    Ok(sender)
}

async fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(ROOM);
    loop {
        while let Some(length) = request::whole(&buffer) {
            buffer.drain(..length);
            stream.write_all(ANSWER).await?;
        }
        buffer.reserve(ROOM);
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
    }
}

fn broken(error: std::io::Error) -> Failure {
    Failure::Broken(error.to_string())
}
