//! Merges the environment over the file, flattened to `section.key` → value. Nothing is validated here.

use std::collections::BTreeMap;
use std::path::Path;

use config::{File, FileFormat, Source, Value, ValueKind};

use super::environment::Environment;
use super::faults::Fault;
use crate::toml_position::line_and_column;

/// A value as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Setting {
    Text(String),
    List(Vec<String>),
}

/// Reads both layers.
///
/// # Errors
/// If the file cannot be read or is not TOML, or a variable's name is not a key.
pub(super) fn collect(
    file: Option<&Path>,
    environment: &Environment,
) -> Result<BTreeMap<String, Setting>, Fault> {
    let mut builder = config::Config::builder();
    if let Some(path) = file {
        builder = builder.add_source(File::from_str(&read(path)?, FileFormat::Toml));
    }
    let variables = environment
        .settings()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let environment = config::Environment::with_prefix("XIEBAO")
        .prefix_separator("__")
        .separator("__")
        .source(Some(variables));
    let tree = builder.add_source(environment).build().map_err(unmergeable)?;
    let mut settings = BTreeMap::new();
    for (key, value) in tree.collect().map_err(unmergeable)? {
        flatten(key, value, &mut settings);
    }
    Ok(settings)
}

/// The text of a TOML file. The parser's own report is not shown, because it quotes the line, which may hold a password.
fn read(path: &Path) -> Result<String, Fault> {
    let at = || path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| Fault::new(at(), format!("cannot be read: {e}")))?;
    match toml::from_str::<toml::Table>(&text) {
        Ok(_) => Ok(text),
        Err(error) => {
            let place = line_and_column(&text, error.span().map_or(0, |span| span.start));
            Err(Fault::new(
                at(),
                format!("is not TOML: {place}: {}", error.message()),
            ))
        }
    }
}

/// Only the name of a variable can fail the merge; values are not examined.
fn unmergeable(error: config::ConfigError) -> Fault {
    Fault::new("XIEBAO__*", format!("a variable's name is not a key: {error}"))
}

fn flatten(key: String, value: Value, settings: &mut BTreeMap<String, Setting>) {
    match value.kind {
        ValueKind::Table(members) => {
            for (name, member) in members {
                flatten(format!("{key}.{name}"), member, settings);
            }
        }
        ValueKind::Array(items) => {
            let items = items.into_iter().map(|item| item.kind.to_string()).collect();
            settings.insert(key, Setting::List(items));
        }
        kind => {
            settings.insert(key, Setting::Text(kind.to_string()));
        }
    }
}
