//! The file under the environment, flattened to `section.key` → value. Nothing is validated here.

use std::collections::BTreeMap;
use std::path::Path;

use config::{File, FileFormat, Source, Value, ValueKind};

use super::environment::Environment;
use super::faults::Fault;

/// A value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Setting {
    Text(String),
    List(Vec<String>),
}

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

/// The text of a file that is TOML. The parser's own report is not shown, since it quotes the line, which may hold a
/// password.
fn read(path: &Path) -> Result<String, Fault> {
    let at = || path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| Fault::new(at(), format!("cannot be read: {e}")))?;
    match toml::from_str::<toml::Table>(&text) {
        Ok(_) => Ok(text),
        Err(error) => {
            let place = place(&text, error.span().map_or(0, |span| span.start));
            Err(Fault::new(
                at(),
                format!("is not TOML: {place}: {}", error.message()),
            ))
        }
    }
}

/// `line 3, column 7` of a byte offset.
pub(crate) fn place(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
    format!("line {line}, column {column}")
}

/// Only the names of variables can make the merge itself fail; the values are not looked at.
fn unmergeable(error: config::ConfigError) -> Fault {
    Fault::new("XIEBAO__*", format!("a variable's name is no key: {error}"))
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
