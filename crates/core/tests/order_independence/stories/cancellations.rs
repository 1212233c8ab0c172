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

pub fn persons_leave_in_other_spellings() -> Story {
    Story {
        notices: vec![
            issued(
                A,
                [policy("P1", "艾力·买买提,王䶮,陶一"), policy("P2", "艾力.买买提")],
            ),
            left(A, &["艾力•买买提", "王\u{e863}"]).with("cancelMsg", "A"),
            left(A, &["王 䶮", "艾力・买买提\u{200b}"]).with("cancelMsg", "B"),
            left(A, &["Ｌｉ　Ｓｉ"]),
            issued(A, [policy("P3", "Li Si,陶 一")]),
        ],
        rows: "
            A proposal partner=7 status=partially_cancelled
            A policy P1
            A policy P2
            A policy P3
            A person P1 艾力·买买提 cancelled
            A person P1 王䶮 cancelled
            A person P1 陶一
            A person P2 艾力.买买提 cancelled
            A person P3 Li Si cancelled
            A person P3 陶 一
            A cancellation 4 success insurants=[\"王\u{e863}\",\"艾力•买买提\"] msg=B
            A cancellation 4 success insurants=[\"Ｌｉ　Ｓｉ\"]
        ",
    }
}

pub fn a_person_leaves_who_is_in_no_policy() -> Story {
    Story {
        notices: vec![
            insured(A),
            issued(A, [policy("P1", "姜一、戚二")]),
            left(A, &["姜一", "谢三", "邹 四"]),
            left(A, &["邹四", "谢三", "姜 一"]).with("cancelMsg", "换个写法"),
            left(A, &["喻五"]).failed("查无此人"),
        ],
        rows: "
            A proposal partner=7 status=partially_cancelled
            A policy P1
            A person P1 姜一 cancelled
            A person P1 戚二
            A cancellation 4 success insurants=[\"姜一\",\"谢三\",\"邹 四\"] msg=换个写法
            A cancellation 4 insurants=[\"喻五\"] fail=查无此人
            A unmatched [\"谢三\",\"邹四\"]
        ",
    }
}
