//! The sections of the configuration, each with its defaults and bounds.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

use super::reader::Reader;
use super::secret::{Secret, without_password};
use super::values;

pub(super) const MISSING: &str = "is missing";

/// The upper bound of `receiver.max_body_bytes`. A body must fit its column (MEDIUMBLOB) and a statement of a server with the
/// usual `max_allowed_packet`, with room to spare; both are 16 MiB.
const MAX_BODY_BYTES: usize = 8 << 20;

/// `amqp.*`
#[derive(Debug, Clone)]
pub struct AmqpConfig {
    /// `amqp://user:password@host:port/vhost`, or `amqps://…`: one per node of the cluster, at least one.
    pub urls: Vec<Secret>,
    /// `http://user:password@host:port` of the management plugin, for `xiebao doctor` alone.
    pub management_url: Option<Secret>,
    /// Bound on one attempt to connect.
    pub connect_timeout: Duration,
}

impl AmqpConfig {
    /// The settings that the broker's crate takes.
    pub fn settings(&self) -> xiebao_amqp::Settings {
        xiebao_amqp::Settings {
            urls: self.urls.iter().map(|url| url.expose().to_owned()).collect(),
            connect_timeout: self.connect_timeout,
        }
    }
}

/// `database.*`
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `mysql://user:password@host:port/name`
    pub url: Secret,
    /// Cap on connections.
    pub pool_size: usize,
}

/// `receiver.*`
#[derive(Debug, Clone)]
pub struct ReceiverConfig {
    /// The address for notices.
    pub listen: SocketAddr,
    /// The path for notices.
    pub path: String,
    /// The address of the admin listener; none without it.
    pub admin_listen: Option<SocketAddr>,
    /// Cap on a body.
    pub max_body_bytes: usize,
    /// Bound on publishing a notice, including retries.
    pub publish_timeout: Duration,
    /// Bound on the arrival of a request's body.
    pub body_timeout: Duration,
    /// How long notices are still accepted after SIGTERM, until load balancers have noticed it.
    pub drain_delay: Duration,
    /// Bound on the end of the process after SIGTERM.
    pub shutdown_timeout: Duration,
    /// Networks whose notices are accepted; any if empty.
    pub allow: Vec<IpNet>,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// Connections to the broker, each on a thread that also serves HTTP.
    pub connections: usize,
    /// Cap on HTTP connections.
    pub max_connections: usize,
}

impl ReceiverConfig {
    /// The documented path, which anyone can guess.
    pub const DEFAULT_PATH: &'static str = "/notices";
}

/// `worker.*`
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// The address of the admin listener; none without it.
    pub admin_listen: Option<SocketAddr>,
    /// Cap on unacknowledged deliveries.
    pub prefetch: u16,
    /// Cap on notices in one transaction.
    pub batch_size: usize,
    /// How long a batch waits to fill.
    pub batch_wait: Duration,
    /// Batches processed in parallel.
    pub lanes: usize,
    /// How long the database may be unavailable before unacknowledged deliveries are handed back to the queue.
    pub hand_back_after: Duration,
    /// Interval between sweeps for overdue holds.
    pub sweep_interval: Duration,
    /// Interval between samples of tables and queues for the gauges.
    pub sample_interval: Duration,
    /// How long after its payment an unissued proposal counts as stuck.
    pub stuck_after: Duration,
}

/// `log.*`
#[derive(Debug, Clone, Copy)]
pub struct LogConfig {
    /// For the product's own events.
    pub level: tracing::Level,
    /// The form of each line.
    pub format: LogFormat,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// Text for people.
    Text,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: tracing::Level::INFO,
            format: LogFormat::Json,
        }
    }
}

pub(super) fn amqp(reader: &mut Reader, needed: bool) -> Option<AmqpConfig> {
    let urls = brokers(reader, "amqp.url", needed);
    let management_url = address(reader, "amqp.management_url", &["http"], false);
    let connect_timeout = millis(reader, "amqp.connect_timeout_ms", 3_000, 100, 60_000);
    Some(AmqpConfig {
        urls: urls?,
        management_url,
        connect_timeout,
    })
}

pub(super) fn database(reader: &mut Reader, needed: bool) -> Option<DatabaseConfig> {
    let url = address(reader, "database.url", &["mysql"], needed);
    let pool_size = reader.number("database.pool_size", 8, 1..=1_000);
    Some(DatabaseConfig { url: url?, pool_size })
}

/// The addresses of a broker's nodes. All must name the same vhost, or one program would read another vhost than the
/// others write to.
fn brokers(reader: &mut Reader, key: &str, needed: bool) -> Option<Vec<Secret>> {
    let Some(secrets) = reader.secrets(key, values::several_addresses) else {
        missing_unless_faulty(reader, key, needed);
        return None;
    };
    let mut vhosts = BTreeSet::new();
    for secret in &secrets {
        match values::broker(secret.expose()) {
            Ok(vhost) => drop(vhosts.insert(vhost)),
            Err(problem) => blame(reader, key, secret, &problem),
        }
    }
    if vhosts.len() > 1 {
        reader.fault(key, "names nodes of one cluster, so all must have the same vhost");
    }
    Some(secrets)
}

fn address(reader: &mut Reader, key: &str, schemes: &[&str], needed: bool) -> Option<Secret> {
    let secret = reader.secret(key);
    match &secret {
        Some(secret) => {
            if let Err(problem) = values::address(secret.expose(), schemes) {
                blame(reader, key, secret, &problem);
            }
        }
        None => missing_unless_faulty(reader, key, needed),
    }
    secret
}

fn blame(reader: &mut Reader, key: &str, secret: &Secret, problem: &str) {
    let shown = without_password(secret.expose());
    reader.fault(key, format!("{problem} (value {shown})"));
}

/// Reports a missing key, unless it already has another fault: given twice, or unreadable.
fn missing_unless_faulty(reader: &mut Reader, key: &str, needed: bool) {
    if needed && !reader.has_fault_of(key) {
        reader.fault(key, MISSING);
    }
}

pub(super) fn receiver(reader: &mut Reader) -> ReceiverConfig {
    let config = ReceiverConfig {
        listen: reader
            .parsed("receiver.listen", values::socket)
            .unwrap_or(DEFAULT_LISTEN),
        path: reader
            .parsed("receiver.path", values::http_path)
            .unwrap_or_else(|| ReceiverConfig::DEFAULT_PATH.to_owned()),
        admin_listen: reader.parsed("receiver.admin_listen", values::socket),
        max_body_bytes: reader.number("receiver.max_body_bytes", 1 << 20, 1_024..=MAX_BODY_BYTES),
        // The platform reads for 50 s at most.
        publish_timeout: millis(reader, "receiver.publish_timeout_ms", 10_000, 100, 40_000),
        body_timeout: millis(reader, "receiver.body_timeout_ms", 10_000, 100, 40_000),
        drain_delay: millis(reader, "receiver.drain_delay_ms", 3_000, 0, 60_000),
        shutdown_timeout: millis(reader, "receiver.shutdown_timeout_ms", 25_000, 0, 300_000),
        allow: reader.list("receiver.allow", values::network).unwrap_or_default(),
        trusted_proxies: reader
            .list("receiver.trusted_proxies", values::network)
            .unwrap_or_default(),
        connections: reader.number("receiver.connections", 2, 1..=64),
        max_connections: reader.number("receiver.max_connections", 8_192, 1..=1_000_000),
    };
    if config
        .admin_listen
        .is_some_and(|admin| admin == config.listen && admin.port() != 0)
    {
        reader.fault(
            "receiver.admin_listen",
            format!("is receiver.listen too (value \"{}\")", config.listen),
        );
    }
    config
}

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

const DEFAULT_STUCK_AFTER: Duration = Duration::from_secs(30 * 60);

pub(super) fn worker(reader: &mut Reader) -> WorkerConfig {
    WorkerConfig {
        admin_listen: reader.parsed("worker.admin_listen", values::socket),
        prefetch: reader.number("worker.prefetch", 2_000, 1..=u16::MAX),
        batch_size: reader.number("worker.batch_size", 500, 1..=1_000),
        batch_wait: millis(reader, "worker.batch_wait_ms", 5, 0, 1_000),
        lanes: reader.number("worker.lanes", 2, 1..=64),
        hand_back_after: millis(reader, "worker.hand_back_after_ms", 30_000, 1_000, 600_000),
        sweep_interval: millis(reader, "worker.sweep_interval_ms", 500, 50, 1_000),
        sample_interval: millis(reader, "worker.sample_interval_ms", 15_000, 200, 300_000),
        stuck_after: reader
            .parsed("worker.stuck_after", values::wait)
            .unwrap_or(DEFAULT_STUCK_AFTER),
    }
}

pub(super) fn log(reader: &mut Reader) -> LogConfig {
    let default = LogConfig::default();
    LogConfig {
        level: reader
            .parsed("log.level", values::log_level)
            .unwrap_or(default.level),
        format: reader
            .parsed("log.format", values::log_format)
            .unwrap_or(default.format),
    }
}

pub(super) fn millis(reader: &mut Reader, key: &str, default: u64, least: u64, most: u64) -> Duration {
    Duration::from_millis(reader.number(key, default, least..=most))
}
