//! The machine and process that this program runs in.

/// The host name of this machine or container; empty if unknown.
pub fn name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// Host name and process id, as in `worker-7c9f/1`.
pub fn process() -> String {
    format!("{}/{}", name(), std::process::id())
}
