//! The lag: the time of a notice from its receipt to its rows.

use std::time::Duration;

use anyhow::Context as _;
use xiebao_testkit::numbers;

use crate::service::Service;
use crate::windows::percentile;

/// Percentiles in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Lag {
    /// From receipt to the decision, from the rows of the notices that were never held.
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    /// From receipt to the commit, from the workers' histograms, interpolated within a bucket.
    pub p99_ms_with_commit: f64,
}

/// The state at the start of the measurement.
#[derive(Debug)]
pub struct Since {
    /// The latest receipt, in microseconds since 1970.
    latest: i64,
    buckets: Vec<Bucket>,
}

/// An upper bound in seconds, and the number of notices so far that took at most as long.
type Bucket = (f64, f64);

impl Since {
    pub async fn now(url: &str, workers: &[Service]) -> anyhow::Result<Self> {
        let latest = "SELECT COALESCE(MAX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', received_at)), 0) AS number FROM notices";
        let latest = numbers(url, latest).await?;
        Ok(Self {
            latest: *latest.first().context("a maximum without a row")?,
            buckets: buckets(workers).await?,
        })
    }

    /// The lag since then, without the notices of the warm-up.
    pub async fn measure(self, url: &str, workers: &[Service], warm_up: Duration) -> anyhow::Result<Lag> {
        let since = self.latest + i64::try_from(warm_up.as_micros())?;
        let query = format!(
            "SELECT CAST(TIMESTAMPDIFF(MICROSECOND, received_at, applied_at) AS SIGNED) AS number FROM notices \
             WHERE held_at IS NULL AND applied_at IS NOT NULL \
             AND received_at > TIMESTAMPADD(MICROSECOND, {since}, '1970-01-01')"
        );
        let mut sorted: Vec<f64> = numbers(url, &query)
            .await?
            .iter()
            .map(|us| *us as f64 / 1_000.0)
            .collect();
        sorted.sort_by(f64::total_cmp);
        let at = |share| percentile(&sorted, share).context("no notice was applied");
        let after = buckets(workers).await?;
        let new: Vec<Bucket> = after
            .iter()
            .zip(&self.buckets)
            .map(|((le, now), (_, then))| (*le, now - then))
            .collect();
        Ok(Lag {
            p50_ms: at(0.5)?,
            p99_ms: at(0.99)?,
            p999_ms: at(0.999)?,
            p99_ms_with_commit: interpolated(&new, 0.99) * 1_000.0,
        })
    }
}

async fn buckets(workers: &[Service]) -> anyhow::Result<Vec<Bucket>> {
    let mut sum: Vec<Bucket> = Vec::new();
    for worker in workers {
        let metrics = worker.metrics().await?;
        let own: Vec<Bucket> = metrics
            .samples("xiebao_worker_lag_seconds_bucket")
            .filter_map(|(labels, count)| Some((bound(labels)?, count)))
            .collect();
        if sum.is_empty() {
            sum = own;
        } else {
            sum.iter_mut().zip(own).for_each(|(all, one)| all.1 += one.1);
        }
    }
    Ok(sum)
}

/// The bound of a label like `{le="0.004"}`.
fn bound(labels: &str) -> Option<f64> {
    let text = labels.strip_prefix("{le=\"")?.strip_suffix("\"}")?;
    if text == "+Inf" {
        Some(f64::INFINITY)
    } else {
        text.parse().ok()
    }
}

/// Assumes that values are evenly distributed within a bucket.
fn interpolated(buckets: &[Bucket], share: f64) -> f64 {
    let wanted = buckets.last().map_or(0.0, |(_, all)| all * share);
    let (mut below, mut counted) = (0.0, 0.0);
    for (bound, count) in buckets {
        if *count >= wanted && *count > counted {
            let part = (wanted - counted) / (count - counted);
            return if bound.is_finite() {
                below + (bound - below) * part
            } else {
                below
            };
        }
        (below, counted) = (*bound, *count);
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_lies_within_its_bucket() {
        let buckets = [
            (0.001, 0.0),
            (0.002, 90.0),
            (0.004, 100.0),
            (f64::INFINITY, 100.0),
        ];
        assert!((interpolated(&buckets, 0.45) - 0.0015).abs() < 1e-9);
        assert!((interpolated(&buckets, 0.95) - 0.003).abs() < 1e-9);
        assert_eq!(interpolated(&[], 0.99), 0.0);
    }

    #[test]
    fn the_bound_of_a_bucket_is_in_its_label() {
        assert_eq!(bound("{le=\"0.004\"}"), Some(0.004));
        assert_eq!(bound("{le=\"+Inf\"}"), Some(f64::INFINITY));
        assert_eq!(bound("{other=\"1\"}"), None);
    }
}
