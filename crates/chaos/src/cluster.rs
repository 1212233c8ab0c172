//! The leader of the broker's queue dies every twenty seconds.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::args::Args;
use crate::ending::describe;
use crate::kind::{Action, Kind, Place, Role};
use crate::plan::{Detail, Fault};
use crate::strike::Striker;

const EVERY: Duration = Duration::from_secs(20);
/// A new leader is found within seconds; a broker's statistics lag behind by five more.
const LEADER_WITHIN: Duration = Duration::from_secs(60);

/// Kills for as long as the run goes on; a node that is killed comes back before the next one is.
pub async fn play(striker: &Striker, args: &Args) -> anyhow::Result<()> {
    let last = striker.zero + args.run_length().saturating_sub(EVERY);
    let mut next = striker.zero + EVERY / 2;
    let mut number = 0;
    while next <= last {
        sleep_until(next).await;
        number += 1;
        kill_leader(striker, args, number).await?;
        next = (next + EVERY).max(Instant::now());
    }
    sleep_until(striker.zero + args.run_length()).await;
    Ok(())
}

async fn kill_leader(striker: &Striker, args: &Args, number: usize) -> anyhow::Result<()> {
    let leader = timeout(LEADER_WITHIN, leader(striker, args)).await;
    let leader = leader.context("the queue has no leader")?;
    let started = Instant::now();
    let fault = Fault {
        number,
        kind: Kind {
            action: Action::Kill,
            place: Place::Process(Role::Broker),
        },
        which: None,
        detail: Detail::Nothing,
        start: started - striker.zero,
        lasts: Duration::ZERO,
    };
    println!("the leader is {leader}");
    striker.stage.field.begin(&fault);
    let servers = &striker.stage.servers;
    servers.kill_node(&leader)?;
    let up = servers.up().await;
    let ended = Instant::now();
    let alone = striker.stage.field.end(&fault);
    up?;
    striker.recover(fault, started, ended, alone).await;
    Ok(())
}

/// Asked until there is an answer.
async fn leader(striker: &Striker, args: &Args) -> String {
    loop {
        if let Ok(queue) = describe(&striker.stage, args, "xiebao.notices").await
            && let Some(leader) = queue["leader"].as_str()
        {
            return leader.to_owned();
        }
        sleep(Duration::from_millis(200)).await;
    }
}
