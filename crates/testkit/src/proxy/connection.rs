//! One connection through the proxy.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::{Half, Mode, State};

/// The most bytes of one read.
const PIECE: usize = 16 << 10;
/// The most pieces that one direction holds back.
const PIECES: usize = 64;

/// One connection's view of the proxy.
#[derive(Clone)]
pub(super) struct Gate {
    number: u64,
    state: watch::Receiver<State>,
}

/// The bytes of one read, and the time to forward them.
struct Piece {
    due: Instant,
    bytes: Vec<u8>,
}

// Errors of `wait_for` can be ignored: the sender is dropped together with the proxy, which cuts all connections.
impl Gate {
    pub(super) fn new(number: u64, state: watch::Receiver<State>) -> Self {
        Self { number, state }
    }

    async fn passing(&mut self) {
        let number = self.number;
        let moves = |state: &State| state.mode == Mode::Pass && number >= state.stranded;
        let _ = self.state.wait_for(moves).await;
    }

    /// Waits until the proxy breaks the connection, and returns how.
    async fn broken(&mut self) -> Mode {
        let ends = |state: &State| matches!(state.mode, Mode::Cut | Mode::Reset);
        self.state
            .wait_for(ends)
            .await
            .map_or(Mode::Cut, |state| state.mode)
    }

    async fn closed(&mut self, half: Half) {
        let number = self.number;
        let closes = |state: &State| match half {
            Half::ToServer => number < state.closed_to_server,
            Half::ToClient => number < state.closed_to_client,
        };
        let _ = self.state.wait_for(closes).await;
    }

    fn due(&self) -> Instant {
        Instant::now() + self.state.borrow().delay
    }
}

/// Forwards a client's connection until either end closes it or the proxy breaks it.
pub(super) async fn serve(mut client: TcpStream, upstream: String, mut gate: Gate) {
    let mut until_broken = gate.clone();
    let connecting = async {
        gate.passing().await;
        TcpStream::connect(&upstream).await
    };
    let connected = tokio::select! {
        mode = until_broken.broken() => return end(mode, &[&client]),
        connected = connecting => connected,
    };
    let Ok(mut server) = connected else { return };
    let broken = tokio::select! {
        mode = until_broken.broken() => Some(mode),
        _ = forward(&mut client, &mut server, &gate) => None,
    };
    if let Some(mode) = broken {
        end(mode, &[&client, &server]);
    }
}

/// A socket with zero linger sends RST when it is dropped, which happens right after this call.
fn end(mode: Mode, streams: &[&TcpStream]) {
    if mode == Mode::Reset {
        // This fails only for a closed socket.
        streams.iter().for_each(|stream| drop(stream.set_zero_linger()));
    }
}

async fn forward(client: &mut TcpStream, server: &mut TcpStream, gate: &Gate) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
    tokio::select! {
        ended = copy(from_client, to_server, gate, Half::ToServer) => ended,
        ended = copy(from_server, to_client, gate, Half::ToClient) => ended,
    }
}

/// Copies one direction until its sender closes it, or either end is gone.
async fn copy(from: ReadHalf<'_>, to: WriteHalf<'_>, gate: &Gate, half: Half) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel(PIECES);
    tokio::try_join!(
        read(from, sender, gate.clone()),
        write(receiver, to, gate.clone(), half)
    )?;
    Ok(())
}

async fn read(mut from: ReadHalf<'_>, pieces: mpsc::Sender<Piece>, gate: Gate) -> io::Result<()> {
    loop {
        let mut bytes = vec![0; PIECE];
        let length = from.read(&mut bytes).await?;
        if length == 0 {
            return Ok(());
        }
        bytes.truncate(length);
        let due = gate.due();
        if pieces.send(Piece { due, bytes }).await.is_err() {
            return Ok(());
        }
    }
}

async fn write(
    mut pieces: mpsc::Receiver<Piece>,
    mut to: WriteHalf<'_>,
    gate: Gate,
    half: Half,
) -> io::Result<()> {
    let mut until_closed = gate.clone();
    tokio::select! {
        ended = write_when_due(&mut pieces, &mut to, gate) => return ended,
        () = until_closed.closed(half) => {}
    }
    to.shutdown().await?;
    while pieces.recv().await.is_some() {}
    Ok(())
}

async fn write_when_due(
    pieces: &mut mpsc::Receiver<Piece>,
    to: &mut WriteHalf<'_>,
    mut gate: Gate,
) -> io::Result<()> {
    while let Some(Piece { due, bytes }) = pieces.recv().await {
        sleep_until(due).await;
        gate.passing().await;
        to.write_all(&bytes).await?;
    }
    // A stalled network does not deliver the FIN either.
    gate.passing().await;
    Ok(())
}
