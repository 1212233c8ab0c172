//! Events of proposals, the vocabulary of stories, without JSON or HTTP.
//!
//! Everything here is what was *meant*. How a notice is spelled is `wire`'s business, what must be in the database is
//! `expectation`'s.

use chrono::{NaiveDate, NaiveDateTime};
use xiebao_core::id::{InsureNum, NotifyType};

/// The lives of one proposal, or of several that reissues tie together.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    /// Its place among the stories of the run.
    pub index: u64,
    /// Every proposal that gets a notice, or a row through a reissue.
    pub proposals: Vec<InsureNum>,
    /// In the order in which they happened; no two are the same notice.
    pub notices: Vec<Notice>,
}

/// One notice of the platform.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The proposal.
    pub insure_num: InsureNum,
    /// `partnerUniqueKey`
    pub partner_unique_key: Option<String>,
    /// `caseCode`
    pub case_code: Option<String>,
    /// `otherInfo`: a key, and its value as JSON text.
    pub other_info: Vec<(String, String)>,
    /// The event that it reports.
    pub event: Event,
}

/// The event that a notice reports (section 2 of the platform's document).
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Insured(StepOutcome),
    Paid(Payment),
    Issued {
        outcome: StepOutcome,
        policies: Vec<PolicyEntry>,
    },
    Cancelled(Cancellation),
    Reissued {
        cancellation: Cancellation,
        new_insure_num: Option<InsureNum>,
    },
    EPolicy(StepOutcome),
    Endorsed(Endorsement),
    Abnormal {
        fail_msg: Option<String>,
    },
    /// A type that nobody has documented.
    Unknown(NotifyType),
}

/// Success or failure of a step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StepOutcome {
    /// `state`
    pub success: bool,
    /// `failMsg`
    pub fail_msg: Option<String>,
}

/// A payment.
#[derive(Debug, Clone, PartialEq)]
pub struct Payment {
    /// Its outcome.
    pub outcome: StepOutcome,
    /// `price`, in fen.
    pub price_fen: Option<i64>,
    /// `onlinePaymentId`
    pub gateway: Option<i64>,
    /// `payTime`
    pub pay_time: Option<NaiveDateTime>,
}

/// An entry of `policys`. Two of one notice may name the same policy; their persons unite.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PolicyEntry {
    /// `policyNum`
    pub policy_num: Option<String>,
    /// `productId`
    pub product_id: Option<i64>,
    /// `productName`
    pub product_name: Option<String>,
    /// `planId`
    pub plan_id: Option<i64>,
    /// `planName`
    pub plan_name: Option<String>,
    /// `applicant`
    pub applicant: Option<String>,
    /// `insurant`, one name each.
    pub persons: Vec<String>,
    /// `startDate`
    pub start_date: Option<NaiveDate>,
    /// `endDate`
    pub end_date: Option<NaiveDate>,
}

/// A cancellation of some or all policies.
#[derive(Debug, Clone, PartialEq)]
pub struct Cancellation {
    /// Its outcome.
    pub outcome: StepOutcome,
    /// Who leaves; nobody named means the whole proposal.
    pub persons: Vec<String>,
    /// `cancelMsg`
    pub cancel_msg: Option<String>,
}

/// An endorsement.
#[derive(Debug, Clone, PartialEq)]
pub struct Endorsement {
    /// `state`
    pub success: bool,
    /// `status`
    pub status: i64,
    /// `msg`
    pub msg: Option<String>,
    /// `remark`
    pub remark: Option<String>,
}

impl StepOutcome {
    /// Success.
    pub fn ok() -> Self {
        Self {
            success: true,
            fail_msg: None,
        }
    }

    /// Failure for this reason.
    pub fn failed(reason: &str) -> Self {
        Self {
            success: false,
            fail_msg: Some(reason.to_owned()),
        }
    }
}

impl Event {
    /// The type of its notice.
    pub fn notify_type(&self) -> NotifyType {
        NotifyType(match self {
            Event::Insured(_) => 1,
            Event::Paid(_) => 2,
            Event::Issued { .. } => 3,
            Event::Cancelled(_) => 4,
            Event::Reissued { .. } => 5,
            Event::EPolicy(_) => 9,
            Event::Endorsed(_) => 26,
            Event::Abnormal { .. } => 27,
            Event::Unknown(notify_type) => return *notify_type,
        })
    }

    /// The platform documents its type.
    pub fn is_documented(&self) -> bool {
        !matches!(self, Event::Unknown(_))
    }
}
