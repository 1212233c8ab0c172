//! The answers that senders get from a receiver whose broker is really broken, at 500 notices a second.

use std::time::Duration;

use xiebao_testkit::{Broker, PrivateBroker, Proxy, Shortage, post};

use crate::load::{self, RATE, Tally};
use crate::process::{Service, start};
use crate::running::{Running, insured};

const BOUND: Duration = Duration::from_secs(10);
/// Cap on memory with 5,000 requests waiting, in a build without optimisation.
const MOST_MEMORY: u64 = 192 << 20;

/// Starts a receiver in its own process with its own broker.
async fn alone() -> (PrivateBroker, Broker, Service) {
    let private = PrivateBroker::start().await;
    let broker = Broker::of(&private).await;
    let mut service = start(&broker.url());
    service.process.ready(service.admin, Duration::from_secs(5)).await;
    (private, broker, service)
}

/// Runs `work`, and returns the largest memory that the receiver had meanwhile.
async fn watch_memory<T>(service: &Service, work: impl Future<Output = T>) -> (T, u64) {
    let mut most = 0;
    let mut looks = tokio::time::interval(Duration::from_millis(100));
    tokio::pin!(work);
    loop {
        tokio::select! {
            result = &mut work => return (result, most),
            _ = looks.tick() => most = most.max(service.process.resident_bytes()),
        }
    }
}

/// Two seconds of normal work, the broker stopped for `length`, three seconds of normal work.
async fn while_stopped(private: &PrivateBroker, service: &Service, length: Duration) -> (Tally, u64) {
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        private.stop();
        tokio::time::sleep(length).await;
        private.go_on();
    };
    let load = load::send(&service.url, length + Duration::from_secs(5));
    let ((tally, ()), most) = watch_memory(service, async { tokio::join!(load, stopping) }).await;
    let figures = tally.summary();
    eprintln!("stopped {length:?}: (accepted, unavailable, longest) {figures:?}, at most {most} bytes");
    (tally, most)
}

fn assert_none_refused(tally: &Tally, seconds: u32) {
    let (accepted, unavailable, longest) = tally.summary();
    let sent = tally.0.len();
    assert!(sent >= (RATE * seconds) as usize - 50, "only {sent} were sent");
    assert_eq!((accepted, unavailable), (sent, 0), "longest {longest:?}");
}

/// Exactly the requests that could not be served within the bound were refused, right after it.
fn assert_refused_after_the_bound(tally: &Tally, stopped: Duration) {
    let (accepted, unavailable, longest) = tally.summary();
    assert_eq!(accepted + unavailable, tally.0.len());
    assert!(longest < BOUND + Duration::from_secs(2), "{longest:?}");
    for told in tally.with("unavailable") {
        assert!(told.took >= BOUND, "{told:?}");
    }
    // Every request that came more than the bound before the end of the stop.
    let expected = RATE as f64 * (stopped - BOUND).as_secs_f64();
    let share = unavailable as f64 / expected;
    assert!((0.8..1.5).contains(&share), "{unavailable} were refused");
}

/// A stop longer than the bound: refusals after the bound, in bounded memory, and normal work afterwards.
async fn sit_out(private: &PrivateBroker, broker: &Broker, service: &Service, length: Duration) {
    let (tally, most) = while_stopped(private, service, length).await;
    assert_refused_after_the_bound(&tally, length);
    tally.assert_stored(broker).await;
    assert!(most < MOST_MEMORY, "{most} bytes");
    let (tally, _) = while_stopped(private, service, Duration::ZERO).await;
    assert_none_refused(&tally, 5);
    tally.assert_stored(broker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_stops_for_five_seconds_costs_no_refusal_and_for_fifteen_one_after_the_bound() {
    let (private, broker, service) = alone().await;
    let (tally, most) = while_stopped(&private, &service, Duration::from_secs(5)).await;
    assert_none_refused(&tally, 10);
    tally.assert_stored(&broker).await;
    assert!(most < MOST_MEMORY, "{most} bytes");
    sit_out(&private, &broker, &service, Duration::from_secs(15)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes two minutes"]
async fn a_broker_that_stops_for_a_minute_causes_refusals_after_the_bound_and_none_afterwards() {
    let (private, broker, service) = alone().await;
    sit_out(&private, &broker, &service, Duration::from_secs(60)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_cut_off_or_silent_for_five_seconds_costs_no_refusal() {
    for breaking in [Proxy::cut as fn(&Proxy), Proxy::stall] {
        let broker = Broker::new().await;
        let proxy = Proxy::start(broker.address()).await;
        let url = proxy.instead_of(&broker.url());
        let running = Running::start_at(broker, &url, &[]);
        running.until_ready().await;
        let cutting = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            breaking(&proxy);
            tokio::time::sleep(Duration::from_secs(5)).await;
            proxy.resume();
        };
        let (tally, ()) = tokio::join!(load::send(&running.url, Duration::from_secs(8)), cutting);
        assert_none_refused(&tally, 8);
        tally.assert_stored(&running.broker).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_killed_and_started_again_loses_nothing_that_was_acknowledged() {
    let (private, broker, service) = alone().await;
    let killing = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        private.kill().await;
        private.start_again().await;
    };
    let (tally, ()) = tokio::join!(load::send(&service.url, Duration::from_secs(16)), killing);
    let (accepted, unavailable, longest) = tally.summary();
    eprintln!("killed: {accepted} accepted, {unavailable} unavailable, longest {longest:?}");
    assert_eq!(accepted + unavailable, tally.0.len());
    assert!(longest < BOUND + Duration::from_secs(2), "{longest:?}");
    assert_eq!(
        post(&service.url, insured("20260726000001")).await.verdict(),
        "accepted"
    );
    tally.assert_stored(&broker).await;
}

/// A receiver with this bound on publishing.
async fn with_patience(private: &PrivateBroker, milliseconds: &str) -> Running {
    let broker = Broker::of(private).await;
    let url = broker.url();
    let running = Running::start_at(broker, &url, &[("RECEIVER__PUBLISH_TIMEOUT_MS", milliseconds)]);
    running.until_ready().await;
    running
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_short_of_memory_or_disk_is_waited_for_and_then_unavailable() {
    let private = PrivateBroker::start().await;
    for shortage in [Shortage::Memory, Shortage::Disk] {
        let impatient = with_patience(&private, "1000").await;
        // Longer than the broker's command takes on a busy machine.
        let patient = with_patience(&private, "40000").await;
        private.starve(shortage).await;
        // The broker reports it only on the first message.
        assert_eq!(
            impatient.post(insured("20260727000001")).await.verdict(),
            "unavailable"
        );
        let (status, text) = impatient.readiness().await;
        assert_eq!(
            (status, text.contains("short of memory or disk")),
            (503, true),
            "{text}"
        );
        let mut waiting = Box::pin(patient.post(insured("20260727000002")));
        let early = tokio::time::timeout(Duration::from_secs(1), waiting.as_mut()).await;
        assert!(early.is_err(), "{shortage:?}: {early:?}");
        let (answer, ()) = tokio::join!(waiting, private.relieve(shortage));
        assert_eq!(answer.verdict(), "accepted", "{shortage:?}");
        impatient.until_ready().await;
        patient.until_ready().await;
    }
}
