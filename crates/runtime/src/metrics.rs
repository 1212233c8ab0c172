//! Gauges that are computed when they are read, and the metrics of every process.

mod process;

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Registers a gauge of whole numbers that is computed on every read, so that it is never out of date. `look_up` must not
/// block.
pub fn register_look_up(
    registry: &mut Registry,
    name: &'static str,
    help: &'static str,
    look_up: impl Fn() -> i64 + Send + Sync + 'static,
) {
    let look_up = Box::new(look_up);
    registry.register_collector(Box::new(LookUp { name, help, look_up }));
}

struct LookUp {
    name: &'static str,
    help: &'static str,
    look_up: Box<dyn Fn() -> i64 + Send + Sync>,
}

impl fmt::Debug for LookUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LookUp({})", self.name)
    }
}

impl Collector for LookUp {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let mut gauge = encoder.encode_descriptor(self.name, self.help, None, MetricType::Gauge)?;
        gauge.encode_gauge(&(self.look_up)())
    }
}

/// Registers the metrics of every service: version, memory, processor time, files.
pub fn register_process(registry: &mut Registry) {
    let build = "1, with the version of the program";
    registry.register_collector(Box::new(Build(build)));
    registry.register_collector(Box::new(process::Process));
}

#[derive(Debug)]
struct Build(&'static str);

impl Collector for Build {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let mut gauge = encoder.encode_descriptor("xiebao_build_info", self.0, None, MetricType::Gauge)?;
        gauge
            .encode_family(&[("version", env!("CARGO_PKG_VERSION"))])?
            .encode_gauge(&1_i64)
    }
}

/// Raises a gauge by one until it is dropped.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Counted {
    /// Raises this gauge.
    pub fn in_gauge(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
