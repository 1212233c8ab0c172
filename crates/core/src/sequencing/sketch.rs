//! A proposal as its stored rows tell it, with no body parsed: enough to see that a delivery has to wait, or is a copy, and so
//! changes nothing but the inbox. Whatever takes more is left to the ledger.

use chrono::{DateTime, Utc};

use super::{Verdict, hold_from, repeats};
use crate::id::{Digest, PartnerId, Step, StepSet};
use crate::ledger::{Arrival, Entry, Hold, Novelty, Place, Receipts};
use crate::rules::Rules;

/// A stored notice that counts, without what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline<'r> {
    pub step: Step,
    pub digest: &'r str,
    pub partner_id: PartnerId,
    pub standing: Standing,
    pub receipts: Receipts,
    /// A copy has come, which the database does not know yet.
    pub copied: bool,
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Applied,
    Held(Hold),
}

/// All notices of one proposal that no link leads to, none of them voided, ignored or pruned.
#[derive(Debug, Clone)]
pub struct Sketch<'r> {
    rules: &'r Rules,
    now: DateTime<Utc>,
    /// Those of which a notice is applied, whether it succeeded or not.
    applied: StepSet,
    pub known: Vec<Outline<'r>>,
    /// What has been taken in.
    pub new: Vec<Entry>,
}

impl<'r> Sketch<'r> {
    /// `None`: something that is held may go, so far as can be told.
    pub fn of(known: Vec<Outline<'r>>, now: DateTime<Utc>, rules: &'r Rules) -> Option<Self> {
        let applied = known
            .iter()
            .filter(|outline| outline.standing == Standing::Applied);
        let sketch = Self {
            rules,
            now,
            applied: applied.map(|outline| outline.step).collect(),
            known,
            new: vec![],
        };
        let stays = |outline: &Outline<'_>| match outline.standing {
            Standing::Applied => true,
            Standing::Held(hold) => now < hold.until && sketch.has_to_wait(outline.step),
        };
        sketch.known.iter().all(stays).then_some(sketch)
    }

    /// What [`Ledger::deliver`](crate::ledger::Ledger::deliver) would say, and nothing could go then. `None`: that can't be told;
    /// the sketch is of no more use.
    pub fn deliver(&mut self, arrival: &Arrival) -> Option<Verdict> {
        let notice = &arrival.notice;
        if self.partner().is_some_and(|partner| partner != notice.partner_id) {
            return None;
        }
        if let Some(receipts) = self.receipts_of(&notice.digest) {
            // One that truly repeats may be another occurrence. An issue notice that was received earlier than thought may have to
            // yield to another.
            if repeats(notice.step) || arrival.received_at < receipts.first {
                return None;
            }
            receipts.add(arrival.received_at, arrival.redelivered);
            return Some(Verdict::Duplicate);
        }
        let hold = hold_from(self.now, self.rules, notice.step);
        if !self.has_to_wait(notice.step) || hold.until <= self.now {
            return None;
        }
        self.new.push(Entry {
            notice: notice.clone(),
            raw: arrival.raw.clone(),
            occurrence: 1,
            place: Place::Held,
            hold: Some(hold),
            out_of_order: false,
            voided: false,
            receipts: Receipts::one(arrival.received_at),
            novelty: Novelty::New,
        });
        Some(Verdict::Held(hold))
    }

    /// The earliest end of a wait.
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        let known = self.known.iter().filter_map(|outline| match outline.standing {
            Standing::Applied => None,
            Standing::Held(hold) => Some(hold),
        });
        let new = self.new.iter().filter_map(|entry| entry.hold);
        known.chain(new).map(|hold| hold.until).min()
    }

    /// A step that it waits for has not even been tried.
    fn has_to_wait(&self, step: Step) -> bool {
        let mut earlier = self.rules.waits_for(step).iter();
        earlier.any(|earlier| !self.applied.contains(earlier))
    }

    fn partner(&self) -> Option<PartnerId> {
        let new = self.new.first().map(|entry| entry.notice.partner_id);
        self.known.first().map(|outline| outline.partner_id).or(new)
    }

    fn receipts_of(&mut self, digest: &Digest) -> Option<&mut Receipts> {
        if let Some(known) = self
            .known
            .iter_mut()
            .find(|known| known.digest == digest.as_str())
        {
            known.copied = true;
            return Some(&mut known.receipts);
        }
        let new = self.new.iter_mut().find(|new| new.notice.digest == *digest);
        new.map(|new| &mut new.receipts)
    }
}
