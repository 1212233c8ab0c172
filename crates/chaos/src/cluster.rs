//! Kills the leader of the notices queue every twenty seconds.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::args::Args;
use crate::final_checks::describe;
use crate::inject::Injector;
use crate::kind::{Action, FaultKind, FaultTarget, Role};
use crate::plan::{Detail, Fault};

const EVERY: Duration = Duration::from_secs(20);
/// A new leader is elected within seconds; the broker's statistics lag behind by five more.
const LEADER_WITHIN: Duration = Duration::from_secs(60);

/// Kills leaders until the run is over. A killed node is back before the next one is killed.
pub async fn play(injector: &Injector, args: &Args) -> anyhow::Result<()> {
    let last = injector.zero + args.run_length().saturating_sub(EVERY);
    let mut next = injector.zero + EVERY / 2;
    let mut number = 0;
    while next <= last {
        sleep_until(next).await;
        number += 1;
        kill_leader(injector, args, number).await?;
        next = (next + EVERY).max(Instant::now());
    }
    sleep_until(injector.zero + args.run_length()).await;
    Ok(())
}

async fn kill_leader(injector: &Injector, args: &Args, number: usize) -> anyhow::Result<()> {
    let leader = timeout(LEADER_WITHIN, leader(injector, args)).await;
    let leader = leader.context("the queue has no leader")?;
    let started = Instant::now();
    let fault = Fault {
        number,
        kind: FaultKind {
            action: Action::Kill,
            target: FaultTarget::Process(Role::Broker),
        },
        which: None,
        detail: Detail::Nothing,
        start: started - injector.zero,
        lasts: Duration::ZERO,
    };
    println!("the leader is {leader}");
    injector.environment.active_faults.begin(&fault);
    let servers = &injector.environment.servers;
    servers.kill_node(&leader)?;
    let up = servers.up().await;
    let ended = Instant::now();
    let alone = injector.environment.active_faults.end(&fault);
    up?;
    injector.recover(fault, started, ended, alone).await;
    Ok(())
}

/// The node that leads the notices queue, asked for until the broker answers.
async fn leader(injector: &Injector, args: &Args) -> String {
    loop {
        if let Ok(queue) = describe(&injector.environment, args, "xiebao.notices").await
            && let Some(leader) = queue["leader"].as_str()
        {
            return leader.to_owned();
        }
        sleep(Duration::from_millis(200)).await;
    }
}
