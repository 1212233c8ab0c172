//! Draining into a database that holds nothing, a million, and five million notices already.

mod copies;

use crate::args::Args;
use crate::backlog::{Backlog, Order};
use crate::drain::{drain, fill};
use crate::figures::Figures;
use crate::judge;
use crate::stage::Stage;

use copies::Copies;

const EMPTY: &str = "drain_rate_0";
/// Of the first backlog. All that are drained into the same database have seeds of their own, and so proposals of their own.
const SEED: u64 = 30;

pub async fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let stage = Stage::set_up(&args.programs).await?;
    println!("growth: nothing stored");
    let first = backlog(args, SEED);
    let rate = grow(&stage, &first).await?;
    let Some((most, fewer)) = args.extent().stored.split_last() else {
        figures.add(EMPTY, rate);
        return Ok(());
    };
    let mut copies = Copies::of(&stage, &first).await?;
    let mut seeds = SEED + 1..;
    let drains = args.extent().drains;
    for (notices, figure) in fewer {
        copies.fill_up_to(*notices).await?;
        for seed in seeds.by_ref().take(drains) {
            add(args, &stage, seed, figure, figures).await?;
        }
    }
    copies.fill_up_to(most.0).await?;
    for (round, seed) in seeds.take(drains).enumerate() {
        in_turn(args, &stage, most.1, round, seed, figures).await?;
    }
    Ok(())
}

/// What is full and what is empty, every other round the other way round: the machine has faster and slower minutes, and what the
/// one drain leaves to be purged and written out weighs on the next.
async fn in_turn(
    args: &Args,
    full: &Stage,
    figure: &str,
    round: usize,
    seed: u64,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let empty = Stage::set_up(&args.programs).await?;
    let mut both = [(full, figure), (&empty, EMPTY)];
    if round % 2 == 1 {
        both.reverse();
    }
    for (stage, figure) in both {
        add(args, stage, seed, figure, figures).await?;
    }
    Ok(())
}

async fn add(
    args: &Args,
    stage: &Stage,
    seed: u64,
    figure: &str,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    println!("growth: {figure}");
    let rate = grow(stage, &backlog(args, seed)).await?;
    figures.add(figure, rate);
    Ok(())
}

fn backlog(args: &Args, seed: u64) -> Backlog {
    Backlog::tell(args.seed + seed, args.extent().grown_by, Order::Kept)
}

async fn grow(stage: &Stage, backlog: &Backlog) -> anyhow::Result<f64> {
    fill(stage, backlog).await?;
    let drained = drain(stage, backlog.len(), 1).await?;
    judge::all_applied(stage, backlog).await?;
    Ok(drained.rate)
}
