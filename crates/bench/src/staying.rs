//! Resident memory of both services at minute 10 against minute 2, at half of what they can do.

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until};

use crate::args::Args;
use crate::figures::Figures;
use crate::judge;
use crate::median;
use crate::whole::{Whole, bodies};

/// Notices a second where the whole was not measured.
const GUESS: f64 = 2_000.0;
/// Notices are told for so long at a time: those of the whole time would not fit.
const SPELL: Duration = Duration::from_secs(30);
/// When the first look is, as a part of the whole time: minute 2 of 10.
const EARLY: f64 = 0.2;
const LOOKS: usize = 9;
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub async fn measure(args: &Args, figures: &mut Figures) -> anyhow::Result<()> {
    let Some(duration) = args.extent().staying else {
        return Ok(());
    };
    let rate = figures.get("whole_rate").map_or(GUESS, |rate| rate / 2.0);
    println!("memory: {rate:.0}/s, {} s", duration.as_secs());
    let mut whole = Whole::start(args).await?;
    let pids = [whole.receiver.service.id(), whole.workers[0].id()];
    let looking = tokio::spawn(look(pids, duration));
    send(args, &mut whole, rate, duration).await?;
    whole.settled().await?;
    let [early, late] = looking.await??;
    for (which, name) in ["receiver", "worker"].into_iter().enumerate() {
        figures.add(&format!("{name}_rss_mb_minute_2"), early[which]);
        figures.add(&format!("{name}_rss_mb_minute_10"), late[which]);
    }
    judge::consistent(&whole.stage, whole.acknowledged).await?;
    whole.stop().await
}

/// A little longer than it is looked at: every spell has its warm-up.
async fn send(args: &Args, whole: &mut Whole, rate: f64, duration: Duration) -> anyhow::Result<()> {
    let spells = duration.as_secs().div_ceil(SPELL.as_secs());
    let tell = |spell: u64| {
        let seed = args.seed + 100 + spell;
        spawn_blocking(move || (spell < spells).then(|| bodies(seed, rate, SPELL)))
    };
    let mut next = tell(0);
    for spell in 1.. {
        let Some(bodies) = next.await? else { break };
        next = tell(spell);
        whole.send_at(rate, bodies, SPELL).await?;
    }
    Ok(())
}

/// Resident memory of both, in MB: early and at the end.
async fn look(pids: [u32; 2], duration: Duration) -> anyhow::Result<[[f64; 2]; 2]> {
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
