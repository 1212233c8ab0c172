use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use xiebao_testkit::{Answer, KEY, PARTNER, notice, sign};

use crate::running::{DEAD, NOTICES, Running, insured};

/// Sends bytes as they are, and reads the answer until the other side closes or is silent.
async fn raw(running: &Running, parts: &[&[u8]]) -> String {
    let address = running
        .url
        .strip_prefix("http://")
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    for part in parts {
        stream.write_all(part).await.unwrap();
        stream.flush().await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut answer = vec![0; 4096];
    let length = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut answer))
        .await
        .unwrap()
        .unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

fn verdict_of(answer: &str) -> &str {
    answer
        .lines()
        .find_map(|line| line.strip_prefix("x-notice-result: "))
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunked_body_without_content_type_is_taken() {
    let running = Running::start().await;
    let body = insured("20260723000001");
    let (first, second) = body.split_at(40);
    let chunk = |part: &[u8]| [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
    let head = b"POST /notices HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = raw(&running, &[head, &chunk(first), &chunk(second), b"0\r\n\r\n"]).await;
    assert_eq!(verdict_of(&answer), "accepted", "{answer}");
    assert_eq!(running.broker.drain(NOTICES).await[0].body, body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_too_large_declared_or_chunked() {
    let running = Running::start_with(&[("RECEIVER__MAX_BODY_BYTES", "2048")]).await;
    assert_eq!(running.post(vec![b' '; 2049]).await.verdict(), "too_large");
    assert_eq!(running.post(vec![b' '; 8 << 20]).await.verdict(), "too_large");
    assert_eq!(running.post(vec![b' '; 2048]).await.verdict(), "malformed");
    let chunk = [b"400\r\n".as_slice(), &[b' '; 1024], b"\r\n"].concat();
    let head = b"POST /notices HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = raw(&running, &[head, &chunk, &chunk, &chunk, b"0\r\n\r\n"]).await;
    assert_eq!(verdict_of(&answer), "too_large", "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_or_never_ends_is_malformed_within_its_time() {
    let running = Running::start_with(&[("RECEIVER__BODY_TIMEOUT_MS", "300")]).await;
    let begun = Instant::now();
    let head = b"POST /notices HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{";
    let answer = raw(&running, &[head]).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(verdict_of(&answer), "malformed");
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_are_405_and_other_paths_404() {
    let running = Running::start().await;
    let client = reqwest::Client::new();
    let answer = client.get(&running.url).send().await.unwrap();
    assert_eq!(answer.status(), 405);
    assert_eq!(answer.headers()["allow"], "POST");
    assert_eq!(
        client.put(&running.url).body("x").send().await.unwrap().status(),
        405
    );
    for path in ["/", "/notices/", "/notices/x", "/NOTICES", "/healthz"] {
        let url = running.url.replace("/notices", path);
        assert_eq!(
            client.post(url).body("x").send().await.unwrap().status(),
            404,
            "{path}"
        );
    }
    let with_query = format!("{}?source=platform", running.url);
    let answer = client
        .post(with_query)
        .body(insured("20260723000001"))
        .send()
        .await
        .unwrap();
    assert_eq!(Answer::read(answer).await.verdict(), "accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_are_decided_in_the_order_of_the_contract() {
    let running = Running::start_with(&[("RECEIVER__MAX_BODY_BYTES", "2048"), ("SUBSCRIBED", "1,2,3")]).await;
    let nameless = serde_json::json!({"partnerId": PARTNER, "state": true});
    let strange = serde_json::json!({"partnerId": 7, "insureNum": "1", "state": true});
    // Too large is decided before malformed.
    assert_eq!(running.post(vec![b'x'; 4096]).await.verdict(), "too_large");
    // Malformed is decided before unknown partner, and that before the signature.
    assert_eq!(
        running
            .post(br#"{"notifyType":"x","sign":"","data":{"partnerId":7}}"#.to_vec())
            .await
            .verdict(),
        "malformed"
    );
    assert_eq!(
        running.post(notice(1, &strange, "no such key")).await.verdict(),
        "unknown_partner"
    );
    assert_eq!(
        running.post(notice(9, &nameless, "wrong key")).await.verdict(),
        "bad_signature"
    );
    // An unsubscribed type is decided before a missing proposal number.
    assert_eq!(running.post(notice(9, &nameless, KEY)).await.verdict(), "ignored");
    assert_eq!(
        running.post(notice(1, &nameless, KEY)).await.verdict(),
        "dead_lettered"
    );
    assert_eq!(running.broker.drain(NOTICES).await.len(), 1);
    assert_eq!(running.broker.drain(DEAD).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_number_that_fits_no_column_is_left_to_the_worker() {
    let running = Running::start().await;
    assert_eq!(running.post(insured(&"1".repeat(65))).await.verdict(), "accepted");
    let messages = running.broker.drain(NOTICES).await;
    assert!(!messages[0].headers.contains_key("x-insure-num"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trace_of_the_request_goes_on_with_the_message() {
    let running = Running::start().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = reqwest::Client::new()
        .post(&running.url)
        .header("traceparent", trace);
    request.body(insured("20260723000001")).send().await.unwrap();
    assert_eq!(
        running.broker.drain(NOTICES).await[0].headers["traceparent"],
        trace
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_counted_by_type_and_verdict() {
    let running = Running::start().await;
    running.post(insured("20260723000001")).await;
    running.post(b"nonsense".to_vec()).await;
    let data = format!(r#"{{ "partnerId":{PARTNER},"insureNum":"1" }}"#);
    let compact = sign(&data.replace(' ', ""), KEY);
    running
        .post(format!(r#"{{"notifyType":77,"sign":"{compact}","data":{data}}}"#).into_bytes())
        .await;
    let metrics = running.metrics().await;
    for line in [
        r#"xiebao_receiver_notices_total{notify_type="insured",verdict="accepted"} 1"#,
        r#"xiebao_receiver_notices_total{notify_type="unread",verdict="malformed"} 1"#,
        r#"xiebao_receiver_notices_total{notify_type="other",verdict="ignored"} 1"#,
        r#"xiebao_receiver_signatures_total{form="compact",partner="1048483",key="1"} 1"#,
        "xiebao_receiver_answer_seconds_count 3",
        "xiebao_receiver_publish_seconds_count 2",
        "xiebao_receiver_in_flight 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in:\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_come_as_open_metrics_to_those_who_ask_for_it_and_plain_to_others() {
    let running = Running::start().await;
    running.post(insured("20261126000031")).await;
    let asked = async |accept: &str| {
        let request = reqwest::Client::new().get(format!("http://{}/metrics", running.admin));
        let answer = request.header("accept", accept).send().await.unwrap();
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        (kind, answer.text().await.unwrap())
    };
    let (kind, text) = asked("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2").await;
    assert!(
        kind.starts_with("application/openmetrics-text; version=1.0.0"),
        "{kind}"
    );
    assert!(
        text.contains("# TYPE xiebao_receiver_notices counter\n") && text.ends_with("# EOF\n"),
        "{text}"
    );
    let (kind, text) = asked("*/*").await;
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    assert!(
        text.contains("# TYPE xiebao_receiver_notices_total counter\n"),
        "{text}"
    );
    assert!(!text.contains("# EOF") && !text.contains("# UNIT"), "{text}");
}
