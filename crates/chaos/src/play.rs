//! A run from end to end.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, timeout};

use crate::args::Args;
use crate::cluster;
use crate::ending;
use crate::load::{Load, Report};
use crate::plan::Plan;
use crate::record::Record;
use crate::stage::Stage;
use crate::strike::Striker;
use crate::watch::Watch;

/// Beyond the minutes that were asked for; whatever hangs is an end too.
const GRACE: Duration = Duration::from_secs(300);

/// `true`: nothing was lost, and nobody needed a hand.
///
/// # Errors
/// When the run could not be brought to its end, or was told to stop.
pub async fn run(args: Args) -> anyhow::Result<bool> {
    let mut terminate = signal(SignalKind::terminate())?;
    let bound = args.run_length() + GRACE;
    tokio::select! {
        played = timeout(bound, play(&args)) => match played {
            Ok(verdict) => verdict,
            Err(_) => bail!("not at an end after {} s: something hangs", bound.as_secs()),
        },
        _ = tokio::signal::ctrl_c() => bail!("told to stop"),
        _ = terminate.recv() => bail!("told to stop"),
    }
}

async fn play(args: &Args) -> anyhow::Result<bool> {
    let begun = Instant::now();
    let record = Arc::new(Record::open(args.json.as_deref())?);
    let stage = Arc::new(Stage::set_up(args).await?);
    let mut load = Load::start(&stage, args)?;
    load.begun(&stage).await?;
    let striker = Striker {
        watch: Arc::new(Watch::over(&stage)),
        record: Arc::clone(&record),
        stage: Arc::clone(&stage),
        zero: Instant::now(),
    };
    act(&striker, args).await?;
    let mut problems = Vec::new();
    if striker.watch.all_ready_after(Instant::now()).await.is_none() {
        problems.push("not everybody got ready again after the last fault".to_owned());
    }
    println!("the faults are over; waiting for the comparison");
    let report = load.report(&stage).await?;
    problems.extend(report.problems());
    problems.extend(record.problems());
    problems.extend(ending::problems(&stage, args).await?);
    problems.extend(striker.watch.hands());
    drop(striker);
    problems.extend(stage.tear_down().await);
    Ok(tell(args, &record, &report, &problems, begun.elapsed()))
}

async fn act(striker: &Striker, args: &Args) -> anyhow::Result<()> {
    if args.cluster {
        return cluster::play(striker, args).await;
    }
    let plan = Plan::draw(args.seed, args.run_length(), args.crew());
    println!(
        "seed {}: {} faults in {} s",
        plan.seed,
        plan.faults.len(),
        plan.run.as_secs()
    );
    for fault in &plan.faults {
        let (start, lasts) = (fault.start.as_secs_f64(), fault.lasts.as_secs_f64());
        println!(
            "  {:<66} at {start:>6.1} s  for {lasts:>5.1} s",
            fault.to_string()
        );
    }
    println!("as it comes about:");
    striker.play(&plan, args.crew()).await
}

fn tell(args: &Args, record: &Record, report: &Report, problems: &[String], took: Duration) -> bool {
    let by_kind = record.by_kind();
    by_kind.iter().for_each(|line| println!("{line}"));
    let found = &report.database;
    println!(
        "{} notices, {} of them sent twice, in {:.0} s: {} requests, {} acknowledged, {} made again, {} given up",
        report.notices,
        report.duplicates,
        report.sending_seconds,
        report.requests,
        report.acknowledged,
        report.resent,
        report.given_up
    );
    println!(
        "longest time without an acknowledgement: {:.2} s",
        report.longest_gap_seconds
    );
    println!(
        "compared {} proposals, {} notices, {} rows; {} proposals left out",
        found.compared_proposals, found.compared_notices, found.compared_rows, found.left_out
    );
    problems.iter().for_each(|problem| println!("!! {problem}"));
    let (faults, findings) = (record.count(), &found.findings);
    let (verdict, seconds) = (
        if problems.is_empty() { "PASSED" } else { "FAILED" },
        took.as_secs(),
    );
    println!(
        "{verdict}: seed {}, {faults} faults, {} lost, {} extra, {} differing, {} problems, {seconds} s",
        args.seed,
        findings.lost,
        findings.extra,
        findings.differing,
        problems.len(),
    );
    record.summary(&json!({ "summary": {
        "verdict": verdict, "seed": args.seed, "faults": faults, "seconds": seconds,
        "by_kind": by_kind, "load": report, "problems": problems,
    } }));
    problems.is_empty()
}
