//! One rule for whole numbers, wherever a notice states one.

use super::*;

type Value64 = fn(&Notice) -> Option<i64>;

/// Every field that is a whole number, with a notice that states it in the place of `#`, and the value as the notice has it.
const FIELDS: [(&str, &str, Value64); 8] = [
    (
        "notifyType",
        r#"{"notifyType":#,"sign":"","data":{"partnerId":7,"insureNum":"A","state":true}}"#,
        |notice| Some(notice.step.notify_type().0),
    ),
    (
        "partnerId",
        r#"{"notifyType":1,"sign":"","data":{"partnerId":#,"insureNum":"A","state":true}}"#,
        |notice| Some(notice.partner_id.0),
    ),
    (
        "price",
        r#"{"notifyType":2,"sign":"","data":{"partnerId":7,"insureNum":"A","state":false,"price":#}}"#,
        |notice| payment(notice)?.price,
    ),
    (
        "onlinePaymentId",
        r#"{"notifyType":2,"sign":"","data":{"partnerId":7,"insureNum":"A","state":false,"onlinePaymentId":#}}"#,
        |notice| payment(notice)?.gateway,
    ),
    (
        "productId",
        r#"{"notifyType":3,"sign":"","data":{"partnerId":7,"insureNum":"A","state":true,"policys":[{"policyNum":"P","productId":#}]}}"#,
        |notice| policy(notice)?.stated.product_id,
    ),
    (
        "planId",
        r#"{"notifyType":3,"sign":"","data":{"partnerId":7,"insureNum":"A","state":true,"policys":[{"policyNum":"P","planId":#}]}}"#,
        |notice| policy(notice)?.stated.plan_id,
    ),
    (
        "status",
        r#"{"notifyType":26,"sign":"","data":{"partnerId":7,"insureNum":"A","state":true,"status":#}}"#,
        |notice| match &notice.fact {
            Fact::Endorsement(endorsement) => Some(endorsement.status),
            _ => None,
        },
    ),
    (
        "data in a string",
        r#"{"notifyType":1,"sign":"","data":"{\"partnerId\":#,\"insureNum\":\"A\",\"state\":true}"}"#,
        |notice| Some(notice.partner_id.0),
    ),
];

fn payment(notice: &Notice) -> Option<&Payment> {
    match &notice.fact {
        Fact::Paid(payment) => Some(payment),
        _ => None,
    }
}

fn policy(notice: &Notice) -> Option<&IssuedPolicy> {
    match &notice.fact {
        Fact::Issued(policies) => policies.first(),
        _ => None,
    }
}

/// The value of that field, spelled so, without and with quotes.
fn values(body: &str, spelling: &str, value: Value64) -> [Option<i64>; 2] {
    let quote = if body.contains("\\\"") { "\\\"" } else { "\"" };
    let quoted = format!("{quote}{spelling}{quote}");
    [spelling, &quoted].map(|text| value(&read_text(&body.replace('#', text)).ok()?))
}

#[test]
fn every_field_reads_every_spelling_of_a_whole_number_quoted_or_not() {
    for (field, body, value) in FIELDS {
        for spelling in ["1", "1.0", "1.000", "1e0", "0.1e1", "0.1E+1", "10e-1", "100.0e-2"] {
            assert_eq!(values(body, spelling, value), [Some(1); 2], "{field} {spelling}");
        }
    }
}

#[test]
fn no_field_reads_what_is_not_a_whole_number() {
    let odd = [
        "5.5",
        "5e-1",
        "0.05e1",
        "9223372036854775808",
        "9.3e18",
        "1e19",
        "1e99999999999999999999",
        "true",
        "[5]",
        "{}",
    ];
    let only_quoted = [
        "+5", "5.", ".5", "5 0", "5,0", "５", "0x5", "five", "5e", "--5", "5-", "1_0", "NaN", "5.0.0",
    ];
    for (field, body, value) in FIELDS {
        for spelling in odd {
            assert_eq!(values(body, spelling, value), [None; 2], "{field} {spelling}");
        }
        for spelling in only_quoted {
            assert_eq!(values(body, spelling, value)[1], None, "{field} {spelling:?}");
        }
    }
}

#[test]
fn the_ends_of_the_range_and_blanks_in_quotes_are_read() {
    let (_, body, value) = FIELDS[3];
    for (spelling, wanted) in [
        ("-0", 0),
        ("-0.0", 0),
        ("0e99", 0),
        ("-3.0", -3),
        ("9223372036854775807.0", i64::MAX),
        ("-9223372036854775808", i64::MIN),
        ("1e18", 1_000_000_000_000_000_000),
    ] {
        assert_eq!(values(body, spelling, value), [Some(wanted); 2], "{spelling}");
    }
    assert_eq!(values(body, " 007 ", value)[1], Some(7));
}

#[test]
fn the_digest_of_a_number_does_not_depend_on_its_spelling() {
    let (_, body, _) = FIELDS[1];
    let read = |spelling| read_text(&body.replace('#', spelling)).expect("a notice");
    assert_eq!(read("7700123.0"), read("7700123"));
    assert_ne!(read("\"7700123.0\"").digest, read("7700123").digest);
}

#[test]
fn an_identifier_keeps_its_text_and_a_number_in_its_place_counts_by_its_digits() {
    let number = |text: &str| {
        let body = format!(
            r#"{{"notifyType":1,"sign":"","data":{{"partnerId":7,"insureNum":{text},"state":true}}}}"#
        );
        read_text(&body).ok().map(|notice| notice.insure_num.to_string())
    };
    for text in ["1.0", "1e3", "007", "+5"] {
        assert_eq!(number(&format!("\"{text}\"")).as_deref(), Some(text));
    }
    for digits in ["20260101000106.0", "2.0260101000106E13", "20260101000106"] {
        assert_eq!(number(digits).as_deref(), Some("20260101000106"), "{digits}");
    }
    assert_eq!(number("9007199254740992.0").as_deref(), Some("9007199254740992"));
    assert_eq!(
        number("12345678901234567890").as_deref(),
        Some("12345678901234567890")
    );
    // A double has rounded these.
    for guessed in ["9007199254740994.0", "1.2345678901234567E19", "-1.0", "0.5"] {
        assert_eq!(number(guessed), None, "{guessed}");
    }
}
