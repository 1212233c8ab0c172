//! The admin listener: `/healthz` (alive), `/readyz` (would do its job now), `/metrics` (Prometheus), `/log-level`.

mod log_level;
mod plain;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::header::{self, ContentType};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use prometheus_client::registry::Registry;

use crate::metrics::{register_look_up, register_process};

/// Tells if the service would do its job now; the error is the reason why not.
pub type Ready = dyn Fn() -> Result<(), String> + Send + Sync;

struct Admin {
    ready: Arc<Ready>,
    registry: Registry,
}

/// The running listener. Dropping it stops the server.
#[derive(Debug)]
pub struct AdminServer(ServerHandle);

impl Drop for AdminServer {
    fn drop(&mut self) {
        drop(self.0.stop(false));
    }
}

/// Serves on one thread until the result is dropped. `service` is the prefix of the gauge `ready`. Must be called inside a
/// Tokio runtime.
///
/// # Errors
/// If the listener cannot be used.
pub fn serve(
    listener: TcpListener,
    service: &str,
    ready: Arc<Ready>,
    mut registry: Registry,
) -> std::io::Result<AdminServer> {
    let asked = Arc::clone(&ready);
    register_look_up(
        registry.sub_registry_with_prefix(service),
        "ready",
        "1 while the service would do its job",
        move || i64::from(asked().is_ok()),
    );
    register_process(&mut registry);
    let admin = web::Data::new(Admin { ready, registry });
    let app = move || {
        App::new()
            .app_data(admin.clone())
            .route("/healthz", web::get().to(healthz))
            .route("/readyz", web::get().to(readyz))
            .route("/metrics", web::get().to(metrics))
            .service(
                web::resource("/log-level")
                    .app_data(log_level::limits())
                    .route(web::get().to(log_level::get))
                    .route(web::put().to(log_level::put)),
            )
    };
    let server = HttpServer::new(app)
        .workers(1)
        .max_connections(64)
        .client_request_timeout(Duration::from_secs(5))
        .disable_signals()
        .listen(listener)?
        .run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok(AdminServer(handle))
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::plaintext())
        .body("alive\n")
}

async fn readyz(admin: web::Data<Admin>) -> HttpResponse {
    let (mut answer, text) = match (admin.ready)() {
        Ok(()) => (HttpResponse::Ok(), "ready\n".to_owned()),
        Err(reason) => (
            HttpResponse::ServiceUnavailable(),
            format!("not ready: {reason}\n"),
        ),
    };
    answer.content_type(ContentType::plaintext()).body(text)
}

async fn metrics(request: HttpRequest, admin: web::Data<Admin>) -> HttpResponse {
    let mut text = String::new();
    if prometheus_client::encoding::text::encode(&mut text, &admin.registry).is_err() {
        return HttpResponse::InternalServerError().finish();
    }
    let accept = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    let (content_type, text) = if accept.is_some_and(|accept| accept.contains("application/openmetrics-text"))
    {
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", text)
    } else {
        (
            "text/plain; version=0.0.4; charset=utf-8",
            plain::of_open_metrics(&text),
        )
    };
    HttpResponse::Ok().content_type(content_type).body(text)
}
