//! For tests only: a private vhost and database per test, processes, a network that breaks, signed notices.

mod broker;
mod collector;
mod database;
mod http;
mod metrics;
mod notice;
mod ports;
mod private_broker;
mod private_database;
mod process;
mod programs;
mod proxy;
mod services;
mod vectors;

pub use broker::{Broker, Message};
pub use collector::{Collector, Mood, SeenSpan};
pub use database::{Database, number, numbers};
pub use http::{Answer, post};
pub use metrics::Metrics;
pub use notice::{KEY, PARTNER, notice, sign, signed};
pub use ports::free_address;
pub use private_broker::{PrivateBroker, Shortage};
pub use private_database::PrivateDatabase;
pub use process::{Process, signal};
pub use proxy::{Half, Proxy};
pub use services::without_product_variables;
pub use vectors::{Expectation, Vector, vectors};
