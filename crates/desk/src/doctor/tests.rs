use chrono::{DateTime, TimeDelta};

use xiebao_core::lang::Lang;

use super::database::clocks;
use super::*;
use crate::finding::concern::Concern;

#[test]
fn clocks_agree_unless_they_are_seconds_apart() {
    let at = DateTime::UNIX_EPOCH;
    let later = at + TimeDelta::milliseconds(10);
    assert_eq!(clocks(at, at, later), Finding::ClocksAgree { difference_ms: 0 });
    let ahead = later + TimeDelta::seconds(3);
    assert_eq!(
        clocks(at, ahead, later),
        Finding::ClocksDiffer { difference_ms: 3_000 }
    );
    let behind = at - TimeDelta::milliseconds(500);
    assert_eq!(
        clocks(at, behind, later),
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
fn only_servers_that_are_too_old_are_concerns() {
    for old in ["10.5.9-MariaDB-1:10.5.9", "5.7.44-log"] {
        assert!(database::too_old(old).is_some(), "{old}");
    }
    for new in [
        "10.11.6-MariaDB-0+deb12u1",
        "11.4.2-MariaDB",
        "8.0.36",
        "9.7.0",
        "unheard of",
    ] {
        assert_eq!(database::too_old(new), None, "{new}");
    }
}
