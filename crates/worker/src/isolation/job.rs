//! Jobs, and how they are spread over transactions.

use xiebao_core::id::InsureNum;
use xiebao_core::ledger::Arrival;
use xiebao_core::sequencing::DeliveryOutcome;
use xiebao_store::StoreError;
use xiebao_store::sql::links::PendingLink;
use xiebao_store::sql::notices::NoticeRow;
use xiebao_store::transaction::Plan;

use crate::links;

/// Largest weight of a transaction of several jobs, in bytes: a fraction of a second, and of a small worker's memory.
const WEIGHT: usize = 2 * 1024 * 1024;
/// Weight of a row. The names of a group policy take a few bytes each in its notice, and a row each in the database.
const ROW: usize = 512;

/// One part of a transaction.
#[derive(Debug, Clone)]
pub enum Job {
    /// A notice to apply or keep.
    Notice {
        /// The caller's index for the outcome.
        index: usize,
        /// The work for it.
        work: Work,
    },
    /// A reissue link to deliver, if it is still in the outbox. It stays there on failure.
    Link(PendingLink),
}

/// The work that a notice needs.
#[derive(Debug, Clone)]
pub enum Work {
    /// Apply it to its proposal.
    Apply(InsureNum, Arrival),
    /// Store it as ignored.
    Keep(NoticeRow),
}

/// The outcome of a notice's job.
#[derive(Debug, Clone)]
pub enum JobOutcome {
    /// Committed, with this decision.
    Decided(DeliveryOutcome),
    /// Committed as ignored.
    Kept,
    /// Its own transaction fails with this error; nothing was written.
    Failed(String),
    /// Another transaction keeps its proposal locked; nothing was written.
    Locked,
}

impl Job {
    fn weight(&self) -> usize {
        match self {
            Self::Notice {
                work: Work::Apply(_, arrival),
                ..
            } => arrival.raw.len() + ROW * arrival.notice.rows(),
            Self::Notice { .. } => self.bytes(),
            Self::Link(_) => ROW,
        }
    }

    /// Bytes of its notice.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Notice {
                work: Work::Apply(_, arrival),
                ..
            } => arrival.raw.len(),
            Self::Notice {
                work: Work::Keep(row),
                ..
            } => row.raw.len(),
            Self::Link(_) => 0,
        }
    }

    /// Marks a delivery that may have been counted by a transaction whose answer was lost.
    pub(super) fn mark_redelivered(&mut self) {
        if let Self::Notice {
            work: Work::Apply(_, arrival),
            ..
        } = self
        {
            arrival.redelivered = true;
        }
    }

    pub(super) fn kept(&self) -> Option<(usize, JobOutcome)> {
        match self {
            Self::Notice {
                index,
                work: Work::Keep(_),
            } => Some((*index, JobOutcome::Kept)),
            _ => None,
        }
    }

    /// `reason`: the error in words.
    pub(super) fn failed(&self, error: &StoreError, reason: &str) -> Option<(usize, JobOutcome)> {
        match (self, error) {
            (Self::Notice { index, .. }, StoreError::Conflict(_)) => Some((*index, JobOutcome::Locked)),
            (Self::Notice { index, .. }, _) => Some((*index, JobOutcome::Failed(reason.to_owned()))),
            (Self::Link(_), error) => {
                links::log_undelivered(error);
                None
            }
        }
    }
}

/// Spreads jobs over transactions, the first one last. If they are too heavy for one, the light ones come first, so that
/// they do not wait for the heavy ones.
pub(super) fn by_weight(mut jobs: Vec<Job>) -> Vec<Vec<Job>> {
    if jobs.iter().map(Job::weight).sum::<usize>() > WEIGHT {
        jobs.sort_by_cached_key(Job::weight);
    }
    let (mut parts, mut weight) = (vec![Vec::new()], 0);
    for job in jobs {
        let more = job.weight();
        match parts.last_mut() {
            Some(part) if part.is_empty() || weight + more <= WEIGHT => part.push(job),
            _ => {
                weight = 0;
                parts.push(vec![job]);
            }
        }
        weight += more;
    }
    parts.reverse();
    parts
}

/// Divides jobs that failed together, notices from links first: links may stay in the outbox, so the failing one is not
/// searched for. `Err` returns a part that is not divided further.
pub(super) fn divide(part: Vec<Job>) -> Result<(Vec<Job>, Vec<Job>), Vec<Job>> {
    let count = part.len();
    let (mut notices, links): (Vec<Job>, Vec<_>) = part
        .into_iter()
        .partition(|job| matches!(job, Job::Notice { .. }));
    if notices.is_empty() {
        return Err(links);
    }
    if !links.is_empty() {
        return Ok((notices, links));
    }
    if count == 1 {
        return Err(notices);
    }
    let second = notices.split_off(count / 2);
    Ok((notices, second))
}

pub(super) fn plan(jobs: &[Job]) -> Plan {
    let mut plan = Plan::default();
    for job in jobs {
        match job {
            Job::Notice {
                index,
                work: Work::Apply(num, arrival),
            } => {
                let task = plan.tasks.entry(num.clone()).or_default();
                task.arrivals.push((*index, arrival.clone()));
            }
            Job::Notice {
                work: Work::Keep(row),
                ..
            } => plan.ignored.push(row.clone()),
            Job::Link(link) => plan.tell(link),
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use xiebao_core::facts::Notice;

    use super::*;

    /// An issue notice that names this many persons.
    fn issue(index: usize, persons: usize) -> Job {
        let names: Vec<String> = (0..persons).map(|nth| format!("甲{nth}")).collect();
        let raw = Bytes::from(format!(
            r#"{{"notifyType":3,"sign":"","data":{{"partnerId":1,"insureNum":"2026{index}","state":true,"policys":[{{"policyNum":"P","insurant":"{}"}}]}}}}"#,
            names.join(",")
        ));
        let notice = Notice::read(&raw).expect("a notice");
        let num = notice.insure_num.clone();
        let arrival = Arrival {
            notice: notice.into(),
            raw,
            received_at: Default::default(),
            redelivered: false,
        };
        Job::Notice {
            index,
            work: Work::Apply(num, arrival),
        }
    }

    fn indices(parts: &[Vec<Job>]) -> Vec<Vec<usize>> {
        let index = |job: &Job| match job {
            Job::Notice { index, .. } => *index,
            Job::Link(_) => usize::MAX,
        };
        parts
            .iter()
            .map(|part| part.iter().map(index).collect())
            .collect()
    }

    #[test]
    fn light_jobs_are_one_transaction_in_their_order() {
        let jobs = vec![issue(1, 3), issue(2, 1), issue(3, 2)];
        assert_eq!(indices(&by_weight(jobs)), [[1, 2, 3]]);
        assert_eq!(indices(&by_weight(vec![])), [[0_usize; 0]]);
    }

    #[test]
    fn group_policies_are_transactions_of_their_own_after_the_light_jobs() {
        let jobs = vec![
            issue(1, 3_000),
            issue(2, 1),
            issue(3, 9_000),
            issue(4, 2),
            issue(5, 3_000),
        ];
        let parts = indices(&by_weight(jobs));
        assert_eq!(parts, [vec![3], vec![5], vec![2, 4, 1]]);
    }
}
