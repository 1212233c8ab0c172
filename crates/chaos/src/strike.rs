//! Doing what the plan says.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::kind::{Action, Place, Role};
use crate::plan::{Crew, Fault, Lane, Plan};
use crate::record::{Outcome, Record};
use crate::stage::Stage;
use crate::watch::Watch;

/// What every strike needs.
#[derive(Clone)]
pub struct Striker {
    pub stage: Arc<Stage>,
    pub watch: Arc<Watch>,
    pub record: Arc<Record>,
    /// The plan's zero.
    pub zero: Instant,
}

impl Striker {
    /// Returns when the last fault is over and everybody has recovered from it.
    ///
    /// # Errors
    /// When a fault can't be brought about or ended: a server that does not come up again.
    pub async fn play(&self, plan: &Plan, crew: Crew) -> anyhow::Result<()> {
        let mut lanes: BTreeMap<Lane, Arc<Mutex<()>>> = BTreeMap::new();
        let mut strikes = JoinSet::new();
        for fault in plan.faults.iter().cloned() {
            let lanes: Vec<_> = fault
                .lanes(crew)
                .into_iter()
                .map(|lane| Arc::clone(lanes.entry(lane).or_default()))
                .collect();
            let striker = self.clone();
            strikes.spawn(async move { striker.in_time(fault, lanes).await });
        }
        while let Some(struck) = strikes.join_next().await {
            struck??;
        }
        Ok(())
    }

    /// Where one before it took longer than planned, it starts later. Lanes come sorted, so nobody waits in a circle.
    async fn in_time(&self, fault: Fault, lanes: Vec<Arc<Mutex<()>>>) -> anyhow::Result<()> {
        sleep_until(self.zero + fault.start).await;
        let mut held: Vec<OwnedMutexGuard<()>> = Vec::new();
        for lane in lanes {
            held.push(lane.lock_owned().await);
        }
        let started = Instant::now();
        self.stage.field.begin(&fault);
        let struck = self.strike(&fault).await;
        let ended = Instant::now();
        let alone = self.stage.field.end(&fault);
        drop(held);
        struck.with_context(|| fault.to_string())?;
        self.recover(fault, started, ended, alone).await;
        Ok(())
    }

    pub async fn recover(&self, fault: Fault, started: Instant, ended: Instant, alone: bool) {
        let others = self.stage.field.begun();
        let ready = self.watch.all_ready_after(ended).await;
        self.record.add(Outcome {
            start: started - self.zero,
            lasted: ended - started,
            recovery: ready.map(|ready| ready - ended),
            disturbed: !alone || self.stage.field.begun() > others,
            fault,
        });
    }

    async fn strike(&self, fault: &Fault) -> anyhow::Result<()> {
        let stage = &self.stage;
        match (fault.kind.action, fault.kind.place) {
            (_, Place::Link(link)) => {
                let wires = stage.wires.as_ref().context("there are no wires to cut")?;
                wires.break_off(link, fault);
                sleep(fault.lasts).await;
                wires.mend(link, fault);
                Ok(())
            }
            (Action::Kill, Place::Process(role)) if role.is_server() => {
                stage.servers.kill(role)?;
                sleep(fault.lasts).await;
                stage.servers.up().await
            }
            (_, Place::Process(role)) if role.is_server() => {
                let process = stage.servers.stop(role)?;
                sleep(fault.lasts).await;
                stage.servers.go_on(process)
            }
            (action, Place::Process(role)) => self.strike_program(action, role, fault).await,
        }
    }

    async fn strike_program(&self, action: Action, role: Role, fault: &Fault) -> anyhow::Result<()> {
        let program = self.stage.program(role, fault.which)?;
        if action == Action::Kill {
            program.kill()?;
            sleep(fault.lasts).await;
            program.start_again()
        } else {
            program.signal("STOP")?;
            sleep(fault.lasts).await;
            program.signal("CONT")
        }
    }
}
