use std::collections::BTreeSet;

use super::fields::{Fields, invalid, too_long};
use crate::id::InsureNum;
use crate::json::Json;
use crate::limits::{NAME_CHARS, PERSON_CHARS};
use crate::reason::{Reason, Rejection};
use crate::tables::PolicyRow;

/// PolicyInfo (document, section 2.3) that has a policy number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedPolicy {
    /// `policyNum`.
    pub policy_num: InsureNum,
    /// The columns that the notice states. `cancelled` is false: no issue notice states it.
    pub stated: PolicyRow,
    /// The names in `insurant`; empty if it is left out.
    pub persons: BTreeSet<String>,
}

/// The keys of PolicyInfo that the platform documents.
pub(super) const KEYS: [&str; 9] = [
    "policyNum",
    "productId",
    "productName",
    "planId",
    "planName",
    "applicant",
    "insurant",
    "startDate",
    "endDate",
];

/// The policies of an issue notice. Entries with the same number are one policy.
pub(super) fn read(fields: &Fields<'_>, success: bool) -> Result<Vec<IssuedPolicy>, Rejection> {
    let entries = match fields.stated("policys") {
        None => &[][..],
        Some(Json::Array(entries)) => entries,
        Some(_) => return Err(invalid("policys", "is not a list")),
    };
    let mut policies: Vec<IssuedPolicy> = Vec::new();
    for entry in entries {
        let Some(policy) = entry_policy(entry)? else {
            continue;
        };
        match policies
            .iter_mut()
            .find(|earlier| earlier.policy_num == policy.policy_num)
        {
            Some(earlier) => earlier.unite(policy),
            None => policies.push(policy),
        }
    }
    if success && policies.is_empty() {
        return Err(Rejection::new(
            Reason::Incomplete,
            "a successful issue without a policy that has a policyNum",
        ));
    }
    Ok(policies)
}

fn entry_policy(entry: &Json<'_>) -> Result<Option<IssuedPolicy>, Rejection> {
    if !matches!(entry, Json::Null | Json::Object(_)) {
        return Err(invalid("policys", "holds an entry that is not an object"));
    }
    let fields = Fields::of(entry);
    let policy_num = fields.number("policyNum")?;
    let policy = |policy_num| {
        Ok(IssuedPolicy {
            policy_num,
            stated: PolicyRow {
                product_id: fields.integer("productId")?,
                product_name: fields.text("productName", NAME_CHARS)?,
                plan_id: fields.integer("planId")?,
                plan_name: fields.text("planName", NAME_CHARS)?,
                applicant: fields.name("applicant", NAME_CHARS)?,
                start_date: fields.first_day("startDate")?,
                end_date: fields.last_day("endDate")?,
                cancelled: false,
            },
            persons: persons(&fields)?,
        })
    };
    policy_num.map(policy).transpose()
}

fn persons(fields: &Fields<'_>) -> Result<BTreeSet<String>, Rejection> {
    let names = fields.names("insurant")?;
    match names.iter().find(|name| name.chars().count() > PERSON_CHARS) {
        Some(name) => Err(too_long("a name in insurant", name, PERSON_CHARS)),
        None => Ok(names),
    }
}

impl IssuedPolicy {
    /// Adds another entry of the same notice: its persons, and the columns that this one leaves open.
    fn unite(&mut self, other: Self) {
        let earlier = std::mem::replace(&mut self.stated, other.stated);
        self.stated.take_over(&earlier);
        self.persons.extend(other.persons);
    }
}
