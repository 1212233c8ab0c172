//! Resident memory of both services at minute 10 and at minute 2, at half of their highest rate.

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until};

use crate::args::Args;
use crate::figures::Figures;
use crate::judge;
use crate::median;
use crate::whole::{Whole, bodies};

/// Notices a second, if the whole was not measured.
const GUESS: f64 = 2_000.0;
/// Notices are generated for this duration at a time: those of the whole run would not fit into memory.
const SPELL: Duration = Duration::from_secs(30);
/// The time of the first look, as a share of the run: minute 2 of 10.
const EARLY: f64 = 0.2;
const LOOKS: usize = 9;
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub async fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let Some(duration) = args.extent().memory else {
        return Ok(());
    };
    let rate = figures.get("whole_rate").map_or(GUESS, |rate| rate / 2.0);
    println!("memory: {rate:.0}/s, {} s", duration.as_secs());
    let mut whole = Whole::start(args).await?;
    let pids = [whole.receiver.service.id(), whole.workers[0].id()];
    let looking = tokio::spawn(resident_early_and_late(pids, duration));
    send(args, &mut whole, rate, duration).await?;
    whole.settled().await?;
    let [early, late] = looking.await??;
    for (which, name) in ["receiver", "worker"].into_iter().enumerate() {
        figures.add(&format!("{name}_rss_mb_minute_2"), early[which]);
        figures.add(&format!("{name}_rss_mb_minute_10"), late[which]);
    }
    judge::consistent(&whole.environment, whole.acknowledged).await?;
    whole.stop().await
}

/// Sends for a little longer than the memory is measured, because every spell has its warm-up.
async fn send(args: &Args, whole: &mut Whole, rate: f64, duration: Duration) -> anyhow::Result<()> {
    let spells = duration.as_secs().div_ceil(SPELL.as_secs());
    let generate = |spell: u64| {
        let seed = args.seed + 100 + spell;
        spawn_blocking(move || (spell < spells).then(|| bodies(seed, rate, SPELL)))
    };
    let mut next = generate(0);
    for spell in 1.. {
        let Some(bodies) = next.await? else { break };
        next = generate(spell);
        whole.send_at(rate, bodies, SPELL).await?;
    }
    Ok(())
}

/// Resident memory of both services in MiB: early, and at the end.
async fn resident_early_and_late(pids: [u32; 2], duration: Duration) -> anyhow::Result<[[f64; 2]; 2]> {
    let begun = Instant::now();
    let mut found = [[0.0; 2]; 2];
    for (share, found) in [EARLY, 1.0].into_iter().zip(&mut found) {
        sleep_until(begun + duration.mul_f64(share) - LOOK_EVERY * LOOKS as u32).await;
        *found = resident(pids).await?;
    }
    Ok(found)
}

async fn resident(pids: [u32; 2]) -> anyhow::Result<[f64; 2]> {
    let mut seen = [Vec::new(), Vec::new()];
    for _ in 0..LOOKS {
        for (pid, seen) in pids.into_iter().zip(&mut seen) {
            seen.push(crate::usage::Usage::of(pid)?.rss_mb);
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(seen.map(|values| median(&values)))
}
