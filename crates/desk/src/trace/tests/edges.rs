//! Unusual stories: disagreement, alarms, nothing at all, and malicious text.

use super::*;

#[test]
fn a_disagreement_says_what_is_believed() {
    let mut other = issued();
    other["policys"][0]["applicant"] = json!("赵六");
    let case = Case::new()
        .came(0, 1, json!({}))
        .came(1, 2, paid())
        .came(2, 3, issued())
        .came(3, 3, other);
    case.says(
        Lang::Zh,
        &[
            "出单通知之间不一致（以后收到的为准）",
            "保单 P1 的投保人：采用“赵六”，未采用“张三”",
        ],
    );
    case.says(
        Lang::En,
        &["policy P1, applicant: \"赵六\" is believed, \"张三\" is not"],
    );
}

#[test]
fn an_alarm_stands_beside_the_status() {
    let case = Case::new()
        .came(0, 1, json!({}))
        .came(1, 27, json!({ "failMsg": "出单超时" }));
    case.says(
        Lang::Zh,
        &[
            "投保单 20260723000001   已投保，等待支付",
            "异常单",
            "2  异常单通知（27）",
            "失败原因：出单超时",
        ],
    );
    case.says(
        Lang::En,
        &["an abnormality was reported", "2  abnormality notice (27)"],
    );
}

#[test]
fn an_unknown_proposal_says_where_else_to_look() {
    let case = Case::new();
    assert_eq!(case.story().standing, Standing::Unknown);
    for lang in [Lang::Zh, Lang::En] {
        let text = crate::words::of(lang).unknown(NUMBER);
        assert!(
            text.contains("xiebao find") && text.contains("xiebao dead list"),
            "{text}"
        );
    }
}

#[test]
fn what_the_platform_states_cannot_command_the_terminal() {
    let case = Case::new().came(
        0,
        1,
        json!({ "otherInfo": { "a": "\u{1b}[31m" }, "strange\u{7}": "\u{202e}x" }),
    );
    let page = case.page(Lang::En);
    assert!(page.chars().all(|c| c == '\n' || !c.is_control()), "{page}");
    assert!(!page.contains('\u{202e}'), "{page}");
}

#[test]
fn the_same_is_there_for_programs() {
    let case = Case::new()
        .came(0, 1, json!({ "otherInfo": { "n": 12345678901234567890_u64 } }))
        .came(1, 3, issued());
    let value = serde_json::to_string(&case.story()).expect("JSON");
    assert!(
        value.contains("12345678901234567890"),
        "numbers keep their spelling: {value}"
    );
    let value: Value = serde_json::from_str(&value).expect("JSON");
    assert_eq!(value["proposal"]["status"], "insured");
    assert_eq!(value["applied"][0]["data"]["insureNum"], NUMBER);
    assert_eq!(value["held"][0]["waits_for"], json!(["paid"]));
    assert_eq!(value["held"][0]["at_timeout"], "apply");
    assert_eq!(value["held"][0]["hold"]["until"], "2026-07-23T01:11:00Z");
    assert_eq!(value["not_come_yet"][0]["step"], "paid");
}

#[test]
fn a_date_in_another_spelling_is_told_as_it_came() {
    let mut content = issued();
    content["policys"][0]["startDate"] = json!("2026/8/1");
    content["policys"][0]["endDate"] = json!("终身");
    let mut payment = paid();
    payment["payTime"] = json!("2026-07-23 09:00:30.0");
    let case = Case::new()
        .came(0, 1, json!({}))
        .came(1, 2, payment)
        .came(2, 3, content);
    case.says(
        Lang::Zh,
        &[
            "¥857.64  微信  支付时间：2026-07-23 09:00:30",
            "payTime：2026-07-23 09:00:30.0",
            "保单  P1  健康险 / 基础版  2026-08-01 ~ 9999-12-31",
            "startDate：2026/8/1",
            "endDate：终身",
        ],
    );
    let plain = Case::new()
        .came(0, 1, json!({}))
        .came(1, 2, paid())
        .came(2, 3, issued());
    assert!(!plain.page(Lang::Zh).contains("Date："));
}
