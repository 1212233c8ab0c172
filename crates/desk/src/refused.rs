//! Requests that the receivers refused, and the notices to ask the platform for again.

pub mod text;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use xiebao_core::id::NotifyType;
pub use xiebao_store::sql::refused::Filter;
use xiebao_store::sql::refused::{self, Group};
use xiebao_store::{Store, StoreError};

use crate::screen::{beijing, columns, cut_to, plain};
use crate::words::Words;

/// Why receivers refuse requests.
pub const VERDICTS: [&str; 6] = [
    "unavailable",
    "bad_signature",
    "unknown_partner",
    "malformed",
    "too_large",
    "not_allowed",
];

/// The answer to [`list`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedList {
    /// One entry per notice, as far as the requests identify it; the last tried first.
    pub refused: Vec<Refused>,
    /// There are more.
    pub cut: bool,
}

/// A notice that was refused, as far as its requests identify it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Its proposal.
    pub insure_num: Option<String>,
    /// Its type.
    pub notify_type: Option<NotifyType>,
    /// Its partner.
    pub partner_id: Option<i64>,
    /// Its signature is right. Otherwise number, type and partner are claims.
    pub verified: bool,
    /// The digest of a verified notice.
    pub digest: Option<String>,
    /// Why it was refused, one of [`VERDICTS`].
    pub verdict: String,
    /// The address that sent the last request.
    pub source: Option<String>,
    /// How many addresses sent it.
    pub sources: i64,
    /// When it was refused first.
    pub first_at: DateTime<Utc>,
    /// When it was refused last.
    pub last_at: DateTime<Utc>,
    /// How many requests were refused.
    pub tries: i64,
    /// The notice has come since. `None` if the requests do not identify it.
    pub arrived: Option<bool>,
}

/// The refused notices that match, at most `limit` of them.
pub async fn list(store: &Store, filter: &Filter, limit: u32) -> Result<RefusedList, StoreError> {
    let mut conn = store.connection().await?;
    let most = i64::from(limit);
    let mut groups = refused::groups(&mut conn, filter, most + 1).await?;
    let cut = cut_to(&mut groups, most);
    Ok(RefusedList {
        refused: groups.into_iter().map(Refused::of).collect(),
        cut,
    })
}

impl Refused {
    fn of(group: Group) -> Self {
        let is_identified = group.says_which();
        Self {
            insure_num: group.insure_num,
            notify_type: group.notify_type.map(NotifyType),
            partner_id: group.partner_id,
            verified: group.digest.is_some(),
            digest: group.digest,
            verdict: group.verdict,
            source: group.source,
            sources: group.sources,
            first_at: group.first_at.and_utc(),
            last_at: group.last_at.and_utc(),
            tries: group.tries,
            arrived: is_identified.then_some(group.arrived),
        }
    }

    /// `2026-07-23 09:15:02 ~ 2026-07-23 14:15:02`, or one time if both lie within a second.
    pub fn span(&self) -> String {
        let (first, last) = (beijing(self.first_at), beijing(self.last_at));
        if self.last_at - self.first_at < TimeDelta::seconds(1) {
            first
        } else {
            format!("{first} ~ {last}")
        }
    }

    fn row(&self, words: &dyn Words) -> [String; 7] {
        let number = self.insure_num.as_deref().map_or_else(|| "-".to_owned(), plain);
        let number = if self.verified {
            number
        } else {
            format!("{number} *")
        };
        let source = self.source.as_deref().map_or_else(|| "-".to_owned(), plain);
        let source = match self.sources {
            ..=1 => source,
            more => format!("{source} +{}", more - 1),
        };
        [
            number,
            self.notify_type
                .map_or_else(|| "-".to_owned(), |number| words.notice(Some(number))),
            plain(&self.verdict),
            words.times(self.tries),
            self.span(),
            source,
            words.has_arrived(self.arrived).to_owned(),
        ]
    }
}

impl RefusedList {
    /// The list as text.
    pub fn page(&self, words: &dyn Words) -> String {
        if self.refused.is_empty() {
            return words.nothing_refused().to_owned();
        }
        let rows: Vec<[String; 7]> = self.refused.iter().map(|refused| refused.row(words)).collect();
        let mut page = format!("{}\n{}", words.times_are_beijing(), columns(0, &rows));
        if self.refused.iter().any(|refused| !refused.verified) {
            page += words.claims_are_claims();
        }
        page + &words.if_cut(self.cut, self.refused.len())
    }

    /// The text to send to the platform, in Chinese.
    pub fn text(&self) -> String {
        text::of(&self.refused, self.cut)
    }
}
