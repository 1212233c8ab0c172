//! A TCP proxy that breaks the network.

mod connection;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

use connection::Gate;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Pass,
    /// Connections stay open and no byte moves.
    Stall,
    /// Connections are closed, and new ones as soon as they are accepted.
    Cut,
    /// As `Cut`, with RST in place of FIN.
    Reset,
}

/// One direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// From client to server.
    ToServer,
    /// From server to client.
    ToClient,
}

#[derive(Debug, Clone, Copy)]
struct State {
    mode: Mode,
    /// How long each byte is held back.
    delay: Duration,
    accepted: u64,
    /// Connections with a lower number stay stalled for ever.
    stranded: u64,
    /// Connections with a lower number have this half closed.
    closed_to_server: u64,
    closed_to_client: u64,
}

/// A proxy that forwards everything until one of its methods breaks it. It runs in the runtime of the test.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port, and forwards to `upstream` (`host:port`).
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start(upstream: impl Into<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let state = Arc::new(watch::Sender::new(State {
            mode: Mode::Pass,
            delay: Duration::ZERO,
            accepted: 0,
            stranded: 0,
            closed_to_server: 0,
            closed_to_client: 0,
        }));
        let accepting = tokio::spawn(accept(listener, upstream.into(), Arc::clone(&state)));
        Self {
            address,
            state,
            accepting,
        }
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `url` with host and port of this proxy.
    ///
    /// # Panics
    /// If `url` is no URL with a host.
    pub fn instead_of(&self, url: &str) -> String {
        let mut url = Url::parse(url).expect("an address");
        url.set_ip_host(self.address.ip())
            .or_else(|()| url.set_host(Some("127.0.0.1")))
            .expect("it takes a host");
        url.set_port(Some(self.address.port())).expect("it takes a port");
        url.to_string()
    }

    /// Closes all connections, and new ones as soon as they are accepted.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.mode = Mode::Cut);
    }

    /// Ends all connections with RST, new ones too, as after the crash of a host or behind a firewall.
    pub fn reset(&self) {
        self.state.send_modify(|state| state.mode = Mode::Reset);
    }

    /// Forwards nothing and closes nothing, as if the peer had vanished.
    pub fn stall(&self) {
        self.state.send_modify(|state| state.mode = Mode::Stall);
    }

    /// Holds every byte back for this long, in both directions. The throughput falls only where the bytes held back fill
    /// the proxy's buffers.
    pub fn delay(&self, by: Duration) {
        self.state.send_modify(|state| state.delay = by);
    }

    /// Forwards everything again, without delay.
    pub fn resume(&self) {
        self.state.send_modify(|state| {
            state.mode = Mode::Pass;
            state.delay = Duration::ZERO;
        });
    }

    /// Stalls every existing connection for ever, without closing it; new ones work.
    pub fn strand(&self) {
        self.state.send_modify(|state| state.stranded = state.accepted);
    }

    /// Closes one direction of every existing connection for ever: its reader receives FIN, and later bytes are dropped.
    /// The other direction goes on, and new connections work.
    pub fn half_close(&self, half: Half) {
        self.state.send_modify(|state| match half {
            Half::ToServer => state.closed_to_server = state.accepted,
            Half::ToClient => state.closed_to_client = state.accepted,
        });
    }

    /// The number of connections accepted so far.
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

async fn accept(listener: TcpListener, upstream: String, state: Arc<watch::Sender<State>>) {
    while let Ok((client, _)) = listener.accept().await {
        let number = state.borrow().accepted;
        state.send_modify(|state| state.accepted += 1);
        let gate = Gate::new(number, state.subscribe());
        tokio::spawn(connection::serve(client, upstream.clone(), gate));
    }
}

#[cfg(test)]
mod tests;
