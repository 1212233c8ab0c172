use chrono::TimeDelta;
use xiebao_core::id::{NotifyType, Step};
use xiebao_core::lifecycle::Status;
use xiebao_core::reason::Reason;
use xiebao_store::sql::operations::Action;

use super::English;
use crate::words::{Label, Terms};

impl Terms for English {
    fn label(&self, label: Label) -> &'static str {
        match label {
            Label::Proposal => "Proposal",
            Label::Partner => "partner",
            Label::User => "user",
            Label::CaseCode => "product code",
            Label::Applied => "Applied, in this order",
            Label::Held => "Waiting",
            Label::NotComeYet => "Still missing",
            Label::Ignored => "Kept without being applied",
            Label::Pruned => "Pruned: their bodies are gone",
            Label::DeadLetters => "Dead letters",
            Label::Disagreements => "Issue notices that disagree (the one received later is believed)",
            Label::Unmatched => "Cancelled persons who are in no policy",
            Label::Reissues => "Cancelled and reissued",
            Label::Rows => "Business rows",
            Label::Possible => "Possible now",
            Label::Gateway => "gateway",
            Label::PayTime => "paid at",
            Label::Payment => "payment",
            Label::Policy => "policy",
            Label::Cover => "cover",
            Label::Applicant => "applicant",
            Label::InsuredPersons => "insured",
            Label::Left => "left",
            Label::Leaving => "persons who leave",
            Label::WholeProposal => "the whole proposal is cancelled",
            Label::NewProposal => "reissued as",
            Label::EndorsementStatus => "endorsement",
            Label::Message => "message",
            Label::Remark => "remark",
            Label::CancelReason => "reason of the cancellation",
            Label::FailReason => "reason of the failure",
            Label::OtherInfo => "other information",
            Label::Cancelled => "cancelled",
            Label::NoNewMoney => "paid by the cancelled proposal, no new money",
            Label::Repair => "to repair",
            Label::Why => "cause",
            Label::Status => "status",
            Label::Received => "received",
            Label::BecameDead => "became dead",
            Label::Requeued => "requeued",
            Label::DiscardedBecause => "discarded because",
            Label::Body => "body",
            Label::Digest => "digest",
            Label::Policies => "policies",
            Label::ThisOne => "this one",
            Label::SignatureForm => "signed text",
            Label::Attempts => "failed attempts",
            Label::Operations => "Operations",
        }
    }

    fn pair(&self, label: &str, value: &str) -> String {
        format!("{label}: {value}")
    }

    fn list(&self, items: &[String]) -> String {
        items.join(", ")
    }

    fn clauses(&self, items: &[String]) -> String {
        items.join("; ")
    }

    fn step(&self, step: Step) -> &'static str {
        match step {
            Step::Insured => "insured notice",
            Step::Paid => "payment notice",
            Step::Issued => "issue notice",
            Step::Cancelled => "cancellation notice",
            Step::Reissued => "reissue notice",
            Step::EPolicy => "e-policy notice",
            Step::Endorsement => "endorsement notice",
            Step::Abnormality => "abnormality notice",
        }
    }

    fn notice(&self, notify_type: Option<NotifyType>) -> String {
        match notify_type {
            Some(number) => match Step::of(number) {
                Some(step) => format!("{} ({number})", self.step(step)),
                None => format!("notice of an undocumented type ({number})"),
            },
            None => "unreadable notice".to_owned(),
        }
    }

    fn outcome(&self, success: bool) -> &'static str {
        if success { "success" } else { "failure" }
    }

    fn status(&self, status: Status) -> &'static str {
        match status {
            Status::Reissued => "cancelled and reissued",
            Status::Cancelled => "cancelled",
            Status::PartiallyCancelled => "cancelled for some of the insured",
            Status::Issued => "issued",
            Status::IssueFailed => "issue failed",
            Status::Paid => "paid; not issued yet",
            Status::PayFailed => "payment failed",
            Status::Insured => "insured; not paid yet",
            Status::InsureFailed => "insuring failed",
        }
    }

    fn gateway(&self, code: i64) -> Option<&'static str> {
        Some(match code {
            0 => "transfer",
            1 => "Alipay",
            2 => "Chinabank",
            3 => "UnionPay",
            10 => "99bill",
            12 | 13 => "Yeepay",
            14 => "Tenpay",
            15 => "mobile payment",
            16 => "UnionPay B2B",
            17 => "monthly settlement",
            19 => "coins",
            21 => "WeChat",
            -1 => "balance",
            -2 => "coupon",
            -3 | -12 => "cancelled and reissued",
            -4 | -10 => "internal",
            -5 => "gold beans",
            -11 => "bank withholding",
            -14 => "red envelope",
            _ => return None,
        })
    }

    fn endorsement(&self, status: i64) -> Option<&'static str> {
        Some(match status {
            1 => "approved",
            2 => "refused",
            3 => "submitted, under way",
            4 => "endorsed",
            5 => "failed",
            _ => return None,
        })
    }

    fn column(&self, column: &'static str) -> &'static str {
        match column {
            "product_id" => "product id",
            "product_name" => "product name",
            "plan_id" => "plan id",
            "plan_name" => "plan name",
            "applicant" => "applicant",
            "start_date" => "first day of cover",
            "end_date" => "last day of cover",
            "insured_persons" => "insured persons",
            other => other,
        }
    }

    fn reason(&self, reason: Reason) -> &'static str {
        match reason {
            Reason::Unreadable => "the body is not a readable notice",
            Reason::Incomplete => "a required value is missing",
            Reason::InvalidField => "a value is invalid",
            Reason::TooLong => "a value is too long to be stored",
            Reason::PartnerMismatch => "the proposal belongs to another partner",
            Reason::TimedOut => "its predecessors did not come in time",
            Reason::ApplyFailed => "applying it failed repeatedly",
            Reason::DeliveryLimit => "it was delivered too often without being acknowledged",
            Reason::Pruned => "the bodies of its proposal's earlier notices were pruned",
        }
    }

    fn repair(&self, reason: Reason) -> &'static str {
        match reason {
            Reason::Unreadable => {
                "Receivers never publish an unreadable body: it was published by hand, or by a later release. If \
                 the cause names an envelope version, upgrade the workers, then requeue it (dead requeue). Otherwise \
                 discard it (dead discard)."
            }
            Reason::Incomplete | Reason::InvalidField => {
                "Ask the platform to correct it and send it again as a new notice: name the proposal, the type and the \
                 cause. When the new notice has come (trace), discard this one (dead discard); requeued unchanged, it becomes a \
                 dead letter again."
            }
            Reason::TooLong => {
                "Ask the platform whether the value is right. If it is, a release must widen the column: upgrade, run \
                 migrate, then requeue it (dead requeue). Otherwise discard it (dead discard)."
            }
            Reason::PartnerMismatch => {
                "Ask the platform which partner the proposal belongs to (trace shows the partner that came first). If it is that \
                 partner, discard this one, and check keys_file: a key may be in the wrong hands. If it is the partner of this \
                 notice, void the notices of the other one first (notice void); then requeue it (dead requeue)."
            }
            Reason::TimedOut => {
                "Ask the platform for the missing predecessors; when they have come (trace), requeue it (dead requeue). If they \
                 never come, set sequencing.<step>.on_timeout to \"apply\", restart the workers, requeue it, and release it \
                 if it must not wait again (held release)."
            }
            Reason::ApplyFailed => {
                "The cause names the obstacle in the database (a trigger, a constraint, a missing right); the log of the workers \
                 has more under notice.digest. Remove it, requeue this one, and if that works, the others \
                 (dead requeue --reason apply_failed)."
            }
            Reason::DeliveryLimit => {
                "Workers ended repeatedly while they processed it: read their log, and check whether they were killed for \
                 lack of memory. Repair that or upgrade, requeue this one, and if that works, the others \
                 (dead requeue --reason delivery_limit)."
            }
            Reason::Pruned => {
                "Its proposal was pruned because of its age: its rows stay as they are, and a person must transfer the content of \
                 this notice (dead show) to your own system. Then discard it (dead discard). To apply it instead, restore the \
                 bodies from a backup (docs/operations.md), and requeue it."
            }
        }
    }

    fn readable_now(&self) -> &'static str {
        "This release can read it: requeue it (dead requeue)."
    }

    fn action(&self, action: Action) -> &'static str {
        match action {
            Action::RequeueDead => "requeued dead letter",
            Action::DiscardDead => "discarded dead letter",
            Action::ReleaseHeld => "released",
            Action::VoidNotice => "voided",
            Action::RestoreNotice => "restored",
            Action::Rebuild => "rebuilt",
            Action::Reprocess => "reprocessed",
            Action::Prune => "pruned",
        }
    }

    fn letter_status<'s>(&self, status: &'s str) -> &'s str {
        status
    }

    fn duration(&self, duration: TimeDelta) -> String {
        let seconds = duration.num_seconds().max(0);
        let units = [
            (seconds / 86_400, "d"),
            (seconds / 3_600 % 24, "h"),
            (seconds / 60 % 60, "min"),
            (seconds % 60, "s"),
        ];
        let parts: Vec<String> = units
            .iter()
            .filter(|(n, _)| *n > 0)
            .take(2)
            .map(|(n, unit)| format!("{n} {unit}"))
            .collect();
        if parts.is_empty() {
            "less than 1 s".to_owned()
        } else {
            parts.join(" ")
        }
    }

    fn times(&self, count: i64) -> String {
        match count {
            1 => "once".to_owned(),
            2 => "twice".to_owned(),
            more => format!("{more} times"),
        }
    }
}
