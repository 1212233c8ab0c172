//! Every run of a story: at each point, any remaining notice, any pending link or a time-out comes next.

use std::collections::HashSet;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use xiebao_core::facts::Notice;
use xiebao_core::id::{Digest, Step, StepSet};
use xiebao_core::ledger::Arrival;
use xiebao_core::reason::Reason;
use xiebao_core::rules::{OnTimeout, RuleSettings, Rules};

use super::database::Database;
use super::notation;
use super::notices::Draft;

/// The notices of one or several proposals, and the rows that they end in, written by hand.
pub struct Story {
    pub notices: Vec<Draft>,
    pub rows: &'static str,
}

/// The points at which time-outs fire. They always fire at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firing {
    AtTheEnd,
    /// And after any single notice.
    Once,
    /// And after every subset of the notices.
    Anywhere,
}

pub struct Explorer<'s> {
    pub story: &'s Story,
    pub rules: Rules,
    pub firing: Firing,
    /// The number of copies of each notice.
    pub copies: Vec<u8>,
    /// The number of copies of each link.
    pub link_copies: u8,
    /// Every run must end in the rows of the story.
    pub same_rows: bool,
    bodies: Vec<(Notice, Bytes)>,
    orders: HashSet<Vec<u8>>,
    runs: u64,
}

/// The number of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    pub runs: u64,
    /// The distinct orders of the notices among the runs.
    pub orders: u64,
}

#[derive(Clone)]
struct Run {
    database: Database,
    now: DateTime<Utc>,
    left: Vec<u8>,
    order: Vec<u8>,
    fired: bool,
    /// The number of deliveries of the first link that left it in the outbox.
    link_repeats: u8,
}

impl<'s> Explorer<'s> {
    pub fn of(story: &'s Story) -> Self {
        Self {
            story,
            rules: Rules::default(),
            firing: Firing::AtTheEnd,
            copies: vec![1; story.notices.len()],
            link_copies: 1,
            same_rows: true,
            bodies: story
                .notices
                .iter()
                .map(|draft| (draft.read(), draft.body()))
                .collect(),
            orders: HashSet::new(),
            runs: 0,
        }
    }

    pub fn under(mut self, edit: impl FnOnce(&mut RuleSettings)) -> Self {
        let mut settings = RuleSettings::default();
        edit(&mut settings);
        self.rules = Rules::new(settings).expect("sound rules");
        self
    }

    pub fn explore(mut self) -> Count {
        let start = DateTime::from_timestamp(1_772_323_200, 0).expect("1 March 2026");
        self.go_on(Run {
            database: Database::default(),
            now: start,
            left: self.copies.clone(),
            order: vec![],
            fired: false,
            link_repeats: 0,
        });
        Count {
            runs: self.runs,
            orders: self.orders.len() as u64,
        }
    }

    fn go_on(&mut self, run: Run) {
        let mut ended = true;
        for notice in 0..self.bodies.len() {
            if run.left[notice] > 0 {
                ended = false;
                self.deliver(run.clone(), notice);
            }
        }
        for link in 0..run.database.pending_links() {
            ended = false;
            self.deliver_link(run.clone(), link);
        }
        if ended {
            self.finish(run);
        }
    }

    fn deliver(&mut self, mut run: Run, index: usize) {
        run.left[index] -= 1;
        run.order.push(index as u8);
        let (notice, raw) = self.bodies[index].clone();
        if self.rules.is_subscribed(notice.step) {
            let arrival = Arrival {
                notice: notice.into(),
                raw,
                received_at: run.tick(),
                redelivered: false,
            };
            run.database.deliver(&arrival, run.now, &self.rules);
        }
        let fires = match self.firing {
            Firing::AtTheEnd => false,
            Firing::Once => !run.fired,
            Firing::Anywhere => true,
        };
        if fires {
            let mut fired = run.clone();
            fired.fire(TimeDelta::hours(1), &self.rules);
            self.go_on(fired);
        }
        self.go_on(run);
    }

    fn deliver_link(&mut self, mut run: Run, index: usize) {
        run.tick();
        if index == 0 && run.link_repeats + 1 < self.link_copies {
            run.link_repeats += 1;
            run.database.deliver_link_again(index, run.now, &self.rules);
        } else {
            run.link_repeats = 0;
            run.database.deliver_link(index, run.now, &self.rules);
        }
        self.go_on(run);
    }

    fn finish(&mut self, mut run: Run) {
        run.fire(TimeDelta::days(1), &self.rules);
        while run.database.pending_links() > 0 {
            run.database.deliver_link(0, run.now, &self.rules);
            run.fire(TimeDelta::days(1), &self.rules);
        }
        run.database.check();
        self.check_inbox(&run);
        if self.same_rows {
            let expected = notation::lines(self.story.rows);
            assert_eq!(
                run.database.write_down(),
                expected,
                "in the order {:?}",
                run.order
            );
        }
        self.orders.insert(run.order);
        self.runs += 1;
    }

    /// Every notice is applied, once and with each delivery counted, or a dead letter if the rules say so.
    fn check_inbox(&self, run: &Run) {
        assert!(!run.database.holds_any(), "something is held for ever");
        for (index, (notice, _)) in self.bodies.iter().enumerate() {
            if self.copies[index] == 0 || !self.rules.is_subscribed(notice.step) {
                continue;
            }
            let copies = |digest: &Digest| *digest == notice.digest;
            let stored: Vec<_> = run
                .database
                .notices()
                .filter(|(digest, _)| copies(digest))
                .collect();
            let dead: Vec<_> = run
                .database
                .dead
                .iter()
                .filter(|(digest, _)| copies(digest))
                .collect();
            let strict = self.rules.on_timeout(notice.step) == OnTimeout::DeadLetter;
            match (&stored[..], &dead[..]) {
                ([(_, one)], []) => assert_eq!(one.deliveries.count, i64::from(self.copies[index])),
                ([_], dead) | ([], dead) => {
                    assert!(strict && !dead.is_empty(), "{} is lost", notice.step);
                    assert!(dead.iter().all(|(_, reason)| *reason == Reason::TimedOut));
                }
                _ => panic!("{} occurs twice", notice.step),
            }
            assert!(
                !strict || stored.iter().all(|(_, one)| !one.out_of_order),
                "against the rules"
            );
        }
    }
}

impl Run {
    fn tick(&mut self) -> DateTime<Utc> {
        self.now += TimeDelta::seconds(1);
        self.now
    }

    fn fire(&mut self, later: TimeDelta, rules: &Rules) {
        self.now += later;
        self.fired = true;
        self.database.sweep(self.now, rules);
    }
}

pub fn unsubscribe(settings: &mut RuleSettings, gone: &[Step]) {
    let left = settings.subscribed.iter().filter(|step| !gone.contains(step));
    settings.subscribed = left.collect::<StepSet>();
}
