//! The notices to send: whole life stories of proposals, in order, shuffled, or with duplicates.

use std::sync::Arc;

use bytes::Bytes;
use xiebao_core::id::PartnerId;
use xiebao_simulator::Settings;
use xiebao_simulator::platform::Signer;
use xiebao_simulator::rng::Rng;
use xiebao_simulator::run::letters;
use xiebao_simulator::scenario::{self, Extent};
use xiebao_simulator::schedule::{self, Sending};
use xiebao_simulator::settle::Posted;
use xiebao_simulator::story::Story;
use xiebao_simulator::wire::Letter;
use xiebao_testkit::{KEY, PARTNER};

/// The share of steps that fail before they succeed, as in `xiebao simulate`.
const FAILURES: f64 = 0.1;
/// The share of notices that are sent twice, with [`Order::Duplicates`].
pub const DUPLICATES: f64 = 0.3;
/// A stream of random numbers that no story uses.
const STREAM: u64 = u64::MAX;

/// The order of the notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Each story in order, many stories interleaved.
    Kept,
    /// The whole backlog shuffled.
    Shuffled,
    /// In order, with duplicates at some later place.
    Duplicates,
}

#[derive(Debug)]
pub struct Backlog {
    pub stories: Vec<Story>,
    letters: Vec<Letter>,
    sendings: Vec<Sending>,
}

impl Backlog {
    /// Generates at least about `deliveries` deliveries, duplicates among them. Other seeds give other proposals.
    pub fn generate(seed: u64, deliveries: usize, order: Order) -> Self {
        let settings = Settings {
            seed,
            partner_id: PartnerId(PARTNER),
            failures: FAILURES,
            missing_predecessors: 0.0,
        };
        let duplicates = if order == Order::Duplicates {
            DUPLICATES
        } else {
            0.0
        };
        let notices = (deliveries as f64 / (1.0 + duplicates)) as usize;
        let stories = scenario::tell_all(&settings, Extent::Notices(notices));
        let signer = Signer::new(PartnerId(PARTNER), KEY.to_owned());
        let letters = letters(&stories, &settings, &signer);
        let mut rng = Rng::new(seed, STREAM);
        let mut sendings = schedule::order(&stories, 0.0, duplicates, &mut rng);
        if order == Order::Shuffled {
            rng.shuffle(&mut sendings);
        }
        Self {
            stories,
            letters,
            sendings,
        }
    }

    /// The number of deliveries.
    pub fn len(&self) -> usize {
        self.sendings.len()
    }

    /// The bodies in the order of sending.
    pub fn bodies(&self) -> Arc<[Bytes]> {
        self.sendings
            .iter()
            .map(|sending| self.body(*sending).clone())
            .collect()
    }

    fn body(&self, sending: Sending) -> &Bytes {
        let letter = &self.letters[sending.letter];
        match &letter.twin {
            Some(twin) if sending.twin => twin,
            _ => &letter.body,
        }
    }

    /// The record of a sender that has posted everything, with every post acknowledged.
    pub fn posted(&self) -> AllPosted<'_> {
        let mut acks = vec![0; self.letters.len()];
        self.sendings.iter().for_each(|sending| acks[sending.letter] += 1);
        AllPosted {
            letters: &self.letters,
            acks,
        }
    }
}

#[derive(Debug)]
pub struct AllPosted<'b> {
    letters: &'b [Letter],
    acks: Vec<u32>,
}

impl Posted for AllPosted<'_> {
    fn letter(&self, index: usize) -> &Letter {
        &self.letters[index]
    }

    fn acks(&self, index: usize) -> u32 {
        self.acks[index]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_backlog_has_all_eight_types() {
        let backlog = Backlog::generate(1, 3_000, Order::Kept);
        let mut types = BTreeMap::new();
        for notice in backlog.stories.iter().flat_map(|story| &story.notices) {
            *types.entry(notice.event.notify_type().0).or_insert(0) += 1;
        }
        assert!(
            [1, 2, 3, 4, 5, 9, 26, 27]
                .iter()
                .all(|known| types.contains_key(known)),
            "{types:?}"
        );
    }

    #[test]
    fn only_a_shuffled_backlog_breaks_the_order_of_a_story() {
        let in_order = Backlog::generate(1, 3_000, Order::Kept);
        let shuffled = Backlog::generate(1, 3_000, Order::Shuffled);
        let falls = |backlog: &Backlog| {
            let mut last = vec![0; backlog.stories.len()];
            let mut first = Vec::new();
            let mut sum = 0;
            for story in &backlog.stories {
                first.push(sum);
                sum += story.notices.len();
            }
            let fall = |sending: &&Sending| {
                let story = first.partition_point(|first| *first <= sending.letter) - 1;
                let fell = sending.letter < last[story];
                last[story] = sending.letter;
                fell
            };
            backlog.sendings.iter().filter(fall).count()
        };
        assert_eq!(falls(&in_order), 0);
        assert!(falls(&shuffled) > 500);
        assert_eq!(in_order.len(), shuffled.len());
    }

    #[test]
    fn three_in_ten_notices_are_sent_and_counted_twice() {
        let backlog = Backlog::generate(1, 13_000, Order::Duplicates);
        let posted = backlog.posted();
        let twice = posted.acks.iter().filter(|acks| **acks == 2).count() as f64;
        let share = twice / posted.acks.len() as f64;
        assert!((0.28..0.32).contains(&share), "{share}");
        assert!((12_500..13_500).contains(&backlog.len()), "{}", backlog.len());
    }
}
