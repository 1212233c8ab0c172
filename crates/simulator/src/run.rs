//! One run from end to end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use xiebao_core::id::InsureNum;

use super::Settings;
use super::database::{Count, Database};
use super::numbers::Numbers;
use super::progress::{Sending, Waiting};
use super::report::{InDatabase, RunReport};
use super::rng::Rng;
use super::scenario::{self, Extent};
use super::schedule;
use super::sender::{Load, Pace};
use super::settle::{self, Expected, ExpectedStory};
use super::story::Story;
use super::wire::{self, Letter};
use crate::SimulationError;
use crate::http::{PostError, Target};
use crate::platform::Signer;
use xiebao_core::lang::Lang;

/// Streams of chance: stories have the even ones, their spelling the odd ones.
const SCHEDULE_STREAM: u64 = u64::MAX;

/// A run as the user wants it.
pub struct Run {
    /// The settings of the stories.
    pub settings: Settings,
    /// Signs the notices.
    pub signer: Signer,
    /// How much to play.
    pub extent: Extent,
    /// Share of stories in random order, 0 to 1.
    pub disorder: f64,
    /// Share of notices that come again, 0 to 1.
    pub duplicates: f64,
    /// How to post.
    pub pace: Pace,
    /// The receivers.
    pub targets: Vec<Target>,
    /// The database to compare; `None`: only send.
    pub database: Option<String>,
    /// How long the database may stay unchanged until the run stops waiting for it.
    pub patience: Duration,
    /// The language of the progress.
    pub lang: Lang,
}

impl Run {
    /// Plays the run.
    pub async fn play(&self) -> Result<RunReport, SimulationError> {
        let stories = scenario::tell_all(&self.settings, self.extent);
        let letters = letters(&stories, &self.settings, &self.signer);
        let mut rng = Rng::new(self.settings.seed, SCHEDULE_STREAM);
        let sendings = schedule::order(&stories, self.disorder, self.duplicates, &mut rng);
        let mut database = self.open(&stories).await?;
        self.probe().await?;
        let load = Load::new(letters, sendings, self.pace.clone());
        let watching = Sending::watch(&load, self.lang);
        load.run(&self.targets).await;
        drop(watching);
        let found = match &mut database {
            Some((database, before)) => Some(self.judge(database, *before, &load, &stories).await?),
            None => None,
        };
        Ok(self.report(&load, &stories, found))
    }

    /// Before anything is sent: a database that can't be read would make the whole run worthless.
    async fn open(&self, stories: &[Story]) -> Result<Option<(Database, Count)>, SimulationError> {
        let (Some(url), Some((first, last))) = (&self.database, bounds(stories)) else {
            return Ok(None);
        };
        let mut database = Database::connect(url).await?;
        let before = database.count(first, last).await?;
        Ok(Some((database, before)))
    }

    /// One receiver that is away is a trial; all of them are a mistake.
    async fn probe(&self) -> Result<(), SimulationError> {
        let mut last: Option<(&Target, PostError)> = None;
        for target in &self.targets {
            match target.probe().await {
                Ok(()) => return Ok(()),
                Err(error) => last = Some((target, error)),
            }
        }
        match last {
            Some((target, error)) => Err(SimulationError::Unreachable(format!(
                "{}: {error}",
                target.authority()
            ))),
            None => Ok(()),
        }
    }

    async fn judge(
        &self,
        database: &mut Database,
        before: Count,
        load: &Load,
        stories: &[Story],
    ) -> Result<InDatabase, SimulationError> {
        let expected = self.expected(load, stories);
        let mut waiting = Waiting::new(self.lang);
        let outcome = settle::wait(database, load, &expected, before, self.patience, &mut waiting).await?;
        drop(waiting);
        let end = outcome.committed.unwrap_or_else(Instant::now);
        let seconds = end.saturating_duration_since(load.start()).as_secs_f64();
        let clean = outcome.findings.is_clean();
        let (first, last) = (&expected.first, &expected.last);
        let dead_letters = if clean {
            Vec::new()
        } else {
            database.dead_letters(first, last).await?
        };
        let compared_proposals = expected.stories.iter().map(|e| e.story.proposals.len()).sum();
        Ok(InDatabase {
            committed_seconds: seconds,
            committed_per_second: expected.acks as f64 / seconds.max(0.001),
            there_before: before.done + before.held,
            left_out: proposals(stories) - compared_proposals,
            compared_proposals,
            outcome,
            dead_letters,
        })
    }

    fn expected<'r>(&self, load: &Load, stories: &'r [Story]) -> Expected<'r> {
        let mut first_letter = 0;
        let mut acknowledged = Vec::new();
        for story in stories {
            let end = first_letter + story.notices.len();
            if (first_letter..end).all(|letter| load.acks(letter) > 0) {
                acknowledged.push(ExpectedStory { story, first_letter });
            }
            first_letter = end;
        }
        let nothing = Numbers::of(&self.settings).get(0, 0);
        let (first, last) = bounds(stories).unwrap_or((&nothing, &nothing));
        Expected {
            partner_id: self.settings.partner_id,
            stories: acknowledged,
            first: first.clone(),
            last: last.clone(),
            acks: load.tally().acks,
        }
    }

    fn report(&self, load: &Arc<Load>, stories: &[Story], database: Option<InDatabase>) -> RunReport {
        let tally = load.tally();
        let notices = load.letters().len();
        let sending = tally
            .last_ack
            .map_or(Duration::ZERO, |at| at.saturating_duration_since(load.start()));
        RunReport {
            seed: self.settings.seed,
            partner_id: self.settings.partner_id.0,
            stories: stories.len(),
            proposals: proposals(stories),
            notices,
            duplicates: load.sendings() - notices,
            requests: tally.requests,
            acknowledged: tally.acks,
            resent: tally.resent,
            given_up: tally.given_up,
            verdicts: tally.verdicts.clone(),
            acknowledgement: tally.percentiles(),
            sending_seconds: sending.as_secs_f64(),
            acks_per_second: tally.acks as f64 / sending.as_secs_f64().max(0.001),
            longest_gap_seconds: tally.longest_gap.as_secs_f64(),
            database,
        }
    }
}

/// The letters of all stories, in the order of the stories and of their notices.
pub fn letters(stories: &[Story], settings: &Settings, signer: &Signer) -> Vec<Letter> {
    let mut letters = Vec::new();
    for story in stories {
        let mut rng = Rng::new(settings.seed, story.index * 2 + 1);
        letters.extend(
            story
                .notices
                .iter()
                .map(|notice| wire::write(notice, signer, &mut rng)),
        );
    }
    letters
}

fn proposals(stories: &[Story]) -> usize {
    stories.iter().map(|story| story.proposals.len()).sum()
}

fn bounds(stories: &[Story]) -> Option<(&InsureNum, &InsureNum)> {
    let numbers = || stories.iter().flat_map(|story| &story.proposals);
    Some((numbers().min()?, numbers().max()?))
}
