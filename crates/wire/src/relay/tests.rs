use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot::Receiver;

use super::*;
use crate::PublishError;
use crate::frame::END;
use crate::{Outcome, encode::publish as encode_publish};

const CHANNEL: u16 = 1;
const OPEN_OK: [u8; 16] = [1, 0, 1, 0, 0, 0, 8, 0, 20, 0, 11, 0, 0, 0, 0, END];

/// A pump between the ends that the tests hold.
struct Bench {
    wire: Wire,
    lapin: DuplexStream,
    broker: DuplexStream,
    running: tokio::task::JoinHandle<()>,
}

fn bench() -> Bench {
    let (lapin, far) = tokio::io::duplex(64 * 1024);
    let (broker, socket) = tokio::io::duplex(64 * 1024);
    let (wire, pump) = FrameRelay::between(far, socket.compat());
    wire.adopt(CHANNEL);
    let running = tokio::spawn(pump.run());
    Bench {
        wire,
        lapin,
        broker,
        running,
    }
}

/// It failed, and did not only hang.
async fn failed(outcome: Receiver<Outcome>) {
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

/// `basic.ack` or, of method 120, `basic.nack`.
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
        .expect("so many bytes");
    bytes
}

#[tokio::test]
async fn publishes_go_between_the_frames_of_lapin_and_never_into_one() {
    let mut bench = bench();
    bench.lapin.write_all(&OPEN_OK[..5]).await.expect("written");
    tokio::task::yield_now().await;
    let _outcomes = publish(&bench.wire, 2);
    let published = [frames(b"body"), frames(b"body")].concat();
    assert_eq!(read(&mut bench.broker, published.len()).await, published);
    bench.lapin.write_all(&OPEN_OK[5..]).await.expect("written");
    assert_eq!(read(&mut bench.broker, OPEN_OK.len()).await, OPEN_OK);
}

#[tokio::test]
async fn confirms_reach_the_publishers_and_all_else_reaches_lapin() {
    let mut bench = bench();
    let mut outcomes = publish(&bench.wire, 3);
    read(&mut bench.broker, 3 * frames(b"body").len()).await;
    assert!(bench.wire.is_waiting());
    let answers = [confirm(80, 2, true), OPEN_OK.to_vec(), confirm(120, 3, false)].concat();
    // In two pieces, cut within a frame.
    bench.broker.write_all(&answers[..30]).await.expect("written");
    tokio::task::yield_now().await;
    bench.broker.write_all(&answers[30..]).await.expect("written");
    assert_eq!(read(&mut bench.lapin, OPEN_OK.len()).await, OPEN_OK);
    let refused = outcomes.pop().expect("three").await;
    assert!(matches!(refused, Ok(Err(PublishError::Nacked))), "{refused:?}");
    for outcome in outcomes {
        assert!(matches!(outcome.await, Ok(Ok(()))));
    }
    assert!(!bench.wire.is_waiting());
    assert_eq!(bench.wire.resolved(), 3);
}

#[tokio::test]
async fn what_the_broker_says_on_closing_is_why_publishes_fail() {
    let mut bench = bench();
    let outcomes = publish(&bench.wire, 1);
    read(&mut bench.broker, frames(b"body").len()).await;
    let text = b"\x01\x40\x11CONNECTION_FORCED\0\0\0\0";
    let size = u8::try_from(4 + text.len()).expect("short");
    let close = [&[1, 0, 0, 0, 0, 0, size, 0, 10, 0, 50][..], text, &[END]].concat();
    bench.broker.write_all(&close).await.expect("written");
    // lapin is who answers it.
    assert_eq!(read(&mut bench.lapin, close.len()).await, close);
    for outcome in outcomes {
        let Ok(Err(PublishError::Broker(error))) = outcome.await else {
            panic!("it failed");
        };
        assert!(error.to_string().contains("FORCED"), "{error}");
    }
}

#[tokio::test]
async fn a_publish_whose_caller_has_left_before_it_is_taken_is_not_written() {
    let (_lapin, far) = tokio::io::duplex(1_024);
    let (mut broker, socket) = tokio::io::duplex(64 * 1024);
    let (wire, pump) = FrameRelay::between(far, socket.compat());
    wire.adopt(CHANNEL);
    drop(wire.publish(CHANNEL, frames(b"left"), 1));
    let outcome = wire.publish(CHANNEL, frames(b"stay"), 2);
    tokio::spawn(pump.run());
    assert_eq!(read(&mut broker, frames(b"stay").len()).await, frames(b"stay"));
    broker.write_all(&confirm(80, 1, false)).await.expect("written");
    assert!(matches!(outcome.await, Ok(Ok(()))));
    assert!(!wire.is_waiting());
}

#[tokio::test]
async fn what_comes_back_to_nobody_ends_the_connection_before_anything_is_confirmed_on_it() {
    let mut bench = bench();
    let outcomes = publish(&bench.wire, 2);
    read(&mut bench.broker, 2 * frames(b"body").len()).await;
    let head = [1, 0, 1, 0, 0, 0, 21, 0, 60, 0, 50, 1, 56, 8];
    let method = [&head[..], b"NO_ROUTE\0\x01k", &[END]].concat();
    let header = [&[2, 0, 1, 0, 0, 0, 14, 0, 60][..], &[0; 12], &[END]].concat();
    let answers = [method, header, confirm(80, 2, true)].concat();
    bench.broker.write_all(&answers).await.expect("written");
    bench.running.await.expect("it ends");
    for outcome in outcomes {
        let outcome = outcome.await;
        assert!(matches!(outcome, Ok(Err(PublishError::Broker(_)))), "{outcome:?}");
    }
    assert!(!bench.wire.lost_its_runtime());
}

#[tokio::test]
async fn lapin_is_told_that_the_broker_lives_though_it_sees_no_confirms() {
    let (mut lapin, far) = tokio::io::duplex(1_024);
    let (mut broker, socket) = tokio::io::duplex(64 * 1024);
    let (wire, mut pump) = FrameRelay::between(far, socket.compat());
    wire.adopt(CHANNEL);
    pump.heartbeat_sent_at -= 2 * HEARTBEAT_TO_LAPIN;
    tokio::spawn(pump.run());
    let outcomes = publish(&wire, 2);
    read(&mut broker, 2 * frames(b"body").len()).await;
    broker.write_all(&confirm(80, 1, false)).await.expect("written");
    assert_eq!(read(&mut lapin, HEARTBEAT.len()).await, HEARTBEAT);
    // Not for every confirm.
    let answers = [confirm(80, 2, false), OPEN_OK.to_vec()].concat();
    broker.write_all(&answers).await.expect("written");
    assert_eq!(read(&mut lapin, OPEN_OK.len()).await, OPEN_OK);
    for outcome in outcomes {
        assert!(matches!(outcome.await, Ok(Ok(()))));
    }
}

#[tokio::test]
async fn while_the_socket_takes_nothing_no_more_is_taken_and_all_goes_on_later() {
    const COUNT: usize = 1_000;
    let (_lapin, far) = tokio::io::duplex(1_024);
    let (mut broker, socket) = tokio::io::duplex(1_024);
    let (wire, mut pump) = FrameRelay::between(far, socket.compat());
    wire.adopt(CHANNEL);
    let bodies: Vec<Vec<u8>> = (0..COUNT).map(|number| vec![number as u8; 1_024]).collect();
    let _outcomes: Vec<_> = bodies
        .iter()
        .zip(0..)
        .map(|(body, correlation_id)| wire.publish(CHANNEL, frames(body), correlation_id))
        .collect();
    let waits = poll_fn(|context| Poll::Ready(pump.turn(context).is_pending())).await;
    assert!(waits && pump.outgoing.len() < OUTGOING_LIMIT + 2 * BATCH * 1_024);
    tokio::spawn(pump.run());
    let all: Vec<u8> = bodies.iter().flat_map(|body| frames(body)).collect();
    assert!(read(&mut broker, all.len()).await == all);
}

#[tokio::test]
async fn a_channel_number_that_is_adopted_again_begins_anew() {
    let mut bench = bench();
    let old = publish(&bench.wire, 2);
    read(&mut bench.broker, 2 * frames(b"body").len()).await;
    bench.wire.adopt(CHANNEL);
    let new = publish(&bench.wire, 1);
    read(&mut bench.broker, frames(b"body").len()).await;
    bench
        .broker
        .write_all(&confirm(80, 1, false))
        .await
        .expect("written");
    for outcome in old {
        failed(outcome).await;
    }
    for outcome in new {
        assert!(matches!(outcome.await, Ok(Ok(()))));
    }
    assert!(!bench.wire.is_waiting());
}

mod ends;
mod odd_sockets;
