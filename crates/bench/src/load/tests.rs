//! The loops against a small server.

use std::net::Ipv4Addr;
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::*;

const YES: &str = "HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"state\":true}";
const NO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"state\":false}";

/// Reads bodies of one letter, which decides the answer: `y` yes, `n` no, `s` yes after 200 ms, `x` closes.
async fn serve(mut stream: TcpStream, seen: mpsc::UnboundedSender<u8>) {
    let mut request = vec![0; 1024];
    loop {
        let length = stream.read(&mut request).await.unwrap_or(0);
        let Some(letter) = request[..length].last() else {
            return;
        };
        let _ = seen.send(*letter);
        match letter {
            b'y' => stream.write_all(YES.as_bytes()).await.expect("an open stream"),
            b's' => {
                sleep(Duration::from_millis(200)).await;
                stream.write_all(YES.as_bytes()).await.expect("an open stream");
            }
            b'n' => stream.write_all(NO.as_bytes()).await.expect("an open stream"),
            _ => return,
        }
    }
}

async fn server() -> (SocketAddr, mpsc::UnboundedReceiver<u8>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).expect("an open stream");
            tokio::spawn(serve(stream, sender.clone()));
        }
    });
    (address, receiver)
}

fn load(address: SocketAddr, letters: &str, connections: usize) -> Load {
    Load {
        address,
        path: "/".to_owned(),
        bodies: letters.bytes().map(|letter| Bytes::from(vec![letter])).collect(),
        connections,
    }
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_loop_counts_windows_and_separates_refusals() {
    let (address, mut seen) = server().await;
    let figures = load(address, "yyn", 2)
        .closed(ms(50), ms(100), 3)
        .await
        .expect("a load");
    assert!(figures.rate > 50.0 && figures.p50_ms > 0.0, "{figures:?}");
    let share = figures.refused as f64 / figures.answered as f64;
    assert!((0.4..0.6).contains(&share), "{figures:?}");
    // One connection may be a body ahead of the other, so three bodies are not enough.
    let mut first = Vec::new();
    for _ in 0..9 {
        first.push(seen.recv().await);
    }
    assert!(first.contains(&Some(b'n')), "bodies come in turn: {first:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_loop_keeps_its_rate_and_measures_from_the_time_a_notice_was_due() {
    let (address, _seen) = server().await;
    let figures = load(address, "y", 8)
        .open(200.0, ms(100), ms(500))
        .await
        .expect("a load");
    assert_eq!(figures.answered, 120);
    assert!((150.0..=201.0).contains(&figures.rate), "{figures:?}");
    // One connection, a notice every 100 ms and answers after 200 ms: the last of five waits for all before it.
    let figures = load(address, "s", 1)
        .open(10.0, ms(0), ms(500))
        .await
        .expect("a load");
    assert_eq!(figures.answered, 5);
    assert!(figures.p99_ms >= 590.0, "{figures:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notices_that_an_open_loop_could_not_send_count_as_waiting_and_not_as_answered() {
    let (address, _seen) = server().await;
    let start = Instant::now();
    let figures = load(address, "s", 1)
        .open(100.0, ms(0), ms(400))
        .await
        .expect("a load");
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(figures.answered < 10 && figures.rate < 10.0, "{figures:?}");
    assert!(figures.p50_ms > 300.0, "{figures:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_body_is_sent_exactly_once() {
    let (address, mut seen) = server().await;
    let sent = load(address, &"y".repeat(500), 7).once().await.expect("all sent");
    assert_eq!(sent, 500);
    let mut count = 0;
    while seen.try_recv().is_ok() {
        count += 1;
    }
    assert_eq!(count, 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_or_a_closed_connection_ends_sending_with_an_error() {
    let (address, _seen) = server().await;
    let refused = load(address, "yyny", 2).once().await.expect_err("a refusal");
    assert!(
        refused.to_string().contains("notice 2 was refused"),
        "{refused:#}"
    );
    let ended = load(address, "yx", 1).once().await.expect_err("an end");
    assert!(ended.to_string().contains("closed"), "{ended:#}");
}
