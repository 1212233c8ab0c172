//! Dead letters on their way from the table to the queue, page by page: publish, await each confirm, then mark the letters and record
//! the operations in one transaction. If it ends in between, nothing is lost: a letter that was published and not marked stays open,
//! and a second copy of it is a duplicate. Each letter is read once, in the order of its number, so one that dies again meanwhile is
//! not taken twice.

use std::future::ready;
use std::pin::pin;

use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;
use xiebao_core::envelope::Envelope;
use xiebao_desk::dead::message;
use xiebao_desk::dead::requeue::{Chosen, RequeueProgress};
use xiebao_runtime::clock;
use xiebao_runtime::publishing::NoticePublisher;
use xiebao_store::sql::dead_letters::{self, DeadLetter};
use xiebao_store::{Connection, Store, decisions};

use crate::exit::Failure;
use crate::pace::Pace;

/// How many letters are in memory and in flight: enough for the broker, and not too many of the largest bodies.
const PAGE: usize = 200;

/// Puts dead letters back on the queue.
pub struct Requeuer {
    /// Publishes them.
    pub publisher: NoticePublisher,
    /// Limits the rate.
    pub pace: Pace,
    /// Letters per page, about as many as a second's rate, so that marks follow soon.
    pub page: usize,
    /// Who decides, for the log of operations.
    pub actor: String,
    /// Cancelled by Ctrl-C.
    pub stop: CancellationToken,
}

impl Requeuer {
    /// Letters per page at a rate per second.
    pub fn page_at(rate: Option<u32>) -> usize {
        rate.and_then(|rate| usize::try_from(rate).ok())
            .map_or(PAGE, |rate| rate.clamp(1, PAGE))
    }

    /// Requeues the chosen letters. Returns how far it came, whatever ended it.
    pub async fn run(&self, store: &Store, chosen: &Chosen) -> (RequeueProgress, Result<(), Failure>) {
        let mut progress = RequeueProgress::default();
        let bar = bar(u64::try_from(chosen.total).unwrap_or_default());
        let end = self.pages(store, chosen, &mut progress, &bar).await;
        bar.finish_and_clear();
        self.publisher.close().await;
        (progress, end)
    }

    async fn pages(
        &self,
        store: &Store,
        chosen: &Chosen,
        progress: &mut RequeueProgress,
        bar: &ProgressBar,
    ) -> Result<(), Failure> {
        let mut conn = store.connection().await?;
        let mut after = 0;
        let limit = i64::try_from(self.page).unwrap_or(1);
        loop {
            let page = dead_letters::page(&mut conn, &chosen.filter, after, limit).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            if self.stop.is_cancelled() {
                progress.interrupted = true;
                return Ok(());
            }
            after = last.id;
            self.requeue(&mut conn, page, progress).await?;
            bar.set_position(u64::try_from(progress.looked_at()).unwrap_or_default());
        }
    }

    async fn requeue(
        &self,
        conn: &mut Connection,
        page: Vec<DeadLetter>,
        progress: &mut RequeueProgress,
    ) -> Result<(), Failure> {
        let ids: Vec<i64> = page.iter().map(|letter| letter.id).collect();
        let mut bodies = dead_letters::bodies(conn, &ids).await?;
        let mut messages = Vec::with_capacity(page.len());
        for letter in page {
            let body = bodies.remove(&letter.id).unwrap_or_default();
            match message::of(&letter, body, clock::now()) {
                Ok(envelope) => messages.push((letter, envelope)),
                Err(why) => progress.unreadable(letter.id, why),
            }
        }
        let wanted = messages.len();
        let (confirmed, end) = self.publish(messages).await;
        decisions::requeue(conn, &confirmed, &self.actor, clock::now()).await?;
        progress.interrupted |= end.is_ok() && confirmed.len() < wanted;
        for letter in confirmed {
            progress.requeued(letter);
        }
        end
    }

    /// Publishes the letters and returns those that the broker confirmed. After a failure or Ctrl-C no further publish begins, and
    /// those in flight are awaited.
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

/// Shows the progress on a terminal, and nothing elsewhere.
fn bar(total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec} {eta}");
    ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
