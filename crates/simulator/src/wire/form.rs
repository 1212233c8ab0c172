//! How `data` is laid out in the body, and which text of it is signed.

use super::super::rng::Rng;
use super::super::value::{Value, escaped, quoted};

/// The forms in which `data` can stand on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Documented,
    Alphabetical,
    Shuffled,
    Pretty,
    PrettySignedCompact,
    ShuffledSignedSorted,
    JsonString,
    Ascii,
}

impl Form {
    /// All forms.
    pub const ALL: [Form; 8] = [
        Form::Documented,
        Form::Alphabetical,
        Form::Shuffled,
        Form::Pretty,
        Form::PrettySignedCompact,
        Form::ShuffledSignedSorted,
        Form::JsonString,
        Form::Ascii,
    ];

    pub(super) fn random(rng: &mut Rng) -> Self {
        if rng.chance(0.5) {
            Form::Documented
        } else {
            *rng.pick(&Self::ALL)
        }
    }

    /// `data` as it stands in the body, and the text that is signed.
    pub fn texts(self, data: &Value, rng: &mut Rng) -> (String, String) {
        let alike = |text: String| (text.clone(), text);
        match self {
            Form::Documented => alike(data.compact()),
            Form::Alphabetical => alike(data.sorted().compact()),
            Form::Shuffled => alike(shuffled(data, rng).compact()),
            Form::Pretty => alike(data.pretty()),
            Form::PrettySignedCompact => (data.pretty(), data.compact()),
            Form::ShuffledSignedSorted => (shuffled(data, rng).compact(), data.sorted().compact()),
            Form::JsonString => (quoted(&data.compact()), data.compact()),
            Form::Ascii => alike(escaped(&data.compact())),
        }
    }
}

fn shuffled(data: &Value, rng: &mut Rng) -> Value {
    data.reordered(&mut |members| rng.shuffle(members))
}
