//! Messages of every version that was ever published are read for ever, and the version of today is written exactly
//! as its golden files have it: a rolling deploy never meets a message that it can't read.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use xiebao_core::envelope::{Envelope, EnvelopeError};
use xiebao_core::id::PartnerId;
use xiebao_core::notice::RawNotice;
use xiebao_core::signature::{Form, Key, Keys, verify};

#[derive(Debug, Deserialize)]
struct Golden {
    message_id: String,
    routing_key: String,
    headers: BTreeMap<String, String>,
    body: String,
}

fn golden_files(version: &str) -> Vec<(String, Golden)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned();
        if name.starts_with(version) {
            let text = std::fs::read_to_string(&path).expect("a golden file");
            files.push((name, serde_json::from_str(&text).expect("a golden message")));
        }
    }
    assert!(!files.is_empty());
    files
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn read(golden: &Golden, with_headers: bool) -> Result<Envelope, EnvelopeError> {
    let header = |name: &str| {
        golden
            .headers
            .get(name)
            .filter(|_| with_headers)
            .map(String::as_str)
    };
    Envelope::from_message(
        Bytes::from(golden.body.clone()),
        header,
        time("2030-01-01T00:00:00Z"),
    )
}

fn check(name: &str, golden: &Golden, envelope: &Envelope) {
    let headers: BTreeMap<String, String> = envelope
        .headers()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    assert_eq!(headers, golden.headers, "{name}");
    assert_eq!(envelope.digest().as_str(), golden.message_id, "{name}");
    assert_eq!(envelope.routing_key(), golden.routing_key, "{name}");
    assert_eq!(envelope.body(), &golden.body, "{name}");
}

#[test]
fn every_golden_message_is_read_in_full() {
    for (name, golden) in golden_files("envelope-") {
        check(&name, &golden, &read(&golden, true).expect("it is an envelope"));
    }
}

#[test]
fn todays_version_is_written_as_its_golden_files_have_it() {
    let key = Key::new("k3y-for-tests-1048483").expect("a key");
    let keys = Keys([(PartnerId(1_048_483), vec![key])].into());
    for (name, golden) in golden_files("envelope-v1-") {
        let body = Bytes::from(golden.body.clone());
        let raw = RawNotice::parse(&body).expect("a notice");
        let verified = verify(raw, &keys).expect("authentic");
        let trace = golden.headers.get("traceparent").cloned();
        let envelope = Envelope::new(&verified, time(&golden.headers["x-received-at"]), trace);
        check(&name, &golden, &envelope);
    }
}

#[test]
fn a_message_without_headers_is_read_from_its_body() {
    for (name, golden) in golden_files("envelope-v1-") {
        let envelope = read(&golden, false).expect("it is an envelope");
        assert_eq!(envelope.digest().as_str(), golden.message_id, "{name}");
        assert_eq!(envelope.routing_key(), golden.routing_key, "{name}");
        assert_eq!(
            envelope.insure_num().map(|n| n.as_str()),
            golden.headers.get("x-insure-num").map(String::as_str)
        );
        assert_eq!(envelope.received_at(), time("2030-01-01T00:00:00Z"), "{name}");
        assert_eq!(envelope.form(), None::<Form>, "{name}");
    }
}

#[test]
fn a_version_of_the_future_is_refused_rather_than_misread() {
    let (_, mut golden) = golden_files("envelope-v1-").remove(0);
    golden
        .headers
        .insert("x-envelope-version".to_owned(), "2".to_owned());
    assert!(matches!(read(&golden, true), Err(EnvelopeError::UnknownVersion(version)) if version == "2"));
}
