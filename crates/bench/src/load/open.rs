//! An open loop: requests come at their rate, whatever the answers do.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Loaded;
use super::connection::Connection;
use super::pace::Pace;
use super::requests::Requests;
use super::tally::Tally;
use super::thread::all_done;
use crate::usage::thread_cpu_seconds;

/// How much longer a load may take than it takes to give up what was not sent.
const GRACE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub connections: usize,
    /// Notices a second.
    pub rate: f64,
    pub warm_up: Duration,
    pub duration: Duration,
}

#[derive(Debug)]
struct Load {
    requests: Requests,
    pace: Pace,
    /// A permit for every notice that is due; closed when there are no more. Waiting connections get them in turn.
    due: Semaphore,
    next: Cell<u64>,
    /// The first notice that is not part of the warm-up, and the one after the last.
    first: u64,
    end: u64,
    measured: Cell<u64>,
    last_answer: Cell<Instant>,
    tally: Rc<Tally>,
}

pub async fn run(address: SocketAddr, requests: Requests, plan: Plan) -> anyhow::Result<Loaded> {
    ensure!(
        plan.rate.is_finite() && plan.rate > 0.0,
        "a rate of {} is none",
        plan.rate
    );
    let cpu_before = thread_cpu_seconds()?;
    let connections = Connection::open(address, plan.connections).await?;
    let load = Rc::new(Load::new(requests, plan)?);
    let mut tasks = JoinSet::new();
    for connection in connections {
        let load = Rc::clone(&load);
        tasks.spawn_local(async move { load.serve(connection).await });
    }
    let releasing = Rc::clone(&load);
    tasks.spawn_local(async move { releasing.release(plan).await });
    all_done(tasks, &load.tally, plan.warm_up + plan.duration * 2 + GRACE).await?;
    Ok(Loaded {
        own_cpu_seconds: thread_cpu_seconds()? - cpu_before,
        ..load.loaded()
    })
}

impl Load {
    fn new(requests: Requests, plan: Plan) -> anyhow::Result<Self> {
        let pace = Pace::new(plan.rate)?;
        let first = (plan.warm_up.as_secs_f64() * plan.rate) as u64;
        let count = (plan.duration.as_secs_f64() * plan.rate).max(1.0) as u64;
        Ok(Self {
            requests,
            due: Semaphore::new(0),
            next: Cell::new(0),
            first,
            end: first + count,
            measured: Cell::new(0),
            last_answer: Cell::new(pace.due(first)),
            tally: Tally::new(),
            pace,
        })
    }

    async fn release(&self, plan: Plan) -> anyhow::Result<()> {
        let mut released = 0;
        while released < self.end {
            let ticks = self.pace.ticks().await?.min(self.end - released);
            self.due.add_permits(usize::try_from(ticks)?);
            released += ticks;
        }
        let given_up = self.pace.due(self.end) + plan.duration;
        // Closed by the connection that takes the last one.
        while !self.due.is_closed() {
            sleep(TICK).await;
            if Instant::now() > given_up {
                self.give_up(given_up);
            }
        }
        Ok(())
    }

    async fn serve(&self, mut connection: Connection) -> anyhow::Result<()> {
        while let Ok(permit) = self.due.acquire().await {
            permit.forget();
            let number = self.take();
            let acknowledged = connection.post(self.requests.get(number)).await?;
            self.tally.count(acknowledged);
            if acknowledged && number >= self.first {
                self.measure(number);
            }
        }
        Ok(())
    }

    fn take(&self) -> u64 {
        let number = self.next.get();
        self.next.set(number + 1);
        if number + 1 == self.end {
            self.due.close();
        }
        number
    }

    fn measure(&self, number: u64) {
        let now = Instant::now();
        let time = now.saturating_duration_since(self.pace.due(number));
        self.tally.latency.borrow_mut().record(time);
        self.measured.set(self.measured.get() + 1);
        self.last_answer.set(now);
    }

    /// Those that were never sent waited at least this long.
    fn give_up(&self, now: Instant) {
        self.due.close();
        let mut latency = self.tally.latency.borrow_mut();
        for number in self.next.get().max(self.first)..self.end {
            latency.record(now.saturating_duration_since(self.pace.due(number)));
        }
    }

    fn loaded(&self) -> Loaded {
        let from = self.pace.due(self.first);
        let planned_end = self.pace.due(self.end);
        let span = self.last_answer.get().max(planned_end) - from;
        let rate = self.measured.get() as f64 / span.as_secs_f64();
        let latency = self.tally.latency.borrow();
        let (answered, refused) = (self.tally.answered.get(), self.tally.refused.get());
        Loaded::new(vec![rate], &latency, answered, refused)
    }
}
