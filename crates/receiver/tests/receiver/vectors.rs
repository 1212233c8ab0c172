use xiebao_testkit::{Answer, Message, Vector, vectors};

use crate::running::{DEAD, NOTICES, Running};

#[tokio::test(flavor = "multi_thread")]
async fn every_vector_gets_its_verdict_and_stands_on_its_queue_byte_for_byte() {
    let running = Running::start().await;
    for vector in vectors() {
        let answer = post(&running, &vector).await;
        check_answer(&vector, &answer);
        let (queue, other) = match answer.verdict() {
            "dead_lettered" => (DEAD, NOTICES),
            _ => (NOTICES, DEAD),
        };
        let messages = running.broker.drain(queue).await;
        assert!(running.broker.drain(other).await.is_empty(), "{}", vector.name);
        if vector.expect.state {
            let [message] = &messages[..] else {
                panic!("{}: {} messages", vector.name, messages.len())
            };
            check_message(&vector, &answer, message);
        } else {
            assert!(messages.is_empty(), "{}: published though refused", vector.name);
        }
    }
}

async fn post(running: &Running, vector: &Vector) -> Answer {
    let mut request = reqwest::Client::new()
        .post(&running.url)
        .body(vector.body.clone());
    if let Some(content_type) = &vector.content_type {
        request = request.header("content-type", content_type);
    }
    Answer::read(request.send().await.unwrap()).await
}

fn check_answer(vector: &Vector, answer: &Answer) {
    let name = &vector.name;
    assert_eq!(answer.status, 200, "{name}");
    assert_eq!(
        answer.content_type.as_deref(),
        Some("application/json;charset=UTF-8"),
        "{name}"
    );
    assert!(
        vector.expect.verdicts.iter().any(|v| v == answer.verdict()),
        "{name}: {answer:?}"
    );
    if vector.expect.state {
        assert_eq!(answer.body, r#"{"state":true}"#, "{name}");
    } else {
        let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        let message = body["failMsg"].as_str().unwrap();
        assert_eq!(
            body,
            serde_json::json!({"state": false, "failMsg": message}),
            "{name}"
        );
        assert!((2..30).contains(&message.chars().count()), "{name}: {message}");
        assert!(
            message.chars().all(|c| c > '\u{7f}'),
            "{name}: {message} is not Chinese"
        );
    }
}

fn check_message(vector: &Vector, answer: &Answer, message: &Message) {
    let (name, expect) = (&vector.name, &vector.expect);
    let header = |key: &str| message.headers.get(key).map(String::as_str);
    let number = |n: Option<i64>| n.map(|n| n.to_string());
    assert_eq!(message.body, vector.body, "{name}");
    assert_eq!(message.delivery_mode, Some(2), "{name}");
    assert_eq!(
        message.content_type.as_deref(),
        Some("application/json"),
        "{name}"
    );
    let notify_type = number(expect.notify_type);
    assert_eq!(
        Some(message.routing_key.clone()),
        notify_type.as_ref().map(|n| format!("notice.{n}")),
        "{name}"
    );
    assert_eq!(header("x-notify-type"), notify_type.as_deref(), "{name}");
    assert_eq!(
        header("x-partner-id"),
        number(expect.partner_id).as_deref(),
        "{name}"
    );
    assert_eq!(header("x-insure-num"), expect.insure_num.as_deref(), "{name}");
    assert_eq!(header("x-signature-form"), expect.form.as_deref(), "{name}");
    let received_at = header("x-received-at").unwrap();
    assert!(
        received_at.ends_with('Z') && received_at.len() == "2026-07-23T09:15:02.000000Z".len(),
        "{name}"
    );
    assert_eq!(header("traceparent").map(str::len), Some(55), "{name}");
    let id = message.message_id.as_deref().unwrap();
    assert!(
        id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit()),
        "{name}: {id}"
    );
    let reason = (answer.verdict() == "dead_lettered").then_some("incomplete");
    assert_eq!(header("x-dead-reason"), reason, "{name}");
    assert_eq!(header("x-dead-detail").is_some(), reason.is_some(), "{name}");
}
