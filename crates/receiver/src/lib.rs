//! The HTTP service: verifies a notice, publishes it with a confirm, and acknowledges it.
//!
//! It answers `state: true` only after a quorum queue of the broker has stored the notice.

mod admin;
mod body;
mod metrics;
mod notices;
mod receiver;
mod refusals;
mod reply;
mod server;
mod shutdown;
mod signatures;
mod source;
mod trace;

use std::net::TcpListener;
use std::sync::Arc;

use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use xiebao_runtime::config::Config;
use xiebao_runtime::traces;

use receiver::Receiver;
use refusals::Recorder;
use shutdown::Ending;

/// Listens on `receiver.listen`, and runs until `shutdown`.
///
/// # Errors
/// If the address cannot be bound, and as [`run`].
pub async fn serve(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let listener = server::bind(config.receiver.listen)?;
    run(listener, config, shutdown).await
}

/// Runs on the given listener until `shutdown`. Then it goes on serving for `receiver.drain_delay_ms`, answers the requests
/// in flight, and ends within `receiver.shutdown_timeout_ms`. It starts without a broker and is not ready then. Must run
/// inside a multi-threaded Tokio runtime.
///
/// # Errors
/// If the configuration cannot be used, the topology differs from the wanted one, or a request was cut off at the end.
pub async fn run(listener: TcpListener, config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut registry = Registry::default();
    let receiver = Arc::new(Receiver::start(&config, &shutdown, &mut registry)?);
    let recorder = Recorder::start(config.require_amqp()?, Arc::clone(&receiver.refusals))?;
    let keys_watch = receiver.watch_keys();
    let _admin = admin::serve(&receiver, registry)?;
    let mut ending = Ending::on(shutdown, &receiver.config);

    let served = server::serve(&receiver, listener, &mut ending).await;

    keys_watch.abort();
    let remaining = ending.remaining();
    // Concurrently, so that none takes time from another.
    tokio::join!(
        receiver.publisher.close_within(remaining),
        recorder.finish(&ending),
        receiver.traces.finish(remaining.min(traces::FINISH_WITHIN)),
    );
    served
}
