//! Input of commands: files, and values of arguments.

use std::io::Read as _;
use std::path::Path;

use xiebao_core::id::InsureNum;

use crate::exit::Failure;

/// Characters of a reason at most, as many as its columns hold.
const LONGEST_WHY: usize = 1000;

/// The bytes of a file; `-` is standard input.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: std::io::Error| Failure::Usage(format!("{}: {error}", path.display()));
    if path.as_os_str() != "-" {
        return std::fs::read(path).map_err(unreadable);
    }
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// An argument between 0 and 1.
pub fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("must be a number from 0 to 1".to_owned()),
    }
}

/// An argument above 0.
pub fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("must be a number above 0".to_owned()),
    }
}

/// An argument with a reason that is stored.
pub fn why(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("is blank".to_owned()),
        text if text.chars().count() > LONGEST_WHY => Err(format!("is longer than {LONGEST_WHY} characters")),
        text => Ok(text.to_owned()),
    }
}

/// An argument with the first digits of a digest.
pub fn digits(text: &str) -> Result<String, String> {
    let digits = text.to_ascii_lowercase();
    if !(6..=64).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err("must be 6 to 64 hex digits".to_owned());
    }
    Ok(digits)
}

/// An argument that names a proposal.
pub fn proposal_number(text: &str) -> Result<InsureNum, String> {
    match InsureNum::parse(text) {
        Ok(Some(number)) => Ok(number),
        Ok(None) => Err("is blank".to_owned()),
        Err(_) => Err("is longer than any proposal number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_trimmed_and_neither_blank_nor_cut() {
        assert_eq!(why(" sent again ").as_deref(), Ok("sent again"));
        assert!(why(" ").is_err());
        assert!(why(&"键".repeat(LONGEST_WHY)).is_ok());
        assert!(why(&"键".repeat(LONGEST_WHY + 1)).is_err());
    }
}
