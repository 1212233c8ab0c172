//! Parses single values. Each error completes a sentence that begins with the key.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use chrono::TimeDelta;
use ipnet::IpNet;
use lapin::uri::AMQPUri;
use url::Url;
use xiebao_core::id::{NotifyType, Step};
use xiebao_core::rules::OnTimeout;

use super::LogFormat;

/// The longest accepted time span, so that a date plus a time span stays a date.
const LONGEST: Duration = Duration::from_secs(3_650 * 24 * 60 * 60);

/// A socket address.
pub(super) fn socket(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "must be an address and a port, as in 127.0.0.1:8080".to_owned())
}

/// An absolute path without query.
pub(super) fn http_path(text: &str) -> Result<String, String> {
    let sound = text.starts_with('/')
        && text
            .bytes()
            .all(|b| b.is_ascii_graphic() && !matches!(b, b'?' | b'#'));
    sound
        .then(|| text.to_owned())
        .ok_or_else(|| "must begin with / and contain no space, ? or #".to_owned())
}

/// A network in CIDR notation, or a single address.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let single = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse()
        .or_else(|_| single())
        .map_err(|_| "must be a network, as in 10.0.0.0/8".to_owned())
}

/// A time span with units: `10m`, `7d`, `2s`, `1h 30m`.
pub(super) fn duration(text: &str) -> Result<TimeDelta, String> {
    let duration =
        humantime::parse_duration(text).map_err(|_| "must be a time span, as in 10m or 7d".to_owned())?;
    if duration > LONGEST {
        return Err("must be at most 3650 days".to_owned());
    }
    TimeDelta::from_std(duration).map_err(|e| e.to_string())
}

/// A time span for timers.
pub(super) fn wait(text: &str) -> Result<Duration, String> {
    duration(text)?.to_std().map_err(|e| e.to_string())
}

/// The name of a step.
pub(super) fn step(text: &str) -> Result<Step, String> {
    let names = || Step::ALL.map(Step::name).join(", ");
    Step::from_name(text).ok_or_else(|| format!("must contain only steps ({})", names()))
}

/// The number of a documented notice type.
pub(super) fn documented_type(text: &str) -> Result<Step, String> {
    let step = text.parse().ok().map(NotifyType).and_then(Step::of);
    step.ok_or_else(|| "must contain only documented notice types (1, 2, 3, 4, 5, 9, 26, 27)".to_owned())
}

/// The action when a wait times out.
pub(super) fn on_timeout(text: &str) -> Result<OnTimeout, String> {
    match text {
        "apply" => Ok(OnTimeout::Apply),
        "dead_letter" => Ok(OnTimeout::DeadLetter),
        _ => Err("must be apply or dead_letter".to_owned()),
    }
}

/// A log level.
pub(crate) fn log_level(text: &str) -> Result<tracing::Level, String> {
    text.parse()
        .map_err(|_| "must be error, warn, info, debug or trace".to_owned())
}

/// The form of log lines.
pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err("must be json or text".to_owned()),
    }
}

/// Splits a list of addresses at line ends, and at commas before an address. Other commas belong to a password.
pub(super) fn several_addresses(text: &str) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    for line in text.lines() {
        for (i, piece) in line.split(',').enumerate() {
            match addresses.last_mut() {
                Some(last) if i > 0 && !begins_an_address(piece) => {
                    last.push(',');
                    last.push_str(piece);
                }
                _ => addresses.push(piece.to_owned()),
            }
        }
    }
    // A trailing comma does not belong to an address.
    let bare = |address: &String| address.trim().trim_end_matches(',').to_owned();
    addresses.iter().map(bare).collect()
}

fn begins_an_address(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("amqp://") || text.starts_with("amqps://")
}

/// The vhost in the address of a broker's node.
pub(super) fn broker(text: &str) -> Result<String, String> {
    let url = address(text, &["amqp", "amqps"])?;
    if url.host_str().is_some_and(|host| host.contains(',')) {
        return Err("needs amqp:// before each of several hosts".to_owned());
    }
    let read_by_the_client: AMQPUri = text
        .parse()
        .map_err(|_| "is not an address of a broker".to_owned())?;
    Ok(read_by_the_client.vhost)
}

/// An address that may contain a password, so the error must not quote it.
pub(super) fn address(text: &str, schemes: &[&str]) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|e| format!("is not an address: {e}"))?;
    if !schemes.contains(&url.scheme()) {
        return Err(format!("must begin with {}://", schemes.join(":// or ")));
    }
    if !url.has_host() || url.host_str() == Some("") {
        return Err("names no host".to_owned());
    }
    Ok(url)
}
