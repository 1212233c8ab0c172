//! Several addresses, some of which don't answer, and troubles told apart, with the real broker.

#![expect(clippy::unwrap_used, reason = "in a test, what does not hold must panic")]

use std::time::{Duration, Instant};

use lapin::BasicProperties;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use xiebao_amqp::topology::{NOTICES, Part};
use xiebao_amqp::{ConnectError, Message, Publisher, Settings, Trouble, connect};
use xiebao_testkit::{Broker, Proxy, free_address};

const BOUND: Duration = Duration::from_secs(8);

fn message() -> Message<'static> {
    Message {
        exchange: NOTICES,
        routing_key: "notice.1".into(),
        body: b"{}",
        properties: BasicProperties::default(),
    }
}

fn settings(urls: &[String], connect_timeout_ms: u64) -> Settings {
    Settings {
        urls: urls.to_vec(),
        connect_timeout: Duration::from_millis(connect_timeout_ms),
    }
}

/// The same vhost at an address where something else is.
fn elsewhere(url: &str, address: std::net::SocketAddr) -> String {
    let (_, path) = url.rsplit_once('/').unwrap();
    format!("amqp://guest:guest@{address}/{path}")
}

/// Takes connections and says nothing.
async fn mute() -> (TcpListener, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_refuse_or_hang_are_passed_over_without_waiting_for_their_time_out() {
    let broker = Broker::new().await;
    let (_mute, hanging) = mute().await;
    let urls = [
        elsewhere(&broker.url(), free_address()),
        elsewhere(&broker.url(), hanging),
        broker.url(),
    ];
    let settings = settings(&urls, 30_000);
    for _ in 0..6 {
        let begun = Instant::now();
        let connection = connect(&settings, "test").await.unwrap();
        connection.close(200, "done".into()).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    }
    let publisher = Publisher::start(&settings, "test", Part::Notices, 4, BOUND).unwrap();
    let begun = Instant::now();
    publisher.publish(&message()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_address_answers_each_is_named_with_what_it_said_and_no_password() {
    let broker = Broker::new().await;
    let (refusing, (_mute, hanging)) = (free_address(), mute().await);
    let urls = [
        elsewhere(&broker.url(), refusing),
        elsewhere(&broker.url(), hanging),
    ];
    let error = connect(&settings(&urls, 300), "test").await.unwrap_err();
    assert!(!error.is_permanent());
    let text = error.to_string();
    assert!(text.starts_with(&format!("{refusing}: ")), "{text}");
    assert!(
        text.contains(&format!("{hanging}: no connection to the broker within 300ms")),
        "{text}"
    );
    assert!(!text.contains("guest"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_spread_over_the_addresses_and_leave_one_that_dies() {
    let broker = Broker::new().await;
    let mut proxies = Vec::new();
    for _ in 0..3 {
        proxies.push(Proxy::start(broker.address()).await);
    }
    let urls: Vec<String> = proxies
        .iter()
        .map(|proxy| proxy.instead_of(&broker.url()))
        .collect();
    let publisher = Publisher::start(&settings(&urls, 3_000), "test", Part::Notices, 3, BOUND).unwrap();
    let spread = async {
        while proxies.iter().any(|proxy| proxy.accepted() == 0) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), spread)
        .await
        .unwrap();
    // One is cut off, one goes silent: the third must do, each time within the bound.
    proxies[0].cut();
    proxies[1].stall();
    for _ in 0..12 {
        publisher.publish(&message()).await.unwrap();
    }
    assert_eq!(broker.drain_at_least(NOTICES, 12).await.len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_was_given_up_leaves_no_socket_behind() {
    let (listener, address) = mute().await;
    let settings = settings(&[format!("amqp://guest:guest@{address}/x?heartbeat=1")], 200);
    let error = connect(&settings, "test").await.unwrap_err();
    assert!(matches!(error, ConnectError::Timeout(_)), "{error}");
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut heard = Vec::new();
    // Two and a half heartbeats.
    let end = tokio::time::timeout(Duration::from_secs(4), stream.read_to_end(&mut heard)).await;
    assert!(end.is_ok(), "the socket is still open");
    assert!(heard.starts_with(b"AMQP"), "{heard:?}");
}

async fn refusal(publisher: &Publisher) -> String {
    for _ in 0..500 {
        match publisher.ready() {
            Err(why) if why.starts_with("somebody must mend this") => return why,
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("{:?}", publisher.ready());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_or_vhost_is_told_apart_from_a_broker_that_is_away() {
    let broker = Broker::new().await;
    let (scheme, rest) = broker
        .url()
        .split_once("://")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let (_, host) = rest.split_once('@').unwrap();
    let stranger = format!("{scheme}://nobody:hush-hush@{host}");
    let no_vhost = format!("{}-gone", broker.url());
    for (url, word) in [(stranger, "ACCESS_REFUSED"), (no_vhost, "NOT_ALLOWED")] {
        let settings = settings(&[url], 3_000);
        assert!(connect(&settings, "test").await.unwrap_err().is_permanent());
        let publisher = Publisher::start(&settings, "test", Part::Notices, 1, BOUND).unwrap();
        let why = refusal(&publisher).await;
        assert!(why.contains(word) && !why.contains("hush-hush"), "{why}");
    }
    let away = settings(&[elsewhere(&broker.url(), free_address())], 3_000);
    assert!(!connect(&away, "test").await.unwrap_err().is_permanent());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_taken_away_is_said_and_waited_for() {
    let broker = Broker::new().await;
    let settings = settings(&[broker.url()], 3_000);
    let publisher =
        Publisher::start(&settings, "test", Part::Notices, 1, Duration::from_millis(2_500)).unwrap();
    publisher.publish(&message()).await.unwrap();
    broker.allow_writing("^$").await;
    // Rights are looked at when a connection opens, and again at times.
    broker.close_connections().await;
    let refused = async {
        loop {
            match publisher.publish(&message()).await {
                Err(unavailable) if unavailable.trouble.is_permanent() => return unavailable.trouble,
                _ => broker.close_connections().await,
            }
        }
    };
    let trouble = tokio::time::timeout(Duration::from_secs(30), refused)
        .await
        .unwrap();
    assert!(
        matches!(&trouble, Trouble::Refused(why) if why.contains("ACCESS_REFUSED")),
        "{trouble:?}"
    );
    broker.allow_writing(".*").await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while publisher.publish(&message()).await.is_err() {
        assert!(Instant::now() < deadline, "it goes on refusing");
    }
}
