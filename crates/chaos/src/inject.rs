//! Injects the faults of the plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::environment::Environment;
use crate::kind::{Action, FaultTarget, Role};
use crate::plan::{Fault, Plan, ProcessCounts, Resource};
use crate::record::{FaultOutcome, Record};
use crate::watch::ReadinessWatch;

/// Shared by all injections.
#[derive(Clone)]
pub struct Injector {
    pub environment: Arc<Environment>,
    pub watch: Arc<ReadinessWatch>,
    pub record: Arc<Record>,
    /// The time that the plan counts from.
    pub zero: Instant,
}

impl Injector {
    /// Injects all faults, and returns when every service has recovered from the last one.
    ///
    /// # Errors
    /// If a fault can't be injected or ended, for example because a server does not come up.
    pub async fn play(&self, plan: &Plan, processes: ProcessCounts) -> anyhow::Result<()> {
        let mut resources: BTreeMap<Resource, Arc<Mutex<()>>> = BTreeMap::new();
        let mut injections = JoinSet::new();
        for fault in plan.faults.iter().cloned() {
            let resources: Vec<_> = fault
                .resources(processes)
                .into_iter()
                .map(|resource| Arc::clone(resources.entry(resource).or_default()))
                .collect();
            let injector = self.clone();
            injections.spawn(async move { injector.in_time(fault, resources).await });
        }
        while let Some(injected) = injections.join_next().await {
            injected??;
        }
        Ok(())
    }

    /// Injects a fault at its time, or later if an earlier fault on the same resource takes longer than planned.
    /// Resources are sorted, so two faults can't wait for each other.
    async fn in_time(&self, fault: Fault, resources: Vec<Arc<Mutex<()>>>) -> anyhow::Result<()> {
        sleep_until(self.zero + fault.start).await;
        let mut held: Vec<OwnedMutexGuard<()>> = Vec::new();
        for resource in resources {
            held.push(resource.lock_owned().await);
        }
        let started = Instant::now();
        self.environment.active_faults.begin(&fault);
        let injected = self.inject(&fault).await;
        let ended = Instant::now();
        let alone = self.environment.active_faults.end(&fault);
        drop(held);
        injected.with_context(|| fault.to_string())?;
        self.recover(fault, started, ended, alone).await;
        Ok(())
    }

    pub async fn recover(&self, fault: Fault, started: Instant, ended: Instant, alone: bool) {
        let others = self.environment.active_faults.begun();
        let ready = self.watch.all_ready_after(ended).await;
        self.record.add(FaultOutcome {
            start: started - self.zero,
            lasted: ended - started,
            recovery: ready.map(|ready| ready - ended),
            disturbed: !alone || self.environment.active_faults.begun() > others,
            fault,
        });
    }

    async fn inject(&self, fault: &Fault) -> anyhow::Result<()> {
        let environment = &self.environment;
        match (fault.kind.action, fault.kind.target) {
            (_, FaultTarget::Connection(connection)) => {
                let proxies = environment
                    .proxies
                    .as_ref()
                    .context("there are no proxies to cut")?;
                proxies.break_connections(connection, fault);
                sleep(fault.lasts).await;
                proxies.repair(connection, fault);
                Ok(())
            }
            (Action::Kill, FaultTarget::Process(role)) if role.is_server() => {
                environment.servers.kill(role)?;
                sleep(fault.lasts).await;
                environment.servers.up().await
            }
            (_, FaultTarget::Process(role)) if role.is_server() => {
                let process = environment.servers.stop(role)?;
                sleep(fault.lasts).await;
                environment.servers.resume(process)
            }
            (action, FaultTarget::Process(role)) => self.inject_into_program(action, role, fault).await,
        }
    }

    async fn inject_into_program(&self, action: Action, role: Role, fault: &Fault) -> anyhow::Result<()> {
        let program = self.environment.program(role, fault.which)?;
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
