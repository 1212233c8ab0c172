//! Publishing at a fixed rate, whatever the broker does (open loop), and how long each confirm takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

use super::messages::Messages;
use super::pump::Lane;
use super::stage::Stage;
use super::{Args, joined};
use crate::Failure;
use crate::measure::rounded;

const CHANNELS: usize = 2;
/// Of one channel. Beyond it messages wait unpublished, and their time runs all the same.
const IN_FLIGHT: usize = 16 * 1_024;
/// Microseconds; five minutes.
const LONGEST: u64 = 300_000_000;

/// Milliseconds from when a message was due to its confirm: a broker that stalls is charged with all that had to wait
/// for it, not only with the messages that it held (no coordinated omission).
#[derive(Debug, Serialize)]
pub struct Pace {
    pub rate: f64,
    /// Confirms a second, from the first message due to the last confirm.
    pub achieved: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
}

/// What was confirmed: how long it took, and when the last confirm came.
struct Confirms {
    times: Histogram<u64>,
    last: Instant,
}

/// When messages are due.
#[derive(Debug, Clone, Copy)]
struct Timetable {
    start: Instant,
    rate: f64,
    number: u64,
    /// Those before are not counted.
    counted_from: Instant,
}

impl Timetable {
    fn due(&self, number: u64) -> Instant {
        self.start + Duration::from_secs_f64(number as f64 / self.rate)
    }
}

pub async fn measure(
    args: &Args,
    rate: f64,
    stage: &Stage,
    messages: Arc<Messages>,
) -> Result<Pace, Failure> {
    let mut lanes = JoinSet::new();
    let mut tickets = Vec::new();
    let start = Instant::now() + Duration::from_millis(50);
    let table = Timetable {
        start,
        rate,
        number: ((args.warm_up() + args.length()).as_secs_f64() * rate).ceil() as u64,
        counted_from: start + args.warm_up(),
    };
    for number in 0..CHANNELS {
        let (giver, taker) = unbounded_channel();
        tickets.push(giver);
        let lane = Lane {
            channel: stage.channel(number).await?,
            exchange: stage.exchange(),
            messages: messages.clone(),
            first: number as u64,
            step: CHANNELS as u64,
        };
        lanes.spawn(follow(lane, taker, table));
    }
    // A thread of its own, since the runtime's timers know whole milliseconds only.
    std::thread::spawn(move || {
        for number in 0..table.number {
            let due = table.due(number);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if tickets[number as usize % CHANNELS].send(due).is_err() {
                return;
            }
        }
    });
    let limit = args.warm_up() + args.length();
    summary(&table, joined(lanes, limit).await?)
}

/// Publishes what is due until nothing more comes, and waits for all the confirms.
async fn follow(
    lane: Lane,
    mut tickets: UnboundedReceiver<Instant>,
    table: Timetable,
) -> Result<Confirms, Failure> {
    let mut confirms = Confirms {
        times: histogram()?,
        last: table.counted_from,
    };
    let (mut flights, mut count, mut open) = (FuturesUnordered::new(), 0, true);
    while open || !flights.is_empty() {
        tokio::select! {
            ticket = tickets.recv(), if open && flights.len() < IN_FLIGHT => match ticket {
                Some(due) => {
                    let publish = lane.publish(count);
                    flights.push(async move { publish.await.map(|()| (due, Instant::now())) });
                    count += 1;
                }
                None => open = false,
            },
            Some(confirmed) = flights.next() => {
                let (due, at) = confirmed?;
                if due >= table.counted_from {
                    confirms.note(due, at);
                }
            }
        }
    }
    Ok(confirms)
}

impl Confirms {
    fn note(&mut self, due: Instant, at: Instant) {
        let time = at.saturating_duration_since(due).as_micros();
        self.times
            .saturating_record(u64::try_from(time).unwrap_or(LONGEST));
        self.last = self.last.max(at);
    }
}

fn histogram() -> Result<Histogram<u64>, Failure> {
    Histogram::new_with_bounds(1, LONGEST, 3).map_err(|e| Failure::Broken(e.to_string()))
}

fn summary(table: &Timetable, lanes: Vec<Confirms>) -> Result<Pace, Failure> {
    let (mut times, mut last) = (histogram()?, table.counted_from);
    for lane in lanes {
        times
            .add(&lane.times)
            .map_err(|e| Failure::Broken(e.to_string()))?;
        last = last.max(lane.last);
    }
    let milliseconds = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
    let taken = last.saturating_duration_since(table.counted_from).as_secs_f64();
    Ok(Pace {
        rate: table.rate,
        achieved: rounded(times.len() as f64 / taken.max(f64::EPSILON)),
        p50_ms: milliseconds(0.5),
        p99_ms: milliseconds(0.99),
        p999_ms: milliseconds(0.999),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_runs_from_when_a_message_was_due() {
        let start = Instant::now();
        let table = Timetable {
            start,
            rate: 1_000.0,
            number: 100,
            counted_from: start,
        };
        let mut lane = Confirms {
            times: histogram().expect("bounds"),
            last: start,
        };
        // The broker stalls for 100 ms, and then confirms at once all that came due meanwhile.
        let end = start + Duration::from_millis(100);
        for number in 0..100 {
            lane.note(table.due(number), end);
        }
        let pace = summary(&table, vec![lane]).expect("a summary");
        assert!((pace.p50_ms - 50.0).abs() < 2.0, "{pace:?}");
        assert!((pace.p99_ms - 99.0).abs() < 2.0, "{pace:?}");
        assert!((pace.achieved - 1_000.0).abs() < 1.0, "{pace:?}");
    }
}
