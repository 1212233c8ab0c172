use super::fields::Fields;
use crate::limits::MESSAGE_CHARS;
use crate::reason::{Reason, Rejection};

/// policyChangeNotify (document, section 2.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endorsement {
    /// 1 approved, 2 refused, 3 submitted, 4 endorsed, 5 failed.
    pub status: i64,
    /// Message about the endorsement.
    pub msg: Option<String>,
    /// Remark.
    pub remark: Option<String>,
}

impl Endorsement {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Rejection> {
        let absent = || Rejection::new(Reason::Incomplete, "an endorsement without status");
        Ok(Self {
            status: fields.integer("status")?.ok_or_else(absent)?,
            msg: fields.text("msg", MESSAGE_CHARS)?,
            remark: fields.text("remark", MESSAGE_CHARS)?,
        })
    }
}

/// InsureAbnormityNotify (document, section 2.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abnormality {
    /// The abnormality, in the words of the platform.
    pub fail_msg: Option<String>,
}

impl Abnormality {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Rejection> {
        Ok(Self {
            fail_msg: fields.text("failMsg", MESSAGE_CHARS)?,
        })
    }
}
