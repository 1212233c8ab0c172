//! Dates and times in the spellings that have one reading.
//!
//! Documented are `yyyy-MM-dd` and `yyyy-MM-dd HH:mm:ss`. Programs of insurers and platforms also write the forms below. All are read,
//! because a dead letter would help nobody; anything that needs a guess is refused:
//!
//! - a day: `2026-07-24`, `2026/7/24`, `2026.7.24`, `2026年7月24日`, `20260724`;
//! - a time after a blank or `T`, with seconds; their fraction may only be zeros, because the column has none; the zone may be
//!   missing or Beijing's `+08:00`; or in 14 digits with its day: `20260723091502`;
//! - a day of cover with a time of day: at 00:00:00 that day, and a last day at 23:59:59 too; any other time would be lost;
//! - a last day that never comes: a word of [`NO_END`].

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike};

/// Words in `endDate` for cover without an end, above all for life. The column holds the last day that it can hold, so that
/// `end_date >= today` is true; NULL would say that the notice states nothing.
const NO_END: [&str; 5] = ["终身", "终生", "永久", "长期", "长期有效"];

/// The zone of the platform's clocks.
const BEIJING: [&str; 3] = ["+08:00", "+0800", "+08"];

const LAST_SECOND: u32 = 24 * 60 * 60 - 1;

/// The first day of cover.
pub fn first_day(text: &str) -> Option<NaiveDate> {
    day_at(text, &[0])
}

/// The last day of cover.
pub fn last_day(text: &str) -> Option<NaiveDate> {
    if NO_END.contains(&text.trim()) {
        return NaiveDate::from_ymd_opt(9999, 12, 31);
    }
    day_at(text, &[0, LAST_SECOND])
}

/// A time of a day.
pub fn moment(text: &str) -> Option<NaiveDateTime> {
    let (day, time) = stated(text)?;
    Some(day.and_time(time?))
}

/// A day, with a time of day only if it is one of these seconds since midnight.
fn day_at(text: &str, seconds: &[u32]) -> Option<NaiveDate> {
    let (day, time) = stated(text)?;
    time.is_none_or(|time| seconds.contains(&time.num_seconds_from_midnight()))
        .then_some(day)
}

fn stated(text: &str) -> Option<(NaiveDate, Option<NaiveTime>)> {
    let text = text.trim();
    if let [day, hour, minute, second] = joined(text, [8, 2, 2, 2])[..] {
        return Some((of_day(day)?, Some(of_time(hour, minute, second)?)));
    }
    match text.split_once([' ', 'T']) {
        Some((day, time)) => Some((of_day(day)?, Some(clock(time.trim_start())?))),
        None => Some((of_day(text)?, None)),
    }
}

fn of_day(text: &str) -> Option<NaiveDate> {
    let [year, month, day] = match joined(text, [4, 2, 2])[..] {
        [year, month, day] => [year, month, day],
        _ => [["-", "-", ""], ["/", "/", ""], [".", ".", ""], ["年", "月", "日"]]
            .into_iter()
            .find_map(|marks| separated(text, marks))?,
    };
    // The databases store the years 1000 to 9999.
    let year = number(year, 4..=4).filter(|year| *year >= 1000)?;
    NaiveDate::from_ymd_opt(
        i32::try_from(year).ok()?,
        number(month, 1..=2)?,
        number(day, 1..=2)?,
    )
}

fn clock(text: &str) -> Option<NaiveTime> {
    let zone = BEIJING.into_iter().find_map(|zone| text.strip_suffix(zone));
    let text = zone.unwrap_or(text).trim_end();
    let (text, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let no_fraction = !fraction.is_empty() && fraction.bytes().all(|b| b == b'0');
    let [hour, minute, second] = separated(text, [":", ":", ""]).filter(|_| no_fraction)?;
    of_time(hour, minute, second)
}

fn of_time(hour: &str, minute: &str, second: &str) -> Option<NaiveTime> {
    NaiveTime::from_hms_opt(
        number(hour, 1..=2)?,
        number(minute, 2..=2)?,
        number(second, 2..=2)?,
    )
}

/// The three parts before these marks, the last of which ends the text.
fn separated<'t>(text: &'t str, [first, second, last]: [&str; 3]) -> Option<[&'t str; 3]> {
    let (one, rest) = text.strip_suffix(last)?.split_once(first)?;
    let (two, three) = rest.split_once(second)?;
    Some([one, two, three])
}

/// The parts of a text of digits alone, which have these lengths; none for any other text.
fn joined<const PARTS: usize>(text: &str, lengths: [usize; PARTS]) -> Vec<&str> {
    if text.len() != lengths.iter().sum::<usize>() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return vec![];
    }
    let mut rest = text;
    let part = |length| {
        let (part, others) = rest.split_at(length);
        rest = others;
        part
    };
    lengths.map(part).to_vec()
}

/// Digits in that number.
fn number(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let fits = length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok())?
}
