//! The worker's admin listener and the metrics it serves.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use xiebao_runtime::health::{self, AdminServer};
use xiebao_runtime::metrics::register_look_up;

use crate::worker::Worker;

/// Serves `/healthz`, `/readyz` and `/metrics` until the result is dropped; `None` without `worker.admin_listen`.
///
/// # Errors
/// If the address cannot be bound.
pub(crate) fn serve(
    worker: &Arc<Worker>,
    shutdown: &CancellationToken,
) -> anyhow::Result<Option<AdminServer>> {
    let Some(address) = worker.settings.admin_listen else {
        return Ok(None);
    };
    let listener = TcpListener::bind(address).with_context(|| format!("worker.admin_listen {address}"))?;
    let (worker_asked, shutdown) = (Arc::clone(worker), shutdown.clone());
    let ready = move || match shutdown.is_cancelled() {
        true => Err("shutting down".to_owned()),
        false => worker_asked.ready(),
    };
    let server = health::serve(listener, "xiebao_worker", Arc::new(ready), registry(worker))?;
    Ok(Some(server))
}

fn registry(worker: &Arc<Worker>) -> Registry {
    let mut registry = Registry::default();
    let of_worker = registry.sub_registry_with_prefix("xiebao_worker");
    worker.metrics.register(of_worker);
    of_worker.register_collector(Box::new(Arc::clone(&worker.samples)));
    let mut state = |name, help, holds: fn(&Worker) -> bool| {
        let worker = Arc::clone(worker);
        register_look_up(of_worker, name, help, move || i64::from(holds(&worker)));
    };
    state(
        "broker_up",
        "1 while the broker is reached and accepts messages",
        |worker| worker.publisher.ready().is_ok(),
    );
    state(
        "consuming",
        "1 while deliveries are taken from the broker",
        |worker| worker.consuming.load(Ordering::Relaxed),
    );
    state(
        "database_up",
        "1 while the database works and has its tables",
        |worker| worker.database_trouble().is_none(),
    );
    state(
        "paused",
        "1 while work that was begun waits for the database",
        Worker::is_paused,
    );
    worker.traces.register(of_worker);
    registry
}
