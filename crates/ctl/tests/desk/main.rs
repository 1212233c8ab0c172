//! The program against a real database and a real broker, both private to each test.

mod dead;
mod desk;
mod discard;
mod find;
mod floor;
mod held;
mod mending;
mod notice;
mod operations;
mod prune;
mod pruned;
mod rebuild;
mod refused;
mod refused_record;
mod reprocess;
mod requeue;
mod schema;
mod status;
mod stuck;
mod trace;
