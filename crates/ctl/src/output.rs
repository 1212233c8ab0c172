//! Standard output.

use std::io::{self, ErrorKind, Write as _};

use serde::Serialize;

use crate::exit::Failure;

/// Writes to standard output. A reader that closes early (`| head`) is not an error.
///
/// # Errors
/// The text cannot be written, for example to a full disk.
pub fn show(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Writes a value as JSON for a program to read.
///
/// # Errors
/// The value does not serialize, or the text cannot be written.
pub fn show_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Refused(error.to_string()))?;
    show(&format!("{text}\n"))
}

/// Writes to standard error. Nothing can be done if that fails.
pub fn complain(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// The result of writing to standard output.
///
/// # Errors
/// As [`show`].
pub fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Unwritable(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}
