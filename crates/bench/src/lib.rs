//! Measures the services.

mod median;

pub mod load;
pub mod receiver;
pub mod report;
pub mod usage;

pub use median::median;
