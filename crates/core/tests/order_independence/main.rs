//! The promise of the contract, tested exhaustively: every order of arrival, every repetition and every time-out of these stories
//! ends in the same rows. The stories go through decide, hold, release, time-out, link and projection; between two steps, only the
//! content of a database remains.

mod database;
mod exploration;
mod notation;
mod notices;
mod random;
mod rules;
mod stories;

use exploration::{Count, Explorer, Firing, Story};

fn factorial(n: usize) -> u64 {
    (1..=n as u64).product()
}

/// The longest story, in notices, whose repetitions and time-outs are tried at every point.
const SHORT: usize = 5;

fn every_order(story: &Story, runs: Option<u64>) {
    let orders = factorial(story.notices.len());
    let count = Explorer::of(story).explore();
    println!("{count:?}");
    assert_eq!(
        count,
        Count {
            runs: runs.unwrap_or(orders),
            orders
        }
    );
}

/// Delivers each notice in turn twice, in every position, and each link twice.
fn every_repetition(story: &Story) {
    for twice in 0..story.notices.len() {
        let mut explorer = Explorer::of(story);
        explorer.copies[twice] = 2;
        explorer.link_copies = 2;
        let count = explorer.explore();
        println!("{count:?}");
        assert_eq!(count.orders, factorial(story.notices.len() + 1) / 2);
    }
}

/// Fires time-outs after every subset of the deliveries; in a long story, after every single delivery.
fn every_time_out(story: &Story, runs: Option<u64>) {
    let length = story.notices.len();
    let mut explorer = Explorer::of(story);
    let times = if length <= SHORT {
        explorer.firing = Firing::Anywhere;
        1 << length
    } else {
        explorer.firing = Firing::Once;
        length as u64 + 1
    };
    let count = explorer.explore();
    println!("{count:?}");
    let orders = factorial(length);
    assert_eq!(
        count,
        Count {
            runs: runs.unwrap_or(orders * times),
            orders
        }
    );
}

macro_rules! same_rows {
    ($($file:ident::$story:ident $(: $orders:literal orders, $time_outs:literal with time_outs)?),* $(,)?) => {
        mod every_order_ends_in_the_same_rows {$(
            #[test]
            fn $story() {
                super::every_order(&super::stories::$file::$story(), None $(.or(Some($orders)))?);
            }
        )*}
        mod every_repetition_ends_in_the_same_rows {$(
            #[test]
            fn $story() {
                let story = super::stories::$file::$story();
                if story.notices.len() <= super::SHORT {
                    super::every_repetition(&story);
                }
            }
        )*}
        mod every_time_out_ends_in_the_same_rows {$(
            #[test]
            fn $story() {
                super::every_time_out(&super::stories::$file::$story(), None $(.or(Some($time_outs)))?);
            }
        )*}
        fn all_stories() -> Vec<Story> {
            vec![$(stories::$file::$story()),*]
        }
    };
}

// A story with links has more runs than orders, because a link can come at several points. The 1008 of the first one can be
// calculated: the link is pending once the four notices of A are in, and comes before, between or after the remaining notices of B:
// (10 · 1 + 4 · 2 + 1 · 3) · 4! · 2!. The other counts are measured; a count that shrinks means lost coverage.
same_rows! {
    lives::a_smooth_life,
    lives::every_type_that_stays_within_one_proposal,
    lives::each_step_fails_before_it_succeeds,
    lives::nothing_ever_succeeds,
    lives::all_predecessors_are_lost,
    lives::two_issue_notices_of_different_policies,
    lives::no_awaited_predecessor_comes,
    payments::one_payment_is_reported_in_four_ways,
    payments::renewals_are_payments_of_their_own,
    payments::a_payment_fails_and_nothing_follows,
    cancellations::some_leave_after_a_refusal,
    cancellations::one_cancellation_is_reported_in_three_ways,
    cancellations::some_leave_then_all,
    cancellations::cancelled_after_a_failed_issue,
    cancellations::refused_cancellations_change_nothing,
    cancellations::a_person_left_before_the_second_issue,
    cancellations::persons_leave_in_other_spellings,
    cancellations::a_person_leaves_who_is_in_no_policy,
    reissues::a_proposal_is_reissued: 1008 orders, 11_088 with time_outs,
    reissues::a_reissue_of_some_fails_then_succeeds: 120 orders, 9636 with time_outs,
    reissues::a_reissue_is_reissued: 1008 orders, 28_836 with time_outs,
    reissues::the_greatest_of_several_links_is_shown: 24 orders, 5232 with time_outs,
    reissues::two_proposals_replace_each_other: 24 orders, 2048 with time_outs,
    reissues::a_link_of_another_partner_stands_in_for_nothing: 120 orders, 9636 with time_outs,
    reissues::cancelled_in_full_and_reissued_without_a_follow_up: 24 orders, 788 with time_outs,
}

#[test]
fn the_stories_are_as_many_as_promised_and_use_every_type() {
    let stories = all_stories();
    assert_eq!(stories.len(), 25);
    let orders: u64 = stories.iter().map(|story| factorial(story.notices.len())).sum();
    assert_eq!(orders, 24_390);
    for notify_type in [1, 2, 3, 4, 5, 9, 26, 27] {
        let of_type = |draft: &notices::Draft| draft.read().step.notify_type().0 == notify_type;
        assert!(
            stories.iter().any(|story| story.notices.iter().any(of_type)),
            "{notify_type}"
        );
    }
}
