//! Notices at a fixed rate, independent of the answers, as a platform sends them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use xiebao_testkit::{Answer, Broker};

use crate::running::{NOTICES, insured};

/// Notices a second.
pub const RATE: u32 = 500;
const TICK: Duration = Duration::from_millis(10);

/// One notice and its answer.
#[derive(Debug)]
pub struct Told {
    pub insure_num: String,
    pub verdict: String,
    pub took: Duration,
}

/// Everything that was sent.
#[derive(Debug, Default)]
pub struct Tally(pub Vec<Told>);

/// Sends for this time, then waits for all answers.
pub async fn send(url: &str, length: Duration) -> Tally {
    let client = reqwest::Client::new();
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(TICK);
    let mut sending = JoinSet::new();
    let mut sent = 0;
    while begun.elapsed() < length {
        ticks.tick().await;
        let due = u128::from(RATE) * begun.elapsed().as_millis() / 1_000;
        while sent < due {
            let request = client.post(url);
            let insure_num = format!("20260725{sent:08}");
            sent += 1;
            sending.spawn(async move {
                let sent_at = begun.elapsed();
                let answer = request.body(insured(&insure_num)).send().await;
                let answer = Answer::read(answer.expect("the receiver answers")).await;
                Told {
                    verdict: answer.verdict().to_owned(),
                    insure_num,

                    took: begun.elapsed() - sent_at,
                }
            });
        }
    }
    Tally(sending.join_all().await)
}

impl Tally {
    pub fn with(&self, verdict: &str) -> impl Iterator<Item = &Told> {
        self.0.iter().filter(move |told| told.verdict == verdict)
    }

    /// The numbers of accepted and unavailable notices, and the longest time to an answer.
    pub fn summary(&self) -> (usize, usize, Duration) {
        let longest = self.0.iter().map(|told| told.took).max().unwrap_or_default();
        (
            self.with("accepted").count(),
            self.with("unavailable").count(),
            longest,
        )
    }

    /// # Panics
    /// When an accepted notice is in no queue.
    pub async fn assert_stored(&self, broker: &Broker) {
        let messages = broker.drain(NOTICES).await;
        let stored: BTreeSet<&str> = messages.iter().map(|m| &*m.headers["x-insure-num"]).collect();
        let lost = self
            .with("accepted")
            .filter(|told| !stored.contains(&*told.insure_num));
        assert_eq!(lost.count(), 0, "accepted and in no queue");
    }
}
