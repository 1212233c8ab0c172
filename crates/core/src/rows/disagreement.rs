use std::collections::BTreeMap;

use serde::Serialize;

use super::project::issued_policies;
use crate::facts::IssuedPolicy;
use crate::id::InsureNum;
use crate::ledger::Ledger;

/// Two issue notices state different values of one policy. The later received one is believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disagreement {
    pub policy_num: InsureNum,
    /// Name of the column; `insured_persons` for the persons.
    pub column: &'static str,
    pub believed: String,
    pub passed_over: String,
}

/// Where the successful issue notices of a proposal disagree about a policy.
pub fn disagreements(ledger: &Ledger) -> Vec<Disagreement> {
    let mut stated: BTreeMap<(&InsureNum, &'static str), String> = BTreeMap::new();
    let mut found = Vec::new();
    for policy in issued_policies(ledger) {
        for (column, believed) in statements(policy) {
            let earlier = stated.insert((&policy.policy_num, column), believed.clone());
            if let Some(passed_over) = earlier.filter(|earlier| *earlier != believed) {
                let policy_num = policy.policy_num.clone();
                found.push(Disagreement {
                    policy_num,
                    column,
                    believed,
                    passed_over,
                });
            }
        }
    }
    found
}

fn statements(policy: &IssuedPolicy) -> Vec<(&'static str, String)> {
    let persons = policy.persons.iter().cloned().collect::<Vec<_>>().join("、");
    let all = [
        ("product_id", policy.product_id.map(|id| id.to_string())),
        ("product_name", policy.product_name.clone()),
        ("plan_id", policy.plan_id.map(|id| id.to_string())),
        ("plan_name", policy.plan_name.clone()),
        ("applicant", policy.applicant.clone()),
        ("start_date", policy.start_date.map(|date| date.to_string())),
        ("end_date", policy.end_date.map(|date| date.to_string())),
        ("insured_persons", (!persons.is_empty()).then_some(persons)),
    ];
    all.into_iter()
        .filter_map(|(column, value)| Some((column, value?)))
        .collect()
}
