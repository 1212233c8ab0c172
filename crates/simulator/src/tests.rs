use std::collections::{BTreeMap, BTreeSet};

use super::numbers::Numbers;
use super::run::letters;
use super::scenario::Extent;
use super::story::{Event, Story};
use super::wire::Letter;
use super::*;
use crate::platform::{ContentType, Signer};

const KEY: &str = "k3y-for-tests-1048483";

pub fn settings(seed: u64) -> Settings {
    Settings {
        seed,
        partner_id: PartnerId(1_048_483),
        failures: 0.3,
        missing_predecessors: 0.0,
    }
}

pub fn signer() -> Signer {
    Signer::new(PartnerId(1_048_483), KEY.to_owned())
}

fn told(seed: u64, proposals: usize) -> (Vec<Story>, Vec<Letter>) {
    let settings = settings(seed);
    let stories = scenario::tell_for(&settings, proposals);
    let letters = letters(&stories, &settings, &signer());
    (stories, letters)
}

#[test]
fn the_same_settings_tell_and_spell_the_same_stories() {
    assert_eq!(told(7, 200), told(7, 200));
    assert_ne!(told(7, 200), told(8, 200));
}

#[test]
fn more_proposals_leave_the_earlier_stories_as_they_were() {
    let (few, many) = (told(7, 100).0, told(7, 400).0);
    let index: BTreeMap<u64, &Story> = many.iter().map(|story| (story.index, story)).collect();
    assert!(few.iter().all(|story| index[&story.index] == story));
}

#[test]
fn exactly_as_many_proposals_are_played_as_were_asked_for() {
    for wanted in [1, 2, 3, 50, 333] {
        let stories = told(7, wanted).0;
        let numbers: BTreeSet<_> = stories.iter().flat_map(|story| &story.proposals).collect();
        assert_eq!(numbers.len(), wanted);
    }
}

#[test]
fn whatever_shapes_the_stories_gives_other_numbers() {
    let base = settings(7);
    let others = [
        settings(8),
        Settings {
            failures: 0.0,
            ..base
        },
        Settings {
            missing_predecessors: 0.1,
            ..base
        },
        Settings {
            partner_id: PartnerId(2),
            ..base
        },
    ];
    assert!(
        others
            .iter()
            .all(|other| Numbers::of(other) != Numbers::of(&base))
    );
}

#[test]
fn numbers_are_dates_and_six_digits_and_grow_with_the_story() {
    let numbers = Numbers::of(&settings(7));
    let all: Vec<String> = (0..700_000)
        .step_by(7_001)
        .map(|story| numbers.get(story, 3).to_string())
        .collect();
    assert!(all.is_sorted());
    for number in &all {
        assert_eq!(number.len(), 14);
        assert!(
            chrono::NaiveDate::parse_from_str(&number[..8], "%Y%m%d").is_ok(),
            "{number}"
        );
    }
}

#[test]
fn every_type_occurs_with_success_and_failure() {
    let (stories, _) = told(7, 2_000);
    let mut seen: BTreeSet<(i64, bool)> = BTreeSet::new();
    for notice in stories.iter().flat_map(|story| &story.notices) {
        let success = match &notice.event {
            Event::Insured(outcome) | Event::EPolicy(outcome) | Event::Issued { outcome, .. } => {
                outcome.success
            }
            Event::Paid(payment) => payment.outcome.success,
            Event::Cancelled(cancellation) | Event::Reissued { cancellation, .. } => {
                cancellation.outcome.success
            }
            Event::Endorsed(endorsement) => endorsement.success,
            Event::Abnormal { .. } | Event::Unknown(_) => true,
        };
        seen.insert((
            if notice.event.is_documented() {
                notice.event.notify_type().0
            } else {
                0
            },
            success,
        ));
    }
    let both = [1, 2, 3, 4, 5, 9, 26]
        .into_iter()
        .flat_map(|kind| [(kind, false), (kind, true)]);
    assert_eq!(seen, both.chain([(0, true), (27, true)]).collect());
}

#[test]
fn some_stories_span_three_proposals_and_some_predecessors_are_lost_if_asked_for() {
    assert!(told(7, 500).0.iter().any(|story| story.proposals.len() == 3));
    let settings = Settings {
        missing_predecessors: 1.0,
        ..settings(7)
    };
    let stories = scenario::tell_for(&settings, 300);
    let orphan = |story: &&Story| {
        let has = |kind| {
            story
                .notices
                .iter()
                .any(|notice| notice.event.notify_type().0 == kind)
        };
        has(3) && !has(1)
    };
    assert!(stories.iter().filter(orphan).count() > 20);
}

#[test]
fn spellings_vary_around_the_envelope_too() {
    let (_, letters) = told(7, 1_000);
    let kinds: BTreeSet<Option<&str>> = letters
        .iter()
        .map(|letter| letter.content_type.header())
        .collect();
    assert_eq!(kinds.len(), 4);
    assert!(
        letters
            .iter()
            .any(|letter| letter.content_type == ContentType::None)
    );
    let bodies: Vec<&str> = letters
        .iter()
        .filter_map(|letter| std::str::from_utf8(&letter.body).ok())
        .collect();
    assert_eq!(bodies.len(), letters.len());
    let occurs = |what: &str| bodies.iter().any(|body| body.contains(what));
    for spelling in [
        "{\"data\":",
        "\"version\":\"2.0\"",
        "\"notifyType\":\"1\"",
        "\"data\":\"{",
        "\"data\":{\n",
        "\\u5f20",
        "\"failMsg\":null",
        "\"failMsg\":\"\"",
        "\"cancelInsurants\":[]",
        "\"onlinePaymentId\":-",
        "\"onlinePaymentId\":\"-",
        "\"partnerId\":\"1048483\"",
        "\"price\":\"",
        "、",
        "，",
        "9007199254740993",
    ] {
        assert!(occurs(spelling), "{spelling} does not occur");
    }
}

#[test]
fn a_number_of_notices_is_met_by_whole_stories_and_not_by_more_than_it_takes() {
    let settings = settings(3);
    let stories = scenario::tell_all(&settings, Extent::Notices(1_000));
    let notices = |stories: &[Story]| stories.iter().map(|story| story.notices.len()).sum::<usize>();
    assert!(notices(&stories) >= 1_000);
    assert!(notices(&stories[..stories.len() - 1]) < 1_000);
}

/// The product's own reader, as a check of the letters; the expectation never comes near it.
mod read_by_the_product {
    use xiebao_core::facts::Notice;
    use xiebao_core::notice::RawNotice;
    use xiebao_core::signature::{Form, Key, Keys, verify};

    use super::*;

    fn keys() -> Keys {
        let key = Key::new(KEY).expect("the key is not blank");
        Keys(BTreeMap::from([(PartnerId(1_048_483), vec![key])]))
    }

    #[test]
    fn every_letter_is_authentic_and_all_four_forms_occur() {
        let (_, letters) = told(7, 1_000);
        let mut forms = BTreeSet::new();
        for letter in &letters {
            let bodies = [Some(&letter.body), letter.twin.as_ref()];
            let digests: BTreeSet<_> = bodies
                .into_iter()
                .flatten()
                .map(|body| {
                    let raw = RawNotice::parse(body).expect("an envelope");
                    let verified = verify(raw, &keys()).expect("authentic");
                    forms.insert(verified.form());
                    verified.digest().clone()
                })
                .collect();
            assert_eq!(digests.len(), 1, "a twin is the same notice");
        }
        assert_eq!(forms, Form::ALL.into_iter().collect());
    }

    #[test]
    fn every_documented_notice_can_be_read_and_no_two_are_the_same() {
        let (stories, letters) = told(9, 2_000);
        let notices = stories.iter().flat_map(|story| &story.notices);
        let mut digests = BTreeSet::new();
        for (notice, letter) in notices
            .zip(&letters)
            .filter(|(notice, _)| notice.event.is_documented())
        {
            let read =
                Notice::read(&letter.body).unwrap_or_else(|rejection| panic!("{notice:?}: {rejection:?}"));
            assert_eq!(read.insure_num, notice.insure_num);
            assert!(digests.insert(read.digest), "{notice:?} stands twice");
        }
    }
}
