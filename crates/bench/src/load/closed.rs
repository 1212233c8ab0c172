//! A closed loop: the next request follows the answer.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::Loaded;
use super::connection::Connection;
use super::requests::Requests;
use super::tally::{Tally, Windows};
use super::thread::all_done;
use crate::usage::thread_cpu_seconds;

/// How much longer than planned a load may take.
const GRACE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub connections: usize,
    pub warm_up: Duration,
    pub window: Duration,
    pub windows: usize,
}

#[derive(Debug)]
struct Load {
    requests: Requests,
    next: Cell<u64>,
    windows: Rc<Windows>,
    tally: Rc<Tally>,
}

pub async fn run(address: SocketAddr, requests: Requests, plan: Plan) -> anyhow::Result<Loaded> {
    let cpu_before = thread_cpu_seconds()?;
    let connections = Connection::open(address, plan.connections).await?;
    let windows = Windows::new(Instant::now() + plan.warm_up, plan.window, plan.windows);
    let load = Rc::new(Load {
        requests,
        next: Cell::new(0),
        windows: Rc::clone(&windows),
        tally: Tally::new(),
    });
    let mut tasks = JoinSet::new();
    for connection in connections {
        let load = Rc::clone(&load);
        tasks.spawn_local(async move { load.serve(connection).await });
    }
    let limit = plan.warm_up + plan.window * plan.windows as u32 + GRACE;
    all_done(tasks, &load.tally, limit).await?;
    let tally = &load.tally;
    let loaded = Loaded::new(
        windows.rates(),
        &tally.latency.borrow(),
        tally.answered.get(),
        tally.refused.get(),
    );
    Ok(Loaded {
        own_cpu_seconds: thread_cpu_seconds()? - cpu_before,
        ..loaded
    })
}

impl Load {
    async fn serve(&self, mut connection: Connection) -> anyhow::Result<()> {
        let end = self.windows.end();
        let mut start = Instant::now();
        while start < end {
            let acknowledged = connection.post(self.next_request()).await?;
            let now = Instant::now();
            self.tally.count(acknowledged);
            if acknowledged && self.windows.count(now) {
                self.tally.latency.borrow_mut().record(now - start);
            }
            start = now;
        }
        Ok(())
    }

    fn next_request(&self) -> &[u8] {
        let number = self.next.get();
        self.next.set(number + 1);
        self.requests.get(number)
    }
}
