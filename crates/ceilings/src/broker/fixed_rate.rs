//! Publishes at a fixed rate, independent of the broker (open loop), and measures how long each confirm takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

use super::messages::Messages;
use super::publisher::Publisher;
use super::scratch_queue::ScratchQueue;
use super::{Args, join_all_within};
use crate::Failure;
use crate::measure::rounded;

const CHANNELS: usize = 2;
/// The most unconfirmed messages of a channel. Beyond it messages wait unpublished, and their time counts.
const IN_FLIGHT: usize = 16 * 1_024;
/// Microseconds; five minutes.
const LONGEST: u64 = 300_000_000;

/// Times in milliseconds, from when a message was due to its confirm. So a stall of the broker counts for every
/// message that it delays, not only for those in flight (no coordinated omission).
#[derive(Debug, Serialize)]
pub struct FixedRateFigures {
    pub rate: f64,
    /// Confirms a second, from the first message due to the last confirm.
    pub achieved: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
}

/// The times of confirms, and when the last one came.
struct Confirms {
    times: Histogram<u64>,
    last: Instant,
}

/// The times at which messages are due.
#[derive(Debug, Clone, Copy)]
struct Schedule {
    start: Instant,
    rate: f64,
    number: u64,
    /// Earlier messages warm up and do not count.
    counted_from: Instant,
}

impl Schedule {
    fn due(&self, number: u64) -> Instant {
        self.start + Duration::from_secs_f64(number as f64 / self.rate)
    }
}

pub async fn measure(
    args: &Args,
    rate: f64,
    queue: &ScratchQueue,
    messages: Arc<Messages>,
) -> Result<FixedRateFigures, Failure> {
    let mut publishers = JoinSet::new();
    let mut due_times = Vec::new();
    let start = Instant::now() + Duration::from_millis(50);
    let schedule = Schedule {
        start,
        rate,
        number: ((args.warm_up() + args.length()).as_secs_f64() * rate).ceil() as u64,
        counted_from: start + args.warm_up(),
    };
    for number in 0..CHANNELS {
        let (sender, receiver) = unbounded_channel();
        due_times.push(sender);
        let publisher = Publisher {
            channel: queue.channel(number).await?,
            exchange: queue.exchange(),
            messages: messages.clone(),
            first: number as u64,
            step: CHANNELS as u64,
        };
        publishers.spawn(publish_when_due(publisher, receiver, schedule));
    }
    // A thread, because the runtime's timers have a resolution of a millisecond.
    std::thread::spawn(move || {
        for number in 0..schedule.number {
            let due = schedule.due(number);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if due_times[number as usize % CHANNELS].send(due).is_err() {
                return;
            }
        }
    });
    let limit = args.warm_up() + args.length();
    summary(&schedule, join_all_within(publishers, limit).await?)
}

/// Publishes messages when they are due, until the sender is dropped, and waits for all confirms.
async fn publish_when_due(
    publisher: Publisher,
    mut due_times: UnboundedReceiver<Instant>,
    schedule: Schedule,
) -> Result<Confirms, Failure> {
    let mut confirms = Confirms {
        times: histogram()?,
        last: schedule.counted_from,
    };
    let (mut in_flight, mut count, mut open) = (FuturesUnordered::new(), 0, true);
    while open || !in_flight.is_empty() {
        tokio::select! {
            due = due_times.recv(), if open && in_flight.len() < IN_FLIGHT => match due {
                Some(due) => {
                    let publish = publisher.publish(count);
                    in_flight.push(async move { publish.await.map(|()| (due, Instant::now())) });
                    count += 1;
                }
                None => open = false,
            },
            Some(confirmed) = in_flight.next() => {
                let (due, at) = confirmed?;
                if due >= schedule.counted_from {
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

fn summary(schedule: &Schedule, publishers: Vec<Confirms>) -> Result<FixedRateFigures, Failure> {
    let (mut times, mut last) = (histogram()?, schedule.counted_from);
    for publisher in publishers {
        times
            .add(&publisher.times)
            .map_err(|e| Failure::Broken(e.to_string()))?;
        last = last.max(publisher.last);
    }
    let milliseconds = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
    let taken = last
        .saturating_duration_since(schedule.counted_from)
        .as_secs_f64();
    Ok(FixedRateFigures {
        rate: schedule.rate,
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
        let schedule = Schedule {
            start,
            rate: 1_000.0,
            number: 100,
            counted_from: start,
        };
        let mut publisher = Confirms {
            times: histogram().expect("bounds"),
            last: start,
        };
        // The broker stalls for 100 ms, and then confirms everything at once.
        let end = start + Duration::from_millis(100);
        for number in 0..100 {
            publisher.note(schedule.due(number), end);
        }
        let figures = summary(&schedule, vec![publisher]).expect("a summary");
        assert!((figures.p50_ms - 50.0).abs() < 2.0, "{figures:?}");
        assert!((figures.p99_ms - 99.0).abs() < 2.0, "{figures:?}");
        assert!((figures.achieved - 1_000.0).abs() < 1.0, "{figures:?}");
    }
}
