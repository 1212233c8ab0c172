use std::collections::BTreeSet;

use super::fields::{Fields, invalid};
use crate::id::InsureNum;
use crate::limits::{INSURANTS_BYTES, MESSAGE_CHARS};
use crate::reason::{Reason, Rejection};

/// CancelNotify of type 4 or 5 (document, section 2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    /// The persons who leave; empty for the whole proposal.
    pub insurants: BTreeSet<String>,
    /// The proposal that replaces this one (type 5).
    pub new_insure_num: Option<InsureNum>,
    /// Reason of the cancellation.
    pub cancel_msg: Option<String>,
    /// Reason of a failure.
    pub fail_msg: Option<String>,
}

impl Cancellation {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, Rejection> {
        let cancellation = Self {
            insurants: fields.names("cancelInsurants")?,
            new_insure_num: fields.number("newInsureNum")?,
            cancel_msg: fields.text("cancelMsg", MESSAGE_CHARS)?,
            fail_msg: fields.text("failMsg", MESSAGE_CHARS)?,
        };
        match cancellation.insurants_json() {
            Some(json) if json.len() > INSURANTS_BYTES => Err(Rejection::new(
                Reason::TooLong,
                format!(
                    "cancelInsurants has {} bytes, its column holds {INSURANTS_BYTES}",
                    json.len()
                ),
            )),
            _ => Ok(cancellation),
        }
    }

    pub(super) fn read_reissue(
        fields: &Fields<'_>,
        success: bool,
        own: &InsureNum,
    ) -> Result<Self, Rejection> {
        let reissue = Self::read(fields)?;
        match &reissue.new_insure_num {
            None if success => Err(Rejection::new(
                Reason::Incomplete,
                "a successful reissue without newInsureNum",
            )),
            Some(new) if success && new == own => Err(invalid("newInsureNum", "is the proposal itself")),
            _ => Ok(reissue),
        }
    }

    /// The persons as a sorted JSON array; `None` for the whole proposal.
    pub fn insurants_json(&self) -> Option<String> {
        (!self.insurants.is_empty()).then(|| serde_json::json!(self.insurants).to_string())
    }
}
