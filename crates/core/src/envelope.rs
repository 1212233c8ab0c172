//! The message on the queue: the HTTP body, byte for byte, with headers that hold what the receiver found out about it.
//!
//! Version 1. Golden files under `tests/golden` hold a message of every version ever published, so that workers and receivers of
//! neighbouring releases can run at the same time.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use thiserror::Error;

use crate::digest;
use crate::facts::Notice;
use crate::id::{Digest, InsureNum, NotifyType, PartnerId};
use crate::json::Json;
use crate::notice::{self, Malformed, RawNotice};
use crate::reason::Rejection;
use crate::signature::{Form, VerifiedNotice};
use crate::traceparent::TraceParent;

/// The value of `x-envelope-version`.
pub const VERSION: &str = "1";

/// Names of the message headers. All values are text.
pub mod header {
    /// Version of the envelope, see [`super::VERSION`].
    pub const VERSION: &str = "x-envelope-version";
    /// `notifyType` of the platform.
    pub const NOTIFY_TYPE: &str = "x-notify-type";
    /// `partnerId` of the platform.
    pub const PARTNER_ID: &str = "x-partner-id";
    /// Proposal number; absent if the notice names none that can be stored.
    pub const INSURE_NUM: &str = "x-insure-num";
    /// First receipt: RFC 3339, UTC, in microseconds.
    pub const RECEIVED_AT: &str = "x-received-at";
    /// The text that was signed: a name of [`Form`](crate::signature::Form).
    pub const SIGNATURE_FORM: &str = "x-signature-form";
    /// W3C Trace Context.
    pub const TRACEPARENT: &str = "traceparent";
    /// `1`: a worker has handed this message back before, so this delivery may already be counted.
    pub const HANDED_BACK: &str = "x-handed-back";
    /// The cause of a dead letter: the name of a [`Reason`](crate::reason::Reason).
    pub const DEAD_REASON: &str = "x-dead-reason";
    /// The cause in words.
    pub const DEAD_DETAIL: &str = "x-dead-detail";
    /// The number of failed attempts to apply it; see [`crate::attempts`].
    pub const ATTEMPTS: &str = "x-attempts";
    /// The failed attempts as JSON; see [`Attempts::log`](crate::attempts::Attempts::log).
    pub const ATTEMPT_LOG: &str = "x-attempt-log";
}

/// An authentic notice on its way from receiver to worker.
#[derive(Debug, Clone)]
pub struct Envelope {
    body: Bytes,
    notify_type: NotifyType,
    partner_id: PartnerId,
    insure_num: Option<InsureNum>,
    digest: Digest,
    received_at: DateTime<Utc>,
    form: Option<Form>,
    traceparent: Option<String>,
}

/// The identity of a notice, as read from its body.
struct Identity {
    notify_type: NotifyType,
    partner_id: PartnerId,
    digest: Digest,
}

/// A message of the queue cannot be read as an envelope.
#[derive(Debug, Error)]
pub enum EnvelopeError {
    /// The body is not a notice of the platform.
    #[error("the body is not a notice: {0}")]
    Malformed(#[from] Malformed),
    /// A later release has published the message.
    #[error("this release does not know envelope version {0}")]
    UnknownVersion(String),
}

impl Envelope {
    /// The envelope of a notice that the receiver has verified.
    pub fn new(verified: &VerifiedNotice, received_at: DateTime<Utc>, traceparent: Option<String>) -> Self {
        Self {
            body: verified.body().clone(),
            notify_type: verified.notify_type(),
            partner_id: verified.partner_id(),
            insure_num: verified.insure_num().ok().flatten().cloned(),
            digest: verified.digest().clone(),
            received_at,
            form: Some(verified.form()),
            traceparent,
        }
    }

    /// Reads a message back. Whatever the body states needs no header, so a message that somebody moved or re-published by hand
    /// reads like any other. `read_at` stands in for a missing `x-received-at`.
    pub fn from_message<'h>(
        body: Bytes,
        header: impl Fn(&str) -> Option<&'h str>,
        read_at: DateTime<Utc>,
    ) -> Result<Self, EnvelopeError> {
        Ok(Self::read(body, header, read_at, |_, _| ())?.0)
    }

    /// [`from_message`](Self::from_message), and the notice in the message. Parses the body once for both.
    pub fn with_notice<'h>(
        body: Bytes,
        header: impl Fn(&str) -> Option<&'h str>,
        read_at: DateTime<Utc>,
    ) -> Result<(Self, Result<Notice, Rejection>), EnvelopeError> {
        Self::read(body, header, read_at, |identity, data| {
            Notice::of(identity.partner_id, identity.notify_type, data, || {
                identity.digest.clone()
            })
        })
    }

    fn read<'h, T>(
        body: Bytes,
        header: impl Fn(&str) -> Option<&'h str>,
        read_at: DateTime<Utc>,
        also: impl FnOnce(&Identity, &Json<'_>) -> T,
    ) -> Result<(Self, T), EnvelopeError> {
        if let Some(version) = header(header::VERSION).filter(|v| *v != VERSION) {
            return Err(EnvelopeError::UnknownVersion(version.to_owned()));
        }
        let raw = RawNotice::parse(&body)?;
        let object = raw.data.object()?;
        let identity = Identity {
            notify_type: raw.notify_type,
            partner_id: raw.partner_id,
            digest: digest::of_notice(raw.partner_id, raw.notify_type, &object),
        };
        let insure_num = notice::insure_num(&object).ok().flatten();
        let also = also(&identity, &object);
        drop(object);
        let received_at = header(header::RECEIVED_AT)
            .and_then(|text| DateTime::parse_from_rfc3339(text).ok())
            .map_or(read_at, |at| at.to_utc());
        let form = header(header::SIGNATURE_FORM).and_then(Form::from_name);
        let traceparent = header(header::TRACEPARENT).map(str::to_owned);
        let envelope = Self {
            body,
            notify_type: identity.notify_type,
            partner_id: identity.partner_id,
            insure_num,
            digest: identity.digest,
            received_at,
            form,
            traceparent,
        };
        Ok((envelope, also))
    }

    /// The headers to publish with. `x-insure-num` is absent if the notice names no proposal, or one too long for its column.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            (header::VERSION, VERSION.to_owned()),
            (header::NOTIFY_TYPE, self.notify_type.to_string()),
            (header::PARTNER_ID, self.partner_id.to_string()),
            (
                header::RECEIVED_AT,
                self.received_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            ),
        ];
        let optional = [
            (
                header::INSURE_NUM,
                self.insure_num.as_ref().map(InsureNum::to_string),
            ),
            (
                header::SIGNATURE_FORM,
                self.form.map(|form| form.name().to_owned()),
            ),
            (header::TRACEPARENT, self.traceparent.clone()),
        ];
        headers.extend(
            optional
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        headers
    }

    /// The `message_id` of the message.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The routing key: `notice.<type>`.
    pub fn routing_key(&self) -> String {
        format!("notice.{}", self.notify_type)
    }

    /// The HTTP body, byte for byte.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// `notifyType` of the platform.
    pub fn notify_type(&self) -> NotifyType {
        self.notify_type
    }

    /// `partnerId` of the platform.
    pub fn partner_id(&self) -> PartnerId {
        self.partner_id
    }

    /// The proposal number; `None` if the notice names none, or one too long for its column.
    pub fn insure_num(&self) -> Option<&InsureNum> {
        self.insure_num.as_ref()
    }

    /// The moment when the receiver had read the request: UTC, to the microsecond.
    pub fn received_at(&self) -> DateTime<Utc> {
        self.received_at
    }

    /// The text that was signed; `None` if the header is missing or unknown.
    pub fn form(&self) -> Option<Form> {
        self.form
    }

    /// The header `traceparent` as it came.
    pub fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }

    /// The header `traceparent`; `None` if it is missing or invalid, as in a message published by hand.
    pub fn trace(&self) -> Option<TraceParent> {
        TraceParent::parse(self.traceparent.as_deref()?)
    }
}
