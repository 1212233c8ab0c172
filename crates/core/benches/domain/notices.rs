//! Invented notices of one proposal, of the sizes that the platform sends.

use bytes::Bytes;
use xiebao_core::id::PartnerId;
use xiebao_core::signature::{Form, Key, Keys};

pub const PROPOSAL: &str = "20260301000001";
pub const SECRET: &str = "an-invented-key";
const PARTNER: PartnerId = PartnerId(1_048_483);

/// The members of every notice, and `more`.
fn data(more: &str) -> String {
    format!(
        r#"{{"partnerId":{PARTNER},"partnerUniqueKey":"u-651532","caseCode":"QX000000138656","insureNum":"{PROPOSAL}",{more}}}"#
    )
}

pub fn insured() -> String {
    data(r#""state":true"#)
}

pub fn paid() -> String {
    data(r#""state":true,"payTime":"2026-03-01 10:00:00","onlinePaymentId":21,"price":19900"#)
}

/// An issue of that many policies, with three persons each.
pub fn issued(policies: usize) -> String {
    let policy = |n| {
        format!(
            r#"{{"productName":"锦一卫·个人意外综合保障计划","productId":104151,"planName":"尊享版","planId":128707,"applicant":"张三","insurant":"李四,王五、赵六","startDate":"2026-08-01","endDate":"2027-07-31","policyNum":"BD0122-{n:08}"}}"#
        )
    };
    let policies: Vec<_> = (0..policies).map(policy).collect();
    data(&format!(r#""state":true,"policys":[{}]"#, policies.join(",")))
}

pub fn left(name: &str) -> String {
    data(&format!(
        r#""state":true,"cancelInsurants":["{name}"],"cancelMsg":"退保\n按申请""#
    ))
}

pub fn endorsed(status: i64) -> String {
    data(&format!(
        r#""state":true,"status":{status},"msg":"批改","remark":"第{status}次""#
    ))
}

pub fn alarm() -> String {
    data(r#""failMsg":"投保单异常,请核对""#)
}

/// The HTTP body of a notice with `data` signed in that form.
pub fn body(notify_type: i64, data: &str, form: Form) -> Bytes {
    let key = Key::new(SECRET).expect("a key");
    // With a space after each comma, the sent text is neither compact nor sorted.
    let spaced = data.replace("\",\"", "\", \"");
    let (sent, signed) = match form {
        Form::Raw => (data.to_owned(), data.to_owned()),
        Form::Compact => (spaced, data.to_owned()),
        Form::Sorted => (spaced, json(data).sorted()),
        Form::String => (serde_json::json!(data).to_string(), data.to_owned()),
    };
    let sign = key.sign(&signed);
    Bytes::from(format!(
        r#"{{"notifyType":{notify_type},"sign":"{sign}","data":{sent}}}"#
    ))
}

pub fn json(data: &str) -> xiebao_core::json::Json<'_> {
    xiebao_core::json::Json::parse(data).expect("JSON")
}

/// That many keys of the partner; the last one is in use.
pub fn keys(count: usize) -> Keys {
    let retired = (1..count).map(|n| Key::new(format!("retired-key-{n}")));
    let ring = retired.chain([Key::new(SECRET)]);
    Keys([(PARTNER, ring.map(|key| key.expect("a key")).collect())].into())
}
