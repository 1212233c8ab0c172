//! What a service says of its log, and how it is told to log otherwise.

use std::time::Duration;

use chrono::{DateTime, Utc};
use hyper::{Method, StatusCode};
use serde::Serialize;
use thiserror::Error;
use url::form_urlencoded;

use crate::admin::Admin;

/// Bound on an answer.
const PATIENCE: Duration = Duration::from_secs(5);

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

pub async fn ask(admin: &Admin) -> Result<InForce, AdminError> {
    exchange(admin, Method::GET, "/log-level", "").await
}

pub async fn change(admin: &Admin, level: &str, time: Option<&str>) -> Result<InForce, AdminError> {
    let path = match time {
        Some(time) => {
            let time: String = form_urlencoded::byte_serialize(time.as_bytes()).collect();
            format!("/log-level?for={time}")
        }
        None => "/log-level".to_owned(),
    };
    exchange(admin, Method::PUT, &path, level).await
}

async fn exchange(admin: &Admin, method: Method, path: &str, body: &str) -> Result<InForce, AdminError> {
    let answer = admin.exchange(method, path, body, PATIENCE).await;
    let (status, text) = answer.map_err(AdminError::Unreachable)?;
    if status != StatusCode::OK {
        return Err(AdminError::Refused(text.trim().to_owned()));
    }
    InForce::read(&text)
        .ok_or_else(|| AdminError::Refused("what answers there is no service of these".to_owned()))
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
