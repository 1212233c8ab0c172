use serde_json::json;
use xiebao_core::id::Step;
use xiebao_core::lang::Lang;
use xiebao_core::rules::{OnTimeout, RuleSettings, Rules};

use super::{Case, at, issued, paid};

#[test]
fn a_held_notice_says_what_it_waits_for_until_when_and_what_then() {
    let case = Case::new().came(0, 1, json!({})).came(1, 3, issued()).now(3);
    case.says(
        Lang::Zh,
        &[
            "投保单 20260723000001   已投保，等待支付",
            "1 条通知在等待",
            "等待中的通知",
            "…  出单通知（3）  成功",
            "2026-07-23 09:01:00 收到",
            "2026-07-23 09:01:00 起在等支付通知（2）；最迟等到 2026-07-23 09:11:00，到时没来也照常处理",
            "立即放行：xiebao held release --proposal 20260723000001",
            "还缺的",
            "支付通知（2）还没有来",
        ],
    );
    case.says(Lang::En, &[
        "Proposal 20260723000001   insured; not paid yet",
        "1 notice waits",
        "since 2026-07-23 09:01:00 waits for the payment notice (2); until 2026-07-23 09:11:00 at the latest, then it \
         is applied anyway",
        "no payment notice (2) has come",
    ]);
}

#[test]
fn a_held_notice_may_be_about_to_become_a_dead_letter() {
    let mut settings = RuleSettings::default();
    if let Some(step) = settings.steps.get_mut(&Step::Paid) {
        step.on_timeout = OnTimeout::DeadLetter;
    }
    let mut case = Case::new();
    case.rules = Rules::new(settings).expect("sound rules");
    let case = case.came(0, 2, paid()).now(1);
    case.says(
        Lang::Zh,
        &[
            "投保单 20260723000001   通知来了，但都在等待前面的通知",
            "2026-07-23 09:00:00 起在等投保通知（1）；最迟等到 2026-07-23 09:10:00，到时没来就转为死信",
        ],
    );
    case.says(
        Lang::En,
        &["Proposal 20260723000001   notices have come, but all wait for earlier ones"],
    );
}

#[test]
fn an_overdue_wait_hints_at_the_worker() {
    let mut case = Case::new().came(0, 2, paid());
    case.now = at(30);
    case.says(Lang::Zh, &[
        "2026-07-23 09:00:00 起在等投保通知（1）；2026-07-23 09:10:00 已到期，处理服务随即处理（若长时间未处理，请检查处理服务是否在运行）",
    ]);
    assert!(case.page(Lang::En).contains("check that a worker is running"));
}

#[test]
fn a_notice_that_waited_says_how_long() {
    let case = Case::new().came(0, 2, paid()).came(2, 1, json!({}));
    case.says(
        Lang::Zh,
        &[
            "2  支付通知（2）  成功",
            "2026-07-23 09:00:00 收到，等待了 2 分钟",
        ],
    );
    case.says(
        Lang::En,
        &[
            "2  payment notice (2)  success",
            "received 2026-07-23 09:00:00; waited 2 min",
        ],
    );
}

#[test]
fn a_time_out_says_that_the_order_was_broken_and_what_is_still_missing() {
    let case = Case::new().came(0, 2, paid()).now(10);
    case.says(
        Lang::Zh,
        &[
            "投保单 20260723000001   已支付，等待出单",
            "2026-07-23 09:00:00 收到，等待了 10 分钟，到期后未等齐就先处理了；投保通知（1）至今未到",
            "投保通知（1）还没有来",
            "出单通知（3）还没有来",
        ],
    );
    case.says(Lang::En, &[
        "received 2026-07-23 09:00:00; waited 10 min, then was applied out of order because its wait ended; \
         the insured notice (1) still has not come",
    ]);
    let case = case.came(12, 1, json!({}));
    assert!(
        case.page(Lang::Zh)
            .contains("到期后未等齐就先处理了；缺的通知后来已到")
    );
}

#[test]
fn a_release_by_hand_is_told_apart_from_a_time_out() {
    let mut case = Case::new().came(0, 2, paid());
    let digest = case.ledger.entries[0].notice.digest.clone();
    assert!(case.ledger.release(&digest, at(1), &case.rules));
    assert!(
        case.page(Lang::Zh)
            .contains("等待了 1 分钟，由人工放行；投保通知（1）至今未到")
    );
    assert!(
        case.page(Lang::En)
            .contains("waited 1 min, then a person released it")
    );
}

#[test]
fn what_is_missing_may_lie_in_a_dead_letter() {
    let case = Case::new()
        .came(0, 1, json!({}))
        .dead(12, 2, "invalid_field", "price is a negative amount");
    case.says(
        Lang::Zh,
        &[
            "1 封死信待处理",
            "支付通知（2）来了，但成了死信 #12，见“死信”",
            "#12  支付通知（2）  待处理  2026-07-23 09:02:00",
            "原因：内容有误 (price is a negative amount)",
            "处理办法：须请携保改正后重新推送（改正后是一条新的通知）：告知投保单号、通知类型和原因。新的通知到了以后（trace 可查）放弃这一封（dead discard）；原样重新入队还会成为死信。",
            "xiebao dead show 12",
        ],
    );
    case.says(
        Lang::En,
        &[
            "the payment notice (2) came only as a dead letter, #12: see below",
            "cause: a value is invalid (price is a negative amount)",
        ],
    );
}

#[test]
fn a_proposal_of_dead_letters_alone_says_so() {
    let case = Case::new().dead(3, 3, "incomplete", "a successful issue without a policy");
    case.says(
        Lang::Zh,
        &["投保单 20260723000001   来过通知，但都成了死信，没有一条处理成功"],
    );
    case.says(
        Lang::En,
        &["Proposal 20260723000001   notices have come, but all became dead letters; none was applied"],
    );
}

#[test]
fn ignored_notices_are_shown_with_what_they_said() {
    let case = Case::new()
        .ignored(2, paid())
        .ignored(31, json!({ "auditState": 3 }));
    case.says(
        Lang::Zh,
        &[
            "投保单 20260723000001   来过通知，但都是未订阅的类型，只存档未处理",
            "-  支付通知（2）  当时未订阅这一类型",
            "¥857.64  微信  支付时间：2026-07-23 09:00:30",
            "-  未公开类型的通知（31）  携保没有公开过这一类型",
            "auditState：3",
        ],
    );
    case.says(
        Lang::En,
        &["-  notice of an undocumented type (31)  the platform has not published what it means"],
    );
}
