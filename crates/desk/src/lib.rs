//! Questions and decisions of people, as data, and the words that turn the answers into text.
//!
//! A question is a function `(&Store, question) -> Result<View, StoreError>`. A view is plain data: it serializes to the JSON that
//! programs read, and its `page` is the text that people read, in Chinese or English. Nothing here parses arguments, prints, speaks
//! HTTP, reads a clock or reads the environment: whoever asks passes the time and the settings.
//!
//! The modules form three layers, each of which uses only the ones above it:
//!
//! 1. data that texts are about: [`story`], [`finding`], [`fact`], [`letter`], [`operation`];
//! 2. [`words`], the texts of both languages, and [`screen`], how values look on a terminal;
//! 3. one module per question or decision, with its view and its page: [`trace`], [`find`], [`status`], [`stuck`], [`held`],
//!    [`dead`], [`refused`], [`notice`], [`operations`], [`prune`], [`rebuild`], [`reprocess`], [`schema`], [`doctor`],
//!    [`log_level`], [`verify`].

pub mod dead;
pub mod doctor;
pub mod fact;
pub mod find;
pub mod finding;
pub mod held;
pub mod letter;
pub mod log_level;
pub mod notice;
pub mod operation;
pub mod operations;
pub mod prune;
pub mod rebuild;
pub mod refused;
pub mod reprocess;
pub mod schema;
pub mod screen;
pub mod status;
pub mod story;
pub mod stuck;
pub mod trace;
pub mod verify;
pub mod words;
