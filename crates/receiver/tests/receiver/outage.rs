use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use xiebao_testkit::{Broker, Proxy, post};

use crate::running::{NOTICES, Running, insured};

async fn behind_proxy(settings: &[(&str, &str)]) -> (Proxy, Running) {
    let broker = Broker::new().await;
    let proxy = Proxy::start(broker.address()).await;
    let url = proxy.instead_of(&broker.url());
    let running = Running::start_at(broker, &url, settings);
    running.until_ready().await;
    (proxy, running)
}

/// Posts `count` different notices at once, and returns the verdicts.
async fn post_many(running: &Running, count: usize) -> Vec<String> {
    let mut posts = JoinSet::new();
    for i in 0..count {
        let url = running.url.clone();
        posts.spawn(async move {
            post(&url, insured(&format!("2026072300{i:04}")))
                .await
                .verdict()
                .to_owned()
        });
    }
    posts.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_outlast_a_broker_outage_of_two_seconds() {
    let (proxy, running) = behind_proxy(&[]).await;
    let posting = post_many(&running, 200);
    let cutting = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        proxy.cut();
        tokio::time::sleep(Duration::from_secs(2)).await;
        proxy.resume();
    };
    let (verdicts, ()) = tokio::join!(posting, cutting);
    assert!(
        verdicts.iter().all(|verdict| verdict == "accepted"),
        "{verdicts:?}"
    );
    // At least one of each: a notice that was published twice is a harmless duplicate.
    let mut bodies: Vec<Vec<u8>> = running
        .broker
        .drain_at_least(NOTICES, 200)
        .await
        .into_iter()
        .map(|message| message.body)
        .collect();
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_during_a_broker_outage_waits() {
    let (proxy, running) = behind_proxy(&[]).await;
    proxy.cut();
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(running.readiness().await.0, 503);
    let coming_back = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        proxy.resume();
    };
    let (answer, ()) = tokio::join!(running.post(insured("20260723000001")), coming_back);
    assert_eq!(answer.verdict(), "accepted");
    running.until_ready().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_outage_beyond_the_bound_is_answered_unavailable_in_time() {
    let (proxy, running) = behind_proxy(&[("RECEIVER__PUBLISH_TIMEOUT_MS", "1000")]).await;
    for breaking in [Proxy::cut as fn(&Proxy), Proxy::stall] {
        breaking(&proxy);
        let begun = Instant::now();
        let answer = running.post(insured("20260723000001")).await;
        assert_eq!(answer.verdict(), "unavailable");
        assert!(
            answer.body.starts_with(r#"{"state":false,"failMsg":"#),
            "{answer:?}"
        );
        let took = begun.elapsed();
        assert!(
            (Duration::from_millis(950)..Duration::from_millis(1_500)).contains(&took),
            "{took:?}"
        );
        proxy.resume();
        running.until_ready().await;
        assert_eq!(
            running.post(insured("20260723000001")).await.verdict(),
            "accepted"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silently_dead_connections_are_replaced_within_the_bound() {
    let (proxy, running) = behind_proxy(&[("RECEIVER__PUBLISH_TIMEOUT_MS", "4000")]).await;
    proxy.strand();
    let verdicts = post_many(&running, 20).await;
    assert!(
        verdicts.iter().all(|verdict| verdict == "accepted"),
        "{verdicts:?}"
    );
    let begun = Instant::now();
    assert_eq!(
        running.post(insured("20260723000001")).await.verdict(),
        "accepted"
    );
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_closed_by_the_broker_are_opened_again() {
    let running = Running::start().await;
    // The management interface learns of connections with a delay.
    for _ in 0..3 {
        running.broker.close_connections().await;
        assert!(
            post_many(&running, 50)
                .await
                .iter()
                .all(|verdict| verdict == "accepted")
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_deleted_under_way_is_declared_again_and_nothing_is_acknowledged_without_it() {
    let running = Running::start().await;
    assert_eq!(
        running.post(insured("20260723000001")).await.verdict(),
        "accepted"
    );
    running.broker.delete_queue(NOTICES).await;
    let verdicts = post_many(&running, 100).await;
    assert!(
        verdicts.iter().all(|verdict| verdict == "accepted"),
        "{verdicts:?}"
    );
    let mut bodies: Vec<Vec<u8>> = running
        .broker
        .drain_at_least(NOTICES, 100)
        .await
        .into_iter()
        .map(|message| message.body)
        .collect();
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_was_full_takes_notices_again_once_its_limit_is_gone() {
    let running = Running::start_with(&[("RECEIVER__PUBLISH_TIMEOUT_MS", "4000")]).await;
    running.broker.limit(NOTICES, Some(1)).await;
    let full = async || {
        let mut count = 0;
        while post(&running.url, insured(&format!("2026072400{count:04}")))
            .await
            .verdict()
            == "accepted"
        {
            count += 1;
            assert!(count < 1000, "the limit never took effect");
        }
    };
    full().await;
    running.broker.limit(NOTICES, None).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while post(&running.url, insured("20260724999999")).await.verdict() != "accepted" {
        assert!(Instant::now() < deadline, "the receiver goes on refusing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gauges_of_health_follow_the_broker() {
    let (proxy, running) = behind_proxy(&[]).await;
    // Ready with the first connection; the second is there a moment later.
    until_metrics(&running, &["ready 1", "broker_up 1", "broker_connections 2"]).await;
    proxy.cut();
    until_metrics(&running, &["ready 0", "broker_up 0", "broker_connections 0"]).await;
    proxy.resume();
    until_metrics(&running, &["ready 1", "broker_up 1", "broker_connections 2"]).await;
}

async fn until_metrics(running: &Running, wanted: &[&str]) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let metrics = running.metrics().await;
        let missing = wanted
            .iter()
            .find(|line| !metrics.contains(&format!("xiebao_receiver_{line}\n")));
        let Some(missing) = missing else { return };
        assert!(Instant::now() < end, "{missing} is not in:\n{metrics}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
