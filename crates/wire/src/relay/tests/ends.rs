//! The outcome of publishes in flight when the relay ends.

use super::*;
use crate::frame::CLOSE_CONNECTION;

#[tokio::test]
async fn an_abandoned_relay_fails_its_publishes() {
    let fixture = start_relay();
    let outcomes = publish(&fixture.wire, 2);
    tokio::task::yield_now().await;
    fixture.wire.ended().cancel();
    fixture.running.await.expect("it ends");
    for outcome in outcomes {
        assert_failed(outcome).await;
    }
    assert!(!fixture.wire.lost_its_runtime());
}

#[test]
fn a_relay_whose_runtime_shuts_down_sends_close_and_fails_its_publishes() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let (wire, mut broker, outcomes, _lapin) = runtime.block_on(async {
        let fixture = start_relay();
        let outcomes = publish(&fixture.wire, 1);
        tokio::task::yield_now().await;
        (fixture.wire, fixture.broker, outcomes, fixture.lapin)
    });
    drop(runtime);
    assert!(wire.lost_its_runtime() && wire.ended().is_cancelled());
    let other = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    other.expect("a runtime").block_on(async {
        let published = frames(b"body");
        let all = read(&mut broker, published.len() + CLOSE_CONNECTION.len()).await;
        assert_eq!(all[published.len()..], CLOSE_CONNECTION);
        for outcome in outcomes {
            assert_failed(outcome).await;
        }
    });
}

#[test]
fn publishes_sent_while_the_relay_ends_fail_too() {
    const ROUNDS: usize = 2_000;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        for _ in 0..ROUNDS {
            let fixture = start_relay();
            let wire = fixture.wire.clone();
            let publishing = tokio::spawn(async move { publish(&wire, 20) });
            fixture.wire.ended().cancel();
            for outcome in publishing.await.expect("published") {
                // The test still holds a handle of the relay, as callers do.
                assert_failed(outcome).await;
            }
        }
    });
}

#[test]
fn the_close_frame_reaches_the_other_end_of_a_real_socket() {
    use std::io::Read as _;

    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime");
    let (_lapin, far) = tokio::io::duplex(1_024);
    let wire = runtime.block_on(async {
        let socket = tokio::net::TcpStream::connect(address).await.expect("connected");
        let (wire, relay) = FrameRelay::between(far, socket.compat());
        tokio::spawn(relay.run());
        tokio::task::yield_now().await;
        wire
    });
    drop(runtime);
    let (mut broker, _) = listener.accept().expect("it has connected");
    let mut all = Vec::new();
    broker.read_to_end(&mut all).expect("read");
    assert_eq!(all, CLOSE_CONNECTION);
    assert!(wire.lost_its_runtime());
}

#[tokio::test]
async fn a_broken_connection_fails_its_publishes_and_every_later_one() {
    let mut fixture = start_relay();
    let mut outcomes = publish(&fixture.wire, 200);
    read(&mut fixture.broker, 200 * frames(b"body").len()).await;
    fixture
        .broker
        .write_all(&confirm(80, 50, true))
        .await
        .expect("written");
    drop(fixture.broker);
    fixture.running.await.expect("it ends");
    let unconfirmed = outcomes.split_off(50);
    for outcome in outcomes {
        assert!(matches!(outcome.await, Ok(Ok(()))));
    }
    for outcome in unconfirmed {
        let outcome = outcome.await;
        assert!(matches!(outcome, Ok(Err(PublishError::Broker(_)))), "{outcome:?}");
    }
    assert!(fixture.wire.ended().is_cancelled() && fixture.wire.error().is_some());
    let late = fixture.wire.publish(CHANNEL, frames(b"late"), 1_000);
    assert!(late.await.is_err());
}

#[tokio::test]
async fn the_last_frames_of_lapin_are_written_before_the_connection_ends() {
    let mut fixture = start_relay();
    fixture.lapin.write_all(&CLOSE_CONNECTION).await.expect("written");
    drop(fixture.lapin);
    assert_eq!(
        read(&mut fixture.broker, CLOSE_CONNECTION.len()).await,
        CLOSE_CONNECTION
    );
    fixture.running.await.expect("it ends");
    assert!(fixture.wire.ended().is_cancelled());
}
