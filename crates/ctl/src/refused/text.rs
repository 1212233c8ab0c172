//! The text for the platform's staff, who read Chinese.

use super::Refused;
use crate::lang::Lang;
use crate::screen::plain;

/// What is to be pushed again; what names no proposal is only counted.
pub fn of(refused: &[Refused], cut: bool) -> String {
    let words = Lang::Zh.words();
    let named: Vec<&Refused> = refused.iter().filter(|one| one.insure_num.is_some()).collect();
    let nameless: i64 = refused
        .iter()
        .filter(|one| one.insure_num.is_none())
        .map(|one| one.tries)
        .sum();
    let mut out = String::new();
    if named.is_empty() {
        out += "没有需要重新推送的通知。\n";
    } else {
        out += "以下通知我方未能成功接收，请人工重新推送（时间均为北京时间）：\n\n";
    }
    for (nth, one) in named.iter().enumerate() {
        let number = one.insure_num.as_deref().map(plain).unwrap_or_default();
        let kind = match one.notify_type {
            Some(notify_type) => words.notice(Some(notify_type)),
            None => "类型不明".to_owned(),
        };
        out += &format!(
            "{}. 投保单号 {number}，{kind}，{}，共请求 {} 次，{}\n",
            nth + 1,
            one.span(),
            one.tries,
            why(&one.verdict)
        );
    }
    if nameless > 0 {
        out += &format!("\n另有 {nameless} 次请求无法识别投保单号，请核对上述时间前后未获成功应答的通知。\n");
    }
    if cut {
        out += "\n（仅列出最近的一部分）\n";
    }
    out
}

fn why(verdict: &str) -> &'static str {
    match verdict {
        "unavailable" => "我方系统当时暂不可用",
        "bad_signature" => "验签未通过，请同时核对签名密钥",
        "unknown_partner" => "渠道编号（partnerId）未在我方配置",
        "malformed" => "报文格式有误",
        "too_large" => "报文过大",
        "not_allowed" => "来源地址未授权",
        _ => "未能接收",
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use xiebao_core::id::NotifyType;

    use super::*;

    fn one(number: Option<&str>, verdict: &str) -> Refused {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).expect("a time").to_utc();
        Refused {
            insure_num: number.map(str::to_owned),
            notify_type: Some(NotifyType(2)),
            partner_id: Some(7),
            verified: false,
            digest: None,
            verdict: verdict.to_owned(),
            source: None,
            sources: 0,
            first_at: at("2026-07-23T01:15:02Z"),
            last_at: at("2026-07-23T06:15:02Z"),
            tries: 7,
            arrived: Some(false),
        }
    }

    #[test]
    fn the_text_names_proposal_type_times_and_reason_and_commands_no_terminal() {
        let text = of(
            &[one(Some("A\u{1b}1"), "unavailable"), one(None, "too_large")],
            true,
        );
        let line = "1. 投保单号 A\\u{1b}1，支付通知（2），2026-07-23 09:15:02 ~ 2026-07-23 14:15:02，共请求 7 次，我方系统当时暂不可用\n";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("另有 7 次请求无法识别投保单号"), "{text}");
        assert!(text.ends_with("（仅列出最近的一部分）\n"), "{text}");
        assert!(of(&[], false).starts_with("没有需要重新推送的通知"));
    }
}
