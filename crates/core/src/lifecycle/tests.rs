use serde_json::{Value, json};

use super::*;
use crate::samples::{notice, payment, policy};

/// Type and data of one notice of each kind that can affect the status.
fn samples() -> Vec<(i64, Value)> {
    let failed = || json!({"state": false});
    let mut samples = vec![
        (1, json!({})),
        (1, failed()),
        (2, payment()),
        (2, failed()),
        (3, policy("赵一")),
        (3, failed()),
        (4, json!({})),
        (4, json!({"cancelInsurants": ["赵一"]})),
        (4, failed()),
        (4, json!({"state": false, "cancelInsurants": ["赵一"]})),
        (5, json!({"newInsureNum": "B"})),
        (5, json!({"state": false, "newInsureNum": "B"})),
    ];
    samples.extend([
        (9, json!({})),
        (9, failed()),
        (26, json!({"status": 4})),
        (27, json!({})),
    ]);
    samples
}

/// The status by the contract's list, written independently.
fn expected(has: impl Fn(usize) -> bool) -> Option<&'static str> {
    if has(10) {
        Some("reissued")
    } else if has(6) {
        Some("cancelled")
    } else if has(7) {
        Some("partially_cancelled")
    } else if has(4) {
        Some("issued")
    } else if has(5) {
        Some("issue_failed")
    } else if has(2) {
        Some("paid")
    } else if has(3) {
        Some("pay_failed")
    } else if has(0) {
        Some("insured")
    } else if has(1) {
        Some("insure_failed")
    } else {
        None
    }
}

#[test]
fn every_set_of_notices_has_the_status_of_the_contract() {
    let notices: Vec<Notice> = samples()
        .into_iter()
        .map(|(kind, data)| notice(kind, data))
        .collect();
    assert_eq!(notices.len(), 16);
    for set in 0..1_u32 << notices.len() {
        let has = |index: usize| set & (1 << index) != 0;
        let chosen = || {
            (0..notices.len())
                .filter(|index| has(*index))
                .map(|index| &notices[index])
        };
        let status = Facts::of(chosen()).status().map(Status::name);
        assert_eq!(status, expected(has), "{set:016b}");
        // The order makes no difference. The reverse order is enough, because each notice is added on its own.
        assert_eq!(
            Facts::of(chosen().collect::<Vec<_>>().into_iter().rev())
                .status()
                .map(Status::name),
            status
        );
    }
}

#[test]
fn each_status_of_the_list_is_reached_by_one_notice() {
    let status = |index: usize| {
        let (kind, data) = samples().swap_remove(index);
        Facts::of([&notice(kind, data)]).status()
    };
    assert_eq!(status(0), Some(Status::Insured));
    assert_eq!(status(1), Some(Status::InsureFailed));
    assert_eq!(status(2), Some(Status::Paid));
    assert_eq!(status(3), Some(Status::PayFailed));
    assert_eq!(status(4), Some(Status::Issued));
    assert_eq!(status(5), Some(Status::IssueFailed));
    assert_eq!(status(6), Some(Status::Cancelled));
    assert_eq!(status(7), Some(Status::PartiallyCancelled));
    assert_eq!(status(10), Some(Status::Reissued));
    for silent in [8, 9, 11, 12, 13, 14, 15] {
        assert_eq!(status(silent), None);
    }
}

#[test]
fn a_failure_after_a_success_takes_no_status_back() {
    let mut facts = Facts::default();
    facts.add(&notice(3, policy("赵一")));
    facts.add(&notice(3, json!({"state": false})));
    facts.add(&notice(4, json!({"state": false})));
    assert_eq!(facts.status(), Some(Status::Issued));
}

#[test]
fn a_partial_cancellation_after_a_full_one_takes_no_status_back() {
    let mut facts = Facts::default();
    facts.add(&notice(4, json!({})));
    facts.add(&notice(4, json!({"cancelInsurants": ["赵一"]})));
    assert_eq!(facts.status(), Some(Status::Cancelled));
}
