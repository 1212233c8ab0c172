//! The processor time and memory of a process, from `/proc`.

use std::fs::read_to_string;
use std::path::Path;

use anyhow::Context as _;

/// `USER_HZ`, the unit of times in `/proc/PID/stat`, independent of the kernel's own tick. It is 100 on every
/// architecture that the services run on (`include/asm-generic/param.h` of Linux; `proc_pid_stat(5)`).
const TICKS_PER_SECOND: f64 = 100.0;

/// The usage of a process so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Processor time of all its threads since its start, in user and system mode.
    pub cpu_seconds: f64,
    /// Resident memory now, and at its peak, in MiB.
    pub rss_mb: f64,
    pub peak_rss_mb: f64,
}

impl Usage {
    /// Reads the usage of a process.
    ///
    /// # Errors
    /// If there is no such process.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let folder = Path::new("/proc").join(pid.to_string());
        let status = read(&folder.join("status"))?;
        Ok(Self {
            cpu_seconds: cpu_seconds(&read(&folder.join("stat"))?)?,
            rss_mb: mb(&status, "VmRSS:")?,
            peak_rss_mb: mb(&status, "VmHWM:")?,
        })
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    read_to_string(path).with_context(|| path.display().to_string())
}

/// `utime` and `stime`, the 14th and 15th field. The second field is a name in brackets, which may contain anything.
fn cpu_seconds(stat: &str) -> anyhow::Result<f64> {
    let (_, behind_name) = stat.rsplit_once(')').context("no name in stat")?;
    let mut ticks = behind_name
        .split_ascii_whitespace()
        .skip(11)
        .map(str::parse::<u64>);
    let mut next = || ticks.next().context("a short stat");
    Ok((next()?? + next()??) as f64 / TICKS_PER_SECOND)
}

fn mb(status: &str, name: &str) -> anyhow::Result<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_ascii_whitespace().next());
    let kib: f64 = kib.with_context(|| format!("no {name} in status"))?.parse()?;
    Ok(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_follow_a_name_with_blanks_and_brackets() {
        let stat = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 250 50 77 78";
        assert!((cpu_seconds(stat).expect("whole") - 3.0).abs() < 1e-9);
        assert!(cpu_seconds("7 (a) S 1 2").is_err());
    }

    #[test]
    fn memory_is_in_mib() {
        let status = "VmHWM:\t    4096 kB\nVmRSS:\t    2048 kB\n";
        assert!((mb(status, "VmRSS:").expect("there") - 2.0).abs() < 1e-9);
        assert!((mb(status, "VmHWM:").expect("there") - 4.0).abs() < 1e-9);
        assert!(mb(status, "VmSwap:").is_err());
    }

    #[test]
    fn a_process_that_works_takes_time_and_memory() {
        let usage = || Usage::of(std::process::id()).expect("this process");
        let before = usage();
        while usage().cpu_seconds < before.cpu_seconds + 0.02 {}
        let usage = usage();
        assert!(
            usage.rss_mb > 0.5 && usage.peak_rss_mb >= usage.rss_mb,
            "{usage:?}"
        );
    }
}
