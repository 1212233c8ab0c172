//! The three ways to post: a closed loop, an open loop, and each body once.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use futures_util::future::try_join_all;
use hdrhistogram::Histogram;
use tokio::sync::Semaphore;
use tokio::time::sleep_until;

use super::connection::Connection;
use super::schedule::Schedule;
use super::windows::Windows;
use super::{Load, LoadFigures};
use crate::median;

/// No answer takes longer, in microseconds.
const LONGEST_US: u64 = 600_000_000;
/// Significant digits of a latency.
const DIGITS: u8 = 3;

/// The state that the connections share. They run on one thread.
struct Posts {
    requests: Vec<Vec<u8>>,
    next: Cell<u64>,
    answered: Cell<u64>,
    refused: Cell<u64>,
    latencies: RefCell<Histogram<u64>>,
}

pub async fn closed(
    load: &Load,
    warm_up: Duration,
    window: Duration,
    count: usize,
) -> anyhow::Result<LoadFigures> {
    let (posts, mut connections) = (Posts::new(load)?, connect(load).await?);
    let windows = Windows::new(Instant::now() + warm_up, window, count);
    let serve = async |connection: &mut Connection| {
        let mut start = Instant::now();
        while start < windows.end() {
            let acknowledged = posts.post(connection, posts.take()).await?;
            let now = Instant::now();
            if acknowledged && windows.count(now) {
                posts.record(now - start);
            }
            start = now;
        }
        anyhow::Ok(())
    };
    try_join_all(connections.iter_mut().map(serve)).await?;
    Ok(posts.figures(median(&windows.rates())))
}

pub async fn open(
    load: &Load,
    rate: f64,
    warm_up: Duration,
    duration: Duration,
) -> anyhow::Result<LoadFigures> {
    let (posts, mut connections) = (Posts::new(load)?, connect(load).await?);
    let schedule = Schedule::new(rate, warm_up, duration)?;
    let permits = Arc::new(Semaphore::new(0));
    let (measured, last_answer) = (Cell::new(0_u64), Cell::new(schedule.due(schedule.end)));
    let serve = async |connection: &mut Connection| {
        // The semaphore is fair: the connection that has waited longest gets the permit.
        while let Ok(permit) = permits.acquire().await {
            permit.forget();
            let number = posts.take();
            if number + 1 == schedule.end {
                permits.close();
            }
            let acknowledged = posts.post(connection, number).await?;
            if acknowledged && number >= schedule.first {
                let now = Instant::now();
                posts.record(now.saturating_duration_since(schedule.due(number)));
                measured.set(measured.get() + 1);
                last_answer.set(now.max(last_answer.get()));
            }
        }
        anyhow::Ok(())
    };
    schedule.release(Arc::downgrade(&permits))?;
    let mut serving = pin!(try_join_all(connections.iter_mut().map(serve)));
    let give_up = schedule.due(schedule.end) + duration;
    tokio::select! {
        served = &mut serving => drop(served?),
        () = sleep_until(give_up.into()) => {
            permits.close();
            for number in posts.next.get().max(schedule.first)..schedule.end {
                posts.record(give_up.saturating_duration_since(schedule.due(number)));
            }
            serving.await?;
        }
    }
    let span = last_answer.get() - schedule.due(schedule.first);
    Ok(posts.figures(measured.get() as f64 / span.as_secs_f64()))
}

pub async fn once(load: &Load) -> anyhow::Result<u64> {
    let (posts, mut connections) = (Posts::new(load)?, connect(load).await?);
    let serve = async |connection: &mut Connection| {
        while posts.next.get() < posts.requests.len() as u64 {
            let number = posts.take();
            let acknowledged = posts.post(connection, number).await?;
            ensure!(
                acknowledged,
                "notice {number} was refused: {}",
                connection.last_answer()
            );
        }
        anyhow::Ok(())
    };
    try_join_all(connections.iter_mut().map(serve)).await?;
    Ok(posts.answered.get())
}

/// Opens all connections before the first is used.
async fn connect(load: &Load) -> anyhow::Result<Vec<Connection>> {
    let mut connections = Vec::with_capacity(load.connections);
    for _ in 0..load.connections.max(1) {
        connections.push(Connection::open(load.address).await?);
    }
    Ok(connections)
}

impl Posts {
    fn new(load: &Load) -> anyhow::Result<Self> {
        ensure!(!load.bodies.is_empty(), "no notices to send");
        Ok(Self {
            requests: load.bodies.iter().map(|body| request(load, body)).collect(),
            next: Cell::default(),
            answered: Cell::default(),
            refused: Cell::default(),
            latencies: RefCell::new(Histogram::new_with_bounds(1, LONGEST_US, DIGITS)?),
        })
    }

    /// The number of the next request.
    fn take(&self) -> u64 {
        self.next.replace(self.next.get() + 1)
    }

    /// Posts the request with this number; after the last one comes the first again.
    async fn post(&self, connection: &mut Connection, number: u64) -> anyhow::Result<bool> {
        let request = &self.requests[(number % self.requests.len() as u64) as usize];
        let acknowledged = connection.post(request).await?;
        let count = if acknowledged {
            &self.answered
        } else {
            &self.refused
        };
        count.set(count.get() + 1);
        Ok(acknowledged)
    }

    fn record(&self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(LONGEST_US);
        self.latencies.borrow_mut().saturating_record(micros.max(1));
    }

    fn figures(&self, rate: f64) -> LoadFigures {
        let ms = |quantile| self.latencies.borrow().value_at_quantile(quantile) as f64 / 1_000.0;
        LoadFigures {
            rate,
            p50_ms: ms(0.5),
            p99_ms: ms(0.99),
            p999_ms: ms(0.999),
            answered: self.answered.get(),
            refused: self.refused.get(),
        }
    }
}

fn request(load: &Load, body: &[u8]) -> Vec<u8> {
    let Load { address, path, .. } = load;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json;charset=UTF-8\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
