use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot::Receiver;

use super::*;
use crate::PublishError;
use crate::frame::END;
use crate::{Outcome, encode::publish as encode_publish};

const CHANNEL: u16 = 1;
const OPEN_OK: [u8; 16] = [1, 0, 1, 0, 0, 0, 8, 0, 20, 0, 11, 0, 0, 0, 0, END];

/// A running relay, with the test at both ends.
struct Fixture {
    wire: Wire,
    lapin: DuplexStream,
    broker: DuplexStream,
    running: tokio::task::JoinHandle<()>,
}

fn start_relay() -> Fixture {
    let (lapin, far) = tokio::io::duplex(64 * 1024);
    let (broker, socket) = tokio::io::duplex(64 * 1024);
    let (wire, relay) = FrameRelay::between(far, socket.compat());
    wire.adopt(CHANNEL);
    let running = tokio::spawn(relay.run());
    Fixture {
        wire,
        lapin,
        broker,
        running,
    }
}

/// Asserts that the publish fails within 5 s.
async fn assert_failed(outcome: Receiver<Outcome>) {
    let outcome = tokio::time::timeout(Duration::from_secs(5), outcome)
        .await
        .expect("in time");
    assert!(
        matches!(outcome, Err(_) | Ok(Err(PublishError::Broker(_)))),
        "{outcome:?}"
    );
}

fn frames(body: &[u8]) -> Vec<u8> {
    encode_publish(CHANNEL, ("x", "k"), body, &[0, 0], 4_096).expect("fits")
}

fn publish(wire: &Wire, count: u64) -> Vec<Receiver<Outcome>> {
    (0..count)
        .map(|correlation_id| wire.publish(CHANNEL, frames(b"body"), correlation_id))
        .collect()
}

/// `basic.ack` (method 80) or `basic.nack` (method 120).
fn confirm(method: u8, tag: u8, multiple: bool) -> Vec<u8> {
    let tag = u64::from(tag).to_be_bytes();
    let head = [1, 0, 1, 0, 0, 0, 13, 0, 60, 0, method];
    [&head[..], &tag, &[u8::from(multiple), END]].concat()
}

async fn read(stream: &mut DuplexStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    let reading = stream.read_exact(&mut bytes);
    tokio::time::timeout(Duration::from_secs(5), reading)
        .await
        .expect("in time")
        .expect("enough bytes");
    bytes
}

#[tokio::test]
async fn publishes_are_written_between_frames_of_lapin_and_never_inside_one() {
    let mut fixture = start_relay();
    fixture.lapin.write_all(&OPEN_OK[..5]).await.expect("written");
    tokio::task::yield_now().await;
    let _outcomes = publish(&fixture.wire, 2);
    let published = [frames(b"body"), frames(b"body")].concat();
    assert_eq!(read(&mut fixture.broker, published.len()).await, published);
    fixture.lapin.write_all(&OPEN_OK[5..]).await.expect("written");
    assert_eq!(read(&mut fixture.broker, OPEN_OK.len()).await, OPEN_OK);
}

#[tokio::test]
async fn confirms_reach_the_callers_and_all_other_frames_reach_lapin() {
    let mut fixture = start_relay();
    let mut outcomes = publish(&fixture.wire, 3);
    read(&mut fixture.broker, 3 * frames(b"body").len()).await;
    assert!(fixture.wire.is_waiting());
    let answers = [confirm(80, 2, true), OPEN_OK.to_vec(), confirm(120, 3, false)].concat();
    // In two pieces, the first ending inside a frame.
    fixture.broker.write_all(&answers[..30]).await.expect("written");
    tokio::task::yield_now().await;
    fixture.broker.write_all(&answers[30..]).await.expect("written");
    assert_eq!(read(&mut fixture.lapin, OPEN_OK.len()).await, OPEN_OK);
    let nacked = outcomes.pop().expect("three").await;
    assert!(matches!(nacked, Ok(Err(PublishError::Nacked))), "{nacked:?}");
    for outcome in outcomes {
        assert!(matches!(outcome.await, Ok(Ok(()))));
    }
    assert!(!fixture.wire.is_waiting());
    assert_eq!(fixture.wire.resolved(), 3);
}

#[tokio::test]
async fn publishes_fail_with_the_reason_of_the_brokers_close() {
    let mut fixture = start_relay();
    let outcomes = publish(&fixture.wire, 1);
    read(&mut fixture.broker, frames(b"body").len()).await;
    let text = b"\x01\x40\x11CONNECTION_FORCED\0\0\0\0";
    let size = u8::try_from(4 + text.len()).expect("short");
    let close = [&[1, 0, 0, 0, 0, 0, size, 0, 10, 0, 50][..], text, &[END]].concat();
    fixture.broker.write_all(&close).await.expect("written");
    // lapin gets the frame, and answers it.
    assert_eq!(read(&mut fixture.lapin, close.len()).await, close);
    for outcome in outcomes {
        let Ok(Err(PublishError::Broker(error))) = outcome.await else {
            panic!("the publish fails");
        };
        assert!(error.to_string().contains("FORCED"), "{error}");
    }
}

#[tokio::test]
async fn a_publish_whose_caller_has_left_is_not_written() {
    let (_lapin, far) = tokio::io::duplex(1_024);
    let (mut broker, socket) = tokio::io::duplex(64 * 1024);
    let (wire, relay) = FrameRelay::between(far, socket.compat());
    wire.adopt(CHANNEL);
    drop(wire.publish(CHANNEL, frames(b"left"), 1));
    let outcome = wire.publish(CHANNEL, frames(b"stay"), 2);
    tokio::spawn(relay.run());
    assert_eq!(read(&mut broker, frames(b"stay").len()).await, frames(b"stay"));
    broker.write_all(&confirm(80, 1, false)).await.expect("written");
    assert!(matches!(outcome.await, Ok(Ok(()))));
    assert!(!wire.is_waiting());
}

#[tokio::test]
async fn a_returned_message_without_a_publish_ends_the_connection_before_a_later_confirm_counts() {
    let mut fixture = start_relay();
    let outcomes = publish(&fixture.wire, 2);
    read(&mut fixture.broker, 2 * frames(b"body").len()).await;
    let head = [1, 0, 1, 0, 0, 0, 21, 0, 60, 0, 50, 1, 56, 8];
    let method = [&head[..], b"NO_ROUTE\0\x01k", &[END]].concat();
    let header = [&[2, 0, 1, 0, 0, 0, 14, 0, 60][..], &[0; 12], &[END]].concat();
    let answers = [method, header, confirm(80, 2, true)].concat();
    fixture.broker.write_all(&answers).await.expect("written");
    fixture.running.await.expect("it ends");
    for outcome in outcomes {
        let outcome = outcome.await;
        assert!(matches!(outcome, Ok(Err(PublishError::Broker(_)))), "{outcome:?}");
    }
    assert!(!fixture.wire.lost_its_runtime());
}

#[tokio::test]
async fn lapin_gets_heartbeats_while_the_broker_sends_only_confirms() {
    let (mut lapin, far) = tokio::io::duplex(1_024);
    let (mut broker, socket) = tokio::io::duplex(64 * 1024);
    let (wire, mut relay) = FrameRelay::between(far, socket.compat());
    wire.adopt(CHANNEL);
    relay.heartbeat_sent_at -= 2 * HEARTBEAT_TO_LAPIN;
    tokio::spawn(relay.run());
    let outcomes = publish(&wire, 2);
    read(&mut broker, 2 * frames(b"body").len()).await;
    broker.write_all(&confirm(80, 1, false)).await.expect("written");
    assert_eq!(read(&mut lapin, HEARTBEAT.len()).await, HEARTBEAT);
    // Not one for every confirm.
    let answers = [confirm(80, 2, false), OPEN_OK.to_vec()].concat();
    broker.write_all(&answers).await.expect("written");
    assert_eq!(read(&mut lapin, OPEN_OK.len()).await, OPEN_OK);
    for outcome in outcomes {
        assert!(matches!(outcome.await, Ok(Ok(()))));
    }
}

#[tokio::test]
async fn a_full_socket_stops_the_intake_of_publishes_and_loses_none() {
    const COUNT: usize = 1_000;
    let (_lapin, far) = tokio::io::duplex(1_024);
    let (mut broker, socket) = tokio::io::duplex(1_024);
    let (wire, mut relay) = FrameRelay::between(far, socket.compat());
    wire.adopt(CHANNEL);
    let bodies: Vec<Vec<u8>> = (0..COUNT).map(|number| vec![number as u8; 1_024]).collect();
    let _outcomes: Vec<_> = bodies
        .iter()
        .zip(0..)
        .map(|(body, correlation_id)| wire.publish(CHANNEL, frames(body), correlation_id))
        .collect();
    let pending = poll_fn(|context| Poll::Ready(relay.poll_steps(context).is_pending())).await;
    assert!(pending && relay.outgoing.len() < OUTGOING_LIMIT + 2 * BATCH * 1_024);
    tokio::spawn(relay.run());
    let all: Vec<u8> = bodies.iter().flat_map(|body| frames(body)).collect();
    assert!(read(&mut broker, all.len()).await == all);
}

#[tokio::test]
async fn a_channel_number_that_is_adopted_again_counts_from_one() {
    let mut fixture = start_relay();
    let old = publish(&fixture.wire, 2);
    read(&mut fixture.broker, 2 * frames(b"body").len()).await;
    fixture.wire.adopt(CHANNEL);
    let new = publish(&fixture.wire, 1);
    read(&mut fixture.broker, frames(b"body").len()).await;
    fixture
        .broker
        .write_all(&confirm(80, 1, false))
        .await
        .expect("written");
    for outcome in old {
        assert_failed(outcome).await;
    }
    for outcome in new {
        assert!(matches!(outcome.await, Ok(Ok(()))));
    }
    assert!(!fixture.wire.is_waiting());
}

mod ends;
mod odd_sockets;
