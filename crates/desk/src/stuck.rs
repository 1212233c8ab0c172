//! Proposals that stay at a step for too long.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde::Serialize;
use xiebao_core::id::{NotifyType, Step};
pub use xiebao_store::sql::stuck::Stand;
use xiebao_store::sql::stuck::{self, Stuck};
use xiebao_store::{Connection, Store, StoreError};

use crate::screen::{beijing, columns, cut_to, plain};
use crate::words::{Label, Words};

/// The proposals to list.
#[derive(Debug, Clone, Copy)]
pub struct StuckQuestion {
    /// The step at which they stay.
    pub stand: Stand,
    /// They have stayed there for longer than this.
    pub longer_than: TimeDelta,
    /// They came there at this time or later, in UTC.
    pub since: NaiveDateTime,
    /// How many to list.
    pub limit: u32,
}

/// The answer to [`list`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StuckList {
    /// The name of the step.
    pub step: &'static str,
    /// The longest first.
    pub proposals: Vec<StuckProposal>,
    /// There are more.
    pub cut: bool,
}

/// A proposal that stays at the step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StuckProposal {
    /// Its number.
    pub insure_num: String,
    /// Its partner.
    pub partner_id: i64,
    /// The user at the partner.
    pub partner_unique_key: Option<String>,
    /// When the last notice of the step was applied.
    pub since: DateTime<Utc>,
    /// How many seconds ago that was.
    pub seconds: i64,
    /// The type of the notice that has not come.
    pub missing: NotifyType,
    /// The types of its notices that wait for a predecessor.
    pub held: Vec<NotifyType>,
    /// Its open dead letters.
    pub dead_letters: Vec<OpenLetter>,
}

/// An open dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenLetter {
    /// Its number.
    pub id: i64,
    /// Its type, if it is readable.
    pub notify_type: Option<NotifyType>,
}

/// The proposals that stay at the step.
pub async fn list(
    store: &Store,
    question: StuckQuestion,
    now: DateTime<Utc>,
) -> Result<StuckList, StoreError> {
    let mut conn = store.connection().await?;
    let StuckQuestion { stand, since, .. } = question;
    let before = now
        .checked_sub_signed(question.longer_than)
        .unwrap_or_default()
        .max(DateTime::UNIX_EPOCH);
    let most = i64::from(question.limit);
    let mut rows = stuck::list(&mut conn, stand, since, before, most + 1).await?;
    let cut = cut_to(&mut rows, most);
    Ok(StuckList {
        step: stand.name(),
        proposals: described(&mut conn, rows, stand, now).await?,
        cut,
    })
}

async fn described(
    conn: &mut Connection,
    rows: Vec<Stuck>,
    stand: Stand,
    now: DateTime<Utc>,
) -> Result<Vec<StuckProposal>, StoreError> {
    let names: Vec<String> = rows.iter().map(|row| row.insure_num.clone()).collect();
    let held = stuck::held(conn, &names).await?;
    let dead = stuck::dead(conn, &names).await?;
    let proposal = |row: Stuck| StuckProposal {
        since: row.since.and_utc(),
        seconds: (now - row.since.and_utc()).num_seconds(),
        missing: stand.waits_for().notify_type(),
        held: held
            .iter()
            .filter(|(number, _)| *number == row.insure_num)
            .map(|(_, notify_type)| NotifyType(*notify_type))
            .collect(),
        dead_letters: dead
            .iter()
            .filter(|(number, ..)| *number == row.insure_num)
            .map(|(_, id, notify_type)| OpenLetter {
                id: *id,
                notify_type: notify_type.map(NotifyType),
            })
            .collect(),
        insure_num: row.insure_num,
        partner_id: row.partner_id,
        partner_unique_key: row.partner_unique_key,
    };
    Ok(rows.into_iter().map(proposal).collect())
}

impl StuckList {
    /// The list as text.
    pub fn page(&self, words: &dyn Words) -> String {
        if self.proposals.is_empty() {
            return words.nothing_stuck().to_owned();
        }
        let rows: Vec<[String; 6]> = self
            .proposals
            .iter()
            .map(|proposal| proposal.row(words))
            .collect();
        let cut = words.if_cut(self.cut, self.proposals.len());
        format!("{}\n{}{cut}", words.times_are_beijing(), columns(0, &rows))
    }
}

impl StuckProposal {
    fn row(&self, words: &dyn Words) -> [String; 6] {
        let mut more = Vec::new();
        if !self.held.is_empty() {
            let held = self.held.iter().map(|number| words.notice(Some(*number)));
            let held = words.list(&held.collect::<Vec<_>>());
            more.push(words.pair(words.label(Label::Held), &held));
        }
        if !self.dead_letters.is_empty() {
            let letters = self
                .dead_letters
                .iter()
                .map(|letter| format!("#{} {}", letter.id, words.notice(letter.notify_type)));
            let letters = words.list(&letters.collect::<Vec<_>>());
            more.push(words.pair(words.label(Label::DeadLetters), &letters));
        }
        [
            plain(&self.insure_num),
            words.stands_since(&beijing(self.since), TimeDelta::seconds(self.seconds)),
            words.lacks(Step::of(self.missing)),
            self.partner_id.to_string(),
            self.partner_unique_key.as_deref().map(plain).unwrap_or_default(),
            words.clauses(&more),
        ]
    }
}
