//! Asks running services at their admin listeners, for `status`, `doctor` and `log-level`.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use xiebao_desk::finding::concern::Concern;
use xiebao_runtime::config::Config;

use crate::admin::Admin;
use crate::exit::Failure;

/// The counters to sum, and the label to group them by.
const COUNTED: [(&str, &str); 2] = [
    ("xiebao_receiver_notices_total", "verdict"),
    ("xiebao_worker_notices_total", "result"),
];

/// The answer of a service.
#[derive(Debug, Default)]
pub struct ServiceState {
    /// Why it is not ready.
    pub problem: Option<String>,
    /// It answered.
    pub reached: bool,
    /// Requests or deliveries since its start, by result.
    pub counts: BTreeMap<String, f64>,
}

/// The named services, or else those of the configuration.
///
/// # Errors
/// A name is not the URL of an admin listener.
pub fn targets(named: &[String], config: &Config) -> Result<Vec<Admin>, Failure> {
    if !named.is_empty() {
        return named.iter().map(|url| Admin::parse(url)).collect();
    }
    let listeners = [config.receiver.admin_listen, config.worker.admin_listen];
    Ok(listeners.into_iter().flatten().map(Admin::at).collect())
}

/// Asks a service for its readiness and its counters.
pub async fn ask(admin: &Admin, patience: Duration) -> ServiceState {
    let get = async |path| admin.exchange(Method::GET, path, "", patience).await;
    let problem = match get("/readyz").await {
        Ok((StatusCode::OK, _)) => None,
        Ok((_, text)) => Some(text.trim().to_owned()),
        Err(problem) => {
            return ServiceState {
                problem: Some(problem),
                ..ServiceState::default()
            };
        }
    };
    let counts = match get("/metrics").await {
        Ok((StatusCode::OK, text)) => counts(&text),
        _ => BTreeMap::new(),
    };
    ServiceState {
        problem,
        reached: true,
        counts,
    }
}

/// How long `doctor` waits for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Findings of `doctor` about the services of the configuration.
pub async fn examine(config: &Config) -> Vec<Concern> {
    let mut found = Vec::new();
    for target in targets(&[], config).unwrap_or_default() {
        let answer = ask(&target, PATIENCE).await;
        let url = target.url();
        found.push(match answer.problem {
            None => Concern::ServiceReady { url },
            Some(why) if answer.reached => Concern::ServiceNotReady { url, why },
            Some(problem) => Concern::ServiceNotReached { url, problem },
        });
    }
    found
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
    fn counters_are_summed_by_result() {
        let text = "# TYPE xiebao_worker_notices counter\n\
                    xiebao_worker_notices_total{notify_type=\"paid\",result=\"applied\"} 3\n\
                    xiebao_worker_notices_total{notify_type=\"issued\",result=\"applied\"} 4\n\
                    xiebao_receiver_notices_total{notify_type=\"paid\",verdict=\"accepted\"} 9\n\
                    xiebao_worker_lag_seconds_count 7\n";
        let counts = counts(text);
        assert_eq!(
            (counts.get("applied"), counts.get("accepted"), counts.len()),
            (Some(&7.0), Some(&9.0), 2)
        );
    }
}
