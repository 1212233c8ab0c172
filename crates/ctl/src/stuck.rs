//! `xiebao stuck`: proposals that stay at a step for too long.

use std::time::Duration;

use chrono::{NaiveDateTime, TimeDelta};
use clap::Args as ClapArgs;
use xiebao_desk::stuck::{self, Stand, StuckQuestion};
use xiebao_runtime::clock;

use crate::context::Context;
use crate::database::Database;
use crate::exit::{Exit, Failure};
use crate::output::{show, show_json};
use crate::when::When;

const EXAMPLES: &str = "\
The time counts from the last applied notice of the step (for --step paid: the last payment notice). The longest comes first.
Only the 10,000 proposals of that status with the greatest numbers are examined. Exit code 1 if there is none.

Examples:
  xiebao stuck
  xiebao stuck --step paid --for 30m
  xiebao stuck --step issued --for 1day --since 30days --json";

/// List proposals that stay at a step for too long, such as paid and not issued (已支付未出单)
#[derive(Debug, Clone, ClapArgs)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The step at which they stay; `issued` means without an e-policy
    #[arg(long, value_name = "STEP", default_value = "paid", value_parser = Stand::ALL.map(Stand::name))]
    step: String,
    /// How long they have stayed
    #[arg(long = "for", value_name = "TIME", default_value = "30m", value_parser = humantime::parse_duration)]
    duration: Duration,
    /// Only those that reached the step at this time or later: Beijing time, or how long ago (7days)
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    since: Option<When>,
    /// How many to list
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print JSON; times are UTC there
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let database = Database::reach(context).await?;
    let now = clock::now();
    let question = StuckQuestion {
        stand: Stand::from_name(&args.step).unwrap_or(Stand::Paid),
        longer_than: TimeDelta::from_std(args.duration).unwrap_or(TimeDelta::MAX),
        since: args
            .since
            .map_or_else(NaiveDateTime::default, |when| when.utc(now)),
        limit: args.limit,
    };
    let list = stuck::list(&database.store, question, now).await?;
    if args.json {
        show_json(&list)?;
    } else {
        show(&list.page(context.words()))?;
    }
    Ok(Exit::of_found(!list.proposals.is_empty()))
}
