//! The order of the parts.

use std::path::Path;

use anyhow::{Context as _, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{Args, Part};
use crate::figures::Figures;
use crate::report::Results;
use crate::{draining, growth, machine, memory, receiver, report, startup, whole};

/// Measures and reports. Returns `true` if every ratio that must hold does.
///
/// # Errors
/// If a part can't be measured, if rows are wrong, or if the program is interrupted.
pub async fn run(args: Args) -> anyhow::Result<bool> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        played = play(&args) => played,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminate.recv() => bail!("interrupted"),
    }
}

async fn play(args: &Args) -> anyhow::Result<bool> {
    let mut figures = Figures::default();
    let measured = measure(args, &mut figures).await;
    // Figures from before a failure are worth seeing.
    let holds = show(args, &Results::new(machine::describe(args), &figures))?;
    measured?;
    Ok(holds)
}

async fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let wanted = |part| args.measures(part);
    if wanted(Part::Receiver) || wanted(Part::Ceilings) {
        receiver::measure(args, figures).await?;
    }
    if wanted(Part::Worker) || wanted(Part::Ceilings) {
        draining::measure(args, figures).await?;
    }
    if wanted(Part::Whole) {
        whole::measure(args, figures).await?;
    }
    if wanted(Part::Start) {
        startup::measure(args, figures).await?;
    }
    if wanted(Part::Growth) {
        growth::measure(args, figures).await?;
    }
    if wanted(Part::Memory) {
        memory::measure(args, figures).await?;
    }
    Ok(())
}

/// Prints the tables, and writes the files that the arguments name. Returns `false` if a ratio that must hold does
/// not.
fn show(args: &Args, results: &Results) -> anyhow::Result<bool> {
    println!("\n{}", report::text::report(results));
    let json = results.to_json()?;
    if let Some(file) = &args.json {
        std::fs::write(file, &json).with_context(|| file.display().to_string())?;
    }
    if let Some(folder) = &args.performance {
        publish(folder, results, &json)?;
    }
    Ok(report::ratios::all(results)
        .iter()
        .all(|ratio| ratio.holds() != Some(false)))
}

/// Writes the figures, and the ratios into the page beside the directory.
fn publish(folder: &Path, results: &Results, json: &str) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("latest.json"), json)?;
    let page = folder.with_extension("md");
    match std::fs::read_to_string(&page) {
        Ok(text) => {
            let ratios = report::markdown::report(results);
            std::fs::write(&page, report::markdown::replace_figures(&text, &ratios)?)?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| page.display().to_string()),
    }
    Ok(())
}
