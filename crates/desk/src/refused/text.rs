//! The text for the platform's staff, who read Chinese.

use super::Refused;
use crate::screen::plain;
use xiebao_core::lang::Lang;

/// Asks for the refused notices: first the verified ones, then those that a request only claims. Requests that name no proposal are
/// only counted.
pub fn of(refused: &[Refused], cut: bool) -> String {
    let (named, nameless): (Vec<&Refused>, Vec<&Refused>) =
        refused.iter().partition(|one| one.insure_num.is_some());
    let (verified, claimed): (Vec<&Refused>, Vec<&Refused>) = named.iter().partition(|one| one.verified);
    let mut out = String::new();
    if named.is_empty() {
        out += "没有需要重新推送的通知。\n";
    }
    if !verified.is_empty() {
        out += "以下通知我方未能成功接收，请人工重新推送（时间均为北京时间）：\n\n";
        out += &lines(&verified, 1);
    }
    if !claimed.is_empty() {
        if !verified.is_empty() {
            out += "\n";
        }
        out += "（以下未验签，投保单号仅为请求所声称）\n请先核对是否确由贵方发出，如是，请人工重新推送（时间均为北京时间）：\n\n";
        out += &lines(&claimed, verified.len() + 1);
    }
    let nameless: i64 = nameless.iter().map(|one| one.tries).sum();
    if nameless > 0 {
        out += &format!("\n另有 {nameless} 次请求无法识别投保单号，请核对上述时间前后未获成功应答的通知。\n");
    }
    if cut {
        out += "\n（仅列出一部分）\n";
    }
    out
}

fn lines(refused: &[&Refused], first: usize) -> String {
    let words = crate::words::of(Lang::Zh);
    let line = |(nth, one): (usize, &&Refused)| {
        let number = one.insure_num.as_deref().map(plain).unwrap_or_default();
        let kind = match one.notify_type {
            Some(notify_type) => words.notice(Some(notify_type)),
            None => "类型不明".to_owned(),
        };
        let (span, tries, why) = (one.span(), one.tries, why(&one.verdict));
        format!("{nth}. 投保单号 {number}，{kind}，{span}，共请求 {tries} 次，{why}\n")
    };
    (first..).zip(refused).map(line).collect()
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
        // Only this verdict follows a right signature.
        let verified = verdict == "unavailable";
        Refused {
            insure_num: number.map(str::to_owned),
            notify_type: Some(NotifyType(2)),
            partner_id: Some(7),
            verified,
            digest: verified.then(|| "d".repeat(64)),
            verdict: verdict.to_owned(),
            source: None,
            sources: 0,
            first_at: at("2026-07-23T01:15:02Z"),
            last_at: at("2026-07-23T06:15:02Z"),
            tries: 7,
            arrived: Some(false),
        }
    }

    const CLAIMS: &str = "（以下未验签，投保单号仅为请求所声称）";

    #[test]
    fn the_text_names_proposal_type_times_and_reason_and_commands_no_terminal() {
        let text = of(
            &[one(Some("A\u{1b}1"), "bad_signature"), one(None, "malformed")],
            true,
        );
        let line = "1. 投保单号 A\\u{1b}1，支付通知（2），2026-07-23 09:15:02 ~ 2026-07-23 14:15:02，共请求 7 次，验签未通过，请同时核对签名密钥\n";
        assert!(text.contains(line), "{text}");
        assert!(text.starts_with(CLAIMS), "{text}");
        assert!(text.contains("另有 7 次请求无法识别投保单号"), "{text}");
        assert!(text.ends_with("（仅列出一部分）\n"), "{text}");
        assert!(of(&[], false).starts_with("没有需要重新推送的通知"));
    }

    #[test]
    fn verified_notices_come_first_and_claimed_ones_stand_apart() {
        let text = of(
            &[
                one(Some("A1"), "bad_signature"),
                one(Some("A2"), "unavailable"),
                one(Some("A3"), "unknown_partner"),
            ],
            false,
        );
        let (verified, claimed) = text.split_once(CLAIMS).expect("two paragraphs");
        assert!(
            verified.starts_with("以下通知我方未能成功接收") && verified.contains("\n1. 投保单号 A2，"),
            "{text}"
        );
        assert!(
            claimed.contains("\n2. 投保单号 A1，") && claimed.contains("\n3. 投保单号 A3，"),
            "{text}"
        );
        assert!(!of(&[one(Some("A2"), "unavailable")], false).contains(CLAIMS));
    }
}
