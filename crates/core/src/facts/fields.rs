//! Reading single fields. Absent, `null`, blank text and `[]` mean the same: the field is left out.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use crate::id::{InsureNum, identifier_text, integer};
use crate::json::Json;
use crate::limits::NUMBER_CHARS;
use crate::reason::{Reason, Rejection};

/// The members of `data`, or of an object in it.
pub struct Fields<'j> {
    object: &'j Json<'j>,
}

impl<'j> Fields<'j> {
    /// Reads from that object; any other value has no members.
    pub fn of(object: &'j Json<'j>) -> Self {
        Self { object }
    }

    /// The value of that member; `None` if it is left out.
    pub fn stated(&self, name: &str) -> Option<&'j Json<'j>> {
        self.object.get(name).filter(|value| match value {
            Json::Null => false,
            Json::String(text) => !text.trim().is_empty(),
            Json::Array(items) => !items.is_empty(),
            _ => true,
        })
    }

    /// Text of at most `width` characters, as stated. A whole number counts as text, because it has only one spelling; `1.0` and
    /// `1e0` do not, because they have the same digest and would make different rows.
    pub fn text(&self, name: &str, width: usize) -> Result<Option<String>, Rejection> {
        let Some(value) = self.stated(name) else {
            return Ok(None);
        };
        let text = match value {
            Json::String(text) => text.as_ref(),
            Json::Number(spelling) if is_whole(spelling) => spelling,
            _ => return Err(invalid(name, "is not text")),
        };
        if text.chars().count() > width {
            return Err(too_long(name, text, width));
        }
        Ok(Some(text.to_owned()))
    }

    /// A name: text, trimmed.
    pub fn name(&self, name: &str, width: usize) -> Result<Option<String>, Rejection> {
        Ok(self.text(name, width)?.map(|text| text.trim().to_owned()))
    }

    /// A proposal or policy number: text or a whole number.
    pub fn number(&self, name: &str) -> Result<Option<InsureNum>, Rejection> {
        let Some(value) = self.stated(name) else {
            return Ok(None);
        };
        let text =
            identifier_text(value).ok_or_else(|| invalid(name, "is neither text nor a whole number"))?;
        InsureNum::parse(text).map_err(|_| too_long(name, text, NUMBER_CHARS))
    }

    /// A whole number within 64 bits, quoted or not.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, Rejection> {
        let Some(value) = self.stated(name) else {
            return Ok(None);
        };
        whole_number(value)
            .map(Some)
            .ok_or_else(|| invalid(name, "is not a whole number within 64 bits"))
    }

    /// Money in whole fen, not negative.
    pub fn amount(&self, name: &str) -> Result<Option<i64>, Rejection> {
        match self.integer(name)? {
            Some(fen) if fen < 0 => Err(invalid(name, "is a negative amount")),
            amount => Ok(amount),
        }
    }

    /// `true` or `false`, quoted or not.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Rejection> {
        match self.stated(name) {
            None => Ok(None),
            Some(Json::Bool(flag)) => Ok(Some(*flag)),
            Some(Json::String(text)) if text == "true" => Ok(Some(true)),
            Some(Json::String(text)) if text == "false" => Ok(Some(false)),
            Some(_) => Err(invalid(name, "is neither true nor false")),
        }
    }

    /// A day of the calendar, written `yyyy-MM-dd`.
    pub fn date(&self, name: &str) -> Result<Option<NaiveDate>, Rejection> {
        let read = |text: &str| date(text).ok_or_else(|| invalid(name, "is not a date yyyy-MM-dd"));
        self.shaped(name, read)
    }

    /// Beijing wall-clock time, written `yyyy-MM-dd HH:mm:ss`.
    pub fn date_time(&self, name: &str) -> Result<Option<NaiveDateTime>, Rejection> {
        let read =
            |text: &str| date_time(text).ok_or_else(|| invalid(name, "is not a time yyyy-MM-dd HH:mm:ss"));
        self.shaped(name, read)
    }

    /// Text, read by `read`.
    fn shaped<T>(
        &self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, Rejection>,
    ) -> Result<Option<T>, Rejection> {
        match self.stated(name) {
            None => Ok(None),
            Some(Json::String(text)) => read(text).map(Some),
            Some(_) => Err(invalid(name, "is not text")),
        }
    }
}

fn is_whole(spelling: &str) -> bool {
    let digits = spelling.strip_prefix('-').unwrap_or(spelling);
    digits.bytes().all(|b| b.is_ascii_digit()) && spelling != "-0"
}

pub fn invalid(name: &str, what: &str) -> Rejection {
    Rejection::new(Reason::InvalidField, format!("{name} {what}"))
}

pub fn too_long(name: &str, text: &str, width: usize) -> Rejection {
    let length = text.chars().count();
    Rejection::new(
        Reason::TooLong,
        format!("{name} has {length} characters, its column holds {width}"),
    )
}

/// Reads `100.0` and `1e2` as 100, as the digest does: two spellings of one notice must not have different results.
fn whole_number(value: &Json<'_>) -> Option<i64> {
    let respelled = || {
        let Json::Number(_) = value else { return None };
        let canonical = value.canonical();
        let (digits, zeros) = canonical.split_once('e').unwrap_or((&canonical, "0"));
        let zeros: usize = zeros.parse().ok().filter(|zeros| *zeros <= 18)?;
        format!("{digits}{}", "0".repeat(zeros)).parse().ok()
    };
    integer(value).or_else(respelled)
}

/// Checks the shape first, because chrono alone also accepts `2026-8-1` and `+2026`.
fn date(text: &str) -> Option<NaiveDate> {
    let [y, m, d] = digits(text, "dddd-dd-dd")?[..] else {
        return None;
    };
    // MySQL stores the years 1000 to 9999.
    (y >= 1000).then(|| NaiveDate::from_ymd_opt(i32::try_from(y).ok()?, m, d))?
}

fn date_time(text: &str) -> Option<NaiveDateTime> {
    let (day, time) = text.split_once(' ')?;
    let [h, m, s] = digits(time, "dd:dd:dd")?[..] else {
        return None;
    };
    Some(date(day)?.and_time(NaiveTime::from_hms_opt(h, m, s)?))
}

/// The numbers in `text`, if it has exactly that shape, where `d` is a digit.
fn digits(text: &str, shape: &str) -> Option<Vec<u32>> {
    let fits = |(c, s): (u8, u8)| if s == b'd' { c.is_ascii_digit() } else { c == s };
    if text.len() != shape.len() || !text.bytes().zip(shape.bytes()).all(fits) {
        return None;
    }
    text.split(['-', ':']).map(|part| part.parse().ok()).collect()
}
