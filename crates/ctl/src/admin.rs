//! The admin listener of a running service, for the commands that ask it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use crate::exit::Failure;

/// More than this is no answer of ours.
const LONGEST_ANSWER: usize = 4 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Host and port.
    authority: String,
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
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = || {
            Failure::Usage(format!(
                "{text}: must be the address of an admin listener, as in http://127.0.0.1:9090"
            ))
        };
        let url = Url::parse(text).map_err(|_| wrong())?;
        let host = url
            .host_str()
            .filter(|_| url.scheme() == "http")
            .ok_or_else(wrong)?;
        Ok(Self {
            authority: format!("{host}:{}", url.port_or_known_default().unwrap_or(80)),
        })
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.authority)
    }

    /// Status and text of the answer, which may take so long in all; else why there is none.
    pub async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: &str,
        patience: Duration,
    ) -> Result<(StatusCode, String), String> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.authority)
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
            .map_err(said)?;
        timeout(patience, self.send(request))
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {patience:?}")))
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, String), String> {
        let stream = TcpStream::connect(&self.authority).await.map_err(said)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(said)?;
        // Its errors come back through the sender.
        tokio::spawn(async move { drop(connection.await) });
        let response = sender.send_request(request).await.map_err(said)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
        let body = body.map_err(said)?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
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
    fn only_addresses_of_http_are_listeners() {
        let url = |text: &str| Admin::parse(text).map(|admin| admin.url()).ok();
        assert_eq!(url("http://[::1]:9090/x").as_deref(), Some("http://[::1]:9090"));
        assert_eq!(url("https://a:9090"), None);
        assert_eq!(url("a:9090"), None);
    }
}
