use std::time::{Duration, Instant};

use xiebao_testkit::{Broker, Proxy, post};

use crate::process::{Service, start_with};
use crate::running::{NOTICES, insured};

const DRAIN: Duration = Duration::from_millis(800);

impl Service {
    /// Waits until `/readyz` answers that it is not ready.
    async fn until_not_ready(&self) {
        let url = format!("http://{}/readyz", self.admin);
        for _ in 0..100 {
            if reqwest::get(&url)
                .await
                .is_ok_and(|answer| answer.status() == 503)
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it is still ready");
    }

    /// Waits until this many requests are in flight.
    async fn until_in_flight(&self, count: usize) {
        let (url, line) = (
            format!("http://{}/metrics", self.admin),
            format!("xiebao_receiver_in_flight {count}\n"),
        );
        for _ in 0..1_000 {
            if reqwest::get(&url)
                .await
                .unwrap()
                .text()
                .await
                .unwrap()
                .contains(&line)
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the requests do not come");
    }

    /// Waits until connections are refused.
    async fn until_refusing(&self) {
        let address = self.url.split('/').nth(2).unwrap();
        for _ in 0..1_000 {
            if tokio::net::TcpStream::connect(address).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it still listens");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_answers_requests_in_flight_and_exits_with_0() {
    let broker = Broker::new().await;
    let proxy = Proxy::start(broker.address()).await;
    let drain = DRAIN.as_millis().to_string();
    let settings = [("XIEBAO__RECEIVER__DRAIN_DELAY_MS", &*drain)];
    let mut service = start_with(&proxy.instead_of(&broker.url()), &settings);
    service.process.ready(service.admin, Duration::from_secs(5)).await;
    // An idle connection must not delay the end.
    let idle = reqwest::Client::new();
    idle.post(&service.url).body("x").send().await.unwrap();
    proxy.stall();
    let url = service.url.clone();
    let in_flight = tokio::spawn(async move { post(&url, insured("20260723000001")).await });
    service.until_in_flight(1).await;
    service.process.terminate();
    let signalled = Instant::now();
    service.until_not_ready().await;
    // A late request is still answered, and its connection is closed so that the sender goes elsewhere.
    let url = service.url.clone();
    let late = tokio::spawn(async move { reqwest::Client::new().post(url).body("x").send().await.unwrap() });
    let late = late.await.unwrap();
    assert_eq!(
        (late.status(), &late.headers()["connection"]),
        (200.try_into().unwrap(), &"close".parse().unwrap())
    );
    service.until_refusing().await;
    let listened = signalled.elapsed();
    assert!(
        (DRAIN..DRAIN + Duration::from_secs(1)).contains(&listened),
        "{listened:?}"
    );
    proxy.resume();
    assert_eq!(in_flight.await.unwrap().verdict(), "accepted");
    let status = service.process.ended(Duration::from_secs(5)).await;
    assert_eq!(status.code(), Some(0), "{}", service.process.log());
    // It may be published twice, if it left by another thread's connection and that thread ended first.
    let stored = broker.drain(NOTICES).await;
    let first = stored.first().expect("what was accepted");
    assert!(
        stored
            .iter()
            .all(|message| message.message_id == first.message_id)
    );
}

/// Posts `count` notices and sends SIGTERM. Returns the verdicts, the number of unanswered requests, and the time of the
/// signal.
async fn post_and_terminate(service: &Service, count: usize) -> (Vec<String>, usize, Instant) {
    let mut posts = tokio::task::JoinSet::new();
    for i in 0..count {
        let request = reqwest::Client::new().post(&service.url);
        let request = request.body(insured(&format!("20260728000{i:03}")));
        posts.spawn(async move {
            let answer = request.send().await.ok()?;
            Some(answer.headers()["x-notice-result"].to_str().unwrap().to_owned())
        });
    }
    service.until_in_flight(count).await;
    service.process.terminate();
    let signalled = Instant::now();
    let answers = posts.join_all().await;
    let unanswered = answers.iter().filter(|answer| answer.is_none()).count();
    (answers.into_iter().flatten().collect(), unanswered, signalled)
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_silent_broker_the_end_answers_everyone_and_keeps_its_bound() {
    let broker = Broker::new().await;
    let proxy = Proxy::start(broker.address()).await;
    let settings = [
        ("XIEBAO__RECEIVER__PUBLISH_TIMEOUT_MS", "1500"),
        ("XIEBAO__RECEIVER__DRAIN_DELAY_MS", "300"),
        ("XIEBAO__RECEIVER__SHUTDOWN_TIMEOUT_MS", "4000"),
    ];
    let mut service = start_with(&proxy.instead_of(&broker.url()), &settings);
    service.process.ready(service.admin, Duration::from_secs(5)).await;
    proxy.stall();
    let (verdicts, unanswered, signalled) = post_and_terminate(&service, 50).await;
    assert_eq!(unanswered, 0);
    assert!(
        verdicts.iter().all(|verdict| verdict == "unavailable"),
        "{verdicts:?}"
    );
    let status = service.process.ended(Duration::from_secs(10)).await;
    assert_eq!(status.code(), Some(0), "{}", service.process.log());
    assert!(
        signalled.elapsed() < Duration::from_millis(4_000 + 500),
        "{:?}",
        signalled.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_unanswered_at_the_bound_are_cut_off_and_the_exit_code_is_1() {
    let broker = Broker::new().await;
    let proxy = Proxy::start(broker.address()).await;
    let settings = [
        ("XIEBAO__RECEIVER__DRAIN_DELAY_MS", "300"),
        ("XIEBAO__RECEIVER__SHUTDOWN_TIMEOUT_MS", "1000"),
    ];
    let mut service = start_with(&proxy.instead_of(&broker.url()), &settings);
    service.process.ready(service.admin, Duration::from_secs(5)).await;
    // The record of a refused request is published at the end, within the bound.
    assert_eq!(post(&service.url, b"x".to_vec()).await.verdict(), "malformed");
    proxy.stall();
    let (verdicts, unanswered, signalled) = post_and_terminate(&service, 20).await;
    assert_eq!((verdicts, unanswered), (vec![], 20));
    let status = service.process.ended(Duration::from_secs(10)).await;
    assert_eq!(status.code(), Some(1), "{}", service.process.log());
    assert!(
        signalled.elapsed() < Duration::from_millis(1_000 + 350),
        "{:?}",
        signalled.elapsed()
    );
    assert!(
        service.process.log().contains("20 requests were not answered"),
        "{}",
        service.process.log()
    );
    assert!(
        !service.process.log().contains("panicked"),
        "{}",
        service.process.log()
    );
}
