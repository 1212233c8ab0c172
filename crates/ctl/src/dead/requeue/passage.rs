//! From the table back to the queue, a page at a time: publish, each confirmed; then mark and note who did it, in one
//! transaction. Whatever ends it in between, nothing is lost: what was published and not marked is still open, and
//! published once more it is a duplicate. Each letter is looked at once, in the order of its number, so one that dies
//! again meanwhile is not taken twice.

use std::collections::BTreeMap;
use std::future::ready;
use std::pin::pin;

use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;
use xiebao_core::envelope::Envelope;
use xiebao_runtime::amqp::Publisher;
use xiebao_store::sql::dead_letters::{self, DeadLetter, Filter};

use super::message;
use super::pace::Pace;
use crate::database::Connection;
use crate::dead::marks;
use crate::exit::Failure;

/// Letters that are in memory, and in flight, at most: enough for the broker, and not too much of the largest bodies.
const PAGE: usize = 200;

/// Letters that can't be requeued and are named one by one; more of them are only counted.
const WRECKS_NAMED: usize = 20;

pub struct Passage {
    pub publisher: Publisher,
    pub pace: Pace,
    /// Letters of one page at most: not much more than a second's work, so that marks follow soon.
    pub page: usize,
    /// Who does it.
    pub actor: String,
    /// Cancelled by Ctrl-C.
    pub stop: CancellationToken,
}

/// How far it has come.
#[derive(Debug, Default)]
pub struct Tally {
    /// Those that are on the queue and marked.
    pub requeued: Vec<i64>,
    /// How many of them, by group of causes.
    pub by_reason: BTreeMap<String, usize>,
    /// The first of those whose bodies are no notices, and why.
    pub wrecks: Vec<(i64, String)>,
    pub wreck_count: usize,
    /// Ctrl-C came before the end.
    pub interrupted: bool,
}

impl Tally {
    /// All that was asked for is on the queue.
    pub fn is_whole(&self) -> bool {
        self.wreck_count == 0 && !self.interrupted
    }

    pub fn looked_at(&self) -> usize {
        self.requeued.len() + self.wreck_count
    }

    fn requeued(&mut self, letter: DeadLetter) {
        self.requeued.push(letter.id);
        *self.by_reason.entry(letter.reason).or_default() += 1;
    }

    fn wreck(&mut self, id: i64, why: String) {
        self.wreck_count += 1;
        if self.wrecks.len() < WRECKS_NAMED {
            self.wrecks.push((id, why));
        }
    }
}

impl Passage {
    /// The size of a page at that many a second.
    pub fn page_at(rate: Option<u32>) -> usize {
        rate.and_then(|rate| usize::try_from(rate).ok())
            .map_or(PAGE, |rate| rate.clamp(1, PAGE))
    }

    /// Carries all that match, and tells how far it came, whatever ended it. `total`: how many that will be.
    pub async fn carry(
        &self,
        conn: &mut Connection,
        filter: &Filter,
        total: i64,
    ) -> (Tally, Result<(), Failure>) {
        let mut tally = Tally::default();
        let bar = bar(u64::try_from(total).unwrap_or_default());
        let end = self.pages(conn, filter, &mut tally, &bar).await;
        bar.finish_and_clear();
        self.publisher.close().await;
        (tally, end)
    }

    async fn pages(
        &self,
        conn: &mut Connection,
        filter: &Filter,
        tally: &mut Tally,
        bar: &ProgressBar,
    ) -> Result<(), Failure> {
        let mut after = 0;
        let limit = i64::try_from(self.page).unwrap_or(1);
        loop {
            let page = dead_letters::page(conn, filter, after, limit).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            if self.stop.is_cancelled() {
                tally.interrupted = true;
                return Ok(());
            }
            after = last.id;
            self.take(conn, page, tally).await?;
            bar.set_position(u64::try_from(tally.looked_at()).unwrap_or_default());
        }
    }

    async fn take(
        &self,
        conn: &mut Connection,
        page: Vec<DeadLetter>,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let ids: Vec<i64> = page.iter().map(|letter| letter.id).collect();
        let mut bodies = dead_letters::bodies(conn, &ids).await?;
        let mut messages = Vec::with_capacity(page.len());
        for letter in page {
            if letter.pruned_at.is_some() {
                tally.wreck(
                    letter.id,
                    "it was emptied because of its age (xiebao prune)".to_owned(),
                );
                continue;
            }
            match message::of(&letter, bodies.remove(&letter.id).unwrap_or_default()) {
                Ok(envelope) => messages.push((letter, envelope)),
                Err(error) => tally.wreck(letter.id, error.to_string()),
            }
        }
        let wanted = messages.len();
        let (confirmed, end) = self.publish(messages).await;
        marks::requeued(conn, &confirmed, &self.actor).await?;
        tally.interrupted |= end.is_ok() && confirmed.len() < wanted;
        confirmed.into_iter().for_each(|letter| tally.requeued(letter));
        end
    }

    /// Those of the letters that a queue has now. After a failure, and after Ctrl-C, none is begun any more, and those
    /// in flight are awaited.
    async fn publish(&self, messages: Vec<(DeadLetter, Envelope)>) -> (Vec<DeadLetter>, Result<(), Failure>) {
        let halt = self.stop.child_token();
        let begin = |message| async {
            let turn = halt.run_until_cancelled(self.pace.turn()).await;
            turn.map(|()| message)
        };
        let publish = |(letter, envelope): (DeadLetter, Envelope)| async move {
            (self.publisher.publish(&envelope).await, letter)
        };
        let mut ends = pin!(
            stream::iter(messages)
                .then(begin)
                .take_while(|message| ready(message.is_some()))
                .filter_map(ready)
                .map(publish)
                .buffer_unordered(PAGE)
        );
        let (mut confirmed, mut end) = (Vec::new(), Ok(()));
        while let Some((outcome, letter)) = ends.next().await {
            match outcome {
                Ok(()) => confirmed.push(letter),
                Err(error) => {
                    halt.cancel();
                    end = Err(Failure::Unreachable(error.to_string()));
                }
            }
        }
        (confirmed, end)
    }
}

/// On a terminal, how far it is; nothing elsewhere.
fn bar(total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec} {eta}");
    ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
