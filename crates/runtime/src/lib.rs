//! The plumbing that both services and the command line share. No domain rule lives here.
//!
//! - [`config`]: defaults, file and environment, validated key by key;
//! - [`amqp`]: connections, the topology, publishing that is confirmed;
//! - [`keys`]: the partners' keys, re-read when their file changes;
//! - [`service`]: what both services do before and after their own work;
//! - [`traces`]: spans, where they are wanted;
//! - [`health`], [`metrics`], [`telemetry`], [`shutdown`], [`clock`], [`host`]: what operations need.

pub mod amqp;
pub mod clock;
pub mod config;
pub mod health;
pub mod host;
pub mod keys;
pub mod metrics;
pub mod service;
pub mod shutdown;
pub mod telemetry;
pub mod traces;
