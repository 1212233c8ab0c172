use chrono::TimeDelta;

use super::*;

const BOTH: [Lang; 2] = [Lang::Zh, Lang::En];

#[test]
fn every_documented_gateway_and_endorsement_status_has_a_name() {
    let gateways = [
        1, 3, 14, 21, -11, 0, 2, 10, 12, 13, 15, 16, 17, 19, -1, -2, -4, -10, -5, -14, -3, -12,
    ];
    for lang in BOTH {
        let words = of(lang);
        assert!(gateways.iter().all(|code| words.gateway(*code).is_some()));
        assert_eq!(words.gateway(77), None);
        assert!((1..=5).all(|status| words.endorsement(status).is_some()));
        assert_eq!(words.endorsement(6), None);
    }
}

#[test]
fn a_notice_is_called_by_name_and_number() {
    let name = |lang: Lang, number| of(lang).notice(Some(NotifyType(number)));
    assert_eq!(name(Lang::Zh, 9), "电子保单通知（9）");
    assert_eq!(name(Lang::En, 9), "e-policy notice (9)");
    assert_eq!(name(Lang::En, 31), "notice of an undocumented type (31)");
    assert_eq!(of(Lang::Zh).notice(None), "无法识别的报文");
}

#[test]
fn durations_are_said_in_the_two_largest_units() {
    let of = |lang: Lang, seconds| of(lang).duration(TimeDelta::seconds(seconds));
    assert_eq!(of(Lang::En, 0), "less than 1 s");
    assert_eq!(of(Lang::En, 62), "1 min 2 s");
    assert_eq!(of(Lang::Zh, 90_061), "1 天 1 小时");
    assert_eq!(of(Lang::Zh, 600), "10 分钟");
}

#[test]
fn chinese_texts_are_chinese() {
    let words = of(Lang::Zh);
    for reason in Reason::ALL {
        for text in [words.reason(reason), words.repair(reason)] {
            assert!(
                text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)),
                "{text}"
            );
        }
    }
    for action in Action::ALL {
        assert!(!words.action(action).is_ascii(), "{action:?}");
    }
}
