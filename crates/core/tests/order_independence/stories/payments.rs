//! Every payment counts exactly once.

use crate::exploration::Story;
use crate::notices::{A, insured, issued, paid, policy};

pub fn one_payment_is_reported_in_four_ways() -> Story {
    Story {
        notices: vec![
            insured(A),
            paid(A, 19900, 21, "09:00:00"),
            paid(A, 19900, 21, "09:00:00").with("failMsg", "甲"),
            paid(A, 19900, 21, "09:00:00")
                .with("failMsg", "乙")
                .with("partnerUniqueKey", "user-1"),
            paid(A, 19900, 21, "09:00:00")
                .with("onlinePaymentId", 21)
                .with("partnerUniqueKey", "user-2"),
            paid(A, 19900, 21, "09:00:00")
                .failed("扣款失败")
                .with("partnerUniqueKey", "user-0"),
            paid(A, 19900, 21, "09:00:00").failed("扣款超时"),
        ],
        // In bytes, 甲 is E7 94 B2 and 乙 is E4 B9 99; after 扣款, 失 begins with E5 and 超 with E8.
        rows: "
            A proposal partner=7 status=paid key=user-2
            A payment success fen=19900 gateway=21 at=2026-03-01T09:00:00 new_money fail=甲
            A payment fen=19900 gateway=21 at=2026-03-01T09:00:00 new_money fail=扣款超时
        ",
    }
}

pub fn renewals_are_payments_of_their_own() -> Story {
    Story {
        notices: vec![
            insured(A),
            paid(A, 8800, -11, "00:00:00"),
            paid(A, 8800, -11, "23:59:59"),
            paid(A, 8800, 21, "23:59:59"),
            paid(A, 8801, 21, "23:59:59"),
            issued(A, [policy("P1", "褚一")]),
        ],
        rows: "
            A proposal partner=7 status=issued
            A payment success fen=8800 gateway=-11 at=2026-03-01T00:00:00 new_money
            A payment success fen=8800 gateway=-11 at=2026-03-01T23:59:59 new_money
            A payment success fen=8800 gateway=21 at=2026-03-01T23:59:59 new_money
            A payment success fen=8801 gateway=21 at=2026-03-01T23:59:59 new_money
            A policy P1
            A person P1 褚一
        ",
    }
}

pub fn a_payment_fails_and_nothing_follows() -> Story {
    Story {
        notices: vec![
            insured(A),
            insured(A).failed("重复投保").with("caseCode", "case-1"),
            paid(A, 0, 0, "12:00:00")
                .failed("余额不足")
                .with("caseCode", "case-2"),
        ],
        rows: "
            A proposal partner=7 status=pay_failed case=case-1
            A payment fen=0 gateway=0 at=2026-03-01T12:00:00 new_money fail=余额不足
        ",
    }
}
