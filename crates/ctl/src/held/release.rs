use std::collections::BTreeMap;

use clap::Args as ClapArgs;
use xiebao_core::id::{Digest, InsureNum};
use xiebao_core::ledger::Ledger;
use xiebao_runtime::clock;
use xiebao_store::linking;
use xiebao_store::sql::notices;
use xiebao_store::sql::operations::{Action, NewOperation};
use xiebao_store::transaction::{self, Outcome, Plan, Release, Task};

use crate::context::Context;
use crate::database::{Connection, Database};
use crate::exit::{Exit, Failure};
use crate::screen::show;
use crate::trace::proposal_number;

const EXAMPLES: &str = "\
A released notice is applied at once, out of order. What it should have waited for is still taken in
when it comes. Exit code 1 if nothing of that name waits.

Examples:
  xiebao held release --proposal 20260723373797
  xiebao held release 5f0c9a3e";

/// Apply waiting notices at once, without what they wait for
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
#[group(required = true, multiple = false)]
pub struct Args {
    /// The beginning of a digest that `held list` shows, 6 digits or more
    #[arg(value_name = "DIGEST", value_parser = digits)]
    digest: Option<String>,
    /// All that waits of this proposal
    #[arg(long, value_name = "INSURE_NUM", value_parser = proposal_number)]
    proposal: Option<InsureNum>,
}

/// An argument that is the beginning of a digest.
pub fn digits(text: &str) -> Result<String, String> {
    let digits = text.to_ascii_lowercase();
    if !(6..=64).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err("must be 6 to 64 hex digits".to_owned());
    }
    Ok(digits)
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let words = crate::words::of(context.lang);
    let database = Database::of(context)?;
    let mut conn = database.connection().await?;
    let (number, digests) = match (args.proposal, args.digest) {
        (Some(number), _) => {
            let digests = held_of(&mut conn, &number, &database).await?;
            (number, digests)
        }
        (None, Some(beginning)) => {
            let found = notices::held_by_digest(&mut conn, &beginning).await?;
            let found: Vec<_> = found
                .iter()
                .filter_map(|(number, digest)| identified(number, digest))
                .collect();
            match &found[..] {
                [] => {
                    eprint!("{}", words.not_held(&beginning));
                    return Ok(Exit::No);
                }
                [(number, digest)] => (number.clone(), vec![digest.clone()]),
                several => {
                    let numbers: Vec<String> = several.iter().map(|(number, _)| number.to_string()).collect();
                    return Err(Failure::Usage(words.ambiguous_digest(&beginning, &numbers)));
                }
            }
        }
        (None, None) => return Err(Failure::Usage("name a digest or a proposal".to_owned())),
    };
    let outcome = release(&database, &mut conn, &number, digests, &context.actor()).await?;
    if outcome.let_go == 0 {
        eprint!("{}", words.not_held(number.as_str()));
        return Ok(Exit::No);
    }
    let followed = outcome.released + outcome.timed_out;
    show(&words.released(number.as_str(), outcome.let_go, followed));
    let ledgers = transaction::load(&mut conn, std::iter::once(&number)).await?;
    if let Some(status) = ledgers.get(&number).and_then(|ledger| ledger.facts().status()) {
        show(&words.now_stands_at(words.status(status)));
    }
    Ok(Exit::Done)
}

fn identified(number: &str, digest: &str) -> Option<(InsureNum, Digest)> {
    Some((InsureNum::parse(number).ok().flatten()?, Digest::parse(digest)?))
}

/// All that is held of the proposal, in step order.
async fn held_of(
    conn: &mut Connection,
    number: &InsureNum,
    database: &Database,
) -> Result<Vec<Digest>, Failure> {
    let mut ledgers = transaction::load(conn, std::iter::once(number)).await?;
    let ledger = ledgers
        .remove(number)
        .unwrap_or_else(|| Ledger::empty(number.clone()));
    let mut held: Vec<_> = ledger.held().collect();
    held.sort_by_key(|entry| {
        (
            database.config.rules.rank(entry.notice.step),
            entry.deliveries.first,
        )
    });
    Ok(held.iter().map(|entry| entry.notice.digest.clone()).collect())
}

/// Under the lock of the proposal, as a worker would, noting who did it; then tells the proposals that replace it.
async fn release(
    database: &Database,
    conn: &mut Connection,
    number: &InsureNum,
    digests: Vec<Digest>,
    actor: &str,
) -> Result<Outcome, Failure> {
    let releases = digests.into_iter().map(|digest| {
        let mut deed = NewOperation::new(Action::ReleaseHeld, actor, clock::now());
        deed.insure_num = Some(number.to_string());
        deed.digest = Some(digest.to_string());
        Release { digest, deed }
    });
    let task = Task {
        releases: releases.collect(),
        ..Task::default()
    };
    let plan = Plan {
        tasks: BTreeMap::from([(number.clone(), task)]),
        ..Plan::default()
    };
    let rules = &database.config.rules;
    let mut outcome = transaction::run(conn, &plan, clock::now, rules).await?;
    // Should this fail, the links lie in the outbox, and a worker's sweeper delivers them.
    let _ = linking::deliver(
        &database.store,
        rules,
        clock::now,
        std::mem::take(&mut outcome.links),
        |_| {},
    )
    .await;
    Ok(outcome)
}
