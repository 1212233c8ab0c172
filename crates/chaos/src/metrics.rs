//! Reading counters.

use std::net::SocketAddr;

use reqwest::Client;

/// All notices that a receiver or a worker says it has dealt with since its start. `None`: it does not answer.
pub async fn notices(client: &Client, admin: SocketAddr) -> Option<u64> {
    let answer = client.get(format!("http://{admin}/metrics")).send().await.ok()?;
    Some(sum(&answer.text().await.ok()?))
}

fn sum(text: &str) -> u64 {
    const COUNTERS: [&str; 2] = ["xiebao_receiver_notices_total", "xiebao_worker_notices_total"];
    text.lines()
        .filter(|line| COUNTERS.iter().any(|name| line.starts_with(name)))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counters_of_all_labels_are_added_up_and_nothing_else() {
        let text = "# TYPE xiebao_worker_notices counter\n\
            xiebao_worker_notices_total{notify_type=\"insured\",result=\"applied\"} 3\n\
            xiebao_worker_notices_total{notify_type=\"paid\",result=\"held\"} 4\n\
            xiebao_worker_released_total{how=\"in_order\"} 9\n# EOF\n";
        assert_eq!(sum(text), 7);
    }
}
