//! The environment of the process. Only this module reads it, once.

use std::collections::BTreeMap;
use std::fmt;

/// The variables whose names begin with `XIEBAO`; nothing else of the environment concerns the product.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os();
        Self::from_pairs(variables.filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            // Keeps a value that is not UTF-8 in lossy form, so that validation reports its key.
            name.starts_with("XIEBAO")
                .then(|| (name, value.to_string_lossy().into_owned()))
        }))
    }

    /// An invented environment, for tests.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The variables that are settings.
    pub(super) fn settings(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter().filter(|(name, _)| name.starts_with("XIEBAO__"))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
