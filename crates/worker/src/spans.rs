//! The spans of a batch: one for each delivery with a recorded trace, and one for the transactions of the whole batch,
//! linked to each of them.

use xiebao_core::envelope::Envelope;
use xiebao_core::traceparent::TraceParent;
use xiebao_runtime::traces::{Span, SpanRole, Traces};

/// The span of a batch, from its transactions' beginning to the last commit. None if no trace of the batch is recorded.
pub(crate) fn apply<'e>(
    traces: &Traces,
    envelopes: impl Iterator<Item = &'e Envelope>,
    batch_size: usize,
) -> Span {
    let places: Vec<TraceParent> = envelopes.filter_map(recorded).collect();
    if places.is_empty() {
        return Span::default();
    }
    let mut apply = traces.linked_span(SpanRole::Internal, "apply", None, places.into_iter());
    apply.set("batch.size", i64::try_from(batch_size).unwrap_or(i64::MAX));
    apply
}

/// The span of one delivery, linked to that of its batch. None if its trace is not recorded.
pub(crate) fn process(traces: &Traces, envelope: &Envelope, apply: &Span) -> Span {
    match recorded(envelope) {
        Some(place) => {
            let link = apply.place().into_iter();
            traces.linked_span(SpanRole::Consumer, "process notice", Some(place), link)
        }
        None => Span::default(),
    }
}

fn recorded(envelope: &Envelope) -> Option<TraceParent> {
    envelope.trace().filter(|place| place.is_sampled())
}

/// Ends the span of a delivery.
pub(crate) fn end(mut span: Span, envelope: &Envelope, result: &'static str) {
    if span.is_recorded() {
        span.set("messaging.system", "rabbitmq");
        span.set("messaging.operation.type", "process");
        span.set("messaging.message.id", envelope.digest().to_string());
        span.set("notice.digest", envelope.digest().to_string());
        span.set("notice.type", envelope.notify_type().0);
        span.set("partner.id", envelope.partner_id().0);
        span.set("notice.result", result);
    }
}

/// The trace of a notice, for the log field `trace.id`.
pub(crate) fn trace_id(envelope: &Envelope) -> Option<impl tracing::Value> {
    envelope
        .trace()
        .map(|place| tracing::field::display(place.trace()))
}
