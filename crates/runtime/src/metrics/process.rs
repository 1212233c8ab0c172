//! Process metrics under the names that Prometheus' client libraries use, read from `/proc`; none without `/proc`.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// Linux reports processor time in hundredths of a second, whatever the kernel's own clock rate.
const TICKS_IN_SECOND: f64 = 100.0;

#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let mut gauge = |name, help, unit: Option<Unit>, value: Option<f64>| {
            let Some(value) = value else { return Ok(()) };
            let unit = unit.as_ref();
            encoder
                .encode_descriptor(name, help, unit, MetricType::Gauge)?
                .encode_gauge(&value)
        };
        let status = fs::read_to_string("/proc/self/status").ok();
        let memory = status.and_then(|status| resident_bytes(&status));
        gauge(
            "process_resident_memory",
            "Memory in use",
            Some(Unit::Bytes),
            memory,
        )?;
        let files = fs::read_dir("/proc/self/fd")
            .ok()
            .map(|files| files.count() as f64);
        gauge("process_open_fds", "Open file descriptors", None, files)?;
        let (stat, boot) = (
            fs::read_to_string("/proc/self/stat").ok(),
            fs::read_to_string("/proc/stat").ok(),
        );
        let started = stat
            .as_deref()
            .zip(boot)
            .and_then(|(stat, boot)| start_time(stat, &boot));
        gauge(
            "process_start_time",
            "When the process was started",
            Some(Unit::Seconds),
            started,
        )?;
        let Some(worked) = stat.as_deref().and_then(processor_seconds) else {
            return Ok(());
        };
        let help = "Processor time used";
        let mut counter =
            encoder.encode_descriptor("process_cpu", help, Some(&Unit::Seconds), MetricType::Counter)?;
        counter.encode_counter::<prometheus_client::encoding::NoLabelSet, _, u64>(&worked, None)
    }
}

fn resident_bytes(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024.0)
}

/// A field of `/proc/self/stat`, counted from 1 as in its manual page. The second is the name, which may contain any text.
fn field(stat: &str, number: usize) -> Option<f64> {
    let behind_name = stat.rsplit_once(')')?.1;
    behind_name
        .split_whitespace()
        .nth(number.checked_sub(3)?)?
        .parse()
        .ok()
}

fn processor_seconds(stat: &str) -> Option<f64> {
    Some((field(stat, 14)? + field(stat, 15)?) / TICKS_IN_SECOND)
}

fn start_time(stat: &str, boot: &str) -> Option<f64> {
    let booted: f64 = boot
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()?;
    Some(booted + field(stat, 22)? / TICKS_IN_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str =
        "4242 (odd) name) S 1 4242 4242 0 -1 4194560 1500 0 0 0 150 50 0 0 20 0 9 0 300 99 88 77";

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        assert_eq!(processor_seconds(STAT), Some(2.0));
        assert_eq!(start_time(STAT, "cpu 1 2\nbtime 1000\n"), Some(1003.0));
    }

    #[test]
    fn memory_is_in_bytes() {
        assert_eq!(
            resident_bytes("Name:\tx\nVmRSS:\t    2048 kB\n"),
            Some(2_097_152.0)
        );
        assert_eq!(resident_bytes("Name:\tx\n"), None);
    }
}
