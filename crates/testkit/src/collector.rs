//! A trace collector: receives OTLP over HTTP and keeps the spans.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// How the collector answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// 200, and the spans are kept.
    Willing,
    /// Reads requests and never answers.
    Silent,
    /// 503.
    Unwilling,
}

/// A collector that listens on loopback until it is dropped.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Seen {
    spans: Vec<SeenSpan>,
    /// The heads of the requests.
    heads: Vec<String>,
}

/// A span that the collector has received. Ids are lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenSpan {
    /// The attributes of its resource.
    pub about: BTreeMap<String, String>,
    pub name: String,
    pub kind: i32,
    pub trace_id: String,
    pub span_id: String,
    /// Empty for the root span of a trace.
    pub parent_id: String,
    /// Pairs of trace id and span id.
    pub links: Vec<(String, String)>,
    pub attributes: BTreeMap<String, String>,
    /// The status code; 2 is an error.
    pub status: i32,
}

impl Collector {
    /// Starts a collector.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let seen = Arc::<Mutex<Seen>>::default();
        let kept = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, mood, Arc::clone(&kept)));
            }
        });
        Self { address, seen, task }
    }

    /// The value for the setting `otlp.endpoint`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All spans so far.
    pub fn spans(&self) -> Vec<SeenSpan> {
        lock(&self.seen).spans.clone()
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        lock(&self.seen).heads.clone()
    }

    /// Waits for at least `count` spans.
    ///
    /// # Panics
    /// If they do not come within 20 seconds.
    pub async fn wait_for(&self, count: usize) -> Vec<SeenSpan> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let spans = self.spans();
            if spans.len() >= count {
                return spans;
            }
            assert!(
                Instant::now() < deadline,
                "{} of {count} spans: {spans:#?}",
                spans.len()
            );
            sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut stream: TcpStream, mood: Mood, seen: Arc<Mutex<Seen>>) {
    let Some((head, body)) = read(&mut stream).await else {
        return;
    };
    lock(&seen).heads.push(head);
    match mood {
        Mood::Silent => std::future::pending().await,
        Mood::Unwilling => answer(&mut stream, "503 Service Unavailable").await,
        Mood::Willing => {
            let request = ExportTraceServiceRequest::decode(&body[..]).expect("the body is OTLP");
            lock(&seen).spans.extend(spans_of(request));
            answer(&mut stream, "200 OK").await;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let headers = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = headers.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = lengths.next()?.1.trim().parse().ok()?;
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some((head, body))
}

async fn answer(stream: &mut TcpStream, status: &str) {
    let text = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    // The client may be gone.
    let _ = stream.write_all(text.as_bytes()).await;
}

fn spans_of(request: ExportTraceServiceRequest) -> Vec<SeenSpan> {
    let mut spans = Vec::new();
    for resource_spans in request.resource_spans {
        let about = attributes(&resource_spans.resource.unwrap_or_default().attributes);
        let all = resource_spans
            .scope_spans
            .into_iter()
            .flat_map(|scope| scope.spans);
        spans.extend(all.map(|span| seen_span(span, about.clone())));
    }
    spans
}

fn seen_span(span: Span, about: BTreeMap<String, String>) -> SeenSpan {
    let links = span.links.iter();
    SeenSpan {
        about,
        name: span.name,
        kind: span.kind,
        trace_id: hex::encode(span.trace_id),
        span_id: hex::encode(span.span_id),
        parent_id: hex::encode(span.parent_span_id),
        links: links
            .map(|link| (hex::encode(&link.trace_id), hex::encode(&link.span_id)))
            .collect(),
        attributes: attributes(&span.attributes),
        status: span.status.map_or(0, |status| status.code),
    }
}

fn attributes(list: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    list.iter().map(|pair| (pair.key.clone(), text(pair))).collect()
}
