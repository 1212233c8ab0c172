//! A bounded queue of ended spans and the task that sends them. A span that finds the queue full is dropped and counted,
//! and so are those that the collector does not accept: a span is not worth the memory and the time of a retry.
//!
//! The batch processor of `opentelemetry_sdk` does not replace it: it counts full-queue drops privately, and needs a
//! blocking HTTP client on a thread of its own (ADR 0056).

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use prometheus_client::metrics::counter::Counter;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::post::Collector;

/// Capacity of the queue in spans: a few MiB.
const QUEUE_SIZE: usize = 8_192;
/// Spans per request.
const BATCH_SIZE: usize = 512;
/// How long a request waits to fill.
const GATHER: Duration = Duration::from_millis(500);

/// Takes spans as they end, and never waits.
#[derive(Debug)]
pub(super) struct Queue {
    spans: mpsc::Sender<SpanData>,
    dropped: Counter,
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.spans.try_send(span).is_err() {
            self.dropped.inc();
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// The handle of the sending task.
#[derive(Debug)]
pub(super) struct SpanSender {
    /// Spans dropped since the start.
    pub dropped: Counter,
    closing: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// Starts the sending task.
pub(super) fn start(collector: Collector, resource: &Resource) -> (Queue, SpanSender) {
    let (spans, waiting) = mpsc::channel(QUEUE_SIZE);
    let (dropped, closing) = (Counter::default(), CancellationToken::new());
    let exporter = Exporter {
        collector,
        resource: resource.into(),
        dropped: dropped.clone(),
        failing: false,
    };
    let task = tokio::spawn(exporter.run(waiting, closing.clone()));
    let queue = Queue {
        spans,
        dropped: dropped.clone(),
    };
    let task = Mutex::new(Some(task));
    let sender = SpanSender {
        dropped,
        closing,
        task,
    };
    (queue, sender)
}

impl SpanSender {
    /// Sends the queued spans, within `bound`; later ones are dropped.
    pub async fn finish(&self, bound: Duration) {
        self.closing.cancel();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut task) = task
            && timeout(bound, &mut task).await.is_err()
        {
            task.abort();
            tracing::warn!("the last spans were not sent in time");
        }
    }
}

impl Drop for SpanSender {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

struct Exporter {
    collector: Collector,
    resource: ResourceAttributesWithSchema,
    dropped: Counter,
    /// The last request failed; its warning has been logged.
    failing: bool,
}

impl Exporter {
    /// Sends until `closing`, then empties the queue.
    async fn run(mut self, mut waiting: mpsc::Receiver<SpanData>, closing: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH_SIZE);
        loop {
            let more = closing
                .run_until_cancelled(gather(&mut waiting, &mut batch))
                .await;
            if more.is_none() {
                // A closed queue still yields its content.
                waiting.close();
                while batch.len() < BATCH_SIZE
                    && let Ok(span) = waiting.try_recv()
                {
                    batch.push(span);
                }
            }
            if batch.is_empty() {
                return;
            }
            self.send(std::mem::take(&mut batch)).await;
        }
    }

    async fn send(&mut self, batch: Vec<SpanData>) {
        let count = batch.len();
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        match self.collector.post(body).await {
            Ok(()) if self.failing => {
                self.failing = false;
                tracing::info!(count = self.dropped.get(), "the collector accepts spans again");
            }
            Ok(()) => {}
            Err(error) => {
                self.dropped.inc_by(count as u64);
                if !self.failing {
                    tracing::warn!(error = %error, "the collector does not accept spans; they are dropped");
                }
                self.failing = true;
            }
        }
    }
}

/// Adds the next spans to `batch`: those in the queue, and those that come within [`GATHER`]. They stay in `batch` if this is
/// cancelled.
async fn gather(waiting: &mut mpsc::Receiver<SpanData>, batch: &mut Vec<SpanData>) {
    if waiting.recv_many(batch, BATCH_SIZE).await == 0 {
        // Every sender is gone.
        return;
    }
    let fill = async {
        while batch.len() < BATCH_SIZE && waiting.recv_many(batch, BATCH_SIZE - batch.len()).await > 0 {}
    };
    tokio::select! { () = fill => {}, () = sleep(GATHER) => {} }
}
