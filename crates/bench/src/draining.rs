//! The worker and the raw database in turn: in order, shuffled, with duplicates, and three workers.

use crate::args::{Args, Part};
use crate::backlog::{Backlog, Order};
use crate::ceilings::RawDatabase;
use crate::drain::{Drained, drain, fill};
use crate::figures::Figures;
use crate::judge;
use crate::stage::Stage;

/// What the raw database alone is given to copy.
const SMALL_BACKLOG: usize = 10_000;

/// One way of draining.
struct Case {
    order: Order,
    workers: usize,
    figure: &'static str,
}

const fn case(order: Order, workers: usize, figure: &'static str) -> Case {
    Case {
        order,
        workers,
        figure,
    }
}

const CASES: [Case; 4] = [
    case(Order::Kept, 1, "worker_rate_in_order"),
    case(Order::Shuffled, 1, "worker_rate_shuffled"),
    case(Order::Duplicates, 1, "worker_rate_duplicates"),
    case(Order::Kept, 3, "worker_rate_3_workers"),
];

/// The worker and the raw database in turn, or the latter alone.
pub async fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let mut raw = RawDatabase::new(args);
    if !args.measures(Part::Worker) {
        return only_raw(args, &mut raw, figures).await;
    }
    for round in 0..args.extent().drains {
        for case in in_turn(round) {
            let stage = play(args, case, figures).await?;
            raw.measure(&stage, figures).await?;
        }
    }
    Ok(())
}

/// The cases of one round, every other round the other way round, so that a machine that slows down takes from all.
fn in_turn(round: usize) -> Vec<&'static Case> {
    let mut cases: Vec<_> = CASES.iter().collect();
    if round % 2 == 1 {
        cases.reverse();
    }
    cases
}

async fn only_raw(args: &Args, raw: &mut RawDatabase, figures: &mut Figures) -> anyhow::Result<()> {
    println!("raw database");
    let stage = Stage::set_up(&args.programs).await?;
    let backlog = Backlog::tell(args.seed, SMALL_BACKLOG, Order::Kept);
    fill(&stage, &backlog).await?;
    drain(&stage, backlog.len(), 1).await?;
    raw.measure(&stage, figures).await
}

async fn play(args: &Args, case: &Case, figures: &mut Figures) -> anyhow::Result<Stage> {
    let deliveries = args.extent().backlog;
    println!("{}: {deliveries} deliveries", case.figure);
    let stage = Stage::set_up(&args.programs).await?;
    let backlog = Backlog::tell(args.seed, deliveries, case.order);
    fill(&stage, &backlog).await?;
    let drained = drain(&stage, backlog.len(), case.workers).await?;
    note(case, &drained, figures);
    judge::all_applied(&stage, &backlog).await?;
    Ok(stage)
}

fn note(case: &Case, drained: &Drained, figures: &mut Figures) {
    // What is shuffled costs more the more of it is there to be let go, so no window stands for all of it.
    let rate = match case.order {
        Order::Shuffled => drained.overall,
        Order::Kept | Order::Duplicates => drained.rate,
    };
    figures.add(case.figure, rate);
    let name = case.figure.replace("worker_rate_", "");
    figures.add(
        &format!("worker_cpu_seconds_per_1000_{name}"),
        drained.cpu_seconds_per_1000,
    );
    figures.add(
        &format!("worker_conflicts_per_1000_{name}"),
        drained.conflicts_per_1000,
    );
    figures.note(&format!("worker_rate_{name}_overall"), drained.overall);
    if case.workers > 1 {
        figures.at_least("deadlock_retries_per_1000", drained.conflicts_per_1000);
    }
    figures.add(&format!("worker_rss_mb_{name}"), drained.peak_rss_mb);
    figures.at_least("worker_rss_mb", drained.peak_rss_mb);
}
