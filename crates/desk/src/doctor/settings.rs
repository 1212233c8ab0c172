//! Settings that are sound each by itself and unwise together, and the keys file.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use url::{Host, Url};

use crate::finding::concern::{Concern, KeyDoubt};

/// Closing takes this time in addition.
const CLOSING: Duration = Duration::from_secs(2);
/// Connections of a worker besides those of its lanes: large notices, sweeper, dead letters, gauges.
const BESIDE_LANES: usize = 4;

/// The settings that belong together.
#[derive(Debug, Clone)]
pub struct Settings<'s> {
    /// `receiver.shutdown_timeout_ms`
    pub shutdown_timeout: Duration,
    /// How long a request may take during a shutdown: `receiver.drain_delay_ms`, `body_timeout_ms` and `publish_timeout_ms`.
    pub in_flight: Duration,
    /// `receiver.allow` is empty and `receiver.path` is the default.
    pub anyone_may_post: bool,
    /// `worker.lanes`
    pub lanes: usize,
    /// `database.pool_size`
    pub pool_size: Option<usize>,
    /// The addresses of database and broker.
    pub addresses: Vec<Address<'s>>,
    /// `keys_file`
    pub keys_file: Option<&'s Path>,
}

/// An address that services connect to.
#[derive(Debug, Clone)]
pub struct Address<'s> {
    /// The setting that holds it.
    pub key: &'static str,
    /// The address, with password.
    pub url: &'s str,
    /// The address, without password.
    pub shown: String,
}

/// The concerns about these settings.
pub fn examine(settings: &Settings<'_>) -> Vec<Concern> {
    let mut found = Vec::new();
    let needed = settings.in_flight + CLOSING;
    if settings.shutdown_timeout < needed {
        found.push(Concern::ShutdownTooShort {
            is_ms: millis(settings.shutdown_timeout),
            needed_ms: millis(needed),
        });
    }
    if settings.anyone_may_post {
        found.push(Concern::AnyoneMayPost);
    }
    let needed = settings.lanes + BESIDE_LANES;
    if let Some(is) = settings.pool_size.filter(|is| *is < needed) {
        found.push(Concern::PoolTooSmall { is, needed });
    }
    found.extend(settings.addresses.iter().filter_map(in_the_clear));
    if let Some(path) = settings.keys_file {
        found.extend(readable_by_all(path));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        found.extend(doubtful_keys(&text));
    }
    found
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// An unencrypted address of another machine. On the same machine nobody can listen in between.
fn in_the_clear(address: &Address<'_>) -> Option<Concern> {
    let url = Url::parse(address.url).ok()?;
    let here = match url.host()? {
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
        // In schemes unknown to the URL standard, IP addresses parse as names.
        Host::Domain(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
    };
    let encrypted = url.scheme() == "amqps"
        || url
            .query_pairs()
            .any(|(name, value)| name == "require_ssl" && value == "true");
    (!here && !encrypted).then(|| Concern::NotEncrypted {
        key: address.key,
        address: address.shown.clone(),
    })
}

fn readable_by_all(path: &Path) -> Option<Concern> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o007 != 0).then(|| Concern::KeysReadableByAll {
        path: path.display().to_string(),
        mode: format!("{mode:04o}"),
    })
}

/// Doubts name keys by partner and number, and never show one.
fn doubtful_keys(text: &str) -> Vec<Concern> {
    let table: toml::Table = toml::from_str(text).unwrap_or_default();
    let mut found = Vec::new();
    for (partner, keys) in &table {
        let keys: Vec<&str> = keys
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(toml::Value::as_str)
            .collect();
        for (nth, key) in keys.iter().enumerate() {
            let repeated = keys[..nth].contains(key).then_some(KeyDoubt::Repeated);
            let Some(why) = repeated.or_else(|| doubt(key)) else {
                continue;
            };
            found.push(Concern::KeySuspicious {
                partner: partner.clone(),
                number: nth + 1,
                why,
            });
        }
    }
    found
}

fn doubt(key: &str) -> Option<KeyDoubt> {
    let framed = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>');
    let lower = key.to_lowercase();
    let example = [
        "changeme",
        "change-me",
        "example",
        "placeholder",
        "your-key",
        "the-key",
        "the-current-key",
    ];
    if key.starts_with(framed) || key.ends_with(framed) {
        Some(KeyDoubt::Framed)
    } else if key.chars().count() < 8 {
        Some(KeyDoubt::Short)
    } else {
        example
            .iter()
            .any(|word| lower.contains(word))
            .then_some(KeyDoubt::Placeholder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_other_machines_without_tls_are_a_concern() {
        let is_concern = |url: &str| {
            let shown = String::new();
            let key = "amqp.url";
            in_the_clear(&Address { key, url, shown }).is_some()
        };
        assert!(is_concern("amqp://u:p@10.0.0.7:5672/x") && is_concern("mysql://u:p@db/x"));
        assert!(
            !is_concern("amqp://u:p@127.0.0.1:5672/x")
                && !is_concern("mysql://u:p@localhost/x")
                && !is_concern("amqp://u:p@[::1]/x")
        );
        assert!(!is_concern("amqps://u:p@broker/x") && !is_concern("mysql://u:p@db/x?require_ssl=true"));
    }

    #[test]
    fn keys_that_do_not_look_like_one_are_named_by_partner_and_number_and_never_shown() {
        let concerns = doubtful_keys(
            "\"7\" = [\"k3y-8f2a99c1\", \" k3y-8f2a99c2\", \"short\", \"k3y-8f2a99c1\", \"changeme-now\"]",
        );
        let doubts: Vec<(usize, KeyDoubt)> = concerns
            .iter()
            .filter_map(|concern| match concern {
                Concern::KeySuspicious { number, why, .. } => Some((*number, *why)),
                _ => None,
            })
            .collect();
        let wanted = [
            (2, KeyDoubt::Framed),
            (3, KeyDoubt::Short),
            (4, KeyDoubt::Repeated),
            (5, KeyDoubt::Placeholder),
        ];
        assert_eq!(doubts, wanted);
        let shown = serde_json::to_string(&concerns).expect("JSON");
        assert!(!shown.contains("8f2a99"), "{shown}");
    }

    #[test]
    fn a_keys_file_that_all_can_read_is_a_concern() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let set =
            |mode| std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).expect("set");
        set(0o640);
        assert_eq!(readable_by_all(file.path()), None);
        set(0o644);
        assert!(
            matches!(readable_by_all(file.path()), Some(Concern::KeysReadableByAll { mode, .. }) if mode == "0644")
        );
    }
}
