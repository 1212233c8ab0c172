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
        (json!("85700.00"), 85_700),
    ] {
        let Ok(Fact::Paid(payment)) = price(stated).map(|notice| notice.fact) else {
            panic!("{fen} is money");
        };
        assert_eq!(payment.price, Some(fen));
    }
    let odd = [
        json!(12.5),
        json!("12.5"),
        json!("1 000"),
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
