//! The examination as text.

use std::fmt::Write as _;

use xiebao_core::lang::Lang;

use super::{Examination, Hint, SignatureVerdict};

pub fn of(found: &Examination, lang: Lang) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}", signature(found, lang));
    if let Some(hint) = found.hint {
        let _ = writeln!(out, "{}", explanation(hint, lang));
    }
    if let (Some(notify_type), Some(partner)) = (found.notify_type, found.partner_id) {
        let number = found.insure_num.as_deref().unwrap_or("-");
        let _ = match lang {
            Lang::Zh => writeln!(out, "通知类型 {notify_type}，渠道 {partner}，投保单 {number}"),
            Lang::En => writeln!(out, "type {notify_type}, partner {partner}, proposal {number}"),
        };
    }
    for text in &found.texts {
        let mark = if text.matches { "=" } else { " " };
        let bytes = lang.pick("字节", "bytes");
        let _ = writeln!(
            out,
            "{mark} {:<8} {:>6} {bytes}  sha256 {}…  {}",
            text.form, text.bytes, text.sha256, text.begins
        );
    }
    let _ = writeln!(out, "{}", content(found, lang));
    out
}

fn signature(found: &Examination, lang: Lang) -> String {
    let problem = found.problem.as_deref().unwrap_or_default();
    match found.signature {
        SignatureVerdict::Authentic => {
            let key = found.key_index.map_or(0, |index| index + 1);
            let form = found
                .texts
                .iter()
                .find(|text| text.matches)
                .map_or("", |text| text.form);
            lang.pick(
                format!(
                    "签名正确：渠道的第 {key} 个密钥（共 {} 个），签名文本为 {form}",
                    found.keys
                ),
                format!(
                    "the signature is right: key {key} of the partner's {}, over the {form} text",
                    found.keys
                ),
            )
        }
        SignatureVerdict::Malformed => lang.pick(
            format!("不是合格的通知：{problem}"),
            format!("not a notice: {problem}"),
        ),
        SignatureVerdict::UnknownPartner => lang.pick(
            "未配置该渠道的密钥（keys_file）".to_owned(),
            "no key is configured for this partner (keys_file)".to_owned(),
        ),
        SignatureVerdict::BadSignature => lang.pick(
            format!("签名不符：渠道的 {} 个密钥与下列各文本均不相符", found.keys),
            format!(
                "the signature is wrong: it fits none of the texts below under any key of the partner ({} keys)",
                found.keys
            ),
        ),
    }
}

fn explanation(hint: Hint, lang: Lang) -> &'static str {
    match hint {
        Hint::SignIsNoMd5 => lang.pick("sign 不是 32 位十六进制数", "sign is not 32 hexadecimal digits"),
        Hint::KeyBehindData => lang.pick(
            "它是 MD5(data + key)，应为 MD5(key + data)",
            "it is MD5(data + key); it must be MD5(key + data)",
        ),
        Hint::NoKey => lang.pick("它是 MD5(data)，未加密钥", "it is MD5(data), without the key"),
    }
}

fn content(found: &Examination, lang: Lang) -> String {
    match &found.rejection {
        Some(rejection) => lang.pick(
            format!(
                "内容无法入库，将成为死信：{}：{}",
                rejection.reason, rejection.detail
            ),
            format!(
                "the content would become a dead letter: {}: {}",
                rejection.reason, rejection.detail
            ),
        ),
        None if found.signature == SignatureVerdict::Malformed => String::new(),
        None if found.signature == SignatureVerdict::Authentic => {
            lang.pick("内容可以入库".to_owned(), "the content is sound".to_owned())
        }
        None => lang.pick(
            "内容本身没有问题，但签名不符，不会入库".to_owned(),
            "the content itself is sound, but without a right signature it is refused".to_owned(),
        ),
    }
}
