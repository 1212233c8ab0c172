//! Posts spans to the collector, each request on a new connection: there are at most two a second.

use std::error::Error;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, redirect};
use thiserror::Error;

use crate::config::OtlpConfig;

/// Why the collector did not accept a request.
#[derive(Debug, Error)]
pub enum PostError {
    /// No request could be made, or no answer came in time.
    #[error("{}", innermost(.0))]
    Http(#[from] reqwest::Error),
    /// A status other than 2xx.
    #[error("the collector answers {0}")]
    Refused(u16),
}

/// The client of one collector.
#[derive(Debug)]
pub(super) struct Collector {
    client: Client,
    url: String,
}

impl Collector {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// If the client cannot be set up.
    pub fn new(config: &OtlpConfig) -> Result<Self, PostError> {
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .timeout(config.timeout)
            .default_headers(headers(config))
            .build()?;
        let url = format!("http://{}{}", config.endpoint.authority, config.endpoint.path);
        Ok(Self { client, url })
    }

    /// Posts a protobuf body, within `otlp.timeout_ms`.
    ///
    /// # Errors
    /// If the collector does not answer 2xx in time.
    pub async fn post(&self, body: Vec<u8>) -> Result<(), PostError> {
        let status = self.client.post(&self.url).body(body).send().await?.status();
        match status.is_success() {
            true => Ok(()),
            false => Err(PostError::Refused(status.as_u16())),
        }
    }
}

/// The configured headers and the type of the body. The configuration has validated them.
fn headers(config: &OtlpConfig) -> HeaderMap {
    let lines = config
        .headers
        .iter()
        .filter_map(|line| line.expose().split_once(':'));
    let parsed = lines.filter_map(|(name, value)| {
        let mut value = HeaderValue::from_str(value.trim()).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::try_from(name).ok()?, value))
    });
    let content_type = HeaderValue::from_static("application/x-protobuf");
    parsed.chain([(CONTENT_TYPE, content_type)]).collect()
}

/// The cause of an error, as in `Connection refused`: the outer ones only name the URL.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{Endpoint, Secret};

    #[test]
    fn a_request_has_the_configured_headers_and_the_type_of_its_body() {
        let config = OtlpConfig {
            endpoint: Endpoint {
                authority: "127.0.0.1:4318".to_owned(),
                path: "/v1/traces".to_owned(),
            },
            headers: vec![
                Secret::new("x-scope: team 7"),
                Secret::new("Authorization: Bearer abc:def"),
            ],
            sample_ratio: 1.0,
            timeout: Duration::from_secs(1),
        };
        let headers = headers(&config);
        let header = |name: &str| headers[name].to_str().expect("text");
        assert_eq!(header("content-type"), "application/x-protobuf");
        assert_eq!(header("x-scope"), "team 7");
        assert_eq!(header("authorization"), "Bearer abc:def");
    }
}
