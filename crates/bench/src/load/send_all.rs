//! Every body once.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::bail;
use tokio::task::JoinSet;

use super::Sent;
use super::connection::Connection;
use super::requests::Requests;
use super::tally::Tally;
use super::thread::all_done;

/// The time that is allowed: a minute, and what the slowest machine worth measuring on would take (answers a second).
const GRACE: Duration = Duration::from_secs(60);
const SLOWEST: u64 = 100;

#[derive(Debug)]
struct Load {
    requests: Requests,
    next: Cell<u64>,
    tally: Rc<Tally>,
}

pub async fn run(address: SocketAddr, requests: Requests, connections: usize) -> anyhow::Result<Sent> {
    let connections = Connection::open(address, connections).await?;
    let load = Rc::new(Load {
        requests,
        next: Cell::new(0),
        tally: Tally::new(),
    });
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for connection in connections {
        let load = Rc::clone(&load);
        tasks.spawn_local(async move { load.serve(connection).await });
    }
    let limit = GRACE + Duration::from_secs(load.requests.count() / SLOWEST);
    all_done(tasks, &load.tally, limit).await?;
    Ok(load.sent(start.elapsed().as_secs_f64()))
}

impl Load {
    async fn serve(&self, mut connection: Connection) -> anyhow::Result<()> {
        while self.next.get() < self.requests.count() {
            let number = self.next.get();
            self.next.set(number + 1);
            let start = Instant::now();
            let acknowledged = connection.post(self.requests.get(number)).await?;
            self.tally.count(acknowledged);
            if !acknowledged {
                bail!("notice {number} was refused: {}", connection.last_answer());
            }
            self.tally.latency.borrow_mut().record(start.elapsed());
        }
        Ok(())
    }

    fn sent(&self, seconds: f64) -> Sent {
        let answered = self.tally.answered.get();
        let latency = self.tally.latency.borrow();
        Sent {
            answered,
            seconds,
            rate: answered as f64 / seconds.max(f64::EPSILON),
            p50_ms: latency.ms(0.5),
            p99_ms: latency.ms(0.99),
            p999_ms: latency.ms(0.999),
        }
    }
}
