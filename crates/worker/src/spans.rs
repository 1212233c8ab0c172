//! The spans of a batch: one for each delivery whose trace is recorded, below the place that its message names, and one for
//! what is done to all of them together, tied to each.

use xiebao_core::envelope::Envelope;
use xiebao_core::traceparent::TraceParent;
use xiebao_runtime::traces::{Kind, Span, Traces};

/// Nothing at all where no delivery of the batch is recorded.
#[derive(Debug, Default)]
pub(crate) struct Spans {
    /// From taking the batch to the commit of its last transaction.
    apply: Span,
    /// By the delivery's place in the batch.
    process: Vec<Span>,
}

impl Spans {
    /// The deliveries' envelopes in their order; `None` for what is none.
    pub fn begin<'e>(traces: &Traces, envelopes: impl Iterator<Item = Option<&'e Envelope>>) -> Self {
        if !traces.is_on() {
            return Self::default();
        }
        let recorded = |envelope: &Envelope| envelope.trace().filter(|place| place.is_sampled());
        let places: Vec<Option<TraceParent>> = envelopes.map(|envelope| recorded(envelope?)).collect();
        if places.iter().all(Option::is_none) {
            return Self::default();
        }
        let tied = places.iter().flatten().copied();
        let mut apply = traces.linked_span(Kind::Internal, "apply", None, tied);
        apply.set("batch.size", i64::try_from(places.len()).unwrap_or(i64::MAX));
        let link = apply.place();
        let process = places.into_iter().map(|place| match place {
            Some(place) => {
                traces.linked_span(Kind::Consumer, "process notice", Some(place), link.into_iter())
            }
            None => Span::default(),
        });
        Self {
            process: process.collect(),
            apply,
        }
    }

    /// The last transaction is over.
    pub fn applied(&mut self) {
        drop(std::mem::take(&mut self.apply));
    }

    /// What is not decided, or never will be.
    pub fn end_others<'e>(&mut self, contents: impl Iterator<Item = (Option<&'e Envelope>, &'static str)>) {
        if self.process.is_empty() {
            return;
        }
        for (mark, (envelope, result)) in contents.enumerate() {
            if let Some(envelope) = envelope {
                self.end(mark, envelope, result);
            }
        }
    }

    /// What became of a delivery. Said once: what is said afterwards is lost.
    pub fn end(&mut self, mark: usize, envelope: &Envelope, result: &'static str) {
        let Some(span) = self.process.get_mut(mark) else {
            return;
        };
        let mut span = std::mem::take(span);
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
}

/// What the logs name the trace of a notice by.
pub(crate) fn trace_id(envelope: &Envelope) -> Option<impl tracing::Value> {
    envelope
        .trace()
        .map(|place| tracing::field::display(place.trace()))
}
