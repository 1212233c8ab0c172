//! The admin listener of a running service.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Url, form_urlencoded};

/// Bound on connecting and on the answer, each.
const PATIENCE: Duration = Duration::from_secs(5);
const LONGEST_ANSWER: usize = 4 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Host and port.
    authority: String,
}

/// What a service says of its log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InForce {
    pub service: String,
    pub level: String,
    pub configured: String,
    /// When the configured level returns.
    pub until: Option<DateTime<Utc>>,
}

#[derive(Debug, Error)]
pub enum AdminError {
    #[error("{0}")]
    Unreachable(String),
    /// It answers, and does not do it.
    #[error("{0}")]
    Refused(String),
}

impl Admin {
    /// The listener of this configuration, as it is reached from the same machine.
    pub fn at(mut listener: SocketAddr) -> Self {
        match listener.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => listener.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => listener.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        Self {
            authority: listener.to_string(),
        }
    }

    /// `http://127.0.0.1:9090`
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("{text}: {error}"))?;
        let host = url.host_str().filter(|_| url.scheme() == "http");
        let host = host.ok_or_else(|| format!("{text}: must be an address as in http://127.0.0.1:9090"))?;
        Ok(Self {
            authority: format!("{host}:{}", url.port_or_known_default().unwrap_or(80)),
        })
    }

    pub fn authority(&self) -> &str {
        &self.authority
    }

    pub async fn ask(&self) -> Result<InForce, AdminError> {
        self.exchange(Method::GET, "/log-level", "").await
    }

    pub async fn change(&self, level: &str, time: Option<&str>) -> Result<InForce, AdminError> {
        let path = match time {
            Some(time) => {
                let time: String = form_urlencoded::byte_serialize(time.as_bytes()).collect();
                format!("/log-level?for={time}")
            }
            None => "/log-level".to_owned(),
        };
        self.exchange(Method::PUT, &path, level).await
    }

    async fn exchange(&self, method: Method, path: &str, body: &str) -> Result<InForce, AdminError> {
        let late = |_| AdminError::Unreachable(format!("no answer within {} s", PATIENCE.as_secs()));
        let stream = timeout(PATIENCE, TcpStream::connect(&self.authority)).await;
        let stream = stream.map_err(late)?.map_err(unreachable)?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.authority)
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
            .map_err(unreachable)?;
        let (status, text) = timeout(PATIENCE, send(stream, request)).await.map_err(late)??;
        if status != StatusCode::OK {
            return Err(AdminError::Refused(text.trim().to_owned()));
        }
        InForce::read(&text)
            .ok_or_else(|| AdminError::Refused("what answers there is no service of these".to_owned()))
    }
}

async fn send(stream: TcpStream, request: Request<Full<Bytes>>) -> Result<(StatusCode, String), AdminError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(unreachable)?;
    // Its errors come back through the sender.
    tokio::spawn(async move { drop(connection.await) });
    let response = sender.send_request(request).await.map_err(unreachable)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
    let body = body.map_err(unreachable)?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

fn unreachable(error: impl std::fmt::Display) -> AdminError {
    AdminError::Unreachable(error.to_string())
}

impl InForce {
    /// The level on a line of its own, then `service: …`, `configured: …` and perhaps `until: …`.
    fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let level = lines.next()?.to_owned();
        let (mut service, mut configured, mut until) = (None, None, None);
        for (key, value) in lines.filter_map(|line| line.split_once(": ")) {
            match key {
                "service" => service = Some(value.to_owned()),
                "configured" => configured = Some(value.to_owned()),
                "until" => until = Some(DateTime::parse_from_rfc3339(value).ok()?.to_utc()),
                _ => {}
            }
        }
        Some(Self {
            service: service?,
            level,
            configured: configured?,
            until,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_all_addresses_is_reached_on_loopback() {
        let at = |listener: &str| Admin::at(listener.parse().expect("an address")).authority;
        assert_eq!(at("0.0.0.0:9090"), "127.0.0.1:9090");
        assert_eq!(at("[::]:9090"), "[::1]:9090");
        assert_eq!(at("10.0.0.5:9090"), "10.0.0.5:9090");
    }

    #[test]
    fn an_answer_is_read_with_and_without_its_end() {
        let read =
            InForce::read("debug\nservice: w\nconfigured: info\nuntil: 2026-07-23T01:15:02Z\n").expect("one");
        assert_eq!((read.level.as_str(), read.configured.as_str()), ("debug", "info"));
        assert!(read.until.is_some());
        assert_eq!(
            InForce::read("info\nservice: w\nconfigured: info\n")
                .expect("one")
                .until,
            None
        );
        assert_eq!(InForce::read("<html>"), None);
    }
}
