//! Takes settings one key at a time, and collects every fault.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use super::faults::Fault;
use super::layers::Setting;
use super::secret::Secret;

/// Every key that is requested becomes known; settings that remain at the end have unknown keys.
pub(super) struct Reader {
    settings: BTreeMap<String, Setting>,
    known: BTreeSet<String>,
    faults: Vec<Fault>,
}

impl Reader {
    /// Reads from these settings.
    pub fn new(settings: BTreeMap<String, Setting>) -> Self {
        Self {
            settings,
            known: BTreeSet::new(),
            faults: Vec::new(),
        }
    }

    /// The keys requested so far.
    #[cfg(test)]
    pub fn known(&self) -> &BTreeSet<String> {
        &self.known
    }

    /// Adds a fault.
    pub fn fault(&mut self, key: impl Into<String>, problem: impl Into<String>) {
        self.faults.push(Fault::new(key, problem));
    }

    /// Tells if the key, or its `_file`, has a fault.
    pub fn has_fault_of(&self, key: &str) -> bool {
        self.faults
            .iter()
            .any(|fault| fault.key.strip_suffix("_file").unwrap_or(&fault.key) == key)
    }

    fn take(&mut self, key: &str) -> Option<Setting> {
        self.known.insert(key.to_owned());
        self.settings.remove(key)
    }

    /// The value of a key as text.
    pub fn text(&mut self, key: &str) -> Option<String> {
        match self.take(key)? {
            Setting::Text(text) => Some(text),
            Setting::List(_) => {
                self.fault(key, "is a list, but must be one value");
                None
            }
        }
    }

    /// The parsed value, if it is present and valid.
    pub fn parsed<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(key)?;
        match parse(text.trim()) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.fault(key, format!("{problem} (value {text:?})"));
                None
            }
        }
    }

    /// A whole number within `range`, or the default.
    pub fn number<T>(&mut self, key: &str, default: T, range: RangeInclusive<T>) -> T
    where
        T: FromStr + PartialOrd + Display,
    {
        let parse = |text: &str| match text.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(format!(
                "must be a whole number from {} to {}",
                range.start(),
                range.end()
            )),
        };
        self.parsed(key, parse).unwrap_or(default)
    }

    /// A list in the file, or comma-separated text from the environment. `None` if the key is absent.
    pub fn list<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<Vec<T>> {
        let items = match self.take(key)? {
            Setting::List(items) => items,
            Setting::Text(text) if text.trim().is_empty() => Vec::new(),
            Setting::Text(text) => text.split(',').map(str::to_owned).collect(),
        };
        let mut values = Vec::new();
        for item in items {
            match parse(item.trim()) {
                Ok(value) => values.push(value),
                Err(problem) => self.fault(key, format!("{problem} (value {item:?})")),
            }
        }
        Some(values)
    }

    /// A secret, given by itself or in the file that `<key>_file` names.
    pub fn secret(&mut self, key: &str) -> Option<Secret> {
        match self.raw_secret(key)? {
            Setting::Text(text) => Some(Secret::new(text)),
            Setting::List(_) => {
                self.fault(key, "is a list, but must be one value");
                None
            }
        }
    }

    /// One or more secrets: a list in the file, or text that `split` divides, given by itself or in the file that
    /// `<key>_file` names. Never empty.
    pub fn secrets(&mut self, key: &str, split: impl Fn(&str) -> Vec<String>) -> Option<Vec<Secret>> {
        let items = match self.raw_secret(key)? {
            Setting::Text(text) => split(&text),
            Setting::List(items) => items,
        };
        let secrets: Vec<Secret> = items
            .iter()
            .map(|item| item.trim())
            .filter(|item| !item.is_empty())
            .map(Secret::new)
            .collect();
        if secrets.is_empty() {
            self.fault(key, "is empty");
            return None;
        }
        Some(secrets)
    }

    fn raw_secret(&mut self, key: &str) -> Option<Setting> {
        let key_of_file = format!("{key}_file");
        match (self.take(key), self.text(&key_of_file).map(PathBuf::from)) {
            (Some(_), Some(_)) => {
                self.fault(key, format!("is given twice: by itself and by {key_of_file}"));
                None
            }
            (Some(setting), None) => Some(setting),
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) => Some(Setting::Text(text.trim().to_owned())),
                Err(error) => {
                    self.fault(key_of_file, format!("cannot be read: {error} (value {path:?})"));
                    None
                }
            },
            (None, None) => None,
        }
    }

    /// All faults, including those of unknown keys.
    pub fn finish(mut self) -> Vec<Fault> {
        for key in std::mem::take(&mut self.settings).into_keys() {
            let hint = nearest(&key, &self.known).map(|near| format!("; did you mean {near}?"));
            self.fault(
                key,
                format!("is not a key of this program{}", hint.unwrap_or_default()),
            );
        }
        self.faults
    }
}

/// The most similar known key, if few edits lead to it.
fn nearest<'k>(key: &str, known: &'k BTreeSet<String>) -> Option<&'k str> {
    let (edits, nearest) = known
        .iter()
        .map(|candidate| (strsim::levenshtein(key, candidate), candidate))
        .min()?;
    (edits <= 3.min(key.len() / 3)).then_some(nearest.as_str())
}
