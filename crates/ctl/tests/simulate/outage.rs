//! A database that is away while notices go on coming: nothing dies, and the backlog drains as fast as any.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};
use xiebao_testkit::{Proxy, number};

use crate::services::Services;
use crate::{counts, report};

/// Notices a second while the database is away.
const RATE: u64 = 500;

impl Services {
    pub async fn count(&self, table: &str) -> i64 {
        let query = format!("SELECT COUNT(*) FROM {table}");
        number(&self.database.url(), &query).await.expect("a count")
    }

    /// Notices a second from the first that comes until nine in ten are there, the last few being stragglers of the load;
    /// ends when no more come for three seconds.
    async fn drain_rate(&self) -> f64 {
        let (start, before) = (Instant::now(), self.count("notices").await);
        let mut seen = vec![(before, start)];
        let mut last = start;
        while seen.len() == 1 || last.elapsed() < Duration::from_secs(3) {
            assert!(start.elapsed() < Duration::from_secs(600), "nothing is drained");
            sleep(Duration::from_millis(50)).await;
            let now = (self.count("notices").await, Instant::now());
            if seen.last().is_none_or(|(count, _)| *count != now.0) {
                last = now.1;
                seen.push(now);
            }
        }
        let (first, end) = (seen[1], seen[seen.len() - 1].0);
        let most = before + (end - before) * 9 / 10;
        let reached = seen.iter().find(|(count, _)| *count >= most).unwrap_or(&first);
        (reached.0 - first.0) as f64 / (reached.1 - first.1).as_secs_f64().max(0.001)
    }
}

/// Plays the same number of proposals to a worker that comes late, and to one whose database is away for that long. It must
/// drain the second backlog at no less than this share of the rate of the first.
async fn outage(length: Duration, share: f64) {
    let mut services = Services::start(1, 0).await;
    let proxy = Proxy::start(services.database.address()).await;
    // A life of a proposal has some eight notices.
    let (rate, proposals) = (RATE.to_string(), (RATE * length.as_secs() / 8).to_string());
    let load = ["--proposals", &proposals, "--disorder", "1"];
    let before = [&load[..], &["--seed", "1", "--no-verify"]].concat();
    assert!(services.simulate(&before).await.status.success());
    let through = proxy.instead_of(&services.database.url());
    services.add_worker(&[("XIEBAO__DATABASE__URL", through)]).await;
    let usual = services.drain_rate().await;

    proxy.cut();
    let watching = async {
        sleep(length).await;
        assert_eq!(services.count("dead_letters").await, 0);
        proxy.resume();
        services.drain_rate().await
    };
    let during = [&load[..], &["--seed", "2", "--rate", &rate, "--json"]].concat();
    let (output, after) = tokio::join!(services.simulate(&during), watching);
    let told = report(&output);
    eprintln!("usually {usual:.0}/s, after the outage {after:.0}/s");
    assert_eq!(counts(&told), json!([0, 0, 0]), "{told:#}");
    assert_eq!((output.status.code(), &told["given_up"]), (Some(0), &json!(0)));
    assert_eq!(services.count("dead_letters").await, 0);
    assert_eq!(services.check().await.status.code(), Some(0));
    assert!(
        after >= share * usual,
        "usually {usual:.0}/s, afterwards {after:.0}/s"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_for_a_while_costs_no_notice_and_no_speed() {
    // A short backlog says little about speed, on a machine that has other work.
    outage(Duration::from_secs(20), 0.6).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes six minutes; the same for twenty seconds is always run"]
async fn a_database_that_is_away_for_five_minutes_costs_no_notice_and_no_speed() {
    outage(Duration::from_secs(300), 0.9).await;
}
