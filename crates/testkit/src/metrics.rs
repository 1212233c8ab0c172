//! Metrics of a service, read from `/metrics`.

use std::net::SocketAddr;

use reqwest::Client;

/// The text of one answer.
#[derive(Debug, Clone)]
pub struct Metrics(String);

impl Metrics {
    /// Asks the service's admin listener.
    ///
    /// # Errors
    /// If the service does not answer.
    pub async fn read(client: &Client, admin: SocketAddr) -> reqwest::Result<Self> {
        let answer = client.get(format!("http://{admin}/metrics")).send().await?;
        Ok(Self(answer.text().await?))
    }

    /// The sum of a metric over all its labels. `name` is the whole name: `xiebao_worker_notices_total`.
    pub fn sum(&self, name: &str) -> f64 {
        self.samples(name).map(|(_, value)| value).sum()
    }

    /// The samples of a metric: the labels as they are written, and the value.
    pub fn samples<'m>(&'m self, name: &'m str) -> impl Iterator<Item = (&'m str, f64)> {
        self.0.lines().filter_map(move |line| {
            let (head, value) = line.rsplit_once(' ')?;
            let labels = head.strip_prefix(name)?;
            let whole_name = labels.is_empty() || labels.starts_with('{');
            whole_name.then_some((labels, value.parse().ok()?))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_added_up_over_its_labels_and_no_other_is() {
        let text = "# TYPE xiebao_worker_notices counter\n\
            xiebao_worker_notices_total{notify_type=\"insured\",result=\"applied\"} 3\n\
            xiebao_worker_notices_total{notify_type=\"paid\",result=\"held\"} 4\n\
            xiebao_worker_notices_total_of_all 5\n\
            xiebao_worker_released_total{how=\"in_order\"} 9\n# EOF\n";
        let metrics = Metrics(text.to_owned());
        assert_eq!(metrics.sum("xiebao_worker_notices_total"), 7.0);
        assert_eq!(metrics.sum("xiebao_worker_lag"), 0.0);
    }
}
