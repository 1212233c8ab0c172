use xiebao_testkit::Answer;

use crate::running::{Running, insured};

async fn post_forwarded(running: &Running, forwarded_for: &str) -> Answer {
    let request = reqwest::Client::new()
        .post(&running.url)
        .header("x-forwarded-for", forwarded_for);
    Answer::read(request.body(insured("20260723000001")).send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_are_taken_from_allowed_networks_only() {
    let running = Running::start_with(&[("RECEIVER__ALLOW", "10.0.0.0/8, 192.0.2.1")]).await;
    let answer = running.post(insured("20260723000001")).await;
    assert_eq!((answer.status, answer.verdict()), (200, "not_allowed"));
    // A direct sender cannot forge its address, and an oversized body changes nothing.
    assert_eq!(
        post_forwarded(&running, "10.1.1.1").await.verdict(),
        "not_allowed"
    );
    assert_eq!(running.post(vec![b'x'; 2 << 20]).await.verdict(), "not_allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_the_forwarded_address_decides() {
    let settings = [
        ("RECEIVER__ALLOW", "198.51.100.0/24"),
        ("RECEIVER__TRUSTED_PROXIES", "127.0.0.0/8,10.0.0.0/8"),
    ];
    let running = Running::start_with(&settings).await;
    assert_eq!(
        post_forwarded(&running, "198.51.100.7").await.verdict(),
        "accepted"
    );
    assert_eq!(
        post_forwarded(&running, "203.0.113.1, 198.51.100.7, 10.2.2.2")
            .await
            .verdict(),
        "accepted"
    );
    assert_eq!(
        post_forwarded(&running, "198.51.100.7, 203.0.113.1")
            .await
            .verdict(),
        "not_allowed"
    );
    assert_eq!(post_forwarded(&running, "nobody").await.verdict(), "not_allowed");
    assert_eq!(
        running.post(insured("20260723000001")).await.verdict(),
        "not_allowed"
    );
}
