//! The partners' keys: a TOML file of lines `"1048483" = ["current", "next"]`, re-read when it changes.
//!
//! The file is compared by content, once a second, which works for editors, for `mv` and for the symbolic links that
//! Kubernetes swaps. No message contains a key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use thiserror::Error;
use xiebao_core::id::PartnerId;
use xiebao_core::signature::{Key, Keys};

use crate::toml_position::line_and_column;

const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Why a keys file cannot be used.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum KeysError {
    /// The system's error.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// With the line and column.
    #[error("is not TOML at {0}")]
    NotToml(String),
    /// There is not a single partner.
    #[error("names no partner")]
    Empty,
    /// A name is not a number.
    #[error("{0:?} is not a partner number")]
    NotAPartner(String),
    /// Two names are the same number.
    #[error("partner {0} is listed twice")]
    Twice(PartnerId),
    /// The value is not a list of keys.
    #[error("partner {0} must have a list of keys, each a text that is not blank")]
    NotKeys(PartnerId),
    /// Every fault of the file.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Several(Vec<KeysError>),
}

/// Reads and checks a keys file.
///
/// # Errors
/// If it cannot be read, or as [`parse`].
pub fn read(path: &Path) -> Result<Keys, KeysError> {
    let text = std::fs::read_to_string(path).map_err(|e| KeysError::Unreadable(e.to_string()))?;
    parse(&text)
}

/// Parses the text of a keys file.
///
/// # Errors
/// Every fault of the text.
pub fn parse(text: &str) -> Result<Keys, KeysError> {
    let table: toml::Table = toml::from_str(text).map_err(|e| {
        // The parser's own message is left out, because it may quote the line.
        KeysError::NotToml(line_and_column(text, e.span().map_or(0, |span| span.start)))
    })?;
    let (mut partners, mut faults) = (BTreeMap::new(), Vec::new());
    for (name, value) in &table {
        match entry(name, value) {
            Ok((partner, keys)) => {
                if partners.insert(partner, keys).is_some() {
                    faults.push(KeysError::Twice(partner));
                }
            }
            Err(fault) => faults.push(fault),
        }
    }
    match faults.pop() {
        None if partners.is_empty() => Err(KeysError::Empty),
        None => Ok(Keys(partners)),
        Some(only) if faults.is_empty() => Err(only),
        Some(last) => {
            faults.push(last);
            Err(KeysError::Several(faults))
        }
    }
}

fn entry(name: &str, value: &toml::Value) -> Result<(PartnerId, Vec<Key>), KeysError> {
    let partner = name
        .parse()
        .map(PartnerId)
        .map_err(|_| KeysError::NotAPartner(name.to_owned()))?;
    let keys = keys_of(value).ok_or(KeysError::NotKeys(partner))?;
    Ok((partner, keys))
}

fn keys_of(value: &toml::Value) -> Option<Vec<Key>> {
    let texts = value.as_array()?;
    let keys: Option<Vec<Key>> = texts
        .iter()
        .map(|text| text.as_str().and_then(Key::new))
        .collect();
    keys.filter(|keys| !keys.is_empty())
}

/// The keys in force, and their file.
#[derive(Debug)]
pub struct KeyRing {
    path: PathBuf,
    current: ArcSwap<Keys>,
}

/// The result of reading the file again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    /// The file has the keys in force.
    Unchanged,
    /// The keys of the file are now in force.
    Replaced,
    /// The file is faulty; the keys in force stay.
    Broken(KeysError),
}

impl KeyRing {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// If the file is faulty: a service cannot work without keys.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, KeysError> {
        let path = path.into();
        let current = ArcSwap::from_pointee(read(&path)?);
        Ok(Self { path, current })
    }

    /// The keys in force. Never blocks.
    pub fn keys(&self) -> Guard<Arc<Keys>> {
        self.current.load()
    }

    /// Reads the file once.
    pub fn reload(&self) -> Reload {
        match read(&self.path) {
            Ok(keys) if keys == **self.current.load() => Reload::Unchanged,
            Ok(keys) => {
                self.current.store(Arc::new(keys));
                Reload::Replaced
            }
            Err(error) => Reload::Broken(error),
        }
    }

    /// Reads the file every second, for ever, and calls `observe` each time. Logs each change of state once.
    pub async fn watch(self: Arc<Self>, observe: impl Fn(&Reload)) {
        let mut ticks = tokio::time::interval(POLL_INTERVAL);
        let mut last_error = None;
        loop {
            ticks.tick().await;
            let ring = Arc::clone(&self);
            let Ok(outcome) = tokio::task::spawn_blocking(move || ring.reload()).await else {
                return;
            };
            observe(&outcome);
            self.log(&outcome, last_error.as_ref());
            last_error = match outcome {
                Reload::Broken(error) => Some(error),
                Reload::Unchanged | Reload::Replaced => None,
            };
        }
    }

    fn log(&self, outcome: &Reload, last_error: Option<&KeysError>) {
        match outcome {
            Reload::Replaced => {
                let partners: Vec<String> = self
                    .keys()
                    .0
                    .iter()
                    .map(|(partner, keys)| format!("{partner}: {}", keys.len()))
                    .collect();
                tracing::info!(keys.per_partner = partners.join(", "), "keys replaced");
            }
            Reload::Broken(error) if last_error != Some(error) => {
                tracing::error!(keys.error = %error, "keys file is broken; the keys in force are kept");
            }
            Reload::Unchanged if last_error.is_some() => tracing::info!("keys file is valid again"),
            Reload::Unchanged | Reload::Broken(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
