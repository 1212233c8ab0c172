//! Infrastructure shared by both services and the command line. It contains no domain rule.
//!
//! - [`config`]: defaults, file and environment, validated key by key;
//! - [`publishing`]: publishing of notices, dead letters and records of refused requests;
//! - [`keys`]: the partners' keys, re-read when their file changes;
//! - [`service`]: the `main` of both services: arguments, configuration, signals, exit code;
//! - [`traces`]: spans, sent to a collector if one is configured;
//! - [`health`], [`metrics`], [`telemetry`], [`shutdown`], [`clock`], [`host`]: operation.

pub mod clock;
pub mod config;
pub mod health;
pub mod host;
pub mod keys;
pub mod metrics;
pub mod publishing;
pub mod service;
pub mod shutdown;
pub mod telemetry;
mod toml_position;
pub mod traces;
