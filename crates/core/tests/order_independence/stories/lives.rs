//! Stories without payment failures, cancellations or reissues.

use serde_json::json;

use crate::exploration::Story;
use crate::notices::{A, alarm, e_policy, endorsed, insured, issued, paid, policy};

pub fn a_smooth_life() -> Story {
    let family = json!({
        "policyNum": "P1", "productId": 101, "productName": "安心意外险", "planId": "11", "planName": "基础版",
        "applicant": " 赵一 ", "insurant": "赵一，钱二、孙三,钱二", "startDate": "2026-03-02", "endDate": "2027-03-01",
    });
    Story {
        notices: vec![
            insured(A).with("partnerUniqueKey", "user-1").with("caseCode", "case-1"),
            paid(A, 19900, 21, "09:30:00").with("partnerUniqueKey", "user-2"),
            issued(A, [family]).with("caseCode", "case-3"),
            e_policy(A),
        ],
        rows: "
            A proposal partner=7 status=issued e_policy_ready key=user-1 case=case-1
            A payment success fen=19900 gateway=21 at=2026-03-01T09:30:00 new_money
            A policy P1 product_id=101 product=安心意外险 plan_id=11 plan=基础版 applicant=赵一 start=2026-03-02 end=2027-03-01
            A person P1 赵一
            A person P1 钱二
            A person P1 孙三
        ",
    }
}

pub fn every_type_that_stays_within_one_proposal() -> Story {
    Story {
        notices: vec![
            insured(A),
            paid(A, 100, 1, "10:00:00"),
            issued(A, [policy("P1", "赵一")]),
            e_policy(A).with("partnerUniqueKey", "user-9"),
            endorsed(A, 3)
                .with("msg", "已提交")
                .with("partnerUniqueKey", "user-26"),
            endorsed(A, 4).with("remark", "批改成功"),
            alarm(A, "身份证号有误"),
        ],
        rows: "
            A proposal partner=7 status=issued e_policy_ready abnormal key=user-9
            A payment success fen=100 gateway=1 at=2026-03-01T10:00:00 new_money
            A policy P1
            A person P1 赵一
            A endorsement status=3 success msg=已提交
            A endorsement status=4 success remark=批改成功
            A abnormality fail=身份证号有误
        ",
    }
}

pub fn each_step_fails_before_it_succeeds() -> Story {
    Story {
        notices: vec![
            insured(A).failed("资料不全").with("partnerUniqueKey", "user-a"),
            insured(A).with("partnerUniqueKey", "user-b"),
            paid(A, 500, 3, "08:00:00").failed("余额不足"),
            paid(A, 500, 3, "08:05:00"),
            issued(A, []).failed("核保失败"),
            issued(A, [policy("P1", "李四")]),
            e_policy(A).failed("尚未生成"),
        ],
        rows: "
            A proposal partner=7 status=issued key=user-b
            A payment fen=500 gateway=3 at=2026-03-01T08:00:00 new_money fail=余额不足
            A payment success fen=500 gateway=3 at=2026-03-01T08:05:00 new_money
            A policy P1
            A person P1 李四
        ",
    }
}

pub fn nothing_ever_succeeds() -> Story {
    Story {
        notices: vec![
            insured(A).failed("资料不全"),
            // A failure may leave out price, time and gateway.
            paid(A, 1, 1, "08:00:00")
                .failed("扣款失败")
                .with("price", "")
                .with("payTime", json!(null)),
            issued(A, [policy("P1", "周五")]).failed("拒保"),
            crate::notices::cancelled(A).failed("不可退保"),
            endorsed(A, 5).failed("批改失败").with("msg", "驳回"),
        ],
        rows: "
            A proposal partner=7 status=issue_failed
            A payment gateway=1 new_money fail=扣款失败
            A cancellation 4 fail=不可退保
            A endorsement status=5 msg=驳回
        ",
    }
}

pub fn all_predecessors_are_lost() -> Story {
    Story {
        notices: vec![
            issued(A, [policy("P1", "吴六")]).with("caseCode", "case-b"),
            issued(A, []).failed("网络超时").with("caseCode", "case-c"),
            e_policy(A).with("caseCode", "case-d"),
            endorsed(A, 1),
        ],
        rows: "
            A proposal partner=7 status=issued e_policy_ready case=case-c
            A policy P1
            A person P1 吴六
            A endorsement status=1 success
        ",
    }
}

pub fn two_issue_notices_of_different_policies() -> Story {
    Story {
        notices: vec![
            insured(A),
            paid(A, 30000, -11, "11:11:11"),
            // Entries with one number are one policy; an entry without a number is ignored.
            issued(
                A,
                [
                    policy("P1", "郑七"),
                    policy("P1", "王八"),
                    policy("", "冯九"),
                    policy("P2", "郑七、陈十"),
                ],
            ),
            issued(
                A,
                [
                    json!({"policyNum": "P3", "productName": "家财险"}),
                    policy("P4", "郑七"),
                ],
            ),
            crate::notices::left(A, &["郑七"]),
            alarm(A, "回访失败"),
            alarm(A, "回访再次失败"),
        ],
        rows: "
            A proposal partner=7 status=partially_cancelled abnormal
            A payment success fen=30000 gateway=-11 at=2026-03-01T11:11:11 new_money
            A policy P1
            A policy P2
            A policy P3 product=家财险
            A policy P4
            A person P1 郑七 cancelled
            A person P1 王八
            A person P2 郑七 cancelled
            A person P2 陈十
            A person P4 郑七 cancelled
            A cancellation 4 success insurants=[\"郑七\"]
            A abnormality fail=回访失败
            A abnormality fail=回访再次失败
        ",
    }
}

pub fn no_awaited_predecessor_comes() -> Story {
    Story {
        notices: vec![
            e_policy(A),
            endorsed(A, 2).failed("资料不符"),
            endorsed(A, 1),
            alarm(A, "甲"),
            alarm(A, "乙"),
        ],
        rows: "
            A proposal partner=7 e_policy_ready abnormal
            A endorsement status=2
            A endorsement status=1 success
            A abnormality fail=甲
            A abnormality fail=乙
        ",
    }
}
