//! The program against a real database and a real broker, both private to each test.

mod cli;
mod dead;
mod discard;
mod find;
mod held;
mod mending;
mod migrating;
mod notice;
mod operations;
mod output;
mod platform_stub;
mod prune;
mod pruned;
mod rebuild;
mod refused;
mod refused_record;
mod reprocess;
mod requeue;
mod schema;
mod settings;
mod status;
mod stuck;
mod trace;
