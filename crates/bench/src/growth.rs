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
/// Of the first backlog. Each has a seed of its own, and so proposals of its own.
const SEED: u64 = 30;

pub async fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let stored = args.extent().stored;
    let stage = Stage::set_up(&args.programs).await?;
    let first = grow(args, &stage, SEED, EMPTY, figures).await?;
    if stored.is_empty() {
        return Ok(());
    }
    let mut copies = Copies::of(&stage, &first).await?;
    let mut seeds = SEED + 1..;
    for (notices, figure) in stored {
        copies.fill_up_to(*notices).await?;
        for seed in seeds.by_ref().take(args.extent().drains) {
            grow(args, &stage, seed, figure, figures).await?;
            // Minutes have passed: an empty database is looked at again.
            let empty = Stage::set_up(&args.programs).await?;
            grow(args, &empty, seed, EMPTY, figures).await?;
        }
    }
    Ok(())
}

async fn grow(
    args: &Args,
    stage: &Stage,
    seed: u64,
    figure: &str,
    figures: &mut Figures,
) -> anyhow::Result<Backlog> {
    println!("growth: {figure}");
    let backlog = Backlog::tell(args.seed + seed, args.extent().grown_by, Order::Kept);
    fill(stage, &backlog).await?;
    let drained = drain(stage, backlog.len(), 1).await?;
    figures.add(figure, drained.rate);
    judge::all_applied(stage, &backlog).await?;
    Ok(backlog)
}
