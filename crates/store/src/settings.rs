//! Every variable of the server that a promise rests on, in one list. A session sets those that it may set. The others are
//! checked on each new connection or by `xiebao doctor`; `docs/operations.md` has them as a table.

mod list;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error};
use thiserror::Error;

use crate::sql::server;
use crate::{Connection, StoreError};
use list::{CHECKED, Checked, Grade, SESSION};

/// A variable of the server whose value endangers a promise.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("its setting {name} is {is} and must be {wanted}: {why}")]
pub struct WrongSetting {
    /// The variable.
    pub name: &'static str,
    /// Its value.
    pub is: String,
    /// The value that it must have.
    pub wanted: String,
    /// The danger.
    pub why: &'static str,
}

/// Values by name. Variables that the server does not know are missing.
type Values = BTreeMap<String, String>;

/// Sets the session up, whatever the server's defaults are.
pub(crate) async fn set(conn: &mut Conn) -> Result<(), Error> {
    // The variable has different names; this statement works everywhere. Read committed: a batch sees every commit made
    // before it took its locks, and leaves no gap locks behind.
    conn.query_drop("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE")
        .await?;
    conn.query_drop(format!("SET {SESSION}")).await
}

/// Checks the variables without which the session would be refused sooner or later.
///
/// # Errors
/// A [`WrongSetting`], or the driver's error.
pub(crate) async fn check(conn: &mut Conn) -> Result<(), Error> {
    let needed = || CHECKED.iter().filter(|checked| checked.grade == Grade::Needed);
    let rows: Vec<(String, Option<String>)> = conn.query(question(needed())).await?;
    let values = rows
        .into_iter()
        .map(|(name, value)| (name.to_lowercase(), value.unwrap_or_default()));
    match wrong(needed(), &values.collect(), 0).into_iter().next() {
        Some(wrong) => Err(Error::Other(Box::new(wrong))),
        None => Ok(()),
    }
}

/// Checks every variable. `largest_body`: bytes of the largest notice that receivers take.
pub async fn examine(conn: &mut Connection, largest_body: usize) -> Result<Vec<WrongSetting>, StoreError> {
    let values = server::variables(conn, &question(CHECKED.iter())).await?;
    Ok(wrong(CHECKED.iter(), &values, largest_body))
}

fn question(settings: impl Iterator<Item = &'static Checked>) -> String {
    let names = settings.flat_map(|checked| [Some(checked.name), checked.only_with]);
    let names: Vec<String> = names.flatten().map(|name| format!("'{name}'")).collect();
    format!("SHOW VARIABLES WHERE Variable_name IN ({})", names.join(", "))
}

fn wrong(
    settings: impl Iterator<Item = &'static Checked>,
    values: &Values,
    largest_body: usize,
) -> Vec<WrongSetting> {
    let is_on = |name: &str| {
        values
            .get(name)
            .is_some_and(|value| value == "ON" || value == "1")
    };
    let applicable = settings.filter(|checked| checked.only_with.is_none_or(is_on));
    let found = applicable.filter_map(|checked| {
        let is = values.get(checked.name)?;
        let wanted = checked.wanted.instead_of(is, largest_body)?;
        Some(WrongSetting {
            name: checked.name,
            is: is.clone(),
            wanted,
            why: checked.why,
        })
    });
    found.collect()
}
