//! The handler: one verdict per request.

use std::net::IpAddr;
use std::time::Instant;

use actix_web::http::{Method, header};
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use xiebao_amqp::Unavailable;
use xiebao_core::attempts::Attempts;
use xiebao_core::envelope::Envelope;
use xiebao_core::id::{NotifyType, PartnerId, Step};
use xiebao_core::notice::{Malformed, RawNotice};
use xiebao_core::reason::Reason;
use xiebao_core::signature::{self, SignatureError, VerifiedNotice};
use xiebao_runtime::clock;

use crate::body::{self, BodyError};
use crate::receiver::Receiver;
use crate::refusals::Refusal;
use crate::reply::Verdict;
use crate::source;
use crate::trace::Trace;

/// Facts about a request, as far as it was examined.
#[derive(Debug, Default)]
struct Findings {
    source: Option<IpAddr>,
    /// A claim, unless the verdict says that the notice is authentic.
    notify_type: Option<NotifyType>,
    partner: Option<PartnerId>,
    /// Why it was refused, without any content of the body.
    why: Option<String>,
    trace: Trace,
    /// The digest and the proposal number of an authentic notice that the broker did not confirm.
    authentic: Option<(String, Option<String>)>,
    /// The body of a notice that is not authentic.
    body: Option<Bytes>,
}

/// Handles a notice of any Content-Type.
pub(crate) async fn handle(request: HttpRequest, payload: Payload, receiver: Data<Receiver>) -> HttpResponse {
    if request.path() != receiver.config.path {
        return HttpResponse::NotFound().finish();
    }
    if request.method() != Method::POST {
        return HttpResponse::MethodNotAllowed()
            .insert_header((header::ALLOW, "POST"))
            .finish();
    }
    let begun = Instant::now();
    let _in_flight = receiver.metrics.enter();
    let mut findings = Findings::default();
    let verdict = receiver.judge(&request, payload, &mut findings).await;
    findings.log(verdict);
    findings.end_trace(verdict);
    if !verdict.is_stored() {
        receiver.refusals.note(&findings.refusal(verdict));
    }
    receiver
        .metrics
        .note_answer(findings.notify_type, verdict, begun.elapsed());
    verdict.reply(receiver.shutdown.is_cancelled())
}

impl Receiver {
    async fn judge(&self, request: &HttpRequest, mut payload: Payload, findings: &mut Findings) -> Verdict {
        findings.source = source::address(
            request.peer_addr(),
            request.headers(),
            &self.config.trusted_proxies,
        );
        if !source::is_allowed(findings.source, &self.config.allow) {
            body::drain(&mut payload).await;
            return Verdict::NotAllowed;
        }
        let trusted = !self.config.allow.is_empty();
        findings.trace = Trace::of(request.headers(), &self.traces, trusted);
        let body = match self.bodies.read(&mut payload, request.headers()).await {
            Ok(body) => body,
            Err(BodyError::TooLarge) => return Verdict::TooLarge,
            Err(BodyError::Incomplete) => {
                findings.why = Some("the body is incomplete".to_owned());
                return Verdict::Malformed;
            }
            Err(BodyError::NoRoom) => {
                findings.why = Some("too many large bodies at the same time".to_owned());
                return Verdict::Unavailable;
            }
        };
        let received_at = clock::now();
        match self.verify(&body.bytes, findings) {
            Ok(notice) => {
                self.metrics.note_signature(&notice);
                let trace = findings.trace.publish(&self.traces);
                let envelope = Envelope::new(&notice, received_at, Some(trace));
                self.store(&notice, &envelope, findings).await
            }
            Err(error) => {
                findings.why = Some(describe(&error).to_owned());
                findings.body = Some(body.bytes.clone());
                refusal(&error)
            }
        }
    }

    fn verify(&self, body: &Bytes, findings: &mut Findings) -> Result<VerifiedNotice, SignatureError> {
        let raw = RawNotice::parse(body)?;
        findings.notify_type = Some(raw.notify_type);
        findings.partner = Some(raw.partner_id);
        signature::verify(raw, &self.keys.keys())
    }

    /// Publishes an authentic notice; the verdict is one of success only if the broker confirmed it.
    async fn store(&self, notice: &VerifiedNotice, envelope: &Envelope, findings: &mut Findings) -> Verdict {
        let begun = Instant::now();
        let (verdict, stored) = self.publish(notice, envelope).await;
        self.metrics.note_publish(begun.elapsed());
        findings.trace.published(envelope, stored.is_ok());
        match stored {
            Ok(()) => verdict,
            Err(error) => {
                findings.why = Some(error.to_string());
                let number = envelope.insure_num().map(ToString::to_string);
                findings.authentic = Some((envelope.digest().to_string(), number));
                Verdict::Unavailable
            }
        }
    }

    async fn publish(
        &self,
        notice: &VerifiedNotice,
        envelope: &Envelope,
    ) -> (Verdict, Result<(), Unavailable>) {
        let subscribed = Step::of(notice.notify_type()).is_some_and(|step| self.rules.is_subscribed(step));
        if !subscribed {
            return (Verdict::Ignored, self.publisher.publish(envelope).await);
        }
        match notice.insure_num() {
            Ok(None) => {
                let detail = "the notice names no proposal (insureNum)";
                let dead = self
                    .publisher
                    .publish_dead(envelope, Reason::Incomplete, detail, &Attempts::default())
                    .await;
                (Verdict::DeadLettered, dead)
            }
            // The worker dead-letters a number that fits no column, with the precise reason.
            Ok(Some(_)) | Err(_) => (Verdict::Accepted, self.publisher.publish(envelope).await),
        }
    }
}

fn refusal(error: &SignatureError) -> Verdict {
    match error {
        SignatureError::Malformed(_) => Verdict::Malformed,
        SignatureError::UnknownPartner => Verdict::UnknownPartner,
        SignatureError::BadSignature => Verdict::BadSignature,
    }
}

/// The reason for the log. It leaves out the parser's own message, which may quote the body.
fn describe(error: &SignatureError) -> &'static str {
    match error {
        SignatureError::Malformed(Malformed::NotUtf8) => "not UTF-8",
        SignatureError::Malformed(Malformed::NotAnEnvelope(_)) => "not an envelope",
        SignatureError::Malformed(Malformed::DataNoObject) => "data is not an object",
        SignatureError::Malformed(Malformed::BadNotifyType) => "notifyType is not a whole number",
        SignatureError::Malformed(Malformed::NoPartnerId) => "no partnerId",
        SignatureError::UnknownPartner => "no key is configured for the partner",
        SignatureError::BadSignature => "the signature matches no accepted text under any key",
    }
}

impl Findings {
    fn refusal(&self, verdict: Verdict) -> Refusal<'_> {
        Refusal {
            verdict,
            source: self.source,
            notify_type: self.notify_type,
            partner: self.partner,
            authentic: self.authentic.clone(),
            body: self.body.as_ref(),
        }
    }

    fn log(&self, verdict: Verdict) {
        let source = self.source.map(tracing::field::display);
        let partner = self.partner.map(|partner| partner.0);
        let notify_type = self.notify_type.map(|number| number.0);
        let (verdict_name, why) = (verdict.name(), self.why.as_deref());
        let trace = self
            .trace
            .place()
            .map(|place| tracing::field::display(place.trace()));
        if verdict.is_stored() {
            tracing::debug!(
                notice.verdict = verdict_name,
                notice.type = notify_type,
                partner.id = partner,
                source.address = source,
                trace.id = trace,
                "notice stored"
            );
        } else {
            tracing::warn!(
                notice.verdict = verdict_name,
                notice.type = notify_type,
                partner.id = partner,
                source.address = source,
                reason = why,
                trace.id = trace,
                "notice refused"
            );
        }
    }

    fn end_trace(&mut self, verdict: Verdict) {
        let (notify_type, partner) = (self.notify_type, self.partner);
        self.trace.answered(
            verdict,
            notify_type.map(|number| number.0),
            partner.map(|partner| partner.0),
        );
    }
}
