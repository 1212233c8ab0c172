//! The admin listener of a service: whether it would do its job now, and what it has counted.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::{Method, StatusCode};
use xiebao_runtime::config::Config;

use crate::admin::Admin;
use crate::exit::Failure;

/// The counters whose series are summed, and the label that tells them apart.
const COUNTED: [(&str, &str); 2] = [
    ("xiebao_receiver_notices_total", "verdict"),
    ("xiebao_worker_notices_total", "result"),
];

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
pub fn targets(named: &[String], config: &Config) -> Result<Vec<Admin>, Failure> {
    if !named.is_empty() {
        return named.iter().map(|url| Admin::parse(url)).collect();
    }
    let listeners = [config.receiver.admin_listen, config.worker.admin_listen];
    Ok(listeners.into_iter().flatten().map(Admin::at).collect())
}

/// Asks whether it is ready, and for its counters.
pub async fn ask(admin: &Admin, patience: Duration) -> Answer {
    let get = async |path| admin.exchange(Method::GET, path, "", patience).await;
    let problem = match get("/readyz").await {
        Ok((StatusCode::OK, _)) => None,
        Ok((_, text)) => Some(text.trim().to_owned()),
        Err(problem) => {
            return Answer {
                problem: Some(problem),
                ..Answer::default()
            };
        }
    };
    let counts = match get("/metrics").await {
        Ok((StatusCode::OK, text)) => counts(&text),
        _ => BTreeMap::new(),
    };
    Answer {
        problem,
        reached: true,
        counts,
    }
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
}
