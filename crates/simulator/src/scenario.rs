//! Scenarios: stories of one proposal, or of several that reissues tie together.

use xiebao_core::id::InsureNum;

use super::Settings;
use super::numbers::Numbers;
use super::proposal_life::{Progress, ProposalLife};
use super::rng::Rng;
use super::story::{Event, Notice, Story};

/// Tells the story of that index. It follows from the settings and the index alone.
pub fn tell(settings: &Settings, numbers: Numbers, index: u64) -> Story {
    let mut teller = Teller {
        settings,
        numbers,
        index,
        rng: Rng::new(settings.seed, index * 2),
        notices: Vec::new(),
    };
    match teller.rng.between(0, 99) {
        0..=5 => teller.quiet(),
        6..=19 => teller.reissued(1),
        20..=24 => teller.reissued(2),
        25..=26 => teller.split(),
        27..=28 => teller.merged(),
        _ => drop(teller.alone(0)),
    }
    teller.lose_a_predecessor();
    let proposals = proposals_of(&teller.notices);
    Story {
        index,
        proposals,
        notices: teller.notices,
    }
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Exactly this many proposals.
    Proposals(usize),
    /// As many stories as it takes for this many distinct notices.
    Notices(usize),
}

/// The first stories, as many as are asked for.
pub fn tell_all(settings: &Settings, extent: Extent) -> Vec<Story> {
    match extent {
        Extent::Proposals(proposals) => tell_for(settings, proposals),
        Extent::Notices(notices) => tell_for_notices(settings, notices),
    }
}

fn tell_for_notices(settings: &Settings, notices: usize) -> Vec<Story> {
    let numbers = Numbers::of(settings);
    let mut left = notices;
    let mut stories = Vec::new();
    let mut indexes = 0..;
    while left > 0 {
        let Some(index) = indexes.next() else { break };
        let story = tell(settings, numbers, index);
        if !story.notices.is_empty() {
            left = left.saturating_sub(story.notices.len());
            stories.push(story);
        }
    }
    stories
}

/// The first stories that make exactly this many proposals; one that would make too many is passed over.
pub fn tell_for(settings: &Settings, proposals: usize) -> Vec<Story> {
    let numbers = Numbers::of(settings);
    let mut left = proposals;
    let mut stories = Vec::new();
    let mut indexes = 0..;
    while left > 0 {
        let Some(index) = indexes.next() else { break };
        let story = tell(settings, numbers, index);
        if !story.proposals.is_empty() && story.proposals.len() <= left {
            left -= story.proposals.len();
            stories.push(story);
        }
    }
    stories
}

struct Teller<'s> {
    settings: &'s Settings,
    numbers: Numbers,
    index: u64,
    rng: Rng,
    notices: Vec<Notice>,
}

impl Teller<'_> {
    fn life(&mut self, which: u64, lived: impl FnOnce(&mut ProposalLife<'_>) -> Progress) -> Progress {
        let insure_num = self.numbers.get(self.index, which);
        let mut life = ProposalLife::new(&mut self.rng, self.settings, insure_num);
        let progress = lived(&mut life);
        self.notices.extend(life.notices);
        progress
    }

    fn number(&self, which: u64) -> InsureNum {
        self.numbers.get(self.index, which)
    }

    fn alone(&mut self, which: u64) -> Progress {
        self.life(which, |life| {
            let progress = life.to_issue();
            life.after(progress);
            progress
        })
    }

    /// Nothing but an alarm, a type that nobody knows, or an application.
    fn quiet(&mut self) {
        let kind = self.rng.between(0, 2);
        self.life(0, |life| {
            match kind {
                0 => life.alarm(),
                1 => life.unknown(),
                _ => drop(life.insure()),
            }
            Progress::Stopped
        });
    }

    /// A proposal that is reissued, this many times in a row.
    fn reissued(&mut self, times: u64) {
        let mut progress = self.first_life(0, &[self.number(1)]);
        for which in 1..=times {
            if progress == Progress::Stopped {
                return;
            }
            let replacements = if which < times {
                vec![self.number(which + 1)]
            } else {
                Vec::new()
            };
            progress = self.replacement(which, &replacements);
        }
    }

    /// Two reissues of the same proposal: the greater number is shown, both exist.
    fn split(&mut self) {
        if self.first_life(0, &[self.number(1), self.number(2)]) != Progress::Stopped {
            self.replacement(1, &[]);
            self.replacement(2, &[]);
        }
    }

    /// Two proposals reissued as one.
    fn merged(&mut self) {
        let first = self.first_life(0, &[self.number(2)]);
        let second = self.first_life(1, &[self.number(2)]);
        if (first, second) != (Progress::Stopped, Progress::Stopped) {
            self.replacement(2, &[]);
        }
    }

    fn first_life(&mut self, which: u64, replacements: &[InsureNum]) -> Progress {
        self.life(which, |life| {
            let progress = life.to_issue();
            if progress == Progress::Issued {
                life.perhaps_e_policy();
                life.perhaps_endorse();
            }
            if progress != Progress::Stopped {
                replacements.iter().for_each(|new| life.reissue(new));
            }
            progress
        })
    }

    /// The life of a proposal that replaces another; sometimes it has no notice at all.
    fn replacement(&mut self, which: u64, replacements: &[InsureNum]) -> Progress {
        let silent = replacements.is_empty() && self.rng.chance(0.1);
        self.life(which, |life| {
            if silent {
                return Progress::Stopped;
            }
            let progress = life.reissued_to_issue();
            match replacements {
                [] => life.after(progress),
                _ => replacements.iter().for_each(|new| life.reissue(new)),
            }
            progress
        })
    }

    /// In the wanted share of stories, one of the first three steps is never reported: later notices wait until their time-out.
    fn lose_a_predecessor(&mut self) {
        if !self.rng.chance(self.settings.missing_predecessors) {
            return;
        }
        let lost = self.rng.between(1, 3);
        let insure_num = self.number(0);
        self.notices
            .retain(|notice| notice.insure_num != insure_num || notice.event.notify_type().0 != lost);
    }
}

fn proposals_of(notices: &[Notice]) -> Vec<InsureNum> {
    let mut all: Vec<InsureNum> = Vec::new();
    for notice in notices {
        all.push(notice.insure_num.clone());
        if let Event::Reissued {
            cancellation,
            new_insure_num: Some(new),
        } = &notice.event
            && cancellation.outcome.success
        {
            all.push(new.clone());
        }
    }
    all.sort();
    all.dedup();
    all
}
