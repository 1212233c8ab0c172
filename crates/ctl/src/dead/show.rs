use chrono::{DateTime, Utc};
use clap::Args as ClapArgs;
use serde::Serialize;
use serde_json::value::RawValue;
use xiebao_store::StoreError;
use xiebao_store::sql::dead_letters::{self, Attempt, Filter};
use xiebao_store::sql::operations;

use super::body;
use super::letter::Letter;
use crate::context::Context;
use crate::database::{Connection, Database};
use crate::exit::{Exit, Failure};
use crate::operations::deed::{self, Deed};
use crate::screen::{beijing, columns, pad, plain, show, show_json};
use crate::words::{Label, Words};

/// Failed attempts that are shown at most, the last ones.
const MOST_ATTEMPTS: i64 = 50;

/// Where values begin.
const LABEL_WIDTH: usize = 18;

const EXAMPLES: &str = "\
Exit code 1 if there is no such dead letter.

Example:
  xiebao dead show 12";

/// Show a dead letter: its body, its attempts, what was done about it, and what would repair it
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The number that `dead list` shows
    #[arg(value_name = "ID")]
    id: i64,
    /// Print JSON; times are UTC there
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Whole {
    #[serde(flatten)]
    letter: Letter,
    /// The failed attempts that were noted, oldest first.
    failures: Vec<Failed>,
    /// What was done by whom, oldest first.
    operations: Vec<Deed>,
    /// The body as JSON, where it is.
    body: Option<Box<RawValue>>,
    /// Otherwise as text.
    body_text: Option<String>,
    #[serde(skip)]
    bytes: Vec<u8>,
}

#[derive(Debug, Serialize)]
struct Failed {
    at: DateTime<Utc>,
    worker: String,
    error: String,
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let words = crate::words::of(context.lang);
    let database = Database::of(context)?;
    let mut conn = database.connection().await?;
    let Some(whole) = Whole::read(&mut conn, args.id).await? else {
        eprint!("{}", words.no_such_letter(args.id));
        return Ok(Exit::No);
    };
    if args.json {
        show_json(&whole)?;
    } else {
        show(&page(&whole, words));
    }
    Ok(Exit::Done)
}

impl Whole {
    async fn read(conn: &mut Connection, id: i64) -> Result<Option<Self>, StoreError> {
        let filter = Filter {
            ids: Some(vec![id]),
            ..Filter::default()
        };
        let rows = dead_letters::select(conn, &filter, 1).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let bytes = dead_letters::bodies(conn, &[id]).await?.remove(&id);
        let failures = dead_letters::attempts(conn, &row.digest, MOST_ATTEMPTS).await?;
        let operations = operations::of_dead_letter(conn, id).await?;
        let bytes = bytes.unwrap_or_default();
        let body: Option<Box<RawValue>> = serde_json::from_slice(&bytes).ok();
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        Ok(Some(Self {
            letter: Letter::of(row),
            failures: failures.into_iter().map(Failed::of).collect(),
            operations: operations.into_iter().map(Deed::of).collect(),
            body_text: body.is_none().then(text),
            body,
            bytes,
        }))
    }
}

impl Failed {
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

fn page(whole: &Whole, words: &dyn Words) -> String {
    let letter = &whole.letter;
    let mut out = format!("{}\n{}\n\n", letter.headline(words), words.times_are_beijing());
    out.push_str(&head(letter, words));
    out.push_str(&format!("\n{}\n{}\n", letter.why(words), letter.repair(words)));
    if letter.is_open() {
        out.push_str(&words.letter_hints(letter.id));
    }
    let mut section = |label, table: String| {
        if !table.is_empty() {
            out.push_str(&format!("\n{}\n{table}", words.label(label)));
        }
    };
    let failures: Vec<[String; 3]> = whole.failures.iter().map(Failed::row).collect();
    section(Label::Attempts, columns(2, &failures));
    section(Label::Operations, deed::table(2, &whole.operations, words));
    section(
        Label::Body,
        letter.pruned_at.map_or_else(
            || body::pretty(&whole.bytes),
            |at| format!("  {}\n", words.pruned_at(at)),
        ),
    );
    out
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
    let became = words.clauses(&[words.times(letter.attempts), span]);
    line(Label::BecameDead, &became);
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
