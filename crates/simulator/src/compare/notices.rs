//! The inbox: every distinct notice exactly once, with its outcome, and `seq` without gaps.

use std::collections::BTreeMap;

use bytes::Bytes;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Difference, DifferenceKind, Differences};

const TABLE: &str = "notices";

/// A row of `notices`.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct StoredNotice {
    /// The proposal.
    #[diesel(sql_type = Text)]
    pub insure_num: String,
    /// The type.
    #[diesel(sql_type = BigInt)]
    pub notify_type: i64,
    /// `outcome`
    #[diesel(sql_type = Text)]
    pub outcome: String,
    /// `seq`
    #[diesel(sql_type = Nullable<BigInt>)]
    pub seq: Option<i64>,
    /// `deliveries`
    #[diesel(sql_type = BigInt)]
    pub deliveries: i64,
    /// The stored body.
    #[diesel(sql_type = Binary)]
    pub raw: Vec<u8>,
    /// Its body was emptied because of its age: it is known by its type alone.
    #[diesel(sql_type = Bool)]
    pub pruned: bool,
}

/// A notice that was acknowledged, in the one or two spellings in which it was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedNotice {
    /// The proposal.
    pub insure_num: String,
    /// The type.
    pub notify_type: i64,
    /// The platform documents the type.
    pub documented: bool,
    /// How often it was acknowledged, and so delivered at least.
    pub acks: u32,
    /// The posted body.
    pub body: Bytes,
    /// The body in its other spelling.
    pub twin: Option<Bytes>,
}

impl ExpectedNotice {
    fn outcome(&self) -> &'static str {
        if self.documented { "applied" } else { "ignored" }
    }
}

/// Compares the inbox, proposal by proposal.
pub fn compare_notices(expected: &[ExpectedNotice], stored: &[StoredNotice], findings: &mut Differences) {
    let mut proposals: BTreeMap<&str, (Vec<&ExpectedNotice>, Vec<&StoredNotice>)> = BTreeMap::new();
    for notice in expected {
        proposals.entry(&notice.insure_num).or_default().0.push(notice);
    }
    for notice in stored {
        proposals.entry(&notice.insure_num).or_default().1.push(notice);
    }
    for (insure_num, (expected, stored)) in proposals {
        compare_sequence(insure_num, &stored, findings);
        compare_proposal(&expected, stored, findings);
    }
}

fn compare_proposal(
    expected: &[&ExpectedNotice],
    mut stored: Vec<&StoredNotice>,
    findings: &mut Differences,
) {
    for notice in expected {
        match position_of(notice, &stored) {
            Some(at) => compare_columns(notice, stored.remove(at), findings),
            None => findings.absence(
                DifferenceKind::Lost,
                TABLE,
                &notice.insure_num,
                excerpt(&notice.body),
            ),
        }
    }
    for notice in stored {
        findings.absence(
            DifferenceKind::Extra,
            TABLE,
            &notice.insure_num,
            excerpt(&notice.raw),
        );
    }
}

/// By its bytes, or else by what it says: it may have been stored under another key, or in another run.
fn position_of(notice: &ExpectedNotice, stored: &[&StoredNotice]) -> Option<usize> {
    let by_bytes = stored.iter().position(|row| sent_as(notice, &row.raw));
    let by_meaning = || {
        let meaning = meaning(&notice.body)?;
        stored
            .iter()
            .position(|row| self::meaning(&row.raw).as_ref() == Some(&meaning))
    };
    let emptied = || {
        stored
            .iter()
            .position(|row| row.pruned && row.notify_type == notice.notify_type)
    };
    by_bytes.or_else(by_meaning).or_else(emptied)
}

fn sent_as(notice: &ExpectedNotice, raw: &[u8]) -> bool {
    raw == notice.body || notice.twin.as_ref().is_some_and(|twin| raw == twin)
}

fn compare_columns(expected: &ExpectedNotice, found: &StoredNotice, findings: &mut Differences) {
    let mut wrong = Vec::new();
    if found.notify_type != expected.notify_type {
        wrong.push((
            "notify_type",
            expected.notify_type.to_string(),
            found.notify_type.to_string(),
        ));
    }
    if found.outcome != expected.outcome() {
        wrong.push(("outcome", expected.outcome().to_owned(), found.outcome.clone()));
    }
    if found.deliveries < i64::from(expected.acks) {
        wrong.push((
            "deliveries",
            format!("{} or more", expected.acks),
            found.deliveries.to_string(),
        ));
    }
    let raw = without_sign(&found.raw);
    let bodies = [Some(&expected.body), expected.twin.as_ref()];
    findings.pruned += u64::from(found.pruned);
    if !found.pruned && !bodies.into_iter().flatten().any(|body| without_sign(body) == raw) {
        wrong.push(("raw", excerpt(&expected.body), excerpt(&found.raw)));
    }
    findings.differing += u64::from(!wrong.is_empty());
    for (column, expected_value, found_value) in wrong {
        let key = excerpt(&expected.body);
        show(
            findings,
            &expected.insure_num,
            key,
            column,
            expected_value,
            found_value,
        );
    }
}

/// `seq` is 1, 2, 3… over what was applied, and NULL for all else.
fn compare_sequence(insure_num: &str, stored: &[&StoredNotice], findings: &mut Differences) {
    let applied = stored.iter().filter(|notice| notice.outcome == "applied").count();
    let mut sequence: Vec<i64> = stored.iter().filter_map(|notice| notice.seq).collect();
    sequence.sort_unstable();
    let wanted: Vec<i64> = (1..).take(applied).collect();
    if sequence != wanted {
        findings.differing += 1;
        let key = "the proposal's notices".to_owned();
        show(
            findings,
            insure_num,
            key,
            "seq",
            format!("{wanted:?}"),
            format!("{sequence:?}"),
        );
    }
}

fn show(
    findings: &mut Differences,
    insure_num: &str,
    key: String,
    column: &'static str,
    expected: String,
    found: String,
) {
    let (kind, insure_num) = (DifferenceKind::Differing, insure_num.to_owned());
    let (column, expected, found) = (Some(column), Some(expected), Some(found));
    findings.show(Difference {
        kind,
        insure_num,
        table: TABLE,
        key,
        column,
        expected,
        found,
    });
}

/// Type and data as JSON values, whatever the spelling, the envelope and the signature.
fn meaning(body: &[u8]) -> Option<(String, Value)> {
    #[derive(serde::Deserialize)]
    struct Envelope<'a> {
        #[serde(rename = "notifyType")]
        notify_type: Value,
        #[serde(borrow)]
        data: &'a RawValue,
    }
    let envelope: Envelope<'_> = serde_json::from_slice(body).ok()?;
    let notify_type = envelope.notify_type.to_string().replace('"', "");
    let data = match serde_json::from_str(envelope.data.get()).ok()? {
        Value::String(text) => serde_json::from_str(&text).ok()?,
        other => other,
    };
    Some((notify_type, data))
}

/// The body without the value of its `sign`, which a change of keys changes too.
fn without_sign(body: &[u8]) -> Vec<u8> {
    const MARK: &[u8] = b"\"sign\":\"";
    let Some(start) = body.windows(MARK.len()).position(|window| window == MARK) else {
        return body.to_vec();
    };
    let value = start + MARK.len();
    let end = body[value..]
        .iter()
        .position(|byte| *byte == b'"')
        .map_or(body.len(), |at| value + at);
    [&body[..value], &body[end..]].concat()
}

fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let short: String = text.chars().take(200).collect();
    if short.len() < text.len() {
        format!("{short}…")
    } else {
        short
    }
}
