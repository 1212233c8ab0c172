//! One delivery on its way through a batch.

use std::panic::catch_unwind;

use bytes::Bytes;
use lapin::message::Delivery;
use xiebao_core::envelope::{Envelope, header};
use xiebao_core::id::Step;
use xiebao_core::ledger::Arrival;
use xiebao_core::reason::{Reason, Rejection};
use xiebao_core::rules::Rules;
use xiebao_core::sequencing::DeliveryOutcome;
use xiebao_runtime::clock;
use xiebao_runtime::traces::Span;
use xiebao_store::sql::notices::NoticeRow;

use crate::delivery::text_header;
use crate::isolation::{JobOutcome, Work};
use crate::metrics::result_label;
use crate::spans::{self, trace_id};
use crate::worker::Worker;

/// A delivery, its content and the state of its processing.
pub(super) struct Item {
    pub delivery: Delivery,
    pub content: Content,
    /// Below the trace that the message names, if that is recorded.
    pub span: Span,
    /// `applied`, `held` …, once a transaction has decided; not set for a notice that must be put away.
    result: Option<&'static str>,
    /// Committed, or published and acknowledged: the lane is finished with it.
    pub is_answered: bool,
}

/// The content of a delivery, as far as it is known.
pub(super) enum Content {
    /// A notice to be applied or kept.
    Notice(Envelope),
    /// Its content can never be applied.
    Rejected(Envelope, Rejection),
    /// Its own transaction fails, with this error.
    Failing(Envelope, String),
    /// Its proposal stays locked by another transaction.
    Locked(Envelope),
    /// Not a notice.
    Unreadable,
}

impl Content {
    /// Tells if it is a notice that no transaction has rejected or failed.
    pub fn is_notice(&self) -> bool {
        matches!(self, Self::Notice(..))
    }

    /// The envelope; `None` if it is unreadable.
    pub fn envelope(&self) -> Option<&Envelope> {
        match self {
            Self::Notice(envelope)
            | Self::Rejected(envelope, _)
            | Self::Failing(envelope, _)
            | Self::Locked(envelope) => Some(envelope),
            Self::Unreadable => None,
        }
    }

    /// The label of a delivery on which no transaction has decided.
    fn undecided_result(&self) -> &'static str {
        match self {
            Self::Notice(..) => "returned",
            Self::Rejected(_, rejection) => rejection.reason.name(),
            Self::Failing(..) => "failed",
            Self::Locked(..) => "locked",
            Self::Unreadable => Reason::Unreadable.name(),
        }
    }
}

impl Item {
    /// Reads a delivery, and says what a transaction has to do with it. A panic while reading makes it unreadable.
    pub fn read(delivery: Delivery, rules: &Rules) -> (Self, Option<Work>) {
        let (content, work) =
            catch_unwind(|| read_content(&delivery, rules)).unwrap_or((Content::Unreadable, None));
        let item = Self {
            delivery,
            content,
            span: Span::default(),
            result: None,
            is_answered: false,
        };
        (item, work)
    }

    /// Notes, counts and logs the outcome of this delivery's transaction, which is committed.
    pub fn note_outcome(&mut self, worker: &Worker, outcome: JobOutcome) {
        let Content::Notice(envelope) = &self.content else {
            return;
        };
        let lag = clock::now() - envelope.received_at();
        worker.metrics.lag.observe(lag.as_seconds_f64().max(0.0));
        let result = match outcome {
            JobOutcome::Decided(DeliveryOutcome::Rejected(rejection)) => {
                self.content = Content::Rejected(envelope.clone(), rejection);
                return;
            }
            JobOutcome::Failed(error) => {
                self.content = Content::Failing(envelope.clone(), error);
                return;
            }
            JobOutcome::Locked => {
                self.content = Content::Locked(envelope.clone());
                return;
            }
            JobOutcome::Decided(decided) => result_label(&decided),
            JobOutcome::Kept => "ignored",
        };
        worker.metrics.count(envelope.notify_type(), result);
        tracing::debug!(
            notice.digest = %envelope.digest(),
            notice.type = envelope.notify_type().0,
            notice.result = result,
            trace.id = trace_id(envelope),
            "decided"
        );
        self.result = Some(result);
        self.is_answered = true;
    }

    /// Ends the span of this delivery with its result.
    pub fn end_span(&mut self) {
        let span = std::mem::take(&mut self.span);
        if let Some(envelope) = self.content.envelope() {
            let result = self.result.unwrap_or_else(|| self.content.undecided_result());
            spans::end(span, envelope, result);
        }
    }
}

fn read_content(delivery: &Delivery, rules: &Rules) -> (Content, Option<Work>) {
    let body = Bytes::copy_from_slice(&delivery.data);
    let reading = Envelope::with_notice(body, |name| text_header(delivery, name), clock::now());
    let Ok((envelope, notice)) = reading else {
        return (Content::Unreadable, None);
    };
    if !Step::of(envelope.notify_type()).is_some_and(|step| rules.is_subscribed(step)) {
        let row = NoticeRow::of_ignored(&envelope);
        return (Content::Notice(envelope), Some(Work::Keep(row)));
    }
    match notice {
        Ok(notice) => {
            let num = notice.insure_num.clone();
            let arrival = Arrival {
                notice: notice.into(),
                raw: envelope.body().clone(),
                received_at: envelope.received_at(),
                redelivered: delivery.redelivered || text_header(delivery, header::HANDED_BACK).is_some(),
            };
            (Content::Notice(envelope), Some(Work::Apply(num, arrival)))
        }
        Err(rejection) => (Content::Rejected(envelope, rejection), None),
    }
}
