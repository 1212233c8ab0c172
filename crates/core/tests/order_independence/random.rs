//! Random stories of up to three proposals of one partner, in random order, with repetitions, time-outs of single proposals, and
//! links that come late or twice, under random rules. Each ends in the same rows as in step order.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::json;
use xiebao_core::id::Step;
use xiebao_core::ledger::Arrival;
use xiebao_core::rules::{RuleSettings, Rules};

use crate::database::Database;
use crate::exploration::unsubscribe;
use crate::notices::*;

const PROPOSALS: [&str; 3] = [A, B, C];
const NAMES: [&str; 3] = ["赵一", "钱二", "孙三"];
/// Some of them in two spellings, and one that no policy insures.
const LEAVING: [&str; 5] = ["赵一", "赵 一", "钱二", "孙三", "李四"];
const WORDS: [&str; 3] = ["", "甲", "乙"];

/// An event for the workers. Events come one at a time, because a worker locks the proposal.
#[derive(Debug, Clone)]
enum Event {
    /// The notice with that index, received that many minutes after the start.
    Notice(usize, i64),
    /// A person releases the notice with that index, if it is held.
    Release(usize),
    /// The holds of one proposal time out.
    TimeOut(usize),
    /// One of the pending links arrives; with `again`, it stays pending.
    Link { which: usize, again: bool },
}

fn word() -> impl Strategy<Value = &'static str> {
    select(&WORDS[..])
}

fn leaving() -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(LEAVING.to_vec(), 0..=LEAVING.len())
}

fn any_draft() -> impl Strategy<Value = Draft> {
    let proposal = || select(&PROPOSALS[..]);
    let price = || select(&[100_i64, 200][..]);
    let gateway = || select(&[1_i64, -3][..]);
    let time = || select(&["10:00:00", "10:00:01"][..]);
    let plain = prop_oneof![
        3 => proposal().prop_map(insured),
        4 => (proposal(), price(), gateway(), time()).prop_map(|(p, fen, by, at)| paid(p, fen, by, at)),
        4 => (proposal(), subsequence(vec![1, 2, 3], 1..=3), 0..8_u8)
            .prop_map(|(p, policies, leave_out)| issue(p, &policies, leave_out)),
        3 => (proposal(), leaving()).prop_map(|(p, names)| left(p, &names)),
        2 => (0..3_usize, 1..3_usize, leaving()).prop_map(|(from, on, names)| {
            reissued(PROPOSALS[from], PROPOSALS[(from + on) % 3]).with("cancelInsurants", names)
        }),
        1 => proposal().prop_map(e_policy),
        2 => (proposal(), 1..=2_i64, word()).prop_map(|(p, status, msg)| endorsed(p, status).with("msg", msg)),
        1 => (proposal(), word()).prop_map(|(p, why)| alarm(p, why)),
    ];
    (plain, prop::bool::weighted(0.7), word(), word(), word()).prop_map(
        |(draft, success, key, fail, cancel)| {
            let draft = draft
                .with("partnerUniqueKey", key)
                .with("failMsg", fail)
                .with("cancelMsg", cancel);
            if success {
                draft
            } else {
                draft.with("state", false)
            }
        },
    )
}

/// All notices state the same about a policy, but may leave some of it out.
fn issue(proposal: &str, policies: &[usize], leave_out: u8) -> Draft {
    let statement = |n: &usize| {
        let mut policy = json!({"policyNum": format!("P{n}")});
        if leave_out & 1 == 0 {
            policy["insurant"] = json!(NAMES[..*n].join("、"));
        }
        if leave_out & 2 == 0 {
            policy["productName"] = json!(format!("产品{n}"));
        }
        if leave_out & 4 == 0 {
            policy["startDate"] = json!(format!("2026-03-0{n}"));
        }
        policy
    };
    issued(proposal, policies.iter().map(statement).collect::<Vec<_>>())
}

fn any_story() -> impl Strategy<Value = (Vec<Draft>, Vec<Event>)> {
    const WINDOW: i64 = 7 * 24 * 60;
    prop::collection::vec(any_draft(), 1..9).prop_flat_map(|drafts| {
        let first: Vec<_> = (0..drafts.len())
            .map(|index| (0..WINDOW).prop_map(move |at| Event::Notice(index, at)))
            .collect();
        let repeat = (0..drafts.len(), 0..WINDOW).prop_map(|(index, at)| Event::Notice(index, at));
        let release = (0..drafts.len()).prop_map(Event::Release);
        let time_out = (0..3_usize).prop_map(Event::TimeOut);
        let link = (0..3_usize, any::<bool>()).prop_map(|(which, again)| Event::Link { which, again });
        let besides = prop::collection::vec(prop_oneof![repeat, release, time_out, link], 0..12);
        let events = (first, besides).prop_map(|(first, besides)| [first, besides].concat());
        (Just(drafts), events.prop_shuffle())
    })
}

/// Predecessors, waits and subscriptions vary; every step applies on time-out.
fn any_rules() -> impl Strategy<Value = RuleSettings> {
    let plain = Just(RuleSettings::default());
    let unsubscribed = prop_oneof![2 => Just(vec![]), 1 => subsequence(Step::ALL.to_vec(), 1..=3)];
    let after = prop::collection::vec(
        subsequence((0..Step::COUNT).collect::<Vec<_>>(), 0..=2),
        Step::COUNT,
    );
    let odd = (unsubscribed, after, any::<bool>()).prop_map(|(gone, after, waits)| {
        let mut settings = RuleSettings::default();
        unsubscribe(&mut settings, &gone);
        for (index, step) in Step::ALL.into_iter().enumerate() {
            let step = settings.steps.get_mut(&step).expect("all steps are there");
            // Only earlier steps, so that there is no cycle.
            step.after = after[index]
                .iter()
                .filter(|i| **i < index)
                .map(|i| Step::ALL[*i])
                .collect();
            step.max_wait = if waits {
                TimeDelta::minutes(10)
            } else {
                TimeDelta::zero()
            };
        }
        settings
    });
    prop_oneof![1 => plain, 2 => odd]
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_323_200, 0).expect("1 March 2026")
}

struct World<'r> {
    database: Database,
    rules: &'r Rules,
    now: DateTime<Utc>,
}

impl<'r> World<'r> {
    fn new(rules: &'r Rules) -> Self {
        Self {
            database: Database::default(),
            rules,
            now: start(),
        }
    }

    /// Delivers these notices in one transaction a proposal.
    fn deliver(&mut self, notices: &[(&Draft, DateTime<Utc>)]) {
        self.now += TimeDelta::seconds(1);
        let mut batches: BTreeMap<_, Vec<Arrival>> = BTreeMap::new();
        for (draft, received_at) in notices {
            let (notice, raw) = (draft.read(), draft.body());
            if self.rules.is_subscribed(notice.step) {
                let num = notice.insure_num.clone();
                let arrival = Arrival {
                    notice: notice.into(),
                    raw,
                    received_at: *received_at,
                    redelivered: false,
                };
                batches.entry(num).or_default().push(arrival);
            }
        }
        for (num, batch) in batches {
            self.database.deliver_batch(&num, &batch, self.now, self.rules);
        }
    }

    /// Consecutive deliveries form batches of up to `size`.
    fn happen_in_batches(&mut self, drafts: &[Draft], events: &[Event], size: usize) {
        let mut batch = Vec::new();
        for event in events {
            if let Event::Notice(index, minutes) = event {
                batch.push((&drafts[*index], start() + TimeDelta::minutes(*minutes)));
                if batch.len() < size {
                    continue;
                }
            }
            self.deliver(&std::mem::take(&mut batch));
            self.happen(drafts, event);
        }
        self.deliver(&batch);
    }

    fn happen(&mut self, drafts: &[Draft], event: &Event) {
        match *event {
            Event::Notice(..) => {}
            Event::Release(index) => {
                let notice = drafts[index].read();
                self.database
                    .release(&notice.insure_num, &notice.digest, self.now, self.rules);
            }
            Event::TimeOut(proposal) => {
                self.now += TimeDelta::hours(1);
                self.database
                    .sweep_one(&number(PROPOSALS[proposal]), self.now, self.rules);
            }
            Event::Link { which, again } => match self.database.pending_links() {
                0 => {}
                pending if again => self
                    .database
                    .deliver_link_again(which % pending, self.now, self.rules),
                pending => self.database.deliver_link(which % pending, self.now, self.rules),
            },
        }
    }

    fn end(mut self) -> Database {
        self.now += TimeDelta::days(1);
        self.database.sweep(self.now, self.rules);
        while self.database.pending_links() > 0 {
            self.database.deliver_link(0, self.now, self.rules);
            self.database.sweep(self.now, self.rules);
        }
        self.database.check();
        self.database
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_story_in_any_order_ends_in_the_rows_of_step_order(
        (drafts, events) in any_story(),
        settings in any_rules(),
        batch_size in 1..5_usize,
    ) {
        let rules = Rules::new(settings.clone()).expect("no cycles");
        let mut world = World::new(&rules);
        world.happen_in_batches(&drafts, &events, batch_size);
        let database = world.end();

        let plain_rules = Rules::new(RuleSettings { subscribed: settings.subscribed, ..RuleSettings::default() });
        let plain_rules = plain_rules.expect("no cycles");
        let mut plain = World::new(&plain_rules);
        let mut in_order: Vec<&Draft> = drafts.iter().collect();
        in_order.sort_by_key(|draft| draft.read().step);
        in_order.iter().for_each(|draft| plain.deliver(&[(draft, start())]));
        prop_assert_eq!(database.write_down(), plain.end().write_down());

        prop_assert!(!database.holds_any());
        let mut came: BTreeMap<_, i64> = BTreeMap::new();
        for event in &events {
            if let Event::Notice(index, _) = event {
                let notice = drafts[*index].read();
                if rules.is_subscribed(notice.step) {
                    *came.entry(notice.digest).or_default() += 1;
                }
            }
        }
        let counted = database.notices().map(|(digest, stored)| (digest.clone(), stored.deliveries.count));
        prop_assert_eq!(counted.collect::<BTreeMap<_, _>>(), came);
    }

    #[test]
    fn the_times_of_receipt_decide_how_often_an_endorsement_happened(
        received in prop::collection::vec(0..60 * 24_i64, 1..9),
        batch_size in 1..4_usize,
        sweeps in subsequence((0..8_usize).collect::<Vec<_>>(), 0..=3),
    ) {
        // In hours, over sixty days. A copy is a new occurrence if it comes more than a week after the previous one.
        let rules = Rules::default();
        let mut world = World::new(&rules);
        let draft = endorsed(A, 4);
        for (nth, batch) in received.chunks(batch_size).enumerate() {
            let batch: Vec<_> = batch.iter().map(|hours| (&draft, start() + TimeDelta::hours(*hours))).collect();
            world.deliver(&batch);
            if sweeps.contains(&nth) {
                world.happen(&[], &Event::TimeOut(0));
            }
        }
        let database = world.end();

        let mut in_order = received.clone();
        in_order.sort_unstable();
        let happened = 1 + in_order.windows(2).filter(|pair| pair[1] - pair[0] > 7 * 24).count();
        let rows = database.write_down().iter().filter(|line| line.contains("endorsement")).count();
        prop_assert_eq!(rows, happened);
        let counted: i64 = database.notices().map(|(_, stored)| stored.deliveries.count).sum();
        prop_assert_eq!(counted, received.len() as i64);
    }
}
