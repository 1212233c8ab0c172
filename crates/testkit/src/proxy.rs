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
    /// Connections stay and nothing moves.
    Stall,
    /// Connections are closed, new ones at once.
    Cut,
    /// The same by RST, without a goodbye.
    Reset,
}

/// One direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// What the client sends.
    ToServer,
    /// What the server sends.
    ToClient,
}

#[derive(Debug, Clone, Copy)]
struct State {
    mode: Mode,
    /// Between a byte's coming and its going on.
    delay: Duration,
    accepted: u64,
    /// Connections before this one never move again.
    stranded: u64,
    /// Connections before these have this half closed.
    closed_to_server: u64,
    closed_to_client: u64,
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

    /// Ends all connections by RST, and new ones at once: what a crashed host or a firewall looks like.
    pub fn reset(&self) {
        self.state.send_modify(|state| state.mode = Mode::Reset);
    }

    /// Moves nothing more, and closes nothing: what a vanished peer looks like.
    pub fn stall(&self) {
        self.state.send_modify(|state| state.mode = Mode::Stall);
    }

    /// Holds every byte back for so long, in both directions. The throughput suffers only by what is under way.
    pub fn delay(&self, by: Duration) {
        self.state.send_modify(|state| state.delay = by);
    }

    /// Passes everything on again, without delay.
    pub fn resume(&self) {
        self.state.send_modify(|state| {
            state.mode = Mode::Pass;
            state.delay = Duration::ZERO;
        });
    }

    /// Lets no existing connection ever move again, without closing it; new ones are as good as ever.
    pub fn strand(&self) {
        self.state.send_modify(|state| state.stranded = state.accepted);
    }

    /// Ends one direction of every existing connection, for good: its reader is told that nothing more will come, and
    /// what is still sent there is swallowed. The other direction goes on, and new connections are as good as ever.
    pub fn half_close(&self, half: Half) {
        self.state.send_modify(|state| match half {
            Half::ToServer => state.closed_to_server = state.accepted,
            Half::ToClient => state.closed_to_client = state.accepted,
        });
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
