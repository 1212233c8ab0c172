//! Against a server of the tests' own.

use std::net::Ipv4Addr;
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::*;

const YES: &str = "HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"state\":true}";
const NO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"state\":false}";

/// Takes bodies of one byte. The letter says what is answered: `y` yes, `n` no, `s` yes after 200 ms, `x` nothing.
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

fn bodies(letters: &str) -> Arc<[Bytes]> {
    letters.bytes().map(|letter| Bytes::from(vec![letter])).collect()
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_loop_counts_windows_and_tells_refusals_apart() {
    let (address, mut seen) = server().await;
    let loaded = closed(address, "/", bodies("yyn"), 2, ms(50), ms(100), 3)
        .await
        .expect("a load");
    assert_eq!(loaded.rates.len(), 3);
    assert!(loaded.rate > 50.0 && loaded.p50_ms > 0.0, "{loaded:?}");
    let share = loaded.refused as f64 / loaded.answered as f64;
    assert!((0.4..0.6).contains(&share), "{loaded:?}");
    // Not among the first three: the one connection may be a body ahead of the other.
    let mut first = Vec::new();
    for _ in 0..9 {
        first.push(seen.recv().await);
    }
    assert!(first.contains(&Some(b'n')), "bodies come in turn: {first:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_loop_keeps_its_rate_and_counts_from_when_a_notice_was_due() {
    let (address, _seen) = server().await;
    let loaded = open(address, "/", bodies("y"), 8, 200.0, ms(100), ms(500))
        .await
        .expect("a load");
    assert_eq!(loaded.answered, 120);
    assert!((150.0..=201.0).contains(&loaded.rate), "{loaded:?}");
    // One connection and an answer of 200 ms every 100 ms: the last of five waits for all before it.
    let loaded = open(address, "/", bodies("s"), 1, 10.0, ms(0), ms(500))
        .await
        .expect("a load");
    assert_eq!(loaded.answered, 5);
    assert!(loaded.p99_ms >= 590.0, "{loaded:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_open_loop_could_not_send_counts_as_waiting_and_not_as_answered() {
    let (address, _seen) = server().await;
    let start = Instant::now();
    let loaded = open(address, "/", bodies("s"), 1, 100.0, ms(0), ms(400))
        .await
        .expect("a load");
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(loaded.answered < 10 && loaded.rate < 10.0, "{loaded:?}");
    assert!(loaded.p50_ms > 300.0, "{loaded:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_body_is_sent_exactly_once() {
    let (address, mut seen) = server().await;
    let sent = send_all(address, "/", bodies(&"y".repeat(500)), 7)
        .await
        .expect("all sent");
    assert_eq!(sent.answered, 500);
    let mut count = 0;
    while seen.try_recv().is_ok() {
        count += 1;
    }
    assert_eq!(count, 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_or_a_closed_connection_ends_sending_with_an_error() {
    let (address, _seen) = server().await;
    let refused = send_all(address, "/", bodies("yyny"), 2)
        .await
        .expect_err("a refusal");
    assert!(
        refused.to_string().contains("notice 2 was refused"),
        "{refused:#}"
    );
    let ended = send_all(address, "/", bodies("yx"), 1).await.expect_err("an end");
    assert!(ended.to_string().contains("closed"), "{ended:#}");
}
