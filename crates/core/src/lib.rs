//! The domain of xiebao-notify, pure: no async, no I/O, no environment, no clock.
//!
//! Data flows one way, and the type of a value tells how far it has come:
//! `bytes → RawNotice → VerifiedNotice → Envelope` in the receiver, and
//! `Envelope → Notice → Ledger (decide, hold, release) → Rows → Changes` in the worker.
//!
//! Modules build on each other in this order, without cycles:
//!
//! - identities: [`json`], [`limits`], [`id`], [`digest`], [`names`], [`reason`], [`status`], [`lang`],
//!   [`traceparent`];
//! - messages: [`notice`], [`signature`], [`attempts`], [`refused`];
//! - content: [`tables`] (the columns), [`facts`], [`lifecycle`], [`envelope`];
//! - the proposal: [`ledger`] (its notices), [`rules`], [`sequencing`] (decides, and changes the ledger), [`rows`].
//!
//! Time is always a parameter (UTC); nothing here reads a clock.

pub mod attempts;
pub mod digest;
pub mod envelope;
pub mod facts;
pub mod id;
pub mod json;
pub mod lang;
pub mod ledger;
pub mod lifecycle;
pub mod limits;
pub mod names;
pub mod notice;
pub mod reason;
pub mod refused;
pub mod rows;
pub mod rules;
pub mod sequencing;
pub mod signature;
pub mod status;
pub mod tables;
pub mod traceparent;

#[cfg(test)]
mod samples;
