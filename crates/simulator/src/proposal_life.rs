//! The life of one proposal, step by step.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use xiebao_core::id::{InsureNum, NotifyType};

use super::Settings;
use super::rng::Rng;
use super::story::{Event, Notice, StepOutcome};
use super::words;

mod issue;
mod later;
mod payment;

/// Share of paid proposals whose issue has not been reported yet.
const NOT_ISSUED_YET: f64 = 0.1;

/// How far a proposal came, which decides the steps that may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Underwriting or payment failed for good, or the proposal fell silent: any further notice would wait until its time-out.
    Stopped,
    IssueFailed,
    Issued,
}

/// The life of one proposal, while it is told.
pub struct ProposalLife<'d> {
    rng: &'d mut Rng,
    failures: f64,
    /// Its number.
    pub insure_num: InsureNum,
    user: String,
    case_code: String,
    persons: Vec<String>,
    now: NaiveDateTime,
    /// Its notices so far.
    pub notices: Vec<Notice>,
}

impl<'d> ProposalLife<'d> {
    /// A life without notices yet.
    pub fn new(rng: &'d mut Rng, settings: &Settings, insure_num: InsureNum) -> Self {
        let user = match rng.between(0, 9) {
            0 => rng.between(1, 99_999_999).to_string(),
            1 => format!("用户-{}", rng.between(1, 9999)),
            _ => format!("u-{}", rng.between(100_000, 999_999)),
        };
        let case_code = (*rng.pick(words::CASE_CODES)).to_owned();
        let count = rng.between(1, 5) as usize;
        let mut persons: Vec<String> = words::PERSONS.iter().map(|name| (*name).to_owned()).collect();
        rng.shuffle(&mut persons);
        persons.truncate(count);
        let start = NaiveDate::default().and_time(chrono::NaiveTime::MIN) + TimeDelta::days(20_000);
        let now = start + TimeDelta::seconds(rng.between(0, 500 * 86_400));
        let failures = settings.failures;
        Self {
            rng,
            failures,
            insure_num,
            user,
            case_code,
            persons,
            now,
            notices: Vec::new(),
        }
    }

    /// From the application to the policy, with notices that may come at any time.
    pub fn to_issue(&mut self) -> Progress {
        self.perhaps_alarm(0.08);
        self.perhaps_unknown();
        if !self.insure() || !self.pay() || self.rng.chance(NOT_ISSUED_YET) {
            return Progress::Stopped;
        }
        self.issue()
    }

    /// As a proposal that replaces another: no underwriting and no payment of its own, or one by the cancelled one.
    pub fn reissued_to_issue(&mut self) -> Progress {
        self.perhaps_alarm(0.05);
        if self.rng.chance(0.3) {
            self.pay_by_reissue();
        }
        self.issue()
    }

    /// The steps that may follow the issue: e-policy, endorsements, cancellation.
    pub fn after(&mut self, progress: Progress) {
        match progress {
            Progress::Stopped => {}
            Progress::IssueFailed => {
                if self.rng.chance(0.5) {
                    self.cancel_in_full();
                }
            }
            Progress::Issued => {
                self.perhaps_e_policy();
                self.perhaps_endorse();
                self.perhaps_cancel();
            }
        }
        self.perhaps_alarm(0.03);
    }

    /// Reports an abnormality.
    pub fn alarm(&mut self) {
        let fail_msg = self.rng.maybe_word(0.9, words::FAILURES);
        // The document gives this notice three fields: no user, no product.
        let notice = Notice {
            insure_num: self.insure_num.clone(),
            partner_unique_key: None,
            case_code: None,
            other_info: Vec::new(),
            event: Event::Abnormal { fail_msg },
        };
        self.push(notice);
    }

    /// Reports a notice of an undocumented type.
    pub fn unknown(&mut self) {
        let notify_type = NotifyType(*self.rng.pick(words::UNKNOWN_TYPES));
        self.report(Event::Unknown(notify_type));
    }

    /// Reports the application. Returns whether it succeeded in the end.
    pub fn insure(&mut self) -> bool {
        let insured = self.fallible(Event::Insured);
        if insured && self.rng.chance(0.04) {
            // Reported again with other values: a distinct notice.
            self.report(Event::Insured(StepOutcome::ok()));
        }
        insured
    }

    fn perhaps_alarm(&mut self, share: f64) {
        while self.rng.chance(share) {
            self.alarm();
        }
    }

    fn perhaps_unknown(&mut self) {
        if self.rng.chance(0.04) {
            self.unknown();
        }
    }

    /// A step that may be reported failed (once or twice) before it succeeds; sometimes it never does.
    fn fallible(&mut self, event: impl Fn(StepOutcome) -> Event) -> bool {
        if self.rng.chance(self.failures) {
            for _ in 0..self.rng.between(1, 2) {
                let reason = self.rng.word(words::FAILURES);
                self.report(event(StepOutcome::failed(reason)));
            }
            if self.rng.chance(0.25) {
                return false;
            }
        }
        self.report(event(StepOutcome::ok()));
        true
    }

    fn report(&mut self, event: Event) {
        let partner_unique_key = match self.rng.between(0, 19) {
            0 => None,
            1 => Some(format!("{}·另", self.user)),
            _ => Some(self.user.clone()),
        };
        // The endorsement notice has no caseCode.
        let case_code = match (&event, self.rng.between(0, 19)) {
            (Event::Endorsed(_), _) | (_, 0) => None,
            (_, 1) => Some((*self.rng.pick(words::CASE_CODES)).to_owned()),
            _ => Some(self.case_code.clone()),
        };
        let other_info = self.other_info(0.06);
        let insure_num = self.insure_num.clone();
        self.push(Notice {
            insure_num,
            partner_unique_key,
            case_code,
            other_info,
            event,
        });
    }

    fn other_info(&mut self, share: f64) -> Vec<(String, String)> {
        let mut info = Vec::new();
        while self.rng.chance(share) || (!info.is_empty() && self.rng.chance(0.5)) {
            let value = (*self.rng.pick(words::OTHER_VALUES)).to_owned();
            info.push((format!("k{}", 9 - info.len() % 10), value));
        }
        info.truncate(10);
        info
    }

    /// Lets time pass. A notice repeated at the same time would be a duplicate, which only the schedule makes.
    fn push(&mut self, notice: Notice) {
        self.now += TimeDelta::seconds(self.rng.between(1, 90_000));
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }
}
