use proptest::prelude::*;

use super::*;

fn parse(body: &str) -> Result<(i64, i64, String), Malformed> {
    let bytes = Bytes::from(body.to_owned());
    RawNotice::parse(&bytes).map(|raw| (raw.notify_type.0, raw.partner_id.0, raw.data.sent.to_owned()))
}

fn is_no_envelope(body: &str) -> bool {
    matches!(parse(body), Err(Malformed::NotAnEnvelope(_)))
}

#[test]
fn the_bytes_of_data_are_kept_as_they_were_sent() {
    let body = r#" {"x": [1, {"data": 2}], "data" : {"partnerId": 7,  "a":"\u4e2d" } ,"sign":"s", "notifyType": 1} "#;
    assert_eq!(
        parse(body),
        Ok((1, 7, r#"{"partnerId": 7,  "a":"\u4e2d" }"#.to_owned()))
    );
}

#[test]
fn numbers_may_be_quoted() {
    let body = r#"{"notifyType":"26","sign":"s","data":{"partnerId":"1048483"}}"#;
    assert_eq!(parse(body).map(|read| (read.0, read.1)), Ok((26, 1_048_483)));
    for wrong in [
        "1.5",
        "\"\"",
        "\"1 0\"",
        "null",
        "true",
        "9223372036854775808",
        "[1]",
    ] {
        let body = format!(r#"{{"notifyType":{wrong},"sign":"s","data":{{"partnerId":7}}}}"#);
        assert_eq!(parse(&body), Err(Malformed::BadNotifyType), "{wrong}");
        let body = format!(r#"{{"notifyType":1,"sign":"s","data":{{"partnerId":{wrong}}}}}"#);
        assert_eq!(parse(&body), Err(Malformed::NoPartnerId), "{wrong}");
    }
}

#[test]
fn a_repeated_key_of_the_envelope_is_rejected_in_any_spelling() {
    for key in ["data", "sign", "notifyType", "other", r"d\u0061ta", r"sig\u006e"] {
        let body = format!(
            r#"{{"notifyType":1,"sign":"s","data":{{"partnerId":7}},"other":1,"{key}":{{"partnerId":7}}}}"#
        );
        assert!(is_no_envelope(&body), "{key}");
    }
}

#[test]
fn a_key_that_is_missing_or_of_another_type_is_rejected() {
    for body in [
        r#"{"sign":"s","data":{"partnerId":7}}"#,
        r#"{"notifyType":1,"data":{"partnerId":7}}"#,
        r#"{"notifyType":1,"sign":"s"}"#,
        r#"{"notifyType":1,"sign":null,"data":{"partnerId":7}}"#,
        r#"{"notifyType":1,"sign":5,"data":{"partnerId":7}}"#,
        r#"[1,"s",{"partnerId":7}]"#,
        r#""text""#,
        "",
        "{",
        r#"{"notifyType":1,"sign":"s","data":{"partnerId":7}} x"#,
        r#"{"notifyType":1,"sign":"s","data":{"partnerId":7}}{}"#,
        r#"{"notifyType":1,"sign":"s","data":{"partnerId":7},}"#,
    ] {
        assert!(is_no_envelope(body), "{body}");
    }
}

#[test]
fn data_is_an_object_or_a_string_that_holds_one() {
    for data in [
        "null",
        "1",
        "[]",
        "true",
        r#""""#,
        r#""[]""#,
        r#""{""#,
        r#""\"{}\"""#,
    ] {
        let body = format!(r#"{{"notifyType":1,"sign":"s","data":{data}}}"#);
        assert_eq!(parse(&body), Err(Malformed::DataNoObject), "{data}");
    }
    let body = r#"{"notifyType":1,"sign":"s","data":"{\"partnerId\":7}"}"#;
    assert_eq!(parse(body).map(|read| read.1), Ok(7));
}

#[test]
fn text_that_is_not_utf8_is_rejected_and_so_is_a_lone_surrogate() {
    let gbk = Bytes::from_static(
        b"{\"notifyType\":1,\"sign\":\"s\",\"data\":{\"partnerId\":7,\"a\":\"\xd6\xd0\"}}",
    );
    assert!(matches!(RawNotice::parse(&gbk), Err(Malformed::NotUtf8)));
    assert!(is_no_envelope(
        r#"{"notifyType":1,"sign":"s","data":{"partnerId":7,"a":"\ud800"}}"#
    ));
}

#[test]
fn deep_nesting_is_rejected_and_does_not_overflow() {
    for depth in [65, 1_000, 100_000] {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        let body = format!(r#"{{"notifyType":1,"sign":"s","data":{{"partnerId":7,"a":{open}{close}}}}}"#);
        assert!(is_no_envelope(&body), "{depth}");
    }
}

#[test]
fn a_proposal_number_is_text_or_a_whole_number_that_fits() {
    let number = |text: &str| {
        let data = format!(r#"{{"insureNum":{text}}}"#);
        insure_num(&Json::parse(&data).expect("JSON")).map(|found| found.map(|n| n.to_string()))
    };
    assert_eq!(
        number(r#""20260723373797""#),
        Ok(Some("20260723373797".to_owned()))
    );
    assert_eq!(number("49203900460028"), Ok(Some("49203900460028".to_owned())));
    assert_eq!(number(r#"" 1 ""#), Ok(Some("1".to_owned())));
    for absent in [r#""""#, r#""  ""#, "null", "true", "[]", "-1", "1.5", "1e30"] {
        assert_eq!(number(absent), Ok(None), "{absent}");
    }
    assert_eq!(number(&"1".repeat(64)), Ok(Some("1".repeat(64))));
    assert_eq!(
        number(&format!("\"{}\"", "号".repeat(64))),
        Ok(Some("号".repeat(64)))
    );
    assert_eq!(number(&"1".repeat(65)), Err(TooLong));
    assert_eq!(insure_num(&Json::parse("{}").expect("JSON")), Ok(None));
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = RawNotice::parse(&Bytes::from(bytes));
    }

    #[test]
    fn no_text_near_a_notice_makes_the_parser_panic(
        text in r#"\{?("(notifyType|sign|data|\\u0064ata)":("?[0-9]{1,3}"?|\{"partnerId":[0-9]\}|"\{\\"partnerId\\":1\}"),?){0,5}\}?"#
    ) {
        let _ = RawNotice::parse(&Bytes::from(text));
    }
}
