use bytes::Bytes;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::platform::ContentType;

const YES: &str = "{\"state\":true}";
const NO: &str = "{\"state\":false,\"failMsg\":\"稍后\"}";

fn load(letters: usize, rate: Option<f64>) -> Arc<Load> {
    let letter = |n: usize| Letter {
        body: Bytes::from(format!("{n}")),
        twin: Some(Bytes::from(format!("twin of {n}"))),
        content_type: ContentType::Json,
    };
    let sendings = (0..letters)
        .map(|letter| Sending { letter, twin: false })
        .collect();
    let pace = Pace {
        connections: 4,
        rate,
        rule: ResendRule {
            time_scale: 360_000.0,
        },
    };
    Load::new((0..letters).map(letter).collect(), sendings, pace)
}

/// A receiver that answers the request of that number as it is told, and can close the connection behind it.
async fn receiver(answer: fn(usize) -> (&'static str, bool)) -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let count = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&count), answer));
        }
    });
    Target::parse(&format!("http://{address}/notices")).expect("a URL")
}

async fn serve(stream: TcpStream, count: Arc<AtomicUsize>, answer: fn(usize) -> (&'static str, bool)) {
    let mut stream = BufReader::new(stream);
    while let Some(length) = head(&mut stream).await {
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        let (text, close) = answer(count.fetch_add(1, Ordering::Relaxed));
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nx-notice-result: told\r\n\r\n",
            text.len()
        );
        if stream
            .write_all(format!("{head}{text}").as_bytes())
            .await
            .is_err()
            || close
        {
            return;
        }
    }
}

/// The length of the body; `None` when the connection ends.
async fn head(stream: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            return Some(length);
        }
    }
}

#[tokio::test]
async fn everything_is_posted_once_and_acknowledged() {
    let load = load(200, None);
    load.run(&[receiver(|_| (YES, false)).await, receiver(|_| (YES, false)).await])
        .await;
    assert!((0..200).all(|letter| load.acks(letter) == 1));
    let tally = load.tally();
    assert_eq!(
        (tally.requests, tally.acks, tally.resent, tally.given_up),
        (200, 200, 0, 0)
    );
    assert_eq!(tally.verdicts["told"], 200);
}

#[tokio::test]
async fn what_is_refused_comes_again_until_it_is_acknowledged() {
    let load = load(20, None);
    load.run(&[receiver(|n| (if n < 30 { NO } else { YES }, false)).await])
        .await;
    assert!((0..20).all(|letter| load.acks(letter) == 1));
    let tally = load.tally();
    assert_eq!((tally.requests, tally.resent, tally.given_up), (50, 30, 0));
}

#[tokio::test]
async fn after_six_more_tries_the_platform_gives_up() {
    let load = load(3, None);
    load.run(&[receiver(|_| (NO, false)).await]).await;
    let tally = load.tally();
    assert_eq!((tally.requests, tally.given_up, load.acks(0)), (21, 3, 0));
}

#[tokio::test]
async fn a_connection_that_the_receiver_closes_is_opened_again() {
    let load = load(40, None);
    load.run(&[receiver(|n| (YES, n % 3 == 0)).await]).await;
    assert_eq!(load.tally().acks, 40);
    assert!((0..40).all(|letter| load.acks(letter) == 1));
}

#[tokio::test]
async fn a_rate_is_kept_and_latency_counts_from_when_a_request_was_due() {
    let load = load(100, Some(1_000.0));
    let begun = Instant::now();
    load.run(&[receiver(|_| (YES, false)).await]).await;
    assert!(
        begun.elapsed() >= Duration::from_millis(95),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(load.tally().acks, 100);
}
