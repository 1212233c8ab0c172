use super::*;

fn paid(data: Value) -> Payment {
    match notice(2, data).fact {
        Fact::Paid(payment) => payment,
        other => panic!("{other:?}"),
    }
}

fn second(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").expect("a time")
}

#[test]
fn numbers_may_be_quoted() {
    let quoted = paid(json!({"price": "19900", "payTime": "2026-03-01 10:00:00", "onlinePaymentId": "-11"}));
    let bare = paid(json!({"price": 19900, "payTime": "2026-03-01 10:00:00", "onlinePaymentId": -11}));
    assert_eq!(quoted, bare);
    assert_eq!((bare.price, bare.gateway), (Some(19900), Some(-11)));
    assert_eq!(bare.pay_time, Some(second("2026-03-01 10:00:00")));
}

#[test]
fn a_whole_number_may_have_any_spelling_of_the_same_value() {
    for (spelling, fen) in [
        ("100.0", 100),
        ("1e2", 100),
        ("1.2E3", 1200),
        ("0.0", 0),
        ("9223372036854775807.0", i64::MAX),
    ] {
        let body = format!(
            r#"{{"notifyType":2,"sign":"","data":{{"partnerId":1,"insureNum":"1","state":true,"price":{spelling},"payTime":"2026-03-01 10:00:00"}}}}"#
        );
        let Ok(Fact::Paid(payment)) = Notice::read(&body.into()).map(|notice| notice.fact) else {
            panic!("{spelling} is a whole number");
        };
        assert_eq!(payment.price, Some(fen), "{spelling}");
    }
}

#[test]
fn a_successful_payment_needs_price_and_time_and_a_failed_one_neither() {
    for key in ["price", "payTime"] {
        for nothing in [json!(null), json!(""), json!(" "), json!([])] {
            let data = with(payment(), key, nothing);
            assert_eq!(refusal(2, data.clone()), Some(Reason::Incomplete));
            assert_eq!(refusal(2, with(data, "state", json!(false))), None);
        }
    }
    assert_eq!(
        paid(with(payment(), "onlinePaymentId", json!(null))).gateway,
        None
    );
}

#[test]
fn money_is_whole_fen_within_64_bits_and_not_negative() {
    let price = |value: Value| read(2, with(payment(), "price", value));
    for (stated, fen) in [
        (json!(0), 0),
        (json!(i64::MAX), i64::MAX),
        (json!("9223372036854775807"), i64::MAX),
    ] {
        let Ok(Fact::Paid(payment)) = price(stated).map(|notice| notice.fact) else {
            panic!("{fen} is money");
        };
        assert_eq!(payment.price, Some(fen));
    }
    let odd = [
        json!(12.5),
        json!("12.5"),
        json!("12.00"),
        json!("abc"),
        json!("1e3"),
        json!("+5"),
        json!("1 000"),
        json!("１２"),
        json!("0x10"),
        json!(9_223_372_036_854_775_808_u64),
        json!("9223372036854775808"),
        json!(-1),
        json!("-19900"),
        json!(true),
        json!({}),
        json!([100]),
    ];
    for value in odd {
        let refused = price(value.clone()).expect_err("no money");
        assert_eq!(refused.reason, Reason::InvalidField, "{value}");
        // A failure may leave the price out, but not state an invalid one.
        assert_eq!(
            refusal(2, json!({"state": false, "price": value})),
            Some(Reason::InvalidField)
        );
    }
}

#[test]
fn an_undocumented_gateway_is_kept_and_one_that_is_not_a_number_is_rejected() {
    assert_eq!(
        paid(with(payment(), "onlinePaymentId", json!(i64::MIN))).gateway,
        Some(i64::MIN)
    );
    for odd in [
        json!("wechat"),
        json!(2.5),
        json!("9223372036854775808"),
        json!({}),
    ] {
        assert_eq!(
            refusal(2, with(payment(), "onlinePaymentId", odd)),
            Some(Reason::InvalidField)
        );
    }
}

#[test]
fn a_reissue_moves_no_money() {
    for (gateway, moves) in [
        (-3, false),
        (-12, false),
        (-11, true),
        (3, true),
        (12, true),
        (0, true),
    ] {
        let payment = paid(with(payment(), "onlinePaymentId", json!(gateway)));
        assert_eq!(payment.moves_money(), moves, "{gateway}");
    }
    assert!(paid(with(payment(), "onlinePaymentId", json!(null))).moves_money());
}

#[test]
fn a_time_has_seconds_and_leading_zeros() {
    for good in [
        "2024-02-29 23:59:59",
        "1000-01-01 00:00:00",
        "9999-12-31 23:59:59",
    ] {
        assert_eq!(
            paid(with(payment(), "payTime", json!(good))).pay_time,
            Some(second(good))
        );
    }
    let odd = [
        "2026-03-01 10:00",
        "2026-03-01",
        "2026-03-01T10:00:00",
        "2026-03-01 10:00:00.0",
        "2026-03-01 10:00:00Z",
        "2026-03-01  10:00:00",
        "2026-03-01 10:00:60",
        "2026-03-01 24:00:00",
        "2026-3-1 10:00:00",
        "2026-02-30 10:00:00",
        "2025-02-29 10:00:00",
        "0999-12-31 10:00:00",
        "0000-00-00 00:00:00",
        "+2026-03-01 10:00:00",
        "２０２６-03-01 10:00:00",
        "1772323200",
        "now",
    ];
    for text in odd {
        let refused = refusal(2, with(payment(), "payTime", json!(text)));
        assert_eq!(refused, Some(Reason::InvalidField), "{text}");
    }
    assert_eq!(
        refusal(2, with(payment(), "payTime", json!(1_772_323_200))),
        Some(Reason::InvalidField)
    );
}
