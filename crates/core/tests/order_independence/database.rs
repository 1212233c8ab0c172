//! A database that holds exactly what a worker writes. Every transaction loads a ledger from stored notices (parsing each raw body
//! again), decides, and writes only the differences. A decision that rests on anything unstored, and a difference that is not
//! written, therefore shows. Where the fast path decides about a delivery, its outcome is compared with the ledger's.

mod fast_path;

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use xiebao_core::facts::Notice;
use xiebao_core::id::{Digest, InsureNum, PartnerId};
use xiebao_core::ledger::{Arrival, Deliveries, Entry, Hold, Ledger, Link, State, WriteState};
use xiebao_core::reason::Reason;
use xiebao_core::rows::{Changes, Rows, TableChanges};
use xiebao_core::rules::Rules;
use xiebao_core::sequencing::DeliveryOutcome;

use super::notation;

/// The primary key of `notices` within a proposal.
type NoticeKey = (i64, Digest, i32);

/// A row of `notices`.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    raw: Bytes,
    pub state: State,
    hold: Option<Hold>,
    pub out_of_order: bool,
    voided: bool,
    pub deliveries: Deliveries,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Proposal {
    notices: BTreeMap<NoticeKey, Stored>,
    links: BTreeMap<InsureNum, PartnerId>,
    tables: Rows,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Database {
    proposals: BTreeMap<InsureNum, Proposal>,
    /// Links on their way to the proposal that replaces another.
    outbox: Vec<(InsureNum, Link)>,
    pub dead: Vec<(Digest, Reason)>,
}

impl Database {
    pub fn deliver(&mut self, arrival: &Arrival, now: DateTime<Utc>, rules: &Rules) {
        self.deliver_batch(
            &arrival.notice.insure_num,
            std::slice::from_ref(arrival),
            now,
            rules,
        );
    }

    /// Several deliveries of one proposal in one transaction.
    pub fn deliver_batch(&mut self, num: &InsureNum, batch: &[Arrival], now: DateTime<Utc>, rules: &Rules) {
        let fast = self.fast_path(num, batch, now, rules);
        let mut outcomes = Vec::new();
        self.transact(num, now, rules, |ledger| {
            let deliver = |arrival: &Arrival| ledger.deliver(arrival.clone(), now, rules);
            outcomes.extend(batch.iter().map(deliver));
        });
        for (arrival, outcome) in batch.iter().zip(&outcomes) {
            if let DeliveryOutcome::Rejected(why) = outcome {
                self.dead.push((arrival.notice.digest.clone(), why.reason));
            }
        }
        if let Some((fast_outcomes, fast_database)) = fast {
            assert_eq!(outcomes, fast_outcomes, "the fast path was wrong");
            assert_eq!(*self, fast_database, "something else has changed");
        }
    }

    /// A person releases a notice, which need not be held.
    pub fn release(&mut self, num: &InsureNum, digest: &Digest, now: DateTime<Utc>, rules: &Rules) {
        self.transact(num, now, rules, |ledger| {
            ledger.release(digest, now, rules);
        });
    }

    /// Delivers a link to the proposal that it names, and removes it from the outbox.
    pub fn deliver_link(&mut self, index: usize, now: DateTime<Utc>, rules: &Rules) {
        self.deliver_link_again(index, now, rules);
        self.outbox.remove(index);
    }

    /// Delivers a link whose removal from the outbox is not committed, so that it is delivered again.
    pub fn deliver_link_again(&mut self, index: usize, now: DateTime<Utc>, rules: &Rules) {
        let (num, link) = self.outbox[index].clone();
        self.transact(&num, now, rules, |ledger| ledger.link(link.clone(), now, rules));
        let proposal = self.proposals.entry(num).or_default();
        proposal.links.insert(link.reissued_from, link.partner_id);
    }

    pub fn pending_links(&self) -> usize {
        self.outbox.len()
    }

    /// Settles every proposal, as the sweeper does.
    pub fn sweep(&mut self, now: DateTime<Utc>, rules: &Rules) {
        for num in self.proposals.keys().cloned().collect::<Vec<_>>() {
            self.transact(&num, now, rules, |_| {});
        }
    }

    pub fn sweep_one(&mut self, num: &InsureNum, now: DateTime<Utc>, rules: &Rules) {
        self.transact(num, now, rules, |_| {});
    }

    pub fn holds_any(&self) -> bool {
        self.notices().any(|(_, stored)| stored.state == State::Held)
    }

    pub fn notices(&self) -> impl Iterator<Item = (&Digest, &Stored)> {
        let all = self.proposals.values().flat_map(|proposal| &proposal.notices);
        all.map(|((_, digest, _), stored)| (digest, stored))
    }

    /// All business rows, as the sum of the written differences.
    pub fn write_down(&self) -> Vec<String> {
        let of = |(num, proposal): (_, &Proposal)| notation::write_down(num, &proposal.tables);
        let mut lines: Vec<String> = self.proposals.iter().flat_map(of).collect();
        lines.sort();
        lines
    }

    /// Loads every proposal, which checks that its rows follow from its notices and that `seq` has no gaps.
    pub fn check(&self) {
        for num in self.proposals.keys() {
            self.load(num);
        }
    }

    fn transact(
        &mut self,
        num: &InsureNum,
        now: DateTime<Utc>,
        rules: &Rules,
        work: impl FnOnce(&mut Ledger),
    ) {
        let mut ledger = self.load(num);
        let before = Rows::of(&ledger);
        work(&mut ledger);
        ledger.settle(now, rules);
        self.dead.extend(
            ledger
                .rejected
                .iter()
                .map(|(e, why)| (e.notice.digest.clone(), why.reason)),
        );
        let proposal = self.proposals.entry(num.clone()).or_default();
        proposal.write_notices(&ledger);
        let changes = Changes::between(&before, &Rows::of(&ledger));
        for (new, partner_id) in &changes.reissues.upserts {
            let link = Link {
                reissued_from: num.clone(),
                partner_id: *partner_id,
            };
            self.outbox.push((new.clone(), link));
        }
        proposal.write_tables(changes);
    }

    fn load(&self, num: &InsureNum) -> Ledger {
        let mut ledger = Ledger::empty(num.clone());
        let Some(proposal) = self.proposals.get(num) else {
            return ledger;
        };
        for ((_, digest, occurrence), stored) in &proposal.notices {
            let entry = stored.read(*occurrence);
            assert_eq!(entry.notice.digest, *digest, "the raw body is another notice");
            ledger.owner = Some(entry.notice.partner_id);
            ledger.entries.push(entry);
        }
        let link = |(from, partner): (&InsureNum, &PartnerId)| Link {
            reissued_from: from.clone(),
            partner_id: *partner,
        };
        ledger.links = proposal.links.iter().map(link).collect();
        assert_eq!(
            Rows::of(&ledger),
            proposal.tables,
            "the differences written do not add up"
        );
        assert_gapless(&ledger);
        ledger
    }
}

fn assert_gapless(ledger: &Ledger) {
    let seq = |entry: &Entry| match entry.state {
        State::Applied { seq, .. } => Some(seq),
        State::Held => None,
    };
    let mut seqs: Vec<i64> = ledger.entries.iter().filter_map(seq).collect();
    seqs.sort_unstable();
    assert!(
        seqs.iter().copied().eq(1..=seqs.len() as i64),
        "seq has gaps: {seqs:?}"
    );
}

impl Proposal {
    fn write_notices(&mut self, ledger: &Ledger) {
        for entry in &ledger.entries {
            let (key, row) = (key(entry), Stored::of(entry));
            match entry.write_state {
                WriteState::Stored => {
                    assert_eq!(self.notices.get(&key), Some(&row), "changed, but not noted")
                }
                WriteState::Changed => {
                    assert!(
                        self.notices.insert(key, row).is_some(),
                        "changed, but was not there"
                    );
                }
                WriteState::New => assert!(self.notices.insert(key, row).is_none(), "new, but was there"),
            }
        }
        for (entry, _) in &ledger.rejected {
            let was_there = self.notices.remove(&key(entry)).is_some();
            assert_eq!(was_there, entry.write_state != WriteState::New);
        }
        assert_eq!(self.notices.len(), ledger.entries.len(), "an entry was lost");
    }

    fn write_tables(&mut self, changes: Changes) {
        let tables = &mut self.tables;
        write(&mut tables.proposals, changes.proposals);
        write(&mut tables.payments, changes.payments);
        write(&mut tables.policies, changes.policies);
        write(&mut tables.insured_persons, changes.insured_persons);
        write(&mut tables.cancellations, changes.cancellations);
        write(&mut tables.endorsements, changes.endorsements);
        write(&mut tables.abnormalities, changes.abnormalities);
        write(&mut tables.unmatched_persons, changes.unmatched_persons);
        write(&mut tables.reissues, changes.reissues);
    }
}

fn write<K: Ord, R>(table: &mut BTreeMap<K, R>, changes: TableChanges<K, R>) {
    for key in &changes.deletes {
        assert!(
            table.remove(key).is_some(),
            "a row was deleted that was not there"
        );
    }
    table.extend(changes.upserts);
}

fn key(entry: &Entry) -> NoticeKey {
    (
        entry.notice.step.notify_type().0,
        entry.notice.digest.clone(),
        entry.occurrence,
    )
}

impl Stored {
    fn of(entry: &Entry) -> Self {
        Self {
            raw: entry.raw.clone(),
            state: entry.state,
            hold: entry.hold,
            out_of_order: entry.out_of_order,
            voided: entry.voided,
            deliveries: entry.deliveries,
        }
    }

    fn read(&self, occurrence: i32) -> Entry {
        Entry {
            notice: Notice::read(&self.raw).expect("it was read before").into(),
            raw: self.raw.clone(),
            occurrence,
            state: self.state,
            hold: self.hold,
            out_of_order: self.out_of_order,
            voided: self.voided,
            deliveries: self.deliveries,
            write_state: WriteState::Stored,
        }
    }
}
