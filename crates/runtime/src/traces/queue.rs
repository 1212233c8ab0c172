//! Ended spans wait in a bounded queue, from which one task sends them. What finds it full is dropped and counted, and so
//! is what the collector does not take: a span is worth less than the memory and the time of a second try.

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

use super::post::{self, PostError};
use crate::config::OtlpConfig;

/// Spans that wait at most: a few MiB.
const WAITING: usize = 8_192;
/// Spans of one request at most.
const AT_ONCE: usize = 512;
/// How long a request waits to fill.
const GATHER: Duration = Duration::from_millis(500);

/// Takes spans as they end; never waits.
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

/// The task that sends.
#[derive(Debug)]
pub(super) struct Sending {
    pub dropped: Counter,
    closing: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

pub(super) fn start(config: OtlpConfig, resource: &Resource) -> (Queue, Sending) {
    let (spans, waiting) = mpsc::channel(WAITING);
    let (dropped, closing) = (Counter::default(), CancellationToken::new());
    let exporter = Exporter {
        config,
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
    let sending = Sending {
        dropped,
        closing,
        task,
    };
    (queue, sending)
}

impl Sending {
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

impl Drop for Sending {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

struct Exporter {
    config: OtlpConfig,
    resource: ResourceAttributesWithSchema,
    dropped: Counter,
    /// The last request was not taken; said once.
    failing: bool,
}

impl Exporter {
    /// Sends until `closing`, then what is left.
    async fn run(mut self, mut waiting: mpsc::Receiver<SpanData>, closing: CancellationToken) {
        let mut batch = Vec::with_capacity(AT_ONCE);
        loop {
            let more = closing
                .run_until_cancelled(gather(&mut waiting, &mut batch))
                .await;
            if more.is_none() {
                // A queue that is closed gives what it still has.
                waiting.close();
                while batch.len() < AT_ONCE
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
        let posting = timeout(self.config.timeout, post::post(&self.config, &body));
        let posted = posting.await.unwrap_or(Err(PostError::Late(self.config.timeout)));
        match posted {
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

/// The next spans: those that are there, and those that come soon. They stay in `batch` if this is given up.
async fn gather(waiting: &mut mpsc::Receiver<SpanData>, batch: &mut Vec<SpanData>) {
    if waiting.recv_many(batch, AT_ONCE).await == 0 {
        // No more will come: the senders are gone.
        return;
    }
    let fill =
        async { while batch.len() < AT_ONCE && waiting.recv_many(batch, AT_ONCE - batch.len()).await > 0 {} };
    tokio::select! { () = fill => {}, () = sleep(GATHER) => {} }
}
