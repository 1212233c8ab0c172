//! The HTTP service: verify, publish with confirms, acknowledge.
//!
//! `state: true` is said only after a quorum queue of the broker has the notice.

mod body;
mod metrics;
mod notices;
mod refusals;
mod reply;
mod shutdown;
mod signatures;
mod source;
mod trace;

use std::net::{SocketAddr, TcpListener};
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};
use anyhow::Context as _;
use prometheus_client::registry::Registry;
use tokio::net::TcpSocket;
use tokio_util::sync::CancellationToken;
use xiebao_core::rules::Rules;
use xiebao_runtime::amqp::Publisher;
use xiebao_runtime::config::{Config, ReceiverConfig};
use xiebao_runtime::health::{self, AdminServer};
use xiebao_runtime::keys::KeyRing;
use xiebao_runtime::metrics::register_look_up;
use xiebao_runtime::traces::{self, Traces};

use metrics::Metrics;
use refusals::Refusals;
use shutdown::Ending;

/// Connections that may wait to be taken.
const BACKLOG: u32 = 4_096;

/// Bound on telling the broker of what was refused.
const TELL_WITHIN: Duration = Duration::from_secs(10);

/// The same at the end, when the process is waited for; within the bound on the end.
const LAST_WORD: Duration = Duration::from_millis(500);

/// What every request needs.
#[derive(Debug)]
struct Receiver {
    shutdown: CancellationToken,
    config: ReceiverConfig,
    rules: Rules,
    keys: Arc<KeyRing>,
    publisher: Publisher,
    metrics: Metrics,
    traces: Traces,
    refusals: Refusals,
}

/// Listens where the configuration says, and runs until `shutdown`.
pub async fn serve(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let listener = bind(config.receiver.listen)?;
    run(listener, config, shutdown).await
}

/// Runs on a given listener until `shutdown`, then goes on for `receiver.drain_delay_ms`, finishes what is in flight, and
/// ends within `receiver.shutdown_timeout_ms`; it is an error if something could not be finished. Comes up without a
/// broker and is not ready then; a topology that differs from what is wanted is an error. Must run inside a Tokio runtime
/// with several threads.
pub async fn run(listener: TcpListener, config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let keys = open_keys(config.require_keys_file()?)?;
    let settings = config.receiver.clone();
    let publisher = Publisher::start_homeless(
        config.require_amqp()?,
        "xiebao-receiver",
        settings.connections,
        settings.publish_timeout,
    )?;
    // A connection of its own: what happens to it is nothing to the notices.
    let telling = Publisher::start_record(config.require_amqp()?, "xiebao-receiver refused", TELL_WITHIN)?;
    let telling = Arc::new(telling);
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry, &keys.keys());
    let traces = Traces::start(config.otlp.as_ref(), "xiebao-receiver");
    traces.register(registry.sub_registry_with_prefix("xiebao_receiver"));
    let watching = tokio::spawn(Arc::clone(&keys).watch(metrics.keys_observer(Arc::clone(&keys))));
    let receiver = Arc::new(Receiver {
        shutdown: shutdown.clone(),
        config: settings,
        rules: config.rules,
        keys,
        publisher,
        metrics,
        traces,
        refusals: Refusals::default(),
    });
    let (told, by) = (Arc::clone(&receiver), Arc::clone(&telling));
    let enough = CancellationToken::new();
    let until = enough.clone();
    let record = tokio::spawn(async move { told.refusals.keep_telling(&by, &until).await });

    let _admin = start_admin(&receiver, registry, &shutdown)?;
    let mut ending = Ending::on(shutdown, &receiver.config);
    let served = receiver.serve_notices(listener, &mut ending).await;
    watching.abort();
    enough.cancel();
    let last_word = async {
        let _ = record.await;
        let bound = LAST_WORD.min(ending.remaining());
        let _ = tokio::time::timeout(bound, receiver.refusals.tell_all(&telling)).await;
        telling.close_within(ending.remaining()).await;
    };
    let remaining = ending.remaining();
    // None takes time from another.
    tokio::join!(
        receiver.publisher.close_within(remaining),
        last_word,
        receiver.traces.finish(remaining.min(traces::FINISH_WITHIN)),
    );
    served
}

fn open_keys(path: &Path) -> anyhow::Result<Arc<KeyRing>> {
    let ring = KeyRing::open(path).with_context(|| format!("keys file {}", path.display()))?;
    Ok(Arc::new(ring))
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    listen(address).with_context(|| format!("can't listen on {address}"))
}

/// As the standard library does, but with a longer queue: a burst that overflows it waits a second or more, until the
/// sender's system knocks again.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

fn start_admin(
    receiver: &Arc<Receiver>,
    mut registry: Registry,
    shutdown: &CancellationToken,
) -> anyhow::Result<Option<AdminServer>> {
    let Some(address) = receiver.config.admin_listen else {
        return Ok(None);
    };
    register_broker(receiver, registry.sub_registry_with_prefix("xiebao_receiver"));
    let (receiver, shutdown) = (Arc::clone(receiver), shutdown.clone());
    let ready = move || match shutdown.is_cancelled() {
        true => Err("shutting down".to_owned()),
        false => receiver.publisher.ready(),
    };
    let admin = health::serve(bind(address)?, "xiebao_receiver", Arc::new(ready), registry)?;
    Ok(Some(admin))
}

fn register_broker(receiver: &Arc<Receiver>, registry: &mut Registry) {
    let asked = Arc::clone(receiver);
    let help = "1 while the broker is reached and takes messages";
    register_look_up(registry, "broker_up", help, move || {
        i64::from(asked.publisher.ready().is_ok())
    });
    let asked = Arc::clone(receiver);
    let help = "Connections to the broker that can be used, of receiver.connections";
    register_look_up(registry, "broker_connections", help, move || {
        i64::try_from(asked.publisher.connections()).unwrap_or(i64::MAX)
    });
}

impl Receiver {
    async fn serve_notices(
        self: &Arc<Self>,
        listener: TcpListener,
        ending: &mut Ending,
    ) -> anyhow::Result<()> {
        self.warn_if_unprotected();
        // The path itself may be a secret.
        let default_path = self.config.path == ReceiverConfig::DEFAULT_PATH;
        tracing::info!(http.address = %listener.local_addr()?, http.path_is_default = default_path, "listening");
        let server = self.http_server(listener)?;
        let handle = server.handle();
        let mut serving = tokio::spawn(server);
        tokio::select! {
            ended = &mut serving => return Ok(ended??),
            drift = self.publisher.drifted() => {
                handle.stop(false).await;
                return Err(anyhow::anyhow!("{drift}"));
            }
            () = ending.drained() => {}
        }
        // Takes nothing new; resolves when all that is in flight is answered.
        let stopping = tokio::spawn(handle.stop(true));
        let server = serving.abort_handle();
        match ending.finished(serving).await {
            Some(ended) => Ok(ended??),
            None => {
                // Counted before the first of them is dropped.
                let cut_off = self.metrics.in_flight();
                server.abort();
                stopping.abort();
                match cut_off {
                    0 => Ok(()),
                    cut_off => Err(anyhow::anyhow!("{cut_off} requests were not answered in time")),
                }
            }
        }
    }

    fn http_server(self: &Arc<Self>, listener: TcpListener) -> std::io::Result<Server> {
        // At least one for each connection to the broker, since these live on them.
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let workers = cores.max(self.config.connections);
        let receiver = web::Data::from(Arc::clone(self));
        let app = move || {
            receiver.publisher.house_one_here();
            App::new()
                .app_data(receiver.clone())
                .default_service(web::to(notices::handle))
        };
        let server = HttpServer::new(app)
            .workers(workers)
            .max_connections(self.config.max_connections.div_ceil(workers))
            .keep_alive(Duration::from_secs(75))
            .client_request_timeout(Duration::from_secs(10))
            .client_disconnect_timeout(Duration::from_secs(2))
            // Ours is the bound; this only ends what outlives it inside a test.
            .shutdown_timeout(self.config.shutdown_timeout.as_secs())
            .disable_signals();
        Ok(server.listen(listener)?.run())
    }

    /// `notifyType` is outside the signature, so a captured notice can be sent again as another type. What hinders
    /// that is TLS (which can't be seen from here), the source addresses, and a path that can't be guessed.
    fn warn_if_unprotected(&self) {
        if self.config.allow.is_empty() && self.config.path == ReceiverConfig::DEFAULT_PATH {
            tracing::warn!(
                "anyone may post notices: set receiver.allow or an unguessable receiver.path, and put TLS in front"
            );
        }
    }
}
