//! The log levels of running services.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::screen::beijing;
use crate::words::Words;

/// The log level of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLevel {
    /// The name of the service.
    pub service: String,
    /// The level at which it logs now.
    pub level: String,
    /// The level of its configuration.
    pub configured: String,
    /// When the configured level returns.
    pub until: Option<DateTime<Utc>>,
}

/// The answers of the services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLevels {
    /// One per admin listener.
    pub services: Vec<ServiceAnswer>,
}

/// The answer of one admin listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceAnswer {
    /// Its host and port.
    pub admin: String,
    /// The level, if it answered.
    #[serde(flatten)]
    pub in_force: Option<LogLevel>,
    /// Why there is no level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// It answered, and refused.
    #[serde(skip)]
    pub refused: bool,
}

impl LogLevel {
    /// Reads an answer: the level on a line of its own, then `service: …`, `configured: …` and perhaps `until: …`.
    pub fn read(text: &str) -> Option<Self> {
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

impl LogLevels {
    /// The answers as text.
    pub fn page(&self, words: &dyn Words) -> String {
        let line = |answer: &ServiceAnswer| match &answer.in_force {
            Some(in_force) => words.log_level(
                &in_force.service,
                &in_force.level,
                &in_force.configured,
                in_force.until.map(beijing).as_deref(),
            ),
            None => words.no_log_level(&answer.admin, answer.error.as_deref().unwrap_or_default()),
        };
        self.services.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_with_and_without_its_end() {
        let read = LogLevel::read("debug\nservice: w\nconfigured: info\nuntil: 2026-07-23T01:15:02Z\n")
            .expect("one");
        assert_eq!((read.level.as_str(), read.configured.as_str()), ("debug", "info"));
        assert!(read.until.is_some());
        assert_eq!(
            LogLevel::read("info\nservice: w\nconfigured: info\n")
                .expect("one")
                .until,
            None
        );
        assert_eq!(LogLevel::read("<html>"), None);
    }
}
