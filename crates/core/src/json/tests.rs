use proptest::prelude::*;

use super::*;

fn canonical(text: &str) -> String {
    Json::parse(text).expect(text).canonical()
}

#[test]
fn numbers_keep_their_spelling_when_rewritten() {
    let json = Json::parse(r#" { "b" : 1.50 , "a" : [ 1E5 , -0 , 9007199254740993 ] } "#).expect("JSON");
    assert_eq!(json.compact(), r#"{"b":1.50,"a":[1E5,-0,9007199254740993]}"#);
    assert_eq!(json.sorted(), r#"{"a":[1E5,-0,9007199254740993],"b":1.50}"#);
}

#[test]
fn strings_get_minimal_escapes_when_rewritten() {
    let json = Json::parse(r#"{"x":"a\/b\u5f20\u0001\n\"\\"}"#).expect("JSON");
    assert_eq!(json.compact(), "{\"x\":\"a/b张\\u0001\\n\\\"\\\\\"}");
}

#[test]
fn equal_numbers_have_one_canonical_form() {
    for same in ["1", "1.0", "1e0", "10e-1", "0.1E1", "100E-2"] {
        assert_eq!(canonical(same), "1", "{same}");
    }
    for zero in ["0", "-0", "0.00", "0e7"] {
        assert_eq!(canonical(zero), "0", "{zero}");
    }
    assert_eq!(canonical("120"), "12e1");
    assert_ne!(canonical("9007199254740993"), canonical("9007199254740992"));
    assert_ne!(canonical("1"), canonical("\"1\""));
}

#[test]
fn a_repeated_key_is_found_at_any_depth() {
    assert_eq!(
        Json::parse(r#"{"a":1,"b":{"a":2}}"#)
            .expect("JSON")
            .repeated_key(),
        None
    );
    assert_eq!(
        Json::parse(r#"{"a":1,"a":1}"#)
            .expect("JSON")
            .repeated_key()
            .as_deref(),
        Some("a")
    );
    let escaped = Json::parse(r#"{"l":[{"p":{"k":1,"\u006b":2}}]}"#).expect("JSON");
    assert_eq!(escaped.repeated_key().as_deref(), Some("l.p.k"));
}

#[test]
fn a_repeated_key_is_found_among_few_and_among_many() {
    for count in [2, 32, 33, 100_000] {
        let members: Vec<String> = (0..count).map(|number| format!(r#""k{number}":0"#)).collect();
        let text = format!("{{{}}}", members.join(","));
        assert_eq!(Json::parse(&text).expect("JSON").repeated_key(), None, "{count}");
        let text = text.replace('}', r#","\u006b1":0}"#);
        let found = Json::parse(&text).expect("JSON").repeated_key();
        assert_eq!(found.as_deref(), Some("k1"), "{count}");
    }
}

#[test]
fn nesting_is_bounded_and_lone_surrogates_are_rejected() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(Json::parse(&deep).is_err());
    let allowed = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    assert!(Json::parse(&allowed).is_ok());
    assert!(Json::parse(r#""\ud83d""#).is_err());
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(|f| serde_json::json!(f)),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            proptest::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #[test]
    fn rewriting_keeps_the_value(value in any_json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }
            .expect("a value is always text");
        let json = Json::parse(&text).expect("serde_json wrote it");
        // serde_json also writes compact text with minimal escapes, and sorts the keys of a map.
        let expected = serde_json::to_string(&value).expect("a value is always text");
        prop_assert_eq!(&json.compact(), &expected);
        prop_assert_eq!(&json.sorted(), &expected);
        prop_assert_eq!(Json::parse(&expected).expect("JSON").canonical(), json.canonical());
    }

    #[test]
    fn both_parsers_agree_whether_a_text_is_json(text in "\\PC{0,60}") {
        if Json::parse(&text).is_ok() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }
}
