use chrono::{DateTime, TimeDelta};

use super::*;
use xiebao_core::lang::Lang;

#[test]
fn clocks_agree_unless_they_are_seconds_apart() {
    let at = DateTime::UNIX_EPOCH;
    let later = at + TimeDelta::milliseconds(10);
    assert_eq!(
        database::clocks(at, at, later),
        Finding::ClocksAgree { difference_ms: 0 }
    );
    let ahead = later + TimeDelta::seconds(3);
    assert_eq!(
        database::clocks(at, ahead, later),
        Finding::ClocksDiffer { difference_ms: 3_000 }
    );
    let behind = at - TimeDelta::milliseconds(500);
    assert_eq!(
        database::clocks(at, behind, later),
        Finding::ClocksAgree { difference_ms: -500 }
    );
}

#[test]
fn every_failed_check_says_what_to_do_in_both_languages() {
    let missing = Finding::ObjectMissing {
        object: "queue xiebao.notices".to_owned(),
    };
    let pending = Finding::SchemaPending {
        names: vec!["x".to_owned()],
    };
    let setting = Finding::Concerning(Concern::DatabaseSetting {
        name: "sync_binlog".to_owned(),
        is: "0".to_owned(),
        wanted: "1".to_owned(),
    });
    for finding in [missing, pending, setting] {
        for lang in [Lang::Zh, Lang::En] {
            let page = page(std::slice::from_ref(&finding), crate::words::of(lang));
            assert!(page.starts_with('✗') && page.contains('→'), "{page}");
        }
    }
}

#[test]
fn the_gravest_finding_decides_the_exit_code() {
    let fine = Finding::SchemaCurrent;
    let wrong = Finding::ClocksDiffer { difference_ms: 9_000 };
    let away = Finding::BrokerUnreachable {
        address: String::new(),
        problem: String::new(),
    };
    assert_eq!(exit(&[fine.clone(), Finding::KeysNotSet]).ok(), Some(Exit::Done));
    assert_eq!(exit(&[fine, wrong.clone()]).ok(), Some(Exit::No));
    assert!(matches!(exit(&[away, wrong]), Err(Failure::Unreachable(_))));
}
