//! In which order notices are posted: stories side by side, some of them shuffled, some notices again.

use super::rng::Rng;
use super::story::Story;

/// So many stories are under way at the same time.
const SIDE_BY_SIDE: f64 = 200.0;

/// One request to make: which letter (counted over all stories), and whether in its other spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sending {
    /// The index of the letter.
    pub letter: usize,
    /// Send it in its other spelling.
    pub twin: bool,
}

/// `disorder`: the share of stories whose notices come in any order. `duplicates`: the share of notices that come again.
pub fn order(stories: &[Story], disorder: f64, duplicates: f64, rng: &mut Rng) -> Vec<Sending> {
    let mut placed: Vec<(f64, Sending)> = Vec::new();
    let mut letter = 0;
    for (at, story) in stories.iter().enumerate() {
        for place in places(at, story.notices.len(), disorder, rng) {
            placed.push((place, Sending { letter, twin: false }));
            if rng.chance(duplicates) {
                let again = place + delay(rng);
                placed.push((
                    again,
                    Sending {
                        letter,
                        twin: rng.chance(0.5),
                    },
                ));
            }
            letter += 1;
        }
    }
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    placed.into_iter().map(|(_, sending)| sending).collect()
}

/// Where in the run each notice of a story stands.
fn places(story: usize, notices: usize, disorder: f64, rng: &mut Rng) -> Vec<f64> {
    let start = story as f64 + rng.share();
    let step = SIDE_BY_SIDE / notices as f64;
    let mut places: Vec<f64> = (0..notices)
        .map(|n| start + step * (n as f64 + rng.share()))
        .collect();
    if rng.chance(disorder) {
        rng.shuffle(&mut places);
    }
    places
}

/// Right behind, so that both are under way at once, or some time later.
fn delay(rng: &mut Rng) -> f64 {
    if rng.chance(0.3) {
        0.0
    } else {
        rng.share() * SIDE_BY_SIDE
    }
}

#[cfg(test)]
mod tests {
    use super::super::story::{Event, Notice};
    use super::*;
    use crate::numbers::Numbers;
    use crate::tests::settings;

    fn stories(count: u64) -> Vec<Story> {
        let numbers = Numbers::of(&settings(1));
        let notice = |which| Notice {
            insure_num: numbers.get(which, 0),
            partner_unique_key: None,
            case_code: None,
            other_info: Vec::new(),
            event: Event::Abnormal { fail_msg: None },
        };
        let story = |index| Story {
            index,
            proposals: Vec::new(),
            notices: vec![notice(index); 5],
        };
        (0..count).map(story).collect()
    }

    #[test]
    fn without_disorder_every_story_keeps_its_order() {
        let order = order(&stories(300), 0.0, 0.0, &mut Rng::new(1, 1));
        assert_eq!(order.len(), 1_500);
        for story in 0..300 {
            let own: Vec<usize> = order
                .iter()
                .map(|sending| sending.letter)
                .filter(|letter| letter / 5 == story)
                .collect();
            assert!(own.is_sorted());
        }
        let letters: Vec<usize> = order.iter().map(|sending| sending.letter).collect();
        assert!(!letters.is_sorted(), "stories are interleaved");
    }

    #[test]
    fn every_notice_is_sent_and_the_share_of_duplicates_is_met() {
        let order = order(&stories(400), 1.0, 0.3, &mut Rng::new(1, 1));
        let mut times = vec![0; 2_000];
        order.iter().for_each(|sending| times[sending.letter] += 1);
        assert!(times.iter().all(|sent| (1..=2).contains(sent)));
        assert!((2_500..2_700).contains(&order.len()), "{}", order.len());
    }
}
