//! The HTTP server: listening, serving, and ending in stages.

use std::net::{SocketAddr, TcpListener};
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};
use anyhow::Context as _;
use tokio::net::TcpSocket;
use xiebao_runtime::config::ReceiverConfig;

use crate::notices;
use crate::receiver::Receiver;
use crate::shutdown::Ending;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4_096;

/// Listens on an address.
///
/// # Errors
/// If the address cannot be bound; the error names it.
pub(crate) fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    listen(address).with_context(|| format!("can't listen on {address}"))
}

/// Like the standard library's `bind`, with a longer backlog: when a burst overflows it, senders wait a second or more
/// until their system retries.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Serves notices until the first two stages of `ending` are over.
///
/// # Errors
/// If the topology differs from the wanted one, the server fails, or requests are cut off at the end.
pub(crate) async fn serve(
    receiver: &Arc<Receiver>,
    listener: TcpListener,
    ending: &mut Ending,
) -> anyhow::Result<()> {
    warn_if_unprotected(&receiver.config);
    // The path itself may be a secret.
    let default_path = receiver.config.path == ReceiverConfig::DEFAULT_PATH;
    tracing::info!(http.address = %listener.local_addr()?, http.path_is_default = default_path, "listening");
    let server = http_server(receiver, listener)?;
    let handle = server.handle();
    let mut serving = tokio::spawn(server);
    tokio::select! {
        ended = &mut serving => return Ok(ended??),
        drift = receiver.publisher.drifted() => {
            handle.stop(false).await;
            return Err(anyhow::anyhow!("{drift}"));
        }
        () = ending.drained() => {}
    }
    // Accepts nothing new; resolves when every request in flight is answered.
    let stopping = tokio::spawn(handle.stop(true));
    let server = serving.abort_handle();
    if let Some(ended) = ending.finished(serving).await {
        return Ok(ended??);
    }
    // Counted before the first of them is dropped.
    let cut_off = receiver.metrics.in_flight();
    server.abort();
    stopping.abort();
    match cut_off {
        0 => Ok(()),
        cut_off => Err(anyhow::anyhow!("{cut_off} requests were not answered in time")),
    }
}

fn http_server(receiver: &Arc<Receiver>, listener: TcpListener) -> std::io::Result<Server> {
    let config = &receiver.config;
    // At least one thread per connection to the broker, because each connection lives on one of them.
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let workers = cores.max(config.connections);
    let shared = web::Data::from(Arc::clone(receiver));
    let app = move || {
        shared.publisher.pin_to_this_thread();
        App::new()
            .app_data(shared.clone())
            .default_service(web::to(notices::handle))
    };
    let server = HttpServer::new(app)
        .workers(workers)
        .max_connections(config.max_connections.div_ceil(workers))
        .keep_alive(Duration::from_secs(75))
        .client_request_timeout(Duration::from_secs(10))
        .client_disconnect_timeout(Duration::from_secs(2))
        // `Ending` has the bound; this one only matters to a test that outlives it.
        .shutdown_timeout(config.shutdown_timeout.as_secs())
        .disable_signals();
    Ok(server.listen(listener)?.run())
}

/// The signature does not cover `notifyType`, so a captured notice can be replayed as another type. TLS (invisible from
/// here), source addresses and an unguessable path prevent that.
fn warn_if_unprotected(config: &ReceiverConfig) {
    if config.allow.is_empty() && config.path == ReceiverConfig::DEFAULT_PATH {
        tracing::warn!(
            "anyone may post notices: set receiver.allow or an unguessable receiver.path, and put TLS in front"
        );
    }
}
