//! The trace of a request: from its `traceparent` through its spans to the header of the message.

use actix_web::http::header::HeaderMap;
use xiebao_core::envelope::Envelope;
use xiebao_core::traceparent::TraceParent;
use xiebao_runtime::traces::{Span, SpanRole, Traces};

use crate::reply::Verdict;

/// The trace of one request.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    incoming: Option<TraceParent>,
    /// The span of the request, from its head to its answer.
    server: Span,
    /// The span of publishing.
    producer: Span,
    /// The `traceparent` of the message.
    outgoing: Option<TraceParent>,
}

impl Trace {
    /// Starts the span of a request. If its sender is `trusted`, the request decides if the trace is recorded.
    pub fn of(headers: &HeaderMap, traces: &Traces, trusted: bool) -> Self {
        let incoming = headers.get("traceparent").and_then(|value| value.to_str().ok());
        let incoming = incoming.and_then(TraceParent::parse);
        let incoming = match trusted {
            true => incoming,
            false => incoming.map(|place| traces.by_share(place)),
        };
        Self {
            incoming,
            server: traces.span(SpanRole::Server, "receive notice", incoming),
            producer: Span::default(),
            outgoing: None,
        }
    }

    /// Starts the span of publishing and returns the `traceparent` for the message: of this span or, without spans, of the
    /// request, or a new one if the request has no valid one.
    pub fn publish(&mut self, traces: &Traces) -> String {
        self.producer = traces.span(SpanRole::Producer, "publish notice", self.server.place());
        let outgoing = self.producer.place().or(self.incoming).unwrap_or_else(new);
        self.outgoing = Some(outgoing);
        outgoing.to_string()
    }

    /// Ends the span of publishing. `stored`: the broker confirmed.
    pub fn published(&mut self, envelope: &Envelope, stored: bool) {
        let mut span = std::mem::take(&mut self.producer);
        if span.is_recorded() {
            span.set("messaging.system", "rabbitmq");
            span.set("messaging.operation.type", "send");
            span.set(
                "messaging.rabbitmq.destination.routing_key",
                envelope.routing_key(),
            );
            span.set("messaging.message.id", envelope.digest().to_string());
            self.server.set("notice.digest", envelope.digest().to_string());
        }
        if !stored {
            span.fail("the broker did not confirm in time");
        }
    }

    /// The trace for the log field `trace.id`.
    pub fn place(&self) -> Option<TraceParent> {
        self.outgoing.or_else(|| self.server.place()).or(self.incoming)
    }

    /// Ends the span of the request. Type and partner are as the body claims them.
    pub fn answered(&mut self, verdict: Verdict, notify_type: Option<i64>, partner: Option<i64>) {
        let mut span = std::mem::take(&mut self.server);
        if !span.is_recorded() {
            return;
        }
        span.set("http.request.method", "POST");
        span.set("http.response.status_code", 200);
        span.set("notice.verdict", verdict.name());
        if let Some(notify_type) = notify_type {
            span.set("notice.type", notify_type);
        }
        if let Some(partner) = partner {
            span.set("partner.id", partner);
        }
        if verdict == Verdict::Unavailable {
            span.fail("not stored");
        }
    }
}

fn new() -> TraceParent {
    // Neither id may be zero.
    TraceParent {
        trace_id: rand::random_range(1..=u128::MAX),
        span_id: rand::random_range(1..=u64::MAX),
        flags: 1,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn outgoing(incoming: Option<&'static str>) -> String {
        let mut headers = HeaderMap::new();
        if let Some(value) = incoming {
            headers.insert(
                HeaderName::from_static("traceparent"),
                HeaderValue::from_static(value),
            );
        }
        let traces = Traces::default();
        Trace::of(&headers, &traces, true).publish(&traces)
    }

    #[test]
    fn without_spans_a_valid_trace_is_passed_on() {
        let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(outgoing(Some(given)), given);
    }

    #[test]
    fn a_missing_or_invalid_trace_is_replaced_by_a_valid_one() {
        for value in [
            None,
            Some(""),
            Some("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"),
        ] {
            let made = outgoing(value);
            assert!(
                TraceParent::parse(&made).is_some() && Some(made.as_str()) != value,
                "{value:?}: {made:?}"
            );
        }
    }
}
