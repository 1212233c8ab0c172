//! `otlp.*`: the collector of spans.

use std::time::Duration;

use url::Url;

use super::reader::Reader;
use super::secret::Secret;
use super::sections::millis;

/// `otlp.*`
#[derive(Debug, Clone)]
pub struct OtlpConfig {
    /// The collector.
    pub endpoint: Endpoint,
    /// Headers of each request, as `name: value`.
    pub headers: Vec<Secret>,
    /// The share of new traces that is recorded, from 0 to 1.
    pub sample_ratio: f64,
    /// Bound on one request.
    pub timeout: Duration,
}

/// The address of a collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Host and port.
    pub authority: String,
    /// The path of requests with spans.
    pub path: String,
}

/// The standard port of OTLP over HTTP.
const PORT: u16 = 4_318;

/// `None` if no endpoint is set.
pub(super) fn read(reader: &mut Reader) -> Option<OtlpConfig> {
    let endpoint = reader.parsed("otlp.endpoint", endpoint);
    let headers = headers(reader);
    let sample_ratio = reader.parsed("otlp.sample_ratio", ratio).unwrap_or(1.0);
    let timeout = millis(reader, "otlp.timeout_ms", 5_000, 100, 60_000);
    Some(OtlpConfig {
        endpoint: endpoint?,
        headers,
        sample_ratio,
        timeout,
    })
}

/// Parses the collector's base address, as in other programs: spans go to `/v1/traces` below it.
fn endpoint(text: &str) -> Result<Endpoint, String> {
    let url = Url::parse(text).map_err(|error| format!("is not an address: {error}"))?;
    if url.scheme() != "http" {
        return Err("must begin with http:// (the collector provides TLS to the outside)".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err("must be a host, a port and a path; secrets belong into otlp.headers_file".to_owned());
    }
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or("names no host")?;
    // A missing port means the standard port, not 80.
    let port = url.port().unwrap_or(PORT);
    Ok(Endpoint {
        authority: format!("{host}:{port}"),
        path: format!("{}/v1/traces", url.path().trim_end_matches('/')),
    })
}

fn headers(reader: &mut Reader) -> Vec<Secret> {
    let lines = |text: &str| text.lines().map(str::to_owned).collect();
    let Some(headers) = reader.secrets("otlp.headers", lines) else {
        return Vec::new();
    };
    if !headers.iter().all(|header| is_header(header.expose())) {
        reader.fault("otlp.headers", "must hold lines as in `name: value`");
    }
    headers
}

fn is_header(line: &str) -> bool {
    let token = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    line.split_once(':')
        .is_some_and(|(name, value)| token(name) && value.bytes().all(|b| b == b' ' || b.is_ascii_graphic()))
}

fn ratio(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
        _ => Err("must be a number from 0 to 1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_go_to_a_path_below_the_given_address() {
        let of = |text: &str| endpoint(text).map(|endpoint| (endpoint.authority, endpoint.path));
        let to = |authority: &str, path: &str| Ok((authority.to_owned(), path.to_owned()));
        assert_eq!(of("http://127.0.0.1:4318"), to("127.0.0.1:4318", "/v1/traces"));
        assert_eq!(of("http://collector/"), to("collector:4318", "/v1/traces"));
        assert_eq!(of("http://[::1]:9/otlp/"), to("[::1]:9", "/otlp/v1/traces"));
        for wrong in [
            "https://collector:4318",
            "collector:4318",
            "http://u:p@collector",
            "grpc://c",
            "",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_header_is_a_name_and_a_value_on_one_line() {
        assert!(is_header("x-scope: team 7") && is_header("Authorization: Bearer abc.def"));
        for wrong in ["", "no colon", ": x", "x y: z", "x: \u{e9}", "x: a\rb"] {
            assert!(!is_header(wrong), "{wrong}");
        }
    }
}
