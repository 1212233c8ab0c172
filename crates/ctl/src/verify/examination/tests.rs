use std::collections::BTreeMap;

use xiebao_core::id::PartnerId;
use xiebao_core::signature::Key;

use super::*;

fn keys() -> Keys {
    let key = |text: &str| Key::new(text).expect("not blank");
    Keys(BTreeMap::from([(PartnerId(7), vec![key("new"), key("old")])]))
}

fn signer(key: &str) -> Signer {
    Signer::new(PartnerId(7), key.to_owned())
}

fn examine(sent: &str, sign: &str) -> Examination {
    let body = Bytes::from(format!(
        "{{\"notifyType\":9,\"sign\":\"{sign}\",\"data\":{sent}}}"
    ));
    let raw = RawNotice::parse(&body).expect("an envelope");
    Examination::of(raw, &body, &keys(), Some(&signer("new")))
}

const DATA: &str = "{ \"partnerId\":7,\"insureNum\":\"1\",\"state\":true}";
const COMPACT: &str = "{\"partnerId\":7,\"insureNum\":\"1\",\"state\":true}";

#[test]
fn the_form_and_the_key_that_match_are_named() {
    let found = examine(DATA, &signer("old").sign(COMPACT));
    assert_eq!((found.signature, found.key_index), (Finding::Authentic, Some(1)));
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
    assert_eq!(hint(&signer("new").sign_behind(DATA)), Some(Hint::KeyBehindData));
    assert_eq!(hint(&Signer::without_key(COMPACT)), Some(Hint::NoKey));
    assert_eq!(hint("short"), Some(Hint::SignIsNoMd5));
    assert_eq!(hint(&signer("other").sign(DATA)), None);
    assert_eq!(hint(&signer("new").sign(DATA)), None);
}

#[test]
fn content_that_could_not_be_applied_is_said_beside_a_right_signature() {
    let data = "{\"partnerId\":7,\"insureNum\":\"1\"}";
    let found = examine(data, &signer("new").sign(data));
    assert_eq!(found.signature, Finding::Authentic);
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
            assert!(!shown.contains(&signer(key).sign(text)));
        }
    }
}
