//! A notice on its way through receiver, broker and worker, as a collector of traces sees it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use xiebao_testkit::{Collector, KEY, Mood, PARTNER, SeenSpan, free_address, notice};

use crate::services::Services;

const SERVER: i32 = 2;
const PRODUCER: i32 = 4;
const CONSUMER: i32 = 5;

async fn services(endpoint: &str, settings: &[(&str, &str)]) -> Services {
    let keys = format!("\"{PARTNER}\" = [\"{KEY}\"]");
    let endpoint = ("XIEBAO__OTLP__ENDPOINT", endpoint);
    let mut services = Services::prepared(&keys, &[&[endpoint], settings].concat()).await;
    services.add_receiver().await;
    services.add_worker(&[]).await;
    services
}

impl Services {
    /// Posts a notice and waits until it is applied; how long its acknowledgement took.
    async fn apply(&self, number: &str, traceparent: Option<&str>) -> Duration {
        let took = self.post(number, json!({ "state": true }), traceparent).await;
        let query = format!("SELECT COUNT(*) FROM proposals WHERE insure_num = '{number}'");
        let deadline = Instant::now() + Duration::from_secs(20);
        while xiebao_testkit::number(&self.database.url(), &query)
            .await
            .expect("a count")
            == 0
        {
            assert!(Instant::now() < deadline, "no row of {number}");
            sleep(Duration::from_millis(10)).await;
        }
        took
    }

    async fn post(&self, number: &str, stated: Value, traceparent: Option<&str>) -> Duration {
        let mut data = json!({ "partnerId": PARTNER, "insureNum": number });
        data.as_object_mut()
            .expect("an object")
            .extend(stated.as_object().expect("an object").clone());
        let mut request = reqwest::Client::new()
            .post(self.url())
            .body(notice(1, &data, KEY));
        if let Some(traceparent) = traceparent {
            request = request.header("traceparent", traceparent);
        }
        let begun = Instant::now();
        let answer = request
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("text");
        assert_eq!(answer, r#"{"state":true}"#);
        begun.elapsed()
    }
}

fn named<'s>(spans: &'s [SeenSpan], name: &str, trace_id: &str) -> &'s SeenSpan {
    let mut found = spans
        .iter()
        .filter(|span| span.name == name && span.trace_id == trace_id);
    let span = found
        .next()
        .unwrap_or_else(|| panic!("no {name} of {trace_id}: {spans:#?}"));
    assert_eq!(found.next(), None);
    span
}

fn attribute<'s>(span: &'s SeenSpan, name: &str) -> &'s str {
    span.attributes.get(name).map_or("", String::as_str)
}

#[tokio::test]
async fn one_notice_is_one_trace_from_the_request_to_the_transaction() {
    let collector = Collector::start(Mood::Willing).await;
    let secret = [
        ("XIEBAO__OTLP__HEADERS", "x-scope: team-7"),
        ("XIEBAO__LOG__LEVEL", "debug"),
    ];
    let mut services = services(&collector.url(), &secret).await;
    let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    services
        .apply("20991231000201", Some(&format!("00-{trace}-{span}-01")))
        .await;
    services.apply("20991231000202", None).await;
    // The caller does not want its trace recorded.
    let unwanted = "1af7651916cd43dd8448eb211c80319c";
    services
        .apply("20991231000203", Some(&format!("00-{unwanted}-{span}-00")))
        .await;
    let logs = services.end().await;

    let spans = collector.wait_for(8).await;
    assert_eq!(spans.len(), 8, "{spans:#?}");
    assert!(spans.iter().all(|span| span.trace_id != unwanted), "{spans:#?}");
    let begun_here = spans
        .iter()
        .find(|one| one.name == "receive notice" && one.trace_id != trace);
    let begun_here = begun_here.expect("the second request").trace_id.clone();
    for (trace, parent) in [(trace, span), (begun_here.as_str(), "")] {
        let server = named(&spans, "receive notice", trace);
        let producer = named(&spans, "publish notice", trace);
        let consumer = named(&spans, "process notice", trace);
        assert_eq!((server.kind, server.parent_id.as_str()), (SERVER, parent));
        assert_eq!((producer.kind, &producer.parent_id), (PRODUCER, &server.span_id));
        assert_eq!(
            (consumer.kind, &consumer.parent_id),
            (CONSUMER, &producer.span_id)
        );
        let told = (trace.to_owned(), producer.span_id.clone());
        let apply = spans
            .iter()
            .find(|span| span.name == "apply" && span.links.contains(&told));
        let apply = apply.expect("the transaction is tied to the notice");
        assert_eq!(consumer.links, [(apply.trace_id.clone(), apply.span_id.clone())]);
        assert_eq!(attribute(server, "notice.verdict"), "accepted");
        assert_eq!(attribute(consumer, "notice.result"), "applied");
        assert_eq!(
            attribute(server, "notice.digest"),
            attribute(consumer, "notice.digest")
        );
        assert_eq!(server.about["service.name"], "xiebao-receiver");
        assert_eq!(consumer.about["service.name"], "xiebao-worker");
        for (name, log) in &logs {
            let line = log
                .lines()
                .find(|line| line.contains(&format!("\"trace.id\":\"{trace}\"")));
            assert!(line.is_some(), "{name} names the trace nowhere: {log}");
        }
    }
    let heads = collector.heads();
    assert!(
        heads
            .iter()
            .all(|head| head.starts_with("POST /v1/traces HTTP/1.1") && head.contains("x-scope: team-7"))
    );
}

#[tokio::test]
async fn of_the_traces_that_begin_here_a_share_is_recorded_and_a_refused_request_has_its_verdict() {
    let collector = Collector::start(Mood::Willing).await;
    // Who may send may also ask for a record.
    let settings = [
        ("XIEBAO__OTLP__SAMPLE_RATIO", "0"),
        ("XIEBAO__RECEIVER__ALLOW", "127.0.0.0/8"),
    ];
    let mut services = services(&collector.url(), &settings).await;
    services.apply("20991231000301", None).await;
    let trace = "2af7651916cd43dd8448eb211c80319c";
    let bad = notice(
        1,
        &json!({ "partnerId": PARTNER, "insureNum": "20991231000302", "state": true }),
        "no key",
    );
    let request = reqwest::Client::new().post(services.url()).body(bad);
    let request = request.header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"));
    request.send().await.expect("an answer");
    services.end().await;
    let spans = collector.wait_for(1).await;
    assert_eq!(spans.len(), 1, "{spans:#?}");
    assert_eq!(
        attribute(named(&spans, "receive notice", trace), "notice.verdict"),
        "bad_signature"
    );
}

/// Far below the 30 s that a request to the collector may take there, and far above what anything takes without it.
const NOT_WAITED_FOR: Duration = Duration::from_secs(15);

#[tokio::test]
async fn a_collector_that_is_away_or_silent_or_refuses_changes_no_answer_and_no_end() {
    let (silent, unwilling) = (
        Collector::start(Mood::Silent).await,
        Collector::start(Mood::Unwilling).await,
    );
    let away = format!("http://{}", free_address());
    for endpoint in [silent.url(), unwilling.url(), away] {
        let drain = [
            ("XIEBAO__RECEIVER__DRAIN_DELAY_MS", "0"),
            ("XIEBAO__OTLP__TIMEOUT_MS", "30000"),
        ];
        let mut services = services(&endpoint, &drain).await;
        let took = services.apply("20991231000401", None).await;
        assert!(took < NOT_WAITED_FOR, "{took:?}");
        let begun = Instant::now();
        // Ends well, or panics.
        services.end().await;
        let took = begun.elapsed();
        assert!(took < NOT_WAITED_FOR, "{took:?} with {endpoint}");
    }
    assert!(!silent.heads().is_empty() && !unwilling.heads().is_empty());
}
