//! Asks the admin listener of a running service over HTTP.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use url::Url;

use crate::exit::Failure;

/// Bytes of an answer at most; a service never sends more.
const LONGEST_ANSWER: usize = 4 << 20;

/// An admin listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Host and port.
    authority: String,
}

impl Admin {
    /// The listener at this address of the configuration, as the same machine reaches it.
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

    /// The listener of a URL such as `http://127.0.0.1:9090`.
    ///
    /// # Errors
    /// The URL is not the address of an HTTP server.
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

    /// Its URL, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.authority)
    }

    /// Sends a request and returns status and text of the answer, or why there is none. `patience`: how long it all may take.
    pub async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: &str,
        patience: Duration,
    ) -> Result<(StatusCode, String), String> {
        let problem = |error: reqwest::Error| match error.is_timeout() {
            true => format!("no answer within {patience:?}"),
            false => innermost(&error),
        };
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(patience)
            .build()
            .map_err(problem)?;
        let request = client.request(method, format!("{}{path}", self.url()));
        let mut response = request.body(body.to_owned()).send().await.map_err(problem)?;
        let status = response.status();
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(problem)? {
            if text.len() + chunk.len() > LONGEST_ANSWER {
                return Err("the answer is too long".to_owned());
            }
            text.extend_from_slice(&chunk);
        }
        Ok((status, String::from_utf8_lossy(&text).into_owned()))
    }
}

/// The cause of an error, which says more than the layers around it.
pub fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
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
