//! A person who leaves is cancelled in every policy, whichever notice comes first, and counts once.

use serde_json::json;

use crate::exploration::Story;
use crate::notices::{A, cancelled, e_policy, insured, issued, left, paid, policy, reissued};

pub fn some_leave_after_a_refusal() -> Story {
    Story {
        notices: vec![
            insured(A),
            paid(A, 200, 1, "10:00:00"),
            issued(A, [policy("P1", "卫一,蒋二、沈三")]),
            left(A, &["沈三", "蒋二"]).failed("材料不全"),
            left(A, &["沈三", " 蒋二 "]).with("cancelMsg", "客户要求"),
            e_policy(A),
        ],
        rows: "
            A proposal partner=7 status=partially_cancelled e_policy_ready
            A payment success fen=200 gateway=1 at=2026-03-01T10:00:00 new_money
            A policy P1
            A person P1 卫一
            A person P1 沈三 cancelled
            A person P1 蒋二 cancelled
            A cancellation 4 insurants=[\"沈三\",\"蒋二\"] fail=材料不全
            A cancellation 4 success insurants=[\"沈三\",\"蒋二\"] msg=客户要求
        ",
    }
}

pub fn one_cancellation_is_reported_in_three_ways() -> Story {
    Story {
        notices: vec![
            issued(A, [policy("P1", "韩一，杨二，朱三")]),
            left(A, &["韩一", "杨二"]).with("cancelMsg", "B"),
            left(A, &["杨二", "韩一", "韩一"])
                .with("cancelMsg", "A")
                .with("failMsg", "x"),
            // The platform sometimes sends one text of joined names instead of a list.
            cancelled(A)
                .with("cancelInsurants", "韩一、杨二")
                .with("partnerUniqueKey", "user-1"),
            left(A, &["朱三"]),
        ],
        rows: "
            A proposal partner=7 status=partially_cancelled key=user-1
            A policy P1
            A person P1 韩一 cancelled
            A person P1 杨二 cancelled
            A person P1 朱三 cancelled
            A cancellation 4 success insurants=[\"杨二\",\"韩一\"] msg=B fail=x
            A cancellation 4 success insurants=[\"朱三\"]
        ",
    }
}

pub fn some_leave_then_all() -> Story {
    Story {
        notices: vec![
            insured(A),
            paid(A, 200, 1, "10:00:00"),
            issued(A, [policy("P1", "秦一,尤二"), policy("P2", "")]),
            left(A, &["秦一", "没有这个人"]),
            cancelled(A)
                .with("cancelInsurants", json!([]))
                .with("cancelMsg", "退保"),
        ],
        rows: "
            A proposal partner=7 status=cancelled
            A payment success fen=200 gateway=1 at=2026-03-01T10:00:00 new_money
            A policy P1 cancelled
            A policy P2 cancelled
            A person P1 秦一 cancelled
            A person P1 尤二
            A cancellation 4 success insurants=[\"没有这个人\",\"秦一\"]
            A cancellation 4 success msg=退保
        ",
    }
}

pub fn cancelled_after_a_failed_issue() -> Story {
    Story {
        notices: vec![
            insured(A),
            paid(A, 200, 1, "10:00:00"),
            issued(A, []).failed("拒保"),
            cancelled(A).with("cancelMsg", "退款"),
        ],
        rows: "
            A proposal partner=7 status=cancelled
            A payment success fen=200 gateway=1 at=2026-03-01T10:00:00 new_money
            A cancellation 4 success msg=退款
        ",
    }
}

pub fn refused_cancellations_change_nothing() -> Story {
    Story {
        notices: vec![
            insured(A),
            paid(A, 200, 1, "10:00:00"),
            issued(A, [policy("P1", "许一")]),
            left(A, &["许一"]).failed("超过犹豫期"),
            reissued(A, crate::notices::B).failed("无法改单"),
        ],
        rows: "
            A proposal partner=7 status=issued
            A payment success fen=200 gateway=1 at=2026-03-01T10:00:00 new_money
            A policy P1
            A person P1 许一
            A cancellation 4 insurants=[\"许一\"] fail=超过犹豫期
            A cancellation 5 new=B fail=无法改单
        ",
    }
}

pub fn a_person_left_before_the_second_issue() -> Story {
    Story {
        notices: vec![
            insured(A),
            paid(A, 200, 1, "10:00:00"),
            issued(A, []).failed("排队中"),
            left(A, &["何一"]),
            issued(A, [policy("P1", "何一、吕二")]),
        ],
        rows: "
            A proposal partner=7 status=partially_cancelled
            A payment success fen=200 gateway=1 at=2026-03-01T10:00:00 new_money
            A policy P1
            A person P1 何一 cancelled
            A person P1 吕二
            A cancellation 4 success insurants=[\"何一\"]
        ",
    }
}
