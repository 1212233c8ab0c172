//! What is wrong with a configuration: all of it at once.

use std::fmt;

/// One fault of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The key as it is written in the file (`receiver.listen`), or where else the fault lies.
    pub key: String,
    /// What is wrong, and with which value unless that is a secret.
    pub problem: String,
}

impl Fault {
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

/// Every fault of a configuration, one a line.
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
