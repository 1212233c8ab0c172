//! Decides which spans are recorded.

use opentelemetry::trace::{Link, SpanKind, TraceContextExt as _, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

/// Records a span whose parent is recorded or, without a parent, one of whose links is; and a share of the traces that begin
/// here.
#[derive(Debug, Clone)]
pub(super) struct ParentOrLinksSampler {
    share: Sampler,
}

impl ParentOrLinksSampler {
    /// `share` of the new traces, from 0 to 1.
    pub fn with_share(share: f64) -> Self {
        Self {
            share: Sampler::TraceIdRatioBased(share),
        }
    }

    /// Tells if a trace belongs to the share.
    pub fn is_in_share(&self, trace_id: TraceId) -> bool {
        let result = self
            .share
            .should_sample(None, trace_id, "", &SpanKind::Server, &[], &[]);
        result.decision == SamplingDecision::RecordAndSample
    }
}

impl ShouldSample for ParentOrLinksSampler {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let parent = parent_context.map(|context| context.span().span_context().clone());
        let recorded = match parent.filter(|parent| parent.is_valid()) {
            Some(parent) => parent.is_sampled(),
            None if !links.is_empty() => links.iter().any(|link| link.span_context.is_sampled()),
            None => {
                let share = &self.share;
                return share.should_sample(None, trace_id, name, span_kind, attributes, links);
            }
        };
        SamplingResult {
            decision: match recorded {
                true => SamplingDecision::RecordAndSample,
                false => SamplingDecision::Drop,
            },
            attributes: Vec::new(),
            trace_state: TraceState::NONE,
        }
    }
}
