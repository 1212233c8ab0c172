//! Where this program runs.

/// The name of this machine, or of this container.
pub fn name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// Host and process, as in `worker-7c9f/1`.
pub fn process() -> String {
    format!("{}/{}", name(), std::process::id())
}
