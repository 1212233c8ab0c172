use super::*;
use crate::reason::Reason;
use crate::signature::Form;
use crate::status::Status;

#[test]
fn every_name_leads_back_to_its_value_and_no_other_text_does() {
    for step in Step::ALL {
        assert_eq!(Step::from_name(step.name()), Some(step));
        assert_eq!(Step::of(step.notify_type()), Some(step));
    }
    for status in Status::ALL {
        assert_eq!(Status::from_name(status.name()), Some(status));
    }
    for reason in Reason::ALL {
        assert_eq!(Reason::from_name(reason.name()), Some(reason));
    }
    for form in Form::ALL {
        assert_eq!(Form::from_name(form.name()), Some(form));
    }
    for other in ["", "Insured", "policy"] {
        assert_eq!(Step::from_name(other), None);
        assert_eq!(Status::from_name(other), None);
        assert_eq!(Reason::from_name(other), None);
        assert_eq!(Form::from_name(other), None);
    }
    assert_eq!(Step::of(NotifyType(0)), None);
}

#[test]
fn the_set_of_all_steps_has_every_step_once() {
    assert_eq!(StepSet::ALL.iter().collect::<Vec<_>>(), Step::ALL);
    assert_eq!(StepSet::from_iter(Step::ALL), StepSet::ALL);
    assert_eq!(StepSet::default().iter().count(), 0);
}

#[test]
fn a_digest_is_64_lower_case_hex_digits() {
    let digest = "0123456789abcdef".repeat(4);
    assert_eq!(
        Digest::parse(&digest).map(|parsed| parsed.to_string()),
        Some(digest.clone())
    );
    for other in [
        &digest[1..],
        &format!("{digest}0"),
        &digest.replace('a', "A"),
        &digest.replace('a', "g"),
    ] {
        assert_eq!(Digest::parse(other), None, "{other}");
    }
}
