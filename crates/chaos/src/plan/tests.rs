use std::collections::BTreeMap;

use proptest::prelude::*;

use super::scheduling::AT_ONCE;
use super::*;

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

fn process_counts() -> impl Strategy<Value = ProcessCounts> {
    (1_usize..4, 1_usize..4).prop_map(|(receivers, workers)| ProcessCounts { receivers, workers })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_kind_comes_often_enough_and_all_faults_end_within_the_run(
        seed: u64, length in 1_u64..31, processes in process_counts()
    ) {
        let plan = Plan::draw(seed, minutes(length), processes);
        let mut counts: BTreeMap<FaultKind, usize> = BTreeMap::new();
        for fault in &plan.faults {
            *counts.entry(fault.kind).or_default() += 1;
            prop_assert!(fault.start + fault.occupies() <= plan.run, "{fault:?}");
        }
        for kind in FaultKind::all() {
            prop_assert!(counts.get(&kind).copied().unwrap_or(0) >= least(kind, plan.run), "{kind:?}");
        }
        prop_assert!(plan.faults.is_sorted_by_key(|fault| fault.start));
    }

    #[test]
    fn no_resource_is_hit_twice_at_once_and_at_most_a_few_faults_are_active(seed: u64, length in 1_u64..12, processes in process_counts()) {
        let plan = Plan::draw(seed, minutes(length), processes);
        for (at, fault) in plan.faults.iter().enumerate() {
            let earlier = plan.faults[..at].iter();
            let meanwhile: Vec<_> = earlier.filter(|other| other.start + other.occupies() > fault.start).collect();
            prop_assert!(meanwhile.len() < AT_ONCE);
            for other in meanwhile {
                let own = fault.resources(processes);
                prop_assert!(!other.resources(processes).iter().any(|resource| own.contains(resource)), "{fault:?} {other:?}");
            }
        }
    }

    #[test]
    fn every_target_exists(seed: u64, processes in process_counts()) {
        for fault in Plan::draw(seed, minutes(2), processes).faults {
            let crowd = match fault.kind.target {
                FaultTarget::Process(role) => processes.of(role),
                FaultTarget::Connection(connection) => processes.of(connection.owner()),
            };
            prop_assert!(fault.which.is_none_or(|which| which < crowd), "{fault:?}");
        }
    }
}

const PROCESSES: ProcessCounts = ProcessCounts {
    receivers: 2,
    workers: 2,
};

#[test]
fn ten_minutes_have_a_hundred_faults_five_of_every_kind_and_ten_at_the_broker() {
    for seed in 0..50 {
        let plan = Plan::draw(seed, minutes(10), PROCESSES);
        assert!(plan.faults.len() >= 100, "{}", plan.faults.len());
        for kind in FaultKind::all() {
            let count = plan.faults.iter().filter(|fault| fault.kind == kind).count();
            assert!(
                count >= if kind.is_at_the_broker() { 10 } else { 5 },
                "{kind:?}: {count}"
            );
        }
    }
}

#[test]
fn there_are_twenty_kinds() {
    assert_eq!(FaultKind::all().len(), 20);
}

#[test]
fn the_same_seed_makes_the_same_plan_and_another_seed_another_plan() {
    let plan = |seed| Plan::draw(seed, minutes(10), PROCESSES);
    assert_eq!(plan(7), plan(7));
    assert_ne!(plan(7).faults, plan(8).faults);
}

/// Shrinking durations is the last resort of a very full minute.
#[test]
fn ten_minutes_leave_the_faults_as_long_as_they_were_drawn() {
    let stalls = |seed| {
        let faults = Plan::draw(seed, minutes(10), PROCESSES).faults.into_iter();
        faults
            .filter(|fault| fault.kind.action == Action::Stall)
            .map(|fault| fault.lasts)
            .max()
    };
    let beyond_two_heartbeats = (0..20)
        .filter(|seed| stalls(*seed) > Some(Duration::from_secs(20)))
        .count();
    assert!(beyond_two_heartbeats >= 15, "{beyond_two_heartbeats} of 20");
}
