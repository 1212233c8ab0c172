//! Spans, sent by OTLP where the configuration names an endpoint. Where it names none, everything here is a question of
//! one `Option`. Nothing here waits, fails or blocks: what the collector does not take in time is dropped, and counted.

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
use queue::Sending;
use sampler::Honouring;

/// How long the last spans may take at the end of a service.
pub const FINISH_WITHIN: Duration = Duration::from_secs(2);

/// As many as a batch may have deliveries, and some.
const MOST_LINKS: u32 = 1_024;

/// Where spans go, or nowhere.
#[derive(Debug, Clone, Default)]
pub struct Traces(Option<Arc<On>>);

#[derive(Debug)]
struct On {
    tracer: SdkTracer,
    share: Honouring,
    sending: Sending,
}

/// What a span is to the spans of other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanRole {
    Server,
    Producer,
    Consumer,
    Internal,
}

/// A span, or nothing; it ends when it is dropped.
#[derive(Debug, Default)]
pub struct Span(Option<opentelemetry_sdk::trace::Span>);

impl Traces {
    /// Nowhere, if there is no configuration. Must be called inside a Tokio runtime.
    pub fn start(config: Option<&OtlpConfig>, service: &'static str) -> Self {
        let Some(config) = config else {
            return Self::default();
        };
        let about = [
            KeyValue::new("service.name", service),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", host::process()),
        ];
        let resource = Resource::builder_empty().with_attributes(about).build();
        let (processor, sending) = queue::start(config.clone(), &resource);
        let share = Honouring::of(config.sample_ratio);
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(share.clone())
            .with_span_limits(limits())
            .with_span_processor(processor)
            .build();
        let tracer = provider.tracer(service);
        Self(Some(Arc::new(On {
            tracer,
            share,
            sending,
        })))
    }

    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Counts what is dropped: nothing, where nothing is sent.
    pub fn register(&self, registry: &mut Registry) {
        let dropped: Counter = self
            .0
            .as_ref()
            .map(|on| on.sending.dropped.clone())
            .unwrap_or_default();
        registry.register("spans_dropped", "Spans that the collector has not taken", dropped);
    }

    /// The same place, recorded only if it belongs to this side's share of traces, whatever it says itself.
    pub fn by_share(&self, place: TraceParent) -> TraceParent {
        let Some(on) = &self.0 else {
            return place;
        };
        let recorded =
            place.flags & 1 == 1 && on.share.takes(TraceId::from_bytes(place.trace_id.to_be_bytes()));
        TraceParent {
            flags: u8::from(recorded),
            ..place
        }
    }

    /// A span below the one that is named, or the first of a trace.
    pub fn span(&self, kind: SpanRole, name: &'static str, parent: Option<TraceParent>) -> Span {
        self.build(kind, name, parent, Vec::new)
    }

    /// The same, and tied to those.
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

    /// Sends what is there, within the bound; nothing is sent afterwards.
    pub async fn finish(&self, bound: Duration) {
        if let Some(on) = &self.0 {
            on.sending.finish(bound).await;
        }
    }
}

impl Span {
    /// Whether it is to be sent; if not, what is said of it is lost.
    pub fn is_recorded(&self) -> bool {
        self.0.as_ref().is_some_and(|span| span.is_recording())
    }

    /// Its place, for spans below it.
    pub fn place(&self) -> Option<TraceParent> {
        let context = self.0.as_ref()?.span_context();
        Some(TraceParent {
            trace_id: u128::from_be_bytes(context.trace_id().to_bytes()),
            span_id: u64::from_be_bytes(context.span_id().to_bytes()),
            flags: context.trace_flags().to_u8(),
        })
    }

    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(span) = &mut self.0 {
            span.set_attribute(KeyValue::new(key, value));
        }
    }

    /// Something went wrong on this side. The words name no person.
    pub fn fail(&mut self, words: &'static str) {
        if let Some(span) = &mut self.0 {
            span.set_status(Status::error(words));
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

/// All of them, for those that are left out are read from the environment.
fn limits() -> SpanLimits {
    SpanLimits {
        max_events_per_span: 8,
        max_attributes_per_span: 32,
        max_links_per_span: MOST_LINKS,
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
