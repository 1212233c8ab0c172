//! Habits of one notice: numbers in quotes, empty fields spelled out, how names are joined.

use super::super::draw::Draw;
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
    pub fn draw(draw: &mut Draw) -> Self {
        Self {
            quotes_numbers: draw.chance(0.08),
            bares_identifiers: draw.chance(0.06),
            spells_out_empty: draw.chance(0.08),
        }
    }

    pub fn number(self, number: i64, draw: &mut Draw) -> Value {
        if self.quotes_numbers && draw.chance(0.7) {
            Value::text(number.to_string())
        } else {
            Value::literal(number)
        }
    }

    /// A string in the payment notice's table, an integer elsewhere.
    pub fn gateway(self, gateway: i64, draw: &mut Draw) -> Value {
        if draw.chance(0.3) {
            Value::literal(gateway)
        } else {
            Value::text(gateway.to_string())
        }
    }

    /// Bare only if it is how JSON would spell the number: no zero in front.
    pub fn identifier(self, text: &str, draw: &mut Draw) -> Value {
        let numeric = !text.starts_with('0') && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if numeric && self.bares_identifiers && draw.chance(0.7) {
            return Value::literal(text);
        }
        Value::text(text)
    }

    pub fn spells_out_empty(self, draw: &mut Draw) -> bool {
        self.spells_out_empty && draw.chance(0.6)
    }

    /// Names joined by one of the separators that are seen, sometimes with blanks around.
    pub fn names(self, names: &[String], draw: &mut Draw) -> Option<String> {
        if names.is_empty() {
            return None;
        }
        let mut joined = names[0].clone();
        for name in &names[1..] {
            let separator = if draw.chance(0.7) {
                ","
            } else {
                *draw.pick(words::SEPARATORS)
            };
            joined.push_str(separator);
            joined.push_str(name);
        }
        Some(if draw.chance(0.03) {
            format!(" {joined} ,")
        } else {
            joined
        })
    }
}
