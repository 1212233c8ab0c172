//! `xiebao notice`: takes an applied notice out of the facts, and puts it back.

use std::collections::BTreeMap;

use clap::{Args as ClapArgs, Subcommand};
use xiebao_core::id::{Digest, InsureNum};
use xiebao_core::ledger::Ledger;
use xiebao_runtime::clock;
use xiebao_store::linking;
use xiebao_store::sql::notices;
use xiebao_store::sql::operations::{Action, NewOperation};
use xiebao_store::transaction::{self, Mark, Plan, Task};

use crate::context::Context;
use crate::database::{Connection, Database};
use crate::exit::{Exit, Failure};
use crate::held::digits;
use crate::input::why;
use crate::screen::show;
use crate::trace::proposal_number;

const EXAMPLES: &str = "\
A voided notice stays in the inbox and in `trace`, and a copy of it is still a duplicate; but no row is made from it.
What was applied after it stays applied. `restore` undoes it. Both are kept in the log of operations.
Exit code 1 if there is no such applied notice, or its proposal was pruned.

Examples:
  xiebao notice void 5f0c9a3e --proposal 20260723373797 --reason \"the insurer never cancelled it\"
  xiebao notice restore 5f0c9a3e --reason \"it did after all\"";

/// Take an applied notice out of the facts, or put it back
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Take an applied notice out of the facts
    Void(Named),
    /// Put a voided notice back into the facts
    Restore(Named),
}

#[derive(Debug, Clone, ClapArgs)]
struct Named {
    /// The beginning of its digest, as `trace --json` shows it, 6 digits or more
    #[arg(value_name = "DIGEST", value_parser = digits)]
    digest: String,
    /// Look in this proposal alone, which is quick
    #[arg(long, value_name = "INSURE_NUM", value_parser = proposal_number)]
    proposal: Option<InsureNum>,
    /// Why, for the log of operations
    #[arg(long, value_name = "WHY", value_parser = why)]
    reason: String,
}

pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let (named, voided) = match args.command {
        Command::Void(named) => (named, true),
        Command::Restore(named) => (named, false),
    };
    let words = crate::words::of(context.lang);
    let database = Database::of(context)?;
    let mut conn = database.connection().await?;
    let Some((number, digest)) = find(&mut conn, &named, context).await? else {
        eprint!("{}", words.no_applied_notice(&named.digest));
        return Ok(Exit::No);
    };
    let action = if voided {
        Action::VoidNotice
    } else {
        Action::RestoreNotice
    };
    let mut deed = NewOperation::new(action, &context.actor(), clock::now()).because(&named.reason);
    deed.insure_num = Some(number.to_string());
    deed.digest = Some(digest.to_string());
    let mark = Mark {
        digest: digest.clone(),
        voided,
        deed,
    };
    let changed = carry_out(&database, &mut conn, &number, mark).await?;
    let ledgers = transaction::load(&mut conn, std::iter::once(&number)).await?;
    let ledger = ledgers.get(&number);
    if !changed && ledger.is_some_and(Ledger::is_pruned) {
        show(&words.pruned_can_not_be_voided(number.as_str()));
        return Ok(Exit::No);
    }
    show(&if voided {
        words.voided(number.as_str(), digest.as_str(), changed)
    } else {
        words.restored(number.as_str(), digest.as_str(), changed)
    });
    if let Some(status) = ledger.and_then(|ledger| ledger.facts().status()) {
        show(&words.now_stands_at(words.status(status)));
    }
    Ok(Exit::Done)
}

/// The one applied notice that is meant.
async fn find(
    conn: &mut Connection,
    named: &Named,
    context: &Context,
) -> Result<Option<(InsureNum, Digest)>, Failure> {
    let found = notices::applied_by_digest(conn, &named.digest, named.proposal.as_ref()).await?;
    match &found[..] {
        [] => Ok(None),
        [(number, digest)] => Ok(InsureNum::parse(number).ok().flatten().zip(Digest::parse(digest))),
        several => {
            let candidates = several
                .iter()
                .map(|(number, digest)| format!("{number} ({digest})"));
            let words = crate::words::of(context.lang);
            Err(Failure::Usage(
                words.ambiguous_digest(&named.digest, &candidates.collect::<Vec<_>>()),
            ))
        }
    }
}

/// Under the lock of the proposal, as a worker would; then tells the proposals that replace it.
async fn carry_out(
    database: &Database,
    conn: &mut Connection,
    number: &InsureNum,
    mark: Mark,
) -> Result<bool, Failure> {
    let task = Task {
        marks: vec![mark],
        ..Task::default()
    };
    let plan = Plan {
        tasks: BTreeMap::from([(number.clone(), task)]),
        ..Plan::default()
    };
    let rules = &database.config.rules;
    let outcome = transaction::run(conn, &plan, clock::now, rules).await?;
    // Should this fail, the links lie in the outbox, and a worker's sweeper delivers them.
    let _ = linking::deliver(&database.store, rules, clock::now, outcome.links, |_| {}).await;
    Ok(outcome.marked > 0)
}
