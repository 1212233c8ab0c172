//! The receiver's admin listener.

use std::sync::Arc;

use prometheus_client::registry::Registry;
use xiebao_runtime::health::{self, AdminServer};
use xiebao_runtime::metrics::register_look_up;

use crate::receiver::Receiver;
use crate::server::bind;

/// Serves `/healthz`, `/readyz` and `/metrics` until the result is dropped; `None` without `receiver.admin_listen`.
///
/// # Errors
/// If the address cannot be bound.
pub(crate) fn serve(receiver: &Arc<Receiver>, mut registry: Registry) -> anyhow::Result<Option<AdminServer>> {
    let Some(address) = receiver.config.admin_listen else {
        return Ok(None);
    };
    register_broker(receiver, registry.sub_registry_with_prefix("xiebao_receiver"));
    let receiver = Arc::clone(receiver);
    let ready = move || match receiver.shutdown.is_cancelled() {
        true => Err("shutting down".to_owned()),
        false => receiver.publisher.ready(),
    };
    let admin = health::serve(bind(address)?, "xiebao_receiver", Arc::new(ready), registry)?;
    Ok(Some(admin))
}

fn register_broker(receiver: &Arc<Receiver>, registry: &mut Registry) {
    let for_state = Arc::clone(receiver);
    let help = "1 while the broker is reached and accepts messages";
    register_look_up(registry, "broker_up", help, move || {
        i64::from(for_state.publisher.ready().is_ok())
    });
    let for_count = Arc::clone(receiver);
    let help = "Usable connections to the broker, of receiver.connections";
    register_look_up(registry, "broker_connections", help, move || {
        i64::try_from(for_count.publisher.connections()).unwrap_or(i64::MAX)
    });
}
