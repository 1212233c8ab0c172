use super::*;

fn settings(edit: impl FnOnce(&mut RuleSettings)) -> RuleSettings {
    let mut settings = RuleSettings::default();
    edit(&mut settings);
    settings
}

fn steps(of: StepSet) -> Vec<Step> {
    of.iter().collect()
}

#[test]
fn the_defaults_are_the_contract() {
    let rules = Rules::default();
    assert_eq!(steps(rules.waits_for(Step::Insured)), []);
    assert_eq!(steps(rules.waits_for(Step::Paid)), [Step::Insured]);
    assert_eq!(steps(rules.waits_for(Step::Issued)), [Step::Paid]);
    for step in [Step::Cancelled, Step::Reissued, Step::EPolicy, Step::Endorsement] {
        assert_eq!(steps(rules.waits_for(step)), [Step::Issued]);
    }
    assert_eq!(steps(rules.waits_for(Step::Abnormality)), []);
    assert_eq!(rules.max_wait(Step::Paid), TimeDelta::minutes(10));
    assert_eq!(rules.on_timeout(Step::Issued), OnTimeout::Apply);
    assert_eq!(rules.repeat_window(), TimeDelta::days(7));
}

#[test]
fn a_step_waits_for_the_predecessors_of_an_unsubscribed_step_instead() {
    let without = |gone: &[Step]| {
        let subscribed = Step::ALL.into_iter().filter(|s| !gone.contains(s)).collect();
        Rules::new(settings(|s| s.subscribed = subscribed)).expect("sound")
    };
    assert_eq!(
        steps(without(&[Step::Paid]).waits_for(Step::Issued)),
        [Step::Insured]
    );
    assert_eq!(
        steps(without(&[Step::Paid, Step::Issued]).waits_for(Step::EPolicy)),
        [Step::Insured]
    );
    assert_eq!(
        steps(without(&[Step::Insured, Step::Paid]).waits_for(Step::Issued)),
        []
    );
}

#[test]
fn only_steps_of_the_configuration_are_subscribed() {
    let rules = Rules::new(settings(|s| s.subscribed = StepSet::from_iter([Step::Paid]))).expect("sound");
    assert!(rules.is_subscribed(Step::Paid));
    assert!(!rules.is_subscribed(Step::Insured));
}

#[test]
fn a_cycle_is_a_fault_that_names_its_steps() {
    let faults = Rules::new(settings(|s| {
        s.steps.get_mut(&Step::Insured).expect("step").after = vec![Step::Issued];
    }))
    .expect_err("a cycle");
    let text = faults[0].to_string();
    for name in ["insured", "paid", "issued"] {
        assert!(text.contains(name), "{text}");
    }
    let itself = Rules::new(settings(|s| {
        s.steps.get_mut(&Step::Paid).expect("step").after = vec![Step::Paid];
    }));
    assert_eq!(
        itself.expect_err("a cycle"),
        [RuleFault::Cycle(vec![Step::Paid, Step::Paid])]
    );
}

#[test]
fn every_step_ranks_after_the_steps_that_it_waits_for() {
    let reversed = settings(|s| {
        s.steps.get_mut(&Step::Insured).expect("step").after = vec![Step::Abnormality];
        s.steps.get_mut(&Step::Cancelled).expect("step").after = vec![Step::Endorsement];
    });
    let rules = Rules::new(reversed).expect("sound");
    for step in Step::ALL {
        for earlier in rules.waits_for(step).iter() {
            assert!(rules.rank(earlier) < rules.rank(step), "{earlier} before {step}");
        }
    }
}
