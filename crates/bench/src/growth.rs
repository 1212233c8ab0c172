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

pub async fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let stored = args.extent().stored;
    let stage = Stage::set_up(&args.programs).await?;
    let first = grow(args, &stage, 30, EMPTY, figures).await?;
    if stored.is_empty() {
        return Ok(());
    }
    let mut copies = Copies::of(&stage, &first).await?;
    for (seed, (notices, figure)) in (31..).zip(stored) {
        copies.fill_up_to(*notices).await?;
        grow(args, &stage, seed, figure, figures).await?;
    }
    drop(stage);
    // Minutes have passed: the empty database is looked at again.
    let stage = Stage::set_up(&args.programs).await?;
    grow(args, &stage, 30, EMPTY, figures).await?;
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
