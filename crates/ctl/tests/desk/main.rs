//! The program against a real database and a real broker, both private to each test.

mod dead;
mod desk;
mod discard;
mod find;
mod floor;
mod held;
mod mending;
mod operations;
mod requeue;
mod schema;
mod trace;
