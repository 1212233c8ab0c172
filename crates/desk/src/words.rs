//! The texts of the pages, in Chinese and English.
//!
//! A language that lacks a text does not compile: every text is a required method of a trait, and texts that depend on an enum match
//! it exhaustively. Texts of a single page may stand in its module, in both languages side by side ([`Lang::pick`]).

mod doctor;
mod en;
mod schema;
mod watch;
mod zh;

use std::collections::BTreeMap;
use std::fmt::Display;

use chrono::{DateTime, TimeDelta, Utc};
use xiebao_core::id::{NotifyType, Step};
use xiebao_core::lang::Lang;
use xiebao_core::ledger::Deliveries;
use xiebao_core::lifecycle::Status;
use xiebao_core::reason::Reason;
use xiebao_core::rows::Disagreement;
use xiebao_core::rules::OnTimeout;
use xiebao_store::rebuild::{Kind, Report};
use xiebao_store::sql::operations::Action;

use crate::finding::Finding;
use crate::letter::NotRequeueable;
use crate::screen::plain;
use crate::story::chapter::Going;
use crate::story::missing::Missing;
use crate::story::{Possibility, Standing};

pub use doctor::DoctorWords;
pub use schema::SchemaWords;
pub use watch::WatchWords;

/// All texts of a language.
pub trait Words:
    Terms + StoryWords + DeskWords + RepairWords + SchemaWords + WatchWords + DoctorWords + Sync
{
}

impl<T> Words for T where
    T: Terms + StoryWords + DeskWords + RepairWords + SchemaWords + WatchWords + DoctorWords + Sync
{
}

/// The texts of this language.
pub fn of(lang: Lang) -> &'static dyn Words {
    lang.pick(&zh::Chinese, &en::English)
}

/// The names of things.
pub trait Terms {
    fn label(&self, label: Label) -> &'static str;
    /// A label and what it stands for.
    fn pair(&self, label: &str, value: &str) -> String;
    /// Several of a kind on one line.
    fn list(&self, items: &[String]) -> String;
    /// Facts of different kinds on one line.
    fn clauses(&self, items: &[String]) -> String;
    fn step(&self, step: Step) -> &'static str;
    /// With its number, as in `payment notice (2)`.
    fn notice(&self, notify_type: Option<NotifyType>) -> String;
    fn outcome(&self, success: bool) -> &'static str;
    fn status(&self, status: Status) -> &'static str;
    /// `onlinePaymentId`; `None`: the code is undocumented.
    fn gateway(&self, code: i64) -> Option<&'static str>;
    fn endorsement(&self, status: i64) -> Option<&'static str>;
    /// A column in which issue notices can disagree.
    fn column(&self, column: &'static str) -> &'static str;
    fn reason(&self, reason: Reason) -> &'static str;
    /// How to repair a dead letter of that reason.
    fn repair(&self, reason: Reason) -> &'static str;
    /// How to repair a dead letter whose content this release can read.
    fn readable_now(&self) -> &'static str;
    /// The name of an operation.
    fn action(&self, action: Action) -> &'static str;
    /// `open`, `requeued`, `discarded`.
    fn letter_status<'s>(&self, status: &'s str) -> &'s str;
    fn duration(&self, duration: TimeDelta) -> String;
    fn times(&self, count: i64) -> String;
}

/// Short names in front of values, and titles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    Proposal,
    Partner,
    User,
    CaseCode,
    Applied,
    Held,
    NotComeYet,
    Ignored,
    Pruned,
    DeadLetters,
    Disagreements,
    Unmatched,
    Reissues,
    Rows,
    Possible,
    Gateway,
    PayTime,
    Payment,
    Policy,
    Cover,
    Applicant,
    InsuredPersons,
    Left,
    Leaving,
    WholeProposal,
    NewProposal,
    EndorsementStatus,
    Message,
    Remark,
    CancelReason,
    FailReason,
    OtherInfo,
    Cancelled,
    NoNewMoney,
    Repair,
    Why,
    Status,
    Received,
    BecameDead,
    Requeued,
    DiscardedBecause,
    Body,
    Digest,
    Policies,
    ThisOne,
    SignatureForm,
    Attempts,
    Operations,
}

/// The sentences of `trace`.
pub trait StoryWords {
    fn times_are_beijing(&self) -> &'static str;
    fn standing(&self, standing: Standing) -> &'static str;
    /// Facts that belong beside the standing.
    fn flags(&self, flags: Flags) -> Vec<String>;
    fn unknown(&self, insure_num: &str) -> String;
    fn received(&self, deliveries: &Deliveries) -> String;
    /// How it came to be applied; `None` if it was applied at once. `lacking`: the steps that have not come since.
    fn went(&self, going: Going, waited: Option<TimeDelta>, lacking: &[Step]) -> Option<String>;
    fn waits(&self, wait: &Wait<'_>) -> String;
    fn release_hint(&self, insure_num: &str) -> String;
    fn missing(&self, missing: &Missing) -> String;
    fn ignored(&self, notify_type: NotifyType) -> &'static str;
    fn disagreement(&self, disagreement: &Disagreement) -> String;
    /// A cancellation names these persons, who are in no policy.
    fn unmatched(&self, names: &str) -> String;
    fn possible(&self, possibility: Possibility) -> &'static str;
    /// The bodies were emptied at that time.
    fn pruned_at(&self, at: DateTime<Utc>) -> String;
    fn stands_in(&self) -> &'static str;
    fn goes_round(&self) -> &'static str;
    fn more_reissues(&self) -> &'static str;
    fn not_believed(&self, insure_num: &str) -> String;
}

/// Facts beside the standing of a proposal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    pub abnormal: bool,
    pub e_policy_ready: bool,
    pub held: usize,
    pub open_dead_letters: usize,
}

/// The wait of a held notice.
#[derive(Debug, Clone, Copy)]
pub struct Wait<'w> {
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub waits_for: &'w [Step],
    pub at_timeout: OnTimeout,
    pub now: DateTime<Utc>,
}

/// The sentences of the other commands.
pub trait DeskWords {
    /// The first of a longer list are shown.
    fn cut(&self, shown: usize) -> String;

    /// [`cut`](Self::cut) for a list that is cut, nothing for one that is not.
    fn if_cut(&self, cut: bool, shown: usize) -> String {
        if cut { self.cut(shown) } else { String::new() }
    }

    fn nothing_found(&self) -> &'static str;
    fn nothing_held(&self) -> &'static str;
    /// The log level of a service; `until` is Beijing time.
    fn log_level(&self, service: &str, level: &str, configured: &str, until: Option<&str>) -> String;
    fn no_log_level(&self, admin: &str, why: &str) -> String;
    fn no_admin_listener(&self) -> &'static str;
    fn waits_for(&self, steps: &[Step]) -> String;
    fn until(&self, until: DateTime<Utc>, at_timeout: OnTimeout) -> String;
    fn not_held(&self, what: &str) -> String;
    fn ambiguous_digest(&self, beginning: &str, proposals: &[String]) -> String;
    fn released(&self, insure_num: &str, by_hand: usize, followed: usize) -> String;
    /// The notices follow.
    fn would_release(&self, insure_num: &str, count: usize) -> String;
    fn now_stands_at(&self, status: &str) -> String;
    fn no_dead_letters(&self) -> &'static str;
    /// Some of the listed letters have content that no command can change.
    fn only_a_new_notice_helps(&self) -> &'static str;
    /// One group of dead letters: how many, and when the first and the last died.
    fn group(&self, count: i64, first: &str, last: &str) -> String;
    fn no_such_letter(&self, id: i64) -> String;
    /// The line above the groups of a rehearsal.
    fn would_requeue(&self, count: i64) -> String;
    fn requeued(&self, id: i64) -> String;
    fn requeued_all(&self, count: usize, by_reason: &BTreeMap<String, usize>) -> String;
    fn not_requeueable(&self, id: i64, why: &NotRequeueable) -> String;
    fn more_not_requeueable(&self, count: usize) -> String;
    /// Ctrl-C came while `left` letters remained.
    fn interrupted(&self, left: i64) -> String;
    fn would_discard(&self, count: i64) -> String;
    fn discarded(&self, id: i64) -> String;
    fn discarded_all(&self, count: usize) -> String;
    fn discarded_already(&self, id: i64) -> String;
    fn not_discardable(&self, id: i64) -> String;
    fn no_operations(&self) -> &'static str;
    fn letter_hints(&self, id: i64) -> String;
    fn finding(&self, finding: &Finding) -> String;
    /// How to repair it; `None` if there is nothing to repair.
    fn advice(&self, finding: &Finding) -> Option<&'static str>;
}

/// The sentences of the commands that repair: `rebuild`, `notice`, `reprocess`.
pub trait RepairWords {
    fn table_differs(&self, table: &str, lost: u64, extra: u64, differing: u64) -> String;
    /// The kinds have names of equal width.
    fn difference(&self, kind: Kind) -> &'static str;
    fn column_differs(&self, column: &str, is: &str, should_be: &str) -> String;
    fn sequences_broken(&self, count: u64, examples: &[String]) -> String;
    /// Proposals that were passed over; the reasons follow.
    fn passed_over(&self, count: u64) -> String;
    /// Proposals that were left alone because their bodies are gone.
    fn pruned_left_alone(&self, count: u64, examples: &[String]) -> String;
    fn pruned_can_not_be_voided(&self, insure_num: &str) -> String;
    fn pruned_not_reprocessed(&self, count: i64) -> String;
    fn nothing_to_rebuild(&self, insure_num: &str) -> String;
    fn rebuilt(&self, report: &Report, check: bool) -> String;
    fn no_applied_notice(&self, beginning: &str) -> String;
    fn voided(&self, insure_num: &str, digest: &str, changed: bool) -> String;
    fn restored(&self, insure_num: &str, digest: &str, changed: bool) -> String;
    fn voided_since(&self, at: &str, actor: &str, reason: &str) -> String;
    fn not_subscribed(&self, notify_type: i64) -> String;
    fn undocumented(&self, notify_type: i64) -> String;
    fn reprocessed(&self, applied: usize, held: usize, dead: usize) -> String;
    /// The reasons follow.
    fn not_reprocessed(&self, count: usize) -> String;
    fn would_reprocess(&self, count: i64) -> String;
}

/// ` (apply_failed 4, timed_out 2)`
fn counts<N: Display>(by_name: &BTreeMap<String, N>) -> String {
    if by_name.is_empty() {
        return String::new();
    }
    let counts: Vec<String> = by_name
        .iter()
        .map(|(name, count)| format!("{} {count}", plain(name)))
        .collect();
    format!(" ({})", counts.join(", "))
}

#[cfg(test)]
mod tests;
