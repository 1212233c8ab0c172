use std::collections::BTreeMap;

use xiebao_core::id::PartnerId;
use xiebao_core::signature::Key;

use super::*;

fn keys() -> Keys {
    let key = |text: &str| Key::new(text).expect("not blank");
    Keys(BTreeMap::from([(PartnerId(7), vec![key("new"), key("old")])]))
}

fn sign(key: &str, data: &str) -> String {
    md5_hex(&[key, data])
}

fn examine(sent: &str, signature: &str) -> Examination {
    let body = Bytes::from(format!(
        "{{\"notifyType\":9,\"sign\":\"{signature}\",\"data\":{sent}}}"
    ));
    let raw = RawNotice::parse(&body).expect("an envelope");
    Examination::of(raw, &body, &keys(), Some("new"))
}

const DATA: &str = "{ \"partnerId\":7,\"insureNum\":\"1\",\"state\":true}";
const COMPACT: &str = "{\"partnerId\":7,\"insureNum\":\"1\",\"state\":true}";

#[test]
fn the_form_and_the_key_that_match_are_named() {
    let found = examine(DATA, &sign("old", COMPACT));
    assert_eq!(
        (found.signature, found.key_index),
        (SignatureVerdict::Authentic, Some(1))
    );
    let matching: Vec<_> = found
        .texts
        .iter()
        .filter(|text| text.matches)
        .map(|text| text.form)
        .collect();
    assert_eq!(matching, ["compact"]);
    assert_eq!(found.rejection, None);
}

#[test]
fn the_usual_mistakes_are_recognised() {
    let hint = |sign: &str| examine(DATA, sign).hint;
    assert_eq!(hint(&sign(DATA, "new")), Some(Hint::KeyBehindData));
    assert_eq!(hint(&md5_hex(&[COMPACT])), Some(Hint::NoKey));
    assert_eq!(hint("short"), Some(Hint::SignIsNoMd5));
    assert_eq!(hint(&sign("other", DATA)), None);
    assert_eq!(hint(&sign("new", DATA)), None);
}

#[test]
fn content_that_cannot_be_applied_is_reported_beside_a_right_signature() {
    let data = "{\"partnerId\":7,\"insureNum\":\"1\"}";
    let found = examine(data, &sign("new", data));
    assert_eq!(found.signature, SignatureVerdict::Authentic);
    assert_eq!(
        found.rejection.map(|rejection| rejection.reason).as_deref(),
        Some("incomplete")
    );
}

#[test]
fn no_signature_that_would_be_accepted_is_shown() {
    let found = examine(DATA, &"0".repeat(32));
    let shown = serde_json::to_string(&found).expect("serializes");
    for key in ["new", "old"] {
        for text in [DATA, COMPACT] {
            assert!(!shown.contains(&sign(key, text)));
        }
    }
}
