//! Times as arguments: a clock in Beijing, or how long ago.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};

use xiebao_desk::screen::from_beijing;

/// A moment that an argument names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// That moment.
    At(DateTime<Utc>),
    /// So long before now.
    Ago(TimeDelta),
}

/// Forms of a time of day: with and without seconds, and as programs write it.
const CLOCKS: [&str; 4] = [
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M",
];

impl When {
    /// Reads an argument: `2h`, `2026-07-23`, `2026-07-23 09:15`, or RFC 3339 with its offset.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::At(at.to_utc()));
        }
        let clock = CLOCKS
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
        let day = || {
            NaiveDate::parse_from_str(text, "%Y-%m-%d")
                .ok()?
                .and_hms_opt(0, 0, 0)
        };
        if let Some(at) = clock.or_else(day) {
            return Ok(Self::At(from_beijing(at)));
        }
        let ago = humantime::parse_duration(text).ok();
        ago.and_then(|ago| TimeDelta::from_std(ago).ok())
            .map(Self::Ago)
            .ok_or_else(|| "is not a time: 2h, 2026-07-23 or \"2026-07-23 09:15\", in Beijing".to_owned())
    }

    /// The moment in UTC, as the tables have it, not before 1970.
    pub fn utc(self, now: DateTime<Utc>) -> NaiveDateTime {
        let at = match self {
            Self::At(at) => at,
            Self::Ago(ago) => now.checked_sub_signed(ago).unwrap_or_default(),
        };
        at.max(DateTime::UNIX_EPOCH).naive_utc()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        let now = DateTime::parse_from_rfc3339("2026-07-23T10:00:00Z").expect("a time");
        match When::parse(text) {
            Ok(when) => when.utc(now.to_utc()).to_string(),
            Err(problem) => problem,
        }
    }

    #[test]
    fn a_clock_is_one_in_beijing_unless_it_states_its_offset() {
        assert_eq!(of("2026-07-23 09:15:02"), "2026-07-23 01:15:02");
        assert_eq!(of("2026-07-23 09:15"), "2026-07-23 01:15:00");
        assert_eq!(of("2026-07-23T09:15:02"), "2026-07-23 01:15:02");
        assert_eq!(of("2026-07-23"), "2026-07-22 16:00:00");
        assert_eq!(of("2026-07-23T09:15:02Z"), "2026-07-23 09:15:02");
    }

    #[test]
    fn a_duration_is_how_long_ago() {
        assert_eq!(of("2h"), "2026-07-23 08:00:00");
        assert_eq!(of("1day 30min"), "2026-07-22 09:30:00");
        assert_eq!(of("1000years"), "1970-01-01 00:00:00");
    }

    #[test]
    fn any_other_text_is_refused() {
        for text in ["", "yesterday", "2026-02-30", "09:15", "-2h"] {
            assert!(of(text).contains("is not a time"), "{text}");
        }
    }
}
