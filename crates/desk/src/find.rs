//! Proposals found by a clue of a customer: a policy, the user, a name; and those whose cancellation names a stranger.

use std::collections::BTreeMap;

use serde::Serialize;
use xiebao_core::lifecycle::Status;
use xiebao_core::names;
use xiebao_store::sql::find::{self, Summary};
use xiebao_store::{Connection, Store, StoreError};

use crate::screen::{columns, cut_to, plain};
use crate::words::{Flags, Label, Words};

/// The clue of a customer. Surrounding blanks of a policy and a name do not count, nor does the kind of dot in a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clue {
    /// The number of a policy.
    Policy(String),
    /// The full name of an insured person or applicant.
    Name(String),
    /// The user at the partner (`partnerUniqueKey`).
    User(String),
    /// A cancellation names a person who is in no policy.
    Unmatched,
}

/// The answer to [`find`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundProposals {
    /// The proposals that fit.
    pub proposals: Vec<FoundProposal>,
    /// There are more.
    pub cut: bool,
}

/// A proposal that fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundProposal {
    /// Its number.
    pub insure_num: String,
    /// The user at the partner.
    pub partner_unique_key: Option<String>,
    /// How far it is, as in `proposals.status`.
    pub status: Option<String>,
    /// An abnormality was reported.
    pub abnormal: bool,
    /// The numbers of its policies.
    pub policies: Vec<String>,
}

/// The proposals that fit the clue, at most `limit` of them.
pub async fn find(store: &Store, clue: &Clue, limit: u32) -> Result<FoundProposals, StoreError> {
    let mut conn = store.connection().await?;
    let most = i64::from(limit);
    let mut numbers = numbers(&mut conn, clue, most + 1).await?;
    let cut = cut_to(&mut numbers, most);
    Ok(FoundProposals {
        proposals: described(&mut conn, &numbers).await?,
        cut,
    })
}

async fn numbers(conn: &mut Connection, clue: &Clue, most: i64) -> Result<Vec<String>, StoreError> {
    match clue {
        Clue::Policy(policy) => find::by_policy(conn, policy.trim()).await,
        Clue::Name(name) => find::by_name(conn, &names::spellings(name), most).await,
        Clue::Unmatched => find::unmatched(conn, most).await,
        Clue::User(user) => find::by_user(conn, user, most).await,
    }
}

async fn described(conn: &mut Connection, numbers: &[String]) -> Result<Vec<FoundProposal>, StoreError> {
    let summaries = find::summaries(conn, numbers).await?;
    let mut policies: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (number, policy) in find::policy_numbers(conn, numbers).await? {
        policies.entry(number).or_default().push(policy);
    }
    let found = |summary: Summary| FoundProposal {
        policies: policies.remove(&summary.insure_num).unwrap_or_default(),
        insure_num: summary.insure_num,
        partner_unique_key: summary.partner_unique_key,
        status: summary.status,
        abnormal: summary.abnormal,
    };
    Ok(summaries.into_iter().map(found).collect())
}

impl FoundProposals {
    /// The list as text.
    pub fn page(&self, words: &dyn Words) -> String {
        if self.proposals.is_empty() {
            return words.nothing_found().to_owned();
        }
        let rows: Vec<[String; 4]> = self.proposals.iter().map(|found| found.row(words)).collect();
        let cut = words.if_cut(self.cut, self.proposals.len());
        format!("{}{cut}", columns(0, &rows))
    }
}

impl FoundProposal {
    fn row(&self, words: &dyn Words) -> [String; 4] {
        let status = self.status.as_deref().map(|name| match Status::from_name(name) {
            Some(status) => words.status(status).to_owned(),
            None => plain(name),
        });
        let mut standing = vec![status.unwrap_or_else(|| "-".to_owned())];
        standing.extend(words.flags(Flags {
            abnormal: self.abnormal,
            ..Flags::default()
        }));
        let policies: Vec<String> = self.policies.iter().map(|policy| plain(policy)).collect();
        let policies = match policies.is_empty() {
            true => String::new(),
            false => words.pair(words.label(Label::Policies), &words.list(&policies)),
        };
        let user = self.partner_unique_key.as_deref().map(plain).unwrap_or_default();
        [plain(&self.insure_num), words.clauses(&standing), user, policies]
    }
}
