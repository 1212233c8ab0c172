//! Secrets that no log may contain, in every form in which a log could have them.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use serde_json::Value;
use url::Url;
use xiebao_simulator::value::{escaped, quoted};
use xiebao_testkit::PARTNER;

use super::troubles::{OTHER_PARTNER, STRANGER};

/// Shorter texts of ASCII ("z", "14") stand in any line by chance.
const SHORTEST: usize = 3;

#[derive(Debug, Default)]
pub struct Sought(BTreeSet<String>);

impl Sought {
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Every text and number of a body, and its signature.
    pub fn add_body(&mut self, body: &[u8]) {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            // Malformed on purpose: nobody can have read more of it than this.
            return self.add(&String::from_utf8_lossy(body));
        };
        self.add_all(&body["data"]);
        self.add_all(&body["sign"]);
    }

    fn add_all(&mut self, value: &Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => self.add(&number.to_string()),
            Value::String(text) => match serde_json::from_str::<Value>(text) {
                Ok(inner @ Value::Object(_)) => self.add_all(&inner),
                _ => self.add_text(text),
            },
            Value::Array(items) => items.iter().for_each(|item| self.add_all(item)),
            Value::Object(members) => members.values().for_each(|value| self.add_all(value)),
        }
    }

    /// The text, and each name where it is a list of names.
    fn add_text(&mut self, text: &str) {
        self.add(text);
        text.split([',', '，', '、']).for_each(|name| self.add(name));
    }

    pub fn add(&mut self, text: &str) {
        let text = text.trim();
        let partners = [PARTNER, OTHER_PARTNER, STRANGER].map(|partner| partner.to_string());
        // A partner is named in the logs on purpose.
        if text.is_empty() || partners.contains(&text.to_owned()) {
            return;
        }
        if text.is_ascii() && text.len() < SHORTEST {
            return;
        }
        self.0.extend(forms(text));
    }

    pub fn add_password(&mut self, url: &str) {
        let url = Url::parse(url).expect("an address");
        self.add(url.password().expect("there is a password"));
    }

    /// Each text with something in it that was looked for, by what is said beside it.
    pub fn found_in(&self, texts: impl Iterator<Item = (String, String)>) -> Vec<String> {
        let patterns: Vec<&String> = self.0.iter().collect();
        let searcher = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(&patterns)
            .expect("the patterns are few enough");
        let mut found = vec![];
        for (text, whole) in texts {
            let hits = searcher.find_overlapping_iter(&text);
            let hits = hits.filter(|hit| stands_alone(&text, hit.start(), hit.end()));
            found.extend(hits.map(|hit| format!("{:?} in {whole}", patterns[hit.pattern().as_usize()])));
        }
        found
    }
}

/// As it is; as JSON escapes it; as `Debug` shows its bytes, as text or as numbers.
fn forms(text: &str) -> BTreeSet<String> {
    let json = quoted(text);
    let json = json.trim_matches('"');
    let numbers: Vec<String> = text.bytes().map(|byte| byte.to_string()).collect();
    [
        text.to_owned(),
        json.to_owned(),
        escaped(json),
        text.as_bytes().escape_ascii().to_string(),
        numbers.join(", "),
    ]
    .into()
}

/// A number or a word of ASCII counts only where it is not part of a longer one, such as a digest.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let (before, hit, behind) = (&text[..start], &text[start..end], &text[end..]);
    let word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let begins_in_a_word = word(before.chars().next_back()) && word(hit.chars().next());
    let ends_in_a_word = word(behind.chars().next()) && word(hit.chars().next_back());
    !(begins_in_a_word || ends_in_a_word)
}
