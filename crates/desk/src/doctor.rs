//! The doctor: examines what the services need, and says what to do about a fault.
//!
//! [`settings`] and [`database`] examine; the caller looks at the broker and the services, and turns the answers into findings.

pub mod database;
pub mod settings;

use serde::Serialize;

use crate::finding::{Finding, Severity};
use crate::screen::plain;
use crate::words::Words;

/// A finding with its severity, as programs read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JudgedFinding<'f> {
    /// Its severity.
    pub verdict: Severity,
    /// The finding.
    #[serde(flatten)]
    pub finding: &'f Finding,
}

/// The findings with their severities.
pub fn judged(findings: &[Finding]) -> Vec<JudgedFinding<'_>> {
    findings.iter().map(JudgedFinding::of).collect()
}

impl<'f> JudgedFinding<'f> {
    fn of(finding: &'f Finding) -> Self {
        Self {
            verdict: finding.severity(),
            finding,
        }
    }
}

/// The severity of the gravest finding.
pub fn gravest(findings: &[Finding]) -> Severity {
    let severities = findings.iter().map(Finding::severity);
    severities.max().unwrap_or(Severity::Fine)
}

/// The findings as text, each with advice if something is wrong.
pub fn page(findings: &[Finding], words: &dyn Words) -> String {
    let mut out = String::new();
    for finding in findings {
        let mark = match finding.severity() {
            Severity::Fine => "✓",
            Severity::Noted => "·",
            Severity::Wrong | Severity::Unreachable | Severity::Misconfigured => "✗",
        };
        out.push_str(&format!("{mark} {}\n", plain(&words.finding(finding))));
        if let Some(advice) = words.advice(finding) {
            out.push_str(&format!("    → {advice}\n"));
        }
    }
    out
}

#[cfg(test)]
mod tests;
