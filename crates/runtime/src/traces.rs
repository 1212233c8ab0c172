//! Spans, sent by OTLP if the configuration names an endpoint. Without one, every call here costs one check of an `Option`.
//! Nothing here waits, fails or blocks: spans that the collector does not accept in time are dropped and counted.

mod post;
mod queue;
mod sampler;

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags,
    TraceId, TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanLimits};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use xiebao_core::traceparent::TraceParent;

use crate::config::OtlpConfig;
use crate::host;
use post::Collector;
use queue::SpanSender;
use sampler::ParentOrLinksSampler;

/// Bound on sending the last spans when a service ends.
pub const FINISH_WITHIN: Duration = Duration::from_secs(2);

/// More than the deliveries of the largest batch.
const MAX_LINKS: u32 = 1_024;

/// Spans cannot be sent at all.
#[derive(Debug, thiserror::Error)]
#[error("otlp: {0}")]
pub struct TracesError(#[from] post::PostError);

/// Makes spans, or none if no endpoint is configured.
#[derive(Debug, Clone, Default)]
pub struct Traces(Option<Arc<Tracing>>);

#[derive(Debug)]
struct Tracing {
    tracer: SdkTracer,
    sampler: ParentOrLinksSampler,
    sender: SpanSender,
}

/// The role of a span beside the spans of other programs; OpenTelemetry's span kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanRole {
    /// Answers a request.
    Server,
    /// Publishes a message.
    Producer,
    /// Processes a message.
    Consumer,
    /// Neither.
    Internal,
}

/// A span, or none. It ends when it is dropped.
#[derive(Debug, Default)]
pub struct Span(Option<opentelemetry_sdk::trace::Span>);

impl Traces {
    /// Starts the sending task, unless `config` is `None`. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up.
    pub fn start(config: Option<&OtlpConfig>, service: &'static str) -> Result<Self, TracesError> {
        let Some(config) = config else {
            return Ok(Self::default());
        };
        let about = [
            KeyValue::new("service.name", service),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", host::process()),
        ];
        let resource = Resource::builder_empty().with_attributes(about).build();
        let (processor, sender) = queue::start(Collector::new(config)?, &resource);
        let sampler = ParentOrLinksSampler::with_share(config.sample_ratio);
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(sampler.clone())
            .with_span_limits(limits())
            .with_span_processor(processor)
            .build();
        let tracer = provider.tracer(service);
        Ok(Self(Some(Arc::new(Tracing {
            tracer,
            sampler,
            sender,
        }))))
    }

    /// Tells if an endpoint is configured.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Registers the counter of dropped spans, which stays 0 without an endpoint.
    pub fn register(&self, registry: &mut Registry) {
        let dropped: Counter = self
            .0
            .as_ref()
            .map(|on| on.sender.dropped.clone())
            .unwrap_or_default();
        registry.register("spans_dropped", "Spans that the collector has not taken", dropped);
    }

    /// The same place, with its flag "sampled" cleared unless the trace belongs to our own share of traces.
    pub fn by_share(&self, place: TraceParent) -> TraceParent {
        let Some(on) = &self.0 else {
            return place;
        };
        let recorded = place.flags & 1 == 1
            && on
                .sampler
                .is_in_share(TraceId::from_bytes(place.trace_id.to_be_bytes()));
        TraceParent {
            flags: u8::from(recorded),
            ..place
        }
    }

    /// Starts a span below `parent`, or a new trace.
    pub fn span(&self, kind: SpanRole, name: &'static str, parent: Option<TraceParent>) -> Span {
        self.build(kind, name, parent, Vec::new)
    }

    /// Starts a span as [`span`](Self::span), linked to others.
    pub fn linked_span(
        &self,
        kind: SpanRole,
        name: &'static str,
        parent: Option<TraceParent>,
        links: impl Iterator<Item = TraceParent>,
    ) -> Span {
        self.build(kind, name, parent, || {
            links.map(|link| Link::with_context(remote(link))).collect()
        })
    }

    fn build(
        &self,
        kind: SpanRole,
        name: &'static str,
        parent: Option<TraceParent>,
        links: impl FnOnce() -> Vec<Link>,
    ) -> Span {
        let Some(on) = &self.0 else {
            return Span(None);
        };
        let context = match parent {
            Some(parent) => Context::new().with_remote_span_context(remote(parent)),
            None => Context::new(),
        };
        let builder = SpanBuilder::from_name(name)
            .with_kind(kind.into())
            .with_links(links());
        Span(Some(on.tracer.build_with_context(builder, &context)))
    }

    /// Sends the remaining spans within `bound`. Later spans are dropped.
    pub async fn finish(&self, bound: Duration) {
        if let Some(on) = &self.0 {
            on.sender.finish(bound).await;
        }
    }
}

impl Span {
    /// Tells if the span is sent; attributes of others are discarded.
    pub fn is_recorded(&self) -> bool {
        self.0.as_ref().is_some_and(|span| span.is_recording())
    }

    /// The position of this span, as the parent of others.
    pub fn place(&self) -> Option<TraceParent> {
        let context = self.0.as_ref()?.span_context();
        Some(TraceParent {
            trace_id: u128::from_be_bytes(context.trace_id().to_bytes()),
            span_id: u64::from_be_bytes(context.span_id().to_bytes()),
            flags: context.trace_flags().to_u8(),
        })
    }

    /// Sets an attribute.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(span) = &mut self.0 {
            span.set_attribute(KeyValue::new(key, value));
        }
    }

    /// Marks the span as failed, for a fixed reason without data of any notice.
    pub fn fail(&mut self, reason: &'static str) {
        if let Some(span) = &mut self.0 {
            span.set_status(Status::error(reason));
        }
    }
}

impl From<SpanRole> for SpanKind {
    fn from(kind: SpanRole) -> Self {
        match kind {
            SpanRole::Server => Self::Server,
            SpanRole::Producer => Self::Producer,
            SpanRole::Consumer => Self::Consumer,
            SpanRole::Internal => Self::Internal,
        }
    }
}

/// Sets every limit, because the SDK reads the others from the environment.
fn limits() -> SpanLimits {
    SpanLimits {
        max_events_per_span: 8,
        max_attributes_per_span: 32,
        max_links_per_span: MAX_LINKS,
        max_attributes_per_event: 8,
        max_attributes_per_link: 8,
    }
}

fn remote(place: TraceParent) -> SpanContext {
    SpanContext::new(
        TraceId::from_bytes(place.trace_id.to_be_bytes()),
        SpanId::from_bytes(place.span_id.to_be_bytes()),
        TraceFlags::new(place.flags),
        true,
        TraceState::NONE,
    )
}
