//! Standard output.

use std::io::Write as _;

use serde::Serialize;

use crate::exit::Failure;

/// Writes to standard output. A reader that closes early (`| head`) is not an error.
pub fn show(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a value as JSON for a program to read.
///
/// # Errors
/// The value does not serialize.
pub fn show_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Refused(error.to_string()))?;
    show(&format!("{text}\n"));
    Ok(())
}
