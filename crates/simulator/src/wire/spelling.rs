//! Habits of one notice: numbers in quotes, empty fields spelled out, how names are joined.

use super::super::rng::Rng;
use super::super::value::Value;
use super::words;

/// Most notices keep to the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spelling {
    quotes_numbers: bool,
    bares_identifiers: bool,
    spells_out_empty: bool,
}

impl Spelling {
    /// A random spelling.
    pub fn random(rng: &mut Rng) -> Self {
        Self {
            quotes_numbers: rng.chance(0.08),
            bares_identifiers: rng.chance(0.06),
            spells_out_empty: rng.chance(0.08),
        }
    }

    /// A number in this spelling.
    pub fn number(self, number: i64, rng: &mut Rng) -> Value {
        if self.quotes_numbers && rng.chance(0.7) {
            Value::text(number.to_string())
        } else {
            Value::literal(number)
        }
    }

    /// A string in the payment notice's table, an integer elsewhere.
    pub fn gateway(self, gateway: i64, rng: &mut Rng) -> Value {
        if rng.chance(0.3) {
            Value::literal(gateway)
        } else {
            Value::text(gateway.to_string())
        }
    }

    /// Bare only if it is how JSON would spell the number: no zero in front.
    pub fn identifier(self, text: &str, rng: &mut Rng) -> Value {
        let numeric = !text.starts_with('0') && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if numeric && self.bares_identifiers && rng.chance(0.7) {
            return Value::literal(text);
        }
        Value::text(text)
    }

    /// Empty fields appear in the body, in some cases.
    pub fn spells_out_empty(self, rng: &mut Rng) -> bool {
        self.spells_out_empty && rng.chance(0.6)
    }

    /// Names joined by one of the separators that are seen, sometimes with blanks around.
    pub fn names(self, names: &[String], rng: &mut Rng) -> Option<String> {
        if names.is_empty() {
            return None;
        }
        let mut joined = names[0].clone();
        for name in &names[1..] {
            let separator = if rng.chance(0.7) {
                ","
            } else {
                *rng.pick(words::SEPARATORS)
            };
            joined.push_str(separator);
            joined.push_str(name);
        }
        Some(if rng.chance(0.03) {
            format!(" {joined} ,")
        } else {
            joined
        })
    }
}
