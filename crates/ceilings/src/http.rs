//! A server that reads requests and acknowledges them: the cost of HTTP alone on this machine.

use std::net::SocketAddr;

use clap::Parser;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::Failure;
use crate::signals::unless_stopped;

mod request;

/// The bytes of one read; a longer request takes several reads.
const ROOM: usize = 16 * 1024;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 14\r\ncontent-type: application/json;charset=UTF-8\r\n\r\n{\"state\":true}";

/// Acknowledge every request, whatever its content, until stopped
///
/// Prints its address as one line of JSON. Exit codes: 1 always, because it only ends when stopped; 2 wrong usage.
#[derive(Debug, Clone, Parser)]
#[command(name = "raw-http", version)]
pub struct Args {
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// The number of threads that answer
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub threads: u8,
}

/// Runs `raw-http`.
///
/// # Errors
/// If it can't listen, or is stopped.
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
            // The threads hold the receivers until the senders are dropped.
            let _ = threads[0].send(stream);
        }
    })
    .await
}

/// Starts a thread that serves the connections sent to it, until the sender is dropped.
fn spawn_thread() -> Result<mpsc::UnboundedSender<std::net::TcpStream>, Failure> {
    let (sender, mut connections) = mpsc::unbounded_channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let runtime = runtime.map_err(broken)?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            while let Some(stream) = connections.recv().await {
                // A broken connection is the client's concern.
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
