//! A run from its start to its end.

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, timeout};

use crate::args::Args;
use crate::cluster;
use crate::environment::Environment;
use crate::final_checks;
use crate::inject::Injector;
use crate::load::{Load, LoadReport};
use crate::plan::Plan;
use crate::record::Record;
use crate::watch::ReadinessWatch;

/// The time allowed beyond the minutes of the run; a run that hangs ends too.
const GRACE: Duration = Duration::from_secs(300);

/// Runs the plan and all checks. Returns `true` if no notice was lost and no service needed manual help.
///
/// # Errors
/// If the run can't be completed, or is interrupted.
pub async fn run(args: Args) -> anyhow::Result<bool> {
    let mut terminate = signal(SignalKind::terminate())?;
    let bound = args.run_length() + GRACE;
    tokio::select! {
        played = timeout(bound, play(&args)) => match played {
            Ok(verdict) => verdict,
            Err(_) => bail!("not finished after {} s: something hangs", bound.as_secs()),
        },
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminate.recv() => bail!("interrupted"),
    }
}

async fn play(args: &Args) -> anyhow::Result<bool> {
    let begun = Instant::now();
    let record = Arc::new(Record::open(args.json.as_deref())?);
    let environment = Arc::new(Environment::set_up(args).await?);
    let mut load = Load::start(&environment, args)?;
    load.begun(&environment).await?;
    let injector = Injector {
        watch: Arc::new(ReadinessWatch::over(&environment)),
        record: Arc::clone(&record),
        environment: Arc::clone(&environment),
        zero: Instant::now(),
    };
    inject_faults(&injector, args).await?;
    let mut problems = Vec::new();
    if injector.watch.all_ready_after(Instant::now()).await.is_none() {
        problems.push("not every service became ready after the last fault".to_owned());
    }
    println!("the faults are over; waiting for the comparison");
    let report = load.report(&environment).await?;
    problems.extend(report.problems());
    problems.extend(record.problems());
    problems.extend(final_checks::problems(&environment, args).await?);
    problems.extend(injector.watch.interventions());
    drop(injector);
    problems.extend(environment.tear_down().await);
    Ok(print_verdict(args, &record, &report, &problems, begun.elapsed()))
}

async fn inject_faults(injector: &Injector, args: &Args) -> anyhow::Result<()> {
    if args.cluster {
        return cluster::play(injector, args).await;
    }
    let plan = Plan::draw(args.seed, args.run_length(), args.process_counts());
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
    println!("the faults as they happen:");
    injector.play(&plan, args.process_counts()).await
}

fn print_verdict(
    args: &Args,
    record: &Record,
    report: &LoadReport,
    problems: &[String],
    took: Duration,
) -> bool {
    let by_kind = record.by_kind();
    by_kind.iter().for_each(|line| println!("{line}"));
    let found = &report.database;
    println!(
        "{} notices, {} of them sent twice, in {:.0} s: {} requests, {} acknowledged, {} sent again, {} given up",
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
