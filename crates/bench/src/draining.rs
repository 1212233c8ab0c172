//! Worker and raw database in turn: in order, shuffled, with duplicates, and with three workers.

use crate::args::{Args, Part};
use crate::backlog::{Backlog, Order};
use crate::ceilings::RawDatabase;
use crate::drain::{Drained, drain, fill};
use crate::environment::Environment;
use crate::figures::Figures;
use crate::judge;

/// The deliveries whose rows the raw database copies when it is measured alone.
const SMALL_BACKLOG: usize = 10_000;

/// A backlog, and the workers that drain it.
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

/// Measures worker and raw database in turn, or the raw database alone.
pub async fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let mut raw = RawDatabase::new(args);
    if !args.measures(Part::Worker) {
        return only_raw(args, &mut raw, figures).await;
    }
    for round in 0..args.extent().drains {
        for case in in_turn(round) {
            let environment = play(args, case, figures).await?;
            raw.measure(&environment, figures).await?;
        }
    }
    Ok(())
}

/// The cases of one round. Every other round runs in reverse, so that a machine that slows down affects all alike.
fn in_turn(round: usize) -> Vec<&'static Case> {
    let mut cases: Vec<_> = CASES.iter().collect();
    if round % 2 == 1 {
        cases.reverse();
    }
    cases
}

async fn only_raw(args: &Args, raw: &mut RawDatabase, figures: &mut Figures) -> anyhow::Result<()> {
    println!("raw database");
    let environment = Environment::set_up(&args.programs).await?;
    let backlog = Backlog::generate(args.seed, SMALL_BACKLOG, Order::Kept);
    fill(&environment, &backlog).await?;
    drain(&environment, backlog.len(), 1).await?;
    raw.measure(&environment, figures).await
}

async fn play(args: &Args, case: &Case, figures: &mut Figures) -> anyhow::Result<Environment> {
    let deliveries = args.extent().backlog;
    println!("{}: {deliveries} deliveries", case.figure);
    let environment = Environment::set_up(&args.programs).await?;
    let backlog = Backlog::generate(args.seed, deliveries, case.order);
    fill(&environment, &backlog).await?;
    let drained = drain(&environment, backlog.len(), case.workers).await?;
    note(case, &drained, figures);
    judge::all_applied(&environment, &backlog).await?;
    Ok(environment)
}

fn note(case: &Case, drained: &Drained, figures: &mut Figures) {
    // A shuffled backlog costs more the more notices are held, so no window stands for all of it.
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
