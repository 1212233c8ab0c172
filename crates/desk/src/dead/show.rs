//! One dead letter in full: its body, its failed attempts, and the operations on it.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use xiebao_core::facts::Notice;
use xiebao_store::sql::dead_letters::{self, Attempt, Filter};
use xiebao_store::sql::operations;
use xiebao_store::{Store, StoreError};

use super::{body, lines};
use crate::letter::Letter;
use crate::operation::LoggedOperation;
use crate::operations::table;
use crate::screen::{beijing, columns, pad, plain};
use crate::words::{Label, Words};

/// How many of the last failed attempts are shown.
const MOST_ATTEMPTS: i64 = 50;

/// The column where values begin.
const LABEL_WIDTH: usize = 18;

/// The answer to [`show`].
#[derive(Debug, Serialize)]
pub struct WholeLetter {
    /// Its row.
    #[serde(flatten)]
    pub letter: Letter,
    /// This release can read its content, though an earlier one could not: requeuing it helps.
    pub readable_now: bool,
    /// The failed attempts that workers noted, oldest first.
    pub failures: Vec<FailedAttempt>,
    /// The operations on it, oldest first.
    pub operations: Vec<LoggedOperation>,
    /// The body, if it is JSON.
    pub body: Option<Box<RawValue>>,
    /// The body as text, if it is not JSON.
    pub body_text: Option<String>,
    #[serde(skip)]
    bytes: Vec<u8>,
}

/// One failed attempt to apply it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedAttempt {
    /// When it failed.
    pub at: DateTime<Utc>,
    /// The worker, as host and process.
    pub worker: String,
    /// The error, in English.
    pub error: String,
}

/// The letter of that number, if it exists.
pub async fn show(store: &Store, id: i64) -> Result<Option<WholeLetter>, StoreError> {
    let mut conn = store.connection().await?;
    let filter = Filter {
        ids: Some(vec![id]),
        ..Filter::default()
    };
    let rows = dead_letters::select(&mut conn, &filter, 1).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let bytes = dead_letters::bodies(&mut conn, &[id]).await?.remove(&id);
    let failures = dead_letters::attempts(&mut conn, &row.digest, MOST_ATTEMPTS).await?;
    let operations = operations::of_dead_letter(&mut conn, id).await?;
    let bytes = bytes.unwrap_or_default();
    let body: Option<Box<RawValue>> = serde_json::from_slice(&bytes).ok();
    let text = || String::from_utf8_lossy(&bytes).into_owned();
    let letter = Letter::of(row);
    Ok(Some(WholeLetter {
        readable_now: letter.needs_a_new_notice() && Notice::read(&Bytes::copy_from_slice(&bytes)).is_ok(),
        letter,
        failures: failures.into_iter().map(FailedAttempt::of).collect(),
        operations: operations.into_iter().map(LoggedOperation::of).collect(),
        body_text: body.is_none().then(text),
        body,
        bytes,
    }))
}

impl FailedAttempt {
    fn of(attempt: Attempt) -> Self {
        Self {
            at: attempt.at.and_utc(),
            worker: attempt.worker,
            error: attempt.error,
        }
    }

    fn row(&self) -> [String; 3] {
        [beijing(self.at), plain(&self.worker), plain(&self.error)]
    }
}

impl WholeLetter {
    /// The letter as text.
    pub fn page(&self, words: &dyn Words) -> String {
        let letter = &self.letter;
        let mut out = format!(
            "{}\n{}\n\n",
            lines::headline(letter, words),
            words.times_are_beijing()
        );
        out.push_str(&head(letter, words));
        out.push_str(&format!(
            "\n{}\n{}\n",
            lines::cause(letter, words),
            match self.readable_now && letter.is_open() {
                true => words.pair(words.label(Label::Repair), words.readable_now()),
                false => lines::repair(letter, words),
            }
        ));
        if letter.is_open() {
            out.push_str(&words.letter_hints(letter.id));
        }
        let mut section = |label, table: String| {
            if !table.is_empty() {
                out.push_str(&format!("\n{}\n{table}", words.label(label)));
            }
        };
        let failures: Vec<[String; 3]> = self.failures.iter().map(FailedAttempt::row).collect();
        section(Label::Attempts, columns(2, &failures));
        section(Label::Operations, table(2, &self.operations, words));
        section(
            Label::Body,
            letter.pruned_at.map_or_else(
                || body::pretty(&self.bytes),
                |at| format!("  {}\n", words.pruned_at(at)),
            ),
        );
        out
    }
}

fn head(letter: &Letter, words: &dyn Words) -> String {
    let mut out = String::new();
    let mut line = |label, value: &str| {
        let label = pad(words.label(label), LABEL_WIDTH);
        out.push_str(&format!("{label}{}\n", plain(value)));
    };
    line(Label::Proposal, letter.insure_num.as_deref().unwrap_or("-"));
    let partner = letter.partner_id.map(|partner| partner.to_string());
    line(Label::Partner, partner.as_deref().unwrap_or("-"));
    line(Label::Received, &beijing(letter.received_at));
    let (first, last) = (beijing(letter.first_dead_at), beijing(letter.last_dead_at));
    let span = if first == last {
        first
    } else {
        format!("{first} ~ {last}")
    };
    let became_dead = words.clauses(&[words.times(letter.attempts), span]);
    line(Label::BecameDead, &became_dead);
    if letter.requeue_count > 0 {
        line(Label::Requeued, &words.times(letter.requeue_count));
    }
    line(
        Label::SignatureForm,
        letter.signature_form.as_deref().unwrap_or("-"),
    );
    line(Label::Digest, &letter.digest);
    out
}
