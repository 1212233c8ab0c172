use super::*;
use crate::facts::dates;

const DAYS: [&str; 14] = [
    "2026-07-24",
    "2026-7-24",
    "2026/07/24",
    "2026/7/24",
    "2026.07.24",
    "2026年07月24日",
    "2026年7月24日",
    "20260724",
    "20260724000000",
    " 2026-07-24 ",
    "2026-07-24 00:00:00",
    "2026-07-24T00:00:00.000",
    "2026-07-24T00:00:00+08:00",
    "2026/7/24 0:00:00.0",
];

const MOMENTS: [&str; 12] = [
    "2026-07-23 09:15:02",
    "2026-07-23 09:15:02.0",
    "2026-07-23 09:15:02.000000",
    "2026-07-23T09:15:02",
    "2026-07-23T09:15:02.000+08:00",
    "2026-07-23T09:15:02+0800",
    "2026-07-23 09:15:02 +08:00",
    "2026/07/23 09:15:02",
    "2026/7/23 9:15:02",
    "2026年7月23日 09:15:02",
    "20260723091502",
    "2026-07-23  09:15:02\n",
];

fn day(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month, day)
}

fn moment(text: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok()
}

#[test]
fn a_day_is_read_in_every_spelling_with_one_reading() {
    for text in DAYS {
        assert_eq!(dates::first_day(text), day(2026, 7, 24), "{text}");
        assert_eq!(dates::last_day(text), day(2026, 7, 24), "{text}");
    }
    assert_eq!(dates::first_day("2024-02-29"), day(2024, 2, 29));
    assert_eq!(dates::last_day("9999-12-31"), day(9999, 12, 31));
}

#[test]
fn a_last_day_may_end_at_its_last_second_and_a_first_day_may_not() {
    for text in [
        "2027-07-23 23:59:59",
        "20270723235959",
        "2027-07-23T23:59:59.0+08:00",
    ] {
        assert_eq!(dates::last_day(text), day(2027, 7, 23), "{text}");
        assert_eq!(dates::first_day(text), None, "{text}");
    }
}

#[test]
fn cover_for_life_ends_on_the_last_day_that_the_column_holds() {
    for text in ["终身", " 终身 ", "终生", "永久", "长期", "长期有效"] {
        assert_eq!(dates::last_day(text), day(9999, 12, 31), "{text}");
        assert_eq!(dates::first_day(text), None, "{text}");
    }
    for other in ["至终身", "终身寿险", "长", "次日零时", "即时生效", "-"] {
        assert_eq!(dates::last_day(other), None, "{other}");
    }
}

#[test]
fn a_time_is_read_in_every_spelling_with_one_reading() {
    for text in MOMENTS {
        assert_eq!(dates::moment(text), moment("2026-07-23 09:15:02"), "{text:?}");
    }
    for edge in [
        "2024-02-29 23:59:59",
        "1000-01-01 00:00:00",
        "9999-12-31 23:59:59",
    ] {
        assert_eq!(dates::moment(edge), moment(edge), "{edge}");
    }
}

#[test]
fn a_day_that_needs_a_guess_or_does_not_exist_is_none() {
    let odd = [
        "2026-02-30",
        "2026-13-01",
        "2026-00-10",
        "0000-01-01",
        "0999-12-31",
        "0000-00-00",
        "02026-02-3",
        "-026-01-01",
        "+2026-01-01",
        "26-07-24",
        "07/24/2026",
        "24/07/2026",
        "2026-07",
        "2026",
        "202607",
        "2026724",
        "2026-7/24",
        "2026年7月",
        "2026-07-24 12:00:00",
        "2026-07-24 00:00",
        "2026-07-24T00:00:00Z",
        "2026-07-24 00:00:00.5",
        "2026-07-24 24:00:00",
        "２０２６-07-24",
        "1784822400000",
        "1784822400",
        "now",
        "2026-07-24,2026-07-25",
        "2026-007-24",
    ];
    for text in odd {
        assert_eq!(dates::first_day(text), None, "{text}");
        assert_eq!(dates::last_day(text), None, "{text}");
    }
}

#[test]
fn a_time_that_needs_a_guess_or_does_not_exist_is_none() {
    let odd = [
        "2026-03-01 10:00",
        "2026-03-01",
        "20260301",
        "2026-03-01 10:00:00Z",
        "2026-03-01 10:00:00+00:00",
        "2026-03-01 10:00:00.347",
        "2026-03-01 10:00:00.",
        "2026-03-01 10:00:60",
        "2026-03-01 24:00:00",
        "2026-03-01 10:0:0",
        "2026-02-30 10:00:00",
        "2025-02-29 10:00:00",
        "0999-12-31 10:00:00",
        "+2026-03-01 10:00:00",
        "2026-03-01 上午10:00:00",
        "2026-03-01 10:00:00 AM",
        "20260301100",
        "1772323200",
        "1772323200000",
        "终身",
        "now",
        "+08:00",
    ];
    for text in odd {
        assert_eq!(dates::moment(text), None, "{text}");
    }
}

#[test]
fn dates_may_be_numbers_and_a_wrong_one_is_an_invalid_field() {
    let end = |value: Value| read(3, json!({"policys": [{"policyNum": "P1", "endDate": value}]}));
    assert!(end(json!(20_270_723)).is_ok() && end(json!("终身")).is_ok());
    assert_eq!(
        refusal(2, with(payment(), "payTime", json!(20_260_723_091_502_i64))),
        None
    );
    for (key, odd) in [
        ("startDate", json!("终身")),
        ("startDate", json!({})),
        ("endDate", json!("2026-02-30")),
    ] {
        let data = json!({"policys": [{"policyNum": "P1", key: odd}]});
        assert_eq!(refusal(3, data), Some(Reason::InvalidField), "{key} {odd}");
    }
    let refused = read(2, with(payment(), "payTime", json!("2026-03-01"))).expect_err("no time of day");
    assert_eq!(refused.detail, "payTime is not a time yyyy-MM-dd HH:mm:ss");
}
