//! The faults of a configuration, reported together.

use std::fmt;

/// A fault of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The key as in the file (`receiver.listen`), or another place, such as the file's path.
    pub key: String,
    /// The problem, with the value unless that is a secret.
    pub problem: String,
}

impl Fault {
    /// A fault of this key.
    pub fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            problem: problem.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.problem)
    }
}

/// Every fault of a configuration, shown one per line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
