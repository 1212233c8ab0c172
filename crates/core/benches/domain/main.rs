//! What the domain costs: reading, believing and deciding. Figures to compare with each other and with those of the
//! commit before, on one machine; nothing fails by them.
//!
//! `cargo bench -p xiebao-core`, or one of them with `-- read`.

mod deciding;
mod notices;
mod reading;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, reading::all, deciding::all);
criterion_main!(benches);
