//! Test vectors: signed bodies as the platform sends them, with the expected result of each.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

const NOTICES: &str = include_str!("../fixtures/notices.jsonl");

/// A request with its expected result.
#[derive(Debug, Clone, Deserialize)]
pub struct Vector {
    pub name: String,
    /// The key to configure for partner 1048483.
    pub key: String,
    pub content_type: Option<String>,
    #[serde(rename = "body_b64", deserialize_with = "base64_bytes")]
    pub body: Vec<u8>,
    pub expect: Expectation,
}

/// The expected result. The last four fields are `None` for a refused request.
#[derive(Debug, Clone, Deserialize)]
pub struct Expectation {
    pub state: bool,
    /// The allowed verdicts; the answer has one of them.
    #[serde(rename = "result", deserialize_with = "one_or_many")]
    pub verdicts: Vec<String>,
    pub form: Option<String>,
    pub notify_type: Option<i64>,
    pub partner_id: Option<i64>,
    pub insure_num: Option<String>,
}

/// All vectors.
///
/// # Panics
/// If the fixture is damaged.
pub fn vectors() -> Vec<Vector> {
    NOTICES
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of the fixture is a vector"))
        .collect()
}

fn base64_bytes<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map_err(serde::de::Error::custom)
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(verdict) => vec![verdict],
        OneOrMany::Many(verdicts) => verdicts,
    })
}
