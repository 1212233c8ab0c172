use std::collections::BTreeMap;

use super::{
    AbnormalityRow, CancellationRow, EndorsementRow, FactKey, LogKey, PaymentRow, PersonKey, PersonRow,
    PolicyRow, ProposalRow, Rows,
};
use crate::id::{InsureNum, PartnerId};

/// What makes one state of a table into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableChanges<K, R> {
    pub upserts: Vec<(K, R)>,
    pub deletes: Vec<K>,
}

impl<K: Ord + Clone, R: PartialEq + Clone> TableChanges<K, R> {
    fn between(before: &BTreeMap<K, R>, after: &BTreeMap<K, R>) -> Self {
        let upserts = after.iter().filter(|(key, row)| before.get(key) != Some(row));
        let deletes = before.keys().filter(|key| !after.contains_key(key));
        Self {
            upserts: upserts.map(|(key, row)| (key.clone(), row.clone())).collect(),
            deletes: deletes.cloned().collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.upserts.is_empty() && self.deletes.is_empty()
    }
}

/// What makes the rows of one proposal into others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    pub proposal: TableChanges<(), ProposalRow>,
    pub payments: TableChanges<FactKey, PaymentRow>,
    pub policies: TableChanges<InsureNum, PolicyRow>,
    pub insured_persons: TableChanges<PersonKey, PersonRow>,
    pub cancellations: TableChanges<FactKey, CancellationRow>,
    pub endorsements: TableChanges<LogKey, EndorsementRow>,
    pub abnormalities: TableChanges<LogKey, AbnormalityRow>,
    pub reissues: TableChanges<InsureNum, PartnerId>,
}

impl Changes {
    pub fn between(before: &Rows, after: &Rows) -> Self {
        Self {
            proposal: TableChanges::between(&before.proposal, &after.proposal),
            payments: TableChanges::between(&before.payments, &after.payments),
            policies: TableChanges::between(&before.policies, &after.policies),
            insured_persons: TableChanges::between(&before.insured_persons, &after.insured_persons),
            cancellations: TableChanges::between(&before.cancellations, &after.cancellations),
            endorsements: TableChanges::between(&before.endorsements, &after.endorsements),
            abnormalities: TableChanges::between(&before.abnormalities, &after.abnormalities),
            reissues: TableChanges::between(&before.reissues, &after.reissues),
        }
    }
}
