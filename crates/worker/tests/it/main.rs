//! The whole chain, receiver to rows, with the real broker and the real database.

mod allocator;
mod apart;
mod broker_side;
mod dead;
mod gauges;
mod life;
mod links;
mod long_outage;
mod moved;
mod odd;
mod outage;
mod oversized;
mod poison;
mod repeats;
mod safety;
mod schema;
mod settings;
mod stage;
mod waiting;
mod writing;
