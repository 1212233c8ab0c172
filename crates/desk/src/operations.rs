//! Who did what, and when.

use serde::Serialize;
use xiebao_store::sql::operations::{self, Action, Filter};
use xiebao_store::{Store, StoreError};

use crate::operation::LoggedOperation;
use crate::screen::{beijing, columns, cut_to, plain, short};
use crate::words::Words;

/// The answer to [`list`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperationList {
    /// The last first.
    pub operations: Vec<LoggedOperation>,
    /// There are more.
    pub cut: bool,
}

/// The operations that match, at most `limit` of them.
pub async fn list(store: &Store, filter: &Filter, limit: u32) -> Result<OperationList, StoreError> {
    let mut conn = store.connection().await?;
    let most = i64::from(limit);
    let mut rows = operations::select(&mut conn, filter, most + 1).await?;
    let cut = cut_to(&mut rows, most);
    Ok(OperationList {
        operations: rows.into_iter().map(LoggedOperation::of).collect(),
        cut,
    })
}

impl OperationList {
    /// The list as text.
    pub fn page(&self, words: &dyn Words) -> String {
        if self.operations.is_empty() {
            return words.no_operations().to_owned();
        }
        let cut = words.if_cut(self.cut, self.operations.len());
        let rows = self.operations.iter().map(|operation| {
            let [at, actor, what, why] = row(operation, words);
            let number = plain(operation.insure_num.as_deref().unwrap_or("-"));
            [at, actor, number, what, why]
        });
        let table = columns(0, &rows.collect::<Vec<_>>());
        format!("{}\n{table}{cut}", words.times_are_beijing())
    }
}

/// One line per operation: when, who, what, why. `indent`: blanks before each line.
pub fn table(indent: usize, operations: &[LoggedOperation], words: &dyn Words) -> String {
    let rows: Vec<[String; 4]> = operations.iter().map(|operation| row(operation, words)).collect();
    columns(indent, &rows)
}

fn row(operation: &LoggedOperation, words: &dyn Words) -> [String; 4] {
    [
        beijing(operation.at),
        plain(&operation.actor),
        action_and_object(operation, words),
        why(operation),
    ]
}

/// An action of a later release keeps its name.
fn action_and_object(operation: &LoggedOperation, words: &dyn Words) -> String {
    let action = Action::from_name(&operation.action);
    let action = action.map_or_else(
        || plain(&operation.action),
        |action| words.action(action).to_owned(),
    );
    let mut parts = vec![action];
    parts.extend(operation.dead_letter_id.map(|id| format!("#{id}")));
    parts.extend(operation.notify_type.map(|number| words.notice(Some(number))));
    // The number of a dead letter identifies the notice already.
    if operation.dead_letter_id.is_none() {
        parts.extend(operation.digest.as_deref().map(short));
    }
    parts.join(" ")
}

fn why(operation: &LoggedOperation) -> String {
    let texts = [&operation.reason, &operation.detail];
    let texts: Vec<String> = texts.into_iter().flatten().map(|text| plain(text)).collect();
    texts.join("  ")
}
