//! The admin listener of a service: whether it would do its job now, and what it has counted.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;
use xiebao_runtime::config::Config;

use crate::exit::Failure;

/// More than this is no answer of ours.
const LONGEST: u64 = 4 << 20;

/// The counters whose series are summed, and the label that tells them apart.
const COUNTED: [(&str, &str); 2] = [
    ("xiebao_receiver_notices_total", "verdict"),
    ("xiebao_worker_notices_total", "result"),
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub url: String,
    authority: String,
}

/// What a service said.
#[derive(Debug, Default)]
pub struct Answer {
    /// Why it is not ready.
    pub problem: Option<String>,
    /// It answered at all.
    pub reached: bool,
    pub counts: BTreeMap<String, f64>,
}

/// The services that are named, or else those that the configuration has listeners of.
pub fn targets(named: &[String], config: &Config) -> Result<Vec<Target>, Failure> {
    if !named.is_empty() {
        return named.iter().map(|url| Target::parse(url)).collect();
    }
    let listeners = [config.receiver.admin_listen, config.worker.admin_listen];
    listeners
        .into_iter()
        .flatten()
        .map(|address| Target::parse(&format!("http://{}", reachable(address))))
        .collect()
}

/// Who listens everywhere is asked here.
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let local = match address {
            SocketAddr::V4(_) => [127, 0, 0, 1].into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(local);
    }
    address
}

impl Target {
    fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = || {
            Failure::Usage(format!(
                "{text}: must be the address of an admin listener, as in http://127.0.0.1:9090"
            ))
        };
        let url = Url::parse(text).map_err(|_| wrong())?;
        let host = url
            .host_str()
            .filter(|_| url.scheme() == "http")
            .ok_or_else(wrong)?;
        let port = url.port_or_known_default().unwrap_or(80);
        Ok(Self {
            url: format!("http://{host}:{port}"),
            authority: format!("{host}:{port}"),
        })
    }
}

/// Asks whether it is ready, and for its counters.
pub async fn ask(target: &Target, patience: Duration) -> Answer {
    let problem = match get(target, "/readyz", patience).await {
        Ok((200, _)) => None,
        Ok((_, text)) => Some(text.trim().to_owned()),
        Err(problem) => {
            return Answer {
                problem: Some(problem),
                ..Answer::default()
            };
        }
    };
    let counts = match get(target, "/metrics", patience).await {
        Ok((200, text)) => counts(&text),
        _ => BTreeMap::new(),
    };
    Answer {
        problem,
        reached: true,
        counts,
    }
}

/// Status and body of an answer.
async fn get(target: &Target, path: &str, patience: Duration) -> Result<(u16, String), String> {
    let asking = async {
        let mut stream = TcpStream::connect(&target.authority).await?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", target.authority);
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(LONGEST).read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = timeout(patience, asking)
        .await
        .map_err(|_| format!("no answer within {patience:?}"))?;
    let answer = answer.map_err(|error| error.to_string())?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer of HTTP")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or("no answer of HTTP")?, body.to_owned()))
}

fn counts(text: &str) -> BTreeMap<String, f64> {
    let mut counts = BTreeMap::new();
    for line in text.lines() {
        for (name, label) in COUNTED {
            let Some((labels, value)) = line.strip_prefix(name).and_then(|rest| rest.rsplit_once(' ')) else {
                continue;
            };
            let of = labels
                .split_once(&format!("{label}=\""))
                .and_then(|(_, rest)| rest.split('"').next());
            if let (Some(of), Ok(value)) = (of, value.parse::<f64>()) {
                *counts.entry(of.to_owned()).or_default() += value;
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_summed_by_what_became_of_notices() {
        let text = "# TYPE xiebao_worker_notices counter\n\
                    xiebao_worker_notices_total{notify_type=\"paid\",result=\"applied\"} 3\n\
                    xiebao_worker_notices_total{notify_type=\"issued\",result=\"applied\"} 4\n\
                    xiebao_receiver_notices_total{notify_type=\"paid\",verdict=\"accepted\"} 9\n\
                    xiebao_worker_lag_seconds_count 7\n";
        let told = counts(text);
        assert_eq!(
            (told.get("applied"), told.get("accepted"), told.len()),
            (Some(&7.0), Some(&9.0), 2)
        );
    }

    #[test]
    fn a_listener_on_all_addresses_is_asked_on_this_machine() {
        let of = |text: &str| reachable(text.parse().expect("an address")).to_string();
        assert_eq!(of("0.0.0.0:9090"), "127.0.0.1:9090");
        assert_eq!(of("[::]:9090"), "[::1]:9090");
        assert_eq!(of("10.0.0.7:9090"), "10.0.0.7:9090");
    }

    #[test]
    fn only_addresses_of_http_are_services() {
        assert!(Target::parse("http://[::1]:9090").is_ok());
        assert!(Target::parse("https://a:9090").is_err());
        assert!(Target::parse("a:9090").is_err());
    }
}
