//! What becomes of what is in flight when a pump ends.

use super::*;
use crate::frame::FAREWELL;

#[tokio::test]
async fn one_that_is_given_up_fails_what_is_in_flight() {
    let bench = bench();
    let outcomes = publish(&bench.wire, 2);
    tokio::task::yield_now().await;
    bench.wire.ended().cancel();
    bench.running.await.expect("it ends");
    for outcome in outcomes {
        failed(outcome).await;
    }
    assert!(!bench.wire.lost_its_runtime());
}

#[test]
fn one_whose_runtime_ends_says_farewell_and_fails_what_is_in_flight() {
    let home = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let (wire, mut broker, outcomes, _lapin) = home.block_on(async {
        let bench = bench();
        let outcomes = publish(&bench.wire, 1);
        tokio::task::yield_now().await;
        (bench.wire, bench.broker, outcomes, bench.lapin)
    });
    drop(home);
    assert!(wire.lost_its_runtime() && wire.ended().is_cancelled());
    let other = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    other.expect("a runtime").block_on(async {
        let published = frames(b"body");
        let all = read(&mut broker, published.len() + FAREWELL.len()).await;
        assert_eq!(all[published.len()..], FAREWELL);
        for outcome in outcomes {
            failed(outcome).await;
        }
    });
}

#[test]
fn what_is_ordered_while_the_pump_ends_fails_too() {
    const ROUNDS: usize = 2_000;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        for _ in 0..ROUNDS {
            let bench = bench();
            let wire = bench.wire.clone();
            let publishing = tokio::spawn(async move { publish(&wire, 20) });
            bench.wire.ended().cancel();
            for outcome in publishing.await.expect("published") {
                // The way to the pump is still there, as it is for whoever waits.
                failed(outcome).await;
            }
        }
    });
}

#[test]
fn the_farewell_reaches_the_other_end_of_a_real_socket() {
    use std::io::Read as _;

    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let home = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime");
    let (_lapin, far) = tokio::io::duplex(1_024);
    let wire = home.block_on(async {
        let socket = tokio::net::TcpStream::connect(address).await.expect("connected");
        let (wire, pump) = FrameRelay::between(far, socket.compat());
        tokio::spawn(pump.run());
        tokio::task::yield_now().await;
        wire
    });
    drop(home);
    let (mut broker, _) = listener.accept().expect("it has connected");
    let mut all = Vec::new();
    broker.read_to_end(&mut all).expect("read");
    assert_eq!(all, FAREWELL);
    assert!(wire.lost_its_runtime());
}

#[tokio::test]
async fn a_connection_that_is_cut_fails_all_that_is_in_flight_and_all_that_comes_later() {
    let mut bench = bench();
    let mut outcomes = publish(&bench.wire, 200);
    read(&mut bench.broker, 200 * frames(b"body").len()).await;
    bench
        .broker
        .write_all(&confirm(80, 50, true))
        .await
        .expect("written");
    drop(bench.broker);
    bench.running.await.expect("it ends");
    let failed = outcomes.split_off(50);
    for outcome in outcomes {
        assert!(matches!(outcome.await, Ok(Ok(()))));
    }
    for outcome in failed {
        let outcome = outcome.await;
        assert!(matches!(outcome, Ok(Err(PublishError::Broker(_)))), "{outcome:?}");
    }
    assert!(bench.wire.ended().is_cancelled() && bench.wire.why().is_some());
    let late = bench.wire.publish(CHANNEL, frames(b"late"), 1_000);
    assert!(late.await.is_err());
}

#[tokio::test]
async fn what_lapin_says_last_is_written_before_the_connection_ends() {
    let mut bench = bench();
    bench.lapin.write_all(&FAREWELL).await.expect("written");
    drop(bench.lapin);
    assert_eq!(read(&mut bench.broker, FAREWELL.len()).await, FAREWELL);
    bench.running.await.expect("it ends");
    assert!(bench.wire.ended().is_cancelled());
}
