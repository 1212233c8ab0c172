//! Waiting until the workers are through, and the comparison.

use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::sleep;
use xiebao_core::id::{InsureNum, PartnerId};

use super::compare::{Differences, ExpectedNotice, compare_notices, compare_rows};
use super::database::{Count, Database};
use super::expectation;
use super::progress::Waiting;
use super::sender::Load;
use super::story::Story;
use super::wire::Letter;
use crate::SimulationError;

/// So many proposals are compared at once.
const CHUNK: usize = 500;
/// Shortest time between two looks at the database.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A database that is away is asked again after this.
const AWAY: Duration = Duration::from_millis(500);
/// When every notice is applied, rows that are still wrong will stay so.
const LAST_WORD: Duration = Duration::from_secs(10);

/// The rows that must exist, as far as their notices were acknowledged.
pub struct Expected<'r> {
    /// The partner of the notices.
    pub partner_id: PartnerId,
    /// The stories and their letters.
    pub stories: Vec<ExpectedStory<'r>>,
    /// The lowest number of the run.
    pub first: InsureNum,
    /// The highest number of the run.
    pub last: InsureNum,
    /// Acknowledgements of all notices, repetitions included.
    pub acks: u64,
}

/// A story all of whose notices were acknowledged.
pub struct ExpectedStory<'r> {
    /// The story.
    pub story: &'r Story,
    /// The index of its first letter.
    pub first_letter: usize,
}

/// The comparison of the database with the expectation.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// When the first comparison without a fault began, or the last one of all.
    #[serde(skip)]
    pub committed: Option<Instant>,
    /// Notices that were compared.
    pub compared_notices: usize,
    /// Business rows that were compared.
    pub compared_rows: usize,
    /// Notices that still wait.
    pub held: i64,
    /// The differences.
    pub findings: Differences,
}

impl Expected<'_> {
    fn notices(&self) -> usize {
        self.stories
            .iter()
            .map(|expected| expected.story.notices.len())
            .sum()
    }

    fn is_through(&self, count: Count, before: Count) -> bool {
        let deliveries = u64::try_from(count.deliveries - before.deliveries).unwrap_or(0);
        usize::try_from(count.done).unwrap_or(0) >= self.notices() && deliveries >= self.acks
    }
}

/// Looks again and again until everything is right, or until nothing more has happened for `patience`.
pub async fn wait(
    database: &mut Database,
    load: &Load,
    expected: &Expected<'_>,
    before: Count,
    patience: Duration,
    waiting: &mut Waiting,
) -> Result<Comparison, SimulationError> {
    let mut latest = before;
    let mut moved = Instant::now();
    loop {
        let look = Instant::now();
        let count = match database.count(&expected.first, &expected.last).await {
            Err(SimulationError::Unreachable(_)) if moved.elapsed() < patience => {
                sleep(AWAY).await;
                continue;
            }
            count => count?,
        };
        if count != latest {
            (latest, moved) = (count, look);
        }
        waiting.show(count.done, expected.notices(), count.held);
        let through = expected.is_through(count, before);
        let last_word = if through {
            patience.min(LAST_WORD)
        } else {
            patience
        };
        let over = moved.elapsed() >= last_word;
        if through || over {
            let outcome = match compare(database, load, expected, count).await {
                // Gone in the middle of it.
                Err(SimulationError::Unreachable(_)) if moved.elapsed() < patience => {
                    sleep(AWAY).await;
                    continue;
                }
                outcome => outcome?,
            };
            if over || outcome.findings.is_clean() {
                return Ok(Comparison {
                    committed: Some(look),
                    ..outcome
                });
            }
        }
        // Looking must not become the load.
        sleep(LOOK_EVERY.max(look.elapsed() * 4)).await;
    }
}

/// The posted letters of all stories, and how often each was acknowledged.
pub trait Posted {
    fn letter(&self, index: usize) -> &Letter;
    fn acks(&self, index: usize) -> u32;
}

impl Posted for Load {
    fn letter(&self, index: usize) -> &Letter {
        &self.letters()[index]
    }

    fn acks(&self, index: usize) -> u32 {
        Load::acks(self, index)
    }
}

/// Holds the database against the stories, once. `count` is what it was said to hold before.
pub async fn compare(
    database: &mut Database,
    posted: &impl Posted,
    expected: &Expected<'_>,
    count: Count,
) -> Result<Comparison, SimulationError> {
    let mut outcome = Comparison {
        held: count.held,
        ..Comparison::default()
    };
    let mut from = 0;
    while from < expected.stories.len() {
        let chunk = chunk(&expected.stories[from..]);
        from += chunk.len();
        let proposals: Vec<InsureNum> = chunk.iter().flat_map(|e| e.story.proposals.clone()).collect();
        let rows = database.rows(&proposals).await?;
        let stored = database.notices(&proposals).await?;
        let mut wanted = super::rows::Rows::default();
        chunk
            .iter()
            .for_each(|e| wanted.append(expectation::rows_of(e.story, expected.partner_id)));
        let notices: Vec<ExpectedNotice> = chunk.iter().flat_map(|e| e.notices(posted)).collect();
        compare_notices(&notices, &stored, &mut outcome.findings);
        compare_rows(&wanted, &rows, &mut outcome.findings);
        outcome.compared_notices += notices.len();
        outcome.compared_rows += wanted.count();
    }
    Ok(outcome)
}

fn chunk<'e, 'r>(stories: &'e [ExpectedStory<'r>]) -> &'e [ExpectedStory<'r>] {
    &stories[..CHUNK.min(stories.len())]
}

impl ExpectedStory<'_> {
    fn notices(&self, posted: &impl Posted) -> impl Iterator<Item = ExpectedNotice> {
        self.story
            .notices
            .iter()
            .zip(self.first_letter..)
            .map(|(notice, index)| {
                let letter = posted.letter(index);
                ExpectedNotice {
                    insure_num: notice.insure_num.to_string(),
                    notify_type: notice.event.notify_type().0,
                    documented: notice.event.is_documented(),
                    acks: posted.acks(index),
                    body: letter.body.clone(),
                    twin: letter.twin.clone(),
                }
            })
    }
}
