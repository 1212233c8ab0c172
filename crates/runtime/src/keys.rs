//! The partners' keys: a TOML file of lines `"1048483" = ["current", "next"]`, re-read when it changes.
//!
//! The file is compared by content, once a second: that works for an editor, for `mv` and for the symbolic links
//! that Kubernetes swaps. No key is in any message.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use thiserror::Error;
use xiebao_core::id::PartnerId;
use xiebao_core::signature::{Key, Keys};

const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Why a file holds no keys.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum KeysError {
    #[error("cannot be read: {0}")]
    Unreadable(String),
    #[error("is not TOML at {0}")]
    NotToml(String),
    #[error("names no partner")]
    Empty,
    #[error("{0:?} is no partner number")]
    NotAPartner(String),
    #[error("partner {0} stands twice")]
    Twice(PartnerId),
    #[error("partner {0} must have a list of keys, each a text that is not blank")]
    NotKeys(PartnerId),
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Several(Vec<KeysError>),
}

/// Reads and checks the file.
pub fn read(path: &Path) -> Result<Keys, KeysError> {
    let text = std::fs::read_to_string(path).map_err(|e| KeysError::Unreadable(e.to_string()))?;
    parse(&text)
}

/// Reads the text of a keys file.
pub fn parse(text: &str) -> Result<Keys, KeysError> {
    let table: toml::Table = toml::from_str(text).map_err(|e| {
        // The parser's message is left out: it may quote the line.
        KeysError::NotToml(crate::config::place(text, e.span().map_or(0, |span| span.start)))
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

/// The keys in force.
#[derive(Debug)]
pub struct KeyRing {
    path: PathBuf,
    current: ArcSwap<Keys>,
}

/// What a look at the file came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    Unchanged,
    Replaced,
    /// The keys in force are kept.
    Broken(KeysError),
}

impl KeyRing {
    /// # Errors
    /// When the file holds no keys, for a service can't do anything without.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, KeysError> {
        let path = path.into();
        let current = ArcSwap::from_pointee(read(&path)?);
        Ok(Self { path, current })
    }

    /// The keys in force. Cheap, and never waits.
    pub fn keys(&self) -> Guard<Arc<Keys>> {
        self.current.load()
    }

    /// Looks at the file once.
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

    /// Looks at the file for ever, and tells `observe` each time. Logs a change of state once.
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
