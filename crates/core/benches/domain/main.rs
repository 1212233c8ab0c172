//! The cost of the domain: reading, verifying and deciding. Compare the figures with each other, and with those of the previous
//! commit on the same machine. No figure makes a run fail.
//!
//! `cargo bench -p xiebao-core` runs all; `-- read` selects one.

mod deciding;
mod notices;
mod reading;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, reading::all, deciding::all);
criterion_main!(benches);
