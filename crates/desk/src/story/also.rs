//! Statements of a notice that have no column: `otherInfo`, some `failMsg`, undocumented keys, and dates as they were spelled.

use bytes::Bytes;
use serde_json::value::RawValue;
use xiebao_core::id::Step;
use xiebao_core::json::Json;
use xiebao_core::notice::RawNotice;

/// A statement that only the body holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Also {
    /// The reason of a failure.
    FailMsg(String),
    /// `otherInfo`
    OtherInfo(String),
    /// A key that the document does not name for this type, or a date in another spelling than its column shows.
    Stated {
        /// The key.
        key: String,
        /// Its value, as text or JSON.
        value: String,
    },
}

/// `data` of a stored body, and its statements that have no column.
pub fn read(raw: &Bytes) -> (Box<RawValue>, Vec<Also>) {
    let nothing = || (RawValue::NULL.to_owned(), vec![]);
    let Ok(notice) = RawNotice::parse(raw) else {
        return nothing();
    };
    let Ok(data) = notice.data.object() else {
        return nothing();
    };
    let also = statements(&data, Step::of(notice.notify_type));
    match RawValue::from_string(data.compact()) {
        Ok(value) => (value, also),
        Err(_) => (RawValue::NULL.to_owned(), also),
    }
}

fn statements(data: &Json<'_>, step: Option<Step>) -> Vec<Also> {
    let Json::Object(members) = data else {
        return vec![];
    };
    members
        .iter()
        .filter_map(|(key, value)| statement(key, value, step))
        .chain(dates(data, step))
        .collect()
}

/// Dates and times that are not spelled as documented, such as 终身.
fn dates(data: &Json<'_>, step: Option<Step>) -> Vec<Also> {
    let policies = match data.get("policys") {
        Some(Json::Array(entries)) if step == Some(Step::Issued) => &entries[..],
        _ => &[],
    };
    let cover = policies
        .iter()
        .flat_map(|policy| ["startDate", "endDate"].map(|key| (key, policy.get(key))));
    let paid = (step == Some(Step::Paid)).then(|| ("payTime", data.get("payTime")));
    let respelled = cover.chain(paid).filter_map(|(key, value)| {
        let text = match value? {
            Json::String(text) => text.trim(),
            Json::Number(spelling) => spelling,
            _ => return None,
        };
        (!text.is_empty() && !is_spelled_as_documented(text)).then(|| Also::Stated {
            key: key.to_owned(),
            value: text.to_owned(),
        })
    });
    respelled.collect()
}

fn is_spelled_as_documented(text: &str) -> bool {
    let shape = text.bytes().map(|b| if b.is_ascii_digit() { b'd' } else { b });
    [&b"dddd-dd-dd"[..], b"dddd-dd-dd dd:dd:dd"]
        .into_iter()
        .any(|form| shape.clone().eq(form.iter().copied()))
}

fn statement(key: &str, value: &Json<'_>, step: Option<Step>) -> Option<Also> {
    let text = match value {
        Json::Null => return None,
        Json::String(text) if text.trim().is_empty() => return None,
        Json::Object(members) if members.is_empty() => return None,
        Json::Array(items) if items.is_empty() => return None,
        Json::String(text) => text.to_string(),
        other => other.compact(),
    };
    match key {
        "otherInfo" => Some(Also::OtherInfo(text)),
        _ if step.is_some_and(|step| has_column(key, step)) || COMMON.contains(&key) => None,
        "failMsg" => Some(Also::FailMsg(text)),
        _ => Some(Also::Stated {
            key: key.to_owned(),
            value: text,
        }),
    }
}

const COMMON: [&str; 5] = ["partnerId", "partnerUniqueKey", "caseCode", "insureNum", "state"];

/// The value of this key is a fact of the notice.
fn has_column(key: &str, step: Step) -> bool {
    match step {
        Step::Insured | Step::EPolicy => false,
        Step::Paid => matches!(key, "payTime" | "price" | "onlinePaymentId" | "failMsg"),
        Step::Issued => key == "policys",
        Step::Cancelled | Step::Reissued => {
            matches!(key, "newInsureNum" | "cancelInsurants" | "cancelMsg" | "failMsg")
        }
        Step::Endorsement => matches!(key, "msg" | "remark" | "status"),
        Step::Abnormality => key == "failMsg",
    }
}
