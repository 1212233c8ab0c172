//! Posting notices over kept-open HTTP/1.1 connections, at little cost: the load shares its machine with what it loads.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use crate::platform::ContentType;

/// The platform's own time limits: 40 s to connect, 50 s to read.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(40);
const READ_TIMEOUT: Duration = Duration::from_secs(50);
/// More than this is no answer to a notice.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Where notices are posted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Host and port.
    authority: String,
    path: String,
}

/// An address that notices cannot be posted to.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("{url}: {problem}")]
pub struct TargetError {
    url: String,
    problem: &'static str,
}

/// No answer came.
#[derive(Debug, Error)]
pub enum PostError {
    #[error("can't connect: {0}")]
    Connect(std::io::Error),
    #[error("no connection within {} s", CONNECT_TIMEOUT.as_secs())]
    ConnectTimeout,
    #[error("no answer within {} s", READ_TIMEOUT.as_secs())]
    ReadTimeout,
    #[error("{0}")]
    Http(#[from] hyper::Error),
    #[error("the answer could not be read: {0}")]
    Answer(Box<dyn std::error::Error + Send + Sync>),
}

/// The answer of a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The header `x-notice-result`.
    pub verdict: Option<String>,
    /// `None`: the body is not the documented one.
    pub state: Option<bool>,
    /// The reason of a refusal.
    pub fail_msg: Option<String>,
}

impl Answer {
    /// The platform takes it for success: status 2xx, and the documented body.
    pub fn is_acknowledgement(&self) -> bool {
        self.status.is_success() && self.state == Some(true)
    }
}

impl Target {
    /// The target of a URL.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let wrong = |problem| TargetError {
            url: text.to_owned(),
            problem,
        };
        let url = Url::parse(text).map_err(|_| wrong("is no URL"))?;
        if url.scheme() != "http" {
            return Err(wrong(
                "only http:// is spoken here (TLS ends at the proxy in front of the receiver)",
            ));
        }
        let host = url.host_str().ok_or_else(|| wrong("names no host"))?;
        let port = url.port_or_known_default().unwrap_or(80);
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        Ok(Self {
            authority: format!("{host}:{port}"),
            path,
        })
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// A server takes connections there.
    pub async fn probe(&self) -> Result<(), PostError> {
        self.connect().await.map(drop)
    }

    async fn connect(&self) -> Result<TcpStream, PostError> {
        let connecting = timeout(CONNECT_TIMEOUT, TcpStream::connect(&self.authority)).await;
        let stream = connecting
            .map_err(|_| PostError::ConnectTimeout)?
            .map_err(PostError::Connect)?;
        stream.set_nodelay(true).map_err(PostError::Connect)?;
        Ok(stream)
    }
}

/// One connection, opened when it is needed and again when it was closed.
pub struct Client {
    target: Target,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    /// A client that connects when it first posts.
    pub fn new(target: Target) -> Self {
        Self { target, open: None }
    }

    /// Posts one body and reads the answer.
    pub async fn post(&mut self, body: &Bytes, content_type: ContentType) -> Result<Answer, PostError> {
        loop {
            let reused = self.open.is_some();
            match timeout(READ_TIMEOUT, self.exchange(body, content_type)).await {
                Ok(Ok(answer)) => return Ok(answer),
                // Closed while idle: nothing of the request has left, so it is simply sent on a new connection.
                Ok(Err(PostError::Http(error))) if reused && error.is_canceled() => self.open = None,
                Ok(Err(error)) => {
                    self.open = None;
                    return Err(error);
                }
                Err(_) => {
                    self.open = None;
                    return Err(PostError::ReadTimeout);
                }
            }
        }
    }

    async fn exchange(&mut self, body: &Bytes, content_type: ContentType) -> Result<Answer, PostError> {
        let request = self.request(body, content_type);
        let sender = self.connection().await?;
        sender.ready().await?;
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, LONGEST_ANSWER)
            .collect()
            .await
            .map_err(PostError::Answer)?
            .to_bytes();
        let verdict = head
            .headers
            .get("x-notice-result")
            .and_then(|value| value.to_str().ok());
        Ok(answer(head.status, verdict, &body))
    }

    fn request(&self, body: &Bytes, content_type: ContentType) -> Request<Full<Bytes>> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(&self.target.path)
            .header(HOST, self.target.authority.as_str());
        if let Some(value) = content_type.header() {
            request = request.header(CONTENT_TYPE, value);
        }
        request
            .body(Full::new(body.clone()))
            .expect("the parts were checked when the target was parsed")
    }

    async fn connection(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, PostError> {
        if self.open.as_ref().is_some_and(SendRequest::is_closed) {
            self.open = None;
        }
        match self.open {
            Some(ref mut sender) => Ok(sender),
            None => {
                let (sender, connection) =
                    http1::handshake(TokioIo::new(self.target.connect().await?)).await?;
                // Its errors come back through the sender.
                tokio::spawn(async move { drop(connection.await) });
                Ok(self.open.insert(sender))
            }
        }
    }
}

fn answer(status: StatusCode, verdict: Option<&str>, body: &[u8]) -> Answer {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Documented {
        state: bool,
        fail_msg: Option<String>,
    }
    let documented: Option<Documented> = serde_json::from_slice(body).ok();
    Answer {
        status,
        verdict: verdict.map(str::to_owned),
        state: documented.as_ref().map(|answer| answer.state),
        fail_msg: documented.and_then(|answer| answer.fail_msg),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_body_with_a_2xx_status_is_an_acknowledgement() {
        let ok = answer(StatusCode::OK, Some("accepted"), b"{\"state\":true}");
        assert!(ok.is_acknowledgement());
        assert!(!answer(StatusCode::BAD_GATEWAY, None, b"{\"state\":true}").is_acknowledgement());
        assert!(!answer(StatusCode::OK, None, b"ok").is_acknowledgement());
        let refused = answer(
            StatusCode::OK,
            None,
            "{\"state\":false,\"failMsg\":\"验签失败\"}".as_bytes(),
        );
        assert!(!refused.is_acknowledgement());
        assert_eq!(refused.fail_msg.as_deref(), Some("验签失败"));
    }

    #[test]
    fn a_target_keeps_host_port_and_path() {
        let target = Target::parse("http://127.0.0.1:8081/n/x").expect("an http URL");
        assert_eq!(
            (target.authority(), target.path.as_str()),
            ("127.0.0.1:8081", "/n/x")
        );
        assert!(Target::parse("https://h/").is_err());
        assert!(Target::parse("nonsense").is_err());
    }
}
