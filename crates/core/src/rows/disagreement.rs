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

fn statements(policy: &IssuedPolicy) -> impl Iterator<Item = (&'static str, String)> {
    let persons = policy.persons.iter().cloned().collect::<Vec<_>>().join("、");
    let persons = (!persons.is_empty()).then_some(("insured_persons", persons));
    policy.stated.stated().chain(persons)
}
