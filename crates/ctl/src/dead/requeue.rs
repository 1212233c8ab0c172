use std::time::Duration;

use bytes::Bytes;
use chrono::SecondsFormat;
use clap::Args as ClapArgs;
use xiebao_core::envelope::{Envelope, EnvelopeError, header};
use xiebao_runtime::amqp::Publisher;
use xiebao_runtime::clock;
use xiebao_worker::store::dead_letters::{self, DeadLetter, Filter};

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::screen::show;
use crate::words::Words;

/// How long the broker has to confirm one.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(10);

const EXAMPLES: &str = "\
It is decided anew, as if it had just come: what was put right in the meantime lets it pass, what was
not makes it a dead letter again. Exit code 1 if any of them can't be requeued.

Example:
  xiebao dead requeue 12 13";

/// Put dead letters back on the queue
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The numbers that `dead list` shows
    #[arg(value_name = "ID", required = true)]
    ids: Vec<i64>,
}

/// What became of one.
#[derive(Debug)]
enum End {
    Requeued(i64),
    NoSuchLetter(i64),
    NoNotice(i64, String),
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let words = context.lang.words();
    let database = Database::of(context)?;
    let amqp = database.config.require_amqp()?.clone();
    let mut conn = database.connection().await?;
    let filter = Filter {
        ids: Some(args.ids.clone()),
        ..Filter::default()
    };
    let letters = dead_letters::select(&mut conn, &filter, i64::MAX).await?;
    let unreachable = |error: &dyn std::fmt::Display| Failure::Unreachable(error.to_string());
    let publisher = Publisher::start(&amqp, "xiebao dead requeue", 1, PUBLISH_TIMEOUT);
    let publisher = publisher.map_err(|error| unreachable(&error))?;
    let mut exit = Exit::Done;
    for id in args.ids {
        let end = match letters
            .iter()
            .find(|letter| letter.id == id)
            .map(|letter| (letter, envelope(letter)))
        {
            None => End::NoSuchLetter(id),
            Some((_, Err(error))) => End::NoNotice(id, error.to_string()),
            Some((letter, Ok(envelope))) => {
                publisher
                    .publish(&envelope)
                    .await
                    .map_err(|error| unreachable(&error))?;
                // A crash before this leaves an open letter, whose second requeuing is a duplicate.
                dead_letters::mark_requeued(&mut conn, id, letter.attempts).await?;
                End::Requeued(id)
            }
        };
        if !matches!(end, End::Requeued(_)) {
            exit = Exit::No;
        }
        show(&end.in_words(words));
    }
    publisher.close().await;
    Ok(exit)
}

/// The message as it was first published: same identity, same time of receipt, same form of signature.
fn envelope(letter: &DeadLetter) -> Result<Envelope, EnvelopeError> {
    let received_at = letter
        .received_at
        .and_utc()
        .to_rfc3339_opts(SecondsFormat::Micros, true);
    let header = |name: &str| match name {
        header::RECEIVED_AT => Some(received_at.as_str()),
        header::SIGNATURE_FORM => letter.signature_form.as_deref(),
        _ => None,
    };
    Envelope::from_message(Bytes::copy_from_slice(&letter.body), header, clock::now())
}

impl End {
    fn in_words(&self, words: &dyn Words) -> String {
        match self {
            End::Requeued(id) => words.requeued(*id),
            End::NoSuchLetter(id) => words.no_such_letter(*id),
            End::NoNotice(id, why) => words.not_requeueable(*id, why),
        }
    }
}
