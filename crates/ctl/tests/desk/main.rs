//! The program against a real database and a real broker, both private to each test.

mod dead;
mod desk;
mod find;
mod held;
mod notice;
mod rebuild;
mod reprocess;
mod schema;
mod trace;
