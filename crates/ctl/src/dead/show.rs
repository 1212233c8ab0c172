use clap::Args as ClapArgs;
use serde::Serialize;
use serde_json::value::RawValue;
use xiebao_worker::store::dead_letters::{self, DeadLetter, Filter};

use super::body;
use super::letter::Letter;
use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::screen::{beijing, pad, plain, show, show_json};
use crate::words::{Label, Words};

/// Where values begin.
const LABEL_WIDTH: usize = 18;

const EXAMPLES: &str = "\
Exit code 1 if there is no such dead letter.

Example:
  xiebao dead show 12";

/// Show a dead letter: its body, why it failed, and what would repair it
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
    /// The body as JSON, where it is.
    body: Option<Box<RawValue>>,
    /// Otherwise as text.
    body_text: Option<String>,
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let words = context.lang.words();
    let database = Database::of(context)?;
    let mut conn = database.connection().await?;
    let filter = Filter {
        ids: Some(vec![args.id]),
        ..Filter::default()
    };
    let rows = dead_letters::select(&mut conn, &filter, 1).await?;
    let Some(row) = rows.first() else {
        eprint!("{}", words.no_such_letter(args.id));
        return Ok(Exit::No);
    };
    if args.json {
        show_json(&whole(row))?;
    } else {
        show(&page(row, words));
    }
    Ok(Exit::Done)
}

fn whole(row: &DeadLetter) -> Whole {
    let body: Option<Box<RawValue>> = serde_json::from_slice(&row.body).ok();
    let body_text = body
        .is_none()
        .then(|| String::from_utf8_lossy(&row.body).into_owned());
    Whole {
        letter: Letter::of(row),
        body,
        body_text,
    }
}

fn page(row: &DeadLetter, words: &dyn Words) -> String {
    let letter = Letter::of(row);
    let line = |label, value: &str| format!("{}{}\n", pad(words.label(label), LABEL_WIDTH), plain(value));
    let mut out = format!("{}\n{}\n\n", letter.headline(words), words.times_are_beijing());
    out.push_str(&line(
        Label::Proposal,
        letter.insure_num.as_deref().unwrap_or("-"),
    ));
    let partner = letter
        .partner_id
        .map_or_else(|| "-".to_owned(), |partner| partner.to_string());
    out.push_str(&line(Label::Partner, &partner));
    out.push_str(&line(Label::Received, &beijing(letter.received_at)));
    let (first, last) = (beijing(letter.first_dead_at), beijing(letter.last_dead_at));
    let span = if first == last {
        first
    } else {
        format!("{first} ~ {last}")
    };
    let became = words.clauses(&[words.times(letter.attempts), span]);
    out.push_str(&line(Label::BecameDead, &became));
    if letter.requeue_count > 0 {
        out.push_str(&line(Label::Requeued, &words.times(letter.requeue_count)));
    }
    out.push_str(&line(
        Label::SignatureForm,
        letter.signature_form.as_deref().unwrap_or("-"),
    ));
    out.push_str(&line(Label::Digest, &letter.digest));
    out.push_str(&format!("\n{}\n{}\n", letter.why(words), letter.repair(words)));
    out.push_str(&words.letter_hints(letter.id));
    out.push_str(&format!(
        "\n{}\n{}",
        words.label(Label::Body),
        body::pretty(&row.body)
    ));
    out
}
