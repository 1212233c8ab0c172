//! Draining into a database with no notices, a million, and five million.

mod copies;

use crate::args::Args;
use crate::backlog::{Backlog, Order};
use crate::drain::{drain, fill};
use crate::environment::Environment;
use crate::figures::Figures;
use crate::judge;

use copies::Copies;

const EMPTY: &str = "drain_rate_0";
/// The seed of the first backlog. Backlogs for the same database have different seeds, and so different proposals.
const SEED: u64 = 30;

pub async fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let environment = Environment::set_up(&args.programs).await?;
    println!("growth: nothing stored");
    let first = backlog(args, SEED);
    let rate = grow(&environment, &first).await?;
    let Some((most, fewer)) = args.extent().stored.split_last() else {
        figures.add(EMPTY, rate);
        return Ok(());
    };
    let mut copies = Copies::of(&environment, &first).await?;
    let mut seeds = SEED + 1..;
    let drains = args.extent().drains;
    for (notices, figure) in fewer {
        copies.fill_up_to(*notices).await?;
        for seed in seeds.by_ref().take(drains) {
            add(args, &environment, seed, figure, figures).await?;
        }
    }
    copies.fill_up_to(most.0).await?;
    for (round, seed) in seeds.take(drains).enumerate() {
        in_turn(args, &environment, most.1, round, seed, figures).await?;
    }
    Ok(())
}

/// Drains into the full and into an empty database, in reverse every other round: the machine has faster and slower
/// minutes, and a drain leaves changes to purge and write out that slow down the next one.
async fn in_turn(
    args: &Args,
    full: &Environment,
    figure: &str,
    round: usize,
    seed: u64,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let empty = Environment::set_up(&args.programs).await?;
    let mut both = [(full, figure), (&empty, EMPTY)];
    if round % 2 == 1 {
        both.reverse();
    }
    for (environment, figure) in both {
        add(args, environment, seed, figure, figures).await?;
    }
    Ok(())
}

async fn add(
    args: &Args,
    environment: &Environment,
    seed: u64,
    figure: &str,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    println!("growth: {figure}");
    let rate = grow(environment, &backlog(args, seed)).await?;
    figures.add(figure, rate);
    Ok(())
}

fn backlog(args: &Args, seed: u64) -> Backlog {
    Backlog::generate(args.seed + seed, args.extent().grown_by, Order::Kept)
}

async fn grow(environment: &Environment, backlog: &Backlog) -> anyhow::Result<f64> {
    fill(environment, backlog).await?;
    let drained = drain(environment, backlog.len(), 1).await?;
    judge::all_applied(environment, backlog).await?;
    Ok(drained.rate)
}
