//! The same stories under other rules.

use chrono::TimeDelta;
use xiebao_core::id::Step;
use xiebao_core::rules::{OnTimeout, RuleSettings};

use crate::exploration::{Explorer, Firing, Story, unsubscribe};
use crate::stories::{cancellations, lives, payments, reissues};
use crate::{SHORT, all_stories, factorial};

fn dead_letters(settings: &mut RuleSettings) {
    for step in settings.steps.values_mut() {
        step.on_timeout = OnTimeout::DeadLetter;
    }
}

#[test]
fn without_any_wait_the_rows_are_the_same() {
    for story in all_stories().iter().filter(|story| story.notices.len() <= 6) {
        let no_wait = |settings: &mut RuleSettings| {
            settings
                .steps
                .values_mut()
                .for_each(|step| step.max_wait = TimeDelta::zero());
        };
        Explorer::of(story).under(no_wait).explore();
    }
}

#[test]
fn with_the_steps_waiting_in_reverse_order_the_rows_are_the_same() {
    let backwards = |settings: &mut RuleSettings| {
        for pair in Step::ALL.windows(2) {
            settings.steps.get_mut(&pair[0]).expect("all steps").after = vec![pair[1]];
        }
        settings
            .steps
            .get_mut(&Step::Abnormality)
            .expect("all steps")
            .after = vec![];
    };
    for story in all_stories().iter().filter(|story| story.notices.len() <= SHORT) {
        let mut explorer = Explorer::of(story).under(backwards);
        explorer.firing = Firing::Once;
        explorer.explore();
    }
}

#[test]
fn a_notice_with_all_predecessors_is_never_a_dead_letter() {
    let complete = [
        lives::a_smooth_life(),
        lives::every_type_that_stays_within_one_proposal(),
        lives::each_step_fails_before_it_succeeds(),
        lives::two_issue_notices_of_different_policies(),
        payments::renewals_are_payments_of_their_own(),
        payments::a_payment_fails_and_nothing_follows(),
        cancellations::some_leave_then_all(),
        cancellations::cancelled_after_a_failed_issue(),
        reissues::a_proposal_is_reissued(),
    ];
    for story in &complete {
        let count = Explorer::of(story).under(dead_letters).explore();
        assert_eq!(count.orders, factorial(story.notices.len()));
    }
}

#[test]
fn with_dead_letters_on_time_out_nothing_is_lost_and_nothing_applied_out_of_order() {
    for story in all_stories().iter().filter(|story| story.notices.len() <= SHORT) {
        let mut explorer = Explorer::of(story).under(dead_letters);
        explorer.firing = Firing::Anywhere;
        explorer.same_rows = false;
        explorer.explore();
    }
}

#[test]
fn with_dead_letters_on_time_out_a_notice_without_its_predecessor_leaves_no_row() {
    let lost = Story {
        rows: "",
        ..lives::all_predecessors_are_lost()
    };
    let mut explorer = Explorer::of(&lost).under(dead_letters);
    explorer.firing = Firing::Anywhere;
    explorer.explore();
}

#[test]
fn without_insured_notices_the_other_notices_make_the_rows() {
    let smooth = Story {
        rows: "
            A proposal partner=7 status=issued e_policy_ready key=user-2 case=case-3
            A payment success fen=19900 gateway=21 at=2026-03-01T09:30:00 new_money
            A policy P1 product_id=101 product=安心意外险 plan_id=11 plan=基础版 applicant=赵一 start=2026-03-02 end=2027-03-01
            A person P1 赵一
            A person P1 钱二
            A person P1 孙三
        ",
        ..lives::a_smooth_life()
    };
    let mut explorer = Explorer::of(&smooth).under(|settings| unsubscribe(settings, &[Step::Insured]));
    explorer.firing = Firing::Anywhere;
    assert_eq!(explorer.explore().orders, 24);
}

#[test]
fn without_paid_notices_issued_waits_for_insured() {
    let strict = |settings: &mut RuleSettings| {
        unsubscribe(settings, &[Step::Paid]);
        dead_letters(settings);
    };
    let cancelled = Story {
        rows: "
            A proposal partner=7 status=cancelled
            A policy P1 cancelled
            A policy P2 cancelled
            A person P1 秦一 cancelled
            A person P1 尤二
            A cancellation 4 success insurants=[\"没有这个人\",\"秦一\"]
            A cancellation 4 success msg=退保
        ",
        ..cancellations::some_leave_then_all()
    };
    assert_eq!(Explorer::of(&cancelled).under(strict).explore().orders, 120);
}

#[test]
fn without_issue_notices_a_cancellation_waits_for_the_payment() {
    let strict = |settings: &mut RuleSettings| {
        unsubscribe(settings, &[Step::Issued]);
        dead_letters(settings);
    };
    let refunded = cancellations::cancelled_after_a_failed_issue();
    assert_eq!(Explorer::of(&refunded).under(strict).explore().orders, 24);
}
