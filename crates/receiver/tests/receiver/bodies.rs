//! Large bodies, in bounded memory.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use xiebao_testkit::{Broker, KEY, PARTNER, post, signed};

use crate::process::start;
use crate::running::insured;

/// The default of `receiver.max_body_bytes`.
const LARGEST: usize = 1 << 20;
/// The memory that a receiver of the smallest size has.
const MEMORY: u64 = 128 << 20;

/// An authentic notice of the largest size.
fn largest(nth: usize) -> Vec<u8> {
    let with = |padding: usize| {
        let padding = "x".repeat(padding);
        let data = format!(
            r#"{{"partnerId":{PARTNER},"insureNum":"20261130{nth:06}","state":true,"otherInfo":"{padding}"}}"#
        );
        signed(1, &data, KEY)
    };
    with(LARGEST - with(0).len())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_notices_of_the_largest_size_at_once_are_accepted_in_bounded_memory() {
    let broker = Broker::new().await;
    let mut service = start(&broker.url());
    service.process.ready(service.admin, Duration::from_secs(5)).await;
    let mut posting = JoinSet::new();
    for nth in 0..128 {
        let url = service.url.clone();
        posting.spawn(async move { post(&url, largest(nth)).await.verdict().to_owned() });
    }
    let verdicts = posting.join_all().await;
    assert!(
        verdicts.iter().all(|verdict| verdict == "accepted"),
        "{verdicts:?}"
    );
    let most = service.process.peak_resident_bytes();
    assert!(most < MEMORY, "{most} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_large_bodies_keep_no_small_notice_waiting_and_are_bounded() {
    let broker = Broker::new().await;
    let mut service = start(&broker.url());
    service.process.ready(service.admin, Duration::from_secs(5)).await;
    let address = service
        .url
        .trim_start_matches("http://")
        .trim_end_matches("/notices")
        .to_owned();
    let mut unfinished = Vec::new();
    for _ in 0..256 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let head = format!("POST /notices HTTP/1.1\r\nhost: x\r\ncontent-length: {LARGEST}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        // The receiver may stop reading before the end.
        let part = vec![b'x'; LARGEST - 1];
        let _ = tokio::time::timeout(Duration::from_millis(20), stream.write_all(&part)).await;
        unfinished.push(stream);
    }
    assert_eq!(
        post(&service.url, insured("20261130100001")).await.verdict(),
        "accepted"
    );
    let most = service.process.peak_resident_bytes();
    assert!(most < MEMORY, "{most} bytes");
    let mut answer = String::new();
    let last = unfinished.last_mut().unwrap();
    last.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("x-notice-result: "), "{answer}");
}
