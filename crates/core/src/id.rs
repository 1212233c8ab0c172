//! Identities. Only a valid value can become one.

use std::borrow::{Borrow, Cow};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::json::{self, Json};
use crate::limits::NUMBER_CHARS;

/// A channel of the platform (`partnerId`). The keys file lists the keys of a partner under this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartnerId(pub i64);

impl PartnerId {
    /// A whole number, quoted or not.
    pub fn from_json(value: &Json<'_>) -> Option<Self> {
        integer(value).map(Self)
    }
}

/// `notifyType` (document, section 2). Undocumented numbers are valid values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NotifyType(pub i64);

/// The number of a proposal (投保单号): 1 to 64 characters, trimmed. Policy numbers have the same type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct InsureNum(String);

/// The text is longer than its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl InsureNum {
    /// Trims the text. `Ok(None)` if it is blank, `Err` if it is longer than 64 characters.
    pub fn parse(text: &str) -> Result<Option<Self>, TooLong> {
        let text = text.trim();
        if text.chars().count() > NUMBER_CHARS {
            return Err(TooLong);
        }
        Ok((!text.is_empty()).then(|| Self(text.to_owned())))
    }

    /// The text as stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Order and hash are those of the text.
impl Borrow<str> for InsureNum {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

/// The text of a number in `data` that identifies something, not yet validated. The platform sends a string, which stays as it is; in
/// the endorsement notice, an integer, whose [digits](json::digits) count. `None` for any other value.
pub fn identifier_text<'j>(value: &'j Json<'_>) -> Option<Cow<'j, str>> {
    match value {
        Json::String(text) => Some(Cow::Borrowed(text.as_ref())),
        Json::Number(spelling) => json::digits(spelling).filter(|digits| !digits.starts_with('-')),
        _ => None,
    }
}

/// A [whole](json::whole) number, quoted or not; blanks inside the quotes do not count. The only reader of whole numbers.
pub fn integer(value: &Json<'_>) -> Option<i64> {
    match value {
        Json::Number(spelling) => json::whole(spelling),
        Json::String(text) => json::whole(text.trim()),
        _ => None,
    }
}

/// SHA-256 in lower-case hex. That of a notice covers partner, type and data; see [`crate::digest`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(hex::encode(bytes))
    }

    /// `None` unless the text is 64 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        Self::is_valid(text).then(|| Self(text.to_owned()))
    }

    /// True for 64 lower-case hex digits.
    pub fn is_valid(text: &str) -> bool {
        text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    }

    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The step in the life of a proposal that a notice of a documented type reports. The order is step order: the usual order of a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Type 1.
    Insured,
    /// Type 2.
    Paid,
    /// Type 3.
    Issued,
    /// Type 4.
    Cancelled,
    /// Type 5: cancelled, and replaced by another proposal.
    Reissued,
    /// Type 9: the e-policy can be fetched.
    EPolicy,
    /// Type 26.
    Endorsement,
    /// Type 27.
    Abnormality,
}

impl Step {
    /// The number of steps.
    pub const COUNT: usize = Self::ALL.len();

    /// All steps, in step order.
    pub const ALL: [Step; 8] = [
        Step::Insured,
        Step::Paid,
        Step::Issued,
        Step::Cancelled,
        Step::Reissued,
        Step::EPolicy,
        Step::Endorsement,
        Step::Abnormality,
    ];

    /// `None` for an undocumented type.
    pub fn of(notify_type: NotifyType) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|step| step.notify_type() == notify_type)
    }

    /// The type whose notices report this step.
    pub const fn notify_type(self) -> NotifyType {
        NotifyType(match self {
            Step::Insured => 1,
            Step::Paid => 2,
            Step::Issued => 3,
            Step::Cancelled => 4,
            Step::Reissued => 5,
            Step::EPolicy => 9,
            Step::Endorsement => 26,
            Step::Abnormality => 27,
        })
    }

    /// The name in the configuration (`sequencing.<name>.after`).
    pub const fn name(self) -> &'static str {
        match self {
            Step::Insured => "insured",
            Step::Paid => "paid",
            Step::Issued => "issued",
            Step::Cancelled => "cancelled",
            Step::Reissued => "reissued",
            Step::EPolicy => "e_policy",
            Step::Endorsement => "endorsement",
            Step::Abnormality => "abnormality",
        }
    }

    /// `None` for any other text.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }
}

/// A set of steps, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StepSet(u8);

// Every step has a bit, and its discriminant is its index in `Step::ALL`, so that it can index arrays of `Step::COUNT`.
const _: () = {
    assert!(Step::COUNT <= u8::BITS as usize, "StepSet has too few bits");
    let mut index = 0;
    while index < Step::COUNT {
        assert!(
            Step::ALL[index] as usize == index,
            "Step::ALL lists the steps in order"
        );
        index += 1;
    }
};

impl StepSet {
    /// Every step.
    pub const ALL: StepSet = StepSet(u8::MAX >> (u8::BITS as usize - Step::COUNT));

    /// Adds a step.
    pub fn insert(&mut self, step: Step) {
        self.0 |= 1 << step as u8;
    }

    /// The step is in the set.
    pub fn contains(self, step: Step) -> bool {
        self.0 & (1 << step as u8) != 0
    }

    /// The steps of the set, in step order.
    pub fn iter(self) -> impl Iterator<Item = Step> {
        Step::ALL.into_iter().filter(move |step| self.contains(*step))
    }
}

impl FromIterator<Step> for StepSet {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        let mut set = Self::default();
        steps.into_iter().for_each(|step| set.insert(step));
        set
    }
}

macro_rules! display_as_inner {
    ($($type:ty),*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )*};
}
display_as_inner!(PartnerId, NotifyType, InsureNum, Digest);

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
