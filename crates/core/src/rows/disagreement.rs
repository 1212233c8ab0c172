use std::collections::BTreeMap;

use serde::Serialize;

use super::project::issued_policies;
use crate::facts::IssuedPolicy;
use crate::id::InsureNum;
use crate::ledger::Ledger;

/// Two issue notices state different values for one policy. The row takes the value of the notice received later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disagreement {
    /// The policy.
    pub policy_num: InsureNum,
    /// Name of the column, or `insured_persons`.
    pub column: &'static str,
    /// The value in the row.
    pub believed: String,
    /// The value of the notice received earlier.
    pub passed_over: String,
}

/// The disagreements between the successful issue notices of a proposal.
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

fn statements(policy: &IssuedPolicy) -> impl Iterator<Item = (&'static str, String)> {
    let persons = policy.persons.iter().cloned().collect::<Vec<_>>().join("、");
    let persons = (!persons.is_empty()).then_some(("insured_persons", persons));
    policy.stated.stated().chain(persons)
}
