//! A TCP proxy that breaks the network.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Pass,
    /// Connections stay and nothing moves.
    Stall,
    /// Connections are closed, new ones at once.
    Cut,
}

#[derive(Debug, Clone, Copy)]
struct State {
    mode: Mode,
    accepted: u64,
    /// Connections before this one never move again.
    stranded: u64,
}

/// Passes everything on until told otherwise. Lives in the runtime of the test.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port for what is to go to `upstream` (`host:port`).
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start(upstream: impl Into<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let state = Arc::new(watch::Sender::new(State {
            mode: Mode::Pass,
            accepted: 0,
            stranded: 0,
        }));
        let accepting = tokio::spawn(accept(listener, upstream.into(), Arc::clone(&state)));
        Self {
            address,
            state,
            accepting,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same address by way of this proxy.
    ///
    /// # Panics
    /// When it is no address.
    pub fn instead_of(&self, url: &str) -> String {
        let mut url = Url::parse(url).expect("an address");
        url.set_ip_host(self.address.ip())
            .or_else(|()| url.set_host(Some("127.0.0.1")))
            .expect("it takes a host");
        url.set_port(Some(self.address.port())).expect("it takes a port");
        url.to_string()
    }

    /// Closes all connections, and new ones at once.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.mode = Mode::Cut);
    }

    /// Moves nothing more, and closes nothing: what a vanished peer looks like.
    pub fn stall(&self) {
        self.state.send_modify(|state| state.mode = Mode::Stall);
    }

    /// Passes everything on again.
    pub fn resume(&self) {
        self.state.send_modify(|state| state.mode = Mode::Pass);
    }

    /// Lets no existing connection ever move again, without closing it; new ones are as good as ever.
    pub fn strand(&self) {
        self.state.send_modify(|state| state.stranded = state.accepted);
    }

    /// How many connections it has taken so far.
    pub fn accepted(&self) -> u64 {
        self.state.borrow().accepted
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.accepting.abort();
    }
}

/// One connection's view of the proxy.
#[derive(Clone)]
struct Gate {
    number: u64,
    state: watch::Receiver<State>,
}

impl Gate {
    async fn passing(&mut self) {
        let number = self.number;
        // The sender is gone only when the proxy is, and then the connections are cut.
        let _ = self
            .state
            .wait_for(|state| state.mode == Mode::Pass && number >= state.stranded)
            .await;
    }

    async fn cut(&mut self) {
        let _ = self.state.wait_for(|state| state.mode == Mode::Cut).await;
    }
}

async fn accept(listener: TcpListener, upstream: String, state: Arc<watch::Sender<State>>) {
    while let Ok((client, _)) = listener.accept().await {
        let number = state.borrow().accepted;
        state.send_modify(|state| state.accepted += 1);
        let (upstream, gate) = (
            upstream.clone(),
            Gate {
                number,
                state: state.subscribe(),
            },
        );
        tokio::spawn(async move {
            let mut until_cut = gate.clone();
            tokio::select! {
                // Either end of it drops both streams.
                () = until_cut.cut() => {}
                _ = carry(client, &upstream, gate) => {}
            }
        });
    }
}

async fn carry(client: TcpStream, upstream: &str, mut gate: Gate) -> io::Result<()> {
    gate.passing().await;
    let server = TcpStream::connect(upstream).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        ended = pump(from_client, to_server, gate.clone()) => ended,
        ended = pump(from_server, to_client, gate) => ended,
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut gate: Gate) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = from.read(&mut buffer).await?;
        gate.passing().await;
        if length == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..length]).await?;
    }
}
