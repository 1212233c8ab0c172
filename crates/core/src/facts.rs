//! A notice with its `data` read and typed. Reading is lenient where the platform is, and strict about money, dates and identities:
//! a value that is not exactly as documented is a [`Rejection`], which makes the notice a dead letter.

mod cancellation;
mod dates;
mod endorsement;
mod fields;
mod issue;
mod payment;

use bytes::Bytes;

pub use cancellation::Cancellation;
pub use endorsement::{Abnormality, Endorsement};
use fields::Fields;
pub use issue::IssuedPolicy;
pub use payment::Payment;

use crate::digest;
use crate::id::{Digest, InsureNum, NotifyType, PartnerId, Step, identifier_text};
use crate::json::Json;
use crate::limits::{KEY_CHARS, NUMBER_CHARS};
use crate::notice::RawNotice;
use crate::reason::{Reason, Rejection};

/// A notice of a documented type with valid content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The step that it reports.
    pub step: Step,
    /// `partnerId`.
    pub partner_id: PartnerId,
    /// `insureNum`.
    pub insure_num: InsureNum,
    /// Identity of the notice; see [`crate::digest`].
    pub digest: Digest,
    /// `state`; true for an abnormality, which has no `state`.
    pub success: bool,
    /// `partnerUniqueKey`: the user at the channel.
    pub partner_unique_key: Option<String>,
    /// `caseCode`: product code.
    pub case_code: Option<String>,
    /// The rest of the content.
    pub fact: Fact,
}

/// The content of a notice beyond step and success (document, section 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Type 1.
    Insured,
    /// Type 2.
    Paid(Payment),
    /// Type 3. Policy numbers are distinct.
    Issued(Vec<IssuedPolicy>),
    /// Type 4.
    Cancelled(Cancellation),
    /// Type 5.
    Reissued(Cancellation),
    /// Type 9.
    EPolicy,
    /// Type 26.
    Endorsement(Endorsement),
    /// Type 27.
    Abnormality(Abnormality),
}

impl Notice {
    /// Reads the HTTP body of an authentic notice of a documented type.
    pub fn read(body: &Bytes) -> Result<Self, Rejection> {
        Self::read_with(body, |raw, data| {
            digest::of_notice(raw.partner_id, raw.notify_type, data)
        })
    }

    /// Reads a body whose digest is already known, which saves computing it again.
    pub fn read_known(body: &Bytes, digest: Digest) -> Result<Self, Rejection> {
        Self::read_with(body, |_, _| digest)
    }

    fn read_with(
        body: &Bytes,
        digest: impl FnOnce(&RawNotice<'_>, &Json<'_>) -> Digest,
    ) -> Result<Self, Rejection> {
        let unreadable =
            |error: crate::notice::Malformed| Rejection::new(Reason::Unreadable, error.to_string());
        let raw = RawNotice::parse(body).map_err(unreadable)?;
        let data = raw.data.object().map_err(unreadable)?;
        Self::of(raw.partner_id, raw.notify_type, &data, || digest(&raw, &data))
    }

    /// Reads `data` as a notice. Calls `digest` only for a documented type whose keys are distinct.
    pub(crate) fn of(
        partner_id: PartnerId,
        notify_type: NotifyType,
        data: &Json<'_>,
        digest: impl FnOnce() -> Digest,
    ) -> Result<Self, Rejection> {
        let step = Step::of(notify_type).ok_or_else(|| {
            Rejection::new(
                Reason::Unreadable,
                format!("type {notify_type} is not documented"),
            )
        })?;
        if let Some(path) = data.repeated_key() {
            return Err(Rejection::new(
                Reason::InvalidField,
                format!("the key {} occurs twice", documented(&path)),
            ));
        }
        let fields = Fields::of(data);
        let insure_num = proposal_number(data)?;
        let success = success(step, &fields)?;
        Ok(Self {
            step,
            partner_id,
            digest: digest(),
            success,
            partner_unique_key: fields.text("partnerUniqueKey", KEY_CHARS)?,
            case_code: fields.text("caseCode", KEY_CHARS)?,
            fact: fact(step, &fields, success, &insure_num)?,
            insure_num,
        })
    }

    /// About the number of rows that it states: policies and persons.
    pub fn rows(&self) -> usize {
        match &self.fact {
            Fact::Issued(policies) => policies.iter().map(|policy| 1 + policy.persons.len()).sum(),
            Fact::Cancelled(cancellation) | Fact::Reissued(cancellation) => cancellation.insurants.len(),
            _ => 1,
        }
    }

    /// The proposal that replaces this one, if this is a successful 5.
    pub fn reissued_to(&self) -> Option<&InsureNum> {
        match &self.fact {
            Fact::Reissued(cancellation) if self.success => cancellation.new_insure_num.as_ref(),
            _ => None,
        }
    }
}

/// The keys of `data` that the platform documents, besides those of a policy (at any depth). Other keys are the sender's own and
/// may hold anything.
const DOCUMENTED: [&str; 17] = [
    "partnerId",
    "partnerUniqueKey",
    "caseCode",
    "insureNum",
    "state",
    "failMsg",
    "price",
    "onlinePaymentId",
    "payTime",
    "policys",
    "cancelInsurants",
    "cancelMsg",
    "newInsureNum",
    "status",
    "msg",
    "remark",
    "otherInfo",
];

/// The path with `…` in place of each undocumented key, because the path is logged.
fn documented(path: &str) -> String {
    let is_documented = |key: &str| DOCUMENTED.contains(&key) || issue::KEYS.contains(&key);
    let shown = path.split('.').map(|key| match is_documented(key) {
        true => key,
        false => "…",
    });
    shown.collect::<Vec<_>>().join(".")
}

fn proposal_number(data: &Json<'_>) -> Result<InsureNum, Rejection> {
    let absent = || Rejection::new(Reason::Incomplete, "no insureNum");
    let text = match data.get("insureNum") {
        None | Some(Json::Null) => return Err(absent()),
        Some(value) => identifier_text(value).ok_or_else(|| {
            Rejection::new(
                Reason::InvalidField,
                "insureNum is neither text nor a whole number",
            )
        })?,
    };
    InsureNum::parse(&text)
        .map_err(|_| fields::too_long("insureNum", &text, NUMBER_CHARS))?
        .ok_or_else(absent)
}

fn success(step: Step, fields: &Fields<'_>) -> Result<bool, Rejection> {
    if step == Step::Abnormality {
        return Ok(true);
    }
    fields
        .flag("state")?
        .ok_or_else(|| Rejection::new(Reason::Incomplete, "no state"))
}

fn fact(step: Step, fields: &Fields<'_>, success: bool, own: &InsureNum) -> Result<Fact, Rejection> {
    Ok(match step {
        Step::Insured => Fact::Insured,
        Step::Paid => Fact::Paid(Payment::read(fields, success)?),
        Step::Issued => Fact::Issued(issue::read(fields, success)?),
        Step::Cancelled => Fact::Cancelled(Cancellation::read(fields)?),
        Step::Reissued => Fact::Reissued(Cancellation::read_reissue(fields, success, own)?),
        Step::EPolicy => Fact::EPolicy,
        Step::Endorsement => Fact::Endorsement(Endorsement::read(fields)?),
        Step::Abnormality => Fact::Abnormality(Abnormality::read(fields)?),
    })
}

#[cfg(test)]
mod tests;
