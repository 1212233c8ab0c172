//! Reading single fields. Absent, `null`, blank text and `[]` mean the same: the field is left out.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{NaiveDate, NaiveDateTime};

use super::dates;
use crate::id::{InsureNum, identifier_text, integer};
use crate::json::{self, Json};
use crate::limits::NUMBER_CHARS;
use crate::names;
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

    /// Text of at most `width` characters, as stated. A whole number counts as text: its [digits](json::digits).
    pub fn text(&self, name: &str, width: usize) -> Result<Option<String>, Rejection> {
        let Some(text) = self.written(name)? else {
            return Ok(None);
        };
        if text.chars().count() > width {
            return Err(too_long(name, &text, width));
        }
        Ok(Some(text.into_owned()))
    }

    fn written(&self, name: &str) -> Result<Option<Cow<'j, str>>, Rejection> {
        let text = match self.stated(name) {
            None => return Ok(None),
            Some(Json::String(text)) => Some(Cow::Borrowed(text.as_ref())),
            Some(Json::Number(spelling)) => json::digits(spelling),
            Some(_) => None,
        };
        text.map(Some).ok_or_else(|| invalid(name, "is not text"))
    }

    /// A name: text, trimmed.
    pub fn name(&self, name: &str, width: usize) -> Result<Option<String>, Rejection> {
        Ok(self.text(name, width)?.map(|text| text.trim().to_owned()))
    }

    /// Names of persons: a list of texts, or one text, each split into names.
    pub fn names(&self, name: &str) -> Result<BTreeSet<String>, Rejection> {
        let entries = match self.stated(name) {
            None => return Ok(BTreeSet::new()),
            Some(Json::Array(entries)) => entries,
            Some(single) => std::slice::from_ref(single),
        };
        let mut all = BTreeSet::new();
        for entry in entries {
            match entry {
                Json::Null => {}
                Json::String(text) => all.extend(names::split(text)),
                // A cancellation whose persons cannot be read must not count as a cancellation of the whole proposal.
                _ => return Err(invalid(name, "is not a list of names")),
            }
        }
        Ok(all)
    }

    /// A proposal or policy number: text or a whole number.
    pub fn number(&self, name: &str) -> Result<Option<InsureNum>, Rejection> {
        let Some(value) = self.stated(name) else {
            return Ok(None);
        };
        let text =
            identifier_text(value).ok_or_else(|| invalid(name, "is neither text nor a whole number"))?;
        InsureNum::parse(&text).map_err(|_| too_long(name, &text, NUMBER_CHARS))
    }

    /// A whole number within 64 bits, quoted or not; see [`integer`].
    pub fn integer(&self, name: &str) -> Result<Option<i64>, Rejection> {
        let Some(value) = self.stated(name) else {
            return Ok(None);
        };
        integer(value)
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

    /// The first day of cover; see [`dates`].
    pub fn first_day(&self, name: &str) -> Result<Option<NaiveDate>, Rejection> {
        self.dated(name, dates::first_day, "is not a date yyyy-MM-dd")
    }

    /// The last day of cover; see [`dates`].
    pub fn last_day(&self, name: &str) -> Result<Option<NaiveDate>, Rejection> {
        self.dated(name, dates::last_day, "is not a date yyyy-MM-dd")
    }

    /// Beijing wall-clock time; see [`dates`].
    pub fn moment(&self, name: &str) -> Result<Option<NaiveDateTime>, Rejection> {
        self.dated(name, dates::moment, "is not a time yyyy-MM-dd HH:mm:ss")
    }

    fn dated<T>(&self, name: &str, read: fn(&str) -> Option<T>, fault: &str) -> Result<Option<T>, Rejection> {
        let Some(text) = self.written(name)? else {
            return Ok(None);
        };
        read(&text).map(Some).ok_or_else(|| invalid(name, fault))
    }
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
