//! `/log-level` on the admin listener: reads and changes the log level.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::http::header::{ContentType, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use chrono::TimeDelta;
use tracing::Level;

use crate::clock;
use crate::telemetry::{self, LogLevel, LogLevelState};

/// The longest time for which a level can be set.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Answers the level, to anyone who can read the metrics.
pub(super) async fn get() -> HttpResponse {
    match telemetry::log_level() {
        Some(level) => plain(HttpResponse::Ok(), &describe(level.state())),
        None => no_logger(),
    }
}

/// Sets the level in the body, optionally for a time (`?for=10m`). Only requests from this machine or Pod may, because the
/// listener is open to collectors of metrics, and a verbose level costs speed and disk space.
pub(super) async fn put(request: HttpRequest, body: String) -> HttpResponse {
    let listener = request.app_config().local_addr();
    let from_here = request.peer_addr().is_some_and(|peer| is_here(peer, listener));
    if !from_here || was_forwarded(request.headers()) {
        return plain(
            HttpResponse::Forbidden(),
            "the log level is changed from the machine or Pod itself only\n",
        );
    }
    let Some(level) = telemetry::log_level() else {
        return no_logger();
    };
    let wanted = read(&body).and_then(|wanted| Ok((wanted, time_span(request.query_string())?)));
    match wanted {
        Ok((wanted, time)) => {
            change(level, wanted, time);
            plain(HttpResponse::Ok(), &describe(level.state()))
        }
        Err(problem) => plain(HttpResponse::BadRequest(), &format!("{problem}\n")),
    }
}

fn change(level: &'static LogLevel, wanted: Level, time: Option<Duration>) {
    let until = time.and_then(|time| Some(clock::now() + TimeDelta::from_std(time).ok()?));
    let change = level.change(wanted, until);
    if let Some(time) = time {
        tokio::spawn(async move {
            tokio::time::sleep(time).await;
            level.return_from(change);
        });
    }
}

/// Tells if a proxy on this machine forwarded the request. Not every proxy adds a header.
fn was_forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "via"]
        .iter()
        .any(|name| headers.contains_key(*name))
}

/// Tells if the peer is on loopback, or has the listener's own address.
fn is_here(peer: SocketAddr, listener: SocketAddr) -> bool {
    let peer = peer.ip().to_canonical();
    peer.is_loopback() || peer == listener.ip().to_canonical()
}

fn read(body: &str) -> Result<Level, String> {
    crate::config::log_level(body.trim()).map_err(|problem| format!("the level {problem}"))
}

/// Parses `for=10m`; `None` without a query.
fn time_span(query: &str) -> Result<Option<Duration>, String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let Some((key, value)) = pairs.next() else {
        return Ok(None);
    };
    if key != "for" || pairs.next().is_some() {
        return Err("only the parameter \"for\" is known".to_owned());
    }
    match humantime::parse_duration(&value) {
        Ok(time) if time.as_secs() >= 1 && time <= LONGEST => Ok(Some(time)),
        _ => Err("\"for\" must be a time span from 1s to 24h, as in 10m".to_owned()),
    }
}

/// The level on the first line, then further lines about it.
fn describe(state: LogLevelState) -> String {
    let LogLevelState {
        process,
        level,
        configured,
        until,
    } = state;
    let mut text = format!(
        "{}\nservice: {process}\nconfigured: {}\n",
        telemetry::level_name(level),
        telemetry::level_name(configured)
    );
    if let Some(until) = until {
        text.push_str(&format!(
            "until: {}\n",
            until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
        ));
    }
    text
}

fn no_logger() -> HttpResponse {
    plain(HttpResponse::NotFound(), "this process has not started its log\n")
}

fn plain(mut answer: HttpResponseBuilder, text: &str) -> HttpResponse {
    answer
        .content_type(ContentType::plaintext())
        .body(text.to_owned())
}

/// Bounds the body.
pub(super) fn limits() -> web::PayloadConfig {
    web::PayloadConfig::new(64)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_time_span_is_read_within_its_bounds() {
        assert_eq!(time_span(""), Ok(None));
        assert_eq!(time_span("for=10m"), Ok(Some(Duration::from_secs(600))));
        assert_eq!(time_span("for=1h%2030m"), Ok(Some(Duration::from_secs(5_400))));
        for wrong in [
            "for=",
            "for=10",
            "for=0s",
            "for=25h",
            "until=10m",
            "for=1m&for=2m",
        ] {
            assert!(time_span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_forwarded_request_is_recognised() {
        let mut headers = HeaderMap::new();
        assert!(!was_forwarded(&headers));
        headers.insert(
            HeaderName::from_static("x-forwarded-for"),
            HeaderValue::from_static("10.0.0.6"),
        );
        assert!(was_forwarded(&headers));
    }

    #[test]
    fn only_this_machine_may_change_the_level() {
        let here = |peer: &str, listener: &str| {
            is_here(
                peer.parse().expect("an address"),
                listener.parse().expect("an address"),
            )
        };
        for peer in ["127.0.0.1:1", "127.8.9.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(here(peer, "0.0.0.0:9090"), "{peer}");
        }
        assert!(here("10.0.0.5:1", "10.0.0.5:9090"));
        for peer in ["10.0.0.6:1", "[fe80::1]:1", "[::ffff:10.0.0.6]:1"] {
            assert!(
                !here(peer, "0.0.0.0:9090") && !here(peer, "10.0.0.5:9090"),
                "{peer}"
            );
        }
    }
}
